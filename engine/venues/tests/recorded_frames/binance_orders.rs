//! Order frames, answers and errors of Binance, each parsed to a stated outcome.

use std::collections::BTreeMap;

use engine_venues::dialect::binance::api_call::Method;
use engine_venues::dialect::binance::api_frame::{self, ApiFrame};
use engine_venues::order_request::Asked;
use engine_venues::outcome::Outcome;
use engine_venues::venue_time::TimeUnit;
use serde_json::Value;

use crate::account_lines::{line, lines};
use crate::frames::{archive, market_data, text};

const MILLIS: TimeUnit = TimeUnit::Milliseconds;

/// The files of a folder of the archive, as texts by their names without ending.
fn folder(below: &str) -> Option<BTreeMap<String, String>> {
    let files = archive("nautilus_adapter_binance")?;
    let below = format!("binance/test_data/{below}/");
    let text = |(path, bytes): (String, Vec<u8>)| {
        let name = path.strip_prefix(&below)?.strip_suffix(".json")?.to_owned();
        Some((name, String::from_utf8(bytes).unwrap()))
    };
    Some(files.into_iter().filter_map(text).collect())
}

/// Each file says what is stated, and no file is left out.
#[track_caller]
fn assert_said(read: BTreeMap<String, Vec<String>>, stated: &[(&str, &[&str])]) {
    let stated: BTreeMap<String, Vec<String>> = stated
        .iter()
        .map(|(name, lines)| ((*name).to_owned(), lines.iter().map(|line| (*line).to_owned()).collect()))
        .collect();
    assert_eq!(read, stated);
}

fn event_of(frame: &str) -> Vec<String> {
    let ApiFrame::Event(message) = ApiFrame::parse(frame, MILLIS).unwrap() else { panic!("{frame}") };
    vec![line(&message)]
}

#[test]
fn every_event_of_an_account_is_read() {
    let Some(files) = folder("spot/user_data_json") else { return };
    let read = files.into_iter().map(|(name, frame)| (name, event_of(&frame))).collect();
    let stated: [(&str, &[&str]); 11] = [
        ("account_position", &["changed USDT 10000+2500, ETH 5+0"]),
        ("account_position_wrapped", &["changed ETH 10000+0"]),
        ("balance_update", &["transfer 0.001 BTC External"]),
        ("balance_update_wrapped", &["transfer 100 BTC External"]),
        (
            "execution_report_canceled",
            &["order x-TD67BGP9-T0000000000000 12345678 ETHUSDT Cancelled(CANCELED) 0"],
        ),
        (
            "execution_report_expired",
            &["order x-TD67BGP9-T0000000000000 12345678 ETHUSDT Expired(EXPIRED) 0: INSUFFICIENT_LIQUIDITY"],
        ),
        ("execution_report_new", &["order x-TD67BGP9-T0000000000000 12345678 ETHUSDT Working(NEW) 0"]),
        ("execution_report_stop_loss", &["order x-TD67BGP9-T0000000000001 12345679 ETHUSDT Working(NEW) 0"]),
        (
            "execution_report_trade",
            &[
                "order x-TD67BGP9-T0000000000000 12345678 ETHUSDT Filled(FILLED) 1: 98765432 1 at 2500 for 0.001 ETH Maker",
            ],
        ),
        ("execution_report_wrapped", &["order mUvoqJxFIILMdfAW5iGSOW 4293153 ETHBTC Working(NEW) 0"]),
        ("list_status_wrapped", &["list 2 EXECUTING 17,18"]),
    ];
    assert_said(read, &stated);
}

#[test]
fn events_of_futures_are_unknown_and_counted() {
    let Some(files) = folder("futures/user_data_json") else { return };
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    for frame in files.values() {
        for line in event_of(frame) {
            *kinds.entry(line).or_default() += 1;
        }
    }
    let stated = [
        ("unknown ACCOUNT_UPDATE", 2),
        ("unknown ALGO_UPDATE", 2),
        ("unknown ORDER_TRADE_UPDATE", 9),
        ("unknown TRADE_LITE", 1),
    ];
    assert_eq!(kinds, stated.map(|(kind, count)| (kind.to_owned(), count)).into());
}

