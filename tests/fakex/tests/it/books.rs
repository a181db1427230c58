//! The books that a client keeps from what it is told, beside the truth: orders and fills one to one, balances to the last
//! digit, after a random flow of orders with faults.

use std::collections::BTreeMap;
use std::time::Duration;

use fake_exchange::{Fault, Plan, Pocket, Running};
use serde_json::{Value, json};

use crate::client::{digits, get, start};
use crate::trader::{Trader, rest, with_account};

/// Numbers that depend on their seed only.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// What a client knows from its events alone.
#[derive(Default)]
struct Books {
    /// What has become of each order, and how much of it was filled.
    orders: BTreeMap<u64, (String, u128)>,
    fills: BTreeMap<u64, (u64, u128)>,
    balances: BTreeMap<String, (String, String)>,
}

impl Books {
    fn read(&mut self, event: &Value) {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        match event["e"].as_str() {
            Some("executionReport") => {
                let (order, filled) = (event["i"].as_u64().unwrap(), digits(event["z"].as_str().unwrap()));
                let before = self.orders.get(&order).map_or(0, |(_, filled)| *filled);
                if let Some(id) = event["t"].as_u64() {
                    let quantity = digits(event["l"].as_str().unwrap());
                    assert_eq!(filled, before + quantity, "no fill was missed: {event}");
                    assert_eq!(self.fills.insert(id, (order, quantity)), None, "{event}");
                }
                self.orders.insert(order, (text(&event["X"]), filled));
            }
            Some("outboundAccountPosition") => {
                for balance in event["B"].as_array().unwrap() {
                    self.balances.insert(text(&balance["a"]), (text(&balance["f"]), text(&balance["l"])));
                }
            }
            _ => {}
        }
    }

    fn compare(&self, running: &Running) {
        let truth = running.truth();
        let orders = truth.orders().unwrap();
        assert_eq!(self.orders.len(), orders.len());
        for order in &orders {
            let (status, filled) = &self.orders[&order.id];
            let true_status = serde_json::to_value(order.status).unwrap();
            assert_eq!((&json!(status), *filled), (&true_status, u128::from(order.filled)), "{order:?}");
        }
        let fills = truth.fills().unwrap();
        let true_fills: BTreeMap<u64, (u64, u128)> =
            fills.iter().map(|fill| (fill.id, (fill.order, u128::from(fill.quantity)))).collect();
        assert_eq!((self.fills.len(), &self.fills), (fills.len(), &true_fills));
        for (asset, balance) in truth.balances().unwrap() {
            let told = (balance.free.to_string(), balance.locked.to_string());
            if let Some(known) = self.balances.get(&*asset) {
                assert_eq!(*known, told, "{asset}");
            }
        }
        let of_venue =
            truth.postings().unwrap().iter().fold(BTreeMap::<_, i128>::new(), |mut sums, posting| {
                let units = posting.amount.units();
                *sums.entry((posting.asset.clone(), posting.from)).or_default() -= units;
                *sums.entry((posting.asset.clone(), posting.to)).or_default() += units;
                sums
            });
        for asset in ["BTC", "USDT"] {
            let pockets = [Pocket::Free, Pocket::Locked, Pocket::Venue];
            let sum = |pocket: &Pocket| of_venue.get(&(asset.into(), *pocket)).copied().unwrap_or(0);
            assert_eq!(pockets.iter().map(sum).sum::<i128>(), 0, "{asset}");
        }
    }
}

/// An order near the market; some of them cannot be.
fn drawn(numbers: &mut Numbers, cents: u128) -> Value {
    let side = if numbers.below(2) == 0 { "BUY" } else { "SELL" };
    let price = cents - 2_000 + u128::from(numbers.below(4_000));
    let price = format!("{}.{:02}", price / 100, price % 100);
    let quantity = format!("0.{:05}", 10 + numbers.below(2_000));
    let mut order = json!({ "symbol": "BTCUSDT", "side": side, "type": "LIMIT", "quantity": quantity });
    match numbers.below(6) {
        0 => order["type"] = "MARKET".into(),
        1 => {
            order["type"] = "LIMIT_MAKER".into();
            order["price"] = price.into();
        }
        2 => {
            order["type"] = "STOP_LOSS".into();
            order["stopPrice"] = price.into();
        }
        _ => {
            order["timeInForce"] = ["GTC", "GTC", "IOC", "FOK"][numbers.below(4) as usize].into();
            order["price"] = price.into();
        }
    }
    order
}

