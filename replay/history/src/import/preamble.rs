//! What stands in front of the rows of a table: addresses, comments, titles.

use super::columns::named;
use super::lines::Fields;
use super::sample::is_value;

/// Lines among which the table must begin.
const SOUGHT_LINES: usize = 40;

const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// The first lines of a file without what is no table.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Opening {
    /// Number of the line in front of the table's first; zero when the table begins the file.
    pub(crate) preamble: u64,
    /// Number of the table's first line.
    pub(crate) first: u64,
    /// That line as it stands in the file.
    pub(crate) first_line: Vec<u8>,
    /// The table's lines: its header, if it has one, and its first rows.
    pub(crate) lines: Vec<Vec<u8>>,
}

/// Whether a line says something about the rows instead of being one.
pub(crate) fn is_comment(line: &[u8]) -> bool {
    line.first() == Some(&b'#') || line.starts_with(b"//")
}

/// Takes away what stands in front of the table and separators that end its lines.
pub(crate) fn opening(numbered: Vec<(u64, Vec<u8>)>) -> Opening {
    let Some((delimiter, width)) = table_shape(&numbered) else {
        let comments = numbered.iter().all(|(_, line)| is_comment(line));
        return if comments { Opening::default() } else { whole(numbered) };
    };
    let mut preamble = 0;
    let mut rest = numbered.into_iter();
    for _ in 0..SOUGHT_LINES {
        let Some((number, line)) = rest.next() else { break };
        if let Some(header) = commented_header(&line, delimiter, width) {
            return Opening { first_line: line, ..table(preamble, number, header, rest, delimiter) };
        }
        if is_comment(&line) || is_title(&line, delimiter, width) {
            preamble = number;
            continue;
        }
        return Opening { first_line: line.clone(), ..table(preamble, number, line, rest, delimiter) };
    }
    Opening::default()
}

/// The first lines of a file that is known to begin with its table.
pub(crate) fn whole(numbered: Vec<(u64, Vec<u8>)>) -> Opening {
    let first = numbered.first().map_or(0, |(number, _)| *number);
    let lines: Vec<Vec<u8>> = numbered.into_iter().map(|(_, line)| line).collect();
    Opening { preamble: 0, first, first_line: lines.first().cloned().unwrap_or_default(), lines }
}

fn table(
    preamble: u64,
    first: u64,
    header: Vec<u8>,
    rest: impl Iterator<Item = (u64, Vec<u8>)>,
    delimiter: u8,
) -> Opening {
    let rows = rest.map(|(_, line)| line).filter(|line| !is_comment(line));
    let mut lines: Vec<Vec<u8>> = std::iter::once(header).chain(rows).collect();
    let names =
        lines.first().is_some_and(|line| !fields(line, delimiter).iter().any(|field| is_value(field)));
    if names || lines.iter().all(|line| line.last() == Some(&delimiter)) {
        let trimmed = if names { 1 } else { lines.len() };
        for line in lines.iter_mut().take(trimmed) {
            while line.last() == Some(&delimiter) {
                line.pop();
            }
        }
    }
    Opening { preamble, first, first_line: Vec::new(), lines }
}

/// The separator and the number of columns that most of the lines have.
fn table_shape(numbered: &[(u64, Vec<u8>)]) -> Option<(u8, usize)> {
    let mut best: Option<(usize, usize, u8)> = None;
    for delimiter in DELIMITERS {
        let widths: Vec<usize> = numbered.iter().map(|(_, line)| fields(line, delimiter).len()).collect();
        for width in widths.iter().filter(|width| **width > 1) {
            let lines = widths.iter().filter(|other| *other == width).count();
            if best.is_none_or(|(most, widest, _)| (lines, *width) > (most, widest)) {
                best = Some((lines, *width, delimiter));
            }
        }
    }
    best.map(|(_, width, delimiter)| (delimiter, width))
}

fn fields(line: &[u8], delimiter: u8) -> Vec<String> {
    let mut fields = Fields::default();
    fields.split(line, delimiter);
    (0..fields.len()).map(|index| String::from_utf8_lossy(fields.get(line, index)).into_owned()).collect()
}

fn names_columns(fields: &[String]) -> bool {
    fields.iter().filter(|field| !field.is_empty() && named(field).is_some()).count() >= 2
}

/// `# time,open,high,low,close`: a header that looks like a comment.
fn commented_header(line: &[u8], delimiter: u8, width: usize) -> Option<Vec<u8>> {
    let text = line.strip_prefix(b"#").or_else(|| line.strip_prefix(b"//"))?.trim_ascii_start();
    let fields = fields(text, delimiter);
    (fields.len() == width && names_columns(&fields)).then(|| text.to_vec())
}

/// A line with fewer columns than the table, none of them data or the name of a column.
fn is_title(line: &[u8], delimiter: u8, width: usize) -> bool {
    let fields = fields(line, delimiter);
    fields.len() < width && !names_columns(&fields) && !fields.iter().any(|field| is_value(field))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(text: &str) -> (u64, u64, Vec<String>) {
        let lines = text.lines().enumerate();
        let numbered = lines.map(|(at, line)| (at as u64 + 1, line.as_bytes().to_vec())).collect();
        let Opening { preamble, first, lines, .. } = opening(numbered);
        (preamble, first, lines.into_iter().map(|line| String::from_utf8(line).unwrap()).collect())
    }

    #[test]
    fn what_is_no_table_goes() {
        let rows = "time,open,close\n1,2,3\n2,3,4";
        let expected: Vec<String> = rows.lines().map(str::to_owned).collect();
        assert_eq!(opened(rows), (0, 1, expected.clone()));
        assert_eq!(opened(&format!("https://www.example.com\n{rows}")), (1, 2, expected.clone()));
        assert_eq!(opened(&format!("# a, b\n// c\n{rows}")), (2, 3, expected.clone()));
        assert_eq!(opened(&format!("Prices of Bitcoin, in dollars\n{rows}")), (1, 2, expected.clone()));
        let commented = rows.replacen("time", "# time", 1);
        assert_eq!(opened(&commented), (0, 1, expected.clone()));
        assert_eq!(opened(&rows.replacen("close", "close,,", 1)).2, expected);
    }

    #[test]
    fn what_is_part_of_the_table_stays() {
        // A header that is too short for its rows, and a row that was cut.
        assert_eq!(opened("time,open\n1,2,3\n2,3,4").1, 1);
        assert_eq!(opened("1,2\n1,2,3\n2,3,4").1, 1);
        assert_eq!(opened("once upon a time\nthere was").1, 1);
        assert_eq!(opened("1,2,\n3,4,").2, ["1,2", "3,4"]);
        assert_eq!(opened("1,2,\n3,4,5").2, ["1,2,", "3,4,5"]);
    }
}
