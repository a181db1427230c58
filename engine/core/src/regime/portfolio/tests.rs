//! Unit tests of `portfolio`.

use super::*;

/// A fixed sequence of numbers within ±1 (SplitMix64, Steele et al. 2014).
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    }
}

/// A portfolio whose assets follow the given returns.
struct Played {
    detector: PortfolioDetector,
    logs: Vec<f64>,
    last: Option<PortfolioReading>,
}

impl Played {
    fn new(assets: usize) -> Self {
        let detector = PortfolioDetector::new(assets, PortfolioParameters::default()).unwrap();
        Self { detector, logs: vec![0.0; assets], last: None }
    }

    fn play(&mut self, bars: usize, mut moved: impl FnMut(usize, usize) -> f64) -> Option<PortfolioReading> {
        for bar in 0..bars {
            for (asset, log) in self.logs.iter_mut().enumerate() {
                *log += moved(bar, asset);
            }
            let closes = self.logs.iter().map(|log| Some(AssetBar { close: libm::exp(*log), reading: None }));
            self.last = self.detector.learn(&closes.collect::<Vec<_>>());
        }
        self.last
    }
}

#[test]
fn twins_are_one_asset() {
    let mut noise = Noise(1);
    let moves: Vec<f64> = (0..300).map(|_| noise.next() * 0.03).collect();
    let mut played = Played::new(6);
    let last = played.play(300, |bar, _| moves[bar]).unwrap();
    assert!((last.correlation.unwrap().get() - 1.0).abs() < 1e-12);
    assert!((last.absorption.unwrap().get() - 1.0).abs() < 1e-12);
    let mut alone = TwoAxisDetector::default();
    let mut log = 0.0;
    let reading = moves.iter().map(|moved| {
        log += moved;
        alone.learn(&Candle::at(libm::exp(log)))
    });
    let reading = reading.last().flatten().unwrap();
    assert_eq!((reading.raw, reading.regime), (last.index.raw, last.index.regime));
    assert!((reading.drift.get() - last.index.drift.get()).abs() < 1e-9);
    assert!((reading.volatility_ratio.get() - last.index.volatility_ratio.get()).abs() < 1e-9);
}

#[test]
fn strangers_share_little() {
    let mut noise = Noise(2);
    let mut played = Played::new(10);
    let last = played.play(500, |_, _| noise.next() * 0.03).unwrap();
    let (correlation, absorption) = (last.correlation.unwrap().get(), last.absorption.unwrap().get());
    assert!(correlation.abs() < 0.1, "{correlation}");
    // Two of ten eigenvectors hold two tenths, and what the noise of some sixty bars adds.
    assert!((0.2..0.5).contains(&absorption), "{absorption}");
}

#[test]
fn two_families_of_known_correlation() {
    // In each family one common return of alternating sign, and between the families a pattern that is
    // orthogonal to it over every four bars: correlations 1 within (2 of 6 pairs each way), about 0 between.
    let mut played = Played::new(4);
    let pattern = [[1.0, 1.0], [-1.0, 1.0], [1.0, -1.0], [-1.0, -1.0]];
    let last = played.play(1_000, |bar, asset| 0.01 * pattern[bar % 4][asset / 2]).unwrap();
    assert!((last.correlation.unwrap().get() - 1.0 / 3.0).abs() < 0.05, "{last:?}");
    assert!((last.absorption.unwrap().get() - 0.5).abs() < 0.05, "{last:?}");
}

/// A calm past of independent assets, then twelve wild bars that are `common` to all or each asset's own.
fn after_wild_bars(common: bool) -> PortfolioReading {
    let (mut noise, mut shocks) = (Noise(3), Noise(4));
    let mut played = Played::new(5);
    played.play(500, |_, _| noise.next() * 0.02);
    let last = played.play(12, |bar, _| {
        // Wild bars go up and down by turns and gain a little, so that the index is volatile and does not fall.
        let turn = if bar % 2 == 0 { 1.0 } else { -1.0 };
        if common { 0.01 + 0.08 * turn } else { 0.25 * shocks.next() }
    });
    last.unwrap()
}

