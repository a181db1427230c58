//! How a venue speaks: what to write to it, and what its frames and answers say. No sockets and no state.
//!
//! Every dialect turns the same [`MarketMessage`]s out of its venue's JSON, which only the `wire` modules know. Orders are asked
//! for in ways that differ too much for one trait: [`binance`] has calls over a socket, [`kraken`] calls and requests,
//! [`coinbase`] requests and a channel; all begin with an [`OrderRequest`](crate::order_request::OrderRequest) and end in
//! [`AccountMessage`](crate::account_message::AccountMessage)s.

use core::fmt::Debug;

use engine_core::time::Timestamp;

use crate::listing::Listing;
use crate::message::{BookSnapshot, Kline, MarketMessage, TradePrint};

pub mod binance;
pub mod coinbase;
pub mod frame_error;
pub mod kraken;
pub mod limits;
pub mod refusal;
pub mod request;

mod wire;

use frame_error::FrameError;
use limits::Limits;
use refusal::{AnswerError, Refusal};
use request::{BarsRequest, BookRequest, Channel, TradesRequest, Unserved};

/// The words of one venue.
pub trait Dialect: Debug + Send + Sync {
    /// The venue's name, as in datasets.
    fn venue(&self) -> &'static str;

    /// What it allows and how long it may be silent.
    fn limits(&self) -> Limits;

    /// Where its streams are, given the base URL of a configuration.
    fn stream_url(&self, base: &str) -> String;

    /// Messages that subscribe to `channels` of `symbols`, to be sent one by one at the venue's pace.
    ///
    /// # Errors
    /// [`Unserved`] for a channel the venue has not, or more streams than one connection takes.
    fn subscribe(&self, symbols: &[&str], channels: &[Channel]) -> Result<Vec<String>, Unserved>;

    /// What a text frame says, in its order.
    ///
    /// # Errors
    /// [`FrameError`] for what is not JSON, or lacks or spoils a field that its meaning hangs on. What is merely unknown is
    /// [`MarketMessage::Unknown`].
    fn parse(&self, frame: &str) -> Result<Vec<MarketMessage>, FrameError>;

    /// Path and query that ask for the venue's time.
    fn time_path(&self) -> String;

    /// The venue's time.
    ///
    /// # Errors
    /// [`AnswerError`] for an answer in other words, or a refusal in an answer that looks well.
    fn parse_time(&self, body: &str) -> Result<Timestamp, AnswerError>;

    /// Path and query that ask for the rules of all symbols.
    fn listings_path(&self) -> String;

    /// The rules of all symbols that can be read, and how many could not.
    ///
    /// # Errors
    /// [`AnswerError`], as of [`parse_time`](Self::parse_time).
    fn parse_listings(&self, body: &str) -> Result<(Vec<Listing>, usize), AnswerError>;

    /// Path and query that ask for bars of the past.
    ///
    /// # Errors
    /// [`Unserved`] for an interval the venue has not.
    fn bars_path(&self, request: &BarsRequest<'_>) -> Result<String, Unserved>;

    /// Bars of the past, oldest first. The last may still be forming: it has ended once its end lies behind the venue's time.
    ///
    /// # Errors
    /// [`AnswerError`], as of [`parse_time`](Self::parse_time).
    fn parse_bars(&self, body: &str, request: &BarsRequest<'_>) -> Result<Vec<Kline>, AnswerError>;

    /// Path and query that ask for trades of the past.
    ///
    /// # Errors
    /// [`Unserved`] where the venue cannot be asked from there on.
    fn trades_path(&self, request: &TradesRequest<'_>) -> Result<String, Unserved>;

    /// Trades of the past, oldest first.
    ///
    /// # Errors
    /// [`AnswerError`], as of [`parse_time`](Self::parse_time).
    fn parse_trades(&self, body: &str, request: &TradesRequest<'_>) -> Result<Vec<TradePrint>, AnswerError>;

    /// Path and query that ask for a book; nothing where its stream begins with one.
    fn book_path(&self, request: &BookRequest<'_>) -> Option<String>;

    /// A book.
    ///
    /// # Errors
    /// [`AnswerError`], as of [`parse_time`](Self::parse_time).
    fn parse_book(&self, body: &str, request: &BookRequest<'_>) -> Result<BookSnapshot, AnswerError>;

    /// What an answer with a status other than 200 means; `retry_after` is its header of that name.
    fn refusal(&self, status: u16, retry_after: Option<&str>, body: &str) -> Refusal;
}
