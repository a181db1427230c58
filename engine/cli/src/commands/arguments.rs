//! Values that several commands read from the command line.

use std::path::PathBuf;

use clap::Args;
use engine_application::byte_size::{BYTES_FORM, parse_bytes};
use engine_application::config::{Assignment, AssignmentError, Clash, ConfigError, clash};
use engine_application::moment::parse_moment;
use engine_core::time::Timestamp;
use journal_store::small_file::{SMALL_BYTES_MAX, read_text};
use serde_json::Value;

use super::examples::example_named;
use crate::output::failure::Failure;

/// A moment, as in `2024-01-31` or `2024-01-31T12:00:00Z`.
///
/// # Errors
/// The forms that are read, in words.
pub(in crate::commands) fn moment(text: &str) -> Result<Timestamp, String> {
    parse_moment(text).ok_or_else(|| "a day or moment, as in 2024-01-31 or 2024-01-31T12:00:00Z".to_owned())
}

/// A size on disk, as in `20GiB`.
///
/// # Errors
/// The form that is read, in words.
pub(in crate::commands) fn size(text: &str) -> Result<u64, String> {
    parse_bytes(text).ok_or_else(|| BYTES_FORM.to_owned())
}

/// Settings that take the place of those in a configuration.
#[derive(Debug, Clone, Default, Args)]
pub struct GivenSettings {
    /// Read no record before this moment: run.from.
    #[arg(long, value_name = "TIME")]
    pub from: Option<String>,
    /// Read no record at or after this moment: run.to.
    #[arg(long, value_name = "TIME")]
    pub to: Option<String>,
    /// Set a key of the configuration, as in strategy.fast=20; may be given several times.
    #[arg(long, value_name = "KEY=VALUE", value_parser = assignment)]
    pub set: Vec<Assignment>,
}

impl GivenSettings {
    /// The settings with the words that give them, in the order they apply.
    fn given(&self) -> impl Iterator<Item = (Assignment, String)> {
        let moment = |key: &'static str, moment: &Option<String>| {
            moment.clone().map(|moment| {
                let words = format!("--{key} {moment}");
                (Assignment::new(&["run", key], Value::from(moment)), words)
            })
        };
        let set = |assignment: &Assignment| (assignment.clone(), format!("--set {assignment}"));
        let (from, to) = (moment("from", &self.from), moment("to", &self.to));
        from.into_iter().chain(to).chain(self.set.iter().map(set))
    }

    /// The settings, in the order they apply.
    ///
    /// # Errors
    /// [`Failure`] that names two of them that are about one setting.
    pub(in crate::commands) fn assignments(&self) -> Result<Vec<Assignment>, Failure> {
        let (assignments, words): (Vec<Assignment>, Vec<String>) = self.given().unzip();
        let Some(Clash { one, other }) = clash(&assignments) else { return Ok(assignments) };
        let [one, other] = [one, other].map(|place| words.get(place).map(String::as_str).unwrap_or_default());
        Err(Failure::request(format!("use {one} and {other}: both are about one setting; give one of them")))
    }

    /// The words of the command line that give them again, each with a blank before it.
    pub(in crate::commands) fn words(&self) -> String {
        let quoted = |assignment: &Assignment| assignment.to_string().replace('\'', "'\\''");
        self.given().map(|(assignment, _)| format!(" --set '{}'", quoted(&assignment))).collect()
    }
}

/// The configuration a command works with: a file, or one that comes with the program.
#[derive(Debug, Clone, Default, Args)]
pub struct ConfigOrExample {
    /// The configuration; `engine help CONFIG` explains every key.
    #[arg(value_name = "CONFIG.toml", group = "settings")]
    pub config: Option<PathBuf>,
    /// A configuration that comes with the program; `engine examples` lists them.
    #[arg(long, value_name = "NAME", group = "settings")]
    pub example: Option<String>,
}

/// A configuration as it was written.
#[derive(Debug, Clone)]
pub(in crate::commands) struct ConfigText {
    /// How messages name it.
    pub(in crate::commands) name: String,
    /// How a command line names it.
    pub(in crate::commands) words: String,
    /// What stands in it.
    pub(in crate::commands) text: String,
}

impl ConfigOrExample {
    /// The configuration that was named; `None` where none was.
    ///
    /// # Errors
    /// [`Failure`] when the file cannot be read or no example has the name.
    pub(in crate::commands) fn read(&self) -> Result<Option<ConfigText>, Failure> {
        match (&self.config, &self.example) {
            (Some(path), _) => {
                let name = path.display().to_string();
                match read_text(path, SMALL_BYTES_MAX) {
                    Ok(text) => Ok(Some(ConfigText { words: name.clone(), name, text })),
                    Err(source) => Err(ConfigError::Unreadable { path: name, source }.into()),
                }
            }
            (None, Some(name)) => {
                let example = example_named(name)?;
                let (name, words) = (format!("{name}.toml"), format!("--example {}", example.name));
                Ok(Some(ConfigText { name, words, text: example.text.to_owned() }))
            }
            (None, None) => Ok(None),
        }
    }
}

impl ConfigText {
    /// The failure with the assignment, or the line of this configuration, whose setting does not suit the data.
    pub(in crate::commands) fn blame(&self, failure: Failure, assignments: &[Assignment]) -> Failure {
        if let Failure::Application(error) = failure {
            return Failure::Application(error.in_config(&self.name, &self.text, assignments));
        }
        failure
    }
}

fn assignment(text: &str) -> Result<Assignment, AssignmentError> {
    text.parse()
}

/// A number of draws that gives quantiles and ends.
///
/// # Errors
/// The allowed range, in words.
pub(in crate::commands) fn draws(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| (100..=1_000_000).contains(number));
    number.ok_or_else(|| "a whole number from 100 to 1000000".to_owned())
}
