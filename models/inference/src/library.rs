//! ONNX Runtime: where the library is looked for, and whether it can be used.
//!
//! The program is built without it. It is loaded once in a process, from the first of these places that names one:
//! a path given explicitly, the environment variable `ORT_DYLIB_PATH`, and `vendor/onnxruntime` in the working
//! directory or above the program, where `.ci/fetch-onnxruntime` puts it.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use ort::environment::Environment;

/// The variable that names the library when no path is given.
pub const LIBRARY_VARIABLE: &str = "ORT_DYLIB_PATH";

/// The least version of ONNX Runtime that works.
pub const LEAST_VERSION: &str = "1.24";

/// How to get the library, for messages.
const REMEDY: &str = "run .ci/fetch-onnxruntime, or name the file in ORT_DYLIB_PATH";

/// How many folders above the program are looked into: `target/release/engine` lies two below its project.
const FOLDERS_ABOVE: usize = 3;

/// The one library of this process; there can be no second.
static LOADED: Mutex<Option<Library>> = Mutex::new(None);

/// ONNX Runtime, loaded and ready to open models.
#[derive(Debug, Clone)]
pub struct Library {
    path: PathBuf,
    version: String,
    pub(crate) environment: Environment,
}

/// Why ONNX Runtime cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LibraryError {
    /// It is nowhere. Fetch it.
    #[error("find ONNX Runtime: neither ORT_DYLIB_PATH nor vendor/onnxruntime has it; {REMEDY}")]
    NotFound,
    /// The path that was asked for is not there. Correct it, or fetch the library.
    #[error("load ONNX Runtime from {path}: there is no such file; {REMEDY}")]
    Missing {
        /// The path.
        path: PathBuf,
    },
    /// The file is older than this program can use. Fetch a newer one.
    #[error(
        "load ONNX Runtime from {path}: version {version} is too old, {LEAST_VERSION} is needed; {REMEDY}"
    )]
    TooOld {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: String,
    },
    /// The file is no ONNX Runtime, or not one for this machine. Fetch it again.
    #[error("load ONNX Runtime from {path}: {reason}; {REMEDY}")]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What the loader or the library says.
        reason: String,
    },
    /// Another file was loaded before; a process can hold one only. Name the same file everywhere.
    #[error("load ONNX Runtime from {path}: this process has loaded {loaded} already; name one library only")]
    OtherLoaded {
        /// The file asked for.
        path: PathBuf,
        /// The file in use.
        loaded: PathBuf,
    },
}

impl Library {
    /// Loads the library from `path`, or from where it is found; the one loaded before when it is the same.
    ///
    /// # Errors
    /// [`LibraryError`] when there is none, or none that can be used.
    pub fn load(path: Option<&Path>) -> Result<Self, LibraryError> {
        let path = match path {
            Some(path) => path.to_owned(),
            None => find(&Places::of_process()).ok_or(LibraryError::NotFound)?,
        };
        let Ok(path) = path.canonicalize() else { return Err(LibraryError::Missing { path }) };
        // A poisoned lock means that a load panicked; what it left is still either nothing or a whole library.
        let mut loaded = LOADED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(library) = loaded.as_ref() {
            let same = library.path == path;
            let other = || LibraryError::OtherLoaded { path, loaded: library.path.clone() };
            return if same { Ok(library.clone()) } else { Err(other()) };
        }
        let library = Self::open(path)?;
        *loaded = Some(library.clone());
        Ok(library)
    }

