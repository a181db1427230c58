//! How long to wait before a venue is tried again.

use std::time::Duration;

/// The first wait, and the longest.
const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(30);

/// Waits that double from a quarter of a second to half a minute, each a random share of that, so that many who lost a
/// venue together do not come back together.
#[derive(Debug)]
pub(crate) struct Backoff {
    tries: u32,
    /// Where the random shares come from; any odd number.
    noise: u64,
}

impl Backoff {
    /// The waits of the connection `number`.
    pub(crate) const fn new(number: u64) -> Self {
        Self { tries: 0, noise: number.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1 }
    }

    /// The next wait.
    pub(crate) fn next_wait(&mut self) -> Duration {
        let whole = FIRST.checked_mul(1 << self.tries.min(7)).unwrap_or(LONGEST).min(LONGEST);
        self.tries += 1;
        whole.mul_f64(self.share())
    }

    /// The connection held: the next loss begins with the shortest wait.
    pub(crate) const fn is_healthy(&mut self) {
        self.tries = 0;
    }

    /// A number from 0 to 1 (xorshift, Marsaglia 2003): nothing but the spread of waits depends on it.
    fn share(&mut self) -> f64 {
        self.noise ^= self.noise << 13;
        self.noise ^= self.noise >> 7;
        self.noise ^= self.noise << 17;
        (self.noise >> 11) as f64 / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_half_a_minute_and_begin_anew_once_healthy() {
        let mut backoff = Backoff::new(7);
        let waits: Vec<Duration> = (0..200).map(|_| backoff.next_wait()).collect();
        assert!(waits[0] <= FIRST && waits[1] <= FIRST * 2 && waits[2] <= FIRST * 4);
        assert!(waits.iter().all(|wait| *wait <= LONGEST));
        assert!(waits[8..].iter().any(|wait| *wait > LONGEST / 2));
        assert!(waits[8..].iter().any(|wait| *wait < LONGEST / 4), "they are spread");
        backoff.is_healthy();
        assert!(backoff.next_wait() <= FIRST);
    }
}
