//! A recorded run played again under stress: what a bar of delay or twice the costs leave of it.

use std::path::PathBuf;

use engine_application::config::{ImpactSection, RunSettings, policy_of};
use engine_application::wiring::conductor::conductor;
use engine_application::wiring::error::{ApplicationError, one_line};
use engine_application::wiring::recording::Recording;
use engine_core::halt::HaltReason;
use engine_core::num::Ratio;
use engine_core::time::Timestamp;
use replay_simulation::backtest::Participants;
use replay_simulation::backtest::recorder::Progress;
use replay_simulation::config::{BacktestConfig, Costs};
use replay_simulation::series_feed::OpenDatasets;
use replay_statistics::significance::path::PathFigures;
use strategies::delayed_bars::DelayedBars;

use crate::trial_run::{TrialRun, play_trial};

/// What the run would have come to under stress.
#[derive(Debug, Clone)]
pub struct Stress {
    /// A word for scripts.
    pub name: &'static str,
    /// What was made harder.
    pub meaning: &'static str,
    /// What came of it.
    pub outcome: Outcome,
}

/// What a run under stress came to, or why that is not known.
pub type Outcome = Result<Stressed, String>;

/// The figures of a run under stress.
#[derive(Debug, Clone)]
pub struct Stressed {
    /// Of its daily returns.
    pub figures: PathFigures,
    /// Closed trades.
    pub trades: usize,
    /// Halts of trading, with their moments.
    pub halts: Vec<(Timestamp, HaltReason)>,
}

const STRESSES: [(&str, &str); 3] = [
    ("as_it_was", "played again as it was"),
    ("one_bar_late", "every bar is seen one bar late"),
    ("doubled_costs", "fees, slippage, spread and impact are twice as high"),
];

/// Plays a recorded run again: as it was, one bar late, and at twice the costs; answers also whether as it was it gave the
/// recorded head. A run whose conductor is not at hand cannot be played, which is said and no failure.
///
/// `begin` is told which of them begins and gives who is told how far it is.
///
/// # Errors
/// [`ApplicationError`] when the data cannot be read or is not that of the run.
pub fn stressed<P: Progress>(
    recording: &Recording,
    dirs: &[PathBuf],
    datasets: &mut OpenDatasets,
    mut begin: impl FnMut(&str) -> P,
) -> Result<(Option<bool>, Vec<Stress>), ApplicationError> {
    let stresses = |outcomes: [Outcome; 3]| {
        let named = STRESSES.iter().zip(outcomes);
        named.map(|((name, meaning), outcome)| Stress { name, meaning, outcome }).collect()
    };
    let settings = recording.settings();
    let cannot = match conductor(settings) {
        Err(error) => Some(one_line(&error)),
        // Another would be judged over other days.
        Ok(_) if recording.reader.is_interrupted() => {
            Some("its operator ended it early, and played again it would go on".to_owned())
        }
        Ok(_) => None,
    };
    if let Some(reason) = cannot {
        let missing = || Err(reason.clone());
        return Ok((None, stresses([missing(), missing(), missing()])));
    }
    let mut play = |name: &str, settings: &RunSettings, late: bool| {
        let mut progress = begin(name);
        let (config, source) = recording.again(settings, dirs, datasets)?;
        let strategy = policy_of(settings, &config.instruments)
            .map_err(|error| ApplicationError::manifest(&recording.dir, &error))?;
        let strategy = if late { Box::new(DelayedBars::new(strategy)) } else { strategy };
        let cast = Participants { conductor: conductor(settings)?, ..strategy.into() };
        let data = (source, recording.manifest.clone(), recording.market_records());
        play_trial(&config, cast, data, &mut progress).map(|trial| (config, trial))
    };
    let (config, plain) = play("as it was", settings, false)?;
    let repeated = plain.head == recording.reader.head();
    let dear = RunSettings {
        costs: doubled(&settings.costs),
        impact: settings.impact.as_ref().map(ImpactSection::doubled),
        ..settings.clone()
    };
    let whole = dear.costs.taking().units().checked_add(dear.costs.impact_max.units());
    let dear = match whole.is_some_and(|whole| whole < Ratio::ONE.units()) {
        true => play("at twice the costs", &dear, false).map(|(_, dear)| figures(&dear))?,
        false => {
            Err("twice the costs of taking are all of a price, so that nothing could be sold".to_owned())
        }
    };
    let late = match has_bars(&config) {
        true => play("one bar late", settings, true).map(|(_, late)| figures(&late))?,
        false => Err("the run has no bars to be late by".to_owned()),
    };
    Ok((Some(repeated), stresses([figures(&plain), late, dear])))
}

fn figures(trial: &TrialRun) -> Outcome {
    let figures = PathFigures::of(trial.equity.daily_returns());
    let (trades, halts) = (trial.trades, trial.halts.clone());
    figures
        .map(|figures| Stressed { figures, trades, halts })
        .ok_or_else(|| "it ended within two days".to_owned())
}

fn has_bars(config: &BacktestConfig) -> bool {
    use replay_simulation::config::FillModel::{AtSignal, NextOpen, Quotes, SameClose, Trades};
    match config.fill {
        NextOpen | SameClose => true,
        AtSignal | Trades | Quotes => config.bars.is_some(),
    }
}

/// Every cost twice; a rebate becomes nothing, since twice a gain would be no stress.
fn doubled(costs: &Costs) -> Costs {
    // A configuration allows at most a half, far from the end of a ratio.
    let twice = |share: Ratio| Ratio::from_units(share.units().max(0).saturating_mul(2));
    Costs {
        maker_fee: twice(costs.maker_fee),
        taker_fee: twice(costs.taker_fee),
        slippage: twice(costs.slippage),
        spread: twice(costs.spread),
        impact_max: twice(costs.impact_max),
    }
}
