//! Everything the exchange knows: each message as sent and each trade and bar that existed, sent or not.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use crate::market::candles::Kline;
use crate::market::trade::Trade;
use crate::trading::fill::Fill;
use crate::trading::ledger::Posting;
use crate::trading::order::Order;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Entry {
    /// A trade existed.
    Trade {
        /// Its market, such as `BTCUSDT`.
        symbol: Arc<str>,
        /// The trade.
        trade: Trade,
    },
    /// A bar with at least one trade in it closed.
    Bar {
        /// Its market.
        symbol: Arc<str>,
        /// Its length, such as `1m`.
        interval: String,
        /// The bar.
        bar: Kline,
    },
    /// A text message went out.
    Sent {
        /// The connection it went to.
        connection: u64,
        /// The stream it belongs to as the venue names it; empty for answers.
        stream: Arc<str>,
        /// The venue's number of it, where the venue has one.
        sequence: Option<u64>,
        /// The text.
        text: Arc<str>,
    },
    /// A message was numbered and then left out by a fault.
    Dropped {
        /// The connection it was for.
        connection: u64,
        /// The stream it belongs to.
        stream: Arc<str>,
        /// The venue's number of it.
        sequence: Option<u64>,
        /// The text.
        text: Arc<str>,
    },
    /// Something that is no text message went out: a ping, a close, a frame of a fault.
    Control {
        /// The connection it went to.
        connection: u64,
        /// What it was.
        what: String,
    },
    /// A client sent a message.
    Received {
        /// The connection it came by.
        connection: u64,
        /// The text.
        text: String,
    },
    /// A connection was opened.
    Opened {
        /// Its number.
        connection: u64,
        /// The path it asked for.
        path: String,
    },
    /// A connection ended.
    Closed {
        /// Its number.
        connection: u64,
        /// Why.
        why: String,
    },
    /// A REST request was answered.
    Request {
        /// Path and query.
        target: String,
        /// Status of the answer.
        status: u16,
        /// Whether the client was banned, or told to wait, when it asked.
        banned: bool,
    },
    /// A client asked something of the interface for orders.
    OrderRequest(Box<OrderRequest>),
    /// An order changed; as it is now.
    Order {
        /// The order.
        order: Box<Order>,
    },
    /// A part of an order was traded.
    Fill {
        /// The trade.
        fill: Box<Fill>,
    },
    /// An amount of the account moved.
    Posting {
        /// From where to where.
        posting: Posting,
    },
    /// A fault was set off.
    Fault {
        /// The fault as JSON.
        fault: serde_json::Value,
    },
}

/// What became of a request for orders and of its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// It was answered before anybody was told what followed from it.
    Answered,
    /// It was answered after that.
    AnsweredLate,
    /// It was held back before it was done, and its time was checked again then.
    Held,
    /// It was done, and the answer was lost.
    AnswerLost,
    /// It was lost before it was done.
    RequestLost,
}

/// A request to the interface for orders.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderRequest {
    /// The WebSocket it came by; none for REST.
    pub connection: Option<u64>,
    /// What was asked, as the WebSocket names it, such as `order.place`.
    pub method: String,
    /// The market it was about, where it named one.
    pub symbol: Option<String>,
    /// The client's name of the order, where it named one.
    pub client_id: Option<String>,
    /// Status of the answer.
    pub status: u16,
    /// The venue's number of the reason, where it was refused.
    pub code: Option<i32>,
    /// Whether the client had been told to wait when it asked.
    pub banned: bool,
    /// What became of it.
    pub fate: Fate,
}

/// An entry with its number and its times.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Counts up by one a record.
    pub number: u64,
    /// When it was written, by the wall; nanoseconds since 1970.
    pub wall_ns: i64,
    /// When it was written, by the venue; nanoseconds since 1970.
    pub venue_ns: i64,
    /// What happened.
    #[serde(flatten)]
    pub entry: Entry,
}

/// A place in the file is remembered for each so many records.
const MARK_EVERY: u64 = 1_024;

/// The log: the last records in memory, all of them as JSON lines in a file.
#[derive(Debug)]
pub(crate) struct Log(Mutex<Inner>);

#[derive(Debug)]
struct Inner {
    writer: BufWriter<File>,
    reader: File,
    written_bytes: u64,
    marks: Vec<u64>,
    next: u64,
    recent: VecDeque<Record>,
    kept: usize,
    line: Vec<u8>,
    failed: Option<String>,
}

