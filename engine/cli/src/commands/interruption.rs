//! How the long commands end when their operator asks for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use engine_core::time::Span;
use engine_runtime::interruption::Interruption;

use crate::output::failure::Failure;
use crate::output::terminal::Terminal;
use crate::signals;

/// Begins to listen for the wish that the command end early.
///
/// # Errors
/// [`Failure`] when the system does not let signals be taken.
pub(in crate::commands) fn listen() -> Result<Interruption, Failure> {
    signals::listen().map_err(|error| untaken(&error))
}

/// Ends the command at the first signal, saying what is `kept` of its work.
///
/// # Errors
/// As [`listen`].
pub(in crate::commands) fn ends_keeping(
    terminal: Terminal,
    kept: impl Fn() -> String + Send + 'static,
) -> Result<(), Failure> {
    let last_words = move || {
        let failure = Failure::interrupted(kept());
        if terminal.json {
            // When even this cannot be written, the exit code has to do.
            let _ = terminal.answer(&failure.document(), "");
        }
        terminal.note(&format!("engine: {}", failure.line()));
    };
    signals::end_at_once(last_words).map_err(|error| untaken(&error))
}

/// The same for a command that keeps nothing of its work.
///
/// # Errors
/// As [`listen`].
pub(in crate::commands) fn ends_keeping_nothing(terminal: Terminal) -> Result<(), Failure> {
    ends_keeping(terminal, || "nothing was written".to_owned())
}

/// Reads a span of time of the command line.
///
/// # Errors
/// A sentence with examples.
pub(in crate::commands) fn span(text: &str) -> Result<Span, String> {
    let span = text.parse::<Span>().ok().filter(|span| span.is_positive());
    span.ok_or_else(|| "a span of time, as in 90s, 5m or 8h".to_owned())
}

/// Asks for the end after `span`; the flag says whether it did.
///
/// # Errors
/// [`Failure`] when the system gives no thread.
pub(in crate::commands) fn ends_after(
    span: Span,
    interruption: &Interruption,
) -> Result<Arc<AtomicBool>, Failure> {
    let over = Arc::new(AtomicBool::new(false));
    let (flag, theirs) = (interruption.flag(), Arc::clone(&over));
    let wait = Duration::from_nanos(u64::try_from(span.nanos()).unwrap_or_default());
    let wake = move || {
        std::thread::sleep(wait);
        if !flag.swap(true, Ordering::Relaxed) {
            theirs.store(true, Ordering::Relaxed);
        }
    };
    let thread = std::thread::Builder::new().name("planned end".to_owned()).spawn(wake);
    thread.map_err(|error| Failure::request(format!("begin a thread that ends the work: {error}")))?;
    Ok(over)
}

fn untaken(error: &std::io::Error) -> Failure {
    Failure::request(format!("listen for signals: {error}"))
}
