//! How the returns of closed trades are spread.

use std::fmt::Write as _;

use super::ReportInput;
use super::charts::figure;
use super::html::section;
use replay_statistics::figures::grouped;
use replay_statistics::quantile;

/// Classes on either side of zero.
const CLASSES: i64 = 25;

/// The share of trades that the classes span; the few beyond are counted in the two outermost.
const SPANNED: f64 = 0.98;

/// Counts of trades by equal classes of return.
struct Histogram {
    /// Width of a class in percentage points.
    width: f64,
    /// Trades in each class, the first from `-CLASSES × width`.
    counts: Vec<u32>,
}

impl Histogram {
    /// `None` without two trades or where every return is zero.
    fn of(returns: &[f64]) -> Option<Self> {
        let mut sizes: Vec<f64> = returns.iter().map(|value| value.abs()).collect();
        sizes.sort_by(f64::total_cmp);
        let spanned = quantile(&sizes, SPANNED).filter(|size| *size > 0.0 && returns.len() > 1)?;
        let width = round_up(spanned / CLASSES as f64);
        let mut counts = vec![0; usize::try_from(2 * CLASSES).ok()?];
        for value in returns {
            let class = ((value / width).floor() as i64).clamp(-CLASSES, CLASSES - 1);
            let place = usize::try_from(class + CLASSES).ok()?;
            *counts.get_mut(place)? += 1;
        }
        Some(Self { width, counts })
    }

    fn from(&self, place: usize) -> f64 {
        (place as f64 - CLASSES as f64) * self.width
    }

    fn bar(&self, place: usize, most: u32) -> String {
        let count = self.counts.get(place).copied().unwrap_or(0);
        let from = self.from(place);
        let class = if from < 0.0 { "down" } else { "up" };
        let height = f64::from(count) / f64::from(most) * 100.0;
        let range = match place {
            0 => format!("below {} %", grouped(from + self.width, 2)),
            last if last + 1 == self.counts.len() => format!("{} % and above", grouped(from, 2)),
            _ => format!("{} % to {} %", grouped(from, 2), grouped(from + self.width, 2)),
        };
        format!(
            "<div class=\"{class}\" style=\"height:{height:.1}%\" title=\"{range}: {count} trades\"></div>"
        )
    }
}

/// The next of 1, 2, 5, 10 … times a power of ten at or above `least`.
fn round_up(least: f64) -> f64 {
    let power = libm::pow(10.0, libm::log10(least).floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power);
    steps.into_iter().find(|step| *step >= least).unwrap_or(least)
}

/// The returns of closed trades as bars; nothing where there is nothing to compare.
pub(super) fn trade_returns(input: &ReportInput<'_>, stamp: &str) -> String {
    let returns = input.trades.trades().map(|(trade, rules)| trade.return_share(rules) * 100.0);
    let Some(histogram) = Histogram::of(&returns.collect::<Vec<_>>()) else { return String::new() };
    let used = |count: &u32| *count > 0;
    let first = histogram.counts.iter().position(used).unwrap_or(0);
    let last = histogram.counts.iter().rposition(used).unwrap_or(0);
    let most = histogram.counts.iter().copied().max().unwrap_or(1);
    let mut body = String::from("<div class=\"bars\">");
    for place in first..=last {
        body += &histogram.bar(place, most);
    }
    let ends = (histogram.from(first), histogram.from(last + 1));
    let _ = write!(
        body,
        "</div><div class=\"ends\"><span>{} %</span><span>{} %</span></div><p class=\"remark\">Each bar is {} \
         percentage points wide, the tallest is {most} trades; a bar that ends at ±{} % also counts what lies \
         beyond.</p>",
        grouped(ends.0, 2),
        grouped(ends.1, 2),
        histogram.width,
        grouped(CLASSES as f64 * histogram.width, 2)
    );
    let chart = figure("Closed trades by return", "profit net of fees ÷ entry notional", &body, stamp);
    section("returns", "Returns of trades", &chart)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_trade_is_in_one_class_even_the_absurd() {
        let mut returns: Vec<f64> = (-500..500).map(|value| f64::from(value) / 100.0).collect();
        returns.extend([1.0e9, -1.0e9]);
        let histogram = Histogram::of(&returns).unwrap();
        assert_eq!(histogram.counts.iter().sum::<u32>(), 1_002);
        assert!(histogram.width <= 0.2 + 1e-12, "{}", histogram.width);
        assert!(Histogram::of(&[]).is_none() && Histogram::of(&[0.0, 0.0, 0.0]).is_none());
    }
}
