//! What a person accepts of an account, on its way into a run: a file in its directory that the running process takes.
//!
//! The file is gone once it is taken. What it says counts only for the differences that the person has seen: the core compares
//! them with its own.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use engine_core::event::{AccountAcceptance, AccountEvent, Input};
use engine_runtime::ports::Inlet;
use engine_venues::market_venue::Notices;
use journal_store::small_file::{SMALL_BYTES_MAX, read_text};

use super::super::error::ApplicationError;

/// The name of the file in the directory of a run.
const FILE: &str = "accept.json";

/// How often a run looks for it.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// How long whoever hands one over waits until it is taken.
const TAKEN_WITHIN: Duration = Duration::from_secs(5);

/// Hands `acceptance` to the process that runs `run`, and waits until it has taken it.
///
/// # Errors
/// [`ApplicationError::Request`] where nobody takes it, or it cannot be written; then nothing stays.
pub fn hand_over(run: &Path, acceptance: &AccountAcceptance) -> Result<(), ApplicationError> {
    let path = run.join(FILE);
    let refused = |reason: String| {
        ApplicationError::Request(format!("accept what the venue of {} says: {reason}", run.display()))
    };
    let text = serde_json::to_string(acceptance).map_err(|error| refused(error.to_string()))?;
    // Under a name of its own first: a run must never take half of it, nor two persons write one.
    let mut draft = tempfile::NamedTempFile::new_in(run).map_err(|error| refused(error.to_string()))?;
    draft
        .write_all(text.as_bytes())
        .and_then(|()| draft.as_file().sync_all())
        .map_err(|error| refused(error.to_string()))?;
    draft
        .persist_noclobber(&path)
        .map_err(|error| refused(format!("{}: {}", path.display(), error.error)))?;
    let begun = Instant::now();
    while begun.elapsed() < TAKEN_WITHIN {
        if !path.exists() {
            return Ok(());
        }
        thread::sleep(LOOK_EVERY);
    }
    match fs::remove_file(&path) {
        // It was taken in the last moment.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(refused(error.to_string())),
        Ok(()) => Err(refused(
            "no process takes it; begin it with `engine live`, and accept once it says that they differ"
                .to_owned(),
        )),
    }
}

/// Looks for what is handed over until it is dropped.
#[derive(Debug)]
pub(crate) struct AcceptanceDesk {
    is_over: Arc<AtomicBool>,
}

impl AcceptanceDesk {
    /// Looks in the directory `run`, tells what it takes through `inlet`, and what it cannot read as a notice.
    ///
    /// # Errors
    /// What the operating system says when it gives no thread.
    pub(crate) fn begin(run: &Path, inlet: Inlet, notices: Notices) -> io::Result<Self> {
        let is_over = Arc::new(AtomicBool::new(false));
        let (path, ends) = (run.join(FILE), Arc::clone(&is_over));
        thread::Builder::new().name("acceptance".to_owned()).spawn(move || {
            while !ends.load(Ordering::Relaxed) {
                if !look(&path, &inlet, &notices) {
                    break;
                }
                thread::sleep(LOOK_EVERY);
            }
        })?;
        Ok(Self { is_over })
    }
}

impl Drop for AcceptanceDesk {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}

/// Takes what lies there; answers whether anyone listens.
fn look(path: &PathBuf, inlet: &Inlet, notices: &Notices) -> bool {
    if !path.exists() {
        return true;
    }
    let text = read_text(path, SMALL_BYTES_MAX);
    // Only what is gone from there is told, so that it is never told twice.
    if let Err(error) = fs::remove_file(path) {
        notices(&format!("{}: {error}", path.display()));
        return true;
    }
    let read = text.map_err(|error| error.to_string());
    let read = read
        .and_then(|text| serde_json::from_str::<AccountAcceptance>(&text).map_err(|error| error.to_string()));
    match read {
        Ok(acceptance) => inlet(Input::Account(Box::new(AccountEvent::Accepted(acceptance)))),
        Err(error) => {
            notices(&format!("{} cannot be read and is passed over: {error}", path.display()));
            true
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    fn acceptance() -> AccountAcceptance {
        AccountAcceptance { by: "owner".into(), reason: "a deposit".into(), differences: Vec::new() }
    }

    fn desk(
        run: &Path,
    ) -> (AcceptanceDesk, std::sync::mpsc::Receiver<Input>, std::sync::mpsc::Receiver<String>) {
        let ((tell, told), (say, said)) = (channel(), channel());
        let say = std::sync::Mutex::new(say);
        let notices: Notices = Arc::new(move |line: &str| {
            let _ = say.lock().unwrap().send(line.to_owned());
        });
        let inlet: Inlet = Box::new(move |input| tell.send(input).is_ok());
        (AcceptanceDesk::begin(run, inlet, notices).unwrap(), told, said)
    }

    #[test]
    fn what_is_handed_over_is_taken_once() {
        let run = tempfile::tempdir().unwrap();
        let (_desk, told, _) = desk(run.path());
        hand_over(run.path(), &acceptance()).unwrap();
        let taken = told.recv_timeout(Duration::from_secs(5)).unwrap();
        assert_eq!(taken, Input::Account(Box::new(AccountEvent::Accepted(acceptance()))));
        assert!(told.recv_timeout(Duration::from_millis(500)).is_err());
        assert!(fs::read_dir(run.path()).unwrap().next().is_none());
    }

    #[test]
    fn where_nobody_takes_it_nothing_stays() {
        let run = tempfile::tempdir().unwrap();
        let refused = hand_over(run.path(), &acceptance()).unwrap_err().to_string();
        assert!(refused.contains("no process takes it"), "{refused}");
        assert!(fs::read_dir(run.path()).unwrap().next().is_none());
    }

    #[test]
    fn what_cannot_be_read_is_said_and_passed_over() {
        let run = tempfile::tempdir().unwrap();
        fs::write(run.path().join(FILE), "{").unwrap();
        let (_desk, told, said) = desk(run.path());
        assert!(said.recv_timeout(Duration::from_secs(5)).unwrap().contains("passed over"));
        assert!(told.try_recv().is_err() && !run.path().join(FILE).exists());
    }
}
