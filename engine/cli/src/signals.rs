//! Ctrl-C and SIGTERM as the wish of the operator that a command end early.
//!
//! A command that has to end well [listens](listen): it looks at the wish where its work can stop, and what it has done
//! stays whole. A command that only computes until it answers is [ended at once](end_at_once), before it writes its result. The second
//! signal ends either without delay, and every other command is ended by the first, as the system does it.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use engine_runtime::interruption::Interruption;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::{flag, low_level};

const SIGNALS: [i32; 2] = [SIGINT, SIGTERM];

/// What shells add to the number of a signal for the exit code of what it ended.
const SIGNAL_EXIT: i32 = 128;

/// What the first signal does.
enum First {
    /// Nothing: the command is over but for its last words.
    Nothing,
    /// Raises a flag that the command looks at.
    Asks(Interruption),
    /// Says something and ends the process.
    Ends(Box<dyn Fn() + Send>),
}

static FIRST: Mutex<First> = Mutex::new(First::Nothing);

/// Whether signals are taken, and which came last; zero before the first.
static TAKEN: OnceLock<Arc<AtomicUsize>> = OnceLock::new();

/// Begins to take signals for the wish to end early, and answers that wish.
///
/// # Errors
/// What the system says when it does not let signals be taken.
pub fn listen() -> std::io::Result<Interruption> {
    let interruption = Interruption::default();
    *first() = First::Asks(interruption.clone());
    take()?;
    Ok(interruption)
}

/// Lets the first signal call `last_words` and end the process with its exit code.
///
/// # Errors
/// As [`listen`].
pub fn end_at_once(last_words: impl Fn() + Send + 'static) -> std::io::Result<()> {
    *first() = First::Ends(Box::new(last_words));
    take()
}

/// The work is done, and only its result is to be written and told: a first signal comes too late.
pub fn is_done() {
    *first() = First::Nothing;
}

fn first() -> MutexGuard<'static, First> {
    FIRST.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes signals from here on, once for the process.
fn take() -> std::io::Result<()> {
    if TAKEN.get().is_some() {
        return Ok(());
    }
    let last = TAKEN.get_or_init(Arc::default);
    let seen = Arc::new(AtomicBool::new(false));
    for signal in SIGNALS {
        // In this order the first signal finds the flag down, and the second finds it up and ends the process.
        flag::register_conditional_shutdown(signal, SIGNAL_EXIT + signal, Arc::clone(&seen))?;
        let number = usize::try_from(signal).unwrap_or_default();
        flag::register_usize(signal, Arc::clone(last), number)?;
        flag::register(signal, Arc::clone(&seen))?;
    }
    let mut signals = Signals::new(SIGNALS)?;
    let act = move || {
        for signal in signals.forever() {
            match &*first() {
                First::Nothing => {}
                First::Asks(interruption) => interruption.flag().store(true, Ordering::Relaxed),
                First::Ends(last_words) => {
                    last_words();
                    // Nothing is torn down: other threads are at work.
                    low_level::exit(SIGNAL_EXIT + signal);
                }
            }
        }
    };
    std::thread::Builder::new().name("signals".to_owned()).spawn(act).map(|_| ())
}

/// The exit code of a command that a signal ended: 130 for Ctrl-C, 143 for SIGTERM.
#[must_use]
pub fn exit_code() -> u8 {
    let last = TAKEN.get().map_or(0, |last| last.load(Ordering::Relaxed));
    let signal = i32::try_from(last).ok().filter(|signal| *signal > 0).unwrap_or(SIGINT);
    u8::try_from(SIGNAL_EXIT + signal).unwrap_or(u8::MAX)
}
