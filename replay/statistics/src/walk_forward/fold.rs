//! Training and test spans that never touch.
//!
//! López de Prado, *Advances in Financial Machine Learning* (2018), chapter 7: between what is learned from and
//! what is judged on lies a gap. The purge is as long as what a training bar may know of the future (the horizon of
//! its labels); the embargo is added against what fades slower.

use engine_core::time::{Span, Timestamp};

use super::length::Length;
use crate::moment_text;

/// A span of history: from `from` on, before `to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// The first moment in it.
    pub from: Timestamp,
    /// The first moment after it.
    pub to: Timestamp,
}

/// Where training begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Training {
    /// Always at the beginning of the data: it grows.
    #[default]
    Anchored,
    /// One training length before its end: it moves along.
    Rolling,
}

/// How history is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// Length of the first training span, and of every one when rolling.
    pub train: Length,
    /// Length of a test span; the last may be shorter.
    pub test: Length,
    /// Left out after training: what its last bars may know of the future.
    pub purge: Span,
    /// Left out after the purge.
    pub embargo: Span,
    /// Where training begins.
    pub training: Training,
}

/// One step of the walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fold {
    /// Counted from 1.
    pub number: usize,
    /// What may be learned from.
    pub train: Window,
    /// What is judged on.
    pub test: Window,
}

/// Why history cannot be cut as planned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// The data ends before the first test begins. Plan shorter spans or bring more data.
    #[error(
        "cut {from} to {to} into folds: training of {train} and a gap of {gap} leave nothing to test on; \
         shorten walk_forward.train or widen the data"
    )]
    TooShort {
        /// Begin of the data.
        from: String,
        /// End of the data.
        to: String,
        /// Length of training.
        train: String,
        /// Purge and embargo together.
        gap: Span,
    },
    /// More folds than anyone means.
    #[error(
        "cut the data into folds: tests of {test} make more than {max} of them; lengthen walk_forward.test"
    )]
    TooMany {
        /// Length of a test.
        test: String,
        /// Most folds there may be.
        max: usize,
    },
}

/// More folds than this are a mistaken length.
const FOLDS_MAX: usize = 1_000;

impl Plan {
    /// What lies between training and test.
    #[must_use]
    pub const fn gap(&self) -> Span {
        Span::from_nanos(self.purge.nanos().saturating_add(self.embargo.nanos()))
    }

    /// Cuts `data` into folds, in the order of time: tests follow each other without a hole up to the end of the
    /// data, and each is preceded by its gap and its training.
    ///
    /// # Errors
    /// [`PlanError`] when nothing is left to test on, or when there would be more than a thousand folds.
    pub fn folds(&self, data: Window) -> Result<Vec<Fold>, PlanError> {
        let too_short = || PlanError::TooShort {
            from: moment_text(data.from),
            to: moment_text(data.to),
            train: self.train.to_string(),
            gap: self.gap(),
        };
        let trained = self.train.after(data.from, 1).ok_or_else(too_short)?;
        let first = trained.plus(self.gap());
        let mut folds = Vec::new();
        let mut from = first;
        while from < data.to {
            if folds.len() == FOLDS_MAX {
                return Err(PlanError::TooMany { test: self.test.to_string(), max: FOLDS_MAX });
            }
            let number = folds.len() + 1;
            let ends = u32::try_from(number).ok().and_then(|times| self.test.after(first, times));
            let to = ends.unwrap_or(data.to).min(data.to);
            folds.push(Fold { number, train: self.training_before(from, data), test: Window { from, to } });
            from = to;
        }
        if folds.is_empty() { Err(too_short()) } else { Ok(folds) }
    }

