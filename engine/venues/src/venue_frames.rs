//! What the streams of a venue say, as inputs.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine_core::event::{DataFinding, Input, StreamKind};
use engine_core::instrument::InstrumentId;
use engine_core::market::{Bar, Trade};
use engine_core::time::{Span, Timestamp};

use crate::collar::Collar;
use crate::continuity::{Break, Continuity, Finding, Numbered};
use crate::dialect::Dialect;
use crate::dialect::request::{Channel as Words, Unserved};
use crate::frame_reader::{FrameReader, Read, Unsound};
use crate::instrument_feed::Missing;
use crate::market_venue::{Channel, Stream};
use crate::message::{Delivery, Kline, KlineState, MarketMessage, TopQuote, TradePrint};
use crate::missed_trades::{Hole, MissedTrades};

mod bar_check;
mod market;

pub(crate) use market::bar_of;
use market::{Crossing, Market, number};

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
    /// Seconds that were looked through for silent streams.
    looks: u64,
}

/// Where a trade stands among those of its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Behind those before it; so does whatever has no number.
    Next,
    /// It, or a later one, came before.
    Again,
}

/// What a channel is called where data is found faulty.
const fn kind_of(channel: Channel) -> StreamKind {
    match channel {
        Channel::Trades => StreamKind::Trades,
        Channel::Quotes => StreamKind::Quotes,
        Channel::Bars { .. } => StreamKind::Bars,
    }
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
        for stream in streams {
            let Stream { rules, channel, .. } = stream;
            by_channel.entry(*channel).or_default().push(&rules.symbol);
            let market = markets.entry(rules.symbol.clone()).or_insert_with(|| Market::new(stream));
            match channel {
                Channel::Bars { seconds } => market.interval = Some(length_of(*seconds)),
                Channel::Trades | Channel::Quotes => market.feed.has_ticks(),
            }
            market.has(kind_of(*channel));
        }
        let mut greetings: Vec<String> = Vec::new();
        for (channel, symbols) in by_channel {
            for greeting in dialect.subscribe(&symbols, &[words(channel)])? {
                if !greetings.contains(&greeting) {
                    greetings.push(greeting);
                }
            }
        }
        Ok(Self { dialect, greetings, markets, asked: None, connections: BTreeMap::new(), looks: 0 })
    }

    /// Trades pass a collar of so many standard deviations of their recent moves; none of it for zero.
    pub(crate) fn with_collar(mut self, sigmas: u32) -> Self {
        for Market { feed, rules, .. } in self.markets.values_mut() {
            feed.passes(Collar::new(sigmas, rules.tick));
        }
        self
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
    fn follow(&mut self, connection: u64, message: &MarketMessage) -> Result<Place, Unsound> {
        match self.connections.entry(connection).or_default().observe(message) {
            Some(Finding { of: Numbered::Frames | Numbered::Heartbeats, kind: Break::Gap, known, came }) => {
                Err(Unsound::Connection(format!("number {came} came behind {known}")))
            }
            Some(Finding {
                of: Numbered::Trades(_) | Numbered::Aggregates(_),
                kind: Break::Repeated,
                ..
            }) => Ok(Place::Again),
            Some(_) | None => Ok(Place::Next),
        }
    }

    fn take(
        &mut self,
        at: Timestamp,
        (message, place): (MarketMessage, Place),
        read: &mut Read,
    ) -> Result<(), Unsound> {
        match message {
            MarketMessage::Trade(print) => self.trade(at, (&print, place), read),
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

    fn trade(
        &mut self,
        at: Timestamp,
        (print, place): (&TradePrint, Place),
        read: &mut Read,
    ) -> Result<(), Unsound> {
        let Some(market) = self.markets.get_mut(&print.symbol) else { return Ok(()) };
        let (numbers, taken) = market.taken(print)?;
        read.is_data = true;
        match place {
            Place::Again => market.repeats(print),
            Place::Next => market.tell_repeats(at, &mut read.inputs),
        }
        market.spoke(StreamKind::Trades, (at, self.looks), &mut read.inputs);
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
        let Some(market) = self.markets.get_mut(&top.symbol) else { return Ok(()) };
        read.is_data = true;
        let Some(quote) = market.quoted(at, top)? else { return Ok(()) };
        if top.update_id.is_some_and(|id| id <= market.quote) {
            return Ok(());
        }
        market.quote = top.update_id.unwrap_or(market.quote);
        if quote.bid >= quote.ask {
            // One word for as many as follow each other.
            if market.crossed == Crossing::None {
                market.feed.find(DataFinding::Crossed(quote), &mut read.inputs);
            }
            market.crossed = Crossing::Told;
            return Ok(());
        }
        market.crossed = Crossing::None;
        market.spoke(StreamKind::Quotes, (at, self.looks), &mut read.inputs);
        market.feed.quote(quote, &mut read.inputs);
        Ok(())
    }

    fn kline(&mut self, at: Timestamp, kline: &Kline, read: &mut Read) -> Result<(), Unsound> {
        let Some(market) = self.markets.get_mut(&kline.symbol) else { return Ok(()) };
        if market.interval != Some(kline.interval) {
            return Ok(());
        }
        market.spoke(StreamKind::Bars, (at, self.looks), &mut read.inputs);
        let bar =
            Bar { instrument: market.feed.instrument(), ..bar_of(&market.rules, kline).map_err(number)? };
        read.is_data = true;
        match kline.state {
            KlineState::Closed => market.closed(at, bar, &mut read.inputs),
            KlineState::Forming => market.feed.bar(at, bar, false, &mut read.inputs),
            KlineState::Unsaid => {
                // The first word of the next bar says that the one before is closed.
                if let Some(before) =
                    market.forming.replace(bar).filter(|before| before.open_at < bar.open_at)
                {
                    market.closed(at, before, &mut read.inputs);
                }
                market.feed.bar(at, bar, false, &mut read.inputs);
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
        self.markets.values_mut().for_each(|market| market.begins(self.looks));
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
            let followed = self.follow(number, &message);
            let taken = followed.and_then(|place| self.take(at, (message, place), &mut read));
            if let Err(unsound) = taken {
                read.unsound = Some(unsound);
                break;
            }
        }
        self.markets.values_mut().for_each(|market| market.check(&mut read.inputs));
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
        self.markets.values_mut().for_each(|market| market.check(&mut inputs));
        inputs
    }

    fn lost(&mut self) -> Vec<Input> {
        let mut inputs = Vec::new();
        self.markets.values_mut().for_each(|market| market.lost(&mut inputs));
        inputs
    }

    fn look(&mut self, seconds: u64) -> Vec<Input> {
        let mut inputs = Vec::new();
        self.looks = self.looks.saturating_add(seconds);
        self.markets.values_mut().for_each(|market| market.look(self.looks, &mut inputs));
        inputs
    }
}

#[cfg(test)]
mod tests;
