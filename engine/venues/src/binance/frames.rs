//! What the streams of Binance say, as inputs.

use std::collections::BTreeMap;

use engine_core::event::Input;
use engine_core::instrument::Instrument;
use engine_core::market::{Aggressor, Bar, MarketUpdate, Quote, Trade};
use engine_core::time::{Span, Timestamp};

use super::interval_name;
use super::wire;
use crate::exact::{self, NumberError};
use crate::instrument_feed::{InstrumentFeed, TradeNumbers};
use crate::market_venue::{Channel, Stream};
use crate::session::{FrameReader, Read, Unsound};

/// One instrument of the run.
#[derive(Debug)]
struct Market {
    rules: Instrument,
    feed: InstrumentFeed,
    /// The number of the last quote told.
    quote: u64,
}

/// Reads the frames of a combined stream.
#[derive(Debug)]
pub(super) struct BinanceFrames {
    /// Stream names, as they are subscribed.
    names: Vec<String>,
    markets: BTreeMap<String, Market>,
    /// Kinds of messages that are not known, and how often they came.
    unknown: BTreeMap<String, u64>,
}

/// The name of a stream, in lower case as the venue wants it.
fn name_of(stream: &Stream) -> String {
    let symbol = stream.rules.symbol.to_lowercase();
    match stream.channel {
        Channel::Trades => format!("{symbol}@trade"),
        Channel::Quotes => format!("{symbol}@bookTicker"),
        Channel::Bars { seconds } => format!("{symbol}@kline_{}", interval_name(seconds).unwrap_or("1m")),
    }
}

impl BinanceFrames {
    pub(super) fn new(streams: &[Stream]) -> Self {
        let market = |stream: &Stream| {
            let feed = InstrumentFeed::new(stream.instrument);
            (stream.rules.symbol.clone(), Market { rules: stream.rules.clone(), feed, quote: 0 })
        };
        Self {
            names: streams.iter().map(name_of).collect(),
            markets: streams.iter().map(market).collect(),
            unknown: BTreeMap::new(),
        }
    }

    fn data(&mut self, at: Timestamp, stream: Option<&str>, text: &str) -> Result<Read, Unsound> {
        let named: wire::Named<'_> = parsed(text)?;
        let is_ticker = stream.is_some_and(|name| name.ends_with("@bookTicker"));
        match named.event {
            Some("trade") => self.trade(&parsed(text)?),
            Some("kline") => self.kline(at, &parsed::<wire::KlineEvent<'_>>(text)?.kline),
            None if is_ticker || (named.u.is_some() && stream.is_none()) => self.quote(at, &parsed(text)?),
            Some("serverShutdown") => Ok(Read { ends: true, ..Read::default() }),
            // A refused subscription would be a feed that never comes.
            None if named.code.is_some() => {
                let words = named.msg.unwrap_or_default();
                Err(Unsound::Connection(format!("it refuses to stream: {words}")))
            }
            None if named.id.is_some() => Ok(Read::default()),
            event => {
                *self.unknown.entry(event.unwrap_or("without a name").to_owned()).or_default() += 1;
                Ok(Read::default())
            }
        }
    }

    fn trade(&mut self, trade: &wire::Trade<'_>) -> Result<Read, Unsound> {
        let Some(Market { rules, feed, .. }) = self.markets.get_mut(&trade.symbol) else {
            return Ok(Read::default());
        };
        let taken = Trade {
            instrument: feed.instrument(),
            venue_at: milliseconds(trade.at)?,
            price: exact::price(trade.price, rules.price_decimals).map_err(number)?,
            qty: exact::qty(trade.qty, rules.qty_decimals).map_err(number)?,
            aggressor: if trade.is_buyer_maker { Aggressor::Seller } else { Aggressor::Buyer },
        };
        let mut inputs = Vec::new();
        feed.trade(TradeNumbers { first: trade.number, last: trade.number }, taken, &mut inputs);
        Ok(Read { inputs, is_data: true, ends: false })
    }

    fn quote(&mut self, at: Timestamp, quote: &wire::BookTicker<'_>) -> Result<Read, Unsound> {
        let Some(Market { rules, feed, quote: last }) = self.markets.get_mut(&quote.symbol) else {
            return Ok(Read::default());
        };
        let mut inputs = Vec::new();
        if quote.number > *last {
            let told = Quote {
                instrument: feed.instrument(),
                // Quotes say no time of their own: they are of now.
                venue_at: at,
                bid: exact::price(quote.bid, rules.price_decimals).map_err(number)?,
                bid_qty: exact::qty(quote.bid_qty, rules.qty_decimals).map_err(number)?,
                ask: exact::price(quote.ask, rules.price_decimals).map_err(number)?,
                ask_qty: exact::qty(quote.ask_qty, rules.qty_decimals).map_err(number)?,
            };
            if told.bid >= told.ask {
                return Err(Unsound::Frame(format!(
                    "a quote of {} is crossed: {} {}",
                    quote.symbol, quote.bid, quote.ask
                )));
            }
            *last = quote.number;
            feed.flows(&mut inputs);
            inputs.push(Input::Market(MarketUpdate::Quote(told)));
        }
        Ok(Read { inputs, is_data: true, ends: false })
    }

    fn kline(&mut self, at: Timestamp, kline: &wire::Kline<'_>) -> Result<Read, Unsound> {
        let Some(Market { rules, feed, .. }) = self.markets.get_mut(&kline.symbol) else {
            return Ok(Read::default());
        };
        let numbers = [kline.open, kline.high, kline.low, kline.close, kline.volume];
        let bar = bar_of(rules, (kline.open_ms, kline.last_ms), numbers, kline.trades)?;
        let bar = Bar { instrument: feed.instrument(), ..bar };
        let mut inputs = Vec::new();
        feed.bar(at, bar, kline.is_closed, &mut inputs);
        Ok(Read { inputs, is_data: true, ends: false })
    }
}

impl FrameReader for BinanceFrames {
    fn greetings(&self) -> Vec<String> {
        // At most 1024 streams a connection; their names fit in one message.
        let subscribe = serde_json::json!({ "method": "SUBSCRIBE", "params": self.names, "id": 1 });
        vec![subscribe.to_string()]
    }

