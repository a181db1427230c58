//! How good predictions are: explained variance and log-loss.

/// 1 − squared error / squared error of always saying `usual`: 0 for knowing nothing more, 1 for knowing all,
/// below 0 for knowing worse. `usual` is the mean over the rows learned from, which is what could be known.
#[must_use]
pub fn explained(predictions: &[f64], truth: &[f64], usual: f64) -> f64 {
    let error: f64 = predictions.iter().zip(truth).map(|(said, is)| (said - is) * (said - is)).sum();
    let spread: f64 = truth.iter().map(|is| (usual - is) * (usual - is)).sum();
    if spread > 0.0 { 1.0 - error / spread } else { 0.0 }
}

/// Mean squared error.
#[must_use]
pub fn squared_error(predictions: &[f64], truth: &[f64]) -> f64 {
    let sum: f64 = predictions.iter().zip(truth).map(|(said, is)| (said - is) * (said - is)).sum();
    sum / truth.len().max(1) as f64
}

/// Mean of −ln of the probability given to what happened; ln 2 = .693 is knowing nothing of an even chance.
#[must_use]
pub fn log_loss(chances: &[f64], truth: &[f64]) -> f64 {
    let loss = |(chance, is): (&f64, &f64)| {
        let chance = chance.clamp(1e-9, 1.0 - 1e-9);
        -(is * libm::log(chance) + (1.0 - is) * libm::log(1.0 - chance))
    };
    chances.iter().zip(truth).map(loss).sum::<f64>() / truth.len().max(1) as f64
}

/// 1 / (1 + exp(−x)).
#[must_use]
pub fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + libm::exp(-x))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_of_perfect_useless_and_wrong_predictions() {
        let truth = [1.0, 2.0, 3.0];
        assert!((explained(&truth, &truth, 2.0) - 1.0).abs() < 1e-12);
        assert!(explained(&[2.0; 3], &truth, 2.0).abs() < 1e-12);
        assert!(explained(&[5.0; 3], &truth, 2.0) < 0.0);
        assert!((log_loss(&[0.5; 2], &[0.0, 1.0]) - core::f64::consts::LN_2).abs() < 1e-12);
        assert!((squared_error(&[0.0, 0.0], &[1.0, 3.0]) - 5.0).abs() < 1e-12);
    }
}
