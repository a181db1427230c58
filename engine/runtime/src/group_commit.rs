//! A journal that is made durable a bounded time after every event, whether or not another one comes.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use engine_core::envelope::Seq;
use engine_core::machine::Step;

use crate::commit_gate::CommitGate;
use crate::ports::{Head, Journal, JournalError, Origin};

/// Syncs what waits, in turn with the loop: for a program whose parts have no threads of their own.
#[derive(Clone, Default)]
pub struct CommitTurns(Arc<Mutex<Turns>>);

#[derive(Default)]
struct Turns {
    commit: Option<Box<dyn FnMut() -> Option<Seq> + Send>>,
    acknowledged: u64,
}

impl core::fmt::Debug for CommitTurns {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        out.debug_struct("CommitTurns").field("acknowledged", &self.acknowledged()).finish_non_exhaustive()
    }
}

impl CommitTurns {
    fn turns(&self) -> MutexGuard<'_, Turns> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes everything durable that waits for the disk.
    pub fn take(&self) {
        let mut turns = self.turns();
        if let Some(durable) = turns.commit.as_mut().and_then(|commit| commit()) {
            turns.acknowledged = durable.number();
        }
    }

    /// The last event that was said to be durable, whoever asked for it.
    #[must_use]
    pub fn acknowledged(&self) -> u64 {
        self.turns().acknowledged
    }
}

/// A journal shared with a thread that syncs it: no event waits longer than a given time for the disk.
///
/// Whoever needs an event on disk at once calls [`Journal::sync`] as before.
#[derive(Debug)]
pub struct GroupCommit<J> {
    shared: Arc<Shared<J>>,
    gate: CommitGate,
    thread: Option<JoinHandle<()>>,
    turns: Option<CommitTurns>,
}

#[derive(Debug)]
struct Shared<J> {
    held: Mutex<Held<J>>,
    changed: Condvar,
}

#[derive(Debug)]
struct Held<J> {
    /// Gone once it was taken back.
    journal: Option<J>,
    /// Since when an event waits for the disk.
    waiting_since: Option<Instant>,
    /// Steps that are not whole yet.
    held_back: Vec<(Origin, u64, Step)>,
}

impl<J> Shared<J> {
    fn lock(&self) -> MutexGuard<'_, Held<J>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<J: Journal> Held<J> {
    /// Appends what was held back. A journal that failed refuses the next event and says why.
    fn append_held_back(&mut self) {
        let Some(journal) = &mut self.journal else { return };
        for (origin, records_read, step) in self.held_back.drain(..) {
            if journal.append(origin, records_read, &step).is_err() {
                break;
            }
            self.waiting_since.get_or_insert_with(Instant::now);
        }
    }
}

impl<J: Journal + Send + 'static> GroupCommit<J> {
    /// `journal`, in which no event waits longer than `wait_max` for the disk. What `gate` holds back is appended as a whole
    /// once it is let go, and a sync does not wait for it.
    ///
    /// # Errors
    /// What the operating system says when it gives no thread.
    pub fn new(journal: J, wait_max: Duration, gate: CommitGate) -> std::io::Result<Self> {
        let shared = shared(journal, &gate);
        let theirs = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("group commit".to_owned())
            .spawn(move || commit(&theirs, wait_max))?;
        Ok(Self { shared, gate, thread: Some(thread), turns: None })
    }

    /// The same without a thread: whoever has the `turns` says when what waits is synced.
    #[must_use]
    pub fn in_turn(journal: J, gate: CommitGate, turns: &CommitTurns) -> Self {
        let shared = shared(journal, &gate);
        let theirs = Arc::downgrade(&shared);
        let commit = move || {
            let shared = theirs.upgrade()?;
            let mut held = shared.lock();
            held.waiting_since.take()?;
            // A journal that failed refuses the next event and says why.
            held.journal.as_mut()?.sync().ok()
        };
        *turns.turns() = Turns { commit: Some(Box::new(commit)), acknowledged: 0 };
        Self { shared, gate, thread: None, turns: Some(turns.clone()) }
    }

    /// The journal, as it stands.
    #[must_use]
    pub fn into_inner(mut self) -> Option<J> {
        self.shared.lock().append_held_back();
        self.end()
    }

    fn end(&mut self) -> Option<J> {
        let journal = self.shared.lock().journal.take();
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // The thread ends by itself; how it ended changes nothing here.
            let _ = thread.join();
        }
        journal
    }
}

