//! A conductor on a thread of its own: slow, broken, hanging.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Instant;

use engine_core::conductor::{ConductorDecision, InferenceSetup, QuestionId};
use engine_core::digest::Digest;
use engine_core::feature::FeatureVector;
use engine_core::instrument::InstrumentId;
use engine_core::regime::Regime;
use engine_core::time::Timestamp;

use super::*;
use crate::conductor::RuleConductor;

const PATIENCE: Duration = Duration::from_secs(60);

fn question(instrument: u16, number: u64) -> Question {
    Question {
        id: QuestionId(number),
        instrument: InstrumentId::new(instrument),
        regime: Regime::ALL[usize::try_from(number % 4).unwrap()],
        features: FeatureVector { set: Digest::default(), values: Vec::new() },
        answer_by: Timestamp::MIN,
    }
}

/// What a thread tells, as it comes.
fn inlet() -> (Inlet, Receiver<Input>) {
    let (told, heard) = channel();
    (Box::new(move |input| told.send(input).is_ok()), heard)
}

fn answer_to(instrument: u16, number: u64) -> Input {
    let decision = RuleConductor::uniform(4).answer(&question(instrument, number));
    Input::Conductor(Box::new(decision))
}

/// Answers as the rule does once it is let go, and breaks at question 99.
struct Held {
    begun: Sender<u64>,
    let_go: Receiver<()>,
}

impl Conductor for Held {
    fn setup(&self) -> InferenceSetup {
        RuleConductor::uniform(4).setup()
    }

    fn answer(&mut self, question: &Question) -> ConductorDecision {
        self.begun.send(question.id.0).unwrap();
        let _ = self.let_go.recv();
        assert!(question.id.0 < 99, "this conductor breaks");
        RuleConductor::uniform(4).answer(question)
    }
}

fn held() -> (Box<Held>, Receiver<u64>, Sender<()>) {
    let (begun, let_go) = (channel(), channel());
    (Box::new(Held { begun: begun.0, let_go: let_go.1 }), begun.1, let_go.0)
}

#[test]
fn answers_are_those_of_the_conductor_in_order() {
    let (inlet, heard) = inlet();
    let thread = ConductorThread::spawn(Box::new(RuleConductor::uniform(4)), inlet).unwrap();
    for number in 1..=1_000 {
        thread.ask(question(0, number)).unwrap();
        assert_eq!(heard.recv_timeout(PATIENCE).unwrap(), answer_to(0, number));
    }
}

#[test]
fn behind_a_slow_conductor_only_the_newest_question_of_each_instrument_waits() {
    let ((inlet, heard), (conductor, begun, let_go)) = (inlet(), held());
    let thread = ConductorThread::spawn(conductor, inlet).unwrap();
    thread.ask(question(0, 1)).unwrap();
    assert_eq!(begun.recv_timeout(PATIENCE).unwrap(), 1);
    for number in 2..=50 {
        thread.ask(question(0, number)).unwrap();
        thread.ask(question(1, number)).unwrap();
    }
    assert_eq!(thread.shared.desk().waiting.len(), 2, "one of each instrument");
    (0..3).for_each(|_| let_go.send(()).unwrap());
    let told: Vec<Input> = (0..3).map(|_| heard.recv_timeout(PATIENCE).unwrap()).collect();
    assert_eq!(told, [answer_to(0, 1), answer_to(0, 50), answer_to(1, 50)]);
}

#[test]
fn a_conductor_that_breaks_is_told_of_and_asked_nothing_more() {
    let ((inlet, heard), (conductor, begun, let_go)) = (inlet(), held());
    let thread = ConductorThread::spawn(conductor, inlet).unwrap();
    thread.ask(question(0, 99)).unwrap();
    assert_eq!(begun.recv_timeout(PATIENCE).unwrap(), 99);
    thread.ask(question(1, 7)).unwrap();
    let_go.send(()).unwrap();
    for number in [99, 7] {
        let Input::EffectFailed(failure) = heard.recv_timeout(PATIENCE).unwrap() else { panic!("it broke") };
        assert_eq!(failure.act, FailedAct::Consult(QuestionId(number)));
    }
    assert!(thread.ask(question(0, 100)).is_err());
}

#[test]
fn the_end_of_a_run_does_not_wait_for_a_conductor_that_hangs_and_hears_nothing_of_it() {
    let ((inlet, heard), (conductor, begun, let_go)) = (inlet(), held());
    let thread = ConductorThread::spawn(conductor, inlet).unwrap();
    thread.ask(question(0, 1)).unwrap();
    assert_eq!(begun.recv_timeout(PATIENCE).unwrap(), 1);
    thread.ask(question(0, 2)).unwrap();
    let ended = Instant::now();
    drop(thread);
    assert!(ended.elapsed() < END_WITHIN * 20, "{:?}", ended.elapsed());
    let_go.send(()).unwrap();
    assert_eq!(heard.recv_timeout(PATIENCE).unwrap(), answer_to(0, 1), "the feed refuses it in a run");
    assert!(heard.recv_timeout(PATIENCE).is_err(), "what waited is not asked, and the thread has ended");
}
