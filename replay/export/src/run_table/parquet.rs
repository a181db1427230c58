//! A table of a run as an Apache Parquet file: nanosecond times and exact decimals.

use std::io::{self, Write};
use std::sync::Arc;

use engine_core::instrument::Instrument;
use engine_core::num::{Decimal, MONEY_DECIMALS, RATIO_DECIMALS, power_of_ten};
use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{
    ByteArray, ByteArrayType, DataType, DoubleType, FixedLenByteArray, FixedLenByteArrayType, Int64Type,
};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::parser::parse_message_type;

use super::{Cell, Column, Shape};
use crate::ExportError;

/// Rows in one group, so that memory stays bounded.
const GROUP_ROWS: usize = 16_384;

/// Digits and bytes of a decimal of 128 bits.
const DIGITS: u8 = 38;
const DECIMAL_BYTES: usize = 16;

/// Rows gathered to a group and written column by column.
pub(super) struct ParquetTable<'out> {
    columns: &'static [Column],
    scales: Vec<u8>,
    file: SerializedFileWriter<&'out mut (dyn Write + Send)>,
    group: Vec<Vec<Cell>>,
}

fn failed(error: ParquetError) -> ExportError {
    ExportError::Write(io::Error::other(error))
}

/// Digits behind the point of a column: those of the instrument that has most, so that every row fits.
fn scale_of(shape: Shape, instruments: &[Instrument]) -> u8 {
    let most = |decimals: fn(&Instrument) -> u8| instruments.iter().map(decimals).max().unwrap_or_default();
    match shape {
        Shape::Price => most(|rules| rules.price_decimals),
        Shape::Qty => most(|rules| rules.qty_decimals),
        Shape::Money => MONEY_DECIMALS,
        Shape::Ratio => RATIO_DECIMALS,
        Shape::Moment | Shape::Text | Shape::Float | Shape::Count => 0,
    }
}

fn field(column: &Column, scale: u8) -> String {
    let name = column.name;
    match column.shape {
        Shape::Moment => format!("OPTIONAL INT64 {name} (TIMESTAMP(NANOS,true))"),
        Shape::Text => format!("OPTIONAL BINARY {name} (UTF8)"),
        Shape::Price | Shape::Qty | Shape::Money | Shape::Ratio => {
            format!("OPTIONAL FIXED_LEN_BYTE_ARRAY({DECIMAL_BYTES}) {name} (DECIMAL({DIGITS},{scale}))")
        }
        Shape::Float => format!("OPTIONAL DOUBLE {name}"),
        Shape::Count => format!("OPTIONAL INT64 {name}"),
    }
}

impl<'out> ParquetTable<'out> {
    pub(super) fn new(
        columns: &'static [Column],
        instruments: &[Instrument],
        out: &'out mut (dyn Write + Send),
    ) -> Result<Self, ExportError> {
        let scales: Vec<u8> = columns.iter().map(|column| scale_of(column.shape, instruments)).collect();
        let fields: Vec<String> =
            columns.iter().zip(&scales).map(|(column, scale)| field(column, *scale)).collect();
        let schema =
            parse_message_type(&format!("message rows {{ {}; }}", fields.join("; "))).map_err(failed)?;
        let compression = Compression::ZSTD(ZstdLevel::default());
        let properties = Arc::new(WriterProperties::builder().set_compression(compression).build());
        let file = SerializedFileWriter::new(out, Arc::new(schema), properties).map_err(failed)?;
        Ok(Self { columns, scales, file, group: vec![Vec::new(); columns.len()] })
    }

    pub(super) fn row(&mut self, cells: Vec<Cell>) -> Result<(), ExportError> {
        self.group.iter_mut().zip(cells).for_each(|(column, cell)| column.push(cell));
        match self.group.first().is_some_and(|column| column.len() >= GROUP_ROWS) {
            true => self.write_group(),
            false => Ok(()),
        }
    }

