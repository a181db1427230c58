//! Processes that end at any moment, in large numbers: whatever was under way is neither lost nor counted twice.
//!
//! ```text
//! RESTARTS=1000 RESTARTS_WORLDS=16 cargo test -p engine-venues --lib -- --ignored --nocapture restarts
//! ```

use super::trader::Trader;
use super::trials::{side_by_side, variable};
use super::*;

/// A run that is ended and taken up `restarts` times, most of them before it may trade; answers how many orders it sent.
fn lives(house: &'static TestVenue, seed: u64, restarts: u64) -> usize {
    let ground = house.begun_in(1, 20, seed);
    let mut process = Process::begin(&ground);
    let mut trader = Trader::new(&ground, seed);
    process.until("the first statement", Process::agrees);
    for _ in 0..restarts {
        let span = trader.random().millis_below(2_500);
        trader.trade(&mut process, &ground, span);
        process = process.begin_anew(&ground);
    }
    let process = process.settle_anew(&ground);
    process.orders_sent()
}

#[test]
fn a_run_that_is_ended_at_any_moment_loses_nothing() {
    lives(&BINANCE, 3, 3);
}

fn lives_side_by_side(house: &'static TestVenue) {
    let (restarts, worlds) = (variable("RESTARTS", 1_000), variable("RESTARTS_WORLDS", 16));
    let begun = Instant::now();
    let each = restarts.div_ceil(worlds);
    let orders: usize =
        side_by_side(worlds, variable("RESTARTS_SEED", 7), |seed| lives(house, seed, each)).iter().sum();
    println!("{}: {} restarts, {orders} orders in {:?}", house.venue, each * worlds, begun.elapsed());
}

#[test]
#[ignore = "a long trial"]
fn a_run_that_is_ended_a_thousand_times_at_binance() {
    lives_side_by_side(&BINANCE);
}

#[test]
#[ignore = "a long trial"]
fn a_run_that_is_ended_a_thousand_times_at_coinbase() {
    lives_side_by_side(&COINBASE);
}

#[test]
#[ignore = "a long trial"]
fn a_run_that_is_ended_a_thousand_times_at_kraken() {
    lives_side_by_side(&KRAKEN);
}
