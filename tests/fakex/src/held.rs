//! What faults hold back: answers that come late, requests that are done late, and answers that never come.

use std::time::Duration;

use crate::log::Fate;
use crate::trading::mishap::Mishap;

/// How far a request has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Arrived,
    /// A fault held it back, and now it goes on.
    Resumed,
}

/// How an answer comes to its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delivery {
    AtOnce,
    AfterReports {
        ms: u64,
    },
    /// Not before the request was handed on, which a fault holds back.
    Held {
        ms: u64,
    },
    /// Never; the connection ends.
    Lost,
}

/// How the answer of a request comes that meets a fault.
pub(crate) fn course(stage: Stage, mishap: Option<Mishap>) -> (Fate, Delivery) {
    match mishap {
        None if stage == Stage::Resumed => (Fate::Held, Delivery::AtOnce),
        None | Some(Mishap::Rejected { .. } | Mishap::Unknown { .. }) => (Fate::Answered, Delivery::AtOnce),
        Some(Mishap::Held { ms }) => (Fate::Held, Delivery::Held { ms }),
        Some(Mishap::AckLost) => (Fate::AnswerLost, Delivery::Lost),
        Some(Mishap::RequestLost) => (Fate::RequestLost, Delivery::Lost),
        Some(Mishap::AckDelayed { ms }) => (Fate::AnsweredLate, Delivery::AfterReports { ms }),
        Some(Mishap::FillBeforeAck) => (Fate::AnsweredLate, Delivery::AfterReports { ms: 0 }),
    }
}

/// What comes later.
#[derive(Debug)]
pub(crate) struct Later {
    pub(crate) wait: Duration,
    pub(crate) then: Then,
}

#[derive(Debug)]
pub(crate) enum Then {
    Answer(Vec<String>),
    /// A request that was held back, and who was logged on when it came.
    Do {
        text: String,
        session: Option<String>,
    },
}

impl Later {
    pub(crate) fn after(ms: u64, then: Then) -> Self {
        Self { wait: Duration::from_millis(ms), then }
    }
}
