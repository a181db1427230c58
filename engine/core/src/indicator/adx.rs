//! Wilder's directional movement: how much of the range goes one way.

use super::Candle;
use super::exponential_mean::ExponentialMean;
use super::true_range::TrueRange;

/// The directional indicators of one bar, each from 0 to 100.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DirectionalMovement {
    /// How strong the direction is, either way: the smoothed |+DI − −DI| / (+DI + −DI).
    pub adx: f64,
    /// Share of the range gained above the former high.
    pub plus: f64,
    /// Share of the range lost below the former low.
    pub minus: f64,
}

/// The average directional index (Wilder 1978), each of its means begun with the plain mean of its first `bars`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adx {
    before: Option<Candle>,
    true_range: TrueRange,
    range: ExponentialMean,
    up: ExponentialMean,
    down: ExponentialMean,
    index: ExponentialMean,
}

impl Adx {
    /// The index over `bars` bars, at least 1; 14 is Wilder's.
    #[must_use]
    pub fn new(bars: u32) -> Self {
        let mean = ExponentialMean::wilder(bars);
        let true_range = TrueRange::default();
        Self { before: None, true_range, range: mean, up: mean, down: mean, index: mean }
    }

    /// Adds `bar`; `None` for the first 2·bars − 1 of them. A bar that is not sound is passed over.
    pub fn learn(&mut self, bar: &Candle) -> Option<DirectionalMovement> {
        let range = self.true_range.learn(bar)?;
        let before = self.before.replace(*bar)?;
        let (risen, fallen) = (bar.high - before.high, before.low - bar.low);
        let range = self.range.learn(range);
        let up = self.up.learn(if risen > fallen { risen.max(0.0) } else { 0.0 });
        let down = self.down.learn(if fallen > risen { fallen.max(0.0) } else { 0.0 });
        let (plus, minus) = (share(up?, range?), share(down?, range?));
        let adx = self.index.learn(share((plus - minus).abs(), plus + minus))?;
        Some(DirectionalMovement { adx, plus, minus })
    }

    /// Forgets every bar.
    pub fn forget(&mut self) {
        self.before = None;
        self.true_range.forget();
        for mean in [&mut self.range, &mut self.up, &mut self.down, &mut self.index] {
            mean.forget();
        }
    }
}

/// `part` of `whole` in per cent, within 0 … 100; 0 where the whole is nothing.
fn share(part: f64, whole: f64) -> f64 {
    if whole > f64::MIN_POSITIVE { (part / whole * 100.0).clamp(0.0, 100.0) } else { 0.0 }
}

crate::learned!(Adx { values: [before], parts: [true_range, range, up, down, index] });

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(low: f64, high: f64) -> Candle {
        let close = (low + high) / 2.0;
        Candle { open: close, high, low, close, volume: 0.0 }
    }

    #[test]
    fn a_staircase_goes_one_way_only() {
        let mut index = Adx::new(3);
        let found: Vec<_> =
            (0..8).map(|step| index.learn(&bar(10.0 + f64::from(step), 12.0 + f64::from(step)))).collect();
        assert!(found[..5].iter().all(Option::is_none));
        // Each bar rises 1 and its true range is 2, so +DI is 50, −DI 0, and the index 100.
        assert_eq!(found[5], Some(DirectionalMovement { adx: 100.0, plus: 50.0, minus: 0.0 }));
    }

    #[test]
    fn two_bars_by_hand() {
        let mut index = Adx::new(1);
        assert_eq!(index.learn(&bar(10.0, 12.0)), None);
        // Up 3, down 0: range from the close 11 to 15 = 4.
        let up = index.learn(&bar(12.0, 15.0)).unwrap();
        assert_eq!((up.adx, up.plus, up.minus), (100.0, 75.0, 0.0));
        // An outside bar that falls further than it rises: down 5, range 7 … 16 = 9.
        let down = index.learn(&bar(7.0, 16.0)).unwrap();
        assert!((down.minus - 500.0 / 9.0).abs() < 1e-12 && down.plus.abs() < 1e-12);
        index.forget();
        assert_eq!(index, Adx::new(1));
    }

    #[test]
    fn a_price_that_stands_still_has_no_direction() {
        let mut index = Adx::new(14);
        let last = (0..40).map(|_| index.learn(&Candle::at(5.0))).last().flatten();
        assert_eq!(last, Some(DirectionalMovement { adx: 0.0, plus: 0.0, minus: 0.0 }));
    }
}
