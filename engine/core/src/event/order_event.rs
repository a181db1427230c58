//! What an event says about the life of our orders.

use super::{Event, ExecutionReport, Input, Output, RefusedIntent, Submission};
use crate::intent::OrderIntent;

/// A step from the decision for an order to its end at the venue. What we ask of a working order (to cancel or amend it) is
/// answered by its venue, and that answer is a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderEvent<'a> {
    /// It was decided, and waits: for its open, or for exits that hold what it sells.
    Signalled(&'a OrderIntent),
    /// It passed the gate.
    Submitted(&'a Submission),
    /// The gate refused it.
    Refused(&'a RefusedIntent),
    /// Its venue reported on it.
    Reported(&'a ExecutionReport),
}

impl<'a> OrderEvent<'a> {
    /// The step that `event` is, if it is one.
    #[must_use]
    pub const fn of(event: &'a Event) -> Option<Self> {
        match event {
            Event::Output(Output::Signalled(intent) | Output::Postponed(intent)) => {
                Some(Self::Signalled(intent))
            }
            Event::Output(Output::OrderSubmitted(submission)) => Some(Self::Submitted(submission)),
            Event::Output(Output::OrderRefused(refused)) => Some(Self::Refused(refused)),
            Event::Input(Input::Execution(report)) => Some(Self::Reported(report)),
            Event::Input(
                Input::Session(_)
                | Input::Market(_)
                | Input::Feed(_)
                | Input::Operator(_)
                | Input::EffectFailed(_)
                | Input::Deadline
                | Input::Inference(_)
                | Input::Clock(_)
                | Input::DataFault(_)
                | Input::Listing(_)
                | Input::Account(_)
                | Input::History(_)
                | Input::Conductor(_),
            )
            | Event::Output(
                Output::BarClosed(_)
                | Output::CancelRequested(_)
                | Output::TradingHalted(_)
                | Output::AmendRequested(_)
                | Output::FlatWanted(_)
                | Output::TradingResumed
                | Output::CheckpointTaken(_)
                | Output::RegimeChanged(_)
                | Output::GapFound(_)
                | Output::ConductorConsulted(_)
                | Output::ConductorMissed(_)
                | Output::AccountDiffers(_)
                | Output::AccountAgrees
                | Output::OrderResolved(_),
            ) => None,
        }
    }
}
