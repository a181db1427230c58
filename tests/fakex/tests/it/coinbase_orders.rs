//! Orders in Coinbase's words: tokens, REST, and the channel `user`.

use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use fake_exchange::{AccountSettings, Amount, ApiKey, Dialect, Fault, Permission, Running, Secret, Status};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};

use crate::client::{Answer, Client, by_hand, get, start, try_send};

const ROOT: &str = "/api/v3/brokerage";

struct Venue {
    running: Running,
    pair: EcdsaKeyPair,
}

impl Venue {
    fn start() -> Self {
        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &random);
        let pair = pair.unwrap();
        let key = ApiKey {
            name: "organizations/o/apiKeys/k".to_owned(),
            secret: Secret::EcdsaP256(pair.public_key().as_ref().to_vec()),
            permissions: vec![Permission::Read, Permission::Trade],
        };
        let mut settings = by_hand(Dialect::Coinbase, &["BTC-USD"]);
        settings.subscribe_within = Duration::from_secs(600);
        settings.account = Some(AccountSettings::new(key, &[("USD", "100000"), ("BTC", "2")]));
        let running = start(settings);
        running.advance(Duration::from_secs(20));
        Self { running, pair }
    }

    fn now(&self) -> i64 {
        let time = get(&self.running, &format!("{ROOT}/time")).json();
        time["epochSeconds"].as_str().unwrap().parse().unwrap()
    }

    fn token(&self, begins: i64, life: i64, uri: Option<&str>) -> String {
        let name = "organizations/o/apiKeys/k";
        let header = json!({ "alg": "ES256", "typ": "JWT", "kid": name, "nonce": "0f" });
        let mut claims = json!({ "sub": name, "iss": "cdp", "nbf": begins, "exp": begins + life });
        if let Some(uri) = uri {
            claims["uri"] = uri.into();
        }
        let part = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
        let signed = format!("{}.{}", part(&header), part(&claims));
        let signature = self.pair.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", BASE64URL_NOPAD.encode(signature.as_ref()))
    }

    fn try_ask(&self, method: &str, path: &str, body: &Value) -> std::io::Result<Answer> {
        let place = path.split('?').next().unwrap();
        let uri = format!("{method} api.coinbase.com{ROOT}/{place}");
        let head = format!("Authorization: Bearer {}\r\n", self.token(self.now(), 120, Some(&uri)));
        let body = if body.is_null() { String::new() } else { body.to_string() };
        try_send(&self.running, &format!("{method} {ROOT}/{path}"), &head, &body)
    }

    fn ask(&self, method: &str, path: &str, body: Value) -> Value {
        self.try_ask(method, path, &body).unwrap().json()
    }

    fn fault(&self, text: &str) {
        self.running.fault(Fault::from_json(text).unwrap()).unwrap();
    }

    /// A client that hears of the account's orders.
    fn user(&self) -> Client {
        let mut client = Client::connect(&self.running, "/");
        let token = self.token(self.now(), 120, None);
        client.send(&json!({ "type": "subscribe", "channel": "user", "jwt": token }).to_string());
        client
    }
}

/// The orders that the channel tells until the answer to a question.
fn told(client: &mut Client) -> Vec<Value> {
    let question = r#"{"type":"unsubscribe","channel":"heartbeats"}"#;
    let (texts, _) = client.until(question, |text| text.contains("\"channel\":\"subscriptions\""));
    let messages = texts.into_iter().map(|text| serde_json::from_str::<Value>(&text).unwrap());
    let events =
        messages.filter(|message| message["channel"] == "user").map(|message| message["events"][0].clone());
    events.flat_map(|event| event["orders"].as_array().unwrap().clone()).collect()
}

fn order(name: &str, side: &str, configuration: Value) -> Value {
    json!({
        "client_order_id": name, "product_id": "BTC-USD", "side": side, "order_configuration": configuration,
    })
}

fn limit(size: &str, price: &str) -> Value {
    json!({ "limit_limit_gtc": { "base_size": size, "limit_price": price, "post_only": false } })
}

