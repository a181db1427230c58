//! Fills and orders of a run as rows, read from its events alone.

use std::collections::BTreeMap;

use engine_core::envelope::Envelope;
use engine_core::event::{
    Event, Execution, ExecutionReport, FailedAct, Input, Output, RefusedIntent, Submission,
};
use engine_core::fill::Fill;
use engine_core::instrument::Instrument;
use engine_core::intent::{Intent, OrderIntent, Size};
use engine_core::num::{Money, Price, Qty, Ratio};
use engine_core::order::{OrderId, OrderKind, TimeInForce};
use engine_core::time::Timestamp;
use serde::Serialize;

use super::Cell;
use crate::numbers::word;
use crate::order_instruments::Scale;
use crate::outputs::refusal;

/// An order that has not ended.
#[derive(Debug, Clone)]
struct LiveOrder {
    submission: Box<Submission>,
    submitted_at: Timestamp,
    accepted_at: Option<Timestamp>,
    filled: Qty,
    notional: Option<Money>,
    fees: Option<Money>,
}

impl LiveOrder {
    /// Books a fill; answers whether it could be one, as the ledger asks it.
    fn book(&mut self, rules: &Instrument, fill: &Fill) -> bool {
        let sum = self.filled.plus(fill.qty).filter(|sum| *sum <= self.submission.order.qty);
        let Some(sum) = sum.filter(|_| fill.qty.is_positive() && fill.price.is_positive()) else {
            return false;
        };
        self.filled = sum;
        let traded = rules.notional(fill.price, fill.qty);
        self.notional = self.notional.zip(traded).and_then(|(before, more)| before.plus(more));
        self.fees = self.fees.and_then(|before| before.plus(fill.fee));
        true
    }
}

/// The orders of a run that have not ended, in the order of their numbers: memory grows with these only.
#[derive(Debug, Clone)]
struct LiveOrders {
    instruments: Vec<Instrument>,
    live: BTreeMap<OrderId, LiveOrder>,
}

impl LiveOrders {
    fn submitted(&mut self, at: Timestamp, submission: &Submission) {
        let order = LiveOrder {
            submission: Box::new(submission.clone()),
            submitted_at: at,
            accepted_at: None,
            filled: Qty::ZERO,
            notional: Some(Money::ZERO),
            fees: Some(Money::ZERO),
        };
        self.live.insert(submission.order.id, order);
    }

    fn rules(&self, order: &LiveOrder) -> Option<&Instrument> {
        self.instruments.get(order.submission.order.instrument.index())
    }

    /// Books a fill on its order; answers the instrument and the order, and whether the order is filled.
    fn filled(&mut self, id: OrderId, fill: &Fill) -> Option<(&Instrument, &LiveOrder, bool)> {
        let order = self.live.get_mut(&id)?;
        let rules = self.instruments.get(order.submission.order.instrument.index())?;
        let booked = order.book(rules, fill);
        booked.then_some((rules, &*order, order.filled >= order.submission.order.qty))
    }

    fn amended(&mut self, id: OrderId, qty: Qty) {
        if let Some(order) = self.live.get_mut(&id) {
            order.submission.order.qty = qty;
        }
    }
}

/// The booked fills of a run; a report that cannot be of its order is in the raw events only.
#[derive(Debug, Clone)]
pub struct FillRows {
    orders: LiveOrders,
}

impl FillRows {
    /// The fills of a run with `instruments`.
    #[must_use]
    pub const fn new(instruments: Vec<Instrument>) -> Self {
        Self { orders: LiveOrders { instruments, live: BTreeMap::new() } }
    }

    /// The row of an event that is a booked fill; to be asked in the order of the journal.
    pub fn event(&mut self, envelope: &Envelope) -> Option<Vec<Cell>> {
        match &envelope.event {
            Event::Output(Output::OrderSubmitted(submission)) => {
                self.orders.submitted(envelope.at, submission);
                None
            }
            Event::Input(Input::Execution(report)) => self.report(envelope, report),
            Event::Input(_) | Event::Output(_) => None,
        }
    }

