//! The binary files of every source that is told apart, written with the libraries of their formats.

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, RecordBatch, StringArray, TimestampMillisecondArray};
use arrow_ipc::writer::{FileWriter, IpcWriteOptions};
use arrow_ipc::{CompressionType, MetadataVersion};
use engine_core::time::Span;
use journal_store::record::RecordKind;
use journal_store::series::BarTime;
use parquet::data_type::{
    ByteArray, ByteArrayType, DoubleType, FixedLenByteArray, FixedLenByteArrayType, Int32Type, Int64Type,
};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use super::market::{
    Bar, DAY, bars, float, holds_bars, holds_quotes, holds_trades, quotes, trades, uncounted,
};
use super::{Desk, zipped_bytes};
use crate::import::{Format, import};

/// Columns of one name as they are written.
enum Column {
    Int64(Vec<i64>),
    Int32(Vec<i32>),
    Fixed(Vec<Vec<u8>>),
    Text(Vec<String>),
    Double(Vec<f64>),
}

fn write_parquet(path: &PathBuf, schema: &str, columns: Vec<Column>) {
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let mut file = SerializedFileWriter::new(File::create(path).unwrap(), schema, Arc::default()).unwrap();
    let mut group = file.next_row_group().unwrap();
    for column in columns {
        let mut writer = group.next_column().unwrap().unwrap();
        match column {
            Column::Int64(values) => writer.typed::<Int64Type>().write_batch(&values, None, None).unwrap(),
            Column::Int32(values) => writer.typed::<Int32Type>().write_batch(&values, None, None).unwrap(),
            Column::Double(values) => writer.typed::<DoubleType>().write_batch(&values, None, None).unwrap(),
            Column::Fixed(values) => {
                let values: Vec<FixedLenByteArray> =
                    values.into_iter().map(|value| ByteArray::from(value).into()).collect();
                writer.typed::<FixedLenByteArrayType>().write_batch(&values, None, None).unwrap()
            }
            Column::Text(values) => {
                let values: Vec<ByteArray> = values.iter().map(|text| text.as_str().into()).collect();
                writer.typed::<ByteArrayType>().write_batch(&values, None, None).unwrap()
            }
        };
        writer.close().unwrap();
    }
    group.close().unwrap();
    file.close().unwrap();
}

/// Units of eight decimals as the catalogue of nautilus_trader keeps them: ten or eighteen digits more or less.
fn nautilus_cells(units: impl Iterator<Item = i64>, bytes: usize) -> Column {
    Column::Fixed(match bytes {
        8 => units.map(|units| (units * 10).to_le_bytes().to_vec()).collect(),
        _ => units.map(|units| (i128::from(units) * 100_000_000).to_le_bytes().to_vec()).collect(),
    })
}

const NANOS: i64 = 1_000_000_000;

#[test]
fn nautilus_bars_of_both_precisions_stand_at_their_end() {
    let market = uncounted(&bars(150, 60));
    for bytes in [8, 16] {
        let desk = Desk::new();
        let path = desk.dir.path().join("part-0.parquet");
        let fixed = format!("REQUIRED FIXED_LEN_BYTE_ARRAY({bytes})");
        let schema = format!(
            "message schema {{ {fixed} open; {fixed} high; {fixed} low; {fixed} close; {fixed} volume; \
             REQUIRED INT64 ts_event (INTEGER(64,false)); REQUIRED INT64 ts_init (INTEGER(64,false)); }}"
        );
        let mut columns: Vec<Column> = (0..4)
            .map(|price| nautilus_cells(market.iter().map(move |bar| bar.prices[price]), bytes))
            .collect();
        columns.push(nautilus_cells(market.iter().map(|bar| bar.volume), bytes));
        let ends: Vec<i64> = market.iter().map(|bar| (bar.at + 60) * NANOS).collect();
        columns.extend([Column::Int64(ends.clone()), Column::Int64(ends)]);
        write_parquet(&path, &schema, columns);
        let outcome = desk.import(&[&path]).unwrap();
        assert_eq!(outcome.entry.info.bar_time, Some(BarTime::Close));
        assert_eq!(outcome.entry.info.interval, Some(Span::MINUTE));
        holds_bars(&desk, &market);
    }
}

