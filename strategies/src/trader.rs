//! A signal and a course for every instrument, joined into a strategy.

use engine_core::event::{Event, Input, Output};
use engine_core::instrument::InstrumentId;
use engine_core::intent::Intent;
use engine_core::strategy::{Strategy, View};
use engine_core::time::Timestamp;

use crate::course::Course;
use crate::sample::Source;
use crate::settings::SettingError;
use crate::signal::{Call, Signal};
use crate::trading::{Direction, RunFacts, Trading};

/// One market and what is thought of it.
#[derive(Debug)]
struct Desk<S> {
    signal: S,
    course: Course,
}

/// Trades every instrument by its own copy of a signal.
#[derive(Debug)]
pub struct Trader<S> {
    desks: Vec<Option<Desk<S>>>,
    source: Source,
    direction: Direction,
    focus: Focus,
}

/// Which markets the last input was about, so that a tick asks one desk and not all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Focus {
    One(InstrumentId),
    All,
}

impl<S: Signal> Trader<S> {
    /// A trader for the instruments that `trading` names; `signal` makes the signal of each.
    ///
    /// # Errors
    /// [`SettingError`] for an unknown symbol, a size an instrument cannot hold or a target no short can reach.
    pub fn new(
        trading: &Trading,
        direction: Direction,
        facts: &RunFacts<'_>,
        signal: impl Fn(InstrumentId) -> S,
    ) -> Result<Self, SettingError> {
        trading.exits.check(direction)?;
        let seats = trading.seats(facts)?.into_iter();
        let desk = |seat: crate::trading::Seat| Desk {
            signal: signal(seat.instrument),
            course: Course::new(seat, trading.exits),
        };
        let desks = seats.map(|seat| seat.map(desk)).collect();
        Ok(Self { desks, source: trading.source.unwrap_or(facts.source), direction, focus: Focus::All })
    }

    fn desk(&mut self, instrument: InstrumentId) -> Option<&mut Desk<S>> {
        self.desks.get_mut(instrument.index())?.as_mut()
    }

    #[inline]
    fn learn(&mut self, event: &Event) {
        let Some((instrument, sample)) = self.source.sample(event) else { return };
        let direction = self.direction;
        let Some(desk) = self.desk(instrument) else { return };
        if let Some(call) = desk.signal.learn(&sample) {
            desk.course.set(Call { target: direction.allow(call.target), ..call }, sample.close);
        }
    }

    #[cold]
    #[inline(never)]
    fn propose_all(&self, view: &View<'_>) -> Vec<Intent> {
        self.desks.iter().flatten().flat_map(|desk| desk.course.propose(view)).collect()
    }

    #[cold]
    #[inline(never)]
    fn note(&mut self, event: &Event) {
        match event {
            Event::Output(Output::OrderSubmitted(submission)) => {
                if let Some(desk) = self.desk(submission.order.instrument) {
                    desk.course.submitted(&submission.order);
                }
            }
            Event::Output(Output::Signalled(intent)) => {
                if let Some(desk) = self.desk(intent.instrument) {
                    desk.course.answered(intent);
                }
            }
            Event::Output(Output::OrderRefused(refused)) => {
                if let Intent::Place(intent) = &refused.intent
                    && let Some(desk) = self.desk(intent.instrument)
                {
                    desk.course.answered(intent);
                }
            }
            Event::Input(Input::Execution(report)) => {
                self.desks.iter_mut().flatten().for_each(|desk| desk.course.reported(report));
            }
            Event::Input(
                Input::Session(_)
                | Input::Market(_)
                | Input::Feed(_)
                | Input::Operator(_)
                | Input::EffectFailed(_)
                | Input::Deadline
                | Input::Inference(_)
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
                | Output::ConductorMissed(_),
            ) => {}
        }
    }
}

impl<S: Signal> Strategy for Trader<S> {
    fn observe(&mut self, _at: Timestamp, event: &Event) {
        match event {
            Event::Input(Input::Market(_)) | Event::Output(Output::BarClosed(_)) => {
                if let Event::Input(Input::Market(update)) = event {
                    self.focus = Focus::One(update.instrument());
                }
                self.learn(event);
            }
            Event::Input(Input::Deadline) => self.focus = Focus::All,
            Event::Input(
                Input::Session(_)
                | Input::Feed(_)
                | Input::Operator(_)
                | Input::Execution(_)
                | Input::EffectFailed(_)
                | Input::Inference(_)
                | Input::Conductor(_),
            )
            | Event::Output(
                Output::Signalled(_)
                | Output::OrderSubmitted(_)
                | Output::OrderRefused(_)
                | Output::CancelRequested(_)
                | Output::TradingHalted(_)
                | Output::AmendRequested(_)
                | Output::FlatWanted(_)
                | Output::TradingResumed
                | Output::CheckpointTaken(_)
                | Output::RegimeChanged(_)
                | Output::GapFound(_)
                | Output::ConductorConsulted(_)
                | Output::ConductorMissed(_),
            ) => self.note(event),
        }
    }

    fn propose(&self, view: &View<'_>) -> Vec<Intent> {
        match self.focus {
            Focus::One(instrument) => match self.desks.get(instrument.index()) {
                Some(Some(desk)) => desk.course.propose(view),
                Some(None) | None => Vec::new(),
            },
            Focus::All => self.propose_all(view),
        }
    }
}
