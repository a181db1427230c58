//! Arrow files, which is feather of version 2, as delimited text, so that every check of text rows also holds for
//! them.
//!
//! What is held at once is one batch of rows. The reader underneath panics on some damaged files: such a panic
//! becomes an error here.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use arrow_array::{Array, RecordBatch};
use arrow_buffer::Buffer;
use arrow_ipc::convert::try_fb_to_schema;
use arrow_ipc::reader::{FileDecoder, read_footer_length};
use arrow_ipc::{Block, root_as_footer, root_as_message};
use arrow_schema::{DataType, Field, Schema, TimeUnit};

use super::expansion::expanded_bytes_max;
use super::rewrite::hand_out;

/// Bytes at the end of a file: the length of its footer, and its mark.
const TRAILER_BYTES: usize = 10;

/// Bytes before a message: a mark, and its length.
const PREFIX_BYTES: usize = 8;

/// The text of an Arrow file, header first.
pub(crate) struct ArrowText {
    file: File,
    file_bytes: u64,
    decoder: FileDecoder,
    blocks: std::vec::IntoIter<Block>,
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
    pub(crate) fn open(mut file: File) -> Result<Self, String> {
        let (footer, file_bytes) =
            footer(&mut file).map_err(|error| format!("it cannot be read ({error})"))?;
        let described = catch_unwind(|| {
            let footer = root_as_footer(&footer).map_err(|error| format!("it cannot be read ({error})"))?;
            let schema = footer.schema().ok_or_else(|| "it does not say what its columns are".to_owned())?;
            let schema = try_fb_to_schema(schema).map_err(|error| format!("it cannot be read ({error})"))?;
            let blocks: Vec<Block> = footer.recordBatches().into_iter().flatten().copied().collect();
            Ok::<_, String>((header(&schema)?, FileDecoder::new(Arc::new(schema), footer.version()), blocks))
        });
        let (text, decoder, blocks) =
            described.unwrap_or_else(|_| Err("its description is damaged".to_owned()))?;
        let (blocks, text) = (blocks.into_iter(), text.into_bytes());
        Ok(Self { file, file_bytes, decoder, blocks, batch: None, row: 0, text, taken: 0 })
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
            let Some(block) = self.blocks.next() else { return Ok(false) };
            let bytes = self.block(&block)?;
            let decoded = catch_unwind(AssertUnwindSafe(|| {
                bounded(&bytes, &block)?;
                self.decoder.read_record_batch(&block, &Buffer::from(bytes)).map_err(io::Error::other)
            }));
            let decoded =
                decoded.map_err(|_| io::Error::other("the reader of Arrow failed on a damaged batch"))?;
            self.batch = decoded?;
            self.row = 0;
        }
    }

    /// The bytes of a batch.
    fn block(&mut self, block: &Block) -> io::Result<Vec<u8>> {
        let size = u64::try_from(block.metaDataLength()).ok().zip(u64::try_from(block.bodyLength()).ok());
        let size = size.and_then(|(description, body)| description.checked_add(body));
        let from = u64::try_from(block.offset()).ok();
        let within =
            |(from, size): &(u64, u64)| from.checked_add(*size).is_some_and(|end| end <= self.file_bytes);
        let (from, size) = from.zip(size).filter(within).ok_or_else(damaged)?;
        self.file.seek(SeekFrom::Start(from))?;
        let mut bytes = vec![0; usize::try_from(size).map_err(io::Error::other)?];
        self.file.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}

fn damaged() -> io::Error {
    io::Error::other("a batch is not where the description says")
}

/// The footer of `file` and the size of the file.
fn footer(file: &mut File) -> io::Result<(Vec<u8>, u64)> {
    let file_bytes = file.seek(SeekFrom::End(0))?;
    let before = file_bytes.checked_sub(TRAILER_BYTES as u64).ok_or_else(damaged)?;
    file.seek(SeekFrom::Start(before))?;
    let mut trailer = [0; TRAILER_BYTES];
    file.read_exact(&mut trailer)?;
    let size = read_footer_length(trailer).map_err(io::Error::other)?;
    let from = before.checked_sub(size as u64).ok_or_else(damaged)?;
    file.seek(SeekFrom::Start(from))?;
    let mut footer = vec![0; size];
    file.read_exact(&mut footer)?;
    Ok((footer, file_bytes))
}

/// Refuses a batch that would take absurdly more memory than it has bytes: each compressed buffer begins with the
/// size it claims to become, which the reader takes at its word.
fn bounded(bytes: &[u8], block: &Block) -> io::Result<()> {
    let description = usize::try_from(block.metaDataLength()).map_err(io::Error::other)?;
    let (description, body) = bytes.split_at_checked(description).ok_or_else(damaged)?;
    let message = root_as_message(description.get(PREFIX_BYTES..).unwrap_or_default())
        .map_err(|error| io::Error::other(error.to_string()))?;
    let batch = message.header_as_record_batch().ok_or_else(damaged)?;
    let allowed = expanded_bytes_max(bytes.len() as u64);
    let mut claimed = 0_u64;
    for buffer in batch.buffers().into_iter().flatten().filter(|_| batch.compression().is_some()) {
        let Ok(from) = usize::try_from(buffer.offset()) else { return Err(damaged()) };
        if buffer.length() == 0 {
            continue;
        }
        let size = body.get(from..).and_then(|rest| rest.first_chunk()).ok_or_else(damaged)?;
        // -1 says that the buffer is not compressed after all.
        let size = i64::from_le_bytes(*size).max(0);
        claimed = claimed.checked_add(size.unsigned_abs()).ok_or_else(damaged)?;
    }
    let rows = u64::try_from(batch.length()).map_err(io::Error::other)?;
    if claimed > allowed || rows > allowed {
        return Err(io::Error::other(format!(
            "a batch of {} bytes claims to become {claimed}: refused as a decompression bomb",
            bytes.len()
        )));
    }
    Ok(())
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
        DataType::Float32 | DataType::Float64 | DataType::Boolean => "",
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
