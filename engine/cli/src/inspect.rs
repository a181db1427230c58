//! `show`, `state`, `trades` and `runs`: looking at what was recorded.

use std::io::Write as _;
use std::path::Path;

use engine_core::envelope::{Envelope, Seq};
use engine_core::event::{Event, Input};
use engine_core::time::Timestamp;
use journal_store::run::{RunReader, read_side};
use replay_export::EventTeller;
use replay_replayer::fold::{Start, Until, fold, skip};
use replay_simulation::series_feed::OpenDatasets;
use serde_json::{Value, json};
use strategies::spelling::nearest_name;

use crate::args::{RunsArgs, ShowArgs, StateArgs};
use crate::failure::{Failure, Verdict};
use crate::moment::{moment_text, parse_moment};
use crate::recording::Recording;
use crate::render::{KINDS, Renderer, hex, is_of_kind, money};
use crate::standing::{standing_document, standing_text};
use crate::terminal::{Terminal, columns};

/// Runs `engine show`.
///
/// # Errors
/// [`Failure`] when the run cannot be read or the kind is unknown.
pub fn show(terminal: Terminal, args: &ShowArgs) -> Result<Verdict, Failure> {
    let kind = args.kind.as_deref().map(known_kind).transpose()?;
    let reader = RunReader::open(&args.run)?;
    let rules = reader.manifest().map(|manifest| manifest.instruments.clone()).unwrap_or_default();
    let mut renderer = Renderer::new(&rules);
    let mut teller = EventTeller::new(rules.clone());
    let last = args.to.unwrap_or(u64::MAX);
    let wanted = |envelope: &Envelope| {
        envelope.seq.number() >= args.from && kind.is_none_or(|kind| is_of_kind(&envelope.event, kind))
    };
    let mut out = terminal.stream();
    if terminal.json {
        write!(out, "{{\"run\":{},\"events\":[", json!(args.run.display().to_string()))?;
    }
    let mut shown = 0_u64;
    for envelope in reader.envelopes(Seq::FIRST)? {
        let envelope = envelope?;
        if envelope.seq.number() > last {
            break;
        }
        match terminal.json {
            true => {
                let document = teller.tell(&envelope);
                if wanted(&envelope) {
                    write!(out, "{}\n{document}", if shown == 0 { "" } else { "," })?;
                }
            }
            false if wanted(&envelope) => writeln!(out, "{}", renderer.line(&envelope))?,
            false => {}
        }
        shown += u64::from(wanted(&envelope));
        renderer.learn(&envelope.event);
    }
    if terminal.json {
        writeln!(out, "\n],\"shown\":{shown},\"complete\":{}}}", reader.is_complete())?;
    }
    out.flush()?;
    caution(terminal, &reader);
    Ok(Verdict::Fine)
}

/// Says that a run was not closed as planned, and how far it came.
pub fn caution(terminal: Terminal, reader: &RunReader) {
    if let Some(caution) = reader.state().caution() {
        terminal.note(&format!("{}: {caution}", reader.dir().display()));
    }
}

fn known_kind(given: &str) -> Result<&'static str, Failure> {
    if let Some(kind) = KINDS.iter().find(|kind| **kind == given) {
        return Ok(kind);
    }
    let meant = nearest_name(given, KINDS).map(|kind| format!("; did you mean {kind}?")).unwrap_or_default();
    Err(Failure::Request(format!("show events of kind {given:?}: the kinds are {}{meant}", KINDS.join(", "))))
}

/// Runs `engine state`.
///
/// # Errors
/// [`Failure`] when run or datasets cannot be read, or the moment cannot be understood.
pub fn state(terminal: Terminal, args: &StateArgs) -> Result<Verdict, Failure> {
    let until = until(&args.at)?;
    let recording = Recording::open(&args.run)?;
    let folded = folded(&recording, until, &args.dataset)?;
    caution(terminal, &recording.reader);
    let complete = recording.reader.is_complete();
    let mut document = standing_document(&args.run, &folded, &recording.manifest);
    if let Some(table) = document.as_object_mut() {
        table.insert("complete".to_owned(), json!(complete));
    }
    terminal.answer(&document, &standing_text(&folded, &recording.manifest))?;
    Ok(Verdict::Fine)
}

fn until(at: &str) -> Result<Until, Failure> {
    if let Ok(seq) = at.parse::<u64>() {
        return Ok(Until::Seq(seq));
    }
    parse_moment(at).map(Until::Time).ok_or_else(|| {
        let forms = "an event number or a moment such as 2024-01-31T12:00:00Z";
        Failure::Request(format!("show the state at {at:?}: write {forms}"))
    })
}

