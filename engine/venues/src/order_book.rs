//! The book of one instrument, built from a venue's snapshots and changes and trusted only while it has missed nothing.
//!
//! One book serves all venues; only the rule differs by which a change follows what came before ([`BookRule`]). A book that
//! has missed something, or contradicts itself, throws its levels away, says why, and waits for a snapshot.

use std::collections::BTreeMap;

use engine_core::instrument::{Instrument, InstrumentId};
use engine_core::market::Quote;
use engine_core::num::{Price, Qty};
use engine_core::time::Timestamp;

use crate::message::{BookChange, BookProof, BookSnapshot, Level};

mod checksum;
mod desynchronised;
mod sides;

pub use desynchronised::Desynchronised;
use sides::Sides;

/// Changes kept while a snapshot is under way: a quarter of an hour at ten a second.
const WAITING_MAX: usize = 10_000;

/// By what a change shows that it follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BookRule {
    /// Binance Spot: the first update of a change is at most one behind the last one known.
    UpdateIds,
    /// Binance's futures: a change names the last update of the one before.
    PreviousUpdateId,
    /// Coinbase: all frames of a connection are numbered, which
    /// [`Continuity`](crate::continuity::Continuity) checks; the book itself sees only that they do not go back.
    Connection,
    /// Kraken: a checksum over the ten best levels of each side, and no levels beyond the subscribed depth.
    Checksum {
        /// Levels kept on each side.
        depth: usize,
    },
}

/// What a message did to a book.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The book is the venue's.
    Applied,
    /// The book held it already.
    Known,
    /// The book waits for a snapshot; the change is kept where the snapshot will need it.
    Waiting,
}

/// How far a book has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Progress {
    last: u64,
    /// Whether a change has followed the snapshot.
    has_followed: bool,
}

/// The span of prices a snapshot covered and its middle: levels beyond are known only once they have changed.
#[derive(Debug, Clone, Copy)]
struct Horizon {
    lowest: Price,
    middle: Price,
    highest: Price,
}

/// The best of both sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BookTop {
    /// Best price to sell at.
    pub bid: Price,
    /// Quantity bid for there.
    pub bid_qty: Qty,
    /// Best price to buy at.
    pub ask: Price,
    /// Quantity offered there.
    pub ask_qty: Qty,
}

/// The book of one instrument.
#[derive(Debug, Clone)]
pub struct OrderBook {
    price_decimals: u8,
    qty_decimals: u8,
    rule: BookRule,
    sides: Sides,
    /// Nothing while the book cannot be trusted.
    progress: Option<Progress>,
    horizon: Option<Horizon>,
    /// Changes for the snapshot under way; nothing where none is awaited.
    waiting: Option<Vec<BookChange>>,
}

impl OrderBook {
    /// An empty book that waits for its first snapshot, in the decimals of `instrument`.
    #[must_use]
    pub const fn new(instrument: &Instrument, rule: BookRule) -> Self {
        Self {
            price_decimals: instrument.price_decimals,
            qty_decimals: instrument.qty_decimals,
            rule,
            sides: Sides::new(),
            progress: None,
            horizon: None,
            waiting: Some(Vec::new()),
        }
    }

    /// Whether the levels are the venue's.
    #[must_use]
    pub const fn is_synchronised(&self) -> bool {
        self.progress.is_some()
    }

    /// The last update it holds, or the last number of a connection; nothing while it cannot be trusted.
    #[must_use]
    pub fn last_update(&self) -> Option<u64> {
        self.progress.map(|progress| progress.last)
    }

    /// Best bid and ask; nothing where a side is empty or the book cannot be trusted.
    #[must_use]
    pub fn top(&self) -> Option<BookTop> {
        self.progress?;
        let ((bid, bid_qty), (ask, ask_qty)) = (self.sides.best_bid()?, self.sides.best_ask()?);
        Some(BookTop { bid, bid_qty, ask, ask_qty })
    }

    /// Best bid and ask as market data of a run.
    #[must_use]
    pub fn quote(&self, instrument: InstrumentId, venue_at: Timestamp) -> Option<Quote> {
        let BookTop { bid, bid_qty, ask, ask_qty } = self.top()?;
        Some(Quote { instrument, venue_at, bid, bid_qty, ask, ask_qty })
    }