    fn report(&mut self, envelope: &Envelope, report: &ExecutionReport) -> Option<Vec<Cell>> {
        match report.execution {
            Execution::Filled(fill) => {
                let (rules, order, ended) = self.orders.filled(report.order, &fill)?;
                let row = fill_row(envelope, report, &fill, (rules, &order.submission));
                if ended {
                    self.orders.live.remove(&report.order);
                }
                Some(row)
            }
            Execution::Rejected(_) | Execution::Cancelled | Execution::Expired => {
                self.orders.live.remove(&report.order);
                None
            }
            Execution::Amended(qty) => {
                self.orders.amended(report.order, qty);
                None
            }
            Execution::Accepted | Execution::Triggered => None,
        }
    }
}

fn fill_row(
    envelope: &Envelope,
    report: &ExecutionReport,
    fill: &Fill,
    (rules, submission): (&Instrument, &Submission),
) -> Vec<Cell> {
    vec![
        Cell::Moment(envelope.at),
        Cell::Moment(report.venue_at),
        Cell::Count(envelope.seq.number()),
        Cell::Count(report.order.number()),
        Cell::Text(fill.trade.number().to_string()),
        Cell::instrument(rules),
        name(submission.order.side),
        Cell::qty(rules, fill.qty),
        Cell::price(rules, fill.price),
        rules.notional(fill.price, fill.qty).map_or(Cell::Absent, Cell::money),
        Cell::money(fill.fee),
        name(fill.liquidity),
        Cell::price(rules, submission.order.decided_price),
        Cell::text(&submission.because.reason),
    ]
}

/// The orders of a run, each once it has ended, and what the gate refused.
#[derive(Debug, Clone)]
pub struct OrderRows {
    orders: LiveOrders,
}

/// How and when an order ended.
struct Ended {
    at: Option<Timestamp>,
    status: &'static str,
    detail: Cell,
}

impl OrderRows {
    /// The orders of a run with `instruments`.
    #[must_use]
    pub const fn new(instruments: Vec<Instrument>) -> Self {
        Self { orders: LiveOrders { instruments, live: BTreeMap::new() } }
    }

    /// The row of the order that an event ended or of the intent it refused; to be asked in the order of the journal.
    pub fn event(&mut self, envelope: &Envelope) -> Option<Vec<Cell>> {
        let at = envelope.at;
        match &envelope.event {
            Event::Output(Output::OrderSubmitted(submission)) => {
                self.orders.submitted(at, submission);
                None
            }
            Event::Output(Output::OrderRefused(refused)) => self.refused(at, refused),
            Event::Input(Input::Execution(report)) => self.report(at, report),
            Event::Input(Input::EffectFailed(failed)) => match failed.act {
                FailedAct::Place(order) => self.ended(order, at, "not_sent", Cell::text(&failed.reason)),
                FailedAct::Cancel(_) | FailedAct::Amend(_) | FailedAct::Consult(_) => None,
            },
            Event::Input(_) | Event::Output(_) => None,
        }
    }

    /// The orders that had not ended when the record did.
    #[must_use]
    pub fn still_open(self) -> Vec<Vec<Cell>> {
        let row = |order: &LiveOrder| {
            let open = Ended { at: None, status: "open", detail: Cell::Absent };
            Some(order_row(self.orders.rules(order)?, order, open))
        };
        self.orders.live.values().filter_map(row).collect()
    }

    fn report(&mut self, at: Timestamp, report: &ExecutionReport) -> Option<Vec<Cell>> {
        let order = report.order;
        match report.execution {
            Execution::Accepted => {
                self.orders.live.get_mut(&order)?.accepted_at = Some(at);
                None
            }
            Execution::Triggered => None,
            Execution::Filled(fill) => {
                let (_, _, ended) = self.orders.filled(order, &fill)?;
                if ended { self.ended(order, at, "filled", Cell::Absent) } else { None }
            }
            Execution::Rejected(reason) => self.ended(order, at, "rejected", name(reason)),
            Execution::Cancelled => self.ended(order, at, "cancelled", Cell::Absent),
            Execution::Expired => self.ended(order, at, "expired", Cell::Absent),
            Execution::Amended(qty) => {
                self.orders.amended(order, qty);
                None
            }
        }
    }

    fn ended(&mut self, id: OrderId, at: Timestamp, status: &'static str, detail: Cell) -> Option<Vec<Cell>> {
        let order = self.orders.live.remove(&id)?;
        Some(order_row(self.orders.rules(&order)?, &order, Ended { at: Some(at), status, detail }))
    }

