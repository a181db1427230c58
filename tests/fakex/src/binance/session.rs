//! Subscriptions by path and by message, with Binance's answers.

use serde_json::{Map, Value, json};

use crate::exchange::Exchange;
use crate::http::{Request, decoded};
use crate::instrument::Status;
use crate::interval::Interval;
use crate::stream::{Channel, Stream};

/// Streams a connection may have.
const STREAMS_MAX: usize = 1_024;

/// Whether a path opens market streams.
pub(crate) fn is_path(path: &str) -> bool {
    path == "/stream" || path == "/ws" || path.starts_with("/ws/")
}

/// Subscribes to the streams that the path names; a name that is none is passed over, as Binance does.
pub(crate) fn open(exchange: &mut Exchange, id: u64, request: &Request) {
    let by_path = decoded(request.path().strip_prefix("/ws/").unwrap_or_default());
    let by_query = request.query("streams").unwrap_or_default();
    for name in by_path.split('/').chain(by_query.split('/')) {
        if let Some(stream) = stream(exchange, name) {
            exchange.subscribe(id, stream, name);
        }
    }
}

/// The stream of a name such as `btcusdt@kline_1m`.
fn stream(exchange: &Exchange, name: &str) -> Option<Stream> {
    let (symbol, kind) = name.split_once('@')?;
    let symbol = exchange.symbol(|market| {
        market.instrument.status != Status::Delisted && market.instrument.joined().to_lowercase() == symbol
    })?;
    let channel = match kind {
        "trade" => Channel::Trades,
        "aggTrade" => Channel::AggregateTrades,
        "bookTicker" => Channel::Quotes,
        "depth" | "depth@1000ms" => Channel::Depth { every_ms: 1_000 },
        "depth@100ms" => Channel::Depth { every_ms: 100 },
        other => return further(exchange, other).map(|channel| Stream { symbol, channel }),
    };
    Some(Stream { symbol, channel })
}

fn further(exchange: &Exchange, kind: &str) -> Option<Channel> {
    if let Some(name) = kind.strip_prefix("kline_") {
        let interval = Interval::named(name)?;
        return exchange.settings.intervals.contains(&interval).then_some(Channel::Bars(interval));
    }
    let (levels, every_ms) = match kind.strip_prefix("depth")?.split_once('@') {
        None => (kind.strip_prefix("depth")?, 1_000),
        Some((levels, "100ms")) => (levels, 100),
        Some((levels, "1000ms")) => (levels, 1_000),
        Some(_) => return None,
    };
    let levels = levels.parse().ok().filter(|levels| [5, 10, 20].contains(levels))?;
    Some(Channel::TopOfBook { levels, every_ms })
}

/// Answers a message of a client.
pub(crate) fn receive(exchange: &mut Exchange, id: u64, text: &str) {
    let answer = match serde_json::from_str::<Map<String, Value>>(text) {
        Err(_) => refusal(3, "Invalid JSON: expected value at line 1 column 1", &Value::Null),
        Ok(fields) => {
            let number = fields.get("id").cloned().unwrap_or(Value::Null);
            answer(exchange, id, &fields, &number)
        }
    };
    exchange.answer(id, answer);
}

fn answer(exchange: &mut Exchange, id: u64, fields: &Map<String, Value>, number: &Value) -> String {
    let is_number = number.is_null() || number.as_i64().is_some();
    let is_text =
        number.as_str().is_some_and(|text| text.len() <= 36 && text.chars().all(char::is_alphanumeric));
    if !is_number && !is_text {
        return refusal(2, "Invalid request: request ID must be an unsigned integer", &Value::Null);
    }
    let done = json!({ "result": null, "id": number }).to_string();
    match fields.get("method").and_then(Value::as_str) {
        Some(method @ ("SUBSCRIBE" | "UNSUBSCRIBE")) => {
            let names = fields.get("params").and_then(Value::as_array);
            let names: Option<Vec<&str>> = names.and_then(|names| names.iter().map(Value::as_str).collect());
            let Some(names) = names else {
                return refusal(2, "Invalid request: params must be an array of strings", number);
            };
            change(exchange, id, method == "SUBSCRIBE", &names)
                .err()
                .map_or(done, |what| refusal(2, what, number))
        }
        Some("LIST_SUBSCRIPTIONS") => {
            let link = exchange.links.get(&id);
            let names: Vec<String> = link
                .into_iter()
                .flat_map(|link| link.streams.values())
                .map(|name| name.to_string())
                .collect();
            json!({ "result": names, "id": number }).to_string()
        }
        Some("SET_PROPERTY") => {
            let params = fields.get("params").and_then(Value::as_array);
            let combined = params.filter(|params| params.first().is_some_and(|name| name == "combined"));
            let combined = combined.and_then(|params| params.get(1)).and_then(Value::as_bool);
            let (Some(combined), Some(link)) = (combined, exchange.links.get_mut(&id)) else {
                return refusal(0, "Unknown property", number);
            };
            link.combined = combined;
            done
        }
        Some("GET_PROPERTY") => {
            let combined = exchange.links.get(&id).is_some_and(|link| link.combined);
            json!({ "result": combined, "id": number }).to_string()
        }
        Some(method) => refusal(
            2,
            &format!(
                "Invalid request: unknown variant `{method}`, expected one of `SUBSCRIBE`, `UNSUBSCRIBE`, `LIST_SUBSCRIPTIONS`, `SET_PROPERTY`, `GET_PROPERTY`"
            ),
            number,
        ),
        None => refusal(2, "Invalid request: missing field `method`", number),
    }
}

fn change(exchange: &mut Exchange, id: u64, subscribes: bool, names: &[&str]) -> Result<(), &'static str> {
    let had = exchange.links.get(&id).map_or(0, |link| link.streams.len());
    if subscribes && had + names.len() > STREAMS_MAX {
        return Err("Invalid request: too many streams, at most 1024");
    }
    if names.iter().any(|name| !name.contains('@')) {
        return Err("Invalid request: invalid stream name");
    }
    for name in names {
        // A well-formed name that no market has is accepted and stays silent, as at Binance.
        match stream(exchange, name) {
            Some(stream) if subscribes => exchange.subscribe(id, stream, name),
            Some(stream) => exchange.unsubscribe(id, stream),
            None => {}
        }
    }
    Ok(())
}

fn refusal(code: u32, msg: &str, number: &Value) -> String {
    json!({ "code": code, "msg": msg, "id": number }).to_string()
}
