//! The file of targets that `[strategy] name = "signals"` follows, read and held to its hash.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use engine_core::num::{RATIO_DECIMALS, Ratio, parse_decimal};
use engine_core::time::Timestamp;
use replay_history::import::ParquetText;
use strategies::catalogue::Policy;
use strategies::settings::SettingError;
use strategies::signals::params::{Given, SignalsParams};
use strategies::signals::target_list::TargetRow;

use super::{RiskSection, RunSettings};
use crate::moment::parse_moment;

/// The columns of a file of targets; a column of moments may end in its unit, as in `time_ms`.
const COLUMNS: &str = "time, target and, where targets are of single instruments, symbol";

/// The policy of `settings` with everything read that it names: the rows of a file of targets, and its hash.
///
/// # Errors
/// [`SettingError::File`] when the file cannot be read, is not the one of the recorded hash, or is no list of targets.
pub(super) fn with_targets(settings: &RunSettings) -> Result<Policy, SettingError> {
    let Policy::Signals(params) = &settings.policy else { return Ok(settings.policy.clone()) };
    let refused = |reason: String| SettingError::File {
        path: "strategy.file".to_owned(),
        file: params.file.clone(),
        reason,
    };
    filled(params, &settings.risk).map(Policy::Signals).map_err(refused)
}

fn filled(params: &SignalsParams, risk: &RiskSection) -> Result<SignalsParams, String> {
    let path = Path::new(&params.file);
    let bytes = std::fs::read(path).map_err(|error| {
        format!(
            "it cannot be read from where the program runs ({error}); put the file there or name its place"
        )
    })?;
    let hash = blake3::hash(&bytes).to_hex().to_string();
    if let Some(recorded) = params.hash.as_ref().filter(|recorded| **recorded != hash) {
        return Err(format!(
            "its content has the hash {hash}, and {recorded} is asked for: it was changed; put the original there, or \
             leave `hash` out for a new run"
        ));
    }
    let rows: Arc<[TargetRow]> = rows(path, &bytes)?.into();
    let given = Given { rows, account: risk.account, leverage_max: risk.leverage_max };
    Ok(SignalsParams { hash: Some(hash), given: Some(given), ..params.clone() })
}

fn rows(path: &Path, bytes: &[u8]) -> Result<Vec<TargetRow>, String> {
    let ending = path.extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase);
    match ending.as_deref() {
        Some("csv") => rows_of(bytes),
        Some("parquet") => {
            let file = std::fs::File::open(path).map_err(|error| error.to_string())?;
            rows_of(ParquetText::open(file)?)
        }
        Some(_) | None => Err("a file of targets ends in .csv or .parquet".to_owned()),
    }
}

/// Where the columns stand.
struct Columns {
    time: usize,
    /// Nanoseconds of one unit of whole times; by their size when the name does not say.
    unit_ns: Option<i64>,
    target: usize,
    symbol: Option<usize>,
}

impl Columns {
    fn of(header: &csv::StringRecord) -> Result<Self, String> {
        let (mut time, mut unit_ns, mut target, mut symbol) = (None, None, None, None);
        for (place, name) in header.iter().enumerate() {
            let name = name.trim().trim_start_matches('\u{feff}').to_ascii_lowercase();
            let units = [("_ns", 1), ("_us", 1_000), ("_ms", 1_000_000), ("_s", 1_000_000_000)];
            let unit = units.iter().find_map(|(suffix, unit)| Some((name.strip_suffix(suffix)?, *unit)));
            let (bare, unit) = unit.map_or((name.as_str(), None), |(bare, unit)| (bare, Some(unit)));
            let slot = match (bare, name.as_str()) {
                ("time" | "timestamp" | "date", _) => {
                    unit_ns = unit;
                    &mut time
                }
                (_, "target") => &mut target,
                (_, "symbol") => &mut symbol,
                _ => return Err(format!("the column `{name}` is not known; its columns are {COLUMNS}")),
            };
            if slot.replace(place).is_some() {
                return Err(format!("the column `{name}` stands there twice"));
            }
        }
        match (time, target) {
            (Some(time), Some(target)) => Ok(Self { time, unit_ns, target, symbol }),
            _ => Err(format!("its first line must name the columns {COLUMNS}")),
        }
    }
}

