//! Coinbase's REST interface for orders: who asks, what is asked, and how it is answered.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{holdings, token, written};
use crate::decimal;
use crate::exchange::Exchange;
use crate::held::{Delivery, Stage, course};
use crate::http::{Reply, Request, Response};
use crate::instrument::{Instrument, Status};
use crate::log::{Entry, OrderRequest};
use crate::trading::account::Which;
use crate::trading::amount::Amount;
use crate::trading::cancelling::Restriction;
use crate::trading::credential::Permission;
use crate::trading::mishap::{Awaited, Mishap};
use crate::trading::order::{Kind, Life, Purpose, Side, Size, Terms, Trigger};
use crate::trading::placing::Asked;
use crate::trading::quota::Admission;
use crate::trading::refusal::{Refusal, Rule};

const ROOT: &str = "/api/v3/brokerage/";

/// Whether the request is one for this interface.
pub(crate) fn is_asked(exchange: &Exchange, request: &Request) -> bool {
    let path = request.path().strip_prefix(ROOT).unwrap_or_default();
    let first = path.split('/').next().unwrap_or_default();
    exchange.trading.is_some() && matches!(first, "orders" | "accounts" | "key_permissions")
}

/// Does what a request asks.
pub(crate) fn answer(exchange: &mut Exchange, request: &Request) -> Reply {
    hear(exchange, request, Stage::Arrived)
}

/// Does what a request asks that was held back.
pub(crate) fn resume(exchange: &mut Exchange, request: &Request) -> Response {
    match hear(exchange, request, Stage::Resumed) {
        Reply::After(_, response) => response,
        // Nothing holds it back twice.
        Reply::Held(_) | Reply::Never => Response::refused(500, "{}"),
    }
}

fn hear(exchange: &mut Exchange, request: &Request, stage: Stage) -> Reply {
    let path = request.path().strip_prefix(ROOT).unwrap_or_default();
    let (banned, heard) = match stage {
        Stage::Arrived => admit(exchange),
        Stage::Resumed => (false, Ok(())),
    };
    let (permission, awaited) = match (request.method.as_str(), path) {
        ("POST", "orders") => (Permission::Trade, Some(Awaited::Place)),
        ("POST", "orders/batch_cancel") => (Permission::Trade, Some(Awaited::Cancel)),
        _ => (Permission::Read, None),
    };
    let heard = heard.and_then(|()| {
        let bearer = request.header("authorization").and_then(|text| text.strip_prefix("Bearer "));
        let asked = Some((request.method.as_str(), request.path()));
        let key = bearer.and_then(|bearer| token::key(exchange, bearer, asked, permission));
        key.ok_or_else(|| Response::refused(401, "Unauthorized\n"))
    });
    let mishap = match (&heard, awaited, stage, &mut exchange.trading) {
        (Ok(_), Some(awaited), Stage::Arrived, Some(trading)) => trading.mishaps.take(awaited),
        (Ok(_) | Err(_), _, Stage::Arrived | Stage::Resumed, _) => None,
    };
    let (fate, delivery) = course(stage, mishap);
    if let Delivery::Held { ms } = delivery {
        return Reply::Held(std::time::Duration::from_millis(ms));
    }
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let response =
        heard.map_or_else(|refused| refused, |key| disturbed(exchange, request, (path, &key), &body, mishap));
    let text = |name: &str| body[name].as_str().map(str::to_owned);
    exchange.note(Entry::OrderRequest(Box::new(OrderRequest {
        connection: None,
        method: format!("{} {path}", request.method),
        symbol: text("product_id"),
        client_id: text("client_order_id"),
        status: response.status,
        code: None,
        banned,
        fate,
    })));
    exchange.tell_reports();
    match delivery {
        Delivery::AtOnce | Delivery::Held { .. } => Reply::at_once(response),
        Delivery::AfterReports { ms } => Reply::after(ms, response),
        Delivery::Lost => Reply::Never,
    }
}

