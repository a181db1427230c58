//! State as of any event or moment, folded without any decision code.

use engine_core::envelope::Envelope;
use engine_core::event::{Event, Input, Output};
use engine_core::state::State;
use engine_core::time::Timestamp;
use engine_runtime::ports::JournalError;

use super::ReplayError;
use super::legality::{Illegal, legal, legal_record};
use replay_history::market_source::{MarketItem, MarketSource};

/// How far to fold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// Up to and including this event.
    Seq(u64),
    /// Up to and including everything known at this moment, market records too.
    Time(Timestamp),
    /// To the end of the record.
    End,
}

/// Where a fold begins: at nothing, or at a snapshot.
#[derive(Debug, Clone)]
pub struct Start {
    /// The state folded so far.
    pub state: State,
    /// The last event in it.
    pub seq: u64,
}

/// Folds a run from `start`; answers the state and the last event in it.
///
/// `recorded` must begin with the event after `start.seq`, and `source` with the market record after the
/// `start.state.records_read()`-th (see [`skip`]).
///
/// # Errors
/// [`ReplayError`] when run or datasets cannot be read.
pub fn fold<S, R>(start: Start, source: &mut S, recorded: R, until: Until) -> Result<Start, ReplayError>
where
    S: MarketSource,
    R: Iterator<Item = Result<Envelope, JournalError>>,
{
    fold_watched(start, source, recorded, until, |_, _, _| Ok(()))
}

/// As [`fold`]; `watch` sees the state after each event and market record, with its moment and what it was.
///
/// # Errors
/// [`ReplayError`] when run or datasets cannot be read, and what `watch` answers.
pub fn fold_watched<S, R, E>(
    start: Start,
    source: &mut S,
    recorded: R,
    until: Until,
    mut watch: impl FnMut(&State, Timestamp, &Event) -> Result<(), E>,
) -> Result<Start, E>
where
    S: MarketSource,
    R: Iterator<Item = Result<Envelope, JournalError>>,
    E: From<ReplayError>,
{
    let Start { mut state, mut seq } = start;
    for envelope in recorded {
        let envelope = envelope.map_err(ReplayError::from)?;
        if is_beyond(&envelope, until) {
            break;
        }
        let illegal = |reason| ReplayError::Illegal { seq: envelope.seq.number(), reason };
        let market = matches!(envelope.event, Event::Input(Input::Market(_)));
        let before = envelope.records_read.saturating_sub(u64::from(market));
        while state.records_read() < before {
            let Some(item) = source.next().map_err(ReplayError::from)? else {
                let (seq, records_read) = (envelope.seq.number(), state.records_read());
                return Err(ReplayError::DatasetTooShort { seq, records_read, wanted: before }.into());
            };
            let (at, event) = apply_market(&mut state, &item).map_err(illegal)?;
            watch(&state, at, &event)?;
        }
        legal(&state, envelope.at, &envelope.event).map_err(illegal)?;
        if let Event::Output(Output::CheckpointTaken(recorded)) = envelope.event
            && state.digest() != recorded
        {
            return Err(ReplayError::AnotherState {
                seq: envelope.seq.number(),
                recorded,
                folded: state.digest(),
            }
            .into());
        }
        state.apply(envelope.at, &envelope.event);
        watch(&state, envelope.at, &envelope.event)?;
        seq = envelope.seq.number();
    }
    if let Until::Time(moment) = until {
        while let Some(item) = source.next().map_err(ReplayError::from)? {
            if item.at > moment {
                break;
            }
            // Behind the last event on record nothing has followed from market records.
            let illegal = |reason| ReplayError::Illegal { seq, reason };
            let (at, event) = apply_market(&mut state, &item).map_err(illegal)?;
            watch(&state, at, &event)?;
        }
    }
    Ok(Start { state, seq })
}

/// Passes over the market records that `folded` has seen, for a fold that begins at a snapshot.
///
/// A run may hold market inputs of its own, which the state counts too: all of a self-contained run, or the last open
/// of a flatten, which comes when the source has ended. So a source that ends before is not an error here: a fold that
/// misses records says so itself.
///
/// # Errors
/// [`ReplayError`] when the datasets cannot be read.
pub fn skip<S: MarketSource>(source: &mut S, folded: &State) -> Result<(), ReplayError> {
    Ok(source.pass_over(folded.records_read(), folded.now())?)
}

/// Applies a market record; answers when, and what the state saw.
fn apply_market(state: &mut State, item: &MarketItem) -> Result<(Timestamp, Event), Illegal> {
    legal_record(state)?;
    let (at, event) = (item.at.max(state.now()), Event::Input(Input::Market(item.update)));
    state.apply(at, &event);
    Ok((at, event))
}

fn is_beyond(envelope: &Envelope, until: Until) -> bool {
    match until {
        Until::Seq(last) => envelope.seq.number() > last,
        Until::Time(moment) => envelope.at > moment,
        Until::End => false,
    }
}
