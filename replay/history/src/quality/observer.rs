//! Looks at records as they pass and remembers only sums.

use engine_core::num::Decimal;
use engine_core::time::{Span, Timestamp};
use journal_store::record::{BarRecord, QuoteRecord, Record, TradeRecord};
use journal_store::series::Fidelity;

use super::jump::JumpWatch;
use super::{Edge, GAPS_LISTED_MAX, Gap, QualityReport, holds_together, rfc3339};

/// What a bar of a calendar month counts as; those begin on no grid.
const MONTH: i64 = 28 * Span::DAY.nanos();

/// Collects a [`QualityReport`] from records in their order.
#[derive(Debug, Clone)]
pub struct QualityObserver {
    interval: Option<i64>,
    price_decimals: u8,
    report: QualityReport,
    last: Option<Seen>,
    jumps: JumpWatch,
    numbered: bool,
    first: Option<Seen>,
    /// Whether nothing was traded in the record: its price is no move.
    rests: bool,
    /// When something was traded last.
    traded_at: Option<i64>,
}

/// One price at one moment; quotes give twice their middle.
#[derive(Debug, Clone, Copy)]
struct Seen {
    at: i64,
    price: i128,
    halves: u8,
}

impl QualityObserver {
    /// An observer of a series whose bars are `interval` long, or that has no bars.
    #[must_use]
    pub fn new(interval: Option<Span>, price_decimals: u8) -> Self {
        let report =
            QualityReport { interval: interval.map(|span| span.to_string()), ..QualityReport::default() };
        let interval = interval.map(Span::nanos).filter(|nanos| *nanos > 0);
        Self {
            interval,
            price_decimals,
            report,
            last: None,
            jumps: JumpWatch::default(),
            numbered: false,
            first: None,
            rests: false,
            traded_at: None,
        }
    }

    /// Takes one trade in.
    pub fn trade(&mut self, record: &TradeRecord) {
        if record.qty == 0 {
            self.report.zero_volume.add(record.venue_at);
        }
        self.price(Seen { at: record.at(), price: i128::from(record.price), halves: 1 });
    }

    /// Takes one quote in.
    pub fn quote(&mut self, record: &QuoteRecord) {
        if record.bid > record.ask {
            self.report.crossed.add(record.venue_at);
        }
        let price = i128::from(record.bid) + i128::from(record.ask);
        self.price(Seen { at: record.at(), price, halves: 2 });
    }

    /// Takes one bar in.
    pub fn bar(&mut self, record: &BarRecord) {
        if !holds_together([record.open, record.high, record.low, record.close]) {
            self.report.ohlc_violations.add(record.open_at);
        }
        if record.volume == 0 {
            self.report.zero_volume.add(record.open_at);
        }
        if self.interval.is_some_and(|interval| (1..interval).contains(&record.own_length_ns)) {
            self.report.shortened.add(record.open_at);
        }
        self.gap(record.open_at);
        let flat = record.high == record.low && record.open == record.close && record.high == record.close;
        self.rests = flat && record.volume == 0 && record.trades == 0;
        self.price(Seen { at: record.open_at, price: i128::from(record.close), halves: 1 });
    }

    /// Says that equal rows had numbers of their own when they were imported, and are no duplicates.
    pub const fn trust_numbers(&mut self, numbered: bool) {
        self.numbered = numbered;
    }

    /// Counts a row at nanosecond `at` that equals the one before it.
    pub fn duplicate(&mut self, at: i64) {
        if !self.numbered {
            self.report.duplicates.add(at);
        }
    }

    /// Counts a bar that its source left out because nothing was traded.
    pub const fn left_out(&mut self) {
        self.report.quiet += 1;
    }

    /// Notes what was lost of the numbers and how many quotes lacked a side.
    pub fn add_losses(&mut self, fidelity: &Fidelity, one_sided: u64) {
        self.report.rounded += fidelity.rounded();
        self.report.dusted += fidelity.dusted_numbers;
        self.report.early += fidelity.early_records;
        self.report.quiet += fidelity.quiet_bars;
        let error = self.report.relative_error_max_atto.max(fidelity.relative_error_max_atto);
        self.report.relative_error_max_atto = error;
        self.report.one_sided += one_sided;
    }

    /// Notes how something was understood, once for each wording.
    pub fn decide(&mut self, decision: String) {
        const DECISIONS_MAX: usize = 40;
        if self.report.decisions.len() < DECISIONS_MAX && !self.report.decisions.contains(&decision) {
            self.report.decisions.push(decision);
        }
    }

    /// What was seen.
    #[must_use]
    pub fn finish(mut self) -> QualityReport {
        let edge = |seen: Seen| Edge { at: rfc3339(Timestamp::from_nanos(seen.at)), price: self.shown(seen) };
        let (first, last) = (self.first.map(edge), self.last.map(edge));
        self.report.first = first;
        self.report.last = last;
        self.report
    }

