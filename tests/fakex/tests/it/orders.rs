//! Orders by WebSocket and by REST, their answers and their events, against the truth.

use std::time::Duration;

use fake_exchange::{Running, Settings};
use serde_json::{Value, json};

use crate::client::{digits, get, send, start};
use crate::trader::{Trader, kinds, limit, market, now_ms, rest, sign_ed25519, sign_hmac, with_account};

/// An exchange whose market has traded for a while.
fn traded(settings: Settings) -> Running {
    let running = start(settings);
    running.advance(Duration::from_secs(20));
    running
}

fn best(running: &Running) -> (String, String) {
    let depth = get(running, "/api/v3/depth?symbol=BTCUSDT&limit=5").json();
    let price = |side: &str| depth[side][0][0].as_str().unwrap().to_owned();
    (price("bids"), price("asks"))
}

/// Free and locked of an asset as the venue tells them, and as its postings sum up to.
fn balance(running: &Running, asset: &str) -> (String, String) {
    let account = rest(running, "GET", "/api/v3/account", "").json();
    let told = account["balances"].as_array().unwrap().iter().find(|told| told["asset"] == asset).unwrap();
    let told = (told["free"].as_str().unwrap().to_owned(), told["locked"].as_str().unwrap().to_owned());
    let summed = running.truth().balances().unwrap()[asset];
    assert_eq!(told, (summed.free.to_string(), summed.locked.to_string()));
    told
}

#[test]
fn a_market_order_is_filled_answered_and_told() {
    let running = traded(with_account());
    let mut trader = Trader::logged_on(&running);
    let answer = trader.ask("order.place", market("BUY", "0.5"));
    let limits = answer["rateLimits"].as_array().unwrap();
    assert_eq!((limits.len(), &limits[0]["count"]), (3, &json!(1)), "counted before its first fill was told");
    let result = &answer["result"];
    assert_eq!((&result["status"], &result["executedQty"]), (&json!("FILLED"), &json!("0.50000000")));
    let fills = running.truth().fills().unwrap();
    let told: Vec<(&Value, &Value)> = result["fills"]
        .as_array()
        .unwrap()
        .iter()
        .map(|fill| (&fill["tradeId"], &fill["commission"]))
        .collect();
    let true_fills: Vec<(Value, Value)> =
        fills.iter().map(|fill| (fill.id.into(), fill.fee.to_string().into())).collect();
    assert_eq!(told, true_fills.iter().map(|(id, fee)| (id, fee)).collect::<Vec<_>>());
    let events = trader.events();
    let kinds = kinds(&events);
    assert_eq!(kinds[..2], ["NEW NEW", "outboundAccountPosition"]);
    assert_eq!(kinds.iter().filter(|kind| kind.starts_with("TRADE")).count(), fills.len());
    let last = events.iter().rev().find(|event| event["x"] == "TRADE").unwrap();
    assert_eq!((&last["X"], &last["z"], &last["N"]), (&json!("FILLED"), &json!("0.50000000"), &json!("BTC")));
    assert_eq!(last["t"], fills.last().unwrap().id);
    assert_eq!(balance(&running, "BTC"), ("2.49950000".to_owned(), "0.00000000".to_owned()));
    let trades = trader.ask("myTrades", json!({ "symbol": "BTCUSDT" }))["result"].clone();
    assert_eq!(trades.as_array().unwrap().len(), fills.len());
    assert_eq!(trades[0]["isBuyer"], true);
    let answer = trader.ask("order.place", market("SELL", "0.5"));
    assert_eq!(answer["result"]["fills"][0]["commissionAsset"], "USDT");
    assert_eq!(answer["rateLimits"][0]["count"], 1, "a first fill gives back");
}

