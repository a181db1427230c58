//! What it means that a source has no bar for a while: that nothing was traded, or that nothing is known.

use engine_core::time::Span;
use journal_store::record::BarRecord;

use super::format::Format;

/// What bars that a source leaves out are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GapReading {
    /// Spans in which nothing was traded: kept as bars without volume at the last price, where less than a day of
    /// them is left out and each is from a second to less than a day long.
    Quiet,
    /// Missing: nothing is known of them.
    Missing,
}

impl GapReading {
    /// The reading of a source whose notes are those of `format`.
    #[must_use]
    pub const fn of(format: Format) -> Self {
        match format {
            Format::Kraken | Format::Bitfinex | Format::Coinbase | Format::Bitstamp => Self::Quiet,
            Format::Auto
            | Format::Binance
            | Format::Csv
            | Format::Tardis
            | Format::Bitmex
            | Format::BacktestingPy
            | Format::CryptoDataDownload
            | Format::Bybit
            | Format::Okx
            | Format::Gemini
            | Format::Freqtrade
            | Format::Lean
            | Format::Hftbacktest
            | Format::Nautilus
            | Format::Json
            | Format::Parquet
            | Format::Feather => Self::Missing,
        }
    }
}

impl std::str::FromStr for GapReading {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "quiet" => Ok(Self::Quiet),
            "missing" => Ok(Self::Missing),
            _ => Err(format!("{text:?} is not quiet or missing")),
        }
    }
}

/// The bars of `interval` that are left out between the bar that opened at `last_at` and the one that opens at `at`:
/// when each of them opens. None where they are on no grid, or where a day or more of them is left out.
pub(crate) fn left_out(last_at: i64, at: i64, interval: Span) -> impl Iterator<Item = i64> {
    let length = interval.nanos();
    let step = at.saturating_sub(last_at);
    let fine = (Span::SECOND.nanos()..Span::DAY.nanos()).contains(&length);
    let quiet = fine && step % length == 0 && step - length < Span::DAY.nanos();
    let count = if quiet { step / length } else { 0 };
    (1..count).map(move |number| last_at + number * length)
}

/// A bar in which nothing was traded after `before`, opening at `open_at`.
pub(crate) fn quiet_bar(before: &BarRecord, open_at: i64) -> BarRecord {
    let price = before.close;
    BarRecord { open_at, open: price, high: price, low: price, close: price, ..BarRecord::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn less_than_a_day_on_the_grid_is_quiet_and_the_rest_a_hole() {
        let minute = Span::MINUTE.nanos();
        let opens = |from, to| left_out(from * minute, to * minute, Span::MINUTE).map(|at| at / minute);
        assert_eq!(opens(0, 4).collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!((opens(0, 1).count(), opens(3, 3).count(), opens(3, 1).count()), (0, 0, 0));
        // 23 hours and 59 minutes are left out, then a whole day.
        assert_eq!((opens(0, 1_440).count(), opens(0, 1_441).count()), (1_439, 0));
        assert_eq!(left_out(0, 3 * minute + 1, Span::MINUTE).count(), 0);
        assert_eq!(left_out(0, 2 * Span::DAY.nanos(), Span::DAY).count(), 0);
    }
}
