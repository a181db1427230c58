//! What must hold of a run, whatever happened to it.

use std::path::Path;
use std::time::Duration;

use engine_application::wiring::paper::PaperResult;
use engine_application::wiring::recording::Recording;
use engine_application::wiring::replay::check_again;
use engine_core::envelope::{Envelope, Seq};
use engine_core::event::{Event, Input};
use engine_core::market::MarketUpdate;
use fake_exchange::{Entry, Hosted, Symbol};
use journal_store::run::RunReader;
use journal_store::verify::verify;

use super::world::{ORIGIN_NS, World};

/// How old the last recorded trade may be when a run ends that has had time to come to rest.
const FRESH: Duration = Duration::from_secs(12);

/// A trade as both sides tell it: milliseconds, price, quantity.
type Print = (i64, u64, u64);

/// What is known of a run.
#[derive(Debug, Default)]
pub(super) struct Oracle {
    /// Events that were there behind the last end.
    known: Vec<Envelope>,
    /// How many of them any process has said to last.
    said_to_last: usize,
}

/// What ended a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EndedBy {
    Itself,
    Power,
}

impl Oracle {
    /// A process of the run in `dir` has ended, which had said of `acknowledged` events that they last: they do, the record
    /// is sound, and it goes on from what it was. What a process that ended before left behind, and said of nobody that it
    /// lasts, may go with the power before the next has made it last.
    pub(super) fn behind_an_end(&mut self, dir: &Path, acknowledged: u64, by: EndedBy) -> Result<(), String> {
        self.said_to_last = self.said_to_last.max(usize::try_from(acknowledged).unwrap());
        if !dir.join("head.json").exists() {
            return self.goes_on_with(Vec::new(), by);
        }
        is_sound(dir)?;
        let events = events(dir)?;
        self.goes_on_with(events, by)
    }

    fn goes_on_with(&mut self, events: Vec<Envelope>, by: EndedBy) -> Result<(), String> {
        let (had, has, said) = (self.known.len(), events.len(), self.said_to_last);
        if has < said {
            return Err(format!("{said} events were said to last, and {has} are left"));
        }
        let both = had.min(has);
        if (has < had && by == EndedBy::Itself) || events[..both] != self.known[..both] {
            return Err(format!(
                "{had} events were there, and the {has} that are left are not those and more"
            ));
        }
        self.known = events;
        Ok(())
    }

    /// The run in `dir` has ended as planned, long after everything that went wrong.
    pub(super) fn at_the_end(
        &mut self,
        dir: &Path,
        ended: &PaperResult,
        venue: &Hosted,
        market: &str,
        ends_at: Duration,
    ) -> Result<(), String> {
        is_sound(dir)?;
        let events = events(dir)?;
        let last_trade = holds_every_trade(&events, venue, market)?;
        let age = i64::try_from(ends_at.as_millis()).unwrap() + ORIGIN_NS / 1_000_000 - last_trade;
        if age > i64::try_from(FRESH.as_millis()).unwrap() {
            tell_the_end(venue);
        }
        if age > i64::try_from(FRESH.as_millis()).unwrap() {
            return Err(format!("it has not come to rest: its last trade is {age} ms old"));
        }
        if ended.status.feeds_down > 0 {
            return Err("it has not come to rest: its feed is lost".to_owned());
        }
        if events.len() as u64 != ended.head.count {
            return Err(format!("{} events are there of {}", events.len(), ended.head.count));
        }
        self.goes_on_with(events, EndedBy::Itself)?;
        let recording = Recording::open(dir).map_err(|error| error.to_string())?;
        let (report, _) = check_again(&recording, &[]).map_err(|error| error.to_string())?;
        match report.difference {
            Some(difference) => Err(format!("it does not play again: {difference:?}")),
            None if report.events != ended.head.count => {
                Err(format!("{} events were played again", report.events))
            }
            None => Ok(()),
        }
    }
}

/// The last connections, for whoever wants to hear of them.
fn tell_the_end(venue: &Hosted) {
    let mut last = Vec::new();
    let _ = venue.truth().for_each(|record| match record.entry {
        Entry::Opened { .. } | Entry::Closed { .. } | Entry::Control { .. } | Entry::Received { .. } => {
            last.push(format!("{record:?}"))
        }
        Entry::Sent { .. } if last.len() % 2 == 0 => last.push(format!("{record:?}")),
        Entry::Sent { .. }
        | Entry::Trade { .. }
        | Entry::Bar { .. }
        | Entry::Dropped { .. }
        | Entry::Request { .. }
        | Entry::OrderRequest(_)
        | Entry::Order { .. }
        | Entry::Fill { .. }
        | Entry::Posting { .. }
        | Entry::Fault { .. } => {}
    });
    last.iter().rev().take(40).rev().for_each(|record| World::tells(record));
}

fn is_sound(dir: &Path) -> Result<(), String> {
    let report = verify(dir, None).map_err(|error| format!("verify: {error}"))?;
    if report.is_sound() { Ok(()) } else { Err(format!("it is not sound: {:?}", report.findings)) }
}

fn events(dir: &Path) -> Result<Vec<Envelope>, String> {
    let read = || {
        let reader = RunReader::open(dir)?;
        let events: Result<Vec<Envelope>, _> = reader.envelopes(Seq::FIRST)?.collect();
        events
    };
    read().map_err(|error| format!("read: {error}"))
}

/// The record holds every trade that was made from its first to its last, in order and once; answers when that was.
fn holds_every_trade(events: &[Envelope], venue: &Hosted, market: &str) -> Result<i64, String> {
    let rules = events.iter().find_map(|envelope| match &envelope.event {
        Event::Input(Input::Session(mark)) => Some(mark.clone()),
        Event::Input(_) | Event::Output(_) => None,
    });
    let Some(engine_core::event::SessionMark::Opened(manifest)) = rules else {
        return Err("it does not begin with what it is made of".to_owned());
    };
    let (rules, theirs) = (&manifest.instruments[0], Symbol::named(market).unwrap());
    let scale = |decimals: u32, of: u8| 10_u64.pow(decimals - u32::from(of));
    let price_scale = scale(theirs.price_decimals, rules.price_decimals);
    let qty_scale = scale(theirs.quantity_decimals, rules.qty_decimals);
    let told: Vec<Print> = events
        .iter()
        .filter_map(|envelope| match &envelope.event {
            Event::Input(Input::Market(MarketUpdate::Trade(trade))) => Some((
                trade.venue_at.nanos() / 1_000_000,
                u64::try_from(trade.price.units()).unwrap() * price_scale,
                u64::try_from(trade.qty.units()).unwrap() * qty_scale,
            )),
            Event::Input(_) | Event::Output(_) => None,
        })
        .collect();
    let made = venue.truth().trades(market).map_err(|error| error.to_string())?;
    let made: Vec<Print> =
        made.iter().map(|trade| (trade.time_ns / 1_000_000, trade.price, trade.quantity)).collect();
    let (Some(first), Some(last)) = (told.first(), told.last()) else {
        return Err("it holds no trade".to_owned());
    };
    let begins = made.iter().position(|made| made == first).ok_or("its first trade was not made")?;
    let whole = &made[begins..made.len().min(begins + told.len())];
    match told.iter().zip(whole).position(|(told, made)| told != made) {
        Some(place) => Err(format!(
            "of {} trades number {place} is another than was made: {:?} for {:?}",
            told.len(),
            told[place],
            whole[place]
        )),
        None if whole.len() < told.len() => Err("it holds more trades than were made".to_owned()),
        None => Ok(last.0),
    }
}
