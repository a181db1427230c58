//! Arrays of events as hftbacktest keeps them since its version 2: 64 bytes an event in the file format of NumPy.
//!
//! Trades are told as they are. Best quotes are those of the book that the events build: each change of price or
//! quantity at its top, once for each moment of the venue.

use std::collections::BTreeMap;
use std::io::{self, BufReader, Read};

use journal_store::record::RecordKind;

use super::rewrite::hand_out;

/// The fields of an event and their types, in order.
const FIELDS: [(&str, &str); 8] = [
    ("ev", "<u8"),
    ("exch_ts", "<i8"),
    ("local_ts", "<i8"),
    ("px", "<f8"),
    ("qty", "<f8"),
    ("order_id", "<u8"),
    ("ival", "<i8"),
    ("fval", "<f8"),
];

const EVENT_BYTES: usize = 64;

/// The most bytes of a header that are read; a described event takes a few hundred.
const HEADER_BYTES_MAX: usize = 64 * 1024;

/// The event happened at the venue; an event that came out of order is there twice, once for each side.
const AT_VENUE: u64 = 1 << 31;
const BUY: u64 = 1 << 29;
const SELL: u64 = 1 << 28;

const DEPTH: u64 = 1;
const TRADE: u64 = 2;
const CLEAR: u64 = 3;
const SNAPSHOT: u64 = 4;
const BEST: u64 = 5;

/// The text of one kind of rows in an array of events.
pub(crate) struct EventArray<R> {
    source: BufReader<R>,
    kind: RecordKind,
    left: u64,
    book: Book,
    text: Vec<u8>,
    taken: usize,
}

/// One event.
#[derive(Debug, Clone, Copy)]
struct MarketEvent {
    flags: u64,
    venue_at: i64,
    local_at: i64,
    price: f64,
    qty: f64,
}

impl<R: Read> EventArray<R> {
    /// Reads the header of `source`.
    ///
    /// # Errors
    /// A sentence when it does not hold events of version 2.
    pub(crate) fn open(source: R, kind: RecordKind) -> Result<Self, String> {
        let mut source = BufReader::with_capacity(4096 * EVENT_BYTES, source);
        let header = header(&mut source).map_err(|error| format!("its header cannot be read ({error})"))?;
        let left = events(&header)?;
        Ok(Self { source, kind, left, book: Book::default(), text: Vec::new(), taken: 0 })
    }

    fn next_event(&mut self) -> io::Result<Option<MarketEvent>> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        let mut bytes = [0; EVENT_BYTES];
        self.source.read_exact(&mut bytes)?;
        let (words, _) = bytes.as_chunks::<8>();
        let word = |index: usize| words.get(index).copied().unwrap_or_default();
        Ok(Some(MarketEvent {
            flags: u64::from_le_bytes(word(0)),
            venue_at: i64::from_le_bytes(word(1)),
            local_at: i64::from_le_bytes(word(2)),
            price: f64::from_le_bytes(word(3)),
            qty: f64::from_le_bytes(word(4)),
        }))
    }

    /// Fills the text with the next row; whether there is one.
    fn next_text(&mut self) -> io::Result<bool> {
        self.text.clear();
        self.taken = 0;
        while self.text.is_empty() {
            let Some(event) = self.next_event()? else {
                let last = self.book.best_of_moment();
                self.text.extend(last.map(String::into_bytes).unwrap_or_default());
                return Ok(!self.text.is_empty());
            };
            if event.flags & AT_VENUE == 0 {
                continue;
            }
            let row = match self.kind {
                RecordKind::Quotes => self.book.take(event),
                RecordKind::Trades | RecordKind::Bars => trade(event),
            };
            self.text.extend(row.map(String::into_bytes).unwrap_or_default());
        }
        Ok(true)
    }
}

fn trade(event: MarketEvent) -> Option<String> {
    let MarketEvent { flags, venue_at, local_at, price, qty } = event;
    let side = match (flags & BUY != 0, flags & SELL != 0) {
        (true, false) => "buy",
        (false, true) => "sell",
        _ => "",
    };
    (flags & 0xff == TRADE).then(|| format!("{venue_at},{local_at},,,{price},{qty},{side}\n"))
}

