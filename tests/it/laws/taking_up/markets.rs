//! Seeded markets in which policies trade and detectors see every regime: two instruments, bars or trades.

use engine_core::envelope::RecordRef;
use engine_core::instrument::InstrumentId;
use engine_core::market::{Aggressor, Bar, BarOpen, MarketUpdate, Trade};
use engine_core::num::{Price, Qty};
use engine_core::time::{Span, Timestamp};
use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};
use replay_history::market_source::MarketItem;

/// Instruments of every market.
pub(super) const INSTRUMENTS: u16 = 2;
/// Trades of a bar that is built.
const TRADES: i64 = 3;

/// What kind of records a market gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// An open and a bar each day.
    Bars,
    /// Trades, of which bars of a day are made.
    Trades,
}

/// A walk with calm, wild, rising and falling stretches.
struct Walk {
    random: ChaCha8Rng,
    price: i64,
    steps: u64,
}

impl Walk {
    fn new(seed: u64) -> Self {
        Self { random: ChaCha8Rng::seed_from_u64(seed), price: 1_000_000, steps: 0 }
    }

    fn below(&mut self, count: i64) -> i64 {
        (self.random.next_u32() as i64) % count
    }

    /// The next price, a multiple of the tick size.
    fn next(&mut self) -> i64 {
        self.steps += 1;
        let stretch = self.steps / 37 % 4;
        let (drift, width) = [(0, 60), (25, 80), (0, 400), (-45, 350)][usize::try_from(stretch).unwrap()];
        let moved = self.price * (drift + self.below(2 * width + 1) - width) / 10_000;
        self.price = (self.price + moved).clamp(10_000, 100_000_000) / 5 * 5;
        self.price
    }
}

fn at(number: i64, span: Span) -> Timestamp {
    Timestamp::from_nanos(number * span.nanos())
}

/// `count` moments of a market drawn from `seed`; now and then one or many are missing.
pub(super) fn market(kind: Kind, seed: u64, count: usize) -> Vec<MarketItem> {
    let mut walks = [Walk::new(seed), Walk::new(seed ^ 0x5eed)];
    let mut items = Vec::new();
    let mut number = 0_i64;
    for _ in 0..count {
        number += 1;
        if walks[0].below(60) == 0 {
            number += 1 + walks[0].below(9);
        }
        let mut told = Vec::new();
        for (walk, index) in walks.iter_mut().zip(0_u16..) {
            // The second instrument misses a moment of its own sometimes, and begins later.
            if index == 1 && (items.len() < 20 || walk.below(50) == 0) {
                continue;
            }
            told.push((InstrumentId::new(index), walk));
        }
        match kind {
            Kind::Bars => bars(number, told, &mut items),
            Kind::Trades => trades(number, told, &mut items),
        }
    }
    items
}

fn bars(number: i64, told: Vec<(InstrumentId, &mut Walk)>, items: &mut Vec<MarketItem>) {
    let (open_at, close_at) = (at(number, Span::DAY), at(number + 1, Span::DAY));
    let made: Vec<Bar> = told
        .into_iter()
        .map(|(instrument, walk)| {
            let [open, one, other, close] = [walk.price, walk.next(), walk.next(), walk.next()];
            let all = [open, one, other, close];
            Bar {
                instrument,
                open_at,
                close_at,
                open: Price::from_units(open),
                high: Price::from_units(all.into_iter().max().unwrap()),
                low: Price::from_units(all.into_iter().min().unwrap()),
                close: Price::from_units(close),
                volume: Qty::from_units(i128::from(1_000 + walk.below(90_000))),
                trades: 0,
            }
        })
        .collect();
    let record = |bar: &Bar| RecordRef { dataset: bar.instrument.index() as u16, seq: number.unsigned_abs() };
    for bar in &made {
        let open = BarOpen { instrument: bar.instrument, open_at, open: bar.open };
        items.push(MarketItem { at: open_at, update: MarketUpdate::Open(open), tick: record(bar) });
    }
    for bar in &made {
        items.push(MarketItem { at: close_at, update: MarketUpdate::Bar(*bar), tick: record(bar) });
    }
}

fn trades(number: i64, mut told: Vec<(InstrumentId, &mut Walk)>, items: &mut Vec<MarketItem>) {
    for place in 0..TRADES {
        for (instrument, walk) in &mut told {
            let moment = number * Span::DAY.nanos() + place * 7 * 60 * Span::MINUTE.nanos();
            let trade = Trade {
                instrument: *instrument,
                venue_at: Timestamp::from_nanos(moment),
                price: Price::from_units(walk.next()),
                qty: Qty::from_units(i128::from(100 + walk.below(9_000))),
                aggressor: Aggressor::Unknown,
            };
            let seq = (number * TRADES + place).unsigned_abs();
            let tick = RecordRef { dataset: instrument.index() as u16, seq };
            items.push(MarketItem { at: trade.venue_at, update: MarketUpdate::Trade(trade), tick });
        }
    }
}
