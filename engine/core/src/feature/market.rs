//! The market features of one instrument: what a conductor knows about the bar it is asked after.
//!
//! Every feature is free of price level, bar size and annual scale: moves are measured by the deviation of the
//! same market's returns, and each number is bounded, so that one model can read every asset.

use crate::digest::Digest;
use crate::indicator::admission::admitted_price;
use crate::indicator::window::mean_and_deviation;
use crate::indicator::{Adx, Candle, Donchian, Ewmac, RollingMaximum, Rsi, Sma, Tsmom, Window};
use crate::real::Real;
use crate::regime::RegimeReading;

use super::{Feature, FeatureSet, FeatureVector};

mod bridge;

/// How many features the set has.
pub const MARKET_FEATURES: usize = 20;

/// Market features, first version. In the definitions ln C is the log close, r its change over one bar, sd_n the
/// sample deviation of the last n r, squash(x) = x / √(1 + x²), clip(x, a) = x within ±a.
pub const MARKET_V1: FeatureSet = FeatureSet {
    name: "market",
    version: 1,
    features: &[
        feature("volatility_ratio_ln", "clip(ln of the detector's volatility ratio, 3)"),
        feature("efficiency", "the detector's efficiency ratio, 0 to 1"),
        feature("drift", "clip(the detector's drift, 5) / 5"),
        feature(
            "posterior_trending",
            "the detector's posterior of trending, its default coefficients fitted up to 2017",
        ),
        feature(
            "posterior_volatile",
            "the detector's posterior of volatile, its default coefficients fitted up to 2017",
        ),
        feature(
            "posterior_crisis",
            "the detector's posterior of crisis, its default coefficients fitted up to 2017",
        ),
        feature("volatility_slope_ln", "clip(ln(sd_10 / sd_60), 3); 0 where sd_60 < 1e-12"),
        feature("momentum_5_bars", "squash((ln C_t - ln C_{t-5}) / (sd_60 sqrt 5)); 0 where sd_60 < 1e-12"),
        feature(
            "momentum_20_bars",
            "squash((ln C_t - ln C_{t-20}) / (sd_60 sqrt 20)); 0 where sd_60 < 1e-12",
        ),
        feature(
            "momentum_60_bars",
            "squash((ln C_t - ln C_{t-60}) / (sd_60 sqrt 60)); 0 where sd_60 < 1e-12",
        ),
        feature(
            "momentum_120_bars",
            "squash((ln C_t - ln C_{t-120}) / (sd_60 sqrt 120)); 0 where sd_60 < 1e-12",
        ),
        feature(
            "crossover_8_32_bars",
            "squash(2 (EMA_8 - EMA_32 of ln C) / (ew sd_36 sqrt 32)), adjusted means",
        ),
        feature(
            "crossover_32_128_bars",
            "squash(2 (EMA_32 - EMA_128 of ln C) / (ew sd_36 sqrt 128)), adjusted means",
        ),
        feature(
            "channel_20_bars",
            "(C - middle) / half width of the high-low channel of 20 bars; 0 without width",
        ),
        feature(
            "channel_60_bars",
            "(C - middle) / half width of the high-low channel of 60 bars; 0 without width",
        ),
        feature("strength_14_bars", "(RSI_14 of Wilder - 50) / 50"),
        feature("direction_14_bars", "ADX_14 of Wilder / 100"),
        feature(
            "drawdown_120_bars",
            "squash(ln(C / highest high of 120 bars) / (sd_60 sqrt 120)); 0 where sd_60 < 1e-12",
        ),
        feature("volume_ratio_ln", "clip(ln(volume / its mean of 20 bars), 3) / 3; 0 where that mean is 0"),
        feature("run_length_ln", "ln(bars since the regime changed) / ln 1000, at most 1"),
    ],
};

