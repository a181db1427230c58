//! Positions brought to dated targets.
//!
//! A target is set at the first record, of any instrument, at or after its time; of several that are due at once the last counts. It is traded
//! when it differs from the one before: on the other side the position is closed and a new one entered, on the same side
//! only the difference is traded. One thing at a time: while an order of ours works in an instrument, nothing new is proposed there besides
//! ending an entry that is no longer wanted. A target that is met within a lot is done without an order. What is due in several instruments at one moment is set in all of them, and
//! what one of them gives up comes first: an increase waits while another instrument reduces. A refused order is not repeated before the next target; what is on the wrong
//! side is closed however often it takes.

use engine_core::event::{Event, Input, OrderEvent, Output};
use engine_core::instrument::InstrumentId;
use engine_core::intent::{CancelIntent, Intent, OrderIntent, Rationale, Size};
use engine_core::market::Side;
use engine_core::num::{Qty, Ratio};
use engine_core::order::{Reach, Status};
use engine_core::strategy::{Strategy, View};
use engine_core::time::Timestamp;

use super::target_list::DatedTarget;
use super::under_way::UnderWay;
use crate::sample::Source;

/// Follows dated targets in every instrument.
#[derive(Debug)]
pub struct TargetFollower {
    markets: Vec<FollowedMarket>,
    source: Source,
    under_way: UnderWay,
    /// Whether this step asks for what is due with nothing under way, and no order has come of it so far.
    is_asked: bool,
}

/// One instrument on its way through its targets.
#[derive(Debug)]
struct FollowedMarket {
    instrument: InstrumentId,
    targets: Vec<DatedTarget>,
    next: usize,
    target: Ratio,
    /// Whether the target still waits for its order.
    is_due: bool,
    /// Whether it has had a price.
    is_priced: bool,
}

impl TargetFollower {
    /// A follower of `lists`, one per instrument of the run, set by records of `source`.
    #[must_use]
    pub fn new(lists: Vec<Vec<DatedTarget>>, source: Source) -> Self {
        let markets = lists.into_iter().zip(0_u16..).map(|(targets, index)| FollowedMarket {
            instrument: InstrumentId::new(index),
            targets,
            next: 0,
            target: Ratio::ZERO,
            is_due: false,
            is_priced: false,
        });
        Self { markets: markets.collect(), source, under_way: UnderWay::default(), is_asked: false }
    }

    /// What was asked for in the step before and brought no order was met.
    fn settle(&mut self) {
        if core::mem::take(&mut self.is_asked) {
            self.markets
                .iter_mut()
                .filter(|market| market.is_priced)
                .for_each(|market| market.is_due = false);
        }
    }

    fn market(&mut self, instrument: InstrumentId) -> Option<&mut FollowedMarket> {
        self.markets.get_mut(instrument.index())
    }
}

/// The side that holds `target`.
const fn side_of(target: Ratio) -> Option<Side> {
    match target.units() {
        0 => None,
        1.. => Some(Side::Buy),
        _ => Some(Side::Sell),
    }
}

/// Whether an intent only gives something up.
fn reduces(intent: &Intent) -> bool {
    matches!(intent, Intent::Place(order) if order.reach == Reach::ReduceOnly)
}

/// Whether an intent may take something on.
fn increases(intent: &Intent) -> bool {
    matches!(intent, Intent::Place(order) if order.reach == Reach::Any)
}

impl FollowedMarket {
    /// Whether an order that gives something up is under way.
    fn is_reducing(&self, view: &View<'_>) -> bool {
        let waiting = view.state.waiting().filter(|intent| intent.instrument == self.instrument);
        let working = view.open_orders(self.instrument).map(|open| open.order.reach);
        waiting.map(|intent| intent.reach).chain(working).any(|reach| reach == Reach::ReduceOnly)
    }

    /// Sets the last target whose time has come.
    fn set(&mut self, at: Timestamp) {
        let before = self.target;
        while let Some(dated) = self.targets.get(self.next).filter(|dated| dated.at <= at) {
            self.target = dated.target;
            self.next += 1;
        }
        self.is_due |= self.target != before;
    }

    /// Learns that an order on `side` was made or refused. One that closes the wrong side leaves the target due.
    fn answered(&mut self, side: Side, reach: Reach) {
        let towards = side_of(self.target);
        let trims = reach == Reach::ReduceOnly && towards == Some(side.opposite());
        if reach == Reach::Any || trims {
            self.is_due = false;
        }
    }

    fn propose(&self, view: &View<'_>) -> Vec<Intent> {
        let held = view.position(self.instrument);
        let standing = match held.units() {
            0 => None,
            1.. => Some(Side::Buy),
            _ => Some(Side::Sell),
        };
        let towards = side_of(self.target);
        let is_misplaced = standing.is_some() && standing != towards;
        if !is_misplaced && !self.is_due {
            return Vec::new();
        }
        if let Some(cancels) = self.wait(view, towards) {
            return cancels;
        }
        let id = self.instrument;
        // Nothing can be sized before there is a price; the target stays due.
        if view.mark(id).is_none() {
            return Vec::new();
        }
        let mut intents = Vec::with_capacity(2);
        if let Some(side) = standing.filter(|_| is_misplaced) {
            intents.push(OrderIntent::close(id, side.opposite(), "the target is on the other side").into());
        }
        if let Some(side) = towards.filter(|_| self.is_due) {
            let order = match is_misplaced || standing.is_none() {
                true => Some(self.entry(side)),
                false => self.difference(view, side, held),
            };
            intents.extend(order.map(Intent::from));
        }
        intents
    }

