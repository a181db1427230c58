//! Tables of text.

use super::escape::one_line;

/// Lines in columns: each as wide as its widest cell, numbers to the right.
#[must_use]
pub fn columns(head: &[&str], rows: &[Vec<String>]) -> String {
    let rows: Vec<Vec<String>> =
        rows.iter().map(|row| row.iter().map(|cell| one_line(cell).into_owned()).collect()).collect();
    let width = |index: usize| {
        let cells = rows.iter().filter_map(|row| row.get(index)).map(|cell| cell.chars().count());
        cells.chain(head.get(index).map(|cell| cell.chars().count())).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let mut text = String::new();
    let head: Vec<String> = head.iter().map(|&cell| cell.to_owned()).collect();
    for row in std::iter::once(&head).chain(&rows) {
        let cells = row.iter().zip(&widths).map(|(cell, width)| {
            let numeric = cell.starts_with(|c: char| c.is_ascii_digit() || c == '-');
            if numeric { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
        });
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
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
}
