//! Requests as they are written, and what their answers mean, good and bad.

use engine_core::fill::Liquidity;
use engine_core::time::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::account_message::{AccountMessage, OrderStatus, Permissions};
use crate::decimal::decimal;
use crate::outcome::{HaltCause, Wait, Words};

const UNTIL: Timestamp = Timestamp::from_nanos(1_786_309_548_228_568_804);

fn number(text: &str) -> Decimal {
    decimal(text).unwrap()
}

fn order(kind: NewOrderKind, tif: TimeInForce, posting: Posting) -> OrderRequest {
    OrderRequest::Place(NewOrder {
        client_id: "cfc6b672-abcd-5b68-8db0-17e1b9e7f1a7".to_owned(),
        symbol: "BTC-USD".to_owned(),
        side: Side::Sell,
        qty: number("0.00100000"),
        kind,
        tif,
        posting,
    })
}

#[test]
fn every_kind_of_order_is_placed_in_the_venues_words() {
    let (limit, trigger) = (number("64000.00"), number("65000.5"));
    let limited = NewOrderKind::Limit { limit };
    let stop = NewOrderKind::StopLimit { trigger, limit };
    let (any, post) = (Posting::Any, Posting::PostOnly);
    let (gtc, ioc, fok, gtd) =
        (TimeInForce::Gtc, TimeInForce::Ioc, TimeInForce::Fok, TimeInForce::Gtd(UNTIL));
    let end_time = "2026-08-09T21:05:48.228Z";
    let down = "STOP_DIRECTION_STOP_DOWN";
    let cases = [
        (NewOrderKind::Market, gtc, any, json!({"market_market_ioc": {"base_size": "0.001"}})),
        (
            limited,
            gtc,
            any,
            json!({"limit_limit_gtc": {"base_size": "0.001", "limit_price": "64000", "post_only": false}}),
        ),
        (
            limited,
            gtc,
            post,
            json!({"limit_limit_gtc": {"base_size": "0.001", "limit_price": "64000", "post_only": true}}),
        ),
        (
            limited,
            gtd,
            post,
            json!({"limit_limit_gtd": {"base_size": "0.001", "limit_price": "64000", "end_time": end_time, "post_only": true}}),
        ),
        (limited, ioc, any, json!({"sor_limit_ioc": {"base_size": "0.001", "limit_price": "64000"}})),
        (limited, fok, any, json!({"limit_limit_fok": {"base_size": "0.001", "limit_price": "64000"}})),
        (
            stop,
            gtc,
            any,
            json!({"stop_limit_stop_limit_gtc": {"base_size": "0.001", "limit_price": "64000", "stop_price": "65000.5", "stop_direction": down}}),
        ),
        (
            stop,
            gtd,
            any,
            json!({"stop_limit_stop_limit_gtd": {"base_size": "0.001", "limit_price": "64000", "stop_price": "65000.5", "stop_direction": down, "end_time": end_time}}),
        ),
    ];
    for (kind, tif, posting, configuration) in cases {
        let request = request(&order(kind, tif, posting), None).unwrap();
        assert_eq!(request.uri("https://api.coinbase.com"), "POST api.coinbase.com/api/v3/brokerage/orders");
        let body: Value = serde_json::from_str(&request.body.unwrap()).unwrap();
        let expected = json!({"client_order_id": "cfc6b672-abcd-5b68-8db0-17e1b9e7f1a7",
            "product_id": "BTC-USD", "side": "SELL", "order_configuration": configuration});
        assert_eq!(body, expected);
    }
}

