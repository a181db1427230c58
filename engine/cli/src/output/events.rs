//! Events as people and scripts read them: sentences and JSON, decimals of the instrument, moments in UTC.

use std::collections::BTreeMap;

use engine_core::envelope::{Cause, Envelope, Seq};
use engine_core::event::{Event, Execution, Input, Manifest, Output, SessionMark};
use engine_core::instrument::{Instrument, InstrumentId};
use engine_core::market::MarketUpdate;
use engine_core::num::Qty;
use engine_core::order::{OpenOrder, OrderId};
use engine_core::time::Timestamp;
use replay_export::EventJson;
use serde_json::Value;

use super::escape::one_line;
use engine_application::moment::moment_text;

mod account;
mod conductor;
mod data_fault;
mod listing;
mod numbers;
mod sentence;

pub use conductor::inference_line;
pub use numbers::Numbers;

/// Every kind of event, as [`kind_of`] names them; `execution` stands for all that venues report.
pub const KINDS: [&str; 58] = [
    "opened",
    "closed",
    "interrupted",
    "resumed",
    "history",
    "clock_step",
    "data_fault",
    "listing",
    "trade",
    "quote",
    "bar_open",
    "bar",
    "signal_bar",
    "feed",
    "execution",
    "accepted",
    "rejected",
    "triggered",
    "filled",
    "cancelled",
    "expired",
    "operator",
    "deadline",
    "bar_closed",
    "signalled",
    "order_submitted",
    "order_refused",
    "cancel_requested",
    "trading_halted",
    "trading_resumed",
    "flat_wanted",
    "effect_failed",
    "amended",
    "amend_requested",
    "checkpoint_taken",
    "inference",
    "conductor",
    "regime_changed",
    "gap_found",
    "conductor_consulted",
    "conductor_missed",
    "account_begun",
    "account_stated",
    "fee_charged",
    "asset_moved",
    "foreign_trade",
    "account_accepted",
    "order_sent",
    "order_unanswered",
    "order_named",
    "order_never_placed",
    "order_explained",
    "venue_paused",
    "foreign_orders",
    "account_differs",
    "account_agrees",
    "order_resolved",
    "postponed",
];

/// The kind of an event in one word.
#[must_use]
pub const fn kind_of(event: &Event) -> &'static str {
    match event {
        Event::Input(Input::Session(SessionMark::Opened(_))) => "opened",
        Event::Input(Input::Session(SessionMark::Closed)) => "closed",
        Event::Input(Input::Session(SessionMark::Interrupted)) => "interrupted",
        Event::Input(Input::Session(SessionMark::Resumed)) => "resumed",
        Event::Input(Input::Market(MarketUpdate::Trade(_))) => "trade",
        Event::Input(Input::Market(MarketUpdate::Quote(_))) => "quote",
        Event::Input(Input::Market(MarketUpdate::Open(_))) => "bar_open",
        Event::Input(Input::Market(MarketUpdate::Bar(_))) => "bar",
        Event::Input(Input::Market(MarketUpdate::SignalBar(_))) => "signal_bar",
        Event::Input(Input::Feed(_)) => "feed",
        Event::Input(Input::Execution(report)) => match report.execution {
            Execution::Accepted => "accepted",
            Execution::Rejected(_) => "rejected",
            Execution::Triggered => "triggered",
            Execution::Filled(_) => "filled",
            Execution::Cancelled => "cancelled",
            Execution::Expired => "expired",
            Execution::Amended(_) => "amended",
        },
        Event::Input(Input::Operator(_)) => "operator",
        Event::Input(Input::Deadline) => "deadline",
        Event::Input(Input::EffectFailed(_)) => "effect_failed",
        Event::Output(Output::BarClosed(_)) => "bar_closed",
        Event::Output(Output::Signalled(_)) => "signalled",
        Event::Output(Output::OrderSubmitted(_)) => "order_submitted",
        Event::Output(Output::OrderRefused(_)) => "order_refused",
        Event::Output(Output::CancelRequested(_)) => "cancel_requested",
        Event::Output(Output::AmendRequested(_)) => "amend_requested",
        Event::Output(Output::TradingHalted(_)) => "trading_halted",
        Event::Output(Output::FlatWanted(_)) => "flat_wanted",
        Event::Output(Output::TradingResumed) => "trading_resumed",
        Event::Output(Output::CheckpointTaken(_)) => "checkpoint_taken",
        Event::Input(Input::Inference(_)) => "inference",
        Event::Input(Input::Conductor(_)) => "conductor",
        Event::Input(Input::History(_)) => "history",
        Event::Input(Input::Clock(_)) => "clock_step",
        Event::Input(Input::DataFault(_)) => "data_fault",
        Event::Input(Input::Listing(_)) => "listing",
        Event::Input(Input::Account(event)) => event.kind(),
        Event::Output(Output::RegimeChanged(_)) => "regime_changed",
        Event::Output(Output::GapFound(_)) => "gap_found",
        Event::Output(Output::ConductorConsulted(_)) => "conductor_consulted",
        Event::Output(Output::ConductorMissed(_)) => "conductor_missed",
        Event::Output(Output::AccountDiffers(_)) => "account_differs",
        Event::Output(Output::AccountAgrees) => "account_agrees",
        Event::Output(Output::OrderResolved(_)) => "order_resolved",
        Event::Output(Output::Postponed(_)) => "postponed",
    }
}

