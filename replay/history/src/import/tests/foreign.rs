//! The text files of every source that is told apart: each is written from a known market and must import as it.

use chrono::DateTime;
use engine_core::time::Span;
use journal_store::record::RecordKind;

use super::market::{
    Bar, DAY, Trade, bars, holds_bars, holds_quotes, holds_trades, lines, quotes, text, trades, uncounted,
};
use super::{Desk, gzipped, zipped};
use crate::import::{Format, import};

fn date(seconds: i64, pattern: &str) -> String {
    DateTime::from_timestamp(seconds, 0).unwrap().format(pattern).to_string()
}

/// The prices of a bar in the order of `places`.
fn prices(bar: &Bar, places: [usize; 4]) -> String {
    places.map(|place| text(bar.prices[place])).join(",")
}

const OHLC: [usize; 4] = [0, 1, 2, 3];

/// Lines of `rows` with the newest first, under `header`.
fn newest_first<T: Copy>(header: &str, rows: &[T], line: impl Fn(&T) -> String) -> String {
    let turned: Vec<T> = rows.iter().rev().copied().collect();
    lines(header, &turned, line)
}

const ADDRESS: &str = "https://www.CryptoDataDownload.com\n";

/// Imports one file and expects `bars` of `step` seconds, found without any option.
#[track_caller]
fn gives_bars(name: &str, content: impl AsRef<[u8]>, bars: &[Bar], step: i64) {
    let desk = Desk::new();
    let outcome = desk.text(name, content).unwrap();
    assert_eq!(outcome.entry.info.interval, Some(Span::from_nanos(step * 1_000_000_000)));
    holds_bars(&desk, bars);
}

#[track_caller]
fn gives_trades(name: &str, content: impl AsRef<[u8]>, trades: &[Trade], sided: bool) {
    let desk = Desk::new();
    desk.text(name, content).unwrap();
    holds_trades(&desk, trades, sided);
}

#[test]
fn kraken_history_without_header() {
    let market = bars(300, 3_600);
    let row = |bar: &Bar| format!("{},{},{},{}", bar.at, prices(bar, OHLC), text(bar.volume), bar.trades);
    gives_bars("XBTUSD_60.csv", lines("", &market, row), &market, 3_600);
    // The answer of the interface has the average price before the volume.
    let row = |bar: &Bar| {
        let average = text(bar.prices[0]);
        format!("{},{},{average},{},{}", bar.at, prices(bar, OHLC), text(bar.volume), bar.trades)
    };
    gives_bars("ohlc.csv", lines("", &market, row), &market, 3_600);
}

#[test]
fn kraken_time_and_sales() {
    let market = trades(400);
    let row = |trade: &Trade| {
        let at = format!("{}.{:03}", trade.at_ms / 1_000, trade.at_ms % 1_000);
        format!("{at},{},{}", text(trade.price), text(trade.qty))
    };
    gives_trades("XBTUSD.csv", lines("", &market, row), &market, false);
    // An ask just above a bid has the same shape: nothing is guessed then.
    let text = "1614816000,100.0,100.5\n1614816001,100.1,100.6\n";
    let desk = Desk::new();
    let error = desk.text("unclear.csv", text).unwrap_err().to_string();
    assert!(error.contains("--format kraken") && error.contains("bid=2,ask=3"), "{error}");
    let mut request = desk.request(&[&desk.file("unclear.csv", text)]);
    request.format = Format::Kraken;
    assert_eq!(import(&request, &mut ()).unwrap().entry.info.kind, RecordKind::Trades);
}

#[test]
fn bybit_trades_name_their_seconds_with_decimals() {
    let market = trades(300);
    let header =
        "timestamp,symbol,side,size,price,tickDirection,trdMatchID,grossValue,homeNotional,foreignNotional\n";
    let row = |trade: &Trade| {
        let (at, price, qty) = (trade.at_ms, text(trade.price), text(trade.qty));
        let side = if trade.buy { "Buy" } else { "Sell" };
        format!(
            "{}.{:03},BTCUSDT,{side},{qty},{price},PlusTick,{at:08x}-0000-5000-8000-000000000000,1e+10,{qty},1",
            at / 1_000,
            at % 1_000
        )
    };
    let content = gzipped(lines(header, &market, row).as_bytes());
    gives_trades("BTCUSDT2021-03-04.csv.gz", content, &market, true);
    // Until 2021 the newest trade came first.
    let content = gzipped(newest_first(header, &market, row).as_bytes());
    gives_trades("BTCUSDT2020-03-25.csv.gz", content, &market, true);
    let row = |trade: &Trade| {
        let side = if trade.buy { "buy" } else { "sell" };
        format!(
            "{},{},{},{},{side}",
            trade.at_ms - DAY * 1_000,
            trade.at_ms,
            text(trade.price),
            text(trade.qty)
        )
    };
    let spot = lines("id,timestamp,price,volume,side\n", &market, row);
    gives_trades("BTCUSDT_2021-03-04.csv", spot, &market, true);
}

