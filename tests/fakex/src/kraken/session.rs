//! Subscriptions with Kraken's answers.

use serde_json::{Map, Value, json};

use super::answer::{keep_number, refuse};
use super::{orders, subscription};
use crate::calendar::rfc3339;
use crate::exchange::Exchange;
use crate::held::{Later, Stage};
use crate::instrument::Status;
use crate::interval::Interval;
use crate::payload::kraken as payload;
use crate::stream::{Channel, Stream};

/// Trades and bars in the first message of a channel.
const SNAPSHOT_TRADES: usize = 50;
const SNAPSHOT_BARS: usize = 100;

/// The message of the channel `status`.
pub(crate) fn status(system: &str) -> String {
    format!(
        "{{\"channel\":\"status\",\"type\":\"update\",\"data\":[{{\"version\":\"2.0.10\",\"system\":\"{system}\",\
         \"api_version\":\"v2\",\"connection_id\":1}}]}}"
    )
}

/// The first message of a connection; heartbeats begin with it.
pub(crate) fn open(exchange: &mut Exchange, id: u64) {
    exchange.answer(id, status("online"));
}

/// Answers a message of a client.
pub(crate) fn receive(exchange: &mut Exchange, id: u64, text: &str) -> Option<Later> {
    let time_in = rfc3339(exchange.told_ns());
    let Ok(fields) = serde_json::from_str::<Map<String, Value>>(text) else {
        refuse(exchange, id, "", "Malformed request", &Map::new(), None);
        return None;
    };
    let method = fields.get("method").and_then(Value::as_str).unwrap_or_default();
    match method {
        "ping" => {
            let mut pong = json!({ "method": "pong", "time_in": time_in, "time_out": time_in });
            keep_number(&mut pong, &fields);
            exchange.answer(id, pong.to_string());
        }
        "subscribe" | "unsubscribe" => change(exchange, id, method, &fields),
        _ if exchange.trading.is_some() && orders::METHODS.contains(&method) => {
            return orders::receive(exchange, id, text, Stage::Arrived);
        }
        _ => refuse(exchange, id, method, "Unknown method", &fields, None),
    }
    None
}

/// The channel that the parameters ask for, with the words of a refusal.
fn channel(exchange: &Exchange, params: &Map<String, Value>) -> Result<Channel, String> {
    let number = |name: &str, default: u64| match params.get(name) {
        None => Ok(default),
        Some(value) => value.as_u64().ok_or_else(|| format!("{name} is not an integer")),
    };
    match params.get("channel").and_then(Value::as_str) {
        Some("trade") => Ok(Channel::Trades),
        Some("ticker") => Ok(Channel::Quotes),
        Some("ohlc") => {
            let interval = Interval::of_minutes(number("interval", 1)?);
            let offered = interval.filter(|interval| exchange.settings.intervals.contains(interval));
            offered.map(Channel::Bars).ok_or_else(|| "Ohlc interval not supported".to_owned())
        }
        Some("book") => match number("depth", 10)? {
            levels @ (10 | 25 | 100 | 500 | 1_000) => Ok(Channel::Book { levels: levels as u32 }),
            _ => Err("Book depth not supported".to_owned()),
        },
        Some(other) => Err(format!("Channel {other} is not supported by this exchange")),
        None => Err("Channel field missing".to_owned()),
    }
}

