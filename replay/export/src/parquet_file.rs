//! A series as an Apache Parquet file: nanosecond times and exact decimals.

use std::io::{self, Write};
use std::sync::Arc;

use journal_store::dataset::SeriesReader;
use journal_store::record::{BarRecord, QuoteRecord, Record, RecordKind, TradeRecord, lag_span};
use journal_store::series::{SeriesEntry, SeriesInfo};
use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType, FixedLenByteArray, FixedLenByteArrayType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;

use super::ExportError;
use super::records::CLOSE_TIME;

/// Records in one row group, so that memory stays bounded.
const GROUP_ROWS: usize = 131_072;

/// Bytes of a decimal: enough for the nineteen digits of 64 bits.
const DECIMAL_BYTES: usize = 9;

/// What a column holds, as the schema spells it.
#[derive(Debug, Clone, Copy)]
enum Shape {
    Moment,
    OptionalMoment,
    Price,
    Qty,
    Count,
    Side,
}

/// One value before it is written.
type Cell = Option<i64>;

/// A record as cells of known shapes.
trait Columnar: Record {
    const COLUMNS: &'static [(&'static str, Shape)];

    /// The columns for the records of this series.
    fn columns_of(_entry: &SeriesEntry) -> &'static [(&'static str, Shape)] {
        Self::COLUMNS
    }

    /// One cell for each column there can be.
    fn cells(&self, info: &SeriesInfo) -> Vec<Cell>;
}

fn received(venue_at: i64, lag_us: u32) -> Cell {
    lag_span(lag_us).map(|lag| venue_at.saturating_add(lag.nanos()))
}

impl Columnar for TradeRecord {
    const COLUMNS: &'static [(&'static str, Shape)] = &[
        ("time", Shape::Moment),
        ("price", Shape::Price),
        ("qty", Shape::Qty),
        ("side", Shape::Side),
        ("local_time", Shape::OptionalMoment),
    ];

    fn cells(&self, _info: &SeriesInfo) -> Vec<Cell> {
        let side = Some(i64::from(self.side));
        vec![
            Some(self.venue_at),
            Some(self.price),
            Some(self.qty),
            side,
            received(self.venue_at, self.lag_us),
        ]
    }
}

impl Columnar for QuoteRecord {
    const COLUMNS: &'static [(&'static str, Shape)] = &[
        ("time", Shape::Moment),
        ("bid", Shape::Price),
        ("bid_qty", Shape::Qty),
        ("ask", Shape::Price),
        ("ask_qty", Shape::Qty),
        ("local_time", Shape::OptionalMoment),
    ];

    fn cells(&self, _info: &SeriesInfo) -> Vec<Cell> {
        let numbers = [self.venue_at, self.bid, self.bid_qty, self.ask, self.ask_qty].map(Some);
        let mut cells = numbers.to_vec();
        cells.push(received(self.venue_at, self.lag_us));
        cells
    }
}

impl Columnar for BarRecord {
    const COLUMNS: &'static [(&'static str, Shape)] = &[
        ("open_time", Shape::Moment),
        ("open", Shape::Price),
        ("high", Shape::Price),
        ("low", Shape::Price),
        ("close", Shape::Price),
        ("volume", Shape::Qty),
        ("trades", Shape::Count),
        (CLOSE_TIME, Shape::Moment),
    ];

    /// Where every bar lasts as long as the interval, its end goes without saying.
    fn columns_of(entry: &SeriesEntry) -> &'static [(&'static str, Shape)] {
        match (entry.fidelity.odd_bars, Self::COLUMNS) {
            (0, [common @ .., (CLOSE_TIME, _)]) => common,
            (_, all) => all,
        }
    }

    fn cells(&self, info: &SeriesInfo) -> Vec<Cell> {
        let trades = i64::from(self.trades);
        let ends_at = self.close_at(info.interval.unwrap_or_default()).nanos();
        [self.open_at, self.open, self.high, self.low, self.close, self.volume, trades, ends_at]
            .map(Some)
            .to_vec()
    }
}

/// Writes all records of `series`; answers how many.
pub(super) fn write(series: &SeriesReader, out: &mut (dyn Write + Send)) -> Result<u64, ExportError> {
    match series.info().kind {
        RecordKind::Trades => write_as::<TradeRecord>(series, out),
        RecordKind::Quotes => write_as::<QuoteRecord>(series, out),
        RecordKind::Bars => write_as::<BarRecord>(series, out),
    }
}

