//! Kraken's private REST interface: the token of a session, balances, orders and trades.

use ring::digest;
use serde_json::{Map, Value, json};

use super::executions;
use crate::decimal;
use crate::exchange::Exchange;
use crate::http::{Request, Response, decoded};
use crate::instrument::{Instrument, kraken_old_asset};
use crate::log::Entry;
use crate::trading::account::{Account, Which};
use crate::trading::amount::Amount;
use crate::trading::credential::Permission;
use crate::trading::fill::Fill;
use crate::trading::order::{Order, Status};
use crate::trading::quota::Admission;

/// Trades, or orders that have ended, in one answer.
const ROWS_MAX: usize = 50;
/// Trades that are asked for by name in one request.
const NAMES_MAX: usize = 20;
/// Where a key is told what it may do, which every key may ask.
const KEY_PATH: &str = "/0/private/GetApiKeyInfo";
/// How long a token opens sessions.
const TOKEN_NS: i64 = 900_000_000_000;

/// Whether the request is one for this interface.
pub(crate) fn is_asked(exchange: &Exchange, request: &Request) -> bool {
    exchange.trading.is_some() && request.path().starts_with("/0/private/")
}

/// Answers a request; an error is in Kraken's words, with status 200 as Kraken has it.
pub(crate) fn answer(exchange: &mut Exchange, request: &Request) -> Response {
    let body = String::from_utf8_lossy(&request.body).into_owned();
    let (banned, heard) = admit(exchange);
    let heard = heard.and_then(|()| checked(exchange, request, &body));
    let answered = heard.and_then(|key| dispatch(exchange, request, &body, &key));
    exchange.note(Entry::Request { target: request.target.clone(), status: 200, banned });
    match answered {
        Ok(result) => Response::ok(json!({ "error": [], "result": result }).to_string()),
        Err(error) => Response::ok(json!({ "error": [error] }).to_string()),
    }
}

/// Whether a client that asks now had been told to wait, and what it is answered then.
fn admit(exchange: &mut Exchange) -> (bool, Result<(), String>) {
    let now_ns = exchange.now_ns;
    let Some(trading) = &mut exchange.trading else { return (false, Ok(())) };
    let refused = || Err("EAPI:Rate limit exceeded".to_owned());
    match trading.quota.admit(now_ns) {
        Admission::Heard => (false, Ok(())),
        Admission::Told { .. } => (false, refused()),
        Admission::Ignored { .. } => (!trading.quota.is_news(now_ns), refused()),
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
    if !credential.may(Permission::Read) && request.path() != KEY_PATH {
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
            let open = account.open_orders(None).into_iter().filter(|order| is_meant(order, body));
            Ok(json!({ "open": orders(exchange, body, open) }))
        }
        "/0/private/ClosedOrders" => {
            let ended = account.orders().rev().filter(|order| !order.status.is_open());
            let meant = ended.filter(|order| is_meant(order, body)).skip(offset(body)?).take(ROWS_MAX);
            Ok(json!({ "closed": orders(exchange, body, meant) }))
        }
        "/0/private/QueryOrders" => {
            let names = field(body, "txid").ok_or("EGeneral:Invalid arguments:txid")?;
            let ids: Vec<u64> = names.split(',').filter_map(executions::number).collect();
            let meant: Vec<&Order> = account.orders().filter(|order| ids.contains(&order.id)).collect();
            if meant.is_empty() {
                return Err("EOrder:Unknown order".to_owned());
            }
            Ok(orders(exchange, body, meant.into_iter()))
        }
        "/0/private/QueryTrades" => named_trades(exchange, account, body),
        KEY_PATH => Ok(key_told(exchange, key)),
        "/0/private/TradesHistory" => trades(exchange, account, body),
        _ => Err("EGeneral:Unknown method".to_owned()),
    }
}

/// What a key may do, in the words of the venue's page of it.
fn key_told(exchange: &Exchange, key: &str) -> Value {
    let credential = exchange.trading.as_ref().and_then(|trading| trading.credential(key));
    let of = |permission, words: &[&'static str]| {
        let may = credential.is_some_and(|known| known.may(permission));
        if may { words.to_vec() } else { Vec::new() }
    };
    let looks = of(Permission::Read, &["query-funds", "query-open-trades", "query-closed-trades"]);
    let trades = of(Permission::Trade, &["modify-trades", "close-trades"]);
    let moves = of(Permission::Withdraw, &["withdraw-funds"]);
    let permissions = [looks, trades, moves].concat();
    let nonce = credential.map_or(0, |known| known.nonce).to_string();
    json!({
        "apiKeyName": key, "apiKey": key, "nonce": nonce, "nonceWindow": 0,
        "permissions": permissions, "validUntil": "0", "queryFrom": "0", "queryTo": "0",
        "ipAllowlist": [],
    })
}

/// Whether an order is of the client's name that a request is restricted to, if it is to any.
fn is_meant(order: &Order, body: &str) -> bool {
    field(body, "cl_ord_id").is_none_or(|name| *name == *order.client_id)
}