/// What a journal and whoever syncs it share; what `gate` holds back is appended once it is let go.
fn shared<J: Journal + Send + 'static>(journal: J, gate: &CommitGate) -> Arc<Shared<J>> {
    let held = Held { journal: Some(journal), waiting_since: None, held_back: Vec::new() };
    let shared = Arc::new(Shared { held: Mutex::new(held), changed: Condvar::new() });
    let let_go = Arc::downgrade(&shared);
    gate.on_release(move || {
        if let Some(shared) = let_go.upgrade() {
            shared.lock().append_held_back();
            shared.changed.notify_one();
        }
    });
    shared
}

/// Syncs whenever an event has waited long enough, until the journal is taken back.
fn commit<J: Journal>(shared: &Shared<J>, wait_max: Duration) {
    let mut held = shared.lock();
    loop {
        let Held { journal: Some(journal), waiting_since, .. } = &mut *held else { return };
        let waited = waiting_since.map(|since| since.elapsed());
        held = match waited {
            None => shared.changed.wait(held).unwrap_or_else(PoisonError::into_inner),
            Some(waited) if waited < wait_max => {
                let rest = wait_max.saturating_sub(waited);
                shared.changed.wait_timeout(held, rest).unwrap_or_else(PoisonError::into_inner).0
            }
            Some(_) => {
                *waiting_since = None;
                // A journal that failed refuses the next event and says why.
                let _ = journal.sync();
                held
            }
        };
    }
}

