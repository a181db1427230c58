//! Runs on real time whose conductor answers from outside, whenever it can: nothing waits for it, and the record plays again
//! without it, whatever came when.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use engine_application::wiring::paper::LiveSource;
use engine_core::conductor::{ConductorDecision, InferenceSetup, Question, QuestionId};
use engine_core::envelope::Envelope;
use engine_core::event::{Event, FailedAct, Input, Output};
use engine_core::instrument::InstrumentId;
use engine_core::market::MarketUpdate;
use engine_core::time::{Span, Timestamp};
use engine_runtime::commit_gate::CommitGate;
use engine_runtime::conductor::{Conductor, RuleConductor};
use engine_runtime::ports::{EnvironmentError, Fed, Inlet, InputFeed};
use replay_replayer::backtest_replay::replay_backtest;
use replay_replayer::recorded_inputs::RecordedInputs;
use replay_simulation::backtest::Participants;
use replay_simulation::operator::Operator;
use replay_simulation::sim_environment::SimEnvironment;

use super::living::{
    End, Kept, LIVE_MODELS, Ran, ScriptedFeed, all_sound, coming, cut, lived_in, steps_kept,
    until_its_data_ends,
};
use super::script::Script;
use super::{Case, cases, samples};

/// A scripted feed that takes a while for each input, and takes answers in between.
struct Answered {
    script: ScriptedFeed,
    answers: (Sender<Input>, Receiver<Input>),
    now: Timestamp,
}

impl InputFeed for Answered {
    fn wait(&mut self, until: Option<Timestamp>) -> Result<Fed, EnvironmentError> {
        std::thread::sleep(Duration::from_micros(20));
        if let Ok(answer) = self.answers.1.try_recv() {
            return Ok(Fed::Input(self.now, answer));
        }
        let fed = self.script.wait(until)?;
        if let Fed::Input(at, _) | Fed::Nothing(at) = &fed {
            self.now = *at;
        }
        Ok(fed)
    }

    fn ready(&mut self) -> Result<Option<(Timestamp, MarketUpdate)>, EnvironmentError> {
        Ok(None)
    }

    fn inlet(&self) -> Option<Inlet> {
        let told = self.answers.0.clone();
        Some(Box::new(move |input| told.send(input).is_ok()))
    }
}

/// Thinks as long as it likes, says some things twice, and breaks now and then.
struct Slow {
    breaks_at: u64,
    twice: Sender<Input>,
}

impl Conductor for Slow {
    fn setup(&self) -> InferenceSetup {
        RuleConductor::uniform(8).setup()
    }

    fn answer(&mut self, question: &Question) -> ConductorDecision {
        assert!(question.id.0 != self.breaks_at, "this conductor breaks");
        std::thread::sleep(Duration::from_micros([0, 40, 400][usize::try_from(question.id.0 % 3).unwrap()]));
        let decision = RuleConductor::uniform(8).answer(question);
        if question.id.0.is_multiple_of(4) {
            let _ = self.twice.send(Input::Conductor(Box::new(decision.clone())));
        }
        decision
    }
}

fn live(
    case: &Case,
    breaks_at: u64,
    behind: Option<(Vec<Envelope>, Option<Kept>)>,
    script: ScriptedFeed,
) -> Ran {
    let (gate, answers) = (CommitGate::default(), channel());
    let conductor = Box::new(Slow { breaks_at, twice: answers.0.clone() });
    let feed = Box::new(Answered { script, answers, now: Timestamp::from_nanos(0) });
    let source = LiveSource::new(feed, usize::from(case.instruments), gate.clone());
    let source = source.conducted_by(conductor).unwrap();
    let setup = source.inference().unwrap().clone();
    let environment = SimEnvironment::new(source, &case.config(), case.manifest()).conducted_outside(setup);
    let (recorded, kept) = behind.map_or((None, None), |(recorded, kept)| (Some(recorded), kept));
    lived_in(environment, case, recorded, kept, gate)
}

/// Plays a record again with nobody to ask.
fn plays_again(case: &Case, envelopes: &[Envelope]) {
    let strategy = Box::new(Script::new(case.lines.clone(), 0, case.instruments));
    let cast = Participants { strategy, conductor: None, operator: Operator::default() };
    let mut config = case.config();
    config.journal.self_contained = true;
    let inputs = RecordedInputs::new(all_sound(envelopes.to_vec())).with_answers().with_setup();
    let recorded = all_sound(envelopes.to_vec());
    let report =
        replay_backtest(&config, cast, inputs, case.manifest(), recorded, std::iter::empty()).unwrap();
    assert_eq!((report.difference, report.events), (None, envelopes.len() as u64), "{case:?}");
}

