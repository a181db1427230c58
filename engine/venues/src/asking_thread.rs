//! Questions to a venue, answered on a thread of their own, so that whoever asks never waits.

use core::fmt;
use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

use crate::turns::{TurnWork, Turns};

/// Two queues and the thread between them; it ends with the questions.
pub struct AskingThread<Q, A>(Answering<Q, A>);

enum Answering<Q, A> {
    Thread {
        questions: Sender<Q>,
        answers: Receiver<(Q, A)>,
    },
    /// Where nothing has a thread of its own, an answer is worked on when it is looked for.
    InTurn(Mutex<InTurn<Q, A>>),
}

type Answer<Q, A> = Arc<Mutex<Box<dyn FnMut(&Q) -> A + Send>>>;
type Answered<Q, A> = Arc<Mutex<Option<(Q, A)>>>;

struct InTurn<Q, A> {
    turns: Arc<dyn Turns>,
    answer: Answer<Q, A>,
    asked: VecDeque<Q>,
    under_way: Option<(Box<dyn TurnWork>, Answered<Q, A>)>,
}

impl<Q, A> fmt::Debug for AskingThread<Q, A> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("AskingThread").finish_non_exhaustive()
    }
}

impl<Q: Send + 'static, A: Send + 'static> AskingThread<Q, A> {
    /// A thread called `name`, which answers each question with `answer`, one after the other; where there are `turns`,
    /// they take its place.
    ///
    /// # Errors
    /// What the operating system says when it gives no thread.
    pub fn new(
        name: &str,
        turns: Option<Arc<dyn Turns>>,
        mut answer: impl FnMut(&Q) -> A + Send + 'static,
    ) -> std::io::Result<Self> {
        if let Some(turns) = turns {
            let answer: Answer<Q, A> = Arc::new(Mutex::new(Box::new(answer)));
            let in_turn = InTurn { turns, answer, asked: VecDeque::new(), under_way: None };
            return Ok(Self(Answering::InTurn(Mutex::new(in_turn))));
        }
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
        Ok(Self(Answering::Thread { questions, answers }))
    }

    /// Asks.
    pub fn ask(&self, question: Q) {
        match &self.0 {
            Answering::Thread { questions, .. } => {
                // The thread listens as long as there is someone to ask.
                let _ = questions.send(question);
            }
            Answering::InTurn(in_turn) => {
                in_turn.lock().unwrap_or_else(PoisonError::into_inner).asked.push_back(question);
            }
        }
    }

    /// A question that has been answered since, with its answer.
    #[must_use]
    pub fn answer(&self) -> Option<(Q, A)> {
        match &self.0 {
            Answering::Thread { answers, .. } => answers.try_recv().ok(),
            Answering::InTurn(in_turn) => in_turn.lock().unwrap_or_else(PoisonError::into_inner).answer(),
        }
    }
}

impl<Q: Send + 'static, A: Send + 'static> InTurn<Q, A> {
    fn answer(&mut self) -> Option<(Q, A)> {
        if self.under_way.is_none() {
            let question = self.asked.pop_front()?;
            let (answer, answered) = (Arc::clone(&self.answer), Answered::<Q, A>::default());
            let told = Arc::clone(&answered);
            let work = move || {
                let found = (answer.lock().unwrap_or_else(PoisonError::into_inner))(&question);
                *told.lock().unwrap_or_else(PoisonError::into_inner) = Some((question, found));
            };
            self.under_way = Some((self.turns.begin(Box::new(work)), answered));
        }
        let (_, answered) = self.under_way.take_if(|(work, _)| work.is_done())?;
        answered.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