fn rows_of(text: impl Read) -> Result<Vec<TargetRow>, String> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text);
    let columns = Columns::of(reader.headers().map_err(|error| error.to_string())?)?;
    let mut rows = Vec::new();
    for (record, count) in reader.records().zip(2_u64..) {
        let record = record.map_err(|error| error.to_string())?;
        let line = record.position().map_or(count, csv::Position::line);
        let cell = |place: usize| record.get(place).unwrap_or_default();
        let (time, target) = (cell(columns.time), cell(columns.target));
        let at = moment(time, columns.unit_ns).ok_or_else(|| {
            format!(
                "line {line}: `{time}` is no time; write 2024-01-31, 2024-01-31T12:00:00Z or a whole epoch"
            )
        })?;
        let target = share(target).ok_or_else(|| {
            format!("line {line}: `{target}` is no target; write a share of equity as 0.5 or -1, or long, flat, short")
        })?;
        let symbol = columns.symbol.map(|place| cell(place).to_owned()).filter(|symbol| !symbol.is_empty());
        rows.push(TargetRow { line, at, symbol, target });
    }
    Ok(rows)
}

/// A moment written as a date, or as a whole number of `unit_ns` since 1970; by its size where no unit is stated.
fn moment(text: &str, unit_ns: Option<i64>) -> Option<Timestamp> {
    let Ok(whole) = text.parse::<i64>() else { return parse_moment(text) };
    let by_size = match whole.unsigned_abs() {
        // Seconds until the year 5138, milliseconds from 1973 on, and so forth.
        0..100_000_000_000 => 1_000_000_000,
        100_000_000_000..100_000_000_000_000 => 1_000_000,
        100_000_000_000_000..100_000_000_000_000_000 => 1_000,
        _ => 1,
    };
    whole.checked_mul(unit_ns.unwrap_or(by_size)).map(Timestamp::from_nanos)
}

/// A share of equity, rounded to nine decimals, or one of the words for all, nothing and all short.
fn share(text: &str) -> Option<Ratio> {
    match text {
        "long" => Some(Ratio::ONE),
        "flat" => Some(Ratio::ZERO),
        "short" => Some(Ratio::from_units(-Ratio::ONE.units())),
        number => {
            parse_decimal(number.as_bytes(), RATIO_DECIMALS).ok().map(|read| Ratio::from_units(read.units))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn refused(text: &str) -> String {
        rows_of(text.as_bytes()).unwrap_err()
    }

    #[test]
    fn rows_have_times_targets_and_symbols_in_any_order() {
        let rows =
            rows_of("target, symbol, time\n0.5, X, 2024-01-31\nshort,,1706745600000\n".as_bytes()).unwrap();
        assert_eq!(rows.len(), 2);
        assert_eq!((rows[0].line, rows[0].symbol.as_deref()), (2, Some("X")));
        assert_eq!(rows[0].target, Ratio::from_units(500_000_000));
        assert_eq!((rows[1].target.units(), rows[1].symbol.as_ref()), (-1_000_000_000, None));
        assert_eq!(rows[1].at.since(rows[0].at), engine_core::time::Span::DAY);
        let rows = rows_of("time_s,target\n1706745600,1\n".as_bytes()).unwrap();
        assert_eq!(Some(rows[0].at), parse_moment("2024-02-01"));
    }

    #[test]
    fn what_is_no_list_is_refused_with_its_line() {
        assert!(refused("time,weight\n").contains("the column `weight` is not known"));
        assert!(refused("time,symbol\n").contains("must name the columns time, target"));
        assert!(refused("time,target,date\n").contains("the column `date` stands there twice"));
        assert!(refused("time,target\n2024-01-01,1\nsoon,1\n").starts_with("line 3: `soon` is no time"));
        assert!(refused("time,target\n2024-01-01,much\n").starts_with("line 2: `much` is no target"));
        assert!(refused("time,target\n2024-01-01\n").contains("line"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn every_row_is_read_as_it_is_written(
            rows in prop::collection::vec((0_i64..4_000_000_000_000, -1_000_000_000_i64..=1_000_000_000), 0..20),
        ) {
            let mut text = "time_ms,target\n".to_owned();
            for (ms, units) in &rows {
                text.push_str(&format!("{ms},{}\n", strategies::settings::ratio_text(Ratio::from_units(*units))));
            }
            let read = rows_of(text.as_bytes()).unwrap();
            let read: Vec<(i64, i64)> =
                read.iter().map(|row| (row.at.nanos() / 1_000_000, row.target.units())).collect();
            prop_assert_eq!(read, rows);
        }
    }
}
