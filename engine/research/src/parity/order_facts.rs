//! The orders of a run and what became of each, read from its events.

use std::collections::BTreeMap;

use engine_core::envelope::Envelope;
use engine_core::event::{Event, Execution, ExecutionReport, Input, Output, RefusedIntent};
use engine_core::instrument::{Instrument, InstrumentId};
use engine_core::intent::Intent;
use engine_core::market::Side;
use engine_core::num::{Money, Price, Qty};
use engine_core::order::{OrderId, OrderKind};
use engine_core::refusal::Refusal;
use engine_core::state::State;
use engine_core::time::Timestamp;
use engine_runtime::ports::JournalError;

/// An order and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderFacts {
    /// Its number in its run.
    pub id: OrderId,
    /// What it trades.
    pub instrument: InstrumentId,
    /// To which side.
    pub side: Side,
    /// At what price.
    pub kind: OrderKind,
    /// When it was decided.
    pub decided_at: Timestamp,
    /// The price at which it was decided.
    pub decided_price: Price,
    /// How much was wanted.
    pub qty: Qty,
    /// How much was filled.
    pub filled: Qty,
    /// When it was filled first, by the venue.
    pub filled_at: Option<Timestamp>,
    /// The price of its first fill.
    pub fill_price: Option<Price>,
    /// Fees of all fills, in cash; what was charged in coins is in what the order made of cash and position.
    pub fees: Money,
    /// Whether its venue refused it, or it could not be handed over.
    pub is_rejected: bool,
    /// What its fills came to, positive for a buy, fees apart.
    pub paid: Money,
    /// What it changed the cash of the run by.
    pub cash: Money,
    /// What it changed the position by; less than was bought where a fee was taken in the coin.
    pub held: Qty,
}

/// What a run ordered.
#[derive(Debug, Default)]
pub(super) struct Ordered {
    pub(super) orders: Vec<OrderFacts>,
    /// What its gate refused, and when.
    pub(super) refused: Vec<Refused>,
    pub(super) feed_losses: usize,
}

/// An order that was never made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) at: Timestamp,
    pub(super) instrument: InstrumentId,
    pub(super) side: Side,
    pub(super) reason: Refusal,
}

/// Reads the orders in `events`. A `state` before the first of them is folded along and says what trades made of cash and
/// position; without one they made what their prices and fees say, as those of a simulated venue do.
pub(super) fn orders(
    events: impl Iterator<Item = Result<Envelope, JournalError>>,
    instruments: &[Instrument],
    mut state: Option<&mut State>,
) -> Result<Ordered, JournalError> {
    let mut found: BTreeMap<OrderId, OrderFacts> = BTreeMap::new();
    let mut ordered = Ordered::default();
    for envelope in events {
        let envelope = envelope?;
        let before = state.as_deref().zip(traded(&envelope, &found)).map(books);
        if let Some(state) = state.as_deref_mut() {
            state.apply(envelope.at, &envelope.event);
        }
        let after = state.as_deref().zip(traded(&envelope, &found)).map(books);
        match &envelope.event {
            Event::Output(Output::OrderSubmitted(submission)) => {
                let facts = submitted(envelope.at, &submission.order);
                found.insert(facts.id, facts);
            }
            Event::Output(Output::OrderRefused(refused)) => {
                ordered.refused.extend(refusal(envelope.at, refused));
            }
            Event::Input(Input::Execution(report)) => {
                let Some(facts) = found.get_mut(&report.order) else { continue };
                let made = match before.zip(after) {
                    Some(((cash, held), (cash_after, held_after))) => {
                        cash_after.minus(cash).zip(held_after.minus(held))
                    }
                    None => as_priced(facts, report, instruments),
                };
                reported(facts, report, made, instruments);
            }
            Event::Input(Input::Feed(status)) => {
                ordered.feed_losses += usize::from(!status.condition.is_flowing());
            }
            Event::Input(_) | Event::Output(_) => {}
        }
    }
    ordered.orders = found.into_values().collect();
    Ok(ordered)
}

/// The instrument whose books an event may change, where it reports on an order.
fn traded(envelope: &Envelope, found: &BTreeMap<OrderId, OrderFacts>) -> Option<InstrumentId> {
    let Event::Input(Input::Execution(report)) = &envelope.event else { return None };
    found.get(&report.order).map(|facts| facts.instrument)
}

fn books((state, instrument): (&State, InstrumentId)) -> (Money, Qty) {
    let ledger = state.ledger();
    (ledger.cash(), ledger.position(instrument).qty)
}

/// What a trade makes of cash and position by its price and its fee.
fn as_priced(
    facts: &OrderFacts,
    report: &ExecutionReport,
    instruments: &[Instrument],
) -> Option<(Money, Qty)> {
    let Execution::Filled(fill) = report.execution else { return Some((Money::ZERO, Qty::ZERO)) };
    let held = facts.side.signed(fill.qty);
    let rules = instruments.get(facts.instrument.index())?;
    Some((rules.notional(fill.price, held)?.plus(fill.fee)?.negated()?, held))
}

fn submitted(at: Timestamp, order: &engine_core::order::Order) -> OrderFacts {
    OrderFacts {
        id: order.id,
        instrument: order.instrument,
        side: order.side,
        kind: order.kind,
        decided_at: at,
        decided_price: order.decided_price,
        qty: order.qty,
        filled: Qty::ZERO,
        filled_at: None,
        fill_price: None,
        fees: Money::ZERO,
        is_rejected: false,
        paid: Money::ZERO,
        cash: Money::ZERO,
        held: Qty::ZERO,
    }
}

fn refusal(at: Timestamp, refused: &RefusedIntent) -> Option<Refused> {
    match &refused.intent {
        Intent::Place(intent) => {
            Some(Refused { at, instrument: intent.instrument, side: intent.side, reason: refused.reason })
        }
        Intent::Cancel(_) => None,
    }
}

/// Notes a report with what it `made` of cash and position; one whose amounts do not fit changes nothing here, as it changes
/// nothing in the books.
fn reported(
    facts: &mut OrderFacts,
    report: &ExecutionReport,
    made: Option<(Money, Qty)>,
    instruments: &[Instrument],
) {
    match report.execution {
        Execution::Filled(fill) => {
            let Some((cash, held)) = made else { return };
            let signed = facts.side.signed(fill.qty);
            let paid = instruments
                .get(facts.instrument.index())
                .and_then(|rules| rules.notional(fill.price, signed));
            // A trade that is told again was booked before.
            if cash.is_zero() && held.is_zero() && !signed.is_zero() {
                return;
            }
            let sums = (|| {
                Some((
                    facts.filled.plus(fill.qty)?,
                    facts.fees.plus(fill.fee)?,
                    facts.paid.plus(paid?)?,
                    facts.cash.plus(cash)?,
                    facts.held.plus(held)?,
                ))
            })();
            if let Some(sums) = sums {
                (facts.filled, facts.fees, facts.paid, facts.cash, facts.held) = sums;
                facts.filled_at.get_or_insert(report.venue_at);
                facts.fill_price.get_or_insert(fill.price);
            }
        }
        Execution::Rejected(_) => facts.is_rejected = true,
        Execution::Accepted
        | Execution::Triggered
        | Execution::Cancelled
        | Execution::Expired
        | Execution::Amended(_) => {}
    }
}