#[test]
fn a_resting_order_is_filled_by_the_market_and_cancels_free_the_rest() {
    let running = traded(with_account());
    let mut trader = Trader::logged_on(&running);
    let (bid, _) = best(&running);
    let mut order = limit("BUY", "0.01000000", &bid);
    order["newClientOrderId"] = "e1-1".into();
    let placed = trader.place(order.clone()).unwrap();
    assert_eq!((&placed["status"], &placed["fills"]), (&json!("NEW"), &json!([])));
    assert_eq!(trader.place(order), Err(-2010), "the name is in use");
    let far = trader.place(limit("BUY", "0.50000000", "50000.00")).unwrap();
    assert_eq!(balance(&running, "USDT").1.len(), "25642.50000000".len());
    let open = trader.ask("openOrders.status", json!({ "symbol": "BTCUSDT" }))["result"].clone();
    assert_eq!(open.as_array().unwrap().len(), 2);
    for _ in 0..600 {
        running.advance(Duration::from_secs(1));
        if running.truth().fills().unwrap().len() == 1 {
            break;
        }
    }
    let events = trader.events();
    let fill = events.iter().find(|event| event["x"] == "TRADE").unwrap();
    assert_eq!(
        (&fill["L"], &fill["m"], &fill["c"]),
        (&json!(format!("{bid}")), &json!(true), &json!("e1-1"))
    );
    let asked = json!({ "symbol": "BTCUSDT", "origClientOrderId": "e1-1" });
    assert_eq!(trader.ask("order.status", asked.clone())["result"]["status"], "FILLED");
    assert_eq!(trader.ask("order.cancel", asked)["error"]["code"], -2011);
    let asked = json!({ "symbol": "BTCUSDT", "orderId": far["orderId"], "newClientOrderId": "c-1" });
    let cancelled = trader.ask("order.cancel", asked)["result"].clone();
    assert_eq!((&cancelled["status"], &cancelled["clientOrderId"]), (&json!("CANCELED"), &json!("c-1")));
    let events = trader.events();
    assert_eq!(kinds(&events), ["CANCELED CANCELED", "outboundAccountPosition"]);
    assert_eq!((&events[0]["c"], &events[0]["C"]), (&json!("c-1"), &far["clientOrderId"]));
    assert_eq!(balance(&running, "USDT").1, "0.00000000");
    let all = trader.ask("allOrders", json!({ "symbol": "BTCUSDT" }))["result"].clone();
    let orders = running.truth().orders().unwrap();
    assert_eq!(all.as_array().unwrap().len(), orders.len());
}

#[test]
fn stops_wait_wake_and_are_told() {
    let mut settings = with_account();
    settings.rate = 50;
    let running = traded(settings);
    let mut trader = Trader::logged_on(&running);
    let (bid, _) = best(&running);
    let cents = digits(&bid) / 1_000_000 * 9_998 / 10_000;
    let stop = format!("{}.{:02}", cents / 100, cents % 100);
    let order = json!({
        "symbol": "BTCUSDT", "side": "SELL", "type": "STOP_LOSS", "quantity": "0.1", "stopPrice": stop,
    });
    let placed = trader.place(order).unwrap();
    assert_eq!(placed.get("status"), None, "only acknowledged");
    let above = json!({
        "symbol": "BTCUSDT", "side": "SELL", "type": "STOP_LOSS", "quantity": "0.1", "stopPrice": "90000",
    });
    assert_eq!(trader.place(above), Err(-2010));
    let events = trader.events();
    assert_eq!((&events[0]["x"], &events[0]["w"], events[0].get("W")), (&json!("NEW"), &json!(false), None));
    for _ in 0..2_000 {
        running.advance(Duration::from_secs(1));
        if !running.truth().fills().unwrap().is_empty() {
            break;
        }
    }
    let events = trader.events();
    let kinds = kinds(&events);
    assert_eq!((kinds[0].as_str(), &events[0]["w"]), ("NEW NEW", &json!(true)));
    assert!(kinds.iter().any(|kind| kind == "TRADE FILLED"), "{kinds:?}");
}

