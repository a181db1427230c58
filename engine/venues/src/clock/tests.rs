//! Clocks that say what they are told to, and the time of a run that is read from them.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use super::*;

/// Clocks that say what they are told to.
#[derive(Debug, Clone, Default)]
pub(crate) struct ScriptedTime {
    wall: Arc<AtomicI64>,
    counted: Arc<AtomicU64>,
}

impl ScriptedTime {
    /// Both clocks go on.
    pub(crate) fn pass(&self, span: Span) {
        self.set_wall(span);
        self.counted.fetch_add(u64::try_from(span.nanos()).unwrap(), Ordering::SeqCst);
    }

    /// The wall clock alone is set, forward or back.
    pub(crate) fn set_wall(&self, by: Span) {
        self.wall.fetch_add(by.nanos(), Ordering::SeqCst);
    }
}

impl TimeSource for ScriptedTime {
    fn wall(&self) -> Timestamp {
        Timestamp::from_nanos(self.wall.load(Ordering::SeqCst))
    }

    fn counted(&self) -> Duration {
        Duration::from_nanos(self.counted.load(Ordering::SeqCst))
    }
}

pub(crate) fn scripted() -> (HouseClock, ScriptedTime) {
    let time = ScriptedTime::default();
    time.set_wall(Span::DAY);
    (HouseClock::of(Box::new(time.clone())), time)
}

const HOUR: i64 = Span::HOUR.nanos();

fn hours(number: i64) -> Span {
    Span::from_nanos(number * HOUR)
}

/// What is told of steps: the moment, how far, and how far the time followed, in hours since the beginning.
fn told(clock: &HouseClock) -> Vec<(i64, i64, i64)> {
    let start = Timestamp::from_nanos(0).plus(Span::DAY);
    std::iter::from_fn(|| clock.take_step())
        .map(|(at, step)| {
            (at.since(start).nanos() / HOUR, step.by.nanos() / HOUR, step.followed.nanos() / HOUR)
        })
        .collect()
}

#[test]
fn time_goes_on_at_its_speed_and_never_back() {
    let clock = HouseClock::following(Timestamp::from_nanos(1_000), 1_000_000);
    let mut last = clock.now();
    for _ in 0..1_000 {
        let now = clock.now();
        assert!(now >= last);
        last = now;
    }
    let ahead = last.plus(Span::HOUR);
    assert!(clock.time_to(ahead) <= Duration::from_millis(4), "an hour is 3.6 ms at this speed");
    assert_eq!((clock.take_step(), clock.was_followed()), (None, false));
}

#[test]
fn a_wall_clock_that_goes_forward_is_followed_and_told_once() {
    let (clock, time) = scripted();
    time.pass(hours(2));
    let before = clock.now();
    time.set_wall(hours(1));
    assert_eq!(clock.now(), before.plus(hours(1)));
    time.pass(hours(1));
    assert_eq!(clock.now(), before.plus(hours(2)));
    assert_eq!(told(&clock), [(2, 1, 1)]);
    assert!(clock.was_followed() && !clock.was_followed());
    assert_eq!(told(&clock), []);
}

#[test]
fn a_wall_clock_that_goes_back_is_told_and_the_time_goes_on_as_it_is_counted() {
    let (clock, time) = scripted();
    time.pass(hours(5));
    let before = clock.now();
    time.set_wall(hours(-1));
    assert_eq!(clock.now(), before);
    time.pass(hours(3));
    assert_eq!(clock.now(), before.plus(hours(3)), "not held until the wall clock is there");
    assert_eq!((told(&clock), clock.was_followed()), (vec![(5, -1, 0)], false));
    // Set right again: it is level with the time, which has nothing to follow.
    time.set_wall(hours(1));
    assert_eq!(clock.now(), before.plus(hours(3)));
    assert_eq!((told(&clock), clock.was_followed()), (vec![(8, 1, 0)], false));
    // From an hour behind to an hour ahead: it is followed by what it is ahead.
    time.set_wall(hours(-1));
    let _ = clock.now();
    time.set_wall(hours(2));
    assert_eq!(clock.now(), before.plus(hours(4)));
    assert_eq!((told(&clock), clock.was_followed()), (vec![(8, -1, 0), (8, 2, 1)], true));
}

#[test]
fn what_a_clock_drifts_within_a_second_is_no_step() {
    let (clock, time) = scripted();
    for nanos in [900_000_000, -1_800_000_000, 900_000_000] {
        let before = clock.now();
        time.set_wall(Span::from_nanos(nanos));
        assert_eq!(clock.now(), before);
    }
    assert_eq!(told(&clock), []);
}

#[test]
fn time_never_decreases_whatever_the_wall_clock_does() {
    let (clock, time) = scripted();
    let (mut last, mut seed) = (clock.now(), 9_u64);
    for _ in 0..10_000 {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        time.pass(Span::from_nanos(i64::try_from(seed % 3_000_000).unwrap()));
        if seed % 5 == 0 {
            time.set_wall(Span::from_nanos(i64::try_from(seed % 7_200).unwrap() * 1_000_000_000 - HOUR));
        }
        let now = clock.now();
        assert!(now >= last, "{now:?} {last:?}");
        last = now;
    }
}

#[test]
fn a_run_that_is_taken_up_before_its_last_moment_goes_on_from_there() {
    let (clock, time) = scripted();
    let last = clock.now().plus(hours(1));
    clock.go_on_behind(last);
    assert_eq!(clock.now(), last);
    time.pass(hours(1));
    assert_eq!(clock.now(), last.plus(hours(1)));
    assert_eq!(told(&clock), [(1, -1, 0)]);
    clock.go_on_behind(last);
    assert_eq!(clock.now(), last.plus(hours(1)), "a moment that is over moves nothing");
}
