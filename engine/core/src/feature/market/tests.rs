//! Unit tests of `market`.

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
    let momentum = |bars: usize| squash((now - logs[logs.len() - 1 - bars]) / (usual * (bars as f64).sqrt()));
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
