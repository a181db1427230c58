//! Every layout on a small sample, with the values that must come out.

use engine_core::time::Span;
use journal_store::record::{LAG_UNKNOWN, RecordKind, lag_span};
use journal_store::series::BarTime;

use super::{Desk, ONE, SECOND, gzipped, zipped};
use crate::import::{Format, import};

const KLINES_MS: &str = "\
1735682400000,93000.1,93100,92900,93050,10.5,1735685999999,1,77,1,1,0
1735686000000,93050,93200,93000,93100,11,1735689599999,1,78,1,1,0
";
const KLINES_US: &str = "\
1735689600000000,93100,93300,93050,93200,12,1735693199999999,1,79,1,1,0
1735693200000000,93200,93400,93150,93300,13,1735696799999999,1,80,1,1,0
";

#[test]
fn binance_klines_go_on_across_the_change_to_microseconds() {
    let desk = Desk::new();
    let old = desk.file("BTCUSDT-1h-2024-12.zip", zipped(&[("BTCUSDT-1h-2024-12.csv", KLINES_MS)]));
    let new = desk.file("BTCUSDT-1h-2025-01.zip", zipped(&[("BTCUSDT-1h-2025-01.csv", KLINES_US)]));
    // Named in the wrong order on purpose: files are read in the order of their times.
    let outcome = desk.import(&[&new, &old]).unwrap();
    assert_eq!((outcome.rows, outcome.quality.gaps.count), (4, 0));
    assert_eq!(outcome.entry.info.interval, Some(Span::HOUR));
    assert_eq!(outcome.entry.info.bar_time, Some(BarTime::Open));
    let decisions = outcome.quality.decisions.join("\n");
    assert!(decisions.contains("time in milliseconds, by magnitude"), "{decisions}");
    assert!(decisions.contains("time in microseconds, by magnitude"), "{decisions}");
    let bars = desk.bars();
    assert_eq!(bars[0].open_at, 1_735_682_400 * SECOND);
    assert_eq!((bars[0].open, bars[0].volume, bars[0].trades), (9_300_010_000_000, 1_050_000_000, 77));
    assert_eq!(bars[3].open_at - bars[0].open_at, 3 * Span::HOUR.nanos());
}

#[test]
fn binance_futures_klines_have_a_header() {
    let desk = Desk::new();
    let text = "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,ignore\n\
        1706745600000,2.8210,2.8350,2.8190,2.8350,124314,1706745659999,351525.3510,986,76178,215424.4960,0\n";
    let outcome = desk.text("NEARUSDT-1m-2024-02.csv", text).unwrap();
    // One bar is enough: its close time tells the interval.
    assert_eq!(outcome.entry.info.interval, Some(Span::MINUTE));
    assert_eq!(desk.bars()[0].trades, 986);
}

#[test]
fn a_bar_cut_short_by_an_outage_is_kept_and_counted() {
    let desk = Desk::new();
    let text = format!("{KLINES_MS}1735689600000,1,1,1,1,1,1735690000000,1,1,1,1,0\n");
    let outcome = desk.text("klines.csv", text).unwrap();
    assert_eq!((outcome.rows, outcome.quality.shortened.count), (3, 1));
    assert!(outcome.quality.violations().is_empty());
}

#[test]
fn binance_trades_of_every_shape() {
    let shapes = [
        "13519807,0.00141342,23.0,15373518,15373518,1570752011620,True,True\n",
        "13519807,0.00141342,23.0,15373518,15373518,1570752011620,true\n",
        "13519807,0.00141342,23.0,0.03,1570752011620,True,True\n",
        "13519807,0.00141342,23.0,0.03,1570752011620,true\n",
        "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker\n\
         13519807,0.00141342,23.0,15373518,15373518,1570752011620,true\n",
        "id,price,qty,quote_qty,time,is_buyer_maker\n13519807,0.00141342,23.0,0.03,1570752011620,true\n",
    ];
    for shape in shapes {
        let desk = Desk::new();
        let mut request = desk.request(&[&desk.file("trades.csv", shape)]);
        request.format = Format::Binance;
        let outcome = import(&request, &mut ()).unwrap();
        assert_eq!((outcome.rows, outcome.entry.info.kind), (1, RecordKind::Trades), "{shape}");
        let [trade] = desk.trades()[..] else { panic!("one trade: {shape}") };
        assert_eq!((trade.price, trade.qty, trade.side), (141_342, 23 * ONE, 2), "{shape}");
        assert_eq!((trade.venue_at, trade.lag_us), (1_570_752_011_620_000_000, LAG_UNKNOWN), "{shape}");
    }
}