    fn training_before(&self, test: Timestamp, data: Window) -> Window {
        let to = Timestamp::from_nanos(test.nanos().saturating_sub(self.gap().nanos()));
        let from = match self.training {
            Training::Anchored => data.from,
            Training::Rolling => self.train.before(to).unwrap_or(data.from).max(data.from),
        };
        Window { from, to }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(number: i64) -> Timestamp {
        Timestamp::from_nanos(number * Span::DAY.nanos())
    }

    fn days(number: i64) -> Span {
        Span::from_nanos(number * Span::DAY.nanos())
    }

    #[test]
    fn years_of_training_and_test_follow_each_other() {
        // 2018-01-01 is day 17 532, 2025-01-01 day 20 089.
        let plan = Plan {
            train: Length::Months(36),
            test: Length::Months(12),
            purge: days(10),
            embargo: days(0),
            training: Training::Rolling,
        };
        let folds = plan.folds(Window { from: day(17_532), to: day(20_089) }).unwrap();
        let said: Vec<String> = folds
            .iter()
            .map(|fold| {
                let parts = [fold.train.from, fold.train.to, fold.test.from, fold.test.to].map(moment_text);
                parts.map(|part| part.split('T').next().unwrap().to_owned()).join(" ")
            })
            .collect();
        assert_eq!(
            said,
            [
                "2018-01-01 2021-01-01 2021-01-11 2022-01-11",
                "2019-01-01 2022-01-01 2022-01-11 2023-01-11",
                "2020-01-01 2023-01-01 2023-01-11 2024-01-11",
                "2021-01-01 2024-01-01 2024-01-11 2025-01-01",
            ]
        );
    }

    #[test]
    fn plans_that_leave_nothing_to_test_are_refused_in_one_line() {
        let plan = Plan {
            train: Length::Months(120),
            test: Length::Months(12),
            purge: Span::ZERO,
            embargo: Span::ZERO,
            training: Training::Anchored,
        };
        let data = Window { from: day(17_532), to: day(20_089) };
        let error = plan.folds(data).unwrap_err().to_string();
        assert!(error.contains("2018-01-01") && error.contains("10y") && !error.contains('\n'), "{error}");
        let tiny = Plan { train: Length::Exact(days(1)), test: Length::Exact(Span::HOUR), ..plan };
        assert!(matches!(tiny.folds(data), Err(PlanError::TooMany { .. })));
    }

    proptest! {
        #[test]
        fn no_test_bar_ever_lies_in_training_or_its_gap(
            begin in 10_000_i64..18_000, length in 30_i64..4_000, train in 1_i64..900, test in 4_i64..500,
            purge in 0_i64..40, embargo in 0_i64..20, rolling in any::<bool>(), months in any::<bool>(),
        ) {
            let data = Window { from: day(begin), to: day(begin + length) };
            let calendar = |number: i64| match months {
                true => Length::Months(u32::try_from(number / 30 + 1).unwrap()),
                false => Length::Exact(days(number)),
            };
            let plan = Plan {
                train: calendar(train),
                test: calendar(test),
                purge: days(purge),
                embargo: days(embargo),
                training: if rolling { Training::Rolling } else { Training::Anchored },
            };
            let Ok(folds) = plan.folds(data) else { return Ok(()) };
            for fold in &folds {
                prop_assert!(data.from <= fold.train.from && fold.train.from < fold.train.to);
                prop_assert_eq!(fold.train.to.plus(plan.gap()), fold.test.from);
                prop_assert!(fold.test.from < fold.test.to && fold.test.to <= data.to);
                for at in (begin..begin + length).map(day) {
                    let tested = fold.test.from <= at && at < fold.test.to;
                    let learned = fold.train.from <= at && at < fold.train.to.plus(plan.gap());
                    prop_assert!(!(tested && learned));
                }
            }
            prop_assert!(folds.windows(2).all(|pair| pair[0].test.to == pair[1].test.from));
            prop_assert_eq!(folds.last().map(|fold| fold.test.to), Some(data.to));
            let numbers: Vec<usize> = folds.iter().map(|fold| fold.number).collect();
            prop_assert_eq!(numbers, (1..=folds.len()).collect::<Vec<_>>());
        }
    }
}