/// A deviation below this is rounding, as in the detector.
const QUIET: f64 = 1e-12;
const LN_1000: f64 = 6.907_755_278_982_137;
/// The shortest window.
const SHORTEST_BARS: usize = 5;
const FAST_BARS: usize = 10;
const SLOW_BARS: usize = 60;
const DRAWDOWN_BARS: usize = 120;
/// The longest memory among the means; before it a crossover would tell little.
const CROSSOVER_WARM_UP: u32 = 128;

const fn feature(name: &'static str, definition: &'static str) -> Feature {
    Feature { name, definition }
}

/// Computes [`MARKET_V1`] for one instrument, bar by bar.
///
/// The first vector comes with bar 128, or with the detector's first reading where that is later. A candle that is
/// not sound is passed over.
#[derive(Clone, Debug, PartialEq)]
pub struct MarketFeatures {
    set: Digest,
    log_close: Option<f64>,
    returns: Window,
    momenta: [Tsmom; 4],
    crossovers: [Ewmac; 2],
    channels: [Donchian; 2],
    highest: RollingMaximum,
    strength: Rsi,
    direction: Adx,
    volume: Sma,
    /// Bars until the windows that a hole took half of have filled again.
    silent_bars: u32,
}

impl Default for MarketFeatures {
    fn default() -> Self {
        Self {
            set: MARKET_V1.digest(),
            log_close: None,
            returns: Window::new(SLOW_BARS),
            momenta: [5, 20, 60, 120].map(Tsmom::new),
            crossovers: [(8, 32), (32, 128)].map(|(fast, slow)| Ewmac::new(fast, slow, CROSSOVER_WARM_UP)),
            channels: [20, 60].map(Donchian::new),
            highest: RollingMaximum::new(DRAWDOWN_BARS),
            strength: Rsi::new(14),
            direction: Adx::new(14),
            volume: Sma::new(20),
            silent_bars: 0,
        }
    }
}

impl MarketFeatures {
    /// Learns one closed bar and the detector's `reading` of it; `None` while either has too little history.
    pub fn learn(&mut self, bar: &Candle, reading: Option<&RegimeReading>) -> Option<FeatureVector> {
        let values = self.measure(bar, reading)?;
        Some(FeatureVector { set: self.set, values: values.to_vec() })
    }

    /// As [`learn`](Self::learn), without making a vector.
    pub fn measure(
        &mut self,
        bar: &Candle,
        reading: Option<&RegimeReading>,
    ) -> Option<[Real; MARKET_FEATURES]> {
        if !bar.is_sound() {
            return None;
        }
        let market = self.of_market(bar);
        if self.silent_bars > 0 {
            self.silent_bars -= 1;
            return None;
        }
        let (market, reading) = (market?, reading?);
        let mut values = [Real::ZERO; MARKET_FEATURES];
        let all = of_reading(reading).into_iter().chain(market).chain([run_length(reading)]);
        for (slot, value) in values.iter_mut().zip(all) {
            *slot = Real::or_zero(value);
        }
        Some(values)
    }

    /// Forgets everything.
    pub fn forget(&mut self) {
        *self = Self { set: self.set, ..Self::default() };
    }

