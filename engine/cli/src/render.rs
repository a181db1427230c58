//! Events as people and scripts read them: sentences and JSON, decimals of the instrument, moments in UTC.

use std::collections::BTreeMap;

use engine_core::envelope::{Cause, Envelope};
use engine_core::event::{Event, Execution, Input, Output, SessionMark};
use engine_core::instrument::{Instrument, InstrumentId};
use engine_core::market::MarketUpdate;
use engine_core::num::{Decimal, MONEY_DECIMALS, Money, Price, Qty};
use engine_core::order::OrderId;
use serde_json::{Value, json};

use crate::moment::moment_text;

mod fields;
mod sentence;

pub use fields::halt_document;
pub use sentence::halt_words;

/// Writes bytes as hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// An exact amount of the settlement currency.
#[must_use]
pub fn money(amount: Money) -> String {
    Decimal { units: amount.units(), decimals: MONEY_DECIMALS }.to_string()
}

/// Every kind of event, as [`kind_of`] names them.
pub const KINDS: [&str; 27] = [
    "session_opened",
    "session_closed",
    "trade",
    "quote",
    "bar_opened",
    "bar",
    "feed_connected",
    "feed_gap",
    "feed_lost",
    "accepted",
    "rejected",
    "triggered",
    "filled",
    "cancelled",
    "expired",
    "operator_halted",
    "operator_resumed",
    "operator_flattened",
    "deadline",
    "bar_closed",
    "signalled",
    "order_submitted",
    "order_refused",
    "cancel_requested",
    "trading_halted",
    "trading_resumed",
    "checkpoint_taken",
];

/// The kind of an event in one word.
#[must_use]
pub const fn kind_of(event: &Event) -> &'static str {
    use engine_core::event::{FeedCondition, OperatorCommand};
    match event {
        Event::Input(Input::Session(SessionMark::Opened(_))) => "session_opened",
        Event::Input(Input::Session(SessionMark::Closed)) => "session_closed",
        Event::Input(Input::Market(MarketUpdate::Trade(_))) => "trade",
        Event::Input(Input::Market(MarketUpdate::Quote(_))) => "quote",
        Event::Input(Input::Market(MarketUpdate::Open(_))) => "bar_opened",
        Event::Input(Input::Market(MarketUpdate::Bar(_))) => "bar",
        Event::Input(Input::Feed(status)) => match status.condition {
            FeedCondition::Connected => "feed_connected",
            FeedCondition::Gap => "feed_gap",
            FeedCondition::Lost => "feed_lost",
        },
        Event::Input(Input::Execution(report)) => match report.execution {
            Execution::Accepted => "accepted",
            Execution::Rejected(_) => "rejected",
            Execution::Triggered => "triggered",
            Execution::Filled(_) => "filled",
            Execution::Cancelled => "cancelled",
            Execution::Expired => "expired",
        },
        Event::Input(Input::Operator(OperatorCommand::Halt)) => "operator_halted",
        Event::Input(Input::Operator(OperatorCommand::Resume)) => "operator_resumed",
        Event::Input(Input::Operator(OperatorCommand::Flatten)) => "operator_flattened",
        Event::Input(Input::Deadline) => "deadline",
        Event::Output(Output::BarClosed(_)) => "bar_closed",
        Event::Output(Output::Signalled(_)) => "signalled",
        Event::Output(Output::OrderSubmitted(_)) => "order_submitted",
        Event::Output(Output::OrderRefused(_)) => "order_refused",
        Event::Output(Output::CancelRequested(_)) => "cancel_requested",
        Event::Output(Output::TradingHalted(_)) => "trading_halted",
        Event::Output(Output::TradingResumed) => "trading_resumed",
        Event::Output(Output::CheckpointTaken(_)) => "checkpoint_taken",
    }
}

/// Numbers of a run in the decimals of its instruments.
#[derive(Debug, Clone, Copy)]
pub struct Numbers<'a> {
    instruments: &'a [Instrument],
}

impl<'a> Numbers<'a> {
    /// Numbers of a run with these instruments.
    #[must_use]
    pub const fn new(instruments: &'a [Instrument]) -> Self {
        Self { instruments }
    }

    /// The symbol of an instrument; its number when the run has none such.
    #[must_use]
    pub fn symbol(&self, id: InstrumentId) -> String {
        let known = self.instruments.get(id.index());
        known.map_or_else(|| format!("instrument {}", id.index()), |rules| rules.symbol.clone())
    }

    /// A price in its decimals.
    #[must_use]
    pub fn price(&self, id: InstrumentId, price: Price) -> String {
        let decimals = self.instruments.get(id.index()).map_or(0, |rules| rules.price_decimals);
        Decimal { units: i128::from(price.units()), decimals }.to_string()
    }

    /// A quantity in its decimals.
    #[must_use]
    pub fn qty(&self, id: InstrumentId, qty: Qty) -> String {
        let decimals = self.instruments.get(id.index()).map_or(0, |rules| rules.qty_decimals);
        Decimal { units: i128::from(qty.units()), decimals }.to_string()
    }
}

/// Renders the events of one run in order; remembers which working order trades what, so that fills have
/// decimals.
#[derive(Debug)]
pub struct Renderer<'a> {
    numbers: Numbers<'a>,
    orders: BTreeMap<OrderId, (InstrumentId, Qty)>,
}

impl<'a> Renderer<'a> {
    /// A renderer for a run with these instruments.
    #[must_use]
    pub const fn new(instruments: &'a [Instrument]) -> Self {
        Self { numbers: Numbers::new(instruments), orders: BTreeMap::new() }
    }

    /// Learns what orders trade. Must see every event from the first on, each after it was rendered.
    pub fn learn(&mut self, event: &Event) {
        if let Event::Output(Output::OrderSubmitted(submission)) = event {
            let order = &submission.order;
            self.orders.insert(order.id, (order.instrument, order.qty));
        }
        let Event::Input(Input::Execution(report)) = event else { return };
        match report.execution {
            Execution::Filled(fill) => {
                let Some((_, left)) = self.orders.get_mut(&report.order) else { return };
                *left = left.minus(fill.qty).unwrap_or_default();
                if !left.is_positive() {
                    self.orders.remove(&report.order);
                }
            }
            Execution::Cancelled | Execution::Expired | Execution::Rejected(_) => {
                self.orders.remove(&report.order);
            }
            Execution::Accepted | Execution::Triggered => {}
        }
    }

    fn instrument_of(&self, order: OrderId) -> Option<InstrumentId> {
        self.orders.get(&order).map(|(instrument, _)| *instrument)
    }

    /// One line on an event.
    #[must_use]
    pub fn line(&self, envelope: &Envelope) -> String {
        let seq = envelope.seq.number();
        let at = moment_text(envelope.at);
        format!("{seq:>8}  {at}  {:<16}  {}", kind_of(&envelope.event), self.sentence(&envelope.event))
    }

    /// An event as JSON.
    #[must_use]
    pub fn document(&self, envelope: &Envelope) -> Value {
        let cause = match envelope.cause {
            Cause::Event(seq) => json!({ "event": seq.number() }),
            Cause::Tick(tick) => json!({ "dataset": tick.dataset, "record": tick.seq }),
        };
        json!({
            "seq": envelope.seq.number(),
            "at": moment_text(envelope.at),
            "ticks": envelope.ticks,
            "cause": cause,
            "kind": kind_of(&envelope.event),
            "what": self.fields(&envelope.event),
        })
    }
}
