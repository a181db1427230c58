//! What the loop needs from outside: inputs, effects and a journal.

use engine_core::effect::Effect;
use engine_core::envelope::{RecordRef, Seq};
use engine_core::event::{Event, Input};
use engine_core::knowledge::Knowledge;
use engine_core::machine::Step;
use engine_core::market::MarketUpdate;
use engine_core::time::Timestamp;

/// Where an input is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// In the journal of this run.
    Own,
    /// In a dataset the run refers to; the journal keeps only what followed from it.
    Record(RecordRef),
}

/// An input with the moment the engine learned it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamped {
    /// When the engine learned it; never decreases.
    pub at: Timestamp,
    /// The input, as the event it becomes.
    pub event: Event,
    /// Where it is kept.
    pub origin: Origin,
}

/// The fingerprint of a journal: how many events, and the digest of all of them in order.
///
/// Equal inputs give equal heads whatever the page size, the process or the day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Head {
    /// Number of events.
    pub count: u64,
    /// BLAKE3 over the records of all events, in order.
    pub digest: [u8; 32],
}

/// Waits for the next input and performs effects. It decides nothing.
pub trait Environment {
    /// The next input, waiting no longer than `until`; at `until` it answers with a deadline. `None` ends the
    /// session. The input is lent, not given: a tick that causes nothing is never copied.
    ///
    /// # Errors
    /// [`EnvironmentError`] when inputs cannot be had any more.
    fn next(&mut self, until: Option<Timestamp>) -> Result<Option<&Stamped>, EnvironmentError>;

    /// Performs one effect; its answer comes later, as an input.
    ///
    /// # Errors
    /// [`EffectFailure`] when the effect cannot be handed over; the core is told, and the loop goes on.
    fn perform(&mut self, at: Timestamp, effect: Effect) -> Result<(), EffectFailure>;

    /// What another of its kind needs to go on from here: orders at work, messages under way. `None` where it stands
    /// between inputs that belong together, or cannot be taken up at all.
    fn snapshot(&self) -> Option<Knowledge> {
        None
    }
}

/// What a feed has next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fed {
    /// An input, and when the engine learned it.
    Input(Timestamp, Input),
    /// Nothing came, and it is this moment now: no earlier than the one waited for.
    Nothing(Timestamp),
    /// Nothing will come any more.
    End,
}

/// Inputs from outside as they come, for runs on real time.
pub trait InputFeed: Send {
    /// The next input, waiting no longer than `until`, or without limit where there is none. Moments never decrease.
    ///
    /// # Errors
    /// [`EnvironmentError`] when inputs cannot be had any more.
    fn wait(&mut self, until: Option<Timestamp>) -> Result<Fed, EnvironmentError>;

    /// A market record that is there already, and nothing else; never waits.
    ///
    /// # Errors
    /// As [`InputFeed::wait`].
    fn ready(&mut self) -> Result<Option<(Timestamp, MarketUpdate)>, EnvironmentError>;

    /// A way in for what is answered on another thread; `None` where the feed is no feed of now.
    fn inlet(&self) -> Option<Inlet> {
        None
    }
}

/// Puts an input into a feed at the moment it comes; answers whether anyone listens. May wait while the feed is full, so
/// the loop itself never calls it.
pub type Inlet = Box<dyn Fn(Input) -> bool + Send>;

/// Keeps every step for good.
pub trait Journal {
    /// Appends one step as a whole. `records_read` is the number of market inputs up to and including this step.
    ///
    /// # Errors
    /// [`JournalError`]; after the first error nothing is accepted any more.
    fn append(&mut self, origin: Origin, records_read: u64, step: &Step) -> Result<(), JournalError>;

    /// Whether market records that stay in a dataset are to be appended all the same.
    fn keeps_records(&self) -> bool {
        false
    }

    /// Makes everything appended so far durable and answers the last durable event.
    ///
    /// # Errors
    /// [`JournalError`]; a failed sync is never retried.
    fn sync(&mut self) -> Result<Seq, JournalError>;

    /// Whether the part that is written now is full, in a journal that is made of segments: it ends where a run can be
    /// taken up from next.
    fn is_segment_full(&self) -> bool {
        false
    }

    /// Puts the part that is written now away and begins another behind the last event, which is durable and of which
    /// everything that a run needs to go on is kept. Does nothing in a journal without segments.
    ///
    /// # Errors
    /// [`JournalError`]; after the first error nothing is accepted any more.
    fn end_segment(&mut self) -> Result<(), JournalError> {
        Ok(())
    }

    /// The fingerprint of everything appended so far.
    fn head(&self) -> Head;
}

/// Why an effect could not be handed over. It becomes an input, so a word for it is kept for good.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct EffectFailure {
    /// In the words of whoever was to perform it.
    pub reason: String,
}

/// Why inputs stopped.
#[derive(Debug, thiserror::Error)]
pub enum EnvironmentError {
    /// A source of history cannot be read on.
    #[error("read market history: {reason}")]
    SourceBroken {
        /// What the source says, with dataset and record.
        reason: String,
    },
    /// The account at a real venue could not be taken up. Look at what it says, then start again.
    #[error("take the account up: {reason}")]
    AccountNotTaken {
        /// Why not.
        reason: String,
    },
}

/// Why a journal cannot take, keep or give back events.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// An earlier write failed; nothing more is accepted. Restart, verify, rebuild.
    #[error("the journal refused further events after a failed write: {reason}")]
    Poisoned {
        /// The first failure.
        reason: String,
    },
    /// The disk is full. Free space, then start again; nothing acknowledged is lost.
    #[error("write the journal: no space left on the device")]
    DiskFull,
    /// Another process holds the journal. Stop it or wait.
    #[error("open {path}: another process is using it")]
    Locked {
        /// The directory.
        path: String,
    },
    /// There is no journal, or not the kind asked for.
    #[error("open {path}: {reason}")]
    NotAJournal {
        /// The directory.
        path: String,
        /// What is there instead.
        reason: String,
    },
    /// A directory that must be new is not. Choose another or remove it.
    #[error("create {path}: it exists already; choose another directory or remove it")]
    Exists {
        /// The directory.
        path: String,
    },
    /// The stored bytes are damaged. Verify names every place; rebuild restores from the page log.
    #[error("read {path} at event {seq}: {reason}")]
    Damaged {
        /// The directory.
        path: String,
        /// First event that cannot be trusted.
        seq: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// The events were dropped on purpose, by retention. What the run was by then is in the snapshot it begins with now.
    #[error(
        "read {path} at event {seq}: events 1 to {last} were dropped {days} by retention, and no copy of them is here; what is \
         kept begins behind them"
    )]
    Dropped {
        /// The directory.
        path: String,
        /// The event that was asked for.
        seq: u64,
        /// The last event that was dropped.
        last: u64,
        /// When, as in `on 2026-11-30`.
        days: String,
    },
    /// The journal was written by another engine. Use that one, or make the journal again.
    #[error(
        "read {path}: its format {schema} is not known to this version of the engine; use the one that wrote it, \
         or import or run again"
    )]
    UnknownSchema {
        /// The directory.
        path: String,
        /// The number found.
        schema: u16,
    },
    /// The operating system refused.
    #[error("{action} {path}: {source}")]
    Io {
        /// What was tried, as in `create`.
        action: &'static str,
        /// On what.
        path: String,
        /// Why not.
        source: std::io::Error,
    },
    /// The embedded store failed in a way of its own.
    #[error("use the store at {path}: {reason}")]
    Store {
        /// The directory.
        path: String,
        /// What it said, a caught panic included.
        reason: String,
    },
}
