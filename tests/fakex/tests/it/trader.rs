//! A client that trades: it signs with its own reading of the protocol, and keeps the events it is told.

use data_encoding::{BASE64, HEXLOWER};
use fake_exchange::{AccountSettings, ApiKey, Dialect, Permission, Running, Secret, Settings};
use ring::hmac;
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde_json::{Value, json};

use crate::client::{Answer, Client, by_hand, get, send};

/// The seed of the first test of RFC 8032.
const SEED: &str = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
const HMAC_SECRET: &str = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j";

fn pair() -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&HEXLOWER.decode(SEED.as_bytes()).unwrap()).unwrap()
}

/// BTCUSDT moved by hand, with an account of 100 000 USDT and 2 BTC and keys `ed`, `hmac` and `reader`.
pub(crate) fn with_account() -> Settings {
    let key = |name: &str, secret, permissions: &[Permission]| ApiKey {
        name: name.to_owned(),
        secret,
        permissions: permissions.to_vec(),
    };
    let both = [Permission::Read, Permission::Trade];
    let public: [u8; 32] = pair().public_key().as_ref().try_into().unwrap();
    let ed = key("ed", Secret::Ed25519(public), &both);
    let mut account = AccountSettings::new(ed, &[("USDT", "100000"), ("BTC", "2"), ("BNB", "0")]);
    account.keys.push(key("hmac", Secret::Hmac(HMAC_SECRET.to_owned()), &both));
    account.keys.push(key("reader", Secret::Hmac(HMAC_SECRET.to_owned()), &[Permission::Read]));
    let mut settings = by_hand(Dialect::Binance, &["BTCUSDT"]);
    settings.account = Some(account);
    settings
}

pub(crate) fn sign_ed25519(payload: &str) -> String {
    BASE64.encode(pair().sign(payload.as_bytes()).as_ref())
}

pub(crate) fn sign_hmac(payload: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, HMAC_SECRET.as_bytes());
    HEXLOWER.encode(hmac::sign(&key, payload.as_bytes()).as_ref())
}

pub(crate) fn now_ms(running: &Running) -> i64 {
    get(running, "/api/v3/time").json()["serverTime"].as_i64().unwrap()
}

/// A request over REST, signed with the key `hmac`.
pub(crate) fn rest(running: &Running, method: &str, path: &str, query: &str) -> Answer {
    let timestamp = now_ms(running);
    let query = if query.is_empty() { String::new() } else { format!("{query}&") };
    let payload = format!("{query}timestamp={timestamp}");
    let signature = sign_hmac(&payload);
    send(running, &format!("{method} {path}?{payload}&signature={signature}"), "X-MBX-APIKEY: hmac\r\n", "")
}

/// A connection to the interface for orders.
pub(crate) struct Trader<'a> {
    running: &'a Running,
    pub(crate) client: Client,
    number: u64,
    events: Vec<Value>,
    pub(crate) is_logged_on: bool,
}

impl<'a> Trader<'a> {
    pub(crate) fn connect(running: &'a Running) -> Self {
        let client = Client::connect(running, "/ws-api/v3");
        Self { running, client, number: 0, events: Vec::new(), is_logged_on: false }
    }

    /// Logged on, and told what happens to the account.
    pub(crate) fn logged_on(running: &'a Running) -> Self {
        let mut trader = Self::connect(running);
        assert_eq!(trader.ask("session.logon", json!({}))["status"], 200);
        trader.is_logged_on = true;
        assert_eq!(trader.ask("userDataStream.subscribe", json!({}))["status"], 200);
        trader
    }

    /// Sends a request with its time, and signed with the key `ed` before logon; its number.
    pub(crate) fn post(&mut self, method: &str, mut parameters: Value) -> u64 {
        parameters["timestamp"] = now_ms(self.running).into();
        if !self.is_logged_on {
            parameters["apiKey"] = "ed".into();
            let mut pairs: Vec<String> = parameters
                .as_object()
                .unwrap()
                .iter()
                .map(|(name, value)| {
                    format!("{name}={}", value.as_str().map_or_else(|| value.to_string(), str::to_owned))
                })
                .collect();
            pairs.sort();
            parameters["signature"] = sign_ed25519(&pairs.join("&")).into();
        }
        self.number += 1;
        let request = json!({ "id": self.number, "method": method, "params": parameters });
        self.client.send(&request.to_string());
        self.number
    }

    /// Sends a request and reads until its answer.
    pub(crate) fn ask(&mut self, method: &str, parameters: Value) -> Value {
        let number = self.post(method, parameters);
        self.answer(number)
    }

    /// The answer of a number.
    pub(crate) fn answer(&mut self, number: u64) -> Value {
        loop {
            let message = self.client.json();
            if message["id"] == number {
                return message;
            }
            self.events.push(message["event"].clone());
        }
    }

    /// Places an order; the result, or the number of the refusal.
    pub(crate) fn place(&mut self, parameters: Value) -> Result<Value, i64> {
        let answer = self.ask("order.place", parameters);
        match answer["error"]["code"].as_i64() {
            Some(code) => Err(code),
            None => Ok(answer["result"].clone()),
        }
    }

    /// Every event since the last time this was asked.
    pub(crate) fn events(&mut self) -> Vec<Value> {
        self.ask("ping", json!({}));
        std::mem::take(&mut self.events)
    }
}

/// A limit order of BTCUSDT.
pub(crate) fn limit(side: &str, quantity: &str, price: &str) -> Value {
    json!({
        "symbol": "BTCUSDT", "side": side, "type": "LIMIT", "timeInForce": "GTC", "quantity": quantity, "price": price,
    })
}

/// A market order of BTCUSDT.
pub(crate) fn market(side: &str, quantity: &str) -> Value {
    json!({ "symbol": "BTCUSDT", "side": side, "type": "MARKET", "quantity": quantity })
}

/// What of each event tells which it is: of a report what happened and what has become of the order.
pub(crate) fn kinds(events: &[Value]) -> Vec<String> {
    let kind = |event: &Value| {
        let text = |field: &str| event[field].as_str().unwrap_or_default().to_owned();
        match text("e").as_str() {
            "executionReport" => format!("{} {}", text("x"), text("X")),
            other => other.to_owned(),
        }
    };
    events.iter().map(kind).collect()
}
