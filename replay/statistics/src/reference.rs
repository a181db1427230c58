//! What doing nothing would have earned: buy at one moment, hold to the last mark.

use engine_core::instrument::InstrumentId;
use engine_core::market::Bar;
use engine_core::time::Timestamp;

use super::calendar::closing_day;
use super::curve::Curve;

#[derive(Debug, Clone, Copy, Default)]
struct Holding {
    /// Its own first price, zero before any.
    first: f64,
    /// Its last price up to the moment of buying.
    before: f64,
    last: f64,
    /// How much of it was bought, once it was.
    units: Option<f64>,
}

/// Buy-and-hold of every instrument of a run, beside the strategy.
///
/// The capital is divided equally among the instruments. All parts are bought at one moment, the first at which
/// every instrument has a price, each for all of its part, the fee paid once out of it; nothing is sold at the
/// end. A part is bought at the open of the bar that holds that moment, at the first price told in it, or else at
/// the last price before. Fractions of a lot are allowed. Neither names nor the order of instruments play a role.
#[derive(Debug, Clone)]
pub struct BuyAndHold {
    part: f64,
    fee: f64,
    bought_at: Timestamp,
    holdings: Vec<Holding>,
    /// Parts still in cash.
    waiting: usize,
    curve: Curve,
    /// Value at the last sample of each UTC day that has one.
    days: Vec<(i64, f64)>,
}

impl BuyAndHold {
    /// A reference for `instruments` instruments with `capital` in the settlement currency, bought at
    /// `bought_at`; `fee` is the share of the notional that buying costs, as in 0.001.
    #[must_use]
    pub fn new(capital: f64, instruments: usize, fee: f64, bought_at: Timestamp) -> Self {
        let part = capital / instruments.max(1) as f64;
        Self {
            part,
            fee,
            bought_at,
            holdings: vec![Holding::default(); instruments],
            waiting: instruments,
            curve: Curve::new(),
            days: Vec::new(),
        }
    }

    /// Takes note of a bar, whose prices are given in the settlement currency.
    pub fn bar(&mut self, bar: &Bar, open: f64, close: f64) {
        if bar.open_at > self.bought_at {
            self.price(bar.instrument, bar.open_at, open);
        } else if bar.close_at > self.bought_at {
            self.price(bar.instrument, self.bought_at, open);
        } else {
            self.price(bar.instrument, bar.open_at, open);
            self.price(bar.instrument, bar.open_at, close);
        }
    }

    /// Takes note of a price told at `at`, in the order of time.
    pub fn price(&mut self, instrument: InstrumentId, at: Timestamp, price: f64) {
        let Some(holding) = self.holdings.get_mut(instrument.index()) else { return };
        if holding.units.is_some() || price <= 0.0 {
            return;
        }
        if holding.first <= 0.0 {
            holding.first = price;
        }
        let paid = if at > self.bought_at && holding.before > 0.0 { holding.before } else { price };
        holding.before = price;
        holding.last = price;
        if at >= self.bought_at {
            self.waiting -= 1;
            holding.units = Some(self.part / (paid * (1.0 + self.fee)));
        }
    }

    /// Takes note of the price at which an instrument is valued from here on.
    #[inline]
    pub fn mark(&mut self, instrument: InstrumentId, price: f64) {
        if let Some(holding) = self.holdings.get_mut(instrument.index())
            && price > 0.0
        {
            holding.last = price;
        }
    }

    /// Whether every part has been bought: from then on only the marks matter at which the value is asked for.
    #[must_use]
    pub const fn is_invested(&self) -> bool {
        self.waiting == 0
    }

    /// Nothing is told any more: an instrument that was silent since the moment of buying was bought at its last
    /// price before.
    pub fn close(&mut self) {
        for holding in self.holdings.iter_mut().filter(|holding| holding.units.is_none()) {
            if holding.before > 0.0 {
                holding.units = Some(self.part / (holding.before * (1.0 + self.fee)));
                self.waiting -= 1;
            }
        }
    }

