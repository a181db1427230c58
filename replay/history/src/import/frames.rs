//! Captures of Binance's websocket as hftbacktest collects them: the local moment, a blank, one frame a line.

use journal_store::record::RecordKind;
use serde::Deserialize;

use super::rewrite::Rewrite;

/// Digits of a local moment in nanoseconds or microseconds.
const MOMENT_DIGITS: std::ops::RangeInclusive<usize> = 16..=19;

/// Bytes within which a frame names its stream.
const STREAM_BYTES: usize = 100;

/// Rewrites the frames of one kind as rows; other frames are no rows.
#[derive(Debug)]
pub(crate) struct Frames {
    kind: RecordKind,
}

/// A frame of a combined stream.
#[derive(Debug, Deserialize)]
struct Frame<'line> {
    #[serde(borrow)]
    data: Data<'line>,
}

/// What the frames of trades and of best quotes say; the venue's names are one letter long.
#[derive(Debug, Deserialize)]
struct Data<'line> {
    #[serde(rename = "s")]
    symbol: &'line str,
    #[serde(rename = "T")]
    transacted_at: Option<u64>,
    #[serde(rename = "t")]
    trade_id: Option<u64>,
    #[serde(rename = "p")]
    price: Option<&'line str>,
    #[serde(rename = "q")]
    qty: Option<&'line str>,
    #[serde(rename = "m")]
    buyer_maker: Option<bool>,
    #[serde(rename = "b")]
    bid: Option<&'line str>,
    #[serde(rename = "B")]
    bid_qty: Option<&'line str>,
    #[serde(rename = "a")]
    ask: Option<&'line str>,
    #[serde(rename = "A")]
    ask_qty: Option<&'line str>,
}

impl Frames {
    pub(crate) const fn new(kind: RecordKind) -> Self {
        Self { kind }
    }

    /// Whether a file that begins with `head` is such a capture.
    pub(crate) fn begin(head: &[u8]) -> bool {
        let digits = head.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let rest = head.get(digits..).unwrap_or_default();
        MOMENT_DIGITS.contains(&digits) && rest.starts_with(b" {\"")
    }

    fn row(&self, received: &str, data: &Data<'_>) -> Option<String> {
        // Spot quotes carry no moment of the venue: they count from the moment they came.
        let (at, local) = match data.transacted_at {
            Some(at) => (at.to_string(), received),
            None => (received.to_owned(), ""),
        };
        let symbol = data.symbol;
        Some(match self.kind {
            RecordKind::Quotes => {
                let (bid, bid_qty, ask, ask_qty) = (data.bid?, data.bid_qty?, data.ask?, data.ask_qty?);
                format!("{at},{local},{symbol},{bid},{bid_qty},{ask},{ask_qty}")
            }
            RecordKind::Trades | RecordKind::Bars => {
                let side = if data.buyer_maker? { "sell" } else { "buy" };
                let (id, price, qty) = (data.trade_id?, data.price?, data.qty?);
                format!("{at},{local},{symbol},{id},{price},{qty},{side}")
            }
        })
    }
}

impl Rewrite for Frames {
    fn rewrite(&mut self, line: &[u8], row: &mut Vec<u8>) -> Result<(), String> {
        let text = str::from_utf8(line).map_err(|_| "the frame is no text".to_owned())?;
        let (received, frame) = text.split_once(' ').ok_or("the line has no frame after its moment")?;
        let stream: &[u8] = match self.kind {
            RecordKind::Quotes => b"@bookTicker\"",
            RecordKind::Trades | RecordKind::Bars => b"@trade\"",
        };
        // The name of the stream stands first: a book of a thousand levels is not searched for it.
        let start = frame.as_bytes().get(..STREAM_BYTES).unwrap_or(frame.as_bytes());
        if memchr::memmem::find(start, stream).is_none() {
            return Ok(());
        }
        let frame: Frame<'_> = serde_json::from_str(frame).map_err(|error| format!("the frame: {error}"))?;
        let known = self.row(received, &frame.data).ok_or("the frame lacks a field of its kind")?;
        row.extend(known.into_bytes());
        Ok(())
    }
}