#[test]
fn nautilus_ticks_keep_the_moment_they_were_received() {
    let market = trades(120);
    let desk = Desk::new();
    let path = desk.dir.path().join("trades.parquet");
    let schema = "message schema { REQUIRED INT64 price; REQUIRED INT64 size (INTEGER(64,false)); \
        REQUIRED INT32 aggressor_side (INTEGER(8,false)); REQUIRED BINARY trade_id (UTF8); \
        REQUIRED INT64 ts_event (INTEGER(64,false)); REQUIRED INT64 ts_init (INTEGER(64,false)); }";
    let columns = vec![
        Column::Int64(market.iter().map(|trade| trade.price * 10).collect()),
        Column::Int64(market.iter().map(|trade| trade.qty * 10).collect()),
        Column::Int32(market.iter().map(|trade| if trade.buy { 1 } else { 2 }).collect()),
        Column::Text((0..market.len()).map(|number| number.to_string()).collect()),
        Column::Int64(market.iter().map(|trade| trade.at_ms * 1_000_000).collect()),
        Column::Int64(market.iter().map(|trade| trade.at_ms * 1_000_000 + 1_234_000).collect()),
    ];
    write_parquet(&path, schema, columns);
    desk.import(&[&path]).unwrap();
    holds_trades(&desk, &market, true);
    assert!(desk.trades().iter().all(|trade| trade.lag_us == 1_234));

    let market = quotes(80);
    let desk = Desk::new();
    let path = desk.dir.path().join("quotes.parquet");
    let fixed = "REQUIRED FIXED_LEN_BYTE_ARRAY(16)";
    let schema = format!(
        "message schema {{ {fixed} bid_price; {fixed} ask_price; {fixed} bid_size; {fixed} ask_size; \
         REQUIRED INT64 ts_event (INTEGER(64,false)); REQUIRED INT64 ts_init (INTEGER(64,false)); }}"
    );
    let mut columns: Vec<Column> =
        [0, 2, 1, 3].map(|side| nautilus_cells(market.iter().map(move |quote| quote.sides[side]), 16)).into();
    let at: Vec<i64> = market.iter().map(|quote| quote.at_ms * 1_000_000).collect();
    columns.extend([Column::Int64(at.clone()), Column::Int64(at)]);
    write_parquet(&path, &schema, columns);
    desk.import(&[&path]).unwrap();
    holds_quotes(&desk, &market, 0);
}

#[test]
fn freqtrade_keeps_feather_and_parquet() {
    let market = uncounted(&bars(500, 300));
    for compression in [None, Some(CompressionType::LZ4_FRAME), Some(CompressionType::ZSTD)] {
        let desk = Desk::new();
        let path = desk.dir.path().join("BTC_USDT-5m.feather");
        write_feather(&path, &market, compression);
        desk.import(&[&path]).unwrap();
        holds_bars(&desk, &market);
    }
    let desk = Desk::new();
    let path = desk.dir.path().join("BTC_USDT-5m.parquet");
    let schema = "message schema { REQUIRED INT64 date (TIMESTAMP(MILLIS,true)); REQUIRED DOUBLE open; \
        REQUIRED DOUBLE high; REQUIRED DOUBLE low; REQUIRED DOUBLE close; REQUIRED DOUBLE volume; }";
    let mut columns = vec![Column::Int64(market.iter().map(|bar| bar.at * 1_000).collect())];
    for price in 0..4 {
        columns.push(Column::Double(market.iter().map(|bar| float(bar.prices[price])).collect()));
    }
    columns.push(Column::Double(market.iter().map(|bar| float(bar.volume)).collect()));
    write_parquet(&path, schema, columns);
    desk.import(&[&path]).unwrap();
    holds_bars(&desk, &market);
}

/// Bars as pandas writes them for freqtrade, in two batches.
fn write_feather(path: &PathBuf, market: &[Bar], compression: Option<CompressionType>) {
    let batch = |bars: &[Bar]| {
        let floats = |of: &dyn Fn(&Bar) -> i64| -> ArrayRef {
            Arc::new(Float64Array::from_iter_values(bars.iter().map(|bar| float(of(bar)))))
        };
        let dates = TimestampMillisecondArray::from_iter_values(bars.iter().map(|bar| bar.at * 1_000));
        RecordBatch::try_from_iter([
            ("date", Arc::new(dates.with_timezone("UTC")) as ArrayRef),
            ("open", floats(&|bar| bar.prices[0])),
            ("high", floats(&|bar| bar.prices[1])),
            ("low", floats(&|bar| bar.prices[2])),
            ("close", floats(&|bar| bar.prices[3])),
            ("volume", floats(&|bar| bar.volume)),
        ])
        .unwrap()
    };
    let (first, second) = market.split_at(market.len() / 3);
    let (first, second) = (batch(first), batch(second));
    let options = IpcWriteOptions::try_new(8, false, MetadataVersion::V5).unwrap();
    let options = options.try_with_compression(compression).unwrap();
    let mut file =
        FileWriter::try_new_with_options(File::create(path).unwrap(), &first.schema(), options).unwrap();
    file.write(&first).unwrap();
    file.write(&second).unwrap();
    file.finish().unwrap();
}

