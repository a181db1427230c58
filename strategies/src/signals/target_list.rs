//! The targets of a file, checked: sorted, each moment once, within the account.

use std::collections::BTreeMap;

use engine_core::instrument::Instrument;
use engine_core::num::Ratio;
use engine_core::risk::Account;
use engine_core::time::Timestamp;

use crate::settings::ratio_text;
use crate::spelling::nearest_name;
use crate::trading::names;

/// One row of a file of targets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetRow {
    /// The line it stands on, counted from 1, for messages.
    pub line: u64,
    /// From when on it is wanted.
    pub at: Timestamp,
    /// What is meant, as `SYMBOL` or `venue:SYMBOL`; every instrument traded when absent.
    pub symbol: Option<String>,
    /// The share of equity to hold; negative for a short position.
    pub target: Ratio,
}

/// A target of one instrument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct DatedTarget {
    /// From when on it is wanted.
    pub at: Timestamp,
    /// The share of equity to hold; negative for a short position.
    pub target: Ratio,
}

/// Why a list of targets cannot be followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// There are no rows.
    #[error("it holds no targets; write rows of time and target")]
    Empty,
    /// A row is not later than the one before it.
    #[error("line {line}: its time is {}; sort the rows by time, each time once for an instrument", relation(*.is_same))]
    Unsorted {
        /// The line of the row.
        line: u64,
        /// Whether both have the same time.
        is_same: bool,
    },
    /// A symbol that the policy does not trade.
    #[error("line {line}: the policy does not trade {symbol}{}", meant(.nearest))]
    UnknownSymbol {
        /// The line of the row.
        line: u64,
        /// The symbol.
        symbol: String,
        /// The symbol that was probably meant.
        nearest: Option<String>,
    },
    /// Targets that the account cannot hold.
    #[error("line {line}: the targets from there on are {}; the account allows {allowed}", ratio_text(*.held))]
    BeyondAccount {
        /// The line of the row.
        line: u64,
        /// What would be held: the target, or the sum of all sizes where that is too large.
        held: Ratio,
        /// What is allowed, in words.
        allowed: String,
    },
}

const fn relation(is_same: bool) -> &'static str {
    if is_same { "the one of a row before" } else { "before the one of a row above it" }
}

fn meant(nearest: &Option<String>) -> String {
    nearest.as_ref().map(|name| format!("; did you mean {name}?")).unwrap_or_default()
}

/// The targets of each instrument of a run, in the order of their times; empty for one that is not traded.
///
/// # Errors
/// [`TargetError`] for the first row that cannot be followed by an `account` of at most `leverage_max`.
pub fn by_instrument(
    rows: &[TargetRow],
    traded: &[Option<&Instrument>],
    (account, leverage_max): (Account, Ratio),
) -> Result<Vec<Vec<DatedTarget>>, TargetError> {
    if rows.is_empty() {
        return Err(TargetError::Empty);
    }
    let mut lists: Vec<Vec<DatedTarget>> = vec![Vec::new(); traded.len()];
    let mut lines: BTreeMap<(Timestamp, usize), u64> = BTreeMap::new();
    for row in rows {
        let is_meant = |rules: &Instrument| row.symbol.as_ref().is_none_or(|symbol| names(symbol, rules));
        let meant = traded.iter().enumerate().filter(|(_, rules)| rules.is_some_and(is_meant));
        let meant: Vec<usize> = meant.map(|(index, _)| index).collect();
        if meant.is_empty() {
            return Err(unknown(row, traded));
        }
        for index in meant {
            let list = &mut lists[index];
            if let Some(last) = list.last().filter(|last| last.at >= row.at) {
                return Err(TargetError::Unsorted { line: row.line, is_same: last.at == row.at });
            }
            list.push(DatedTarget { at: row.at, target: row.target });
            lines.insert((row.at, index), row.line);
        }
    }
    check_account(&lists, &lines, account, leverage_max)?;
    Ok(lists)
}

fn unknown(row: &TargetRow, traded: &[Option<&Instrument>]) -> TargetError {
    let symbol = row.symbol.clone().unwrap_or_default();
    let known = traded.iter().flatten().map(|rules| rules.symbol.as_str());
    let nearest = nearest_name(&symbol, known).filter(|name| *name != symbol).map(str::to_owned);
    TargetError::UnknownSymbol { line: row.line, symbol, nearest }
}

