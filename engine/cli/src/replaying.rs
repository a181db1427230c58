//! `replay --check` and `diff`: a recorded run decided again, and two runs side by side.

use engine_core::envelope::{Cause, Envelope, Seq};
use engine_core::event::{Event, Output};
use engine_core::instrument::Instrument;
use journal_store::run::RunReader;
use journal_store::snapshot;
use replay_export::EventJson;
use replay_replayer::backtest_replay::{RecordedConductor, replay_backtest};
use replay_replayer::divergence::compare;
use replay_replayer::{CheckReport, Difference, check};
use replay_simulation::backtest::{DelayedConductor, Participants};
use replay_simulation::series_feed::OpenDatasets;
use serde_json::{Value, json};

use crate::args::{DiffArgs, ReplayArgs};
use crate::config::{SeatKind, policy_of};
use crate::failure::{Failure, Verdict};
use crate::inspect::caution;
use crate::moment::moment_text;
use crate::recording::Recording;
use crate::reinfer::reinfer;
use crate::render::{Renderer, hex, kind_of, told};
use crate::seat::conductor;
use crate::terminal::{Terminal, one_line};

/// Runs `engine replay RUN --check`.
///
/// # Errors
/// [`Failure`] when run or datasets cannot be read.
pub fn replay(terminal: Terminal, args: &ReplayArgs) -> Result<Verdict, Failure> {
    let recording = Recording::open(&args.run)?;
    if args.reinfer {
        return reinfer(terminal, args, &recording);
    }
    let (report, elapsed) = recheck(&recording, &args.dataset)?;
    caution(terminal, &recording.reader);
    let same = report.difference.is_none();
    let head = recording.reader.head();
    let seq = report.difference.as_ref().map_or(0, |difference| difference.seq);
    let (renderer, mut teller) = knowing_orders(&recording, seq)?;
    let complete = report.complete && recording.reader.is_complete();
    let document = json!({
        "run": args.run.display().to_string(),
        "same": same,
        "complete": complete,
        "venue_played": report.venue,
        "state": recording.reader.state().word(),
        "events": report.events,
        "ticks": report.ticks,
        "elapsed_s": elapsed.as_secs_f64(),
        "head": hex(&head.digest),
        "difference": report.difference.as_ref().map(|difference| document_of(difference, &mut teller)),
    });
    terminal.answer(&document, &text_of(&report, &renderer))?;
    Ok(Verdict::finding_if(!same))
}

/// Plays a backtest again, its venue included; of any other run, decides every input again.
///
/// # Errors
/// [`Failure`] when run or datasets cannot be read.
pub fn recheck(
    recording: &Recording,
    given: &[std::path::PathBuf],
) -> Result<(CheckReport, std::time::Duration), Failure> {
    let mut datasets = OpenDatasets::default();
    if recording.manifest.mode == BACKTEST {
        return played_again(recording, given, &mut datasets);
    }
    let mut source = recording.source(given, &mut datasets)?;
    let mut core = recording.core()?;
    let begun = std::time::Instant::now();
    let report = check(&mut core, &mut source, recording.reader.envelopes(Seq::FIRST)?)?;
    Ok((report, begun.elapsed()))
}

/// The mode of runs whose venue was simulated, so that it can be played again.
const BACKTEST: &str = "backtest";

/// Plays a backtest again, its venue included. What a model answered is taken from the record; rules answer anew.
fn played_again(
    recording: &Recording,
    given: &[std::path::PathBuf],
    datasets: &mut OpenDatasets,
) -> Result<(CheckReport, std::time::Duration), Failure> {
    let (config, manifest, source) = recording.remade(given, datasets)?;
    let settings = recording.settings();
    let strategy = policy_of(settings, &config.instruments)
        .map_err(|error| Failure::manifest(&recording.dir, &error))?;
    let envelopes = || recording.reader.envelopes(Seq::FIRST);
    let conductor: Option<DelayedConductor> = match &settings.conductor {
        Some(section) if section.kind == SeatKind::Model => {
            Some((Box::new(RecordedConductor::new(envelopes()?)), section.delay))
        }
        Some(_) | None => conductor(settings)?,
    };
    let dir = recording.reader.dir();
    // A damaged snapshot is passed over here; `verify` names it.
    let kept = snapshot::list(dir)?.into_iter().filter_map(|seq| match snapshot::get(dir, seq) {
        Ok(kept) => kept.map(|kept| Ok((kept.seq, kept.state))),
        Err(error) => Some(Err(error)),
    });
    let begun = std::time::Instant::now();
    let report =
        replay_backtest(&config, Participants { strategy, conductor }, source, manifest, envelopes()?, kept)?;
    Ok((report, begun.elapsed()))
}

/// A renderer and a teller that know the orders submitted before event `seq`.
fn knowing_orders(recording: &Recording, seq: u64) -> Result<(Renderer<'_>, EventJson), Failure> {
    let instruments = &recording.manifest.instruments;
    let (mut renderer, mut teller) = (Renderer::new(instruments), EventJson::new(instruments.clone()));
    for envelope in recording.reader.envelopes(Seq::FIRST)? {
        let envelope = envelope?;
        if envelope.seq.number() >= seq {
            break;
        }
        renderer.learn(&envelope.event);
        if matches!(envelope.event, Event::Output(Output::OrderSubmitted(_))) {
            teller.event(&envelope);
        }
    }
    Ok((renderer, teller))
}

