//! The first rows of a file, split into fields.

use engine_core::num::parse_decimal;

use super::decoding::decoded;
use super::lines::Fields;
use super::moment::MomentParser;

/// The first rows of a file.
#[derive(Debug, Default)]
pub(crate) struct Sample {
    pub(crate) delimiter: u8,
    pub(crate) rows: Vec<Vec<String>>,
}

impl Sample {
    /// Splits the first lines at the delimiter that the first of them has most of.
    pub(crate) fn new(lines: &[Vec<u8>]) -> Self {
        let first = lines.first().map(Vec::as_slice).unwrap_or_default();
        let count = |delimiter: u8| first.iter().filter(|byte| **byte == delimiter).count();
        let delimiter =
            [b',', b';', b'\t', b'|'].into_iter().rev().max_by_key(|byte| count(*byte)).unwrap_or(b',');
        let mut fields = Fields::default();
        let row = |line: &Vec<u8>| {
            fields.split(line, delimiter);
            let field = |index| decoded(fields.get(line, index));
            (0..fields.len()).map(field).collect()
        };
        Self { delimiter, rows: lines.iter().map(row).collect() }
    }

    /// The names in the first row; none where it holds data.
    pub(crate) fn header(&self) -> &[String] {
        let first = self.rows.first().map(Vec::as_slice).unwrap_or_default();
        if first.iter().any(|field| is_value(field)) { &[] } else { first }
    }
}

/// Whether a field holds data rather than a name.
pub(crate) fn is_value(field: &str) -> bool {
    let number = parse_decimal(field.as_bytes(), 0).is_ok();
    number || MomentParser::new(None).parse(field.as_bytes()).is_ok() || field.eq_ignore_ascii_case("nan")
}
