//! A venue asked for bars of the past on a thread of its own, so that the loop never waits for it.

use std::sync::mpsc::{Receiver, Sender, channel};

use engine_core::instrument::Instrument;
use engine_core::market::Bar;
use engine_venues::market_venue::PastReader;

use super::past_bars::{AskPast, PastQuestion};

/// Two queues and the thread between them; it ends with the questions.
#[derive(Debug)]
pub(super) struct PastThread {
    questions: Sender<PastQuestion>,
    answers: Receiver<(PastQuestion, Option<Vec<Bar>>)>,
}

impl PastThread {
    /// Moves `reader` to a thread of its own; `instruments` are those of the run.
    ///
    /// # Errors
    /// What the operating system says when it gives no thread.
    pub(super) fn new(mut reader: PastReader, instruments: Vec<Instrument>) -> std::io::Result<Self> {
        let (questions, asked) = channel::<PastQuestion>();
        let (told, answers) = channel();
        let read = move || {
            for question in asked {
                let rules = instruments.get(question.instrument.index());
                // A venue that cannot be asked now is asked again.
                let bars = rules.and_then(|rules| reader(rules, question.from, question.until).ok());
                if told.send((question, bars)).is_err() {
                    break;
                }
            }
        };
        std::thread::Builder::new().name("past bars".to_owned()).spawn(read)?;
        Ok(Self { questions, answers })
    }
}

impl AskPast for PastThread {
    fn ask(&mut self, question: PastQuestion) {
        // The thread listens as long as there is someone to ask.
        let _ = self.questions.send(question);
    }

    fn answer(&mut self) -> Option<(PastQuestion, Option<Vec<Bar>>)> {
        self.answers.try_recv().ok()
    }
}
