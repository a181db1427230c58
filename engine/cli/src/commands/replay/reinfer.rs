//! `replay --reinfer`: the model asked every recorded question again.
//!
//! Replay never needs a model: answers are inputs. This is the audit beside it. It says whether the model that is
//! named by its hash still gives the recorded answers, and by how much other hardware or another library moves them.

use std::collections::BTreeMap;

use engine_core::conductor::{Answerer, ConductorDecision, Question, QuestionId};
use engine_core::envelope::Seq;
use engine_core::event::{Event, Input, Output};
use engine_core::instrument::InstrumentId;
use engine_core::num::Ratio;
use engine_runtime::conductor::Conductor;
use journal_store::chain::hex;
use models_inference::contract::largest_difference;
use serde_json::{Value, json};
use strategies::settings::ratio_text;

use super::ReplayArgs;
use crate::output::events::inference_line;
use crate::output::failure::{Failure, Verdict};
use crate::output::terminal::Terminal;
use engine_application::config::{ConductorKind, ConductorSection, OnFailure};
use engine_application::wiring::conductor::open_model;
use engine_application::wiring::recording::Recording;

/// What asking again gave.
#[derive(Debug, Default)]
struct Audit {
    questions: u64,
    by_rule: u64,
    asked: u64,
    same: u64,
    beyond: u64,
    largest: Ratio,
    /// The first answer beyond the tolerance: its event, the recorded and the new one.
    first: Option<(Seq, ConductorDecision, ConductorDecision)>,
}

/// Runs `engine replay RUN --reinfer`.
///
/// # Errors
/// [`Failure`] when the run or its model cannot be read, or the run has no model.
pub(super) fn reinfer(
    terminal: Terminal,
    args: &ReplayArgs,
    recording: &Recording,
) -> Result<Verdict, Failure> {
    let nothing = || Failure::request(format!("ask the model of {} again: it has none", args.run.display()));
    let section =
        recording.conductor().filter(|section| section.kind == ConductorKind::Model).ok_or_else(nothing)?;
    if !args.tolerance.is_finite() || args.tolerance < 0.0 {
        return Err(Failure::request("compare answers: --tolerance is a share of at least 0".to_owned()));
    }
    let section = ConductorSection {
        model: args.model.clone().or_else(|| section.model.clone()),
        on_failure: OnFailure::Refuse,
        latency_budget: None,
        ..section.clone()
    };
    let mut conductor = open_model(&section)?;
    let audit = ask_again(recording, conductor.as_mut(), args.tolerance)?;
    let setup = conductor.setup();
    let document = json!({
        "run": args.run.display().to_string(),
        "model": section.hash.map(|hash| hex(&hash)),
        "library": setup.library,
        "provider": setup.running,
        "questions": audit.questions,
        "answered_by_rule": audit.by_rule,
        "asked_again": audit.asked,
        "equal": audit.same,
        "beyond_tolerance": audit.beyond,
        "largest_difference": ratio_text(audit.largest),
        "tolerance": args.tolerance,
        "first": audit.first.as_ref().map(|(seq, recorded, now)| first_document(*seq, recorded, now)),
    });
    let mut text = format!("{}\n", inference_line(&setup));
    text.push_str(&format!(
        "{} questions, {} answered by the rule, {} asked again: {} equal, {} beyond {}, largest difference {}\n",
        audit.questions,
        audit.by_rule,
        audit.asked,
        audit.same,
        audit.beyond,
        args.tolerance,
        ratio_text(audit.largest)
    ));
    if let Some((seq, _, _)) = &audit.first {
        let seq = seq.number();
        text.push_str(&format!("the first is event {seq}: `engine show RUN --from {seq} --to {seq}`\n"));
    }
    terminal.answer(&document, &text)?;
    Ok(Verdict::finding_if(audit.beyond > 0))
}

fn first_document(seq: Seq, recorded: &ConductorDecision, now: &ConductorDecision) -> Value {
    let answer = |decision: &ConductorDecision| {
        let weights: Vec<String> = decision.weights.iter().map(|weight| ratio_text(*weight)).collect();
        json!({
            "weights": weights, "risk_scale": ratio_text(decision.risk_scale),
            "confidence": ratio_text(decision.confidence),
        })
    };
    json!({ "seq": seq.number(), "recorded": answer(recorded), "now": answer(now) })
}

fn ask_again(recording: &Recording, conductor: &mut dyn Conductor, tolerance: f64) -> Result<Audit, Failure> {
    let one = Ratio::ONE.units() as f64;
    let mut open: BTreeMap<(InstrumentId, QuestionId), Question> = BTreeMap::new();
    let mut audit = Audit::default();
    for envelope in recording.reader.envelopes(Seq::FIRST)? {
        let envelope = envelope?;
        match envelope.event {
            Event::Output(Output::ConductorConsulted(question)) => {
                audit.questions += 1;
                open.insert((question.instrument, question.id), *question);
            }
            Event::Input(Input::Conductor(recorded)) => {
                let Some(question) = open.remove(&(recorded.instrument, recorded.question)) else { continue };
                if !matches!(recorded.answered_by, Answerer::Model(_)) {
                    audit.by_rule += 1;
                    continue;
                }
                let now = conductor.answer(&question);
                audit.asked += 1;
                let apart = largest_difference(&recorded, &now).unwrap_or(Ratio::ONE);
                audit.largest = audit.largest.max(apart);
                audit.same += u64::from(apart == Ratio::ZERO);
                if apart.units() as f64 / one > tolerance {
                    audit.beyond += 1;
                    audit.first.get_or_insert((envelope.seq, *recorded, now));
                }
            }
            Event::Input(_) | Event::Output(_) => {}
        }
    }
    Ok(audit)
}
