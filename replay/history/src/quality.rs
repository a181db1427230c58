//! How good recorded market data is: what is missing, doubled, impossible or absurd in it.
//!
//! The same observer looks at rows while they are imported and at records that are stored already, so
//! `import` and `data check` cannot disagree.

mod jump;
mod observer;
mod stored;

use std::fmt;

use chrono::{DateTime, SecondsFormat};
use engine_core::time::{Span, Timestamp};
use journal_store::series::Fidelity;
use serde::Serialize;

pub use jump::{JUMP_SHARE_MIN, JUMP_SIGMAS};
pub use observer::QualityObserver;
pub use stored::{SeriesQuality, check_dataset};

/// How many gaps are listed one by one.
pub const GAPS_LISTED_MAX: usize = 5;

/// Whether open, high, low and close can belong to one bar: open and close lie between low and high.
pub fn holds_together<P: PartialOrd>([open, high, low, close]: [P; 4]) -> bool {
    let inside = |price: &P| low <= *price && *price <= high;
    inside(&open) && inside(&close)
}

/// A moment as reports show it: RFC 3339, UTC.
#[must_use]
pub fn rfc3339(at: Timestamp) -> String {
    DateTime::from_timestamp_nanos(at.nanos()).to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// How often something was found, and where first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How often.
    pub count: u64,
    /// The moment of the first one, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_at: Option<String>,
}

impl Finding {
    /// Counts one more, at nanosecond `at`.
    pub(crate) fn add(&mut self, at: i64) {
        self.count += 1;
        if self.first_at.is_none() {
            self.first_at = Some(rfc3339(Timestamp::from_nanos(at)));
        }
    }
}

/// One stretch of time without bars.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// The last bar before it opens here, RFC 3339.
    pub after: String,
    /// The first bar behind it opens here, RFC 3339.
    pub until: String,
    /// How many bars are missing.
    pub missing: u64,
}

/// All stretches of time without bars.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Gaps {
    /// How many.
    pub count: u64,
    /// How many bars are missing in all of them.
    pub missing_bars: u64,
    /// From open to open across the largest one, in bars; 0 when there is none.
    pub largest_bars: u64,
    /// The first few.
    pub first: Vec<Gap>,
}

/// One end of the data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Edge {
    /// When, RFC 3339.
    pub at: String,
    /// The price there: of a trade, the close of a bar, the middle of a quote.
    pub price: String,
}

/// What an observer saw.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct QualityReport {
    /// Rows that count as data, without those skipped.
    pub rows: u64,
    /// The first of them.
    pub first: Option<Edge>,
    /// The last of them.
    pub last: Option<Edge>,
    /// Length of a bar, for bars.
    pub interval: Option<String>,
    /// Bars that are missing.
    pub gaps: Gaps,
    /// The longest time between two rows, in nanoseconds.
    pub longest_pause_nanos: i64,
    /// Rows equal to the one before; of bars they are skipped, of trades kept unless their numbers are equal.
    pub duplicates: Finding,
    /// Rows whose time is before that of the row above.
    pub out_of_order: Finding,
    /// Bars whose open or close lies outside low and high.
    pub ohlc_violations: Finding,
    /// Quotes whose bid is above the ask.
    pub crossed: Finding,
    /// Bars that their source ended early, as Binance does when it stands still; no violation.
    pub shortened: Finding,
    /// Bars that begin off the grid of the one before, as after an outage or a change of the clock; no violation.
    pub off_grid: Finding,
    /// Bars and trades in which nothing was traded.
    pub zero_volume: Finding,
    /// Bars that the source left out because nothing was traded, and that are kept as such; no violation.
    pub quiet: u64,
    /// Prices that jump by more than [`JUMP_SIGMAS`] times what is usual, and by [`JUMP_SHARE_MIN`], and come back
    /// within three rows.
    pub jumps: Finding,
    /// Numbers that lost digits to the decimals of the series.
    pub rounded: u64,
    /// Numbers that lost only what binary arithmetic left behind their 15th digit; no violation.
    pub dusted: u64,
    /// The largest error of all rounded numbers, in 10⁻¹⁸ of the number.
    pub relative_error_max_atto: u64,
    /// Records received before the moment their venue gave them; no violation.
    pub early: u64,
    /// Quotes passed over because one side was empty.
    pub one_sided: u64,
    /// How times and bars were understood, in words.
    pub decisions: Vec<String>,
}

