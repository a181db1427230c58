//! Subscriptions to Kraken's private channels, by the token of a session.

use serde_json::{Map, Value, json};

use super::answer::{keep_number, refuse};
use super::executions;
use crate::calendar::rfc3339;
use crate::exchange::Exchange;
use crate::login::{Channel, Private};
use crate::trading::credential::Permission;

/// The private channel of a name, where there is an account.
pub(super) fn channel(exchange: &Exchange, name: Option<&str>) -> Option<Channel> {
    exchange.trading.as_ref()?;
    match name {
        Some("executions") => Some(Channel::Executions),
        Some("balances") => Some(Channel::Balances),
        Some(_) | None => None,
    }
}

/// Subscribes a connection to a private channel, or ends that.
pub(super) fn change(
    exchange: &mut Exchange,
    id: u64,
    method: &str,
    channel: Channel,
    fields: &Map<String, Value>,
) {
    let params = fields.get("params");
    let param = |name: &str| params.and_then(|params| params.get(name));
    let token = param("token").and_then(Value::as_str).unwrap_or_default();
    let now_ns = exchange.now_ns;
    let key = exchange.trading.as_ref().and_then(|trading| trading.session(token, now_ns));
    let key = key.filter(|credential| credential.may(Permission::Read)).map(|known| known.key.name.clone());
    let Some(key) = key else {
        return refuse(exchange, id, method, "ESession:Invalid session", fields, None);
    };
    let subscribes = method == "subscribe";
    if let Some(trading) = &mut exchange.trading {
        trading.keep_session(token);
    }
    let Some(link) = exchange.links.get_mut(&id) else { return };
    link.subscribed = true;
    link.heartbeats = true;
    let private = link.private.get_or_insert_with(Private::default);
    private.set(channel, subscribes.then_some(key));
    let wants = |name: &str| param(name).and_then(Value::as_bool).unwrap_or(true);
    let time = rfc3339(exchange.told_ns());
    let result = match channel {
        Channel::Executions => {
            json!({ "channel": "executions", "maxratecount": 180, "snap_orders": wants("snap_orders") })
        }
        Channel::Balances | Channel::User => {
            json!({ "channel": "balances", "snapshot": wants("snapshot") })
        }
    };
    let mut answer =
        json!({ "method": method, "result": result, "success": true, "time_in": time, "time_out": time });
    keep_number(&mut answer, fields);
    exchange.answer(id, answer.to_string());
    if subscribes && wants("snapshot") && wants("snap_orders") {
        let data = snapshot(exchange, channel);
        exchange.tell_private(id, channel, "snapshot", &data);
    }
}

fn snapshot(exchange: &Exchange, channel: Channel) -> Vec<String> {
    let Some(account) = exchange.trading.as_ref().map(|trading| &trading.account) else { return Vec::new() };
    match channel {
        Channel::Executions => {
            let orders = account.open_orders(None).into_iter();
            let told = orders.filter_map(|order| {
                let symbol = exchange.symbol(|market| market.instrument.name == order.market)?;
                Some(executions::open(&exchange.market.symbols[symbol].instrument, order))
            });
            told.collect()
        }
        Channel::Balances | Channel::User => {
            let balances = account.ledger().balances();
            balances.map(|(asset, balance)| executions::holding(asset, balance)).collect()
        }
    }
}
