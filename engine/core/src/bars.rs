//! Bars built from trades: by time, by number of trades or by volume.

use crate::market::{Bar, Trade};
use crate::num::Qty;
use crate::time::{Span, Timestamp};

/// When a bar is full.
#[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[serde(rename_all = "snake_case")]
pub enum BarRule {
    /// At every multiple of this span since the epoch.
    Time(Span),
    /// After this many trades.
    Ticks(u32),
    /// Once this quantity has traded; the trade that crosses the line belongs to the bar it fills.
    Volume(Qty),
}

/// Why a trade is not in its bar: the volume would leave the range of quantities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("add a trade to its bar: the volume does not fit in 128 bits")]
pub struct VolumeOverflow;

/// Gathers trades of one instrument into bars.
///
/// A time bar holds the trades with `open ≤ arrival < close`. It is completed by the house's clock, through a
/// deadline or by the first later trade, whichever comes first; a span without trades makes no bar. A time bar that
/// began before the first trade of all is partial, for nobody knows what it missed, and is never completed.
#[derive(serde::Serialize, serde::Deserialize, Clone, Debug, PartialEq, Eq, Hash)]
pub struct BarBuilder {
    rule: BarRule,
    forming: Option<Bar>,
    completed: Option<Bar>,
    /// Whether a trade was taken in before.
    begun: bool,
    /// Whether the forming bar began before the first trade.
    partial: bool,
}

impl BarBuilder {
    /// A builder with nothing in it.
    #[must_use]
    pub const fn new(rule: BarRule) -> Self {
        Self { rule, forming: None, completed: None, begun: false, partial: false }
    }

    /// When the forming bar must be completed, for whole time bars with a trade in them.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        if self.partial { None } else { self.over_at() }
    }

    fn over_at(&self) -> Option<Timestamp> {
        match self.rule {
            BarRule::Time(_) => self.forming.as_ref().map(|bar| bar.close_at),
            BarRule::Ticks(_) | BarRule::Volume(_) => None,
        }
    }

    /// The bar that is complete and not yet announced.
    #[must_use]
    pub const fn completed(&self) -> Option<Bar> {
        self.completed
    }

    /// Forgets the completed bar, because it was announced.
    pub fn announce(&mut self) {
        self.completed = None;
    }

    /// Completes the forming time bar if it is over at `at`.
    pub fn pass(&mut self, at: Timestamp) {
        if self.over_at().is_some_and(|end| at >= end) {
            self.complete();
        }
    }

    /// Takes one trade in, completing the bar it ends or fills.
    ///
    /// # Errors
    /// [`VolumeOverflow`]; the forming bar stays as it was then.
    ///
    /// # Panics
    /// When a completed bar was not announced before the next one completes.
    pub fn take(&mut self, at: Timestamp, trade: &Trade) -> Result<(), VolumeOverflow> {
        self.pass(at);
        match &mut self.forming {
            Some(bar) => extend(bar, trade)?,
            None => {
                let bar = self.opened(at, trade);
                self.partial = !self.begun && bar.open_at < at;
                self.forming = Some(bar);
            }
        }
        self.begun = true;
        let full = self.forming.as_ref().is_some_and(|bar| match self.rule {
            BarRule::Time(_) => false,
            BarRule::Ticks(count) => bar.trades >= count,
            BarRule::Volume(volume) => bar.volume >= volume,
        });
        if full {
            self.forming = self.forming.map(|bar| Bar { close_at: at, ..bar });
            self.complete();
        }
        Ok(())
    }

    fn complete(&mut self) {
        assert!(self.completed.is_none(), "a completed bar is announced in the step that completes it");
        let over = self.forming.take();
        if !core::mem::take(&mut self.partial) {
            self.completed = over;
        }
    }

    fn opened(&self, at: Timestamp, trade: &Trade) -> Bar {
        let (open_at, close_at) = match self.rule {
            BarRule::Time(span) => (at.floor(span), at.floor(span).plus(span)),
            BarRule::Ticks(_) | BarRule::Volume(_) => (at, at),
        };
        Bar {
            instrument: trade.instrument,
            open_at,
            close_at,
            open: trade.price,
            high: trade.price,
            low: trade.price,
            close: trade.price,
            volume: trade.qty,
            trades: 1,
        }
    }
}

