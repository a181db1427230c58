//! Trades folded into the bars that a venue offers.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::trade::Trade;
use super::wide;
use crate::interval::Interval;

/// A bar as a venue counts it; prices and quantities are whole units of the symbol's last decimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kline {
    /// When it begins, in nanoseconds since 1970.
    pub open_time_ns: i64,
    /// How long it lasts, in nanoseconds.
    pub length_ns: i64,
    /// Price of its first trade; of a bar without trades, the last price before it.
    pub open: u64,
    /// Highest price.
    pub high: u64,
    /// Lowest price.
    pub low: u64,
    /// Price of its last trade.
    pub close: u64,
    /// Quantity traded, in units of the quantity.
    #[serde(with = "wide")]
    pub volume: u128,
    /// Sum of price × quantity, in units of both.
    #[serde(with = "wide")]
    pub turnover: u128,
    /// What of the volume buyers took.
    #[serde(with = "wide")]
    pub taker_buy_volume: u128,
    /// What of the turnover buyers took.
    #[serde(with = "wide")]
    pub taker_buy_turnover: u128,
    /// Number of trades.
    pub trades: u64,
    /// Identity of its first trade; of the last, `first_id + trades - 1`.
    pub first_id: u64,
}

impl Kline {
    fn empty(interval: Interval, open_time_ns: i64, price: u64) -> Self {
        Self {
            open_time_ns,
            length_ns: interval.length_ns(),
            open: price,
            high: price,
            low: price,
            close: price,
            volume: 0,
            turnover: 0,
            taker_buy_volume: 0,
            taker_buy_turnover: 0,
            trades: 0,
            first_id: 0,
        }
    }

    fn add(&mut self, trade: &Trade) {
        if self.trades == 0 {
            (self.open, self.high, self.low) = (trade.price, trade.price, trade.price);
            self.first_id = trade.id;
        }
        self.high = self.high.max(trade.price);
        self.low = self.low.min(trade.price);
        self.close = trade.price;
        self.volume += u128::from(trade.quantity);
        self.turnover += trade.turnover();
        if !trade.buyer_is_maker {
            self.taker_buy_volume += u128::from(trade.quantity);
            self.taker_buy_turnover += trade.turnover();
        }
        self.trades += 1;
    }

    /// When it ends: the first moment that is not in it.
    pub(crate) fn end_ns(&self) -> i64 {
        self.open_time_ns + self.length_ns
    }
}

/// The bars of one interval: the one that forms, and those that closed with trades in them.
#[derive(Debug)]
struct Row {
    forming: Option<Kline>,
    closed: VecDeque<Kline>,
    /// When the next bar closes.
    due_ns: Option<i64>,
}

/// The bars of one market in each interval that is offered.
#[derive(Debug)]
pub(crate) struct Candles {
    rows: BTreeMap<Interval, Row>,
    last_price: Option<u64>,
    kept: usize,
}

impl Candles {
    /// Bars of `intervals`; of each the last `kept` are remembered.
    pub(crate) fn new(intervals: &[Interval], kept: usize) -> Self {
        let row = || Row { forming: None, closed: VecDeque::new(), due_ns: None };
        let rows = intervals.iter().map(|interval| (*interval, row())).collect();
        Self { rows, last_price: None, kept }
    }

    /// From here on a bar closes at each border, whether anything was traded in it or not.
    pub(crate) fn begin_live(&mut self, now_ns: i64) {
        for (interval, row) in &mut self.rows {
            row.due_ns = Some(interval.open_of(now_ns) + interval.length_ns());
        }
    }

    /// When the next bar closes.
    pub(crate) fn due_ns(&self) -> Option<i64> {
        self.rows.values().filter_map(|row| row.due_ns).min()
    }

    /// Closes the bars that end at or before `time_ns` and names them, those without trades only while live.
    pub(crate) fn close_until(&mut self, time_ns: i64) -> Vec<(Interval, Kline)> {
        let mut closed = Vec::new();
        for (interval, row) in &mut self.rows {
            while let Some(due_ns) = row.due_ns.filter(|due_ns| *due_ns <= time_ns) {
                let open_ns = due_ns - interval.length_ns();
                row.due_ns = Some(due_ns + interval.length_ns());
                let empty = self.last_price.map(|price| Kline::empty(*interval, open_ns, price));
                closed.extend(row.close(self.kept).or(empty).map(|kline| (*interval, kline)));
            }
            if row.forming.is_some_and(|forming| forming.end_ns() <= time_ns) {
                closed.extend(row.close(self.kept).map(|kline| (*interval, kline)));
            }
        }
        closed.sort_by_key(|(interval, kline)| (kline.end_ns(), *interval));
        closed
    }