#[test]
fn arrow_columns_of_other_types_are_refused_and_damage_is_no_panic() {
    let desk = Desk::new();
    let path = desk.dir.path().join("bars.feather");
    write_feather(&path, &bars(50, 60), Some(CompressionType::LZ4_FRAME));
    let whole = std::fs::read(&path).unwrap();
    for at in (0..whole.len()).step_by(7) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x5a;
        let desk = Desk::new();
        // Some damage lies where nothing is read; what matters is that none of it panics.
        let _ = desk.text("bars.feather", damaged);
    }
    let lists = RecordBatch::try_from_iter([(
        "words",
        Arc::new(arrow_array::BinaryArray::from_iter_values([b"a"])) as ArrayRef,
    )])
    .unwrap();
    let mut file = FileWriter::try_new(File::create(&path).unwrap(), &lists.schema()).unwrap();
    file.write(&lists).unwrap();
    file.finish().unwrap();
    let error = desk.import(&[&path]).unwrap_err().to_string();
    assert!(error.contains("column words holds Binary"), "{error}");
    let words =
        RecordBatch::try_from_iter([("words", Arc::new(StringArray::from_iter_values(["a"])) as ArrayRef)])
            .unwrap();
    let mut file = FileWriter::try_new(File::create(&path).unwrap(), &words.schema()).unwrap();
    file.write(&words).unwrap();
    file.finish().unwrap();
    assert!(desk.import(&[&path]).is_err());
}

const VENUE: u64 = 1 << 31;
const LOCAL: u64 = 1 << 30;
const BUY: u64 = 1 << 29;
const SELL: u64 = 1 << 28;

/// An event of hftbacktest: flags, the venue's moment, the local one, price and quantity.
type MarketEvent = (u64, i64, i64, f64, f64);

/// What numpy writes for an array of events.
fn npy(events: &[MarketEvent], fields: &str) -> Vec<u8> {
    let header = format!("{{'descr': [{fields}], 'fortran_order': False, 'shape': ({},), }}", events.len());
    let header = format!("{header:<width$}\n", width = (header.len() + 11).next_multiple_of(64) - 11);
    let size = u16::try_from(header.len()).unwrap();
    let mut bytes = [b"\x93NUMPY\x01\x00".as_slice(), &size.to_le_bytes(), header.as_bytes()].concat();
    for (flags, venue_at, local_at, price, qty) in events {
        bytes.extend(flags.to_le_bytes());
        bytes.extend(venue_at.to_le_bytes());
        bytes.extend(local_at.to_le_bytes());
        bytes.extend(price.to_le_bytes());
        bytes.extend(qty.to_le_bytes());
        bytes.extend([0; 24]);
    }
    bytes
}

const FIELDS: &str = "('ev', '<u8'), ('exch_ts', '<i8'), ('local_ts', '<i8'), ('px', '<f8'), ('qty', '<f8'), \
    ('order_id', '<u8'), ('ival', '<i8'), ('fval', '<f8')";

#[test]
fn hftbacktest_arrays_hold_trades_and_the_book() {
    let (deals, tops) = (trades(60), quotes(40));
    let mut events: Vec<MarketEvent> = Vec::new();
    for quote in &tops {
        let at = quote.at_ms * 1_000_000;
        let [bid, bid_qty, ask, ask_qty] = quote.sides.map(float);
        // The level below leaves and comes again; it is never best.
        events.push((VENUE | LOCAL | BUY | 1, at, at + 900, bid - 1.0, 3.0));
        events.push((VENUE | LOCAL | BUY | 5, at, at + 900, bid, bid_qty));
        events.push((VENUE | LOCAL | SELL | 5, at, at + 900, ask, ask_qty));
    }
    for trade in &deals {
        let at = trade.at_ms * 1_000_000;
        let side = if trade.buy { BUY } else { SELL };
        events.push((VENUE | side | 2, at, at + 2_000, float(trade.price), float(trade.qty)));
        // Events out of order are there twice: once for the venue, once for who received them.
        events.push((LOCAL | side | 2, at, at + 2_000, float(trade.price), float(trade.qty)));
    }
    events.sort_by_key(|event| event.1);
    let desk = Desk::new();
    let path = desk.file("btcusdt_20210304.npz", zipped_bytes(&[("data.npy", &npy(&events, FIELDS))]));
    let error = desk.import(&[&path]).unwrap_err().to_string();
    assert!(error.contains("add --kind trades or --kind quotes"), "{error}");
    let mut request = desk.request(&[&path]);
    request.kind = Some(RecordKind::Trades);
    import(&request, &mut ()).unwrap();
    holds_trades(&desk, &deals, true);
    assert!(desk.trades().iter().all(|trade| trade.lag_us == 2));
    request.kind = Some(RecordKind::Quotes);
    import(&request, &mut ()).unwrap();
    holds_quotes(&desk, &tops, 0);
}

