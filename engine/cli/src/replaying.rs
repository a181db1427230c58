//! `replay --check` and `diff`: a recorded run decided again, and two runs side by side.

use engine_core::envelope::{Cause, Envelope, Seq};
use engine_core::event::{Event, Output};
use engine_core::instrument::Instrument;
use journal_store::run::RunReader;
use replay::export::EventTeller;
use replay::replayer::divergence::compare;
use replay::replayer::{CheckReport, Difference, check};
use replay::series_feed::OpenDatasets;
use serde_json::{Value, json};

use crate::args::{DiffArgs, ReplayArgs};
use crate::failure::{Failure, Verdict};
use crate::inspect::caution;
use crate::moment::moment_text;
use crate::recording::Recording;
use crate::reinfer::reinfer;
use crate::render::{Renderer, hex, kind_of, told};
use crate::terminal::Terminal;

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
    let document = json!({
        "run": args.run.display().to_string(),
        "same": same,
        "complete": report.complete,
        "state": recording.reader.state().word(),
        "events": report.events,
        "ticks": report.ticks,
        "elapsed_s": elapsed.as_secs_f64(),
        "head": hex(&head.digest),
        "difference": report.difference.as_ref().map(|difference| document_of(difference, &recording)),
    });
    terminal.answer(&document, &text_of(&report, &recording))?;
    Ok(Verdict::finding_if(!same))
}

/// Decides every input of a run again.
///
/// # Errors
/// [`Failure`] when run or datasets cannot be read.
pub fn recheck(
    recording: &Recording,
    given: &[std::path::PathBuf],
) -> Result<(CheckReport, std::time::Duration), Failure> {
    let mut datasets = OpenDatasets::default();
    let mut source = recording.source(given, &mut datasets)?;
    let mut core = recording.core()?;
    let begun = std::time::Instant::now();
    let report = check(&mut core, &mut source, recording.reader.envelopes(Seq::FIRST)?)?;
    Ok((report, begun.elapsed()))
}

fn document_of(difference: &Difference, recording: &Recording) -> Value {
    let mut teller = EventTeller::new(recording.manifest.instruments.clone());
    let mut outputs = |outputs: &[Output]| -> Value {
        let events = outputs.iter().map(|output| {
            let event = Event::Output(output.clone());
            json!({ "kind": kind_of(&event), "event": told(&mut teller, event) })
        });
        events.collect()
    };
    json!({
        "seq": difference.seq,
        "at": moment_text(difference.at),
        "cause": difference.cause.map(cause_document),
        "recorded": outputs(&difference.recorded),
        "recomputed": outputs(&difference.recomputed),
    })
}

fn cause_document(cause: Cause) -> Value {
    match cause {
        Cause::Event(seq) => json!({ "seq": seq.number() }),
        Cause::Tick(tick) => json!({ "dataset": tick.dataset, "record": tick.seq }),
    }
}

fn text_of(report: &CheckReport, recording: &Recording) -> String {
    let CheckReport { events, ticks, difference, complete } = report;
    let mut text = match difference {
        None => format!("same: {events} events and {ticks} market inputs decided again, no difference\n"),
        Some(difference) => {
            let renderer = Renderer::new(&recording.manifest.instruments);
            let at = moment_text(difference.at);
            let mut text = format!("DIFFERENT at event {}, {at}\n", difference.seq);
            for (name, outputs) in
                [("recorded", &difference.recorded), ("recomputed", &difference.recomputed)]
            {
                let lines = outputs.iter().map(|output| renderer.sentence(&Event::Output(output.clone())));
                let lines: Vec<String> = lines.collect();
                text.push_str(&format!(
                    "{name:<10}  {}\n",
                    if lines.is_empty() { "nothing".to_owned() } else { lines.join(" | ") }
                ));
            }
            text
        }
    };
    if !complete && difference.is_none() {
        text.push_str("the run is incomplete: it was not closed as planned\n");
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
        let mut teller = EventTeller::new(rules.to_vec());
        let mut told: Vec<Value> = events.iter().rev().map(|event| teller.tell(event)).collect();
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
