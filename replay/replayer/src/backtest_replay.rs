//! A recorded backtest played again, its simulated venue included, and compared event by event.
//!
//! Fills are inputs, so deciding a record again ([`check`](super::check)) takes them as they are written. Here the
//! venue is played too: the run is made anew from what its manifest names, and each step is compared with the record
//! instead of being written down. A fill the venue would not give is then a difference. Only what a conductor
//! answered is taken from the record, because a model need not be at hand.

use std::collections::BTreeMap;

use engine_core::conductor::{Answerer, ConductorDecision, InferenceSetup, Question, QuestionId};
use engine_core::envelope::{Envelope, Seq};
use engine_core::event::{Event, Input, Manifest, SessionMark};
use engine_core::instrument::InstrumentId;
use engine_core::knowledge::Knowledge;
use engine_core::machine::{Core, CoreSnapshot};
use engine_core::num::Ratio;
use engine_runtime::conductor::Conductor;
use engine_runtime::ports::JournalError;

use super::comparison::Comparison;
use super::played::Played;
use super::{CheckReport, ReplayError};
use replay_history::market_source::MarketSource;
use replay_simulation::backtest::Participants;
use replay_simulation::config::BacktestConfig;
use replay_simulation::operator::{OperatedEnvironment, Operator};
use replay_simulation::sim_environment::SimEnvironment;

/// Plays the backtest of `config` over `source` again, opened by `manifest`, and stops at the first step that is not
/// the one in `recorded`.
///
/// `manifest` is what the configuration and the data make of it now. `kept` gives the snapshots that lie beside the run,
/// each with the number of its last event, in that order.
///
/// # Errors
/// [`ReplayError`] when run or data cannot be read; a difference is a verdict, not an error.
pub fn replay_backtest<S, R, K>(
    config: &BacktestConfig,
    participants: impl Into<Participants>,
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
    let Participants { strategy, conductor, operator } = participants.into();
    let mut environment = SimEnvironment::new(source, config, manifest);
    if let Some((conductor, delay)) = conductor {
        environment = environment.conducted_by(conductor, delay);
    }
    let environment = OperatedEnvironment::new(environment, operator);
    let played = Played { core: Core::new(config.core(), strategy), environment, behind: Seq::default() };
    let report = played.again(Comparison::new(recorded, config.journal.self_contained), kept)?;
    Ok(CheckReport { venue: true, ..report })
}

/// What a run on real time had come to where it is played again from the middle.
#[derive(Debug, Clone)]
pub struct Standing {
    /// The last event before.
    pub last: Seq,
    /// The core after it.
    pub core: CoreSnapshot,
    /// What its environment knew: orders at work, messages under way.
    pub environment: Knowledge,
    /// What the run is made of.
    pub manifest: Manifest,
}

/// As [`replay_backtest`] for a part of a self-contained run, that goes on from `standing`: `source` and `recorded` begin
/// behind its event, and the part ends where `recorded` does.
///
/// # Errors
/// As [`replay_backtest`], and [`ReplayError::CannotStand`] where what was kept cannot be taken up.
pub fn replay_behind<S, R, K>(
    standing: Standing,
    config: &BacktestConfig,
    participants: impl Into<Participants>,
    source: S,
    recorded: R,
    kept: K,
) -> Result<CheckReport, ReplayError>
where
    S: MarketSource,
    R: Iterator<Item = Result<Envelope, JournalError>>,
    K: Iterator<Item = Result<(Seq, CoreSnapshot), JournalError>>,
{
    let Participants { strategy, conductor, operator } = participants.into();
    let Standing { last, core: stood, environment: knowledge, manifest } = standing;
    let mut environment = SimEnvironment::new(source, config, manifest);
    if let Some((conductor, delay)) = conductor {
        environment = environment.conducted_by(conductor, delay);
    }
    let mut core = Core::new(config.core(), strategy);
    let cannot = |because| ReplayError::CannotStand { seq: last.number(), because };
    core.recall(stood).map_err(cannot)?;
    environment.take_up(&knowledge).map_err(cannot)?;
    let record = Comparison::new(recorded, config.journal.self_contained).behind(last);
    let environment = OperatedEnvironment::new(environment, operator);
    let report = Played { core, environment, behind: last }.again(record, kept)?;
    Ok(CheckReport { venue: true, ..report })
}

