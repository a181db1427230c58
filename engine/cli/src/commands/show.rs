//! `show`: the events of a run, one line or JSON object each.

use std::io::Write as _;
use std::path::PathBuf;

use clap::Args;
use engine_core::envelope::{Envelope, Seq};
use engine_core::instrument::Instrument;
use journal_store::event_span::EventSpan;
use journal_store::run::RunReader;
use journal_store::snapshot::Snapshot;
use replay_export::EventJson;
use serde_json::json;
use strategies::spelling::nearest_name;

use super::notes::note_run_state;
use crate::output::events::{KINDS, Renderer, is_of_kind, order_spoken_of};
use crate::output::failure::{Failure, Verdict};
use crate::output::terminal::Terminal;

/// `engine show`.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// The run, or one segment of it that was put away, as in RUN/segments/00000003.
    pub run: PathBuf,
    /// The first event; the first that is kept when absent.
    #[arg(long, value_name = "SEQ")]
    pub from: Option<u64>,
    /// The last event.
    #[arg(long, value_name = "SEQ")]
    pub to: Option<u64>,
    /// Only events of this kind, as in filled, order_submitted, order_refused.
    #[arg(long, value_name = "K")]
    pub kind: Option<String>,
}

/// Runs `engine show`.
///
/// # Errors
/// [`Failure`] when the run cannot be read or the kind is unknown; once events are read, JSON is closed and names the failure.
pub fn show(terminal: Terminal, args: &ShowArgs) -> Result<Verdict, Failure> {
    let kind = args.kind.as_deref().map(known_kind).transpose()?;
    let (reader, segment) = RunReader::open_part(&args.run)?;
    let (from, last) = range(args, reader.span_of(segment.as_ref()));
    let rules = reader.manifest().map(|manifest| manifest.instruments.clone()).unwrap_or_default();
    let mut telling = Telling::behind(&reader, &rules, from)?;
    let wanted = |envelope: &Envelope| {
        envelope.seq.number() >= from && kind.is_none_or(|kind| is_of_kind(&envelope.event, kind))
    };
    let mut out = terminal.stream();
    if terminal.json {
        write!(out, "{{\"run\":{},\"events\":[", json!(args.run.display().to_string()))?;
    }
    let mut shown = 0_u64;
    let told = telling.each_until(last, |telling, envelope| {
        if !wanted(envelope) {
            return Ok(());
        }
        telling.prepare(envelope)?;
        match terminal.json {
            true => {
                let separator = if shown == 0 { "" } else { "," };
                write!(out, "{separator}\n{}", telling.teller.event(envelope))?;
            }
            false => writeln!(out, "{}", telling.renderer.line(envelope))?,
        }
        shown += 1;
        Ok(())
    });
    if !terminal.json {
        told?;
        out.flush()?;
        note_run_state(terminal, &reader);
        return Ok(Verdict::Fine);
    }
    let failure = Failure::behind_rows(told)?;
    write!(out, "\n],\"shown\":{shown},\"complete\":{}", reader.is_complete())?;
    if let Some(failure) = &failure {
        write!(out, ",\"error\":{}", failure.document()["error"])?;
    }
    writeln!(out, "}}")?;
    out.flush()?;
    note_run_state(terminal, &reader);
    Ok(terminal.broken_off(failure.as_ref()))
}

/// The first and the last event that may be shown: as asked, and of a segment no others than its own.
fn range(args: &ShowArgs, span: EventSpan) -> (u64, u64) {
    let (first, last) = (span.first().number(), args.to.unwrap_or(u64::MAX));
    let from = args.from.unwrap_or(first);
    span.last.map_or((from, last), |end| (from.max(first), last.min(end.number())))
}

/// What telling the events of a run from some place on takes to know: what its orders are for.
struct Telling<'a> {
    reader: &'a RunReader,
    rules: &'a [Instrument],
    renderer: Renderer<'a>,
    teller: EventJson,
    /// The first event to be read. What came before is known from a snapshot.
    begins_with: Seq,
    /// Whether everything before was read after all.
    is_complete: bool,
}

impl<'a> Telling<'a> {
    /// Begins behind the last snapshot before event `from`, where there is one.
    fn behind(reader: &'a RunReader, rules: &'a [Instrument], from: u64) -> Result<Self, Failure> {
        let (mut renderer, mut teller) = (Renderer::new(rules), EventJson::new(rules.to_vec()));
        let snapshot = reader.nearest_snapshot(Seq::new(from.saturating_sub(1)))?;
        learn_working(&mut renderer, &mut teller, snapshot.as_ref());
        let begins_with = snapshot.map_or(Seq::FIRST, |snapshot| snapshot.seq.next());
        let is_complete = begins_with == Seq::FIRST;
        Ok(Self { reader, rules, renderer, teller, begins_with, is_complete })
    }

    /// Gives each event up to number `last` to `visit`, from the one that reading begins with, and learns it.
    fn each_until(
        &mut self,
        last: u64,
        mut visit: impl FnMut(&mut Self, &Envelope) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        for envelope in self.reader.envelopes(self.begins_with)? {
            let envelope = envelope?;
            if envelope.seq.number() > last {
                break;
            }
            visit(self, &envelope)?;
            self.learn(&envelope);
        }
        Ok(())
    }

    /// Makes sure that the order which `envelope` speaks of is known, if any event before names it. A report may come
    /// for an order that was over when the snapshot was taken; then everything before that is kept is read once.
    fn prepare(&mut self, envelope: &Envelope) -> Result<(), Failure> {
        let Some(order) = order_spoken_of(&envelope.event).filter(|_| !self.is_complete) else {
            return Ok(());
        };
        if self.renderer.knows(order) && self.teller.knows(order) {
            return Ok(());
        }
        self.renderer = Renderer::new(self.rules);
        let kept = self.reader.span_of(None);
        let snapshot = self.reader.snapshot_before(kept)?;
        learn_working(&mut self.renderer, &mut self.teller, snapshot.as_ref());
        for before in self.reader.envelopes_of(kept)? {
            let before = before?;
            if before.seq >= envelope.seq {
                break;
            }
            self.learn(&before);
        }
        self.is_complete = true;
        Ok(())
    }

    fn learn(&mut self, envelope: &Envelope) {
        self.renderer.learn(&envelope.event);
        self.teller.learn(&envelope.event);
    }
}

/// Learns the orders that work in `snapshot`.
fn learn_working(renderer: &mut Renderer<'_>, teller: &mut EventJson, snapshot: Option<&Snapshot>) {
    for open in snapshot.iter().flat_map(|snapshot| snapshot.state.open_orders()) {
        renderer.learn_working(open);
        teller.learn_order(&open.order);
    }
}

fn known_kind(given: &str) -> Result<&'static str, Failure> {
    if let Some(kind) = KINDS.iter().find(|kind| **kind == given) {
        return Ok(kind);
    }
    let meant = nearest_name(given, KINDS).map(|kind| format!("; did you mean {kind}?")).unwrap_or_default();
    Err(Failure::request(format!("show events of kind {given:?}: the kinds are {}{meant}", KINDS.join(", "))))
}
