//! Why settings and datasets do not fit together.

use std::path::PathBuf;

use engine_core::instrument::InstrumentError;
use engine_core::time::Span;
use journal_store::record::RecordKind;
use strategies::settings::SettingError;

/// Why settings and datasets do not fit together.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    /// A key or value does not suit the data. The configuration must change.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// No dataset was named.
    #[error("find the data: name a dataset with --dataset DIR or `dataset` in [[data]]")]
    NoDataset,
    /// The datasets hold no records.
    #[error("find the data: the given datasets hold no series; import into one first")]
    NoSeries,
    /// No series fits.
    #[error("find {wanted}: the given datasets hold {present}{}", meant(.nearest))]
    UnknownSeries {
        /// What was asked for.
        wanted: String,
        /// The series there are.
        present: String,
        /// The symbol that was probably meant.
        nearest: Option<String>,
    },
    /// More than one series fits.
    #[error("find {wanted}: {fitting} fit; name `venue` and `kind` in [[data]]")]
    Ambiguous {
        /// What was asked for.
        wanted: String,
        /// The series that fit.
        fitting: String,
    },
    /// One series is chosen twice.
    #[error("read {series}: {}", twice(.places, *.lengths))]
    Doubled {
        /// Its name.
        series: String,
        /// The datasets it is chosen from.
        places: [PathBuf; 2],
        /// How long bars last there, for bars of a length of time.
        lengths: [Option<Span>; 2],
    },
    /// In a run over bars and ticks an instrument has only one of the two.
    #[error(
        "trade {symbol}: the run decides on bars and fills by ticks, and of {symbol} it has {has} and no {missing}; add \
         a series of {missing}, or name the kinds to read in [[data]]"
    )]
    RoleMissing {
        /// The symbol.
        symbol: String,
        /// The kind it has.
        has: RecordKind,
        /// The kind it needs.
        missing: RecordKind,
    },
    /// Two series of one instrument count differently.
    #[error("read {symbol}: its series have different decimals; import them with the same")]
    MixedDecimals {
        /// The symbol.
        symbol: String,
    },
    /// An instrument's steps do not go together.
    #[error("use {symbol}: {reason}")]
    Instrument {
        /// The symbol.
        symbol: String,
        /// Why not.
        reason: InstrumentError,
    },
}

fn twice([one, other]: &[PathBuf; 2], lengths: [Option<Span>; 2]) -> String {
    let (shown, beside) = (one.display(), other.display());
    if let [Some(first), Some(second)] = lengths
        && first != second
    {
        return format!(
            "bars last {first} in {shown} and last {second} in {beside}; a run reads bars of one length of an \
             instrument: choose with --dataset, or with `dataset` in [[data]]"
        );
    }
    if one == other {
        return format!("[[data]] names it twice in {shown}; name it once");
    }
    format!(
        "both {shown} and {beside} hold it; choose one with `dataset` in [[data]], or leave the other out"
    )
}

fn meant(nearest: &Option<String>) -> String {
    nearest.as_ref().map(|name| format!("; did you mean {name}?")).unwrap_or_default()
}
