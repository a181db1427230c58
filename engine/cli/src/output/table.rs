//! Tables of text.

use std::io::Write;

use super::escape::one_line;

/// Lines in columns: each as wide as its widest cell, numbers to the right.
#[must_use]
pub fn columns(head: &[&str], rows: &[Vec<String>]) -> String {
    measured(head, rows).0
}

/// The lines, and how wide their columns are.
fn measured(head: &[&str], rows: &[Vec<String>]) -> (String, Vec<usize>) {
    let rows: Vec<Vec<String>> = rows.iter().map(|row| on_one_line(row)).collect();
    let widths = widths(head, &rows);
    let head: Vec<String> = head.iter().map(|&cell| cell.to_owned()).collect();
    let text = std::iter::once(&head).chain(&rows).map(|row| line(row, &widths)).collect();
    (text, widths)
}

/// Rows that decide how wide the columns of a [`StreamedTable`] are.
const ROWS_MEASURED: usize = 1_000;

/// [`columns`] written as its rows come. The first thousand say how wide the columns are; a wider cell behind them
/// pushes its line to the right.
#[derive(Debug)]
pub struct StreamedTable<'a> {
    head: &'a [&'a str],
    measured: Vec<Vec<String>>,
    widths: Option<Vec<usize>>,
}

impl<'a> StreamedTable<'a> {
    /// A table with these names of columns.
    #[must_use]
    pub const fn new(head: &'a [&'a str]) -> Self {
        Self { head, measured: Vec::new(), widths: None }
    }

    /// Whether it has no rows yet.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.measured.is_empty() && self.widths.is_none()
    }

    /// Adds a row; it is written at once when the columns have their widths.
    ///
    /// # Errors
    /// What writing says.
    pub fn push(&mut self, out: &mut impl Write, row: Vec<String>) -> std::io::Result<()> {
        if let Some(widths) = &self.widths {
            return out.write_all(line(&on_one_line(&row), widths).as_bytes());
        }
        self.measured.push(row);
        if self.measured.len() < ROWS_MEASURED {
            return Ok(());
        }
        self.write_measured(out)?;
        // Whoever waits for the first rows has them now.
        out.flush()
    }

    /// Writes what has not been written.
    ///
    /// # Errors
    /// What writing says.
    pub fn finish(mut self, out: &mut impl Write) -> std::io::Result<()> {
        if self.widths.is_some() { Ok(()) } else { self.write_measured(out) }
    }

    fn write_measured(&mut self, out: &mut impl Write) -> std::io::Result<()> {
        let rows: Vec<Vec<String>> = std::mem::take(&mut self.measured);
        let (text, widths) = measured(self.head, &rows);
        self.widths = Some(widths);
        out.write_all(text.as_bytes())
    }
}

fn on_one_line(row: &[String]) -> Vec<String> {
    row.iter().map(|cell| one_line(cell).into_owned()).collect()
}

fn widths(head: &[&str], rows: &[Vec<String>]) -> Vec<usize> {
    let width = |index: usize| {
        let cells = rows.iter().filter_map(|row| row.get(index)).map(|cell| cell.chars().count());
        cells.chain(head.get(index).map(|cell| cell.chars().count())).max().unwrap_or(0)
    };
    (0..head.len()).map(width).collect()
}

fn line(row: &[String], widths: &[usize]) -> String {
    let cells = row.iter().zip(widths).map(|(cell, width)| {
        let numeric = cell.starts_with(|c: char| c.is_ascii_digit() || c == '-');
        if numeric { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
    });
    let mut line = cells.collect::<Vec<_>>().join("  ").trim_end().to_owned();
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_line_up() {
        let rows = [vec!["a".to_owned(), "-1.5".to_owned()], vec!["longer".to_owned(), "22".to_owned()]];
        assert_eq!(columns(&["name", "profit"], &rows), "name    profit\na         -1.5\nlonger      22\n");
    }

    #[test]
    fn a_cell_never_breaks_its_line() {
        assert_eq!(columns(&["name"], &[vec!["a\nb".to_owned()]]), "name\na\\nb\n");
    }

    #[test]
    fn a_streamed_table_is_the_table_and_does_not_wait_for_its_end() {
        let row = |number: usize| vec![number.to_string(), (number % 700).to_string()];
        for count in [1, 999, 1_000, 1_001, 2_500] {
            let rows: Vec<Vec<String>> = (1..=count).map(row).collect();
            let (mut written, mut table) = (Vec::new(), StreamedTable::new(&["#", "sevens"]));
            assert!(table.is_empty());
            for (index, row) in rows.iter().enumerate() {
                table.push(&mut written, row.clone()).unwrap();
                assert!(!table.is_empty());
                let lines = written.iter().filter(|byte| **byte == b'\n').count();
                assert_eq!(lines, if index + 1 < ROWS_MEASURED { 0 } else { index + 2 });
            }
            table.finish(&mut written).unwrap();
            assert_eq!(String::from_utf8(written).unwrap(), columns(&["#", "sevens"], &rows), "{count} rows");
        }
    }
}
