//! A Sharpe ratio against the luck of a search: deflated ratio and minimum track record.
//!
//! Bailey and López de Prado, *The Sharpe Ratio Efficient Frontier*, Journal of Risk 15 (2012), and *The
//! Deflated Sharpe Ratio*, Journal of Portfolio Management 40 (2014). Every ratio here is per period, not per
//! year.

use super::normal_quantile;
use crate::SharpeEvidence;

/// γ of Euler and Mascheroni, from the mean of the largest of many normal numbers.
const EULER_GAMMA: f64 = 0.577_215_664_901_532_9;

/// The search a result was picked from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Search {
    /// How many configurations were tried, those that were thrown away included; at least 1.
    pub trials: u64,
    /// Standard deviation of the trials' Sharpe ratios, per period.
    pub sharpe_sd: f64,
}

impl Search {
    /// The Sharpe ratio per period that the best of this many trials has on average when none has any merit
    /// (SR₀ of the paper): `sd × [(1 − γ) Φ⁻¹(1 − 1/N) + γ Φ⁻¹(1 − 1/(N e))]`, and 0 for a single trial.
    #[must_use]
    pub fn luck(&self) -> f64 {
        let trials = self.trials as f64;
        if self.trials < 2 {
            return 0.0;
        }
        let below_best = normal_quantile(1.0 - 1.0 / trials).unwrap_or_default();
        let beyond = normal_quantile(1.0 - 1.0 / (trials * core::f64::consts::E)).unwrap_or_default();
        self.sharpe_sd * ((1.0 - EULER_GAMMA) * below_best + EULER_GAMMA * beyond)
    }

    /// The deflated Sharpe ratio: the probability that the true ratio exceeds what luck alone would have found
    /// in this search. `None` where the evidence has no standard error.
    #[must_use]
    pub fn deflated(&self, evidence: &SharpeEvidence) -> Option<f64> {
        evidence.probability_above(self.luck())
    }
}

/// The number of returns after which a ratio like this one exceeds `benchmark` (per period) with probability
/// `confidence`: `1 + (1 − γ₃ SR + (γ₄ − 1)/4 SR²) (Φ⁻¹(confidence) / (SR − benchmark))²`.
///
/// `None` when the ratio does not exceed the benchmark, and then no track record is long enough, or when
/// `confidence` is not in (0, 1).
#[must_use]
pub fn track_record_min(evidence: &SharpeEvidence, benchmark: f64, confidence: f64) -> Option<f64> {
    let SharpeEvidence { sharpe, skewness, kurtosis, .. } = *evidence;
    let spread = 1.0 - skewness * sharpe + (kurtosis - 1.0) / 4.0 * sharpe * sharpe;
    let needed = normal_quantile(confidence)?.max(0.0) / (sharpe - benchmark);
    (sharpe > benchmark && spread > 0.0).then_some(1.0 + spread * needed * needed)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn yearly(sharpe: f64, periods: f64) -> f64 {
        sharpe / periods.sqrt()
    }

    #[test]
    fn the_deflated_ratio_is_the_papers() {
        // "The Deflated Sharpe Ratio", numerical example: the best of N = 100 trials has a yearly ratio of 2.5
        // over 5 years of 250 days, skewness −3, kurtosis 10; the yearly ratios of the trials have variance
        // 1/2. The paper gives SR₀ ≈ 0.1132 a day and DSR ≈ 0.9004; with N = 46 DSR ≈ 0.9505.
        let best =
            SharpeEvidence { count: 1_250.0, sharpe: yearly(2.5, 250.0), skewness: -3.0, kurtosis: 10.0 };
        let search = Search { trials: 100, sharpe_sd: (0.5_f64 / 250.0).sqrt() };
        assert!((search.luck() - 0.1132).abs() < 5e-5, "{}", search.luck());
        let deflated = search.deflated(&best).unwrap();
        assert!((deflated - 0.9004).abs() < 5e-5, "{deflated}");
        let fewer = Search { trials: 46, ..search }.deflated(&best).unwrap();
        assert!((fewer - 0.9505).abs() < 5e-5, "{fewer}");
        // The same by scipy.stats.norm 1.17 to all digits.
        assert!((search.luck() - 0.113_172_001_865_132_14).abs() < 1e-15);
        assert!((deflated - 0.900_396_834_449_390_3).abs() < 1e-13);
    }

    #[test]
    fn the_minimum_track_record_is_the_papers() {
        // "The Sharpe Ratio Efficient Frontier", section on the minimum track record: a yearly ratio of 2
        // against 1 at 95 % needs 2.73 years of daily, 2.83 of weekly, 3.24 of monthly normal returns, and
        // 4.99 years of monthly ones with skewness −0.72 and kurtosis 5.78.
        let years = |periods: f64, skewness: f64, kurtosis: f64| {
            let evidence = SharpeEvidence { count: 1.0, sharpe: yearly(2.0, periods), skewness, kurtosis };
            track_record_min(&evidence, yearly(1.0, periods), 0.95).unwrap() / periods
        };
        assert!((years(250.0, 0.0, 3.0) - 2.73).abs() < 5e-3);
        assert!((years(52.0, 0.0, 3.0) - 2.83).abs() < 5e-3);
        assert!((years(12.0, 0.0, 3.0) - 3.24).abs() < 5e-3);
        assert!((years(12.0, -0.72, 5.78) - 4.99).abs() < 5e-3);
    }

    #[test]
    fn what_does_not_exceed_its_benchmark_never_has_record_enough() {
        let evidence = SharpeEvidence { count: 500.0, sharpe: 0.05, skewness: 0.0, kurtosis: 3.0 };
        assert_eq!(track_record_min(&evidence, 0.05, 0.95), None);
        assert_eq!(track_record_min(&evidence, 0.0, 1.0), None);
    }

    #[test]
    fn one_trial_deflates_nothing() {
        let evidence = SharpeEvidence { count: 500.0, sharpe: 0.05, skewness: -0.5, kurtosis: 5.0 };
        let search = Search { trials: 1, sharpe_sd: 0.3 };
        assert_eq!(search.deflated(&evidence), evidence.probability_above(0.0));
    }

    proptest! {
        #[test]
        fn more_trials_never_help(
            trials in 1_u64..100_000, more in 1_u64..100_000, sharpe in -0.2_f64..0.3, sd in 0.001_f64..0.1,
            count in 30.0_f64..5_000.0, skewness in -2.0_f64..2.0,
        ) {
            let evidence = SharpeEvidence { count, sharpe, skewness, kurtosis: 3.0 + 2.0 * skewness * skewness };
            let few = Search { trials, sharpe_sd: sd };
            let many = Search { trials: trials + more, sharpe_sd: sd };
            prop_assert!(few.luck() < many.luck());
            prop_assert!(few.deflated(&evidence) >= many.deflated(&evidence));
        }

        #[test]
        fn a_record_of_the_minimum_length_has_exactly_the_asked_confidence(
            sharpe in 0.02_f64..0.3, skewness in -2.0_f64..1.0, confidence in 0.55_f64..0.999,
        ) {
            let evidence = SharpeEvidence { count: 1.0, sharpe, skewness, kurtosis: 8.0 };
            let count = track_record_min(&evidence, 0.01, confidence).unwrap();
            let reached = SharpeEvidence { count, ..evidence }.probability_above(0.01).unwrap();
            prop_assert!((reached - confidence).abs() < 1e-9, "{reached} is not {confidence}");
        }
    }
}
