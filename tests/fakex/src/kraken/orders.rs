//! Kraken's requests for orders over the WebSocket: `add_order`, `cancel_order`, `cancel_all`.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::value::RawValue;

use super::executions;
use crate::calendar::{from_rfc3339, rfc3339};
use crate::decimal;
use crate::exchange::Exchange;
use crate::fault::Drop;
use crate::held::{Delivery, Later, Stage, Then, course};
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

/// The methods for orders.
pub(crate) const METHODS: [&str; 3] = ["add_order", "cancel_order", "cancel_all"];

const INVALID: &str = "EGeneral:Invalid arguments";

/// The latest deadline of an order, from when it comes.
const DEADLINE_MAX_NS: i64 = 60_000_000_000;

/// The members of a JSON object as they are written.
#[derive(Debug, Default)]
struct Members(BTreeMap<String, Box<RawValue>>);

impl Members {
    fn read(text: &str) -> Self {
        Self(serde_json::from_str(text).unwrap_or_default())
    }

    fn raw(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|raw| raw.get()).filter(|raw| *raw != "null")
    }

    /// The text of a member; numbers stay as they are written.
    fn text(&self, name: &str) -> Option<String> {
        let raw = self.raw(name)?;
        Some(serde_json::from_str::<String>(raw).unwrap_or_else(|_| raw.to_owned()))
    }

    fn list(&self, name: &str) -> Vec<String> {
        self.raw(name).and_then(|raw| serde_json::from_str(raw).ok()).unwrap_or_default()
    }

    fn units(&self, name: &str, decimals: u32) -> Result<Option<u64>, String> {
        let Some(text) = self.text(name) else { return Ok(None) };
        decimal::units(&text, decimals).map(Some).ok_or_else(|| format!("{INVALID}:{name}"))
    }
}

/// What one request is answered with, once for each order that it names.
type Answers = Vec<Result<String, String>>;

/// Does what a request asks and answers it, at once or later.
pub(crate) fn receive(exchange: &mut Exchange, id: u64, text: &str, stage: Stage) -> Option<Later> {
    let fields = Members::read(text);
    let method = fields.text("method").unwrap_or_default();
    let params = Members::read(fields.raw("params").unwrap_or("{}"));
    let (banned, heard) = match stage {
        Stage::Arrived => admit(exchange),
        Stage::Resumed => (false, Ok(())),
    };
    let heard = heard.and_then(|()| authorised(exchange, &params));
    let awaited = if method == "add_order" { Awaited::Place } else { Awaited::Cancel };
    let mishap = match (&heard, stage, &mut exchange.trading) {
        (Ok(()), Stage::Arrived, Some(trading)) => trading.mishaps.take(awaited),
        (Ok(()) | Err(_), Stage::Arrived | Stage::Resumed, _) => None,
    };
    let (fate, delivery) = course(stage, mishap);
    if let Delivery::Held { ms } = delivery {
        return Some(Later::after(ms, Then::Do { text: text.to_owned(), session: None }));
    }
    let answers = match heard {
        Ok(()) => disturbed(exchange, &method, &params, mishap),
        Err(error) => vec![Err(error)],
    };
    exchange.note(Entry::OrderRequest(Box::new(OrderRequest {
        connection: Some(id),
        method: method.clone(),
        symbol: params.text("symbol"),
        client_id: params.text("cl_ord_id"),
        status: if answers.iter().all(Result::is_ok) { 200 } else { 400 },
        code: None,
        banned,
        fate,
    })));
    let texts = answers.iter().map(|answer| written(exchange, &method, fields.raw("req_id"), answer));
    let texts: Vec<String> = texts.collect();
    match delivery {
        Delivery::AtOnce => {
            texts.into_iter().for_each(|text| exchange.answer(id, text));
            exchange.tell_reports();
        }
        Delivery::AfterReports { ms } => {
            exchange.tell_reports();
            return Some(Later::after(ms, Then::Answer(texts)));
        }
        Delivery::Held { .. } => {}
        Delivery::Lost => {
            exchange.end(id, Drop::NoClose, 1006, "fault: the answer was lost");
            exchange.tell_reports();
        }
    }
    None
}

/// Does what a request asks that was held back, even if its connection has ended since.
pub(crate) fn resume(exchange: &mut Exchange, id: u64, text: &str) {
    // Nothing holds it back twice.
    let _ = receive(exchange, id, text, Stage::Resumed);
}

/// Whether a client that asks now had been told to wait, and what it is answered then.
fn admit(exchange: &mut Exchange) -> (bool, Result<(), String>) {
    let now_ns = exchange.now_ns;
    let Some(trading) = &mut exchange.trading else { return (false, Ok(())) };
    let refused = || Err("EOrder:Rate limit exceeded".to_owned());
    match trading.quota.admit(now_ns) {
        Admission::Heard => (false, Ok(())),
        Admission::Told { .. } => (false, refused()),
        Admission::Ignored { .. } => (!trading.quota.is_news(now_ns), refused()),
    }
}

