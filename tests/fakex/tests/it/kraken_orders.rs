//! Orders in Kraken's words: the token of a session, requests and private channels over the WebSocket, and private REST.

use std::time::Duration;

use data_encoding::BASE64;
use fake_exchange::{AccountSettings, ApiKey, Dialect, Fault, Permission, Running, Secret, Status};
use ring::{digest, hmac};
use serde_json::{Value, json};

use crate::client::{Client, by_hand, send, start};

/// The private key of Kraken's guide.
const SECRET: &str =
    "kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZtuZuj6F1huXg==";

fn exchange() -> Running {
    let key = ApiKey {
        name: "k".to_owned(),
        secret: Secret::HmacSha512(SECRET.to_owned()),
        permissions: vec![Permission::Read, Permission::Trade],
    };
    let mut settings = by_hand(Dialect::Kraken, &["BTC/USD"]);
    let mut account = AccountSettings::new(key, &[("USD", "100000"), ("BTC", "2")]);
    (account.maker_fee, account.taker_fee) = ("0.0025".to_owned(), "0.004".to_owned());
    settings.account = Some(account);
    let running = start(settings);
    running.advance(Duration::from_secs(20));
    running
}

/// A private request over REST with a number.
fn private(running: &Running, method: &str, nonce: u64, more: &str) -> Value {
    let path = format!("/0/private/{method}");
    let body = format!("nonce={nonce}{more}");
    let hashed = digest::digest(&digest::SHA256, format!("{nonce}{body}").as_bytes());
    let key = hmac::Key::new(hmac::HMAC_SHA512, &BASE64.decode(SECRET.as_bytes()).unwrap());
    let signature = BASE64.encode(hmac::sign(&key, &[path.as_bytes(), hashed.as_ref()].concat()).as_ref());
    let head = format!("API-Key: k\r\nAPI-Sign: {signature}\r\n");
    send(running, &format!("POST {path}"), &head, &body).json()
}

struct Session {
    client: Client,
    token: String,
    told: Vec<Value>,
}

impl Session {
    fn open(running: &Running, nonce: u64) -> Self {
        let token = private(running, "GetWebSocketsToken", nonce, "")["result"]["token"].clone();
        let mut session = Self {
            client: Client::connect(running, "/v2"),
            token: token.as_str().unwrap().to_owned(),
            told: Vec::new(),
        };
        for channel in ["executions", "balances"] {
            let answer = session.ask("subscribe", json!({ "channel": channel }));
            assert_eq!((&answer["success"], &answer["result"]["channel"]), (&json!(true), &json!(channel)));
        }
        session
    }

    /// Sends a request with the token; the answer. What the private channels tell on the way is kept.
    fn ask(&mut self, method: &str, mut params: Value) -> Value {
        params["token"] = self.token.as_str().into();
        self.client.send(&json!({ "method": method, "params": params, "req_id": 9 }).to_string());
        self.until_method(method)
    }

    fn until_method(&mut self, method: &str) -> Value {
        loop {
            let message = self.client.json();
            if message["method"] == method {
                return message;
            }
            if ["executions", "balances"].iter().any(|channel| message["channel"] == *channel) {
                self.told.push(message);
            }
        }
    }

    /// What was told on a channel since the last time this was asked.
    fn told(&mut self, channel: &str) -> Vec<Value> {
        self.client.send(r#"{"method":"ping"}"#);
        self.until_method("pong");
        let told = self.told.extract_if(.., |message| message["channel"] == channel);
        told.map(|message| message["data"][0].clone()).collect()
    }
}

fn kinds(executions: &[Value]) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    executions
        .iter()
        .map(|told| format!("{} {}", text(&told["exec_type"]), text(&told["order_status"])))
        .collect()
}

fn limit(side: &str, quantity: &str, price: &str) -> Value {
    let text = format!(
        r#"{{"order_type":"limit","side":"{side}","symbol":"BTC/USD","order_qty":{quantity},"limit_price":{price}}}"#
    );
    serde_json::from_str(&text).unwrap()
}

