//! `diff`: the first event at which two runs differ, with what led to it.

use std::path::PathBuf;

use clap::Args;
use engine_core::envelope::{Envelope, Seq};
use engine_core::event::{Event, Output};
use engine_core::instrument::Instrument;
use journal_store::chain::hex;
use journal_store::run::RunReader;
use replay_export::EventJson;
use replay_replayer::divergence::compare;
use serde_json::{Value, json};

use super::notes::note_run_state;
use crate::output::events::Renderer;
use crate::output::failure::{Failure, Verdict};
use crate::output::terminal::Terminal;

/// `engine diff`.
#[derive(Debug, Args)]
pub struct DiffArgs {
    /// One run.
    pub run_a: PathBuf,
    /// The other run.
    pub run_b: PathBuf,
}

/// Runs `engine diff RUN_A RUN_B`.
///
/// # Errors
/// [`Failure`] when either run cannot be read.
pub fn diff(terminal: Terminal, args: &DiffArgs) -> Result<Verdict, Failure> {
    let (first, second) = (RunReader::open(&args.run_a)?, RunReader::open(&args.run_b)?);
    note_run_state(terminal, &first);
    note_run_state(terminal, &second);
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
    note_run_state(terminal, &first);
    note_run_state(terminal, &second);
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