fn failed(error: ParquetError) -> ExportError {
    ExportError::Write(io::Error::other(error))
}

fn schema(columns: &[(&str, Shape)], info: &SeriesInfo) -> String {
    let field = |(name, shape): &(&str, Shape)| {
        let decimal =
            |scale| format!("REQUIRED FIXED_LEN_BYTE_ARRAY({DECIMAL_BYTES}) {name} (DECIMAL(19,{scale}))");
        match shape {
            Shape::Moment => format!("REQUIRED INT64 {name} (TIMESTAMP(NANOS,true))"),
            Shape::OptionalMoment => format!("OPTIONAL INT64 {name} (TIMESTAMP(NANOS,true))"),
            Shape::Price => decimal(info.price_decimals),
            Shape::Qty => decimal(info.qty_decimals),
            Shape::Count => format!("REQUIRED INT64 {name}"),
            Shape::Side => format!("REQUIRED BINARY {name} (UTF8)"),
        }
    };
    let fields: Vec<String> = columns.iter().map(field).collect();
    format!("message records {{ {}; }}", fields.join("; "))
}

fn write_as<R: Columnar>(series: &SeriesReader, out: &mut (dyn Write + Send)) -> Result<u64, ExportError> {
    let columns = R::columns_of(series.entry());
    let schema = parse_message_type(&schema(columns, series.info())).map_err(failed)?;
    let compression = Compression::ZSTD(ZstdLevel::default());
    let properties = Arc::new(WriterProperties::builder().set_compression(compression).build());
    let mut file = SerializedFileWriter::new(out, Arc::new(schema), properties).map_err(failed)?;
    let mut pages = series.pages(1)?;
    let mut page_records: Vec<R> = Vec::new();
    let mut group: Vec<Vec<Cell>> = vec![Vec::new(); columns.len()];
    let mut count = 0;
    while let Some(page) = pages.next_page()? {
        page.copy_to(&mut page_records);
        for record in &page_records {
            group.iter_mut().zip(record.cells(series.info())).for_each(|(column, cell)| column.push(cell));
        }
        count += page_records.len() as u64;
        if group.first().is_some_and(|column| column.len() >= GROUP_ROWS) {
            write_group(file.next_row_group().map_err(failed)?, columns, &mut group).map_err(failed)?;
        }
    }
    if group.first().is_some_and(|column| !column.is_empty()) {
        write_group(file.next_row_group().map_err(failed)?, columns, &mut group).map_err(failed)?;
    }
    file.close().map_err(failed)?;
    Ok(count)
}

fn write_group<W: Write + Send>(
    mut writer: SerializedRowGroupWriter<'_, W>,
    columns: &[(&str, Shape)],
    group: &mut [Vec<Cell>],
) -> Result<(), ParquetError> {
    for ((_, shape), cells) in columns.iter().zip(group) {
        let Some(mut column) = writer.next_column()? else { break };
        let known = cells.iter().copied().flatten();
        match shape {
            Shape::Moment | Shape::Count => {
                let values: Vec<i64> = known.collect();
                column.typed::<Int64Type>().write_batch(&values, None, None)?;
            }
            Shape::OptionalMoment => {
                let values: Vec<i64> = known.collect();
                let levels: Vec<i16> = cells.iter().map(|cell| i16::from(cell.is_some())).collect();
                column.typed::<Int64Type>().write_batch(&values, Some(&levels), None)?;
            }
            Shape::Price | Shape::Qty => {
                let values: Vec<FixedLenByteArray> = known.map(decimal).collect();
                column.typed::<FixedLenByteArrayType>().write_batch(&values, None, None)?;
            }
            Shape::Side => {
                let values: Vec<ByteArray> = known.map(side).collect();
                column.typed::<ByteArrayType>().write_batch(&values, None, None)?;
            }
        }
        column.close()?;
        cells.clear();
    }
    writer.close().map(|_| ())
}

/// `units` as a big-endian two's complement number of [`DECIMAL_BYTES`].
fn decimal(units: i64) -> FixedLenByteArray {
    let bytes = i128::from(units).to_be_bytes();
    let (_, low) = bytes.split_at(bytes.len() - DECIMAL_BYTES);
    FixedLenByteArray::from(low.to_vec())
}

fn side(side: i64) -> ByteArray {
    ByteArray::from(match side {
        1 => "buy",
        2 => "sell",
        _ => "",
    })
}
