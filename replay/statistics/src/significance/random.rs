//! The dice of every resampling: one seeded stream with the same numbers on every platform.

use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore as _, SeedableRng as _};

/// Seeded random numbers.
#[derive(Debug, Clone)]
pub(crate) struct Random {
    stream: ChaCha8Rng,
}

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self { stream: ChaCha8Rng::seed_from_u64(seed) }
    }

    /// A number in `[0, 1)` with 53 random bits.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit a double exactly")]
    pub(crate) fn uniform(&mut self) -> f64 {
        (self.stream.next_u64() >> 11) as f64 / 9_007_199_254_740_992.0
    }

    /// A whole number below `bound`; uneven by less than `bound` in 2⁶⁴.
    #[expect(clippy::cast_possible_truncation, reason = "the product's upper half is below the bound")]
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.stream.next_u64()) * bound as u128) >> 64) as usize
    }

    /// Sixty-four tosses of a coin.
    pub(crate) fn coins(&mut self) -> u64 {
        self.stream.next_u64()
    }

    /// A standard normal number, by the inverse of its distribution.
    #[cfg(test)]
    pub(crate) fn normal(&mut self) -> f64 {
        super::normal_quantile(self.uniform() + 1.0 / 18_014_398_509_481_984.0).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_in_their_range_and_hit_all_of_it() {
        let mut chance = Random::new(7);
        let mut seen = [0_u32; 5];
        for _ in 0..5_000 {
            seen[chance.below(5)] += 1;
            assert!((0.0..1.0).contains(&chance.uniform()));
        }
        assert!(seen.iter().all(|count| (800..1_200).contains(count)), "{seen:?}");
    }

    #[test]
    fn normal_numbers_have_the_moments_they_should() {
        let mut chance = Random::new(11);
        let numbers: Vec<f64> = (0..20_000).map(|_| chance.normal()).collect();
        let mean = crate::mean(&numbers).unwrap();
        let deviation = crate::deviation(&numbers).unwrap();
        assert!(mean.abs() < 0.03 && (deviation - 1.0).abs() < 0.02, "{mean} {deviation}");
    }
}
