//! What the streams of a venue say, as inputs.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine_core::event::Input;
use engine_core::instrument::{Instrument, InstrumentId};
use engine_core::market::{Bar, MarketUpdate, Quote, Trade};
use engine_core::num::{Decimal, Price};
use engine_core::time::{Span, Timestamp};

use crate::continuity::{Break, Continuity, Finding, Numbered};
use crate::decimal::{self, NumberError};
use crate::dialect::Dialect;
use crate::dialect::request::{Channel as Words, Unserved};
use crate::frame_reader::{FrameReader, Read, Unsound};
use crate::instrument_feed::{InstrumentFeed, Missing, TradeNumbers};
use crate::market_venue::{Channel, Stream};
use crate::message::{Delivery, Kline, KlineState, MarketMessage, TopQuote, TradePrint};
use crate::missed_trades::{Hole, MissedTrades};

/// One instrument of the run.
#[derive(Debug)]
struct Market {
    rules: Instrument,
    feed: InstrumentFeed,
    /// The number of the last quote told.
    quote: u64,
    /// Length of the bars that are wanted.
    interval: Option<Span>,
    /// The bar that forms, of a venue that does not say when one is closed.
    forming: Option<Bar>,
}

impl Market {
    /// A trade in the instrument's decimals, and its numbers.
    fn taken(&self, print: &TradePrint) -> Result<(TradeNumbers, Trade), Unsound> {
        let Self { rules, feed, .. } = self;
        let taken = Trade {
            instrument: feed.instrument(),
            venue_at: print.venue_at,
            price: price(print.price, rules)?,
            qty: decimal::qty(print.qty, rules.qty_decimals).map_err(number)?,
            aggressor: print.aggressor,
        };
        let unnumbered = || Unsound::Frame(format!("a trade of {} has no number", print.symbol));
        let (first, last) = print.ids.range().ok_or_else(unnumbered)?;
        Ok((TradeNumbers { first, last }, taken))
    }
}

/// Reads the frames of a venue in its dialect.
#[derive(Debug)]
pub(crate) struct VenueFrames {
    dialect: Arc<dyn Dialect>,
    greetings: Vec<String>,
    markets: BTreeMap<String, Market>,
    /// Who knows what was missed; nobody in a recording.
    asked: Option<MissedTrades>,
    /// The numbers of frames and heartbeats of each connection that is heard.
    connections: BTreeMap<u64, Continuity>,
}

/// What the venue calls a channel.
fn words(channel: Channel) -> Words {
    match channel {
        Channel::Trades => Words::Trades,
        Channel::Quotes => Words::Quotes,
        Channel::Bars { seconds } => Words::Bars(length_of(seconds)),
    }
}

/// What each of `streams` is called, as in `BTCUSDT trades`.
pub(crate) fn names(streams: &[Stream]) -> Vec<String> {
    streams.iter().map(|stream| format!("{} {}", stream.rules.symbol, words(stream.channel))).collect()
}

fn length_of(seconds: u32) -> Span {
    Span::from_nanos(i64::from(seconds) * Span::SECOND.nanos())
}

impl VenueFrames {
    /// Reads `streams` in `dialect`.
    ///
    /// # Errors
    /// [`Unserved`] for a stream the venue does not have.
    pub(crate) fn new(dialect: Arc<dyn Dialect>, streams: &[Stream]) -> Result<Self, Unserved> {
        let mut by_channel: BTreeMap<Channel, Vec<&str>> = BTreeMap::new();
        let mut markets = BTreeMap::new();
        for Stream { instrument, rules, channel } in streams {
            by_channel.entry(*channel).or_default().push(&rules.symbol);
            let market = markets.entry(rules.symbol.clone()).or_insert_with(|| Market {
                rules: rules.clone(),
                feed: InstrumentFeed::new(*instrument),
                quote: 0,
                interval: None,
                forming: None,
            });
            match channel {
                Channel::Bars { seconds } => market.interval = Some(length_of(*seconds)),
                Channel::Trades | Channel::Quotes => market.feed.has_ticks(),
            }
        }
        let mut greetings: Vec<String> = Vec::new();
        for (channel, symbols) in by_channel {
            for greeting in dialect.subscribe(&symbols, &[words(channel)])? {
                if !greetings.contains(&greeting) {
                    greetings.push(greeting);
                }
            }
        }
        Ok(Self { dialect, greetings, markets, asked: None, connections: BTreeMap::new() })
    }

