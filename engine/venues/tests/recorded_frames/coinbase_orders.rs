//! Order frames and answers of Coinbase, each parsed to a stated outcome.

use std::collections::BTreeMap;

use engine_venues::dialect::coinbase::private_request::PrivateMethod;
use engine_venues::dialect::coinbase::user_frame;

use crate::account_lines::{line, lines};
use crate::frames::archive;

/// A file, how it is asked for where it is an answer of REST, and what it says.
type Stated = (&'static str, Option<PrivateMethod>, &'static [&'static str]);

const STATED: [Stated; 5] = [
    ("http_accounts", Some(PrivateMethod::Accounts), &["holds BTC 1.23456789+0.005, USD 10000.5+450"]),
    (
        "http_fills",
        Some(PrivateMethod::Fills),
        &[
            "Buy BTC-USD of 0000-000000-000000: 1111-11111-111111 0.005 at 45123.45 for 1.14 USD Maker",
            "Sell ETH-USD of 0000-000000-000002: 1111-11111-111112 0.0325 at 3076.92 for 0.5 USD Taker",
        ],
    ),
    (
        "http_order",
        Some(PrivateMethod::Order),
        &["order 11111-000000-000000 0000-000000-000000 BTC-USD PartiallyFilled(OPEN) 0.001"],
    ),
    (
        "http_orders_list",
        Some(PrivateMethod::Orders),
        &[
            "order 11111-000000-000001 0000-000000-000001 BTC-USD Working(OPEN) 0",
            "order 11111-000000-000002 0000-000000-000002 ETH-USD Filled(FILLED) 0.0325",
        ],
    ),
    (
        "ws_user",
        None,
        &[
            "order 11111-000000-000001 a1b2c3d4-e5f6-7890-abcd-ef1234567890 BTC-USD Working(OPEN) 0",
            "listed, complete true",
            "sequence 1",
        ],
    ),
];

#[test]
fn every_frame_and_answer_about_orders_is_read() {
    let Some(files) = archive("nautilus_adapter_coinbase") else { return };
    let text = |(path, bytes): (String, Vec<u8>)| {
        let name = path.strip_prefix("coinbase/test_data/")?.strip_suffix(".json")?.to_owned();
        Some((name, String::from_utf8(bytes).ok()?))
    };
    let mut files: BTreeMap<String, String> = files.into_iter().filter_map(text).collect();
    // The rest is about markets, or of futures.
    let markets = ["candles", "cfm", "heartbeats", "l2_data", "trades", "product", "subscriptions", "ticker"];
    files.retain(|name, _| !markets.iter().any(|part| name.contains(part)));
    assert_eq!(files.keys().collect::<Vec<_>>(), STATED.map(|(name, ..)| name));
    for (name, method, expected) in STATED {
        let read = match method {
            Some(method) => lines(&method.answer(200, None, &files[name])),
            None => user_frame::messages(&files[name]).unwrap().iter().map(line).collect(),
        };
        assert_eq!(read, expected, "{name}");
    }
}
