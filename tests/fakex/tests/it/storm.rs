//! Many faults at random: the exchange goes on, and its market is what it would have been without them.

use std::time::Duration;

use fake_exchange::{Dialect, Plan, Trade};

use crate::client::{Client, by_hand, start};

const FAULTS: &str = r#"
    {"verb":"drop_conn","how":"reset"}, {"verb":"drop_conn","how":"fin"}, {"verb":"drop_conn","how":"no_close"},
    {"verb":"drop_conn","how":"half_open"}, {"verb":"refuse_connect","n":1}, {"verb":"delay","ms":2},
    {"verb":"delay","ms":0}, {"verb":"slow_drip","bytes_per_second":20000}, {"verb":"slow_drip","bytes_per_second":0},
    {"verb":"duplicate","p":0.3}, {"verb":"reorder","window":5}, {"verb":"gap","stream":"*","k":3},
    {"verb":"freeze","stream":"*"}, {"verb":"thaw","stream":"*"}, {"verb":"corrupt","p":0.2}, {"verb":"huge","bytes":100000},
    {"verb":"bad_utf8"}, {"verb":"binary_frame"}, {"verb":"fragment","n":3}, {"verb":"ping","payload":"x"},
    {"verb":"no_pong_kill","ms":50}, {"verb":"server_shutdown","ms":10}, {"verb":"expire_24h","ms":50},
    {"verb":"http","status":503,"retry_after":1}, {"verb":"ban","secs":1}, {"verb":"clock_jump","ms":500}"#;

/// Two minutes of the market with a client that comes back whenever it is cut off; and how often it had to.
fn played(dialect: Dialect, plan: &str) -> (Vec<Trade>, u32) {
    let (market, path, name, question) = match dialect {
        Dialect::Binance => ("BTCUSDT", "/stream?streams=btcusdt@trade/btcusdt@depth@100ms", "BTCUSDT", ""),
        Dialect::Coinbase => {
            ("BTC-USD", "/", "BTCUSD", r#"{"type":"subscribe","product_ids":["BTC-USD"],"channel":"level2"}"#)
        }
        Dialect::Kraken => {
            let question = r#"{"method":"subscribe","params":{"channel":"book","symbol":["BTC/USD"]}}"#;
            ("BTC/USD", "/v2", "BTCUSD", question)
        }
    };
    let mut settings = by_hand(dialect, &[market]);
    settings.plan = Plan::from_json_lines(plan).unwrap();
    let running = start(settings);
    let mut client: Option<Client> = None;
    let mut connected = 0;
    for _ in 0..120 {
        if client.is_none() {
            client = Client::try_connect(running.address(), path).ok();
            connected += u32::from(client.is_some());
            if let Some(client) = client.as_mut().filter(|_| !question.is_empty()) {
                // It may be cut off between its first message and this one.
                let _ = client.try_send(question);
            }
        }
        running.advance(Duration::from_secs(1));
        if let Some(connected) = &mut client {
            connected.wait_at_most(Duration::from_millis(3));
            while connected.read().is_ok() {}
            client = client.filter(|_| plan.is_empty());
        }
    }
    let truth = running.truth();
    assert_eq!(running.stop(), Ok(()), "{dialect:?}");
    (truth.trades(name).unwrap(), connected)
}

#[test]
fn the_market_is_the_same_with_and_without_faults() {
    let plan =
        format!("{{\"random\":{{\"seed\":3,\"every_ms\":700,\"faults\":[{}]}}}}", FAULTS.replace('\n', " "));
    for dialect in [Dialect::Binance, Dialect::Coinbase, Dialect::Kraken] {
        let (disturbed, connected) = played(dialect, &plan);
        let (undisturbed, once) = played(dialect, "");
        assert!(disturbed.len() > 500 && disturbed == undisturbed, "{dialect:?}");
        assert!(connected > 50 && once == 1, "{connected} connections, {once}");
    }
}
