//! What can be asked of a venue.

use core::fmt;

use engine_core::time::{Span, Timestamp};

pub(super) use crate::percent_encoding::encoded;

/// A kind of market data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    /// Every trade.
    Trades,
    /// The trades of each taker at one price as one.
    AggregateTrades,
    /// The best bid and ask.
    Quotes,
    /// Bars of this length.
    Bars(Span),
    /// The book: a snapshot, then changes.
    Book,
    /// So many best levels of the book, complete each time.
    BookTop(u16),
    /// Signs of life.
    Heartbeats,
    /// Rules of symbols and their changes.
    Listings,
}

impl fmt::Display for Channel {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Trades => out.write_str("trades"),
            Self::AggregateTrades => out.write_str("aggregate trades"),
            Self::Quotes => out.write_str("quotes"),
            Self::Bars(interval) => write!(out, "bars of {interval}"),
            Self::Book => out.write_str("the book"),
            Self::BookTop(levels) => write!(out, "the best {levels} levels of the book"),
            Self::Heartbeats => out.write_str("heartbeats"),
            Self::Listings => out.write_str("rules of symbols"),
        }
    }
}

/// Something a venue does not serve.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unserved {
    /// It has no such data.
    #[error("{venue} has no {what}; it has {has}")]
    Data {
        /// The venue.
        venue: &'static str,
        /// What was asked for.
        what: String,
        /// What there is.
        has: &'static str,
    },
    /// One connection does not take so many streams.
    #[error("{venue} takes {max} streams on one connection, not {asked}; use several connections")]
    Streams {
        /// The venue.
        venue: &'static str,
        /// What was asked for.
        asked: usize,
        /// What it takes.
        max: usize,
    },
}

/// Bars of the past.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BarsRequest<'a> {
    /// The symbol as streams spell it.
    pub symbol: &'a str,
    /// Length of a bar.
    pub interval: Span,
    /// The first may begin here.
    pub from: Timestamp,
    /// The last must begin before this.
    pub until: Timestamp,
    /// The most rows wanted; a venue may give fewer.
    pub rows_max: u32,
}

/// Where trades of the past are asked from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TradesSince {
    /// The latest there are.
    Latest,
    /// From the trade of this number on.
    Trade(u64),
    /// From the aggregate of this number on.
    Aggregate(u64),
    /// From this moment on.
    Moment(Timestamp),
}

/// Trades of the past.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TradesRequest<'a> {
    /// The symbol as streams spell it.
    pub symbol: &'a str,
    /// From where.
    pub since: TradesSince,
    /// Until this moment, for a venue that lists the newest first; others take no notice of it.
    pub until: Option<Timestamp>,
    /// The most rows wanted; a venue may give fewer.
    pub rows_max: u32,
}

/// A book.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BookRequest<'a> {
    /// The symbol as streams spell it.
    pub symbol: &'a str,
    /// Levels of each side.
    pub levels: u16,
}

/// Whole `unit`s since the epoch, rounded down; nothing before it.
pub(super) fn since_epoch(at: Timestamp, unit: Span) -> i64 {
    at.nanos().max(0).div_euclid(unit.nanos())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_counted_down_to_whole_units() {
        assert_eq!(since_epoch(Timestamp::from_nanos(1_999_999), Span::MILLISECOND), 1);
        assert_eq!(since_epoch(Timestamp::from_nanos(-1), Span::SECOND), 0);
    }
}
