//! `archive`: segments of a run kept compressed where they lie.

use std::path::PathBuf;

use clap::Args;
use engine_core::time::Timestamp;
use journal_store::archive::{Archived, archive as pack, unpack};
use serde_json::json;

use super::arguments::moment;
use crate::output::failure::{Failure, Verdict};
use crate::output::terminal::Terminal;

/// `engine archive`.
#[derive(Debug, Args)]
pub struct ArchiveArgs {
    /// The run; it may go on meanwhile.
    pub run: PathBuf,
    /// Segments whose last event is earlier, as in 2026-11-01; all that were put away when absent.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub before: Option<Timestamp>,
    /// Unpack them again.
    #[arg(long)]
    pub unpack: bool,
}

/// Runs `engine archive`.
///
/// # Errors
/// [`Failure`] when a segment is not what it was, or the disk refuses; what was packed before stays packed.
pub fn archive(terminal: Terminal, args: &ArchiveArgs) -> Result<Verdict, Failure> {
    let before = args.before.map_or(i64::MAX, Timestamp::nanos);
    let done = if args.unpack { unpack(&args.run, before)? } else { pack(&args.run, before)? };
    let sum = |bytes: fn(&Archived) -> u64| done.iter().map(bytes).sum::<u64>();
    let (bytes_before, bytes) = (sum(|segment| segment.bytes_before), sum(|segment| segment.bytes));
    let document = json!({
        "run": args.run.display().to_string(),
        "unpacked": args.unpack,
        "segments": done,
        "bytes_before": bytes_before,
        "bytes": bytes,
    });
    let word = if args.unpack { "unpacked" } else { "packed" };
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    let text =
        format!("{} segments {word}: {:.1} MiB, {:.1} before\n", done.len(), mib(bytes), mib(bytes_before));
    terminal.answer(&document, &text)?;
    Ok(Verdict::Fine)
}
