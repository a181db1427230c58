//! Placing and cancelling orders, and how they are answered.

use std::sync::Arc;

use serde_json::{Value, json};

use super::super::words::{self, MS_NS, Numbers};
use super::parameters::Parameters;
use super::refused::Refused;
use crate::decimal;
use crate::exchange::Exchange;
use crate::instrument::{Instrument, Status};
use crate::trading::account::Which;
use crate::trading::amount::Amount;
use crate::trading::cancelling::Restriction;
use crate::trading::order::{Kind, Life, Order, Purpose, Side, Size, Terms, Trigger};
use crate::trading::placing::Asked;
use crate::trading::refusal::{Refusal, Rule};

/// Modes of prevention that an order may name.
const PREVENTIONS: [&str; 5] = ["NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT"];

/// How much an answer tells of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Detail {
    Ack,
    Result,
    Full,
}

/// The market that the parameters name.
pub(super) fn market(exchange: &Exchange, parameters: &Parameters) -> Result<usize, Refused> {
    let name = parameters.needed("symbol")?;
    let listed = exchange
        .symbol(|market| market.instrument.joined() == name && market.instrument.status != Status::Delisted);
    listed.ok_or_else(|| Refused::of_code(-1121))
}

pub(super) fn place(exchange: &mut Exchange, parameters: &Parameters) -> Result<Value, Refused> {
    let symbol = market(exchange, parameters)?;
    let (asked, detail) = asked(exchange, symbol, parameters)?;
    let now_ns = exchange.now_ns;
    let full = exchange.trading.as_mut().and_then(|trading| trading.quota.orders_full(now_ns));
    if let Some(until_ns) = full {
        let retry_after_ms = Some((until_ns + exchange.disorder.skew_ns) / MS_NS);
        let limits = exchange.trading.as_mut().map(|trading| trading.quota.used(now_ns).limits);
        let most = limits.map_or(0, |limits| limits.orders_per_10s);
        let msg = format!("Too many new orders; current limit is {most} orders per 10 SECOND.");
        return Err(Refused { msg, retry_after_ms, ..Refused::of_code(-1015) });
    }
    let id = exchange.place(symbol, asked).map_err(Refused::of_order)?;
    if let Some(trading) = &mut exchange.trading {
        trading.quota.count_order(now_ns);
    }
    Ok(placed(exchange, symbol, id, detail))
}

pub(super) fn test(exchange: &mut Exchange, parameters: &Parameters) -> Result<Value, Refused> {
    let symbol = market(exchange, parameters)?;
    let (asked, _) = asked(exchange, symbol, parameters)?;
    exchange.try_order(symbol, &asked).map_err(Refused::of_order)?;
    Ok(json!({}))
}

/// What an order asks for, read from its parameters.
fn asked(
    exchange: &mut Exchange,
    symbol: usize,
    parameters: &Parameters,
) -> Result<(Asked, Detail), Refused> {
    let side = match parameters.needed("side")? {
        "BUY" => Side::Buy,
        "SELL" => Side::Sell,
        _ => return Err(Refused::of_code(-1117)),
    };
    let instrument = &exchange.market.symbols[symbol].instrument;
    let kind = parameters.needed("type")?;
    let terms = terms(instrument, side, kind, parameters)?;
    let by_default = if matches!(kind, "LIMIT" | "MARKET") { Detail::Full } else { Detail::Ack };
    let detail = match parameters.text("newOrderRespType") {
        None => by_default,
        Some("ACK") => Detail::Ack,
        Some("RESULT") => Detail::Result,
        Some("FULL") => Detail::Full,
        Some(_) => return Err(Refused::illegal("newOrderRespType", "ACK, RESULT, FULL")),
    };
    let prevention = parameters.text("selfTradePreventionMode");
    if prevention.is_some_and(|mode| !PREVENTIONS.contains(&mode)) {
        return Err(Refused::illegal("selfTradePreventionMode", "the modes that the symbol allows"));
    }
    if parameters.number("strategyType")?.is_some_and(|number| number < 1_000_000) {
        return Err(Refused::new(-1134, "`strategyType` was less than 1000000."));
    }
    parameters.number("strategyId")?;
    let marks = ["selfTradePreventionMode", "strategyId", "strategyType"];
    let marks = marks.iter().filter_map(|name| Some(((*name).to_owned(), parameters.text(name)?.to_owned())));
    let marks = marks.collect();
    let client_id = named(exchange, parameters, "newClientOrderId")?;
    Ok((Asked { client_id, terms, by_hand: false, marks }, detail))
}

