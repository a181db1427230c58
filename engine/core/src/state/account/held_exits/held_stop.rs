//! The stop of an exit that the core keeps: one that stays where it is, or one that follows the price.
//!
//! What follows is one order after another: each rests at its venue where the best price put it, and stands there whatever
//! becomes of the engine. Moving it takes its end and a new order, between which the position has no stop, so it is moved
//! only where that wins a tenth of what lies between the best price and the stop, and no sooner than ten seconds after it
//! was placed. So what rests is behind the best price by its share and at most a tenth of that more, but for those seconds.

use crate::instrument::Instrument;
use crate::market::Side;
use crate::num::{Price, Ratio};
use crate::order::BracketStop;
use crate::time::{Span, Timestamp};

/// How long a stop stands at least before it is moved behind the price. A venue that counts an end the dearer the younger its
/// order is, as Kraken does, lets a key go on at this pace for ever.
pub(super) const STANDS_BEFORE_IT_MOVES: Span = Span::from_nanos(10 * Span::SECOND.nanos());

/// A move wins at least this part of the distance between the best price and the stop.
const MOVES_BY: i128 = 10;

/// The protecting stop of what an entry holds. On record and in fingerprints the first two are what those of a bracket are.
#[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[serde(rename_all = "snake_case")]
pub enum HeldStop {
    /// There is none.
    None,
    /// It stays at this trigger.
    At(Price),
    /// It follows the price.
    Trailing(Trail),
}

/// A stop that follows the price, and how far it has come.
#[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Trail {
    share: Ratio,
    /// The best mark since the entry opened.
    best: Price,
    /// Where the stop belongs, on a tick; [`Price::BEYOND`] where no price can be that, and no market touches it.
    level: Price,
    /// When the entry opened, by the venue's clock: the market of before says nothing about it.
    since: Timestamp,
}

/// Where and when an entry opened.
#[derive(Debug, Clone, Copy)]
pub(in crate::state) struct OpenedAt {
    /// The price of its trade.
    pub(in crate::state) price: Price,
    /// The moment of its trade, by the venue's clock.
    pub(in crate::state) venue_at: Timestamp,
}

impl HeldStop {
    /// The stop that `side` ends an entry with, which opened at `opened` while the market stood at `mark`.
    pub(super) fn begun(
        stop: BracketStop,
        side: Side,
        opened: OpenedAt,
        mark: Option<Price>,
        rules: &Instrument,
    ) -> Self {
        match stop {
            BracketStop::None => Self::None,
            BracketStop::At(price) => Self::At(price),
            BracketStop::Trailing(share) => {
                // Either may be older than the other, and the worse of the two does not sell what was just bought.
                let mark = mark.filter(|mark| mark.is_positive() && is_better(side, opened.price, *mark));
                let best = mark.unwrap_or(opened.price);
                let level = level(rules, side, best, share).unwrap_or(Price::BEYOND);
                Self::Trailing(Trail { share, best, level, since: opened.venue_at })
            }
        }
    }

    /// Whether there is a stop.
    #[must_use]
    pub const fn is_some(&self) -> bool {
        !matches!(self, Self::None)
    }

    /// Where it belongs now, if anywhere.
    #[must_use]
    pub fn price(&self) -> Option<Price> {
        match self {
            Self::None => None,
            Self::At(price) => Some(*price),
            Self::Trailing(trail) => Some(trail.level).filter(|level| *level != Price::BEYOND),
        }
    }

    /// Learns where the market stood at `told_at`, by the venue's clock.
    pub(super) fn follow(&mut self, side: Side, mark: Price, told_at: Timestamp, rules: &Instrument) {
        if let Self::Trailing(trail) = self
            && told_at > trail.since
            && is_better(side, mark, trail.best)
            && let Some(level) = level(rules, side, mark, trail.share)
        {
            (trail.best, trail.level) = (mark, level);
        }
    }

    /// Whether a stop that rests at `trigger` is to be moved to where it belongs.
    #[must_use]
    pub(super) fn has_left(&self, side: Side, trigger: Price) -> bool {
        let (Self::Trailing(trail), Some(level)) = (self, self.price()) else { return false };
        let [level, trigger, best] = [level, trigger, trail.best].map(|price| i128::from(price.units()));
        let (won, left) = match side {
            Side::Sell => (level - trigger, best - level),
            Side::Buy => (trigger - level, level - best),
        };
        won > 0 && won * MOVES_BY >= left
    }
}

/// Whether a stop of `side` follows from `other` to `price`: up for one that sells, down for one that buys.
fn is_better(side: Side, price: Price, other: Price) -> bool {
    match side {
        Side::Sell => price > other,
        Side::Buy => price < other,
    }
}

