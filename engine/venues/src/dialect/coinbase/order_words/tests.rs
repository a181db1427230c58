//! The words before a venue that is written down.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use engine_core::market::Side;
use engine_core::order::{Posting, TimeInForce};
use serde_json::{Value, json};

use super::*;
use crate::decimal::decimal;
use crate::order_request::{FillsSince, NewOrder, NewOrderKind};

const NAME: &str = "organizations/o/apiKeys/k";

/// The seed of the first test of RFC 8032.
const SEED: &str = "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=";

const ORDERS: &str = "/api/v3/brokerage/orders/historical/batch?product_ids=BTC-USD";

fn words() -> CoinbaseOrders {
    CoinbaseOrders::new(CoinbaseKey::from_text(NAME, SEED).unwrap(), "http://host:1/")
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_nanos((1_784_000_000 + seconds) * 1_000_000_000 + 999_999_999)
}

fn claims(request: &HttpRequest) -> Value {
    let (_, token) = request.headers[0].1.split_once("Bearer ").unwrap();
    let claims = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap()
}

fn asked(words: &mut CoinbaseOrders, second: i64, number: u64, request: &OrderRequest) -> HttpRequest {
    let Ok(Written::Requests(mut requests)) = words.write(at(second), number, request) else { panic!() };
    assert_eq!(requests.len(), 1);
    requests.remove(0)
}

fn path(request: &HttpRequest) -> &str {
    request.url.strip_prefix("http://host:1").unwrap()
}

fn ok(body: &Value) -> Result<HttpAnswer, String> {
    Ok(HttpAnswer { status: 200, retry_after: None, body: body.to_string() })
}

fn refused(status: u16) -> Result<HttpAnswer, String> {
    Ok(HttpAnswer { status, retry_after: Some("3".to_owned()), body: String::new() })
}

fn order(client_id: &str, name: &str) -> Value {
    json!({"order_id": name, "client_order_id": client_id, "product_id": "BTC-USD", "side": "BUY",
           "status": "OPEN", "filled_size": "0"})
}

fn orders(rows: &[Value], cursor: &str) -> Result<HttpAnswer, String> {
    ok(&json!({"orders": rows, "has_next": !cursor.is_empty(), "cursor": cursor}))
}

fn place(client_id: &str) -> OrderRequest {
    OrderRequest::Place(NewOrder {
        client_id: client_id.to_owned(),
        symbol: "BTC-USD".to_owned(),
        side: Side::Buy,
        qty: decimal("0.1").unwrap(),
        kind: NewOrderKind::Market,
        tif: TimeInForce::Ioc,
        posting: Posting::Any,
    })
}

fn query(client_id: &str) -> OrderRequest {
    OrderRequest::Query { symbol: "BTC-USD".to_owned(), order: OrderName::Client(client_id.to_owned()) }
}

fn name_of(answer: &OrderAnswer) -> Option<&str> {
    answer.messages.first()?.as_order().map(|report| report.order_id.as_str())
}

#[test]
fn an_order_cannot_be_heard_behind_its_window() {
    let mut words = words();
    let placed = asked(&mut words, 0, 1, &place("c-1"));
    assert_eq!((placed.verb, path(&placed)), ("POST", "/api/v3/brokerage/orders"));
    assert_eq!(placed.headers[1], ("Content-Type", "application/json".to_owned()));
    let told = claims(&placed);
    assert_eq!(told["uri"], "POST host:1/api/v3/brokerage/orders");
    assert_eq!((&told["nbf"], &told["exp"]), (&json!(1_784_000_000), &json!(1_784_000_005)));
    let balances = claims(&asked(&mut words, 0, 2, &OrderRequest::Balances));
    assert_eq!(balances["exp"], 1_784_000_120, "a question may wait for others");
    // A token that is over is refused as a wrong one is: the order is not there, and trading goes on.
    assert!(matches!(words.answered(1, &vec![refused(401)]).outcome, Outcome::ResyncClock(_)));
    assert!(matches!(words.answered(2, &vec![refused(401)]).outcome, Outcome::Halt(HaltCause::Key, _)));
}

#[test]
fn every_request_has_a_token_of_its_own() {
    let mut words = words();
    let mut tokens: Vec<String> = (0..3)
        .map(|number| asked(&mut words, 0, number, &OrderRequest::Permissions).headers[0].1.clone())
        .collect();
    tokens.sort_unstable();
    tokens.dedup();
    assert_eq!(tokens.len(), 3);
}

