//! Questions about the account: its balances, its trades, and how much it has asked for.

use serde_json::{Value, json};

use super::super::words::{self, MS_NS};
use super::inquiry::{self, Span};
use super::parameters::Parameters;
use super::placing::market;
use super::refused::Refused;
use crate::exchange::Exchange;
use crate::instrument::Instrument;
use crate::trading::fill::Fill;
use crate::trading::order::Side;
use crate::trading::quota::Used;

pub(super) fn account(exchange: &Exchange, parameters: &Parameters) -> Result<Value, Refused> {
    let account = inquiry::account(exchange)?;
    let leaves_out = parameters.text("omitZeroBalances") == Some("true");
    let balances = account.ledger().balances();
    let balances = balances.filter(|(_, balance)| !leaves_out || !balance.total().is_zero());
    let balances: Vec<Value> = balances
        .map(|(asset, balance)| {
            json!({ "asset": &**asset, "free": balance.free.to_string(), "locked": balance.locked.to_string() })
        })
        .collect();
    let (maker, taker) = (account.fees().rate(true), account.fees().rate(false));
    let last = account.orders().map(|order| order.updated_ns).max().unwrap_or(exchange.clock.origin_ns());
    Ok(json!({
        // In ten-thousandths.
        "makerCommission": maker / 100, "takerCommission": taker / 100, "buyerCommission": 0, "sellerCommission": 0,
        "commissionRates": {
            "maker": words::rate(maker), "taker": words::rate(taker), "buyer": words::rate(0),
            "seller": words::rate(0),
        },
        "canTrade": true, "canWithdraw": true, "canDeposit": true, "brokered": false,
        "requireSelfTradePrevention": false, "preventSor": false, "updateTime": last / MS_NS,
        "accountType": "SPOT", "balances": balances, "permissions": ["SPOT"], "uid": 354_937_868,
    }))
}

/// Trades of a market: of an order, from a number on, of a time, or the last.
pub(super) fn trades(exchange: &Exchange, parameters: &Parameters) -> Result<Value, Refused> {
    let symbol = market(exchange, parameters)?;
    let instrument = &exchange.market.symbols[symbol].instrument;
    let (span, limit) = (Span::of(parameters)?, inquiry::limit(parameters)?);
    let (order, from) = (parameters.number("orderId")?, parameters.number("fromId")?);
    if !span.is_open() && (order.is_some() || from.is_some()) {
        return Err(Refused::of_code(-1128));
    }
    let fills = inquiry::account(exchange)?.fills().iter().filter(|fill| fill.market == instrument.name);
    let fills = fills.filter(|fill| order.is_none_or(|order| fill.order == order));
    let fills = fills.filter(|fill| from.is_none_or(|from| fill.id >= from));
    let fills: Vec<&Fill> = fills.filter(|fill| span.holds(fill.time_ns)).collect();
    let chosen = inquiry::page(&fills, limit, from.is_none() && span.is_open());
    Ok(chosen.iter().map(|fill| told(instrument, fill)).collect())
}

fn told(instrument: &Instrument, fill: &Fill) -> Value {
    json!({
        "symbol": &*fill.market, "id": fill.id, "orderId": fill.order, "orderListId": -1,
        "price": instrument.price8(fill.price), "qty": instrument.quantity8(fill.quantity),
        "quoteQty": fill.quote.to_string(), "commission": fill.fee.to_string(),
        "commissionAsset": &*fill.fee_asset, "time": fill.time_ns / MS_NS, "isBuyer": fill.side == Side::Buy,
        "isMaker": fill.is_maker, "isBestMatch": true,
    })
}

/// How much of the limits is used, those of orders first.
pub(super) fn limits(exchange: &mut Exchange, with_orders: bool) -> Value {
    let Some(used) = used(exchange) else { return Value::Array(Vec::new()) };
    let mut limits = if with_orders { of_orders(&used) } else { Vec::new() };
    limits.push(limit("REQUEST_WEIGHT", "MINUTE", 1, used.limits.weight_per_minute, used.weight));
    limits.into()
}

pub(super) fn order_count(exchange: &mut Exchange) -> Value {
    used(exchange).map_or_else(Vec::new, |used| of_orders(&used)).into()
}

pub(super) fn used(exchange: &mut Exchange) -> Option<Used> {
    let now_ns = exchange.now_ns;
    exchange.trading.as_mut().map(|trading| trading.quota.used(now_ns))
}

fn of_orders(used: &Used) -> Vec<Value> {
    vec![
        limit("ORDERS", "SECOND", 10, used.limits.orders_per_10s, used.orders_10s),
        limit("ORDERS", "DAY", 1, used.limits.orders_per_day, used.orders_day),
    ]
}

fn limit(kind: &str, interval: &str, number: u32, most: u32, count: u32) -> Value {
    json!({
        "rateLimitType": kind, "interval": interval, "intervalNum": number, "limit": most, "count": count,
    })
}
