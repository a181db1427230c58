//! The trading conductor: trained on market features, judged walking forward, written as a model with its card.
//!
//! Reading order: [`mod@panel`] is bars seen as they came, [`market`] with the features and sleeves of a run, [`target`]
//! what should have been known; [`fold`] what may be learned before each year; [`network`] one fit; then what it
//! is worth: [`evaluation`] of predictions and features, [`allocation`] of the money, [`report`] in words;
//! [`model`] writes the file and its card.
//!
//! # The domain
//!
//! Features should serve in every regime and for every instrument, so there are two adversaries on the same
//! features: one names the regime (four), one the instrument. A joint domain of regime × instrument would leave
//! some classes with a few dozen rows, and a failure on it could not be told apart: each adversary has its own
//! chance level, its own probes, and domains weigh alike in its loss however rare they are.
//!
//! # Shared features and context
//!
//! The detector's own numbers, which say the regime by definition, are not among the inputs of the shared features.
//! They and all other features also go past them, through a small network of its own straight to the prediction:
//! what depends on the regime may depend on it openly, and what is shared should hold in every regime. What the
//! shared features add to the rest is measured and stated, and may be nothing: features that a domain must not be
//! told from lose what predicts differently in each domain (Zhao et al. 2019).

use crate::error::TrainError;
use crate::training::Progress;

pub mod panel;

pub mod market;

pub mod target;

pub mod fold;

pub mod network;

pub mod evaluation;

pub mod allocation;

pub mod report;

pub mod model;

use allocation::{Comparison, Earned};
use evaluation::{Evaluation, Invariance, LeftOut, Panel};
use fold::Fold;
use network::{Fitted, Inputs, Method};
use panel::{Series, Sleeves, Track};

/// What a user may choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Choices {
    /// Everything random comes from here.
    pub seed: u64,
    /// Passes over the rows.
    pub epochs: usize,
}

impl Choices {
    /// Passes after which five instruments of daily bars are learned and not yet learned by heart.
    pub const EPOCHS: usize = 15;
    /// The seed when none is given.
    pub const SEED: u64 = 42;

    fn method(self, lambda_max: f64) -> Method {
        Method { lambda_max, epochs: self.epochs, seed: self.seed }
    }
}

/// Where λ of the adversarial network ends.
pub const LAMBDA_MAX: f64 = 1.0;

/// What everything came to.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Findings {
    /// What was chosen.
    pub choices: Choices,
    /// Names of the instruments.
    pub assets: Vec<String>,
    /// Names of the sleeves.
    pub sleeves: Vec<String>,
    /// Which inputs go where.
    pub inputs: Inputs,
    /// The judged years.
    pub years: Vec<i32>,
    /// First judged moment and the first after, in nanoseconds since the epoch.
    pub judged: [i64; 2],
    /// Rows with features and targets.
    pub rows: usize,
    /// Share of each regime among the judged rows.
    pub regime_shares: [f64; 4],
    /// What can be told from the inputs of the features.
    pub raw: Invariance,
    /// Without adversary influence.
    pub twin: Evaluation,
    /// Against the adversaries.
    pub adversarial: Evaluation,
    /// Prediction of regimes never seen, and, as a yardstick, of the same rows by networks that saw them.
    pub left_out: Vec<LeftOut>,
    /// What everyone earned.
    pub earned: Vec<Earned>,
    /// Who earned more, and whether that is luck.
    pub comparisons: Vec<Comparison>,
}

/// Shows `series` to the default detector and [`MARKET_V1`](engine_core::feature::market::MARKET_V1), and to fresh sleeves from `sleeves`.
///
/// # Errors
/// [`TrainError::TooLittle`] where instruments have different intervals, or no bar has features and targets.
pub fn panel(
    series: &[Series],
    sleeve_names: &[&str],
    sleeves: &dyn Fn() -> Box<dyn Sleeves>,
) -> Result<Panel, TrainError> {
    let Some(first) = series.first() else {
        return Err(TrainError::TooLittle("no series of bars was given".to_owned()));
    };
    if let Some(other) = series.iter().find(|other| other.interval_ns != first.interval_ns) {
        return Err(TrainError::TooLittle(format!(
            "{} has bars of another length than {}; give bars of one length",
            other.name, first.name
        )));
    }
    let track = |series: &Series| Track::of(series, &mut market::Market::default(), sleeves().as_mut());
    let tracks: Vec<Track> = series.iter().map(track).collect();
    let rows: Vec<_> =
        tracks.iter().enumerate().flat_map(|(asset, track)| target::rows(asset, track)).collect();
    let sleeves = sleeve_names.iter().map(|name| (*name).to_owned()).collect();
    Ok(Panel { tracks, rows, inputs: market::inputs(), sleeves, interval_ns: first.interval_ns })
}