/// The price `share` behind `best`, on the next tick toward it: no stop that sells lies at nothing. `None` where it does not
/// fit.
fn level(rules: &Instrument, side: Side, best: Price, share: Ratio) -> Option<Price> {
    let (best, share) = (i128::from(best.units()), i128::from(share.units()));
    let (tick, one) = (i128::from(rules.tick.units()), i128::from(Ratio::ONE.units()));
    let step = tick.checked_mul(one)?;
    let ticks = match side {
        Side::Sell => (best * (one - share)).checked_add(step - 1)? / step,
        Side::Buy => best * (one + share) / step,
    };
    i64::try_from(ticks * tick).ok().map(Price::from_units).filter(|level| level.is_positive())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(nanos: i64) -> Timestamp {
        Timestamp::from_nanos(nanos)
    }

    fn rules(tick: i64) -> Instrument {
        Instrument { tick: Price::from_units(tick), ..crate::sample::instrument([2, 3], 1, 10) }
    }

    fn trailing(side: Side, percent: i64, price: i64, mark: Option<i64>) -> HeldStop {
        let stop = BracketStop::Trailing(Ratio::from_units(percent * 10_000_000));
        let opened = OpenedAt { price: Price::from_units(price), venue_at: at(5) };
        HeldStop::begun(stop, side, opened, mark.map(Price::from_units), &rules(5))
    }

    fn level_of(stop: HeldStop) -> Option<i64> {
        stop.price().map(Price::units)
    }

    #[test]
    fn it_begins_at_the_worse_of_trade_and_mark() {
        assert_eq!(level_of(trailing(Side::Sell, 2, 10_000, Some(10_500))), Some(9_800));
        assert_eq!(level_of(trailing(Side::Sell, 2, 10_000, Some(9_900))), Some(9_705));
        assert_eq!(level_of(trailing(Side::Buy, 2, 10_000, Some(9_000))), Some(10_200));
        assert_eq!(level_of(trailing(Side::Buy, 2, 10_000, Some(10_100))), Some(10_300));
        assert_eq!(level_of(trailing(Side::Sell, 2, 10_000, None)), Some(9_800));
    }

    #[test]
    fn it_follows_what_is_better_and_later_and_nothing_else() {
        let mut stop = trailing(Side::Sell, 2, 10_000, None);
        let mut follow = |mark: i64, told_at: i64| {
            stop.follow(Side::Sell, Price::from_units(mark), at(told_at), &rules(5));
            level_of(stop)
        };
        assert_eq!(follow(11_000, 5), Some(9_800), "of the moment of its own trade");
        assert_eq!(follow(9_000, 6), Some(9_800));
        assert_eq!(follow(11_000, 7), Some(10_780));
        assert_eq!(follow(10_900, 8), Some(10_780));
    }

    #[test]
    fn it_leaves_what_rests_by_a_tenth_of_what_lies_between() {
        let mut stop = trailing(Side::Sell, 2, 10_000, None);
        let rests = Price::from_units(9_800);
        assert!(!stop.has_left(Side::Sell, rests));
        stop.follow(Side::Sell, Price::from_units(10_015), at(6), &rules(5));
        assert!(!stop.has_left(Side::Sell, rests), "{stop:?}");
        stop.follow(Side::Sell, Price::from_units(10_020), at(7), &rules(5));
        assert_eq!(level_of(stop), Some(9_820));
        assert!(stop.has_left(Side::Sell, rests));
        assert!(!HeldStop::At(Price::from_units(9_900)).has_left(Side::Sell, rests));
    }

    #[test]
    fn a_level_beyond_every_price_is_none() {
        let far = i64::MAX - 10;
        assert_eq!(level_of(trailing(Side::Buy, 2, far, None)), None);
        assert!(level_of(trailing(Side::Sell, 2, far, None)).is_some());
    }

    proptest! {
        #[test]
        fn it_lies_within_a_tick_of_its_share_and_never_turns_back(
            buys in any::<bool>(), tick in 1_i64..50, share in 1_i64..999_999_999,
            marks in prop::collection::vec(1_i64..1_000_000_000, 1..40),
        ) {
            let (side, rules) = (if buys { Side::Buy } else { Side::Sell }, rules(tick));
            let share = Ratio::from_units(share);
            let marks: Vec<i64> = marks.into_iter().map(|mark| mark * tick).collect();
            let opened = OpenedAt { price: Price::from_units(marks[0]), venue_at: at(0) };
            let mut stop = HeldStop::begun(BracketStop::Trailing(share), side, opened, None, &rules);
            let mut best = marks[0];
            let mut before = level_of(stop).unwrap();
            for (mark, moment) in marks.into_iter().zip(1..) {
                stop.follow(side, Price::from_units(mark), at(moment), &rules);
                let moved = if buys { share } else { share.negated().unwrap() };
                best = if buys { best.min(mark) } else { best.max(mark) };
                let now = level_of(stop).unwrap();
                let exact = Price::from_units(best).moved_by(moved).unwrap().units();
                prop_assert!((now - exact).abs() <= tick && now % tick == 0 && now > 0, "{stop:?}");
                prop_assert!(if buys { now <= before } else { now >= before }, "{stop:?}");
                before = now;
            }
        }
    }
}
