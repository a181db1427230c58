//! Arrow files, which is feather of version 2, as delimited text, so that every check of text rows also holds for
//! them.
//!
//! What is held at once is one batch of rows. The reader underneath panics on some damaged files: such a panic
//! becomes an error here.

use std::fs::File;
use std::io::{self, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use arrow_array::{Array, RecordBatch};
use arrow_ipc::reader::FileReader;
use arrow_schema::{DataType, Field, Schema, TimeUnit};

use super::rewritten::hand_out;

/// The text of an Arrow file, header first.
pub(crate) struct ArrowText {
    reader: FileReader<File>,
    batch: Option<RecordBatch>,
    row: usize,
    text: Vec<u8>,
    taken: usize,
}

impl ArrowText {
    /// Opens `file`.
    ///
    /// # Errors
    /// What is wrong with it, as a sentence's beginning.
    pub(crate) fn open(file: File) -> Result<Self, String> {
        let opened = catch_unwind(AssertUnwindSafe(|| FileReader::try_new(file, None)));
        let reader = opened.map_err(|_| "its description is damaged".to_owned())?;
        let reader = reader.map_err(|error| format!("it cannot be read ({error})"))?;
        let text = header(&reader.schema())?.into_bytes();
        Ok(Self { reader, batch: None, row: 0, text, taken: 0 })
    }

    fn next_row(&mut self) -> io::Result<bool> {
        self.text.clear();
        self.taken = 0;
        loop {
            if let Some(batch) = self.batch.as_ref().filter(|batch| self.row < batch.num_rows()) {
                let cells = batch.columns().iter().map(|column| cell(column.as_ref(), self.row));
                let line = cells.collect::<Vec<_>>().join(",");
                self.text.extend(line.into_bytes());
                self.text.push(b'\n');
                self.row += 1;
                return Ok(true);
            }
            let next = catch_unwind(AssertUnwindSafe(|| self.reader.next()));
            let next = next.map_err(|_| io::Error::other("the reader of Arrow failed on a damaged batch"))?;
            let Some(batch) = next else { return Ok(false) };
            self.batch = Some(batch.map_err(io::Error::other)?);
            self.row = 0;
        }
    }
}

impl Read for ArrowText {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.text.len() && !self.next_row()? {
            return Ok(0);
        }
        Ok(hand_out(&self.text, &mut self.taken, room))
    }
}

/// Names of the columns, with the unit of those that hold moments.
fn header(schema: &Schema) -> Result<String, String> {
    let names: Vec<String> = schema.fields().iter().map(|field| name(field)).collect::<Result<_, _>>()?;
    Ok(names.join(",") + "\n")
}

#[expect(clippy::wildcard_enum_match_arm, reason = "a foreign enum: what is not listed cannot be read")]
fn name(field: &Field) -> Result<String, String> {
    let suffix = match field.data_type() {
        DataType::Timestamp(TimeUnit::Second, _) => "_s",
        DataType::Timestamp(TimeUnit::Millisecond, _) => "_ms",
        DataType::Timestamp(TimeUnit::Microsecond, _) => "_us",
        DataType::Timestamp(TimeUnit::Nanosecond, _) => "_ns",
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => "",
        DataType::UInt8 | DataType::UInt16 | DataType::UInt32 | DataType::UInt64 => "",
        DataType::Float32 | DataType::Float64 | DataType::Boolean | DataType::Null => "",
        DataType::Utf8 | DataType::LargeUtf8 => "",
        other => return Err(format!("its column {} holds {other}, which is not read", field.name())),
    };
    let name = field.name();
    let name = if name.ends_with(suffix) { name.to_owned() } else { format!("{name}{suffix}") };
    Ok(quoted(&name))
}

/// The value of `column` at `row`; floats with the digits that tell them apart.
#[expect(clippy::wildcard_enum_match_arm, reason = "a foreign enum: the header refused what is not listed")]
fn cell(column: &dyn Array, row: usize) -> String {
    if column.is_null(row) {
        return String::new();
    }
    match column.data_type() {
        DataType::Timestamp(TimeUnit::Second, _) => {
            column.as_primitive::<TimestampSecondType>().value(row).to_string()
        }
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            column.as_primitive::<TimestampMillisecondType>().value(row).to_string()
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            column.as_primitive::<TimestampMicrosecondType>().value(row).to_string()
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            column.as_primitive::<TimestampNanosecondType>().value(row).to_string()
        }
        DataType::Int8 => column.as_primitive::<Int8Type>().value(row).to_string(),
        DataType::Int16 => column.as_primitive::<Int16Type>().value(row).to_string(),
        DataType::Int32 => column.as_primitive::<Int32Type>().value(row).to_string(),
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::UInt8 => column.as_primitive::<UInt8Type>().value(row).to_string(),
        DataType::UInt16 => column.as_primitive::<UInt16Type>().value(row).to_string(),
        DataType::UInt32 => column.as_primitive::<UInt32Type>().value(row).to_string(),
        DataType::UInt64 => column.as_primitive::<UInt64Type>().value(row).to_string(),
        DataType::Float32 => column.as_primitive::<Float32Type>().value(row).to_string(),
        DataType::Float64 => column.as_primitive::<Float64Type>().value(row).to_string(),
        DataType::Boolean => column.as_boolean().value(row).to_string(),
        DataType::Utf8 => quoted(column.as_string::<i32>().value(row)),
        DataType::LargeUtf8 => quoted(column.as_string::<i64>().value(row)),
        _ => String::new(),
    }
}

/// A cell that a comma, a quote or a line end in it cannot break.
fn quoted(cell: &str) -> String {
    if !cell.contains([',', '"', '\n', '\r']) {
        return cell.to_owned();
    }
    format!("\"{}\"", cell.replace(['"', '\n', '\r'], "'"))
}