/// Trains twin and adversarial network walking forward, judges both, and fits the network that is exported to
/// every row.
///
/// # Errors
/// [`TrainError::TooLittle`] where no year can be judged; [`TrainError::Diverged`].
pub fn train(
    panel: &Panel,
    choices: Choices,
    progress: &mut dyn Progress,
) -> Result<(Findings, Fitted), TrainError> {
    let folds = fold::yearly(&panel.rows, panel.interval_ns);
    if folds.is_empty() {
        return Err(TrainError::TooLittle(format!(
            "{} rows have features and targets; a judged year needs {} before it and some in it",
            panel.rows.len(),
            fold::TRAIN_ROWS_MIN
        )));
    }
    let (twin, adversarial) = (choices.method(0.0), choices.method(LAMBDA_MAX));
    let split = late_split(panel, &folds);
    let fits = 2 * folds.len() + 2 * (engine_core::regime::Regime::ALL.len() + 1) + 1;
    let mut counted = Counted { progress, fits, done: 0 };
    let (twin_fits, of_twin) = evaluation::evaluate(panel, &folds, &twin, &mut counted)?;
    let (fits, of_adversarial) = evaluation::evaluate(panel, &folds, &adversarial, &mut counted)?;
    let left_out = evaluation::leave_one_regime_out(panel, &split, &[twin, adversarial], &mut counted)?;
    let earned = allocation::run(panel, &folds, &fits, &twin_fits)?;
    let all: Vec<&target::Row> = panel.rows.iter().collect();
    let last = Fitted::of(&panel.tracks, &all, &panel.inputs, &adversarial, &mut counted)?;
    let findings = Findings {
        choices,
        assets: panel.tracks.iter().map(|track| track.name.clone()).collect(),
        sleeves: panel.sleeves.clone(),
        inputs: panel.inputs.clone(),
        years: folds.iter().map(|fold| fold.year).collect(),
        judged: judged(&folds),
        rows: panel.rows.len(),
        regime_shares: regime_shares(panel, &folds),
        raw: evaluation::raw_invariance(panel, &folds, choices.seed),
        twin: of_twin,
        adversarial: of_adversarial,
        left_out,
        comparisons: allocation::compare(&earned, choices.seed),
        earned,
    };
    Ok((findings, last))
}

/// A use of a network that was judged by what it earned, and so counts as a trial of a search.
#[derive(Debug, Clone, PartialEq)]
pub struct Tried<'a> {
    /// What it earned.
    pub earned: &'a Earned,
    /// Everything that decides the result but the data.
    pub configuration: serde_json::Value,
}

/// Every use of a network that was judged by what it earned. Rule and uniform weights are none: nothing was tried
/// to find them.
#[must_use]
pub fn tried(findings: &Findings) -> Vec<Tried<'_>> {
    use allocation::Allocator::{Conductor, ConductorScale, ConductorWeights, Rule, Twin, Uniform};
    let configuration = |allocator: allocation::Allocator| {
        let method = match allocator {
            Conductor | ConductorWeights | ConductorScale => findings.adversarial.method,
            Twin => findings.twin.method,
            Rule | Uniform => return None,
        };
        let (sleeves, assets) = (findings.sleeves.len(), findings.assets.len());
        Some(serde_json::json!({
            "allocator": allocator.name(),
            "assets": findings.assets,
            "recipe": network::recipe(&method, sleeves),
            "shape": network::shape(&findings.inputs, sleeves, assets),
        }))
    };
    let earned = findings.earned.iter();
    earned
        .filter_map(|earned| Some(Tried { earned, configuration: configuration(earned.allocator)? }))
        .collect()
}

/// One fold: learn before the middle judged year, be judged on everything from there on.
fn late_split(panel: &Panel, folds: &[Fold]) -> Vec<Fold> {
    let Some(middle) = folds.get(folds.len() / 2) else { return Vec::new() };
    let later = panel.rows.iter().enumerate().filter(|(_, row)| row.at >= middle.from);
    let to = folds.last().map_or(middle.to, |last| last.to);
    vec![Fold { to, test: later.map(|(place, _)| place).collect(), ..middle.clone() }]
}

fn judged(folds: &[Fold]) -> [i64; 2] {
    let ends = folds.iter().map(|fold| (fold.from, fold.to));
    let (from, to) =
        ends.fold((i64::MAX, i64::MIN), |(from, to), (begin, end)| (from.min(begin), to.max(end)));
    [from, to]
}