fn terms(instrument: &Instrument, side: Side, kind: &str, parameters: &Parameters) -> Result<Terms, Refused> {
    let forbid = |names: &[&str]| match names.iter().find(|name| parameters.text(name).is_some()) {
        Some(name) => Err(Refused::not_required(name)),
        None => Ok(()),
    };
    let price = |name: &str| {
        let text = parameters.decimal(name)?.ok_or_else(|| Refused::missing(name))?;
        let broken = Refused::of_order(Refusal::Rule(Rule::Price));
        decimal::units(text, instrument.price_decimals).ok_or(broken)
    };
    let quantity = || {
        let text = parameters.decimal("quantity")?.ok_or_else(|| Refused::missing("quantity"))?;
        let broken = Refused::of_order(Refusal::Rule(Rule::Lot));
        decimal::units(text, instrument.quantity_decimals).ok_or(broken)
    };
    let limit = || Ok(Kind::Limit { price: price("price")?, quantity: quantity()?, life: life(parameters)? });
    let market = || Ok(Kind::Market { size: Size::Base(quantity()?) });
    let stop = |purpose| Ok(Some(Trigger { price: price("stopPrice")?, purpose }));
    let (kind, trigger) = match kind {
        "MARKET" => {
            forbid(&["price", "timeInForce", "stopPrice"])?;
            let money = parameters.decimal("quoteOrderQty")?.and_then(Amount::read);
            match money {
                Some(amount) => {
                    forbid(&["quantity"])?;
                    (Kind::Market { size: Size::Quote(amount) }, None)
                }
                None => (market()?, None),
            }
        }
        "LIMIT" => {
            forbid(&["stopPrice", "quoteOrderQty"])?;
            (limit()?, None)
        }
        "LIMIT_MAKER" => {
            forbid(&["timeInForce", "stopPrice", "quoteOrderQty"])?;
            (Kind::PostOnly { price: price("price")?, quantity: quantity()? }, None)
        }
        "STOP_LOSS" | "TAKE_PROFIT" => {
            forbid(&["price", "timeInForce", "quoteOrderQty"])?;
            (market()?, stop(purpose(kind))?)
        }
        "STOP_LOSS_LIMIT" | "TAKE_PROFIT_LIMIT" => {
            forbid(&["quoteOrderQty"])?;
            (limit()?, stop(purpose(kind))?)
        }
        _ => return Err(Refused::of_code(-1116)),
    };
    Ok(Terms { side, kind, trigger })
}

fn purpose(kind: &str) -> Purpose {
    if kind.starts_with("STOP_LOSS") { Purpose::StopLoss } else { Purpose::TakeProfit }
}

fn life(parameters: &Parameters) -> Result<Life, Refused> {
    match parameters.needed("timeInForce")? {
        "GTC" => Ok(Life::Gtc),
        "IOC" => Ok(Life::Ioc),
        "FOK" => Ok(Life::Fok),
        _ => Err(Refused::of_code(-1115)),
    }
}

/// The client's name of a request, or one that the venue gives.
fn named(exchange: &mut Exchange, parameters: &Parameters, parameter: &str) -> Result<Arc<str>, Refused> {
    let is_legal = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_';
    match parameters.text(parameter) {
        Some(name) if name.len() <= 36 && name.chars().all(is_legal) => Ok(name.into()),
        Some(_) => Err(Refused::illegal(parameter, "^[a-zA-Z0-9-_]{1,36}$")),
        None => {
            let given = exchange.trading.as_mut().map_or(0, |trading| {
                trading.names_given += 1;
                trading.names_given
            });
            Ok(format!("venue-{given:016}").into())
        }
    }
}

