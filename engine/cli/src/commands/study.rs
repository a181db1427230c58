//! `study`: questions about strategies, each answered over market data by one command.

use clap::Subcommand;

use crate::output::failure::{Failure, Verdict};
use crate::output::terminal::Terminal;

pub mod ensemble;

pub mod specialists;

/// What to study.
#[derive(Debug, Subcommand)]
pub enum StudyCommand {
    /// What the default ensemble earned on Bitcoin, Ether and Solana, after costs, beside luck and doing nothing.
    Ensemble(ensemble::EnsembleArgs),
    /// Whether any regime specialist beats the ensemble that knows no regimes, out of sample.
    Specialists(specialists::SpecialistsArgs),
}

/// Runs `engine study`.
///
/// # Errors
/// [`Failure`] of the study.
pub fn study(terminal: Terminal, command: &StudyCommand) -> Result<Verdict, Failure> {
    match command {
        StudyCommand::Ensemble(args) => ensemble::ensemble(terminal, args),
        StudyCommand::Specialists(args) => specialists::specialists(terminal, args),
    }
}
