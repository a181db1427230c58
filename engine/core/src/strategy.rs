//! What a trading policy is: it learns from events and proposes intents.
//!
//! `&mut self` learns, `&self` proposes: the receiver proves that a proposal changes nothing. A strategy
//! cannot act, wait or look ahead; everything it sees has already been recorded.

use crate::event::Event;
use crate::instrument::{Instrument, InstrumentId};
use crate::intent::Intent;
use crate::knowledge::{Forgotten, Learned, NoteReader, NoteWriter};
use crate::num::{Money, Price, Qty};
use crate::order::OpenOrder;
use crate::state::State;
use crate::time::Timestamp;

/// What a strategy sees when it proposes: the folded state and the moment.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// The moment of the input being answered.
    pub at: Timestamp,
    /// Everything folded so far, that input included.
    pub state: &'a State,
}

impl<'a> View<'a> {
    /// The signed position in `instrument`.
    #[must_use]
    pub fn position(&self, instrument: InstrumentId) -> Qty {
        self.state.ledger().position(instrument).qty
    }

    /// The price positions in `instrument` are valued at, once there is one.
    #[must_use]
    pub fn mark(&self, instrument: InstrumentId) -> Option<Price> {
        self.state.mark(instrument)
    }

    /// Capital plus all profit, fees paid, open positions at their mark.
    #[must_use]
    pub fn equity(&self) -> Money {
        self.state.equity()
    }

    /// The rules of `instrument`, or `None` when the run has no such instrument.
    #[must_use]
    pub fn instrument(&self, instrument: InstrumentId) -> Option<&'a Instrument> {
        self.state.instrument(instrument)
    }

    /// Working orders in `instrument`, oldest first.
    pub fn open_orders(&self, instrument: InstrumentId) -> impl Iterator<Item = &'a OpenOrder> + use<'a> {
        self.state.open_orders().filter(move |open| open.order.instrument == instrument)
    }
}

/// A trading policy.
///
/// Every event of the run is shown to [`observe`](Strategy::observe), in order, live and on replay alike.
/// After each market input [`propose`](Strategy::propose) is asked for intents; the same view must give the
/// same intents. On bars of history with the `next-open` convention the orders follow at the next open.
pub trait Strategy: Send {
    /// Learns from one event.
    fn observe(&mut self, at: Timestamp, event: &Event);

    /// What it would do now. An empty vector costs nothing.
    fn propose(&self, view: &View<'_>) -> Vec<Intent>;

    /// What it has learned, for as long as it can be written down; without it a run is taken up from its beginning.
    fn learned(&self) -> Option<&dyn Learned> {
        None
    }

    /// What it has learned, to be taken back; there whenever [`learned`](Self::learned) is.
    fn learned_mut(&mut self) -> Option<&mut dyn Learned> {
        None
    }
}

impl Learned for Box<dyn Strategy> {
    fn note(&self, notes: &mut NoteWriter) {
        notes.part_of(self.learned());
    }

    fn recall(&mut self, notes: &mut NoteReader<'_>) -> Result<(), Forgotten> {
        notes.part_of(self.learned_mut())
    }
}