fn regime_shares(panel: &Panel, folds: &[Fold]) -> [f64; 4] {
    let mut counts = [0.0; 4];
    for fold in folds {
        for regime in panel.regimes(&panel.pick(&fold.test)) {
            counts[regime] += 1.0;
        }
    }
    let all: f64 = counts.iter().sum();
    counts.map(|count| count / all.max(1.0))
}

/// Progress of one fit as progress of all.
struct Counted<'a> {
    progress: &'a mut dyn Progress,
    fits: usize,
    done: usize,
}

impl Progress for Counted<'_> {
    fn advanced(&mut self, done: u64, total: u64, _what: &str) {
        let before = self.done as u64 * total;
        let what = format!("network {} of {}", self.done + 1, self.fits);
        self.progress.advanced(before + done, self.fits as u64 * total, &what);
        self.done += usize::from(done == total);
    }
}

#[cfg(test)]
mod tests {
    use engine_core::feature::market::MARKET_V1;
    use engine_core::indicator::Candle;
    use models_inference::card::ModelCard;

    use super::*;
    use crate::conductor::market::RunSleeves;
    use crate::conductor::panel::ClosedBar;
    use crate::random::Stream;
    use crate::training::Unwatched;

    const DAY_NS: i64 = 86_400_000_000_000;

    /// A walk whose volatility changes every 60 days.
    fn walk(name: &str, bars: i64, seed: u64) -> Series {
        let mut stream = Stream::new(seed, "walk");
        let mut close = 100.0;
        let bar = |day: i64| {
            let open = close;
            let wild = if (day / 60) % 3 == 0 { 0.06 } else { 0.02 };
            close *= libm::exp(wild * stream.normal_pair().0 + 0.001);
            let candle = Candle {
                open,
                high: open.max(close) * 1.01,
                low: open.min(close) * 0.99,
                close,
                volume: 1_000.0 + stream.unit(),
            };
            ClosedBar { close_at: fold::year_start(2020) + (day + 1) * DAY_NS, candle }
        };
        Series {
            name: name.to_owned(),
            interval_ns: DAY_NS,
            bars: (0..bars).map(bar).collect(),
            digest: format!("{seed:064x}"),
        }
    }

    fn sleeves() -> Box<dyn Sleeves> {
        Box::new(RunSleeves::default())
    }

    const NAMES: [&str; 8] = strategies::ensemble::sleeve_weights::SLEEVES;

    #[test]
    fn a_conductor_is_trained_judged_and_written() {
        let series = [walk("a", 1_060, 1), walk("b", 1_060, 2)];
        let panel = panel(&series, &NAMES, &sleeves).unwrap();
        let (findings, fitted) = train(&panel, Choices { seed: 3, epochs: 1 }, &mut Unwatched).unwrap();
        assert_eq!(findings.years, [2022]);
        assert_eq!(findings.earned.len(), 6);
        assert!(findings.comparisons.iter().all(|one| (0.0..=1.0).contains(&one.difference.p_value)));
        let shares: f64 = findings.regime_shares.iter().sum();
        assert!((shares - 1.0).abs() < 1e-9);
        assert_eq!(findings.left_out.len(), 8);
        assert_eq!(tried(&findings).len(), 4);
        let text = report::text(&findings);
        assert!(text.contains("invariant to regime") && text.contains("p = "), "{text}");
        let bytes = model::to_bytes(&fitted, &findings, &series);
        let card = model::card(&bytes, &panel, &findings, &series);
        let folder = tempfile::tempdir().unwrap();
        let path = model::write(folder.path(), &bytes, &card).unwrap();
        assert_eq!(ModelCard::read(&ModelCard::path_beside(&path)).unwrap(), card);
        let read = models_inference::model::Model::read(&path).unwrap();
        let expected = models_inference::model::Expected::new(&MARKET_V1, &NAMES);
        read.check_expected(&expected).unwrap();
    }

    #[test]
    fn what_is_too_little_is_said_in_one_line() {
        let said = |series: &[Series]| {
            let outcome = panel(series, &NAMES, &sleeves)
                .and_then(|panel| train(&panel, Choices { seed: 1, epochs: 1 }, &mut Unwatched).map(|_| ()));
            outcome.unwrap_err().to_string()
        };
        assert!(said(&[]).contains("no series"));
        assert!(said(&[walk("a", 300, 1)]).contains("needs 1000 before it"));
        let hourly = Series { interval_ns: DAY_NS / 24, ..walk("b", 300, 1) };
        assert!(said(&[walk("a", 300, 1), hourly]).contains("another length"));
    }
}
