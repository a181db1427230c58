//! One market: its source of prices, its trades with their numbers, its book and its bars.

use std::collections::VecDeque;
use std::iter::Peekable;
use std::vec::IntoIter;

use super::bar::Bar;
use super::book::{Book, BookChange};
use super::candles::{Candles, Kline};
use super::trade::{Print, Trade};
use super::walk::RandomWalk;
use crate::instrument::{Instrument, Status};
use crate::interval::Interval;
use crate::random::Random;

/// What a market does at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Happening {
    Traded(Trade),
    BookChanged(BookChange),
    BarClosed(Interval, Kline),
}

impl Happening {
    /// The trade that happened.
    pub(crate) fn trade(&self) -> Option<Trade> {
        match self {
            Self::Traded(trade) => Some(*trade),
            Self::BookChanged(_) | Self::BarClosed(..) => None,
        }
    }
}

/// Where the prints of a market come from: bars first, then the walk, if there is one.
#[derive(Debug)]
struct Prints {
    bars: IntoIter<Bar>,
    of_bar: Peekable<IntoIter<Print>>,
    walk: Option<RandomWalk>,
}

impl Prints {
    fn next_print(&mut self) -> Option<Print> {
        loop {
            if let Some(print) = self.of_bar.next() {
                return Some(print);
            }
            match self.bars.next() {
                Some(bar) => self.of_bar = bar.prints().into_iter().peekable(),
                None => return self.walk.as_mut().map(RandomWalk::next_print),
            }
        }
    }
}

/// How much a market remembers for its REST interface.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    pub(crate) trades: usize,
    pub(crate) bars: usize,
}

/// One market.
#[derive(Debug)]
pub(crate) struct SymbolMarket {
    pub(crate) instrument: Instrument,
    prints: Prints,
    next: Option<Print>,
    next_id: u64,
    trades: VecDeque<Trade>,
    trades_kept: usize,
    book: Book,
    candles: Candles,
    /// The next print is this much away from where it would have been, in percent.
    spike_percent: Option<i64>,
}

impl SymbolMarket {
    pub(crate) fn new(
        instrument: Instrument,
        bars: Vec<Bar>,
        walk: Option<RandomWalk>,
        intervals: &[Interval],
        memory: Memory,
        random: Random,
    ) -> Self {
        let mut prints = Prints { bars: bars.into_iter(), of_bar: Vec::new().into_iter().peekable(), walk };
        let next = prints.next_print();
        Self {
            instrument,
            prints,
            next,
            next_id: 1,
            trades: VecDeque::new(),
            trades_kept: memory.trades,
            book: Book::new(random),
            candles: Candles::new(intervals, memory.bars),
            spike_percent: None,
        }
    }

    /// When something happens next.
    pub(crate) fn due_ns(&self) -> Option<i64> {
        let print_ns = self.next.map(|print| print.time_ns);
        [print_ns, self.candles.due_ns()].into_iter().flatten().min()
    }

    /// What happens next, bars that end before a trade before it; nothing when the market is at its end.
    pub(crate) fn step(&mut self) -> Vec<Happening> {
        let Some(due_ns) = self.due_ns() else { return Vec::new() };
        let closed = self.candles.close_until(due_ns).into_iter();
        let mut happenings: Vec<Happening> =
            closed.map(|(interval, kline)| Happening::BarClosed(interval, kline)).collect();
        if let Some(print) = self.next.filter(|print| print.time_ns == due_ns) {
            self.next = self.prints.next_print();
            self.trade(print, &mut happenings);
        }
        happenings
    }

    fn trade(&mut self, print: Print, happenings: &mut Vec<Happening>) {
        // While it does not trade its price wanders on unseen, as that of every other venue does.
        if self.instrument.status != Status::Trading {
            return;
        }
        let price = self.spiked(print.price);
        let Print { time_ns, quantity, buyer_is_maker, .. } = print;
        let trade = Trade { id: self.next_id, time_ns, price, quantity, buyer_is_maker };
        self.next_id += 1;
        self.candles.add(&trade);
        if self.trades.len() == self.trades_kept {
            self.trades.pop_front();
        }
        self.trades.push_back(trade);
        happenings.push(Happening::Traded(trade));
        let change = self.book.follow(&print, self.instrument.tick, self.instrument.step);
        happenings.extend(change.map(Happening::BookChanged));
    }

    /// The price of a print with the spike that was asked for, on the grid; a spike that leaves no price is not made.
    fn spiked(&mut self, price: u64) -> u64 {
        let Some(percent) = self.spike_percent.take() else { return price };
        let tick = i128::from(self.instrument.tick);
        let spiked = i128::from(price) * (100 + i128::from(percent)) / 100 / tick * tick;
        u64::try_from(spiked).ok().filter(|spiked| *spiked > 0).unwrap_or(price)
    }

    /// The past is over: its bars close, and everything from now on is sent.
    pub(crate) fn begin_live(&mut self, now_ns: i64) -> Vec<Happening> {
        let closed = self.candles.close_until(now_ns).into_iter();
        self.candles.begin_live(now_ns);
        closed.map(|(interval, kline)| Happening::BarClosed(interval, kline)).collect()
    }

    pub(crate) fn spike_next(&mut self, percent: i64) {
        self.spike_percent = Some(percent);
    }

    pub(crate) fn cross_next(&mut self) {
        self.book.cross_next();
    }

    /// Changes its grid; prices from now on stand on it.
    pub(crate) fn change_filters(&mut self, tick: u64, step: u64) {
        (self.instrument.tick, self.instrument.step) = (tick, step);
        if let Some(walk) = &mut self.prints.walk {
            walk.change_filters(tick, step);
        }
    }

    pub(crate) fn book(&self) -> &Book {
        &self.book
    }

    pub(crate) fn candles(&self) -> &Candles {
        &self.candles
    }

    /// The trades that are remembered, oldest first; their numbers have no gaps.
    pub(crate) fn trades(&self) -> &VecDeque<Trade> {
        &self.trades
    }

    /// Trades from a number on.
    pub(crate) fn trades_from(&self, id: u64) -> impl Iterator<Item = &Trade> {
        let at = self.trades.partition_point(|trade| trade.id < id);
        self.trades.range(at..)
    }
}
