//! The interface for orders over a WebSocket: requests, answers, and who is logged on.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::super::words::MS_NS;
use super::authority::Claim;
use super::method::Method;
use super::parameters::Parameters;
use super::refused::Refused;
use super::{Call, holdings, perform};
use crate::exchange::Exchange;
use crate::fault::Drop;
use crate::held::{Delivery, Later, Stage, Then};
use crate::http::Request;
use crate::login::Login;
use crate::trading::credential::Secret;

pub(crate) const PATH: &str = "/ws-api/v3";

/// Subscriptions that a connection may open in its life.
const SUBSCRIPTIONS_MAX: u32 = 65_535;

/// Makes a connection one of the interface for orders.
pub(crate) fn open(exchange: &mut Exchange, id: u64, request: &Request) {
    let tells_limits = request.query("returnRateLimits").is_none_or(|value| value != "false");
    let login = Login::new(exchange.told_ns() / MS_NS, tells_limits);
    let now_ns = exchange.now_ns;
    if let Some(trading) = &mut exchange.trading {
        trading.quota.weigh(now_ns, 2);
    }
    if let Some(link) = exchange.links.get_mut(&id) {
        link.login = Some(login);
    }
}

/// Does what a message asks and answers it, at once or later.
pub(crate) fn receive(exchange: &mut Exchange, id: u64, text: &str) -> Option<Later> {
    let session = logged_on(exchange, id);
    hear(exchange, id, text, session, Stage::Arrived)
}

/// Does what a request asks that was held back, even if its connection has ended since.
pub(crate) fn resume(exchange: &mut Exchange, id: u64, text: &str, session: Option<String>) {
    // Nothing holds it back twice.
    let _ = hear(exchange, id, text, session, Stage::Resumed);
}

/// A request as it was read.
struct Asked {
    method: Method,
    parameters: Parameters,
    reply: Reply,
}

/// How a request is answered.
struct Reply {
    /// The number of the request as it was written.
    number: String,
    /// Whether the request itself wants to know how much of the limits is used.
    tells_limits: bool,
    /// Whether those of orders are part of it.
    tells_orders: bool,
}

impl Reply {
    fn plain(number: &str) -> Self {
        Self { number: number.to_owned(), tells_limits: true, tells_orders: false }
    }
}

type Members = BTreeMap<String, Box<RawValue>>;

fn read(text: &str) -> Result<Asked, (Reply, Refused)> {
    let Ok(fields) = serde_json::from_str::<Members>(text) else {
        return Err((Reply::plain("null"), Refused::new(-1135, "Invalid JSON Request")));
    };
    let number = fields.get("id").map_or("null", |raw| raw.get());
    let is_integer =
        |text: &str| text.strip_prefix('-').unwrap_or(text).bytes().all(|byte| byte.is_ascii_digit());
    let is_number = number == "null" || number.starts_with('"') || is_integer(number);
    let method = fields.get("method").and_then(|raw| serde_json::from_str::<String>(raw.get()).ok());
    let (true, Some(method)) = (is_number, method.and_then(|name| Method::named(&name))) else {
        return Err((Reply::plain(if is_number { number } else { "null" }), Refused::of_code(-1020)));
    };
    let members = fields.get("params").map(|raw| serde_json::from_str::<Members>(raw.get()));
    let parameters = Parameters::of_json(&members.and_then(Result::ok).unwrap_or_default());
    let reply = Reply {
        number: number.to_owned(),
        tells_limits: parameters.text("returnRateLimits") != Some("false"),
        tells_orders: method == Method::Place,
    };
    Ok(Asked { method, parameters, reply })
}

fn hear(
    exchange: &mut Exchange,
    id: u64,
    text: &str,
    session: Option<String>,
    stage: Stage,
) -> Option<Later> {
    let Asked { method, parameters, reply } = match read(text) {
        Ok(asked) => asked,
        Err((reply, refused)) => {
            answer(exchange, id, &reply, Err(&refused));
            return None;
        }
    };
    if is_revoked(exchange, id) {
        answer(exchange, id, &Reply::plain("null"), Err(&Refused::of_code(-2015)));
        return None;
    }
    let claim = Claim {
        parameters: &parameters,
        key: parameters.text("apiKey"),
        signature: parameters.text("signature"),
        payload: parameters.payload(),
        session: session.clone().filter(|_| method != Method::Logon),
    };
    let call = Call { connection: Some(id), method, parameters: &parameters, claim };
    let outcome = perform(exchange, &call, stage);
    match outcome.delivery {
        Delivery::AtOnce => {
            answer(exchange, id, &reply, outcome.answer.as_ref());
            exchange.tell_reports();
        }
        Delivery::AfterReports { ms } => {
            exchange.tell_reports();
            let text = text_of(exchange, id, &reply, outcome.answer.as_ref());
            if ms > 0 {
                return Some(Later::after(ms, Then::Answer(vec![text])));
            }
            exchange.answer(id, text);
        }
        Delivery::Held { ms } => {
            let then = Then::Do { text: text.to_owned(), session };
            return Some(Later::after(ms, then));
        }
        Delivery::Lost => {
            exchange.end(id, Drop::NoClose, 1006, "fault: the answer was lost");
            exchange.tell_reports();
        }
    }
    None
}

