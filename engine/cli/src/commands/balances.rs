//! `balances`: what the account of a run holds by our books, beside what its venue said last.

use std::path::{Path, PathBuf};

use clap::Args;
use engine_application::moment::moment_text;
use engine_application::wiring::recording::Recording;
use engine_application::wiring::state_at::state_at;
use engine_core::asset::Asset;
use engine_core::num::Amount;
use engine_core::state::{AccountBooks, AccountStanding, State};
use replay_replayer::fold::Until;
use serde_json::{Value, json};

use super::notes::note_run_state;
use crate::output::failure::{Failure, Verdict};
use crate::output::table::columns;
use crate::output::terminal::Terminal;

/// `engine balances`.
#[derive(Debug, Args)]
pub struct BalancesArgs {
    /// The run, one with real orders.
    pub run: PathBuf,
}

/// Runs `engine balances`. Books and venue that differ are a finding.
///
/// # Errors
/// [`Failure`] when the run cannot be read, or has no account at a real venue.
pub fn balances(terminal: Terminal, args: &BalancesArgs) -> Result<Verdict, Failure> {
    let recording = Recording::open(&args.run)?;
    let folded = state_at(&recording, Until::End, &[])?;
    let books = books_of(&args.run, &folded.state)?;
    note_run_state(terminal, &recording.reader);
    let mut document = document_of(books);
    document["run"] = json!(args.run.display().to_string());
    document["at"] = json!(moment_text(folded.state.now()));
    terminal.answer(&document, &text_of(books))?;
    Ok(Verdict::finding_if(books.standing() == AccountStanding::Differs))
}

/// The books of the account that the run in `run` trades with.
///
/// # Errors
/// [`Failure`] where it trades with none.
pub(super) fn books_of<'a>(run: &Path, state: &'a State) -> Result<&'a AccountBooks, Failure> {
    state.account().ok_or_else(|| {
        let words = "it has no account at a real venue; see `engine live`, and `engine state` for other runs";
        Failure::request(format!("read the account of {}: {words}", run.display()))
    })
}

pub(super) const fn word_of(standing: AccountStanding) -> &'static str {
    match standing {
        AccountStanding::Unread => "the venue has not said what is in the account since it was taken up",
        AccountStanding::Agrees => "books and venue say the same",
        AccountStanding::Differs => "books and venue differ",
    }
}

fn document_of(books: &AccountBooks) -> Value {
    let held =
        |(asset, amount): (&Asset, Amount)| json!({ "asset": asset.name(), "amount": amount.to_string() });
    let differences = books.differences().iter().map(|difference| {
        json!({
            "asset": difference.asset.name(),
            "ours": difference.ours.to_string(),
            "venue": difference.venue.to_string(),
        })
    });
    json!({
        "epoch": books.epoch().number(),
        "standing": books.standing(),
        "balances": books.balances().map(held).collect::<Vec<_>>(),
        "differences": differences.collect::<Vec<_>>(),
        "unvalued_charges": books.unvalued_charges().map(held).collect::<Vec<_>>(),
    })
}

fn text_of(books: &AccountBooks) -> String {
    let rows: Vec<Vec<String>> = books
        .balances()
        .map(|(asset, amount)| {
            let difference = books.differences().iter().find(|difference| difference.asset == *asset);
            let venue = difference.map_or_else(String::new, |difference| difference.venue.to_string());
            vec![asset.to_string(), amount.to_string(), venue]
        })
        .collect();
    let mut text = columns(&["asset", "by our books", "by the venue, where it differs"], &rows);
    let unknown = books
        .differences()
        .iter()
        .filter(|difference| books.balances().all(|(asset, _)| *asset != difference.asset));
    for difference in unknown {
        text.push_str(&format!(
            "{}: {} by the venue, nothing by our books\n",
            difference.asset, difference.venue
        ));
    }
    for (asset, amount) in books.unvalued_charges() {
        text.push_str(&format!("charged and valued by no market of the run: {amount} {asset}\n"));
    }
    text.push_str(&format!("{}; process {} of the run\n", word_of(books.standing()), books.epoch().number()));
    text
}
