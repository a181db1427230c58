//! How many messages a second one connection gets; run with `--release -- --ignored --nocapture`.

use std::time::{Duration, Instant};

use fake_exchange::{Dialect, Settings};

use crate::client::{Client, start};

#[test]
#[ignore = "a figure of a quiet machine, not a law"]
fn one_connection_gets_what_the_market_makes() {
    let mut settings = Settings::new(Dialect::Binance, &["BTCUSDT"]).unwrap();
    settings.rate = 120_000;
    settings.past_bars = 0;
    let running = start(settings);
    let mut client = Client::connect(&running, "/ws/btcusdt@trade");
    let mut received = 0_u32;
    client.text();
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(5) {
        client.text();
        received += 1;
    }
    let a_second = f64::from(received) / began.elapsed().as_secs_f64();
    println!("{a_second:.0} messages a second over 5 s");
    assert!(a_second > 1_000.0);
}