    fn open(path: PathBuf) -> Result<Self, LibraryError> {
        let unusable =
            |reason: String| LibraryError::Unusable { path: path.clone(), reason: one_line(&reason) };
        let builder = ort::init_from(&path).map_err(|error| match error {
            ort::LoadDynamicError::Dlopen { error, .. } => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                unusable(cause.unwrap_or_else(|| error.to_string()))
            }
            ort::LoadDynamicError::MissingApi { .. } => unusable("it is another library".to_owned()),
            ort::LoadDynamicError::InvalidVersionString => unusable("its version is no text".to_owned()),
            ort::LoadDynamicError::BadVersion { version_str, .. } => {
                LibraryError::TooOld { path: path.clone(), version: version_str }
            }
        })?;
        // What the library would print comes back as errors; the terminal is the program's.
        let quiet = std::sync::Arc::new(|_: ort::logging::LogLevel, _: &str, _: &str, _: &str, _: &str| {});
        let environment = builder.with_name("engine").with_telemetry(false).with_logger(quiet).build();
        let environment = environment.map_err(|error| unusable(error.to_string()))?;
        environment.set_log_level(ort::logging::LogLevel::Error);
        Ok(Self { version: version_of(&path, ort::info()), path, environment })
    }

    /// The file it was loaded from.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its version, as in `1.31.1`, or the commit it was built from where neither file name nor build say more.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Name and version, as recorded when a run opens.
    #[must_use]
    pub fn name(&self) -> String {
        format!("onnxruntime {}", self.version)
    }
}

/// Where a library that nobody named is looked for.
#[derive(Debug, Default)]
struct Places {
    variable: Option<PathBuf>,
    folders: Vec<PathBuf>,
}

impl Places {
    fn of_process() -> Self {
        let variable = std::env::var_os(LIBRARY_VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from);
        let program = std::env::current_exe().unwrap_or_default();
        let above = program.ancestors().skip(1).take(FOLDERS_ABOVE).map(Path::to_owned);
        let folders = std::env::current_dir().into_iter().chain(above).collect();
        Self { variable, folders }
    }
}

fn find(places: &Places) -> Option<PathBuf> {
    places.variable.clone().or_else(|| places.folders.iter().find_map(|folder| vendored(folder)))
}

/// The newest library in `vendor/onnxruntime/VERSION-KIND` of a folder; of two with one version the one with CUDA.
#[must_use]
pub fn vendored(folder: &Path) -> Option<PathBuf> {
    let kinds = std::fs::read_dir(folder.join("vendor/onnxruntime")).ok()?;
    let found = kinds.filter_map(|entry| {
        let kind = entry.ok()?.file_name().into_string().ok()?;
        let (version, kind_name) = kind.split_once('-')?;
        let file = folder.join("vendor/onnxruntime").join(&kind).join(file_name(version));
        let numbers: Vec<u32> = version.split('.').map_while(|part| part.parse().ok()).collect();
        file.is_file().then(|| ((numbers, kind_name.to_owned()), file))
    });
    found.max().map(|(_, file)| file)
}

fn file_name(version: &str) -> String {
    if cfg!(target_os = "macos") {
        return format!("libonnxruntime.{version}.dylib");
    }
    format!("libonnxruntime.so.{version}")
}

/// The version in a library's file name, or else in what it says of its build, or else the commit it was built from.
fn version_of(path: &Path, build: &str) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let words = build.split(|letter: char| letter == ',' || letter == '-' || letter.is_whitespace());
    let named = name.split_once(".so.").map(|(_, version)| version);
    let candidates = named.into_iter().chain(words);
    let version = |word: &&str| {
        word.contains('.') && word.split('.').all(|part| !part.is_empty() && part.parse::<u32>().is_ok())
    };
    if let Some(version) = candidates.into_iter().find(version) {
        return version.to_owned();
    }
    let commit = build.split(|letter: char| letter == ',' || letter.is_whitespace());
    let commit = commit.filter_map(|word| word.strip_prefix("git-commit-id=")).find(|id| !id.is_empty());
    commit.map_or_else(|| "unknown".to_owned(), |id| format!("commit {id}"))
}