    /// Adds the value at `at` to the curve; call where equity is sampled.
    #[inline]
    pub fn sample(&mut self, at: Timestamp) {
        let value = self.value();
        self.curve.push(at, value);
        let day = closing_day(at);
        match self.days.last_mut() {
            Some((last, close)) if *last == day => *close = value,
            Some(_) | None => self.days.push((day, value)),
        }
    }

    /// What the holdings and the parts still waiting are worth.
    #[must_use]
    pub fn value(&self) -> f64 {
        let worth = |holding: &Holding| holding.units.map_or(self.part, |units| units * holding.last);
        // The smallest first: the sum does not depend on the order of the instruments.
        let mut parts: Vec<f64> = self.holdings.iter().map(worth).collect();
        parts.sort_by(f64::total_cmp);
        parts.iter().sum()
    }

    /// Return of the whole on the capital: 0.1 is ten per cent; `None` before anything was bought.
    #[must_use]
    pub fn return_share(&self) -> Option<f64> {
        let capital = self.part * self.holdings.len() as f64;
        let bought = self.holdings.iter().any(|holding| holding.units.is_some());
        (bought && capital > 0.0).then(|| self.value() / capital - 1.0)
    }

    /// Last mark over its own first price, minus one, without any cost; `None` before any price.
    #[must_use]
    pub fn price_change(&self, instrument: InstrumentId) -> Option<f64> {
        let holding = self.holdings.get(instrument.index()).filter(|holding| holding.first > 0.0)?;
        Some(holding.last / holding.first - 1.0)
    }

    /// Value at the close of `count` UTC days from `first_day` on; the start capital before the first sample, and a
    /// day without one closes where the day before did.
    pub(crate) fn daily_closes(&self, first_day: i64, count: usize) -> Vec<f64> {
        if self.holdings.is_empty() {
            return Vec::new();
        }
        let mut value = self.part * self.holdings.len() as f64;
        let mut samples = self.days.iter().peekable();
        let mut closes = Vec::with_capacity(count);
        for day in (first_day..).take(count) {
            while let Some((_, close)) = samples.next_if(|(sampled, _)| *sampled <= day) {
                value = *close;
            }
            closes.push(value);
        }
        closes
    }

    /// The value over time, decimated.
    #[must_use]
    pub const fn curve(&self) -> &Curve {
        &self.curve
    }
}

#[cfg(test)]
mod tests {
    use engine_core::num::{Price, Qty};
    use proptest::prelude::*;

    use super::*;

    fn bar(instrument: u16, open_at: i64, close_at: i64, [open, close]: [i64; 2]) -> (Bar, f64, f64) {
        let (open_price, close_price) = (Price::from_units(open), Price::from_units(close));
        let bar = Bar {
            instrument: InstrumentId::new(instrument),
            open_at: Timestamp::from_nanos(open_at),
            close_at: Timestamp::from_nanos(close_at),
            open: open_price,
            high: open_price.max(close_price),
            low: open_price.min(close_price),
            close: close_price,
            volume: Qty::from_units(1),
            trades: 0,
        };
        (bar, open as f64, close as f64)
    }

    /// Held from `at` through `bars`, each told at its close.
    fn held(at: i64, instruments: usize, bars: &[(Bar, f64, f64)]) -> BuyAndHold {
        let mut reference = BuyAndHold::new(1_000.0, instruments, 0.0, Timestamp::from_nanos(at));
        for (bar, open, close) in bars {
            if !reference.is_invested() {
                reference.bar(bar, *open, *close);
            }
            reference.mark(bar.instrument, *close);
        }
        reference.close();
        reference
    }

    fn share(reference: &BuyAndHold) -> f64 {
        reference.return_share().unwrap()
    }

