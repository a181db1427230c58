//! Ctrl-C and SIGTERM as the wish of the operator that a command end early.
//!
//! A command that can end well listens; it looks at the wish where its work can stop, and what it has done stays whole.
//! The second signal ends it at once. Every other command is ended by the first, as the system does it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use engine_runtime::interruption::Interruption;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// What shells add to the number of a signal for the exit code of what it ended.
const SIGNAL_EXIT: i32 = 128;

/// Which signal came last; zero before the first.
static LAST: OnceLock<Arc<AtomicUsize>> = OnceLock::new();

/// Begins to take signals for the wish to end early, and answers that wish.
///
/// # Errors
/// What the system says when it does not let signals be taken.
pub fn listen() -> std::io::Result<Interruption> {
    let interruption = Interruption::default();
    let last = LAST.get_or_init(Arc::default);
    for signal in [SIGINT, SIGTERM] {
        // In this order the first signal finds the flag down, and the second finds it up and ends the process.
        flag::register_conditional_shutdown(signal, SIGNAL_EXIT + signal, interruption.flag())?;
        let number = usize::try_from(signal).unwrap_or_default();
        flag::register_usize(signal, Arc::clone(last), number)?;
        flag::register(signal, interruption.flag())?;
    }
    Ok(interruption)
}

/// The exit code of a command that a signal ended: 130 for Ctrl-C, 143 for SIGTERM.
#[must_use]
pub fn exit_code() -> u8 {
    let last = LAST.get().map_or(0, |last| last.load(Ordering::Relaxed));
    let signal = i32::try_from(last).ok().filter(|signal| *signal > 0).unwrap_or(SIGINT);
    u8::try_from(SIGNAL_EXIT + signal).unwrap_or(u8::MAX)
}