/// The operator of the run whose events are `recorded`, from the first on: ends it after the same input.
///
/// # Errors
/// [`JournalError`] when they cannot be read.
pub fn recorded_operator(
    recorded: impl Iterator<Item = Result<Envelope, JournalError>>,
) -> Result<Operator, JournalError> {
    let mut others: u64 = 0;
    for envelope in recorded {
        let envelope = envelope?;
        match envelope.event {
            Event::Input(Input::Session(SessionMark::Interrupted)) => {
                // Market records are counted in every event, whether the run keeps them or not.
                let inputs = envelope.records_read.saturating_add(others);
                return Ok(Operator::Recorded { inputs });
            }
            // The environment does not give what it could not perform; the loop does.
            Event::Input(Input::Market(_) | Input::EffectFailed(_)) | Event::Output(_) => {}
            Event::Input(
                Input::Session(_)
                | Input::Feed(_)
                | Input::Execution(_)
                | Input::Operator(_)
                | Input::Deadline
                | Input::Inference(_)
                | Input::Clock(_)
                | Input::DataFault(_)
                | Input::Account(_)
                | Input::Listing(_)
                | Input::History(_)
                | Input::Conductor(_),
            ) => others += 1,
        }
    }
    Ok(Operator::default())
}

/// A conductor that answers as the record says it did.
///
/// A question the record has no answer to gets one that weighs nothing; where it arrives, the run differs.
pub struct RecordedConductor<R> {
    recorded: R,
    setup: InferenceSetup,
    ahead: BTreeMap<(InstrumentId, QuestionId), ConductorDecision>,
}

impl<R> core::fmt::Debug for RecordedConductor<R> {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        out.debug_struct("RecordedConductor").field("setup", &self.setup).finish_non_exhaustive()
    }
}

impl<R> RecordedConductor<R>
where
    R: Iterator<Item = Result<Envelope, JournalError>>,
{
    /// The conductor of the run whose events are `recorded`, from the first on.
    pub fn new(mut recorded: R) -> Self {
        let nothing = InferenceSetup {
            model: None,
            wanted: String::new(),
            running: String::new(),
            reason: String::new(),
            library: String::new(),
        };
        let mut ahead = BTreeMap::new();
        let setup = recorded.by_ref().find_map(|envelope| match envelope.ok()?.event {
            Event::Input(Input::Inference(setup)) => Some(*setup),
            Event::Input(Input::Conductor(decision)) => {
                ahead.insert((decision.instrument, decision.question), *decision);
                None
            }
            Event::Input(_) | Event::Output(_) => None,
        });
        Self { recorded, setup: setup.unwrap_or(nothing), ahead }
    }
}

impl<R> Conductor for RecordedConductor<R>
where
    R: Iterator<Item = Result<Envelope, JournalError>> + Send,
{
    fn setup(&self) -> InferenceSetup {
        self.setup.clone()
    }

    fn answer(&mut self, question: &Question) -> ConductorDecision {
        let asked = (question.instrument, question.id);
        while !self.ahead.contains_key(&asked) {
            // Where the record cannot be read on, the comparison meets the same error.
            let Some(Ok(envelope)) = self.recorded.next() else { break };
            if let Event::Input(Input::Conductor(decision)) = envelope.event {
                self.ahead.entry((decision.instrument, decision.question)).or_insert(*decision);
            }
        }
        self.ahead.remove(&asked).unwrap_or_else(|| ConductorDecision {
            question: question.id,
            instrument: question.instrument,
            weights: Vec::new(),
            risk_scale: Ratio::ZERO,
            confidence: Ratio::ZERO,
            answered_by: Answerer::Rule,
        })
    }
}
