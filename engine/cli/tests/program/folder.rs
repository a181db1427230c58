//! A folder of its own, in which the program runs and keeps its key.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// A folder that is gone after the test.
pub(crate) struct Folder {
    pub(crate) dir: tempfile::TempDir,
    /// The file of ONNX Runtime that the program is told of, if any.
    pub(crate) library: Option<PathBuf>,
}

impl Folder {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), library: None }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    /// The program with the words of `line`, in this folder.
    pub(crate) fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_engine"));
        command.args(line.split_whitespace()).current_dir(self.dir.path());
        command.env("XDG_CONFIG_HOME", self.path("config")).env("HOME", self.dir.path());
        if let Some(library) = &self.library {
            command.env("ORT_DYLIB_PATH", library);
        }
        command
    }

    pub(crate) fn run(&self, line: &str) -> Output {
        self.command(line).output().unwrap()
    }

    /// The text answer of a command that must end with `code`.
    pub(crate) fn text_ending(&self, line: &str, code: i32) -> String {
        text_of(line, self.run(line), code)
    }

    /// The text answer of a command that must end well.
    pub(crate) fn text(&self, line: &str) -> String {
        self.text_ending(line, 0)
    }

    /// The JSON answer of a command that must end with `code`.
    pub(crate) fn json(&self, line: &str, code: i32) -> Value {
        let text = self.text_ending(&format!("{line} --json"), code);
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{line}: {error}: {text}"))
    }

    /// The JSON answer of a command that must end well.
    pub(crate) fn answer(&self, line: &str) -> Value {
        self.json(line, 0)
    }

    /// The JSON answer of a command that must end well, and its notes beside it.
    pub(crate) fn json_and_notes(&self, line: &str) -> (Value, String) {
        let output = self.run(&format!("{line} --json"));
        let notes = String::from_utf8(output.stderr.clone()).unwrap();
        (serde_json::from_str(&text_of(line, output, 0)).unwrap(), notes)
    }

    /// The one line that a command which could not run says.
    pub(crate) fn refusal(&self, line: &str) -> String {
        refusal_of(line, self.run(line))
    }

    /// The same of a command that is told of another file of ONNX Runtime.
    pub(crate) fn refusal_with(&self, library: &Path, line: &str) -> String {
        refusal_of(line, self.command(line).env("ORT_DYLIB_PATH", library).output().unwrap())
    }
}

fn text_of(line: &str, output: Output, code: i32) -> String {
    let text = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{line}: {text} {errors}");
    text
}

fn refusal_of(line: &str, output: Output) -> String {
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{line}: {errors}");
    assert_eq!(errors.lines().count(), 1, "{line}: {errors}");
    assert!(output.stdout.is_empty(), "{line} answers although it could not run");
    errors
}
