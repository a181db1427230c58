//! The messages of Coinbase's channels, in an envelope that counts them.

use crate::calendar::rfc3339;
use crate::instrument::Instrument;
use crate::link::Link;
use crate::market::candles::Kline;
use crate::market::trade::Trade;
use crate::stream::{Publication, View};

const SECOND_NS: i64 = 1_000_000_000;

/// A body (`"channel":…,"events":…`) in its envelope, with the next number of the connection.
pub(crate) fn envelope(link: &mut Link, body: &str, told_ns: i64) -> (Option<u64>, String) {
    let sequence = link.sequence;
    link.sequence += 1;
    let (channel, events) = body.split_once('\n').unwrap_or((body, "[]"));
    let text = format!(
        "{{\"channel\":\"{channel}\",\"client_id\":\"\",\"timestamp\":\"{}\",\"sequence_num\":{sequence},\"events\":{events}}}",
        rfc3339(told_ns)
    );
    (Some(sequence), text)
}

/// The channel of a publication and its events, divided by a line end.
pub(crate) fn body(instrument: &Instrument, publication: &Publication<'_>) -> String {
    match publication {
        Publication::Trades(batch) => trades(instrument, "update", batch.iter()),
        Publication::Quote { quote, day, .. } => {
            let view = View { bids: vec![quote.bid], asks: vec![quote.ask] };
            ticker(instrument, "update", &view, *day)
        }
        Publication::Bar { bar, .. } => candles(instrument, "update", &[*bar]),
        Publication::Depth(diff) => {
            let view = View {
                bids: diff.bids.iter().map(|(price, quantity)| (*price, *quantity)).collect(),
                asks: diff.asks.iter().map(|(price, quantity)| (*price, *quantity)).collect(),
            };
            level2(instrument, "update", &view, diff.time_ns)
        }
        // Nobody can subscribe to them here.
        Publication::Top { .. } | Publication::Book { .. } => String::new(),
    }
}

/// Trades as the REST interface writes them too.
pub(crate) fn trade(instrument: &Instrument, trade: &Trade) -> String {
    // The side of the order that waited: so say frames recorded on 2026-08-09, held against their book.
    let side = if trade.buyer_is_maker { "BUY" } else { "SELL" };
    format!(
        "{{\"trade_id\":\"{}\",\"product_id\":\"{}\",\"price\":\"{}\",\"size\":\"{}\",\"side\":\"{side}\",\"time\":\"{}\"}}",
        trade.id,
        instrument.dashed(),
        instrument.price(trade.price),
        instrument.quantity(trade.quantity),
        rfc3339(trade.time_ns),
    )
}

/// Trades of the channel `market_trades`.
pub(crate) fn trades<'a>(
    instrument: &Instrument,
    kind: &str,
    batch: impl Iterator<Item = &'a Trade>,
) -> String {
    let listed: Vec<String> = batch.map(|one| trade(instrument, one)).collect();
    format!("market_trades\n[{{\"type\":\"{kind}\",\"trades\":[{}]}}]", listed.join(","))
}

/// The book of the channel `level2`, which answers as `l2_data`.
pub(crate) fn level2(instrument: &Instrument, kind: &str, view: &View, time_ns: i64) -> String {
    let time = rfc3339(time_ns);
    let update = |side: &str, price: u64, quantity: u64| {
        format!(
            "{{\"side\":\"{side}\",\"event_time\":\"{time}\",\"price_level\":\"{}\",\"new_quantity\":\"{}\"}}",
            instrument.price(price),
            instrument.quantity(quantity)
        )
    };
    let bids = view.bids.iter().map(|(price, quantity)| update("bid", *price, *quantity));
    let asks = view.asks.iter().map(|(price, quantity)| update("offer", *price, *quantity));
    let updates: Vec<String> = bids.chain(asks).collect();
    format!(
        "l2_data\n[{{\"type\":\"{kind}\",\"product_id\":\"{}\",\"updates\":[{}]}}]",
        instrument.dashed(),
        updates.join(",")
    )
}

/// The channel `ticker`; its day is the one of UTC, not the last 24 hours.
pub(crate) fn ticker(instrument: &Instrument, kind: &str, view: &View, day: Option<Kline>) -> String {
    let best = |levels: &[(u64, u64)]| {
        let level = levels.first().copied();
        level.map_or((String::new(), String::new()), |(price, quantity)| {
            (instrument.price(price), instrument.quantity(quantity))
        })
    };
    let (bid, ask) = (best(&view.bids), best(&view.asks));
    let of_day = day.map_or(String::new(), |day| {
        format!(
            "\"price\":\"{}\",\"volume_24_h\":\"{}\",\"low_24_h\":\"{}\",\"high_24_h\":\"{}\",",
            instrument.price(day.close),
            instrument.quantity(day.volume),
            instrument.price(day.low),
            instrument.price(day.high)
        )
    });
    format!(
        "ticker\n[{{\"type\":\"{kind}\",\"tickers\":[{{\"type\":\"ticker\",\"product_id\":\"{}\",{of_day}\"best_bid\":\"{}\",\
         \"best_bid_quantity\":\"{}\",\"best_ask\":\"{}\",\"best_ask_quantity\":\"{}\"}}]}}]",
        instrument.dashed(),
        bid.0,
        bid.1,
        ask.0,
        ask.1
    )
}

/// The fields of one candle, as the channel and REST write them.
pub(crate) fn candle(instrument: &Instrument, bar: &Kline) -> String {
    format!(
        "\"start\":\"{}\",\"high\":\"{}\",\"low\":\"{}\",\"open\":\"{}\",\"close\":\"{}\",\"volume\":\"{}\"",
        bar.open_time_ns / SECOND_NS,
        instrument.price(bar.high),
        instrument.price(bar.low),
        instrument.price(bar.open),
        instrument.price(bar.close),
        instrument.quantity(bar.volume)
    )
}

/// Candles of the channel `candles`.
pub(crate) fn candles(instrument: &Instrument, kind: &str, bars: &[Kline]) -> String {
    let product = instrument.dashed();
    let listed: Vec<String> = bars
        .iter()
        .map(|bar| format!("{{{},\"product_id\":\"{product}\"}}", candle(instrument, bar)))
        .collect();
    format!("candles\n[{{\"type\":\"{kind}\",\"candles\":[{}]}}]", listed.join(","))
}