fn extend(bar: &mut Bar, trade: &Trade) -> Result<(), VolumeOverflow> {
    bar.volume = bar.volume.plus(trade.qty).ok_or(VolumeOverflow)?;
    bar.high = bar.high.max(trade.price);
    bar.low = bar.low.min(trade.price);
    bar.close = trade.price;
    // A count, and no amount: nothing is computed from it, and a bar of so many ticks is full before.
    bar.trades = bar.trades.saturating_add(1);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instrument::InstrumentId;
    use crate::market::Aggressor;
    use crate::num::Price;

    fn trade(nanos: i64, price: i64, qty: i128) -> (Timestamp, Trade) {
        let at = Timestamp::from_nanos(nanos);
        let trade = Trade {
            instrument: InstrumentId::new(0),
            venue_at: at,
            price: Price::from_units(price),
            qty: Qty::from_units(qty),
            aggressor: Aggressor::Unknown,
        };
        (at, trade)
    }

    fn bars(rule: BarRule, trades: &[(i64, i64, i128)]) -> Vec<(i64, i64, i64, u32)> {
        let mut builder = BarBuilder::new(rule);
        let mut closed = Vec::new();
        for (nanos, price, qty) in trades {
            let (at, trade) = trade(*nanos, *price, *qty);
            builder.take(at, &trade).unwrap();
            closed.extend(builder.completed());
            builder.announce();
        }
        closed
            .iter()
            .map(|bar| (bar.open_at.nanos(), bar.close.units(), bar.high.units(), bar.trades))
            .collect()
    }

    #[test]
    fn a_trade_on_the_boundary_belongs_to_the_next_time_bar() {
        let rule = BarRule::Time(Span::from_nanos(10));
        let made = bars(rule, &[(0, 100, 1), (9, 90, 1), (10, 120, 1), (35, 80, 1)]);
        assert_eq!(made, [(0, 90, 100, 2), (10, 120, 120, 1)]);
    }

    #[test]
    fn a_time_bar_that_began_before_the_data_is_not_announced() {
        let rule = BarRule::Time(Span::from_nanos(10));
        let late = [(3, 100, 1), (9, 90, 1), (10, 120, 1), (35, 80, 1), (41, 70, 1)];
        assert_eq!(bars(rule, &late), [(10, 120, 120, 1), (30, 80, 80, 1)]);
        let mut builder = BarBuilder::new(rule);
        let (at, first) = trade(3, 100, 1);
        builder.take(at, &first).unwrap();
        assert_eq!(builder.deadline(), None, "nothing to be woken for");
        builder.pass(Timestamp::from_nanos(10));
        assert_eq!(builder.completed(), None);
        let (at, second) = trade(12, 100, 1);
        builder.take(at, &second).unwrap();
        assert_eq!(builder.deadline(), Some(Timestamp::from_nanos(20)));
    }

    #[test]
    fn a_volume_grows_past_64_bits_and_refuses_what_does_not_fit() {
        let mut builder = BarBuilder::new(BarRule::Time(Span::from_nanos(10)));
        let mut take = |nanos, price, qty| {
            let (at, trade) = trade(nanos, price, qty);
            builder.take(at, &trade)
        };
        assert_eq!(take(1, 100, i128::from(i64::MAX)), Ok(()));
        assert_eq!(take(2, 120, i128::from(i64::MAX)), Ok(()));
        assert_eq!(take(3, 150, i128::MAX - 1), Err(VolumeOverflow));
        builder.pass(Timestamp::from_nanos(10));
        let bar = builder.completed().unwrap();
        assert_eq!((bar.volume.units(), bar.high.units(), bar.trades), (2 * i128::from(i64::MAX), 120, 2));
    }

    #[test]
    fn tick_and_volume_bars_close_with_the_trade_that_fills_them() {
        let trades = [(1, 100, 5), (2, 110, 5), (3, 90, 20), (4, 95, 1)];
        assert_eq!(bars(BarRule::Ticks(2), &trades), [(1, 110, 110, 2), (3, 95, 95, 2)]);
        assert_eq!(bars(BarRule::Volume(Qty::from_units(10)), &trades), [(1, 110, 110, 2), (3, 90, 90, 1)]);
    }
}