fn placed(exchange: &Exchange, symbol: usize, id: u64, detail: Detail) -> Value {
    let instrument = &exchange.market.symbols[symbol].instrument;
    let Some(account) = exchange.trading.as_ref().map(|trading| &trading.account) else { return Value::Null };
    let Some(order) = account.order(&instrument.name, &Which::Id(id)) else { return Value::Null };
    let mut answer = json!({
        "symbol": &*order.market, "orderId": order.id, "orderListId": -1, "clientOrderId": &*order.client_id,
        "transactTime": order.updated_ns / MS_NS,
    });
    if detail == Detail::Ack {
        return answer;
    }
    let numbers = Numbers::of(instrument, order);
    for (field, value) in [
        ("price", numbers.price),
        ("origQty", numbers.quantity),
        ("executedQty", numbers.filled),
        ("origQuoteOrderQty", numbers.quote_quantity),
        ("cummulativeQuoteQty", numbers.filled_quote),
    ] {
        answer[field] = value.into();
    }
    describe(&mut answer, order);
    if order.terms.trigger.is_some() {
        answer["stopPrice"] = numbers.stop.into();
    }
    answer["workingTime"] = order.working_ns.map_or(-1, |working_ns| working_ns / MS_NS).into();
    answer["selfTradePreventionMode"] =
        words::mark(order, "selfTradePreventionMode").unwrap_or(words::PREVENTION).into();
    if detail == Detail::Full {
        let fills = account.fills().iter().rev().take_while(|fill| fill.order == id);
        let mut fills: Vec<Value> = fills
            .map(|fill| {
                json!({
                    "price": instrument.price8(fill.price), "qty": instrument.quantity8(fill.quantity),
                    "commission": fill.fee.to_string(), "commissionAsset": &*fill.fee_asset, "tradeId": fill.id,
                })
            })
            .collect();
        fills.reverse();
        answer["fills"] = fills.into();
    }
    answer
}

/// Status, life, type and side.
pub(super) fn describe(answer: &mut Value, order: &Order) {
    answer["status"] = words::status(order.status).into();
    answer["timeInForce"] = words::life(&order.terms).into();
    answer["type"] = words::kind(&order.terms).into();
    answer["side"] = words::side(order.terms.side).into();
}

/// The order that the parameters mean.
pub(super) fn which(parameters: &Parameters) -> Result<Which, Refused> {
    match (parameters.number("orderId")?, parameters.text("origClientOrderId")) {
        (Some(id), _) => Ok(Which::Id(id)),
        (None, Some(name)) => Ok(Which::ClientId(name.to_owned())),
        (None, None) => {
            let msg = "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!";
            Err(Refused::new(-1102, msg))
        }
    }
}

pub(super) fn cancel(exchange: &mut Exchange, parameters: &Parameters) -> Result<Value, Refused> {
    let symbol = market(exchange, parameters)?;
    let which = which(parameters)?;
    let restriction = match parameters.text("cancelRestrictions") {
        None => Restriction::None,
        Some("ONLY_NEW") => Restriction::OnlyNew,
        Some("ONLY_PARTIALLY_FILLED") => Restriction::OnlyPartiallyFilled,
        Some(_) => {
            let msg = "`cancelRestrictions` has to be either `ONLY_NEW` or `ONLY_PARTIALLY_FILLED`.";
            return Err(Refused::new(-1145, msg));
        }
    };
    let request = named(exchange, parameters, "newClientOrderId")?;
    let order = exchange.cancel(symbol, &which, restriction, &request).map_err(Refused::of_order)?;
    Ok(cancelled(&exchange.market.symbols[symbol].instrument, &order, &request))
}

pub(super) fn cancel_all(exchange: &mut Exchange, parameters: &Parameters) -> Result<Value, Refused> {
    let symbol = market(exchange, parameters)?;
    let request = named(exchange, parameters, "newClientOrderId")?;
    let orders = exchange.cancel_all(symbol, &request).map_err(Refused::of_order)?;
    let instrument = &exchange.market.symbols[symbol].instrument;
    Ok(orders.iter().map(|order| cancelled(instrument, order, &request)).collect())
}

fn cancelled(instrument: &Instrument, order: &Order, request: &str) -> Value {
    let numbers = Numbers::of(instrument, order);
    let mut answer = json!({
        "symbol": &*order.market, "origClientOrderId": &*order.client_id, "orderId": order.id, "orderListId": -1,
        "clientOrderId": request, "transactTime": order.updated_ns / MS_NS, "price": numbers.price,
        "origQty": numbers.quantity, "executedQty": numbers.filled, "origQuoteOrderQty": numbers.quote_quantity,
        "cummulativeQuoteQty": numbers.filled_quote,
    });
    describe(&mut answer, order);
    if order.terms.trigger.is_some() {
        answer["stopPrice"] = numbers.stop.into();
    }
    answer["selfTradePreventionMode"] =
        words::mark(order, "selfTradePreventionMode").unwrap_or(words::PREVENTION).into();
    answer
}
