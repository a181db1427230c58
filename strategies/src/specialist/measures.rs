//! What specialists see of one market: volatility now and usually, and five signals from −1 to 1.

use engine_core::indicator::Candle;
use engine_core::indicator::missing_bars::{breaks, move_across};

use crate::price_history::PriceHistory;

/// Bars before the first measures.
pub const WARM_UP_BARS: usize = 60;

const SHORT_BARS: usize = 5;
const LONG_BARS: usize = 20;
const CHANNEL_BARS: usize = 10;
const BOUNCE_BARS: usize = 3;
const STRENGTH_BARS: f64 = 14.0;
/// Spans of the present and the usual volatility, in bars.
const PRESENT_SPAN: f64 = 20.0;
const USUAL_SPAN: f64 = 250.0;

/// A volatility this small is rounding of a price that stands still.
const QUIET: f64 = 1e-9;

/// One bar as the specialists see it. Signals lie between −1 and 1 and speak for a rise when positive.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measures {
    /// Deviation of a bar's log return, present.
    pub volatility: f64,
    /// Usual over present volatility.
    pub calm: f64,
    /// Move of 5 bars in units of its deviation.
    pub momentum: f64,
    /// Average of 5 closes above that of 20, in units of volatility.
    pub trend: f64,
    /// Weakness by RSI 14 and by distance below the average of 20 closes.
    pub reversion: f64,
    /// Place of the close in the channel of the last 10 closes.
    pub breakout: f64,
    /// Move of 3 bars in units of its deviation.
    pub bounce: f64,
}

/// The streaming side of [`Measures`].
#[derive(Debug, Clone)]
pub struct Measurer {
    closes: PriceHistory,
    last: Option<f64>,
    present: Mean,
    usual: Mean,
    gains: Mean,
    losses: Mean,
    /// Bars until the windows that a gap took half of have filled again.
    silent_bars: u32,
}

/// An exponential mean that weighs every value since the first.
#[derive(Debug, Clone, Copy)]
struct Mean {
    keep: f64,
    sum: f64,
    weight: f64,
}

impl Mean {
    const fn new(keep: f64) -> Self {
        Self { keep, sum: 0.0, weight: 0.0 }
    }

    const fn of_span(span: f64) -> Self {
        Self::new(1.0 - 2.0 / (span + 1.0))
    }

    fn push(&mut self, value: f64) {
        self.sum = self.keep * self.sum + value;
        self.weight = self.keep * self.weight + 1.0;
    }

    fn get(&self) -> f64 {
        if self.weight > 0.0 { self.sum / self.weight } else { 0.0 }
    }
}

impl Default for Measurer {
    fn default() -> Self {
        Self::new()
    }
}