#[test]
fn what_the_venue_does_not_take_is_not_sent() {
    let (limit, gtc, any, post) = (number("1"), TimeInForce::Gtc, Posting::Any, Posting::PostOnly);
    for (kind, tif, posting) in [
        (NewOrderKind::Stop { trigger: limit }, gtc, any),
        (NewOrderKind::Market, TimeInForce::Fok, any),
        (NewOrderKind::Market, gtc, post),
        (NewOrderKind::Limit { limit }, TimeInForce::Ioc, post),
        (NewOrderKind::StopLimit { trigger: limit, limit }, gtc, post),
        (NewOrderKind::StopLimit { trigger: limit, limit }, TimeInForce::Ioc, any),
    ] {
        let refused = request(&order(kind, tif, posting), None);
        assert!(matches!(refused, Err(Unserved::Data { venue: "coinbase", .. })), "{kind:?} {tif:?}");
    }
    let by_client = || OrderName::Client("e1-1".to_owned());
    let symbol = || "BTC-USD".to_owned();
    assert!(request(&OrderRequest::Query { symbol: symbol(), order: by_client() }, None).is_err());
    assert!(request(&OrderRequest::Cancel { symbol: symbol(), order: by_client() }, None).is_err());
    assert!(request(&OrderRequest::CancelAll { symbol: None }, None).is_err());
    assert!(cancel(&["id"; 101]).is_err());
}

