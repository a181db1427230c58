//! A recorded run with real orders played again and compared event by event.
//!
//! What its venue did is not made anew: reports, what was said of the account, and what could not be handed over are told
//! from the record, at their moments and in their order. Everything that was decided on them is compared.

use engine_core::envelope::{Envelope, Seq};
use engine_core::event::Manifest;
use engine_core::machine::{Core, CoreSnapshot};
use engine_core::strategy::Strategy;
use engine_runtime::ports::JournalError;
use replay_history::market_source::MarketSource;
use replay_simulation::config::BacktestConfig;
use replay_simulation::live_environment::LiveEnvironment;

use super::backtest_replay::Standing;
use super::comparison::Comparison;
use super::played::Played;
use super::{CheckReport, ReplayError};

/// Plays the run of `config` over `source`, all that it was told, again, opened by `manifest`, and stops at the first step
/// that is not the one in `recorded`; `kept` gives the snapshots that lie beside the run, in the order of their events.
///
/// # Errors
/// [`ReplayError`] when the run cannot be read; a difference is a verdict, not an error.
pub fn replay_live<S, R, K>(
    config: &BacktestConfig,
    strategy: Box<dyn Strategy>,
    source: S,
    manifest: Manifest,
    recorded: R,
    kept: K,
) -> Result<CheckReport, ReplayError>
where
    S: MarketSource,
    R: Iterator<Item = Result<Envelope, JournalError>>,
    K: Iterator<Item = Result<(Seq, CoreSnapshot), JournalError>>,
{
    let environment = LiveEnvironment::new(source, manifest);
    let core = Core::new(config.core(), strategy);
    Played { core, environment, behind: Seq::default() }.again(Comparison::new(recorded, true), kept)
}

/// As [`replay_live`] for a part of a run that goes on from `standing`: `source` and `recorded` begin behind its event, and
/// the part ends where `recorded` does.
///
/// # Errors
/// As [`replay_live`], and [`ReplayError::CannotStand`] where what was kept cannot be taken up.
pub fn replay_live_behind<S, R, K>(
    standing: Standing,
    config: &BacktestConfig,
    strategy: Box<dyn Strategy>,
    source: S,
    recorded: R,
    kept: K,
) -> Result<CheckReport, ReplayError>
where
    S: MarketSource,
    R: Iterator<Item = Result<Envelope, JournalError>>,
    K: Iterator<Item = Result<(Seq, CoreSnapshot), JournalError>>,
{
    let Standing { last, core: stood, environment: knowledge, manifest } = standing;
    let mut environment = LiveEnvironment::new(source, manifest);
    let mut core = Core::new(config.core(), strategy);
    let cannot = |because| ReplayError::CannotStand { seq: last.number(), because };
    core.recall(stood).map_err(cannot)?;
    environment.take_up(&knowledge).map_err(cannot)?;
    let record = Comparison::new(recorded, true).behind(last);
    Played { core, environment, behind: last }.again(record, kept)
}