fn authorised(exchange: &Exchange, params: &Members) -> Result<(), String> {
    let token = params.text("token").unwrap_or_default();
    let trading = exchange.trading.as_ref();
    let credential = trading.and_then(|trading| trading.session(&token, exchange.now_ns));
    let credential = credential.ok_or("ESession:Invalid session")?;
    credential.may(Permission::Trade).then_some(()).ok_or_else(|| "EGeneral:Permission denied".to_owned())
}

/// Does what a request asks, unless a fault keeps it from being done, or from being told.
fn disturbed(exchange: &mut Exchange, method: &str, params: &Members, mishap: Option<Mishap>) -> Answers {
    match mishap {
        Some(Mishap::RequestLost) => vec![Err("EService:Unavailable".to_owned())],
        Some(Mishap::Rejected { code: -2010 }) => vec![Err("EOrder:Insufficient funds".to_owned())],
        Some(Mishap::Rejected { code }) => vec![Err(format!("EOrder:Rejected by a fault {code}"))],
        Some(Mishap::Unknown { is_done, .. }) => {
            if is_done {
                dispatch(exchange, method, params);
            }
            vec![Err("EService:Unavailable".to_owned())]
        }
        None
        | Some(Mishap::AckLost | Mishap::AckDelayed { .. } | Mishap::FillBeforeAck | Mishap::Held { .. }) => {
            dispatch(exchange, method, params)
        }
    }
}

fn dispatch(exchange: &mut Exchange, method: &str, params: &Members) -> Answers {
    match method {
        "add_order" => vec![add(exchange, params)],
        "cancel_order" => cancel(exchange, params),
        _ => vec![Ok(cancel_all(exchange))],
    }
}

fn written(
    exchange: &Exchange,
    method: &str,
    req_id: Option<&str>,
    answer: &Result<String, String>,
) -> String {
    let time = rfc3339(exchange.told_ns());
    let number = req_id.map(|number| format!(",\"req_id\":{number}")).unwrap_or_default();
    let (is_done, body) = match answer {
        Ok(result) => (true, format!("\"result\":{result}")),
        Err(error) => (false, format!("\"error\":{}", serde_json::json!(error))),
    };
    format!(
        "{{\"method\":\"{method}\"{number},\"success\":{is_done},{body},\"time_in\":\"{time}\",\"time_out\":\"{time}\"}}"
    )
}

/// Whether an order has come before its deadline, where it has one.
fn in_time(exchange: &Exchange, params: &Members) -> Result<(), String> {
    let Some(text) = params.text("deadline") else { return Ok(()) };
    let left_ns = from_rfc3339(&text).map(|deadline_ns| deadline_ns - exchange.told_ns());
    match left_ns {
        Some(left_ns) if left_ns < 0 => Err("EService:Deadline elapsed".to_owned()),
        Some(left_ns) if left_ns <= DEADLINE_MAX_NS => Ok(()),
        Some(_) | None => Err(format!("{INVALID}:deadline")),
    }
}

fn add(exchange: &mut Exchange, params: &Members) -> Result<String, String> {
    in_time(exchange, params)?;
    let name = params.text("symbol").ok_or_else(|| format!("{INVALID}:symbol"))?;
    let symbol = exchange
        .symbol(|market| market.instrument.status != Status::Delisted && market.instrument.slashed() == name);
    let symbol = symbol.ok_or_else(|| format!("Currency pair not supported {name}"))?;
    let terms = terms(&exchange.market.symbols[symbol].instrument, params)?;
    let client_id: Arc<str> = params.text("cl_ord_id").unwrap_or_default().into();
    let asked = Asked { client_id: client_id.clone(), terms, by_hand: false, marks: Vec::new() };
    if params.raw("validate") == Some("true") {
        exchange.try_order(symbol, &asked).map_err(|refusal| words(exchange, symbol, refusal))?;
        return Ok("{}".to_owned());
    }
    let id = exchange.place(symbol, asked).map_err(|refusal| words(exchange, symbol, refusal))?;
    let order = serde_json::json!({ "order_id": executions::name('O', id), "cl_ord_id": &*client_id });
    Ok(order.to_string())
}

