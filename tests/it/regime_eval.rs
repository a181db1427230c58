//! Hindsight labels and scores against the golden file, and what the nulls and fits say on real bars.

use engine_core::indicator::Candle;
use engine_core::regime::Regime;
use engine_core::time::{Span, Timestamp};
use replay::regimes::{BarSeries, Scores, Trial};
use system_tests::shared;

/// The golden file of BTC daily bars: a row for each day.
pub(crate) struct Golden {
    pub(crate) series: BarSeries,
    pub(crate) labels: Vec<Option<Regime>>,
    pub(crate) detected: Vec<Option<Regime>>,
}

fn regime(cell: &str) -> Option<Regime> {
    usize::try_from(cell.parse::<i64>().unwrap()).ok().map(|index| Regime::ALL[index])
}

/// 2014-09-17, the first day of the golden file, in days since the epoch.
const FIRST_DAY: i64 = 16_330;

/// 2018-01-01 as the number of its row.
const YEAR_2018: usize = 1_202;

pub(crate) fn golden() -> Option<Golden> {
    let text = std::fs::read_to_string(shared("data/models/golden_regime_btc_seed.csv")?).unwrap();
    let rows: Vec<Vec<&str>> = text.lines().skip(1).map(|line| line.split(',').collect()).collect();
    let day = |number: usize| Timestamp::from_nanos((FIRST_DAY + number as i64) * Span::DAY.nanos());
    assert_eq!((rows[0][0], rows[YEAR_2018][0]), ("2014-09-17", "2018-01-01"));
    let bars =
        rows.iter().enumerate().map(|(number, row)| (day(number), Candle::at(row[1].parse().unwrap())));
    Some(Golden {
        series: BarSeries::new(Span::DAY, bars).unwrap(),
        labels: rows.iter().map(|row| regime(row[2])).collect(),
        detected: rows.iter().map(|row| regime(row[3])).collect(),
    })
}

fn near(found: f64, expected: f64, tolerance: f64) {
    assert!((found - expected).abs() <= tolerance, "{found} is not {expected}");
}

#[test]
fn hindsight_labels_are_those_of_the_golden_file_on_every_row() {
    let Some(golden) = golden() else { return };
    let trial = Trial::new(golden.series, 0);
    assert_eq!(trial.labels.len(), 4_055);
    let different = trial.labels.iter().zip(&golden.labels).position(|(ours, theirs)| ours != theirs);
    assert_eq!(different, None);
}

#[test]
fn scores_of_the_golden_detection_are_the_published_ones() {
    let Some(golden) = golden() else { return };
    let trial = Trial::new(golden.series, YEAR_2018);
    let scores = Scores::of(&trial, &golden.detected);
    assert_eq!((scores.bars, scores.silent_bars), (2_843, 0));
    near(scores.accuracy(), 0.6799, 5e-5);
    near(scores.accuracy_three_later(), 0.7460, 5e-5);
    near(scores.balanced_accuracy, 0.5911, 5e-5);
    near(scores.macro_f1, 0.5989, 5e-5);
    near(scores.kappa, 0.4285, 5e-5);
    for (recall, expected) in scores.recall.into_iter().zip([0.782, 0.481, 0.557, 0.545]) {
        near(recall, expected, 5e-4);
    }
    near(scores.volatility_axis, 0.895, 1e-2);
    println!("{scores:#?}");
}
