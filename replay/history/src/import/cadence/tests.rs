//! Rhythms found and broken.

use super::*;

fn rhythm(times: &[i64]) -> Rhythm {
    let mut rhythm = Rhythm::default();
    times.iter().for_each(|at| rhythm.add(*at * 1_000_000_000, None));
    rhythm
}

fn follow(times: &[i64]) -> Result<(), String> {
    let mut clock = BarClock::new(Cadence::Fixed(Span::MINUTE), BarTime::Open, None);
    times.iter().try_for_each(|at| clock.follow(at * 1_000_000_000, 0, None).map(|_| ()))
}

#[test]
fn the_most_common_step_is_the_interval() {
    assert_eq!(rhythm(&[0, 60, 120, 300, 360]).cadence(), Some(Cadence::Fixed(Span::MINUTE)));
    assert_eq!(rhythm(&[0]).cadence(), None);
    let day = 86_400;
    assert_eq!(rhythm(&[0, 31 * day, 60 * day, 91 * day]).cadence(), Some(Cadence::Months));
}

#[test]
fn a_stated_interval_must_be_the_one_of_the_rows() {
    let minute = Cadence::Fixed(Span::MINUTE);
    assert_eq!(rhythm(&[0, 120, 180, 360]).contradicts(minute, true), None);
    assert_eq!(rhythm(&[0, 3_600, 7_200]).contradicts(minute, true), Some(Cadence::Fixed(Span::HOUR)));
    assert_eq!(rhythm(&[0, 3_600]).contradicts(minute, false), None);
}

#[test]
fn a_last_moment_inside_the_bar_tells_its_length() {
    let mut rhythm = Rhythm::default();
    rhythm.add(0, Some(3_599_999_000_000));
    assert_eq!(rhythm.cadence(), Some(Cadence::Fixed(Span::HOUR)));
}

#[test]
fn bars_off_the_rhythm_are_refused() {
    assert!(follow(&[0, 60, 240, 300]).is_ok());
    assert!(follow(&[0, 60, 90]).unwrap_err().contains("too soon"));
    assert!(follow(&[0, 60, 150]).unwrap_err().contains("whole number"));
    assert!(follow(&[0, 60, 3_660, 7_260, 10_860, 14_460]).unwrap_err().contains("mixed"));
    assert!(follow(&[0, 60, 3_660, 7_260, 7_320, 10_920]).is_ok());
}

fn follow_stated(interval: Span, rows: &[(i64, i64)]) -> Result<Vec<Fit>, String> {
    let mut clock = BarClock::new(Cadence::Fixed(interval), BarTime::Open, None);
    let nanos = |millis: i64| millis * 1_000_000;
    rows.iter().map(|(from, to)| clock.follow(nanos(*from), nanos(*from), Some(nanos(*to)))).collect()
}

#[test]
fn rows_that_state_both_times_are_taken_at_them() {
    let hour = 3_600_000;
    // An outage from 07:00 on; the bars after it begin at 09:28:14.789.
    let shifted = 9 * hour + 28 * 60_000 + 14_789;
    let rows =
        [(6 * hour, 7 * hour - 1), (shifted, shifted + hour - 1), (shifted + hour, shifted + 2 * hour - 1)];
    assert_eq!(follow_stated(Span::HOUR, &rows), Ok(vec![Fit::Whole, Fit::Shifted, Fit::Whole]));
    // Or the first is cut to the full hour.
    let rows = [(6 * hour, 7 * hour - 1), (shifted, 10 * hour - 1), (10 * hour, 11 * hour - 1)];
    assert_eq!(follow_stated(Span::HOUR, &rows), Ok(vec![Fit::Whole, Fit::Shortened, Fit::Shifted]));
    // Days of 23 and 25 hours.
    let rows = [(0, 23 * hour - 1), (23 * hour, 47 * hour - 1), (47 * hour, 72 * hour - 1)];
    assert_eq!(follow_stated(Span::DAY, &rows), Ok(vec![Fit::Shortened, Fit::Shifted, Fit::Lengthened]));
    for (interval, rows, expected) in [
        (Span::HOUR, [(0, hour - 1), (hour / 2, hour * 3 / 2 - 1)], "begins inside the one before"),
        (Span::HOUR, [(0, 60_000 - 1), (60_000, 120_000 - 1)], "mixed intervals"),
        (Span::HOUR, [(0, hour - 1), (hour, 3 * hour - 1)], "is 2h long"),
    ] {
        let refused = follow_stated(interval, &rows).unwrap_err();
        assert!(refused.contains(expected), "{refused}");
    }
}

#[test]
fn local_days_keep_their_hour_of_the_changed_clock() {
    let hour = 3_600;
    let mut clock = BarClock::new(Cadence::Fixed(Span::DAY), BarTime::Open, None);
    let mut follow = |hours: i64| clock.follow(hours * hour * 1_000_000_000, 0, None);
    assert_eq!(
        [0, 24, 47, 71, 96].map(&mut follow).map(Result::unwrap)[1..],
        [Fit::Whole, Fit::ClockChange, Fit::Whole, Fit::ClockChange]
    );
    assert!(follow(119).is_ok() && follow(121).unwrap_err().contains("too soon"));
}

#[test]
fn bars_named_by_their_end_are_put_at_their_start() {
    let clock = BarClock::new(Cadence::Fixed(Span::HOUR), BarTime::Close, None);
    let record = BarRecord { open_at: 7_200_000_000_000, ..BarRecord::default() };
    assert_eq!(clock.opened(record, None).open_at, 3_600_000_000_000);
}
