//! The core as it was, kept beside the run as it goes by.

use std::path::{Path, PathBuf};

use engine_core::envelope::Seq;
use engine_core::machine::CoreSnapshot;
use engine_core::state::State;
use engine_runtime::ports::JournalError;
use journal_store::snapshot::{self, Snapshot};

/// Where and how often the core is kept.
#[derive(Debug, Clone)]
pub(super) struct Snapshots {
    dir: PathBuf,
    /// Nothing where only the end is kept.
    every: Option<u64>,
    /// The event and the market record that the next is made at; nothing where there is no such number.
    next_event: Option<u64>,
    next_record: Option<u64>,
}

/// Market records for each event between two snapshots: folding so many takes no longer than folding the event, and a
/// run may read millions of records without any.
const RECORDS_AN_EVENT: u64 = 20;

impl Snapshots {
    /// In `dir` at the first event after `every` events or twenty times as many market records, and at the end; only
    /// at the end when `every` is zero.
    pub(super) fn new(dir: &Path, every: u64) -> Self {
        let every = (every > 0).then_some(every);
        let mut snapshots = Self { dir: dir.to_path_buf(), every, next_event: None, next_record: None };
        snapshots.wait(0, 0);
        snapshots
    }

    /// Waits for the next snapshot behind one at event `seq`.
    fn wait(&mut self, seq: u64, records_read: u64) {
        let records = self.every.and_then(|every| every.checked_mul(RECORDS_AN_EVENT));
        self.next_event = self.every.and_then(|every| seq.checked_add(every));
        self.next_record = records.and_then(|records| records_read.checked_add(records));
    }

    /// Keeps the core when it is time: `last` led to its `state`, and `snapshot` is all of it.
    pub(super) fn keep(
        &mut self,
        state: &State,
        last: Seq,
        snapshot: impl FnOnce() -> CoreSnapshot,
    ) -> Result<(), JournalError> {
        let (seq, records_read) = (last.number(), state.records_read());
        let is_due = self.next_event.is_some_and(|next| seq >= next)
            || self.next_record.is_some_and(|next| records_read >= next);
        if !is_due && state.is_open() {
            return Ok(());
        }
        self.wait(seq, records_read);
        snapshot::put(&self.dir, &Snapshot::new(last, snapshot()))
    }
}

#[cfg(test)]
mod tests {
    use engine_core::event::{Event, Input, Manifest, SessionMark};
    use engine_core::instrument::InstrumentId;
    use engine_core::mark::MarkRule;
    use engine_core::market::{Aggressor, MarketUpdate, Trade};
    use engine_core::num::{Money, Price, Qty, Ratio};
    use engine_core::state::Opening;
    use engine_core::time::Timestamp;

    use super::*;

    fn kept(every: u64, records_between: u64) -> Vec<u64> {
        let dir = tempfile::tempdir().unwrap();
        let opening = Opening {
            instruments: Vec::new(),
            capital: Money::ZERO,
            bars: None,
            drawdown_max: Ratio::ONE,
            mark: MarkRule::Newest,
        };
        let mut state = State::new(opening);
        let manifest = Manifest {
            engine_version: String::new(),
            mode: "backtest".into(),
            config_json: String::new(),
            strategy: String::new(),
            instruments: Vec::new(),
            datasets: Vec::new(),
            seed: 0,
            capital: Money::ZERO,
            synthetic: true,
        };
        let opened = Event::Input(Input::Session(SessionMark::Opened(Box::new(manifest))));
        state.apply(Timestamp::from_nanos(0), &opened);
        let mut snapshots = Snapshots::new(dir.path(), every);
        let trade = Event::Input(Input::Market(MarketUpdate::Trade(Trade {
            instrument: InstrumentId::new(0),
            venue_at: Timestamp::from_nanos(0),
            price: Price::from_units(1),
            qty: Qty::from(1),
            aggressor: Aggressor::Unknown,
        })));
        for seq in 1..=20 {
            (0..records_between).for_each(|_| state.apply(Timestamp::from_nanos(0), &trade));
            let snapshot = || CoreSnapshot::of_state(state.clone());
            snapshots.keep(&state, Seq::new(seq), snapshot).unwrap();
        }
        snapshot::list(dir.path()).unwrap().into_iter().map(Seq::number).collect()
    }

    #[test]
    fn a_snapshot_is_made_after_so_many_events_or_twenty_times_as_many_records() {
        assert_eq!(kept(8, 0), [8, 16]);
        assert_eq!(kept(8, 20), [8, 16]);
        // 160 records are read by event 4.
        assert_eq!(kept(8, 40), [4, 8, 12, 16, 20]);
        assert_eq!(kept(0, 1_000), [0; 0]);
        assert_eq!(kept(u64::MAX, 1_000), [0; 0]);
    }
}
