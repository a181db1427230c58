//! Market records as JSON with human numbers.

use engine_core::market::{Bar, MarketUpdate};
use serde_json::{Value, json};

use super::numbers::{moment, word};
use super::order_instruments::OrderInstruments;

pub(super) fn update(orders: &OrderInstruments, update: &MarketUpdate) -> (&'static str, Value) {
    let scale = orders.scale(update.instrument());
    let name = scale.name();
    match update {
        MarketUpdate::Trade(trade) => (
            "trade",
            json!({
                "instrument": name, "venue_at": moment(trade.venue_at), "price": scale.price(trade.price),
                "qty": scale.qty(trade.qty), "aggressor": word(trade.aggressor),
            }),
        ),
        MarketUpdate::Quote(quote) => (
            "quote",
            json!({
                "instrument": name, "venue_at": moment(quote.venue_at), "bid": scale.price(quote.bid),
                "bid_qty": scale.qty(quote.bid_qty), "ask": scale.price(quote.ask),
                "ask_qty": scale.qty(quote.ask_qty),
            }),
        ),
        MarketUpdate::Open(open) => (
            "bar_open",
            json!({ "instrument": name, "open_at": moment(open.open_at), "price": scale.price(open.open) }),
        ),
        MarketUpdate::Bar(bar) => ("bar", self::bar(orders, bar)),
        MarketUpdate::SignalBar(bar) => ("signal_bar", self::bar(orders, bar)),
    }
}

pub(super) fn bar(orders: &OrderInstruments, bar: &Bar) -> Value {
    let scale = orders.scale(bar.instrument);
    json!({
        "instrument": scale.name(), "open_at": moment(bar.open_at), "close_at": moment(bar.close_at),
        "open": scale.price(bar.open), "high": scale.price(bar.high), "low": scale.price(bar.low),
        "close": scale.price(bar.close), "volume": scale.qty(bar.volume), "trades": bar.trades,
    })
}
