//! What the channel of a user says, good and bad.

use engine_core::market::Side;
use engine_core::num::Decimal;
use proptest::prelude::*;

use super::*;
use crate::account_message::{OrderReport, OrderStatus};
use crate::cumulative_order::CumulativeOrder;
use crate::signed_decimal::signed_decimal;
use crate::venue_time::from_rfc3339;

const UPDATE: &str = r#"{"channel":"user","client_id":"","timestamp":"2026-04-07T14:30:06.000000Z","sequence_num":4,"events":[{"type":"update","orders":[{"order_id":"a-1","client_order_id":"e1-1","cumulative_quantity":"0.0004","leaves_quantity":"0.0006","avg_price":"68900.5","total_fees":"0.0275602","filled_value":"27.5602","status":"OPEN","product_id":"BTC-USD","order_side":"BUY","order_type":"Limit","cancel_reason":"","reject_reason":""}]}]}"#;

fn number(text: &str) -> Decimal {
    signed_decimal(text).unwrap()
}

fn report(frame: &str) -> OrderReport {
    let said = messages(frame).unwrap();
    let Some(AccountMessage::Order(report)) = said.first() else { panic!("{said:?}") };
    report.as_ref().clone()
}

#[test]
fn an_order_is_told_in_sums() {
    let expected = OrderReport {
        client_id: Some("e1-1".to_owned()),
        symbol: Some("BTC-USD".to_owned()),
        side: Some(Side::Buy),
        filled_qty: Some(number("0.0004")),
        filled_quote: Some(number("27.5602")),
        average_price: Some(number("68900.5")),
        total_fees: Some(number("0.0275602")),
        venue_at: Some(from_rfc3339("2026-04-07T14:30:06Z").unwrap()),
        ..OrderReport::of("a-1".to_owned(), OrderStatus::PartiallyFilled, "OPEN")
    };
    let sequence = AccountMessage::Sequence { number: 4 };
    assert_eq!(messages(UPDATE), Ok(vec![AccountMessage::Order(Box::new(expected)), sequence]));
}

#[test]
fn sums_become_fills() {
    let mut order = CumulativeOrder::default();
    let first = order.take(&report(UPDATE)).unwrap().unwrap();
    let shown = |fill: crate::cumulative_order::CumulativeFill| {
        format!("{} at {} for {}", fill.qty, fill.price, fill.fee)
    };
    assert_eq!(shown(first), "0.0004 at 68900.5 for 0.0275602");
    let second = UPDATE
        .replace(r#""cumulative_quantity":"0.0004","leaves_quantity":"0.0006","avg_price":"68900.5""#, {
            r#""cumulative_quantity":"0.001","leaves_quantity":"0","avg_price":"68900.8""#
        })
        .replace("0.0275602", "0.0689008")
        .replace("OPEN", "FILLED");
    let second = report(&second);
    assert_eq!(second.status, OrderStatus::Filled);
    assert_eq!(shown(order.take(&second).unwrap().unwrap()), "0.0006 at 68901 for 0.0413406");
    assert_eq!(order.take(&second), Ok(None));
}

