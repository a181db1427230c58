//! Values that several commands read from the command line.

use clap::Args;
use engine_application::config::{Assignment, AssignmentError};
use engine_application::moment::parse_moment;
use engine_core::time::Timestamp;
use serde_json::Value;

/// A moment, as in `2024-01-31` or `2024-01-31T12:00:00Z`.
///
/// # Errors
/// The forms that are read, in words.
pub(in crate::commands) fn moment(text: &str) -> Result<Timestamp, String> {
    parse_moment(text).ok_or_else(|| "a day or moment, as in 2024-01-31 or 2024-01-31T12:00:00Z".to_owned())
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
    /// The settings, in the order they apply.
    pub(in crate::commands) fn assignments(&self) -> Vec<Assignment> {
        let moment = |key: &str, moment: &Option<String>| {
            moment.as_ref().map(|moment| Assignment::new(&["run", key], Value::from(moment.as_str())))
        };
        let (from, to) = (moment("from", &self.from), moment("to", &self.to));
        from.into_iter().chain(to).chain(self.set.iter().cloned()).collect()
    }

    /// The words of the command line that give them again, each with a blank before it.
    pub(in crate::commands) fn words(&self) -> String {
        let quoted = |assignment: &Assignment| assignment.to_string().replace('\'', "'\\''");
        self.assignments().iter().map(|assignment| format!(" --set '{}'", quoted(assignment))).collect()
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
