//! Walking forward: what may be learned before each year, and what of the year is judged.

use crate::conductor::target::{HORIZON, Row};

/// Fewer rows to learn from than this and a year is not judged.
pub const TRAIN_ROWS_MIN: usize = 1_000;

const DAY_NS: i64 = 86_400_000_000_000;

/// One year judged by what was known before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fold {
    /// The calendar year.
    pub year: i32,
    /// Its first moment, in nanoseconds since the epoch.
    pub from: i64,
    /// The first moment after it.
    pub to: i64,
    /// Places of the rows to learn from: their targets were known one bar before the year began.
    pub train: Vec<usize>,
    /// Places of the rows to be judged on.
    pub test: Vec<usize>,
}

/// One fold per calendar year with enough rows before it and any in it. `interval_ns` is the length of a bar: the
/// embargo is the horizon, which the targets need, and one bar more.
#[must_use]
pub fn yearly(rows: &[Row], interval_ns: i64) -> Vec<Fold> {
    let first = rows.iter().map(|row| row.at).min().map(year_of);
    let last = rows.iter().map(|row| row.at).max().map(year_of);
    let (Some(first), Some(last)) = (first, last) else { return Vec::new() };
    let folds = (first..=last).map(|year| {
        let (from, to) = (year_start(year), year_start(year + 1));
        let is_known = |row: &Row| row.known_at + interval_ns < from;
        let is_in = |row: &Row| (from..to).contains(&row.at);
        let places = |holds: &dyn Fn(&Row) -> bool| {
            rows.iter().enumerate().filter(|(_, row)| holds(row)).map(|(place, _)| place).collect()
        };
        Fold { year, from, to, train: places(&is_known), test: places(&is_in) }
    });
    folds.filter(|fold| fold.train.len() >= TRAIN_ROWS_MIN && fold.test.len() > HORIZON).collect()
}

/// The calendar year of a moment, UTC.
#[must_use]
pub fn year_of(at: i64) -> i32 {
    let guess = 1970 + i32::try_from(at.div_euclid(DAY_NS * 366)).unwrap_or(0);
    (guess..).find(|year| at < year_start(year + 1)).unwrap_or(guess)
}

/// The first moment of `year`, UTC, by the Gregorian calendar (Hinnant, *chrono-compatible date algorithms*).
#[must_use]
pub fn year_start(year: i32) -> i64 {
    // The year before counted from March, whose 306th day is 1 January.
    let before = i64::from(year) - 1;
    let era = before.div_euclid(400);
    let of_era = before.rem_euclid(400);
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + 306 - 719_468;
    days * DAY_NS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn years_begin_when_they_begin() {
        assert_eq!(year_start(1970), 0);
        assert_eq!(year_start(2000), 946_684_800_000_000_000);
        assert_eq!(year_start(2024), 1_704_067_200_000_000_000);
        for year in 1970..2100 {
            assert_eq!((year_of(year_start(year)), year_of(year_start(year) - 1)), (year, year - 1));
        }
    }

    #[test]
    fn nothing_learned_touches_the_year_that_is_judged() {
        let row = |day: i64| Row {
            asset: 0,
            place: 0,
            at: year_start(2020) + day * DAY_NS,
            known_at: year_start(2020) + (day + 10) * DAY_NS,
            targets: Vec::new(),
        };
        let rows: Vec<Row> = (0..1_500).map(row).collect();
        let folds = yearly(&rows, DAY_NS);
        assert_eq!(folds.iter().map(|fold| fold.year).collect::<Vec<_>>(), [2023, 2024]);
        for fold in &folds {
            let last = fold.train.iter().map(|place| rows[*place].known_at).max().unwrap();
            assert_eq!(last, fold.from - 2 * DAY_NS);
            assert!(fold.test.iter().all(|place| rows[*place].at >= fold.from && rows[*place].at < fold.to));
        }
        assert_eq!(folds[0].test.len(), 365);
    }
}
