//! `rebuild`: a damaged store restored from what is whole in it, its page log and exported pages.

use std::path::PathBuf;

use clap::Args;
use journal_store::chain::hex;
use journal_store::rebuild::{Lost, Rebuilt, rebuild as restore, rebuild_from};
use serde_json::json;

use crate::output::failure::{Failure, Verdict};
use crate::output::heads::heads_document;
use crate::output::terminal::Terminal;

/// `engine rebuild`.
#[derive(Debug, Args)]
pub struct RebuildArgs {
    /// The dataset or run.
    pub dir: PathBuf,
    /// Exported pages to restore from, besides the store and its own page log.
    #[arg(long, value_name = "FILE")]
    pub pages: Option<PathBuf>,
}

/// Runs `engine rebuild`. Records that cannot be restored are a finding.
///
/// # Errors
/// [`Failure`] when nothing can be restored; what was there stays.
pub fn rebuild(terminal: Terminal, args: &RebuildArgs) -> Result<Verdict, Failure> {
    let Rebuilt { heads: restored, lost, old_store } = match &args.pages {
        Some(pages) => rebuild_from(&args.dir, pages)?,
        None => restore(&args.dir)?,
    };
    let old = old_store.map(|path| path.display().to_string());
    let document = json!({
        "dir": args.dir.display().to_string(),
        "heads": heads_document(&restored),
        "lost": lost,
        "old_store": old,
    });
    let mut text = String::new();
    for (name, head) in &restored {
        text.push_str(&format!("restored {name}: {} after {}\n", hex(&head.digest), head.count));
    }
    for Lost { name, from, to, count, readable } in &lost {
        text.push_str(&format!("LOST of {name}: {count} records, {from} to {to}"));
        let kept = format!("; {readable} of them can still be read behind the damage, in the old store");
        text.push_str(if *readable > 0 { &kept } else { "" });
        text.push('\n');
    }
    if let Some(old) = old {
        text.push_str(&format!("the old store is kept in {old}\n"));
    }
    terminal.answer(&document, &text)?;
    Ok(Verdict::finding_if(!lost.is_empty()))
}
