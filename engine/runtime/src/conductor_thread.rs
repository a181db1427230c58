//! A conductor that answers on a thread of its own, so that the loop never waits for it.
//!
//! Questions go in by message. Each answer goes into the feed of the run as an input, at the moment it comes; the core
//! gives up a question whose time is over. A question that waits gives its place to a newer one about the same instrument,
//! whose answer is the only one that counts: so no more wait than there are instruments, however slow the conductor is.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use engine_core::conductor::Question;
use engine_core::event::{FailedAct, FailedEffect, Input};

use crate::conductor::Conductor;
use crate::ports::{EffectFailure, Inlet};

/// How long the end of a run waits for the question at hand; an answer behind it is nobody's.
const END_WITHIN: Duration = Duration::from_secs(1);

/// A conductor behind a queue of questions.
#[derive(Debug)]
pub struct ConductorThread {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    desk: Mutex<Desk>,
    changed: Condvar,
}

/// What passes between the loop and the thread.
#[derive(Debug, Default)]
struct Desk {
    waiting: VecDeque<Question>,
    /// Whether the run is over.
    is_closed: bool,
    /// Whether the thread has ended, or is about to.
    has_ended: bool,
}

impl Shared {
    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next question; `None` once the run is over.
    fn next(&self) -> Option<Question> {
        let mut desk = self.desk();
        while desk.waiting.is_empty() && !desk.is_closed {
            desk = self.changed.wait(desk).unwrap_or_else(PoisonError::into_inner);
        }
        if desk.is_closed { None } else { desk.waiting.pop_front() }
    }

    /// Nothing is answered any more; answers what waited.
    fn ends(&self) -> VecDeque<Question> {
        let mut desk = self.desk();
        desk.has_ended = true;
        self.changed.notify_all();
        core::mem::take(&mut desk.waiting)
    }
}

impl ConductorThread {
    /// Moves `conductor` to a thread of its own, whose answers go into `inlet`.
    ///
    /// # Errors
    /// What the operating system says when it gives no thread.
    pub fn spawn(conductor: Box<dyn Conductor>, inlet: Inlet) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        let work = move || answer_all(conductor, &inlet, &theirs);
        let _ = std::thread::Builder::new().name("conductor".to_owned()).spawn(work)?;
        Ok(Self { shared })
    }

    /// Asks without waiting.
    ///
    /// # Errors
    /// [`EffectFailure`] when the thread has ended.
    pub fn ask(&self, question: Question) -> Result<(), EffectFailure> {
        let mut desk = self.shared.desk();
        if desk.has_ended {
            return Err(EffectFailure { reason: "the thread of the conductor has ended".to_owned() });
        }
        match desk.waiting.iter_mut().find(|waiting| waiting.instrument == question.instrument) {
            Some(waiting) => *waiting = question,
            None => desk.waiting.push_back(question),
        }
        drop(desk);
        self.shared.changed.notify_all();
        Ok(())
    }
}

/// Answers until the run is over, nobody listens any more, or the conductor breaks.
fn answer_all(mut conductor: Box<dyn Conductor>, inlet: &Inlet, shared: &Shared) {
    while let Some(question) = shared.next() {
        let answered = catch_unwind(AssertUnwindSafe(|| conductor.answer(&question)));
        let Ok(decision) = answered else {
            // A conductor that broke may be in any state: it is asked nothing more.
            let unanswered = core::iter::once(question).chain(shared.ends());
            unanswered.for_each(|question| {
                let _ = inlet(failed(&question, "the conductor broke while it answered"));
            });
            return;
        };
        if !inlet(Input::Conductor(Box::new(decision))) {
            break;
        }
    }
    let _ = shared.ends();
}

/// That a question will not be answered: it counts as missed when its time is over.
#[must_use]
pub fn failed(question: &Question, reason: &str) -> Input {
    let act = FailedAct::Consult(question.id);
    Input::EffectFailed(Box::new(FailedEffect { act, reason: reason.to_owned() }))
}

impl Drop for ConductorThread {
    /// Lets the thread finish the question at hand, unless that takes long: then it ends by itself, and is not heard.
    fn drop(&mut self) {
        let mut desk = self.shared.desk();
        desk.is_closed = true;
        self.shared.changed.notify_all();
        let _ = self.shared.changed.wait_timeout_while(desk, END_WITHIN, |desk| !desk.has_ended);
    }
}

#[cfg(test)]
mod tests;