#[test]
fn equal_trades_of_different_names_are_all_kept() {
    let header =
        "timestamp,symbol,side,size,price,tickDirection,trdMatchID,grossValue,homeNotional,foreignNotional\n";
    let row = |id: &str| format!("1614816000.5,BTCUSDT,Buy,1,9000,PlusTick,{id},1,1,1\n");
    let desk = Desk::new();
    let text = [header, &row("aaaaaaaa-1"), &row("aaaaaaaa-2"), &row("aaaaaaaa-2")].concat();
    let outcome = desk.text("BTCUSDT2021-03-04.csv", text).unwrap();
    assert_eq!((outcome.rows, outcome.skipped), (2, 1));
}

#[test]
fn bybit_klines_end_with_the_turnover_or_begin_with_dots() {
    let market = uncounted(&bars(250, 900));
    let row = |bar: &Bar| {
        let turnover = bar.prices[0] as f64 / 1e8 * (bar.volume as f64 / 1e8);
        format!("{},{},{},{turnover:.4}", bar.at * 1_000, prices(bar, OHLC), text(bar.volume))
    };
    gives_bars("klines.csv", lines("", &market, row), &market, 900);
    let header = "startTime,openPrice,highPrice,lowPrice,closePrice,volume,turnover\n";
    gives_bars("headed.csv", lines(header, &market, row), &market, 900);
    // The files for MetaTrader count three hours more than UTC.
    let row = |bar: &Bar| {
        let at = date(bar.at + 3 * 3_600, "%Y.%m.%d %H:%M");
        format!("{at},{},{}", prices(bar, OHLC), text(bar.volume))
    };
    let content = gzipped(lines("", &market, row).as_bytes());
    gives_bars("BTCUSDT_15_2021-03-01_2021-03-31.csv.gz", content, &market, 900);
}

#[test]
fn okx_headers_are_english_before_the_stroke() {
    let market = trades(200);
    let row = |trade: &Trade| {
        let side = if trade.buy { "buy" } else { "sell" };
        format!("{},{side},{},{},{}", trade.at_ms, text(trade.qty), text(trade.price), trade.at_ms)
    };
    // The Chinese half in GBK, as the venue writes it.
    let header: [&[u8]; 6] = [
        b"trade_id/\xbd\xbb\xd2\xd7id,side/\xbd\xbb\xd2\xd7",
        b"\xb7\xbd\xcf\xf2,size/\xca\xfd\xc1\xbf,",
        b"price/\xbc\xdb\xb8\xf1,",
        b"created_time/\xb3\xc9\xbd\xbb",
        b"\xca\xb1\xbc\xe4\n",
        b"",
    ];
    let content = [header.concat(), lines("", &market, row).into_bytes()].concat();
    gives_trades("BTC-USDT-trades-2021-03-04.csv", content, &market, true);
    let market = uncounted(&bars(60, 60));
    let header = "instrument_name,open,high,low,close,vol,vol_ccy,vol_quote,open_time,confirm\n";
    let row =
        |bar: &Bar| format!("BTC-USDT,{},{},1,1,{},1", prices(bar, OHLC), text(bar.volume), bar.at * 1_000);
    gives_bars("BTC-USDT-candlesticks-2021-03-04.csv", lines(header, &market, row), &market, 60);
    let row = |bar: &Bar| format!("{},{},{},1,1,1", bar.at * 1_000, prices(bar, OHLC), text(bar.volume));
    gives_bars("candles.csv", lines("", &market, row), &market, 60);
}

