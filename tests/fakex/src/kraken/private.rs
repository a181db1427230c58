//! Kraken's private REST interface: the token of a session, balances, orders and trades.

use ring::digest;
use serde_json::{Map, Value, json};

use super::executions;
use crate::decimal;
use crate::exchange::Exchange;
use crate::http::{Request, Response, decoded};
use crate::instrument::{Instrument, kraken_asset};
use crate::trading::account::{Account, Which};
use crate::trading::amount::Amount;
use crate::trading::credential::Permission;
use crate::trading::fill::Fill;
use crate::trading::order::{Order, Status};

/// Trades in one answer.
const TRADES_MAX: usize = 50;
/// How long a token opens sessions.
const TOKEN_NS: i64 = 900_000_000_000;

/// Whether the request is one for this interface.
pub(crate) fn is_asked(exchange: &Exchange, request: &Request) -> bool {
    exchange.trading.is_some() && request.path().starts_with("/0/private/")
}

/// Answers a request; an error is in Kraken's words, with status 200 as Kraken has it.
pub(crate) fn answer(exchange: &mut Exchange, request: &Request) -> Response {
    let body = String::from_utf8_lossy(&request.body).into_owned();
    let answered = checked(exchange, request, &body).and_then(|key| dispatch(exchange, request, &body, &key));
    match answered {
        Ok(result) => Response::ok(json!({ "error": [], "result": result }).to_string()),
        Err(error) => Response::ok(json!({ "error": [error] }).to_string()),
    }
}

fn field(body: &str, name: &str) -> Option<String> {
    let pairs = body.split('&').filter_map(|pair| pair.split_once('='));
    pairs.filter(|(key, _)| *key == name).map(|(_, value)| decoded(value)).next()
}

/// Checks key, signature and nonce; the key.
fn checked(exchange: &mut Exchange, request: &Request, body: &str) -> Result<String, String> {
    let invalid = || "EAPI:Invalid key".to_owned();
    let name = request.header("api-key").ok_or_else(invalid)?;
    let signature = request.header("api-sign").ok_or("EAPI:Invalid signature")?;
    let nonce = field(body, "nonce").ok_or("EAPI:Invalid nonce")?;
    let trading = exchange.trading.as_mut().ok_or_else(invalid)?;
    let known = trading.credentials.iter_mut().find(|credential| credential.key.name == name);
    let credential = known.filter(|credential| !credential.is_revoked).ok_or_else(invalid)?;
    let mut payload = request.path().as_bytes().to_vec();
    payload.extend_from_slice(digest::digest(&digest::SHA256, format!("{nonce}{body}").as_bytes()).as_ref());
    if !credential.signed(&payload, signature) {
        return Err("EAPI:Invalid signature".to_owned());
    }
    let nonce = nonce.parse().ok().filter(|nonce| *nonce > credential.nonce).ok_or("EAPI:Invalid nonce")?;
    credential.nonce = nonce;
    if !credential.may(Permission::Read) {
        return Err("EGeneral:Permission denied".to_owned());
    }
    Ok(name.to_owned())
}

fn dispatch(exchange: &mut Exchange, request: &Request, body: &str, key: &str) -> Result<Value, String> {
    let now_ns = exchange.now_ns;
    let trading = exchange.trading.as_mut().ok_or("EService:Unavailable")?;
    if request.path() == "/0/private/GetWebSocketsToken" {
        let token = trading.open_session(key, now_ns + TOKEN_NS);
        return Ok(json!({ "token": token, "expires": TOKEN_NS / 1_000_000_000 }));
    }
    let exchange = &*exchange;
    let account = exchange.trading.as_ref().map(|trading| &trading.account).ok_or("EService:Unavailable")?;
    match request.path() {
        "/0/private/Balance" => Ok(balances(account, false)),
        "/0/private/BalanceEx" => Ok(balances(account, true)),
        "/0/private/OpenOrders" => {
            Ok(json!({ "open": orders(exchange, account.open_orders(None).into_iter()) }))
        }
        "/0/private/QueryOrders" => {
            let names = field(body, "txid").ok_or("EGeneral:Invalid arguments:txid")?;
            let ids: Vec<u64> = names.split(',').filter_map(executions::number).collect();
            let meant: Vec<&Order> = account.orders().filter(|order| ids.contains(&order.id)).collect();
            if meant.is_empty() {
                return Err("EOrder:Unknown order".to_owned());
            }
            Ok(orders(exchange, meant.into_iter()))
        }
        "/0/private/TradesHistory" => trades(exchange, body),
        _ => Err("EGeneral:Unknown method".to_owned()),
    }
}

