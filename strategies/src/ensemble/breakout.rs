//! One Donchian signal: in on the highest close of its channel, out below the channel's ratcheting middle.

/// Whether a signal over a channel of closes is in the market.
///
/// It enters on a close that is the highest of its channel, itself included. Its stop is the
/// highest channel middle since the entry; it leaves on a close below it (Zarattini, Pagani and Barbon 2025).
#[derive(Debug, Clone, Copy, Default)]
pub struct Breakout {
    stop: Option<f64>,
}

impl Breakout {
    /// Learns one close, with the highest and the lowest close of its channel, and answers whether it is in the market;
    /// never before the channel is full and has bounds.
    #[inline]
    pub fn learn(&mut self, close: f64, bounds: Option<(f64, f64)>) -> bool {
        let Some((high, low)) = bounds else { return false };
        let middle = f64::midpoint(high, low);
        self.stop = match self.stop {
            None => (close >= high).then_some(middle),
            Some(stop) => Some(stop.max(middle)).filter(|stop| close >= *stop),
        };
        self.stop.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::super::extremes::Extremes;
    use super::*;

    #[test]
    fn it_enters_on_a_new_high_and_leaves_below_the_ratcheted_middle() {
        let (mut signal, mut channel) = (Breakout::default(), Extremes::new([3]));
        let closes = [10.0, 9.0, 11.0, 13.0, 12.0, 11.5, 11.0, 10.0];
        // Entered at 11 with the middle 10; the middles are then 11, 12 (not below it) and 12.25.
        let states = closes.map(|close| {
            channel.push(close);
            signal.learn(close, channel.bounds()[0])
        });
        assert_eq!(states, [false, false, true, true, true, false, false, false]);
    }
}