#[test]
fn coinbase_puts_low_and_high_first() {
    let market = uncounted(&bars(100, 300));
    let row = |bar: &Bar| format!("{},{},{}", bar.at, prices(bar, [2, 1, 0, 3]), text(bar.volume));
    gives_bars("candles.csv", lines("", &market, row), &market, 300);
    gives_bars("headed.csv", lines("time,low,high,open,close,volume\n", &market, row), &market, 300);
    let row = |bar: &Bar| format!("[{}, {}, {}]", bar.at, prices(bar, [2, 1, 0, 3]), text(bar.volume));
    let rows: Vec<String> = market.iter().rev().map(row).collect();
    gives_bars("candles.json", format!("[{}]", rows.join(",\n")), &market, 300);
    let desk = Desk::new();
    let flat = "1614816000,5,5,5,5,1\n1614816300,6,6,6,6,1\n";
    let error = desk.text("flat.csv", flat).unwrap_err().to_string();
    assert!(error.contains("--format coinbase (low, high, open, close)"), "{error}");
}

#[test]
fn bitstamp_rows_of_nan_are_minutes_without_trades() {
    let market = uncounted(&bars(120, 60));
    let header = "Timestamp,Open,High,Low,Close,Volume_(BTC),Volume_(Currency),Weighted_Price\n";
    let row = |bar: &Bar| {
        if bar.at % 600 == 540 {
            return format!("{},NaN,NaN,NaN,NaN,NaN,NaN,NaN", bar.at);
        }
        format!("{},{},{},1,1", bar.at, prices(bar, OHLC), text(bar.volume))
    };
    // Nothing says that the market was there in a minute behind the last trade.
    let mut quiet = market[..119].to_vec();
    for number in (1..quiet.len()).filter(|number| market[*number].at % 600 == 540) {
        let prices = [market[number - 1].prices[3]; 4];
        quiet[number] = Bar { prices, volume: 0, trades: 0, ..market[number] };
    }
    gives_bars("bitstampUSD_1-min_data.csv", lines(header, &market, row), &quiet, 60);
    let row = |bar: &Bar| {
        let [open, high, low, close] = bar.prices.map(text);
        let (at, volume) = (bar.at, text(bar.volume));
        format!(
            r#"{{"timestamp":"{at}","open":"{open}","high":"{high}","low":"{low}","close":"{close}","volume":"{volume}"}}"#
        )
    };
    let rows: Vec<String> = market.iter().map(row).collect();
    let answer = format!(r#"{{"data": {{"pair": "BTC/USD", "ohlc": [{}]}}}}"#, rows.join(", "));
    gives_bars("ohlc.json", answer, &market, 60);
}

#[test]
fn gemini_and_cryptodatadownload_have_two_moments_and_two_volumes() {
    let market = uncounted(&bars(90, 86_400));
    let header = "Unix Timestamp,Date,Symbol,Open,High,Low,Close,Volume\n";
    let row = |bar: &Bar| {
        let day = date(bar.at, "%Y-%m-%d %H:%M:%S");
        format!("{},{day},BTCUSD,{},{}", bar.at * 1_000, prices(bar, OHLC), text(bar.volume))
    };
    gives_bars("gemini_BTCUSD_day.csv", lines(header, &market, row), &market, 86_400);
    gives_bars(
        "gemini_BTCUSD_day.csv",
        ADDRESS.to_owned() + &newest_first(header, &market, row),
        &market,
        86_400,
    );
    // Whichever of the volumes counts the asset, it is found by its name.
    for header in [
        "unix,date,symbol,open,high,low,close,Volume BTC,Volume USDT,tradecount\n",
        "unix,date,symbol,open,high,low,close,Volume USDT,Volume BTC,tradecount\n",
    ] {
        let first = header.contains("Volume BTC,Volume USDT");
        let row = |bar: &Bar| {
            let day = date(bar.at, "%Y-%m-%d %H:%M:%S");
            let (volume, money) = (text(bar.volume), "123456.78".to_owned());
            let volumes = if first { [volume, money] } else { [money, volume] }.join(",");
            format!("{},{day},BTC/USDT,{},{volumes},{}", bar.at, prices(bar, OHLC), bar.trades)
        };
        gives_bars("Binance_BTCUSDT_d.csv", lines(header, &market, row), &market, 86_400);
        let published = ADDRESS.to_owned() + &newest_first(header, &market, row);
        gives_bars("Binance_BTCUSDT_d.csv", published, &market, 86_400);
    }
    let header = "unix,date,symbol,open,high,low,close,Volume XBT,Volume EUR\n";
    let row = |bar: &Bar| format!("{},2021-03-04,BTC/EUR,{},1,2", bar.at, prices(bar, OHLC));
    let error = Desk::new().text("Kraken_BTCEUR_d.csv", lines(header, &market, row)).unwrap_err().to_string();
    assert!(error.contains("--columns volume=8 (XBT) or volume=9 (EUR)"), "{error}");
}

#[test]
fn binance_best_quotes_have_a_header() {
    let market = quotes(100);
    let header =
        "update_id,best_bid_price,best_bid_qty,best_ask_price,best_ask_qty,transaction_time,event_time\n";
    let row = |quote: &super::market::Quote| {
        let sides = quote.sides.map(text).join(",");
        format!("7,{sides},{},{}", quote.at_ms, quote.at_ms + 3)
    };
    let desk = Desk::new();
    desk.text("BTCUSDT-bookTicker-2021-03-04.csv", lines(header, &market, row)).unwrap();
    holds_quotes(&desk, &market, 0);
}

#[test]
fn freqtrade_keeps_arrays() {
    let market = uncounted(&bars(200, 300));
    let row = |bar: &Bar| format!("[{},{},{}]", bar.at * 1_000, prices(bar, OHLC), text(bar.volume));
    let rows: Vec<String> = market.iter().map(row).collect();
    let json = format!("[{}]", rows.join(","));
    gives_bars("BTC_USDT-5m.json", &json, &market, 300);
    gives_bars("BTC_USDT-5m.json.gz", gzipped(json.as_bytes()), &market, 300);
    let market = trades(100);
    let row = |trade: &Trade| {
        let side = if trade.buy { "buy" } else { "sell" };
        format!("[{0},\"{0}\",null,\"{side}\",{1},{2},1.5]", trade.at_ms, text(trade.price), text(trade.qty))
    };
    let rows: Vec<String> = market.iter().map(row).collect();
    gives_trades("BTC_USDT-trades.json", format!("[{}]", rows.join(",")), &market, true);
}

#[test]
fn lean_names_the_day_in_the_name_of_the_file() {
    let market = uncounted(&bars(300, 60));
    let row = |bar: &Bar| format!("{},{},{}", (bar.at - DAY) * 1_000, prices(bar, OHLC), text(bar.volume));
    let rows = lines("", &market, row);
    let archive = zipped(&[("20210304_btcusdt_minute_trade.csv", &rows)]);
    gives_bars("20210304_trade.zip", archive, &market, 60);
    let market = uncounted(&bars(40, 86_400));
    let row =
        |bar: &Bar| format!("{},{},{}", date(bar.at, "%Y%m%d %H:%M"), prices(bar, OHLC), text(bar.volume));
    gives_bars("btcusdt_trade.zip", zipped(&[("btcusdt.csv", &lines("", &market, row))]), &market, 86_400);
    let market = trades(50);
    let row =
        |trade: &Trade| format!("{},{},{},0", trade.at_ms - DAY * 1_000, text(trade.price), text(trade.qty));
    let archive = zipped(&[("20210304_btcusdt_tick_trade.csv", &lines("", &market, row))]);
    gives_trades("20210304_trade.zip", archive, &market, false);
    // Quotes are the last ones of their minute: they stand at its end.
    let market: Vec<_> = quotes(30)
        .into_iter()
        .enumerate()
        .map(|(minute, quote)| super::market::Quote { at_ms: DAY * 1_000 + minute as i64 * 60_000, ..quote })
        .collect();
    let row = |quote: &super::market::Quote| {
        let [bid, bid_qty, ask, ask_qty] = quote.sides.map(text);
        format!("{},1,2,1,{bid},{bid_qty},1,2,1,{ask},{ask_qty}", quote.at_ms - DAY * 1_000)
    };
    let desk = Desk::new();
    let archive = zipped(&[("20210304_btcusdt_minute_quote.csv", &lines("", &market, row))]);
    desk.text("20210304_quote.zip", archive).unwrap();
    holds_quotes(&desk, &market, 60_000);
}

#[test]
fn lean_stocks_are_refused_for_their_scale() {
    let desk = Desk::new();
    let folder = desk.dir.path().join("equity/usa/minute/spy");
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("20131007_trade.zip");
    let rows =
        "34200000,1675500,1676000,1675400,1675800,1200\n34260000,1675500,1676000,1675400,1675800,1200\n";
    std::fs::write(&path, zipped(&[("20131007_spy_minute_trade.csv", rows)])).unwrap();
    let error = desk.import(&[&path]).unwrap_err().to_string();
    assert!(error.contains("folder equity of LEAN"), "{error}");
}
