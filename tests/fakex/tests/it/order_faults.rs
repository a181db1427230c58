//! Each fault verb of orders and of the account does what it says, and the truth knows it.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use fake_exchange::{Fate, Fault, ORDER_VERBS, Running, Status};
use serde_json::{Value, json};

use crate::client::{get, send, start, try_send};
use crate::trader::{Trader, kinds, limit, market, now_ms, rest, sign_hmac, with_account};

/// Verbs as they are written, and what must follow from them.
type Case = (&'static [&'static str], fn(&Running, Trader<'_>));

const CASES: [Case; 17] = [
    (&[r#"{"verb":"ack_lost"}"#], ack_lost),
    (&[r#"{"verb":"ack_lost","on":"cancel"}"#], ack_of_cancel_lost),
    (&[r#"{"verb":"request_lost","n":1}"#], request_lost),
    (&[r#"{"verb":"ack_delay","ms":200}"#], ack_delay),
    (&[r#"{"verb":"request_delay","ms":200,"n":3}"#], request_delay),
    (&[r#"{"verb":"fill_before_ack"}"#], fill_before_ack),
    (&[r#"{"verb":"partial","n":4}"#], partial),
    (&[r#"{"verb":"late_fill_after_cancel"}"#], late_fill_after_cancel),
    (&[r#"{"verb":"reject","code":-1013}"#, r#"{"verb":"reject","code":-2010}"#], reject),
    (&[r#"{"verb":"outcome_unknown","done":true}"#], unknown_and_done),
    (&[r#"{"verb":"outcome_unknown","done":false,"code":-1001,"status":503}"#], unknown_and_not_done),
    (&[r#"{"verb":"balance_drift","asset":"BTC","amount":"-0.50000001"}"#], balance_drift),
    (
        &[r#"{"verb":"phantom_order","symbol":"BTCUSDT","side":"BUY","quantity":"0.1","price":"50000"}"#],
        phantom,
    ),
    (&[r#"{"verb":"revoke_key","key":"ed"}"#], revoke_key),
    (&[r#"{"verb":"stp_expire"}"#], stp_expire),
    (&[r#"{"verb":"foreign_usage","weight":5000}"#], foreign_usage),
    (&[r#"{"verb":"order_ban","secs":30}"#], order_ban),
];

#[test]
fn each_verb_does_what_it_says() {
    let mut seen = BTreeSet::new();
    for (faults, check) in CASES {
        let running = start(with_account());
        running.advance(Duration::from_secs(20));
        let trader = Trader::logged_on(&running);
        for written in faults {
            running.fault(Fault::from_json(written).unwrap()).unwrap();
            let value: Value = serde_json::from_str(written).unwrap();
            seen.insert(value["verb"].as_str().unwrap().to_owned());
        }
        let checked = std::panic::AssertUnwindSafe(|| check(&running, trader));
        assert!(std::panic::catch_unwind(checked).is_ok(), "{faults:?}");
        assert_eq!(running.stop(), Ok(()), "{faults:?}");
    }
    let known: BTreeSet<String> = ORDER_VERBS.iter().map(|verb| (*verb).to_owned()).collect();
    assert_eq!(seen, known, "one case for each verb at least");
}

fn named(mut order: Value, name: &str) -> Value {
    order["newClientOrderId"] = name.into();
    order
}

/// The code or the status that a question for an order by its name is answered with.
fn found(running: &Running, name: &str) -> String {
    let mut trader = Trader::connect(running);
    let asked = json!({ "symbol": "BTCUSDT", "origClientOrderId": name });
    let answer = trader.ask("order.status", asked);
    answer["error"]["code"]
        .as_i64()
        .map_or_else(|| answer["result"]["status"].as_str().unwrap().to_owned(), |code| code.to_string())
}

fn fates(running: &Running, method: &str) -> Vec<Fate> {
    let requests = running.truth().order_requests().unwrap();
    requests.iter().filter(|request| request.method == method).map(|request| request.fate).collect()
}

fn ack_lost(running: &Running, mut trader: Trader<'_>) {
    let mut listener = Trader::logged_on(running);
    trader.post("order.place", named(market("BUY", "0.1"), "a"));
    assert!(trader.client.end().contains("without closing"));
    assert_eq!(found(running, "a"), "FILLED");
    assert_eq!(fates(running, "order.place"), [Fate::AnswerLost]);
    assert!(kinds(&listener.events()).iter().any(|kind| kind == "TRADE FILLED"), "others are told");
    // The same over REST.
    running.fault(Fault::from_json(r#"{"verb":"ack_lost"}"#).unwrap()).unwrap();
    let query = "symbol=BTCUSDT&side=SELL&type=MARKET&quantity=0.1&newClientOrderId=b";
    let payload = format!("{query}&timestamp={}", now_ms(running));
    let head = format!("POST /api/v3/order?{payload}&signature={}", sign_hmac(&payload));
    assert!(try_send(running, &head, "X-MBX-APIKEY: hmac\r\n", "").is_err());
    assert_eq!(found(running, "b"), "FILLED");
}

fn ack_of_cancel_lost(running: &Running, mut trader: Trader<'_>) {
    trader.place(named(limit("BUY", "0.1", "50000"), "a")).unwrap();
    trader.post("order.cancel", json!({ "symbol": "BTCUSDT", "origClientOrderId": "a" }));
    trader.client.end();
    assert_eq!(found(running, "a"), "CANCELED");
}

fn request_lost(running: &Running, mut trader: Trader<'_>) {
    trader.post("order.place", named(market("BUY", "0.1"), "a"));
    trader.client.end();
    assert_eq!(found(running, "a"), "-2013");
    assert_eq!(fates(running, "order.place"), [Fate::RequestLost]);
    assert!(running.truth().orders().unwrap().is_empty());
}

fn ack_delay(_: &Running, mut trader: Trader<'_>) {
    let began = Instant::now();
    let number = trader.post("order.place", market("BUY", "0.1"));
    let events = trader.events();
    assert!(began.elapsed() < Duration::from_millis(150), "others are answered meanwhile");
    assert!(kinds(&events).iter().any(|kind| kind == "TRADE FILLED"));
    assert_eq!(trader.answer(number)["result"]["status"], "FILLED");
    assert!(began.elapsed() >= Duration::from_millis(200));
}

fn request_delay(running: &Running, mut trader: Trader<'_>) {
    // Its client is gone when it is done.
    let mut other = Trader::logged_on(running);
    other.post("order.place", named(market("BUY", "0.1"), "gone"));
    drop(other);
    let mut order = named(market("BUY", "0.1"), "late");
    order["recvWindow"] = 3_000.into();
    let number = trader.post("order.place", order.clone());
    assert_eq!(found(running, "late"), "-2013", "not yet");
    running.advance(Duration::from_millis(2_500));
    assert_eq!(trader.answer(number)["result"]["status"], "FILLED");
    assert_eq!(found(running, "gone"), "FILLED");
    order["newClientOrderId"] = "never".into();
    let number = trader.post("order.place", order);
    trader.events();
    running.advance(Duration::from_millis(3_500));
    assert_eq!(trader.answer(number)["error"]["code"], -1021, "its time is over");
    assert_eq!(fates(running, "order.place"), [Fate::Held; 3]);
}

fn fill_before_ack(_: &Running, mut trader: Trader<'_>) {
    for is_first in [true, false] {
        let number = trader.post("order.place", market("BUY", "0.1"));
        let first = trader.client.json();
        assert_eq!(first.get("event").is_some(), is_first, "{first}");
        if is_first {
            trader.answer(number);
        }
    }
}

fn partial(running: &Running, mut trader: Trader<'_>) {
    let placed = trader.place(limit("SELL", "0.00010", "60000")).unwrap();
    let quantities: Vec<&Value> =
        placed["fills"].as_array().unwrap().iter().map(|fill| &fill["qty"]).collect();
    assert_eq!(quantities, ["0.00002000", "0.00002000", "0.00002000", "0.00004000"]);
    let kinds = kinds(&trader.events());
    assert_eq!(kinds.iter().filter(|kind| *kind == "TRADE PARTIALLY_FILLED").count(), 3);
    assert_eq!(running.truth().fills().unwrap().len(), 4);
}

fn late_fill_after_cancel(running: &Running, mut trader: Trader<'_>) {
    trader.place(named(limit("BUY", "0.1", "50000"), "a")).unwrap();
    trader.events();
    let cancelled = trader.ask("order.cancel", json!({ "symbol": "BTCUSDT", "origClientOrderId": "a" }));
    assert_eq!(cancelled["result"]["executedQty"], "0.00000000");
    let events = trader.events();
    let reports: Vec<&Value> = events.iter().filter(|event| event["e"] == "executionReport").collect();
    assert_eq!((&reports[0]["X"], &reports[0]["z"]), (&json!("CANCELED"), &json!("0.00000000")));
    assert_eq!((&reports[1]["x"], &reports[1]["l"]), (&json!("TRADE"), &json!("0.05000000")));
    let orders = running.truth().orders().unwrap();
    assert_eq!((orders[0].status, orders[0].filled), (Status::Canceled, 5_000_000));
    assert_eq!(found(running, "a"), "CANCELED");
}

fn reject(running: &Running, mut trader: Trader<'_>) {
    let codes = [(); 2].map(|()| trader.place(market("BUY", "0.1")).unwrap_err());
    assert_eq!(codes, [-1013, -2010]);
    assert!(running.truth().orders().unwrap().is_empty());
    assert!(trader.place(market("BUY", "0.1")).is_ok());
}

fn unknown_and_done(running: &Running, mut trader: Trader<'_>) {
    let answer = trader.ask("order.place", named(market("BUY", "0.1"), "a"));
    assert_eq!((&answer["status"], &answer["error"]["code"]), (&json!(504), &json!(-1007)));
    assert_eq!(found(running, "a"), "FILLED");
}

fn unknown_and_not_done(running: &Running, mut trader: Trader<'_>) {
    let answer = trader.ask("order.place", named(market("BUY", "0.1"), "a"));
    assert_eq!((&answer["status"], &answer["error"]["code"]), (&json!(503), &json!(-1001)));
    assert_eq!(found(running, "a"), "-2013");
}

fn balance_drift(running: &Running, mut trader: Trader<'_>) {
    let events = trader.events();
    assert_eq!(kinds(&events), ["balanceUpdate", "outboundAccountPosition"]);
    assert_eq!((&events[0]["a"], &events[0]["d"]), (&json!("BTC"), &json!("-0.50000001")));
    assert_eq!(events[1]["B"][0]["f"], "1.49999999");
    assert_eq!(running.truth().balances().unwrap()["BTC"].free.to_string(), "1.49999999");
    let too_much = Fault::from_json(r#"{"verb":"balance_drift","asset":"BTC","amount":"-5"}"#).unwrap();
    assert!(running.fault(too_much).unwrap_err().contains("less than"));
}

fn phantom(running: &Running, mut trader: Trader<'_>) {
    let events = trader.events();
    assert!(events[0]["c"].as_str().unwrap().starts_with("web_"), "{}", events[0]);
    let open = trader.ask("openOrders.status", json!({}))["result"].clone();
    assert_eq!(open.as_array().unwrap().len(), 1);
    assert!(running.truth().orders().unwrap()[0].by_hand);
}

fn revoke_key(running: &Running, mut trader: Trader<'_>) {
    let ended = trader.client.json();
    assert_eq!(ended["event"]["e"], "eventStreamTerminated");
    trader.post("order.place", market("BUY", "0.1"));
    let answer = trader.client.json();
    assert_eq!((&answer["id"], &answer["status"]), (&Value::Null, &json!(401)));
    assert_eq!(answer["error"]["code"], -2015);
    let mut anew = Trader::connect(running);
    assert_eq!(anew.ask("session.logon", json!({}))["error"]["code"], -2015);
    assert_eq!(rest(running, "GET", "/api/v3/account", "").status, 200, "another key goes on");
}

fn stp_expire(running: &Running, mut trader: Trader<'_>) {
    let placed = trader.place(market("BUY", "0.1")).unwrap();
    assert_eq!(
        (&placed["status"], &placed["executedQty"]),
        (&json!("EXPIRED_IN_MATCH"), &json!("0.00000000"))
    );
    let told = kinds(&trader.events());
    assert!(told.contains(&"TRADE_PREVENTION EXPIRED_IN_MATCH".to_owned()), "{told:?}");
    assert!(running.truth().fills().unwrap().is_empty());
}

fn foreign_usage(running: &Running, mut trader: Trader<'_>) {
    let answer = trader.ask("ping", json!({}));
    let used = answer["rateLimits"][0]["count"].as_u64().unwrap();
    assert!((5_000..5_100).contains(&used), "{answer}");
    running.fault(Fault::from_json(r#"{"verb":"foreign_usage","weight":1000}"#).unwrap()).unwrap();
    assert_eq!(trader.ask("ping", json!({}))["status"], 429);
}

fn order_ban(running: &Running, mut trader: Trader<'_>) {
    let told = trader.ask("order.place", market("BUY", "0.1"));
    assert_eq!(told["status"], 429);
    let until_ms = told["error"]["data"]["retryAfter"].as_i64().unwrap();
    assert_eq!(running.truth().requests_in_bans().unwrap(), 0);
    let again = send(running, "GET /api/v3/account", "X-MBX-APIKEY: hmac\r\n", "");
    assert_eq!(again.status, 418);
    assert!(again.head.contains("Retry-After: 3"), "{}", again.head);
    assert_eq!(running.truth().requests_in_bans().unwrap(), 1);
    assert_eq!(get(running, "/api/v3/depth?symbol=BTCUSDT").status, 200, "data goes on");
    running.advance(Duration::from_millis((until_ms - now_ms(running)).unsigned_abs()));
    assert!(trader.place(market("BUY", "0.1")).is_ok(), "who waited as told is heard");
}

#[test]
fn a_market_that_takes_no_orders_still_cancels_them_and_one_that_is_gone_ends_them() {
    let running = start(with_account());
    running.advance(Duration::from_secs(20));
    let mut trader = Trader::logged_on(&running);
    trader.place(named(limit("BUY", "0.1", "50000"), "a")).unwrap();
    trader.place(named(limit("BUY", "0.1", "50001"), "b")).unwrap();
    running.fault(Fault::from_json(r#"{"verb":"cancel_only","symbol":"BTCUSDT"}"#).unwrap()).unwrap();
    assert_eq!(trader.place(limit("BUY", "0.1", "50000")), Err(-2010));
    let asked = json!({ "symbol": "BTCUSDT", "origClientOrderId": "a" });
    assert_eq!(trader.ask("order.cancel", asked)["result"]["status"], "CANCELED");
    running.fault(Fault::from_json(r#"{"verb":"delist","symbol":"BTCUSDT"}"#).unwrap()).unwrap();
    let told = kinds(&trader.events());
    assert!(told.contains(&"EXPIRED EXPIRED".to_owned()), "{told:?}");
    assert_eq!(trader.place(limit("BUY", "0.1", "50000")), Err(-1121));
    assert!(running.truth().balances().unwrap()["USDT"].locked.is_zero());
}
