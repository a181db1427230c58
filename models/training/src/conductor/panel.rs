//! Bars of several instruments seen as they came: features, regime and exposures of the sleeves after each bar.

use engine_core::indicator::Candle;
use engine_core::regime::Regime;

/// Closed bars of one instrument, oldest first.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Its name, as in `binance:BTCUSDT:bars`.
    pub name: String,
    /// Length of a bar in nanoseconds.
    pub interval_ns: i64,
    /// The bars.
    pub bars: Vec<ClosedBar>,
    /// Digest of the records, in hexadecimal digits.
    pub digest: String,
}

/// One closed bar.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClosedBar {
    /// When it closed, in nanoseconds since the epoch.
    pub close_at: i64,
    /// Its prices and volume.
    pub candle: Candle,
}

/// What is known of a market after a bar.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    /// The features a question would carry.
    pub features: Vec<f64>,
    /// The regime by this bar alone.
    pub regime: Regime,
}

/// Turns bars into features and a regime, one bar at a time; never looks ahead.
pub trait Observer {
    /// Learns one closed bar. Answers what is known, `None` while there is too little history, and the regime with
    /// hysteresis, by which specialists enter.
    fn learn(&mut self, bar: &Candle) -> (Option<Observation>, Option<Regime>);

    /// Forgets everything that would reach across a gap in the bars.
    fn forget(&mut self);
}

/// Specialists that a conductor weighs: each gives an exposure from 0 to 1.
pub trait Sleeves {
    /// Learns one closed bar and the regime with hysteresis; answers one exposure per specialist, held from this
    /// close on.
    fn learn(&mut self, bar: &ClosedBar, regime: Option<Regime>) -> Vec<f64>;

    /// Forgets everything that would reach across a gap in the bars.
    fn forget(&mut self);
}

/// One instrument after one bar.
#[derive(Debug, Clone, PartialEq)]
pub struct Moment {
    /// When the bar closed, in nanoseconds since the epoch.
    pub at: i64,
    /// Its close.
    pub close: f64,
    /// What is known; `None` while there is too little history.
    pub observation: Option<Observation>,
    /// Exposure of each sleeve, from this close to the next.
    pub exposures: Vec<f64>,
    /// Deviation of a bar's log return, exponentially weighted with a span of 30 bars about zero, as the book
    /// sizes by; zero after a single bar.
    pub volatility: f64,
    /// Bars since the last gap, this one included.
    pub run: usize,
}

/// One instrument, bar by bar.
#[derive(Debug, Clone, PartialEq)]
pub struct Track {
    /// Its name.
    pub name: String,
    /// Its bars.
    pub moments: Vec<Moment>,
}

/// Span of the volatility, in bars.
const VOLATILITY_SPAN: f64 = 30.0;

/// Exponentially weighted mean of squares since the last gap.
#[derive(Debug, Clone, Copy, Default)]
struct Variance {
    sum: f64,
    weight: f64,
}

impl Variance {
    fn learn(&mut self, value: f64) -> f64 {
        let keep = 1.0 - 2.0 / (VOLATILITY_SPAN + 1.0);
        self.sum = keep.mul_add(self.sum, value * value);
        self.weight = keep.mul_add(self.weight, 1.0);
        (self.sum / self.weight).sqrt()
    }
}

impl Track {
    /// Shows `series` to `observer` and `sleeves`, bar by bar. A missing bar makes both begin anew.
    #[must_use]
    pub fn of(series: &Series, observer: &mut dyn Observer, sleeves: &mut dyn Sleeves) -> Self {
        let mut moments: Vec<Moment> = Vec::with_capacity(series.bars.len());
        let mut variance = Variance::default();
        for bar in &series.bars {
            let before = moments.last().filter(|last| bar.close_at - last.at == series.interval_ns);
            let (run, last_close) = before.map_or((1, None), |last| (last.run + 1, Some(last.close)));
            if run == 1 {
                observer.forget();
                sleeves.forget();
                variance = Variance::default();
            }
            let close = bar.candle.close;
            let volatility = last_close.map_or(0.0, |last| variance.learn(libm::log(close / last)));
            let (observation, regime) = observer.learn(&bar.candle);
            let exposures = sleeves.learn(bar, regime);
            moments.push(Moment { at: bar.close_at, close, observation, exposures, volatility, run });
        }
        Self { name: series.name.clone(), moments }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Counts what it has seen since the last gap.
    #[derive(Debug, Default)]
    pub(crate) struct Counter(pub(crate) usize);

    impl Observer for Counter {
        fn learn(&mut self, bar: &Candle) -> (Option<Observation>, Option<Regime>) {
            self.0 += 1;
            let features = vec![self.0 as f64, bar.close];
            ((self.0 > 2).then_some(Observation { features, regime: Regime::Ranging }), None)
        }

        fn forget(&mut self) {
            self.0 = 0;
        }
    }

    impl Sleeves for Counter {
        fn learn(&mut self, _bar: &ClosedBar, _regime: Option<Regime>) -> Vec<f64> {
            self.0 += 1;
            vec![self.0 as f64 / 10.0]
        }

        fn forget(&mut self) {
            self.0 = 0;
        }
    }

    #[test]
    fn nothing_reaches_across_a_gap() {
        let bar = |day: i64| ClosedBar { close_at: day * 10, candle: Candle::at(100.0 + day as f64) };
        let bars = [1, 2, 3, 5, 6, 7].map(bar).to_vec();
        let series = Series { name: "a".into(), interval_ns: 10, bars, digest: String::new() };
        let track = Track::of(&series, &mut Counter::default(), &mut Counter::default());
        let runs: Vec<usize> = track.moments.iter().map(|moment| moment.run).collect();
        assert_eq!(runs, [1, 2, 3, 1, 2, 3]);
        let seen: Vec<bool> = track.moments.iter().map(|moment| moment.observation.is_some()).collect();
        assert_eq!(seen, [false, false, true, false, false, true]);
        assert!(track.moments[3].volatility.abs() < 1e-15 && track.moments[4].volatility > 0.0);
    }
}