/// Forgets who is logged on when that key may nothing any more; whether it was so.
fn is_revoked(exchange: &mut Exchange, id: u64) -> bool {
    let Some(name) = logged_on(exchange, id) else { return false };
    let credential = exchange.trading.as_ref().and_then(|trading| trading.credential(&name));
    let is_revoked = credential.is_none_or(|credential| credential.is_revoked);
    if is_revoked && let Some(login) = login(exchange, id) {
        login.key = None;
    }
    is_revoked
}

fn login(exchange: &mut Exchange, id: u64) -> Option<&mut Login> {
    exchange.links.get_mut(&id).and_then(|link| link.login.as_mut())
}

fn logged_on(exchange: &Exchange, id: u64) -> Option<String> {
    let login = exchange.links.get(&id).and_then(|link| link.login.as_ref())?;
    login.key.as_ref().map(|(name, _)| name.clone())
}

fn answer(exchange: &mut Exchange, id: u64, reply: &Reply, result: Result<&Value, &Refused>) {
    let text = text_of(exchange, id, reply, result);
    exchange.answer(id, text);
}

fn text_of(exchange: &mut Exchange, id: u64, reply: &Reply, result: Result<&Value, &Refused>) -> String {
    let told_ms = exchange.told_ns() / MS_NS;
    let (status, body) = match result {
        Ok(result) => (200, format!("\"result\":{result}")),
        Err(refused) => {
            let mut error = json!({ "code": refused.code, "msg": refused.msg });
            if let Some(retry_after_ms) = refused.retry_after_ms {
                error["data"] = json!({ "serverTime": told_ms, "retryAfter": retry_after_ms });
            }
            (refused.status, format!("\"error\":{error}"))
        }
    };
    let tells = reply.tells_limits && login(exchange, id).is_some_and(|login| login.tells_limits);
    let limits = if tells {
        format!(",\"rateLimits\":{}", holdings::limits(exchange, reply.tells_orders))
    } else {
        String::new()
    };
    let number = &reply.number;
    format!("{{\"id\":{number},\"status\":{status},{body}{limits}}}")
}

/// What concerns the connection itself.
pub(super) fn change(
    exchange: &mut Exchange,
    id: u64,
    method: Method,
    claim: &Claim<'_>,
    parameters: &Parameters,
) -> Result<Value, Refused> {
    let told_ms = exchange.told_ns() / MS_NS;
    if method == Method::Logon {
        let key = claim.key.and_then(|name| exchange.trading.as_ref()?.credential(name));
        if key.is_some_and(|credential| !matches!(credential.key.secret, Secret::Ed25519(_))) {
            return Err(Refused::new(-4056, "HMAC_SHA256 API key is not supported."));
        }
    }
    let login = login(exchange, id).ok_or_else(|| Refused::of_code(-1020))?;
    match method {
        Method::Logon => login.key = claim.key.map(|name| (name.to_owned(), told_ms)),
        Method::Logout => login.key = None,
        Method::Subscribe => {
            let key = login.key.as_ref().map(|(name, _)| name.clone());
            return subscribe(login, key.as_deref());
        }
        Method::SubscribeSigned => return subscribe(login, claim.name()),
        Method::Unsubscribe => {
            match parameters.number("subscriptionId")? {
                Some(number) => login.subscriptions.retain(|known, _| u64::from(*known) != number),
                None => login.subscriptions.clear(),
            }
            return Ok(json!({}));
        }
        Method::Subscriptions => {
            let listed = login.subscriptions.keys().map(|number| json!({ "subscriptionId": number }));
            return Ok(listed.collect());
        }
        Method::SessionStatus
        | Method::Ping
        | Method::Time
        | Method::Place
        | Method::Test
        | Method::Cancel
        | Method::CancelAll
        | Method::Status
        | Method::OpenOrders
        | Method::AllOrders
        | Method::Account
        | Method::Trades
        | Method::OrderCount
        | Method::KeyRestrictions => {}
    }
    let (key, since) = match &login.key {
        Some((name, since_ms)) => (json!(name), json!(since_ms)),
        None => (Value::Null, Value::Null),
    };
    Ok(json!({
        "apiKey": key, "authorizedSince": since, "connectedSince": login.connected_ms,
        "returnRateLimits": login.tells_limits, "serverTime": told_ms,
        "userDataStream": !login.subscriptions.is_empty(),
    }))
}

fn subscribe(login: &mut Login, key: Option<&str>) -> Result<Value, Refused> {
    let key = key.ok_or_else(|| Refused::of_code(-2015))?;
    if login.subscriptions_opened >= SUBSCRIPTIONS_MAX {
        return Err(Refused::new(-1191, "Too many subscriptions."));
    }
    let number = login.subscribe(key).ok_or_else(|| Refused::of_code(-2035))?;
    Ok(json!({ "subscriptionId": number }))
}
