//! The messages of Binance's market streams.

use crate::instrument::Instrument;
use crate::interval::Interval;
use crate::market::book::Level;
use crate::market::candles::Kline;
use crate::market::trade::Trade;
use crate::stream::{Channel, Diff, Publication};

const MS_NS: i64 = 1_000_000;

/// The text of a publication, without the wrapping of combined streams.
pub(crate) fn body(
    instrument: &Instrument,
    publication: &Publication<'_>,
    channel: Channel,
    told_ns: i64,
) -> String {
    let told_ms = told_ns / MS_NS;
    match publication {
        Publication::Trades(trades) => {
            let write = if channel == Channel::AggregateTrades { aggregate } else { trade };
            trades.iter().map(|trade| write(instrument, trade, told_ms)).collect()
        }
        Publication::Quote { quote, update_id, .. } => format!(
            "{{\"u\":{update_id},\"s\":\"{}\",\"b\":\"{}\",\"B\":\"{}\",\"a\":\"{}\",\"A\":\"{}\"}}",
            instrument.joined(),
            instrument.price8(quote.bid.0),
            instrument.quantity8(quote.bid.1),
            instrument.price8(quote.ask.0),
            instrument.quantity8(quote.ask.1),
        ),
        Publication::Bar { bar, interval, closed } => kline(instrument, bar, *interval, *closed, told_ms),
        Publication::Depth(diff) => depth(instrument, diff, told_ms),
        Publication::Top { last_id, view } => format!(
            "{{\"lastUpdateId\":{last_id},\"bids\":{},\"asks\":{}}}",
            levels(instrument, view.bids.iter().copied()),
            levels(instrument, view.asks.iter().copied()),
        ),
        // Nobody can subscribe to it here.
        Publication::Book { .. } => String::new(),
    }
}

fn trade(instrument: &Instrument, trade: &Trade, told_ms: i64) -> String {
    format!(
        "{{\"e\":\"trade\",\"E\":{told_ms},\"s\":\"{}\",\"t\":{},\"p\":\"{}\",\"q\":\"{}\",\"T\":{},\"m\":{},\"M\":true}}",
        instrument.joined(),
        trade.id,
        instrument.price8(trade.price),
        instrument.quantity8(trade.quantity),
        trade.time_ns / MS_NS,
        trade.buyer_is_maker,
    )
}

/// Every trade is an aggregate of its own, under the same number.
fn aggregate(instrument: &Instrument, trade: &Trade, told_ms: i64) -> String {
    format!(
        "{{\"e\":\"aggTrade\",\"E\":{told_ms},\"s\":\"{}\",\"a\":{},\"p\":\"{}\",\"q\":\"{}\",\"f\":{},\"l\":{},\"T\":{},\
         \"m\":{},\"M\":true}}",
        instrument.joined(),
        trade.id,
        instrument.price8(trade.price),
        instrument.quantity8(trade.quantity),
        trade.id,
        trade.id,
        trade.time_ns / MS_NS,
        trade.buyer_is_maker,
    )
}

fn kline(instrument: &Instrument, bar: &Kline, interval: Interval, closed: bool, told_ms: i64) -> String {
    let symbol = instrument.joined();
    let ids = match bar.trades {
        0 => "\"f\":-1,\"L\":-1".to_owned(),
        trades => format!("\"f\":{},\"L\":{}", bar.first_id, bar.first_id + trades - 1),
    };
    format!(
        "{{\"e\":\"kline\",\"E\":{told_ms},\"s\":\"{symbol}\",\"k\":{{\"t\":{},\"T\":{},\"s\":\"{symbol}\",\"i\":\"{}\",\
         {ids},\"o\":\"{}\",\"c\":\"{}\",\"h\":\"{}\",\"l\":\"{}\",\"v\":\"{}\",\"n\":{},\"x\":{closed},\"q\":\"{}\",\
         \"V\":\"{}\",\"Q\":\"{}\",\"B\":\"0\"}}}}",
        bar.open_time_ns / MS_NS,
        bar.end_ns() / MS_NS - 1,
        interval.name(),
        instrument.price8(bar.open),
        instrument.price8(bar.close),
        instrument.price8(bar.high),
        instrument.price8(bar.low),
        instrument.quantity8(bar.volume),
        bar.trades,
        instrument.turnover8(bar.turnover),
        instrument.quantity8(bar.taker_buy_volume),
        instrument.turnover8(bar.taker_buy_turnover),
    )
}

fn depth(instrument: &Instrument, diff: &Diff, told_ms: i64) -> String {
    format!(
        "{{\"e\":\"depthUpdate\",\"E\":{told_ms},\"s\":\"{}\",\"U\":{},\"u\":{},\"b\":{},\"a\":{}}}",
        instrument.joined(),
        diff.first_id,
        diff.last_id,
        levels(instrument, diff.bids.iter().rev().map(|(price, quantity)| (*price, *quantity))),
        levels(instrument, diff.asks.iter().map(|(price, quantity)| (*price, *quantity))),
    )
}

/// Levels as pairs of texts.
pub(crate) fn levels(instrument: &Instrument, levels: impl Iterator<Item = Level>) -> String {
    let pairs: Vec<String> = levels
        .map(|(price, quantity)| {
            format!("[\"{}\",\"{}\"]", instrument.price8(price), instrument.quantity8(quantity))
        })
        .collect();
    format!("[{}]", pairs.join(","))
}