/// Whether a client that asks now had been told to wait, and what it is answered then.
fn admit(exchange: &mut Exchange) -> (bool, Result<(), Response>) {
    let now_ns = exchange.now_ns;
    let refused = |until_ns: i64| {
        let body = "{\"errors\":[{\"id\":\"rate_limit_exceeded\",\"message\":\"Too many requests\"}]}";
        let seconds = (until_ns - now_ns).max(0).unsigned_abs().div_ceil(1_000_000_000);
        let retry_after = Some(u32::try_from(seconds).unwrap_or(u32::MAX));
        Err(Response { retry_after, ..Response::refused(429, body) })
    };
    match exchange.trading.as_mut().map(|trading| trading.quota.admit(now_ns)) {
        None | Some(Admission::Heard) => (false, Ok(())),
        Some(Admission::Told { until_ns }) => (false, refused(until_ns)),
        Some(Admission::Ignored { until_ns }) => (true, refused(until_ns)),
    }
}

/// Does what a request asks, unless a fault keeps it from being done, or from being told.
fn disturbed(
    exchange: &mut Exchange,
    request: &Request,
    asked: (&str, &str),
    body: &Value,
    mishap: Option<Mishap>,
) -> Response {
    let unknown =
        |status| Response::refused(status, "{\"error\":\"INTERNAL\",\"message\":\"internal error\"}");
    match mishap {
        Some(Mishap::RequestLost) => unknown(500),
        Some(Mishap::Rejected { .. }) => failed("UNKNOWN_FAILURE_REASON", "rejected"),
        Some(Mishap::Unknown { status, is_done, .. }) => {
            if is_done {
                dispatch(exchange, request, asked, body);
            }
            unknown(status)
        }
        None
        | Some(Mishap::AckLost | Mishap::AckDelayed { .. } | Mishap::FillBeforeAck | Mishap::Held { .. }) => {
            dispatch(exchange, request, asked, body)
        }
    }
}

/// Does what is asked at a path with a key.
fn dispatch(exchange: &mut Exchange, request: &Request, (path, key): (&str, &str), body: &Value) -> Response {
    match (request.method.as_str(), path) {
        ("POST", "orders") => place(exchange, body).unwrap_or_else(|response| response),
        ("POST", "orders/batch_cancel") => cancel(exchange, body),
        ("GET", _) => holdings::answer(exchange, request, path, key),
        _ => Response::refused(404, "{\"error\":\"unknown\",\"message\":\"Not Found\"}"),
    }
}

/// A refusal of an order comes with status 200.
fn failed(error: &str, message: &str) -> Response {
    let body = json!({
        "success": false,
        "error_response": {
            "error": error, "message": message, "error_details": message,
            "preview_failure_reason": "UNKNOWN_PREVIEW_FAILURE_REASON", "new_order_failure_reason": error,
        },
    });
    Response::ok(body.to_string())
}

fn place(exchange: &mut Exchange, body: &Value) -> Result<Response, Response> {
    let product = body["product_id"].as_str().unwrap_or_default();
    let listed = exchange.symbol(|market| {
        market.instrument.status != Status::Delisted && market.instrument.dashed() == product
    });
    let symbol = listed.ok_or_else(|| failed("INVALID_PRODUCT_ID", "product not found"))?;
    let client_id: Arc<str> = body["client_order_id"].as_str().unwrap_or_default().into();
    if client_id.is_empty() {
        return Err(failed("INVALID_CLIENT_ORDER_ID", "client_order_id is missing"));
    }
    let side = match body["side"].as_str() {
        Some("BUY") => Side::Buy,
        Some("SELL") => Side::Sell,
        _ => return Err(failed("INVALID_SIDE", "side is BUY or SELL")),
    };
    let accepted = |id: u64| {
        let response = json!({
            "order_id": written::name(id), "product_id": product, "side": written::side(side),
            "client_order_id": &*client_id,
        });
        let configuration = &body["order_configuration"];
        json!({ "success": true, "success_response": response, "order_configuration": configuration })
    };
    let account = exchange.trading.as_ref().map(|trading| &trading.account);
    let market = exchange.market.symbols[symbol].instrument.name.clone();
    let before = account.and_then(|account| account.order(&market, &Which::ClientId(client_id.to_string())));
    if let Some(before) = before {
        // The same name creates nothing: the order that has it is answered.
        return Ok(Response::ok(accepted(before.id).to_string()));
    }
    let terms = terms(&exchange.market.symbols[symbol].instrument, side, &body["order_configuration"])?;
    let marks = vec![("order_configuration".to_owned(), body["order_configuration"].to_string())];
    let asked = Asked { client_id: client_id.clone(), terms, by_hand: false, marks };
    let placed = exchange.place(symbol, asked);
    Ok(Response::ok(accepted(placed.map_err(refused)?).to_string()))
}

