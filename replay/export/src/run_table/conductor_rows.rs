//! Changes of regime, and questions to the conductor with their answers, as rows.

use std::collections::BTreeMap;

use engine_core::conductor::{Answerer, ConductorDecision, Question, QuestionId};
use engine_core::envelope::Envelope;
use engine_core::event::{Event, Input, MissedAnswer, Output, RegimeChange};
use engine_core::instrument::{Instrument, InstrumentId};
use engine_core::num::Ratio;
use engine_core::time::Timestamp;

use super::Cell;
use crate::conductor::degradation;
use crate::numbers::{hex, ratio};

/// The changes of regime of a run.
#[derive(Debug, Clone)]
pub struct RegimeRows {
    instruments: Vec<Instrument>,
}

fn instrument(instruments: &[Instrument], id: InstrumentId) -> Cell {
    instruments.get(id.index()).map_or(Cell::Absent, Cell::instrument)
}

impl RegimeRows {
    /// The changes of a run with `instruments`.
    #[must_use]
    pub const fn new(instruments: Vec<Instrument>) -> Self {
        Self { instruments }
    }

    /// The row of an event that is a change of regime.
    #[must_use]
    pub fn event(&self, envelope: &Envelope) -> Option<Vec<Cell>> {
        match &envelope.event {
            Event::Output(Output::RegimeChanged(change)) => Some(self.row(envelope.at, change)),
            Event::Input(_) | Event::Output(_) => None,
        }
    }

    fn row(&self, at: Timestamp, change: &RegimeChange) -> Vec<Cell> {
        let reading = &change.reading;
        let mut row = vec![
            Cell::Moment(at),
            instrument(&self.instruments, change.instrument),
            change.from.map_or(Cell::Absent, |from| Cell::text(from.name())),
            Cell::text(reading.regime.name()),
            Cell::text(reading.raw.name()),
            Cell::Float(reading.confidence().get()),
        ];
        row.extend(reading.posterior.iter().map(|share| Cell::Float(share.get())));
        row.extend([
            Cell::Count(u64::from(reading.run_length_bars)),
            Cell::Float(reading.volatility_ratio.get()),
            Cell::Float(reading.efficiency.get()),
            Cell::Float(reading.drift.get()),
        ]);
        row
    }
}

/// The questions to the conductor of a run, each once it is answered or missed.
#[derive(Debug, Clone)]
pub struct DecisionRows {
    instruments: Vec<Instrument>,
    asked: BTreeMap<QuestionId, (Timestamp, Question)>,
}

/// What came back, if anything did.
struct Reply<'a> {
    at: Timestamp,
    outcome: &'static str,
    risk_scale: Ratio,
    decision: Option<&'a ConductorDecision>,
}

impl DecisionRows {
    /// The questions of a run with `instruments`.
    #[must_use]
    pub const fn new(instruments: Vec<Instrument>) -> Self {
        Self { instruments, asked: BTreeMap::new() }
    }

    /// The row of an event that answers a question or gives it up; to be asked in the order of the journal.
    pub fn event(&mut self, envelope: &Envelope) -> Option<Vec<Cell>> {
        match &envelope.event {
            Event::Output(Output::ConductorConsulted(question)) => {
                self.asked.insert(question.id, (envelope.at, (**question).clone()));
                None
            }
            Event::Input(Input::Conductor(decision)) => {
                let asked = self.asked.remove(&decision.question);
                let outcome = if asked.is_some() { "answered" } else { "late" };
                let risk_scale = decision.risk_scale;
                let reply = Reply { at: envelope.at, outcome, risk_scale, decision: Some(decision) };
                Some(self.row(decision.question, decision.instrument, asked, Some(reply)))
            }
            Event::Output(Output::ConductorMissed(missed)) => {
                let MissedAnswer { question, instrument, risk_scale } = *missed;
                let asked = self.asked.remove(&question);
                let reply = Reply { at: envelope.at, outcome: "missed", risk_scale, decision: None };
                Some(self.row(question, instrument, asked, Some(reply)))
            }
            Event::Input(_) | Event::Output(_) => None,
        }
    }

    /// The questions without an answer when the record ended.
    #[must_use]
    pub fn still_open(mut self) -> Vec<Vec<Cell>> {
        let asked = std::mem::take(&mut self.asked);
        let row = |(id, (at, question)): (QuestionId, (Timestamp, Question))| {
            let instrument = question.instrument;
            self.row(id, instrument, Some((at, question)), None)
        };
        asked.into_iter().map(row).collect()
    }

    fn row(
        &self,
        id: QuestionId,
        of: InstrumentId,
        asked: Option<(Timestamp, Question)>,
        reply: Option<Reply<'_>>,
    ) -> Vec<Cell> {
        let (asked_at, question) = asked.unzip();
        let asked = |cell: fn(&Question) -> Cell| question.as_ref().map_or(Cell::Absent, cell);
        let decision = reply.as_ref().and_then(|reply| reply.decision);
        let [who, model, degraded] = decision.map_or([Cell::Absent, Cell::Absent, Cell::Absent], answerer);
        let weights =
            |decision: &ConductorDecision| joined(decision.weights.iter().map(|weight| ratio(*weight)));
        vec![
            Cell::Count(id.0),
            instrument(&self.instruments, of),
            asked_at.into(),
            asked(|question| Cell::Moment(question.answer_by)),
            asked(|question| Cell::text(question.regime.name())),
            reply.as_ref().map(|reply| reply.at).into(),
            Cell::text(reply.as_ref().map_or("open", |reply| reply.outcome)),
            who,
            model,
            degraded,
            decision.map_or(Cell::Absent, weights),
            reply.as_ref().map_or(Cell::Absent, |reply| Cell::ratio(reply.risk_scale)),
            decision.map_or(Cell::Absent, |decision| Cell::ratio(decision.confidence)),
            asked(|question| Cell::Text(question.features.set.to_string())),
            asked(|question| joined(question.features.values.iter().map(|value| value.get().to_string()))),
        ]
    }
}

/// Several values in one cell, as in `0.5;0.25`.
fn joined(values: impl Iterator<Item = String>) -> Cell {
    Cell::Text(values.collect::<Vec<_>>().join(";"))
}

/// Who answered, with which model, and why not the model.
fn answerer(decision: &ConductorDecision) -> [Cell; 3] {
    match &decision.answered_by {
        Answerer::Rule => [Cell::text("rule"), Cell::Absent, Cell::Absent],
        Answerer::Model(hash) => [Cell::text("model"), Cell::Text(hex(*hash)), Cell::Absent],
        Answerer::Degraded(why) => [Cell::text("rule"), Cell::Absent, Cell::Text(degradation(why))],
    }
}
