//! `archive`: segments of a run kept compressed where they lie, or dropped where they are old or too many.

use std::path::PathBuf;

use clap::Args;
use engine_application::wiring::clock::now_nanos;
use engine_application::wiring::signing::Signing;
use engine_core::time::Timestamp;
use journal_store::archive::{Archived, archive as pack, unpack};
use journal_store::chain::DIGEST_BLOCK;
use journal_store::retention::{DroppedNow, Dropper, Retention, RetentionError, drop_segments};
use serde_json::json;

use super::arguments::{moment, size};
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
    /// Drop segments whose last event is earlier, for good; what is kept is a run still.
    #[arg(long, value_name = "TIME", value_parser = moment, conflicts_with_all = ["before", "unpack"])]
    pub drop_before: Option<Timestamp>,
    /// Drop the oldest segments, for good, until those put away take no more, as in 20GiB.
    #[arg(long, value_name = "SIZE", value_parser = size, conflicts_with_all = ["before", "unpack"])]
    pub keep_size: Option<u64>,
    /// The key that signed the segments, for a drop; the key of the user when absent.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["before", "unpack"])]
    pub key: Option<PathBuf>,
}

/// Runs `engine archive`.
///
/// # Errors
/// [`Failure`] when a segment is not what it was, others have signed it, or the disk refuses; what was packed before stays
/// packed.
pub fn archive(terminal: Terminal, args: &ArchiveArgs) -> Result<Verdict, Failure> {
    if args.drop_before.is_some() || args.keep_size.is_some() {
        return drop_old(terminal, args);
    }
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
    let text =
        format!("{} segments {word}: {:.1} MiB, {:.1} before\n", done.len(), mib(bytes), mib(bytes_before));
    terminal.answer(&document, &text)?;
    Ok(Verdict::Fine)
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

fn drop_old(terminal: Terminal, args: &ArchiveArgs) -> Result<Verdict, Failure> {
    let signing = Signing::prepared(args.key.as_deref())?;
    let retention = Retention { before: args.drop_before.map(Timestamp::nanos), bytes: args.keep_size };
    let dropper = Dropper { key: signing.key.as_ref(), now: now_nanos() };
    let done = drop_segments(&args.run, retention, dropper).map_err(|error| match error {
        RetentionError::Journal(error) => error.into(),
        RetentionError::OtherSigner { .. } => Failure::request(error.to_string()),
    })?;
    let DroppedNow { segments, bytes, stay } = &done;
    let mut text = match (segments.first(), segments.last()) {
        (Some(first), Some(last)) => format!("segments {first} to {last} dropped: {:.1} MiB\n", mib(*bytes)),
        _ => "no segment dropped\n".to_owned(),
    };
    if *stay > 0 {
        text.push_str(&format!(
            "{stay} more stay: a run keeps the last segment it put away, its last {DIGEST_BLOCK} events at least, and a \
             snapshot to begin with\n"
        ));
    }
    let document = json!({
        "run": args.run.display().to_string(), "dropped": segments, "bytes": bytes, "stay": stay,
    });
    terminal.answer(&document, &text)?;
    Ok(Verdict::Fine)
}