#[test]
fn an_order_without_a_name_is_looked_for_since_it_was_placed_page_by_page() {
    let mut words = words();
    asked(&mut words, 0, 1, &place("c-1"));
    let first = asked(&mut words, 1, 2, &query("c-1"));
    let since = "&start_date=2026-07-14T03%3A32%3A20.999Z&limit=250";
    assert_eq!(path(&first), format!("{ORDERS}{since}"));
    let mut answers = vec![orders(&[order("c-9", "a-9")], "p2")];
    let second = words.more(at(1), 2, &answers).unwrap();
    assert_eq!(path(&second), format!("{ORDERS}{since}&cursor=p2"));
    answers.push(orders(&[order("c-8", "a-8"), order("c-1", "a-1")], "p3"));
    assert_eq!(words.more(at(1), 2, &answers), None, "it is found");
    let answer = words.answered(2, &answers);
    assert_eq!((answer.outcome.clone(), name_of(&answer)), (Outcome::Answered, Some("a-1")));
}

#[test]
fn an_order_is_not_found_only_where_the_whole_list_was_read() {
    let mut words = words();
    let first = asked(&mut words, 0, 1, &query("c-1"));
    assert_eq!(path(&first), format!("{ORDERS}&limit=250"), "nobody knows when it was placed");
    let mut answers = vec![orders(&[], "p2")];
    assert!(words.more(at(0), 1, &answers).is_some());
    assert!(matches!(words.answered(1, &answers).outcome, Outcome::Unknown(_)), "broken off");
    asked(&mut words, 0, 2, &query("c-1"));
    assert!(words.more(at(0), 2, &answers).is_some());
    answers.push(refused(429));
    assert_eq!(words.more(at(0), 2, &answers), None);
    assert!(matches!(words.answered(2, &answers).outcome, Outcome::Wait(..)));
    asked(&mut words, 100, 3, &query("c-1"));
    assert!(words.more(at(100), 3, &vec![orders(&[], "p2")]).is_some());
    let again = vec![orders(&[], "p2"), orders(&[], "p2")];
    assert_eq!(words.more(at(100), 3, &again), None, "a list that goes in circles");
    assert!(matches!(words.answered(3, &again).outcome, Outcome::Unknown(_)));
    asked(&mut words, 100, 4, &query("c-1"));
    assert!(matches!(words.answered(4, &vec![orders(&[], "")]).outcome, Outcome::NotFound(_)));
    // It was not there then: what is older needs not be read again.
    let next = asked(&mut words, 200, 5, &query("c-1"));
    assert_eq!(path(&next), format!("{ORDERS}&start_date=2026-07-14T03%3A34%3A00.999Z&limit=250"));
}

