//! A conductor that answers from a thread of its own, so that the loop never waits for it.
//!
//! Questions go in and answers come out as messages. An environment asks, goes on, and lends each answer as an input
//! when it has come; the core gives up a question whose time is over.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use engine_core::conductor::{ConductorDecision, InferenceSetup, Question};

use crate::conductor::Conductor;
use crate::ports::EffectFailure;

/// A conductor behind two queues.
#[derive(Debug)]
pub struct ConductorThread {
    setup: InferenceSetup,
    questions: Option<Sender<Question>>,
    answers: Receiver<ConductorDecision>,
    thread: Option<JoinHandle<()>>,
}

impl ConductorThread {
    /// Moves `conductor` to a thread of its own.
    ///
    /// # Errors
    /// What the operating system says when it gives no thread.
    pub fn spawn(mut conductor: Box<dyn Conductor>) -> std::io::Result<Self> {
        let setup = conductor.setup();
        let (questions, asked) = channel::<Question>();
        let (answer, answers) = channel();
        let work = move || {
            for question in asked {
                if answer.send(conductor.answer(&question)).is_err() {
                    break;
                }
            }
        };
        let thread = std::thread::Builder::new().name("conductor".to_owned()).spawn(work)?;
        Ok(Self { setup, questions: Some(questions), answers, thread: Some(thread) })
    }

    /// How inference is set up; recorded when a run opens.
    #[must_use]
    pub const fn setup(&self) -> &InferenceSetup {
        &self.setup
    }

    /// Asks without waiting.
    ///
    /// # Errors
    /// [`EffectFailure`] when the thread has ended.
    pub fn ask(&self, question: Question) -> Result<(), EffectFailure> {
        let sent = self.questions.as_ref().and_then(|questions| questions.send(question).ok());
        sent.ok_or_else(|| EffectFailure { reason: "the thread of the conductor has ended".to_owned() })
    }

    /// The next answer that has come, without waiting.
    pub fn answered(&self) -> Option<ConductorDecision> {
        self.answers.try_recv().ok()
    }

    /// The next answer, waiting no longer than `patience`.
    #[must_use]
    pub fn wait(&self, patience: std::time::Duration) -> Option<ConductorDecision> {
        self.answers.recv_timeout(patience).ok()
    }
}

impl Drop for ConductorThread {
    /// Lets the thread finish the question at hand.
    fn drop(&mut self) {
        self.questions = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use engine_core::conductor::QuestionId;
    use engine_core::digest::Digest;
    use engine_core::feature::FeatureVector;
    use engine_core::instrument::InstrumentId;
    use engine_core::regime::Regime;
    use engine_core::time::Timestamp;

    use super::*;
    use crate::conductor::RuleConductor;

    fn question(number: u64) -> Question {
        Question {
            id: QuestionId(number),
            instrument: InstrumentId::new(0),
            regime: Regime::ALL[usize::try_from(number % 4).unwrap()],
            features: FeatureVector { set: Digest::default(), values: Vec::new() },
            answer_by: Timestamp::MIN,
        }
    }

    /// Answers once and then breaks.
    struct Broken;

    impl Conductor for Broken {
        fn setup(&self) -> InferenceSetup {
            RuleConductor::uniform(1).setup()
        }

        fn answer(&mut self, question: &Question) -> ConductorDecision {
            assert!(question.id.0 < 2, "this conductor breaks at its second question");
            RuleConductor::uniform(1).answer(question)
        }
    }

    #[test]
    fn answers_from_another_thread_are_those_of_the_conductor_in_order() {
        let mut rule = RuleConductor::uniform(4);
        let thread = ConductorThread::spawn(Box::new(rule.clone())).unwrap();
        assert_eq!(*thread.setup(), rule.setup());
        assert_eq!(thread.answered(), None, "nothing was asked");
        (1..=1_000).for_each(|number| thread.ask(question(number)).unwrap());
        for number in 1..=1_000 {
            assert_eq!(thread.wait(Duration::from_secs(60)), Some(rule.answer(&question(number))));
        }
        assert_eq!(thread.answered(), None);
    }

    #[test]
    fn a_thread_that_has_ended_is_an_effect_that_fails() {
        let thread = ConductorThread::spawn(Box::new(Broken)).unwrap();
        thread.ask(question(1)).unwrap();
        assert!(thread.wait(Duration::from_secs(60)).is_some());
        thread.ask(question(2)).unwrap();
        assert_eq!(
            thread.wait(Duration::from_secs(60)),
            None,
            "its end is seen without waiting for the patience"
        );
        assert!(thread.ask(question(3)).is_err());
    }
}
