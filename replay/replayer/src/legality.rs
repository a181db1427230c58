//! What may follow in a record, asked before it is folded.
//!
//! [`State::apply`](engine_core::state::State::apply) relies on what an engine never records otherwise. A record that
//! was made by someone else need not hold to it, and is then a finding with a place.

use engine_core::event::{Event, Input, Output};
use engine_core::market::MarketUpdate;
use engine_core::state::State;
use engine_core::time::Timestamp;

/// Why an event cannot follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Illegal {
    /// Its moment lies before what is folded already, market records included.
    #[error("time runs backward here: the event is dated before what came in front of it")]
    Time,
    /// Orders are numbered without gaps.
    #[error("the order it submits does not have the next number")]
    OrderNumber,
    /// A bar was completed and nothing says so.
    #[error("a bar was completed before it and is not on record")]
    Bar,
}

/// Whether `event` may follow at `at` on everything folded into `state`.
///
/// # Errors
/// [`Illegal`], the first rule that it breaks.
pub fn legal(state: &State, at: Timestamp, event: &Event) -> Result<(), Illegal> {
    if at < state.now() {
        return Err(Illegal::Time);
    }
    match event {
        Event::Input(input) => legal_input(state, input),
        Event::Output(Output::OrderSubmitted(submission)) => {
            let next = submission.order.id == state.next_order_id();
            if next { Ok(()) } else { Err(Illegal::OrderNumber) }
        }
        Event::Output(_) => Ok(()),
    }
}

/// Whether a market record may follow on `state`; its moment is not looked at.
///
/// # Errors
/// [`Illegal::Bar`] when a completed bar should have been announced first.
pub fn legal_record(state: &State) -> Result<(), Illegal> {
    let waits = state.makes_bars() && state.completed_bar().is_some();
    if waits { Err(Illegal::Bar) } else { Ok(()) }
}

fn legal_input(state: &State, input: &Input) -> Result<(), Illegal> {
    match input {
        Input::Market(MarketUpdate::Trade(_) | MarketUpdate::Quote(_)) | Input::Deadline => {
            legal_record(state)
        }
        // A report that cannot be, and an amount that does not fit, are folded as halts.
        Input::Execution(_)
        | Input::Market(MarketUpdate::Open(_) | MarketUpdate::Bar(_) | MarketUpdate::SignalBar(_))
        | Input::Session(_)
        | Input::Feed(_)
        | Input::Operator(_)
        | Input::Inference(_)
        | Input::Conductor(_)
        | Input::Clock(_)
        | Input::DataFault(_)
        | Input::Account(_)
        | Input::Listing(_)
        | Input::History(_)
        | Input::EffectFailed(_) => Ok(()),
    }
}
