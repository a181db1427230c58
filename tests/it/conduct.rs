//! Regimes, questions and answers in whole runs: what the rule decides is what the ensemble decides alone, a missed
//! answer falls to the floor, a gap is said, and a recorded run needs nobody to answer again.

use std::path::Path;

use engine_core::conductor::Answerer;
use engine_core::envelope::Envelope;
use engine_core::event::{Event, Execution, Input, Output};
use engine_core::feature::market::MARKET_V1;
use engine_core::fill::Fill;
use engine_core::machine::Core;
use engine_core::time::Span;
use journal_store::memory_journal::MemoryJournal;
use replay_history::synth::{SynthRequest, SynthSize, synthesise};
use replay_replayer::check;
use replay_simulation::series_feed::{OpenDatasets, open};
use system_tests::{Played, play_into, resolved};

const BARS: u64 = 420;

/// Two made-up markets of daily bars.
fn markets(dir: &Path) {
    for (symbol, seed) in [("AAA", 11), ("BBB", 12)] {
        let request = SynthRequest {
            dataset: dir.to_path_buf(),
            venue: "synthetic".into(),
            symbol: symbol.into(),
            seed,
            size: SynthSize::Bars(BARS, Span::DAY),
        };
        synthesise(&request).unwrap();
    }
}

fn settings(more: &str) -> String {
    format!(
        "[run]\ncapital = \"100000\"\n[costs]\ntaker_fee = \"10bps\"\nslippage = \"5bps\"\n\
         [risk]\ndrawdown_max = 1\n[strategy]\nname = \"rg-ens12\"\n{more}"
    )
}

fn run(dir: &Path, more: &str) -> (Played, Vec<Envelope>) {
    let mut journal = MemoryJournal::default();
    let played = play_into(&settings(more), &[dir], &mut journal);
    (played, journal.envelopes())
}

fn fills(envelopes: &[Envelope]) -> Vec<(i64, Fill)> {
    let fill = |envelope: &Envelope| match &envelope.event {
        Event::Input(Input::Execution(report)) => match report.execution {
            Execution::Filled(fill) => Some((envelope.at.nanos(), fill)),
            Execution::Accepted
            | Execution::Rejected(_)
            | Execution::Triggered
            | Execution::Cancelled
            | Execution::Expired
            | Execution::Amended(_) => None,
        },
        Event::Input(_) | Event::Output(_) => None,
    };
    envelopes.iter().filter_map(fill).collect()
}

fn count(envelopes: &[Envelope], wanted: impl Fn(&Event) -> bool) -> u64 {
    envelopes.iter().filter(|envelope| wanted(&envelope.event)).count() as u64
}

#[test]
fn the_rule_as_a_conductor_trades_as_the_ensemble_alone() {
    let dir = tempfile::tempdir().unwrap();
    markets(dir.path());
    let (alone, record) = run(dir.path(), "");
    let (conducted, asked) = run(dir.path(), "[conductor]\nkind = \"rule\"\n");
    assert!(alone.counts.fills > 20, "{:?}", alone.counts);
    assert!(fills(&asked) == fills(&record), "{:?} and {:?}", conducted.counts, alone.counts);
    assert_eq!(conducted.core.state().equity(), alone.core.state().equity());
    assert_eq!(conducted.counts.questions, 2 * BARS);
    assert_eq!((conducted.counts.missed_answers, &conducted.counts.degraded.len()), (0, &0));
    let setup = conducted.counts.inference.unwrap();
    assert_eq!((setup.wanted.as_str(), setup.running.as_str()), ("rule", "rule"));
    // Every question has an answer of its own, one event after the step that asked it.
    let answered = |event: &Event| matches!(event, Event::Input(Input::Conductor(decision)) if decision.answered_by == Answerer::Rule);
    assert_eq!(count(&asked, answered), 2 * BARS);
}

