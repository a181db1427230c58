//! `doctor`: whether a configuration could be traded on live prices now.

use std::path::PathBuf;

use clap::Args;
use engine_application::config::RunSettings;
use engine_application::wiring::paper::{Check, Health, examine};
use serde_json::json;

use super::arguments::{ConfigOrExample, GivenSettings};
use crate::output::failure::{Failure, Verdict};
use crate::output::terminal::Terminal;

/// `engine doctor`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("settings").required(true))]
pub struct DoctorArgs {
    /// The configuration to look at.
    #[command(flatten)]
    pub chosen: ConfigOrExample,
    /// Settings that take the place of the configuration's.
    #[command(flatten)]
    pub given: GivenSettings,
    /// Where the run would lie; its disk is looked at.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub run: PathBuf,
    /// The key it would be signed with; the key of the user when absent.
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
}

/// Runs `engine doctor`.
///
/// # Errors
/// [`Failure`] when the configuration cannot be read. What a run would lack is a finding.
pub fn doctor(terminal: Terminal, args: &DoctorArgs) -> Result<Verdict, Failure> {
    let assignments = args.given.assignments()?;
    let Some(config) = args.chosen.read()? else {
        return Err(Failure::request("name a configuration or an --example".to_owned()));
    };
    let settings = RunSettings::read_toml_with(&config.name, &config.text, &assignments)?;
    let checks = examine(&settings, &args.run, args.key.as_deref());
    let is_broken = checks.iter().any(|check| check.health == Health::Broken);
    let document = json!({ "can_begin": !is_broken, "checks": checks });
    let text: String = checks.iter().map(line_of).collect();
    terminal.answer(&document, &text)?;
    Ok(Verdict::finding_if(is_broken))
}

fn line_of(check: &Check) -> String {
    let word = match check.health {
        Health::Sound => "sound",
        Health::Doubtful => "doubtful",
        Health::Broken => "BROKEN",
    };
    format!("{word:<9} {:<14} {}\n", check.name, check.found)
}
