//! Questions to a venue, answered on a thread of their own, so that whoever asks never waits.

use std::sync::mpsc::{Receiver, Sender, channel};

/// Two queues and the thread between them; it ends with the questions.
#[derive(Debug)]
pub struct AskingThread<Q, A> {
    questions: Sender<Q>,
    answers: Receiver<(Q, A)>,
}

impl<Q: Send + 'static, A: Send + 'static> AskingThread<Q, A> {
    /// A thread called `name`, which answers each question with `answer`, one after the other.
    ///
    /// # Errors
    /// What the operating system says when it gives no thread.
    pub fn new(name: &str, mut answer: impl FnMut(&Q) -> A + Send + 'static) -> std::io::Result<Self> {
        let (questions, asked) = channel::<Q>();
        let (told, answers) = channel();
        let work = move || {
            for question in asked {
                let answer = answer(&question);
                if told.send((question, answer)).is_err() {
                    break;
                }
            }
        };
        std::thread::Builder::new().name(name.to_owned()).spawn(work)?;
        Ok(Self { questions, answers })
    }

    /// Asks.
    pub fn ask(&self, question: Q) {
        // The thread listens as long as there is someone to ask.
        let _ = self.questions.send(question);
    }

    /// A question that has been answered since, with its answer.
    #[must_use]
    pub fn answer(&self) -> Option<(Q, A)> {
        self.answers.try_recv().ok()
    }
}