#[test]
fn trades_with_numbers_may_be_alike() {
    let desk = Desk::new();
    let row = |id: u32| format!("{id},1.5,2,0.03,1570752011620,true,True\n");
    let outcome = desk.text("trades.csv", [row(7), row(8), row(8)].concat()).unwrap();
    assert_eq!((outcome.rows, outcome.skipped, outcome.quality.duplicates.count), (2, 1, 1));
    let desk = Desk::new();
    let outcome =
        desk.text("trades.csv", "ts,price,qty\n1570752011620,1.5,2\n1570752011620,1.5,2\n").unwrap();
    assert_eq!((outcome.rows, outcome.skipped, outcome.quality.duplicates.count), (2, 0, 1));
}

#[test]
fn trades_with_names_of_their_own_are_no_duplicates() {
    let header = "timestamp,side,size,price,trdMatchID\n";
    let row = |name: &str| format!("1585180700.5,Sell,0.042,6698.5,{name}\n");
    let columns = "time=timestamp,id=trdMatchID".parse().unwrap();
    let desk = Desk::new();
    let text = [header, &row("0a1b-x"), &row("0a1b-y"), &row("0a1b-y")].concat();
    let mut request = desk.request(&[&desk.file("trades.csv", text)]);
    request.columns = columns;
    let outcome = import(&request, &mut ()).unwrap();
    assert_eq!((outcome.rows, outcome.skipped, outcome.quality.duplicates.count), (2, 1, 1));
    // The store knows that its equal trades had names.
    let checked = crate::quality::check_dataset(&desk.dataset()).unwrap();
    assert_eq!(checked[0].quality.duplicates.count, 0);
    let desk = Desk::new();
    desk.text("trades.csv", "ts,price,qty\n1570752011620,1.5,2\n1570752011620,1.5,2\n").unwrap();
    let checked = crate::quality::check_dataset(&desk.dataset()).unwrap();
    assert_eq!(checked[0].quality.duplicates.count, 1);
}

#[test]
fn tardis_rows_keep_the_time_they_were_received() {
    let desk = Desk::new();
    let text = "exchange,symbol,timestamp,local_timestamp,id,side,price,amount\n\
        binance-futures,BTCUSDT,1582329602111000,1582329602418379,42377944,buy,9682,0.132\n\
        binance-futures,BTCUSDT,1582329602116000,1582329602115000,42377945,sell,9682,0.412\n";
    let outcome = desk.text("trades.csv.gz", gzipped(text.as_bytes())).unwrap();
    assert_eq!((outcome.rows, outcome.quality.early), (2, 1));
    // The second was received first, by a clock behind that of the venue.
    let trades = desk.trades();
    assert_eq!((trades[1].lag_us, trades[1].side), (307_379, 1));
    assert_eq!((lag_span(trades[0].lag_us), trades[0].side), (Some(Span::from_nanos(-1_000_000)), 2));
    let text = "exchange,symbol,timestamp,local_timestamp,ask_amount,ask_price,bid_price,bid_amount\n\
        binance-futures,BTCUSDT,1582329601096000,1582329603502092,0.84,9682,9681.92,0.67\n\
        binance-futures,BTCUSDT,1582329601097000,1582329603502093,0.84,9682,,\n";
    let outcome = desk.text("quotes.csv", text).unwrap();
    assert_eq!((outcome.rows, outcome.quality.one_sided), (1, 1));
    let quote = desk.quotes()[0];
    assert_eq!((quote.bid, quote.bid_qty), (968_192_000_000, 67_000_000));
    assert_eq!((quote.ask, quote.ask_qty, quote.lag_us), (9_682 * ONE, 84_000_000, 2_406_092));
}

#[test]
fn bitfinex_rows_put_close_before_high_and_low() {
    let desk = Desk::new();
    let text = "1451606400000,429.17,429.17,429.17,429.17,1.6817\n\
        1451606460000,429.17,429.18,429.30,429.10,16.1\n1451606580000,429.19,429.29,429.29,429.19,1\n";
    let outcome = desk.text("candles.csv", text).unwrap();
    assert_eq!((outcome.rows, outcome.quality.gaps.missing_bars, outcome.quality.quiet), (3, 0, 1));
    let bar = desk.bars()[1];
    assert_eq!((bar.close, bar.high, bar.low), (42_918_000_000, 42_930_000_000, 42_910_000_000));
}

#[test]
fn flat_rows_without_header_are_not_guessed_at() {
    let text = "1451606400000,5,5,5,5,1\n1451606460000,6,6,6,6,1\n";
    let desk = Desk::new();
    let error = desk.text("candles.csv", text).unwrap_err().to_string();
    assert!(error.contains("--format bitfinex"), "{error}");
    let mut request = desk.request(&[&desk.file("candles.csv", text)]);
    request.format = Format::Bitfinex;
    assert_eq!(import(&request, &mut ()).unwrap().rows, 2);
}

