//! A signal and a planner for every instrument, joined into a strategy.

use engine_core::event::{Event, Input, OrderEvent, Output};
use engine_core::instrument::{Instrument, InstrumentId};
use engine_core::intent::Intent;
use engine_core::knowledge::{Forgotten, Learned, NoteReader, NoteWriter};
use engine_core::strategy::{Strategy, View};
use engine_core::time::Timestamp;

use crate::order_planner::OrderPlanner;
use crate::sample::Source;
use crate::settings::SettingError;
use crate::signal::{Call, Signal};
use crate::trading::{Direction, RunFacts, TradedInstrument, Trading};

/// One market and what is thought of it.
#[derive(Debug)]
struct TradedMarket<S> {
    signal: S,
    planner: OrderPlanner,
}

/// Trades every instrument by its own copy of a signal.
#[derive(Debug)]
pub struct Trader<S> {
    markets: Vec<Option<TradedMarket<S>>>,
    source: Source,
    direction: Direction,
    focus: Focus,
}

/// Which markets the last input was about, so that a tick asks one market and not all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
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
        signal: impl Fn(InstrumentId, &Instrument) -> S,
    ) -> Result<Self, SettingError> {
        trading.exits.check(direction)?;
        let traded = trading.traded_instruments(facts)?.into_iter();
        let market = |(traded, rules): (Option<TradedInstrument>, _)| {
            let traded = traded?;
            let signal = signal(traded.instrument, rules);
            Some(TradedMarket { signal, planner: OrderPlanner::new(traded, trading.exits) })
        };
        let markets = traded.zip(facts.instruments).map(market).collect();
        Ok(Self { markets, source: trading.source.unwrap_or(facts.source), direction, focus: Focus::All })
    }

    fn market(&mut self, instrument: InstrumentId) -> Option<&mut TradedMarket<S>> {
        self.markets.get_mut(instrument.index())?.as_mut()
    }

    #[inline]
    fn learn(&mut self, event: &Event) {
        let Some((instrument, sample)) = self.source.sample(event) else {
            if S::ENTERS_AGAIN {
                self.pass(event);
            }
            return;
        };
        let direction = self.direction;
        let Some(market) = self.market(instrument) else { return };
        match market.signal.learn(&sample) {
            Some(call) => {
                market.planner.set(Call { target: direction.allow(call.target), ..call }, sample.close);
            }
            None if S::ENTERS_AGAIN => market.planner.pass(),
            None => {}
        }
    }

    /// A market record that is no sample ends a call that holds for one.
    fn pass(&mut self, event: &Event) {
        if let Event::Input(Input::Market(update)) = event
            && let Some(market) = self.market(update.instrument())
        {
            market.planner.pass();
        }
    }

    #[cold]
    #[inline(never)]
    fn propose_all(&self, view: &View<'_>) -> Vec<Intent> {
        self.markets.iter().flatten().flat_map(|market| market.planner.propose(view)).collect()
    }

    #[cold]
    #[inline(never)]
    fn note(&mut self, event: &Event) {
        match OrderEvent::of(event) {
            Some(OrderEvent::Submitted(submission)) => {
                if let Some(market) = self.market(submission.order.instrument) {
                    market.planner.submitted(&submission.order);
                }
            }
            Some(OrderEvent::Signalled(intent)) => {
                if let Some(market) = self.market(intent.instrument) {
                    market.planner.answered(intent);
                }
            }
            Some(OrderEvent::Refused(refused)) => {
                if let Intent::Place(intent) = &refused.intent
                    && let Some(market) = self.market(intent.instrument)
                {
                    market.planner.refused(intent);
                }
            }
            Some(OrderEvent::Reported(report)) => {
                self.markets.iter_mut().flatten().for_each(|market| market.planner.reported(report));
            }
            None => {}
        }
    }
}

impl<S: Signal> Strategy for Trader<S> {
    engine_core::can_be_taken_up!();

    fn observe(&mut self, _at: Timestamp, event: &Event) {
        match event {
            Event::Input(Input::Market(_)) | Event::Output(Output::BarClosed(_)) => {
                if let Event::Input(Input::Market(update)) = event {
                    self.focus = Focus::One(update.instrument());
                }
                self.learn(event);
            }
            Event::Input(Input::Deadline) => self.focus = Focus::All,
            Event::Input(_) | Event::Output(_) => self.note(event),
        }
    }

    fn propose(&self, view: &View<'_>) -> Vec<Intent> {
        match self.focus {
            Focus::One(instrument) => match self.markets.get(instrument.index()) {
                Some(Some(market)) => market.planner.propose(view),
                Some(None) | None => Vec::new(),
            },
            Focus::All => self.propose_all(view),
        }
    }
}

impl<S: Signal> Learned for TradedMarket<S> {
    fn note(&self, notes: &mut NoteWriter) {
        notes.part_of(self.signal.learned());
        notes.part(&self.planner);
    }

    fn recall(&mut self, notes: &mut NoteReader<'_>) -> Result<(), Forgotten> {
        notes.part_of(self.signal.learned_mut())?;
        notes.part(&mut self.planner)
    }
}

impl<S: Signal> Learned for Trader<S> {
    fn note(&self, notes: &mut NoteWriter) {
        notes.setting(&(self.source, self.direction));
        notes.value(&self.focus);
        notes.part(&self.markets);
    }

    fn recall(&mut self, notes: &mut NoteReader<'_>) -> Result<(), Forgotten> {
        notes.setting(&(self.source, self.direction))?;
        self.focus = notes.value()?;
        notes.part(&mut self.markets)
    }
}
