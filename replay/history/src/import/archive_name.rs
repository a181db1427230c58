//! Names of files in Binance's public data: `BTCUSDT-1h-2024-12.zip`, in a folder for each market and kind.

use std::path::Path;

use engine_core::time::Span;
use journal_store::record::RecordKind;

/// What the name of a file and its folders say of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ArchiveName {
    /// Where it was traded, as we name venues.
    pub(crate) venue: &'static str,
    /// The venue's symbol.
    pub(crate) symbol: String,
    /// What it holds.
    pub(crate) data: ArchiveData,
    /// `2024-12`, or `2024-12-31` of a single day.
    pub(crate) period: String,
}

/// What a file of the archive holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ArchiveData {
    /// Bars of the interval with this place in [`INTERVALS`].
    Klines(usize),
    /// Trades, those of one order and price as one.
    AggTrades,
    /// Single trades.
    Trades,
    /// Best bid and offer.
    BookTicker,
}

/// The intervals of klines by their name; months have no fixed length.
const INTERVALS: [(&str, Option<Span>); 16] = [
    ("1s", Some(Span::SECOND)),
    ("1m", Some(minutes(1))),
    ("3m", Some(minutes(3))),
    ("5m", Some(minutes(5))),
    ("15m", Some(minutes(15))),
    ("30m", Some(minutes(30))),
    ("1h", Some(Span::HOUR)),
    ("2h", Some(minutes(120))),
    ("4h", Some(minutes(240))),
    ("6h", Some(minutes(360))),
    ("8h", Some(minutes(480))),
    ("12h", Some(minutes(720))),
    ("1d", Some(Span::DAY)),
    ("3d", Some(minutes(3 * 1_440))),
    ("1w", Some(minutes(7 * 1_440))),
    ("1mo", None),
];

const fn minutes(count: i64) -> Span {
    Span::from_nanos(count * Span::MINUTE.nanos())
}

impl ArchiveData {
    /// The kind of its records.
    pub(crate) const fn kind(self) -> RecordKind {
        match self {
            Self::Klines(_) => RecordKind::Bars,
            Self::AggTrades | Self::Trades => RecordKind::Trades,
            Self::BookTicker => RecordKind::Quotes,
        }
    }

    /// Its name in the archive, as in `1h` or `aggTrades`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Klines(place) => INTERVALS.get(place).map_or("", |(name, _)| name),
            Self::AggTrades => "aggTrades",
            Self::Trades => "trades",
            Self::BookTicker => "bookTicker",
        }
    }

    /// The length of its bars, where it is fixed.
    pub(crate) fn interval(self) -> Option<Span> {
        match self {
            Self::Klines(place) => INTERVALS.get(place).and_then(|(_, interval)| *interval),
            Self::AggTrades | Self::Trades | Self::BookTicker => None,
        }
    }

    fn named(name: &str) -> Option<Self> {
        match name {
            "aggTrades" => Some(Self::AggTrades),
            "trades" => Some(Self::Trades),
            "bookTicker" => Some(Self::BookTicker),
            interval => INTERVALS.iter().position(|(name, _)| *name == interval).map(Self::Klines),
        }
    }
}

impl ArchiveName {
    /// What the file at `path` is by its name, or `None` when it is not named as in the archive.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        let file = path.file_name()?.to_str()?;
        let stem = file.strip_suffix(".zip").or_else(|| file.strip_suffix(".csv"))?;
        let mut parts = stem.splitn(3, '-');
        let (symbol, data, period) = (parts.next()?, parts.next()?, parts.next()?);
        let data = ArchiveData::named(data)?;
        let named = !symbol.is_empty() && symbol.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        // Prices that nobody traded at lie beside the klines under the same names.
        let marks = folders(path).any(|folder| folder.ends_with("Klines"));
        let found = Self { venue: venue(path), symbol: symbol.to_owned(), data, period: period.to_owned() };
        (named && !marks && is_period(period)).then_some(found)
    }

    /// The month it belongs to, as in `2024-12`.
    pub(crate) fn month(&self) -> &str {
        self.period.get(..MONTH_BYTES).unwrap_or_default()
    }

    /// Whether it holds a single day.
    pub(crate) fn is_daily(&self) -> bool {
        self.period.len() > MONTH_BYTES
    }
}

/// The length of `2024-12`.
const MONTH_BYTES: usize = 7;

fn is_period(text: &str) -> bool {
    let pattern = b"0000-00-00";
    let like = pattern.iter().zip(text.bytes()).all(|(wanted, found)| match wanted {
        b'0' => found.is_ascii_digit(),
        other => found == *other,
    });
    like && matches!(text.len(), MONTH_BYTES | 10)
}

/// The venue by the folder of its market: spot, futures of either kind.
fn venue(path: &Path) -> &'static str {
    for folder in folders(path) {
        match folder.as_str() {
            "um" => return "binance-usdm",
            "cm" => return "binance-coinm",
            "spot" => return "binance",
            _ => {}
        }
    }
    "binance"
}

/// The names of the folders that hold the file, the innermost first.
fn folders(path: &Path) -> impl Iterator<Item = String> {
    let names = path.ancestors().skip(1).filter_map(Path::file_name);
    names.map(|name| name.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_market_symbol_kind_and_period() {
        let of = |path: &str| ArchiveName::of(Path::new(path));
        let name = of("data/spot/monthly/klines/BTCUSDT/1h/BTCUSDT-1h-2024-12.zip").unwrap();
        assert_eq!((name.venue, name.symbol.as_str(), name.data.name()), ("binance", "BTCUSDT", "1h"));
        assert_eq!((name.data.kind(), name.data.interval()), (RecordKind::Bars, Some(Span::HOUR)));
        assert_eq!((name.month(), name.is_daily()), ("2024-12", false));
        let name =
            of("data/futures/um/daily/aggTrades/BTCUSDT_210625/BTCUSDT_210625-aggTrades-2021-03-04.zip")
                .unwrap();
        assert_eq!((name.venue, name.symbol.as_str()), ("binance-usdm", "BTCUSDT_210625"));
        assert_eq!((name.data, name.month(), name.is_daily()), (ArchiveData::AggTrades, "2021-03", true));
        assert_eq!(of("cm/BTCUSD_PERP-bookTicker-2023-05.csv").unwrap().venue, "binance-coinm");
        assert_eq!(of("BTCUSDT-1mo-2023-05.zip").unwrap().data.interval(), None);
        for other in [
            "futures/um/monthly/markPriceKlines/BTCUSDT/1h/BTCUSDT-1h-2024-12.zip",
            "BTCUSDT-fundingRate-2024-12.zip",
            "BTCUSDT-1h-2024-12.zip.CHECKSUM",
            "BTCUSDT-1h-2024.zip",
            "BTCUSDT-1h-2024-1x.zip",
            "BTCUSDT-7h-2024-12.zip",
            "readme.md",
        ] {
            assert_eq!(of(other), None, "{other}");
        }
    }
}
