//! Kraken's order connection: how it begins, what is asked where, and what a number that is missing means.

use engine_core::market::Side;
use engine_core::order::{Posting, TimeInForce};

use super::*;
use crate::decimal::decimal;
use crate::order_request::{NewOrder, NewOrderKind, OrderName};

fn at(micros: i64) -> Timestamp {
    Timestamp::from_nanos(micros * 1_000)
}

/// The nonce of a request.
fn nonce(request: &HttpRequest) -> u64 {
    let body = request.body.as_deref().unwrap();
    body.strip_prefix("nonce=").unwrap().split('&').next().unwrap().parse().unwrap()
}

fn told(body: &str) -> Result<HttpAnswer, String> {
    Ok(HttpAnswer { status: 200, retry_after: None, body: body.to_owned() })
}

/// Orders on a connection that has greeted.
fn greeted() -> KrakenOrders {
    let key = KrakenKey::from_text("NAME", "c2VjcmV0").unwrap();
    let mut names = Names::default();
    names.pairs.insert("XXBTZUSD".to_owned(), "BTC/USD".to_owned());
    names.pairs.insert("XXBTZEUR".to_owned(), "BTC/EUR".to_owned());
    let mut words = KrakenOrders::new(key, "http://venue", names);
    let asked = words.admission(at(7)).unwrap();
    assert_eq!((asked.verb, asked.url.as_str()), ("POST", "http://venue/0/private/GetWebSocketsToken"));
    assert_eq!(asked.headers[0], ("API-Key", "NAME".to_owned()));
    words.admitted(&told(r#"{"error":[],"result":{"token":"TOKEN"}}"#).unwrap()).unwrap();
    let greetings = words.greetings(at(8));
    assert!(greetings.iter().all(|greeting| greeting.contains("TOKEN")) && greetings.len() == 2);
    let subscribed = |channel: &str, id: u64| {
        format!(r#"{{"method":"subscribe","success":true,"req_id":{id},"result":{{"channel":"{channel}"}}}}"#)
    };
    assert!(matches!(words.read(&subscribed("balances", 1)), Heard::Told(_)));
    assert!(matches!(words.read(&subscribed("executions", 2)), Heard::Greeted));
    words
}

fn cancel() -> OrderRequest {
    OrderRequest::Cancel { symbol: "BTC/USD".to_owned(), order: OrderName::Venue("OA".to_owned()) }
}

fn message(words: &mut KrakenOrders, number: u64, request: &OrderRequest) -> String {
    match words.write(at(9), number, request).unwrap() {
        Written::Message(text) => text,
        Written::Requests(requests) => panic!("{requests:?}"),
    }
}

fn asked(words: &mut KrakenOrders, number: u64, request: &OrderRequest) -> HttpRequest {
    match words.write(at(9), number, request).unwrap() {
        Written::Message(text) => panic!("{text}"),
        Written::Requests(requests) => requests.into_iter().next().unwrap(),
    }
}

#[test]
fn orders_are_calls_that_are_answered_by_their_number() {
    let mut words = greeted();
    let order = NewOrder {
        client_id: "96b5a4fb-3c98-8815-a900-010000000017".to_owned(),
        symbol: "BTC/USD".to_owned(),
        side: Side::Sell,
        qty: decimal("0.1").unwrap(),
        kind: NewOrderKind::Market,
        tif: TimeInForce::Ioc,
        posting: Posting::Any,
    };
    let placed = message(&mut words, 1, &OrderRequest::Place(order));
    assert!(placed.contains(r#""deadline":"1970-01-01T00:00:05.000Z""#), "{placed}");
    assert!(placed.ends_with(r#""req_id":4}"#), "{placed}");
    assert!(message(&mut words, 2, &cancel()).ends_with(r#""req_id":5}"#));
    let answer = r#"{"method":"add_order","req_id":4,"success":true,"result":{"order_id":"OA"}}"#;
    assert!(matches!(words.read(answer), Heard::Answer(1, _)));
    let nobody = r#"{"method":"add_order","success":true,"result":{"order_id":"OA"}}"#;
    assert!(matches!(words.read(nobody), Heard::Unreadable(_)));
}

#[test]
fn numbers_of_requests_only_grow_also_where_the_clock_does_not() {
    let mut words = greeted();
    let mut last = 0;
    for micros in [9, 9, 3, 1_000, 1_000, 4] {
        let next = nonce(&words.admission(at(micros)).unwrap());
        assert!(next > last && next >= u64::try_from(micros).unwrap());
        last = next;
    }
    // Another process had a higher one.
    asked(&mut words, 5, &OrderRequest::Balances);
    let answer = words.answered(5, &vec![told(r#"{"error":["EAPI:Invalid nonce"]}"#)]);
    assert!(matches!(answer.outcome, Outcome::ResyncClock(_)));
    assert!(nonce(&words.admission(at(9)).unwrap()) > last + LEAP);
}

#[test]
fn a_message_that_is_missing_ends_the_connection_and_one_told_twice_is_told_once() {
    let mut words = greeted();
    let said = |channel: &str, number: u64| {
        format!(r#"{{"channel":"{channel}","type":"update","data":[],"sequence":{number}}}"#)
    };
    let is_lost = |heard: &Heard| matches!(heard, Heard::Told(told) if matches!(told[..], [AccountMessage::SessionEnded { .. }]));
    for (channel, number) in [("executions", 3), ("balances", 1), ("executions", 4), ("balances", 2)] {
        assert!(matches!(words.read(&said(channel, number)), Heard::Told(told) if told.len() == 1));
    }
    assert!(matches!(words.read(&said("executions", 4)), Heard::Told(told) if told.is_empty()));
    assert!(is_lost(&words.read(&said("executions", 6))));
    assert!(is_lost(&words.read(r#"{"channel":"balances","type":"update","data":[]}"#)));
    assert!(matches!(words.read(r#"{"channel":"heartbeat"}"#), Heard::Told(_)));
    words.greetings(at(10));
    assert!(!is_lost(&words.read(&said("executions", 1))), "each connection counts for itself");
}

#[test]
fn a_refusal_to_subscribe_and_to_give_a_token_are_refusals() {
    let mut words = greeted();
    words.greetings(at(10));
    let refused = r#"{"method":"subscribe","success":false,"req_id":2,"error":"ESession:Invalid session"}"#;
    assert!(matches!(words.read(refused), Heard::Refused(Outcome::Halt(..))));
    let refused = words.admitted(&told(r#"{"error":["EAPI:Rate limit exceeded"]}"#).unwrap());
    assert!(matches!(refused, Err(Outcome::Wait(..))));
    let broken = HttpAnswer { status: 502, retry_after: None, body: "<html>".to_owned() };
    assert!(matches!(words.admitted(&broken), Err(Outcome::Unknown(_))));
}

#[test]
fn a_question_of_several_requests_has_one_answer() {
    let mut words = greeted();
    let client = OrderName::Client("e1".to_owned());
    let query = OrderRequest::Query { symbol: "BTC/USD".to_owned(), order: client };
    let first = asked(&mut words, 5, &query);
    assert!(first.url.ends_with("OpenOrders"));
    let mut answers = vec![told(r#"{"error":[],"result":{"open":{}}}"#)];
    let second = words.more(at(9), 5, &answers).unwrap();
    assert!(second.url.ends_with("ClosedOrders") && nonce(&second) > nonce(&first));
    answers.push(told(r#"{"error":[],"result":{"closed":{}}}"#));
    assert_eq!(words.more(at(9), 5, &answers), None);
    assert!(matches!(words.answered(5, &answers).outcome, Outcome::NotFound(_)));
    assert!(matches!(words.answered(5, &answers).outcome, Outcome::Unknown(_)), "it is answered once");
    // One that is answered in the first is not asked for in the second.
    asked(&mut words, 6, &query);
    let found = r#"{"error":[],"result":{"open":{"OA":{"status":"open","descr":{"pair":"XXBTZUSD"},"vol":"1","vol_exec":"0"}}}}"#;
    let answers = vec![told(found)];
    assert_eq!(words.more(at(9), 6, &answers), None);
    let answer = words.answered(6, &answers);
    assert_eq!(answer.messages[0].as_order().unwrap().symbol.as_deref(), Some("BTC/USD"));
}

#[test]
fn trades_of_other_symbols_are_left_out() {
    let mut words = greeted();
    let since = crate::order_request::FillsSince::Moment(at(1));
    asked(&mut words, 5, &OrderRequest::Fills { symbol: "BTC/USD".to_owned(), since });
    let trade = |name: &str, pair: &str| {
        format!(
            r#""{name}":{{"ordertxid":"OA","pair":"{pair}","time":1688667796.8802,"type":"buy","price":"1","cost":"1","fee":"0","vol":"1"}}"#
        )
    };
    let body = format!(
        r#"{{"error":[],"result":{{"trades":{{{},{}}},"count":2}}}}"#,
        trade("T1", "XXBTZUSD"),
        trade("T2", "XXBTZEUR")
    );
    let answer = words.answered(5, &vec![told(&body)]);
    let told: Vec<&str> =
        answer.messages.iter().filter_map(AccountMessage::as_fill).map(|fill| fill.symbol.as_str()).collect();
    assert_eq!(told, ["BTC/USD"]);
}
