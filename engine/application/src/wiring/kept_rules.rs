//! The rules of instruments beside a recording of their frames: a recording is played back where there is no venue to ask.

use std::path::Path;

use engine_core::instrument::Instrument;
use journal_store::small_file::{SMALL_BYTES_MAX, read_text};

use super::error::ApplicationError;

const FILE: &str = "instruments.json";

/// Keeps `rules` beside the recording in `dir`; those of other symbols that were kept before stay.
///
/// # Errors
/// [`ApplicationError::Io`], or [`ApplicationError::Request`] when what is kept there is no list of instruments.
pub(super) fn keep_rules(dir: &Path, rules: &[Instrument]) -> Result<(), ApplicationError> {
    std::fs::create_dir_all(dir).map_err(|error| ApplicationError::io("create", dir, error))?;
    let path = dir.join(FILE);
    let mut kept = if path.exists() { read(dir)? } else { Vec::new() };
    kept.retain(|before| rules.iter().all(|rules| rules.symbol != before.symbol));
    kept.extend_from_slice(rules);
    let text = serde_json::to_string_pretty(&kept).unwrap_or_default();
    std::fs::write(&path, text).map_err(|error| ApplicationError::io("write", &path, error))
}

/// The rules of `symbols` beside the recording in `dir`, in their order.
///
/// # Errors
/// As [`keep_rules`], and [`ApplicationError::Request`] for a symbol that is not there.
pub(super) fn kept_rules(dir: &Path, symbols: &[String]) -> Result<Vec<Instrument>, ApplicationError> {
    let kept = read(dir)?;
    let named = |symbol: &String| {
        kept.iter().find(|rules| rules.symbol == *symbol).cloned().ok_or_else(|| {
            ApplicationError::Request(format!("play back {}: it holds nothing of {symbol}", dir.display()))
        })
    };
    symbols.iter().map(named).collect()
}

fn read(dir: &Path) -> Result<Vec<Instrument>, ApplicationError> {
    let path = dir.join(FILE);
    let text =
        read_text(&path, SMALL_BYTES_MAX).map_err(|error| ApplicationError::io("read", &path, error))?;
    serde_json::from_str(&text)
        .map_err(|error| ApplicationError::Request(format!("read {}: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    use engine_core::num::{Money, Price, Qty};

    use super::*;

    fn rules(symbol: &str, price_decimals: u8) -> Instrument {
        Instrument {
            venue: "binance".to_owned(),
            symbol: symbol.to_owned(),
            price_decimals,
            qty_decimals: 5,
            tick: Price::from_units(1),
            lot: Qty::from_units(1),
            notional_min: Money::ZERO,
        }
    }

    #[test]
    fn rules_of_several_recordings_are_kept_side_by_side_and_the_newest_of_a_symbol_counts() {
        let dir = tempfile::tempdir().unwrap();
        keep_rules(dir.path(), &[rules("A", 2), rules("B", 2)]).unwrap();
        keep_rules(dir.path(), &[rules("B", 3)]).unwrap();
        let symbols = ["A", "B"].map(str::to_owned);
        assert_eq!(kept_rules(dir.path(), &symbols).unwrap(), vec![rules("A", 2), rules("B", 3)]);
        let missing = kept_rules(dir.path(), &["C".to_owned()]).unwrap_err().to_string();
        assert!(missing.contains("holds nothing of C"), "{missing}");
    }

    #[test]
    fn what_is_no_list_of_instruments_is_named_and_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(FILE), "{}").unwrap();
        let refused = keep_rules(dir.path(), &[rules("A", 2)]).unwrap_err().to_string();
        assert!(refused.contains(FILE), "{refused}");
    }
}