fn change(exchange: &mut Exchange, id: u64, method: &str, fields: &Map<String, Value>) {
    let none = Map::new();
    let params = fields.get("params").and_then(Value::as_object).unwrap_or(&none);
    if params.get("channel").and_then(Value::as_str) == Some("heartbeat") {
        return refuse(exchange, id, method, "Subscription to heartbeat is automatic", fields, None);
    }
    let private = subscription::channel(exchange, params.get("channel").and_then(Value::as_str));
    if let Some(private) = private {
        return subscription::change(exchange, id, method, private, fields);
    }
    let channel = match channel(exchange, params) {
        Ok(channel) => channel,
        Err(what) => return refuse(exchange, id, method, &what, fields, None),
    };
    let wants_snapshot = params.get("snapshot").and_then(Value::as_bool).unwrap_or(true);
    let symbols = params.get("symbol").and_then(Value::as_array);
    let symbols: Vec<&str> = symbols.into_iter().flatten().filter_map(Value::as_str).collect();
    if symbols.is_empty() {
        return refuse(exchange, id, method, "Symbol(s) not found", fields, None);
    }
    for name in symbols {
        let listed = exchange.symbol(|market| {
            market.instrument.status != Status::Delisted && market.instrument.slashed() == name
        });
        let Some(symbol) = listed else {
            refuse(exchange, id, method, &format!("Currency pair not supported {name}"), fields, Some(name));
            continue;
        };
        let stream = Stream { symbol, channel };
        accept(exchange, id, method, fields, params, name);
        if method == "unsubscribe" {
            exchange.unsubscribe(id, stream);
            continue;
        }
        let label = label(channel, name);
        exchange.subscribe(id, stream, &label);
        if let Some(link) = exchange.links.get_mut(&id) {
            link.heartbeats = true;
        }
        if wants_snapshot {
            snapshot(exchange, id, stream);
        }
    }
}

/// How faults and the log name a stream: `trade:BTC/USD`, `ohlc-60:BTC/USD`, `book-10:BTC/USD`.
fn label(channel: Channel, symbol: &str) -> String {
    match channel {
        Channel::Trades | Channel::AggregateTrades => format!("trade:{symbol}"),
        Channel::Quotes => format!("ticker:{symbol}"),
        Channel::Bars(interval) => format!("ohlc-{}:{symbol}", interval.minutes()),
        Channel::Book { levels } | Channel::TopOfBook { levels, .. } => format!("book-{levels}:{symbol}"),
        Channel::Depth { .. } => format!("book:{symbol}"),
    }
}

fn accept(
    exchange: &mut Exchange,
    id: u64,
    method: &str,
    fields: &Map<String, Value>,
    params: &Map<String, Value>,
    symbol: &str,
) {
    let mut result = params.clone();
    result.insert("symbol".to_owned(), symbol.into());
    result.entry("snapshot").or_insert(true.into());
    let time = rfc3339(exchange.told_ns());
    let mut answer =
        json!({ "method": method, "result": result, "success": true, "time_in": time, "time_out": time });
    keep_number(&mut answer, fields);
    exchange.answer(id, answer.to_string());
}

fn snapshot(exchange: &mut Exchange, id: u64, stream: Stream) {
    if exchange.replayed.is_some() {
        // The recording has its own.
        return;
    }
    let (now_ns, told_ns) = (exchange.now_ns, exchange.told_ns());
    let market = &exchange.market.symbols[stream.symbol];
    let instrument = &market.instrument;
    let text = match stream.channel {
        Channel::Trades | Channel::AggregateTrades => {
            let known = market.trades().len();
            let last = market.trades().iter().skip(known - SNAPSHOT_TRADES.min(known));
            payload::trades(instrument, "snapshot", last)
        }
        Channel::Quotes => {
            let view = exchange.view(stream.symbol, 1);
            let day = market.candles().forming(Interval::DAY, now_ns);
            payload::ticker(instrument, "snapshot", &view, day, told_ns)
        }
        Channel::Bars(interval) => {
            let from_ns = now_ns - interval.length_ns() * SNAPSHOT_BARS as i64;
            let bars = market.candles().range(interval, from_ns, now_ns, SNAPSHOT_BARS + 1, now_ns);
            payload::ohlc(instrument, "snapshot", &bars, interval)
        }
        Channel::Book { levels } | Channel::TopOfBook { levels, .. } => {
            let view = exchange.view(stream.symbol, levels);
            payload::book(instrument, "snapshot", &view, payload::checksum(instrument, &view), now_ns)
        }
        Channel::Depth { .. } => return,
    };
    exchange.answer(id, text);
}
