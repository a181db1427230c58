//! `show`: the events of a run, one line or JSON object each.

use std::io::Write as _;
use std::path::PathBuf;

use clap::Args;
use engine_core::envelope::{Envelope, Seq};
use journal_store::run::RunReader;
use replay_export::EventJson;
use serde_json::json;
use strategies::spelling::nearest_name;

use super::notes::note_run_state;
use crate::output::events::{KINDS, Renderer, is_of_kind};
use crate::output::failure::{Failure, Verdict};
use crate::output::terminal::Terminal;

/// `engine show`.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// The run.
    pub run: PathBuf,
    /// The first event.
    #[arg(long, value_name = "SEQ", default_value_t = 1)]
    pub from: u64,
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
/// [`Failure`] when the run cannot be read or the kind is unknown.
pub fn show(terminal: Terminal, args: &ShowArgs) -> Result<Verdict, Failure> {
    let kind = args.kind.as_deref().map(known_kind).transpose()?;
    let reader = RunReader::open(&args.run)?;
    let rules = reader.manifest().map(|manifest| manifest.instruments.clone()).unwrap_or_default();
    let mut renderer = Renderer::new(&rules);
    let mut teller = EventJson::new(rules.clone());
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
                let document = teller.event(&envelope);
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
    note_run_state(terminal, &reader);
    Ok(Verdict::Fine)
}

fn known_kind(given: &str) -> Result<&'static str, Failure> {
    if let Some(kind) = KINDS.iter().find(|kind| **kind == given) {
        return Ok(kind);
    }
    let meant = nearest_name(given, KINDS).map(|kind| format!("; did you mean {kind}?")).unwrap_or_default();
    Err(Failure::request(format!("show events of kind {given:?}: the kinds are {}{meant}", KINDS.join(", "))))
}