    pub(super) fn finish(mut self) -> Result<(), ExportError> {
        if self.group.first().is_some_and(|column| !column.is_empty()) {
            self.write_group()?;
        }
        self.file.close().map_err(failed)?;
        Ok(())
    }

    fn write_group(&mut self) -> Result<(), ExportError> {
        let mut writer = self.file.next_row_group().map_err(failed)?;
        let described = self.columns.iter().zip(&self.scales).zip(&mut self.group);
        for ((column, scale), cells) in described {
            let Some(mut place) = writer.next_column().map_err(failed)? else { break };
            write_column(&mut place, column, *scale, cells)?;
            place.close().map_err(failed)?;
            cells.clear();
        }
        writer.close().map_err(failed)?;
        Ok(())
    }
}

fn write_column(
    place: &mut SerializedColumnWriter<'_>,
    column: &Column,
    scale: u8,
    cells: &[Cell],
) -> Result<(), ExportError> {
    match column.shape {
        Shape::Moment | Shape::Count => {
            let number = |cell: &Cell| match cell {
                Cell::Moment(at) => Ok(Some(at.nanos())),
                Cell::Count(count) => i64::try_from(*count).map(Some).map_err(|_| too_long(column, count)),
                Cell::Absent | Cell::Text(_) | Cell::Exact(_) | Cell::Float(_) => Ok(None),
            };
            put::<Int64Type>(place, cells.iter().map(number))
        }
        Shape::Text => {
            let text = |cell: &Cell| match cell {
                Cell::Text(text) => Some(ByteArray::from(text.as_str())),
                Cell::Absent | Cell::Moment(_) | Cell::Exact(_) | Cell::Float(_) | Cell::Count(_) => None,
            };
            put::<ByteArrayType>(place, cells.iter().map(|cell| Ok(text(cell))))
        }
        Shape::Price | Shape::Qty | Shape::Money | Shape::Ratio => {
            let exact = |cell: &Cell| match cell {
                Cell::Exact(number) => {
                    scaled(*number, scale).map(Some).ok_or_else(|| too_long(column, number))
                }
                Cell::Absent | Cell::Moment(_) | Cell::Text(_) | Cell::Float(_) | Cell::Count(_) => Ok(None),
            };
            put::<FixedLenByteArrayType>(place, cells.iter().map(exact))
        }
        Shape::Float => {
            let number = |cell: &Cell| match cell {
                Cell::Float(number) => Some(*number).filter(|number| number.is_finite()),
                Cell::Absent | Cell::Moment(_) | Cell::Text(_) | Cell::Exact(_) | Cell::Count(_) => None,
            };
            put::<DoubleType>(place, cells.iter().map(|cell| Ok(number(cell))))
        }
    }
}

fn put<T: DataType>(
    place: &mut SerializedColumnWriter<'_>,
    cells: impl Iterator<Item = Result<Option<T::T>, ExportError>>,
) -> Result<(), ExportError> {
    let cells: Vec<Option<T::T>> = cells.collect::<Result<_, _>>()?;
    let levels: Vec<i16> = cells.iter().map(|cell| i16::from(cell.is_some())).collect();
    let values: Vec<T::T> = cells.into_iter().flatten().collect();
    place.typed::<T>().write_batch(&values, Some(&levels), None).map_err(failed)?;
    Ok(())
}

fn too_long(column: &Column, number: &impl ToString) -> ExportError {
    ExportError::TooManyDigits { column: column.name, number: number.to_string() }
}

/// `number` with `scale` digits behind the point, as big-endian two's complement; `None` for more than 38 digits.
fn scaled(number: Decimal, scale: u8) -> Option<FixedLenByteArray> {
    let more = scale.checked_sub(number.decimals)?;
    let units = number.units.checked_mul(power_of_ten(more)?)?;
    let fits = power_of_ten(DIGITS).is_some_and(|limit| units > -limit && units < limit);
    fits.then(|| FixedLenByteArray::from(units.to_be_bytes().to_vec()))
}
