//! Events of a run as JSON with human numbers.

use std::collections::BTreeMap;

use engine_core::envelope::{Cause, Envelope};
use engine_core::event::{Event, Execution, ExecutionReport, Input, Manifest, Output, SessionMark};
use engine_core::fill::Fill;
use engine_core::instrument::{Instrument, InstrumentId};
use engine_core::market::{Bar, MarketUpdate};
use engine_core::num::{Decimal, MONEY_DECIMALS, Money, Price, Qty};
use engine_core::order::OrderId;
use engine_core::time::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::{conduct, outcomes};
use replay_history::quality::rfc3339;

/// Columns of a run as CSV.
pub(super) const CSV_HEADER: &str = "seq,at,ticks,kind,order,instrument,side,price,qty,fee,event";

/// A row of CSV for what [`Teller::tell`] answered.
pub(super) fn csv_row(told: &Value) -> String {
    let event = told.get("event").unwrap_or(&Value::Null);
    let text = |value: Option<&Value>| match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    let mut cells: Vec<String> =
        ["seq", "at", "ticks", "kind"].iter().map(|name| text(told.get(name))).collect();
    cells.extend(
        ["order", "instrument", "side", "price", "qty", "fee"].iter().map(|name| text(event.get(name))),
    );
    cells.push(format!("\"{}\"", event.to_string().replace('"', "\"\"")));
    cells.join(",")
}

/// Turns events into JSON, knowing which order is for which instrument.
#[derive(Debug, Clone, Default)]
pub struct Teller {
    instruments: Vec<Instrument>,
    orders: BTreeMap<OrderId, InstrumentId>,
}

/// The name and decimals of an instrument; raw units where it is not known.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Scale<'teller> {
    pub(super) instrument: Option<&'teller Instrument>,
}

impl Scale<'_> {
    pub(super) fn price(self, price: Price) -> String {
        let decimals = self.instrument.map_or(0, |instrument| instrument.price_decimals);
        Decimal { units: i128::from(price.units()), decimals }.to_string()
    }

    pub(super) fn qty(self, qty: Qty) -> String {
        let decimals = self.instrument.map_or(0, |instrument| instrument.qty_decimals);
        Decimal { units: qty.units(), decimals }.to_string()
    }

    fn name(self) -> Option<String> {
        self.instrument.map(|instrument| format!("{}:{}", instrument.venue, instrument.symbol))
    }
}

pub(super) fn money(money: Money) -> String {
    Decimal { units: money.units(), decimals: MONEY_DECIMALS }.to_string()
}

pub(super) fn moment(at: Timestamp) -> String {
    rfc3339(at)
}

/// The word by which serde knows a value without numbers in it.
pub(super) fn word(value: impl Serialize) -> Value {
    serde_json::to_value(value).unwrap_or(Value::Null)
}

impl Teller {
    /// A teller for a run with these instruments.
    #[must_use]
    pub const fn new(instruments: Vec<Instrument>) -> Self {
        Self { instruments, orders: BTreeMap::new() }
    }

    /// One event as a JSON object; to be asked in the order of the journal, so that reports find their orders.
    pub fn tell(&mut self, envelope: &Envelope) -> Value {
        if let Event::Output(Output::OrderSubmitted(submission)) = &envelope.event {
            self.orders.insert(submission.order.id, submission.order.instrument);
        }
        let (kind, event) = match &envelope.event {
            Event::Input(input) => self.input(input),
            Event::Output(output) => self.output(output),
        };
        let cause = match envelope.cause {
            Cause::Event(seq) => json!({ "seq": seq.number() }),
            Cause::Tick(tick) => json!({ "dataset": tick.dataset, "record": tick.seq }),
        };
        json!({
            "seq": envelope.seq.number(),
            "at": moment(envelope.at),
            "ticks": envelope.ticks,
            "cause": cause,
            "kind": kind,
            "event": event,
        })
    }

    pub(super) fn scale(&self, instrument: InstrumentId) -> Scale<'_> {
        Scale { instrument: self.instruments.get(instrument.index()) }
    }

    fn scale_of(&self, order: OrderId) -> Scale<'_> {
        self.orders.get(&order).map_or(Scale::default(), |instrument| self.scale(*instrument))
    }

    fn input(&self, input: &Input) -> (&'static str, Value) {
        match input {
            Input::Session(SessionMark::Opened(manifest)) => ("opened", manifest_value(manifest)),
            Input::Session(SessionMark::Closed) => ("closed", json!({})),
            Input::Market(update) => self.market(update),
            Input::Feed(status) => {
                let name = self.scale(status.instrument).name();
                ("feed", json!({ "instrument": name, "condition": word(status.condition) }))
            }
            Input::Execution(report) => ("execution", self.report(report)),
            Input::Operator(command) => ("operator", json!({ "command": word(command) })),
            Input::Deadline => ("deadline", json!({})),
            Input::EffectFailed(failed) => {
                ("effect_failed", json!({ "act": word(failed.act), "reason": failed.reason }))
            }
            Input::Inference(setup) => ("inference", conduct::inference(setup)),
            Input::Conductor(decision) => ("conductor", conduct::decision(self, decision)),
        }
    }

    fn market(&self, update: &MarketUpdate) -> (&'static str, Value) {
        let scale = self.scale(update.instrument());
        let name = scale.name();
        match update {
            MarketUpdate::Trade(trade) => (
                "trade",
                json!({
                    "instrument": name, "venue_at": moment(trade.venue_at), "price": scale.price(trade.price),
                    "qty": scale.qty(trade.qty), "aggressor": word(trade.aggressor),
                }),
            ),
            MarketUpdate::Quote(quote) => (
                "quote",
                json!({
                    "instrument": name, "venue_at": moment(quote.venue_at), "bid": scale.price(quote.bid),
                    "bid_qty": scale.qty(quote.bid_qty), "ask": scale.price(quote.ask),
                    "ask_qty": scale.qty(quote.ask_qty),
                }),
            ),
            MarketUpdate::Open(open) => (
                "bar_open",
                json!({ "instrument": name, "open_at": moment(open.open_at), "price": scale.price(open.open) }),
            ),
            MarketUpdate::Bar(bar) => ("bar", self.bar(bar)),
        }
    }

    pub(super) fn bar(&self, bar: &Bar) -> Value {
        let scale = self.scale(bar.instrument);
        json!({
            "instrument": scale.name(), "open_at": moment(bar.open_at), "close_at": moment(bar.close_at),
            "open": scale.price(bar.open), "high": scale.price(bar.high), "low": scale.price(bar.low),
            "close": scale.price(bar.close), "volume": scale.qty(bar.volume), "trades": bar.trades,
        })
    }

    fn report(&self, report: &ExecutionReport) -> Value {
        let scale = self.scale_of(report.order);
        let mut told = json!({
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
        if let Some(told) = told.as_object_mut() {
            told.insert("execution".into(), what.into());
            told.extend(more.as_object().cloned().unwrap_or_default());
        }
        told
    }

    fn output(&self, output: &Output) -> (&'static str, Value) {
        outcomes::output(self, output)
    }

    pub(super) fn instrument_name(&self, instrument: InstrumentId) -> Option<String> {
        self.scale(instrument).name()
    }

    pub(super) fn order_scale(&self, order: OrderId) -> Scale<'_> {
        self.scale_of(order)
    }

    pub(super) fn order_name(&self, order: OrderId) -> Option<String> {
        self.scale_of(order).name()
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
            let digest = blake3::Hash::from(dataset.digest).to_hex().to_string();
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
