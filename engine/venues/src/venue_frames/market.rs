//! One instrument of a run, as the streams of its venue tell of it.

use engine_core::event::{DataFinding, Input, RepeatedTrades, StreamKind};
use engine_core::instrument::Instrument;
use engine_core::market::{Bar, Quote, Trade};
use engine_core::num::{Decimal, Price};
use engine_core::time::{Span, Timestamp};

use crate::decimal::{self, NumberError};
use crate::frame_reader::Unsound;
use crate::instrument_feed::{InstrumentFeed, TradeNumbers};
use crate::market_venue::Stream;
use crate::message::{Kline, TopQuote, TradePrint};
use crate::silence::Silence;

use super::bar_check::BarCheck;

/// Trades that come again are told of no more often.
const REPEATS_EVERY: Span = Span::MINUTE;

/// One instrument of the run.
#[derive(Debug)]
pub(super) struct Market {
    pub(super) rules: Instrument,
    pub(super) feed: InstrumentFeed,
    /// The number of the last quote told.
    pub(super) quote: u64,
    /// Whether the last quote was crossed.
    pub(super) crossed: Crossing,
    /// Length of the bars that are wanted.
    pub(super) interval: Option<Span>,
    /// Sets the bars that are streamed beside the trades, where both are.
    pub(super) check: Option<BarCheck>,
    /// The bar that forms, of a venue that does not say when one is closed.
    pub(super) forming: Option<Bar>,
    /// Trades that came again and have not been told of.
    repeated: Option<RepeatedTrades>,
    /// When such were told of.
    repeats_told_at: Option<Timestamp>,
    /// How its streams speak.
    streams: Vec<Silence>,
}

/// How the best prices stood when they were said last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Crossing {
    /// The bid was below the ask.
    None,
    /// It was not, and that was said.
    Told,
}

impl Market {
    /// The instrument of `stream`, of which nothing was told.
    pub(super) fn new(stream: &Stream) -> Self {
        Self {
            rules: stream.rules.clone(),
            feed: InstrumentFeed::new(stream.instrument),
            quote: 0,
            crossed: Crossing::None,
            interval: None,
            check: None,
            forming: None,
            repeated: None,
            repeats_told_at: None,
            streams: Vec::new(),
        }
    }

    /// One of its streams is read.
    pub(super) fn has(&mut self, stream: StreamKind) {
        self.streams.push(Silence::new(stream));
        let has_trades = self.streams.iter().any(|silence| silence.stream() == StreamKind::Trades);
        self.check = self.interval.filter(|_| has_trades).map(BarCheck::new);
    }

    /// Sets bars of the venue beside the trades that were told.
    pub(super) fn check(&mut self, told: &mut Vec<Input>) {
        let Self { check: Some(check), feed, .. } = self else { return };
        let found: Vec<DataFinding> =
            told.iter().filter(|input| feed.is_of(input)).filter_map(|input| check.learn_of(input)).collect();
        found.into_iter().for_each(|found| feed.find(found, told));
    }

    /// The venue has closed a bar.
    pub(super) fn closed(&mut self, at: Timestamp, bar: Bar, told: &mut Vec<Input>) {
        self.feed.bar(at, bar, true, told);
        if let Some(found) = self.check.as_mut().and_then(|check| check.streamed(bar)) {
            self.feed.find(found, told);
        }
    }

    /// A trade in the instrument's decimals, and its numbers.
    pub(super) fn taken(&self, print: &TradePrint) -> Result<(TradeNumbers, Trade), Unsound> {
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

    /// A quote in the instrument's decimals; nothing where one side is empty.
    pub(super) fn quoted(&self, at: Timestamp, top: &TopQuote) -> Result<Option<Quote>, Unsound> {
        let (Some(bid), Some(ask)) = (top.bid, top.ask) else { return Ok(None) };
        let Self { rules, feed, .. } = self;
        Ok(Some(Quote {
            instrument: feed.instrument(),
            // A quote without a time of its own is of now.
            venue_at: top.venue_at.unwrap_or(at),
            bid: price(bid.price, rules)?,
            bid_qty: decimal::qty(bid.qty, rules.qty_decimals).map_err(number)?,
            ask: price(ask.price, rules)?,
            ask_qty: decimal::qty(ask.qty, rules.qty_decimals).map_err(number)?,
        }))
    }

    /// A trade came again on its connection, or behind a later one.
    pub(super) fn repeats(&mut self, print: &TradePrint) {
        let Some((first, last)) = print.ids.range() else { return };
        let repeated = self.repeated.get_or_insert(RepeatedTrades { first, last, count: 0 });
        (repeated.last, repeated.count) = (last, repeated.count.saturating_add(1));
    }

    /// Tells of trades that came again, once others follow; seldom, where they come all the time.
    pub(super) fn tell_repeats(&mut self, at: Timestamp, told: &mut Vec<Input>) {
        let is_due = self.repeats_told_at.is_none_or(|before| at >= before.plus(REPEATS_EVERY));
        if is_due && let Some(repeated) = self.repeated.take() {
            self.repeats_told_at = Some(at);
            self.feed.find(DataFinding::Repeated(repeated), told);
        }
    }

    /// A stream speaks.
    pub(super) fn spoke(&mut self, stream: StreamKind, (at, look): (Timestamp, u64), told: &mut Vec<Input>) {
        let silence = self.streams.iter_mut().find(|silence| silence.stream() == stream);
        if let Some(over) = silence.and_then(|silence| silence.spoke(at, look)) {
            self.feed.find(DataFinding::Spoke(over), told);
        }
    }

    /// Looks for streams that are silent for too long. Where all that tell prices are, those that are known are of then.
    pub(super) fn look(&mut self, look: u64, told: &mut Vec<Input>) {
        let before = told.len();
        for silent in self.streams.iter_mut().filter_map(|silence| silence.look(look)) {
            self.feed.find(DataFinding::Stale(silent), told);
        }
        let mut prices =
            self.streams.iter().filter(|silence| silence.stream() != StreamKind::Bars).peekable();
        if told.len() > before && prices.peek().is_some() && prices.all(Silence::is_stale) {
            self.feed.stale(told);
        }
    }

    /// A connection begins.
    pub(super) fn begins(&mut self, look: u64) {
        self.streams.iter_mut().for_each(|silence| silence.begins(look));
    }

    /// No connection is heard any more.
    pub(super) fn lost(&mut self, told: &mut Vec<Input>) {
        self.feed.lost(told);
        self.streams.iter_mut().for_each(Silence::ends);
        // Nobody knows how it ended.
        self.forming = None;
    }
}

/// A price above zero.
fn price(found: Decimal, rules: &Instrument) -> Result<Price, Unsound> {
    let price = decimal::price(found, rules.price_decimals).map_err(number)?;
    if price.is_positive() { Ok(price) } else { Err(Unsound::Frame(format!("{found} is no price"))) }
}

/// A number that does not fit its instrument.
pub(super) fn number(error: NumberError) -> Unsound {
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
