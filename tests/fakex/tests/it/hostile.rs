//! Requests and messages that no decent client sends: refused, and the exchange goes on.

use std::time::Duration;

use fake_exchange::Dialect;

use serde_json::json;

use crate::client::{Client, by_hand, get, start};
use crate::trader::{Trader, rest, with_account};

const EXTREMES: [&str; 9] = [
    "-1",
    "0",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551615",
    "9223372036854",
    "NaN",
    "1e400",
    "%00%ff",
];

/// Dialect, market, path of its WebSocket, and requests in which `X` is replaced.
type Case = (Dialect, &'static str, &'static str, [&'static str; 4]);

const CASES: [Case; 3] = [
    (
        Dialect::Binance,
        "BTCUSDT",
        "/ws",
        [
            "/api/v3/klines?symbol=BTCUSDT&interval=1m&startTime=X",
            "/api/v3/klines?symbol=BTCUSDT&interval=1d&endTime=X",
            "/api/v3/aggTrades?symbol=BTCUSDT&startTime=X&endTime=X",
            "/api/v3/historicalTrades?symbol=BTCUSDT&fromId=X&limit=X",
        ],
    ),
    (
        Dialect::Coinbase,
        "BTC-USD",
        "/",
        [
            "/api/v3/brokerage/market/products/BTC-USD/candles?granularity=ONE_DAY&start=X&end=X",
            "/api/v3/brokerage/market/products/BTC-USD/candles?granularity=ONE_DAY&start=0&end=X",
            "/api/v3/brokerage/market/products/BTC-USD/ticker?limit=X&start=X",
            "/api/v3/brokerage/market/products/X",
        ],
    ),
    (
        Dialect::Kraken,
        "BTC/USD",
        "/v2",
        [
            "/0/public/OHLC?pair=XBTUSD&since=X",
            "/0/public/OHLC?pair=XBTUSD&interval=X",
            "/0/public/Trades?pair=XBTUSD&since=X&count=X",
            "/0/public/AssetPairs?pair=X",
        ],
    ),
];

#[test]
fn extreme_numbers_are_refused_and_the_exchange_goes_on() {
    for (dialect, market, path, targets) in CASES {
        let running = start(by_hand(dialect, &[market]));
        running.advance(Duration::from_secs(100));
        for target in targets {
            for extreme in EXTREMES {
                let asked =
                    target.replace("=X", &format!("={extreme}")).replace("/X", &format!("/{extreme}"));
                let status = get(&running, &asked).status;
                assert!([200, 400, 404].contains(&status), "{asked}: {status}");
            }
        }
        for text in ["", "[]", "{}", "null", r#"{"method":5,"params":7,"id":[],"type":1}"#] {
            let mut client = Client::connect(&running, path);
            if dialect == Dialect::Kraken {
                client.text();
            }
            client.send(text);
            let answer = client.text();
            let refused = ["\"code\":", "\"type\":\"error\"", "\"success\":false"];
            assert!(refused.iter().any(|words| answer.contains(words)), "{text}: {answer}");
        }
        assert_eq!(running.stop(), Ok(()), "nothing of it ended its thread");
    }
}

#[test]
fn extreme_orders_are_refused_and_the_account_is_as_it_was() {
    let running = start(with_account());
    running.advance(Duration::from_secs(20));
    let extremes =
        EXTREMES.into_iter().chain(["0.00000001", "1e-8", "184467440737.09551615", "99999999999999999999"]);
    let mut trader = Trader::connect(&running);
    for extreme in extremes {
        for query in [
            "symbol=BTCUSDT&startTime=X",
            "symbol=BTCUSDT&startTime=X&endTime=X",
            "symbol=BTCUSDT&fromId=X&limit=X",
            "symbol=BTCUSDT&orderId=X",
            "symbol=X",
        ] {
            for path in ["myTrades", "allOrders", "order", "openOrders", "account"] {
                let query = query.replace("=X", &format!("={extreme}"));
                let status = rest(&running, "GET", &format!("/api/v3/{path}"), &query).status;
                assert!([200, 400].contains(&status), "{path} {query}: {status}");
            }
        }
        for (kind, field) in
            [("MARKET", "quantity"), ("MARKET", "quoteOrderQty"), ("LIMIT", "price"), ("LIMIT", "quantity")]
        {
            let mut order = json!({ "symbol": "BTCUSDT", "side": "BUY", "type": kind });
            if kind == "LIMIT" {
                order["timeInForce"] = "FOK".into();
                (order["price"], order["quantity"]) = ("10.00".into(), "1".into());
            }
            order[field] = extreme.into();
            let answer = trader.ask("order.place", order.clone());
            assert!(answer["status"] == 400 || answer["result"]["status"] == "EXPIRED", "{order}: {answer}");
        }
    }
    for text in
        ["", "[]", "{}", "null", "7", r#"{"method":5,"params":7,"id":[]}"#, r#"{"id":{},"method":"time"}"#]
    {
        trader.client.send(text);
        assert!(trader.client.json()["error"]["code"].is_i64(), "{text}");
    }
    assert_eq!(running.truth().balances().unwrap()["USDT"].total().to_string(), "100000.00000000");
    assert!(running.truth().fills().unwrap().is_empty());
    assert_eq!(running.stop(), Ok(()), "nothing of it ended its thread");
}