#[test]
fn questions_carry_the_features_of_their_bar_once_they_are_warm() {
    let dir = tempfile::tempdir().unwrap();
    markets(dir.path());
    let (played, record) = run(dir.path(), "[conductor]\n");
    let questions = record.iter().filter_map(|envelope| match &envelope.event {
        Event::Output(Output::ConductorConsulted(question)) => Some(question),
        Event::Input(_) | Event::Output(_) => None,
    });
    let questions: Vec<_> = questions.collect();
    assert!(questions.iter().all(|question| question.features.set == MARKET_V1.digest()));
    let warm = questions.iter().filter(|question| question.features.values.len() == MARKET_V1.features.len());
    let cold = questions.iter().filter(|question| question.features.values.is_empty());
    let (warm, cold) = (warm.count() as u64, cold.count() as u64);
    assert!(warm > BARS / 2, "{warm} warm, {cold} cold");
    assert_eq!(warm + cold, 2 * BARS);
    let changes = count(&record, |event| matches!(event, Event::Output(Output::RegimeChanged(_))));
    assert_eq!(changes, played.counts.regime_changes);
    assert!(changes >= 4, "{changes} changes");
}

#[test]
fn an_answer_that_comes_too_late_is_recorded_and_the_floor_holds() {
    let dir = tempfile::tempdir().unwrap();
    markets(dir.path());
    let late = "[conductor]\nanswer_within = \"1s\"\ndelay = \"2s\"\nfloor = 0\n";
    let (played, record) = run(dir.path(), late);
    // The time of the last two is over only after the data has ended.
    assert_eq!(played.counts.missed_answers, 2 * BARS - 2);
    assert_eq!(count(&record, |event| matches!(event, Event::Input(Input::Conductor(_)))), 2 * BARS);
    assert_eq!(played.counts.orders, 0, "at a floor of nothing, nothing is bought");
    let (floored, _) = run(dir.path(), &late.replace("floor = 0", "floor = 1"));
    let (prompt, _) = run(dir.path(), "[conductor]\n");
    assert_eq!(floored.counts.missed_answers, 2 * BARS - 2);
    // The floor never lifts the rule's own scale, so the same is bought, an open later or not.
    assert_eq!(floored.counts.orders, prompt.counts.orders);
}

#[test]
fn a_conducted_run_is_decided_again_with_nobody_to_ask() {
    let dir = tempfile::tempdir().unwrap();
    markets(dir.path());
    for more in ["[conductor]\nkind = \"uniform\"\n", "[conductor]\nanswer_within = \"1s\"\ndelay = \"2s\"\n"]
    {
        let (_, record) = run(dir.path(), more);
        let mut datasets = OpenDatasets::default();
        let (config, strategy) = resolved(&settings(more), &[dir.path()], &mut datasets);
        let mut core = Core::new(config.core(), strategy);
        let mut source = open(&config, &mut datasets).unwrap().source;
        let report = check(&mut core, &mut source, record.iter().cloned().map(Ok)).unwrap();
        assert_eq!((report.difference, report.complete, report.events), (None, true, record.len() as u64));
    }
}

#[test]
fn missing_bars_are_said_and_what_is_usual_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("holes.csv");
    let mut rows = String::from("time,open,high,low,close,volume\n");
    for day in (0_i64..600).filter(|day| *day != 300) {
        let price = 100 + (day * 7919) % 23;
        rows.push_str(&format!(
            "{},{price},{price},{price},{price},1\n",
            1_500_000_000 / 86_400 * 86_400 + day * 86_400
        ));
    }
    std::fs::write(&file, rows).unwrap();
    let data = dir.path().join("data");
    let _ = system_tests::import_file(&data, "AAA", &file, |request| {
        request.columns = "time=time:s".parse().unwrap()
    });
    let (played, record) = run(&data, "[regime]\n");
    assert_eq!(played.counts.gaps, 1);
    let mut gap_at = None;
    let mut readings = Vec::new();
    for envelope in &record {
        match &envelope.event {
            Event::Output(Output::GapFound(gap)) => gap_at = Some(gap.until.nanos()),
            Event::Output(Output::RegimeChanged(change)) => {
                readings.push((gap_at, change.from, change.reading))
            }
            Event::Input(_) | Event::Output(_) => {}
        }
    }
    let after: Vec<_> = readings.iter().filter(|(gap, _, _)| gap.is_some()).collect();
    let (before_any, (_, from, reading)) = (readings.first().unwrap(), after.first().unwrap());
    assert_eq!((before_any.1, before_any.2.run_length_bars), (None, 1));
    // The regime is announced anew with the first bar after the gap: one missing bar costs no reading.
    let bars_into_series = 600 - 1 - 200;
    assert_eq!((after.len(), *from), (1, None));
    assert!(reading.run_length_bars > 1 && reading.run_length_bars < bars_into_series, "{reading:?}");
}
