//! `reconcile`: where books and venue differ by the venue's last statement, and a person's word that the venue is right.

use std::path::PathBuf;

use clap::Args;
use engine_application::moment::moment_text;
use engine_application::wiring::live::acceptance::hand_over;
use engine_application::wiring::recording::Recording;
use engine_application::wiring::state_at::state_at;
use engine_core::event::{AccountAcceptance, BalanceDifference};
use engine_core::state::{AccountBooks, AccountStanding, State};
use replay_replayer::fold::Until;
use serde_json::{Value, json};

use super::balances::{books_of, word_of};
use super::notes::note_run_state;
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
    let recording = Recording::open(&args.run)?;
    let folded = state_at(&recording, Until::End, &[])?;
    let books = books_of(&args.run, &folded.state)?;
    let doubts: Vec<u64> = folded.state.unanswered().map(|order| order.number()).collect();
    let accepted = args.accept.as_deref().map(|reason| accept(args, books, reason)).transpose()?;
    note_run_state(terminal, &recording.reader);
    let document = json!({
        "run": args.run.display().to_string(),
        "at": moment_text(folded.state.now()),
        "standing": books.standing(),
        "differences": books.differences().iter().map(document_of).collect::<Vec<_>>(),
        "unanswered_orders": doubts,
        "accepted_by": accepted,
    });
    terminal.answer(&document, &text_of(&folded.state, books, accepted.as_deref()))?;
    let differs = books.standing() == AccountStanding::Differs && accepted.is_none();
    Ok(Verdict::finding_if(differs || !doubts.is_empty()))
}

/// Hands over what is accepted; answers who accepts it.
fn accept(args: &ReconcileArgs, books: &AccountBooks, reason: &str) -> Result<String, Failure> {
    let refused = |words: &str| {
        Failure::request(format!("accept what the venue of {} says: {words}", args.run.display()))
    };
    if books.standing() != AccountStanding::Differs {
        return Err(refused(&format!("there is nothing to accept, {}", word_of(books.standing()))));
    }
    if reason.trim().is_empty() {
        return Err(refused("say why, as in --accept \"a deposit on Monday\""));
    }
    let by = args.by.clone().or_else(|| std::env::var("USER").ok()).unwrap_or_default();
    if by.trim().is_empty() {
        return Err(refused("say who does, as in --by owner"));
    }
    let (reason, differences) = (reason.to_owned(), books.differences().to_vec());
    hand_over(&args.run, &AccountAcceptance { by: by.clone(), reason, differences })?;
    Ok(by)
}

fn document_of(difference: &BalanceDifference) -> Value {
    json!({
        "asset": difference.asset.name(),
        "ours": difference.ours.to_string(),
        "venue": difference.venue.to_string(),
    })
}

fn text_of(state: &State, books: &AccountBooks, accepted: Option<&str>) -> String {
    let mut text = String::new();
    if !books.differences().is_empty() {
        let rows: Vec<Vec<String>> = books
            .differences()
            .iter()
            .map(|one| vec![one.asset.to_string(), one.ours.to_string(), one.venue.to_string()])
            .collect();
        text.push_str(&columns(&["asset", "by our books", "by the venue"], &rows));
    }
    for order in state.unanswered() {
        text.push_str(&format!(
            "order {} went out, and nobody knows yet whether it arrived\n",
            order.number()
        ));
    }
    text.push_str(&match accepted {
        Some(by) => format!("{by} accepts what the venue says; the run has taken it\n"),
        None => format!("{}\n", word_of(books.standing())),
    });
    text
}