#[test]
fn every_status_is_known_and_a_new_one_ends_nothing() {
    for (word, expected) in [
        ("PENDING", OrderStatus::Pending),
        ("QUEUED", OrderStatus::Pending),
        ("OPEN", OrderStatus::PartiallyFilled),
        ("EDIT_QUEUED", OrderStatus::PartiallyFilled),
        ("CANCEL_QUEUED", OrderStatus::CancelPending),
        ("FILLED", OrderStatus::Filled),
        ("CANCELLED", OrderStatus::Cancelled),
        ("EXPIRED", OrderStatus::Expired),
        ("FAILED", OrderStatus::Rejected),
        ("UNKNOWN_ORDER_STATUS", OrderStatus::Unknown),
        ("OF_TOMORROW", OrderStatus::Unknown),
    ] {
        assert_eq!(report(&UPDATE.replace("OPEN", word)).status, expected, "{word}");
    }
    assert_eq!(report(&UPDATE.replace(r#""0.0004""#, r#""0""#)).status, OrderStatus::Working);
    let refused = UPDATE.replace(r#""reject_reason":"""#, r#""reject_reason":"NO_FUNDS""#);
    assert_eq!(report(&refused).reason.as_deref(), Some("NO_FUNDS"));
}

#[test]
fn a_snapshot_is_complete_with_a_batch_of_fewer_than_fifty() {
    let row = UPDATE.split_once(r#""orders":["#).unwrap().1.strip_suffix("]}]}").unwrap();
    for (count, is_complete) in [(0, true), (1, true), (49, true), (50, false)] {
        let rows = vec![row; count].join(",");
        let frame = format!(
            r#"{{"channel":"user","timestamp":"2026-04-07T14:30:06Z","events":[{{"type":"snapshot","orders":[{rows}]}}]}}"#
        );
        let said = messages(&frame).unwrap();
        assert_eq!(said.len(), count + 1);
        assert_eq!(said.last(), Some(&AccountMessage::OrdersListed { is_complete }), "{count}");
    }
}

#[test]
fn the_other_frames_are_read() {
    let heartbeat = r#"{"channel":"heartbeats","timestamp":"2026-04-07T14:30:06Z","sequence_num":1,"events":[{"current_time":"x","heartbeat_counter":42}]}"#;
    let sequence = |number| AccountMessage::Sequence { number };
    assert_eq!(messages(heartbeat), Ok(vec![AccountMessage::Heartbeat, sequence(1)]));
    let subscribed = r#"{"channel":"subscriptions","timestamp":"x","sequence_num":2,"events":[{"subscriptions":{"user":["uuid"],"heartbeats":["heartbeats"]}}]}"#;
    let to = |name: &str| AccountMessage::Subscribed { subscription: name.to_owned() };
    assert_eq!(messages(subscribed), Ok(vec![to("heartbeats"), to("user"), sequence(2)]));
    let unknown = |kind: &str| Ok(vec![AccountMessage::Unknown { kind: kind.to_owned() }]);
    assert_eq!(messages(r#"{"channel":"futures_balance_summary"}"#), unknown("futures_balance_summary"));
    assert_eq!(messages("{}"), unknown("object without a channel"));
    let refused = r#"{"type":"error","message":"authentication failure"}"#;
    let ended = AccountMessage::SessionEnded { reason: "authentication failure".to_owned(), venue_at: None };
    assert_eq!(messages(refused), Ok(vec![ended]));
    assert_eq!(
        subscribe("TOKEN"),
        [
            r#"{"type":"subscribe","channel":"user","jwt":"TOKEN"}"#,
            r#"{"type":"subscribe","channel":"heartbeats","jwt":"TOKEN"}"#
        ]
    );
}

#[test]
fn hostile_numbers_are_errors() {
    for hostile in
        [r#""NaN""#, r#""1e5""#, "{}", "[]", "true", r#""999999999999999999999999999999""#, r#"" 1""#]
    {
        for (name, good) in [
            ("cumulative_quantity", r#""cumulative_quantity":"0.0004""#),
            ("avg_price", r#""avg_price":"68900.5""#),
            ("total_fees", r#""total_fees":"0.0275602""#),
        ] {
            let frame = UPDATE.replace(good, &format!(r#""{name}":{hostile}"#));
            assert!(messages(&frame).is_err(), "{name}: {hostile}");
        }
    }
    assert!(messages(&UPDATE.replace(r#""0.0004""#, r#""-0.0004""#)).is_err());
    for text in ["", "[]", "7", r#"{"channel":"user"}"#] {
        assert!(messages(text).is_err(), "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_text_panics(text in "\\PC{0,120}", at in 0_usize..480, junk in "[\\PC\"{}\\[\\]:,0-9eE.+-]{0,8}") {
        let mut changed: String = UPDATE.chars().take(at).collect();
        changed.push_str(&junk);
        changed.extend(UPDATE.chars().skip(at + 3));
        let _ = (messages(&text), messages(&changed));
    }
}