    fn shown(&self, seen: Seen) -> String {
        // Half a sum of two prices needs one more decimal: five tenths.
        let (units, more) =
            if seen.halves == 2 { (seen.price.saturating_mul(5), 1) } else { (seen.price, 0) };
        Decimal { units, decimals: self.price_decimals.saturating_add(more) }.to_string()
    }

    fn gap(&mut self, open_at: i64) {
        let (Some(interval), Some(last)) = (self.interval, self.last) else { return };
        if open_at.saturating_sub(last.at) % interval != 0 && interval != MONTH {
            self.report.off_grid.add(open_at);
        }
        let bars = u64::try_from(open_at.saturating_sub(last.at) / interval).unwrap_or(0);
        let Some(missing) = bars.checked_sub(1).filter(|missing| *missing > 0) else { return };
        let gaps = &mut self.report.gaps;
        gaps.count += 1;
        gaps.missing_bars += missing;
        gaps.largest_bars = gaps.largest_bars.max(bars);
        if gaps.first.len() < GAPS_LISTED_MAX {
            let shown = |nanos| rfc3339(Timestamp::from_nanos(nanos));
            gaps.first.push(Gap { after: shown(last.at), until: shown(open_at), missing });
        }
    }

    fn price(&mut self, seen: Seen) {
        self.report.rows += 1;
        let last = self.last.replace(seen);
        if !self.rests {
            let rows = match (self.traded_at.replace(seen.at), self.interval) {
                (Some(traded_at), Some(interval)) => {
                    seen.at.saturating_sub(traded_at) as f64 / interval as f64
                }
                (None, _) | (_, None) => 1.0,
            };
            if let Some(at) = self.jumps.take(seen.at, seen.price as f64, rows) {
                self.report.jumps.add(at);
            }
        }
        let Some(last) = last else {
            self.first = Some(seen);
            return;
        };
        if seen.at < last.at {
            self.report.out_of_order.add(seen.at);
        }
        let pause = seen.at.saturating_sub(last.at);
        self.report.longest_pause_nanos = self.report.longest_pause_nanos.max(pause);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(open_at: i64, close: i64) -> BarRecord {
        let (low, high) = (close, close);
        BarRecord { open_at, open: close, high, low, close, volume: 1, ..BarRecord::default() }
    }

    fn report(bars: &[(i64, i64)]) -> QualityReport {
        let mut observer = QualityObserver::new(Some(Span::from_nanos(10)), 0);
        bars.iter().for_each(|(at, close)| observer.bar(&bar(*at, *close)));
        observer.finish()
    }

    #[test]
    fn gaps_count_the_bars_that_are_missing() {
        let report = report(&[(0, 100), (10, 100), (40, 100), (60, 100), (70, 100)]);
        assert_eq!((report.gaps.count, report.gaps.missing_bars, report.gaps.largest_bars), (2, 3, 3));
        assert_eq!(report.gaps.first[0].missing, 2);
        assert_eq!(report.longest_pause_nanos, 30);
        assert_eq!(report.violations().len(), 1);
    }

    #[test]
    fn only_a_price_that_comes_back_is_absurd() {
        assert_eq!(report(&[(0, 100), (10, 160), (20, 101), (30, 100)]).jumps.count, 1);
        assert_eq!(report(&[(0, 100), (10, 160), (20, 159), (30, 160)]).jumps.count, 0);
        assert_eq!(report(&[(0, 100), (10, 119), (20, 100)]).jumps.count, 0);
        assert_eq!(report(&[(0, 100), (10, 1), (20, 100)]).jumps.count, 1);
    }

    #[test]
    fn a_bar_whose_open_lies_outside_is_a_violation() {
        let mut observer = QualityObserver::new(Some(Span::MINUTE), 1);
        observer.bar(&BarRecord { open: 99, ..bar(0, 100) });
        observer.bar(&bar(Span::MINUTE.nanos(), 100));
        let report = observer.finish();
        assert_eq!(report.ohlc_violations.count, 1);
        assert_eq!(report.last.unwrap().price, "10");
    }

    #[test]
    fn the_middle_of_a_quote_shows_halves() {
        let mut observer = QualityObserver::new(None, 2);
        observer.quote(&QuoteRecord { bid: 100, ask: 101, ..QuoteRecord::default() });
        observer.quote(&QuoteRecord { bid: 102, ask: 101, ..QuoteRecord::default() });
        let report = observer.finish();
        assert_eq!(report.first.unwrap().price, "1.005");
        assert_eq!(report.crossed.count, 1);
    }
}
