//! A folded state in words: money, positions, orders.

use std::path::Path;

use engine_core::event::{Event, Manifest, Output, Submission};
use engine_core::instrument::InstrumentId;
use engine_core::intent::Rationale;
use engine_core::order::Status;
use engine_core::state::State;
use replay_export::EventJson;
use replay_replayer::fold::Start;
use serde_json::{Value, json};

use crate::output::events::{Numbers, event_document};
use crate::output::table::columns;
use engine_application::amount::money;
use engine_application::moment::moment_text;
use engine_application::wiring::halt::halt_words;

/// A state as JSON.
#[must_use]
pub(super) fn state_document(run: &Path, folded: &Start, manifest: &Manifest) -> Value {
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
    let mut teller = EventJson::new(manifest.instruments.clone());
    let halted =
        state.halt().map(|reason| event_document(&mut teller, Event::Output(Output::TradingHalted(reason))));
    let waiting = state.waiting().map(|intent| {
        event_document(&mut teller, Event::Output(Output::Signalled(Box::new(intent.clone()))))
    });
    let waiting: Vec<Value> = waiting.collect();
    let orders = state.open_orders().map(|open| {
        let submission = Submission { order: open.order.clone(), because: Rationale::default() };
        let mut order =
            event_document(&mut teller, Event::Output(Output::OrderSubmitted(Box::new(submission))));
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
        "ticks": state.records_read(),
        "open": state.is_open(),
        "halted": halted,
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
        "waiting": waiting,
        "digest": state.digest().to_string(),
    })
}

fn open_profit(state: &State, id: InstrumentId) -> Option<String> {
    let (rules, mark) = (state.instrument(id)?, state.mark(id)?);
    engine_core::ledger::open_profit(state.ledger().position(id), rules, mark).map(money)
}

/// A state for people.
#[must_use]
pub(super) fn state_text(folded: &Start, manifest: &Manifest) -> String {
    let state = &folded.state;
    let numbers = Numbers::new(&manifest.instruments);
    let mut text = format!(
        "after event {} and {} market inputs, {}\nequity   {}\ncash     {}\nrealised {}\nfees     {}\n",
        folded.seq,
        state.records_read(),
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
        text.push_str(&format!("{}, {}\n", numbers.order_line(&open.order), status_word(open.status)));
    }
    text.push_str(&format!("digest   {}\n", state.digest()));
    text
}

/// Where an order stands, in a word.
pub(in crate::commands) const fn status_word(status: Status) -> &'static str {
    match status {
        Status::Submitted => "submitted",
        Status::Accepted => "accepted",
        Status::Triggered => "triggered",
        Status::PartiallyFilled => "partly filled",
        Status::CancelPending => "being cancelled",
        Status::Filled => "filled",
        Status::Cancelled => "cancelled",
        Status::Rejected => "rejected",
        Status::Expired => "expired",
    }
}
