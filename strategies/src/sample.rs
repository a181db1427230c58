//! What a signal learns from: one bar, trade or quote, reduced to its prices and its quantity.

use engine_core::event::{Event, Input, Output};
use engine_core::instrument::InstrumentId;
use engine_core::market::{Bar, MarketUpdate};
use engine_core::num::{Price, Qty};
use serde::Serialize;

/// Which market records a policy learns from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// Bars of history and bars built from trades, when they close.
    Bars,
    /// Every trade.
    Trades,
    /// The middle of every quote.
    Quotes,
}

/// One market record as a signal sees it. A trade or quote has one price for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// First price.
    pub open: Price,
    /// Highest price.
    pub high: Price,
    /// Lowest price.
    pub low: Price,
    /// Last price.
    pub close: Price,
    /// Quantity traded; none for a quote.
    pub volume: Qty,
}

impl Sample {
    /// A sample of one price.
    #[must_use]
    pub const fn at(price: Price) -> Self {
        Self { open: price, high: price, low: price, close: price, volume: Qty::ZERO }
    }

    const fn of_bar(bar: &Bar) -> Self {
        Self { open: bar.open, high: bar.high, low: bar.low, close: bar.close, volume: bar.volume }
    }

    /// Whether the price did not move within it.
    #[must_use]
    pub fn is_flat(&self) -> bool {
        self.high == self.low && self.open == self.close && self.open == self.high
    }
}

impl Source {
    /// The sample in `event` for this source, if there is one.
    #[must_use]
    #[inline]
    pub fn sample(self, event: &Event) -> Option<(InstrumentId, Sample)> {
        match (self, event) {
            (Self::Trades, Event::Input(Input::Market(MarketUpdate::Trade(trade)))) => {
                Some((trade.instrument, Sample { volume: trade.qty, ..Sample::at(trade.price) }))
            }
            (
                Self::Bars,
                Event::Input(Input::Market(MarketUpdate::Bar(bar) | MarketUpdate::SignalBar(bar))),
            )
            | (Self::Bars, Event::Output(Output::BarClosed(bar))) => {
                Some((bar.instrument, Sample::of_bar(bar)))
            }
            (Self::Quotes, Event::Input(Input::Market(MarketUpdate::Quote(quote)))) => {
                let middle = i64::midpoint(quote.bid.units(), quote.ask.units());
                Some((quote.instrument, Sample::at(Price::from_units(middle))))
            }
            (Self::Bars | Self::Trades | Self::Quotes, Event::Input(_) | Event::Output(_)) => None,
        }
    }
}
