//! Coinbase's channel `user`: the account's orders, cumulative.

use serde_json::{Map, Value};

use super::{token, written};
use crate::exchange::Exchange;
use crate::login::{Channel, Private};
use crate::trading::credential::Permission;
use crate::trading::order::Order;

/// Orders in one of the first messages; they are complete with one that has fewer.
const BATCH: usize = 50;

/// Subscribes a connection to the channel, or ends that; whether its token was right.
pub(super) fn change(exchange: &mut Exchange, id: u64, fields: &Map<String, Value>) -> bool {
    let token = fields.get("jwt").and_then(Value::as_str).unwrap_or_default();
    let Some(key) = token::key(exchange, token, None, Permission::Read) else { return false };
    let subscribes = fields.get("type").is_some_and(|kind| kind == "subscribe");
    if let Some(link) = exchange.links.get_mut(&id) {
        link.subscribed = true;
        link.private.get_or_insert_with(Private::default).set(Channel::User, subscribes.then_some(key));
    }
    if subscribes {
        snapshot(exchange, id);
    }
    true
}

fn snapshot(exchange: &mut Exchange, id: u64) {
    let account = exchange.trading.as_ref().map(|trading| &trading.account);
    let open = account.map(|account| account.open_orders(None)).unwrap_or_default();
    let told: Vec<String> = open.into_iter().filter_map(|order| told(exchange, order, "OPEN")).collect();
    let mut batches: Vec<&[String]> = told.chunks(BATCH).collect();
    if told.len().is_multiple_of(BATCH) {
        batches.push(&[]);
    }
    let bodies: Vec<String> = batches.into_iter().map(|batch| body("snapshot", &batch.join(","))).collect();
    for body in bodies {
        exchange.deliver_numbered(id, Channel::User.name(), &body);
    }
}

/// An order as the channel has it.
pub(crate) fn told(exchange: &Exchange, order: &Order, status: &str) -> Option<String> {
    let symbol = exchange.symbol(|market| market.instrument.name == order.market)?;
    let instrument = &exchange.market.symbols[symbol].instrument;
    Some(written::of_channel(instrument, order, status).to_string())
}

/// The channel and its events, divided by a line end.
pub(crate) fn body(kind: &str, orders: &str) -> String {
    format!("user\n[{{\"type\":\"{kind}\",\"orders\":[{orders}]}}]")
}
