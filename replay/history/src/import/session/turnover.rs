//! Whether the volume of bars can be coins: what they would be worth says when it cannot.

use engine_core::time::Span;

use super::Session;
use crate::import::recorded::Recorded;
use crate::import::row::VolumeUnit;

/// Money that no market of one coin turns over in a day, whatever its currency: all crypto markets together trade a
/// few 10¹¹ USD a day, the largest market of one coin in won a few 10¹¹ won.
const DAILY_TURNOVER_MAX: f64 = 1e12;
/// Bars below which a few odd ones could decide.
const BARS_MIN: u32 = 10;

/// Volume times close of all bars, in units of both.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Turnover {
    sum: f64,
    bars: u32,
}

impl Turnover {
    pub(super) fn add(&mut self, turnover: f64) {
        self.sum += turnover;
        self.bars = self.bars.saturating_add(1);
    }

    /// Money in a day of bars of `interval`, where there are enough of them.
    fn daily(self, interval: Span, decimals: u8) -> Option<f64> {
        let days = f64::from(self.bars) * interval.nanos() as f64 / Span::DAY.nanos() as f64;
        let units = (0..decimals).fold(1.0_f64, |units, _| units * 10.0);
        (self.bars >= BARS_MIN && days > 0.0).then(|| self.sum / units / days)
    }
}

impl<R: Recorded> Session<'_, R> {
    /// Says when the volume is worth more than any market trades: then the column is money.
    pub(super) fn note_turnover(&mut self) {
        let info = &self.plan.info;
        let Some(interval) = info.interval.filter(|_| self.request.volume_unit == VolumeUnit::Base) else {
            return;
        };
        let daily = self.turnover.daily(interval, info.price_decimals.saturating_add(info.qty_decimals));
        if let Some(daily) = daily.filter(|daily| *daily > DAILY_TURNOVER_MAX) {
            self.observer.decide(format!(
                "the volume times the close comes to {daily:.1e} a day, more than any market of one coin trades \
                 ({DAILY_TURNOVER_MAX:.0e}): if the column counts money instead of coins, import with --volume-in quote"
            ));
        }
    }
}
