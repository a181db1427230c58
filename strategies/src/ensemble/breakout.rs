//! One Donchian signal: in on the highest close of its channel, out below the channel's ratcheting middle.

use super::extremes::Extremes;

/// A channel of closes and whether its signal is in the market.
///
/// It enters on a close that is the highest of the last `length` closes, itself included. Its stop is the
/// highest channel middle since the entry; it leaves on a close below it (Zarattini, Pagani and Barbon 2025).
#[derive(Debug, Clone)]
pub struct Breakout {
    channel: Extremes,
    stop: Option<f64>,
}

impl Breakout {
    /// A signal over `length` closes that has seen nothing.
    #[must_use]
    pub fn new(length: usize) -> Self {
        Self { channel: Extremes::new(length), stop: None }
    }

    /// Learns one close and answers whether it is in the market; never before the channel is full.
    #[inline]
    pub fn learn(&mut self, close: f64) -> bool {
        self.channel.push(close);
        let Some((high, low)) = self.channel.bounds() else { return false };
        let middle = f64::midpoint(high, low);
        self.stop = match self.stop {
            None => (close >= high).then_some(middle),
            Some(stop) => Some(stop.max(middle)).filter(|stop| close >= *stop),
        };
        self.stop.is_some()
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.channel.clear();
        self.stop = None;
    }
}

engine_core::learned!(Breakout { values: [stop], parts: [channel] });

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_enters_on_a_new_high_and_leaves_below_the_ratcheted_middle() {
        let mut signal = Breakout::new(3);
        let closes = [10.0, 9.0, 11.0, 13.0, 12.0, 11.5, 11.0, 10.0];
        // Entered at 11 with the middle 10; the middles are then 11, 12 (not below it) and 12.25.
        let states = closes.map(|close| signal.learn(close));
        assert_eq!(states, [false, false, true, true, true, false, false, false]);
    }
}
