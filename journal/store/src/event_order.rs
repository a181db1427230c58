//! The order every reader asks of recorded events: forward in time, and each output behind its input.
//!
//! Links and digests show that a page is as it was written, not that an engine wrote it. What a fold relies on is
//! therefore checked on the way out of every page.

use engine_core::envelope::{Cause, Envelope, Seq};
use engine_core::event::{Event, Input, SessionMark};
use engine_core::time::Timestamp;

use crate::frame::Frames;

/// How an event breaks the order of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Disorder {
    /// Its moment lies before that of the event in front of it.
    #[error("time runs backward here: the event is dated before the one in front of it")]
    Time,
    /// It counts fewer market records than the event in front of it.
    #[error("the event counts fewer market records than the one in front of it")]
    Ticks,
    /// It does not name the input that led to it.
    #[error("the event does not follow from the input it names as its cause")]
    Cause,
    /// The page's header names another first or last moment than its events.
    #[error("the page's header names other moments than its events have")]
    Header,
}

/// How the session of a run has ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum SessionEnd {
    /// Its last input is another than an end.
    #[default]
    None,
    /// As planned.
    Planned,
    /// By its operator, before its data ended.
    Interrupted,
}

impl SessionEnd {
    /// Whether the session is over.
    pub(crate) const fn is_over(self) -> bool {
        matches!(self, Self::Planned | Self::Interrupted)
    }
}

#[derive(Debug, Clone, Copy)]
struct Before {
    at: Timestamp,
    records_read: u64,
    cause: Cause,
}

/// The place in a run up to which events came in order; before the first one, anything may follow.
#[derive(Debug, Clone, Default)]
pub(crate) struct EventOrder {
    before: Option<Before>,
    end: SessionEnd,
}

impl EventOrder {
    /// Takes the next event, or says how it breaks the order.
    pub(crate) fn follow(&mut self, envelope: &Envelope) -> Result<(), Disorder> {
        let Envelope { seq, at, records_read, cause, event } = envelope;
        if let Some(before) = self.before {
            if *at < before.at {
                return Err(Disorder::Time);
            }
            if *records_read < before.records_read {
                return Err(Disorder::Ticks);
            }
        }
        if !self.is_caused(*seq, *at, *records_read, *cause, event) {
            return Err(Disorder::Cause);
        }
        self.before = Some(Before { at: *at, records_read: *records_read, cause: *cause });
        // What a market record led to is a step of its own.
        self.end = end_after(self.end, event, *cause);
        Ok(())
    }

    /// How the session has ended with the last input so far.
    pub(crate) const fn end(&self) -> SessionEnd {
        self.end
    }

    /// An input causes itself; an output names the input of its step, which lies right before its outputs.
    fn is_caused(&self, seq: Seq, at: Timestamp, records_read: u64, cause: Cause, event: &Event) -> bool {
        match (event, cause) {
            (Event::Input(_), Cause::Event(named)) => named == seq,
            (Event::Input(_), Cause::Record(_)) => false,
            (Event::Output(_), Cause::Event(named)) => {
                let same_step = |before: Before| {
                    before.cause == cause && before.at == at && before.records_read == records_read
                };
                named < seq && self.before.is_none_or(same_step)
            }
            (Event::Output(_), Cause::Record(_)) => true,
        }
    }
}

/// How the session has ended once `event` has followed.
const fn end_after(before: SessionEnd, event: &Event, cause: Cause) -> SessionEnd {
    match (event, cause) {
        (_, Cause::Record(_)) => SessionEnd::None,
        (Event::Input(Input::Session(SessionMark::Closed)), _) => SessionEnd::Planned,
        (Event::Input(Input::Session(SessionMark::Interrupted)), _) => SessionEnd::Interrupted,
        (Event::Input(_), _) => SessionEnd::None,
        (Event::Output(_), _) => before,
    }
}

/// How the session has ended with the last input among `frames`, those of the last page of a run: a step is never
/// parted between pages.
pub(crate) fn session_end(frames: &[u8]) -> SessionEnd {
    let events = Frames::new(frames).filter_map(|frame| frame.envelope());
    events.fold(SessionEnd::None, |end, Envelope { cause, event, .. }| end_after(end, &event, cause))
}

#[cfg(test)]
mod tests {
    use engine_core::event::Output;

    use super::*;

    fn event(seq: u64, at: i64, records_read: u64, cause: Cause, event: Event) -> Envelope {
        Envelope { seq: Seq::new(seq), at: Timestamp::from_nanos(at), records_read, cause, event }
    }

    #[test]
    fn each_way_out_of_order_is_named() {
        let own = |seq| Cause::Event(Seq::new(seq));
        let input = || Event::Input(Input::Deadline);
        let output = || Event::Output(Output::TradingResumed);
        let begun = |order: &mut EventOrder| order.follow(&event(4, 10, 7, own(4), input()));
        let next = |envelope: Envelope| {
            let mut order = EventOrder::default();
            begun(&mut order).unwrap();
            order.follow(&envelope)
        };
        assert_eq!(next(event(5, 10, 7, own(4), output())), Ok(()));
        assert_eq!(next(event(5, 11, 8, own(5), input())), Ok(()));
        assert_eq!(next(event(5, 9, 8, own(5), input())), Err(Disorder::Time));
        assert_eq!(next(event(5, 11, 6, own(5), input())), Err(Disorder::Ticks));
        for cause in [own(3), own(5), own(6)] {
            assert_eq!(next(event(5, 10, 7, cause, output())), Err(Disorder::Cause), "{cause:?}");
        }
        assert_eq!(
            next(event(5, 11, 7, own(4), output())),
            Err(Disorder::Cause),
            "an output of a later moment"
        );
        assert_eq!(next(event(5, 11, 7, own(4), input())), Err(Disorder::Cause));
        let tick = Cause::Record(engine_core::envelope::RecordRef { dataset: 0, seq: 1 });
        assert_eq!(next(event(5, 11, 8, tick, output())), Ok(()));
        assert_eq!(next(event(5, 11, 8, tick, input())), Err(Disorder::Cause));
    }
}
