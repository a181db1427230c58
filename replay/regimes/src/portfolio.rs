//! A portfolio of stored markets, read bar by bar.

use engine_core::indicator::Candle;
use engine_core::regime::portfolio::{AssetBar, PortfolioDetector, PortfolioParameters, PortfolioReading};
use engine_core::regime::posterior::PosteriorModel;
use engine_core::regime::two_axis::{ParameterError, TwoAxisDetector};
use engine_core::regime::{Regime, RegimeDetector};
use engine_core::time::Timestamp;

use super::calibration::scaled_two_axis;
use super::hindsight::LabelRule;
use super::series::BarSeries;

/// One moment of a portfolio.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PortfolioBar {
    /// When its bars begin.
    pub at: Timestamp,
    /// How many assets have a bar then.
    pub assets: usize,
    /// What is thought of them together; `None` while the index has too little history.
    pub reading: Option<PortfolioReading>,
}

/// A change of the portfolio's regime.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PortfolioChange {
    /// When the bars that brought it begin.
    pub at: Timestamp,
    /// The regime before; `None` for the first reading.
    pub from: Option<Regime>,
    /// The reading that brought it.
    pub reading: PortfolioReading,
}

/// One asset on its way through its bars.
struct Asset<'a> {
    bars: std::iter::Peekable<Box<dyn Iterator<Item = (Timestamp, &'a Candle)> + 'a>>,
    detector: TwoAxisDetector,
    /// Bars missing up to now.
    missing: u32,
}

impl<'a> Asset<'a> {
    fn of(series: &'a BarSeries, detector: TwoAxisDetector) -> Self {
        let bars = series.at().iter().copied().zip(series.bars());
        let bars: Box<dyn Iterator<Item = (Timestamp, &'a Candle)> + 'a> = Box::new(bars);
        Self { bars: bars.peekable(), detector, missing: 0 }
    }

    /// Its bar at `at`, where it has one.
    fn bar(&mut self, at: Timestamp) -> Option<AssetBar> {
        let Some((_, bar)) = self.bars.next_if(|(begins, _)| *begins == at) else {
            self.missing = self.missing.saturating_add(1);
            return None;
        };
        self.detector.bridge(std::mem::take(&mut self.missing), bar.open);
        Some(AssetBar { close: bar.close, reading: self.detector.learn(bar) })
    }
}

/// What is thought of the portfolio of `markets` at every moment at which any of them has a bar. The windows of the
/// rule and of the history of correlations are in proportion to the length of the first market's bars; all should
/// have one length. Correlations keep their span of 60 bars. Moments at which all bars are missing are
/// bridged as the detectors bridge missing bars.
///
/// # Errors
/// [`ParameterError`] where the windows make no detector.
pub fn portfolio_readings(markets: &[BarSeries]) -> Result<Vec<PortfolioBar>, ParameterError> {
    let Some(first) = markets.first() else { return Ok(Vec::new()) };
    let interval = first.interval();
    let windows = scaled_two_axis(&LabelRule::of(interval));
    let fresh = TwoAxisDetector::new(windows, PosteriorModel::DEFAULT)?;
    let parameters = PortfolioParameters {
        index: windows,
        history_bars: windows.base_bars,
        history_bars_min: windows.base_bars_min,
        ..PortfolioParameters::default()
    };
    let mut portfolio = PortfolioDetector::new(markets.len(), parameters)?;
    let mut assets: Vec<Asset<'_>> = markets.iter().map(|series| Asset::of(series, fresh.clone())).collect();
    let mut moments: Vec<Timestamp> = markets.iter().flat_map(BarSeries::at).copied().collect();
    moments.sort_unstable();
    moments.dedup();
    let mut before: Option<Timestamp> = None;
    let read = moments.into_iter().map(|at| {
        let passed =
            before.replace(at).map_or(1, |before| at.since(before).nanos() / interval.nanos().max(1));
        if passed > 1 {
            let missing = u32::try_from(passed - 1).unwrap_or(u32::MAX);
            portfolio.bridge(missing);
            assets.iter_mut().for_each(|asset| asset.missing = asset.missing.saturating_add(missing));
        }
        let bars: Vec<Option<AssetBar>> = assets.iter_mut().map(|asset| asset.bar(at)).collect();
        PortfolioBar { at, assets: bars.iter().flatten().count(), reading: portfolio.learn(&bars) }
    });
    Ok(read.collect())
}

/// Every change of the portfolio's regime in `bars`, its first reading included.
#[must_use]
pub fn portfolio_changes(bars: &[PortfolioBar]) -> Vec<PortfolioChange> {
    let mut before = None;
    let readings = bars.iter().filter_map(|bar| Some((bar.at, bar.reading?)));
    let changes = readings.filter_map(|(at, reading)| {
        let from = before.replace(reading.regime);
        (from != Some(reading.regime)).then_some(PortfolioChange { at, from, reading })
    });
    changes.collect()
}

#[cfg(test)]
mod tests {
    use engine_core::time::Span;