    /// Asks for what the streams leave out. Of an instrument with `recent` trades, what came behind them is missing too.
    pub(crate) fn asking(mut self, asked: MissedTrades, recent: &BTreeMap<InstrumentId, Vec<Trade>>) -> Self {
        for Market { feed, .. } in self.markets.values_mut() {
            feed.asks(recent.get(&feed.instrument()).map_or(&[], Vec::as_slice));
        }
        Self { asked: Some(asked), ..self }
    }

    /// What a connection has left out can only be had from another one. Trades have numbers of their own, over all
    /// connections.
    fn follow(&mut self, connection: u64, message: &MarketMessage) -> Result<(), Unsound> {
        match self.connections.entry(connection).or_default().observe(message) {
            Some(Finding { of: Numbered::Frames | Numbered::Heartbeats, kind: Break::Gap, known, came }) => {
                Err(Unsound::Connection(format!("number {came} came behind {known}")))
            }
            Some(_) | None => Ok(()),
        }
    }

    fn take(&mut self, at: Timestamp, message: MarketMessage, read: &mut Read) -> Result<(), Unsound> {
        match message {
            MarketMessage::Trade(print) => self.trade(&print, read),
            MarketMessage::Quote(quote) => self.quote(at, &quote, read),
            MarketMessage::Kline(kline) => self.kline(at, &kline, read),
            MarketMessage::SubscriptionRefused { reason, .. } => {
                // A refused subscription would be a feed that never comes.
                Err(Unsound::Connection(format!("it refuses to stream: {reason}")))
            }
            MarketMessage::ServerShutdown { .. } => {
                read.ends = true;
                Ok(())
            }
            MarketMessage::Sequence { .. }
            | MarketMessage::BookSnapshot(_)
            | MarketMessage::BookTop(_)
            | MarketMessage::BookChange(_)
            | MarketMessage::Heartbeat { .. }
            | MarketMessage::Subscribed { .. }
            | MarketMessage::VenueStatus { .. }
            | MarketMessage::SymbolStatus { .. }
            | MarketMessage::Listing(_)
            | MarketMessage::Unknown { .. } => Ok(()),
        }
    }

    fn trade(&mut self, print: &TradePrint, read: &mut Read) -> Result<(), Unsound> {
        let Some(market) = self.markets.get_mut(&print.symbol) else { return Ok(()) };
        let (numbers, taken) = market.taken(print)?;
        read.is_data = true;
        let missing = match print.delivery {
            Delivery::Past => market.feed.past_trade(numbers, taken, &mut read.inputs),
            Delivery::Live => market.feed.trade(numbers, taken, &mut read.inputs),
        };
        self.ask(&print.symbol, missing);
        Ok(())
    }

    fn ask(&self, symbol: &str, missing: Option<Missing>) {
        if let (Some(missing), Some(asked)) = (missing, &self.asked) {
            asked.ask(Hole { symbol: symbol.to_owned(), missing });
        }
    }

    fn quote(&mut self, at: Timestamp, top: &TopQuote, read: &mut Read) -> Result<(), Unsound> {
        let Some(Market { rules, feed, quote, .. }) = self.markets.get_mut(&top.symbol) else {
            return Ok(());
        };
        read.is_data = true;
        let (Some(bid), Some(ask)) = (top.bid, top.ask) else { return Ok(()) };
        if top.update_id.is_some_and(|id| id <= *quote) {
            return Ok(());
        }
        let told = Quote {
            instrument: feed.instrument(),
            // A quote without a time of its own is of now.
            venue_at: top.venue_at.unwrap_or(at),
            bid: price(bid.price, rules)?,
            bid_qty: decimal::qty(bid.qty, rules.qty_decimals).map_err(number)?,
            ask: price(ask.price, rules)?,
            ask_qty: decimal::qty(ask.qty, rules.qty_decimals).map_err(number)?,
        };
        if told.bid >= told.ask {
            return Err(Unsound::Frame(format!("a quote of {} is crossed", top.symbol)));
        }
        *quote = top.update_id.unwrap_or(*quote);
        feed.flows(&mut read.inputs);
        read.inputs.push(Input::Market(MarketUpdate::Quote(told)));
        Ok(())
    }