    /// The features from `volatility_slope_ln` to `volume_ratio_ln`. Every indicator learns before any is asked,
    /// so that none is left behind while another is not warm yet.
    fn of_market(&mut self, bar: &Candle) -> Option<[f64; 13]> {
        let log_close = libm::log(admitted_price(bar.close)?);
        if let Some(before) = self.log_close.replace(log_close) {
            self.returns.push(log_close - before);
        }
        let momenta = self.momenta.each_mut().map(|momentum| momentum.learn_log(log_close));
        let crossovers = self.crossovers.each_mut().map(|crossover| crossover.learn_log(log_close));
        let channels = self.channels.each_mut().map(|channel| channel.learn(bar.high, bar.low));
        let highest = self.highest.learn(bar.high);
        let strength = self.strength.learn(bar.close);
        let direction = self.direction.learn(bar);
        let volume = self.volume.learn(bar.volume);

        let (_, fast) = mean_and_deviation(self.returns.last(FAST_BARS)?)?;
        let (_, slow) = mean_and_deviation(self.returns.last(SLOW_BARS)?)?;
        let usual = if slow < QUIET { 0.0 } else { slow };
        let slope = if slow < QUIET { 0.0 } else { log_within(fast / slow, 3.0) };
        let [m5, m20, m60, m120] = momenta;
        let momentum = |momentum: crate::indicator::Momentum| squash(momentum.normalised(usual));
        let [quick, steady] = crossovers;
        let [near, far] = channels;
        let fall = libm::log(bar.close / highest?);
        let reach = usual * (DRAWDOWN_BARS as f64).sqrt();
        Some([
            slope,
            momentum(m5?),
            momentum(m20?),
            momentum(m60?),
            momentum(m120?),
            squash(2.0 * quick?),
            squash(2.0 * steady?),
            near?.position(bar.close),
            far?.position(bar.close),
            (strength? - 50.0) / 50.0,
            direction?.adx / 100.0,
            if reach > 0.0 { squash(fall / reach) } else { 0.0 },
            relative_volume(bar.volume, volume?),
        ])
    }
}

/// The features from `volatility_ratio_ln` to `posterior_crisis`.
fn of_reading(reading: &RegimeReading) -> [f64; 6] {
    let [_, trending, volatile, crisis] = reading.posterior.map(Real::get);
    [
        log_within(reading.volatility_ratio.get(), 3.0),
        reading.efficiency.get().clamp(0.0, 1.0),
        reading.drift.get().clamp(-5.0, 5.0) / 5.0,
        trending,
        volatile,
        crisis,
    ]
}

fn run_length(reading: &RegimeReading) -> f64 {
    (libm::log(f64::from(reading.run_length_bars.max(1))) / LN_1000).min(1.0)
}

fn relative_volume(volume: f64, mean: f64) -> f64 {
    if mean > f64::MIN_POSITIVE { log_within(volume / mean, 3.0) / 3.0 } else { 0.0 }
}

/// `ln(ratio)` within ±`limit`; the lower limit for a ratio of nothing.
fn log_within(ratio: f64, limit: f64) -> f64 {
    libm::log(ratio.max(f64::MIN_POSITIVE)).clamp(-limit, limit)
}