fn terms(instrument: &Instrument, params: &Members) -> Result<Terms, String> {
    let invalid = |name: &str| format!("{INVALID}:{name}");
    let side = match params.text("side").as_deref() {
        Some("buy") => Side::Buy,
        Some("sell") => Side::Sell,
        _ => return Err(invalid("side")),
    };
    let quantity = params.units("order_qty", instrument.quantity_decimals)?;
    let price = params.units("limit_price", instrument.price_decimals)?;
    let kind = params.text("order_type").unwrap_or_default();
    let life = match params.text("time_in_force").map(|life| life.to_lowercase()).as_deref() {
        None | Some("gtc") => Life::Gtc,
        Some("ioc") => Life::Ioc,
        Some("fok") => Life::Fok,
        Some(_) => return Err(invalid("time_in_force")),
    };
    let purpose = if kind.starts_with("take-profit") { Purpose::TakeProfit } else { Purpose::StopLoss };
    let trigger = || {
        let triggers = Members::read(params.raw("triggers").unwrap_or("{}"));
        let price = triggers.units("price", instrument.price_decimals)?;
        price.map(|price| Trigger { price, purpose }).ok_or_else(|| invalid("triggers"))
    };
    let limited = || {
        let (Some(price), Some(quantity)) = (price, quantity) else { return Err(invalid("limit_price")) };
        let is_post_only = params.raw("post_only") == Some("true");
        Ok(if is_post_only {
            Kind::PostOnly { price, quantity }
        } else {
            Kind::Limit { price, quantity, life }
        })
    };
    let sized = || {
        let money = params.text("cash_order_qty").and_then(|text| Amount::read(&text));
        let size = money.map(Size::Quote).or(quantity.map(Size::Base));
        size.map(|size| Kind::Market { size }).ok_or_else(|| invalid("order_qty"))
    };
    let (kind, trigger) = match kind.as_str() {
        "limit" => (limited()?, None),
        "market" => (sized()?, None),
        "stop-loss" | "take-profit" => {
            let quantity = quantity.ok_or_else(|| invalid("order_qty"))?;
            (Kind::Market { size: Size::Base(quantity) }, Some(trigger()?))
        }
        "stop-loss-limit" | "take-profit-limit" => (limited()?, Some(trigger()?)),
        _ => return Err(invalid("order_type")),
    };
    Ok(Terms { side, kind, trigger })
}

/// Every order of which the account has no open one is refused by itself.
fn cancel(exchange: &mut Exchange, params: &Members) -> Answers {
    let by_id = params.list("order_id").into_iter().map(|name| (Some(name), None));
    let by_name = params.list("cl_ord_id").into_iter().map(|name| (None, Some(name)));
    let meant: Vec<(Option<String>, Option<String>)> = by_id.chain(by_name).collect();
    if meant.is_empty() {
        return vec![Err(format!("{INVALID}:order_id"))];
    }
    let answers = meant.into_iter().map(|(id, name)| {
        let which = match (&id, &name) {
            (Some(id), _) => executions::number(id).map(Which::Id),
            (None, name) => name.clone().map(Which::ClientId),
        };
        let order = which.and_then(|which| cancelled(exchange, &which));
        order.ok_or_else(|| "EOrder:Unknown order".to_owned())
    });
    answers.collect()
}

fn cancelled(exchange: &mut Exchange, which: &Which) -> Option<String> {
    let request: Arc<str> = "".into();
    let order = (0..exchange.market.symbols.len())
        .find_map(|symbol| exchange.cancel(symbol, which, Restriction::None, &request).ok())?;
    let answer =
        serde_json::json!({ "order_id": executions::name('O', order.id), "cl_ord_id": &*order.client_id });
    Some(answer.to_string())
}

fn cancel_all(exchange: &mut Exchange) -> String {
    let request: Arc<str> = "".into();
    let markets = 0..exchange.market.symbols.len();
    let cancelled =
        markets.map(|symbol| exchange.cancel_all(symbol, &request).map_or(0, |orders| orders.len()));
    format!("{{\"count\":{}}}", cancelled.sum::<usize>())
}

/// Kraken's words for a refusal.
fn words(exchange: &Exchange, symbol: usize, refusal: Refusal) -> String {
    let words = match refusal {
        Refusal::Rule(Rule::Price) => "EOrder:Tick size check failed",
        Refusal::Rule(Rule::Lot) => "EOrder:Order minimum not met",
        Refusal::Rule(Rule::Notional) => "EOrder:Cost minimum not met",
        Refusal::Rule(Rule::Orders | Rule::Triggers) => "EOrder:Orders limit exceeded",
        Refusal::Balance => "EOrder:Insufficient funds",
        Refusal::Duplicate => "EGeneral:Invalid arguments:cl_ord_id",
        Refusal::WouldTake => "EOrder:Post only order",
        Refusal::WouldWake => "EOrder:Invalid price",
        Refusal::Unknown | Refusal::Restricted => "EOrder:Unknown order",
        Refusal::Closed => match exchange.market.symbols[symbol].instrument.status {
            Status::CancelOnly => "EService:Market in cancel_only mode",
            Status::Trading | Status::Halted | Status::Delisted => "EService:Unavailable",
        },
    };
    words.to_owned()
}