    fn kline(&mut self, at: Timestamp, kline: &Kline, read: &mut Read) -> Result<(), Unsound> {
        let Some(Market { rules, feed, forming, interval, .. }) = self.markets.get_mut(&kline.symbol) else {
            return Ok(());
        };
        if *interval != Some(kline.interval) {
            return Ok(());
        }
        let bar = Bar { instrument: feed.instrument(), ..bar_of(rules, kline).map_err(number)? };
        read.is_data = true;
        match kline.state {
            KlineState::Closed => feed.bar(at, bar, true, &mut read.inputs),
            KlineState::Forming => feed.bar(at, bar, false, &mut read.inputs),
            KlineState::Unsaid => {
                // The first word of the next bar says that the one before is closed.
                if let Some(before) = forming.replace(bar).filter(|before| before.open_at < bar.open_at) {
                    feed.bar(at, before, true, &mut read.inputs);
                }
                feed.bar(at, bar, false, &mut read.inputs);
            }
        }
        Ok(())
    }
}

impl FrameReader for VenueFrames {
    fn greetings(&self) -> Vec<String> {
        self.greetings.clone()
    }

    fn begins(&mut self, number: u64) {
        // Of earlier connections at most one is heard still.
        self.connections.retain(|connection, _| connection + 1 >= number);
    }

    fn read(&mut self, at: Timestamp, number: u64, text: &str) -> Read {
        let mut read = Read::default();
        let mut messages = match self.dialect.parse(text) {
            Ok(messages) => messages,
            Err(error) => return Read { unsound: Some(Unsound::Frame(error.to_string())), ..read },
        };
        // Venues list trades from the newest or from the oldest; they are told as they were made.
        messages.sort_by_key(|message| {
            if let MarketMessage::Trade(print) = message { print.ids.range() } else { None }
        });
        for message in messages {
            // What was read before stands: its trades count as told.
            let taken = self.follow(number, &message).and_then(|()| self.take(at, message, &mut read));
            if let Err(unsound) = taken {
                read.unsound = Some(unsound);
                break;
            }
        }
        read
    }

    fn answers(&mut self) -> Vec<Input> {
        let mut inputs = Vec::new();
        while let Some((hole, found)) = self.asked.as_ref().and_then(MissedTrades::answer) {
            let Some(market) = self.markets.get_mut(&hole.symbol) else { continue };
            // One that does not fit leaves a hole.
            let found = found.iter().filter_map(|print| market.taken(print).ok()).collect();
            let missing = market.feed.missed(hole.missing.before, found, &mut inputs);
            self.ask(&hole.symbol, missing);
        }
        inputs
    }

    fn lost(&mut self) -> Vec<Input> {
        let mut inputs = Vec::new();
        for market in self.markets.values_mut() {
            market.feed.lost(&mut inputs);
            // Nobody knows how it ended.
            market.forming = None;
        }
        inputs
    }
}

/// A price above zero.
fn price(found: Decimal, rules: &Instrument) -> Result<Price, Unsound> {
    let price = decimal::price(found, rules.price_decimals).map_err(number)?;
    if price.is_positive() { Ok(price) } else { Err(Unsound::Frame(format!("{found} is no price"))) }
}

fn number(error: NumberError) -> Unsound {
    Unsound::Frame(error.to_string())
}

/// The bar in an instrument's decimals; its instrument is the first.
///
/// # Errors
/// [`NumberError`] for a number that does not fit them.
pub(crate) fn bar_of(rules: &Instrument, kline: &Kline) -> Result<Bar, NumberError> {
    let price = |number| decimal::price(number, rules.price_decimals);
    Ok(Bar {
        instrument: engine_core::instrument::InstrumentId::new(0),
        open_at: kline.open_at,
        close_at: kline.close_at,
        open: price(kline.open)?,
        high: price(kline.high)?,
        low: price(kline.low)?,
        close: price(kline.close)?,
        volume: decimal::qty(kline.volume, rules.qty_decimals)?,
        trades: kline.trades.unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests;
