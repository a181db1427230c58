//! Seeded random numbers: initial weights, dropout, noise, shuffles and bootstrap draws.
//!
//! Every purpose draws from a stream of its own, so that one more draw for one purpose changes no other.

use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore as _, SeedableRng as _};

/// A stream of random numbers: the same seed and purpose give the same numbers on every machine.
#[derive(Debug, Clone)]
pub struct Stream {
    generator: ChaCha8Rng,
}

impl Stream {
    /// The stream of `seed` for `purpose`.
    #[must_use]
    pub fn new(seed: u64, purpose: &str) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("models-training 2026 random stream 1");
        hasher.update(&seed.to_le_bytes());
        hasher.update(purpose.as_bytes());
        Self { generator: ChaCha8Rng::from_seed(*hasher.finalize().as_bytes()) }
    }

    /// A number from 0 up to and without 1.
    pub fn unit(&mut self) -> f64 {
        (self.generator.next_u64() >> 11) as f64 / 9_007_199_254_740_992.0
    }

    /// A number from `low` up to `high`.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        (high - low).mul_add(self.unit(), low)
    }

    /// A whole number below `end`; 0 when `end` is 0.
    pub fn below(&mut self, end: usize) -> usize {
        // The bias of a plain product is below 2⁻³² for the sizes drawn here.
        ((u128::from(self.generator.next_u64()) * end as u128) >> 64) as usize
    }

    /// Two independent standard normal numbers (Box and Muller 1958).
    pub fn normal_pair(&mut self) -> (f64, f64) {
        let radius = libm::sqrt(-2.0 * libm::log(1.0 - self.unit()));
        let angle = core::f64::consts::TAU * self.unit();
        (radius * libm::cos(angle), radius * libm::sin(angle))
    }

    /// `count` normal numbers of standard deviation `deviation`.
    pub fn normals(&mut self, count: usize, deviation: f32) -> Vec<f32> {
        let mut drawn = Vec::with_capacity(count + 1);
        while drawn.len() < count {
            let (first, second) = self.normal_pair();
            drawn.extend([first as f32 * deviation, second as f32 * deviation]);
        }
        drawn.truncate(count);
        drawn
    }

    /// `count` factors of dropout: 0 with probability `share`, else 1 / (1 − `share`).
    pub fn dropout(&mut self, count: usize, share: f32) -> Vec<f32> {
        let threshold = (f64::from(share) * 65_536.0) as u16;
        let kept = 1.0 / (1.0 - share);
        let mut drawn = Vec::with_capacity(count + 4);
        while drawn.len() < count {
            let bits = self.generator.next_u64();
            let quarters = [bits, bits >> 16, bits >> 32, bits >> 48];
            drawn.extend(quarters.map(|part| if (part as u16) < threshold { 0.0 } else { kept }));
        }
        drawn.truncate(count);
        drawn
    }

    /// Puts `items` in random order (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_of_one_seed_are_the_same_and_of_two_purposes_are_not() {
        let draw = |seed, purpose| Stream::new(seed, purpose).normals(5, 1.0);
        assert_eq!(draw(7, "noise"), draw(7, "noise"));
        assert_ne!(draw(7, "noise"), draw(8, "noise"));
        assert_ne!(draw(7, "noise"), draw(7, "weights"));
    }

    #[test]
    fn draws_have_the_moments_they_should_have() {
        let mut stream = Stream::new(1, "moments");
        let normals = stream.normals(40_000, 2.0);
        let mean = normals.iter().sum::<f32>() / 40_000.0;
        let variance = normals.iter().map(|value| value * value).sum::<f32>() / 40_000.0;
        assert!(mean.abs() < 0.05 && (variance - 4.0).abs() < 0.15, "mean {mean}, variance {variance}");
        let factors = stream.dropout(40_000, 0.2);
        let dropped = factors.iter().filter(|factor| **factor < 0.5).count();
        assert!((7_600..8_400).contains(&dropped), "{dropped} of 40000 dropped");
        let mut order: Vec<usize> = (0..100).collect();
        stream.shuffle(&mut order);
        assert_ne!(order, (0..100).collect::<Vec<_>>());
        order.sort_unstable();
        assert_eq!(order, (0..100).collect::<Vec<_>>());
    }
}