#[test]
fn a_volatile_index_of_assets_that_move_alike_is_a_crisis() {
    let contagion = after_wild_bars(true);
    assert_eq!((contagion.index.raw, contagion.raw), (Regime::Volatile, Regime::Crisis));
    assert!(contagion.correlation > contagion.correlation_high);
    let apart = after_wild_bars(false);
    assert!(apart.index.volatility_ratio.get() > 1.35, "{apart:?}");
    assert_eq!(apart.raw, apart.index.raw);
    assert!(apart.correlation <= apart.correlation_high, "{apart:?}");
}

#[test]
fn an_asset_starts_anew_behind_a_long_gap_only() {
    let mut noise = Noise(5);
    let mut played = Played::new(3);
    played.play(300, |_, _| noise.next() * 0.02);
    let bar = |close: f64| Some(AssetBar { close, reading: None });
    let closes: Vec<f64> = played.logs.iter().map(|log| libm::exp(*log)).collect();
    played.detector.learn(&[bar(closes[0]), bar(closes[1]), None]);
    assert_eq!(played.detector.known(), [0, 1]);
    played.detector.learn(&[bar(closes[0]), bar(closes[1]), bar(closes[2] * 1.02)]);
    assert_eq!(played.detector.known(), [0, 1, 2]);
    // The move of two bars counts as one observation of a bar's size.
    assert!((played.detector.assets[2].moved - libm::log(1.02) / 2.0_f64.sqrt()).abs() < 1e-9);
    let before = played.detector.level;
    for _ in 0..31 {
        played.detector.learn(&[bar(1.0), bar(1.0), None]);
    }
    // A hundredfold price after the gap is no return.
    let gap = played.detector.learn(&[bar(1.0), bar(1.0), bar(100.0)]).unwrap();
    assert_eq!(played.detector.known(), [0, 1]);
    assert!(gap.correlation.is_some());
    assert!(played.detector.level < before * 2.0);
    let short = played.detector.learn(&[bar(1.0)]).unwrap();
    assert_eq!((short.correlation, short.absorption), (None, None));
}

#[test]
fn breadth_counts_the_assets_in_trouble() {
    let mut calm = TwoAxisDetector::default();
    let reading = (0..250).map(|_| calm.learn(&Candle::at(5.0))).last().flatten().unwrap();
    let wild = RegimeReading { volatility_ratio: Real::or_zero(2.0), drift: Real::or_zero(-1.5), ..reading };
    let mut played = Played::new(4);
    played.play(250, |_, _| 0.0);
    let bars = [Some(reading), Some(wild), Some(reading), None];
    let bars = bars.map(|reading| Some(AssetBar { close: 1.0, reading }));
    let last = played.detector.learn(&bars).unwrap();
    assert!((last.volatile_share.get() - 1.0 / 3.0).abs() < 1e-15);
    assert!((last.falling_share.get() - 1.0 / 3.0).abs() < 1e-15);
    assert_eq!((last.correlation, last.raw), (None, Regime::Ranging));
    played.detector.forget();
    assert_eq!(played.detector, Played::new(4).detector);
}

#[test]
fn parameters_without_sense_are_refused() {
    let make = |change: fn(&mut PortfolioParameters)| {
        let mut parameters = PortfolioParameters::default();
        change(&mut parameters);
        PortfolioDetector::new(2, parameters).map(|_| ())
    };
    assert_eq!(make(|_| ()), Ok(()));
    assert_eq!(make(|it| it.quantile = 1.5), Err(ParameterError::Threshold));
    assert_eq!(make(|it| it.history_bars = 10), Err(ParameterError::ShortWindow));
    assert_eq!(make(|it| it.index.window_bars = 1), Err(ParameterError::ShortWindow));
}
