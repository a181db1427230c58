//! One life with stops that follow the price, and something that goes wrong at each of its steps, one run for each step.

use super::*;

/// Two entries with stops that follow, the second with a target, and a part of the first sold on the way.
#[derive(Debug, Clone, Default)]
pub(super) struct Script {
    records: u64,
}

impl Strategy for Script {
    fn observe(&mut self, _at: Timestamp, event: &Event) {
        self.records += u64::from(matches!(event, Event::Input(Input::Market(_))));
    }

    fn propose(&self, view: &View<'_>) -> Vec<Intent> {
        let follows = |share: i64, take_profit| {
            let stop_loss = BracketStop::Trailing(Ratio::from_units(share * 1_000_000));
            vec![entry_with(1_000, Bracket { stop_loss, take_profit }).into()]
        };
        match self.records {
            4 => follows(20, None),
            40 if view.position(ONLY).is_positive() => vec![sell(300)],
            64 => follows(10, Some(Price::from_units(10_640))),
            _ => Vec::new(),
        }
    }
}

/// Where the market stands at `now` milliseconds: up, down through the first stop, and up to the target.
fn price(now: i64) -> i64 {
    let turns = [
        (0, 10_000),
        (5_000, 10_000),
        (25_000, 10_500),
        (30_000, 10_500),
        (33_000, 10_200),
        (50_000, 10_700),
    ];
    let leg = turns.windows(2).find(|leg| now < leg[1].0);
    leg.map_or(10_700, |leg| {
        let ((from, low), (to, high)) = (leg[0], leg[1]);
        low + (high - low) * (now - from) / (to - from)
    })
}

/// Lives through the script; at its end everything is sold or covered, by the word of both ends.
fn lived(planned: Option<(u64, Mishap)>) -> World {
    let mut world = World::scripted(planned);
    let begun_at = world.now;
    while world.now < begun_at + 52_000 {
        world.pass();
        if (world.now - begun_at) % 500 == 0 {
            world.trade_at(price(world.now - begun_at));
        }
    }
    world.be_quiet();
    world.judge();
    world.refold();
    world
}

#[test]
fn a_life_without_mishap_moves_its_stops_and_ends_at_both() {
    let world = lived(None);
    assert!(world.met.moved >= 2 && world.met.stops + world.met.passed > 0, "{:?}", world.met);
    assert!(world.met.targets > 0 && world.met.postponed > 0, "{:?}", world.met);
    assert_eq!((world.core.state().held_exits(), world.venue.coins), (&[][..], 0));
    assert!(world.met.unprotected_longest <= 250, "{:?}", world.met);
}

#[test]
fn whatever_happens_at_any_step_exits_never_exceed_what_is_held_and_stand_within_their_time() {
    let steps = lived(None).steps;
    // An order that was recorded and not sent is known as never placed after six seconds, and tried again a second later;
    // reports and orders take 60 ms each. While a process is away nothing can be done, and that is not counted.
    let mishaps = [
        (Mishap::FeedLost { for_ms: 4_000 }, 250),
        (Mishap::Killed { done: 0, away: 0 }, 7_500),
        (Mishap::Killed { done: 0, away: 4_000 }, 3_500),
        (Mishap::Killed { done: usize::MAX, away: 4_000 }, 250),
        (Mishap::Both { for_ms: 9_000, away: 3_000 }, 4_500),
    ];
    for (mishap, most) in mishaps {
        let runs = (3..=steps).map(|step| (step, lived(Some((step, mishap))).met));
        let runs: Vec<(u64, Met)> = runs.collect();
        let longest = runs.iter().map(|(step, met)| (met.unprotected_longest, *step)).max().unwrap();
        assert!(longest.0 <= most, "{mishap:?}: {longest:?}");
        let happened = |met: &Met| met.kills + met.feeds_lost > 0;
        assert!(runs.iter().all(|(_, met)| happened(met)), "{mishap:?} at every step");
    }
}
