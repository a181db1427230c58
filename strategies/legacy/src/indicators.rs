//! The original's indicators on a window of bars: simple means everywhere, no smoothing after Wilder.
//!
//! Every index counts inside the window, so the same bar reads differently at another place in a window. What
//! the original leaves as NaN is `None` here.

use engine_core::indicator::Candle;

/// Bars in the means of true range, directional movement and directional index.
const WILDER_BARS: usize = 14;

/// Bars in the means and extremes that the last bar is compared with.
const LOOKBACK_BARS: usize = 20;

/// Daily bars in a year, as the original counts them; the market it reads has 365.
pub const BARS_A_YEAR: f64 = 252.0;

/// What the detector reads of a window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Indicators {
    /// Annualised standard deviation of all one-bar returns of the window in per cent; needs three bars.
    pub volatility: Option<f64>,
    /// Mean directional index from 0 to 100; needs 27 bars and, in each of them, a range.
    pub adx: Option<f64>,
    /// Average true range over its own mean of 20 bars; one where that mean is missing or nothing.
    pub atr_ratio: f64,
    /// Volume over its mean of 20 bars; one where that mean is missing or nothing.
    pub volume_spike: f64,
    /// Place of the close in the range of 20 bars, from 0 to 1; a half where there is no such range.
    pub price_range: f64,
}

impl Indicators {
    /// The indicators of the last bar of `window`, oldest bar first.
    #[must_use]
    pub fn of(window: &[Candle]) -> Self {
        let ranges = true_ranges(window);
        Self {
            volatility: volatility(window),
            adx: adx(window, &ranges),
            atr_ratio: atr_ratio(&ranges),
            volume_spike: volume_spike(window),
            price_range: price_range(window),
        }
    }
}

/// The mean of the last `bars` of `values`; `None` while there are fewer.
#[must_use]
pub fn mean_of_last(values: &[f64], bars: usize) -> Option<f64> {
    let first = values.len().checked_sub(bars)?;
    let sum: f64 = values.iter().skip(first).sum();
    Some(sum / bars as f64)
}

/// The standard deviation of a sample, `n - 1` in the denominator; `None` for fewer than two values.
#[must_use]
pub fn sample_deviation(values: &[f64]) -> Option<f64> {
    if values.len() < 2 {
        return None;
    }
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
    Some((squares / (values.len() - 1) as f64).sqrt())
}

/// One-bar simple returns of the closes; one fewer than there are bars.
#[must_use]
pub fn returns(window: &[Candle]) -> Vec<f64> {
    window.windows(2).map(|pair| pair[1].close / pair[0].close - 1.0).collect()
}

fn volatility(window: &[Candle]) -> Option<f64> {
    sample_deviation(&returns(window)).map(|deviation| deviation * BARS_A_YEAR.sqrt() * 100.0)
}

/// The true range of every bar; the first has no bar before it and counts its own range.
fn true_ranges(window: &[Candle]) -> Vec<f64> {
    let mut before: Option<f64> = None;
    let range = |bar: &Candle| {
        let own = bar.high - bar.low;
        let close = before.replace(bar.close);
        close.map_or(own, |close| own.max((bar.high - close).abs()).max((bar.low - close).abs()))
    };
    window.iter().map(range).collect()
}

/// Upward and downward movement of every bar; at most one of the two is more than nothing.
fn movements(window: &[Candle]) -> (Vec<f64>, Vec<f64>) {
    let first = window.first().map(|_| (0.0, 0.0));
    let later = window.windows(2).map(|pair| {
        let (up, down) = (pair[1].high - pair[0].high, pair[0].low - pair[1].low);
        let counted = |own: f64, other: f64| if own > other && own > 0.0 { own } else { 0.0 };
        (counted(up, down), counted(down, up))
    });
    first.into_iter().chain(later).unzip()
}

fn adx(window: &[Candle], ranges: &[f64]) -> Option<f64> {
    let (ups, downs) = movements(window);
    let first = window.len().checked_sub(WILDER_BARS)?;
    let index = |last: usize| {
        let mean = |values: &[f64]| mean_of_last(values.get(..=last)?, WILDER_BARS);
        let atr = mean(ranges)?;
        let (up, down) = (100.0 * mean(&ups)? / atr, 100.0 * mean(&downs)? / atr);
        let index = 100.0 * (up - down).abs() / (up + down);
        (!index.is_nan()).then_some(index)
    };
    let indices: Option<Vec<f64>> = (first..window.len()).map(index).collect();
    mean_of_last(&indices?, WILDER_BARS)
}

