//! `limit-dip`: while flat, a buy limit below every close; out at the market some bars after the entry bar.

use engine_core::event::{Event, Execution, ExecutionReport, Input, Output};
use engine_core::instrument::InstrumentId;
use engine_core::intent::{CancelIntent, Intent, OrderIntent, Rationale};
use engine_core::market::Side;
use engine_core::num::{Price, Ratio};
use engine_core::order::{Order, OrderId, OrderKind, Reach, Status};
use engine_core::strategy::{Strategy, View};
use engine_core::time::Timestamp;
use serde::Serialize;

use crate::ema_cross::whole;
use crate::sample::Source;
use crate::settings::{SettingError, Settings};
use crate::trading::{Exits, RunFacts, TradedInstrument, Trading, moved};

/// Settings of `limit-dip`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LimitDipParams {
    /// How far below the close the limit lies.
    #[serde(serialize_with = "crate::trading::ratio")]
    pub offset: Ratio,
    /// Bars from the entry bar to the bar whose close decides the exit.
    pub hold: u32,
    /// The settings that all policies share.
    #[serde(flatten)]
    pub trading: Trading,
}

impl LimitDipParams {
    /// Reads the settings; absent ones are 1 % and 24 bars.
    ///
    /// # Errors
    /// [`SettingError`] for the first that cannot be used.
    pub fn read(settings: &mut Settings<'_>) -> Result<Self, SettingError> {
        let offset = settings.ratio("offset", Ratio::from_units(1)..=Ratio::from_units(500_000_000))?;
        Ok(Self {
            offset: offset.unwrap_or(Ratio::from_units(10_000_000)),
            hold: whole(settings, "hold", 1..=10_000_000, 24)?,
            trading: Trading::read(settings)?,
        })
    }

    /// The policy with these settings.
    ///
    /// # Errors
    /// [`SettingError`] for what the run's instruments cannot hold.
    pub fn build(&self, facts: &RunFacts<'_>) -> Result<Box<dyn Strategy>, SettingError> {
        let traded = self.trading.traded_instruments(facts)?.into_iter();
        let dip = |traded| Dip { traded, close: Price::ZERO, closed: 0, entry: None, entered: None };
        Ok(Box::new(LimitDip {
            dips: traded.map(|traded| traded.map(dip)).collect(),
            offset: self.offset,
            hold: u64::from(self.hold),
            exits: self.trading.exits,
            source: self.trading.source.unwrap_or(facts.source),
            fresh: Vec::new(),
        }))
    }
}

/// One market: its bars so far, the last entry order and the bar in which it first filled.
#[derive(Debug, Clone)]
struct Dip {
    traded: TradedInstrument,
    close: Price,
    closed: u64,
    entry: Option<OrderId>,
    entered: Option<u64>,
}

/// The policy over all its markets.
#[derive(Debug, Clone)]
pub struct LimitDip {
    dips: Vec<Option<Dip>>,
    offset: Ratio,
    hold: u64,
    exits: Exits,
    source: Source,
    /// Markets whose bar closed with the last input; only those may act.
    fresh: Vec<InstrumentId>,
}

impl Dip {
    fn submitted(&mut self, order: &Order) {
        if order.reach == Reach::Any && order.parent.is_none() {
            self.entry = Some(order.id);
            self.entered = None;
        }
    }

    fn reported(&mut self, report: &ExecutionReport) {
        let Execution::Filled(_) = report.execution else { return };
        if self.entry == Some(report.order) {
            // The bar that is forming has the number of bars closed so far.
            self.entered.get_or_insert(self.closed);
        }
    }

    /// Whether the bar that just closed lies `hold` bars after the entry bar.
    fn is_over(&self, hold: u64) -> bool {
        let last = self.closed.saturating_sub(1);
        self.entered.is_some_and(|entered| last.saturating_sub(entered) >= hold)
    }
}

impl LimitDip {
    fn propose_for(&self, dip: &Dip, view: &View<'_>) -> Vec<Intent> {
        let id = dip.traded.instrument;
        let held = view.position(id);
        if view.state.waiting().any(|intent| intent.instrument == id) {
            return Vec::new();
        }
        if held.is_zero() {
            return self.replace_limit(dip, view);
        }
        if !dip.is_over(self.hold) {
            return Vec::new();
        }
        let mut intents = Vec::new();
        for open in view.open_orders(id).filter(|open| open.order.parent.is_none()) {
            if open.order.reach == Reach::ReduceOnly {
                return Vec::new();
            }
            intents.extend(cancel(open.order.id, open.status, "the time to hold is over"));
        }
        intents.push(OrderIntent::close(id, Side::Sell, "the time to hold is over").into());
        intents
    }

    /// Moves the resting limit below the new close; leaves it where it stands already there.
    fn replace_limit(&self, dip: &Dip, view: &View<'_>) -> Vec<Intent> {
        let id = dip.traded.instrument;
        let price = moved(dip.close, self.offset, Side::Sell);
        let mut intents = Vec::new();
        for open in view.open_orders(id).filter(|open| open.order.parent.is_none()) {
            if open.order.kind == OrderKind::Limit(price) && open.status != Status::CancelPending {
                return Vec::new();
            }
            intents.extend(cancel(open.order.id, open.status, "a newer close moves the limit"));
        }
        let bracket = self.exits.bracket(Side::Buy, price);
        let limit = OrderIntent::limit(id, Side::Buy, dip.traded.size, price, "buy the dip");
        intents.push(OrderIntent { bracket, ..limit }.into());
        intents
    }
}

fn cancel(order: OrderId, status: Status, because: &'static str) -> Option<Intent> {
    let because = Rationale::new(because);
    (status != Status::CancelPending).then_some(Intent::Cancel(CancelIntent { order, because }))
}

impl Strategy for LimitDip {
    engine_core::can_be_taken_up!();

    fn observe(&mut self, _at: Timestamp, event: &Event) {
        if matches!(event, Event::Input(_)) {
            self.fresh.clear();
        }
        if let Some((instrument, sample)) = self.source.sample(event)
            && let Some(Some(dip)) = self.dips.get_mut(instrument.index())
        {
            dip.close = sample.close;
            dip.closed += 1;
            self.fresh.push(instrument);
        }
        if let Event::Output(Output::OrderSubmitted(submission)) = event
            && let Some(Some(dip)) = self.dips.get_mut(submission.order.instrument.index())
        {
            dip.submitted(&submission.order);
        }
        if let Event::Input(Input::Execution(report)) = event {
            self.dips.iter_mut().flatten().for_each(|dip| dip.reported(report));
        }
    }

    fn propose(&self, view: &View<'_>) -> Vec<Intent> {
        let dips = self.fresh.iter().filter_map(|id| self.dips.get(id.index())?.as_ref());
        dips.flat_map(|dip| self.propose_for(dip, view)).collect()
    }
}

engine_core::learned!(Dip { settings: [traded], values: [close, entry, entered], counts: [closed] });
engine_core::learned!(LimitDip { settings: [offset, hold, exits, source], values: [fresh], parts: [dips] });
