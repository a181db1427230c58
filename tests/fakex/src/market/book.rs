//! The order book of a market: levels around the last trade, and what changes with each.

use std::collections::BTreeMap;

use super::trade::Print;
use crate::random::Random;

/// Levels a side that the market keeps.
const LEVELS: usize = 20;
/// The largest level, in steps of the quantity.
const LEVEL_STEPS_MAX: u64 = 200_000;

/// A price and the quantity that now stands there; zero when the level is gone.
pub(crate) type Level = (u64, u64);

/// The best of both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Quote {
    pub(crate) bid: Level,
    pub(crate) ask: Level,
}

/// What one step of the market did to the book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BookChange {
    pub(crate) time_ns: i64,
    /// The first and the last number of its changes; numbers have no gaps.
    pub(crate) first_id: u64,
    pub(crate) last_id: u64,
    pub(crate) bids: Vec<Level>,
    pub(crate) asks: Vec<Level>,
    /// The best of both sides, when it changed.
    pub(crate) quote: Option<Quote>,
}

/// The book of one market.
#[derive(Debug)]
pub(crate) struct Book {
    bids: BTreeMap<u64, u64>,
    asks: BTreeMap<u64, u64>,
    last_id: u64,
    random: Random,
    /// The next change puts a bid above the best ask.
    cross_next: bool,
}

impl Book {
    pub(crate) fn new(random: Random) -> Self {
        Self { bids: BTreeMap::new(), asks: BTreeMap::new(), last_id: 0, random, cross_next: false }
    }

    /// The number of its last change.
    pub(crate) fn last_id(&self) -> u64 {
        self.last_id
    }

    /// Bids from the highest down.
    pub(crate) fn bids(&self) -> impl Iterator<Item = Level> {
        self.bids.iter().rev().map(|(price, quantity)| (*price, *quantity))
    }

    /// Asks from the lowest up.
    pub(crate) fn asks(&self) -> impl Iterator<Item = Level> {
        self.asks.iter().map(|(price, quantity)| (*price, *quantity))
    }

    /// The best of both sides; `None` while one is empty.
    pub(crate) fn quote(&self) -> Option<Quote> {
        Some(Quote { bid: self.bids().next()?, ask: self.asks().next()? })
    }

    /// The change after the next trade crosses the book; the one after that puts it right.
    pub(crate) fn cross_next(&mut self) {
        self.cross_next = true;
    }

    /// Moves the book to where the last trade left it.
    pub(crate) fn follow(&mut self, print: &Print, tick: u64, step: u64) -> Option<BookChange> {
        let before = self.quote();
        let (best_bid, best_ask) = if print.buyer_is_maker {
            (Some(print.price), print.price + tick)
        } else {
            (print.price.checked_sub(tick), print.price)
        };
        let spacing = spacing(print.price, tick);
        let bid_prices = ladder_down(best_bid, spacing);
        let ask_prices = ladder_up(best_ask, spacing);
        let mut bids = settle(&mut self.bids, &bid_prices, step, &mut self.random);
        let mut asks = settle(&mut self.asks, &ask_prices, step, &mut self.random);
        if std::mem::take(&mut self.cross_next) {
            let level = (best_ask + tick, step);
            self.bids.insert(level.0, level.1);
            bids.push(level);
        }
        let changes = (bids.len() + asks.len()) as u64;
        if changes == 0 {
            return None;
        }
        bids.sort_unstable_by(|one, two| two.cmp(one));
        asks.sort_unstable();
        let first_id = self.last_id + 1;
        self.last_id += changes;
        let quote = self.quote().filter(|quote| Some(*quote) != before);
        Some(BookChange { time_ns: print.time_ns, first_id, last_id: self.last_id, bids, asks, quote })
    }
}

