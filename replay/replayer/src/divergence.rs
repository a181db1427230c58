//! Where two runs part: the first differing event, and what led to it in each.

use engine_core::envelope::{Cause, Envelope};
use engine_core::event::{Event, Input, Output, SessionMark};
use engine_core::order::OrderId;
use engine_runtime::ports::JournalError;

use super::ReplayError;

/// The first event at which two runs differ, with its history on both sides.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Divergence {
    /// Number of the event; the runs are equal before it, their manifests apart.
    pub seq: u64,
    /// The event of the first run, newest first back to its root; empty where that run has ended.
    pub first: Vec<Envelope>,
    /// The same of the second run.
    pub second: Vec<Envelope>,
}

/// The comparison of two runs.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Comparison {
    /// Whether the two manifests are equal.
    pub same_manifest: bool,
    /// Events that are equal on both sides, the manifests' event included.
    pub equal_events: u64,
    /// Where they part, if they do.
    pub divergence: Option<Divergence>,
}

/// Reads two runs side by side up to the first event that differs.
///
/// The opening event holds the manifest and differs whenever the configurations do; it is compared apart.
///
/// # Errors
/// [`ReplayError::Journal`] when either run cannot be read.
pub fn compare<A, B>(first: A, second: B) -> Result<Comparison, ReplayError>
where
    A: Iterator<Item = Result<Envelope, JournalError>>,
    B: Iterator<Item = Result<Envelope, JournalError>>,
{
    let (mut first, mut second) = (first, second);
    let (mut chains, mut same_manifest, mut equal_events) = (Chains::default(), true, 0);
    loop {
        let (left, right) = (first.next().transpose()?, second.next().transpose()?);
        match (left, right) {
            (None, None) => break,
            (Some(left), Some(right)) if is_opening(&left) && is_opening(&right) => {
                same_manifest = left.event == right.event;
                equal_events += 1;
                chains.remember(&left);
            }
            (Some(left), Some(right)) if left == right => {
                equal_events += 1;
                chains.remember(&left);
            }
            (left, right) => {
                let seq = left.as_ref().or(right.as_ref()).map_or(0, |envelope| envelope.seq.number());
                let (first, second) = (chains.of(left), chains.of(right));
                let divergence = Some(Divergence { seq, first, second });
                return Ok(Comparison { same_manifest, equal_events, divergence });
            }
        }
    }
    Ok(Comparison { same_manifest, equal_events, divergence: None })
}

fn is_opening(envelope: &Envelope) -> bool {
    matches!(envelope.event, Event::Input(Input::Session(SessionMark::Opened(_))))
}

/// Most events of the common past kept for cause chains; beyond it the oldest order is forgotten.
const REMEMBERED: usize = 4_096;

/// The recent common past, by what may be asked for: event numbers and orders.
#[derive(Debug, Default)]
struct Chains {
    recent: std::collections::VecDeque<Envelope>,
}

impl Chains {
    fn remember(&mut self, envelope: &Envelope) {
        if self.recent.len() == REMEMBERED {
            self.recent.pop_front();
        }
        self.recent.push_back(envelope.clone());
    }

    /// The event and what led to it, newest first.
    fn of(&self, last: Option<Envelope>) -> Vec<Envelope> {
        let mut chain: Vec<Envelope> = last.into_iter().collect();
        while let Some(before) = chain.last().and_then(|newest| self.before(newest)) {
            chain.push(before.clone());
        }
        chain
    }

    fn before(&self, envelope: &Envelope) -> Option<&Envelope> {
        let by_order = match &envelope.event {
            Event::Input(Input::Execution(report)) => Some(report.order),
            Event::Output(Output::CancelRequested(request)) => Some(request.order),
            Event::Input(_) | Event::Output(_) => None,
        };
        if let Some(order) = by_order {
            return self.recent.iter().rev().find(|past| submits(past, order));
        }
        match (envelope.cause, &envelope.event) {
            (Cause::Event(seq), Event::Output(_)) => self.recent.iter().rev().find(|past| past.seq == seq),
            (Cause::Event(_) | Cause::Record(_), _) => None,
        }
    }
}

fn submits(envelope: &Envelope, order: OrderId) -> bool {
    matches!(&envelope.event, Event::Output(Output::OrderSubmitted(submission)) if submission.order.id == order)
}