/// Kraken's older name of an asset: `XXBT`, `ZUSD`.
fn asset(name: &str) -> String {
    match name {
        "BTC" | "DOGE" | "ETH" | "LTC" | "XRP" | "XLM" => format!("X{}", kraken_asset(name)),
        "USD" | "EUR" | "GBP" | "CAD" | "JPY" => format!("Z{name}"),
        other => other.to_owned(),
    }
}

fn balances(account: &Account, with_holds: bool) -> Value {
    let listed = account.ledger().balances().map(|(name, balance)| {
        let total = balance.total().to_string();
        let told = if with_holds {
            json!({ "balance": total, "hold_trade": balance.locked.to_string() })
        } else {
            total.into()
        };
        (asset(name), told)
    });
    Value::Object(listed.collect())
}

/// Seconds with four places, as a JSON number.
fn seconds(time_ns: i64) -> Value {
    let text = decimal::text(u64::try_from(time_ns / 100_000).unwrap_or(0), 4);
    serde_json::from_str(&text).unwrap_or(Value::Null)
}

fn instrument<'a>(exchange: &'a Exchange, market: &str) -> Option<&'a Instrument> {
    let symbol = exchange.symbol(|known| *known.instrument.name == *market)?;
    Some(&exchange.market.symbols[symbol].instrument)
}

fn orders<'a>(exchange: &Exchange, orders: impl Iterator<Item = &'a Order>) -> Value {
    let told = orders.filter_map(|order| {
        let instrument = instrument(exchange, &order.market)?;
        Some((executions::name('O', order.id), order_told(instrument, order)))
    });
    Value::Object(told.collect::<Map<String, Value>>())
}

fn order_told(instrument: &Instrument, order: &Order) -> Value {
    let status = match order.status {
        Status::New | Status::PartiallyFilled => "open",
        Status::Filled => "closed",
        Status::Canceled | Status::ExpiredInMatch => "canceled",
        Status::Expired => "expired",
    };
    let fee: Amount = order.fees.values().copied().sum();
    let price = instrument.price(order.terms.limit().unwrap_or(0));
    let stop = instrument.price(order.terms.trigger.map_or(0, |trigger| trigger.price));
    json!({
        "refid": null, "userref": 0, "cl_ord_id": &*order.client_id, "status": status,
        "opentm": seconds(order.created_ns), "starttm": 0, "expiretm": 0,
        "descr": {
            "pair": instrument.kraken_alt(), "type": executions::side(order.terms.side),
            "ordertype": executions::kind(order), "price": price, "price2": "0", "leverage": "none",
        },
        "vol": instrument.quantity(order.quantity), "vol_exec": instrument.quantity(order.filled),
        "cost": order.filled_quote.to_string(), "fee": fee.to_string(), "price": price, "stopprice": stop,
        "limitprice": "0.00000", "misc": "", "oflags": "fciq",
    })
}

/// The trades of the account, newest first, from `ofs` on.
fn trades(exchange: &Exchange, body: &str) -> Result<Value, String> {
    let offset = field(body, "ofs").map_or(Ok(0), |text| text.parse::<usize>());
    let offset = offset.map_err(|_| "EGeneral:Invalid arguments:ofs")?;
    let account = exchange.trading.as_ref().map(|trading| &trading.account).ok_or("EService:Unavailable")?;
    let fills = account.fills();
    let page = fills.iter().rev().skip(offset).take(TRADES_MAX).filter_map(|fill| {
        let instrument = instrument(exchange, &fill.market)?;
        let kind = account.order(&fill.market, &Which::Id(fill.order)).map_or("limit", executions::kind);
        Some((executions::name('T', fill.id), trade_told(instrument, fill, kind)))
    });
    let page: Map<String, Value> = page.collect();
    Ok(json!({ "trades": page, "count": fills.len() }))
}

fn trade_told(instrument: &Instrument, fill: &Fill, kind: &str) -> Value {
    json!({
        "ordertxid": executions::name('O', fill.order), "pair": instrument.kraken_alt(),
        "time": seconds(fill.time_ns), "type": executions::side(fill.side), "ordertype": kind,
        "price": instrument.price(fill.price), "cost": fill.quote.to_string(), "fee": fill.fee.to_string(),
        "vol": instrument.quantity(fill.quantity), "margin": "0.00000", "misc": "", "trade_id": fill.id,
        "maker": fill.is_maker,
    })
}
