//! What a client can subscribe to, and what is published on it.

use std::collections::BTreeMap;

use crate::interval::Interval;
use crate::market::book::{BookChange, Level, Quote};
use crate::market::candles::Kline;
use crate::market::trade::Trade;

/// A kind of data of one market.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Channel {
    Trades,
    AggregateTrades,
    /// Binance `bookTicker`, the `ticker` of the others.
    Quotes,
    Bars(Interval),
    /// Changes of the whole book, gathered over a window.
    Depth {
        every_ms: u32,
    },
    /// The best levels whole, once a window.
    TopOfBook {
        levels: u32,
        every_ms: u32,
    },
    /// Changes of the best levels at once, as Kraken sends them.
    Book {
        levels: u32,
    },
}

/// A channel of one market.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Stream {
    pub(crate) symbol: usize,
    pub(crate) channel: Channel,
}

/// Changes of a book gathered over a window; quantities are what stands there now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Diff {
    pub(crate) first_id: u64,
    pub(crate) last_id: u64,
    pub(crate) time_ns: i64,
    pub(crate) bids: BTreeMap<u64, u64>,
    pub(crate) asks: BTreeMap<u64, u64>,
}

/// The best levels of both sides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct View {
    pub(crate) bids: Vec<Level>,
    pub(crate) asks: Vec<Level>,
}

/// What is published on a stream.
#[derive(Debug)]
pub(crate) enum Publication<'a> {
    Trades(&'a [Trade]),
    Quote {
        quote: Quote,
        update_id: u64,
        day: Option<Kline>,
    },
    Bar {
        bar: Kline,
        interval: Interval,
        closed: bool,
    },
    Depth(&'a Diff),
    Top {
        last_id: u64,
        view: View,
    },
    /// Changed levels and the view they lead to.
    Book {
        changed: View,
        view: &'a View,
        time_ns: i64,
    },
}

/// What waits for the end of a window.
#[derive(Debug)]
pub(crate) enum Gathered {
    Trades(Vec<Trade>),
    Depth(Diff),
    /// The state at the end of the window is asked for then.
    State,
}

/// Streams whose window is open.
#[derive(Debug, Default)]
pub(crate) struct Windows {
    open: BTreeMap<Stream, (i64, Gathered)>,
}

impl Windows {
    pub(crate) fn due_ns(&self) -> Option<i64> {
        self.open.values().map(|(due_ns, _)| *due_ns).min()
    }

    pub(crate) fn take_due(&mut self, now_ns: i64) -> Vec<(Stream, Gathered)> {
        self.open
            .extract_if(.., |_, (due_ns, _)| *due_ns <= now_ns)
            .map(|(stream, (_, what))| (stream, what))
            .collect()
    }

    fn entry(&mut self, stream: Stream, time_ns: i64, every_ms: u32, empty: Gathered) -> &mut Gathered {
        let every_ns = i64::from(every_ms) * 1_000_000;
        let due_ns = (time_ns.div_euclid(every_ns) + 1) * every_ns;
        &mut self.open.entry(stream).or_insert((due_ns, empty)).1
    }

    pub(crate) fn add_trade(&mut self, stream: Stream, trade: Trade, every_ms: u32) {
        let gathered = self.entry(stream, trade.time_ns, every_ms, Gathered::Trades(Vec::new()));
        if let Gathered::Trades(trades) = gathered {
            trades.push(trade);
        }
    }

    pub(crate) fn add_change(&mut self, stream: Stream, change: &BookChange, every_ms: u32) {
        let empty = Diff { first_id: change.first_id, ..Diff::default() };
        let gathered = self.entry(stream, change.time_ns, every_ms, Gathered::Depth(empty));
        if let Gathered::Depth(diff) = gathered {
            diff.last_id = change.last_id;
            diff.time_ns = change.time_ns;
            diff.bids.extend(change.bids.iter().copied());
            diff.asks.extend(change.asks.iter().copied());
        }
    }

    pub(crate) fn mark(&mut self, stream: Stream, time_ns: i64, every_ms: u32) {
        self.entry(stream, time_ns, every_ms, Gathered::State);
    }

    pub(crate) fn forget(&mut self, stream: Stream) {
        self.open.remove(&stream);
    }
}

impl View {
    /// The levels of `self` that `before` did not have so, and those of `before` that no longer stand in the book; a
    /// level that was only pushed out of sight is no change.
    pub(crate) fn since(&self, before: &Self, stands: impl Fn(bool, u64) -> bool) -> Self {
        let side = |is_bid: bool, now: &[Level], before: &[Level]| {
            let gone =
                before.iter().filter(|(price, _)| !stands(is_bid, *price)).map(|(price, _)| (*price, 0));
            let new = now.iter().filter(|level| !before.contains(level)).copied();
            gone.chain(new).collect()
        };
        Self { bids: side(true, &self.bids, &before.bids), asks: side(false, &self.asks, &before.asks) }
    }
}
