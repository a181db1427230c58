//! The interface for orders over REST.

use super::authority::Claim;
use super::method::Method;
use super::parameters::Parameters;
use super::refused::Refused;
use super::{Call, holdings, perform};
use crate::exchange::Exchange;
use crate::held::{Delivery, Stage};
use crate::http::{Reply, Request, Response};

/// Whether the request is one for this interface.
pub(crate) fn is_asked(exchange: &Exchange, request: &Request) -> bool {
    exchange.trading.is_some() && Method::of_rest(&request.method, request.path()).is_some()
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
    let Some(method) = Method::of_rest(&request.method, request.path()) else {
        return Reply::at_once(Response::refused(404, "{}"));
    };
    let query = request.target.split_once('?').map_or("", |(_, query)| query);
    let body = String::from_utf8_lossy(&request.body);
    let all = [query, body.as_ref()].into_iter().filter(|part| !part.is_empty());
    let parameters = Parameters::of_query(&all.collect::<Vec<_>>().join("&"));
    let parameters = match parameters {
        Ok(parameters) => parameters,
        Err(refused) => return Reply::at_once(refusal(exchange, &refused)),
    };
    let claim = Claim {
        parameters: &parameters,
        key: request.header("x-mbx-apikey").filter(|name| !name.is_empty()),
        signature: parameters.text("signature"),
        payload: payload(query, &body),
        session: None,
    };
    let call = Call { connection: None, method, parameters: &parameters, claim };
    let outcome = perform(exchange, &call, stage);
    exchange.tell_reports();
    let mut response = match &outcome.answer {
        Ok(result) => Response::ok(result.to_string()),
        Err(refused) => refusal(exchange, refused),
    };
    if let Some(used) = holdings::used(exchange) {
        response.headers.push(("X-MBX-USED-WEIGHT-1M", used.weight.to_string()));
        if method == Method::Place {
            response.headers.push(("X-MBX-ORDER-COUNT-10S", used.orders_10s.to_string()));
            response.headers.push(("X-MBX-ORDER-COUNT-1D", used.orders_day.to_string()));
        }
    }
    match outcome.delivery {
        Delivery::AtOnce => Reply::at_once(response),
        Delivery::AfterReports { ms } => Reply::after(ms, response),
        Delivery::Held { ms } => Reply::Held(std::time::Duration::from_millis(ms)),
        Delivery::Lost => Reply::Never,
    }
}

/// Counts what a question about the market weighs, and tells it, where there is an account whose limits it uses up.
pub(crate) fn weigh(exchange: &mut Exchange, request: &Request, response: &mut Response) {
    let now_ns = exchange.now_ns;
    let Some(trading) = &mut exchange.trading else { return };
    let weight = match request.path() {
        "/api/v3/exchangeInfo" => 20,
        "/api/v3/trades" | "/api/v3/historicalTrades" => 25,
        "/api/v3/depth" => 5,
        "/api/v3/aggTrades" => 4,
        "/api/v3/klines" => 2,
        _ => 1,
    };
    trading.quota.weigh(now_ns, weight);
    let used = trading.quota.used(now_ns).weight;
    response.headers.push(("X-MBX-USED-WEIGHT-1M", used.to_string()));
}

fn refusal(exchange: &Exchange, refused: &Refused) -> Response {
    let body = serde_json::json!({ "code": refused.code, "msg": refused.msg }).to_string();
    let told_ms = exchange.told_ns() / 1_000_000;
    // Rounded up, so that a client that waits as told asks after it.
    let seconds = refused.retry_after_ms.map(|at_ms| (at_ms - told_ms).max(0).unsigned_abs().div_ceil(1_000));
    let retry_after = seconds.map(|seconds| u32::try_from(seconds).unwrap_or(u32::MAX));
    Response { retry_after, ..Response::refused(refused.status, body) }
}

/// What is signed: query and body one after the other as they were sent, without the signature. Characters that a client
/// must have escaped make it something that nobody signed.
fn payload(query: &str, body: &str) -> String {
    let part = |text: &str| {
        let pairs: Vec<&str> = text.split('&').filter(|pair| !pair.starts_with("signature=")).collect();
        pairs.join("&")
    };
    let payload = part(query) + &part(body);
    let is_escaped = |byte: u8| byte.is_ascii_graphic() && !b"\"<>[]\\^`{|}".contains(&byte);
    if payload.bytes().all(is_escaped) { payload } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn query_and_body_are_signed_as_they_were_sent() {
        assert_eq!(payload("a=1&signature=x", "b=2"), "a=1b=2");
        assert_eq!(payload("a=%EF%BC%91", "b=2&signature=x%3D"), "a=%EF%BC%91b=2");
        assert_eq!(payload("a=１", ""), "", "what is not escaped was signed by nobody");
    }
}
