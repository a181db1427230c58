//! What Kraken answers to frames and requests, good and bad.

use engine_core::num::Decimal;

use super::*;
use crate::listing::TradingStatus;
use crate::message::{BookProof, Delivery};

fn said(frame: &str) -> Vec<MarketMessage> {
    Kraken::default().parse(frame).unwrap()
}

#[test]
fn numbers_keep_the_digits_that_stand_there() {
    let frame = r#"{"channel":"trade","type":"snapshot","data":[{"symbol":"BTC/USD","side":"sell","price":105944.20,"qty":0.00027625,"ord_type":"limit","trade_id":10218208,"timestamp":"2023-10-06T17:35:55.440295Z"}]}"#;
    let [MarketMessage::Trade(print)] = &said(frame)[..] else { panic!("no trade") };
    assert_eq!(print.price, Decimal { units: 10_594_420, decimals: 2 });
    assert_eq!(print.qty, Decimal { units: 27_625, decimals: 8 });
    assert_eq!((print.aggressor, print.delivery), (Aggressor::Seller, Delivery::Past));
    let error = Kraken::default().parse(&frame.replace("0.00027625", "2.7625e-4")).unwrap_err().to_string();
    assert!(error.contains("field qty"), "{error}");
}

#[test]
fn a_book_carries_its_checksum() {
    let frame = r#"{"channel":"book","type":"update","data":[{"symbol":"BTC/USD","bids":[{"price":1.10,"qty":0}],"asks":[],"checksum":4294967295,"timestamp":"2023-10-06T17:35:55Z"}]}"#;
    let [MarketMessage::BookChange(change)] = &said(frame)[..] else { panic!("no change") };
    assert_eq!((change.proof, change.bids[0].qty.units), (BookProof::Checksum(u32::MAX), 0));
    assert!(Kraken::default().parse(&frame.replace("4294967295", "4294967296")).is_err());
    assert!(Kraken::default().parse(&frame.replace("\"checksum\":4294967295,", "")).is_err());
}

#[test]
fn states_and_rules_are_told() {
    let status = r#"{"channel":"status","type":"update","data":[{"system":"cancel_only","api_version":"v2","connection_id":1,"version":"2.0.0"}]}"#;
    let word = "cancel_only".to_owned();
    assert_eq!(said(status), [MarketMessage::VenueStatus { status: TradingStatus::CancelOnly, word }]);
    let rules = r#"{"channel":"instrument","type":"snapshot","data":{"assets":[{"id":"USD"}],"pairs":[{"symbol":"BTC/USD","status":"online","price_increment":0.1,"price_precision":1,"qty_increment":0.00000001,"qty_precision":8,"qty_min":0.00005,"cost_min":0.5,"cost_precision":5}]}}"#;
    let [MarketMessage::Listing(listing)] = &said(rules)[..] else { panic!("no listing") };
    let instrument = listing.instrument("kraken").unwrap();
    assert_eq!((instrument.price_decimals, instrument.qty_decimals, instrument.tick.units()), (1, 8, 1));
    assert_eq!(said(r#"{"channel":"heartbeat"}"#), [MarketMessage::Heartbeat { counter: None }]);
}

#[test]
fn answers_to_subscriptions_are_told() {
    let refused = r#"{"error":"Currency pair not supported BTC/XXX","method":"subscribe","req_id":3,"success":false,"symbol":"BTC/XXX"}"#;
    let reason = "Currency pair not supported BTC/XXX".to_owned();
    let refusal = MarketMessage::SubscriptionRefused { request: Some("3".to_owned()), code: None, reason };
    assert_eq!(said(refused), [refusal]);
    let taken = r#"{"method":"subscribe","result":{"channel":"book","depth":10,"snapshot":true,"symbol":"BTC/USD"},"success":true,"req_id":1}"#;
    let [MarketMessage::Subscribed { channel, symbols, .. }] = &said(taken)[..] else { panic!("not taken") };
    assert_eq!((channel.as_deref(), &symbols[..]), (Some("book"), &["BTC/USD".to_owned()][..]));
}

#[test]
fn subscriptions_name_depth_interval_and_nothing_that_comes_unasked() {
    let kraken = Kraken { book_depth: BookDepth::Hundred };
    let channels = [Channel::Book, Channel::Heartbeats, Channel::Bars(Span::HOUR)];
    let messages = kraken.subscribe(&["BTC/USD", "ETH/USD"], &channels).unwrap();
    assert_eq!(messages.len(), 2);
    assert!(messages[0].contains(r#""depth":100"#) && messages[1].contains(r#""interval":60"#));
    assert!(kraken.subscribe(&["BTC/USD"], &[Channel::Bars(Span::SECOND)]).is_err());
}

#[test]
fn requests_spell_pairs_as_of_old() {
    assert_eq!((rest_pair("BTC/USD"), stream_symbol("XBT/USD")), ("XBTUSD".to_owned(), "BTC/USD".to_owned()));
    assert_eq!(
        (rest_pair("DOGE/EUR"), stream_symbol("XDG/EUR")),
        ("XDGEUR".to_owned(), "DOGE/EUR".to_owned())
    );
    let at = |seconds: i64| Timestamp::from_nanos(seconds * 1_000_000_000);
    let bars =
        BarsRequest { symbol: "BTC/USD", interval: Span::DAY, from: at(100), until: at(200), rows_max: 720 };
    assert_eq!(
        Kraken::default().bars_path(&bars).unwrap(),
        "/0/public/OHLC?pair=XBTUSD&interval=1440&since=99"
    );
    let trades =
        TradesRequest { symbol: "BTC/USD", since: TradesSince::Moment(at(7)), until: None, rows_max: 5 };
    let path = "/0/public/Trades?pair=XBTUSD&count=5&since=7000000000";
    assert_eq!(Kraken::default().trades_path(&trades).unwrap(), path);
}

#[test]
fn a_refusal_with_status_200_is_a_refusal() {
    let refused = |error: &str| match Kraken::default().parse_time(&format!(r#"{{"error":["{error}"]}}"#)) {
        Err(AnswerError::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused("EQuery:Unknown asset pair").retry, Retry::Never);
    assert_eq!(refused("EGeneral:Too many requests").retry, Retry::Later);
    assert_eq!(Kraken::default().refusal(503, Some("9"), "<html>").retry, Retry::After(seconds(9)));
}
