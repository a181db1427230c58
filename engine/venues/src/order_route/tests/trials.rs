//! What trials in large numbers share: a count from the environment, random numbers, and exchanges side by side.

use fake_exchange::{Entry, Record};

use super::*;

/// A setting of a long trial from the environment.
pub(super) fn variable(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |text| text.parse().unwrap())
}

/// Random numbers (xorshift, Marsaglia 2003) of a seed.
#[derive(Debug)]
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// From zero to below `end`.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    pub(super) fn one_of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[usize::try_from(self.below(all.len() as u64)).unwrap()]
    }

    pub(super) fn millis_below(&mut self, end: u64) -> Duration {
        Duration::from_millis(self.below(end))
    }
}

/// Lives `world` so many times side by side, each on a thread of its own with a number of its own, and answers what each says.
pub(super) fn side_by_side<T: Send>(worlds: u64, seed: u64, world: impl Fn(u64) -> T + Sync) -> Vec<T> {
    println!("{worlds} exchanges side by side, seeds from {seed} on");
    std::thread::scope(|scope| {
        let world = &world;
        let lives: Vec<_> = (seed..seed + worlds).map(|number| scope.spawn(move || world(number))).collect();
        lives.into_iter().map(|life| life.join().unwrap()).collect()
    })
}

/// The price in a market by the exchange's own record, and by none that of the beginning.
pub(super) fn price_in(ground: &Ground, market: usize) -> i64 {
    let name: String = ground.symbols[market].chars().filter(char::is_ascii_alphanumeric).collect();
    let trades = ground.truth().trades(&name).unwrap();
    i64::try_from(trades.last().map_or(6_425_000, |trade| trade.price)).unwrap()
}

/// How often a connection was opened, by the exchange's own record.
pub(super) fn connections(ground: &Ground) -> usize {
    let mut count = 0;
    let is_opened = |record: Record| count += usize::from(matches!(record.entry, Entry::Opened { .. }));
    ground.truth().for_each(is_opened).unwrap();
    count
}
