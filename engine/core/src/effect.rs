//! What must happen outside, derived from recorded outputs and never stored on its own.

use crate::conductor::Question;
use crate::event::{FailedAct, Output};
use crate::num::Qty;
use crate::order::{Order, OrderId};

/// An act on the outside world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Send this order to its venue.
    Place(Order),
    /// Ask the venue to end this order.
    Cancel(OrderId),
    /// Ask the venue to work this order on with this whole quantity, what has traded of it included.
    Amend(OrderId, Qty),
    /// Ask the conductor.
    Consult(Box<Question>),
}

impl Effect {
    /// The effect a recorded output demands, if any.
    #[must_use]
    pub fn of(output: &Output) -> Option<Self> {
        match output {
            Output::OrderSubmitted(submission) => Some(Self::Place(submission.order.clone())),
            Output::CancelRequested(request) => Some(Self::Cancel(request.order)),
            Output::AmendRequested(request) => Some(Self::Amend(request.order, request.qty)),
            Output::ConductorConsulted(question) => Some(Self::Consult(question.clone())),
            Output::BarClosed(_)
            | Output::Signalled(_)
            | Output::OrderRefused(_)
            | Output::TradingHalted(_)
            | Output::FlatWanted(_)
            | Output::TradingResumed
            | Output::CheckpointTaken(_)
            | Output::RegimeChanged(_)
            | Output::GapFound(_)
            | Output::ConductorMissed(_)
            | Output::AccountDiffers(_)
            | Output::AccountAgrees
            | Output::OrderResolved(_)
            | Output::Postponed(_) => None,
        }
    }

    /// Whether it reaches someone outside of this process, so that its event must be durable before. A conductor only
    /// thinks: what it was asked can be asked again.
    #[must_use]
    pub const fn leaves_the_process(&self) -> bool {
        match self {
            Self::Place(_) | Self::Cancel(_) | Self::Amend(..) => true,
            Self::Consult(_) => false,
        }
    }

    /// What the core receives when the effect could not be handed over.
    #[must_use]
    pub const fn failed(&self) -> FailedAct {
        match self {
            Self::Place(order) => FailedAct::Place(order.id),
            Self::Cancel(order) => FailedAct::Cancel(*order),
            Self::Amend(order, _) => FailedAct::Amend(*order),
            Self::Consult(question) => FailedAct::Consult(question.id),
        }
    }
}
