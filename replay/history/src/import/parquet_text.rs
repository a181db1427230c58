//! Parquet files as delimited text, so that every check of text rows also holds for them.
//!
//! Rows come one at a time; what is held at once is one batch of each column. The reader underneath panics on
//! some damaged files: such a panic becomes an error here.

use std::fs::File;
use std::io::{self, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};

use parquet::basic::{LogicalType, TimeUnit};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::reader::RowIter;
use parquet::record::{Field, Row};
use parquet::schema::types::Type;

use super::nautilus::{self, Fixed};
use super::rewrite::hand_out;

/// The text of a Parquet file, header first.
pub struct ParquetText {
    rows: RowIter<'static>,
    fixed: Vec<Fixed>,
    text: Vec<u8>,
    taken: usize,
}

impl core::fmt::Debug for ParquetText {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        out.debug_struct("ParquetText").field("taken", &self.taken).finish_non_exhaustive()
    }
}

impl ParquetText {
    /// Opens `file`.
    ///
    /// # Errors
    /// What is wrong with it, as a sentence's beginning.
    pub fn open(file: File) -> Result<Self, String> {
        let opened = catch_unwind(|| {
            let reader =
                SerializedFileReader::new(file).map_err(|error| format!("it cannot be read ({error})"))?;
            let schema = reader.metadata().file_metadata().schema();
            let (header, fixed) = match nautilus::columns(schema) {
                Some(columns) => {
                    let (names, fixed): (Vec<String>, _) = columns.into_iter().unzip();
                    (names.join(",") + "\n", fixed)
                }
                None => (header(schema), Vec::new()),
            };
            Ok::<_, String>((RowIter::from_file_into(Box::new(reader)), header, fixed))
        });
        let (rows, header, fixed) =
            opened.unwrap_or_else(|_| Err("its description is damaged".to_owned()))?;
        Ok(Self { rows, fixed, text: header.into_bytes(), taken: 0 })
    }

    /// Whether its numbers are the fixed-point ones of nautilus_trader.
    pub(crate) fn is_nautilus(&self) -> bool {
        !self.fixed.is_empty()
    }

    fn next_row(&mut self) -> io::Result<bool> {
        let row = catch_unwind(AssertUnwindSafe(|| self.rows.next()));
        let row = row.map_err(|_| io::Error::other("the reader of Parquet failed on a damaged row group"))?;
        let Some(row) = row else { return Ok(false) };
        let row = row.map_err(io::Error::other)?;
        self.text.clear();
        self.taken = 0;
        let line = catch_unwind(|| line(&row, &self.fixed));
        let line = line.map_err(|_| io::Error::other("a value of the Parquet file cannot be shown"))?;
        self.text.extend(line.into_bytes());
        Ok(true)
    }
}

impl Read for ParquetText {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.text.len() && !self.next_row()? {
            return Ok(0);
        }
        Ok(hand_out(&self.text, &mut self.taken, room))
    }
}

/// Names of the columns, with the unit of those that hold moments.
fn header(schema: &Type) -> String {
    let names = schema.get_fields().iter().map(|field| {
        let suffix = match field.get_basic_info().logical_type_ref() {
            Some(LogicalType::Timestamp(timestamp)) => match timestamp.unit {
                TimeUnit::MILLIS => "_ms",
                TimeUnit::MICROS => "_us",
                TimeUnit::NANOS => "_ns",
            },
            _ => "",
        };
        let name = field.name();
        let stated = suffix.is_empty() || name.ends_with(suffix);
        quoted(if stated { name.to_owned() } else { format!("{name}{suffix}") })
    });
    names.collect::<Vec<_>>().join(",") + "\n"
}

fn line(row: &Row, fixed: &[Fixed]) -> String {
    let cells = row.get_column_iter().enumerate().map(|(place, (_, field))| {
        let fixed = fixed.get(place).copied().unwrap_or(Fixed::Plain);
        quoted(nautilus::cell(field, fixed).unwrap_or_else(|| cell(field)))
    });
    cells.collect::<Vec<_>>().join(",") + "\n"
}

#[expect(clippy::wildcard_enum_match_arm, reason = "a foreign enum: every other value shows itself as text")]
fn cell(field: &Field) -> String {
    match field {
        Field::Null => String::new(),
        Field::Str(text) => text.clone(),
        Field::Bytes(bytes) => String::from_utf8_lossy(bytes.data()).into_owned(),
        Field::TimestampMillis(number) | Field::TimestampMicros(number) => number.to_string(),
        other => other.to_string(),
    }
}

/// A cell that a comma, a quote or a line end in it cannot break.
fn quoted(cell: String) -> String {
    if !cell.contains([',', '"', '\n', '\r']) {
        return cell;
    }
    format!("\"{}\"", cell.replace(['"', '\n', '\r'], "'"))
}
