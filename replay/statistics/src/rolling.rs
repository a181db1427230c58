//! Ratio and volatility of the last days, day by day.

use super::curve::Point;
use super::equity::EquityRecorder;
use super::series::{DAYS_PER_YEAR, deviation, mean};

/// Figures of a window of days that ends at each day.
#[derive(Debug, Clone, PartialEq)]
pub struct Rolling {
    /// Length of the window in days.
    pub window_days: usize,
    /// Sharpe ratio by the year of 365 days; days on which it is not defined are left out.
    pub sharpe: Vec<Point>,
    /// Standard deviation of daily returns by the year, per cent.
    pub volatility_pct: Vec<Point>,
}

impl Rolling {
    /// Windows of 90 days, of 30 for a run below 180; `None` below 45 days.
    #[must_use]
    pub fn of(equity: &EquityRecorder) -> Option<Self> {
        let returns = equity.daily_returns();
        let window_days = match returns.len() {
            0..45 => return None,
            45..180 => 30,
            180.. => 90,
        };
        let ends = equity.daily_points();
        let year = DAYS_PER_YEAR.sqrt();
        let mut rolling = Self { window_days, sharpe: Vec::new(), volatility_pct: Vec::new() };
        for (window, end) in returns.windows(window_days).zip(ends.iter().skip(window_days - 1)) {
            let spread = deviation(window);
            let value = spread.unwrap_or(0.0) * year * 100.0;
            rolling.volatility_pct.push(Point { at: end.at, value });
            if let Some((mean, spread)) = mean(window).zip(spread) {
                rolling.sharpe.push(Point { at: end.at, value: mean / spread * year });
            }
        }
        Some(rolling)
    }
}

#[cfg(test)]
mod tests {
    use engine_core::time::{Span, Timestamp};

    use super::*;
    use crate::sharpe_per_period;

    #[test]
    fn the_last_window_is_the_figure_of_the_last_days() {
        let mut equity = EquityRecorder::new(100.0);
        equity.begin(Timestamp::from_nanos(0));
        for day in 1..=200_i64 {
            let value = 100.0 + (day * 7_919 % 101) as f64;
            equity.sample(Timestamp::from_nanos(day * Span::DAY.nanos()), value, 0.0, false);
        }
        let rolling = Rolling::of(&equity).unwrap();
        assert_eq!((rolling.window_days, rolling.sharpe.len()), (90, 111));
        let returns = equity.daily_returns();
        let last = sharpe_per_period(&returns[110..]).unwrap() * 365.0_f64.sqrt();
        let shown = rolling.sharpe.last().unwrap();
        assert!((shown.value - last).abs() < 1e-12);
        assert_eq!(shown.at.nanos(), 200 * Span::DAY.nanos());
        assert!(Rolling::of(&EquityRecorder::new(1.0)).is_none());
    }
}
