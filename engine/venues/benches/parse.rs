//! What reading one frame costs, in each dialect.

use criterion::{Criterion, criterion_group, criterion_main};
use engine_venues::dialect::Dialect;
use engine_venues::dialect::binance::Binance;
use engine_venues::dialect::coinbase::Coinbase;
use engine_venues::dialect::kraken::Kraken;
use std::hint::black_box;

const FRAMES: [(&str, &str); 6] = [
    (
        "binance trade",
        r#"{"stream":"btcusdt@trade","data":{"e":"trade","E":1784000000123,"s":"BTCUSDT","t":5123456789,"p":"64250.01000000","q":"0.00150000","T":1784000000122,"m":true,"M":true}}"#,
    ),
    (
        "binance quote",
        r#"{"stream":"btcusdt@bookTicker","data":{"u":400900217,"s":"BTCUSDT","b":"64250.00000000","B":"1.20000000","a":"64250.01000000","A":"0.80000000"}}"#,
    ),
    (
        "binance depth of four levels",
        r#"{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1784000000123,"s":"BTCUSDT","U":157,"u":160,"b":[["64250.00000000","10.00000000"],["64249.00000000","0.00000000"]],"a":[["64251.00000000","1.50000000"],["64252.00000000","0.00000000"]]}}"#,
    ),
    (
        "coinbase trade",
        r#"{"channel":"market_trades","timestamp":"2026-08-09T21:05:48.251397169Z","sequence_num":9,"events":[{"type":"update","trades":[{"product_id":"BTC-USD","trade_id":"1068572091","price":"65083.67","size":"0.01034361","time":"2026-08-09T21:05:48.167634Z","side":"SELL"}]}]}"#,
    ),
    (
        "kraken trade",
        r#"{"channel":"trade","type":"update","data":[{"symbol":"BTC/USD","side":"buy","price":105944.20,"qty":0.00027625,"ord_type":"limit","trade_id":10218208,"timestamp":"2023-10-06T17:35:55.440295Z"}]}"#,
    ),
    (
        "kraken book of one level",
        r#"{"channel":"book","type":"update","data":[{"symbol":"BTC/USD","bids":[{"price":105944.20,"qty":0.250}],"asks":[],"checksum":2114181697,"timestamp":"2023-10-06T17:35:55.440295Z"}]}"#,
    ),
];

fn parse(criterion: &mut Criterion) {
    for (name, frame) in FRAMES {
        let dialect: Box<dyn Dialect> = match name.split(' ').next() {
            Some("binance") => Box::new(Binance::default()),
            Some("coinbase") => Box::new(Coinbase),
            _ => Box::new(Kraken::default()),
        };
        criterion.bench_function(name, |bencher| bencher.iter(|| dialect.parse(black_box(frame))));
    }
}

criterion_group!(benches, parse);
criterion_main!(benches);