#[test]
fn an_order_is_placed_told_cumulatively_and_accounted_for() {
    let venue = Venue::start();
    let mut user = venue.user();
    assert!(user.text().contains(r#""events":[{"type":"snapshot","orders":[]}]"#), "complete with none");
    assert!(user.text().contains(r#""subscriptions":{"user":["user"]}"#));
    let market = order("a-1", "BUY", json!({ "market_market_ioc": { "base_size": "0.5" } }));
    let placed = venue.ask("POST", "orders", market.clone());
    assert_eq!(placed["success"], true, "{placed}");
    let id = placed["success_response"]["order_id"].as_str().unwrap().to_owned();
    let again = venue.ask("POST", "orders", market);
    assert_eq!(again["success_response"]["order_id"], id, "the same name creates nothing");
    let fills = venue.running.truth().fills().unwrap();
    let orders = told(&mut user);
    let statuses: Vec<&str> = orders.iter().map(|order| order["status"].as_str().unwrap()).collect();
    assert_eq!(statuses[..2], ["PENDING", "OPEN"]);
    assert_eq!((statuses.len(), statuses.last()), (2 + fills.len(), Some(&"FILLED")));
    let fees: Amount = fills.iter().map(|fill| fill.fee).sum();
    let last = orders.last().unwrap();
    assert_eq!((&last["total_fees"], &last["leaves_quantity"]), (&json!(fees), &json!("0.00000000")));
    let one = venue.ask("GET", &format!("orders/historical/{id}"), Value::Null)["order"].clone();
    assert_eq!((&one["status"], &one["total_fees"]), (&json!("FILLED"), &json!(fees)));
    let listed = venue.ask("GET", &format!("orders/historical/fills?order_ids={id}"), Value::Null);
    assert_eq!(listed["fills"].as_array().unwrap().len(), fills.len());
    let accounts = venue.ask("GET", "accounts", Value::Null)["accounts"].clone();
    let usd = accounts.as_array().unwrap().iter().find(|account| account["currency"] == "USD").unwrap();
    let balance = venue.running.truth().balances().unwrap()["USD"];
    assert_eq!(usd["available_balance"]["value"], balance.free.to_string());
}

#[test]
fn orders_rest_and_are_cancelled_each_by_itself() {
    let venue = Venue::start();
    let placed = venue.ask("POST", "orders", order("a-1", "BUY", limit("0.1", "50000.00")));
    let id = placed["success_response"]["order_id"].clone();
    assert_eq!(venue.running.truth().balances().unwrap()["USD"].locked.to_string(), "5005.00000000");
    let mut user = venue.user();
    let first = told(&mut user);
    user.text();
    assert_eq!((&first[0]["order_id"], &first[0]["leaves_quantity"]), (&id, &json!("0.10000000")));
    let open = venue.ask("GET", "orders/historical/batch?order_status=OPEN", Value::Null);
    assert_eq!(open["orders"][0]["order_configuration"], limit("0.1", "50000.00"));
    let none = "00000000-0000-4000-8000-000000000099";
    let cancelled = venue.ask("POST", "orders/batch_cancel", json!({ "order_ids": [id, none] }));
    let results = &cancelled["results"];
    assert_eq!(
        (&results[0]["success"], &results[1]["failure_reason"]),
        (&json!(true), &json!("UNKNOWN_CANCEL_ORDER"))
    );
    assert_eq!(told(&mut user).last().unwrap()["status"], "CANCELLED");
    assert_eq!(venue.ask("GET", "key_permissions", Value::Null)["can_trade"], true);
}

#[test]
fn who_asks_and_what_cannot_be_is_refused() {
    let venue = Venue::start();
    let now = venue.now();
    let uri = format!("GET api.coinbase.com{ROOT}/accounts");
    let status = |token: &str| {
        let head = format!("Authorization: Bearer {token}\r\n");
        try_send(&venue.running, &format!("GET {ROOT}/accounts"), &head, "").unwrap().status
    };
    assert_eq!(status(&venue.token(now, 120, Some(&uri))), 200);
    assert_eq!(status(&venue.token(now, 121, Some(&uri))), 401, "it lives too long");
    assert_eq!(status(&venue.token(now - 120, 120, Some(&uri))), 401, "it is over");
    assert_eq!(status(&venue.token(now + 61, 120, Some(&uri))), 401, "it has not begun");
    assert_eq!(status(&venue.token(now, 120, Some("GET api.coinbase.com/other"))), 401);
    assert_eq!(status(&venue.token(now, 120, None)), 401);
    let mut broken = venue.token(now, 120, Some(&uri));
    broken.replace_range(10..11, if &broken[10..11] == "A" { "B" } else { "A" });
    assert_eq!(status(&broken), 401);
    assert_eq!(status("a.b.c"), 401);
    let cases = [
        (order("b", "BUY", limit("10", "50000.00")), "INSUFFICIENT_FUND"),
        (order("b", "BUY", limit("0.1", "50000.001")), "INVALID_PRICE_PRECISION"),
        (order("b", "BUY", limit("0.000001", "50000.00")), "INVALID_SIZE_PRECISION"),
        (order("b", "HOLD", limit("0.1", "50000.00")), "INVALID_SIDE"),
        (order("b", "BUY", json!({ "iceberg": {} })), "UNSUPPORTED_ORDER_CONFIGURATION"),
        (order("", "BUY", limit("0.1", "50000.00")), "INVALID_CLIENT_ORDER_ID"),
    ];
    for (order, words) in cases {
        let answer = venue.ask("POST", "orders", order.clone());
        assert_eq!(
            (&answer["success"], &answer["error_response"]["error"]),
            (&json!(false), &json!(words)),
            "{order}"
        );
    }
    let mut client = Client::connect(&venue.running, "/");
    client.send(r#"{"type":"subscribe","channel":"user","jwt":"a.b.c"}"#);
    assert!(client.text().contains("authentication failure"));
}

#[test]
fn faults_of_orders_are_the_same_over_rest() {
    let venue = Venue::start();
    let place = |name: &str| venue.try_ask("POST", "orders", &order(name, "BUY", limit("0.1", "50000.00")));
    venue.fault(r#"{"verb":"request_lost"}"#);
    assert!(place("a").is_err());
    venue.fault(r#"{"verb":"ack_lost"}"#);
    assert!(place("b").is_err());
    venue.fault(r#"{"verb":"outcome_unknown","done":true,"status":503}"#);
    assert_eq!(place("c").unwrap().status, 503);
    venue.fault(r#"{"verb":"request_delay","ms":50}"#);
    assert_eq!(place("d").unwrap().json()["success"], true);
    let orders = venue.running.truth().orders().unwrap();
    let names: Vec<&str> = orders.iter().map(|order| &*order.client_id).collect();
    assert_eq!(names, ["b", "c", "d"]);
    assert!(orders.iter().all(|order| order.status == Status::New));
    venue.fault(r#"{"verb":"order_ban","secs":10}"#);
    assert_eq!(place("e").unwrap().status, 429);
    assert_eq!(venue.running.truth().requests_in_bans().unwrap(), 0);
    assert!(place("e").unwrap().head.contains("Retry-After: 10"));
    assert_eq!(venue.running.truth().requests_in_bans().unwrap(), 1);
    venue.running.advance(Duration::from_secs(10));
    assert_eq!(place("e").unwrap().json()["success"], true);
}

#[test]
fn lists_come_in_pages_and_from_a_moment_on() {
    let venue = Venue::start();
    for name in ["a", "b", "c"] {
        venue.ask(
            "POST",
            "orders",
            order(name, "BUY", json!({ "market_market_ioc": { "base_size": "0.01" } })),
        );
        venue.running.advance(Duration::from_secs(1));
    }
    let names = |answer: &Value| -> Vec<String> {
        let rows = answer["orders"].as_array().unwrap().iter();
        rows.map(|order| order["client_order_id"].as_str().unwrap().to_owned()).collect()
    };
    let list = |query: &str| venue.ask("GET", &format!("orders/historical/batch?{query}"), Value::Null);
    let first = list("product_ids=BTC-USD&limit=2");
    assert_eq!((names(&first), &first["has_next"]), (vec!["c".to_owned(), "b".to_owned()], &json!(true)));
    let rest = list(&format!("limit=2&cursor={}", first["cursor"].as_str().unwrap()));
    assert_eq!((names(&rest), &rest["has_next"]), (vec!["a".to_owned()], &json!(false)));
    assert!(names(&list("product_ids=ETH-USD")).is_empty());
    let second = first["orders"][1]["created_time"].as_str().unwrap();
    assert_eq!(names(&list(&format!("start_date={second}"))).len(), 2, "that moment is among them");
    assert_eq!(names(&list(&format!("end_date={second}"))), ["a"]);
    let fills = |query: &str| {
        let answer = venue.ask("GET", &format!("orders/historical/fills?{query}"), Value::Null);
        answer["fills"].as_array().unwrap().len()
    };
    let all = venue.running.truth().fills().unwrap();
    assert_eq!(fills(""), all.len());
    let since = all.iter().filter(|fill| fill.order != all[0].order).count();
    assert_eq!(fills(&format!("start_sequence_timestamp={second}")), since);
    let accounts = |query: &str| venue.ask("GET", &format!("accounts?{query}"), Value::Null);
    let page = accounts("limit=1");
    assert_eq!((&page["size"], &page["has_next"]), (&json!(1), &json!(true)));
    let next = accounts(&format!("limit=1&cursor={}", page["cursor"].as_str().unwrap()));
    assert_ne!(page["accounts"][0]["currency"], next["accounts"][0]["currency"]);
    let key = venue.ask("GET", "key_permissions", Value::Null);
    assert_eq!((&key["can_trade"], &key["can_transfer"]), (&json!(true), &json!(false)));
}
