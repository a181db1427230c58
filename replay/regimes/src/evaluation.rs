//! A whole evaluation: detectors beside baselines beside null markets.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};

use serde::Serialize;

use super::baselines::Baseline;
use super::null_market::NullMarket;
use super::recogniser::Recogniser;
use super::reliability::Reliability;
use super::scores::Scores;
use super::series::BarSeries;
use super::trial::{Trial, raw_regimes, steady_regimes};

/// Fewer labelled bars than this say nothing.
const JUDGED_BARS_MIN: usize = 100;

/// A named detector to be judged.
#[derive(Debug)]
pub struct Candidate {
    /// Its name.
    pub name: String,
    /// How it answers.
    pub recogniser: Recogniser,
    /// The same with its posterior fitted anew each year, where it has one that can be.
    pub refitted: Option<Recogniser>,
}

/// What is evaluated and how often chance is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EvaluationPlan {
    /// Number of the first bar that counts.
    pub from: usize,
    /// Markets of each null.
    pub nulls: u64,
    /// Everything random comes from here.
    pub seed: u64,
    /// Threads the nulls are spread over; the result does not depend on it.
    pub threads: usize,
}

/// What came out.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Evaluation {
    /// Bars that count.
    pub bars: usize,
    /// Share of each regime among them.
    pub shares: [f64; 4],
    /// Baselines that need no detector.
    pub baselines: Vec<(Baseline, Scores)>,
    /// The detectors.
    pub detectors: Vec<Judged>,
}

/// One detector, judged.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Judged {
    /// Its name.
    pub name: String,
    /// By what each bar alone says.
    pub raw: Scores,
    /// By the regime that drives orders.
    pub steady: Scores,
    /// How good its posterior is; `None` when it said nothing.
    pub reliability: Option<Reliability>,
    /// How good the posterior is when it is fitted anew each year on what was known by then.
    pub reliability_refitted: Option<Reliability>,
    /// The same detector on null markets.
    pub nulls: Vec<NullResult>,
}

/// What a detector got on the markets of one null, against what it got on the real one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NullResult {
    /// Which null.
    pub market: NullMarket,
    /// How many markets were made.
    pub runs: u64,
    /// Accuracy at the close of the bar.
    pub accuracy: AgainstChance,
    /// Accuracy for the bar three bars ago.
    pub accuracy_three_later: AgainstChance,
    /// Cohen's κ.
    pub kappa: AgainstChance,
    /// Accuracy of high against usual volatility.
    pub volatility_axis: AgainstChance,
}

/// One figure on the real market and on null markets.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct AgainstChance {
    /// On the real market.
    pub found: f64,
    /// Mean over null markets.
    pub mean: f64,
    /// Standard deviation over null markets, divisor n − 1.
    pub deviation: f64,
    /// Share of null markets with at least as much, the real one counted with them: (1 + count) / (1 + runs).
    pub p_value: f64,
}

impl AgainstChance {
    fn of(found: f64, chance: &[f64]) -> Self {
        let runs = chance.len() as f64;
        let mean = chance.iter().sum::<f64>() / runs.max(1.0);
        let squares: f64 = chance.iter().map(|value| (value - mean) * (value - mean)).sum();
        let reached = chance.iter().filter(|value| **value >= found).count() as f64;
        Self {
            found,
            mean,
            deviation: (squares / (runs - 1.0).max(1.0)).sqrt(),
            p_value: (1.0 + reached) / (1.0 + runs),
        }
    }
}

/// Why nothing can be said of a series.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EvaluationError {
    /// Prices never move.
    #[error("prices never move: there are no regimes to label")]
    Still,
    /// Too few bars have a label.
    #[error(
        "{labelled} bars from number {from} on have a label, at least {JUDGED_BARS_MIN} are needed: {advice}"
    )]
    TooFew {
        /// Bars with a label.
        labelled: usize,
        /// The first bar that counts.
        from: usize,
        /// What would help.
        advice: String,
    },
    /// A detector never said anything of a bar that counts.
    #[error("{detector} says nothing of any labelled bar: it needs more history before the first bar judged")]
    Silent {
        /// Its name.
        detector: String,
    },
}

/// Told how far the nulls are.
pub trait NullProgress {
    /// `done` of `total` null markets were judged.
    fn advanced(&mut self, done: u64, total: u64);
}

impl NullProgress for () {
    fn advanced(&mut self, _: u64, _: u64) {}
}

