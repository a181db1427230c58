//! How the long commands end when their operator asks for it.

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

fn untaken(error: &std::io::Error) -> Failure {
    Failure::request(format!("listen for signals: {error}"))
}
