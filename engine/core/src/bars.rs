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

/// Gathers trades of one instrument into bars.
///
/// A time bar holds the trades with `open ≤ arrival < close`. It is completed by the house's clock, through a
/// deadline or by the first later trade, whichever comes first; a span without trades makes no bar.
#[derive(serde::Serialize, serde::Deserialize, Clone, Debug, PartialEq, Eq, Hash)]
pub struct BarBuilder {
    rule: BarRule,
    forming: Option<Bar>,
    completed: Option<Bar>,
}

impl BarBuilder {
    /// A builder with nothing in it.
    #[must_use]
    pub const fn new(rule: BarRule) -> Self {
        Self { rule, forming: None, completed: None }
    }

    /// When the forming bar must be completed, for time bars with a trade in them.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
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
        if self.deadline().is_some_and(|deadline| at >= deadline) {
            self.complete();
        }
    }

    /// Takes one trade in, completing the bar it ends or fills.
    ///
    /// # Panics
    /// When a completed bar was not announced before the next one completes.
    pub fn take(&mut self, at: Timestamp, trade: &Trade) {
        self.pass(at);
        match &mut self.forming {
            Some(bar) => extend(bar, trade),
            None => self.forming = Some(self.opened(at, trade)),
        }
        let full = self.forming.as_ref().is_some_and(|bar| match self.rule {
            BarRule::Time(_) => false,
            BarRule::Ticks(count) => bar.trades >= count,
            BarRule::Volume(volume) => bar.volume >= volume,
        });
        if full {
            self.forming = self.forming.map(|bar| Bar { close_at: at, ..bar });
            self.complete();
        }
    }

    fn complete(&mut self) {
        assert!(self.completed.is_none(), "a completed bar is announced in the step that completes it");
        self.completed = self.forming.take();
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

fn extend(bar: &mut Bar, trade: &Trade) {
    bar.high = bar.high.max(trade.price);
    bar.low = bar.low.min(trade.price);
    bar.close = trade.price;
    bar.volume = bar.volume.plus(trade.qty).unwrap_or(Qty::MAX);
    bar.trades = bar.trades.saturating_add(1);
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
            builder.take(at, &trade);
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
        let made = bars(rule, &[(3, 100, 1), (9, 90, 1), (10, 120, 1), (35, 80, 1)]);
        assert_eq!(made, [(0, 90, 100, 2), (10, 120, 120, 1)]);
    }

    #[test]
    fn tick_and_volume_bars_close_with_the_trade_that_fills_them() {
        let trades = [(1, 100, 5), (2, 110, 5), (3, 90, 20), (4, 95, 1)];
        assert_eq!(bars(BarRule::Ticks(2), &trades), [(1, 110, 110, 2), (3, 95, 95, 2)]);
        assert_eq!(bars(BarRule::Volume(Qty::from_units(10)), &trades), [(1, 110, 110, 2), (3, 90, 90, 1)]);
    }
}
