//! A run taken up where its record ends: core, strategy and watch as they were.

use engine_core::envelope::Envelope;
use engine_core::event::{Event, Input};
use engine_core::machine::Core;
use engine_runtime::ports::JournalError;

use super::ReplayError;
use replay_history::market_source::MarketSource;

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
