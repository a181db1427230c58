//! What weights and risk scales would have earned: the model book of the default ensemble, day by day, over the
//! years that were never learned from.

use burn::tensor::Device;
use replay_statistics::significance::bootstrap::{Difference, Plan};
use replay_statistics::significance::path::PathFigures;
use strategies::ensemble::book::{Book, BookRules, DAYS_PER_YEAR, Quoted};
use strategies::ensemble::sleeve_weights::RULE_SCALES;

use crate::conductor::evaluation::Panel;
use crate::conductor::fold::Fold;
use crate::conductor::network::Fitted;
use crate::conductor::panel::Moment;
use crate::conductor::target::FAMILIES;
use crate::dann::{matrix, numbers};
use crate::error::TrainError;

/// Resampled paths of a comparison.
pub const DRAWS: usize = 2_000;
/// Share of resampled differences inside the interval that is stated.
pub const LEVEL: f64 = 0.90;

/// Who weighs the sleeves and scales the risk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Allocator {
    /// The trained network.
    Conductor,
    /// The network trained without adversary.
    Twin,
    /// The four families alike, scaled by regime: the default ensemble.
    Rule,
    /// Every sleeve alike, never scaled.
    Uniform,
    /// The network's weights, scaled by regime.
    ConductorWeights,
    /// Every sleeve alike, scaled by the network.
    ConductorScale,
}

impl Allocator {
    /// Everyone.
    pub const ALL: [Self; 6] = [
        Self::Conductor,
        Self::Twin,
        Self::Rule,
        Self::Uniform,
        Self::ConductorWeights,
        Self::ConductorScale,
    ];

    /// Its name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Conductor => "conductor",
            Self::Twin => "twin",
            Self::Rule => "rule",
            Self::Uniform => "uniform",
            Self::ConductorWeights => "conductor weights, rule scale",
            Self::ConductorScale => "uniform weights, conductor scale",
        }
    }
}

/// Weights of the sleeves and a scale.
#[derive(Debug, Clone, PartialEq)]
struct Weighed {
    weights: Vec<f64>,
    scale: f64,
}

/// What one allocator earned.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Earned {
    /// Who.
    pub allocator: Allocator,
    /// Sharpe ratio, growth and drawdown.
    pub figures: PathFigures,
    /// Changes of weight a year, as a share of equity.
    pub turnover_per_year: f64,
    /// Mean share of equity held.
    pub exposure: f64,
    /// Return of each day.
    #[serde(skip)]
    pub returns: Vec<f64>,
}

/// One allocator against another on the same days.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Comparison {
    /// The one.
    pub allocator: Allocator,
    /// The other.
    pub against: Allocator,
    /// Their difference, with interval and two-sided p-value.
    pub difference: Difference,
}

/// Runs the book over the years of `folds` once per allocator. `conductor` and `twin` hold one fit per fold.
///
/// # Errors
/// [`TrainError::TooLittle`] where fewer than two days are left.
pub fn run(
    panel: &Panel,
    folds: &[Fold],
    conductor: &[Fitted],
    twin: &[Fitted],
) -> Result<Vec<Earned>, TrainError> {
    let by_conductor = answers(panel, folds, conductor);
    let by_twin = answers(panel, folds, twin);
    Allocator::ALL
        .into_iter()
        .map(|allocator| earn(panel, folds, allocator, &by_conductor, &by_twin))
        .collect()
}

/// Compares the network's allocators with rule and uniform weights.
#[must_use]
pub fn compare(earned: &[Earned], seed: u64) -> Vec<Comparison> {
    use Allocator::{Conductor, ConductorScale, ConductorWeights, Rule, Twin, Uniform};
    let pairs = [
        (Conductor, Uniform),
        (Conductor, Rule),
        (Conductor, Twin),
        (ConductorWeights, Rule),
        (ConductorScale, Uniform),
        (Rule, Uniform),
    ];
    let of = |wanted: Allocator| earned.iter().find(|earned| earned.allocator == wanted);
    let compare = |(one, other): (Allocator, Allocator)| {
        let (ours, theirs) = (of(one)?, of(other)?);
        let plan = Plan::of(&ours.returns, DRAWS, seed);
        let difference = Difference::of(&ours.returns, &theirs.returns, &plan, LEVEL)?;
        Some(Comparison { allocator: one, against: other, difference })
    };
    pairs.into_iter().filter_map(compare).collect()
}

