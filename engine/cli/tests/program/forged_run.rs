//! A record that a forger wrote ends no command: whatever its events say, reading it is answered, refused or a
//! finding, never a panic.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use clap::Parser as _;
use engine_cli::commands::Cli;
use engine_cli::output::failure::{Failure, Verdict};
use engine_cli::output::terminal::Terminal;
use engine_core::envelope::Envelope;
use engine_core::event::{Event, Execution, Input, Manifest, Output, SessionMark};
use engine_core::instrument::InstrumentId;
use engine_core::market::MarketUpdate;
use engine_core::num::{Money, Price, Qty};
use engine_core::order::OrderId;
use engine_core::time::Timestamp;
use proptest::prelude::*;

use crate::forged_events;

const CONFIGS: [(&str, &str); 2] = [
    (
        "bars",
        "[run]\ncapital = \"10000\"\nend = \"flatten\"\n[strategy]\nname = \"sma-cross\"\nfast = 2\nslow = 4\n",
    ),
    (
        "trades",
        "[run]\ncapital = \"10000\"\nend = \"flatten\"\n[bars]\nrule = \"time\"\ninterval = \"1m\"\n[strategy]\nname = \"sma-cross\"\nfast = 2\nslow = 4\n",
    ),
];

const QUIET: Terminal = Terminal { json: false, quiet: true };

/// Runs one line of the program; `Err` when it panicked.
fn run(line: &[&str], json: bool) -> Result<Result<Verdict, Failure>, String> {
    let cli = Cli::try_parse_from(std::iter::once("engine").chain(line.iter().copied())).unwrap();
    let terminal = Terminal { json, ..QUIET };
    let ran = catch_unwind(AssertUnwindSafe(|| cli.command.run(terminal)));
    ran.map_err(|_| format!("{line:?} panicked"))
}

/// A dataset, a run over it, and the events of the run.
type Recorded = (PathBuf, PathBuf, Vec<Envelope>);

/// A sound run over bars and one over trades that become bars, made once.
fn sound() -> &'static [Recorded] {
    static SOUND: OnceLock<(tempfile::TempDir, Vec<Recorded>)> = OnceLock::new();
    let (_, runs) = SOUND.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let runs = CONFIGS.iter().map(|(name, config)| {
            let at = |what: &str| folder.path().join(format!("{name}.{what}"));
            let text = |path: &Path| path.display().to_string();
            let (data, run_dir) = (at("data"), at("run"));
            let (data_text, run_text, key) = (text(&data), text(&run_dir), text(&folder.path().join("key")));
            let config_text = text(&at("toml"));
            std::fs::write(at("toml"), config).unwrap();
            let size = if *name == "bars" { ["--bars", "120"] } else { ["--ticks", "6000"] };
            let made = [["synth", "--dataset", &data_text, "--seed", "3"].as_slice(), &size].concat();
            assert!(matches!(run(&made, true), Ok(Ok(Verdict::Fine))), "{made:?}");
            let line = ["backtest", &config_text, "--run", &run_text, "--dataset", &data_text, "--key", &key];
            let done = run(&line, true);
            assert!(matches!(done, Ok(Ok(Verdict::Fine))), "{line:?}: {done:?}");
            let events = forged_events::events(&run_dir);
            assert!(events.len() > 40, "{name}: {}", events.len());
            (data, run_dir, events)
        });
        let runs = runs.collect();
        (folder, runs)
    });
    runs
}

/// One change a forger makes.
#[derive(Debug, Clone, Copy)]
enum Edit {
    Drop,
    Double,
    Swap,
    Moment(i64),
    Ticks(i64),
    Order(u64),
    Amount(i64),
    Fee(i64),
    Instrument(u16),
    Another(usize),
    Decimals(u8),
    Cut,
}

fn edit() -> impl Strategy<Value = Edit> {
    let extreme = || {
        prop_oneof![
            Just(0),
            Just(1),
            Just(-1),
            Just(i64::MAX),
            Just(i64::MIN),
            Just(i64::MAX / 2),
            any::<i64>(),
        ]
    };
    prop_oneof![
        2 => Just(Edit::Drop),
        2 => Just(Edit::Double),
        2 => Just(Edit::Swap),
        2 => extreme().prop_map(Edit::Moment),
        2 => extreme().prop_map(Edit::Ticks),
        3 => prop_oneof![Just(0), Just(u64::MAX), 0..30_u64].prop_map(Edit::Order),
        6 => extreme().prop_map(Edit::Amount),
        3 => extreme().prop_map(Edit::Fee),
        2 => prop_oneof![Just(1), Just(u16::MAX)].prop_map(Edit::Instrument),
        3 => (0..500_usize).prop_map(Edit::Another),
        1 => any::<u8>().prop_map(Edit::Decimals),
        1 => Just(Edit::Cut),
    ]
}

