//! One series of daily returns, judged: its figures with the range they could have come out in.

use super::bootstrap::{Draws, Interval, Plan};
use super::deflated::{Search, track_record_min};
use super::path::PathFigures;
use crate::{DAYS_PER_YEAR, SharpeEvidence};

/// The share of resampled figures inside every interval.
pub const LEVEL: f64 = 0.9;

/// The confidence that the minimum track record is asked for.
const CONFIDENCE: f64 = 0.95;

/// What a series of daily returns is worth on its own, before any search is counted.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Assessment {
    /// Daily returns judged.
    pub days: usize,
    /// Sharpe ratio by the year of 365 days.
    pub sharpe: Interval,
    /// Yearly growth, as a share.
    pub cagr: Interval,
    /// Deepest fall of daily closes, as a share at most zero.
    pub max_drawdown: Interval,
    /// Third standardised moment; `null` for returns that never vary, like the figures below.
    pub skewness: Option<f64>,
    /// Fourth standardised moment, 3 for a normal distribution.
    pub kurtosis: Option<f64>,
    /// Probability that the true Sharpe ratio exceeds zero.
    pub probabilistic_sharpe: Option<f64>,
    /// Days after which a ratio like this one exceeds zero with 95 % probability; `null` when it is not above zero.
    pub track_record_days_min: Option<f64>,
    /// Mean length of the blocks of days that were resampled.
    pub block_days: f64,
    /// Resampled paths.
    pub draws: usize,
    /// The seed of the resampling.
    pub seed: u64,
}

impl Assessment {
    /// Judges `returns`; `None` below two of them or without draws.
    #[must_use]
    pub fn of(returns: &[f64], draws: usize, seed: u64) -> Option<Self> {
        let plan = Plan::of(returns, draws, seed);
        let resampled = Draws::of(returns, &plan)?;
        let evidence = SharpeEvidence::of(returns);
        Some(Self {
            days: returns.len(),
            sharpe: resampled.interval(|figures| figures.sharpe, LEVEL)?,
            cagr: resampled.interval(|figures| figures.cagr, LEVEL)?,
            max_drawdown: resampled.interval(|figures| figures.max_drawdown, LEVEL)?,
            skewness: evidence.map(|evidence| evidence.skewness),
            kurtosis: evidence.map(|evidence| evidence.kurtosis),
            probabilistic_sharpe: evidence.and_then(|evidence| evidence.probability_above(0.0)),
            track_record_days_min: evidence.and_then(|evidence| track_record_min(&evidence, 0.0, CONFIDENCE)),
            block_days: plan.block,
            draws,
            seed,
        })
    }

    /// The figures without their ranges.
    #[must_use]
    pub const fn figures(&self) -> PathFigures {
        PathFigures {
            sharpe: self.sharpe.estimate,
            cagr: self.cagr.estimate,
            max_drawdown: self.max_drawdown.estimate,
        }
    }
}

/// A Sharpe ratio against the search it was picked from.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Deflation {
    /// Configurations tried.
    pub trials: u64,
    /// Standard deviation of the trials' yearly Sharpe ratios.
    pub trial_sharpe_sd: f64,
    /// The yearly Sharpe ratio that the best of so many worthless trials has on average.
    pub luck_sharpe: f64,
    /// Probability that the true ratio exceeds that luck; `null` for returns that never vary.
    pub deflated_sharpe: Option<f64>,
}

impl Deflation {
    /// `returns` against `search`.
    #[must_use]
    pub fn of(returns: &[f64], search: &Search) -> Self {
        let year = DAYS_PER_YEAR.sqrt();
        Self {
            trials: search.trials,
            trial_sharpe_sd: search.sharpe_sd * year,
            luck_sharpe: search.luck() * year,
            deflated_sharpe: SharpeEvidence::of(returns).and_then(|evidence| search.deflated(&evidence)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{deviation, mean};

    #[test]
    fn an_assessment_says_what_its_parts_say() {
        let returns: Vec<f64> = (0..400).map(|day| 0.01 * libm::sin(f64::from(day) * 1.7) + 0.001).collect();
        let assessment = Assessment::of(&returns, 200, 3).unwrap();
        let sharpe = mean(&returns).unwrap() / deviation(&returns).unwrap() * 365.0_f64.sqrt();
        assert!((assessment.sharpe.estimate - sharpe).abs() < 1e-9);
        assert!(assessment.sharpe.low <= sharpe && sharpe <= assessment.sharpe.high);
        assert_eq!(Assessment::of(&returns, 200, 3), Some(assessment.clone()), "the seed decides");
        let alone = Deflation::of(&returns, &Search { trials: 1, sharpe_sd: 1.0 });
        assert_eq!(alone.deflated_sharpe, assessment.probabilistic_sharpe);
        assert_eq!(Assessment::of(&returns[..1], 200, 3), None);
        let still = Assessment::of(&[0.0; 30], 50, 3).unwrap();
        assert_eq!((still.probabilistic_sharpe, still.sharpe.estimate), (None, 0.0));
    }
}