impl Measurer {
    /// One that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        let wilder = Mean::new(1.0 - 1.0 / STRENGTH_BARS);
        Self {
            closes: PriceHistory::new(LONG_BARS + 1),
            last: None,
            present: Mean::of_span(PRESENT_SPAN),
            usual: Mean::of_span(USUAL_SPAN),
            gains: wilder,
            losses: wilder,
            silent_bars: 0,
        }
    }

    /// Learns one closed bar of a positive price; `None` while too few were seen or while the price stands still.
    pub fn learn(&mut self, candle: &Candle) -> Option<Measures> {
        let close = candle.close;
        if let Some(last) = self.last.replace(close) {
            let log_return = libm::log(close / last);
            self.present.push(log_return * log_return);
            self.usual.push(log_return * log_return);
            self.gains.push((close - last).max(0.0));
            self.losses.push((last - close).max(0.0));
        }
        self.closes.push(close);
        let (volatility, usual) = (self.present.get().sqrt(), self.usual.get().sqrt());
        if self.silent_bars > 0 {
            self.silent_bars -= 1;
            return None;
        }
        if self.closes.seen() < WARM_UP_BARS || volatility < QUIET {
            return None;
        }
        let (short, long) = (self.average(SHORT_BARS), self.average(LONG_BARS));
        Some(Measures {
            volatility,
            calm: usual / volatility,
            momentum: squashed(self.moved(SHORT_BARS) / (volatility * (SHORT_BARS as f64).sqrt())),
            trend: squashed((short - long) / (close * volatility * 2.0)),
            reversion: self.reversion(close, long, volatility),
            breakout: self.breakout(close),
            bounce: squashed(self.moved(BOUNCE_BARS) / (volatility * (BOUNCE_BARS as f64).sqrt())),
        })
    }

    /// `missing` bars are missing before one that opens at `open`. Answers whether it goes on; behind a gap of more
    /// than half of the warm-up it begins anew.
    ///
    /// Closes lie on a straight line of log prices across the gap, and its move is one observation of a bar's size.
    /// There are no measures while the shortest window holds more missing bars than known ones, for at most as many
    /// bars as are missing.
    pub fn bridge(&mut self, missing: u32, open: f64) -> bool {
        let Some(last) = self.last.filter(|_| missing > 0) else { return true };
        let log_last = libm::log(last);
        let crossed = move_across(log_last, open, missing).filter(|_| !breaks(missing, WARM_UP_BARS));
        let Some((moved, log_open)) = crossed else {
            self.forget();
            return false;
        };
        self.present.push(moved * moved);
        self.usual.push(moved * moved);
        let step = (open - last) / f64::from(missing).sqrt();
        self.gains.push(step.max(0.0));
        self.losses.push((-step).max(0.0));
        for bar in 1..=missing {
            let way = f64::from(bar) / f64::from(missing);
            self.closes.push(libm::exp(log_last + (log_open - log_last) * way));
        }
        self.last = Some(open);
        if breaks(missing, BOUNCE_BARS) {
            self.silent_bars = self.silent_bars.max(missing);
        }
        true
    }

    /// Forgets everything.
    pub fn forget(&mut self) {
        *self = Self::new();
    }

    fn average(&self, bars: usize) -> f64 {
        (0..bars).filter_map(|ago| self.closes.ago(ago)).sum::<f64>() / bars as f64
    }

    /// Log return over `bars` bars.
    fn moved(&self, bars: usize) -> f64 {
        match (self.closes.ago(0), self.closes.ago(bars)) {
            (Some(now), Some(then)) => libm::log(now / then),
            (Some(_) | None, _) => 0.0,
        }
    }

    fn reversion(&self, close: f64, long: f64, volatility: f64) -> f64 {
        let (gain, loss) = (self.gains.get(), self.losses.get());
        let strength = if gain + loss > 0.0 { 100.0 * gain / (gain + loss) } else { 50.0 };
        let below = (long - close) / (close * volatility * 3.0);
        squashed(f64::midpoint((50.0 - strength) / 15.0, below))
    }

    fn breakout(&self, close: f64) -> f64 {
        let channel = (0..CHANNEL_BARS).filter_map(|ago| self.closes.ago(ago));
        let (low, high) =
            channel.fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(value), high.max(value)));
        if high > low { 2.0 * (close - low) / (high - low) - 1.0 } else { 0.0 }
    }
}

/// Any number, laid between −1 and 1; slope 1 at nothing.
fn squashed(value: f64) -> f64 {
    value / (1.0 + value * value).sqrt()
}

engine_core::learned!(Mean { settings: [keep], values: [sum, weight] });
engine_core::learned!(Measurer {
    values: [last, silent_bars],
    parts: [closes, present, usual, gains, losses]
});

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_price_that_stands_still_has_no_measures() {
        let mut measurer = Measurer::new();
        assert!((0..200).all(|_| measurer.learn(&Candle::at(7.0)).is_none()));
    }

    #[test]
    fn a_rise_signals_trend_and_a_fall_reversion() {
        let mut measurer = Measurer::new();
        let mut price = 100.0;
        let mut last = None;
        for bar in 0..120 {
            price *= if bar % 3 == 0 { 0.995 } else { 1.01 };
            last = measurer.learn(&Candle::at(price));
        }
        let risen = last.unwrap();
        assert!(risen.trend > 0.3 && risen.momentum > 0.3 && risen.reversion < 0.0, "{risen:?}");
        for _ in 0..15 {
            price *= 0.98;
            last = measurer.learn(&Candle::at(price));
        }
        let fallen = last.unwrap();
        assert!(fallen.trend < 0.0 && fallen.breakout < -0.9 && fallen.reversion > 0.3, "{fallen:?}");
        assert!(fallen.calm < 1.0, "{fallen:?}");
    }

    proptest! {
        #[test]
        fn every_measure_is_finite_and_signals_stay_within_one(
            steps in prop::collection::vec(-0.9_f64..3.0, 60..200),
        ) {
            let mut measurer = Measurer::new();
            let mut price = 100.0;
            for step in steps {
                price = (price * (1.0 + step)).clamp(1e-6, 1e9);
                let Some(seen) = measurer.learn(&Candle::at(price)) else { continue };
                prop_assert!(seen.volatility > 0.0 && seen.calm.is_finite());
                for signal in [seen.momentum, seen.trend, seen.reversion, seen.breakout, seen.bounce] {
                    prop_assert!(signal.abs() <= 1.0, "{seen:?}");
                }
            }
        }
    }
}