    /// Prices and quantities bid for, best first.
    pub fn bids(&self) -> impl Iterator<Item = (Price, Qty)> {
        self.sides.bids()
    }

    /// Prices and quantities offered, best first.
    pub fn asks(&self) -> impl Iterator<Item = (Price, Qty)> {
        self.sides.asks()
    }

    /// Whether the market has gone more than half of the way to where its last snapshot ended, so that another is due. Only
    /// books of [`BookRule::UpdateIds`] and [`BookRule::PreviousUpdateId`] come from cut snapshots.
    #[must_use]
    pub fn is_refresh_due(&self) -> bool {
        let (Some(horizon), Some(top)) = (self.horizon, self.top()) else { return false };
        let units = |price: Price| i128::from(price.units());
        let below = (units(horizon.middle) + units(horizon.lowest)) / 2;
        let above = (units(horizon.middle) + units(horizon.highest)) / 2;
        units(top.bid) < below || units(top.ask) > above
    }

    /// Begins to keep changes for a new snapshot; the book goes on in the meantime.
    pub fn begin_refresh(&mut self) {
        self.waiting.get_or_insert_default();
    }

    /// Throws the levels away because of something the book itself cannot see, such as a gap on the connection.
    pub fn invalidate(&mut self) {
        self.progress = None;
        self.horizon = None;
        self.sides = Sides::new();
        self.waiting = Some(Vec::new());
    }

    /// Takes a snapshot, and the changes since that were kept for it.
    ///
    /// # Errors
    /// [`Desynchronised`]; after [`Desynchronised::SnapshotTooOld`] the book and what was kept are as before, so ask for
    /// another snapshot; after any other the levels are gone.
    pub fn take_snapshot(&mut self, snapshot: &BookSnapshot) -> Result<Outcome, Desynchronised> {
        let built = self.built(snapshot);
        match built {
            Ok((sides, progress)) => {
                self.horizon = horizon(self.rule, snapshot, self.price_decimals);
                self.sides = sides;
                self.progress = Some(progress);
                self.waiting = None;
                Ok(Outcome::Applied)
            }
            Err(why @ Desynchronised::SnapshotTooOld { .. }) => Err(why),
            Err(why) => {
                self.invalidate();
                Err(why)
            }
        }
    }

    fn built(&self, snapshot: &BookSnapshot) -> Result<(Sides, Progress), Desynchronised> {
        let mut sides = Sides::new();
        self.write(&mut sides, &snapshot.bids, &snapshot.asks)?;
        let last = match (self.rule, snapshot.proof) {
            (BookRule::UpdateIds | BookRule::PreviousUpdateId, BookProof::UpTo(last)) => last,
            (BookRule::Connection, BookProof::Connection(number)) => number,
            (BookRule::Checksum { .. }, BookProof::Checksum(told)) => {
                sides.check(told)?;
                0
            }
            // Version 1 of Kraken's streams begins a book without one; the next change has it.
            (BookRule::Checksum { .. }, BookProof::Unsaid) => 0,
            (_, proof) => return Err(Desynchronised::OtherProof { proof }),
        };
        let mut progress = Progress { last, has_followed: false };
        for change in self.waiting.iter().flatten() {
            let is_first = !progress.has_followed;
            match self.follows(&mut progress, change.proof) {
                Ok(true) => self.write(&mut sides, &change.bids, &change.asks)?,
                Ok(false) => {}
                Err(Desynchronised::Gap { first, .. }) if is_first => {
                    return Err(Desynchronised::SnapshotTooOld { snapshot: last, first });
                }
                Err(why) => return Err(why),
            }
        }
        sides.check_uncrossed()?;
        Ok((sides, progress))
    }

    /// Takes a change.
    ///
    /// # Errors
    /// [`Desynchronised`]: the levels are gone, and the book waits for a snapshot.
    pub fn take_change(&mut self, change: &BookChange) -> Result<Outcome, Desynchronised> {
        let kept = self.keep_waiting(change);
        let Some(mut progress) = self.progress else { return kept.map(|()| Outcome::Waiting) };
        let taken = match self.follows(&mut progress, change.proof) {
            Ok(true) => self.apply(change).map(|()| Outcome::Applied),
            Ok(false) => Ok(Outcome::Known),
            Err(why) => Err(why),
        };
        match taken {
            Ok(outcome) => {
                self.progress = Some(progress);
                Ok(outcome)
            }
            Err(why) => {
                self.invalidate();
                // The next snapshot builds on what comes from here on, this change included.
                self.keep_waiting(change)?;
                Err(why)
            }
        }
    }