/// The state as of an event or moment, from the nearest snapshot.
fn folded(recording: &Recording, until: Until, given: &[std::path::PathBuf]) -> Result<Start, Failure> {
    let last = recording.reader.head().count;
    if let Until::Seq(seq) = until
        && (seq == 0 || seq > last)
    {
        return Err(Failure::Request(format!(
            "show the state at event {seq}: the run has events 1 to {last}"
        )));
    }
    let snapshot = match until {
        Until::Seq(seq) => recording.reader.nearest_snapshot(Seq::new(seq))?,
        Until::Time(moment) => snapshot_before(recording, moment, last)?,
        Until::End => recording.reader.nearest_snapshot(Seq::new(last))?,
    };
    let start = match snapshot {
        Some(snapshot) => Start { state: snapshot.state, seq: snapshot.seq.number() },
        None => Start { state: recording.opening_state()?, seq: 0 },
    };
    let mut datasets = OpenDatasets::default();
    let mut source = recording.source(given, &mut datasets)?;
    let own = own_market_inputs(recording, start.seq)?;
    let recorded = recording.reader.envelopes(Seq::new(start.seq + 1))?;
    skip(&mut source, start.state.records_read().saturating_sub(own))?;
    Ok(fold(start, &mut source, recorded, until)?)
}

/// Market inputs up to event `last` that are recorded in the run itself and so in no dataset.
fn own_market_inputs(recording: &Recording, last: u64) -> Result<u64, Failure> {
    let mut own = 0;
    for envelope in recording.reader.envelopes(Seq::FIRST)? {
        let envelope = envelope?;
        if envelope.seq.number() > last {
            break;
        }
        own += u64::from(matches!(envelope.event, Event::Input(Input::Market(_))));
    }
    Ok(own)
}

/// The last snapshot not later than `moment`: snapshots are tried from the end backwards.
fn snapshot_before(
    recording: &Recording,
    moment: Timestamp,
    last: u64,
) -> Result<Option<journal_store::snapshot::Snapshot>, Failure> {
    let mut seq = last;
    while let Some(snapshot) = recording.reader.nearest_snapshot(Seq::new(seq))? {
        if snapshot.state.now() <= moment {
            return Ok(Some(snapshot));
        }
        let Some(before) = snapshot.seq.number().checked_sub(1).filter(|before| *before > 0) else { break };
        seq = before;
    }
    Ok(None)
}

/// Runs `engine runs`.
///
/// # Errors
/// [`Failure::Io`] when the directory cannot be listed.
pub fn runs(terminal: Terminal, args: &RunsArgs) -> Result<Verdict, Failure> {
    let failed = |error| Failure::io("list", &args.dir, error);
    let mut places = Vec::new();
    for entry in std::fs::read_dir(&args.dir).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        // A name with a dot is that of a journal being made.
        let is_hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if !is_hidden && path.join("head.json").is_file() {
            places.push(path);
        }
    }
    places.sort();
    let listed: Vec<Value> = places.iter().filter_map(|path| describe(path)).collect();
    let cell = |run: &Value, key: &str| match run.get(key) {
        Some(Value::String(text)) => text.clone(),
        None | Some(Value::Null) => "-".to_owned(),
        Some(other) => other.to_string(),
    };
    let keys = ["name", "strategy", "status", "state", "events", "created_at", "head"];
    let rows: Vec<Vec<String>> =
        listed.iter().map(|run| keys.iter().map(|key| cell(run, key)).collect()).collect();
    let text = if rows.is_empty() { "no runs\n".to_owned() } else { columns(&keys, &rows) };
    terminal.answer(&json!({ "dir": args.dir.display().to_string(), "runs": listed }), &text)?;
    Ok(Verdict::Fine)
}

/// One run in a few words; `None` for a journal that is no run.
fn describe(path: &Path) -> Option<Value> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
    let reader = match RunReader::open(path) {
        Ok(reader) => reader,
        Err(engine_runtime::ports::JournalError::NotAJournal { .. }) => return None,
        Err(error) => {
            return Some(
                json!({ "name": name, "path": path.display().to_string(), "status": error.to_string() }),
            );
        }
    };
    let side = read_side(path).ok().flatten();
    let manifest = reader.manifest();
    let status = if reader.is_complete() { "complete" } else { "incomplete" };
    Some(json!({
        "name": name,
        "path": path.display().to_string(),
        "strategy": manifest.map(|manifest| manifest.strategy.clone()),
        "mode": manifest.map(|manifest| manifest.mode.clone()),
        "synthetic": manifest.map(|manifest| manifest.synthetic),
        "capital": manifest.map(|manifest| money(manifest.capital)),
        "datasets": manifest.map(|manifest| {
            manifest.datasets.iter().map(|dataset| dataset.name.clone()).collect::<Vec<_>>()
        }),
        "status": status,
        "state": reader.state().word(),
        "events": reader.head().count,
        "created_at": side.map(|side| moment_text(Timestamp::from_nanos(side.created_at))),
        "head": hex(&reader.head().digest),
    }))
}