    /// An intent that the gate refused never became an order; a refused cancel is of an order that has its own row.
    fn refused(&self, at: Timestamp, refused: &RefusedIntent) -> Option<Vec<Cell>> {
        let Intent::Place(intent) = &refused.intent else { return None };
        let rules = self.orders.instruments.get(intent.instrument.index())?;
        let why = refusal(Scale { instrument: Some(rules) }, refused.reason);
        Some(refused_row(rules, intent, at, &why))
    }
}

/// The word by which serde knows a value without numbers in it.
fn name(value: impl Serialize) -> Cell {
    word(value).as_str().map_or(Cell::Absent, Cell::text)
}

/// Type, limit, trigger and distance of an order.
fn kind_cells(rules: &Instrument, kind: OrderKind) -> [Cell; 4] {
    let price = |price: Price| Cell::price(rules, price);
    let cells = |kind: &str, limit: Cell, trigger: Cell, distance: Option<Ratio>| {
        [Cell::text(kind), limit, trigger, distance.map_or(Cell::Absent, Cell::ratio)]
    };
    match kind {
        OrderKind::Market => cells("market", Cell::Absent, Cell::Absent, None),
        OrderKind::Limit(limit) => cells("limit", price(limit), Cell::Absent, None),
        OrderKind::StopMarket(trigger) => cells("stop_market", Cell::Absent, price(trigger), None),
        OrderKind::StopLimit(stop) => cells("stop_limit", price(stop.limit), price(stop.trigger), None),
        OrderKind::TrailingStop(distance) => {
            cells("trailing_stop", Cell::Absent, Cell::Absent, Some(distance))
        }
    }
}

fn tif_cells(tif: TimeInForce) -> [Cell; 2] {
    match tif {
        TimeInForce::Gtc | TimeInForce::Ioc | TimeInForce::Fok => [name(tif), Cell::Absent],
        TimeInForce::Gtd(until) => [Cell::text("gtd"), Cell::Moment(until)],
    }
}

fn order_row(rules: &Instrument, live: &LiveOrder, ended: Ended) -> Vec<Cell> {
    let order = &live.submission.order;
    let number = |id: OrderId| Cell::Count(id.number());
    let mut row = vec![number(order.id), order.parent.map_or(Cell::Absent, number), Cell::instrument(rules)];
    row.push(name(order.side));
    let [kind, limit, trigger, distance] = kind_cells(rules, order.kind);
    row.extend([kind, Cell::qty(rules, order.qty), limit, trigger, distance]);
    row.extend(tif_cells(order.tif));
    row.extend([
        name(order.posting),
        name(order.reach),
        Cell::price(rules, order.decided_price),
        Cell::Moment(live.submitted_at),
        live.accepted_at.into(),
        ended.at.into(),
        Cell::text(ended.status),
        Cell::qty(rules, live.filled),
        live.notional.map_or(Cell::Absent, Cell::money),
        live.fees.map_or(Cell::Absent, Cell::money),
        Cell::text(&live.submission.because.reason),
        ended.detail,
    ]);
    row
}

fn refused_row(
    rules: &Instrument,
    intent: &OrderIntent,
    at: Timestamp,
    why: &serde_json::Value,
) -> Vec<Cell> {
    let qty = match intent.size {
        Size::Units(qty) => Cell::qty(rules, qty),
        Size::Notional(_) | Size::FreeShare(_) | Size::EquityShare(_) | Size::Position => Cell::Absent,
    };
    let text = |key: &str| why.get(key).and_then(serde_json::Value::as_str);
    let mut detail = text("reason").unwrap_or_default().to_owned();
    if let (Some(limit), Some(observed)) = (text("limit"), text("observed")) {
        detail.push_str(&format!(": limit {limit}, observed {observed}"));
    }
    let mut row = vec![Cell::Absent, Cell::Absent, Cell::instrument(rules), name(intent.side)];
    let [kind, limit, trigger, distance] = kind_cells(rules, intent.kind);
    row.extend([kind, qty, limit, trigger, distance]);
    row.extend(tif_cells(intent.tif));
    row.extend([name(intent.posting), name(intent.reach), Cell::Absent]);
    row.extend([Cell::Moment(at), Cell::Absent, Cell::Moment(at), Cell::text("refused")]);
    row.extend([Cell::qty(rules, Qty::ZERO), Cell::money(Money::ZERO), Cell::money(Money::ZERO)]);
    row.extend([Cell::text(&intent.because.reason), Cell::Text(detail)]);
    row
}
