//! What Binance answers to frames and requests, good and bad.

use engine_core::num::Decimal;

use super::*;
use crate::message::{BookProof, Delivery, KlineState, Level, TradeIds};

fn said(frame: &str) -> Vec<MarketMessage> {
    Binance::default().parse(frame).unwrap()
}

fn refused(frame: &str) -> String {
    Binance::default().parse(frame).unwrap_err().to_string()
}

const TRADE: &str = r#"{"e":"trade","E":1784000000123,"s":"BTCUSDT","t":5123456789,"p":"64250.01000000","q":"0.00150000","T":1784000000122,"m":true,"M":true}"#;

#[test]
fn a_trade_is_the_same_raw_or_combined_and_in_any_order_of_fields() {
    let [MarketMessage::Trade(print)] = &said(TRADE)[..] else { panic!("no trade") };
    assert_eq!(
        (print.symbol.as_str(), print.ids, print.delivery),
        ("BTCUSDT", TradeIds::Single(5_123_456_789), Delivery::Live)
    );
    assert_eq!(print.venue_at.nanos(), 1_784_000_000_122_000_000);
    assert_eq!(print.price, Decimal { units: 6_425_001_000_000, decimals: 8 });
    assert_eq!(print.aggressor, Aggressor::Seller, "the buyer waited");
    assert_eq!(said(&format!(r#"{{"stream":"btcusdt@trade","data":{TRADE}}}"#)), said(TRADE));
    assert_eq!(said(&format!(r#" {{"data": {TRADE} ,"stream":"btcusdt@trade"}}"#)), said(TRADE));
}

#[test]
fn times_are_read_in_the_unit_that_was_asked_for() {
    let micros = Binance { stream_time_unit: TimeUnit::Microseconds };
    let frame = TRADE.replace("1784000000122", "1784000000122345");
    let [MarketMessage::Trade(print)] = &micros.parse(&frame).unwrap()[..] else { panic!("no trade") };
    assert_eq!(print.venue_at.nanos(), 1_784_000_000_122_345_000);
    assert!(refused(&frame.replace("1784000000122345", "17840000001223450000")).contains("field T"));
    assert_eq!(micros.stream_url("ws://127.0.0.1:1"), "ws://127.0.0.1:1/stream?timeUnit=MICROSECOND");
}

#[test]
fn symbols_of_any_script_are_kept() {
    for written in ["币安人生USDT", r"\u5e01\u5b89\u4eba\u751fUSDT"] {
        let [MarketMessage::Trade(print)] = &said(&TRADE.replace("BTCUSDT", written))[..] else {
            panic!("no trade")
        };
        assert_eq!(print.symbol, "币安人生USDT");
    }
    assert_eq!(Binance::stream_name("币安人生USDT", Channel::Trades).unwrap(), "币安人生usdt@trade");
}

#[test]
fn a_kline_ends_where_the_next_begins_and_one_without_trades_has_no_ids() {
    let frame = r#"{"e":"kline","E":1,"s":"BTCUSDT","k":{"t":1784000040000,"T":1784000099999,"s":"BTCUSDT","i":"1m","f":-1,"L":-1,"o":"1.0","c":"1.0","h":"1.0","l":"1.0","v":"0","n":0,"x":false,"q":"0"}}"#;
    let [MarketMessage::Kline(kline)] = &said(frame)[..] else { panic!("no kline") };
    assert_eq!(kline.close_at.since(kline.open_at), kline.interval);
    assert_eq!((kline.trades, kline.trade_ids, kline.state), (Some(0), None, KlineState::Forming));
    let closed = frame.replace("\"x\":false", "\"x\":true").replace("\"n\":0", "\"n\":1").replace("-1", "7");
    let [MarketMessage::Kline(kline)] = &said(&closed)[..] else { panic!("no kline") };
    assert_eq!((kline.trade_ids, kline.state), (Some((7, 7)), KlineState::Closed));
    let months = frame.replace("\"i\":\"1m\"", "\"i\":\"1M\"");
    assert_eq!(said(&months), [MarketMessage::Unknown { kind: "kline_1M".to_owned() }]);
}

#[test]
fn a_quote_of_an_empty_side_has_none_there() {
    let frame = r#"{"u":400900217,"s":"BTCUSDT","b":"0.00000000","B":"0.00000000","a":"64250.01","A":"0.8"}"#;
    let [MarketMessage::Quote(quote)] = &said(frame)[..] else { panic!("no quote") };
    assert_eq!((quote.update_id, quote.bid, quote.venue_at), (Some(400_900_217), None, None));
    let whole = |units, decimals| Decimal { units, decimals };
    assert_eq!(quote.ask, Some(Level { price: whole(6_425_001, 2), qty: whole(8, 1) }));
}

#[test]
fn a_partial_book_is_named_by_its_stream_only() {
    let data = r#"{"lastUpdateId":160,"bids":[["64250.00","1.2"]],"asks":[["64250.01","0.8"]]}"#;
    let combined = said(&format!(r#"{{"stream":"btcusdt@depth5@100ms","data":{data}}}"#));
    let [MarketMessage::BookTop(top)] = &combined[..] else { panic!("no book") };
    assert_eq!((top.symbol.as_str(), top.proof, top.bids.len()), ("BTCUSDT", BookProof::UpTo(160), 1));
    assert!(refused(data).contains("field stream is missing"));
}

#[test]
fn answers_refusals_and_the_end_of_a_connection_are_told() {
    let acknowledged =
        MarketMessage::Subscribed { request: Some("7".to_owned()), channel: None, symbols: Vec::new() };
    assert_eq!(said(r#"{"result":null,"id":7}"#), [acknowledged]);
    let reason = "Invalid request: unknown".to_owned();
    let refusal = |code| MarketMessage::SubscriptionRefused {
        request: Some("a".to_owned()),
        code,
        reason: reason.clone(),
    };
    assert_eq!(said(r#"{"code":2,"msg":"Invalid request: unknown","id":"a"}"#), [refusal(Some(2))]);
    assert_eq!(
        said(r#"{"error":{"code":-3,"msg":"Invalid request: unknown"},"id":"a"}"#),
        [refusal(Some(-3))]
    );
    let shutdown = MarketMessage::ServerShutdown { venue_at: Timestamp::from_millis(5) };
    assert_eq!(said(r#"{"e":"serverShutdown","E":5}"#), std::slice::from_ref(&shutdown));
    assert_eq!(said(r#"{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":5}}"#), [shutdown]);
}

#[test]
fn what_is_unknown_is_kept_by_its_kind() {
    let kind = |frame: &str| match &said(frame)[..] {
        [MarketMessage::Unknown { kind }] => kind.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(kind(r#"{"e":"24hrTicker","p":"-1.5","o":"1","c":[],"b":{}}"#), "24hrTicker");
    assert_eq!(kind(r#"{"stream":"!ticker@arr","data":[{"e":"24hrTicker"}]}"#), "!ticker@arr");
    assert_eq!(kind("[1,2]"), "array");
    assert_eq!(kind("{}"), "object without a name");
}

#[test]
fn a_field_that_is_spoiled_is_named() {
    for (from, to, field) in [
        ("\"64250.01000000\"", "\"-64250.01\"", "field p"),
        ("\"64250.01000000\"", "\"6e4\"", "field p"),
        ("\"0.00150000\"", "null", "field q is missing"),
        ("5123456789", "\"five\"", "field t"),
        ("\"BTCUSDT\"", "\"\"", "field s"),
        ("true,\"M\"", "1,\"M\"", "field m"),
    ] {
        let error = refused(&TRADE.replacen(from, to, 1));
        assert!(error.contains(field), "{error}");
    }
    assert!(
        refused("not json").contains("frame")
            && refused("").contains("frame")
            && refused("7").contains("no object")
    );
}

#[test]
fn subscriptions_are_cut_into_messages_and_refused_beyond_the_limit() {
    let symbols: Vec<String> = (0..250).map(|number| format!("S{number}USDT")).collect();
    let symbols: Vec<&str> = symbols.iter().map(String::as_str).collect();
    let channels = [Channel::Trades, Channel::Bars(Span::MINUTE), Channel::Book, Channel::BookTop(5)];
    let messages = Binance::default().subscribe(&symbols, &channels).unwrap();
    assert_eq!(messages.len(), 5);
    assert!(messages.iter().all(|message| message.len() < 8_192));
    assert!(messages[0].starts_with(r#"{"method":"SUBSCRIBE","params":["s0usdt@trade","s0usdt@kline_1m","s0usdt@depth@100ms","s0usdt@depth5@100ms","#));
    let five = [channels[0], channels[1], channels[2], channels[3], Channel::Quotes];
    let too_many = Unserved::Streams { venue: "binance", asked: 1_250, max: 1_024 };
    assert_eq!(Binance::default().subscribe(&symbols, &five), Err(too_many));
    for channel in [Channel::Bars(times(Span::SECOND, 7)), Channel::BookTop(7), Channel::Heartbeats] {
        assert!(
            matches!(Binance::default().subscribe(&symbols, &[channel]), Err(Unserved::Data { .. })),
            "{channel}"
        );
    }
}

#[test]
fn paths_ask_for_what_is_wanted() {
    let binance = Binance::default();
    let at = |millis| Timestamp::from_millis(millis).unwrap();
    let (from, until) = (at(60_000), at(180_000));
    let bars = BarsRequest { symbol: "BTCUSDT", interval: Span::MINUTE, from, until, rows_max: 9_999 };
    let path = "/api/v3/klines?symbol=BTCUSDT&interval=1m&startTime=60000&endTime=179999&limit=1000";
    assert_eq!(binance.bars_path(&bars).unwrap(), path);
    let trades = |since| {
        binance.trades_path(&TradesRequest { symbol: "币USDT", since, until: None, rows_max: 10 }).unwrap()
    };
    assert_eq!(
        trades(TradesSince::Trade(7)),
        "/api/v3/historicalTrades?symbol=%E5%B8%81USDT&fromId=7&limit=10"
    );
    assert_eq!(
        trades(TradesSince::Moment(from)),
        "/api/v3/aggTrades?symbol=%E5%B8%81USDT&startTime=60000&limit=10"
    );
    let book = BookRequest { symbol: "BTCUSDT", levels: 5_000 };
    assert_eq!(binance.book_path(&book).unwrap(), "/api/v3/depth?symbol=BTCUSDT&limit=5000");
}

#[test]
fn a_refusal_says_its_code_and_when_to_ask_again() {
    let refusal = |status, after, body| Binance::default().refusal(status, after, body);
    let told = refusal(400, None, r#"{"code":-1121,"msg":"Invalid symbol."}"#);
    assert_eq!((told.code.as_deref(), told.retry), (Some("-1121"), Retry::Never));
    assert_eq!(told.to_string(), "refused with status 400, code -1121: Invalid symbol.");
    assert_eq!(refusal(400, None, r#"{"code":-1003,"msg":"Too many requests"}"#).retry, Retry::Later);
    assert_eq!(refusal(418, Some("120"), "<html>").retry, Retry::Banned(Some(times(Span::SECOND, 120))));
}
