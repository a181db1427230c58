//! `import --format frames`: what a venue said, as it was recorded, into series.

use std::path::Path;

use engine_application::moment::moment_text;
use engine_application::wiring::frame_import::{
    FrameHole, FrameImport, FrameImportOutcome, RecordingAccount, TradeHole, UnreadFrame, import_frames,
};
use serde_json::{Value, json};

use super::{ImportArgs, document, import_text, request};
use crate::commands::interruption::listen;
use crate::output::failure::{Failure, Verdict};
use crate::output::progress::Line;
use crate::output::terminal::Terminal;

/// Holes that the text names; JSON names all.
const NAMED_MAX: usize = 20;

/// Whether `path` is a file of a recording by its name, or a folder that holds one.
pub(super) fn is_recording(path: &Path) -> bool {
    let named = |path: &Path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("frames-") && name.ends_with(".jsonl.zst")
    };
    if path.is_dir() {
        let mut entries = std::fs::read_dir(path).into_iter().flatten().flatten();
        return entries.any(|entry| named(&entry.path()));
    }
    named(path)
}

/// Imports recorded frames.
///
/// # Errors
/// [`Failure`] when they cannot be read to their end; nothing is stored of the series that was refused, nor of those behind it.
pub(super) fn import_recorded(terminal: Terminal, args: ImportArgs) -> Result<Verdict, Failure> {
    let frames = FrameImport {
        paths: args.files.clone(),
        venue: args.venue.clone(),
        symbol: args.instrument.clone(),
        request: request(args, "", ""),
    };
    let request = replay_history::import::ImportRequest { interruption: listen()?, ..frames.request };
    let frames = FrameImport { request, ..frames };
    let FrameImportOutcome { series, account } = import_frames(&frames, &mut Line::bytes(terminal))?;
    let dataset = &frames.request.dataset;
    let documents: Vec<Value> = series.iter().map(|outcome| document(dataset, outcome)).collect();
    let mut text: String = series.iter().map(|outcome| import_text(dataset, outcome)).collect();
    text.push_str(&account_text(&account));
    let document = json!({
        "dataset": dataset.display().to_string(),
        "series": documents,
        "frames": account_document(&account),
    });
    terminal.answer(&document, &text)?;
    Ok(Verdict::Fine)
}

fn account_document(account: &RecordingAccount) -> Value {
    let unread = |frame: &UnreadFrame| json!({ "at": frame.place.to_string(), "reason": frame.reason });
    let hole = |hole: &FrameHole| json!({ "since": moment_text(hole.since), "until": hole.until.map(moment_text), "why": hole.why });
    let trades = |hole: &TradeHole| {
        json!({
            "symbol": hole.symbol,
            "after": hole.after,
            "before": hole.before,
            "since": moment_text(hole.since),
            "until": moment_text(hole.until),
        })
    };
    json!({
        "frames": account.frames,
        "unread": account.unread,
        "unread_first": account.unread_first.iter().map(unread).collect::<Vec<_>>(),
        "unknown": account.unknown,
        "books": account.books,
        "repeated": account.repeated,
        "past_trades": account.past_trades,
        "one_sided": account.one_sided,
        "left_out": account.left_out,
        "holes": account.holes.iter().map(hole).collect::<Vec<_>>(),
        "missing_trades": account.trade_holes.iter().map(trades).collect::<Vec<_>>(),
        "torn": account.torn,
    })
}

fn account_text(account: &RecordingAccount) -> String {
    let RecordingAccount { frames, unread, repeated, past_trades, one_sided, left_out, .. } = account;
    let mut text =
        format!("frames           {frames} read, {unread} that cannot be read, {repeated} told before\n");
    let mut say = |line: String| text.push_str(&format!("                 {line}\n"));
    for frame in &account.unread_first {
        say(format!("{}: {}", frame.place, frame.reason));
    }
    if account.books > 0 {
        say(format!("{} messages about books passed over: a dataset keeps none", account.books));
    }
    for (kind, count) in &account.unknown {
        say(format!("{count} of the kind {kind:?} passed over: nobody here knows it"));
    }
    if *past_trades > 0 {
        say(format!("{past_trades} trades from before the recording passed over"));
    }
    if *one_sided > 0 {
        say(format!("{one_sided} quotes without bid or ask passed over"));
    }
    if *left_out > 0 {
        say(format!("{left_out}× a connection left frames out by its own numbers"));
    }
    account.torn.iter().for_each(|torn| say(torn.clone()));
    for hole in account.holes.iter().take(NAMED_MAX) {
        let until = hole.until.map_or_else(|| "the end".to_owned(), moment_text);
        say(format!("nobody listened from {} to {until}: {}", moment_text(hole.since), hole.why));
    }
    for hole in account.trade_holes.iter().take(NAMED_MAX) {
        let (since, until) = (moment_text(hole.since), moment_text(hole.until));
        let missing = hole.before.saturating_sub(hole.after).saturating_sub(1);
        say(format!("{missing} trades of {} are missing between {since} and {until}", hole.symbol));
    }
    let named = account.holes.len().min(NAMED_MAX) + account.trade_holes.len().min(NAMED_MAX);
    let all = account.holes.len() + account.trade_holes.len();
    if all > named {
        say(format!("{} more holes; --json names all", all - named));
    }
    text
}
