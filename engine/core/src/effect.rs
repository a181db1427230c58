//! What must happen outside, derived from recorded outputs and never stored on its own.

use crate::event::Output;
use crate::order::{Order, OrderId};

/// An act on the outside world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Send this order to its venue.
    Place(Order),
    /// Ask the venue to end this order.
    Cancel(OrderId),
}

impl Effect {
    /// The effect a recorded output demands, if any.
    #[must_use]
    pub fn of(output: &Output) -> Option<Self> {
        match output {
            Output::OrderSubmitted(submission) => Some(Self::Place(submission.order.clone())),
            Output::CancelRequested(request) => Some(Self::Cancel(request.order)),
            Output::BarClosed(_)
            | Output::Signalled(_)
            | Output::OrderRefused(_)
            | Output::TradingHalted(_)
            | Output::TradingResumed
            | Output::CheckpointTaken(_) => None,
        }
    }
}