    #[test]
    fn the_first_bar_counts_and_the_order_of_instruments_does_not() {
        let rises = |id| [bar(id, 0, 10, [100, 110]), bar(id, 10, 20, [110, 110])];
        let falls = |id| [bar(id, 0, 10, [100, 50]), bar(id, 10, 20, [50, 50])];
        let told = |first: [(Bar, f64, f64); 2], second: [(Bar, f64, f64); 2]| {
            held(0, 2, &[first[0], second[0], first[1], second[1]])
        };
        for reference in [told(rises(0), falls(1)), told(falls(0), rises(1))] {
            assert!((share(&reference) + 0.2).abs() < 1e-12, "{reference:?}");
        }
        let reference = told(rises(0), falls(1));
        assert!((reference.price_change(InstrumentId::new(0)).unwrap() - 0.1).abs() < 1e-12);
        assert_eq!(reference.price_change(InstrumentId::new(9)), None);
    }

    #[test]
    fn every_part_is_bought_when_the_last_instrument_begins() {
        // The second begins at 20: the first is bought at its open there, the third, in whose bar 20 lies, at that
        // bar's open, the fourth, which is silent then, at its last close before.
        let bars = [
            bar(0, 0, 10, [50, 80]),
            bar(3, 0, 10, [10, 40]),
            bar(2, 15, 25, [200, 300]),
            bar(0, 20, 30, [100, 100]),
            bar(1, 20, 30, [10, 10]),
            bar(0, 30, 40, [100, 200]),
            bar(3, 50, 60, [80, 80]),
        ];
        let reference = held(20, 4, &bars);
        let expected = (200.0 / 100.0 + 10.0 / 10.0 + 300.0 / 200.0 + 80.0 / 40.0) / 4.0 - 1.0;
        assert!((share(&reference) - expected).abs() < 1e-12, "{reference:?}");
        // Its own first price is another thing.
        assert!((reference.price_change(InstrumentId::new(0)).unwrap() - 3.0).abs() < 1e-12);
    }

    #[test]
    fn parts_wait_in_cash_and_pay_once_and_a_silent_instrument_is_bought_at_its_last_price() {
        let (first, second) = (InstrumentId::new(0), InstrumentId::new(1));
        let mut reference = BuyAndHold::new(1_000.0, 2, 0.25, Timestamp::from_nanos(10));
        assert_eq!(reference.return_share(), None);
        reference.price(second, Timestamp::from_nanos(3), 5.0);
        reference.price(first, Timestamp::from_nanos(10), 10.0);
        reference.price(first, Timestamp::from_nanos(10), 12.0);
        assert!((reference.value() - (400.0 + 500.0)).abs() < 1e-12);
        reference.mark(first, 20.0);
        reference.mark(first, 0.0);
        reference.close();
        assert!(reference.is_invested());
        assert!((reference.value() - (800.0 + 400.0)).abs() < 1e-12);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn no_order_of_instruments_changes_the_value(
            walks in prop::collection::vec((0_i64..4, prop::collection::vec(1_i64..1_000, 2..12)), 1..6),
            turned in any::<prop::sample::Index>(),
        ) {
            let count = walks.len();
            let begins = walks.iter().map(|(late, _)| *late * 10).max().unwrap_or(0);
            let play = |turned: usize| {
                let mut bars: Vec<(Bar, f64, f64)> = Vec::new();
                for (place, (late, prices)) in walks.iter().enumerate() {
                    let id = u16::try_from((place + turned) % count).unwrap();
                    for (step, pair) in (*late..).zip(prices.windows(2)) {
                        bars.push(bar(id, step * 10, step * 10 + 10, [pair[0], pair[1]]));
                    }
                }
                bars.sort_by_key(|(bar, _, _)| (bar.close_at, bar.instrument));
                held(begins, count, &bars).value().to_bits()
            };
            prop_assert_eq!(play(0), play(turned.index(count)));
        }
    }
}
