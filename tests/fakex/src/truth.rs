//! What existed and what was sent, for tests and oracles to compare with what an engine wrote down.

use std::sync::Arc;

use crate::log::{Entry, Log, Record};
use crate::market::candles::Kline;
use crate::market::trade::Trade;

/// Records read at a time.
const PAGE: usize = 4_096;

/// The log of an exchange; stays readable after the exchange has stopped.
#[derive(Clone, Debug)]
pub struct Truth {
    log: Arc<Log>,
}

impl Truth {
    pub(crate) fn new(log: Arc<Log>) -> Self {
        Self { log }
    }

    /// Number of records so far.
    pub fn count(&self) -> u64 {
        self.log.len()
    }

    /// At most `limit` records from a number on.
    ///
    /// # Errors
    /// When the file of the log cannot be read.
    pub fn records(&self, from: u64, limit: usize) -> std::io::Result<Vec<Record>> {
        self.log.page(from, limit)
    }

    /// Shows every record so far, page by page.
    ///
    /// # Errors
    /// When the file of the log cannot be read.
    pub fn for_each(&self, mut see: impl FnMut(Record)) -> std::io::Result<()> {
        let end = self.log.len();
        let mut from = 0;
        while from < end {
            let page = self.log.page(from, PAGE)?;
            if page.is_empty() {
                break;
            }
            from += page.len() as u64;
            page.into_iter().for_each(&mut see);
        }
        Ok(())
    }

    /// Every trade of a market, such as `BTCUSDT`, sent or not.
    ///
    /// # Errors
    /// When the file of the log cannot be read.
    pub fn trades(&self, market: &str) -> std::io::Result<Vec<Trade>> {
        let mut trades = Vec::new();
        self.for_each(|record| {
            if let Entry::Trade { symbol, trade } = record.entry
                && *symbol == *market
            {
                trades.push(trade);
            }
        })?;
        Ok(trades)
    }

    /// Every closed bar of a market in which something was traded, by its length, such as `1m`.
    ///
    /// # Errors
    /// When the file of the log cannot be read.
    pub fn bars(&self, market: &str, length: &str) -> std::io::Result<Vec<Kline>> {
        let mut bars = Vec::new();
        self.for_each(|record| {
            if let Entry::Bar { symbol, interval, bar } = record.entry
                && *symbol == *market
                && interval == length
            {
                bars.push(bar);
            }
        })?;
        Ok(bars)
    }

    /// Every text that was sent by a connection, in the order it was sent.
    ///
    /// # Errors
    /// When the file of the log cannot be read.
    pub fn sent(&self, link: u64) -> std::io::Result<Vec<Arc<str>>> {
        let mut sent = Vec::new();
        self.for_each(|record| {
            if let Entry::Sent { connection, text, .. } = record.entry
                && connection == link
            {
                sent.push(text);
            }
        })?;
        Ok(sent)
    }
}
