//! Requests as they are written, and what their answers mean, good and bad.

use proptest::prelude::*;

use super::*;
use crate::account_message::{AccountMessage, Balance};
use crate::outcome::{HaltCause, Wait};
use crate::signed_decimal::signed_decimal;
use crate::signing::kraken::KrakenKey;

fn query(order: OrderName) -> OrderRequest {
    OrderRequest::Query { symbol: "BTC/USD".to_owned(), order }
}

fn fills(since: FillsSince) -> OrderRequest {
    OrderRequest::Fills { symbol: "BTC/USD".to_owned(), since }
}

#[test]
fn every_question_is_asked_in_the_venues_words() {
    let at = Timestamp::from_nanos(1_688_583_840_999_999_999);
    for (request, expected) in [
        (
            query(OrderName::Venue("OA".to_owned())),
            vec![("/0/private/QueryOrders", "nonce=7&txid=OA&trades=true")],
        ),
        (
            query(OrderName::Client("e1&1".to_owned())),
            vec![
                ("/0/private/OpenOrders", "nonce=7&cl_ord_id=e1%261"),
                ("/0/private/ClosedOrders", "nonce=8&cl_ord_id=e1%261"),
            ],
        ),
        (OrderRequest::OpenOrders { symbol: None }, vec![("/0/private/OpenOrders", "nonce=7")]),
        (fills(FillsSince::Moment(at)), vec![("/0/private/TradesHistory", "nonce=7&start=1688583839")]),
        (OrderRequest::Balances, vec![("/0/private/BalanceEx", "nonce=7")]),
    ] {
        let asked = requests(&request, 7).unwrap();
        let asked: Vec<(&str, &str)> =
            asked.iter().map(|request| (request.method.path(), request.body.as_str())).collect();
        assert_eq!(asked, expected);
    }
    let refused =
        [OrderRequest::Permissions, fills(FillsSince::Trade(1)), fills(FillsSince::Order(String::new()))];
    for request in refused {
        assert!(requests(&request, 7).is_err(), "{request:?}");
    }
    let token = token_request(9);
    let key = KrakenKey::from_text("NAME", "c2VjcmV0").unwrap();
    let signature = key.api_sign("/0/private/GetWebSocketsToken", 9, "nonce=9");
    assert_eq!((token.signature(&key), token.nonce), (signature, 9));
}

#[test]
fn a_token_is_given_or_refused() {
    assert_eq!(
        token(
            r#"{"error":[],"result":{"token":"1Dwc4lzSwNWOAwkMdqhssNNFhs1ed606d1WcF3XfEMw","expires":900}}"#
        ),
        Ok(SessionToken::new("1Dwc4lzSwNWOAwkMdqhssNNFhs1ed606d1WcF3XfEMw"))
    );
    let refused = token(r#"{"error":["EAPI:Invalid key"]}"#);
    assert!(matches!(refused, Err(Outcome::Halt(HaltCause::Key, _))), "{refused:?}");
    for body in [r#"{"error":[],"result":{}}"#, r#"{"error":[]}"#, r#"{"result":{"token":"a"}}"#, "<html>"] {
        assert!(matches!(token(body), Err(Outcome::Unknown(_))), "{body}");
    }
}

#[test]
fn what_orders_hold_is_not_free() {
    let body = r#"{"error":[],"result":{"XXBT":{"balance":"1.2435500000","hold_trade":"0.0435500000"},"ZUSD":{"balance":"-5.0","hold_trade":"0"}}}"#;
    let answer = PrivateMethod::BalanceEx.answer(200, None, body);
    let [AccountMessage::Snapshot(snapshot)] = &answer.messages[..] else { panic!("{answer:?}") };
    let shown = |balance: &Balance| (balance.free.to_string(), balance.locked.unwrap().to_string());
    assert_eq!(shown(&snapshot.balances[0]), ("1.2".to_owned(), "0.04355".to_owned()));
    assert_eq!(snapshot.balances[1].free, signed_decimal("-5.0").unwrap());
}

#[test]
fn an_error_counts_before_the_status_and_a_page_of_a_server_is_unknown() {
    let answer = |status, body| PrivateMethod::AddOrder.answer(status, Some("5"), body).outcome;
    assert!(matches!(answer(200, r#"{"error":["EOrder:Insufficient funds"]}"#), Outcome::Rejected(_)));
    assert!(matches!(answer(500, r#"{"error":["EService:Unavailable"]}"#), Outcome::Unknown(_)));
    assert!(matches!(answer(200, "<html>"), Outcome::Unknown(_)));
    assert!(matches!(answer(502, "<html>"), Outcome::Unknown(_)));
    assert!(matches!(answer(429, "<html>"), Outcome::Wait(Wait::For(_), _)));
    assert!(matches!(answer(200, r#"{"error":[],"result":{"txid":[]}}"#), Outcome::Unknown(_)));
    let cancel = |count: u8| {
        let body = format!(r#"{{"error":[],"result":{{"count":{count}}}}}"#);
        PrivateMethod::CancelOrder.answer(200, None, &body).outcome
    };
    assert_eq!(cancel(1), Outcome::Answered);
    assert!(matches!(cancel(0), Outcome::NotOpen(_)));
}

const METHODS: [PrivateMethod; 9] = [
    PrivateMethod::AddOrder,
    PrivateMethod::CancelOrder,
    PrivateMethod::QueryOrders,
    PrivateMethod::OpenOrders,
    PrivateMethod::ClosedOrders,
    PrivateMethod::TradesHistory,
    PrivateMethod::Balance,
    PrivateMethod::BalanceEx,
    PrivateMethod::WebSocketsToken,
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn no_text_panics(text in "\\PC{0,120}", value in "\\PC{0,20}", status in 100_u16..600) {
        let result = format!(r#"{{"error":[],"result":{{"open":{{"O":{value}}},"trades":{{"T":{value}}},"a":{value}}}}}"#);
        for method in METHODS {
            for body in [text.as_str(), result.as_str()] {
                let _ = method.answer(status, Some(value.as_str()), body);
            }
        }
    }
}
