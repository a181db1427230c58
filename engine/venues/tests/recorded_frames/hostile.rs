//! Frames no venue would send: whatever comes, a parser answers.

use engine_core::time::{Span, Timestamp};
use engine_venues::dialect::Dialect;
use engine_venues::dialect::binance::Binance;
use engine_venues::dialect::coinbase::Coinbase;
use engine_venues::dialect::kraken::Kraken;
use engine_venues::dialect::request::{BarsRequest, BookRequest, TradesRequest, TradesSince};
use engine_venues::message::MarketMessage;
use engine_venues::order_book::{BookRule, OrderBook};
use proptest::prelude::*;

use crate::frames::counting;

/// Frames and answers of the shapes of all dialects, values made up.
pub(crate) const SHAPES: [&str; 21] = [
    r#"{"stream":"btcusdt@trade","data":{"e":"trade","E":1784000000123,"s":"BTCUSDT","t":5123456789,"p":"64250.01","q":"0.0015","T":1784000000122,"m":true,"M":true}}"#,
    r#"{"e":"aggTrade","E":1784000000123,"s":"BTCUSDT","a":31,"p":"64250.01","q":"0.02","f":10,"l":12,"T":1784000000122,"m":false}"#,
    r#"{"e":"kline","E":1,"s":"BTCUSDT","k":{"t":1784000000000,"T":1784000059999,"s":"BTCUSDT","i":"1m","f":1,"L":99,"o":"64200.0","c":"64250.0","h":"64260.0","l":"64190.0","v":"12.5","n":99,"x":true}}"#,
    r#"{"u":400900217,"s":"BTCUSDT","b":"64250.00","B":"1.2","a":"64250.01","A":"0.8"}"#,
    r#"{"e":"depthUpdate","E":1784000000123,"s":"BTCUSDT","U":157,"u":160,"pu":150,"b":[["64250.00","10"]],"a":[["64251.00","0",[]]]}"#,
    r#"{"stream":"btcusdt@depth5","data":{"lastUpdateId":160,"bids":[["64250.00","1.2"]],"asks":[["64250.01","0.8"]]}}"#,
    r#"{"code":2,"msg":"Invalid request","id":7}"#,
    r#"{"channel":"market_trades","client_id":"","timestamp":"2026-04-07T14:30:02.789012Z","sequence_num":5,"events":[{"type":"update","trades":[{"trade_id":"99","product_id":"BTC-USD","price":"68900.50","size":"0.0015","side":"BUY","time":"2026-04-07T14:30:02.789012Z"}]}]}"#,
    r#"{"channel":"l2_data","timestamp":"2026-04-07T14:30:02Z","sequence_num":"1","events":[{"type":"update","product_id":"BTC-USD","updates":[{"side":"offer","price_level":"68901.00","new_quantity":"0"}]}]}"#,
    r#"{"channel":"ticker","timestamp":"2026-04-07T14:30:02Z","sequence_num":2,"events":[{"type":"update","tickers":[{"product_id":"BTC-USD","best_bid":"1","best_bid_quantity":"1","best_ask":"2","best_ask_quantity":"1"}]}]}"#,
    r#"{"channel":"heartbeats","sequence_num":3,"events":[{"current_time":"","heartbeat_counter":"42"}]}"#,
    r#"{"channel":"candles","sequence_num":3,"events":[{"type":"update","candles":[{"start":"1775521800","open":"1","high":"2","low":"1","close":"2","volume":"3","product_id":"BTC-USD"}]}]}"#,
    r#"{"channel":"trade","type":"update","data":[{"symbol":"BTC/USD","side":"buy","price":105944.20,"qty":0.00027625,"ord_type":"limit","trade_id":10218208,"timestamp":"2023-10-06T17:35:55.440295Z"}]}"#,
    r#"{"channel":"book","type":"snapshot","data":[{"symbol":"BTC/USD","bids":[{"price":1.5,"qty":0.1}],"asks":[{"price":2.5,"qty":0.1}],"checksum":2439117997}]}"#,
    r#"{"channel":"book","type":"update","data":[{"symbol":"BTC/USD","bids":[],"asks":[{"price":2.5,"qty":0}],"checksum":1,"timestamp":"2023-10-06T17:35:55.440295Z"}]}"#,
    r#"{"channel":"ohlc","type":"update","data":[{"symbol":"BTC/USD","interval":1,"interval_begin":"2023-10-04T16:25:00Z","open":1.2,"high":1.3,"low":1.1,"close":1.2,"volume":3,"trades":12}]}"#,
    r#"{"channel":"instrument","type":"snapshot","data":{"assets":[],"pairs":[{"symbol":"BTC/USD","status":"online","price_increment":0.1,"price_precision":1,"qty_increment":0.00000001,"qty_precision":8,"qty_min":0.00005,"cost_min":0.5}]}}"#,
    r#"{"method":"subscribe","success":false,"error":"Currency pair not supported","req_id":1}"#,
    r#"{"symbols":[{"symbol":"A","status":"TRADING","filters":[{"filterType":"PRICE_FILTER","tickSize":"0.1"},{"filterType":"LOT_SIZE","stepSize":"1","minQty":"1"}]}]}"#,
    r#"[[1499040000000,"0.01","0.8","0.01","0.02","148976.1",1499644799999,"2434.1",308,"1","2","0"]]"#,
    r#"{"error":[],"result":{"XBTUSDT":[["105433.6","0.1",1762795433.9717445,"b","l","",10218208]],"last":"1"}}"#,
];

