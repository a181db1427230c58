//! Bars of any number as the few hundred candles of a chart: open, high, low and close of each column of its time.

use engine_core::market::Bar;
use engine_core::num::Price;
use engine_core::time::Timestamp;

use super::price::PriceRecorder;

/// Columns of a chart, each with at most one candle.
const COLUMNS: usize = 600;

/// The bars of one column together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candle {
    /// When the last of them ended.
    pub to: Timestamp,
    /// The open of the first.
    pub open: Price,
    /// The highest price of all.
    pub high: Price,
    /// The lowest price of all.
    pub low: Price,
    /// The close of the last.
    pub close: Price,
    /// How many they are.
    pub bars: u64,
}

impl Candle {
    /// This candle and a later one as one.
    #[must_use]
    pub fn and(self, later: Self) -> Self {
        Self {
            to: later.to,
            open: self.open,
            high: self.high.max(later.high),
            low: self.low.min(later.low),
            close: later.close,
            bars: self.bars.saturating_add(later.bars),
        }
    }
}

/// The candles between two moments.
#[derive(Debug, Clone)]
pub struct CandleColumns {
    from: Timestamp,
    to: Timestamp,
    columns: Vec<Option<Candle>>,
}

impl CandleColumns {
    /// No candle yet, of bars that end between these two moments, both included.
    #[must_use]
    pub fn over(from: Timestamp, to: Timestamp) -> Self {
        Self { from, to, columns: vec![None; COLUMNS] }
    }

    /// Adds a bar, in the order of time; one that ends outside is passed over.
    pub fn add(&mut self, bar: &Bar) {
        if !(self.from..=self.to).contains(&bar.close_at) {
            return;
        }
        let length = self.to.since(self.from).nanos().max(1) as f64;
        let share = bar.close_at.since(self.from).nanos() as f64 / length;
        let place = ((share * COLUMNS as f64) as usize).min(COLUMNS - 1);
        let Some(column) = self.columns.get_mut(place) else { return };
        let Bar { close_at: to, open, high, low, close, .. } = *bar;
        let own = Candle { to, open, high, low, close, bars: 1 };
        *column = Some(column.map_or(own, |before| before.and(own)));
    }

    /// The candles in the order of time.
    pub fn candles(&self) -> impl Iterator<Item = &Candle> {
        self.columns.iter().flatten()
    }
}

/// The candles behind both charts of a price: the whole run and its end.
#[derive(Debug, Clone)]
pub struct PriceCandles {
    /// Of the whole run.
    pub whole: CandleColumns,
    /// Of the last marks.
    pub tail: CandleColumns,
}

impl PriceCandles {
    /// No candle yet, over the time of `prices`.
    #[must_use]
    pub fn over(prices: &PriceRecorder) -> Self {
        let moments = |first: Option<Timestamp>, last: Option<Timestamp>| {
            let (from, to) = first.zip(last).unwrap_or((Timestamp::MAX, Timestamp::MIN));
            CandleColumns::over(from, to)
        };
        let (curve, tail) = (prices.curve(), prices.tail());
        Self {
            whole: moments(curve.first().map(|point| point.at), curve.last().map(|point| point.at)),
            tail: moments(tail.first().map(|point| point.at), tail.last().map(|point| point.at)),
        }
    }

    /// Adds a bar, in the order of time.
    pub fn add(&mut self, bar: &Bar) {
        self.whole.add(bar);
        self.tail.add(bar);
    }
}

#[cfg(test)]
mod tests {
    use engine_core::instrument::InstrumentId;
    use engine_core::num::Qty;
    use proptest::prelude::*;

    use super::*;

    fn bar(number: i64, [open, high, low, close]: [i64; 4]) -> Bar {
        let [open, high, low, close] = [open, high, low, close].map(Price::from_units);
        Bar {
            instrument: InstrumentId::new(0),
            open_at: Timestamp::from_nanos((number - 1) * 60),
            close_at: Timestamp::from_nanos(number * 60),
            open,
            high,
            low,
            close,
            volume: Qty::from_units(1),
            trades: 0,
        }
    }

    fn recorder(bars: &[Bar]) -> PriceRecorder {
        let mut prices = PriceRecorder::new();
        bars.iter().for_each(|bar| prices.mark(bar.close_at, bar.close.units() as f64));
        prices
    }

    fn candles_of(bars: &[Bar]) -> PriceCandles {
        let mut candles = PriceCandles::over(&recorder(bars));
        bars.iter().for_each(|bar| candles.add(bar));
        candles
    }

    #[test]
    fn as_many_bars_as_columns_are_shown_as_they_are() {
        let bars: Vec<Bar> = (1..=600).map(|at| bar(at, [at + 5, at + 9, at + 1, at + 7])).collect();
        for columns in [&candles_of(&bars).whole, &candles_of(&bars).tail] {
            let shown: Vec<Candle> = columns.candles().copied().collect();
            assert_eq!(shown.len(), 600);
            for (candle, bar) in shown.iter().zip(&bars) {
                let Bar { close_at: to, open, high, low, close, .. } = *bar;
                assert_eq!(*candle, Candle { to, open, high, low, close, bars: 1 });
            }
        }
    }

    #[test]
    fn one_bar_is_one_candle_and_no_price_none() {
        assert_eq!(candles_of(&[bar(1, [3, 9, 1, 4])]).whole.candles().count(), 1);
        let mut none = PriceCandles::over(&PriceRecorder::new());
        none.add(&bar(1, [3, 9, 1, 4]));
        assert_eq!(none.whole.candles().chain(none.tail.candles()).count(), 0);
    }

    proptest! {
        #[test]
        fn every_bar_is_in_one_candle_and_no_extreme_is_lost(
            steps in prop::collection::vec((1_i64..40, prop::array::uniform4(1_i64..1_000_000)), 1..3_000),
        ) {
            let mut at = 0;
            let bars: Vec<Bar> = steps.iter().map(|(step, prices)| {
                at += step;
                let (high, low) = (*prices.iter().max().unwrap(), *prices.iter().min().unwrap());
                bar(at, [prices[0], high, low, prices[3]])
            }).collect();
            let candles: Vec<Candle> = candles_of(&bars).whole.candles().copied().collect();
            let mut rest = bars.as_slice();
            for candle in &candles {
                let (own, behind) = rest.split_at(usize::try_from(candle.bars).unwrap());
                prop_assert_eq!(candle.to, own[own.len() - 1].close_at);
                prop_assert_eq!((candle.open, candle.close), (own[0].open, own[own.len() - 1].close));
                prop_assert_eq!(Some(candle.high), own.iter().map(|bar| bar.high).max());
                prop_assert_eq!(Some(candle.low), own.iter().map(|bar| bar.low).min());
                rest = behind;
            }
            prop_assert!(rest.is_empty() && candles.len() <= 600);
        }
    }
}
