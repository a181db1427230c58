//! Recorded frames as what they say of each market: every trade once, quotes in their order, bars that are closed.
//!
//! The same dialects read them as on a socket. What a recording does not say is counted and named beside the rows.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use engine_core::time::{Span, Timestamp};

use crate::continuity::{Break, Continuity, Numbered};
use crate::dialect::Dialect;
use crate::frame_capture::{FrameCapture, is_capture};
use crate::frame_line::{ConnectionEvent, LoggedFrame, Said};
use crate::frame_log::files_in;
use crate::frame_log_error::FrameLogError;
use crate::frame_replay::{FramePlace, FrameReplay, TornEnd};
use crate::message::{Delivery, Kline, KlineState, MarketMessage, TopQuote, TradePrint};
use crate::places::dialect_named;
use crate::trade_ranges::TradeRanges;

pub use crate::recording_account::{FrameHole, RecordingAccount, UnreadFrame};
pub use crate::trade_ranges::TradeHole;

/// One thing that a recording says of a market.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordedRow {
    /// A trade, and when it was read.
    Trade(TradePrint, Timestamp),
    /// A best bid and ask, and when it was read.
    Quote(TopQuote, Timestamp),
    /// A bar that is closed.
    Bar(Kline),
}

/// Where frames come from.
#[derive(Debug)]
enum Source {
    Log(Box<FrameReplay>),
    Capture(FrameCapture),
}

/// Reads the rows of a recording.
#[derive(Debug)]
pub struct RecordedMarket {
    source: Source,
    /// The venue that was named, whose dialect is taken where the recording does not say whose it is.
    named: Option<String>,
    dialect: Option<Arc<dyn Dialect>>,
    connections: BTreeMap<u64, Continuity>,
    trades: BTreeMap<String, TradeRanges>,
    quotes: BTreeMap<String, u64>,
    bars: BTreeMap<(String, Span), Bars>,
    account: RecordingAccount,
}

/// How far the bars of a market have come.
#[derive(Debug, Default)]
struct Bars {
    closed: Option<Timestamp>,
    /// The one that forms, of a venue that does not say when one is closed.
    forming: Option<Kline>,
}

impl RecordedMarket {
    /// The recording in `paths`: one directory, or files in their order. `venue` says whose the frames are where they do not.
    ///
    /// # Errors
    /// [`FrameLogError`] when there is none, or a file is none of a recording.
    pub fn open(paths: &[PathBuf], venue: Option<&str>) -> Result<Self, FrameLogError> {
        let files = listed(paths)?;
        let mut captures = 0;
        for file in &files {
            captures += usize::from(is_capture(file)?);
        }
        let source = match captures {
            0 => Source::Log(Box::new(FrameReplay::of(files))),
            all if all == files.len() => Source::Capture(FrameCapture::of(files)),
            _ => {
                let file = files.first().map(|file| file.display().to_string()).unwrap_or_default();
                let reason = "some of the files are recordings and some captures; import one kind at a time";
                return Err(FrameLogError::Foreign { file, reason: reason.to_owned() });
            }
        };
        Ok(Self {
            source,
            named: venue.map(str::to_owned),
            dialect: None,
            connections: BTreeMap::new(),
            trades: BTreeMap::new(),
            quotes: BTreeMap::new(),
            bars: BTreeMap::new(),
            account: RecordingAccount::default(),
        })
    }

    /// The name of the venue in datasets: as it was named, or as the recording says.
    #[must_use]
    pub fn venue(&self) -> Option<String> {
        self.named.clone().or_else(|| self.said_venue())
    }

    fn said_venue(&self) -> Option<String> {
        match &self.source {
            Source::Log(replay) => replay.head().map(|head| head.venue.clone()),
            Source::Capture(capture) => Some(match capture.exchange()? {
                "BINANCE_FUTURES" => "binance-usdm".to_owned(),
                exchange => exchange.to_lowercase(),
            }),
        }
    }

    /// Where the frame read last stands.
    #[must_use]
    pub const fn place(&self) -> &FramePlace {
        match &self.source {
            Source::Log(replay) => replay.place(),
            Source::Capture(capture) => capture.place(),
        }
    }

    /// Reads one frame on and adds what it says to `rows`; says whether there was one.
    ///
    /// # Errors
    /// [`FrameLogError`] for a file that cannot be read on. A frame that the dialect cannot read is none: it is named in the
    /// account.
    pub fn read_on(&mut self, rows: &mut Vec<RecordedRow>) -> Result<bool, FrameLogError> {
        let frame = match &mut self.source {
            Source::Log(replay) => replay.next_frame()?,
            Source::Capture(capture) => capture.next_frame()?,
        };
        let Some(LoggedFrame { at_ns, connection, said, .. }) = frame else { return Ok(false) };
        let at = Timestamp::from_nanos(at_ns);
        match said {
            Said::Text(text) => {
                let dialect = self.dialect()?;
                self.text(dialect.as_ref(), (at, connection), &text, rows);
            }
            Said::Event(ConnectionEvent::Begun) => {
                self.connections.remove(&connection);
                self.account.heard_again(at);
            }
            Said::Event(ConnectionEvent::Lost { why }) => {
                self.account.lost(at, why);
                // Nobody knows how they ended.
                self.bars.values_mut().for_each(|bars| bars.forming = None);
            }
            Said::Event(ConnectionEvent::Refused { .. } | ConnectionEvent::Ended) => {}
        }
        Ok(true)
    }

    /// What the recording does not say, once it is read.
    #[must_use]
    pub fn into_account(mut self) -> RecordingAccount {
        for (symbol, ranges) in &self.trades {
            self.account.trade_holes.extend(ranges.holes(symbol));
        }
        self.account.torn = match &self.source {
            Source::Log(replay) => replay.torn().iter().map(TornEnd::to_string).collect(),
            Source::Capture(_) => Vec::new(),
        };
        self.account
    }