fn terms(instrument: &Instrument, side: Side, configuration: &Value) -> Result<Terms, Response> {
    let unsupported = || failed("UNSUPPORTED_ORDER_CONFIGURATION", "order_configuration is not understood");
    let (name, fields) =
        configuration.as_object().and_then(|named| named.iter().next()).ok_or_else(unsupported)?;
    let units = |field: &str, decimals: u32, error: &str| {
        let text = fields[field].as_str();
        text.and_then(|text| decimal::units(text, decimals)).ok_or_else(|| failed(error, field))
    };
    let price = |field: &str| units(field, instrument.price_decimals, "INVALID_PRICE_PRECISION");
    let size = || units("base_size", instrument.quantity_decimals, "INVALID_SIZE_PRECISION");
    let limit = |life| Ok(Kind::Limit { price: price("limit_price")?, quantity: size()?, life });
    let mut trigger = None;
    let kind = match name.as_str() {
        "market_market_ioc" => {
            let money = fields["quote_size"].as_str();
            let size = match money.map(Amount::read) {
                Some(money) => {
                    Size::Quote(money.ok_or_else(|| failed("INVALID_SIZE_PRECISION", "quote_size"))?)
                }
                None => Size::Base(size()?),
            };
            Kind::Market { size }
        }
        "limit_limit_gtc" if fields["post_only"] == true => {
            Kind::PostOnly { price: price("limit_price")?, quantity: size()? }
        }
        "limit_limit_gtc" => limit(Life::Gtc)?,
        "limit_limit_fok" => limit(Life::Fok)?,
        "sor_limit_ioc" => limit(Life::Ioc)?,
        "stop_limit_stop_limit_gtc" => {
            let is_up = fields["stop_direction"] == "STOP_DIRECTION_STOP_UP";
            let is_loss = is_up == (side == Side::Buy);
            let purpose = if is_loss { Purpose::StopLoss } else { Purpose::TakeProfit };
            trigger = Some(Trigger { price: price("stop_price")?, purpose });
            limit(Life::Gtc)?
        }
        _ => return Err(unsupported()),
    };
    Ok(Terms { side, kind, trigger })
}

/// Coinbase's words for a refusal.
fn refused(refusal: Refusal) -> Response {
    match refusal {
        Refusal::Rule(Rule::Price) => failed("INVALID_PRICE_PRECISION", "price is not on its grid"),
        Refusal::Rule(Rule::Lot) => failed("INVALID_SIZE_PRECISION", "size is not on its grid"),
        Refusal::Rule(Rule::Notional) => failed("INVALID_NOTIONAL", "too small, or too large"),
        Refusal::Rule(Rule::Orders | Rule::Triggers) => {
            failed("TOO_MANY_OPEN_ORDERS", "too many open orders")
        }
        Refusal::Balance => failed("INSUFFICIENT_FUND", "Insufficient balance in source account"),
        Refusal::Duplicate => failed("DUPLICATE_CLIENT_ORDER_ID", "the name is in use"),
        Refusal::WouldTake => failed("INVALID_LIMIT_PRICE_POST_ONLY", "the order would take"),
        Refusal::WouldWake => failed("INVALID_STOP_PRICE", "the stop is behind the market"),
        Refusal::Closed => failed("ORDER_ENTRY_DISABLED", "the product takes no orders"),
        Refusal::Unknown | Refusal::Restricted => failed("UNKNOWN_FAILURE_REASON", "no such order"),
    }
}

/// Each order is answered by itself.
fn cancel(exchange: &mut Exchange, body: &Value) -> Response {
    let names: Vec<&str> =
        body["order_ids"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let request: Arc<str> = "".into();
    let results = names.into_iter().map(|name| {
        let which = written::number(name).map(Which::Id);
        let is_done = which.is_some_and(|which| {
            (0..exchange.market.symbols.len())
                .any(|symbol| exchange.cancel(symbol, &which, Restriction::None, &request).is_ok())
        });
        let reason = if is_done { "UNKNOWN_CANCEL_FAILURE_REASON" } else { "UNKNOWN_CANCEL_ORDER" };
        json!({ "success": is_done, "failure_reason": reason, "order_id": name })
    });
    let results: Vec<Value> = results.collect();
    Response::ok(json!({ "results": results }).to_string())
}
