//! A run in a directory, kept after every event and taken up from there, or from its beginning.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use engine_core::event::{Event, Input, SessionMark};
use engine_core::instrument::{Instrument, InstrumentId};
use engine_core::intent::Intent;
use engine_core::market::{Aggressor, MarketUpdate, Trade};
use engine_core::num::{Money, Price, Qty};
use engine_core::strategy::{Strategy, View};
use engine_core::time::Timestamp;
use engine_runtime::ports::{EnvironmentError, Fed, InputFeed};
use engine_runtime::runner::{SyncPolicy, run};
use journal_store::run::{Envelopes, RunJournal, RunOptions};
use replay_simulation::config::BacktestConfig;
use replay_simulation::sim_environment::SimEnvironment;

use super::super::LiveSource;
use super::super::live_status::{LiveStatus, StatusSink, Watching};
use super::*;
use crate::config::{RunMode, RunSettings, resolve_live};

/// Learns nothing, and says so or does not.
struct Idle {
    says_so: bool,
}

impl engine_core::knowledge::Learned for Idle {
    fn note(&self, _notes: &mut engine_core::knowledge::NoteWriter) {}

    fn recall(&mut self, _notes: &mut engine_core::knowledge::NoteReader<'_>) -> Result<(), Forgotten> {
        Ok(())
    }
}

impl Strategy for Idle {
    fn observe(&mut self, _at: Timestamp, _event: &Event) {}

    fn propose(&self, _view: &View<'_>) -> Vec<Intent> {
        Vec::new()
    }

    fn learned(&self) -> Option<&dyn engine_core::knowledge::Learned> {
        self.says_so.then_some(self)
    }

    fn learned_mut(&mut self) -> Option<&mut dyn engine_core::knowledge::Learned> {
        if self.says_so { Some(self) } else { None }
    }
}

struct Trades(VecDeque<i64>);

impl InputFeed for Trades {
    fn wait(&mut self, _until: Option<Timestamp>) -> Result<Fed, EnvironmentError> {
        let Some(second) = self.0.pop_front() else {
            return Ok(Fed::Input(at(1_000), Input::Session(SessionMark::Interrupted)));
        };
        let price = Price::from_units(10_000 + second);
        let (instrument, aggressor) = (InstrumentId::new(0), Aggressor::Buyer);
        let trade = Trade { instrument, venue_at: at(second), price, qty: Qty::from(1), aggressor };
        Ok(Fed::Input(at(second), Input::Market(MarketUpdate::Trade(trade))))
    }

    fn ready(&mut self) -> Result<Option<(Timestamp, MarketUpdate)>, EnvironmentError> {
        Ok(None)
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_nanos(second * 1_000_000_000)
}

struct Nobody;

impl StatusSink for Nobody {
    fn told(&mut self, _status: &LiveStatus) {}
}

fn config() -> BacktestConfig {
    let text = "[run]\nmode = \"paper\"\ncapital = \"1000\"\n[[data]]\nvenue = \"test\"\nsymbol = \"X\"\nkind = \"trades\"\n\
                [strategy]\nname = \"buy-and-hold\"\n";
    let settings = RunSettings::read_toml("paper.toml", text).unwrap();
    let rules = Instrument {
        venue: "test".into(),
        symbol: "X".into(),
        price_decimals: 2,
        qty_decimals: 3,
        tick: Price::from_units(1),
        lot: Qty::from_units(1),
        notional_min: Money::ZERO,
    };
    resolve_live(&settings, &[rules]).unwrap()
}

/// A new core and its environment, over trades at these seconds.
fn begun(says_so: bool, seconds: std::ops::Range<i64>, gate: &CommitGate) -> (Core, RunEnvironment) {
    let config = config();
    let source = LiveSource::<Envelopes>::new(Box::new(Trades(seconds.collect())), 1, gate.clone());
    let manifest = super::super::beginning::manifest(&config, RunMode::Paper);
    let environment = RunEnvironment::Simulated(Box::new(SimEnvironment::new(source, &config, manifest)));
    (Core::new(config.core(), Box::new(Idle { says_so })), environment)
}

/// Where a run of ten trades, kept after every event, is taken up, and what is said of it.
fn taken_up(says_so: bool) -> (Behind, u64, Vec<String>) {
    let dir = tempfile::tempdir().unwrap();
    let (place, gate) = (dir.path().join("run"), CommitGate::default());
    let (mut core, mut environment) = begun(says_so, 1..11, &gate);
    let options = RunOptions { self_contained: true, ..RunOptions::default() };
    let mut journal = RunJournal::create(&place, options).unwrap();
    let mut nobody = Nobody;
    let snapshots = LiveSnapshots::new(&place, 1, 0, gate.clone());
    let mut watching = Watching::new(&mut nobody, EventCounts::default(), snapshots);
    run(&mut core, &mut environment, &mut journal, &mut watching, SyncPolicy::BeforeEffects).unwrap();
    drop((journal, environment));
    assert!(snapshot::list(&place).unwrap().len() <= KEPT);

    let reader = RunReader::open(&place).unwrap();
    let (mut core, mut environment) = begun(says_so, 11..12, &gate);
    let said = Arc::new(Mutex::new(Vec::new()));
    let notes = Arc::clone(&said);
    let notices: Notices = Arc::new(move |line: &str| notes.lock().unwrap().push(line.to_owned()));
    let behind = take_up(&reader, &mut core, &mut environment, &notices).unwrap();
    assert_eq!(core.state().records_read(), if says_so { 10 } else { 0 }, "a core is whole or new");
    let said = said.lock().unwrap().clone();
    (behind, reader.head().count, said)
}

#[test]
fn a_run_goes_on_behind_its_last_snapshot() {
    let (behind, events, said) = taken_up(true);
    assert!(behind.last.number() > 10 && behind.last.number() <= events, "{behind:?} of {events}");
    assert_eq!(said, [""; 0]);
}

#[test]
fn a_policy_that_does_not_write_down_what_it_learns_is_taken_up_from_the_beginning_and_that_is_said() {
    let (behind, _, said) = taken_up(false);
    assert_eq!(behind.last, Seq::default());
    assert!(said.len() == 1 && said[0].contains("cannot be written down"), "{said:?}");
}