fn atr_ratio(ranges: &[f64]) -> f64 {
    let first = ranges.len().saturating_sub(LOOKBACK_BARS);
    let atr = |last: usize| mean_of_last(ranges.get(..=last)?, WILDER_BARS);
    let recent: Option<Vec<f64>> = (first..ranges.len()).map(atr).collect();
    let recent = recent.unwrap_or_default();
    let usual = mean_of_last(&recent, LOOKBACK_BARS).filter(|usual| *usual > 0.0);
    match (recent.last(), usual) {
        (Some(now), Some(usual)) => now / usual,
        (_, None) | (None, _) => 1.0,
    }
}

fn volume_spike(window: &[Candle]) -> f64 {
    let volumes: Vec<f64> = window.iter().map(|bar| bar.volume).collect();
    let usual = mean_of_last(&volumes, LOOKBACK_BARS).filter(|usual| *usual > 0.0);
    match (volumes.last(), usual) {
        (Some(now), Some(usual)) => now / usual,
        (_, None) | (None, _) => 1.0,
    }
}

fn price_range(window: &[Candle]) -> f64 {
    let Some(first) = window.len().checked_sub(LOOKBACK_BARS) else { return 0.5 };
    let recent = window.iter().skip(first);
    let (low, high) = recent
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), bar| (low.min(bar.low), high.max(bar.high)));
    match window.last() {
        Some(bar) if high > low => (bar.close - low) / (high - low),
        Some(_) | None => 0.5,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_market_that_stands_still_has_no_direction_and_no_range() {
        let still = vec![Candle { volume: 3.0, ..Candle::at(10.0) }; 60];
        let read = Indicators::of(&still);
        assert_eq!(read.adx, None, "a mean of zero ranges has no directional index");
        assert_eq!(read.volatility, Some(0.0));
        assert!((read.atr_ratio - 1.0).abs() < 1e-15, "{read:?}");
        assert!((read.price_range - 0.5).abs() < 1e-15, "{read:?}");
        assert!((read.volume_spike - 1.0).abs() < 1e-15, "{read:?}");
    }

    #[test]
    fn each_indicator_waits_for_its_own_number_of_bars() {
        let rising: Vec<Candle> =
            (0..40).map(|at| Candle::at(100.0 * (1.0 + f64::from(at) * 0.01))).collect();
        let read = |bars: usize| Indicators::of(&rising[..bars]);
        assert_eq!((read(2).volatility, read(3).volatility.is_some()), (None, true));
        assert_eq!((read(26).adx, read(27).adx.map(f64::round)), (None, Some(100.0)));
        assert!((read(32).atr_ratio - 1.0).abs() < 1e-15 && (read(33).atr_ratio - 1.0).abs() > 1e-15);
        assert_eq!(Indicators::of(&[]).adx, None);
    }

    fn candles() -> impl Strategy<Value = Vec<Candle>> {
        let candle = (1.0_f64..100.0, 0.0_f64..0.1, 0.0_f64..0.1, 0.0_f64..1e9);
        let candle = candle.prop_map(|(close, up, down, volume)| Candle {
            open: close,
            high: close * (1.0 + up),
            low: close * (1.0 - down),
            close,
            volume,
        });
        prop::collection::vec(candle, 0..70)
    }

    proptest! {
        #[test]
        fn readings_stay_in_their_ranges(window in candles()) {
            let read = Indicators::of(&window);
            prop_assert!(read.adx.is_none_or(|adx| (-1e-9..=100.0 + 1e-9).contains(&adx)), "{read:?}");
            prop_assert!(read.volatility.is_none_or(|volatility| volatility >= 0.0));
            prop_assert!((-1e-9..=1.0 + 1e-9).contains(&read.price_range));
            prop_assert!(read.atr_ratio >= 0.0 && read.volume_spike >= 0.0);
        }
    }
}
