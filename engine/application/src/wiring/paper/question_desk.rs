//! The questions of a run on real time, between the core that asks and the conductor that answers when it can.

use std::collections::{BTreeMap, VecDeque};

use engine_core::conductor::{InferenceSetup, Question, QuestionId};
use engine_core::event::Input;
use engine_core::instrument::InstrumentId;
use engine_core::knowledge::{Forgotten, Learned, NoteReader, NoteWriter};
use engine_core::time::Timestamp;
use engine_runtime::conductor::Conductor;
use engine_runtime::conductor_thread::{ConductorThread, failed};
use engine_runtime::ports::Inlet;

/// Who answers, and what has been asked and not answered yet.
///
/// Of each instrument only the newest question can be answered in time, so no more than that is kept. What a run had not
/// heard the answer of when it ended is asked again by whoever goes on; where its time is over by then the core has given it
/// up, and the answer is on record and changes nothing.
pub(super) struct QuestionDesk {
    conductor: Answering,
    setup: InferenceSetup,
    /// Whether the conductor is asked: not while a record is played again, which holds the answers.
    is_open: bool,
    unanswered: BTreeMap<InstrumentId, Question>,
    /// The last question of each instrument whose answer has been read: a record is read ahead of what asks.
    answered: BTreeMap<InstrumentId, QuestionId>,
    /// What is answered at once, and what could not be asked.
    coming: VecDeque<(Timestamp, Input)>,
}

enum Answering {
    /// On a thread of its own, into the feed.
    Thread(ConductorThread),
    /// At once, where the feed is no feed of now.
    AtOnce(Box<dyn Conductor>),
}

impl QuestionDesk {
    /// `conductor` is asked, and its answers go into `inlet` where there is one.
    ///
    /// # Errors
    /// What the operating system says when it gives no thread.
    pub(super) fn new(conductor: Box<dyn Conductor>, inlet: Option<Inlet>) -> std::io::Result<Self> {
        let setup = conductor.setup();
        let conductor = match inlet {
            Some(inlet) => Answering::Thread(ConductorThread::spawn(conductor, inlet)?),
            None => Answering::AtOnce(conductor),
        };
        let (unanswered, answered) = (BTreeMap::new(), BTreeMap::new());
        Ok(Self { conductor, setup, is_open: true, unanswered, answered, coming: VecDeque::new() })
    }

    /// How inference is set up.
    pub(super) const fn setup(&self) -> &InferenceSetup {
        &self.setup
    }

    /// A record is played first, which holds the answers to what is asked.
    pub(super) const fn close(&mut self) {
        self.is_open = false;
    }

    /// The record is over, at `at`: what it has no answer to is asked again.
    pub(super) fn reopen(&mut self, at: Timestamp) {
        self.is_open = true;
        for question in self.unanswered.clone().into_values() {
            self.hand_over(at, question);
        }
    }

    /// Asks `question`, once.
    pub(super) fn ask(&mut self, at: Timestamp, question: &Question) {
        if self.answered.get(&question.instrument).is_some_and(|answered| *answered >= question.id) {
            return;
        }
        self.unanswered.insert(question.instrument, question.clone());
        if self.is_open {
            self.hand_over(at, question.clone());
        }
    }

    fn hand_over(&mut self, at: Timestamp, question: Question) {
        let answer = match &mut self.conductor {
            Answering::AtOnce(conductor) => Input::Conductor(Box::new(conductor.answer(&question))),
            Answering::Thread(thread) => match thread.ask(question.clone()) {
                Ok(()) => return,
                Err(failure) => failed(&question, &failure.reason),
            },
        };
        self.coming.push_back((at, answer));
    }

    /// Notes an answer that has come, or is on record.
    pub(super) fn learn_of(&mut self, input: &Input) {
        let Input::Conductor(decision) = input else { return };
        let last = self.answered.entry(decision.instrument).or_insert(decision.question);
        *last = decision.question.max(*last);
        if self.unanswered.get(&decision.instrument).is_some_and(|open| open.id <= decision.question) {
            self.unanswered.remove(&decision.instrument);
        }
    }

    /// The next answer that is there already.
    pub(super) fn take(&mut self) -> Option<(Timestamp, Input)> {
        self.coming.pop_front()
    }

    /// Whether an answer waits to be taken.
    pub(super) fn has_more(&self) -> bool {
        !self.coming.is_empty()
    }
}

/// What waits for its answer, so that it is asked again.
impl Learned for QuestionDesk {
    fn note(&self, notes: &mut NoteWriter) {
        notes.value(&self.unanswered);
    }

    fn recall(&mut self, notes: &mut NoteReader<'_>) -> Result<(), Forgotten> {
        self.unanswered = notes.value()?;
        Ok(())
    }
}