#[test]
fn a_book_of_levels_tells_its_top_once_for_each_moment() {
    let at = DAY * NANOS;
    let depth = |flags, after: i64, price, qty| (VENUE | flags, at + after, at + after, price, qty);
    let events = [
        depth(BUY | 4, 0, 99.0, 1.0),
        depth(BUY | 4, 0, 98.0, 2.0),
        depth(SELL | 4, 0, 101.0, 3.0),
        // The best bid leaves.
        depth(BUY | 1, 10, 99.0, 0.0),
        // Nothing at the top changes.
        depth(BUY | 1, 20, 97.0, 5.0),
        // Both sides are cleared and come anew.
        depth(3, 30, 0.0, 0.0),
        depth(BUY | 4, 40, 95.0, 1.5),
        depth(SELL | 4, 40, 96.0, 2.5),
        // The bids down to 95 are cleared: no quote has one side only.
        depth(BUY | 3, 50, 95.0, 0.0),
        depth(BUY | 1, 60, 94.0, 4.0),
    ];
    let desk = Desk::new();
    let mut request = desk.request(&[&desk.file("book.npy", npy(&events, FIELDS))]);
    request.kind = Some(RecordKind::Quotes);
    import(&request, &mut ()).unwrap();
    let found: Vec<(i64, i64, i64)> = desk
        .quotes()
        .iter()
        .map(|quote| (quote.venue_at - at, quote.bid / super::ONE, quote.ask / super::ONE))
        .collect();
    assert_eq!(found, [(0, 99, 101), (10, 98, 101), (40, 95, 96), (60, 94, 96)]);
}

#[test]
fn arrays_of_other_fields_are_refused() {
    let desk = Desk::new();
    for fields in ["('event', '<i8'), ('px', '<f8')", "('ev', '<u8')"] {
        let mut request = desk.request(&[&desk.file("old.npy", npy(&[], fields))]);
        request.kind = Some(RecordKind::Trades);
        let error = import(&request, &mut ()).unwrap_err().to_string();
        assert!(error.contains("no array of events of hftbacktest version 2"), "{error}");
    }
    let mut request =
        desk.request(&[&desk.file("cut.npy", &npy(&[(VENUE | 2, DAY * NANOS, 0, 1.0, 1.0)], FIELDS)[..190])]);
    request.kind = Some(RecordKind::Trades);
    assert!(import(&request, &mut ()).is_err());
}

#[test]
fn hftbacktest_captures_hold_frames_of_every_stream() {
    let (deals, tops) = (trades(50), quotes(50));
    let mut lines: Vec<(i64, String)> = Vec::new();
    for trade in &deals {
        let (at, price, qty) = (trade.at_ms, float(trade.price), float(trade.qty));
        let local = at * 1_000_000 + 700_000;
        lines.push((local, format!(
            r#"{local} {{"stream":"btcusdt@trade","data":{{"e":"trade","E":{at},"T":{at},"s":"BTCUSDT","t":{at},"p":"{price}","q":"{qty}","X":"MARKET","m":{}}}}}"#,
            !trade.buy
        )));
    }
    for quote in &tops {
        let [bid, bid_qty, ask, ask_qty] = quote.sides.map(float);
        let local = quote.at_ms * 1_000_000;
        lines.push((local, format!(
            r#"{local} {{"stream":"btcusdt@bookTicker","data":{{"u":7,"s":"BTCUSDT","b":"{bid}","B":"{bid_qty}","a":"{ask}","A":"{ask_qty}"}}}}"#
        )));
        lines.push((local, format!(
            r#"{local} {{"stream":"btcusdt@depth@100ms","data":{{"e":"depthUpdate","s":"BTCUSDT","b":[["1","2"]],"a":[]}}}}"#
        )));
    }
    lines.sort();
    let book = format!("{{\"lastUpdateId\":1,\"bids\":[{}]}}", vec!["[\"1\",\"2\"]"; 20_000].join(","));
    lines.insert(1, (0, format!("{} {book}", lines[0].0)));
    let text: Vec<String> = lines.into_iter().map(|(_, line)| line).collect();
    let desk = Desk::new();
    let path = desk.file("btcusdt_20210304.gz", super::gzipped(text.join("\n").as_bytes()));
    let mut request = desk.request(&[&path]);
    assert!(import(&request, &mut ()).unwrap_err().to_string().contains("--kind trades or --kind quotes"));
    request.kind = Some(RecordKind::Trades);
    let outcome = import(&request, &mut ()).unwrap();
    holds_trades(&desk, &deals, true);
    assert!(desk.trades().iter().all(|trade| trade.lag_us == 700));
    assert_eq!(outcome.entry.info.symbol, "BTCUSD");
    request.kind = Some(RecordKind::Quotes);
    request.format = Format::Hftbacktest;
    import(&request, &mut ()).unwrap();
    holds_quotes(&desk, &tops, 0);
}
