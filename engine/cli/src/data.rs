//! `import`, `data check` and `synth`.

use std::path::Path;

use journal_store::small_file;
use replay::import::{ImportOutcome, ImportRequest, import};
use replay::quality::{SeriesQuality, check_dataset};
use replay::synth::{SynthRequest, SynthSize, synthesise};
use serde_json::json;

use crate::args::{ImportArgs, SynthArgs};
use crate::failure::{Failure, Verdict};
use crate::moment::moment_text;
use crate::progress::Line;
use crate::render::hex;
use crate::terminal::Terminal;

/// Imports files into a dataset.
///
/// # Errors
/// [`Failure::Import`]; nothing stored has changed then.
pub fn import_files(terminal: Terminal, args: ImportArgs) -> Result<Verdict, Failure> {
    args.files.iter().try_for_each(|file| refuse_endless(file))?;
    let request = ImportRequest {
        kind: args.kind.map(Into::into),
        format: args.format,
        columns: args.columns,
        interval: args.interval,
        bar_time: args.bar_time.map(Into::into),
        price_decimals: args.price_decimals,
        qty_decimals: args.qty_decimals,
        volume_unit: args.volume_in,
        strict: args.strict,
        synthetic: args.synthetic,
        ..ImportRequest::new(args.dataset, &args.venue, &args.instrument, args.files)
    };
    let outcome = import(&request, &mut Line::bytes(terminal))?;
    let document = json!({
        "dataset": request.dataset.display().to_string(),
        "series": outcome.entry.info.name(),
        "rows": outcome.rows,
        "skipped": outcome.skipped,
        "nothing_new": outcome.nothing_new,
        "records": outcome.entry.head.count,
        "digest": hex(&outcome.entry.head.digest),
        "files": outcome.files,
        "quality": outcome.quality,
        "violations": outcome.quality.violations(),
        "entry": outcome.entry,
    });
    terminal.answer(&document, &import_text(&request.dataset, &outcome))?;
    Ok(Verdict::Fine)
}

/// A device or a pipe need not end, and a file is read more than once.
fn refuse_endless(file: &Path) -> Result<(), Failure> {
    // What is not there is named where it is opened.
    let Ok(metadata) = std::fs::metadata(file) else { return Ok(()) };
    match small_file::not_plain(&metadata) {
        // A directory is refused, or read, where files are looked at.
        None | Some("a directory") => Ok(()),
        Some(what) => {
            let advice = "save it to a file first";
            Err(Failure::Request(format!(
                "import {}: it is {what}, which need not end; {advice}",
                file.display()
            )))
        }
    }
}

fn import_text(dataset: &Path, outcome: &ImportOutcome) -> String {
    let name = outcome.entry.info.name();
    let records = outcome.entry.head.count;
    if outcome.nothing_new {
        return format!("{name}: nothing new; {records} records in {}\n", dataset.display());
    }
    let ImportOutcome { rows, skipped, quality, .. } = outcome;
    let mut text = format!(
        "{name}: {rows} rows added, {skipped} passed over; {records} records in {}\n",
        dataset.display()
    );
    text.push_str(&quality.to_string());
    for violation in quality.violations() {
        text.push_str(&format!("violation        {violation}\n"));
    }
    text
}

/// Says how good a dataset is.
///
/// # Errors
/// [`Failure::Dataset`] when it cannot be read.
pub fn check(terminal: Terminal, dir: &Path) -> Result<Verdict, Failure> {
    let checked = check_dataset(dir)?;
    let violations = |series: &SeriesQuality| {
        let unfinished = (!series.complete).then(|| "its last import did not come to its end".to_owned());
        series.quality.violations().into_iter().chain(unfinished).collect::<Vec<_>>()
    };
    let found: Vec<Vec<String>> = checked.iter().map(violations).collect();
    let clean = found.iter().all(Vec::is_empty);
    let series = checked.iter().zip(&found).map(|(series, found)| {
        json!({
            "series": series.series,
            "info": series.info,
            "complete": series.complete,
            "quality": series.quality,
            "violations": found,
        })
    });
    let document = json!({
        "dataset": dir.display().to_string(),
        "clean": clean,
        "series": series.collect::<Vec<_>>(),
    });
    let mut text = String::new();
    for (series, found) in checked.iter().zip(&found) {
        text.push_str(&format!("{}\n{}", series.series, series.quality));
        for violation in found {
            text.push_str(&format!("violation        {violation}\n"));
        }
    }
    text.push_str(if clean { "no violations\n" } else { "violations found\n" });
    terminal.answer(&document, &text)?;
    Ok(Verdict::finding_if(!clean))
}

/// Makes a synthetic market.
///
/// # Errors
/// [`Failure::Import`] when it cannot be made or stored.
pub fn synth(terminal: Terminal, args: SynthArgs) -> Result<Verdict, Failure> {
    let size = match (args.ticks, args.bars) {
        (Some(ticks), _) => SynthSize::Ticks(ticks),
        (None, Some(bars)) => SynthSize::Bars(bars, args.interval),
        (None, None) => return Err(Failure::Request("make a market: give --ticks N or --bars N".to_owned())),
    };
    let SynthArgs { dataset, seed, venue, instrument: symbol, .. } = args;
    let outcome = synthesise(&SynthRequest { dataset, venue, symbol, seed, size })?;
    let entry = &outcome.entry;
    let document = json!({
        "series": entry.info.name(),
        "synthetic": true,
        "seed": seed,
        "records": entry.head.count,
        "digest": hex(&entry.head.digest),
        "first_at": moment_text(engine_core::time::Timestamp::from_nanos(entry.first_at)),
        "last_at": moment_text(engine_core::time::Timestamp::from_nanos(entry.last_at)),
        "nothing_new": outcome.nothing_new,
        "regimes": outcome.regimes,
    });
    let text = format!(
        "{}: {} synthetic records, {} regimes, seed {seed}{}\n",
        entry.info.name(),
        entry.head.count,
        outcome.regimes.len(),
        if outcome.nothing_new { "; nothing new" } else { "" },
    );
    terminal.answer(&document, &text)?;
    Ok(Verdict::Fine)
}
