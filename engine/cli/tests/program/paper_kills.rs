//! A run on paper that is killed and cut off at random instants: while it starts, learns the past, trades, puts a segment or a
//! snapshot away, and while its segments are packed.
//!
//! A few kills are part of every test run. The long form, on each dialect so many:
//!
//! ```text
//! PAPER_KILLS=334 PAPER_KILLS_SEED=7 cargo test -p engine-cli --test program -- --ignored --nocapture paper_kills
//! ```

use std::process::Stdio;
use std::time::{Duration, Instant};

use engine_core::envelope::{Envelope, Seq};
use journal_store::run::RunReader;

use crate::folder::Folder;
use crate::paper::{Random, begun, compare, count, exchange, ground, plays_again, segments, until, variable};
use crate::paper_faults::{PLACES, Place, set_off};

/// What cuts the connection, and what makes the venue announce its end, so that it is replaced.
const CUTS: [&str; 4] = [
    r#"{"verb":"drop_conn","how":"reset"}"#,
    r#"{"verb":"drop_conn","how":"fin"}"#,
    r#"{"verb":"server_shutdown","ms":200}"#,
    r#"{"verb":"server_shutdown","ms":40}"#,
];

/// So many of the last events are looked for in the record of the next life.
const KEPT: u64 = 40;

/// How often the whole record is played again.
const CHECKED_EVERY: u64 = 50;

/// What the record held when a life ended.
#[derive(Debug, Default)]
struct Remembered {
    events: u64,
    last: Vec<Envelope>,
}

impl Remembered {
    fn of(folder: &Folder) -> Self {
        // A kill may come before the first event.
        let Ok(reader) = RunReader::open(&folder.path("P")) else { return Self::default() };
        let events = reader.head().count;
        let from = Seq::new(events.saturating_sub(KEPT).max(1));
        Self { events, last: reader.envelopes(from).unwrap().map(Result::unwrap).collect() }
    }

    /// Everything that `before` saw is still there.
    fn holds(&self, before: &Self, folder: &Folder) {
        assert!(self.events >= before.events, "{} events of {}", self.events, before.events);
        let Some(first) = before.last.first() else { return };
        let reader = RunReader::open(&folder.path("P")).unwrap();
        let again: Vec<Envelope> =
            reader.envelopes(first.seq).unwrap().take(before.last.len()).map(Result::unwrap).collect();
        assert_eq!(again, before.last);
    }
}

/// What happened to a run.
#[derive(Debug, Default)]
struct Tally {
    kills: u64,
    while_it_starts: u64,
    packings_killed: u64,
    cuts: u64,
}

/// One life: from its start to its kill.
fn lives(folder: &Folder, exchange: &fake_exchange::Running, random: &mut Random, tally: &mut Tally) {
    let mut child = begun(folder);
    if random.below(10) < 4 {
        std::thread::sleep(Duration::from_millis(random.below(400)));
        tally.while_it_starts += 1;
    } else {
        until(folder, |status| status["pid"] == child.id() && count(status, "ticks") > 0);
        for _ in 0..random.below(3) {
            std::thread::sleep(Duration::from_millis(random.below(300)));
            let cut = CUTS[usize::try_from(random.below(CUTS.len() as u64)).unwrap()];
            set_off(exchange, cut);
            tally.cuts += 1;
        }
        std::thread::sleep(Duration::from_millis(random.below(1_000)));
    }
    assert_eq!(child.try_wait().unwrap(), None, "it ends by a kill alone");
    child.kill().unwrap();
    child.wait().unwrap();
    tally.kills += 1;
}

/// Segments are packed or unpacked, which a kill may end.
fn packs(folder: &Folder, random: &mut Random, tally: &mut Tally) {
    let line = if random.below(2) == 0 { "archive P" } else { "archive P --unpack" };
    let mut child = folder.command(line).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(random.below(120)));
    tally.packings_killed += u64::from(child.try_wait().unwrap().is_none());
    child.kill().unwrap();
    child.wait().unwrap();
}

fn is_killed(place: &Place, kills: u64) {
    let seed = variable("PAPER_KILLS_SEED", 20_261_130).max(1);
    println!("PAPER_KILLS_SEED={seed}");
    let (mut random, mut tally) = (Random(seed), Tally::default());
    let exchange = exchange(place.dialect, place.market);
    let folder = ground(&exchange, place.venue, place.symbol);
    let (begun_at, mut before) = (Instant::now(), Remembered::default());
    while tally.kills < kills {
        lives(&folder, &exchange, &mut random, &mut tally);
        if random.below(8) == 0 && segments(&folder) > 0 {
            packs(&folder, &mut random, &mut tally);
        }
        let now = Remembered::of(&folder);
        now.holds(&before, &folder);
        before = now;
        if tally.kills.is_multiple_of(CHECKED_EVERY) && before.events > 0 {
            plays_again(&folder);
            println!(
                "{}: {} events, {} s, {tally:?}",
                place.venue,
                before.events,
                begun_at.elapsed().as_secs()
            );
        }
    }
    let answer = folder.answer("paper paper.toml --run P --for 5s");
    assert_eq!(plays_again(&folder)["head"], answer["head"]);
    let losses = compare(&exchange, place.market, &folder);
    println!(
        "{}: {} events, the feed lost {losses} times, {} segments, {} s, {tally:?}",
        place.venue,
        answer["events"],
        segments(&folder),
        begun_at.elapsed().as_secs()
    );
    exchange.stop().unwrap();
}

#[test]
fn a_few_kills_lose_nothing() {
    is_killed(&PLACES[0], 5);
}

#[test]
#[ignore = "takes a second for each kill"]
fn many_kills_lose_nothing_on_any_venue() {
    let kills = variable("PAPER_KILLS", 334);
    for place in &PLACES {
        is_killed(place, kills);
    }
}
