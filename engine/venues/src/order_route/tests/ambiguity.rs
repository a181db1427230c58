//! Orders whose fate is not known, in large numbers: requests and answers that are lost, late or tell nothing, and processes that
//! end meanwhile. No order may stand twice.
//!
//! ```text
//! AMBIGUOUS=10000 AMBIGUOUS_WORLDS=30 cargo test -p engine-venues --lib -- --ignored --nocapture ambiguity
//! ```

use std::collections::BTreeSet;

use engine_core::event::AccountEvent;
use engine_core::instrument::InstrumentId;

use super::trials::{Random, price_in, side_by_side, variable};
use super::*;

/// Markets of each exchange: an order that nobody answers closes its own.
const MARKETS: u16 = 20;

/// What can happen to an order on its way; requests that are late by so much arrive, arrive too late, and are long given up.
const PLACES: [OrderFault; 10] = [
    OrderFault::AckLost { n: 1, on: Place },
    OrderFault::RequestLost { n: 1, on: Place },
    OrderFault::AckDelay { ms: 1_500, n: 1, on: Place },
    OrderFault::AckDelay { ms: 30_000, n: 1, on: Place },
    OrderFault::RequestDelay { ms: 900, n: 1, on: Place },
    OrderFault::RequestDelay { ms: 4_500, n: 1, on: Place },
    OrderFault::RequestDelay { ms: 30_000, n: 1, on: Place },
    unknown(true),
    unknown(false),
    OrderFault::FillBeforeAck { n: 1 },
];

/// And to the request that ends it.
const ENDS: [OrderFault; 2] =
    [OrderFault::AckLost { n: 1, on: Cancel }, OrderFault::RequestLost { n: 1, on: Cancel }];

/// Orders that were placed, those of them that were not answered, and those of these that were never placed.
#[derive(Debug, Default)]
struct Tally {
    placed: usize,
    unanswered: BTreeSet<(u64, OrderId)>,
    never_placed: usize,
    processes: usize,
    /// How much of what was told is counted.
    counted: usize,
}

impl Tally {
    /// Counts what was told since.
    fn count(&mut self, seed: u64, told: &[Input]) {
        for input in told.get(self.counted..).unwrap_or_default() {
            if let Input::Account(event) = input {
                match &**event {
                    AccountEvent::Unanswered(order) => drop(self.unanswered.insert((seed, *order))),
                    AccountEvent::NeverPlaced(_) => self.never_placed += 1,
                    AccountEvent::Sent(_) => self.placed += 1,
                    _ => {}
                }
            }
        }
        self.counted = told.len();
    }

    fn plus(mut self, mut other: Self) -> Self {
        self.unanswered.append(&mut other.unanswered);
        self.placed += other.placed;
        self.never_placed += other.never_placed;
        self.processes += other.processes;
        self
    }
}

/// Places an order where the market has none, and ends what rests; something goes wrong with most of them.
fn act(
    process: &mut Process,
    ground: &Ground,
    (market, price): (InstrumentId, i64),
    (random, is_armed): (&mut Random, &mut bool),
) {
    let state = process.core.state();
    let open = state.open_orders().find(|open| open.order.instrument == market);
    if let Some(order) = open.map(|open| open.order.id) {
        if process.is_known(order) {
            if random.below(20) == 0 {
                ground.fault(Fault::Order(random.one_of(&ENDS).clone())).unwrap();
            }
            process.cancel(order);
        }
        return;
    }
    // What goes wrong waits for an order that is sent.
    if !*is_armed {
        ground.fault(Fault::Order(random.one_of(&PLACES).clone())).unwrap();
    }
    process.mark_in(market, price);
    let kind = match random.below(3) {
        0 => OrderKind::Market,
        1 => OrderKind::Limit(Price::from_units(price)),
        _ => OrderKind::Limit(Price::from_units(price / 2)),
    };
    *is_armed = process.place_in(market, Side::Buy, kind, 20).is_none();
}

fn lives(house: &'static TestVenue, seed: u64, wanted: usize) -> Tally {
    let mut random = Random::new(seed);
    let ground = house.begun_in(usize::from(MARKETS), 2, seed);
    let mut process = Process::begin(&ground);
    let (mut tally, mut begun) = (Tally { processes: 1, ..Tally::default() }, Instant::now());
    process.until("the first statement", Process::agrees);
    let prices: Vec<i64> = (0..usize::from(MARKETS)).map(|market| price_in(&ground, market)).collect();
    let (mut life, mut is_armed) = (Duration::from_secs(20), false);
    while tally.unanswered.len() < wanted {
        let market = u16::try_from(random.below(u64::from(MARKETS))).unwrap();
        let place = (InstrumentId::new(market), prices[usize::from(market)]);
        act(&mut process, &ground, place, (&mut random, &mut is_armed));
        process.live(random.millis_below(100));
        tally.count(seed, &process.told);
        if begun.elapsed() > life {
            process = process.begin_anew(&ground);
            tally.processes += 1;
            begun = Instant::now();
            // Now and then before anything is known of what became of an order; that one was never placed is proven within
            // one process, which takes seventeen seconds.
            let longer = if random.below(3) == 0 { Duration::ZERO } else { Duration::from_secs(20) };
            life = longer + random.millis_below(10_000);
        }
    }
    let process = process.begin_anew(&ground).settle_anew(&ground);
    tally.count(seed, &process.told);
    tally
}

fn lives_side_by_side(house: &'static TestVenue) {
    let (wanted, worlds) = (variable("AMBIGUOUS", 10_000), variable("AMBIGUOUS_WORLDS", 30));
    let each = usize::try_from(wanted.div_ceil(worlds)).unwrap();
    let begun = Instant::now();
    let tallies = side_by_side(worlds, variable("AMBIGUOUS_SEED", 7), |seed| lives(house, seed, each));
    let Tally { placed, unanswered, never_placed, processes, .. } =
        tallies.into_iter().fold(Tally::default(), Tally::plus);
    println!(
        "{}: {placed} orders sent, {} not answered, of which {never_placed} never arrived, {processes} processes, in {:?}",
        house.venue,
        unanswered.len(),
        begun.elapsed()
    );
}

#[test]
#[ignore = "a long trial"]
fn orders_that_nobody_answers_stand_once_at_binance() {
    lives_side_by_side(&BINANCE);
}

#[test]
#[ignore = "a long trial"]
fn orders_that_nobody_answers_stand_once_at_coinbase() {
    lives_side_by_side(&COINBASE);
}

#[test]
#[ignore = "a long trial"]
fn orders_that_nobody_answers_stand_once_at_kraken() {
    lives_side_by_side(&KRAKEN);
}
