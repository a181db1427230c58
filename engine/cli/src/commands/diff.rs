//! `diff`: the first event at which two runs, or parts of them, differ, with what led to it.

use std::path::{Path, PathBuf};

use clap::Args;
use engine_core::envelope::{Envelope, Seq};
use engine_core::event::{Event, Output};
use engine_core::instrument::Instrument;
use journal_store::chain::hex;
use journal_store::event_span::EventSpan;
use journal_store::run::RunReader;
use replay_export::EventJson;
use replay_replayer::divergence::{Comparison, compare};
use serde_json::{Value, json};

use super::notes::note_run_state;
use crate::output::events::Renderer;
use crate::output::failure::{Failure, Verdict};
use crate::output::terminal::Terminal;

/// `engine diff`.
#[derive(Debug, Args)]
pub struct DiffArgs {
    /// One run, or one segment of it that was put away, as in RUN/segments/00000003.
    pub run_a: PathBuf,
    /// The other run, or one segment of it; only events of numbers that both hold are compared then.
    pub run_b: PathBuf,
}

/// One of the two that are compared.
struct Side {
    reader: RunReader,
    span: EventSpan,
    rules: Vec<Instrument>,
}

impl Side {
    fn open(path: &Path) -> Result<Self, Failure> {
        let (reader, segment) = RunReader::open_part(path)?;
        let span = reader.span_of(segment.as_ref());
        let rules = reader.manifest().map(|manifest| manifest.instruments.clone()).unwrap_or_default();
        Ok(Self { reader, span, rules })
    }
}

/// Runs `engine diff RUN_A RUN_B`.
///
/// # Errors
/// [`Failure`] when either run cannot be read, or the parts that are compared have no event in common.
pub fn diff(terminal: Terminal, args: &DiffArgs) -> Result<Verdict, Failure> {
    let (first, second) = (Side::open(&args.run_a)?, Side::open(&args.run_b)?);
    let span = common(args, &first, &second)?;
    let mut comparison = compare(first.reader.envelopes_of(span)?, second.reader.envelopes_of(span)?)?;
    note_run_state(terminal, &first.reader);
    note_run_state(terminal, &second.reader);
    comparison.same_manifest &= first.reader.manifest() == second.reader.manifest();
    let equal = comparison.divergence.is_none() && comparison.same_manifest;
    let document = document_of(&comparison, &first, &second, span);
    let text = text_of(&comparison, args, [&first, &second], span);
    terminal.answer(&document, &text)?;
    Ok(Verdict::finding_if(!equal))
}

/// The events that are compared: all there are of two runs, of a part those whose numbers both have.
fn common(args: &DiffArgs, first: &Side, second: &Side) -> Result<EventSpan, Failure> {
    let words = |side: &Side| {
        let last = side.span.last.map_or(side.reader.head().count, Seq::number);
        format!("events {} to {last}", side.span.first().number())
    };
    first.span.common_with(second.span).ok_or_else(|| {
        Failure::request(format!(
            "compare {} with {}: they have no event in common, {} and {}",
            args.run_a.display(),
            args.run_b.display(),
            words(first),
            words(second)
        ))
    })
}

fn document_of(comparison: &Comparison, first: &Side, second: &Side, span: EventSpan) -> Value {
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
            "first": chain(&divergence.first, &first.rules),
            "second": chain(&divergence.second, &second.rules),
        })
    });
    let (one, other) = (&first.reader, &second.reader);
    let mut document = json!({
        "equal": comparison.divergence.is_none() && comparison.same_manifest,
        "same_manifest": comparison.same_manifest,
        "equal_events": comparison.equal_events,
        "complete": [one.is_complete(), other.is_complete()],
        "heads": [hex(&one.head().digest), hex(&other.head().digest)],
        "divergence": divergence,
    });
    if let (true, Some(table)) = (span != EventSpan::WHOLE, document.as_object_mut()) {
        let last = span.last.map(Seq::number);
        table.insert("of_events".to_owned(), json!([span.first().number(), last]));
    }
    document
}

fn text_of(comparison: &Comparison, args: &DiffArgs, sides: [&Side; 2], span: EventSpan) -> String {
    let mut text = String::new();
    if span != EventSpan::WHOLE {
        let to = span.last.map(|last| format!(" to {}", last.number())).unwrap_or_default();
        text.push_str(&format!("compared from event {}{to}\n", span.first().number()));
    }
    if !comparison.same_manifest {
        text.push_str("the manifests differ: the runs were asked for different things\n");
    }
    let Some(divergence) = &comparison.divergence else {
        text.push_str(&format!("{} events are equal on both sides\n", comparison.equal_events));
        return text;
    };
    let (equal, seq) = (comparison.equal_events, divergence.seq);
    text.push_str(&format!("{equal} events are equal; event {seq} differs\n"));
    let [first, second] = sides;
    for (name, run, events, side) in [
        ("first", &args.run_a, &divergence.first, first),
        ("second", &args.run_b, &divergence.second, second),
    ] {
        text.push_str(&format!("{name}: {}\n", run.display()));
        let renderer = knowing(events, &side.rules);
        let lines: Vec<String> = events.iter().map(|event| renderer.line(event)).collect();
        let lines = if lines.is_empty() { vec!["    the run has ended".to_owned()] } else { lines };
        text.push_str(&format!("{}\n", lines.join("\n    because of\n")));
    }
    text
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