#[test]
fn a_client_that_hears_everything_knows_the_truth() {
    for seed in 1..=3 {
        let mut settings = with_account();
        settings.rate = 20;
        let account = settings.account.as_mut().unwrap();
        (account.orders_per_10s, account.weight_per_minute) = (1_000, 100_000);
        // What is true is read from the file of the log.
        settings.log_records_in_memory = 64;
        let running = start(settings);
        running.advance(Duration::from_secs(5));
        let mut trader = Trader::logged_on(&running);
        let (mut numbers, mut books) = (Numbers(seed), Books::default());
        for round in 0..150_u64 {
            let depth = get(&running, "/api/v3/depth?symbol=BTCUSDT&limit=5").json();
            let cents = digits(depth["bids"][0][0].as_str().unwrap()) / 1_000_000;
            if numbers.below(4) == 0 {
                let id = 1 + numbers.below(round + 1);
                trader.ask("order.cancel", json!({ "symbol": "BTCUSDT", "orderId": id }));
            } else {
                let _ = trader.place(drawn(&mut numbers, cents));
            }
            if numbers.below(8) == 0 {
                running.fault(Fault::from_json(r#"{"verb":"partial","n":3}"#).unwrap()).unwrap();
            }
            running.advance(Duration::from_millis(500));
            trader.events().iter().for_each(|event| books.read(event));
        }
        assert!(running.truth().fills().unwrap().len() > 20);
        books.compare(&running);
        trader.ask("openOrders.cancelAll", json!({ "symbol": "BTCUSDT" }));
        trader.events().iter().for_each(|event| books.read(event));
        books.compare(&running);
    }
}

const FAULTS: &str = r#"{"verb":"ack_lost","on":"any"},{"verb":"request_lost","on":"any"},{"verb":"ack_delay","ms":3},
    {"verb":"request_delay","ms":3},{"verb":"fill_before_ack"},{"verb":"partial","n":3},{"verb":"late_fill_after_cancel"},
    {"verb":"reject","code":-1013},{"verb":"outcome_unknown","done":true},{"verb":"outcome_unknown","done":false},
    {"verb":"balance_drift","asset":"USDT","amount":"-0.00000001"},{"verb":"stp_expire"},{"verb":"order_ban","secs":2},
    {"verb":"phantom_order","symbol":"BTCUSDT","side":"SELL","quantity":"0.001"},{"verb":"drop_conn","how":"reset"},
    {"verb":"halt","symbol":"BTCUSDT"},{"verb":"resume","symbol":"BTCUSDT"},{"verb":"clock_jump","ms":50}"#;

#[test]
fn a_storm_of_faults_loses_nothing_of_the_account() {
    let mut settings = with_account();
    settings.rate = 20;
    let faults = FAULTS.replace('\n', " ");
    let plan = format!("{{\"random\":{{\"seed\":5,\"every_ms\":700,\"faults\":[{faults}]}}}}");
    settings.plan = Plan::from_json_lines(&plan).unwrap();
    settings.account.as_mut().unwrap().weight_per_minute = 100_000;
    let running = start(settings);
    running.advance(Duration::from_secs(5));
    let mut numbers = Numbers(9);
    let mut path = 0;
    for _ in 0..200 {
        let depth = get(&running, "/api/v3/depth?symbol=BTCUSDT&limit=5").json();
        let cents = digits(depth["bids"][0][0].as_str().unwrap()) / 1_000_000;
        let order = drawn(&mut numbers, cents);
        let mut trader = Trader::connect(&running);
        trader.post("order.place", order);
        trader.client.wait_at_most(Duration::from_millis(20));
        path += usize::from(trader.client.read().is_ok());
        trader.client.wait_at_most(Duration::from_secs(10));
        running.advance(Duration::from_millis(500));
    }
    running.advance(Duration::from_secs(5));
    assert!(path > 100, "{path} answers");
    let truth = running.truth();
    let fills = truth.fills().unwrap();
    for order in truth.orders().unwrap() {
        let filled: u64 = fills.iter().filter(|fill| fill.order == order.id).map(|fill| fill.quantity).sum();
        assert!(filled == order.filled && filled <= order.quantity, "{order:?}");
    }
    let account = rest(&running, "GET", "/api/v3/account", "").json();
    let balances = truth.balances().unwrap();
    for told in account["balances"].as_array().unwrap() {
        let summed = balances[told["asset"].as_str().unwrap()];
        assert_eq!((&told["free"], &told["locked"]), (&json!(summed.free), &json!(summed.locked)));
        assert!(!summed.free.is_negative() && !summed.locked.is_negative());
    }
    assert_eq!(running.stop(), Ok(()));
}
