//! The last trades of a run's record, by which its venue's history is found again.

use std::collections::BTreeMap;

use engine_core::envelope::Seq;
use engine_core::event::{DataFinding, Event, Input};
use engine_core::instrument::InstrumentId;
use engine_core::market::{MarketUpdate, Trade};
use engine_core::time::Timestamp;
use engine_runtime::ports::JournalError;
use engine_venues::market_venue::RECENT_TRADES;
use journal_store::run::RunReader;

/// So many events are looked through, from the last one back: of a market whose last trade lies farther back, what was
/// missed is not asked for.
const EVENTS: u64 = 50_000;

/// The last moment of the run behind `reader`; nothing where it has none.
///
/// # Errors
/// [`JournalError`] when the record cannot be read.
pub(super) fn last_moment(reader: &RunReader) -> Result<Option<Timestamp>, JournalError> {
    let last = reader.envelopes(Seq::new(reader.head().count.max(1)))?.next().transpose()?;
    Ok(last.map(|envelope| envelope.at))
}

/// The trade that a venue made and `event` tells, or says that it is not told.
fn made(event: &Event) -> Option<Trade> {
    let Event::Input(input) = event else { return None };
    match input {
        Input::Market(MarketUpdate::Trade(trade)) => Some(*trade),
        Input::DataFault(fault) => match fault.finding {
            DataFinding::Discarded(discarded) => Some(discarded.trade),
            DataFinding::Crossed(_)
            | DataFinding::Withheld(_)
            | DataFinding::Released(_)
            | DataFinding::Repeated(_)
            | DataFinding::Missing(_)
            | DataFinding::Stale(_)
            | DataFinding::Spoke(_)
            | DataFinding::Conflated(_)
            | DataFinding::Contradicted(_) => None,
        },
        Input::Market(_)
        | Input::Session(_)
        | Input::Feed(_)
        | Input::Execution(_)
        | Input::Operator(_)
        | Input::Deadline
        | Input::Inference(_)
        | Input::Conductor(_)
        | Input::EffectFailed(_)
        | Input::History(_)
        | Input::Account(_)
        | Input::Listing(_)
        | Input::Clock(_) => None,
    }
}

/// The last trades of each instrument, oldest first.
///
/// # Errors
/// [`JournalError`] when the record cannot be read.
pub(super) fn recent_trades(reader: &RunReader) -> Result<BTreeMap<InstrumentId, Vec<Trade>>, JournalError> {
    let from = reader
        .head()
        .count
        .checked_sub(EVENTS)
        .map_or(Seq::FIRST, Seq::new)
        .max(reader.span_of(None).first());
    let mut recent: BTreeMap<InstrumentId, Vec<Trade>> = BTreeMap::new();
    for envelope in reader.envelopes(from)? {
        // The venue's history holds those that were not told, too.
        let Some(trade) = made(&envelope?.event) else { continue };
        let trades = recent.entry(trade.instrument).or_default();
        if trades.len() >= RECENT_TRADES {
            trades.remove(0);
        }
        trades.push(trade);
    }
    Ok(recent)
}
