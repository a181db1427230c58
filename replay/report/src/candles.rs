//! Open, high, low and close under the pointer of a price chart: numbers beside the drawing, exact where the line is not.

use std::fmt::Write as _;

use engine_core::time::Timestamp;
use replay_statistics::{Candle, CandleColumns};

const NANOS_PER_MILLI: i64 = 1_000_000;

/// Bytes that the candles of a chart may take. Those of a market with many digits are put together two by two until they
/// do: a page of eight charts stays below 1 MB.
pub(super) const BYTES_MAX: usize = 8_500;

/// `chart`, which begins at `from`, with the candles of its time for the script of the page; as it is where there are none.
///
/// ```text
/// decimals,step     places of a price, and milliseconds of a step; then for each candle, behind a semicolon,
/// t,o,h,l,c,n       t: how many steps more or less than the one before it ends behind that one (of the first: than none,
///                   behind `from`); its open less the close before (of the first: less nothing); high less open, open
///                   less low, close less open; n: how many bars more or less than before it is of (of the first: than one)
/// ```
///
/// Numbers have the base 36; zeros are left out, and so are commas with nothing behind them.
pub(super) fn with_candles(
    chart: String,
    columns: &CandleColumns,
    (from, decimals): (Timestamp, u8),
) -> String {
    let mut candles: Vec<Candle> = columns.candles().copied().collect();
    if candles.is_empty() {
        return chart;
    }
    let mut text = text_of(&candles, from, decimals);
    while text.len() > BYTES_MAX && candles.len() > 1 {
        candles = candles.chunks(2).filter_map(|pair| pair.iter().copied().reduce(Candle::and)).collect();
        text = text_of(&candles, from, decimals);
    }
    format!("<div data-candles=\"{text}\">{chart}</div>")
}

/// A candle in units of the last digit that any of them has.
struct Row {
    end: i64,
    prices: [i64; 4],
    bars: u64,
}

fn text_of(candles: &[Candle], from: Timestamp, decimals: u8) -> String {
    let row = |candle: &Candle| Row {
        end: candle.to.since(from).nanos() / NANOS_PER_MILLI,
        prices: [candle.open, candle.high, candle.low, candle.close].map(|price| price.units()),
        bars: candle.bars,
    };
    let mut rows: Vec<Row> = candles.iter().map(row).collect();
    let mut places = decimals;
    while places > 0 && rows.iter().flat_map(|row| row.prices).all(|units| units % 10 == 0) {
        rows.iter_mut().flat_map(|row| &mut row.prices).for_each(|units| *units /= 10);
        places -= 1;
    }
    let step = rows.iter().fold(0, |step, row| common_divisor(step, row.end)).max(1);
    let mut text = format!("{places},{step}");
    let (mut end, mut wait, mut before, mut bars) = (0, 0, 0, 1);
    for row in &rows {
        let [open, high, low, close] = row.prices.map(i128::from);
        let waited = (row.end - end) / step;
        let count = i128::from(row.bars) - bars;
        let numbers =
            [i128::from(waited - wait), open - before, high - open, open - low, close - open, count];
        let words = numbers.map(base_36).join(",");
        let _ = write!(text, ";{}", words.trim_end_matches(','));
        (end, wait, before, bars) = (row.end, waited, close, i128::from(row.bars));
    }
    text
}

/// A number to the base 36; nothing for zero.
fn base_36(number: i128) -> String {
    let (mut rest, mut digits) = (number.unsigned_abs(), Vec::new());
    while rest > 0 {
        // A remainder below 36 has a digit.
        digits
            .push(u32::try_from(rest % 36).ok().and_then(|digit| char::from_digit(digit, 36)).unwrap_or('0'));
        rest /= 36;
    }
    digits.extend((number < 0).then_some('-'));
    digits.into_iter().rev().collect()
}

fn common_divisor(mut one: i64, mut other: i64) -> i64 {
    while other != 0 {
        (one, other) = (other, one % other);
    }
    one.abs()
}

#[cfg(test)]
mod tests {
    use engine_core::instrument::InstrumentId;
    use engine_core::market::Bar;
    use engine_core::num::{Price, Qty};

    use super::*;

    fn candle(minute: i64, prices: [i64; 4], bars: u64) -> Candle {
        let [open, high, low, close] = prices.map(Price::from_units);
        Candle { to: Timestamp::from_nanos(minute * 60_000_000_000), open, high, low, close, bars }
    }

    #[test]
    fn rows_hold_what_changes_in_the_digits_that_are_there() {
        let candles = [
            candle(0, [10_000, 10_700, 9_900, 10_500], 1),
            candle(5, [10_500, 10_500, 10_400, 10_400], 34),
            candle(15, [10_600, 10_600, 10_600, 10_600], 34),
            candle(25, [10_600, 14_200, 10_600, 10_600], 33),
        ];
        let text = text_of(&candles, Timestamp::from_nanos(0), 4);
        assert_eq!(text, "2,300000;,2s,7,1,5;1,,,1,-1,x;1,2;,,10,,,-1");
        assert_eq!(text_of(&[candle(0, [7, 9, -3, 8], 1)], Timestamp::from_nanos(0), 0), "0,1;,7,2,a,1");
    }

    #[test]
    fn prices_from_one_end_of_their_range_to_the_other_are_told() {
        let candles = [candle(1, [i64::MIN, i64::MAX, i64::MIN, i64::MAX], 1), candle(2, [i64::MIN; 4], 1)];
        let text = text_of(&candles, Timestamp::from_nanos(0), 8);
        assert_eq!(text, "8,60000;1,-1y2p0ij32e8e8,3w5e11264sgsf,,3w5e11264sgsf;,-3w5e11264sgsf");
    }

    #[test]
    fn candles_of_many_digits_are_put_together_until_they_fit() {
        let mut columns = CandleColumns::over(Timestamp::from_nanos(0), Timestamp::from_nanos(600 * 60));
        let noise = |at: i64| at * 6_180_339_887_498 % 1_000_000_000_007;
        for at in 1..=600 {
            let (open, close) = (10_i64.pow(15) + noise(at), 10_i64.pow(15) + noise(at + 1));
            let [open, close] = [open, close].map(Price::from_units);
            columns.add(&Bar {
                instrument: InstrumentId::new(0),
                open_at: Timestamp::from_nanos((at - 1) * 60),
                close_at: Timestamp::from_nanos(at * 60),
                open,
                high: Price::from_units(open.max(close).units() + noise(at * 3)),
                low: Price::from_units(open.min(close).units() - noise(at * 5)),
                close,
                volume: Qty::from_units(1),
                trades: 0,
            });
        }
        let html = with_candles("<p>".to_owned(), &columns, (Timestamp::from_nanos(0), 8));
        let rows = html.split(';').count() - 1;
        assert!(rows < 300 && html.len() < BYTES_MAX + 40, "{rows} rows, {} bytes", html.len());
    }
}