fn offset(body: &str) -> Result<usize, String> {
    let offset = field(body, "ofs").map_or(Ok(0), |text| text.parse::<usize>());
    offset.map_err(|_| "EGeneral:Invalid arguments:ofs".to_owned())
}

fn balances(account: &Account, with_holds: bool) -> Value {
    let listed = account.ledger().balances().map(|(name, balance)| {
        let total = balance.total().to_string();
        let told = if with_holds {
            json!({ "balance": total, "hold_trade": balance.locked.to_string() })
        } else {
            total.into()
        };
        (kraken_old_asset(name), told)
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

/// Orders, with the names of their trades where the request asks for them.
fn orders<'a>(exchange: &Exchange, body: &str, orders: impl Iterator<Item = &'a Order>) -> Value {
    let fills = exchange.trading.as_ref().map_or(&[][..], |trading| trading.account.fills());
    let wants_trades = field(body, "trades").as_deref() == Some("true");
    let told = orders.filter_map(|order| {
        let instrument = instrument(exchange, &order.market)?;
        let mut told = order_told(instrument, order);
        if wants_trades {
            let own: Vec<&Fill> = fills.iter().filter(|fill| fill.order == order.id).collect();
            let own = consolidated(own, body);
            told["trades"] = own.iter().map(|fill| executions::name('T', fill.id)).collect();
        }
        Some((executions::name('O', order.id), told))
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

/// Fills as the venue tells them unless `consolidate_taker` is `false`: those of one taking order at one price and moment are
/// one.
fn consolidated(fills: Vec<&Fill>, body: &str) -> Vec<Fill> {
    if field(body, "consolidate_taker").as_deref() == Some("false") {
        return fills.into_iter().cloned().collect();
    }
    let mut told: Vec<Fill> = Vec::new();
    for fill in fills {
        let is_one = |last: &&mut Fill| {
            let names = (last.order, last.time_ns, last.price);
            !last.is_maker && !fill.is_maker && names == (fill.order, fill.time_ns, fill.price)
        };
        match told.last_mut().filter(is_one) {
            Some(last) => {
                last.quantity += fill.quantity;
                last.quote += fill.quote;
                last.fee += fill.fee;
            }
            None => told.push(fill.clone()),
        }
    }
    told
}

fn trades_told(exchange: &Exchange, account: &Account, fills: impl Iterator<Item = Fill>) -> Value {
    let told = fills.filter_map(|fill| {
        let instrument = instrument(exchange, &fill.market)?;
        let kind = account.order(&fill.market, &Which::Id(fill.order)).map_or("limit", executions::kind);
        Some((executions::name('T', fill.id), trade_told(instrument, &fill, kind)))
    });
    Value::Object(told.collect::<Map<String, Value>>())
}

/// The trades of the account after `start` and until `end`, newest first, from `ofs` on.
fn trades(exchange: &Exchange, account: &Account, body: &str) -> Result<Value, String> {
    let moment = |name: &str| {
        let read = |text: String| decimal::units(&text, 9).and_then(|units| i64::try_from(units).ok());
        let invalid = || format!("EGeneral:Invalid arguments:{name}");
        field(body, name).map(|text| read(text).ok_or_else(invalid)).transpose()
    };
    let (start_ns, end_ns) = (moment("start")?.unwrap_or(i64::MIN), moment("end")?.unwrap_or(i64::MAX));
    let fills = account.fills().iter().filter(|fill| fill.time_ns > start_ns && fill.time_ns <= end_ns);
    let fills = consolidated(fills.collect(), body);
    let count = fills.len();
    let page = fills.into_iter().rev().skip(offset(body)?).take(ROWS_MAX);
    Ok(json!({ "trades": trades_told(exchange, account, page), "count": count }))
}

/// The trades of these names, each by itself.
fn named_trades(exchange: &Exchange, account: &Account, body: &str) -> Result<Value, String> {
    let names = field(body, "txid").ok_or("EGeneral:Invalid arguments:txid")?;
    let names: Vec<&str> = names.split(',').map(str::trim).collect();
    if names.len() > NAMES_MAX {
        return Err("EGeneral:Invalid arguments:txid".to_owned());
    }
    let is_named = |fill: &&Fill| names.contains(&executions::name('T', fill.id).as_str());
    let named = account.fills().iter().filter(is_named).cloned();
    Ok(trades_told(exchange, account, named))
}

fn trade_told(instrument: &Instrument, fill: &Fill, kind: &str) -> Value {
    json!({
        "ordertxid": executions::name('O', fill.order), "pair": instrument.kraken_key(),
        "time": seconds(fill.time_ns), "type": executions::side(fill.side), "ordertype": kind,
        "price": instrument.price(fill.price), "cost": fill.quote.to_string(), "fee": fill.fee.to_string(),
        "vol": instrument.quantity(fill.quantity), "margin": "0.00000", "misc": "", "trade_id": fill.id,
        "maker": fill.is_maker,
    })
}
