//! Bars of the past that a market plays as trades.

use super::trade::Print;
use crate::decimal;

/// One bar of history; prices and volume are whole units of the symbol's last decimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bar {
    /// When it begins, in nanoseconds since 1970.
    pub open_time_ns: i64,
    /// How long it lasts, in nanoseconds.
    pub length_ns: i64,
    /// Price of its first trade.
    pub open: u64,
    /// Highest price.
    pub high: u64,
    /// Lowest price.
    pub low: u64,
    /// Price of its last trade.
    pub close: u64,
    /// Quantity traded in it.
    pub volume: u64,
}

/// The most units of a price: levels of the book stand above it.
const PRICE_MAX: u64 = u64::MAX / 1_000_000;

/// The four prices in the order they were paid, a price that repeats the one before left out: through the low first when
/// the bar rose, through the high first when it fell.
fn path(bar: &Bar) -> Vec<u64> {
    let (first, second) = if bar.close >= bar.open { (bar.low, bar.high) } else { (bar.high, bar.low) };
    let mut prices = vec![bar.open, first, second, bar.close];
    prices.dedup();
    prices
}

impl Bar {
    /// Reads `open_time_ms,open,high,low,close,volume` lines; a first line of names is passed over.
    ///
    /// # Errors
    /// Names the line and what is wrong with it.
    pub fn from_csv(
        text: &str,
        length_ns: i64,
        price_decimals: u32,
        quantity_decimals: u32,
    ) -> Result<Vec<Self>, String> {
        let mut bars = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let fields: Vec<&str> = line.trim().split(',').map(str::trim).collect();
            if fields == [""] || (number == 0 && fields[0].parse::<i64>().is_err()) {
                continue;
            }
            let bar = Self::of_fields(&fields, length_ns, price_decimals, quantity_decimals);
            bars.push(bar.ok_or_else(|| {
                format!(
                    "line {}: not `open_time_ms,open,high,low,close,volume` with at most {price_decimals} and \
                     {quantity_decimals} decimals: {line}",
                    number + 1
                )
            })?);
        }
        Ok(bars)
    }

    fn of_fields(
        fields: &[&str],
        length_ns: i64,
        price_decimals: u32,
        quantity_decimals: u32,
    ) -> Option<Self> {
        let [time_ms, open, high, low, close, volume] = fields else { return None };
        let price = |text: &str| decimal::units(text, price_decimals);
        Some(Self {
            open_time_ns: time_ms.parse::<i64>().ok()?.checked_mul(1_000_000)?,
            length_ns,
            open: price(open)?,
            high: price(high)?,
            low: price(low)?,
            close: price(close)?,
            volume: decimal::units(volume, quantity_decimals)?,
        })
    }

    /// What makes this bar impossible to play, if anything.
    pub(crate) fn fault(&self) -> Option<String> {
        let Self { open, high, low, close, .. } = *self;
        if self.length_ns < 8 || self.open_time_ns.checked_add(self.length_ns).is_none() {
            return Some("its length is no span of time".to_owned());
        }
        if high > PRICE_MAX {
            return Some(format!("a price of {high} units is more than can be played"));
        }
        if low == 0 || low > open.min(close) || high < open.max(close) {
            return Some(format!("open {open}, high {high}, low {low}, close {close} are not a bar"));
        }
        let prints = path(self).len();
        match usize::try_from(self.volume) {
            Ok(0) if prints > 1 => Some("its price moves without volume".to_owned()),
            Ok(volume) if volume > 0 && volume < prints => {
                Some(format!("its volume of {volume} units cannot be divided over {prints} trades"))
            }
            _ => None,
        }
    }

    /// The bar as trades inside its span whose quantities sum to its volume; none when nothing was traded.
    pub(crate) fn prints(&self) -> Vec<Print> {
        if self.volume == 0 {
            return Vec::new();
        }
        let prices = path(self);
        let count = prices.len() as u64;
        let share = self.volume / count;
        let slot_ns = self.length_ns / (2 * prices.len() as i64);
        let mut before = self.open;
        let mut prints = Vec::with_capacity(prices.len());
        for (number, price) in prices.iter().copied().enumerate() {
            let is_last = number + 1 == prices.len();
            let quantity = if is_last { self.volume - share * (count - 1) } else { share };
            // The first price is that of the moment at which the bar opens.
            let slots = if number == 0 { 0 } else { 2 * number as i64 + 1 };
            let time_ns = self.open_time_ns + slot_ns * slots;
            prints.push(Print { time_ns, price, quantity, buyer_is_maker: price < before });
            before = price;
        }
        prints
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn trades_of_a_bar_make_the_bar(
            prices in proptest::array::uniform4(1_u64..1_000_000), volume in 4_u64..1 << 50, time in 0_i64..1 << 40,
        ) {
            let (open, close) = (prices[0], prices[1]);
            let high = prices.iter().copied().max().unwrap();
            let low = prices.iter().copied().min().unwrap();
            let bar = Bar { open_time_ns: time, length_ns: 60_000_000_000, open, high, low, close, volume };
            prop_assert_eq!(bar.fault(), None);
            let prints = bar.prints();
            prop_assert_eq!(prints.iter().map(|print| print.quantity).sum::<u64>(), volume);
            prop_assert_eq!((prints[0].price, prints[prints.len() - 1].price), (open, close));
            prop_assert_eq!(prints.iter().map(|print| print.price).max(), Some(high));
            prop_assert_eq!(prints.iter().map(|print| print.price).min(), Some(low));
            prop_assert!(prints.windows(2).all(|pair| pair[0].time_ns < pair[1].time_ns));
            prop_assert!(prints.iter().all(|print| print.time_ns >= time && print.time_ns < time + bar.length_ns));
        }
    }

    #[test]
    fn impossible_bars_are_named() {
        let bar = Bar { open_time_ns: 0, length_ns: 60, open: 10, high: 12, low: 9, close: 11, volume: 100 };
        for (faulty, word) in [
            (Bar { high: 10, ..bar }, "not a bar"),
            (Bar { low: 0, ..bar }, "not a bar"),
            (Bar { volume: 3, ..bar }, "divided"),
            (Bar { volume: 0, ..bar }, "without volume"),
            (Bar { length_ns: 0, ..bar }, "span"),
        ] {
            assert!(faulty.fault().unwrap().contains(word), "{faulty:?}");
        }
        let still = Bar { open: 10, high: 10, low: 10, close: 10, volume: 0, ..bar };
        assert_eq!((still.fault(), still.prints()), (None, Vec::new()));
    }

    #[test]
    fn csv_is_read_strictly() {
        let bars = Bar::from_csv("time,o,h,l,c,v\n60000,1.5,2.0,1.0,1.6,4\n\n", 60, 1, 0).unwrap();
        assert_eq!((bars.len(), bars[0].open_time_ns, bars[0].high), (1, 60_000_000_000, 20));
        assert!(Bar::from_csv("60000,1.5,NaN,1.0,1.6,4", 60, 1, 0).unwrap_err().starts_with("line 1"));
    }
}