/// Values that stand where none of their kind belong.
pub(crate) const POISON: [&str; 24] = [
    "null",
    "\"\"",
    "-1",
    "\"-1\"",
    "NaN",
    "\"NaN\"",
    "Infinity",
    "1e400",
    "\"1e400\"",
    "1e-400",
    "0",
    "0.0",
    "true",
    "[]",
    "{}",
    "99999999999999999999999999999999999999",
    "\"999999999999999999999999999999\"",
    "0.1234567890123456789012345678901234567890",
    "18446744073709551615",
    "18446744073709551616",
    "9223372036854775807",
    "\"\\ud800\"",
    "\"币安人生\"",
    "[[[[[[[[",
];

fn dialects() -> [Box<dyn Dialect>; 3] {
    [Box::new(Binance::default()), Box::new(Coinbase), Box::new(Kraken::default())]
}

/// Shows a text to every parser and every book; nothing may panic. Answers how many messages, bars, trades and listings were read.
pub(crate) fn show(text: &str) -> usize {
    let mut read = 0;
    let bars = BarsRequest {
        symbol: "BTCUSDT",
        interval: Span::MINUTE,
        from: Timestamp::MIN,
        until: Timestamp::MAX,
        rows_max: 10,
    };
    let trades = TradesRequest { symbol: "BTCUSDT", since: TradesSince::Latest, until: None, rows_max: 10 };
    let levels = BookRequest { symbol: "BTCUSDT", levels: 10 };
    let rules = [
        BookRule::UpdateIds,
        BookRule::PreviousUpdateId,
        BookRule::Connection,
        BookRule::Checksum { depth: 10 },
    ];
    for dialect in dialects() {
        for message in dialect.parse(text).unwrap_or_default() {
            read += 1;
            for rule in rules {
                let mut book = OrderBook::new(&counting(2, 8), rule);
                match &message {
                    MarketMessage::BookSnapshot(snapshot) => drop(book.take_snapshot(snapshot)),
                    MarketMessage::BookChange(change) => {
                        drop((book.take_change(change), book.take_change(change)));
                    }
                    MarketMessage::Listing(listing) => drop(listing.instrument("venue")),
                    _ => {}
                }
            }
        }
        let listings = dialect.parse_listings(text).map(|(listings, _)| listings).unwrap_or_default();
        listings.iter().for_each(|listing| drop(listing.instrument("venue")));
        read += listings.len() + dialect.parse_bars(text, &bars).map_or(0, |bars| bars.len());
        read += dialect.parse_trades(text, &trades).map_or(0, |trades| trades.len());
        drop(dialect.parse_time(text));
        drop((dialect.parse_book(text, &levels), dialect.refusal(429, Some(text), text)));
    }
    read
}

#[test]
fn every_shape_is_read_by_its_dialect() {
    for frame in SHAPES.iter().take(18) {
        let is_known = |dialect: &dyn Dialect| {
            let said = dialect.parse(frame).unwrap_or_default();
            said.iter().any(|message| !matches!(message, MarketMessage::Unknown { .. }))
        };
        assert_eq!(dialects().iter().filter(|dialect| is_known(dialect.as_ref())).count(), 1, "{frame}");
    }
    for shape in SHAPES {
        show(shape);
    }
}

#[test]
fn deep_nesting_and_long_texts_are_answered() {
    for text in [
        "[".repeat(200_000),
        "{\"data\":".repeat(100_000),
        format!("{{\"e\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000)),
        format!("{{\"e\":\"trade\",\"s\":\"{}\"}}", "x".repeat(3_000_000)),
        format!("{{\"channel\":\"l2_data\",\"events\":[{}]}}", "{},".repeat(100_000)),
        format!("{{\"u\":1,\"s\":\"A\",\"b\":\"{}\"}}", "9".repeat(1_000_000)),
    ] {
        show(&text);
    }
}

#[test]
fn every_value_of_every_shape_may_be_poisoned() {
    let mut refused = 0;
    for shape in SHAPES {
        // Where a value ends: at a comma or a closing bracket.
        for (at, _) in shape.match_indices([',', '}', ']']) {
            let begin = shape[..at].rfind([':', ',', '[', '{']).unwrap() + 1;
            for poison in POISON {
                let poisoned = format!("{}{poison}{}", &shape[..begin], &shape[at..]);
                show(&poisoned);
                refused += usize::from(dialects().iter().all(|dialect| dialect.parse(&poisoned).is_err()));
            }
        }
    }
    assert!(refused > 500, "{refused}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_text_panics_a_parser(text in "\\PC{0,200}") {
        show(&text);
    }

    #[test]
    fn no_bytes_panic_a_parser(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        show(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn no_mutation_of_a_real_shape_panics_a_parser(
        shape in prop::sample::select(SHAPES.to_vec()),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0_u8..3), 1..6),
    ) {
        let mut bytes = shape.as_bytes().to_vec();
        for (at, byte, edit) in edits {
            let at = at.index(bytes.len());
            match edit {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => bytes.truncate(at.max(1)),
            }
        }
        show(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn no_combination_of_two_shapes_panics_a_parser(
        one in prop::sample::select(SHAPES.to_vec()),
        other in prop::sample::select(SHAPES.to_vec()),
        cuts in (any::<prop::sample::Index>(), any::<prop::sample::Index>()),
    ) {
        let (left, right) = (cuts.0.index(one.len()), cuts.1.index(other.len()));
        show(&format!("{}{}", &one[..left], &other[right..]));
    }
}