/// What the library says, as a fragment of one line, without the place in its sources and its number of the error:
/// `FILE.cc:1 FUNCTION [ONNXRuntimeError] : 1 : FAIL : TEXT.` becomes `TEXT`.
pub(crate) fn one_line(text: &str) -> String {
    let text = match text.split_once("[ONNXRuntimeError]") {
        Some((_, numbered)) => numbered.splitn(4, " : ").last().unwrap_or(numbered),
        None => text,
    };
    text.split_whitespace().collect::<Vec<_>>().join(" ").trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vendor(folder: &Path, kind: &str, version: &str) -> PathBuf {
        let path = folder.join("vendor/onnxruntime").join(kind);
        std::fs::create_dir_all(&path).unwrap();
        let file = path.join(file_name(version));
        std::fs::write(&file, "").unwrap();
        file
    }

    #[test]
    fn the_newest_library_is_taken_and_the_variable_goes_before_all() {
        let folder = tempfile::tempdir().unwrap();
        let mut places = Places { variable: None, folders: vec!["/nowhere".into(), folder.path().into()] };
        assert_eq!(find(&places), None);
        vendor(folder.path(), "1.9.0-cpu", "1.9.0");
        let newest = vendor(folder.path(), "1.31.1-cpu", "1.31.1");
        std::fs::create_dir_all(folder.path().join("vendor/onnxruntime/2.0.0-cpu")).unwrap();
        std::fs::create_dir_all(folder.path().join("vendor/onnxruntime/.half-abc")).unwrap();
        assert_eq!(find(&places).as_deref(), Some(newest.as_path()));
        let with_cuda = vendor(folder.path(), "1.31.1-gpu", "1.31.1");
        assert_eq!(find(&places).as_deref(), Some(with_cuda.as_path()));
        places.variable = Some("elsewhere.so".into());
        assert_eq!(find(&places), Some("elsewhere.so".into()));
    }

    #[test]
    fn a_version_is_read_from_the_file_name_or_the_build() {
        let build = "ORT Build Info: git-branch=rel-1.31.1, git-commit-id=ab, build type=Release";
        for (path, expected) in [
            ("/a/libonnxruntime.so.1.24.0", "1.24.0"),
            ("/a/libonnxruntime.so", "1.31.1"),
            ("/a/libonnxruntime.so.gz", "1.31.1"),
        ] {
            assert_eq!(version_of(Path::new(path), build), expected, "{path}");
        }
        let unnumbered = "ORT Build Info: git-branch=HEAD, git-commit-id=1a2b, build type=Release";
        assert_eq!(version_of(Path::new("/a/lib.so"), unnumbered), "commit 1a2b");
        assert_eq!(version_of(Path::new("/a/lib.so"), ""), "unknown");
    }

    #[test]
    fn a_library_that_is_not_there_or_no_library_is_named_in_one_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("libonnxruntime.so");
        let missing = Library::load(Some(&path)).unwrap_err();
        assert!(matches!(missing, LibraryError::Missing { .. }), "{missing}");
        std::fs::write(&path, "no library").unwrap();
        // Whether or not another test has loaded the real one by now, this one is refused.
        let refused = Library::load(Some(&path)).unwrap_err();
        let said = refused.to_string();
        assert!(said.contains("libonnxruntime.so") && !said.contains('\n'), "{said}");
        assert!(
            matches!(refused, LibraryError::Unusable { .. } | LibraryError::OtherLoaded { .. }),
            "{said}"
        );
    }

    #[test]
    fn what_the_library_says_becomes_one_line_without_its_numbers() {
        let said =
            "/src/bridge.cc:2043 Get() [ONNXRuntimeError] : 1 : FAIL : Failed to load\n libcuda.so : none.\n";
        assert_eq!(one_line(said), "Failed to load libcuda.so : none");
        assert_eq!(one_line("CUDA is not enabled."), "CUDA is not enabled");
        assert_eq!(one_line("[ONNXRuntimeError] odd"), "odd");
    }

    #[test]
    fn what_is_missing_too_old_or_foreign_says_what_to_do() {
        let path = PathBuf::from("/a/lib.so");
        let errors = [
            LibraryError::NotFound,
            LibraryError::TooOld { path: path.clone(), version: "1.23.2".into() },
            LibraryError::Unusable { path, reason: "it is another library".into() },
        ];
        for error in errors {
            assert!(error.to_string().ends_with(REMEDY), "{error}");
        }
    }
}