#[test]
fn every_answer_about_orders_and_an_account_is_read() {
    let Some(files) = folder("spot/http_json") else { return };
    let methods = [
        ("account_response", Method::Account),
        ("account_trades_response", Method::Fills),
        ("all_orders_response", Method::OpenOrders),
        ("cancel_open_orders_response", Method::CancelAll),
        ("cancel_order_response", Method::Cancel),
        ("new_order_full_response", Method::Place),
        ("open_orders_response", Method::OpenOrders),
        ("order_response", Method::Query),
    ];
    // The others answer questions about markets.
    assert_eq!(files.len(), methods.len() + 10, "{:?}", files.keys());
    let answered = |method, body: &str| {
        let frame = format!(r#"{{"id":"7","status":200,"result":{body}}}"#);
        let ApiFrame::Reply(reply) = ApiFrame::parse(&frame, MILLIS).unwrap() else { panic!("{frame}") };
        lines(&reply.answer(method, MILLIS))
    };
    let read = methods.map(|(name, method)| (name.to_owned(), answered(method, &files[name])));
    let new = "order myOrder1 1 LTCBTC Working(NEW) 0";
    let stated: [(&str, &[&str]); 8] = [
        ("account_response", &["holds BTC 4723846.89208129+0, LTC 4763368.68006011+0"]),
        ("account_trades_response", &["Buy BNBBTC of 100234: 28457 12 at 4.000001 for 10.1 BNB Taker"]),
        ("all_orders_response", &[new]),
        (
            "cancel_open_orders_response",
            &[
                "order E6APeyTJvkMvLMYMqu1KQ4 11 BTCUSDT Cancelled(CANCELED) 0",
                "order A3EF2HCwxgZPFMrfwbgrhv 13 BTCUSDT Cancelled(CANCELED) 0",
                "order CwOOIPHSmYywx6jZX77TdL 20 BTCUSDT Cancelled(CANCELED) 0",
                "order 461cPg51vQjV3zIMOXNz39 21 BTCUSDT Cancelled(CANCELED) 0",
            ],
        ),
        ("cancel_order_response", &["order myOrder1 4 LTCBTC Cancelled(CANCELED) 0"]),
        (
            "new_order_full_response",
            &[
                "Sell BTCUSDT of 28: 56 1 at 4000 for 4 USDT Taker",
                "Sell BTCUSDT of 28: 57 5 at 3999 for 19.995 USDT Taker",
                "Sell BTCUSDT of 28: 58 2 at 3998 for 7.996 USDT Taker",
                "Sell BTCUSDT of 28: 59 1 at 3997 for 3.997 USDT Taker",
                "Sell BTCUSDT of 28: 60 1 at 3995 for 3.995 USDT Taker",
                "order 6gCrw2kRUAF9CvJDGP16IP 28 BTCUSDT Filled(FILLED) 10",
            ],
        ),
        ("open_orders_response", &[new]),
        ("order_response", &[new]),
    ];
    assert_said(read.into(), &stated);
}

#[test]
fn every_recorded_error_means_one_thing() {
    let Some(path) = market_data("ws/gocryptotrader_binance_http_mock.json.zst") else { return };
    let mock: Value = serde_json::from_str(&text(&path)).unwrap();
    let mut outcomes: BTreeMap<String, usize> = BTreeMap::new();
    for methods in mock["routes"].as_object().unwrap().values() {
        for row in methods.as_object().unwrap().values().flat_map(|rows| rows.as_array().unwrap()) {
            let (code, body) = (&row["data"]["code"], row["data"].to_string());
            if code.is_i64() {
                let outcome = match api_frame::rest_outcome(Asked::Read, 400, None, &body) {
                    Outcome::Halt(cause, _) => format!("{cause:?}"),
                    Outcome::Rejected(_) => "rejected".to_owned(),
                    Outcome::Unknown(_) => "unknown".to_owned(),
                    other => panic!("{other:?}"),
                };
                *outcomes.entry(format!("{code} {outcome}")).or_default() += 1;
            }
        }
    }
    // -4088 is a code of futures, which no table of spot names.
    let stated = [("-1121 rejected", 1), ("-2014 Key", 2), ("-4088 unknown", 1)];
    assert_eq!(outcomes, stated.map(|(outcome, count)| (outcome.to_owned(), count)).into());
}