/// `x / √(1 + x²)`: x near nothing, ±1 far out.
fn squash(value: f64) -> f64 {
    value / (1.0 + value * value).sqrt()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::regime::RegimeDetector;
    use crate::regime::two_axis::TwoAxisDetector;

    /// A market of `steps`: (log return, reach of high and low beyond the body, volume).
    fn candles(steps: &[(f64, f64, f64)]) -> Vec<Candle> {
        let mut close = 100.0;
        let made = steps.iter().map(|(step, reach, volume)| {
            let open = close;
            close *= libm::exp(*step);
            let (high, low) = (open.max(close) * (1.0 + reach), open.min(close) / (1.0 + reach));
            Candle { open, high, low, close, volume: *volume }
        });
        made.collect()
    }

    fn read(bars: &[Candle]) -> (Vec<Option<RegimeReading>>, Vec<Option<FeatureVector>>) {
        let (mut detector, mut features) = (TwoAxisDetector::default(), MarketFeatures::default());
        let both = bars.iter().map(|bar| {
            let reading = detector.learn(bar);
            (reading, features.learn(bar, reading.as_ref()))
        });
        both.unzip()
    }

    /// Wilder's smoothing of a whole series: the mean of the first `bars`, then 1/bars of the way to each next.
    fn wilder(values: &[f64], bars: usize) -> f64 {
        let seed = values[..bars].iter().sum::<f64>() / bars as f64;
        values[bars..].iter().fold(seed, |mean, value| mean + (value - mean) / bars as f64)
    }

    fn deviation(values: &[f64]) -> f64 {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
        (squares / (values.len() - 1) as f64).sqrt()
    }

    fn weighted(values: &[f64], span: f64) -> f64 {
        let weights: Vec<f64> =
            (0..values.len()).rev().map(|age| libm::pow(1.0 - 2.0 / (span + 1.0), age as f64)).collect();
        let sum: f64 = values.iter().zip(&weights).map(|(value, weight)| value * weight).sum();
        sum / weights.iter().sum::<f64>()
    }

    fn adx(bars: &[Candle]) -> f64 {
        let moves: Vec<(f64, f64, f64)> = bars
            .windows(2)
            .map(|pair| {
                let (risen, fallen) = (pair[1].high - pair[0].high, pair[0].low - pair[1].low);
                let range = pair[1].high.max(pair[0].close) - pair[1].low.min(pair[0].close);
                let up = if risen > fallen && risen > 0.0 { risen } else { 0.0 };
                (range, up, if fallen > risen && fallen > 0.0 { fallen } else { 0.0 })
            })
            .collect();
        let smoothed = |of: fn(&(f64, f64, f64)) -> f64, to: usize| {
            wilder(&moves[..to].iter().map(of).collect::<Vec<f64>>(), 14)
        };
        let indices: Vec<f64> = (14..=moves.len())
            .map(|to| {
                let (range, up, down) =
                    (smoothed(|it| it.0, to), smoothed(|it| it.1, to), smoothed(|it| it.2, to));
                let (plus, minus) = (up / range, down / range);
                if plus + minus > 0.0 { (plus - minus).abs() / (plus + minus) } else { 0.0 }
            })
            .collect();
        wilder(&indices, 14)
    }

    /// Every feature of the last bar from the whole history at once, by its written definition.
    fn batch(bars: &[Candle], reading: &RegimeReading) -> Vec<f64> {
        let logs: Vec<f64> = bars.iter().map(|bar| libm::log(bar.close)).collect();
        let returns: Vec<f64> = logs.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let tail = |count: usize| &returns[returns.len() - count..];
        let (now, last) = (logs[logs.len() - 1], bars[bars.len() - 1]);
        let usual = deviation(tail(60));
        let momentum =
            |bars: usize| squash((now - logs[logs.len() - 1 - bars]) / (usual * (bars as f64).sqrt()));
        let squares: Vec<f64> = returns.iter().map(|moved| moved * moved).collect();
        let crossover = |fast: f64, slow: f64| {
            let distance = weighted(&logs, fast) - weighted(&logs, slow);
            squash(2.0 * distance / (weighted(&squares, 36.0) * slow).sqrt())
        };
        let channel = |count: usize| {
            let tail = &bars[bars.len() - count..];
            let high = tail.iter().map(|bar| bar.high).fold(0.0, f64::max);
            let low = tail.iter().map(|bar| bar.low).fold(f64::MAX, f64::min);
            (high, (last.close - f64::midpoint(high, low)) / ((high - low) / 2.0))
        };
        let moves: Vec<f64> = bars.windows(2).map(|pair| pair[1].close - pair[0].close).collect();
        let rises = wilder(&moves.iter().map(|moved| moved.max(0.0)).collect::<Vec<f64>>(), 14);
        let falls = wilder(&moves.iter().map(|moved| (-moved).max(0.0)).collect::<Vec<f64>>(), 14);
        let volume = bars[bars.len() - 20..].iter().map(|bar| bar.volume).sum::<f64>() / 20.0;
        let posterior = reading.posterior.map(Real::get);
        vec![
            libm::log(reading.volatility_ratio.get()).clamp(-3.0, 3.0),
            reading.efficiency.get(),
            reading.drift.get().clamp(-5.0, 5.0) / 5.0,
            posterior[1],
            posterior[2],
            posterior[3],
            libm::log(deviation(tail(10)) / usual).clamp(-3.0, 3.0),
            momentum(5),
            momentum(20),
            momentum(60),
            momentum(120),
            crossover(8.0, 32.0),
            crossover(32.0, 128.0),
            channel(20).1,
            channel(60).1,
            (100.0 * rises / (rises + falls) - 50.0) / 50.0,
            adx(bars),
            squash(libm::log(last.close / channel(120).0) / (usual * 120.0_f64.sqrt())),
            libm::log(last.volume / volume).clamp(-3.0, 3.0) / 3.0,
            (libm::log(f64::from(reading.run_length_bars)) / LN_1000).min(1.0),
        ]
    }

    #[test]
    fn the_digest_follows_every_definition() {
        assert_eq!(MARKET_V1.features.len(), MARKET_FEATURES);
        let mut changed = MARKET_V1.features.to_vec();
        changed[3].definition = "something else";
        let changed: &'static [Feature] = changed.leak();
        assert_ne!(MARKET_V1.digest(), FeatureSet { features: changed, ..MARKET_V1 }.digest());
        assert_ne!(MARKET_V1.digest(), FeatureSet { version: 2, ..MARKET_V1 }.digest());
        let names: std::collections::BTreeSet<_> =
            MARKET_V1.features.iter().map(|feature| feature.name).collect();
        assert_eq!(names.len(), MARKET_FEATURES);
    }

    #[test]
    fn constant_prices_without_volume_are_neutral() {
        let (readings, vectors) = read(&[Candle::at(7.0); 250]);
        assert!(vectors[..199].iter().all(Option::is_none));
        assert!(readings[199].is_some());
        let vector = vectors[249].clone().unwrap();
        assert_eq!(vector.set, MARKET_V1.digest());
        let market = vector.values[6..19].iter().all(|value| *value == Real::ZERO);
        assert!(market && vector.values[0] == Real::ZERO, "{vector:?}");
    }

    #[test]
    fn a_feature_without_a_reading_still_learns() {
        let bars = candles(&[(0.01, 0.002, 5.0), (-0.008, 0.001, 3.0)].repeat(120));
        let (readings, vectors) = read(&bars);
        let mut late = MarketFeatures::default();
        let last = bars.len() - 1;
        bars[..last].iter().for_each(|bar| assert_eq!(late.learn(bar, None), None));
        assert_eq!(late.learn(&bars[last], readings[last].as_ref()), vectors[last]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn streaming_and_batch_are_one_definition(
            steps in prop::collection::vec((-0.06_f64..0.06, 0.0_f64..0.03, 1.0_f64..1e6), 201..320),
        ) {
            let bars = candles(&steps);
            let (readings, vectors) = read(&bars);
            let (reading, vector) = (readings[bars.len() - 1].unwrap(), vectors[bars.len() - 1].clone().unwrap());
            for ((found, expected), feature) in
                vector.values.iter().zip(batch(&bars, &reading)).zip(MARKET_V1.features)
            {
                prop_assert!((found.get() - expected).abs() < 1e-9, "{}: {found} {expected}", feature.name);
                prop_assert!(found.get().abs() <= 3.0);
            }
        }

        #[test]
        fn no_market_takes_a_feature_out_of_bounds_and_forgetting_is_starting_anew(
            steps in prop::collection::vec((
                prop_oneof![4 => -0.5_f64..0.5, 4 => Just(0.0), 1 => -30.0_f64..30.0],
                prop_oneof![Just(0.0), 0.0_f64..5.0], prop_oneof![Just(0.0), 0.0_f64..1e12],
            ), 201..260),
        ) {
            let (_, vectors) = read(&candles(&steps));
            for vector in vectors.iter().flatten() {
                prop_assert_eq!(vector.values.len(), MARKET_FEATURES);
                prop_assert!(vector.values.iter().all(|value| value.get().abs() <= 3.0));
            }
            let mut features = MarketFeatures::default();
            for bar in candles(&steps) {
                features.learn(&bar, None);
            }
            features.forget();
            prop_assert_eq!(features, MarketFeatures::default());
        }
    }
}