    use super::*;

    /// Daily bars of an asset that wobbles, and falls wildly for 30 days from day `wild` on.
    fn market(days: std::ops::Range<i64>, wild: i64, phase: i64) -> BarSeries {
        let mut close = 100.0_f64;
        let bars = days.map(|day| {
            let calm = [0.004, -0.002, 0.001, -0.004, 0.002][(day + phase).rem_euclid(5) as usize];
            let shaken = [-0.12, 0.05, -0.09, 0.02, -0.06][day.rem_euclid(5) as usize];
            close *= 1.0 + if (wild..wild + 30).contains(&day) { shaken } else { calm };
            (Timestamp::from_nanos(day * Span::DAY.nanos()), Candle::at(close))
        });
        BarSeries::new(Span::DAY, bars.collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn assets_that_fall_together_are_a_crisis_of_the_portfolio() {
        let markets = [market(0..600, 500, 0), market(0..600, 500, 2), market(100..600, 500, 4)];
        let bars = portfolio_readings(&markets).unwrap();
        assert_eq!((bars.len(), bars[0].assets, bars[599].assets), (600, 2, 3));
        assert!(bars[150].reading.is_none(), "too little history");
        let calm = bars[490].reading.unwrap();
        assert_ne!(calm.regime, Regime::Crisis);
        let fallen = bars[520].reading.unwrap();
        assert_eq!(fallen.regime, Regime::Crisis);
        assert!(fallen.correlation.unwrap() > calm.correlation.unwrap(), "{fallen:?} {calm:?}");
        assert!(fallen.absorption.unwrap() > calm.absorption.unwrap());
        let changes = portfolio_changes(&bars);
        assert_eq!(changes[0].from, None);
        assert!(
            changes.iter().any(|change| change.reading.regime == Regime::Crisis && change.from.is_some())
        );
    }

    #[test]
    fn daily_bars_have_the_windows_of_the_default() {
        let windows = scaled_two_axis(&LabelRule::DAILY);
        let default = PortfolioParameters::default();
        assert_eq!(
            (windows.base_bars, windows.base_bars_min),
            (default.history_bars, default.history_bars_min)
        );
    }

    #[test]
    fn only_a_gap_as_long_as_the_windows_leaves_nothing_of_the_bars_before() {
        let read = |first: i64| {
            let (early, late) = (market(0..400, 9_000, 0), market(first..first + 300, 9_000, 0));
            let at = early.at().iter().chain(late.at()).copied();
            let bars: Vec<_> = at.zip(early.bars().iter().chain(late.bars()).copied()).collect();
            let cut = BarSeries::new(Span::DAY, bars).unwrap();
            (
                portfolio_readings(&[cut.clone(), cut]).unwrap(),
                portfolio_readings(&[late.clone(), late]).unwrap(),
            )
        };
        let (bridged, _) = read(401);
        assert!(bridged[400].reading.is_some(), "one missing bar costs nothing");
        let silent = read(450).0[400..].iter().take_while(|bar| bar.reading.is_none()).count();
        assert_eq!(silent, 20, "the short windows fill again");
        let (cut, alone) = read(1_200);
        assert!(cut[400..] == alone[..], "as if the bars before had never been");
        assert_eq!(portfolio_readings(&[]).unwrap(), []);
    }
}