fn apply(events: &mut Vec<Envelope>, place: usize, edit: Edit) {
    if events.is_empty() {
        return;
    }
    let place = place % events.len();
    match edit {
        Edit::Drop => drop(events.remove(place)),
        Edit::Double => events.insert(place, events[place].clone()),
        Edit::Swap => {
            let other = (place + 1) % events.len();
            events.swap(place, other);
        }
        Edit::Moment(by) => {
            let at = events[place].at.nanos().saturating_add(by);
            events[place].at = Timestamp::from_nanos(at);
        }
        Edit::Ticks(by) => events[place].records_read = events[place].records_read.saturating_add_signed(by),
        Edit::Another(from) => events[place].event = events[from % events.len()].event.clone(),
        Edit::Cut => events.truncate(place.max(1)),
        Edit::Decimals(decimals) => {
            if let Some(manifest) = manifest(&mut events[0].event) {
                manifest.instruments.iter_mut().for_each(|rules| rules.price_decimals = decimals);
            }
        }
        Edit::Order(_) | Edit::Amount(_) | Edit::Fee(_) | Edit::Instrument(_) => {
            // The next event that has what is to be changed.
            let count = events.len();
            let fitting = (0..count).map(|step| (place + step) % count);
            for place in fitting {
                if touch(&mut events[place].event, edit) {
                    break;
                }
            }
        }
    }
}

fn manifest(event: &mut Event) -> Option<&mut Manifest> {
    match event {
        Event::Input(Input::Session(SessionMark::Opened(manifest))) => Some(manifest),
        Event::Input(_) | Event::Output(_) => None,
    }
}

fn touch(event: &mut Event, edit: Edit) -> bool {
    match (event, edit) {
        (Event::Input(Input::Execution(report)), Edit::Order(order)) => report.order = OrderId::new(order),
        (Event::Output(Output::OrderSubmitted(submission)), Edit::Order(order)) => {
            submission.order.id = OrderId::new(order);
        }
        (Event::Output(Output::OrderSubmitted(submission)), Edit::Instrument(id)) => {
            submission.order.instrument = InstrumentId::new(id);
        }
        (Event::Output(Output::OrderSubmitted(submission)), Edit::Amount(amount)) => {
            submission.order.qty = Qty::from(amount);
            submission.order.decided_price = Price::from_units(amount);
        }
        (Event::Output(Output::BarClosed(bar)), Edit::Amount(amount)) => {
            bar.close = Price::from_units(amount)
        }
        (Event::Output(Output::BarClosed(bar)), Edit::Instrument(id)) => {
            bar.instrument = InstrumentId::new(id)
        }
        (Event::Input(Input::Market(MarketUpdate::Open(open))), Edit::Amount(amount)) => {
            open.open = Price::from_units(amount);
        }
        (Event::Input(Input::Market(MarketUpdate::Open(open))), Edit::Instrument(id)) => {
            open.instrument = InstrumentId::new(id);
        }
        (Event::Input(Input::Execution(report)), Edit::Fee(fee)) => {
            let Execution::Filled(fill) = &mut report.execution else { return false };
            fill.fee = Money::from_units(i128::from(fee) * i128::from(i64::MAX));
        }
        (Event::Input(Input::Execution(report)), Edit::Amount(amount)) => {
            let Execution::Filled(fill) = &mut report.execution else { return false };
            match amount % 2 {
                0 => fill.price = Price::from_units(amount),
                _ => fill.qty = Qty::from(amount),
            }
        }
        _ => return false,
    }
    true
}

/// Reads the run at `dir` in every way there is.
fn read_every_way(dir: &Path, sound: &Path, count: usize) -> Result<(), String> {
    let (run_dir, sound) = (dir.display().to_string(), sound.display().to_string());
    let folder = dir.parent().unwrap().display().to_string();
    let (middle, last) = ((count / 2).max(1).to_string(), count.to_string());
    let (lines, table) = (format!("{run_dir}.jsonl"), format!("{run_dir}.csv"));
    let ways: [&[&str]; 12] = [
        &["verify", &run_dir],
        &["replay", &run_dir, "--check"],
        &["state", &run_dir, "--at", &middle],
        &["state", &run_dir, "--at", &last],
        &["state", &run_dir, "--at", "2030-01-01T00:00:00Z"],
        &["show", &run_dir],
        &["trades", &run_dir],
        &["export", &run_dir, "--format", "jsonl", "--out", &lines],
        &["export", &run_dir, "--format", "csv", "--out", &table],
        &["diff", &sound, &run_dir],
        &["runs", &folder],
        &["significance", &run_dir, "--draws", "100"],
    ];
    for (index, way) in ways.iter().enumerate() {
        if let Err(failure) = run(way, index % 2 == 0)? {
            let line = failure.line();
            if line.is_empty() || line.contains('\n') {
                return Err(format!("{way:?} says {line:?}"));
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn whatever_a_forger_writes_is_answered(
        which in 0..CONFIGS.len(), edits in prop::collection::vec((any::<usize>(), edit()), 1..4),
        renumbers in any::<bool>(),
    ) {
        let (_, sound_dir, events) = &sound()[which];
        let mut forged = events.clone();
        for (place, edit) in &edits {
            apply(&mut forged, *place, *edit);
        }
        if renumbers {
            // What a careful forger does, so that more is read before something does not fit.
            let mut before = (Timestamp::MIN, 0);
            for envelope in &mut forged {
                before = (before.0.max(envelope.at), before.1.max(envelope.records_read));
                (envelope.at, envelope.records_read) = before;
            }
        }
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("run");
        forged_events::write(&forged, sound_dir, &dir, None);
        let read = read_every_way(&dir, sound_dir, forged.len());
        prop_assert!(read.is_ok(), "{}", read.unwrap_err());
    }
}

#[test]
fn a_sound_run_is_sound_in_every_way() {
    for (_, dir, events) in sound() {
        read_every_way(dir, dir, events.len()).unwrap();
    }
}