fn document_of(difference: &Difference, teller: &mut EventJson) -> Value {
    let mut events = |events: &[Event]| -> Value {
        let told = events
            .iter()
            .map(|event| json!({ "kind": kind_of(event), "event": told(teller, event.clone()) }));
        told.collect()
    };
    json!({
        "seq": difference.seq,
        "at": moment_text(difference.at),
        "cause": difference.cause.map(cause_document),
        "about": difference.about,
        "recorded": events(&difference.recorded),
        "recomputed": events(&difference.recomputed),
    })
}

fn cause_document(cause: Cause) -> Value {
    match cause {
        Cause::Event(seq) => json!({ "seq": seq.number() }),
        Cause::Tick(tick) => json!({ "dataset": tick.dataset, "record": tick.seq }),
    }
}

fn text_of(report: &CheckReport, renderer: &Renderer<'_>) -> String {
    let CheckReport { events, ticks, difference, venue, .. } = report;
    let Some(difference) = difference else {
        let how =
            if *venue { "played again, the venue included" } else { "decided again, fills as recorded" };
        return format!("same: {events} events and {ticks} market inputs {how}, no difference\n");
    };
    let (at, about) = (moment_text(difference.at), difference.about.words());
    let mut text = format!("DIFFERENT at event {}, {at}: {about}\n", difference.seq);
    for (name, events) in [("recorded", &difference.recorded), ("recomputed", &difference.recomputed)] {
        let lines: Vec<String> = events.iter().map(|event| renderer.sentence(event)).collect();
        let said = if lines.is_empty() { "nothing".to_owned() } else { lines.join(" | ") };
        text.push_str(&format!("{name:<10}  {}\n", one_line(&said)));
    }
    text
}

/// Runs `engine diff RUN_A RUN_B`.
///
/// # Errors
/// [`Failure::Journal`] when either run cannot be read.
pub fn diff(terminal: Terminal, args: &DiffArgs) -> Result<Verdict, Failure> {
    let (first, second) = (RunReader::open(&args.run_a)?, RunReader::open(&args.run_b)?);
    caution(terminal, &first);
    caution(terminal, &second);
    let comparison = compare(first.envelopes(Seq::FIRST)?, second.envelopes(Seq::FIRST)?)?;
    let rules =
        |run: &RunReader| run.manifest().map(|manifest| manifest.instruments.clone()).unwrap_or_default();
    let (left, right) = (rules(&first), rules(&second));
    let equal = comparison.divergence.is_none() && comparison.same_manifest;
    let chain = |events: &[Envelope], rules: &[Instrument]| -> Vec<Value> {
        // The chain is newest first; orders must be known before their fills are told.
        let mut teller = EventJson::new(rules.to_vec());
        let mut told: Vec<Value> = events.iter().rev().map(|event| teller.event(event)).collect();
        told.reverse();
        told
    };
    let divergence = comparison.divergence.as_ref().map(|divergence| {
        json!({
            "seq": divergence.seq,
            "first": chain(&divergence.first, &left),
            "second": chain(&divergence.second, &right),
        })
    });
    let document = json!({
        "equal": equal,
        "same_manifest": comparison.same_manifest,
        "equal_events": comparison.equal_events,
        "complete": [first.is_complete(), second.is_complete()],
        "heads": [hex(&first.head().digest), hex(&second.head().digest)],
        "divergence": divergence,
    });
    let mut text = String::new();
    if !comparison.same_manifest {
        text.push_str("the manifests differ: the runs were asked for different things\n");
    }
    match &comparison.divergence {
        None => text.push_str(&format!("{} events are equal on both sides\n", comparison.equal_events)),
        Some(divergence) => {
            text.push_str(&format!(
                "{} events are equal; event {} differs\n",
                comparison.equal_events, divergence.seq
            ));
            for (name, run, events, rules) in [
                ("first", &args.run_a, &divergence.first, &left),
                ("second", &args.run_b, &divergence.second, &right),
            ] {
                text.push_str(&format!("{name}: {}\n", run.display()));
                let renderer = knowing(events, rules);
                let lines: Vec<String> = events.iter().map(|event| renderer.line(event)).collect();
                let lines = if lines.is_empty() { vec!["    the run has ended".to_owned()] } else { lines };
                text.push_str(&format!("{}\n", lines.join("\n    because of\n")));
            }
        }
    }
    terminal.answer(&document, &text)?;
    caution(terminal, &first);
    caution(terminal, &second);
    Ok(Verdict::finding_if(!equal))
}

/// A renderer that knows the orders within a cause chain.
fn knowing<'a>(events: &[Envelope], rules: &'a [Instrument]) -> Renderer<'a> {
    let mut renderer = Renderer::new(rules);
    for envelope in events {
        if matches!(envelope.event, Event::Output(Output::OrderSubmitted(_))) {
            renderer.learn(&envelope.event);
        }
    }
    renderer
}
