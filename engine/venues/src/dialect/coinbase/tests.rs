//! What Coinbase answers to frames and requests, good and bad.

use super::*;
use crate::dialect::refusal::Retry;
use crate::message::BookProof;

fn said(frame: &str) -> Vec<MarketMessage> {
    Coinbase.parse(frame).unwrap()
}

#[test]
fn counters_are_numbers_or_texts_and_a_client_id_may_be_absent() {
    let events = r#""events":[{"current_time":"2026-08-09 21:05:48.85 +0000 UTC m=+41691.26","heartbeat_counter":"42"}]"#;
    let beat = [MarketMessage::Sequence { number: 7 }, MarketMessage::Heartbeat { counter: Some(42) }];
    assert_eq!(said(&format!(r#"{{"channel":"heartbeats","sequence_num":"7",{events}}}"#)), beat);
    let events = events.replace("\"42\"", "42");
    assert_eq!(
        said(&format!(r#"{{"channel":"heartbeats","client_id":"","sequence_num":7,{events}}}"#)),
        beat
    );
}

#[test]
fn the_side_of_a_trade_is_the_makers() {
    assert_eq!(aggressor("BUY"), Aggressor::Seller);
    assert_eq!(aggressor("SELL"), Aggressor::Buyer);
    assert_eq!(aggressor("UNKNOWN_ORDER_SIDE"), Aggressor::Unknown);
}

#[test]
fn trades_come_out_oldest_first() {
    let trade = |id: u64, side: &str| {
        format!(
            r#"{{"trade_id":"{id}","product_id":"BTC-USD","price":"1.5","size":"2","side":"{side}","time":"2026-04-07T14:30:02.000000001Z"}}"#
        )
    };
    let frame = format!(
        r#"{{"channel":"market_trades","sequence_num":1,"events":[{{"type":"update","trades":[{},{}]}}]}}"#,
        trade(9, "BUY"),
        trade(8, "SELL")
    );
    let ids: Vec<u64> = said(&frame)
        .iter()
        .filter_map(|message| {
            if let MarketMessage::Trade(print) = message {
                print.ids.range().map(|(_, last)| last)
            } else {
                None
            }
        })
        .collect();
    assert_eq!(ids, [8, 9]);
}

#[test]
fn levels_belong_to_the_connections_numbers_and_unknown_sides_are_refused() {
    let frame = r#"{"channel":"l2_data","sequence_num":3,"events":[{"type":"update","product_id":"BTC-USD","updates":[{"side":"offer","event_time":"","price_level":"68901.00","new_quantity":"0"}]}]}"#;
    let [_, MarketMessage::BookChange(change)] = &said(frame)[..] else { panic!("no change") };
    assert_eq!((change.proof, change.bids.len(), change.asks.len()), (BookProof::Connection(3), 0, 1));
    assert!(
        Coinbase.parse(&frame.replace("offer", "middle")).unwrap_err().to_string().contains("field side")
    );
    assert!(
        Coinbase.parse(&frame.replace("68901.00", "-1")).unwrap_err().to_string().contains("price_level")
    );
}

#[test]
fn refusals_and_unknown_channels_are_told() {
    let refusal =
        MarketMessage::SubscriptionRefused { request: None, code: None, reason: "too many".to_owned() };
    assert_eq!(said(r#"{"type":"error","message":"too many"}"#), [refusal]);
    let futures =
        [MarketMessage::Sequence { number: 5 }, MarketMessage::Unknown { kind: "futures".to_owned() }];
    assert_eq!(said(r#"{"channel":"futures","sequence_num":5,"events":"anything"}"#), futures);
    let status = r#"{"channel":"status","sequence_num":0,"events":[{"type":"snapshot","products":[{"id":"BTC-USD","status":"delisted"}]}]}"#;
    assert!(matches!(
        &said(status)[1],
        MarketMessage::SymbolStatus { status: crate::listing::TradingStatus::Delisted, .. }
    ));
}

#[test]
fn a_subscription_names_one_channel_and_heartbeats_come_first() {
    let messages =
        Coinbase.subscribe(&["BTC-USD"], &[Channel::Book, Channel::Heartbeats, Channel::Trades]).unwrap();
    let named: Vec<bool> = messages
        .iter()
        .zip(["heartbeats", "level2", "market_trades"])
        .map(|(message, name)| message.contains(&format!("\"channel\":\"{name}\"")))
        .collect();
    assert_eq!(named, [true; 3]);
    assert!(Coinbase.subscribe(&["BTC-USD"], &[Channel::Bars(Span::MINUTE)]).is_err());
}

#[test]
fn paths_ask_for_what_is_wanted() {
    let at = |seconds: i64| Timestamp::from_nanos(seconds * 1_000_000_000);
    let (from, until) = (at(3_600), at(7_200));
    let bars = BarsRequest { symbol: "BTC-USD", interval: Span::HOUR, from, until, rows_max: 9_999 };
    let path = "/api/v3/brokerage/market/products/BTC-USD/candles?start=3600&end=7199&granularity=ONE_HOUR&limit=350";
    assert_eq!(Coinbase.bars_path(&bars).unwrap(), path);
    let trades = TradesRequest { symbol: "BTC-USD", since: TradesSince::Trade(1), until: None, rows_max: 10 };
    assert!(Coinbase.trades_path(&trades).is_err());
    let at = |second: i64| Timestamp::from_nanos(second * 1_000_000_000 + 1);
    let trades = TradesRequest { since: TradesSince::Moment(at(7)), until: Some(at(9)), ..trades };
    let path = "/api/v3/brokerage/market/products/BTC-USD/ticker?limit=10&end=9&start=7";
    assert_eq!(Coinbase.trades_path(&trades).unwrap(), path);
    assert_eq!(
        Coinbase.parse_time(r#"{"iso":"","epochSeconds":"1","epochMillis":"1500"}"#).unwrap().nanos(),
        1_500_000_000
    );
    let refusal = Coinbase.refusal(
        429,
        None,
        r#"{"errors":[{"id":"rate_limit_exceeded","message":"Too many requests"}]}"#,
    );
    assert_eq!((refusal.code.as_deref(), refusal.retry), (Some("rate_limit_exceeded"), Retry::Later));
}
