//! Checksums beside files, as Binance publishes them: `NAME.zip.CHECKSUM` holds the SHA-256 and the name.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use sha2::{Digest, Sha256};

use super::container::file_name;
use super::error::ImportError;

const READ_BYTES: usize = 256 * 1024;

/// The most bytes of a checksum file that are read.
const CHECKSUM_BYTES_MAX: u64 = 4096;

/// Compares every file that has a checksum beside it; answers how many have one.
///
/// # Errors
/// [`ImportError::BadFile`] for the first of `files` that is not what its checksum says.
pub(crate) fn verify(files: &[PathBuf]) -> Result<u64, ImportError> {
    let threads = thread::available_parallelism().map_or(1, usize::from).min(files.len());
    let next = AtomicUsize::new(0);
    let work = || {
        let mut found = Vec::new();
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            let Some(file) = files.get(place) else { return found };
            found.push((place, verified(file)));
        }
    };
    let mut all = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let found = workers
            .into_iter()
            .map(|worker| worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        found.flatten().collect::<Vec<_>>()
    });
    all.sort_by_key(|(place, _)| *place);
    all.into_iter().try_fold(0, |count, (_, verified)| Ok(count + u64::from(verified?)))
}

/// Whether the file at `path` has a checksum beside it, which then is right.
fn verified(path: &Path) -> Result<bool, ImportError> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".CHECKSUM");
    let beside = PathBuf::from(beside);
    let file = match File::open(&beside) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(source) => return Err(ImportError::io("open", &beside, source)),
    };
    let mut text = String::new();
    let read = file.take(CHECKSUM_BYTES_MAX).read_to_string(&mut text);
    read.map_err(|source| ImportError::io("read", &beside, source))?;
    let stated = text.split_whitespace().next().unwrap_or_default().to_ascii_lowercase();
    if stated.len() != 64 || !stated.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(ImportError::file(
            file_name(&beside),
            "it holds no SHA-256; fetch it again or remove it",
        ));
    }
    let found = sha256(path)?;
    if found == stated {
        return Ok(true);
    }
    let shown = |digest: &str| digest.chars().take(16).collect::<String>();
    let reason = format!(
        "its SHA-256 begins {} where its checksum file says {}; fetch both again",
        shown(&found),
        shown(&stated)
    );
    Err(ImportError::file(file_name(path), reason))
}

fn sha256(path: &Path) -> Result<String, ImportError> {
    let mut file = File::open(path).map_err(|source| ImportError::io("open", path, source))?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; READ_BYTES];
    loop {
        let read = file.read(&mut buffer).map_err(|source| ImportError::io("read", path, source))?;
        if read == 0 {
            return Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect());
        }
        hasher.update(buffer.get(..read).unwrap_or_default());
    }
}
