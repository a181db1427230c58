//! The events of Binance's user data stream.

use std::sync::Arc;

use serde_json::{Value, json};

use super::words::{self, MS_NS, Numbers};
use crate::instrument::Instrument;
use crate::trading::amount::Amount;
use crate::trading::fill::Fill;
use crate::trading::ledger::Balance;
use crate::trading::order::Order;
use crate::trading::report::{Expiry, Happened};

/// An `executionReport`.
pub(crate) fn order(
    instrument: &Instrument,
    order: &Order,
    happened: &Happened,
    execution: u64,
    told_ns: i64,
) -> String {
    let numbers = Numbers::of(instrument, order);
    let (client_id, original) = match happened {
        Happened::Canceled { request } => (request.as_ref(), order.client_id.as_ref()),
        Happened::Accepted | Happened::Woke | Happened::Traded(_) | Happened::Expired(_) => {
            (order.client_id.as_ref(), "")
        }
    };
    let fill = match happened {
        Happened::Traded(fill) => Some(fill),
        Happened::Accepted | Happened::Woke | Happened::Canceled { .. } | Happened::Expired(_) => None,
    };
    let last = Last::of(instrument, fill);
    let mut event = json!({
        "e": "executionReport", "E": told_ns / MS_NS, "s": &*order.market, "c": client_id,
        "S": words::side(order.terms.side), "o": words::kind(&order.terms), "f": words::life(&order.terms),
        "q": numbers.quantity, "p": numbers.price, "P": numbers.stop, "F": "0.00000000", "g": -1, "C": original,
        "x": what(happened), "X": words::status(order.status), "r": "NONE", "i": order.id,
        "l": last.quantity, "z": numbers.filled, "L": last.price, "n": last.fee, "N": last.fee_asset,
        "T": order.updated_ns / MS_NS, "t": last.id, "I": execution,
        "w": order.status.is_open() && order.working_ns.is_some(), "m": fill.is_some_and(|fill| fill.is_maker),
        "M": false, "O": order.created_ns / MS_NS, "Z": numbers.filled_quote, "Y": last.quote,
        "Q": numbers.quote_quantity,
    });
    if let Some(working_ns) = order.working_ns {
        event["W"] = (working_ns / MS_NS).into();
    }
    event["V"] = words::mark(order, "selfTradePreventionMode").unwrap_or(words::PREVENTION).into();
    for (field, name) in [("j", "strategyId"), ("J", "strategyType")] {
        if let Some(number) = words::mark(order, name).and_then(|text| text.parse::<u64>().ok()) {
            event[field] = number.into();
        }
    }
    match happened {
        Happened::Expired(Expiry::Liquidity) => event["eR"] = "INSUFFICIENT_LIQUIDITY".into(),
        Happened::Expired(Expiry::SelfTrade) => {
            event["v"] = 1.into();
            for field in ["A", "B"] {
                event[field] = instrument.quantity8(order.remaining()).into();
            }
            (event["u"], event["U"]) = (1.into(), order.id.into());
        }
        Happened::Expired(_)
        | Happened::Accepted
        | Happened::Woke
        | Happened::Traded(_)
        | Happened::Canceled { .. } => {}
    }
    event.to_string()
}

fn what(happened: &Happened) -> &'static str {
    match happened {
        Happened::Accepted | Happened::Woke => "NEW",
        Happened::Traded(_) => "TRADE",
        Happened::Canceled { .. } => "CANCELED",
        Happened::Expired(Expiry::SelfTrade) => "TRADE_PREVENTION",
        Happened::Expired(Expiry::Life | Expiry::Liquidity | Expiry::Balance | Expiry::Delisted) => "EXPIRED",
    }
}

/// The fields of the last fill; zeros and nothing where there was none.
struct Last {
    quantity: String,
    price: String,
    quote: String,
    fee: String,
    fee_asset: Value,
    id: i64,
}

impl Last {
    fn of(instrument: &Instrument, fill: Option<&Fill>) -> Self {
        Self {
            quantity: instrument.quantity8(fill.map_or(0, |fill| fill.quantity)),
            price: instrument.price8(fill.map_or(0, |fill| fill.price)),
            quote: fill.map_or(Amount::ZERO, |fill| fill.quote).to_string(),
            fee: fill.map_or_else(|| "0".to_owned(), |fill| fill.fee.to_string()),
            fee_asset: fill.map_or(Value::Null, |fill| (*fill.fee_asset).into()),
            id: fill.and_then(|fill| i64::try_from(fill.id).ok()).unwrap_or(-1),
        }
    }
}

/// An `outboundAccountPosition` of the balances that changed.
pub(crate) fn balances(balances: &[(Arc<str>, Balance)], now_ns: i64, told_ns: i64) -> String {
    let listed: Vec<Value> = balances
        .iter()
        .map(|(asset, balance)| {
            json!({ "a": &**asset, "f": balance.free.to_string(), "l": balance.locked.to_string() })
        })
        .collect();
    json!({ "e": "outboundAccountPosition", "E": told_ns / MS_NS, "u": now_ns / MS_NS, "B": listed })
        .to_string()
}

/// A `balanceUpdate`: an amount came from outside.
pub(crate) fn transfer(asset: &str, amount: Amount, now_ns: i64, told_ns: i64) -> String {
    json!({
        "e": "balanceUpdate", "E": told_ns / MS_NS, "a": asset, "d": amount.to_string(), "T": now_ns / MS_NS,
    })
    .to_string()
}