#[test]
fn the_other_requests_are_asked_in_the_venues_words() {
    let symbol = || "BTC-USD".to_owned();
    let fills = |since| OrderRequest::Fills { symbol: symbol(), since };
    let venue = || OrderName::Venue("a-1".to_owned());
    for (asked, page, uri, path) in [
        (
            OrderRequest::Query { symbol: symbol(), order: venue() },
            None,
            "GET host/api/v3/brokerage/orders/historical/a-1",
            "/api/v3/brokerage/orders/historical/a-1",
        ),
        (
            OrderRequest::OpenOrders { symbol: None },
            None,
            "GET host/api/v3/brokerage/orders/historical/batch",
            "/api/v3/brokerage/orders/historical/batch?order_status=OPEN&limit=250",
        ),
        (
            OrderRequest::OpenOrders { symbol: Some(symbol()) },
            Some("c=1"),
            "GET host/api/v3/brokerage/orders/historical/batch",
            "/api/v3/brokerage/orders/historical/batch?product_ids=BTC-USD&order_status=OPEN&limit=250&cursor=c%3D1",
        ),
        (
            fills(FillsSince::Order("a-1".to_owned())),
            None,
            "GET host/api/v3/brokerage/orders/historical/fills",
            "/api/v3/brokerage/orders/historical/fills?product_ids=BTC-USD&order_ids=a-1&limit=250",
        ),
        (
            fills(FillsSince::Moment(UNTIL)),
            None,
            "GET host/api/v3/brokerage/orders/historical/fills",
            "/api/v3/brokerage/orders/historical/fills?product_ids=BTC-USD&start_sequence_timestamp=2026-08-09T21%3A05%3A48.228Z&limit=250",
        ),
        (
            OrderRequest::Balances,
            None,
            "GET host/api/v3/brokerage/accounts",
            "/api/v3/brokerage/accounts?limit=250",
        ),
        (
            OrderRequest::Permissions,
            None,
            "GET host/api/v3/brokerage/key_permissions",
            "/api/v3/brokerage/key_permissions",
        ),
    ] {
        let request = request(&asked, page).unwrap();
        assert_eq!((request.uri("https://host").as_str(), request.path.as_str()), (uri, path));
        assert_eq!(request.body, None);
    }
    assert_eq!(
        orders_since("BTC-USD", Some(UNTIL), Some("c")).path,
        "/api/v3/brokerage/orders/historical/batch?product_ids=BTC-USD&start_date=2026-08-09T21%3A05%3A48.228Z&limit=250&cursor=c"
    );
    let ended = request(&OrderRequest::Cancel { symbol: symbol(), order: venue() }, None).unwrap();
    assert_eq!(ended.uri("https://host"), "POST host/api/v3/brokerage/orders/batch_cancel");
    assert_eq!(ended.body.as_deref(), Some(r#"{"order_ids":["a-1"]}"#));
    assert_eq!(cancel(&["a", "b"]).unwrap().body.as_deref(), Some(r#"{"order_ids":["a","b"]}"#));
}

fn words(code: &str, text: &str) -> Words {
    Words { code: Some(code.to_owned()), text: text.to_owned() }
}

#[test]
fn a_new_order_is_taken_or_refused_with_the_same_status() {
    let answer = |body: &str| PrivateMethod::Place.answer(200, None, body);
    let taken = answer(
        r#"{"success":true,"success_response":{"order_id":"a-1","product_id":"BTC-USD","side":"BUY","client_order_id":"e1-1"},"order_configuration":{}}"#,
    );
    let [AccountMessage::Order(report)] = &taken.messages[..] else { panic!("{taken:?}") };
    assert_eq!((taken.outcome, report.status), (Outcome::Answered, OrderStatus::Pending));
    assert_eq!((report.order_id.as_str(), report.client_id.as_deref()), ("a-1", Some("e1-1")));
    let refused = |error: &str| {
        answer(&format!(
            r#"{{"success":false,"failure_reason":"UNKNOWN_FAILURE_REASON","error_response":{error}}}"#
        ))
        .outcome
    };
    assert_eq!(
        refused(
            r#"{"error":"INSUFFICIENT_FUND","message":"Insufficient balance","error_details":"","preview_failure_reason":"PREVIEW_INSUFFICIENT_FUND"}"#
        ),
        Outcome::Rejected(words("INSUFFICIENT_FUND", "Insufficient balance"))
    );
    assert_eq!(
        refused(
            r#"{"error":"UNKNOWN_FAILURE_REASON","message":"","error_details":"","preview_failure_reason":"PREVIEW_STOP_PRICE_ABOVE_LIMIT_PRICE","new_order_failure_reason":"UNKNOWN_FAILURE_REASON"}"#
        ),
        Outcome::Rejected(words("PREVIEW_STOP_PRICE_ABOVE_LIMIT_PRICE", ""))
    );
    assert_eq!(
        refused(r#"{"error":"UNKNOWN_FAILURE_REASON"}"#),
        Outcome::Unknown(words("UNKNOWN_FAILURE_REASON", ""))
    );
    for unreadable in [
        "",
        "<html>",
        "[]",
        "{}",
        r#"{"success":null}"#,
        r#"{"success":true}"#,
        r#"{"success":false}"#,
        r#"{"success":true,"success_response":{"order_id":""}}"#,
    ] {
        assert!(matches!(answer(unreadable).outcome, Outcome::Unknown(_)), "{unreadable}");
    }
}

#[test]
fn each_of_several_cancels_has_an_outcome_of_its_own() {
    let body = r#"{"results":[{"success":true,"failure_reason":"UNKNOWN_CANCEL_FAILURE_REASON","order_id":"a"},{"success":false,"failure_reason":"UNKNOWN_CANCEL_ORDER","order_id":"b"},{"success":false,"failure_reason":"INVALID_CANCEL_REQUEST","order_id":"c"}]}"#;
    let outcomes = cancelled(&["c", "a", "b", "d"], 200, None, body);
    let named = |id: &str, outcome| (id.to_owned(), outcome);
    assert_eq!(
        outcomes,
        [
            named("c", Outcome::Rejected(words("INVALID_CANCEL_REQUEST", ""))),
            named("a", Outcome::Answered),
            named("b", Outcome::NotOpen(words("UNKNOWN_CANCEL_ORDER", ""))),
            named("d", Outcome::unreadable(&"nothing is said of order d")),
        ]
    );
    for (status, body) in [(200, "<html>"), (200, r#"{"results":[{"order_id":"a"}]}"#), (503, "")] {
        assert!(matches!(cancelled(&["a"], status, None, body)[0].1, Outcome::Unknown(_)), "{body}");
    }
    assert_eq!(PrivateMethod::Cancel.answer(200, None, body).outcome, Outcome::Answered);
    assert!(matches!(
        PrivateMethod::Cancel.answer(200, None, r#"{"results":[]}"#).outcome,
        Outcome::Unknown(_)
    ));
}

#[test]
fn a_status_tells_with_the_word_of_its_body() {
    let outcome = |status, body: &str| PrivateMethod::Place.answer(status, Some("2"), body).outcome;
    let slow = outcome(429, r#"{"errors":[{"id":"rate_limit_exceeded","message":"Too many requests"}]}"#);
    let Outcome::Wait(Wait::For(_), told) = slow else { panic!("{slow:?}") };
    assert_eq!(told, words("rate_limit_exceeded", "Too many requests"));
    assert_eq!(
        outcome(
            400,
            r#"{"error":"INVALID_ARGUMENT","error_details":"d","message":"account is not available"}"#
        ),
        Outcome::Rejected(words("INVALID_ARGUMENT", "account is not available"))
    );
    let unauthorised = outcome(401, "Unauthorized");
    let text = Words { code: None, text: "Unauthorized".to_owned() };
    assert_eq!(unauthorised, Outcome::Halt(HaltCause::Key, text));
    assert!(matches!(outcome(502, "<html>"), Outcome::Unknown(_)));
}

#[test]
fn lists_go_on_and_corrections_of_trades_are_not_trades() {
    let fills = r#"{"fills":[{"trade_id":"t","order_id":"o","trade_time":"2024-01-15T10:30:00Z","trade_type":"CORRECTION","price":"1","size":"1","commission":"0","product_id":"BTC-USD","side":"BUY"},{"trade_id":"u","order_id":"o","trade_time":"2024-01-15T10:30:00Z","price":"2","size":"3","commission":"-0.5","product_id":"BTC-USDC","liquidity_indicator":"UNKNOWN","side":"BUY"}],"cursor":"next"}"#;
    let answer = PrivateMethod::Fills.answer(200, None, fills);
    assert_eq!(answer.next_page.as_deref(), Some("next"));
    let [AccountMessage::Unknown { kind }, AccountMessage::Fill(report)] = &answer.messages[..] else {
        panic!("{answer:?}")
    };
    assert_eq!((kind.as_str(), report.fill.liquidity), ("trade of the type CORRECTION", None::<Liquidity>));
    let fee = &report.fill.fees[0];
    assert_eq!((fee.amount.to_string().as_str(), fee.asset.as_deref()), ("-0.5", Some("USDC")));
    let in_quote = fills.replace(r#""price":"2""#, r#""size_in_quote":true,"price":"2""#);
    assert!(matches!(PrivateMethod::Fills.answer(200, None, &in_quote).outcome, Outcome::Unknown(_)));
    let permissions = r#"{"can_view":true,"can_trade":true,"can_transfer":false,"portfolio_uuid":"p","portfolio_type":"DEFAULT"}"#;
    let expected = Permissions { may_view: Some(true), may_trade: Some(true), may_withdraw: Some(false) };
    let answer = PrivateMethod::KeyPermissions.answer(200, None, permissions);
    assert_eq!(answer.messages, [AccountMessage::Permissions(expected)]);
}

const METHODS: [PrivateMethod; 7] = [
    PrivateMethod::Place,
    PrivateMethod::Cancel,
    PrivateMethod::Order,
    PrivateMethod::Orders,
    PrivateMethod::Fills,
    PrivateMethod::Accounts,
    PrivateMethod::KeyPermissions,
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn no_text_panics(text in "\\PC{0,120}", value in "\\PC{0,20}", status in 100_u16..600) {
        let lists = format!(
            r#"{{"success":false,"error_response":{value},"results":[{value}],"orders":[{value}],"fills":[{value}],"accounts":[{value}]}}"#
        );
        for method in METHODS {
            for (status, body) in [(status, text.as_str()), (200, text.as_str()), (200, lists.as_str())] {
                let _ = (method.answer(status, Some(&value), body), cancelled(&["a"], status, None, body));
            }
        }
    }
}