    /// The words of the venue.
    fn dialect(&mut self) -> Result<Arc<dyn Dialect>, FrameLogError> {
        if let Some(dialect) = &self.dialect {
            return Ok(Arc::clone(dialect));
        }
        let said = self.said_venue().or_else(|| self.named.clone());
        let foreign = |reason: String| FrameLogError::Foreign { file: self.place().file.clone(), reason };
        let Some(venue) = said else {
            return Err(foreign(
                "it does not say whose frames it holds; name the venue with --venue".to_owned(),
            ));
        };
        // Markets of one venue speak alike: binance-usdm as binance.
        let speaker = venue.split('-').next().unwrap_or(&venue);
        let dialect = dialect_named(speaker).ok_or_else(|| {
            foreign(format!("it holds frames of {venue}, whose words this program does not read"))
        })?;
        self.dialect = Some(Arc::clone(&dialect));
        Ok(dialect)
    }

    fn text(
        &mut self,
        dialect: &dyn Dialect,
        (at, connection): (Timestamp, u64),
        text: &str,
        rows: &mut Vec<RecordedRow>,
    ) {
        self.account.frames += 1;
        let mut messages = match dialect.parse(text) {
            Ok(messages) => messages,
            Err(error) => {
                let place = self.place().clone();
                self.account.unread(UnreadFrame { place, reason: error.to_string() });
                return;
            }
        };
        // Venues list trades from the newest or from the oldest; they are told as they were made.
        messages.sort_by_key(|message| {
            if let MarketMessage::Trade(print) = message { print.ids.range() } else { None }
        });
        for message in messages {
            let found = self.connections.entry(connection).or_default().observe(&message);
            if let Some(found) = found
                && found.kind == Break::Gap
                && matches!(found.of, Numbered::Frames | Numbered::Heartbeats)
            {
                self.account.left_out += 1;
            }
            self.message(at, message, rows);
        }
    }

    fn message(&mut self, at: Timestamp, message: MarketMessage, rows: &mut Vec<RecordedRow>) {
        match message {
            MarketMessage::Trade(print) => self.trade(at, print, rows),
            MarketMessage::Quote(quote) => self.quote(at, quote, rows),
            MarketMessage::Kline(kline) => self.kline(kline, rows),
            MarketMessage::BookSnapshot(_) | MarketMessage::BookTop(_) | MarketMessage::BookChange(_) => {
                self.account.books += 1;
            }
            MarketMessage::SubscriptionRefused { reason, .. } => {
                let place = self.place().clone();
                self.account.unread(UnreadFrame { place, reason: format!("it refuses to stream: {reason}") });
            }
            MarketMessage::Unknown { kind } => *self.account.unknown.entry(kind).or_default() += 1,
            MarketMessage::Sequence { .. }
            | MarketMessage::Heartbeat { .. }
            | MarketMessage::Subscribed { .. }
            | MarketMessage::ServerShutdown { .. }
            | MarketMessage::VenueStatus { .. }
            | MarketMessage::SymbolStatus { .. }
            | MarketMessage::Listing(_) => {}
        }
    }

    fn trade(&mut self, at: Timestamp, print: TradePrint, rows: &mut Vec<RecordedRow>) {
        let Some((first, last)) = print.ids.range() else {
            rows.push(RecordedRow::Trade(print, at));
            return;
        };
        let ranges = self.trades.entry(print.symbol.clone()).or_default();
        let is_before = ranges.first().is_none_or(|known| first < known);
        if print.delivery == Delivery::Past && is_before {
            // What a venue tells a new subscriber of the past is before the recording.
            self.account.past_trades += 1;
        } else if ranges.add(first, last, print.venue_at) {
            rows.push(RecordedRow::Trade(print, at));
        } else {
            self.account.repeated += 1;
        }
    }

    fn quote(&mut self, at: Timestamp, quote: TopQuote, rows: &mut Vec<RecordedRow>) {
        if quote.bid.is_none() || quote.ask.is_none() {
            self.account.one_sided += 1;
            return;
        }
        if let Some(id) = quote.update_id {
            let known = self.quotes.entry(quote.symbol.clone()).or_default();
            if id <= *known {
                self.account.repeated += 1;
                return;
            }
            *known = id;
        }
        rows.push(RecordedRow::Quote(quote, at));
    }

    fn kline(&mut self, kline: Kline, rows: &mut Vec<RecordedRow>) {
        let bars = self.bars.entry((kline.symbol.clone(), kline.interval)).or_default();
        let closed = match kline.state {
            KlineState::Closed => kline,
            KlineState::Forming => return,
            // The first word of the next bar says that the one before is closed.
            KlineState::Unsaid => match bars.forming.replace(kline.clone()) {
                Some(before) if before.open_at < kline.open_at => before,
                Some(_) | None => return,
            },
        };
        if bars.closed.is_some_and(|last| closed.open_at <= last) {
            self.account.repeated += 1;
            return;
        }
        bars.closed = Some(closed.open_at);
        rows.push(RecordedRow::Bar(closed));
    }
}

/// The files of a recording: those of one directory, or `paths` themselves.
fn listed(paths: &[PathBuf]) -> Result<Vec<PathBuf>, FrameLogError> {
    let files = match paths {
        [dir] if dir.is_dir() => files_in(dir)?,
        paths => paths.to_vec(),
    };
    if files.is_empty() {
        let dir = paths.first().map_or(Path::new("."), PathBuf::as_path).display().to_string();
        return Err(FrameLogError::NoLog { dir });
    }
    Ok(files)
}

#[cfg(test)]
mod tests;
