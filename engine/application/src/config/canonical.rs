//! The resolved settings as canonical JSON: every key explicit, in one order, without paths or page sizes.
//!
//! A run keeps it in its manifest. [`super::RunSettings::read`] reads it back.

use engine_core::mark::MarkRule;
use engine_core::num::Decimal;
use serde_json::{Map, Value, json};
use strategies::settings::ratio_text;

use super::choices::{
    ACCOUNTS, DEPTHS, ENDS, FILLS, HALT_ACTIONS, LIMIT_FILLS, LIMITS_AT_OPEN, MARKS, name_of,
};
use super::conductor::{conductor_value, regime_value};
use super::live::{MODES, RunMode};
use super::{BarsSection, RunSettings};
use crate::amount::money;
use crate::moment::moment_text;

/// `settings` as canonical JSON. Settings that were resolved name their series and fill model.
#[must_use]
pub fn canonical(settings: &RunSettings) -> String {
    let sections = [
        ("run", run(settings)),
        ("data", data(settings)),
        ("instrument", instruments(settings)),
        ("bars", settings.bars.as_ref().map_or(Value::Null, bars)),
        ("costs", costs(settings)),
        ("latency", latency(settings)),
        ("venue", venue(settings)),
        ("risk", risk(settings)),
        ("regime", settings.regime.map_or(Value::Null, regime_value)),
        ("conductor", settings.conductor.as_ref().map_or(Value::Null, conductor_value)),
        ("strategy", serde_json::to_value(&settings.policy).unwrap_or(Value::Null)),
        ("journal", json!({ "self_contained": settings.journal.self_contained })),
        ("live", live(settings)),
    ];
    let sections = sections.into_iter().filter(|(_, section)| !section.is_null());
    let table: Map<String, Value> = sections.map(|(name, value)| (name.to_owned(), pruned(value))).collect();
    Value::Object(table).to_string()
}

/// A table without the keys that hold nothing.
fn pruned(value: Value) -> Value {
    match value {
        Value::Object(table) => table.into_iter().filter(|(_, value)| !value.is_null()).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => value,
    }
}

fn decimal(number: Option<Decimal>) -> Value {
    number.map_or(Value::Null, |number| Value::from(number.to_string()))
}

fn run(settings: &RunSettings) -> Value {
    let run = &settings.run;
    json!({
        "mode": name_of(&MODES, &run.mode.unwrap_or_default()),
        "seed": run.seed,
        "capital": money(run.capital),
        "currency": run.currency,
        "fill": run.fill.map_or(Value::Null, |fill| name_of(&FILLS, &fill)),
        // Said only where it is not the usual one: manifests from before are as they were.
        "mark": if run.mark == MarkRule::Newest { Value::Null } else { name_of(&MARKS, &run.mark) },
        "end": name_of(&ENDS, &run.end),
        "max_wait": run.wait_bars_max,
        "from": run.from.map(moment_text),
        "to": run.to.map(moment_text),
    })
}

fn data(settings: &RunSettings) -> Value {
    let items = settings.data.iter().map(|data| {
        let kind = data.kind.map(|kind| kind.word());
        let interval = data.interval.map(|interval| interval.to_string());
        pruned(json!({ "venue": data.venue, "symbol": data.symbol, "kind": kind, "interval": interval }))
    });
    items.collect()
}

fn instruments(settings: &RunSettings) -> Value {
    let tables = settings.instruments.iter().map(|(symbol, section)| {
        let table = json!({
            "tick": decimal(section.tick),
            "lot": decimal(section.lot),
            "min_notional": decimal(section.notional_min),
        });
        (symbol.clone(), pruned(table))
    });
    Value::Object(tables.collect())
}

fn bars(bars: &BarsSection) -> Value {
    match bars {
        BarsSection::Time(span) => json!({ "rule": "time", "interval": span.to_string() }),
        BarsSection::Ticks(count) => json!({ "rule": "ticks", "count": count }),
        BarsSection::Volume(volume) => json!({ "rule": "volume", "volume": volume.to_string() }),
    }
}

fn costs(settings: &RunSettings) -> Value {
    let costs = &settings.costs;
    let mut table = json!({
        "maker_fee": ratio_text(costs.maker_fee),
        "taker_fee": ratio_text(costs.taker_fee),
        "slippage": ratio_text(costs.slippage),
        "spread": ratio_text(costs.spread),
    });
    if let (Some(impact), Value::Object(table)) = (&settings.impact, &mut table) {
        table.insert("impact".to_owned(), Value::Object(impact.table().clone()));
    }
    table
}

fn latency(settings: &RunSettings) -> Value {
    let latency = &settings.latency;
    json!({
        "feed": latency.feed.to_string(),
        "entry": latency.entry.to_string(),
        "response": latency.response.to_string(),
    })
}

fn venue(settings: &RunSettings) -> Value {
    json!({
        "limit_fill": name_of(&LIMIT_FILLS, &settings.venue.limit_fill),
        "limit_at_open": name_of(&LIMITS_AT_OPEN, &settings.venue.limit_at_open),
        "depth": name_of(&DEPTHS, &settings.venue.depth),
    })
}

/// Of what a run on real time depends on, only what its operator has accepted about real orders.
fn live(settings: &RunSettings) -> Value {
    match settings.run.mode == Some(RunMode::Live) && settings.live.accepts_no_kill_switch {
        true => json!({ "accepts_no_kill_switch": true }),
        false => Value::Null,
    }
}

fn risk(settings: &RunSettings) -> Value {
    let risk = &settings.risk;
    json!({
        "account": name_of(&ACCOUNTS, &risk.account),
        "leverage_max": ratio_text(risk.leverage_max),
        "order_qty_max": decimal(risk.order_qty_max),
        "order_notional_max": risk.order_notional_max.map(money),
        "position_notional_max": risk.position_notional_max.map(money),
        "price_collar": ratio_text(risk.price_collar),
        "open_orders_max": risk.open_orders_max,
        "orders_per_minute_max": risk.orders_per_minute_max,
        "drawdown_max": ratio_text(risk.drawdown_max),
        "halt_action": name_of(&HALT_ACTIONS, &risk.halt_action),
    })
}
