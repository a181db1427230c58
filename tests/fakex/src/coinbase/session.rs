//! Subscriptions with Coinbase's answers, and its heartbeats.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::user;
use crate::calendar::rfc3339;
use crate::exchange::Exchange;
use crate::fault::Drop;
use crate::instrument::Status;
use crate::interval::Interval;
use crate::login::Private;
use crate::market::book::Level;
use crate::payload::coinbase as payload;
use crate::stream::{Channel, Stream, View};

/// Coinbase writes changes of the book every so often.
const LEVEL2: Channel = Channel::Depth { every_ms: 50 };
const CANDLES: Channel = Channel::Bars(Interval::FIVE_MINUTES);
/// Trades and candles in the first message of a channel.
const SNAPSHOT_TRADES: usize = 50;
const SNAPSHOT_CANDLES: usize = 100;

fn channel(name: &str) -> Option<Channel> {
    match name {
        "market_trades" => Some(Channel::Trades),
        "ticker" => Some(Channel::Quotes),
        "level2" => Some(LEVEL2),
        "candles" => Some(CANDLES),
        _ => None,
    }
}

/// Answers a message of a client.
pub(crate) fn receive(exchange: &mut Exchange, id: u64, text: &str) {
    let Ok(fields) = serde_json::from_str::<Map<String, Value>>(text) else {
        return refuse(exchange, id, "failed to decode request");
    };
    let field = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default();
    let subscribes = match field("type") {
        "subscribe" => true,
        "unsubscribe" => false,
        _ => return refuse(exchange, id, "type must be subscribe or unsubscribe"),
    };
    let name = field("channel");
    if name == "heartbeats" {
        if let Some(link) = exchange.links.get_mut(&id) {
            (link.heartbeats, link.subscribed) = (subscribes, true);
        }
        return tell_subscriptions(exchange, id);
    }
    if name == "user" && exchange.trading.is_some() {
        if user::change(exchange, id, &fields) {
            return tell_subscriptions(exchange, id);
        }
        return refuse(exchange, id, "authentication failure");
    }
    let Some(channel) = channel(name) else {
        return refuse(exchange, id, &format!("channel {name} is not known, or needs authentication"));
    };
    if channel == CANDLES && !exchange.settings.intervals.contains(&Interval::FIVE_MINUTES) {
        return refuse(
            exchange,
            id,
            "channel candles is not offered here: its five minutes are not among the intervals",
        );
    }
    let products = fields.get("product_ids").and_then(Value::as_array);
    let products: Vec<&str> = products.into_iter().flatten().filter_map(Value::as_str).collect();
    let mut symbols = Vec::new();
    for product in products {
        let listed = exchange.symbol(|market| {
            market.instrument.status != Status::Delisted && market.instrument.dashed() == product
        });
        match listed {
            Some(symbol) => symbols.push(symbol),
            None => return refuse(exchange, id, &format!("product {product} not found")),
        }
    }
    for symbol in symbols {
        let stream = Stream { symbol, channel };
        if subscribes {
            let label = format!("{name}:{}", exchange.market.symbols[symbol].instrument.dashed());
            exchange.subscribe(id, stream, &label);
            snapshot(exchange, id, stream, &label);
        } else {
            exchange.unsubscribe(id, stream);
        }
    }
    tell_subscriptions(exchange, id);
}

fn refuse(exchange: &mut Exchange, id: u64, message: &str) {
    exchange.answer(id, json!({ "type": "error", "message": message }).to_string());
    exchange.end(id, Drop::Fin, 1008, "refused");
}

fn snapshot(exchange: &mut Exchange, id: u64, stream: Stream, label: &str) {
    let now_ns = exchange.now_ns;
    let market = &exchange.market.symbols[stream.symbol];
    let instrument = &market.instrument;
    let book = market.book();
    let body = match stream.channel {
        Channel::Trades => {
            payload::trades(instrument, "snapshot", market.trades().iter().rev().take(SNAPSHOT_TRADES))
        }
        Channel::Quotes => {
            let view: View = exchange.view(stream.symbol, 1);
            payload::ticker(instrument, "snapshot", &view, market.candles().forming(Interval::DAY, now_ns))
        }
        Channel::Bars(interval) => {
            let from_ns = now_ns - interval.length_ns() * SNAPSHOT_CANDLES as i64;
            let bars = market.candles().range(interval, from_ns, now_ns, SNAPSHOT_CANDLES + 1, now_ns);
            payload::candles(instrument, "snapshot", &bars)
        }
        Channel::AggregateTrades
        | Channel::Depth { .. }
        | Channel::TopOfBook { .. }
        | Channel::Book { .. } => {
            let bids: Vec<Level> = book.bids().collect();
            payload::level2(instrument, "snapshot", &View { bids, asks: book.asks().collect() }, now_ns)
        }
    };
    exchange.answer_numbered(id, label, &body);
}

fn tell_subscriptions(exchange: &mut Exchange, id: u64) {
    let Some(link) = exchange.links.get(&id) else { return };
    let mut subscriptions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (channel, product) in link.streams.values().filter_map(|label| label.split_once(':')) {
        subscriptions.entry(channel).or_default().push(product);
    }
    if link.heartbeats {
        subscriptions.insert("heartbeats", vec!["heartbeats"]);
    }
    if link.private.as_ref().is_some_and(Private::hears_user) {
        subscriptions.insert("user", vec!["user"]);
    }
    let body = format!("subscriptions\n{}", json!([{ "subscriptions": subscriptions }]));
    exchange.answer_numbered(id, "", &body);
}

/// The message of every second, counted.
pub(crate) fn heartbeat(exchange: &mut Exchange, id: u64) {
    let told = rfc3339(exchange.told_ns());
    let Some(link) = exchange.links.get_mut(&id) else { return };
    let counter = link.heartbeats_sent;
    link.heartbeats_sent += 1;
    let body = format!("heartbeats\n[{{\"current_time\":\"{told}\",\"heartbeat_counter\":{counter}}}]");
    exchange.answer_numbered(id, "heartbeats", &body);
}
