//! Questions to Coinbase about the account: its orders, its fills, its balances, and its key.

use serde_json::{Value, json};

use super::written;
use crate::calendar::from_rfc3339;
use crate::exchange::Exchange;
use crate::http::{Request, Response};
use crate::instrument::Instrument;
use crate::trading::account::Account;
use crate::trading::credential::Permission;
use crate::trading::fill::Fill;
use crate::trading::order::Order;

/// Entries of one answer, and the most of them.
const PAGE: (usize, usize) = (100, 1_000);
/// The same of accounts.
const ACCOUNTS: (usize, usize) = (49, 250);

/// Answers what the key named `key` asks.
pub(super) fn answer(exchange: &Exchange, request: &Request, path: &str, key: &str) -> Response {
    let Some(account) = exchange.trading.as_ref().map(|trading| &trading.account) else {
        return Response::refused(500, "{}");
    };
    let parts: Vec<&str> = path.split('/').collect();
    match parts.as_slice() {
        ["orders", "historical", "batch"] => orders(exchange, account, request),
        ["orders", "historical", "fills"] => fills(exchange, account, request),
        ["orders", "historical", name] => {
            let order = written::number(name).and_then(|id| account.orders().find(|order| order.id == id));
            let told =
                order.and_then(|order| Some(written::of_rest(instrument(exchange, &order.market)?, order)));
            match told {
                Some(order) => Response::ok(json!({ "order": order }).to_string()),
                None => Response::refused(404, "{\"error\":\"NOT_FOUND\",\"message\":\"order not found\"}"),
            }
        }
        ["accounts"] => accounts(account, request),
        ["key_permissions"] => permissions(exchange, key),
        _ => Response::refused(404, "{\"error\":\"unknown\",\"message\":\"Not Found\"}"),
    }
}

fn permissions(exchange: &Exchange, key: &str) -> Response {
    let credential = exchange.trading.as_ref().and_then(|trading| trading.credential(key));
    let may = |permission| credential.is_some_and(|known| known.may(permission));
    let told = json!({
        "can_view": may(Permission::Read), "can_trade": may(Permission::Trade),
        "can_transfer": may(Permission::Withdraw), "portfolio_uuid": "fake", "portfolio_type": "DEFAULT",
    });
    Response::ok(told.to_string())
}

fn instrument<'a>(exchange: &'a Exchange, market: &str) -> Option<&'a Instrument> {
    let symbol = exchange.symbol(|known| *known.instrument.name == *market)?;
    Some(&exchange.market.symbols[symbol].instrument)
}

/// A page of a list, newest first; where it goes on is the cursor.
fn page<T>(list: Vec<T>, request: &Request, (rows, rows_max): (usize, usize)) -> (Vec<T>, String) {
    let number = |name: &str| request.query(name).and_then(|text| text.parse::<usize>().ok());
    let (at, limit) = (number("cursor").unwrap_or(0), number("limit").unwrap_or(rows).clamp(1, rows_max));
    let rest = list.len().saturating_sub(at);
    let cursor = if rest > limit { (at + limit).to_string() } else { String::new() };
    (list.into_iter().skip(at).take(limit).collect(), cursor)
}

/// One product: a list of several is not built here.
fn product_of(request: &Request) -> Option<String> {
    request.query("product_ids").or_else(|| request.query("product_id"))
}

/// What is no time bounds nothing.
fn moment(request: &Request, name: &str) -> Option<i64> {
    request.query(name).and_then(|text| from_rfc3339(&text))
}

fn orders(exchange: &Exchange, account: &Account, request: &Request) -> Response {
    let (status, product) = (request.query("order_status"), product_of(request));
    let (from_ns, until_ns) = (moment(request, "start_date"), moment(request, "end_date"));
    let told = |order: &Order| {
        let instrument = instrument(exchange, &order.market)?;
        let is_in_time = from_ns.is_none_or(|from| order.created_ns >= from)
            && until_ns.is_none_or(|until| order.created_ns < until);
        let is_meant = is_in_time
            && status.as_ref().is_none_or(|status| written::status(order.status) == status)
            && product.as_ref().is_none_or(|product| instrument.dashed() == *product);
        is_meant.then(|| written::of_rest(instrument, order))
    };
    let (orders, cursor) =
        page(account.orders().rev().filter_map(told).collect::<Vec<Value>>(), request, PAGE);
    let has_next = !cursor.is_empty();
    let body = json!({ "orders": orders, "sequence": "0", "has_next": has_next, "cursor": cursor });
    Response::ok(body.to_string())
}

fn fills(exchange: &Exchange, account: &Account, request: &Request) -> Response {
    let order = request.query("order_ids").or_else(|| request.query("order_id"));
    let order = order.map(|name| written::number(&name).unwrap_or(0));
    let product = product_of(request);
    let from_ns = moment(request, "start_sequence_timestamp");
    let until_ns = moment(request, "end_sequence_timestamp");
    let told = |fill: &Fill| {
        let instrument = instrument(exchange, &fill.market)?;
        let is_in_time = from_ns.is_none_or(|from| fill.time_ns >= from)
            && until_ns.is_none_or(|until| fill.time_ns < until);
        let is_meant = is_in_time
            && order.is_none_or(|order| fill.order == order)
            && product.as_ref().is_none_or(|product| instrument.dashed() == *product);
        is_meant.then(|| written::fill(instrument, fill))
    };
    let (fills, cursor) =
        page(account.fills().iter().rev().filter_map(told).collect::<Vec<Value>>(), request, PAGE);
    Response::ok(json!({ "fills": fills, "cursor": cursor }).to_string())
}

fn accounts(account: &Account, request: &Request) -> Response {
    let listed = account.ledger().balances().map(|(asset, balance)| {
        let money = |amount: String| json!({ "value": amount, "currency": &**asset });
        json!({
            "uuid": format!("account-{asset}"), "name": format!("{asset} Wallet"), "currency": &**asset,
            "available_balance": money(balance.free.to_string()), "default": true, "active": true,
            "type": "ACCOUNT_TYPE_CRYPTO", "ready": true, "hold": money(balance.locked.to_string()),
        })
    });
    let (listed, cursor) = page(listed.collect::<Vec<Value>>(), request, ACCOUNTS);
    let (has_next, size) = (!cursor.is_empty(), listed.len());
    let body = json!({ "accounts": listed, "has_next": has_next, "cursor": cursor, "size": size });
    Response::ok(body.to_string())
}
