//! What existed and what was sent, for tests and oracles to compare with what an engine wrote down.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::log::{Entry, Log, OrderRequest, Record};
use crate::market::candles::Kline;
use crate::market::trade::Trade;
use crate::trading::amount::Amount;
use crate::trading::fill::Fill;
use crate::trading::ledger::{Balance, Pocket, Posting};
use crate::trading::order::Order;

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

    /// Every order that was accepted, as it was last, by the venue's number.
    ///
    /// # Errors
    /// When the file of the log cannot be read.
    pub fn orders(&self) -> std::io::Result<Vec<Order>> {
        let mut orders = BTreeMap::new();
        self.for_each(|record| {
            if let Entry::Order { order } = record.entry {
                orders.insert(order.id, *order);
            }
        })?;
        Ok(orders.into_values().collect())
    }

    /// Every trade of the account, oldest first.
    ///
    /// # Errors
    /// When the file of the log cannot be read.
    pub fn fills(&self) -> std::io::Result<Vec<Fill>> {
        let mut fills = Vec::new();
        self.for_each(|record| {
            if let Entry::Fill { fill } = record.entry {
                fills.push(*fill);
            }
        })?;
        Ok(fills)
    }

    /// Every amount of the account that moved, oldest first.
    ///
    /// # Errors
    /// When the file of the log cannot be read.
    pub fn postings(&self) -> std::io::Result<Vec<Posting>> {
        let mut postings = Vec::new();
        self.for_each(|record| {
            if let Entry::Posting { posting } = record.entry {
                postings.push(posting);
            }
        })?;
        Ok(postings)
    }

    /// What the account has of each asset, summed from what moved.
    ///
    /// # Errors
    /// When the file of the log cannot be read.
    pub fn balances(&self) -> std::io::Result<BTreeMap<Arc<str>, Balance>> {
        let mut balances: BTreeMap<Arc<str>, Balance> = BTreeMap::new();
        for Posting { asset, amount, from, to, .. } in self.postings()? {
            let balance = balances.entry(asset).or_default();
            for (pocket, moved) in [(from, -amount), (to, amount)] {
                let (free, locked) = match pocket {
                    Pocket::Free => (moved, Amount::ZERO),
                    Pocket::Locked => (Amount::ZERO, moved),
                    Pocket::Venue => (Amount::ZERO, Amount::ZERO),
                };
                balance.free += free;
                balance.locked += locked;
            }
        }
        Ok(balances)
    }

    /// Every request to the interface for orders, oldest first.
    ///
    /// # Errors
    /// When the file of the log cannot be read.
    pub fn order_requests(&self) -> std::io::Result<Vec<OrderRequest>> {
        let mut requests = Vec::new();
        self.for_each(|record| {
            if let Entry::OrderRequest(request) = record.entry {
                requests.push(*request);
            }
        })?;
        Ok(requests)
    }

    /// How many requests of any kind came from a client that had been told to wait.
    ///
    /// # Errors
    /// When the file of the log cannot be read.
    pub fn requests_in_bans(&self) -> std::io::Result<u64> {
        let mut count = 0;
        self.for_each(|record| {
            count += match record.entry {
                Entry::Request { banned, .. } => u64::from(banned),
                Entry::OrderRequest(request) => u64::from(request.banned),
                Entry::Trade { .. }
                | Entry::Bar { .. }
                | Entry::Sent { .. }
                | Entry::Dropped { .. }
                | Entry::Control { .. }
                | Entry::Received { .. }
                | Entry::Opened { .. }
                | Entry::Closed { .. }
                | Entry::Order { .. }
                | Entry::Fill { .. }
                | Entry::Posting { .. }
                | Entry::Fault { .. } => 0,
            };
        })?;
        Ok(count)
    }
}