/// The network's answer for every moment of the judged years: per asset, per place.
fn answers(panel: &Panel, folds: &[Fold], fits: &[Fitted]) -> Vec<Vec<Option<Weighed>>> {
    let mut found: Vec<Vec<Option<Weighed>>> =
        panel.tracks.iter().map(|track| vec![None; track.moments.len()]).collect();
    for (fold, fitted) in folds.iter().zip(fits) {
        let graph = fitted.graph();
        for (track, answers) in panel.tracks.iter().zip(&mut found) {
            let asked: Vec<(usize, &[f64])> = track
                .moments
                .iter()
                .enumerate()
                .filter(|(_, moment)| (fold.from..fold.to).contains(&moment.at))
                .filter_map(|(place, moment)| Some((place, moment.observation.as_ref()?.features.as_slice())))
                .collect();
            if asked.is_empty() {
                continue;
            }
            let rows = asked.iter().flat_map(|(_, question)| question.iter().map(|value| *value as f32));
            let said = graph.evaluate(matrix(rows.collect(), graph.inputs, &Device::flex()));
            let said: Vec<Vec<f32>> = said.into_iter().map(numbers).collect();
            let [weights, scales, ..] = said.as_slice() else { continue };
            let weights = weights.chunks_exact(panel.sleeves.len().max(1));
            for (((place, _), weights), scale) in asked.iter().zip(weights).zip(scales) {
                let weights = weights.iter().map(|weight| f64::from(*weight)).collect();
                answers[*place] = Some(Weighed { weights, scale: f64::from(*scale) });
            }
        }
    }
    found
}

fn weigh(
    allocator: Allocator,
    moment: &Moment,
    conductor: Option<&Weighed>,
    twin: Option<&Weighed>,
) -> Weighed {
    let sleeves = moment.exposures.len();
    let alike = |count: usize| {
        (0..sleeves).map(|sleeve| if sleeve < count { 1.0 / count as f64 } else { 0.0 }).collect::<Vec<f64>>()
    };
    let regime = moment.observation.as_ref().map_or(0, |observation| observation.regime.index());
    let rule_scale = RULE_SCALES[regime];
    let rule = Weighed { weights: alike(FAMILIES.min(sleeves)), scale: rule_scale };
    // Without an answer the rule decides, as it does in a run.
    let of = |answer: Option<&Weighed>| answer.cloned().unwrap_or_else(|| rule.clone());
    match allocator {
        Allocator::Conductor => of(conductor),
        Allocator::Twin => of(twin),
        Allocator::Rule => rule,
        Allocator::Uniform => Weighed { weights: alike(sleeves), scale: 1.0 },
        Allocator::ConductorWeights => Weighed { scale: rule_scale, ..of(conductor) },
        Allocator::ConductorScale => Weighed { weights: alike(sleeves), scale: of(conductor).scale },
    }
}

fn earn(
    panel: &Panel,
    folds: &[Fold],
    allocator: Allocator,
    conductor: &[Vec<Option<Weighed>>],
    twin: &[Vec<Option<Weighed>>],
) -> Result<Earned, TrainError> {
    let judged = |at: i64| folds.iter().any(|fold| (fold.from..fold.to).contains(&at));
    let mut book = Book::new(BookRules::default(), panel.tracks.len());
    let bars_per_year = DAYS_PER_YEAR * 86_400e9 / panel.interval_ns as f64;
    book.set_bars_per_year(bars_per_year);
    let mut next = vec![0_usize; panel.tracks.len()];
    let (mut returns, mut turnover, mut held) = (Vec::new(), 0.0, 0.0);
    for at in calendar(panel) {
        let quotes: Vec<Option<Quoted>> = panel
            .tracks
            .iter()
            .enumerate()
            .map(|(asset, track)| {
                let moment = track.moments.get(next[asset]).filter(|moment| moment.at == at)?;
                let place = next[asset];
                next[asset] += 1;
                let (conductor, twin) = (conductor[asset][place].as_ref(), twin[asset][place].as_ref());
                let weighed = weigh(allocator, moment, conductor, twin);
                let sum: f64 = weighed.weights.iter().zip(&moment.exposures).map(|(w, e)| w * e).sum();
                // Before the judged years nothing is held; the book only learns volatilities.
                let signal =
                    if judged(at) && moment.observation.is_some() { sum * weighed.scale } else { 0.0 };
                Some(Quoted { close: moment.close, signal })
            })
            .collect();
        let step = book.step(&quotes);
        if judged(at) {
            returns.push(step.bar_return);
            turnover += step.turnover;
            held += (0..panel.tracks.len()).map(|asset| book.weight(asset)).sum::<f64>();
        }
    }
    let count = returns.len().max(1) as f64;
    let figures = PathFigures::of(returns.iter().copied());
    let figures = figures.ok_or_else(|| TrainError::TooLittle("fewer than two judged bars".to_owned()))?;
    let turnover_per_year = turnover / count * bars_per_year;
    Ok(Earned { allocator, figures, turnover_per_year, exposure: held / count, returns })
}

/// Every moment at which any instrument has a bar, in order.
fn calendar(panel: &Panel) -> Vec<i64> {
    let mut moments: Vec<i64> =
        panel.tracks.iter().flat_map(|track| track.moments.iter().map(|moment| moment.at)).collect();
    moments.sort_unstable();
    moments.dedup();
    moments
}
