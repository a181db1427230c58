//! Whether the best of many trials beats its benchmark by more than the search alone would make it.

use super::bootstrap::{Plan, Resampler};

/// The best trial against chance.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct RealityCheck {
    /// The trial with the largest mean excess return, counted from 0.
    pub best: usize,
    /// Its mean excess return per period.
    pub excess: f64,
    /// Probability of a best as good as this one when no trial beats the benchmark.
    pub p_value: f64,
    /// Resampled searches.
    pub draws: usize,
}

/// White, *A Reality Check for Data Snooping*, Econometrica 68 (2000): the largest mean of `excess` (each trial's
/// returns less the benchmark's, over the same days) among the largest of `mean* − mean` in resampled days, all
/// trials resampled together.
///
/// Tests means, not ratios; a poor trial in the search costs power but never makes a p-value too small. `None`
/// without trials, for lengths that differ, below two days, and without draws.
#[must_use]
pub fn reality_check(excess: &[Vec<f64>], plan: &Plan) -> Option<RealityCheck> {
    let days = excess.first()?.len();
    if days < 2 || plan.draws == 0 || excess.iter().any(|trial| trial.len() != days) {
        return None;
    }
    let mean_along = |trial: &[f64], path: &[usize]| {
        path.iter().filter_map(|at| trial.get(*at)).sum::<f64>() / path.len() as f64
    };
    let itself: Vec<usize> = (0..days).collect();
    let means: Vec<f64> = excess.iter().map(|trial| mean_along(trial, &itself)).collect();
    let ranked = means.iter().copied().enumerate();
    let (best, observed) = ranked.reduce(|best, next| if next.1 > best.1 { next } else { best })?;
    let mut resampler = Resampler::new(days, plan);
    let mut path = Vec::with_capacity(days);
    let mut reached = 0_usize;
    for _ in 0..plan.draws {
        resampler.draw(&mut path);
        let luck = excess.iter().zip(&means).map(|(trial, mean)| mean_along(trial, &path) - mean);
        reached += usize::from(luck.fold(f64::NEG_INFINITY, f64::max) >= observed);
    }
    let p_value = (1.0 + reached as f64) / (1.0 + plan.draws as f64);
    Some(RealityCheck { best, excess: observed, p_value, draws: plan.draws })
}

#[cfg(test)]
mod tests {
    use super::super::bootstrap::Scheme;
    use super::super::random::Random;
    use super::*;

    fn noise(trials: usize, seed: u64) -> Vec<Vec<f64>> {
        let mut chance = Random::new(seed);
        (0..trials).map(|_| (0..300).map(|_| 0.01 * chance.normal()).collect()).collect()
    }

    const PLAN: Plan = Plan { scheme: Scheme::Stationary, block: 2.0, draws: 199, seed: 4 };

    #[test]
    fn the_best_of_noise_is_seldom_taken_for_merit() {
        let found = (0..100).filter(|seed| reality_check(&noise(10, *seed), &PLAN).unwrap().p_value < 0.1);
        let found = found.count();
        assert!((2..=20).contains(&found), "{found} of 100");
    }

    #[test]
    fn merit_is_found_among_noise() {
        let mut trials = noise(10, 5);
        trials[3].iter_mut().for_each(|value| *value += 0.003);
        let check = reality_check(&trials, &PLAN).unwrap();
        assert_eq!(check.best, 3);
        assert!(check.p_value < 0.02, "{check:?}");
        assert_eq!(reality_check(&[], &PLAN), None);
        assert_eq!(reality_check(&[vec![0.0; 3], vec![0.0; 2]], &PLAN), None);
    }
}