impl Log {
    /// A log in a file of its own; one without name when no path is given.
    pub(crate) fn create(path: Option<&Path>, kept: usize) -> std::io::Result<Self> {
        let file = match path {
            Some(path) => OpenOptions::new().read(true).write(true).create(true).truncate(true).open(path)?,
            None => tempfile::tempfile()?,
        };
        // A second handle of one open file shares its position: reading seeks only after the writer has been flushed,
        // and the writer is put back to the end.
        let reader = file.try_clone()?;
        Ok(Self(Mutex::new(Inner {
            writer: BufWriter::with_capacity(1 << 16, file),
            reader,
            written_bytes: 0,
            marks: Vec::new(),
            next: 0,
            recent: VecDeque::new(),
            kept,
            line: Vec::new(),
            failed: None,
        })))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an entry; a disk that fails is remembered and told by `failed`.
    pub(crate) fn add(&self, wall_ns: i64, venue_ns: i64, entry: Entry) {
        let mut inner = self.inner();
        let record = Record { number: inner.next, wall_ns, venue_ns, entry };
        if let Err(error) = inner.write(&record) {
            inner.failed.get_or_insert(error.to_string());
        }
        inner.next += 1;
        if inner.recent.len() == inner.kept {
            inner.recent.pop_front();
        }
        inner.recent.push_back(record);
    }

    /// At most `limit` records from a number on.
    pub(crate) fn page(&self, from: u64, limit: usize) -> std::io::Result<Vec<Record>> {
        let mut inner = self.inner();
        match inner.recent.front() {
            Some(front) if from < front.number => inner.read(from, limit),
            Some(front) => {
                let skipped = usize::try_from(from - front.number).unwrap_or(usize::MAX);
                Ok(inner.recent.iter().skip(skipped).take(limit).cloned().collect())
            }
            None => Ok(Vec::new()),
        }
    }

    /// Records written so far.
    pub(crate) fn len(&self) -> u64 {
        self.inner().next
    }

    /// Brings everything into the file and names the first failure of the disk, if there was one.
    pub(crate) fn flush(&self) -> Option<String> {
        let mut inner = self.inner();
        if let Err(error) = inner.writer.flush() {
            inner.failed.get_or_insert(error.to_string());
        }
        inner.failed.clone()
    }
}

impl Inner {
    fn write(&mut self, record: &Record) -> std::io::Result<()> {
        if record.number.is_multiple_of(MARK_EVERY) {
            self.marks.push(self.written_bytes);
        }
        self.line.clear();
        serde_json::to_writer(&mut self.line, record)?;
        self.line.push(b'\n');
        self.written_bytes += self.line.len() as u64;
        self.writer.write_all(&self.line)
    }

    fn read(&mut self, from: u64, limit: usize) -> std::io::Result<Vec<Record>> {
        self.writer.flush()?;
        let mark = usize::try_from(from / MARK_EVERY).unwrap_or(usize::MAX);
        let at = self.marks.get(mark).copied().unwrap_or(self.written_bytes);
        self.reader.seek(SeekFrom::Start(at))?;
        let skipped = usize::try_from(from % MARK_EVERY).unwrap_or(0);
        let lines = BufReader::new(Read::by_ref(&mut self.reader)).lines().skip(skipped).take(limit);
        let records = lines.map(|line| Ok(serde_json::from_str(&line?)?)).collect();
        self.writer.seek(SeekFrom::End(0))?;
        records
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_records_are_read_from_the_file_and_equal() {
        let log = Log::create(None, 10).unwrap();
        let entry = |number: i64| Entry::Received { connection: 1, text: format!("{number} \"ü\"") };
        for number in 0..3_000 {
            log.add(number, -number, entry(number));
            if number == 2_000 {
                assert_eq!(
                    log.page(5, 1).unwrap()[0].entry,
                    entry(5),
                    "reading in the middle disturbs nothing"
                );
            }
        }
        let all = log.page(0, usize::MAX).unwrap();
        assert_eq!((all.len(), log.len()), (3_000, 3_000));
        for (number, record) in all.iter().enumerate() {
            assert_eq!((record.number, record.wall_ns), (number as u64, number as i64));
            assert_eq!(record.entry, entry(number as i64));
        }
        assert_eq!(log.page(2_995, 3).unwrap(), all[2_995..2_998]);
        assert!(log.page(3_000, 5).unwrap().is_empty());
        assert_eq!(log.flush(), None);
    }

    #[test]
    fn numbers_beyond_64_bits_survive_the_file() {
        let log = Log::create(None, 1).unwrap();
        let bar = Kline {
            open_time_ns: 0,
            length_ns: 60,
            open: 1,
            high: 1,
            low: 1,
            close: 1,
            volume: 1 << 40,
            turnover: u128::from(u64::MAX) * 3,
            taker_buy_volume: 0,
            taker_buy_turnover: 0,
            trades: 1,
            first_id: 1,
        };
        let entry = Entry::Bar { symbol: "BTCUSDT".into(), interval: "1d".to_owned(), bar };
        log.add(0, 0, entry.clone());
        log.add(0, 0, entry.clone());
        assert_eq!(log.page(0, 1).unwrap()[0].entry, entry);
    }
}