#[test]
fn an_order_is_placed_filled_told_and_accounted_for() {
    let running = exchange();
    let mut session = Session::open(&running, 1);
    let first = session.told("executions");
    assert_eq!(first, [Value::Null], "nothing is open in the first message");
    session.told("balances");
    let market = json!({
        "order_type": "market", "side": "buy", "symbol": "BTC/USD", "order_qty": 0.5, "cl_ord_id": "a-1",
    });
    let answer = session.ask("add_order", market.clone());
    assert_eq!((&answer["success"], &answer["req_id"]), (&json!(true), &json!(9)));
    assert_eq!(answer["result"]["cl_ord_id"], "a-1");
    let fills = running.truth().fills().unwrap();
    let executions = session.told("executions");
    let told = kinds(&executions);
    assert_eq!(told[..2], ["pending_new pending_new", "new new"]);
    assert_eq!(told.last().unwrap(), "filled filled");
    let trades: Vec<&Value> = executions.iter().filter(|told| told["exec_type"] == "trade").collect();
    assert_eq!(trades.len(), fills.len());
    assert_eq!((&trades[0]["fees"][0]["asset"], &trades[0]["liquidity_ind"]), (&json!("USD"), &json!("t")));
    let cost: fake_exchange::Amount = fills.iter().map(|fill| fill.quote + fill.fee).sum();
    let balances = running.truth().balances().unwrap();
    let usd = fake_exchange::Amount::read("100000").unwrap() - cost;
    assert_eq!((balances["USD"].free, balances["USD"].locked.is_zero()), (usd, true));
    assert_eq!(balances["BTC"].free.to_string(), "2.50000000", "the fee is beside the price");
    let ledger = session.told("balances");
    let of_usd: Vec<&Value> = ledger.iter().filter(|entry| entry["asset"] == "USD").collect();
    assert_eq!(of_usd.len(), fills.len());
    assert_eq!(of_usd[0]["type"], "trade");
    let extended = private(&running, "BalanceEx", 2, "")["result"].clone();
    assert_eq!(extended["ZUSD"]["balance"], usd.to_string());
    assert_eq!(extended["XXBT"]["hold_trade"], "0.00000000");
    let history = private(&running, "TradesHistory", 3, "")["result"].clone();
    assert_eq!(history["count"], fills.len());
}

#[test]
fn a_resting_order_holds_its_fee_and_is_cancelled_by_either_name() {
    let running = exchange();
    let mut session = Session::open(&running, 1);
    let mut order = limit("buy", "0.1", "50000.00");
    order["cl_ord_id"] = "a-1".into();
    let first = session.ask("add_order", order.clone())["result"].clone();
    assert_eq!(session.ask("add_order", order)["success"], false, "the name is in use");
    let second = session.ask("add_order", limit("buy", "0.1", "50001.00"))["result"].clone();
    let locked = running.truth().balances().unwrap()["USD"].locked;
    assert_eq!(locked.to_string(), "10040.10040000", "10 000.10 and 0.4 %");
    let open = private(&running, "OpenOrders", 2, "")["result"]["open"].clone();
    assert_eq!(open[first["order_id"].as_str().unwrap()]["descr"]["price"], "50000.00");
    assert_eq!(open.as_object().unwrap().len(), 2);
    let mut late = Session::open(&running, 3);
    assert_eq!(
        late.told("executions")[0]["order_id"],
        first["order_id"],
        "the first message has what is open"
    );
    let asked = json!({ "cl_ord_id": ["a-1"] });
    assert_eq!(session.ask("cancel_order", asked.clone())["result"]["order_id"], first["order_id"]);
    assert_eq!(session.ask("cancel_order", asked)["error"], "EOrder:Unknown order");
    assert_eq!(session.ask("cancel_order", json!({ "order_id": [second["order_id"]] }))["success"], true);
    session.told("executions");
    session.ask("add_order", limit("sell", "0.1", "99999.00"));
    assert_eq!(session.ask("cancel_all", json!({}))["result"]["count"], 1);
    let told = kinds(&session.told("executions"));
    assert_eq!(told, ["pending_new pending_new", "new new", "canceled canceled"]);
    assert!(running.truth().balances().unwrap()["USD"].locked.is_zero());
}