#[test]
fn bitmex_buckets_are_named_by_their_end() {
    let desk = Desk::new();
    let text = "close_time_ms,open,high,low,close,volume_usd,trades,vwap,turnover_sat\n\
        1514764860000,13873,13905.5,13869,13869,252517,233,13894.6783,1817467882\n\
        1514764920000,13868,13900,13869,13900,0,0,,0\n";
    let outcome = desk.text("xbt.csv", text).unwrap();
    assert_eq!(outcome.entry.info.bar_time, Some(BarTime::Close));
    assert_eq!((outcome.quality.ohlc_violations.count, outcome.quality.zero_volume.count), (1, 1));
    assert_eq!(desk.bars()[0].open_at, 1_514_764_800 * SECOND);
}

#[test]
fn dates_make_daily_and_monthly_bars() {
    let desk = Desk::new();
    let text = ",Open,High,Low,Close,Volume\n2004-08-19,100,104.06,95.96,100.34,22351900\n\
        2004-08-20,101.01,109.08,100.5,108.31,11428600\n2004-08-23,110.76,113.48,109.05,109.4,9137200\n\
        2004-08-24,111.24,111.6,103.57,104.87,7631300\n";
    let outcome = desk.text("GOOG.csv", text).unwrap();
    assert_eq!(outcome.entry.info.interval, Some(Span::DAY));
    assert_eq!(outcome.quality.gaps.missing_bars, 2);
    let desk = Desk::new();
    let text = ",Open,High,Low,Close,Volume\n2012-01-31,4.58,7.38,3.8,5.55,2012.25\n\
        2012-02-29,5.55,6.5,3.8,4.99,4761.6\n2012-03-31,4.99,5.6,4.62,4.94,3000\n";
    let outcome = desk.text("BTCUSD.csv", text).unwrap();
    assert_eq!((outcome.rows, outcome.quality.gaps.count), (3, 0));
    assert!(outcome.quality.decisions.iter().any(|decision| decision.contains("calendar months")));
}

#[test]
fn any_table_is_read_by_naming_its_columns() {
    let desk = Desk::new();
    let path = desk.file("odd.txt", "2;9.5;1625097621.5;x\n3;9.6;1625097622.25;x\n");
    let mut request = desk.request(&[&path]);
    assert!(import(&request, &mut ()).unwrap_err().to_string().contains("--columns"));
    request.columns = "qty=1,price=2,time=3:s".parse().unwrap();
    let outcome = import(&request, &mut ()).unwrap();
    assert_eq!((outcome.rows, outcome.entry.info.kind), (2, RecordKind::Trades));
    assert_eq!(desk.trades()[1].venue_at, 1_625_097_622_250_000_000);
    let desk = Desk::new();
    let path =
        desk.file("odd.csv", "when,o,h,l,c,what\n2024-01-01 00:00,1,3,1,2,9\n2024-01-01 00:05,2,3,1,2,9\n");
    let mut request = desk.request(&[&path]);
    request.columns = "time=when,volume=what".parse().unwrap();
    request.bar_time = Some(BarTime::Close);
    let outcome = import(&request, &mut ()).unwrap();
    assert_eq!(outcome.entry.info.interval, "5m".parse().ok());
    assert_eq!(desk.bars()[0].open_at, (1_704_067_200 - 300) * SECOND);
}

#[test]
fn fewer_decimals_round_and_say_so() {
    let desk = Desk::new();
    let mut request = desk.request(&[&desk.file("t.csv", "ts,price,qty\n1570752011620,1.005,2.5\n")]);
    (request.price_decimals, request.qty_decimals) = (Some(2), Some(0));
    let outcome = import(&request, &mut ()).unwrap();
    assert_eq!(outcome.quality.rounded, 2);
    assert_eq!((desk.trades()[0].price, desk.trades()[0].qty), (100, 2));
}

#[test]
fn every_table_of_an_archive_is_read_in_order_of_time() {
    let desk = Desk::new();
    let members = [("b.csv", super::minute_bars(5, 5)), ("a.csv", super::minute_bars(0, 5))];
    let members: Vec<(&str, &str)> = members.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let mut all = vec![("readme.txt", "no table"), ("notes.json", "{}"), ("__MACOSX/a.csv", "junk")];
    all.extend(members);
    let outcome = desk.text("all.zip", zipped(&all)).unwrap();
    assert_eq!((outcome.rows, outcome.quality.gaps.count), (10, 0));
    let plain = Desk::new();
    let expected = plain.text("all.csv", super::minute_bars(0, 10)).unwrap();
    assert_eq!(outcome.entry.head.digest, expected.entry.head.digest);
}