/// The book that events build, as far as its top matters.
#[derive(Debug, Default)]
struct Book {
    bids: BTreeMap<u64, f64>,
    asks: BTreeMap<u64, f64>,
    venue_at: i64,
    local_at: i64,
    told: Option<Top>,
}

/// Bid, its quantity, ask and its quantity, by their bits.
type Top = [u64; 4];

impl Book {
    /// Takes an event in; the quote at the end of the moment before, when it has changed.
    fn take(&mut self, event: MarketEvent) -> Option<String> {
        let row = if event.venue_at == self.venue_at { None } else { self.best_of_moment() };
        (self.venue_at, self.local_at) = (event.venue_at, event.local_at);
        let (bid, ask) = (event.flags & BUY != 0, event.flags & SELL != 0);
        // The bits of positive floats are ordered as the floats are.
        let price = event.price.to_bits();
        match event.flags & 0xff {
            DEPTH | SNAPSHOT if bid => put(&mut self.bids, price, event.qty),
            DEPTH | SNAPSHOT if ask => put(&mut self.asks, price, event.qty),
            BEST if bid => {
                self.bids.retain(|level, _| *level <= price);
                put(&mut self.bids, price, event.qty);
            }
            BEST if ask => {
                self.asks.retain(|level, _| *level >= price);
                put(&mut self.asks, price, event.qty);
            }
            CLEAR => self.clear(bid, ask, price),
            _ => {}
        }
        row
    }

    /// Clears a side down to or up to a price, or both sides where none is named.
    fn clear(&mut self, bid: bool, ask: bool, price: u64) {
        if bid || !ask {
            self.bids.retain(|level, _| bid && *level < price);
        }
        if ask || !bid {
            self.asks.retain(|level, _| ask && *level > price);
        }
    }

    fn best_of_moment(&mut self) -> Option<String> {
        let (bid, bid_qty) = self.bids.last_key_value()?;
        let (ask, ask_qty) = self.asks.first_key_value()?;
        let top = [*bid, bid_qty.to_bits(), *ask, ask_qty.to_bits()];
        if bid >= ask || self.told == Some(top) {
            return None;
        }
        self.told = Some(top);
        let [bid, bid_qty, ask, ask_qty] = top.map(f64::from_bits);
        let (at, local) = (self.venue_at, self.local_at);
        Some(format!("{at},{local},,{bid},{bid_qty},{ask},{ask_qty}\n"))
    }
}

fn put(side: &mut BTreeMap<u64, f64>, price: u64, qty: f64) {
    if qty > 0.0 {
        side.insert(price, qty);
    } else {
        side.remove(&price);
    }
}

fn header(source: &mut impl Read) -> io::Result<String> {
    let mut start = [0; 8];
    source.read_exact(&mut start)?;
    let [.., major, _minor] = start;
    let mut size = [0; 4];
    let size_bytes = if major == 1 { 2 } else { 4 };
    source.read_exact(size.get_mut(..size_bytes).unwrap_or_default())?;
    let size = u32::from_le_bytes(size) as usize;
    if size > HEADER_BYTES_MAX {
        return Err(io::Error::other("it is too long"));
    }
    let mut text = vec![0; size];
    source.read_exact(&mut text)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// The number of events that `header` describes.
fn events(header: &str) -> Result<u64, String> {
    let compact: String = header.chars().filter(|c| !c.is_whitespace()).collect();
    let fields = FIELDS.map(|(name, kind)| format!("('{name}','{kind}')")).join(",");
    let described = compact.contains(&format!("'descr':[{fields}]"));
    let count = compact.split("'shape':(").nth(1).and_then(|rest| rest.split([',', ')']).next());
    let count = count.and_then(|count| count.parse().ok());
    let one_row = compact.split("'shape':(").nth(1).is_some_and(|rest| {
        rest.split(')')
            .next()
            .is_some_and(|shape| shape.split(',').filter(|size| !size.is_empty()).count() == 1)
    });
    match count {
        Some(count) if described && one_row => Ok(count),
        _ => Err("it is no array of events of hftbacktest version 2 (ev, exch_ts, local_ts, px, qty, order_id, ival, \
                  fval); convert it with hftbacktest first"
            .into()),
    }
}

impl<R: Read> Read for EventArray<R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.text.len() && !self.next_text()? {
            return Ok(0);
        }
        Ok(hand_out(&self.text, &mut self.taken, room))
    }
}