#[test]
fn who_asks_is_checked_before_what_is_asked() {
    let running = traded(with_account());
    let now = now_ms(&running);
    let mut trader = Trader::connect(&running);
    let mut code = |key: &str, timestamp: i64, window: &str, sign: fn(&str) -> String, method: &str| {
        let window = if window.is_empty() { String::new() } else { format!("recvWindow={window}&") };
        let payload = format!("apiKey={key}&{window}symbol=BTCUSDT&timestamp={timestamp}");
        let mut parameters = json!({
            "apiKey": key, "symbol": "BTCUSDT", "timestamp": timestamp, "signature": sign(&payload),
        });
        if let Some(window) = window.strip_prefix("recvWindow=") {
            parameters["recvWindow"] = serde_json::from_str(window.trim_end_matches('&')).unwrap();
        }
        let request = json!({ "id": "x", "method": method, "params": parameters });
        trader.client.send(&request.to_string());
        trader.client.json()["error"]["code"].as_i64()
    };
    let (open, all) = ("openOrders.status", "openOrders.cancelAll");
    assert_eq!(code("ed", now, "", sign_ed25519, open), None);
    assert_eq!(code("hmac", now, "", sign_hmac, open), None);
    assert_eq!(code("hmac", now, "", |payload| sign_hmac(payload).to_uppercase(), open), None);
    assert_eq!(code("ed", now, "", sign_hmac, open), Some(-1022));
    assert_eq!(code("hmac", now, "", |payload| sign_hmac(&format!("{payload} ")), open), Some(-1022));
    assert_eq!(code("nobody", now, "", sign_hmac, open), Some(-2015));
    assert_eq!(code("", now, "", sign_hmac, open), Some(-2014));
    assert_eq!(code("reader", now, "", sign_hmac, open), None);
    assert_eq!(code("reader", now, "", sign_hmac, all), Some(-2015), "it may only read");
    assert_eq!(code("hmac", now + 999, "", sign_hmac, open), None);
    assert_eq!(code("hmac", now + 1_000, "", sign_hmac, open), Some(-1021));
    assert_eq!(code("hmac", now - 5_000, "", sign_hmac, open), None);
    assert_eq!(code("hmac", now - 5_001, "", sign_hmac, open), Some(-1021));
    assert_eq!(code("hmac", now - 100, "99.999", sign_hmac, open), Some(-1021));
    assert_eq!(code("hmac", now - 100, "100.001", sign_hmac, open), None);
    assert_eq!(code("hmac", now * 1_000 - 100_000, "100", sign_hmac, open), None, "in microseconds");
    assert_eq!(code("hmac", now, "60001", sign_hmac, open), Some(-1131));
    assert_eq!(code("hmac", now, "", sign_hmac, "session.logon"), Some(-1104), "it takes no symbol");
}