/// What became of the questions of a record.
#[derive(Debug, Default)]
struct Fates {
    asked: u64,
    answered: u64,
    late_or_double: u64,
    missed: u64,
    failed: u64,
    /// Market records told while a question waited.
    read_meanwhile: u64,
}

impl Fates {
    fn add(&mut self, envelopes: &[Envelope]) {
        let mut open: Vec<(InstrumentId, QuestionId)> = Vec::new();
        for envelope in envelopes {
            match &envelope.event {
                Event::Output(Output::ConductorConsulted(question)) => {
                    self.asked += 1;
                    open.retain(|(instrument, _)| *instrument != question.instrument);
                    open.push((question.instrument, question.id));
                }
                Event::Output(Output::ConductorMissed(missed)) => {
                    self.missed += 1;
                    open.retain(|waits| *waits != (missed.instrument, missed.question));
                }
                Event::Input(Input::Conductor(decision)) => {
                    let waits = open.len();
                    open.retain(|waits| *waits != (decision.instrument, decision.question));
                    let counts = open.len() < waits;
                    self.answered += u64::from(counts);
                    self.late_or_double += u64::from(!counts);
                }
                Event::Input(Input::EffectFailed(failure)) => {
                    assert!(matches!(failure.act, FailedAct::Consult(_)));
                    self.failed += 1;
                }
                Event::Input(Input::Market(_)) => self.read_meanwhile += u64::from(!open.is_empty()),
                Event::Input(_) | Event::Output(_) => {}
            }
        }
    }
}

fn conducted() -> Vec<Case> {
    let all = samples(cases(&LIVE_MODELS)).into_iter();
    all.filter(|case| case.answers_take.is_some()).take(96).map(until_its_data_ends).collect()
}

fn feed(coming: &[(Timestamp, Input)], end: End) -> ScriptedFeed {
    ScriptedFeed::new(coming.to_vec(), end, Span::ZERO)
}

#[test]
fn a_run_reads_on_while_its_conductor_thinks_and_plays_again_without_it() {
    let mut fates = Fates::default();
    for (number, case) in (0_u64..).zip(conducted()) {
        let ran = live(&case, 2 + number % 20, None, feed(&coming(&case), End::Interrupted));
        fates.add(&ran.envelopes);
        plays_again(&case, &ran.envelopes);
    }
    let Fates { asked, answered, late_or_double, missed, failed, read_meanwhile } = fates;
    assert!(asked > 300 && answered > 50 && missed > 20 && failed > 20, "{fates:?}");
    assert!(late_or_double > 10 && read_meanwhile > 200, "{fates:?}");
}

#[test]
fn a_run_killed_while_its_conductor_thinks_asks_again_and_plays_again() {
    let (mut asked_again, mut from_snapshots) = (0, 0);
    for (number, case) in (0_usize..).zip(conducted()) {
        let coming = coming(&case);
        let (seen, rest) = coming.split_at(cut(&coming, (number % 10) as f64 / 10.0));
        let killed = live(&case, u64::MAX, None, feed(seen, End::Killed));
        let kept = steps_kept(&killed, number % 5);
        let behind = kept.len();
        let on = live(&case, u64::MAX, Some((kept.clone(), None)), feed(rest, End::Interrupted));
        assert_eq!(on.envelopes[..behind], kept[..], "{case:?}");
        plays_again(&case, &on.envelopes);
        asked_again += answers_to_before(&on.envelopes, behind);
        let snapshot = killed.kept.iter().rfind(|snapshot| snapshot.last.number() <= behind as u64);
        if let Some(snapshot) = snapshot.cloned() {
            from_snapshots += 1;
            let on =
                live(&case, u64::MAX, Some((kept.clone(), Some(snapshot))), feed(rest, End::Interrupted));
            assert_eq!(on.envelopes[..behind], kept[..], "{case:?}");
            plays_again(&case, &on.envelopes);
        }
    }
    assert!(asked_again > 5 && from_snapshots > 20, "{asked_again} {from_snapshots}");
}

/// How many questions asked before event `behind` were first answered after it.
fn answers_to_before(envelopes: &[Envelope], behind: usize) -> usize {
    let is_answer = |envelope: &Envelope, question: &Question| {
        matches!(&envelope.event, Event::Input(Input::Conductor(decision))
            if (decision.instrument, decision.question) == (question.instrument, question.id))
    };
    let (before, after) = envelopes.split_at(behind);
    let asked = before.iter().filter_map(|envelope| match &envelope.event {
        Event::Output(Output::ConductorConsulted(question)) => Some(question),
        Event::Output(_) | Event::Input(_) => None,
    });
    let unanswered = asked.filter(|question| !before.iter().any(|envelope| is_answer(envelope, question)));
    unanswered.filter(|question| after.iter().any(|envelope| is_answer(envelope, question))).count()
}
