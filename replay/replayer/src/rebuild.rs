//! A run taken up where its record ends: core, strategy and watch as they were.

use engine_core::envelope::{Envelope, Seq};
use engine_core::event::{Event, Input};
use engine_core::knowledge::Forgotten;
use engine_core::machine::{Core, CoreSnapshot};
use engine_runtime::ports::JournalError;

use super::ReplayError;
use super::fold::skip;
use replay_history::market_source::MarketSource;

/// Where a run was taken up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TakenUp {
    /// The last event of the record.
    pub last: u64,
    /// What it was folded from.
    pub from: FoldedFrom,
}

/// Where the fold of a run that is taken up began, and why there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FoldedFrom {
    /// The snapshot after this event.
    Snapshot(Seq),
    /// The first event, because no sound snapshot lies beside the run.
    Beginning,
    /// The first event, because the snapshot after event `seq` cannot be taken up.
    BeginningDespite {
        /// The event of the snapshot.
        seq: Seq,
        /// Why it cannot be taken up.
        because: Forgotten,
    },
}

impl core::fmt::Display for TakenUp {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let last = self.last;
        match self.from {
            FoldedFrom::Snapshot(seq) => {
                write!(out, "taken up at event {last}, from the snapshot after event {}", seq.number())
            }
            FoldedFrom::Beginning => {
                write!(out, "taken up at event {last}, folded from the first event: there is no snapshot")
            }
            FoldedFrom::BeginningDespite { seq, because } => write!(
                out,
                "taken up at event {last}, folded from the first event despite the snapshot after event {}: {because}",
                seq.number()
            ),
        }
    }
}

/// Brings `core` to where the record ends, from the snapshot `kept` where it can be taken up, else from the beginning.
///
/// `core` must be new and configured as the manifest says; `source` must give the manifest's datasets from their first
/// record. `recorded` answers the events from a number on, and is asked once.
///
/// # Errors
/// [`ReplayError`] when run or datasets cannot be read.
pub fn take_up<S, R>(
    core: &mut Core,
    source: &mut S,
    kept: Option<(Seq, CoreSnapshot)>,
    recorded: impl FnOnce(Seq) -> Result<R, JournalError>,
) -> Result<TakenUp, ReplayError>
where
    S: MarketSource,
    R: Iterator<Item = Result<Envelope, JournalError>>,
{
    let from = match kept {
        None => FoldedFrom::Beginning,
        Some((seq, snapshot)) => match core.recall(snapshot) {
            Ok(()) => FoldedFrom::Snapshot(seq),
            Err(because) => FoldedFrom::BeginningDespite { seq, because },
        },
    };
    let FoldedFrom::Snapshot(seq) = from else {
        let last = rebuild(core, source, recorded(Seq::FIRST)?)?;
        return Ok(TakenUp { last, from });
    };
    skip(source, core.state())?;
    let folded = rebuild(core, source, recorded(seq.next())?)?;
    Ok(TakenUp { last: folded.max(seq.number()), from })
}

/// Brings `core` to where the record ends by folding what was recorded, decisions included; nothing is decided.
///
/// `core` must be new and configured as the manifest says; `source` must give the manifest's datasets, and stands
/// behind the last market record that the run has counted afterwards. Answers the number of the last event. Market
/// records read after it caused nothing; they are decided again by whoever goes on.
///
/// # Errors
/// [`ReplayError`] when run or datasets cannot be read.
pub fn rebuild<S, R>(core: &mut Core, source: &mut S, recorded: R) -> Result<u64, ReplayError>
where
    S: MarketSource,
    R: Iterator<Item = Result<Envelope, JournalError>>,
{
    let mut last = 0;
    for envelope in recorded {
        let envelope = envelope?;
        let seq = envelope.seq.number();
        let own_market = matches!(envelope.event, Event::Input(Input::Market(_)));
        let before = envelope.records_read.saturating_sub(u64::from(own_market));
        while core.state().records_read() < before {
            let Some(item) = source.next()? else {
                let records_read = core.state().records_read();
                return Err(ReplayError::DatasetTooShort { seq, records_read, wanted: before });
            };
            let at = item.at.max(core.state().now());
            core.apply(at, &Event::Input(Input::Market(item.update)));
        }
        core.apply(envelope.at, &envelope.event);
        last = seq;
    }
    Ok(last)
}
