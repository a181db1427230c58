//! A folded state in words: money, positions, orders.

use std::path::Path;

use engine_core::event::Manifest;
use engine_core::instrument::InstrumentId;
use engine_core::state::State;
use replay::replayer::fold::Start;
use serde_json::{Value, json};

use crate::moment::moment_text;
use crate::render::{Numbers, halt_document, halt_words, money};
use crate::terminal::columns;

/// A state as JSON.
#[must_use]
pub fn standing_document(run: &Path, folded: &Start, manifest: &Manifest) -> Value {
    let state = &folded.state;
    let numbers = Numbers::new(&manifest.instruments);
    let positions = state.instrument_ids().map(|id| {
        let position = state.ledger().position(id);
        json!({
            "instrument": numbers.symbol(id),
            "qty": numbers.qty(id, position.qty),
            "cost": money(position.cost),
            "mark": state.mark(id).map(|mark| numbers.price(id, mark)),
            "open_profit": open_profit(state, id),
            "realised": money(position.realised),
            "fees": money(position.fees),
            "turnover": money(position.turnover),
            "fills": position.fills,
        })
    });
    let orders = state.open_orders().map(|open| {
        let mut order = numbers.order(&open.order);
        if let Some(table) = order.as_object_mut() {
            table.insert("status".to_owned(), json!(open.status));
            table.insert("filled".to_owned(), json!(numbers.qty(open.order.instrument, open.filled)));
            table.insert("submitted_at".to_owned(), json!(moment_text(open.submitted_at)));
        }
        order
    });
    json!({
        "run": run.display().to_string(),
        "seq": folded.seq,
        "at": moment_text(state.now()),
        "ticks": state.ticks(),
        "open": state.is_open(),
        "halted": state.halt().as_ref().map(halt_document),
        "capital": money(state.ledger().capital()),
        "cash": money(state.ledger().cash()),
        "equity": money(state.equity()),
        "peak": money(state.extremes().peak),
        "realised": money(state.ledger().realised()),
        "fees": money(state.ledger().fees()),
        "fills": state.ledger().fills(),
        "orders": state.order_count(),
        "positions": positions.collect::<Vec<_>>(),
        "open_orders": orders.collect::<Vec<_>>(),
        "waiting": state.waiting().iter().map(|intent| numbers.intent(intent)).collect::<Vec<_>>(),
        "digest": state.digest().to_string(),
    })
}

fn open_profit(state: &State, id: InstrumentId) -> Option<String> {
    let (rules, mark) = (state.instrument(id)?, state.mark(id)?);
    engine_core::ledger::open_profit(state.ledger().position(id), rules, mark).map(money)
}

/// A state for people.
#[must_use]
pub fn standing_text(folded: &Start, manifest: &Manifest) -> String {
    let state = &folded.state;
    let numbers = Numbers::new(&manifest.instruments);
    let mut text = format!(
        "after event {} and {} market inputs, {}\nequity   {}\ncash     {}\nrealised {}\nfees     {}\n",
        folded.seq,
        state.ticks(),
        moment_text(state.now()),
        money(state.equity()),
        money(state.ledger().cash()),
        money(state.ledger().realised()),
        money(state.ledger().fees()),
    );
    if let Some(reason) = state.halt() {
        text.push_str(&format!("halted   {}\n", halt_words(&reason)));
    }
    let held = state.instrument_ids().filter(|id| !state.ledger().position(*id).qty.is_zero());
    let rows: Vec<Vec<String>> = held
        .map(|id| {
            let mark = state.mark(id).map_or_else(|| "-".to_owned(), |mark| numbers.price(id, mark));
            let profit = open_profit(state, id).unwrap_or_else(|| "-".to_owned());
            vec![numbers.symbol(id), numbers.qty(id, state.ledger().position(id).qty), mark, profit]
        })
        .collect();
    match rows.is_empty() {
        true => text.push_str("no position\n"),
        false => text.push_str(&columns(&["position", "qty", "mark", "open profit"], &rows)),
    }
    for open in state.open_orders() {
        text.push_str(&format!("order {:?}: {}\n", open.status, numbers.order(&open.order)).to_lowercase());
    }
    text.push_str(&format!("digest   {}\n", state.digest()));
    text
}