/// Whether an event is of `kind`.
#[must_use]
pub fn is_of_kind(event: &Event, kind: &str) -> bool {
    kind == kind_of(event) || (kind == "execution" && matches!(event, Event::Input(Input::Execution(_))))
}

/// The order that an event speaks of without saying what it is for.
#[must_use]
pub const fn order_spoken_of(event: &Event) -> Option<OrderId> {
    match event {
        Event::Input(Input::Execution(report)) => Some(report.order),
        Event::Output(Output::CancelRequested(request)) => Some(request.order),
        Event::Output(Output::AmendRequested(request)) => Some(request.order),
        Event::Input(Input::Account(event)) => event.order(),
        Event::Output(Output::OrderResolved(resolution)) => Some(resolution.order),
        Event::Input(
            Input::Session(_)
            | Input::Market(_)
            | Input::Feed(_)
            | Input::Operator(_)
            | Input::Deadline
            | Input::EffectFailed(_)
            | Input::Inference(_)
            | Input::Clock(_)
            | Input::DataFault(_)
            | Input::Listing(_)
            | Input::History(_)
            | Input::Conductor(_),
        )
        | Event::Output(
            Output::BarClosed(_)
            | Output::Signalled(_)
            | Output::Postponed(_)
            | Output::OrderSubmitted(_)
            | Output::OrderRefused(_)
            | Output::TradingHalted(_)
            | Output::FlatWanted(_)
            | Output::TradingResumed
            | Output::CheckpointTaken(_)
            | Output::RegimeChanged(_)
            | Output::GapFound(_)
            | Output::ConductorConsulted(_)
            | Output::AccountDiffers(_)
            | Output::AccountAgrees
            | Output::ConductorMissed(_),
        ) => None,
    }
}

/// What an event says, as JSON, outside its place in a journal.
#[must_use]
pub fn event_document(teller: &mut EventJson, event: Event) -> Value {
    let nowhere = Envelope {
        seq: Seq::default(),
        at: Timestamp::default(),
        records_read: 0,
        cause: Cause::Event(Seq::default()),
        event,
    };
    teller.event(&nowhere).get("event").cloned().unwrap_or_default()
}

/// A manifest as JSON, amounts and digests as text.
#[must_use]
pub fn manifest_document(manifest: &Manifest) -> Value {
    let opened = SessionMark::Opened(Box::new(manifest.clone()));
    event_document(&mut EventJson::new(manifest.instruments.clone()), Event::Input(Input::Session(opened)))
}

/// Renders the events of one run in order; remembers which working order trades what, so that fills have
/// decimals.
#[derive(Debug)]
pub struct Renderer<'a> {
    numbers: Numbers<'a>,
    orders: BTreeMap<OrderId, KnownOrder>,
}

/// What is known of an order whose reports are still to come.
#[derive(Debug, Clone, Copy)]
struct KnownOrder {
    instrument: InstrumentId,
    whole: Qty,
    filled: Qty,
}

impl<'a> Renderer<'a> {
    /// A renderer for a run with these instruments.
    #[must_use]
    pub const fn new(instruments: &'a [Instrument]) -> Self {
        Self { numbers: Numbers::new(instruments), orders: BTreeMap::new() }
    }

    /// Learns what orders trade. Must see every event from where it begins, each after it was rendered.
    pub fn learn(&mut self, event: &Event) {
        if let Event::Output(Output::OrderSubmitted(submission)) = event {
            let order = &submission.order;
            let known = KnownOrder { instrument: order.instrument, whole: order.qty, filled: Qty::ZERO };
            self.orders.insert(order.id, known);
        }
        let Event::Input(Input::Execution(report)) = event else { return };
        match report.execution {
            Execution::Filled(fill) => {
                let Some(known) = self.orders.get_mut(&report.order) else { return };
                known.filled = known.filled.plus(fill.qty).unwrap_or(known.whole);
                if known.filled >= known.whole {
                    self.orders.remove(&report.order);
                }
            }
            Execution::Cancelled | Execution::Expired | Execution::Rejected(_) => {
                self.orders.remove(&report.order);
            }
            Execution::Amended(qty) => {
                if let Some(known) = self.orders.get_mut(&report.order) {
                    known.whole = qty;
                }
            }
            Execution::Accepted | Execution::Triggered => {}
        }
    }

    /// Learns of an order that works already, for a renderer that begins behind its submission.
    pub fn learn_working(&mut self, open: &OpenOrder) {
        let order = &open.order;
        let known = KnownOrder { instrument: order.instrument, whole: order.qty, filled: open.filled };
        self.orders.insert(order.id, known);
    }

    /// Whether the instrument of `order` is known.
    #[must_use]
    pub fn knows(&self, order: OrderId) -> bool {
        self.orders.contains_key(&order)
    }

    fn instrument_of(&self, order: OrderId) -> Option<InstrumentId> {
        self.orders.get(&order).map(|known| known.instrument)
    }

    /// One line on an event.
    #[must_use]
    pub fn line(&self, envelope: &Envelope) -> String {
        let seq = envelope.seq.number();
        let at = moment_text(envelope.at);
        let sentence = self.sentence(&envelope.event);
        format!("{seq:>8}  {at}  {:<16}  {}", kind_of(&envelope.event), one_line(&sentence))
    }
}
