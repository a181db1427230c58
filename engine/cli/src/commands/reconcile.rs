//! `reconcile`: where books and venue differ by the venue's last statement, and a person's word that the venue is right.

use std::path::{Path, PathBuf};

use clap::Args;
use engine_application::moment::moment_text;
use engine_application::wiring::error::ApplicationError;
use engine_application::wiring::live::acceptance::hand_over;
use engine_application::wiring::live::account_view::AccountView;
use engine_application::wiring::paper::read_status;
use engine_application::wiring::recording::Recording;
use engine_application::wiring::state_at::state_at;
use engine_core::event::{AccountAcceptance, BalanceDifference};
use engine_core::state::AccountStanding;
use engine_runtime::ports::JournalError;
use replay_replayer::fold::Until;
use serde_json::{Value, json};

use super::balances::word_of;
use crate::output::failure::{Failure, Verdict};
use crate::output::table::columns;
use crate::output::terminal::Terminal;

/// `engine reconcile`.
#[derive(Debug, Args)]
pub struct ReconcileArgs {
    /// The run, one with real orders.
    pub run: PathBuf,
    /// Accept what the venue says in place of the books, for this reason; the process of the run must be at work.
    #[arg(long, value_name = "REASON")]
    pub accept: Option<String>,
    /// Who accepts it; the name of the user when absent.
    #[arg(long, value_name = "NAME", requires = "accept")]
    pub by: Option<String>,
}

/// Runs `engine reconcile`. Differences that nobody accepts are a finding, and so are orders in doubt.
///
/// # Errors
/// [`Failure`] when the run cannot be read, has no account at a real venue, or there is nothing to accept.
pub fn reconcile(terminal: Terminal, args: &ReconcileArgs) -> Result<Verdict, Failure> {
    let (at, view) = view_of(&args.run)?;
    let accepted = args.accept.as_deref().map(|reason| accept(args, &view, reason)).transpose()?;
    let mut document = view.document();
    document["run"] = json!(args.run.display().to_string());
    document["at"] = at;
    document["accepted_by"] = json!(accepted);
    terminal.answer(&document, &text_of(&view, accepted.as_deref()))?;
    let differs = view.standing == AccountStanding::Differs && accepted.is_none();
    Ok(Verdict::finding_if(differs || !view.unanswered.is_empty()))
}

/// How books and venue stand, and when that was: by the record, or by the status beside it while a process has the record.
fn view_of(run: &Path) -> Result<(Value, AccountView), Failure> {
    let none = || {
        let words =
            "it has no account at a real venue; see `engine live`, and `engine status` for other runs";
        Failure::request(format!("reconcile {}: {words}", run.display()))
    };
    match Recording::open(run) {
        Ok(recording) => {
            let folded = state_at(&recording, Until::End, &[])?;
            let at = json!(moment_text(folded.state.now()));
            Ok((at, AccountView::of_state(&folded.state).ok_or_else(none)?))
        }
        Err(ApplicationError::Journal(JournalError::Locked { .. })) => {
            let status = read_status(run)?;
            let view = AccountView::of_document(&status["account"]).ok_or_else(none)?;
            Ok((status["at"].clone(), view))
        }
        Err(error) => Err(error.into()),
    }
}

/// Hands over what is accepted; answers who accepts it.
fn accept(args: &ReconcileArgs, view: &AccountView, reason: &str) -> Result<String, Failure> {
    let refused = |words: &str| {
        Failure::request(format!("accept what the venue of {} says: {words}", args.run.display()))
    };
    if view.standing != AccountStanding::Differs {
        return Err(refused(&format!("there is nothing to accept, {}", word_of(view.standing))));
    }
    if reason.trim().is_empty() {
        return Err(refused("say why, as in --accept \"a deposit on Monday\""));
    }
    let by = args.by.clone().or_else(|| std::env::var("USER").ok()).unwrap_or_default();
    if by.trim().is_empty() {
        return Err(refused("say who does, as in --by owner"));
    }
    let (reason, differences) = (reason.to_owned(), view.differences.clone());
    hand_over(&args.run, &AccountAcceptance { by: by.clone(), reason, differences })?;
    Ok(by)
}

fn text_of(view: &AccountView, accepted: Option<&str>) -> String {
    let mut text = String::new();
    if !view.differences.is_empty() {
        let row = |one: &BalanceDifference| {
            vec![one.asset.to_string(), one.ours.to_string(), one.venue.to_string()]
        };
        let rows: Vec<Vec<String>> = view.differences.iter().map(row).collect();
        text.push_str(&columns(&["asset", "by our books", "by the venue"], &rows));
    }
    for order in &view.unanswered {
        text.push_str(&format!("order {order} went out, and nobody knows yet whether it arrived\n"));
    }
    text.push_str(&match accepted {
        Some(by) => format!("{by} accepts what the venue says; the run has taken it\n"),
        None => format!("{}\n", word_of(view.standing)),
    });
    text
}
