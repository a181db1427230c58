//! Events of a run as JSON with human numbers.

use engine_core::envelope::{Cause, Envelope};
use engine_core::event::{Event, Execution, ExecutionReport, Input, Manifest, Output, SessionMark};
use engine_core::fill::Fill;
use engine_core::instrument::Instrument;
use engine_core::order::{Order, OrderId};
use serde_json::{Value, json};

use super::numbers::{hex, moment, money, word};
use super::order_instruments::{OrderInstruments, Scale};
use super::{account, conductor, data_fault, listing, market, outputs};

/// Columns of a run as CSV.
pub(super) const CSV_HEADER: &str = "seq,at,ticks,kind,order,instrument,side,price,qty,fee,event";

/// A row of CSV for what [`EventJson::event`] answered.
pub(super) fn csv_row(document: &Value) -> String {
    let event = document.get("event").unwrap_or(&Value::Null);
    let text = |value: Option<&Value>| match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    let mut cells: Vec<String> =
        ["seq", "at", "ticks", "kind"].iter().map(|name| text(document.get(name))).collect();
    cells.extend(
        ["order", "instrument", "side", "price", "qty", "fee"].iter().map(|name| text(event.get(name))),
    );
    cells.push(format!("\"{}\"", event.to_string().replace('"', "\"\"")));
    cells.join(",")
}

/// Turns events into JSON, knowing which order is for which instrument.
#[derive(Debug, Clone, Default)]
pub struct EventJson {
    orders: OrderInstruments,
}

impl EventJson {
    /// The events of a run with these instruments.
    #[must_use]
    pub const fn new(instruments: Vec<Instrument>) -> Self {
        Self { orders: OrderInstruments::new(instruments) }
    }

    /// Learns which order is for which instrument from an event that is not to be told.
    pub fn learn(&mut self, event: &Event) {
        if let Event::Output(Output::OrderSubmitted(submission)) = event {
            self.learn_order(&submission.order);
        }
    }

    /// Learns what `order` is for.
    pub fn learn_order(&mut self, order: &Order) {
        self.orders.submitted(order.id, order.instrument);
    }

    /// Whether it is known what `order` is for.
    #[must_use]
    pub fn knows(&self, order: OrderId) -> bool {
        self.orders.knows(order)
    }

    /// One event as a JSON object; to be asked in the order of the journal, so that reports find their orders.
    pub fn event(&mut self, envelope: &Envelope) -> Value {
        self.learn(&envelope.event);
        let (kind, event) = match &envelope.event {
            Event::Input(input) => self.input(input),
            Event::Output(output) => outputs::output(&self.orders, output),
        };
        let cause = match envelope.cause {
            Cause::Event(seq) => json!({ "seq": seq.number() }),
            Cause::Record(tick) => json!({ "dataset": tick.dataset, "record": tick.seq }),
        };
        json!({
            "seq": envelope.seq.number(),
            "at": moment(envelope.at),
            "ticks": envelope.records_read,
            "cause": cause,
            "kind": kind,
            "event": event,
        })
    }

    fn input(&self, input: &Input) -> (&'static str, Value) {
        match input {
            Input::Session(SessionMark::Opened(manifest)) => ("opened", manifest_value(manifest)),
            Input::Session(SessionMark::Closed) => ("closed", json!({})),
            Input::Session(SessionMark::Interrupted) => ("interrupted", json!({})),
            Input::Session(SessionMark::Resumed) => ("resumed", json!({})),
            Input::Market(update) => market::update(&self.orders, update),
            Input::Feed(status) => {
                let name = self.orders.scale(status.instrument).name();
                ("feed", json!({ "instrument": name, "condition": word(status.condition) }))
            }
            Input::Execution(report) => ("execution", self.report(report)),
            Input::Operator(command) => ("operator", json!({ "command": word(command) })),
            Input::Deadline => ("deadline", json!({})),
            Input::EffectFailed(failed) => {
                ("effect_failed", json!({ "act": word(failed.act), "reason": failed.reason }))
            }
            Input::Inference(setup) => ("inference", conductor::inference(setup)),
            Input::History(past) => (
                "history",
                json!({ "source": word(past.source), "bar": market::bar(&self.orders, &past.bar) }),
            ),
            Input::Clock(step) => {
                ("clock_step", json!({ "by_ns": step.by.nanos(), "followed_ns": step.followed.nanos() }))
            }
            Input::DataFault(fault) => ("data_fault", data_fault::fault(&self.orders, fault)),
            Input::Listing(change) => ("listing", listing::listing(&self.orders, change)),
            Input::Account(event) => (event.kind(), account::account(&self.orders, event)),
            Input::Conductor(decision) => ("conductor", conductor::decision(&self.orders, decision)),
        }
    }

    fn report(&self, report: &ExecutionReport) -> Value {
        let scale = self.orders.order_scale(report.order);
        let mut document = json!({
            "order": report.order.number(), "instrument": scale.name(), "venue_at": moment(report.venue_at),
        });
        let (what, more) = match report.execution {
            Execution::Accepted => ("accepted", Value::Null),
            Execution::Rejected(reason) => ("rejected", json!({ "reason": word(reason) })),
            Execution::Triggered => ("triggered", Value::Null),
            Execution::Filled(fill) => ("filled", fill_value(scale, fill)),
            Execution::Cancelled => ("cancelled", Value::Null),
            Execution::Expired => ("expired", Value::Null),
            Execution::Amended(qty) => ("amended", json!({ "qty": scale.qty(qty) })),
        };
        if let Some(document) = document.as_object_mut() {
            document.insert("execution".into(), what.into());
            document.extend(more.as_object().cloned().unwrap_or_default());
        }
        document
    }
}

fn fill_value(scale: Scale<'_>, fill: Fill) -> Value {
    json!({
        "trade": fill.trade.number().to_string(), "price": scale.price(fill.price), "qty": scale.qty(fill.qty), "fee": money(fill.fee),
        "liquidity": word(fill.liquidity),
    })
}

fn manifest_value(manifest: &Manifest) -> Value {
    let datasets: Vec<Value> = manifest
        .datasets
        .iter()
        .map(|dataset| {
            let digest = hex(dataset.digest);
            json!({
                "name": dataset.name, "count": dataset.count, "digest": digest, "first": dataset.first,
                "last": dataset.last,
            })
        })
        .collect();
    let instruments: Vec<Value> = manifest
        .instruments
        .iter()
        .map(|instrument| {
            let scale = Scale { instrument: Some(instrument) };
            json!({
                "name": scale.name(), "price_decimals": instrument.price_decimals,
                "qty_decimals": instrument.qty_decimals, "tick": scale.price(instrument.tick),
                "lot": scale.qty(instrument.lot), "notional_min": money(instrument.notional_min),
            })
        })
        .collect();
    json!({
        "engine_version": manifest.engine_version, "mode": manifest.mode, "strategy": manifest.strategy,
        "config": manifest.config_json, "seed": manifest.seed, "capital": money(manifest.capital),
        "synthetic": manifest.synthetic, "datasets": datasets, "instruments": instruments,
    })
}
