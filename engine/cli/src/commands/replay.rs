//! `replay`: a recorded run decided again, or its model asked again.

use std::path::PathBuf;

use clap::Args;
use engine_core::envelope::{Cause, Seq};
use engine_core::event::{Event, Output};
use journal_store::chain::hex;
use journal_store::event_span::EventSpan;
use journal_store::segment::SegmentNote;
use replay_export::EventJson;
use replay_replayer::{CheckReport, Difference};
use serde_json::{Value, json};

use super::notes::note_run_state;
use crate::output::escape::one_line;
use crate::output::events::{Renderer, event_document, kind_of};
use crate::output::failure::{Failure, Verdict};
use crate::output::terminal::Terminal;
use engine_application::moment::moment_text;
use engine_application::wiring::recording::Recording;
use engine_application::wiring::replay::{check_again, check_segment_again};

mod reinfer;

use reinfer::reinfer;

/// `engine replay`.
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// The run, or one segment of it that was put away, as in RUN/segments/00000003.
    pub run: PathBuf,
    /// Play a run again, its venue included, and stop at the first event that differs.
    #[arg(long, required_unless_present = "reinfer")]
    pub check: bool,
    /// Ask the model every question again and report answers that differ.
    #[arg(long)]
    pub reinfer: bool,
    /// The model file to ask; found by the recorded hash in the registry when absent.
    #[arg(long, value_name = "FILE.onnx", requires = "reinfer")]
    pub model: Option<PathBuf>,
    /// Largest difference of any weight, scale or confidence that counts as the same answer.
    #[arg(long, value_name = "SHARE", default_value_t = 1e-6, requires = "reinfer")]
    pub tolerance: f64,
    /// Where its datasets lie now, when they were moved.
    #[arg(long, value_name = "DIR")]
    pub dataset: Vec<PathBuf>,
}

/// Runs `engine replay RUN --check`, of a run or of one segment.
///
/// # Errors
/// [`Failure`] when run or datasets cannot be read.
pub fn replay(terminal: Terminal, args: &ReplayArgs) -> Result<Verdict, Failure> {
    let (recording, segment) = Recording::open_part(&args.run)?;
    if args.reinfer {
        if segment.is_some() {
            let line = "ask the model of one segment again: --reinfer is for whole runs; name the run";
            return Err(Failure::request(line.to_owned()));
        }
        return reinfer(terminal, args, &recording);
    }
    let (report, elapsed) = match &segment {
        Some(note) => check_segment_again(&recording, note)?,
        None => check_again(&recording, &args.dataset)?,
    };
    note_run_state(terminal, &recording.reader);
    let same = report.difference.is_none();
    let seq = report.difference.as_ref().map_or(0, |difference| difference.seq);
    let (renderer, mut teller) = knowing_orders(&recording, segment.as_ref(), seq)?;
    let is_whole = report.complete && recording.reader.is_complete();
    let head = segment.as_ref().map_or(recording.reader.head().digest, |note| note.ends.digest);
    let mut document = json!({
        "run": args.run.display().to_string(),
        "same": same,
        // What was put away is whole.
        "complete": segment.is_some() || is_whole,
        "venue_played": report.venue,
        "state": recording.reader.state().word(),
        "events": report.events,
        "ticks": report.records_read,
        "elapsed_s": elapsed.as_secs_f64(),
        "head": hex(&head),
        "difference": report.difference.as_ref().map(|difference| document_of(difference, &mut teller)),
    });
    let mut text = text_of(&report, &renderer);
    let span = recording.reader.span_of(segment.as_ref());
    if let (true, Some(table)) = (span != EventSpan::WHOLE, document.as_object_mut()) {
        let first = span.first().number();
        let last = span.last.map_or(recording.reader.head().count, Seq::number);
        table.insert("of_events".to_owned(), json!([first, last]));
        text.push_str(&format!("of events {first} to {last}\n"));
    }
    terminal.answer(&document, &text)?;
    Ok(Verdict::finding_if(!same))
}

/// A renderer and a teller that know the orders submitted before event `seq`; of a segment those that worked where it begins
/// too.
fn knowing_orders<'a>(
    recording: &'a Recording,
    segment: Option<&SegmentNote>,
    seq: u64,
) -> Result<(Renderer<'a>, EventJson), Failure> {
    let instruments = &recording.manifest.instruments;
    let (mut renderer, mut teller) = (Renderer::new(instruments), EventJson::new(instruments.clone()));
    let span = recording.reader.span_of(segment);
    let kept = recording.reader.snapshot_before(span)?;
    for open in kept.iter().flat_map(|kept| kept.state.open_orders()) {
        renderer.learn_working(open);
        teller.learn_order(&open.order);
    }
    for envelope in recording.reader.envelopes_of(span)? {
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
            .map(|event| json!({ "kind": kind_of(event), "event": event_document(teller, event.clone()) }));
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
        Cause::Record(tick) => json!({ "dataset": tick.dataset, "record": tick.seq }),
    }
}

fn text_of(report: &CheckReport, renderer: &Renderer<'_>) -> String {
    let CheckReport { events, records_read, difference, venue, .. } = report;
    let Some(difference) = difference else {
        let how =
            if *venue { "played again, the venue included" } else { "decided again, fills as recorded" };
        return format!("same: {events} events and {records_read} market inputs {how}, no difference\n");
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