/// Judges every candidate on `series`, beside the baselines and both nulls.
///
/// # Errors
/// [`EvaluationError`] when the series is too short, too full of gaps or does not move.
pub fn evaluate(
    series: BarSeries,
    candidates: &[Candidate],
    plan: EvaluationPlan,
    progress: &mut dyn NullProgress,
) -> Result<Evaluation, EvaluationError> {
    let trial = checked_trial(series, plan.from)?;
    let mut detectors = Vec::new();
    for candidate in candidates {
        detectors.push(judged(candidate, &trial)?);
    }
    let nulls = null_scores(&trial.series, candidates, plan, progress);
    for (place, judged) in detectors.iter_mut().enumerate() {
        let kinds = NullMarket::ALL.iter().filter(|_| plan.nulls > 0);
        judged.nulls = kinds.map(|kind| null_result(*kind, &judged.raw, &nulls, place)).collect();
    }
    Ok(Evaluation {
        bars: trial.bars(),
        shares: trial.shares(),
        baselines: Baseline::ALL
            .map(|baseline| (baseline, Scores::of(&trial, &baseline.said(&trial))))
            .to_vec(),
        detectors,
    })
}

fn checked_trial(series: BarSeries, from: usize) -> Result<Trial, EvaluationError> {
    let closes = || series.bars().iter().map(|bar| bar.close.to_bits());
    if closes().zip(closes().skip(1)).all(|(before, close)| before == close) && series.len() > 1 {
        return Err(EvaluationError::Still);
    }
    let trial = Trial::new(series, from);
    let labelled = trial.bars();
    if labelled >= JUDGED_BARS_MIN {
        return Ok(trial);
    }
    let rule = trial.rule;
    let advice = format!(
        "a label looks {} bars to both sides and needs {} in a row for the usual volatility",
        rule.half_window_bars,
        rule.reference_bars / 2 + 2 * rule.half_window_bars + 1
    );
    Err(EvaluationError::TooFew { labelled, from, advice })
}

fn judged(candidate: &Candidate, trial: &Trial) -> Result<Judged, EvaluationError> {
    let read = |recogniser: &Recogniser| recogniser.read(&trial.series, trial.from);
    let readings = read(&candidate.recogniser);
    let raw = Scores::of(trial, &raw_regimes(&readings));
    if raw.bars == 0 {
        return Err(EvaluationError::Silent { detector: candidate.name.clone() });
    }
    let refitted = candidate.refitted.as_ref().map(read);
    Ok(Judged {
        name: candidate.name.clone(),
        raw,
        steady: Scores::of(trial, &steady_regimes(&readings)),
        reliability: Reliability::of(trial, &readings),
        reliability_refitted: refitted.and_then(|readings| Reliability::of(trial, &readings)),
        nulls: Vec::new(),
    })
}

/// The scores of each candidate on one null market, in the order of the candidates.
type NullScores = ((NullMarket, u64), Vec<Scores>);

/// Every null market judged, in the order of kind and number whatever thread was first.
fn null_scores(
    real: &BarSeries,
    candidates: &[Candidate],
    plan: EvaluationPlan,
    progress: &mut dyn NullProgress,
) -> Vec<NullScores> {
    let total = plan.nulls * NullMarket::ALL.len() as u64;
    let next = AtomicU64::new(0);
    let (sender, receiver) = channel();
    let mut scores: Vec<NullScores> = Vec::new();
    std::thread::scope(|scope| {
        for _ in 0..plan.threads.max(1) {
            let (sender, next) = (sender.clone(), &next);
            scope.spawn(move || judge_nulls(real, candidates, plan, next, &sender));
        }
        drop(sender);
        for found in receiver {
            scores.push(found);
            progress.advanced(scores.len() as u64, total);
        }
    });
    scores.sort_by_key(|(key, _)| *key);
    scores
}

fn judge_nulls(
    real: &BarSeries,
    candidates: &[Candidate],
    plan: EvaluationPlan,
    next: &AtomicU64,
    found: &Sender<NullScores>,
) {
    loop {
        let turn = next.fetch_add(1, Ordering::Relaxed);
        let Some(kind) = NullMarket::ALL.get((turn % 2) as usize).filter(|_| turn / 2 < plan.nulls) else {
            return;
        };
        let key = (*kind, turn / 2);
        let trial = Trial::new(kind.make(real, plan.seed, key.1), plan.from);
        let judge = |candidate: &Candidate| {
            Scores::of(&trial, &raw_regimes(&candidate.recogniser.read(&trial.series, plan.from)))
        };
        if found.send((key, candidates.iter().map(judge).collect())).is_err() {
            return;
        }
    }
}

fn null_result(kind: NullMarket, real: &Scores, nulls: &[NullScores], place: usize) -> NullResult {
    let of_kind = nulls.iter().filter(|((market, _), _)| *market == kind);
    let scores: Vec<&Scores> = of_kind.filter_map(|(_, scores)| scores.get(place)).collect();
    let against = |figure: &dyn Fn(&Scores) -> f64| {
        let chance: Vec<f64> = scores.iter().map(|scores| figure(scores)).collect();
        AgainstChance::of(figure(real), &chance)
    };
    NullResult {
        market: kind,
        runs: scores.len() as u64,
        accuracy: against(&Scores::accuracy),
        accuracy_three_later: against(&Scores::accuracy_three_later),
        kappa: against(&|scores| scores.kappa),
        volatility_axis: against(&|scores| scores.volatility_axis),
    }
}
