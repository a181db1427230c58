//! Daily closes, falls and exposure of small paths.

use super::*;

const HOUR: i64 = Span::HOUR.nanos();

fn hourly(values: &[f64]) -> EquityRecorder {
    let mut recorder = EquityRecorder::new(100.0);
    recorder.begin(Timestamp::from_nanos(0));
    for (hour, value) in (1..).zip(values) {
        recorder.sample(Timestamp::from_nanos(hour * HOUR), *value, 0.0, false);
    }
    recorder
}

#[test]
fn the_bar_that_ends_at_midnight_is_the_days_close() {
    let mut values = vec![100.0; 23];
    values.extend([110.0, 99.0]);
    let recorder = hourly(&values);
    assert_eq!(recorder.daily_closes(), [110.0, 99.0]);
    let returns = recorder.daily_returns();
    assert!((returns[0] - 0.1).abs() < 1e-15 && (returns[1] + 0.1).abs() < 1e-15);
    assert_eq!(recorder.span().nanos(), 25 * HOUR);
}

#[test]
fn a_day_without_samples_closes_where_the_day_before_did() {
    let mut recorder = EquityRecorder::new(100.0);
    recorder.begin(Timestamp::from_nanos(0));
    recorder.sample(Timestamp::from_nanos(HOUR), 120.0, 0.0, false);
    recorder.sample(Timestamp::from_nanos(3 * 24 * HOUR), 90.0, 0.0, false);
    assert_eq!(recorder.daily_closes(), [120.0, 120.0, 90.0]);
}

#[test]
fn exposure_is_weighted_by_time() {
    let mut recorder = EquityRecorder::new(100.0);
    recorder.begin(Timestamp::from_nanos(0));
    recorder.sample(Timestamp::from_nanos(HOUR), 100.0, 50.0, true);
    recorder.sample(Timestamp::from_nanos(4 * HOUR), 100.0, 0.0, false);
    assert!((recorder.time_in_market().unwrap() - 0.25).abs() < 1e-15);
    assert!((recorder.exposure_mean().unwrap() - 0.125).abs() < 1e-15);
    assert!((recorder.exposure_max() - 0.5).abs() < 1e-15);
}

proptest::proptest! {
    #[test]
    fn holding_is_sampling(steps in proptest::collection::vec((0_u32..4, 1_i64..9, 1_usize..400), 30..60)) {
        let mut held = EquityRecorder::new(100.0);
        held.begin(Timestamp::from_nanos(0));
        let mut sampled = held.clone();
        let (mut at, mut shortcuts) = (0, 0);
        for (value, hours, times) in steps {
            for _ in 0..times {
                at += hours * HOUR;
                let (moment, equity) = (Timestamp::from_nanos(at), 98.0 + f64::from(value));
                sampled.sample(moment, equity, 0.0, false);
                if held.hold(moment, equity) {
                    shortcuts += 1;
                } else {
                    held.sample(moment, equity, 0.0, false);
                }
            }
        }
        proptest::prop_assert_eq!(format!("{held:?}"), format!("{sampled:?}"));
        // A curve takes 4 000 points one by one before one of its points stands for several.
        proptest::prop_assert!(shortcuts > 0 || sampled.samples() < 4_100, "{} samples", sampled.samples());
    }
}

#[test]
fn months_multiply_to_the_whole() {
    let mut recorder = EquityRecorder::new(100.0);
    recorder.begin(Timestamp::from_nanos(0));
    for day in 1..=120_i64 {
        let equity = 100.0 + (day % 17) as f64;
        recorder.sample(Timestamp::from_nanos(day * 24 * HOUR), equity, 0.0, false);
    }
    let months = recorder.monthly_returns();
    assert_eq!(months.iter().map(|entry| entry.month.month).collect::<Vec<_>>(), [1, 2, 3, 4]);
    let whole: f64 = months.iter().map(|entry| 1.0 + entry.return_pct / 100.0).product();
    assert!((whole * 100.0 - recorder.final_equity()).abs() < 1e-9);
}

#[test]
fn an_empty_recorder_has_nothing_to_say() {
    let recorder = EquityRecorder::new(5.0);
    assert!(recorder.daily_returns().is_empty() && recorder.monthly_returns().is_empty());
    assert_eq!((recorder.time_in_market(), recorder.ended_at()), (None, None));
    assert_eq!(recorder.falls(), Falls::default());
}