#[test]
fn a_session_is_logged_on_once_and_needs_no_signature_then() {
    let running = traded(with_account());
    let mut trader = Trader::connect(&running);
    assert_eq!(trader.ask("session.logon", json!({}))["result"]["apiKey"], "ed");
    trader.is_logged_on = true;
    assert_eq!(trader.ask("account.status", json!({ "omitZeroBalances": true }))["status"], 200);
    trader.client.send(r#"{"id":null,"method":"account.status","params":{}}"#);
    assert_eq!(trader.client.json()["error"]["code"], -1102, "the timestamp may not be left out");
    assert_eq!(trader.ask("userDataStream.subscribe", json!({}))["result"]["subscriptionId"], 0);
    assert_eq!(trader.ask("userDataStream.subscribe", json!({}))["error"]["code"], -2035);
    assert_eq!(trader.ask("session.subscriptions", json!({}))["result"][0]["subscriptionId"], 0);
    assert_eq!(trader.ask("session.status", json!({}))["result"]["userDataStream"], true);
    assert_eq!(trader.ask("userDataStream.unsubscribe", json!({ "subscriptionId": 0 }))["status"], 200);
    assert_eq!(trader.ask("session.logout", json!({}))["result"]["apiKey"], Value::Null);
    assert_eq!(trader.ask("account.status", json!({}))["error"]["code"], -2014);
    for (text, code) in
        [("{", -1135), (r#"{"id":1,"method":"order.plaze"}"#, -1020), (r#"{"id":[1]}"#, -1020)]
    {
        trader.client.send(text);
        assert_eq!(trader.client.json()["error"]["code"], code, "{text}");
    }
    let quiet = crate::client::Client::try_connect(running.address(), "/ws-api/v3?returnRateLimits=false");
    let mut quiet = quiet.unwrap();
    quiet.send(r#"{"id":"t","method":"time"}"#);
    let answer = quiet.json();
    assert_eq!((answer.get("rateLimits"), &answer["result"]["serverTime"]), (None, &json!(now_ms(&running))));
}

#[test]
fn the_user_data_stream_needs_no_session_and_meets_the_faults_of_streams() {
    let running = traded(with_account());
    let fault = |text: &str| running.fault(fake_exchange::Fault::from_json(text).unwrap()).unwrap();
    let mut trader = Trader::connect(&running);
    let subscribed = trader.ask("userDataStream.subscribe.signature", json!({}));
    assert_eq!(subscribed["result"]["subscriptionId"], 0);
    assert_eq!(
        trader.ask("userDataStream.subscribe", json!({}))["error"]["code"],
        -2015,
        "nobody is logged on"
    );
    let drift = r#"{"verb":"balance_drift","asset":"USDT","amount":"0.5"}"#;
    fault(drift);
    assert_eq!(trader.events().len(), 2);
    fault(r#"{"verb":"duplicate","p":1}"#);
    fault(drift);
    assert_eq!(trader.events().len(), 4);
    fault(r#"{"verb":"freeze","stream":"userData"}"#);
    fault(drift);
    assert!(trader.events().is_empty());
    assert_eq!(running.truth().balances().unwrap()["USDT"].free.to_string(), "100001.50000000");
}

#[test]
fn orders_that_cannot_be_are_refused_with_their_number() {
    let running = traded(with_account());
    let mut trader = Trader::logged_on(&running);
    let (bid, ask) = best(&running);
    let base = limit("BUY", "0.01", &bid);
    let changed = |field: &str, value: Value| {
        let mut order = base.clone();
        order[field] = value;
        order
    };
    let cases = [
        (changed("side", "HOLD".into()), -1117),
        (changed("type", "ICEBERG".into()), -1116),
        (changed("timeInForce", "GTD".into()), -1115),
        (changed("timeInForce", Value::Null), -1102),
        (changed("symbol", "NOPE".into()), -1121),
        (changed("price", "0.001".into()), -1013),
        (changed("price", "64000.000000001".into()), -1111),
        (changed("price", "6e4".into()), -1100),
        (changed("quantity", "0".into()), -1102),
        (changed("quantity", "0.000001".into()), -1013),
        (changed("quantity", "10000".into()), -1013),
        (changed("quantity", "0.00001".into()), -1013),
        (changed("quantity", "100".into()), -2010),
        (changed("newClientOrderId", "a b".into()), -1100),
        (changed("newClientOrderId", "a".repeat(37).into()), -1100),
        (changed("stopPrice", "60000".into()), -1106),
        (changed("icebergQty", "0.001".into()), -1014),
        (changed("colour", "red".into()), -1104),
        (changed("strategyType", 7.into()), -1134),
        (json!({ "symbol": "BTCUSDT", "side": "SELL", "type": "MARKET", "quantity": "2.1" }), -2010),
        (
            json!({ "symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT_MAKER", "quantity": "0.01", "price": ask }),
            -2010,
        ),
    ];
    for (order, code) in cases {
        assert_eq!(trader.place(order.clone()), Err(code), "{order}");
    }
    assert!(running.truth().orders().unwrap().is_empty(), "nothing of it was accepted");
    assert_eq!(trader.ask("order.test", base)["result"], json!({}));
    assert!(running.truth().orders().unwrap().is_empty(), "a test places nothing");
    running.fault(fake_exchange::Fault::from_json(r#"{"verb":"halt","symbol":"BTCUSDT"}"#).unwrap()).unwrap();
    assert_eq!(trader.place(limit("BUY", "0.01", &bid)), Err(-2010), "closed");
}

#[test]
fn rest_does_the_same_with_percent_encoded_queries() {
    let running = traded(with_account());
    let (bid, _) = best(&running);
    let order = format!(
        "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price={bid}&newClientOrderId=r%2D1"
    );
    let placed = rest(&running, "POST", "/api/v3/order", &order);
    assert!(placed.head.contains("X-MBX-ORDER-COUNT-10S: 1"), "{}", placed.head);
    assert_eq!(placed.json()["clientOrderId"], "r-1");
    let told = rest(&running, "GET", "/api/v3/order", "symbol=BTCUSDT&origClientOrderId=r-1").json();
    assert_eq!((&told["status"], &told["price"]), (&json!("NEW"), &json!(bid)));
    assert_eq!(rest(&running, "GET", "/api/v3/openOrders", "").json().as_array().unwrap().len(), 1);
    let cancelled = rest(&running, "DELETE", "/api/v3/order", "symbol=BTCUSDT&origClientOrderId=r-1");
    assert_eq!(cancelled.json()["origClientOrderId"], "r-1");
    let gone = rest(&running, "DELETE", "/api/v3/openOrders", "symbol=BTCUSDT");
    assert_eq!((gone.status, &gone.json()["code"]), (400, &json!(-2011)));
    let none = rest(&running, "GET", "/api/v3/order", "symbol=BTCUSDT&orderId=77");
    assert_eq!(none.json()["code"], -2013);
    for query in ["symbol=BTCUSDT&startTime=1&endTime=86400002", "symbol=BTCUSDT&fromId=1&startTime=1"] {
        let code = rest(&running, "GET", "/api/v3/myTrades", query).json()["code"].clone();
        assert!(code == -1127 || code == -1128, "{query}: {code}");
    }
    // The body is signed behind the query, without anything between them.
    let timestamp = now_ms(&running);
    let (query, body) =
        ("symbol=BTCUSDT&side=BUY", format!("type=MARKET&quoteOrderQty=100&timestamp={timestamp}"));
    let signature = sign_hmac(&format!("{query}{body}"));
    let head = format!("POST /api/v3/order?{query}");
    let bought = send(&running, &head, "X-MBX-APIKEY: hmac\r\n", &format!("{body}&signature={signature}"));
    assert_eq!(bought.json()["status"], "FILLED", "{}", bought.body);
    let unsigned = send(&running, "GET /api/v3/account", "X-MBX-APIKEY: hmac\r\n", "");
    assert_eq!((unsigned.status, &unsigned.json()["code"]), (400, &json!(-1102)));
    assert_eq!(get(&running, "/api/v3/account").status, 401);
    let signature = sign_ed25519(&format!("timestamp={timestamp}"));
    let escaped = signature.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    let target = format!("GET /api/v3/account?timestamp={timestamp}&signature={escaped}");
    assert_eq!(send(&running, &target, "X-MBX-APIKEY: ed\r\n", "").status, 200);
}

#[test]
fn limits_of_orders_and_of_weight_shut_a_client_out() {
    let mut settings = with_account();
    let account = settings.account.as_mut().unwrap();
    (account.orders_per_10s, account.weight_per_minute) = (3, 110);
    let running = traded(settings);
    let mut trader = Trader::logged_on(&running);
    for _ in 0..3 {
        trader.place(limit("BUY", "0.001", "50000")).unwrap();
    }
    assert_eq!(trader.place(limit("BUY", "0.001", "50000")), Err(-1015));
    running.advance(Duration::from_secs(10));
    trader.place(limit("BUY", "0.001", "50000")).unwrap();
    assert_eq!(trader.ask("openOrders.status", json!({}))["status"], 200);
    assert_eq!(trader.ask("account.status", json!({}))["status"], 200, "it is counted when it is done");
    let told = trader.ask("account.status", json!({}));
    assert_eq!((&told["status"], &told["error"]["code"]), (&json!(429), &json!(-1003)));
    let until_ms = told["error"]["data"]["retryAfter"].as_i64().unwrap();
    assert!((1..=60_000).contains(&(until_ms - now_ms(&running))), "{told}");
    assert_eq!(running.truth().requests_in_bans().unwrap(), 0);
    assert_eq!(trader.ask("account.status", json!({}))["status"], 418);
    assert_eq!(running.truth().requests_in_bans().unwrap(), 1);
    running.advance(Duration::from_secs(60));
    assert_eq!(trader.ask("account.status", json!({}))["status"], 200);
}

#[test]
fn fees_in_an_asset_of_the_venue_leave_what_comes_in_whole() {
    let mut settings = with_account();
    let account = settings.account.as_mut().unwrap();
    account.balances[2].1 = "1".to_owned();
    account.fee_asset = Some(fake_exchange::FeeAsset {
        asset: "BNB".to_owned(),
        prices: vec![("USDT".to_owned(), "600".to_owned())],
        discount_percent: 25,
    });
    let running = traded(settings);
    let mut trader = Trader::logged_on(&running);
    let bought = trader.place(market("BUY", "0.1")).unwrap();
    assert_eq!(bought["fills"][0]["commissionAsset"], "BNB");
    assert_eq!(balance(&running, "BTC").0, "2.10000000");
    assert!(balance(&running, "BNB").0.starts_with("0.99"));
}

#[test]
fn without_an_account_there_is_no_interface_for_orders() {
    let mut settings = with_account();
    settings.account = None;
    let running = traded(settings);
    assert!(crate::client::Client::try_connect(running.address(), "/ws-api/v3").is_err());
    assert_eq!(get(&running, "/api/v3/account").status, 404);
    let info = get(&running, "/api/v3/exchangeInfo").body;
    assert!(!info.contains("STOP_LOSS") && !info.contains("ORDERS"), "{info}");
}
