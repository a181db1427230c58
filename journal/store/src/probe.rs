//! Opening a suspect store where it can do no harm: on a copy, and in another process where one is known.
//!
//! sled may panic, abort, hang or quietly throw data away when its files are damaged. A program that can check
//! a store in a child process says so once with [`install`]; the child calls [`child_main`]. A program that
//! cannot checks the copy in its own process, where at least a panic is caught.

use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use engine_runtime::ports::JournalError;

use crate::disk;
use crate::marker;
use crate::sled_store::{self, Layout, Purpose, STORE, SledStore};

const ANSWER: &str = "journal-store probe: sound";
const PATIENCE: Duration = Duration::from_secs(60);
const PATIENCE_PER_MIB: Duration = Duration::from_millis(50);

static CHILD: OnceLock<(PathBuf, Vec<OsString>)> = OnceLock::new();

/// Says which program checks a store: it is run with `arguments`, the segment size and the store's folder, and
/// must call [`child_main`] with the last two. The first call counts.
pub fn install(program: PathBuf, arguments: Vec<OsString>) {
    let _ = CHILD.set((program, arguments));
}

/// Opens the store in `store_dir` and reads everything in it; for the hidden command of the child process.
/// Answers its exit code: 0 when everything could be read. Prints one line when the store is sound.
#[must_use]
pub fn child_main(segment_bytes: usize, store_dir: &Path) -> i32 {
    let layout = Layout { segment_bytes };
    match read_everything(store_dir, layout) {
        Ok(()) => {
            println!("{ANSWER}");
            0
        }
        Err(error) => {
            eprintln!("{error}");
            1
        }
    }
}

fn read_everything(store: &Path, layout: Layout) -> Result<(), JournalError> {
    let db = sled_store::open_db(store, layout, Purpose::Read)?;
    sled_store::shielded(store, || {
        for name in db.tree_names() {
            for entry in &db.open_tree(name)? {
                entry?;
            }
        }
        Ok(())
    })?;
    sled_store::shielded(store, || {
        drop(db);
        Ok(())
    })
}

/// A copy of a suspect store, probed and open for inspection; removed when dropped.
#[derive(Debug)]
pub(crate) struct StoreCopy {
    store: Option<SledStore>,
    folder: PathBuf,
}

impl StoreCopy {
    /// Copies the store of the journal in `dir`, probes the copy and opens it.
    pub(crate) fn make(dir: &Path, layout: Layout) -> Result<Self, JournalError> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = dir.join(format!("probe-{}-{number}", std::process::id()));
        let mut copy = Self { store: None, folder };
        let bytes = copy_store(&dir.join(STORE), &copy.folder.join(STORE))?;
        check(&copy.folder.join(STORE), layout, bytes)?;
        copy.store = Some(SledStore::open_unchecked(&copy.folder, layout, Purpose::Inspect)?);
        Ok(copy)
    }

    pub(crate) fn store(&self) -> Result<&SledStore, JournalError> {
        self.store.as_ref().ok_or_else(|| JournalError::Store {
            path: self.folder.display().to_string(),
            reason: "the copy is closed".into(),
        })
    }
}

impl Drop for StoreCopy {
    fn drop(&mut self) {
        self.store = None;
        // What cannot be removed is only in the way; the next copy has another name.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn copy_store(from: &Path, to: &Path) -> Result<u64, JournalError> {
    let mut total = 0_u64;
    for path in marker::files_below(from)? {
        let target = to.join(path.strip_prefix(from).unwrap_or(&path));
        let parent = target.parent().unwrap_or(to);
        std::fs::create_dir_all(parent).map_err(|error| disk::io_error("create", parent, error))?;
        let bytes = std::fs::copy(&path, &target).map_err(|error| disk::io_error("copy", &path, error))?;
        total = total.saturating_add(bytes);
    }
    Ok(total)
}

fn check(copy: &Path, layout: Layout, bytes: u64) -> Result<(), JournalError> {
    let Some((program, arguments)) = CHILD.get() else { return read_everything(copy, layout) };
    let mut command = Command::new(program);
    command.args(arguments).arg(layout.segment_bytes.to_string()).arg(copy);
    let mib = u32::try_from(bytes >> 20).unwrap_or(u32::MAX);
    let patience = PATIENCE.saturating_add(PATIENCE_PER_MIB.saturating_mul(mib));
    let failed = |reason: String| JournalError::Store { path: copy.display().to_string(), reason };
    let answer = answer_within(command, patience).map_err(|error| disk::io_error("run", program, error))?;
    match answer {
        None => Err(failed("it does not come to an end of opening; run verify, then rebuild".into())),
        Some((true, output, _)) if output.contains(ANSWER) => Ok(()),
        Some((_, _, errors)) => {
            let told = errors.lines().last().unwrap_or("it ends the process that opens it").to_owned();
            Err(failed(format!("a copy of it cannot be read: {told}; run verify, then rebuild")))
        }
    }
}

type Answer = (bool, String, String);

/// Runs a command to its end, or ends it when it takes longer than `patience`.
fn answer_within(mut command: Command, patience: Duration) -> std::io::Result<Option<Answer>> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    let end = Instant::now() + patience;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if Instant::now() >= end {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    let text = |pipe: Option<&mut dyn Read>| {
        let mut bytes = Vec::new();
        pipe.map_or(Ok(0), |pipe| pipe.take(64 << 10).read_to_end(&mut bytes))?;
        std::io::Result::Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    let output = text(child.stdout.as_mut().map(|pipe| pipe as &mut dyn Read))?;
    let errors = text(child.stderr.as_mut().map(|pipe| pipe as &mut dyn Read))?;
    Ok(Some((status.success(), output, errors)))
}