    fn entry(&self, side: Side) -> OrderIntent {
        OrderIntent::market(self.instrument, side, Size::EquityShare(self.target.magnitude()), "a new target")
    }

    /// The order from what is held on `side` to the target; `None` where less than a lot is missing or an amount does
    /// not fit.
    fn difference(&self, view: &View<'_>, side: Side, held: Qty) -> Option<OrderIntent> {
        let (rules, mark) = (view.instrument(self.instrument)?, view.mark(self.instrument)?);
        let equity = view.equity();
        let wanted = rules.qty_for(equity.times(self.target.magnitude())?, mark);
        let held = held.magnitude();
        if wanted < held {
            let surplus = held.minus(wanted)?;
            if surplus < rules.lot {
                return None;
            }
            let order = OrderIntent::market(
                self.instrument,
                side.opposite(),
                Size::Units(surplus),
                "a smaller target",
            );
            return Some(OrderIntent { reach: Reach::ReduceOnly, ..order });
        }
        if wanted.minus(held)? < rules.lot {
            return None;
        }
        // The share still missing, in which the gate makes room for the fee.
        let value = i128::from(Ratio::ONE.units()).checked_mul(rules.notional(mark, held)?.units())?;
        let share = value.checked_div(equity.units())? + 1;
        let missing =
            Ratio::from_units(i64::try_from(i128::from(self.target.magnitude().units()) - share).ok()?);
        Some(OrderIntent::market(self.instrument, side, Size::EquityShare(missing), "a larger target"))
    }

    /// `None` when nothing is under way; else what to cancel while waiting.
    fn wait(&self, view: &View<'_>, towards: Option<Side>) -> Option<Vec<Intent>> {
        let mut is_waiting = view.state.waiting().any(|intent| intent.instrument == self.instrument);
        let mut cancels = Vec::new();
        for open in view.open_orders(self.instrument) {
            is_waiting = true;
            let is_unwanted = open.order.reach == Reach::Any && Some(open.order.side) != towards;
            if is_unwanted && open.status != Status::CancelPending {
                let because = Rationale::new("the target changed before it filled");
                cancels.push(Intent::Cancel(CancelIntent { order: open.order.id, because }));
            }
        }
        is_waiting.then_some(cancels)
    }
}

impl Strategy for TargetFollower {
    engine_core::can_be_taken_up!();

    fn observe(&mut self, at: Timestamp, event: &Event) {
        if let Event::Input(input) = event {
            self.settle();
            if let Input::Market(update) = input
                && let Some(market) = self.market(update.instrument())
            {
                market.is_priced = true;
            }
        }
        if self.source.sample(event).is_some() {
            self.markets.iter_mut().for_each(|market| market.set(at));
            self.is_asked = self.under_way.is_empty();
            return;
        }
        self.under_way.learn(event);
        let answered = match OrderEvent::of(event) {
            Some(OrderEvent::Submitted(submission)) => {
                let order = &submission.order;
                Some((order.instrument, order.side, order.reach))
            }
            Some(OrderEvent::Signalled(intent)) => Some((intent.instrument, intent.side, intent.reach)),
            Some(OrderEvent::Refused(refused)) => match &refused.intent {
                Intent::Place(intent) => Some((intent.instrument, intent.side, intent.reach)),
                Intent::Cancel(_) => None,
            },
            Some(OrderEvent::Reported(_)) => None,
            // A policy that is to hear the conductor first is not asked in this step.
            None if matches!(event, Event::Output(Output::ConductorConsulted(_))) => {
                self.is_asked = false;
                return;
            }
            None => return,
        };
        self.is_asked = false;
        if let Some((instrument, side, reach)) = answered
            && let Some(market) = self.market(instrument)
        {
            market.answered(side, reach);
        }
    }

    fn propose(&self, view: &View<'_>) -> Vec<Intent> {
        let wanted: Vec<Vec<Intent>> = self.markets.iter().map(|market| market.propose(view)).collect();
        if wanted.iter().all(Vec::is_empty) {
            return Vec::new();
        }
        let reducing: Vec<InstrumentId> = self
            .markets
            .iter()
            .zip(&wanted)
            .filter(|(market, intents)| intents.iter().any(reduces) || market.is_reducing(view))
            .map(|(market, _)| market.instrument)
            .collect();
        let waits = |instrument| reducing.iter().any(|reducing| *reducing != instrument);
        let markets = self.markets.iter().zip(wanted);
        let due = markets.flat_map(|(market, intents)| {
            let waits = waits(market.instrument);
            intents.into_iter().filter(move |intent| !waits || !increases(intent))
        });
        due.collect()
    }
}

engine_core::learned!(FollowedMarket {
    settings: [instrument, targets],
    values: [target, is_due, is_priced],
    counts: [next]
});
engine_core::learned!(TargetFollower { settings: [source], values: [under_way, is_asked], parts: [markets] });