/// The distance of levels beyond the best: about a ten-thousandth of the price, on a grid that stands still.
fn spacing(price: u64, tick: u64) -> u64 {
    let mut spacing = tick;
    while spacing.checked_mul(10).is_some_and(|wider| wider <= price / 10_000) {
        spacing *= 10;
    }
    spacing
}

/// Prices from the best bid down; ends early rather than at zero.
fn ladder_down(best: Option<u64>, spacing: u64) -> Vec<u64> {
    let Some(best) = best.filter(|best| *best > 0) else { return Vec::new() };
    let on_grid = (best - 1) / spacing * spacing;
    let beyond = (0..LEVELS as u64 - 1).map_while(|number| on_grid.checked_sub(number * spacing));
    std::iter::once(best).chain(beyond).filter(|price| *price > 0).collect()
}

fn ladder_up(best: u64, spacing: u64) -> Vec<u64> {
    let on_grid = best / spacing * spacing + spacing;
    let beyond = (0..LEVELS as u64 - 1).map(|number| on_grid + number * spacing);
    std::iter::once(best).chain(beyond).collect()
}

/// Makes a side have levels at exactly `prices`, with a new quantity at the best and at one level more.
fn settle(side: &mut BTreeMap<u64, u64>, prices: &[u64], step: u64, random: &mut Random) -> Vec<Level> {
    let mut changed = Vec::new();
    side.retain(|price, _| {
        let kept = prices.contains(price);
        if !kept {
            changed.push((*price, 0));
        }
        kept
    });
    let touched = random.below(prices.len() as u64) as usize;
    for (number, price) in prices.iter().enumerate() {
        if number != 0 && number != touched && side.contains_key(price) {
            continue;
        }
        let quantity = (1 + random.below(LEVEL_STEPS_MAX)) * step;
        if side.insert(*price, quantity) != Some(quantity) {
            changed.push((*price, quantity));
        }
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn print(price: u64, buyer_is_maker: bool) -> Print {
        Print { time_ns: 0, price, quantity: 1, buyer_is_maker }
    }

    proptest! {
        #[test]
        fn changes_without_gaps_carry_a_copy_along(
            prices in proptest::collection::vec((2_u64..10_000_000, any::<bool>()), 1..60), seed in any::<u64>(),
        ) {
            let mut book = Book::new(Random::new(seed, "book"));
            let (mut bids, mut asks) = (BTreeMap::new(), BTreeMap::new());
            let mut last_id = 0;
            for (price, buyer_is_maker) in prices {
                let Some(change) = book.follow(&print(price, buyer_is_maker), 1, 10) else { continue };
                prop_assert_eq!(change.first_id, last_id + 1);
                prop_assert_eq!(change.last_id - last_id, (change.bids.len() + change.asks.len()) as u64);
                last_id = change.last_id;
                for (side, levels) in [(&mut bids, &change.bids), (&mut asks, &change.asks)] {
                    for (price, quantity) in levels {
                        if *quantity == 0 { side.remove(price); } else { side.insert(*price, *quantity); }
                    }
                }
                prop_assert!(book.bids().eq(bids.iter().rev().map(|(p, q)| (*p, *q))));
                prop_assert!(book.asks().eq(asks.iter().map(|(p, q)| (*p, *q))));
                let quote = book.quote().unwrap();
                prop_assert!(quote.bid.0 < quote.ask.0, "crossed at {:?}", quote);
                prop_assert!(quote.bid.0 == price || quote.ask.0 == price, "the last trade was at a best price");
            }
        }
    }

    #[test]
    fn a_crossed_book_is_crossed_once() {
        let mut book = Book::new(Random::new(1, "book"));
        book.follow(&print(1_000, true), 1, 1);
        book.cross_next();
        let crossed = book.follow(&print(1_000, true), 1, 1).unwrap().quote.unwrap();
        assert!(crossed.bid.0 > crossed.ask.0);
        let right = book.follow(&print(1_000, true), 1, 1).unwrap().quote.unwrap();
        assert!(right.bid.0 < right.ask.0);
    }
}