#[test]
fn who_asks_and_what_cannot_be_is_refused_in_krakens_words() {
    let running = exchange();
    assert_eq!(private(&running, "Balance", 5, "")["error"], json!([]));
    assert_eq!(private(&running, "Balance", 5, "")["error"][0], "EAPI:Invalid nonce");
    let unsigned = send(&running, "POST /0/private/Balance", "API-Key: k\r\nAPI-Sign: AAAA\r\n", "nonce=6");
    assert_eq!(unsigned.json()["error"][0], "EAPI:Invalid signature");
    let unknown = send(&running, "POST /0/private/Balance", "API-Key: x\r\nAPI-Sign: AAAA\r\n", "nonce=6");
    assert_eq!(unknown.json()["error"][0], "EAPI:Invalid key");
    let mut session = Session::open(&running, 7);
    let mut least = limit("buy", "0.1", "50000.00");
    least["order_qty"] = "0.000009".into();
    let cases = [
        (limit("buy", "10", "50000.00"), "EOrder:Insufficient funds"),
        (limit("buy", "0.1", "50000.001"), "EGeneral:Invalid arguments:limit_price"),
        (least, "EOrder:Order minimum not met"),
        (limit("buy", "0.00001", "50000.00"), "EOrder:Cost minimum not met"),
        (limit("hold", "0.1", "50000.00"), "EGeneral:Invalid arguments:side"),
        (json!({ "symbol": "NO/PE" }), "Currency pair not supported NO/PE"),
    ];
    for (order, words) in cases {
        assert_eq!(session.ask("add_order", order.clone())["error"], words, "{order}");
    }
    running.fault(Fault::from_json(r#"{"verb":"cancel_only","symbol":"BTC/USD"}"#).unwrap()).unwrap();
    let closed = session.ask("add_order", limit("buy", "0.1", "50000.00"));
    assert_eq!(closed["error"], "EService:Market in cancel_only mode");
    session.token = "none".to_owned();
    assert_eq!(session.ask("add_order", limit("buy", "0.1", "50000"))["error"], "ESession:Invalid session");
    assert_eq!(
        session.ask("subscribe", json!({ "channel": "balances" }))["error"],
        "ESession:Invalid session"
    );
}

#[test]
fn faults_of_orders_are_the_same_in_every_dialect() {
    let running = exchange();
    let fault = |text: &str| running.fault(Fault::from_json(text).unwrap()).unwrap();
    let mut session = Session::open(&running, 1);
    fault(r#"{"verb":"request_lost"}"#);
    fault(r#"{"verb":"ack_lost"}"#);
    for nonce in [2, 3] {
        let mut order = limit("buy", "0.1", "50000.00");
        order["token"] = session.token.as_str().into();
        session.client.send(&json!({ "method": "add_order", "params": order }).to_string());
        session.client.end();
        session = Session::open(&running, nonce);
    }
    assert_eq!(running.truth().orders().unwrap().len(), 1, "one was lost before it was done, one was done");
    fault(r#"{"verb":"ack_delay","ms":100,"on":"cancel"}"#);
    assert_eq!(session.ask("cancel_all", json!({}))["result"]["count"], 1);
    assert_eq!(running.truth().orders().unwrap()[0].status, Status::Canceled);
    fault(r#"{"verb":"balance_drift","asset":"BTC","amount":"0.25"}"#);
    let drift = session.told("balances").pop().unwrap();
    assert_eq!((&drift["type"], &drift["balance"]), (&json!("deposit"), &json!(2.25)));
    fault(r#"{"verb":"order_ban","secs":10}"#);
    for banned in [0, 1] {
        assert_eq!(session.ask("cancel_all", json!({}))["error"], "EOrder:Rate limit exceeded");
        assert_eq!(running.truth().requests_in_bans().unwrap(), banned);
        // What is asked within half a second may have been on its way.
        running.advance(Duration::from_secs(1));
    }
    fault(r#"{"verb":"revoke_key","key":"k"}"#);
    running.advance(Duration::from_secs(11));
    assert_eq!(session.ask("cancel_all", json!({}))["error"], "ESession:Invalid session");
    assert_eq!(private(&running, "Balance", 9, "")["error"][0], "EAPI:Invalid key");
}

#[test]
fn questions_by_rest_are_answered_by_names_moments_and_pages() {
    let running = exchange();
    let mut session = Session::open(&running, 1);
    running.fault(Fault::from_json(r#"{"verb":"partial","n":3}"#).unwrap()).unwrap();
    let mut order = json!({ "order_type": "market", "side": "buy", "symbol": "BTC/USD", "order_qty": 0.5 });
    order["cl_ord_id"] = "a-1".into();
    let late = json!("2020-01-01T00:00:00.000Z");
    order["deadline"] = late;
    assert_eq!(session.ask("add_order", order.clone())["error"], "EService:Deadline elapsed");
    order["deadline"] = json!("2100-01-01T00:00:00.000Z");
    assert_eq!(session.ask("add_order", order.clone())["error"], "EGeneral:Invalid arguments:deadline");
    order.as_object_mut().unwrap().remove("deadline");
    let name = session.ask("add_order", order)["result"]["order_id"].as_str().unwrap().to_owned();
    let open = private(&running, "OpenOrders", 2, "&cl_ord_id=a-1")["result"]["open"].clone();
    assert_eq!(open, json!({}));
    let closed = private(&running, "ClosedOrders", 3, "&cl_ord_id=a-1")["result"]["closed"].clone();
    assert_eq!(closed[&name]["status"], "closed");
    let fills = running.truth().fills().unwrap().len();
    let each = format!("&txid={name}&trades=true&consolidate_taker=false");
    let trades = private(&running, "QueryOrders", 4, &each)["result"][&name]["trades"].clone();
    assert_eq!(trades.as_array().unwrap().len(), fills);
    let together = private(&running, "TradesHistory", 5, "")["result"]["count"].as_u64().unwrap();
    assert!(together < fills as u64, "unless it is asked otherwise, those at one price are one");
    let paged = private(&running, "TradesHistory", 6, "&consolidate_taker=false&ofs=1")["result"].clone();
    assert_eq!((&paged["count"], paged["trades"].as_object().unwrap().len()), (&json!(fills), fills - 1));
    let future = private(&running, "TradesHistory", 7, "&start=4102444800")["result"]["count"].clone();
    assert_eq!(future, 0);
    let first = trades[0].as_str().unwrap();
    let named = private(&running, "QueryTrades", 8, &format!("&txid={first}"))["result"].clone();
    assert_eq!((&named[first]["ordertxid"], &named[first]["pair"]), (&json!(name), &json!("XXBTZUSD")));
    let key = private(&running, "GetApiKeyInfo", 9, "")["result"]["permissions"].clone();
    let words: Vec<&str> = key.as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(words.contains(&"modify-trades") && !words.contains(&"withdraw-funds"), "{words:?}");
}
