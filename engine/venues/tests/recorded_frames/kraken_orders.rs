//! Order frames, answers and errors of Kraken Spot, each parsed to a stated outcome.

use std::collections::BTreeMap;

use engine_core::market::Side;
use engine_core::order::{Posting, TimeInForce};
use engine_core::time::Timestamp;
use engine_venues::dialect::kraken::private_call::{self, SessionToken};
use engine_venues::dialect::kraken::private_frame::PrivateFrame;
use engine_venues::dialect::kraken::private_request::PrivateMethod;
use engine_venues::order_request::{NewOrder, NewOrderKind, OrderName, OrderRequest};
use serde_json::Value;

use crate::account_lines::{line, lines};
use crate::frames::{archive, number};

/// The files of the venue's spot market, as texts by their names without ending.
fn files() -> Option<BTreeMap<String, String>> {
    let text = |(path, bytes): (String, Vec<u8>)| {
        let name = path.strip_prefix("kraken/test_data/")?.strip_suffix(".json")?.to_owned();
        Some((name, String::from_utf8(bytes).ok()?))
    };
    Some(archive("nautilus_adapter_kraken")?.into_iter().filter_map(text).collect())
}

/// A file, how it is asked for where it is an answer of REST, and what it says.
type Stated = (&'static str, Option<PrivateMethod>, &'static [&'static str]);

const STATED: [Stated; 11] = [
    ("http_add_order_spot", Some(PrivateMethod::AddOrder), &["order - OUF4EM-FRGI2-MQMWZD - Pending() "]),
    ("http_cancel_order_spot", Some(PrivateMethod::CancelOrder), &[]),
    (
        "http_closed_orders",
        Some(PrivateMethod::ClosedOrders),
        &[
            "order - O5KZFT-GH3AD-LP6TLU XBTUSDT Filled(closed) 0.5: User requested",
            "order - OCLOSED-2-TESTID ETHUSDT Filled(closed) 1: User requested",
        ],
    ),
    (
        "http_open_orders",
        Some(PrivateMethod::OpenOrders),
        &[
            "order - O26VBY-ISGAE-JP5TLU XBTUSDT Working(open) 0",
            "order - OYEQF4-FDE4C-NMUYUI ETHUSDT Working(open) 0",
        ],
    ),
    ("http_spot_balance", Some(PrivateMethod::Balance), &["holds ETH 2, XXBT 0.5, ZUSD 200000"]),
    // Of margin, which is not traded: what is asked for it is not there.
    (
        "http_spot_open_positions",
        Some(PrivateMethod::OpenOrders),
        &["Unknown(Words { code: None, text: \"read a list: its field open is missing\" })"],
    ),
    (
        "http_spot_trade_balance",
        Some(PrivateMethod::BalanceEx),
        &[
            "Unknown(Words { code: None, text: \"read a balances: \\\"\\\\\\\"12350.00\\\\\\\"\\\" is no object\" })",
        ],
    ),
    (
        "http_trades_history",
        Some(PrivateMethod::TradesHistory),
        &[
            "Buy XBTUSDT of O26VBY-ISGAE-JP5TLU: TCCCTY-WJ6EO-4FP4VZ 0.5 at 29500.5 for 23.6 ? Maker",
            "Sell ETHUSDT of OYEQF4-FDE4C-NMUYUI: TDCVFQ-TPEG4-6X7LSZ 1 at 1799.75 for 3.6 ? Taker",
        ],
    ),
    (
        "ws_add_order_response_failure",
        None,
        &["Rejected(Words { code: Some(\"EOrder\"), text: \"EOrder:Insufficient funds\" })"],
    ),
    ("ws_add_order_response_success", None, &["order O-20260505-000001 OABCDE-12345-FGHIJ - Pending() "]),
    (
        "ws_batch_add_response_partial",
        None,
        &["Unknown(Words { code: None, text: \"an answer to \\\"batch_add\\\", which was not asked\" })"],
    ),
];

#[test]
fn every_answer_about_orders_is_read() {
    let Some(files) = files() else { return };
    // Requests are written, not read; the rest is about markets, or of futures.
    let about_orders = |name: &str| {
        ["order", "balance", "batch", "trades_history", "spot_open_positions"]
            .iter()
            .any(|part| name.contains(part))
            && !["futures", "request", "order_book"].iter().any(|part| name.contains(part))
    };
    let names: Vec<&String> = files.keys().filter(|name| about_orders(name)).collect();
    assert_eq!(names, STATED.iter().map(|(name, ..)| *name).collect::<Vec<_>>());
    for (name, method, expected) in STATED {
        let read = match method {
            Some(method) => lines(&method.answer(200, None, &files[name])),
            None => match PrivateFrame::parse(&files[name]).unwrap() {
                PrivateFrame::Reply { answer, .. } => lines(&answer),
                PrivateFrame::Said { messages, .. } => messages.iter().map(line).collect(),
            },
        };
        assert_eq!(read, expected, "{name}");
    }
}

#[test]
fn requests_are_written_as_others_write_them() {
    let Some(files) = files() else { return };
    let token = SessionToken::new("TESTTOKEN");
    let place = OrderRequest::Place(NewOrder {
        client_id: "O-20260505-000001".to_owned(),
        symbol: "BTC/USD".to_owned(),
        side: Side::Buy,
        qty: number("0.01"),
        kind: NewOrderKind::Limit { limit: number("30000.0") },
        tif: TimeInForce::Gtc,
        posting: Posting::PostOnly,
    });
    let order = OrderName::Venue("OABCDE-12345-FGHIJ".to_owned());
    let cancel = OrderRequest::Cancel { symbol: "BTC/USD".to_owned(), order };
    for (name, request, id) in [("ws_add_order_request", place, 42), ("ws_cancel_order_request", cancel, 44)]
    {
        let ours = private_call::call(&request, id, &token, Timestamp::from_nanos(0)).unwrap();
        let mut ours: Value = serde_json::from_str(&ours).unwrap();
        // Others leave until when an order may arrive, and in what it is charged, to the venue.
        let params = ours["params"].as_object_mut().unwrap();
        assert_eq!(params.remove("deadline").is_some(), id == 42);
        assert_eq!(params.remove("fee_preference").is_some(), id == 42);
        let mut theirs: Value = serde_json::from_str(&files[name]).unwrap();
        // The documents write this word in small letters.
        if let Some(word) = theirs["params"].get_mut("time_in_force") {
            *word = Value::from("gtc");
        }
        // A whole number with and without a point is the same price.
        if let Some(price) = theirs["params"].get_mut("limit_price") {
            *price = Value::from(30_000);
        }
        assert_eq!(ours, theirs, "{name}");
    }
}