impl<J> Drop for GroupCommit<J> {
    fn drop(&mut self) {
        self.shared.lock().journal = None;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl<J: Journal + Send + 'static> Journal for GroupCommit<J> {
    fn append(&mut self, origin: Origin, records_read: u64, step: &Step) -> Result<(), JournalError> {
        // The gate before the journal, as whoever lets go takes them.
        let is_held = self.gate.is_held();
        let mut held = self.shared.lock();
        if is_held {
            held.held_back.push((origin, records_read, step.clone()));
            return Ok(());
        }
        let Some(journal) = &mut held.journal else { return Err(taken_back()) };
        journal.append(origin, records_read, step)?;
        if held.waiting_since.is_none() {
            held.waiting_since = Some(Instant::now());
            drop(held);
            self.shared.changed.notify_one();
        }
        Ok(())
    }

    fn keeps_records(&self) -> bool {
        self.shared.lock().journal.as_ref().is_some_and(Journal::keeps_records)
    }

    fn sync(&mut self) -> Result<Seq, JournalError> {
        let mut held = self.shared.lock();
        held.waiting_since = None;
        let durable = held.journal.as_mut().map_or_else(|| Err(taken_back()), Journal::sync)?;
        drop(held);
        if let Some(turns) = &self.turns {
            turns.turns().acknowledged = durable.number();
        }
        Ok(durable)
    }

    fn is_segment_full(&self) -> bool {
        self.shared.lock().journal.as_ref().is_some_and(Journal::is_segment_full)
    }

    fn end_segment(&mut self) -> Result<(), JournalError> {
        let mut held = self.shared.lock();
        held.waiting_since = None;
        held.journal.as_mut().map_or_else(|| Err(taken_back()), Journal::end_segment)
    }

    fn head(&self) -> Head {
        self.shared.lock().journal.as_ref().map_or_else(Head::default, Journal::head)
    }
}

fn taken_back() -> JournalError {
    JournalError::Poisoned { reason: "the journal was taken back".to_owned() }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::sync::mpsc::{Receiver, Sender, channel};

    use engine_core::event::Input;
    use engine_core::time::Timestamp;

    use super::*;

    struct Counting {
        appended: u64,
        synced: Arc<AtomicU64>,
        told: Sender<u64>,
    }

    impl Journal for Counting {
        fn append(&mut self, _origin: Origin, _records_read: u64, _step: &Step) -> Result<(), JournalError> {
            self.appended += 1;
            Ok(())
        }

        fn sync(&mut self) -> Result<Seq, JournalError> {
            self.synced.store(self.appended, Ordering::SeqCst);
            let _ = self.told.send(self.appended);
            Ok(Seq::new(self.appended))
        }

        fn head(&self) -> Head {
            Head { count: self.appended, digest: [0; 32] }
        }
    }

    fn counting() -> (Counting, Arc<AtomicU64>, Receiver<u64>) {
        let (told, synced) = (channel(), Arc::new(AtomicU64::new(0)));
        (Counting { appended: 0, synced: Arc::clone(&synced), told: told.0 }, synced, told.1)
    }

    fn step() -> Step {
        Step { at: Timestamp::MIN, input: Input::Deadline, outputs: Vec::new() }
    }

    #[test]
    fn an_event_is_durable_soon_though_none_follows_it() {
        let (journal, synced, told) = counting();
        let mut journal = GroupCommit::new(journal, Duration::from_millis(5), CommitGate::default()).unwrap();
        for round in 1..=3 {
            journal.append(Origin::Own, 0, &step()).unwrap();
            let events = told.recv_timeout(Duration::from_secs(20)).unwrap();
            assert_eq!((events, synced.load(Ordering::SeqCst)), (round, round));
        }
        assert_eq!(journal.head().count, 3);
        assert_eq!(journal.into_inner().unwrap().appended, 3);
    }

    #[test]
    fn without_a_thread_an_event_waits_for_the_next_turn() {
        let (journal, synced, _told) = counting();
        let (turns, gate) = (CommitTurns::default(), CommitGate::default());
        turns.take();
        let mut journal = GroupCommit::in_turn(journal, gate.clone(), &turns);
        journal.append(Origin::Own, 0, &step()).unwrap();
        assert_eq!((synced.load(Ordering::SeqCst), turns.acknowledged()), (0, 0));
        turns.take();
        assert_eq!((synced.load(Ordering::SeqCst), turns.acknowledged()), (1, 1));
        gate.hold();
        journal.append(Origin::Own, 0, &step()).unwrap();
        turns.take();
        assert_eq!(synced.load(Ordering::SeqCst), 1, "what is held back has not been appended");
        gate.release();
        journal.append(Origin::Own, 0, &step()).unwrap();
        assert_eq!((journal.sync().unwrap(), turns.acknowledged()), (Seq::new(3), 3));
        assert_eq!(journal.into_inner().unwrap().appended, 3);
    }

    #[test]
    fn steps_that_belong_together_wait_for_each_other() {
        let (journal, synced, told) = counting();
        let gate = CommitGate::default();
        let mut journal = GroupCommit::new(journal, Duration::from_millis(1), gate.clone()).unwrap();
        gate.hold();
        for _ in 0..3 {
            journal.append(Origin::Own, 0, &step()).unwrap();
            journal.sync().unwrap();
            assert_eq!(told.recv().unwrap(), 0);
        }
        assert_eq!(synced.load(Ordering::SeqCst), 0);
        gate.release();
        assert_eq!(told.recv_timeout(Duration::from_secs(20)).unwrap(), 3);
        gate.hold();
        journal.append(Origin::Own, 0, &step()).unwrap();
        assert_eq!(journal.into_inner().unwrap().appended, 4, "what is held back is not lost at the end");
    }

    #[test]
    fn events_that_come_together_are_synced_together() {
        let (journal, _, told) = counting();
        let mut journal =
            GroupCommit::new(journal, Duration::from_secs(3_600), CommitGate::default()).unwrap();
        for _ in 0..1_000 {
            journal.append(Origin::Own, 0, &step()).unwrap();
        }
        assert_eq!(journal.sync().unwrap(), Seq::new(1_000));
        drop(journal);
        assert_eq!(told.iter().collect::<Vec<_>>(), [1_000]);
    }
}
