//! Calls as they are written, and what is not sent.

use engine_core::market::Side;
use engine_core::num::Decimal;
use engine_core::order::{Posting, TimeInForce};
use engine_core::time::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::decimal::decimal;
use crate::order_request::{NewOrder, NewOrderKind, OrderName};

fn token() -> SessionToken {
    SessionToken::new("TOKEN")
}

fn number(text: &str) -> Decimal {
    decimal(text).unwrap()
}

fn order(kind: NewOrderKind, tif: TimeInForce, posting: Posting) -> NewOrder {
    NewOrder {
        client_id: "e1-000000000001".to_owned(),
        symbol: "BTC/USD".to_owned(),
        side: Side::Buy,
        qty: number("0.01000000"),
        kind,
        tif,
        posting,
    }
}

fn now() -> Timestamp {
    Timestamp::from_nanos(1_786_309_548_228_568_804)
}

fn written(order: NewOrder) -> String {
    call(&OrderRequest::Place(order), 42, &token(), now()).unwrap()
}

#[test]
fn an_order_is_placed_with_numbers_that_keep_their_digits() {
    let limit = number("12345678901234567.123456789");
    let text = written(order(NewOrderKind::Limit { limit }, TimeInForce::Gtc, Posting::PostOnly));
    assert_eq!(
        text,
        r#"{"method":"add_order","params":{"order_type":"limit","side":"buy","order_qty":0.01,"symbol":"BTC/USD","cl_ord_id":"e1-000000000001","deadline":"2026-08-09T21:05:53.228Z","fee_preference":"quote","limit_price":12345678901234567.123456789,"post_only":true,"time_in_force":"gtc","token":"TOKEN"},"req_id":42}"#
    );
}

#[test]
fn every_kind_of_order_is_placed_in_the_venues_words() {
    let (limit, trigger) = (number("30000"), number("29000.5"));
    let until = TimeInForce::Gtd(Timestamp::from_nanos(1_786_309_548_228_568_804));
    let triggers = json!({"reference": "last", "price": 29_000.5});
    let cases = [
        (NewOrderKind::Market, TimeInForce::Gtc, json!({"order_type": "market"})),
        (NewOrderKind::Market, TimeInForce::Ioc, json!({"order_type": "market"})),
        (
            NewOrderKind::Limit { limit },
            TimeInForce::Ioc,
            json!({"order_type": "limit", "limit_price": 30_000, "time_in_force": "ioc"}),
        ),
        (
            NewOrderKind::Limit { limit },
            until,
            json!({"order_type": "limit", "limit_price": 30_000, "time_in_force": "gtd",
                   "expire_time": "2026-08-09T21:05:48.228Z"}),
        ),
        (
            NewOrderKind::Stop { trigger },
            TimeInForce::Gtc,
            json!({"order_type": "stop-loss", "triggers": triggers}),
        ),
        (
            NewOrderKind::StopLimit { trigger, limit },
            TimeInForce::Gtc,
            json!({"order_type": "stop-loss-limit", "limit_price": 30_000, "triggers": triggers, "time_in_force": "gtc"}),
        ),
    ];
    for (kind, tif, of_kind) in cases {
        let mut expected = json!({"side": "buy", "order_qty": 0.01, "symbol": "BTC/USD",
            "cl_ord_id": "e1-000000000001", "deadline": "2026-08-09T21:05:53.228Z", "fee_preference": "quote",
            "token": "TOKEN"});
        for (name, value) in of_kind.as_object().unwrap() {
            expected[name] = value.clone();
        }
        let json: Value = serde_json::from_str(&written(order(kind, tif, Posting::Any))).unwrap();
        assert_eq!(json, json!({"method": "add_order", "params": expected, "req_id": 42}));
    }
}

#[test]
fn what_the_venue_does_not_take_is_not_sent() {
    let limit = number("1");
    let limited = NewOrderKind::Limit { limit };
    for (kind, tif, posting) in [
        (limited, TimeInForce::Fok, Posting::Any),
        (NewOrderKind::Market, TimeInForce::Fok, Posting::Any),
        (NewOrderKind::Stop { trigger: limit }, TimeInForce::Ioc, Posting::Any),
        (NewOrderKind::Market, TimeInForce::Gtc, Posting::PostOnly),
    ] {
        let refused = call(&OrderRequest::Place(order(kind, tif, posting)), 1, &token(), now());
        assert!(matches!(refused, Err(Unserved::Data { venue: "kraken", .. })), "{kind:?} {tif:?}");
    }
    assert!(call(&OrderRequest::Balances, 1, &token(), now()).is_err());
}

#[test]
fn a_client_id_has_one_of_three_forms() {
    let ours = "0123456789abcdef012345-1z";
    let uuid = "96b5a4fb-3c98-8815-a900-010000000017";
    let (short, bare) = ("arb-20240509-00010", uuid.replace('-', ""));
    for id in [uuid, bare.as_str(), short, "1"] {
        assert!(is_client_id(id), "{id}");
    }
    for id in ["", ours, "nineteen characters", "e1-00000000000000001", "币", "a b", &uuid[1..]] {
        assert!(!is_client_id(id), "{id}");
    }
}

#[test]
fn the_other_calls_are_written_in_the_venues_words() {
    let cancel = |order| {
        let request = OrderRequest::Cancel { symbol: "BTC/USD".to_owned(), order };
        call(&request, 7, &token(), now()).unwrap()
    };
    assert_eq!(
        cancel(OrderName::Client("e1-1".to_owned())),
        r#"{"method":"cancel_order","params":{"cl_ord_id":["e1-1"],"token":"TOKEN"},"req_id":7}"#
    );
    assert_eq!(
        cancel(OrderName::Venue("OABCDE-12345-FGHIJ".to_owned())),
        r#"{"method":"cancel_order","params":{"order_id":["OABCDE-12345-FGHIJ"],"token":"TOKEN"},"req_id":7}"#
    );
    let all = |symbol| call(&OrderRequest::CancelAll { symbol }, 7, &token(), now());
    let written = r#"{"method":"cancel_all","params":{"token":"TOKEN"},"req_id":7}"#;
    assert_eq!(all(None), Ok(written.to_owned()));
    assert!(all(Some("BTC/USD".to_owned())).is_err());
    assert_eq!(
        subscribe(PrivateChannel::Executions, 1, &token()),
        r#"{"method":"subscribe","params":{"channel":"executions","snap_orders":true,"snap_trades":false,"token":"TOKEN"},"req_id":1}"#
    );
    assert_eq!(
        subscribe(PrivateChannel::Balances, 2, &token()),
        r#"{"method":"subscribe","params":{"channel":"balances","snapshot":true,"token":"TOKEN"},"req_id":2}"#
    );
    assert_eq!(
        cancel_all_after(Span::from_nanos(60_900_000_000), 3, &token()),
        r#"{"method":"cancel_all_orders_after","params":{"timeout":60,"token":"TOKEN"},"req_id":3}"#
    );
    assert_eq!(format!("{:?}", token()), "SessionToken(..)");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn whatever_the_symbol_a_call_is_json(symbol in "\\PC{0,20}", units in 0_i128..10_i128.pow(27), decimals in 0_u8..=18) {
        let qty = Decimal { units, decimals };
        let mut order = order(NewOrderKind::Market, TimeInForce::Gtc, Posting::Any);
        (order.symbol, order.qty) = (symbol.clone(), qty);
        let text = written(order);
        let written_qty = format!("\"order_qty\":{qty},");
        prop_assert!(text.contains(&written_qty));
        let json: Value = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(json["params"]["symbol"].as_str(), Some(symbol.as_str()));
    }
}
