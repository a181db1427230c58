//! How long the blocks of a block bootstrap should be, read from the series itself.

/// Blocks are never longer than `min(3 √n, n / 3)`, as in the reference implementation of the authors.
fn longest(count: f64) -> f64 {
    (3.0 * count.sqrt()).min(count / 3.0).ceil()
}

/// Lags that must be insignificant in a row: `max(5, ⌈√(log₁₀ n)⌉)`, which is 5 for any series that fits in
/// memory.
const QUIET_LAGS: usize = 5;

/// The mean block length of the stationary bootstrap that makes the error of the variance of the mean smallest.
///
/// Politis and White, *Automatic Block-Length Selection for the Dependent Bootstrap*, Econometric Reviews 23
/// (2004), with the correction of Patton, Politis and White, Econometric Reviews 28 (2009):
/// `b = (2 G² / D)^(1/3) n^(1/3)`, `G = Σ λ(k/M) |k| R(k)`, `D = 2 (Σ λ(k/M) R(k))²`, over lags −M to M with the
/// flat-top window λ, `R` the autocovariance and `M` twice the first lag from which five autocorrelations in a
/// row are below `2 √(log₁₀ n / n)`.
///
/// At least 1; `None` below ten values or when all are equal.
#[must_use]
pub fn block_length(values: &[f64]) -> Option<f64> {
    if values.len() < 10 {
        return None;
    }
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let beside: Vec<f64> = values.iter().map(|value| value - mean).collect();
    let covariance = |lag: usize| {
        let ahead = beside.iter().skip(lag);
        ahead.zip(&beside).map(|(later, earlier)| later * earlier).sum::<f64>() / count
    };
    let lags_max = whole(count.sqrt().ceil()) + QUIET_LAGS;
    let lags_max = lags_max.min(values.len() - 1);
    let covariances: Vec<f64> = (0..=lags_max).map(covariance).collect();
    let [variance, after @ ..] = covariances.as_slice() else { return None };
    if *variance <= 0.0 {
        return None;
    }
    let width = bandwidth(after, *variance, count);
    let (mut weighted, mut spectrum) = (0.0, *variance);
    for (lag, covariance) in (1..=width).zip(after) {
        let window = (2.0 * (1.0 - lag as f64 / width as f64)).min(1.0);
        weighted += 2.0 * window * lag as f64 * covariance;
        spectrum += 2.0 * window * covariance;
    }
    let ratio = weighted * weighted / (spectrum * spectrum);
    let length = libm::cbrt(ratio * count);
    Some(if length.is_finite() { length.clamp(1.0, longest(count)) } else { longest(count) })
}

/// `M`: twice the first lag of a quiet stretch, or every lag looked at when there is none.
fn bandwidth(after: &[f64], variance: f64, count: f64) -> usize {
    let significant = 2.0 * (libm::log10(count) / count).sqrt();
    let quiet = |lags: &[f64]| lags.iter().all(|covariance| (covariance / variance).abs() < significant);
    let first = after.windows(QUIET_LAGS).position(quiet).map(|index| index + 1);
    first.map_or(after.len(), |lag| (2 * lag).min(after.len()))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a root of a length is a length")]
const fn whole(number: f64) -> usize {
    number as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `x = φ x + u − ½` with `u` from Knuth's 64-bit linear congruential generator, seed 1: the same in the
    /// script that made the expected numbers.
    pub(crate) fn autoregression(phi: f64, count: usize) -> Vec<f64> {
        let (mut state, mut value) = (1_u64, 0.0);
        let next = |_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            value = phi * value + (state >> 11) as f64 / 9_007_199_254_740_992.0 - 0.5;
            value
        };
        (0..count).map(next).collect()
    }

    #[test]
    fn the_length_agrees_with_the_package_arch() {
        // arch 8.0: optimal_block_length(x)["stationary"] of 1 000 values of the series above.
        for (phi, expected) in [
            (0.0, 1.6235763035493593),
            (0.3, 6.3972938209784305),
            (0.7, 14.276226300627217),
            (0.95, 37.22901154847007),
        ] {
            let ours = block_length(&autoregression(phi, 1_000)).unwrap();
            assert!((ours / expected - 1.0).abs() < 1e-9, "{phi}: {ours} is not {expected}");
        }
    }

    #[test]
    fn dependence_lengthens_blocks_and_noise_needs_none() {
        let lengths = [0.0, 0.5, 0.9].map(|phi| block_length(&autoregression(phi, 4_000)).unwrap());
        assert!(lengths[0] < 5.0 && lengths[1] > lengths[0] && lengths[2] > 2.0 * lengths[1], "{lengths:?}");
    }

    #[test]
    fn a_series_without_variation_has_no_length() {
        assert_eq!(block_length(&[0.5; 100]), None);
        assert_eq!(block_length(&[1.0, 2.0, 3.0]), None);
    }
}
