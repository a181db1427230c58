//! What one path of daily returns comes to.

use crate::DAYS_PER_YEAR;

/// Sharpe ratio, yearly growth and deepest fall of one path of daily returns.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct PathFigures {
    /// Mean over standard deviation (divisor `n − 1`) × √365; zero for a path that never moves.
    pub sharpe: f64,
    /// Yearly growth that compounds to the same, as a share; −1 once everything is lost.
    pub cagr: f64,
    /// Deepest fall from a peak, the start included, as a share at most zero.
    pub max_drawdown: f64,
}

/// A standard deviation this small against the mean is rounding noise of equal returns, not variation.
const NOISE: f64 = 1e-12;

impl PathFigures {
    /// The figures of `returns`, in one pass; `None` below two returns.
    ///
    /// A path ends where everything is lost: later returns change nothing.
    #[must_use]
    pub fn of(returns: impl IntoIterator<Item = f64>) -> Option<Self> {
        let (mut count, mut mean, mut squares) = (0.0, 0.0, 0.0);
        let (mut value, mut peak, mut deepest) = (1.0_f64, 1.0_f64, 0.0_f64);
        for next in returns {
            count += 1.0;
            let beside = next - mean;
            mean += beside / count;
            squares += beside * (next - mean);
            value = if value > 0.0 { value * (1.0 + next) } else { value };
            peak = peak.max(value);
            deepest = deepest.min(value / peak - 1.0);
        }
        if count < 2.0 {
            return None;
        }
        let deviation = (squares / (count - 1.0)).sqrt();
        let moves = deviation > NOISE * mean.abs() && deviation > 0.0;
        Some(Self {
            sharpe: if moves { mean / deviation * DAYS_PER_YEAR.sqrt() } else { 0.0 },
            cagr: libm::pow(value.max(0.0), DAYS_PER_YEAR / count) - 1.0,
            max_drawdown: deepest.max(-1.0),
        })
    }

    /// Yearly growth over the deepest fall; `None` for a path that never falls.
    #[must_use]
    pub fn calmar(&self) -> Option<f64> {
        (self.max_drawdown < 0.0).then(|| self.cagr / -self.max_drawdown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sharpe_per_period;

    #[test]
    fn figures_are_those_of_the_reports() {
        let returns = [0.1, -0.05, 0.02, -0.1, 0.04, 0.0];
        let figures = PathFigures::of(returns).unwrap();
        let sharpe = sharpe_per_period(&returns).unwrap() * DAYS_PER_YEAR.sqrt();
        assert!((figures.sharpe - sharpe).abs() < 1e-12);
        // 1.1 × 0.95 × 1.02 × 0.9 against the peak 1.1; the fall before is shallower.
        assert!((figures.max_drawdown - (0.95 * 1.02 * 0.9 - 1.0)).abs() < 1e-15);
        let growth = 1.1 * 0.95 * 1.02 * 0.9 * 1.04;
        assert!((figures.cagr - (libm::pow(growth, 365.0 / 6.0) - 1.0)).abs() < 1e-12);
    }

    #[test]
    fn nothing_is_invented_where_there_is_nothing() {
        assert_eq!(PathFigures::of([0.1]), None);
        let flat = PathFigures::of([0.0; 10]).unwrap();
        assert_eq!(flat, PathFigures { sharpe: 0.0, cagr: 0.0, max_drawdown: 0.0 });
        assert_eq!(flat.calmar(), None);
        let ruin = PathFigures::of([0.1, -1.5, 3.0]).unwrap();
        assert_eq!((ruin.cagr, ruin.max_drawdown), (-1.0, -1.0));
    }
}
