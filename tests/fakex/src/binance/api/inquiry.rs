//! Questions about orders.

use serde_json::{Value, json};

use super::super::words::{self, MS_NS, Numbers};
use super::parameters::Parameters;
use super::placing::{describe, market, which};
use super::refused::Refused;
use crate::exchange::Exchange;
use crate::instrument::Instrument;
use crate::trading::account::Account;
use crate::trading::order::Order;

const DAY_NS: i64 = 86_400_000_000_000;

/// The account, which is there where anybody can ask.
pub(super) fn account(exchange: &Exchange) -> Result<&Account, Refused> {
    let trading = exchange.trading.as_ref();
    trading.map(|trading| &trading.account).ok_or_else(|| Refused::of_code(-1000))
}

pub(super) fn status(exchange: &Exchange, parameters: &Parameters) -> Result<Value, Refused> {
    let symbol = market(exchange, parameters)?;
    let instrument = &exchange.market.symbols[symbol].instrument;
    let order = account(exchange)?.order(&instrument.name, &which(parameters)?);
    order.map(|order| told(instrument, order)).ok_or_else(|| Refused::of_code(-2013))
}

pub(super) fn open_orders(exchange: &Exchange, parameters: &Parameters) -> Result<Value, Refused> {
    let name = match parameters.text("symbol") {
        Some(name) => {
            market(exchange, parameters)?;
            Some(name)
        }
        None => None,
    };
    let orders = account(exchange)?.open_orders(name).into_iter();
    Ok(orders.filter_map(|order| Some(told(instrument(exchange, order)?, order))).collect())
}

pub(super) fn instrument<'a>(exchange: &'a Exchange, order: &Order) -> Option<&'a Instrument> {
    let symbol = exchange.symbol(|market| market.instrument.name == order.market)?;
    Some(&exchange.market.symbols[symbol].instrument)
}

/// Orders of a market: from a number on, of a time, or the last.
pub(super) fn all_orders(exchange: &Exchange, parameters: &Parameters) -> Result<Value, Refused> {
    let symbol = market(exchange, parameters)?;
    let instrument = &exchange.market.symbols[symbol].instrument;
    let (span, limit) = (Span::of(parameters)?, limit(parameters)?);
    let from = parameters.number("orderId")?;
    let orders = account(exchange)?.orders().filter(|order| order.market == instrument.name);
    let orders = orders.filter(|order| from.is_none_or(|from| order.id >= from));
    let orders: Vec<&Order> = orders.filter(|order| span.holds(order.created_ns)).collect();
    let chosen = page(&orders, limit, from.is_none() && span.is_open());
    Ok(chosen.iter().map(|order| told(instrument, order)).collect())
}

/// The first `limit` of a list, or the last.
pub(super) fn page<T>(list: &[T], limit: usize, is_last: bool) -> &[T] {
    let count = limit.min(list.len());
    if is_last { &list[list.len() - count..] } else { &list[..count] }
}

pub(super) fn limit(parameters: &Parameters) -> Result<usize, Refused> {
    match parameters.number("limit")? {
        None => Ok(500),
        Some(0) => Err(Refused::new(-1130, "Data sent for parameter 'limit' is not valid.")),
        Some(limit) => Ok(usize::try_from(limit).unwrap_or(1_000).min(1_000)),
    }
}

/// A span of time that is asked for, at most a day from its start to its end.
pub(super) struct Span {
    start_ns: Option<i64>,
    end_ns: Option<i64>,
}

impl Span {
    pub(super) fn of(parameters: &Parameters) -> Result<Self, Refused> {
        let (start_ns, end_ns) = (parameters.time_ns("startTime")?, parameters.time_ns("endTime")?);
        if let (Some(start_ns), Some(end_ns)) = (start_ns, end_ns) {
            if end_ns < start_ns {
                return Err(Refused::new(-1130, "Data sent for parameter 'endTime' is not valid."));
            }
            if end_ns - start_ns > DAY_NS {
                return Err(Refused::new(-1127, "More than 24 hours between startTime and endTime."));
            }
        }
        Ok(Self { start_ns, end_ns })
    }

    pub(super) fn is_open(&self) -> bool {
        self.start_ns.is_none() && self.end_ns.is_none()
    }

    /// Whether a time lies in it; its end holds a whole millisecond, and one of a start alone is a day.
    pub(super) fn holds(&self, time_ns: i64) -> bool {
        let ms = time_ns / MS_NS;
        let end_ns = self.end_ns.or(self.start_ns.map(|start_ns| start_ns.saturating_add(DAY_NS)));
        self.start_ns.is_none_or(|start_ns| ms >= start_ns / MS_NS)
            && end_ns.is_none_or(|end_ns| ms <= end_ns / MS_NS)
    }
}

/// An order as questions are answered.
fn told(instrument: &Instrument, order: &Order) -> Value {
    let numbers = Numbers::of(instrument, order);
    let mut answer = json!({
        "symbol": &*order.market, "orderId": order.id, "orderListId": -1, "clientOrderId": &*order.client_id,
        "price": numbers.price, "origQty": numbers.quantity, "executedQty": numbers.filled,
        "cummulativeQuoteQty": numbers.filled_quote,
    });
    describe(&mut answer, order);
    for (field, value) in [
        ("stopPrice", numbers.stop.into()),
        ("icebergQty", "0.00000000".into()),
        ("time", (order.created_ns / MS_NS).into()),
        ("updateTime", (order.updated_ns / MS_NS).into()),
        ("isWorking", Value::Bool(!order.is_asleep())),
        ("workingTime", order.working_ns.map_or(-1, |working_ns| working_ns / MS_NS).into()),
        ("origQuoteOrderQty", numbers.quote_quantity.into()),
        (
            "selfTradePreventionMode",
            words::mark(order, "selfTradePreventionMode").unwrap_or(words::PREVENTION).into(),
        ),
    ] {
        answer[field] = value;
    }
    answer
}
