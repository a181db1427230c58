//! Binance's interfaces for orders: the same methods by WebSocket and by REST, each request checked, counted and noted.

mod authority;
mod holdings;
mod inquiry;
mod method;
mod parameters;
mod placing;
mod refused;
pub(crate) mod rest;
pub(crate) mod websocket;

use serde_json::{Value, json};

use super::words::MS_NS;
use crate::exchange::Exchange;
use crate::held::{Delivery, Stage, course};
use crate::log::{Entry, OrderRequest};
use crate::trading::mishap::Mishap;
use crate::trading::quota::Admission;
use authority::Claim;
use method::Method;
use parameters::Parameters;
use refused::Refused;

/// A request, however it came.
struct Call<'a> {
    connection: Option<u64>,
    method: Method,
    parameters: &'a Parameters,
    claim: Claim<'a>,
}

/// What is answered, and how it comes to the client.
struct Outcome {
    answer: Result<Value, Refused>,
    delivery: Delivery,
}

/// Does what a request asks, with what faults make of it, and notes it.
fn perform(exchange: &mut Exchange, call: &Call<'_>, stage: Stage) -> Outcome {
    let (banned, heard) = match stage {
        Stage::Arrived => admit(exchange),
        Stage::Resumed => (false, Ok(())),
    };
    let heard = heard.and_then(|()| authority::check(exchange, &call.claim, call.method.permission()));
    let awaited = call.method.awaited().filter(|_| heard.is_ok() && stage == Stage::Arrived);
    let mishap = awaited
        .and_then(|awaited| exchange.trading.as_mut().and_then(|trading| trading.mishaps.take(awaited)));
    let (fate, delivery) = course(stage, mishap);
    if let Delivery::Held { .. } = delivery {
        return Outcome { answer: Ok(Value::Null), delivery };
    }
    let answer = heard.and_then(|()| disturbed(exchange, call, mishap));
    let weight = match &answer {
        Ok(_) => call.method.weight(call.parameters),
        Err(_) => call.method.weight(call.parameters).max(1),
    };
    let now_ns = exchange.now_ns;
    if let Some(trading) = &mut exchange.trading {
        trading.quota.weigh(now_ns, weight);
    }
    let client_id =
        ["newClientOrderId", "origClientOrderId"].iter().find_map(|name| call.parameters.text(name));
    exchange.note(Entry::OrderRequest(Box::new(OrderRequest {
        connection: call.connection,
        method: call.method.name().to_owned(),
        symbol: call.parameters.text("symbol").map(str::to_owned),
        client_id: client_id.map(str::to_owned),
        status: answer.as_ref().map_or_else(|refused| refused.status, |_| 200),
        code: answer.as_ref().err().map(|refused| refused.code),
        banned,
        fate,
    })));
    Outcome { answer, delivery }
}

/// Whether a client that asks now had been told to wait, and what it is answered then.
fn admit(exchange: &mut Exchange) -> (bool, Result<(), Refused>) {
    let told_ns = exchange.told_ns();
    if let Some(left) = exchange.disorder.ban_left() {
        let left_ns = i64::try_from(left.as_nanos()).unwrap_or(i64::MAX / 2);
        return (true, Err(Refused::banned((told_ns + left_ns) / MS_NS + 1)));
    }
    let (now_ns, skew_ns) = (exchange.now_ns, exchange.disorder.skew_ns);
    let Some(trading) = &mut exchange.trading else { return (false, Ok(())) };
    match trading.quota.admit(now_ns) {
        Admission::Heard => (false, Ok(())),
        Admission::Told { until_ns } => (false, Err(Refused::too_many((until_ns + skew_ns) / MS_NS + 1))),
        Admission::Ignored { until_ns } => (true, Err(Refused::banned((until_ns + skew_ns) / MS_NS + 1))),
    }
}

/// Does what a request asks, unless a fault keeps it from being done, or from being told.
fn disturbed(exchange: &mut Exchange, call: &Call<'_>, mishap: Option<Mishap>) -> Result<Value, Refused> {
    match mishap {
        Some(Mishap::RequestLost) => Err(Refused::of_code(-1007)),
        Some(Mishap::Rejected { code }) => Err(Refused::of_code(code)),
        Some(Mishap::Unknown { status, code, is_done }) => {
            if is_done {
                dispatch(exchange, call)?;
            }
            Err(Refused { status, ..Refused::of_code(code) })
        }
        None
        | Some(Mishap::AckLost | Mishap::AckDelayed { .. } | Mishap::FillBeforeAck | Mishap::Held { .. }) => {
            dispatch(exchange, call)
        }
    }
}

fn dispatch(exchange: &mut Exchange, call: &Call<'_>) -> Result<Value, Refused> {
    let parameters = call.parameters;
    parameters.only(call.method.parameters())?;
    match call.method {
        Method::Ping => Ok(json!({})),
        Method::Time => Ok(json!({ "serverTime": exchange.told_ns() / MS_NS })),
        Method::Place => placing::place(exchange, parameters),
        Method::Test => placing::test(exchange, parameters),
        Method::Cancel => placing::cancel(exchange, parameters),
        Method::CancelAll => placing::cancel_all(exchange, parameters),
        Method::Status => inquiry::status(exchange, parameters),
        Method::OpenOrders => inquiry::open_orders(exchange, parameters),
        Method::AllOrders => inquiry::all_orders(exchange, parameters),
        Method::Trades => holdings::trades(exchange, parameters),
        Method::Account => holdings::account(exchange, parameters),
        Method::OrderCount => Ok(holdings::order_count(exchange)),
        // It has no name on the WebSocket.
        Method::KeyRestrictions if call.connection.is_none() => {
            Ok(authority::restrictions(exchange, &call.claim))
        }
        Method::KeyRestrictions => Err(Refused::of_code(-1020)),
        Method::Logon
        | Method::SessionStatus
        | Method::Logout
        | Method::Subscribe
        | Method::SubscribeSigned
        | Method::Unsubscribe
        | Method::Subscriptions => match call.connection {
            Some(id) => websocket::change(exchange, id, call.method, &call.claim, parameters),
            None => Err(Refused::of_code(-1020)),
        },
    }
}
