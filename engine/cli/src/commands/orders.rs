//! `orders`: the orders of a run that are open by its record, under our names and the venue's, and those of others on its account.

use std::path::PathBuf;

use clap::Args;
use engine_application::moment::moment_text;
use engine_application::wiring::recording::Recording;
use engine_application::wiring::state_at::state_at;
use engine_core::client_id::{ClientId, RunId};
use engine_core::envelope::Seq;
use engine_core::market::Side;
use engine_core::order::OpenOrder;
use engine_core::state::State;
use replay_replayer::fold::Until;
use serde_json::{Value, json};

use super::balances::books_of;
use super::notes::note_run_state;
use super::state::status_word;
use crate::output::events::Numbers;
use crate::output::failure::{Failure, Verdict};
use crate::output::table::columns;
use crate::output::terminal::Terminal;

/// `engine orders`.
#[derive(Debug, Args)]
pub struct OrdersArgs {
    /// The run, one with real orders.
    pub run: PathBuf,
}

/// Runs `engine orders`.
///
/// # Errors
/// [`Failure`] when the run cannot be read, or has no account at a real venue.
pub fn orders(terminal: Terminal, args: &OrdersArgs) -> Result<Verdict, Failure> {
    let recording = Recording::open(&args.run)?;
    let folded = state_at(&recording, Until::End, &[])?;
    let books = books_of(&args.run, &folded.state)?;
    note_run_state(terminal, &recording.reader);
    let numbers = Numbers::new(&recording.manifest.instruments);
    let run = run_id(&recording);
    let orders: Vec<Value> =
        folded.state.open_orders().map(|open| document_of(&folded.state, &numbers, run, open)).collect();
    let foreign: Vec<Value> = books
        .foreign_orders()
        .map(|(market, order)| {
            json!({
                "venue_name": order.name,
                "instrument": numbers.symbol(market),
                "side": side_word(order.side),
                "price": order.price.map(|price| numbers.price(market, price)),
                "left": numbers.qty(market, order.left),
            })
        })
        .collect();
    let text = format!("{}{}", text_of(&orders), foreign_text(&foreign));
    let document = json!({
        "run": args.run.display().to_string(),
        "at": moment_text(folded.state.now()),
        "orders": orders,
        "foreign_orders": foreign,
    });
    terminal.answer(&document, &text)?;
    Ok(Verdict::Fine)
}

/// The number of the run in its client ids; nothing where its first event is not kept any more.
fn run_id(recording: &Recording) -> Option<RunId> {
    let first = recording.reader.envelopes(Seq::FIRST).ok()?.next()?.ok()?;
    Some(RunId::of(&recording.manifest, first.at))
}

fn document_of(state: &State, numbers: &Numbers<'_>, run: Option<RunId>, open: &OpenOrder) -> Value {
    let OpenOrder { order, status, filled, submitted_at, .. } = open;
    let placed = state.account().and_then(|books| books.placed(order.id));
    let client_id = run.zip(placed).and_then(|(run, placed)| ClientId::new(run, placed.epoch, order.id));
    json!({
        "order": order.id.number(),
        "client_id": client_id.map(|id| id.to_string()),
        "venue_name": placed.and_then(|placed| placed.name.clone()),
        "instrument": numbers.symbol(order.instrument),
        "side": side_word(order.side),
        "qty": numbers.qty(order.instrument, order.qty),
        "filled": numbers.qty(order.instrument, *filled),
        "status": status_word(*status),
        "unanswered": state.is_unanswered(order.id),
        "submitted_at": moment_text(*submitted_at),
        "sent_at": placed.and_then(|placed| placed.sent_at).map(moment_text),
    })
}

const fn side_word(side: Side) -> &'static str {
    match side {
        Side::Buy => "buy",
        Side::Sell => "sell",
    }
}

/// Orders on the account that are not of the run, where there are some.
fn foreign_text(orders: &[Value]) -> String {
    if orders.is_empty() {
        return String::new();
    }
    let cell = |value: &Value| value.as_str().unwrap_or("at the market").to_owned();
    let row = |order: &Value| {
        ["instrument", "side", "left", "price", "venue_name"].map(|key| cell(&order[key])).to_vec()
    };
    let rows: Vec<Vec<String>> = orders.iter().map(row).collect();
    let table = columns(&["instrument", "side", "left", "price", "at its venue"], &rows);
    format!("\nnot of this run, and held back from what it may spend or sell:\n{table}")
}

fn text_of(orders: &[Value]) -> String {
    if orders.is_empty() {
        return "no open orders\n".to_owned();
    }
    let cell = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let rows: Vec<Vec<String>> = orders
        .iter()
        .map(|order| {
            let status = match order["unanswered"].as_bool() {
                Some(true) => format!("{}, not answered", cell(&order["status"])),
                Some(false) | None => cell(&order["status"]),
            };
            let known = |key: &str| if order[key].is_null() { "?".to_owned() } else { cell(&order[key]) };
            vec![
                cell(&order["order"]),
                cell(&order["instrument"]),
                cell(&order["side"]),
                cell(&order["qty"]),
                cell(&order["filled"]),
                status,
                known("client_id"),
                known("venue_name"),
            ]
        })
        .collect();
    columns(&["order", "instrument", "side", "qty", "filled", "status", "client id", "at its venue"], &rows)
}