    /// Folds a trade into the forming bars; those that ended before it must have been closed.
    pub(crate) fn add(&mut self, trade: &Trade) {
        self.last_price = Some(trade.price);
        for (interval, row) in &mut self.rows {
            let open_ns = interval.open_of(trade.time_ns);
            row.forming.get_or_insert_with(|| Kline::empty(*interval, open_ns, trade.price)).add(trade);
        }
    }

    /// Whether bars of this interval are offered.
    pub(crate) fn offers(&self, interval: Interval) -> bool {
        self.rows.contains_key(&interval)
    }

    /// The bar that forms at `now_ns`, without volume when nothing was traded in it yet.
    pub(crate) fn forming(&self, interval: Interval, now_ns: i64) -> Option<Kline> {
        let row = self.rows.get(&interval)?;
        let open_ns = interval.open_of(now_ns);
        row.forming.or_else(|| self.last_price.map(|price| Kline::empty(interval, open_ns, price)))
    }

    /// At most `limit` bars that begin in `from_ns..=to_ns`, from the first on; spans without a trade are bars without
    /// volume at the last price, and the bar that forms at `now_ns` is the last of all.
    pub(crate) fn range(
        &self,
        interval: Interval,
        from_ns: i64,
        to_ns: i64,
        limit: usize,
        now_ns: i64,
    ) -> Vec<Kline> {
        let Some(row) = self.rows.get(&interval) else { return Vec::new() };
        let Some(first) = row.closed.front().or(row.forming.as_ref()) else { return Vec::new() };
        if from_ns > to_ns.min(now_ns) {
            return Vec::new();
        }
        let from_ns = interval.open_of(from_ns.max(first.open_time_ns) + interval.length_ns() - 1);
        let to_ns = interval.open_of(to_ns.min(now_ns));
        let mut next = row.closed.partition_point(|kline| kline.open_time_ns < from_ns);
        let mut close = next.checked_sub(1).map_or(first.open, |before| row.closed[before].close);
        let mut bars = Vec::new();
        let mut open_ns = from_ns;
        while open_ns <= to_ns && bars.len() < limit {
            let traded =
                row.closed.get(next).or(row.forming.as_ref()).filter(|kline| kline.open_time_ns == open_ns);
            let bar = traded.copied().unwrap_or_else(|| Kline::empty(interval, open_ns, close));
            next += usize::from(traded.is_some());
            close = bar.close;
            bars.push(bar);
            open_ns += interval.length_ns();
        }
        bars
    }
}

impl Row {
    fn close(&mut self, kept: usize) -> Option<Kline> {
        let kline = self.forming.take()?;
        if self.closed.len() == kept {
            self.closed.pop_front();
        }
        self.closed.push_back(kline);
        Some(kline)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE_NS: i64 = 60_000_000_000;

    fn trade(id: u64, time_ns: i64, price: u64) -> Trade {
        Trade { id, time_ns, price, quantity: 10, buyer_is_maker: id.is_multiple_of(2) }
    }

    #[test]
    fn a_span_without_trades_is_a_bar_without_volume() {
        let mut candles = Candles::new(&[Interval::MINUTE], 100);
        candles.begin_live(0);
        candles.add(&trade(1, 5, 100));
        candles.add(&trade(2, 6, 90));
        let closed = candles.close_until(2 * MINUTE_NS);
        assert_eq!(closed.len(), 2);
        let (first, second) = (closed[0].1, closed[1].1);
        assert_eq!((first.open, first.high, first.low, first.close, first.volume), (100, 100, 90, 90, 20));
        assert_eq!((first.trades, first.first_id, first.taker_buy_volume), (2, 1, 10));
        assert_eq!((second.open, second.trades, second.open_time_ns), (90, 0, MINUTE_NS));
        candles.add(&trade(3, 3 * MINUTE_NS, 95));
        let bars = candles.range(Interval::MINUTE, 0, i64::MAX, 10, 3 * MINUTE_NS + 1);
        assert_eq!(bars.iter().map(|bar| bar.trades).collect::<Vec<_>>(), [2, 0, 0, 1]);
        assert_eq!(bars[2].close, 90);
        assert_eq!(candles.range(Interval::MINUTE, MINUTE_NS, MINUTE_NS, 10, 3 * MINUTE_NS).len(), 1);
    }

    #[test]
    fn the_past_closes_only_bars_that_had_trades() {
        let mut candles = Candles::new(&[Interval::MINUTE, Interval::HOUR], 100);
        candles.add(&trade(1, 5, 100));
        assert_eq!(candles.close_until(30 * MINUTE_NS).len(), 1);
        assert_eq!(candles.close_until(120 * MINUTE_NS).len(), 1);
        assert_eq!(candles.due_ns(), None);
    }
}
