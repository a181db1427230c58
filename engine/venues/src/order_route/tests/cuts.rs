//! Connections that end in every way, in large numbers: whatever is traded meanwhile is told once.
//!
//! ```text
//! CUTS=1000 CUTS_WORLDS=25 cargo test -p engine-venues --lib -- --ignored --nocapture cuts
//! ```

use fake_exchange::Drop;

use super::trader::Trader;
use super::trials::{connections, side_by_side, variable};
use super::*;

/// How a connection ends: at once, or when the venue has said so before, or as one that is a day old.
const CUTS: [Fault; 5] = [
    Fault::DropConn { how: Drop::Reset },
    Fault::DropConn { how: Drop::Fin },
    Fault::DropConn { how: Drop::NoClose },
    Fault::ServerShutdown { ms: 150 },
    Fault::Expire24h { ms: 300 },
];

/// A run whose connections end `cuts` times while it trades; answers how many orders it sent.
fn lives(house: &'static TestVenue, seed: u64, cuts: u64) -> usize {
    let ground = house.begun_in(1, 20, seed);
    let mut process = Process::begin(&ground);
    let mut trader = Trader::new(&ground, seed);
    process.until("the first statement", Process::agrees);
    for _ in 0..cuts {
        let span = trader.random().millis_below(400);
        trader.trade(&mut process, &ground, span);
        let before = connections(&ground);
        ground.fault(trader.random().one_of(&CUTS).clone()).unwrap();
        while connections(&ground) == before {
            trader.trade(&mut process, &ground, Duration::from_millis(50));
        }
        ground.fault(Fault::Expire24h { ms: 0 }).unwrap();
    }
    let process = process.begin_anew(&ground).settle_anew(&ground);
    process.orders_sent()
}

#[test]
fn connections_that_end_in_every_way_lose_no_trade() {
    lives(&BINANCE, 3, 2);
}

fn lives_side_by_side(house: &'static TestVenue) {
    let (cuts, worlds) = (variable("CUTS", 1_000), variable("CUTS_WORLDS", 25));
    let begun = Instant::now();
    let each = cuts.div_ceil(worlds);
    let orders: usize =
        side_by_side(worlds, variable("CUTS_SEED", 7), |seed| lives(house, seed, each)).iter().sum();
    println!("{}: {} cuts, {orders} orders in {:?}", house.venue, each * worlds, begun.elapsed());
}

#[test]
#[ignore = "a long trial"]
fn connections_that_end_a_thousand_times_at_binance() {
    lives_side_by_side(&BINANCE);
}

#[test]
#[ignore = "a long trial"]
fn connections_that_end_a_thousand_times_at_coinbase() {
    lives_side_by_side(&COINBASE);
}

#[test]
#[ignore = "a long trial"]
fn connections_that_end_a_thousand_times_at_kraken() {
    lives_side_by_side(&KRAKEN);
}
