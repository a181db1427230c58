//! Figures of a series of daily returns; each answers `None` where it is not defined.

/// Fewer daily returns than this give no ratio by the year: its standard error alone would be above 4.
pub const RETURNS_MIN: usize = 20;

/// Days in a year of a market that never closes.
pub(crate) const DAYS_PER_YEAR: f64 = 365.0;

/// A standard deviation this small against the mean is rounding noise of equal returns, not variation.
const NOISE: f64 = 1e-12;

/// Arithmetic mean; `None` for an empty series.
#[must_use]
pub fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

fn central_moment(values: &[f64], mean: f64, power: u32) -> f64 {
    let raised = |value: &f64| (0..power).fold(1.0, |product, _| product * (value - mean));
    values.iter().map(raised).sum::<f64>() / values.len() as f64
}

/// Sample standard deviation (divisor `n − 1`); `None` below two values or when all are equal.
#[must_use]
pub fn deviation(values: &[f64]) -> Option<f64> {
    if values.len() < 2 {
        return None;
    }
    let mean = mean(values)?;
    let count = values.len() as f64;
    let deviation = (central_moment(values, mean, 2) * count / (count - 1.0)).sqrt();
    (deviation > NOISE * mean.abs() && deviation > 0.0).then_some(deviation)
}

/// Mean over sample standard deviation, per period, risk-free rate 0.
#[must_use]
pub fn sharpe_per_period(returns: &[f64]) -> Option<f64> {
    Some(mean(returns)? / deviation(returns)?)
}

/// Mean over downside deviation `√(Σ min(r, 0)² / N)` with all `N` returns in the divisor, per period; `None`
/// without a loss.
#[must_use]
pub fn sortino_per_period(returns: &[f64]) -> Option<f64> {
    let squares: f64 = returns.iter().map(|value| value.min(0.0) * value.min(0.0)).sum();
    let downside = (squares / returns.len() as f64).sqrt();
    (downside > 0.0).then_some(mean(returns)? / downside)
}

/// Sum of gains over sum of losses around zero; `None` without a loss.
#[must_use]
pub fn omega(returns: &[f64]) -> Option<f64> {
    let gains: f64 = returns.iter().map(|value| value.max(0.0)).sum();
    let losses: f64 = returns.iter().map(|value| (-value).max(0.0)).sum();
    (losses > 0.0).then_some(gains / losses)
}

/// Third standardised moment, population (divisor `n`); `None` where the deviation is not defined.
#[must_use]
pub fn skewness(returns: &[f64]) -> Option<f64> {
    deviation(returns)?;
    let mean = mean(returns)?;
    let variance = central_moment(returns, mean, 2);
    Some(central_moment(returns, mean, 3) / (variance * variance.sqrt()))
}

/// Fourth standardised moment, population, not in excess: 3 for a normal distribution.
#[must_use]
pub fn kurtosis(returns: &[f64]) -> Option<f64> {
    deviation(returns)?;
    let mean = mean(returns)?;
    let variance = central_moment(returns, mean, 2);
    Some(central_moment(returns, mean, 4) / (variance * variance))
}

/// What the probabilistic Sharpe ratio is made of, all per period.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SharpeEvidence {
    /// Number of returns.
    pub count: f64,
    /// Sharpe ratio per period.
    pub sharpe: f64,
    /// Skewness of the returns.
    pub skewness: f64,
    /// Kurtosis of the returns, 3 for a normal distribution.
    pub kurtosis: f64,
}

impl SharpeEvidence {
    /// The evidence in a series of returns.
    #[must_use]
    pub fn of(returns: &[f64]) -> Option<Self> {
        Some(Self {
            count: returns.len() as f64,
            sharpe: sharpe_per_period(returns)?,
            skewness: skewness(returns)?,
            kurtosis: kurtosis(returns)?,
        })
    }

    /// Standard error of the Sharpe ratio per period.
    #[must_use]
    pub fn standard_error(&self) -> Option<f64> {
        let spread =
            1.0 - self.skewness * self.sharpe + (self.kurtosis - 1.0) / 4.0 * self.sharpe * self.sharpe;
        (self.count > 1.0 && spread > 0.0).then(|| (spread / (self.count - 1.0)).sqrt())
    }

    /// Probability that the true Sharpe ratio exceeds `benchmark` (per period).
    #[must_use]
    pub fn probability_above(&self, benchmark: f64) -> Option<f64> {
        Some(normal_cdf((self.sharpe - benchmark) / self.standard_error()?))
    }
}

/// Share of a normal distribution below `z`.
#[must_use]
pub fn normal_cdf(z: f64) -> f64 {
    0.5 * libm::erfc(-z / core::f64::consts::SQRT_2)
}

/// The value below which the share `level` of a sorted series lies, linear between neighbours; `None` when
/// the series is empty.
#[must_use]
pub fn quantile(sorted: &[f64], level: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let place = level.clamp(0.0, 1.0) * last as f64;
    let below = place.floor();
    let index = below as usize;
    let low = sorted.get(index)?;
    let high = sorted.get(index + 1).unwrap_or(low);
    Some(low + (high - low) * (place - below))
}

