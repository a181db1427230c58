//! The market features of one instrument: what a conductor knows about the bar it is asked after.
//!
//! Every feature is free of price level, bar size and annual scale: moves are measured by the deviation of the
//! same market's returns, and each number is bounded, so that one model can read every asset.

use crate::digest::Digest;
use crate::indicator::usable_price::usable_price;
use crate::indicator::window::mean_and_deviation;
use crate::indicator::{Adx, Candle, Donchian, Ewmac, RollingMaximum, Rsi, Sma, Tsmom, Window};
use crate::real::Real;
use crate::regime::RegimeReading;

use super::{Feature, FeatureSet, FeatureVector};

mod missing_bars;

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
    /// Bars until the windows that a gap took half of have filled again.
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
        let log_close = libm::log(usable_price(bar.close)?);
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

crate::learned!(MarketFeatures {
    settings: [set],
    values: [log_close, silent_bars],
    parts: [returns, momenta, crossovers, channels, highest, strength, direction, volume],
});

#[cfg(test)]
mod tests;