    /// Keeps a change for the snapshot under way, where the snapshot will not hold it itself.
    fn keep_waiting(&mut self, change: &BookChange) -> Result<(), Desynchronised> {
        let needs_changes = matches!(self.rule, BookRule::UpdateIds | BookRule::PreviousUpdateId);
        let Some(waiting) = self.waiting.as_mut().filter(|_| needs_changes) else { return Ok(()) };
        if waiting.len() < WAITING_MAX {
            waiting.push(change.clone());
            return Ok(());
        }
        // A snapshot that is so late is given up, and the book, where there is one, goes on.
        *waiting = Vec::new();
        Err(Desynchronised::SnapshotTooLate { kept: WAITING_MAX })
    }

    fn apply(&mut self, change: &BookChange) -> Result<(), Desynchronised> {
        let mut sides = core::mem::take(&mut self.sides);
        self.write(&mut sides, &change.bids, &change.asks)?;
        if let (BookRule::Checksum { .. }, BookProof::Checksum(told)) = (self.rule, change.proof) {
            sides.check(told)?;
        }
        sides.check_uncrossed()?;
        self.sides = sides;
        Ok(())
    }

    fn write(&self, sides: &mut Sides, bids: &[Level], asks: &[Level]) -> Result<(), Desynchronised> {
        sides.write(bids, asks, [self.price_decimals, self.qty_decimals])?;
        if let BookRule::Checksum { depth } = self.rule {
            sides.truncate(depth);
        }
        Ok(())
    }

    /// Whether a change with this proof is the next one; `false` for one that is known already.
    fn follows(&self, progress: &mut Progress, proof: BookProof) -> Result<bool, Desynchronised> {
        let known = progress.last;
        let gap = |first, last| Err(Desynchronised::Gap { known, first, last });
        match (self.rule, proof) {
            (BookRule::UpdateIds, BookProof::Updates { first, last, .. }) => {
                if last <= known {
                    return Ok(false);
                }
                // A change that begins right behind the last update follows as well as one that overlaps it.
                if known.checked_add(1).is_none_or(|next| first > next) {
                    return gap(first, last);
                }
                *progress = Progress { last, has_followed: true };
            }
            (BookRule::PreviousUpdateId, BookProof::Updates { first, last, previous }) => {
                if last < known || (progress.has_followed && last == known) {
                    return Ok(false);
                }
                let begins = !progress.has_followed && first <= known;
                if !begins && previous != Some(known) {
                    return gap(first, last);
                }
                *progress = Progress { last, has_followed: true };
            }
            (BookRule::Connection, BookProof::Connection(number)) => {
                if number < known {
                    return gap(number, number);
                }
                *progress = Progress { last: number, has_followed: true };
            }
            (BookRule::Checksum { .. }, BookProof::Checksum(_)) => {}
            (_, proof) => return Err(Desynchronised::OtherProof { proof }),
        }
        Ok(true)
    }
}

/// Where a cut snapshot ends.
fn horizon(rule: BookRule, snapshot: &BookSnapshot, decimals: u8) -> Option<Horizon> {
    if !matches!(rule, BookRule::UpdateIds | BookRule::PreviousUpdateId) {
        return None;
    }
    let price = |level: &Level| crate::decimal::price(level.price, decimals).ok();
    let lowest = snapshot.bids.iter().filter_map(price).min()?;
    let highest = snapshot.asks.iter().filter_map(price).max()?;
    let bid = snapshot.bids.iter().filter_map(price).max()?;
    let ask = snapshot.asks.iter().filter_map(price).min()?;
    let middle =
        Price::from_units(i64::try_from((i128::from(bid.units()) + i128::from(ask.units())) / 2).ok()?);
    Some(Horizon { lowest, middle, highest })
}

/// Levels by price.
type LevelMap = BTreeMap<Price, Qty>;

#[cfg(test)]
mod tests;