/// Checks at every moment what all targets together ask of the account.
fn check_account(
    lists: &[Vec<DatedTarget>],
    lines: &BTreeMap<(Timestamp, usize), u64>,
    account: Account,
    leverage_max: Ratio,
) -> Result<(), TargetError> {
    let most = match account {
        Account::Cash => leverage_max.min(Ratio::ONE),
        Account::Margin => leverage_max,
    };
    let allowed = match account {
        Account::Cash => format!("0 to {} of equity in all (risk.account = \"cash\")", ratio_text(most)),
        Account::Margin => format!("at most {} of equity in all (risk.leverage_max)", ratio_text(most)),
    };
    let mut present = vec![Ratio::ZERO; lists.len()];
    let mut places = vec![0; lists.len()];
    let mut moments = lines.iter().peekable();
    while let Some(((at, index), line)) = moments.next() {
        let Some(dated) = lists.get(*index).and_then(|list| list.get(places[*index])) else { continue };
        places[*index] += 1;
        present[*index] = dated.target;
        let refused = |held| TargetError::BeyondAccount { line: *line, held, allowed: allowed.clone() };
        if account == Account::Cash && dated.target < Ratio::ZERO {
            return Err(refused(dated.target));
        }
        // Targets of one moment are judged together: one may make room for another.
        if moments.peek().is_some_and(|((next, _), _)| next == at) {
            continue;
        }
        let gross = present.iter().map(|target| i128::from(target.units()).abs()).sum::<i128>();
        if gross > i128::from(most.units()) {
            return Err(refused(i64::try_from(gross).map_or(dated.target, Ratio::from_units)));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use engine_core::num::{Money, Price, Qty};
    use proptest::prelude::*;

    use super::*;

    fn market(symbol: &str) -> Instrument {
        Instrument {
            venue: "test".into(),
            symbol: symbol.into(),
            price_decimals: 2,
            qty_decimals: 3,
            tick: Price::from_units(1),
            lot: Qty::from_units(1),
            notional_min: Money::ZERO,
        }
    }

    fn row(line: u64, at: i64, symbol: &str, percent: i64) -> TargetRow {
        let symbol = (!symbol.is_empty()).then(|| symbol.to_owned());
        let target = Ratio::from_units(percent * 10_000_000);
        TargetRow { line, at: Timestamp::from_nanos(at), symbol, target }
    }

    fn refused(rows: &[TargetRow], account: Account) -> String {
        let (one, two) = (market("ONE"), market("TWO"));
        by_instrument(rows, &[Some(&one), Some(&two)], (account, Ratio::ONE)).unwrap_err().to_string()
    }

    #[test]
    fn rows_go_to_the_instruments_they_name() {
        let (one, two) = (market("ONE"), market("TWO"));
        let rows = [row(2, 5, "ONE", 50), row(3, 5, "test:TWO", -50), row(4, 9, "", 0)];
        let traded = [Some(&one), None, Some(&two)];
        let lists = by_instrument(&rows, &traded, (Account::Margin, Ratio::ONE)).unwrap();
        assert_eq!(lists.iter().map(Vec::len).collect::<Vec<_>>(), [2, 0, 2]);
        assert_eq!(lists[2][0].target, Ratio::from_units(-500_000_000));
    }

    #[test]
    fn what_cannot_be_followed_is_refused_by_its_line() {
        let margin = Account::Margin;
        assert_eq!(refused(&[], margin), "it holds no targets; write rows of time and target");
        let said = refused(&[row(2, 5, "ONE", 1), row(3, 4, "ONE", 0)], margin);
        assert!(said.starts_with("line 3: its time is before the one of a row above it"), "{said}");
        let said = refused(&[row(2, 5, "ONE", 1), row(3, 5, "", 0)], margin);
        assert!(said.starts_with("line 3: its time is the one of a row before"), "{said}");
        let said = refused(&[row(2, 5, "OEN", 1)], margin);
        assert_eq!(said, "line 2: the policy does not trade OEN; did you mean ONE?");
        let said = refused(&[row(2, 5, "ONE", 60), row(3, 6, "TWO", -60)], margin);
        assert!(
            said.starts_with("line 3: the targets from there on are 1.2; the account allows at most 1"),
            "{said}"
        );
        let said = refused(&[row(2, 5, "ONE", -1)], Account::Cash);
        assert!(said.contains("the account allows 0 to 1 of equity"), "{said}");
    }

    #[test]
    fn targets_of_one_moment_are_judged_together() {
        let (one, two) = (market("ONE"), market("TWO"));
        let rows = [row(2, 5, "ONE", 100), row(3, 6, "TWO", 100), row(4, 6, "ONE", 0)];
        assert!(by_instrument(&rows, &[Some(&one), Some(&two)], (Account::Cash, Ratio::ONE)).is_ok());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn what_is_accepted_is_sorted_and_within_the_account(
            steps in prop::collection::vec((0_i64..3, 0_usize..3, -120_i64..=120), 1..20), cash in any::<bool>(),
        ) {
            let (one, two) = (market("ONE"), market("TWO"));
            let mut at = 0;
            let rows: Vec<TargetRow> = steps.iter().zip(2_u64..).map(|((step, symbol, percent), line)| {
                at += step;
                row(line, at, ["ONE", "TWO", ""][*symbol], *percent)
            }).collect();
            let account = if cash { Account::Cash } else { Account::Margin };
            let Ok(lists) = by_instrument(&rows, &[Some(&one), Some(&two)], (account, Ratio::ONE)) else {
                return Ok(());
            };
            for list in &lists {
                prop_assert!(list.windows(2).all(|pair| pair[0].at < pair[1].at));
            }
            let held = |list: &[DatedTarget], at: i64| {
                let held = list.iter().rev().find(|dated| dated.at <= Timestamp::from_nanos(at));
                held.map_or(0, |dated| dated.target.units())
            };
            for moment in 0..=at {
                let targets = lists.iter().map(|list| held(list, moment)).collect::<Vec<_>>();
                prop_assert!(targets.iter().map(|target| target.abs()).sum::<i64>() <= Ratio::ONE.units());
                prop_assert!(!cash || targets.iter().all(|target| *target >= 0));
            }
        }
    }
}