#[test]
fn an_order_without_a_name_is_found_and_then_ended() {
    let mut words = words();
    let symbol = || "BTC-USD".to_owned();
    let by_client = OrderRequest::Cancel { symbol: symbol(), order: OrderName::Client("c-1".to_owned()) };
    asked(&mut words, 0, 1, &by_client);
    let mut answers = vec![orders(&[order("c-1", "a-1")], "p2")];
    let ends = words.more(at(0), 1, &answers).unwrap();
    assert_eq!(
        (path(&ends), ends.body.as_deref()),
        ("/api/v3/brokerage/orders/batch_cancel", Some(r#"{"order_ids":["a-1"]}"#))
    );
    answers.push(ok(&json!({"results": [{"success": true, "order_id": "a-1"}]})));
    assert_eq!(words.more(at(0), 1, &answers), None);
    assert_eq!(words.answered(1, &answers), OrderAnswer::saying(Vec::new()));
    asked(&mut words, 0, 2, &by_client);
    let nothing = vec![orders(&[], "")];
    assert_eq!(words.more(at(0), 2, &nothing), None);
    assert!(matches!(words.answered(2, &nothing).outcome, Outcome::NotFound(_)));
    let by_name = OrderRequest::Cancel { symbol: symbol(), order: OrderName::Venue("a-1".to_owned()) };
    asked(&mut words, 0, 3, &by_name);
    let results =
        json!({"results": [{"success": false, "failure_reason": "UNKNOWN_CANCEL_ORDER", "order_id": "a-1"}]});
    assert!(matches!(words.answered(3, &vec![ok(&results)]).outcome, Outcome::NotOpen(_)));
    asked(&mut words, 0, 4, &by_name);
    let other = json!({"results": [{"success": true, "order_id": "a-2"}]});
    assert!(matches!(words.answered(4, &vec![ok(&other)]).outcome, Outcome::Unknown(_)), "of another order");
}

#[test]
fn the_pages_of_a_list_are_one_answer() {
    let mut words = words();
    asked(&mut words, 0, 1, &OrderRequest::Balances);
    let account =
        |asset: &str| json!({"currency": asset, "available_balance": {"value": "1"}, "hold": {"value": "2"}});
    let page = |asset: &str, cursor: &str| {
        ok(&json!({"accounts": [account(asset)], "has_next": !cursor.is_empty(), "cursor": cursor}))
    };
    let mut answers = vec![page("BTC", "p2")];
    assert_eq!(
        path(&words.more(at(0), 1, &answers).unwrap()),
        "/api/v3/brokerage/accounts?limit=250&cursor=p2"
    );
    answers.push(page("USD", ""));
    assert_eq!(words.more(at(0), 1, &answers), None);
    let answer = words.answered(1, &answers);
    let snapshot = answer.messages[0].as_snapshot().unwrap();
    let assets: Vec<&str> = snapshot.balances.iter().map(|balance| balance.asset.as_str()).collect();
    assert_eq!((assets, answer.next_page), (vec!["BTC", "USD"], None));
    let since = FillsSince::Moment(at(0));
    asked(&mut words, 0, 2, &OrderRequest::Fills { symbol: "BTC-USD".to_owned(), since });
    let fill = |id: &str, second: u8| {
        json!({"trade_id": id, "order_id": "a-1", "trade_time": format!("2026-01-01T00:00:0{second}Z"), "price": "1",
               "size": "1", "commission": "0", "product_id": "BTC-USD", "side": "BUY"})
    };
    let fills = [
        ok(&json!({"fills": [fill("d", 9), fill("c", 5)], "cursor": "p2"})),
        ok(&json!({"fills": [fill("b", 5), fill("a", 1)], "cursor": ""})),
    ];
    assert!(words.more(at(0), 2, &fills[..1].to_vec()).is_some());
    let answer = words.answered(2, &fills.to_vec());
    let told: Vec<&str> = answer
        .messages
        .iter()
        .filter_map(|message| Some(message.as_fill()?.fill.trade_id.as_str()))
        .collect();
    assert_eq!(told, ["a", "b", "c", "d"], "the oldest first");
}

#[test]
fn what_was_not_asked_or_not_answered_is_unknown() {
    let mut words = words();
    assert!(matches!(words.answered(7, &vec![orders(&[], "")]).outcome, Outcome::Unknown(_)));
    asked(&mut words, 0, 1, &place("c-1"));
    assert!(matches!(words.answered(1, &vec![Err("reset".to_owned())]).outcome, Outcome::Unknown(_)));
    asked(&mut words, 0, 2, &OrderRequest::Balances);
    assert!(matches!(words.answered(2, &Vec::new()).outcome, Outcome::Unknown(_)));
    assert!(words.write(at(0), 3, &OrderRequest::CancelAll { symbol: None }).is_err());
}

fn frame(number: u64, channel: &str, events: &Value) -> String {
    json!({"channel": channel, "timestamp": "2026-04-07T14:30:06Z", "sequence_num": number, "events": events})
        .to_string()
}

fn beat(number: u64) -> String {
    frame(number, "heartbeats", &json!([{"heartbeat_counter": number}]))
}

fn is_nothing(heard: &Heard) -> bool {
    matches!(heard, Heard::Told(messages) if messages.is_empty())
}

#[test]
fn a_connection_speaks_once_it_is_subscribed_and_ends_where_a_frame_is_missing() {
    let mut words = words();
    let greetings = words.greetings(at(0));
    let channels: Vec<Value> = greetings.iter().map(|text| serde_json::from_str(text).unwrap()).collect();
    assert_eq!([&channels[0]["channel"], &channels[1]["channel"]], ["user", "heartbeats"]);
    let snapshot = frame(0, "user", &json!([{"type": "snapshot", "orders": []}]));
    assert!(is_nothing(&words.read(&snapshot)), "what it lists is asked for");
    let subscribed = frame(1, "subscriptions", &json!([{"subscriptions": {"user": ["u"]}}]));
    assert!(matches!(words.read(&subscribed), Heard::Greeted));
    assert!(matches!(words.read(&beat(2)), Heard::Told(messages) if messages.len() == 2));
    assert!(is_nothing(&words.read(&beat(2))), "told twice");
    assert!(matches!(words.read("{"), Heard::Unreadable(_)));
    let Heard::Told(messages) = words.read(&beat(5)) else { panic!() };
    assert!(
        matches!(&messages[..], [AccountMessage::SessionEnded { reason, .. }] if reason.starts_with("2 of"))
    );
    words.greetings(at(1));
    assert!(is_nothing(&words.read(&beat(7))), "the first of a connection has any number");
    assert!(matches!(
        words.read(r#"{"type":"error","message":"authentication failure"}"#),
        Heard::Refused(Outcome::Halt(HaltCause::Key, _))
    ));
    assert!(matches!(
        words.read(r#"{"type":"error","message":"busy"}"#),
        Heard::Refused(Outcome::Unknown(_))
    ));
}