    fn begins(&mut self, _number: u64) {}

    fn read(&mut self, at: Timestamp, _number: u64, text: &str) -> Result<Read, Unsound> {
        let combined: wire::Combined<'_> = parsed(text)?;
        match (combined.stream, combined.data) {
            (Some(stream), Some(data)) => self.data(at, Some(&stream), data.get()),
            _ => self.data(at, None, text),
        }
    }

    fn lost(&mut self) -> Vec<Input> {
        let mut inputs = Vec::new();
        self.markets.values_mut().for_each(|market| market.feed.lost(&mut inputs));
        inputs
    }
}

fn parsed<'a, T: serde::Deserialize<'a>>(text: &'a str) -> Result<T, Unsound> {
    serde_json::from_str(text).map_err(|error| Unsound::Frame(error.to_string()))
}

fn number(error: NumberError) -> Unsound {
    Unsound::Frame(error.to_string())
}

fn milliseconds(at: i64) -> Result<Timestamp, Unsound> {
    Timestamp::from_millis(at).ok_or_else(|| Unsound::Frame(format!("{at} is no time")))
}

/// A bar from its first and last millisecond and its numbers: open, high, low, close, volume.
pub(super) fn bar_of(
    rules: &Instrument,
    (open_ms, last_ms): (i64, i64),
    [open, high, low, close, volume]: [&str; 5],
    trades: u64,
) -> Result<Bar, Unsound> {
    let price = |text| exact::price(text, rules.price_decimals).map_err(number);
    Ok(Bar {
        instrument: engine_core::instrument::InstrumentId::new(0),
        open_at: milliseconds(open_ms)?,
        close_at: milliseconds(last_ms)?.plus(Span::MILLISECOND),
        open: price(open)?,
        high: price(high)?,
        low: price(low)?,
        close: price(close)?,
        volume: exact::qty(volume, rules.qty_decimals).map_err(number)?,
        trades: u32::try_from(trades).map_err(|_| Unsound::Frame(format!("{trades} trades in one bar")))?,
    })
}

#[cfg(test)]
mod tests;