impl QualityReport {
    /// What a strict import refuses: everything that is wrong, and nothing that is merely quiet.
    ///
    /// A bar without volume is a quiet market and no violation; a trade without quantity is one.
    #[must_use]
    pub fn violations(&self) -> Vec<String> {
        let findings = [
            ("duplicates", &self.duplicates),
            ("rows out of order", &self.out_of_order),
            ("bars with open or close outside low and high", &self.ohlc_violations),
            ("crossed quotes", &self.crossed),
            ("absurd jumps", &self.jumps),
        ];
        let mut all: Vec<String> = Vec::new();
        for (name, finding) in findings {
            if let Some(first) = &finding.first_at {
                all.push(format!("{} {name} (first at {first})", finding.count));
            }
        }
        if let Some(gap) = self.gaps.first.first() {
            all.push(format!(
                "{} missing bars in {} gaps (first after {})",
                self.gaps.missing_bars, self.gaps.count, gap.after
            ));
        }
        if self.interval.is_none() && self.zero_volume.count > 0 {
            all.push(format!("{} trades without quantity", self.zero_volume.count));
        }
        if self.rounded > 0 {
            let error = self.error_shown();
            all.push(format!(
                "{} numbers with more decimals than the series keeps (largest error {error} of the number)",
                self.rounded
            ));
        }
        if self.one_sided > 0 {
            all.push(format!("{} quotes with one side empty", self.one_sided));
        }
        all
    }
}

impl QualityReport {
    fn error_shown(&self) -> String {
        let relative_error_max_atto = self.relative_error_max_atto;
        Fidelity { relative_error_max_atto, ..Fidelity::default() }.relative_error_max()
    }
}

impl fmt::Display for QualityReport {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "rows             {}", self.rows)?;
        if let (Some(first), Some(last)) = (&self.first, &self.last) {
            writeln!(out, "span             {} to {}", first.at, last.at)?;
            writeln!(out, "price            {} to {}", first.price, last.price)?;
        }
        if let Some(interval) = &self.interval {
            writeln!(out, "interval         {interval}")?;
            let gaps = &self.gaps;
            writeln!(
                out,
                "gaps             {}, {} bars missing, largest {} bars",
                gaps.count, gaps.missing_bars, gaps.largest_bars
            )?;
            for gap in &gaps.first {
                writeln!(out, "                 {} to {}: {} missing", gap.after, gap.until, gap.missing)?;
            }
        }
        writeln!(out, "longest pause    {}", pause(self.longest_pause_nanos))?;
        let findings = [
            ("duplicates", &self.duplicates),
            ("out of order", &self.out_of_order),
            ("ohlc violations", &self.ohlc_violations),
            ("crossed quotes", &self.crossed),
            ("shortened bars", &self.shortened),
            ("off-grid bars", &self.off_grid),
            ("zero volume", &self.zero_volume),
            ("absurd jumps", &self.jumps),
        ];
        for (name, finding) in findings {
            match &finding.first_at {
                Some(first) => writeln!(out, "{name:<16} {} (first at {first})", finding.count)?,
                None => writeln!(out, "{name:<16} 0")?,
            }
        }
        if self.quiet > 0 {
            writeln!(out, "quiet bars       {} left out by the source, kept without volume", self.quiet)?;
        }
        let lost = self.rounded + self.dusted;
        if lost == 0 {
            writeln!(out, "rounded numbers  0")?;
        } else {
            let (dusted, error) = (self.dusted, self.error_shown());
            writeln!(
                out,
                "rounded numbers  {lost}, {dusted} of them behind the 15th digit, largest error {error}"
            )?;
        }
        if self.early > 0 {
            writeln!(out, "early records    {} received before their venue's time", self.early)?;
        }
        if self.one_sided > 0 {
            writeln!(out, "one-sided quotes {} passed over", self.one_sided)?;
        }
        for decision in &self.decisions {
            writeln!(out, "note             {decision}")?;
        }
        Ok(())
    }
}

fn pause(nanos: i64) -> String {
    if nanos < Span::SECOND.nanos() {
        return Span::from_nanos(nanos).to_string();
    }
    // Tenths of a second are enough to find a hole.
    let tenths = nanos / (Span::SECOND.nanos() / 10);
    format!("{}.{} s", tenths / 10, tenths % 10)
}
