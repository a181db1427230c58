//! Requests as they are written, and what their answers mean, good and bad.

use proptest::prelude::*;

use super::*;
use crate::account_message::{AccountMessage, Balance};
use crate::outcome::{HaltCause, Wait};
use crate::signed_decimal::signed_decimal;
use crate::signing::kraken::KrakenKey;

#[test]
fn a_request_is_signed_with_its_number() {
    let token = token_request(9);
    let key = KrakenKey::from_text("NAME", "c2VjcmV0").unwrap();
    let signature = key.api_sign("/0/private/GetWebSocketsToken", 9, "nonce=9");
    assert_eq!((token.signature(&key), token.nonce), (signature, 9));
    let request = PrivateRequest::of(PrivateMethod::QueryOrders, 7, &[("txid", "a,b&c".to_owned())]);
    assert_eq!(request.body, "nonce=7&txid=a%2Cb%26c");
}

#[test]
fn a_key_is_told_what_it_may_do() {
    let told = |words: &str| {
        let body = format!(r#"{{"error":[],"result":{{"apiKeyName":"a","permissions":[{words}]}}}}"#);
        let answer = PrivateMethod::KeyInfo.answer(200, None, &body);
        let [AccountMessage::Permissions(key)] = answer.messages[..] else { panic!("{answer:?}") };
        (key.may_view.unwrap(), key.may_trade.unwrap(), key.may_withdraw.unwrap())
    };
    let all = r#""query-funds","withdraw-funds","query-open-trades","modify-trades""#;
    assert_eq!(told(all), (true, true, true));
    assert_eq!(told(r#""query-funds","modify-trades""#), (true, true, false));
    assert_eq!(told(""), (false, false, false));
    let unsaid = PrivateMethod::KeyInfo.answer(200, None, r#"{"error":[],"result":{}}"#);
    assert!(matches!(unsaid.outcome, Outcome::Unknown(_)));
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

const METHODS: [PrivateMethod; 11] = [
    PrivateMethod::AddOrder,
    PrivateMethod::CancelOrder,
    PrivateMethod::QueryOrders,
    PrivateMethod::OpenOrders,
    PrivateMethod::ClosedOrders,
    PrivateMethod::TradesHistory,
    PrivateMethod::QueryTrades,
    PrivateMethod::KeyInfo,
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