/// The loss that was not exceeded on the share `confidence` of days, and the mean of the days at or beyond
/// it, both as returns (a loss is negative).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TailLoss {
    /// Historical value at risk.
    pub at_risk: f64,
    /// Historical conditional value at risk, also called expected shortfall.
    pub expected: f64,
}

impl TailLoss {
    /// The tail of `returns`; `None` with fewer than `1 / (1 − confidence)` returns, where no day can lie
    /// beyond.
    #[must_use]
    pub fn of(returns: &[f64], confidence: f64) -> Option<Self> {
        let beyond = 1.0 - confidence;
        // The slack keeps 20 returns enough for 95 %, whose product is a hair below one.
        if returns.len() as f64 * beyond < 1.0 - 1e-9 {
            return None;
        }
        let mut sorted = returns.to_vec();
        sorted.sort_by(f64::total_cmp);
        let at_risk = quantile(&sorted, beyond)?;
        let worse: Vec<f64> = sorted.into_iter().take_while(|value| *value <= at_risk).collect();
        Some(Self { at_risk, expected: mean(&worse)? })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// The series of the golden figures; the expected numbers come from numpy 2 with
    /// `m = r.mean(); s = r.std(ddof=1); d = sqrt((minimum(r, 0)**2).sum() / n)`.
    pub(crate) const RETURNS: [f64; 25] = [
        0.012, -0.008, 0.004, 0.0, -0.021, 0.035, 0.007, -0.013, 0.002, 0.018, -0.005, 0.009, -0.030, 0.011,
        0.006, -0.002, 0.024, -0.017, 0.001, 0.014, -0.009, 0.003, 0.008, -0.011, 0.027,
    ];

    pub(crate) fn assert_close(ours: Option<f64>, expected: f64) {
        let ours = ours.unwrap();
        assert!((ours - expected).abs() <= 1e-12 * expected.abs().max(1.0), "{ours} is not {expected}");
    }

    #[test]
    fn moments_and_ratios_agree_with_numpy() {
        assert_close(mean(&RETURNS), 0.0025999999999999994);
        assert_close(deviation(&RETURNS), 0.015138251770487459);
        // m / s
        assert_close(sharpe_per_period(&RETURNS), 0.1717503473597122);
        // m / d
        assert_close(sortino_per_period(&RETURNS), 0.28408938959392194);
        // maximum(r, 0).sum() / maximum(-r, 0).sum()
        assert_close(omega(&RETURNS), 1.5603448275862069);
        // ((r - m)**3).mean() / r.std()**3 and ((r - m)**4).mean() / r.std()**4
        assert_close(skewness(&RETURNS), 0.006148702745665354);
        assert_close(kurtosis(&RETURNS), 2.868084231404959);
    }

    #[test]
    fn the_tail_agrees_with_numpy() {
        // v = percentile(r, 5); r[r <= v].mean()
        let tail = TailLoss::of(&RETURNS, 0.95);
        assert_close(tail.map(|tail| tail.at_risk), -0.0202);
        assert_close(tail.map(|tail| tail.expected), -0.025500000000000002);
        assert_eq!(TailLoss::of(&RETURNS, 0.99), None, "25 days cannot show a 1 % tail");
        assert!(TailLoss::of(&RETURNS[..20], 0.95).is_some());
        assert!(TailLoss::of(&RETURNS[..19], 0.95).is_none());
    }

    #[test]
    fn the_standard_error_agrees_with_numpy() {
        // sqrt((1 - skew*sr + (kurt - 1)/4 * sr**2) / (n - 1)); 0.5 * (1 + erf(sr / se / sqrt(2)))
        let evidence = SharpeEvidence::of(&RETURNS).unwrap();
        assert_close(evidence.standard_error(), 0.20541829582636942);
        assert_close(evidence.probability_above(0.0), 0.7984508267198597);
    }

    #[test]
    fn the_probabilistic_sharpe_ratio_is_the_papers() {
        // Bailey and López de Prado, "The Sharpe ratio efficient frontier" (2012), section on the hedge fund
        // with 24 monthly returns: 0.982 when taken for normal, 0.913 with its skewness and kurtosis.
        let normal = SharpeEvidence { count: 24.0, sharpe: 0.458, skewness: 0.0, kurtosis: 3.0 };
        let actual = SharpeEvidence { skewness: -2.448, kurtosis: 10.164, ..normal };
        assert!((normal.probability_above(0.0).unwrap() - 0.982).abs() < 5e-4);
        assert!((actual.probability_above(0.0).unwrap() - 0.913).abs() < 5e-4);
    }

    #[test]
    fn what_is_not_defined_is_not_a_number_but_nothing() {
        let flat = [0.001; 50];
        assert_eq!(deviation(&flat), None);
        assert_eq!(sharpe_per_period(&flat), None);
        assert_eq!(SharpeEvidence::of(&flat), None);
        assert_eq!((sortino_per_period(&flat), omega(&flat)), (None, None));
        assert_eq!((mean(&[]), deviation(&[0.1]), quantile(&[], 0.5)), (None, None, None));
        assert_eq!((sortino_per_period(&[]), TailLoss::of(&[], 0.95)), (None, None));
    }
}
