//! `data check` and `synth`.

use std::path::Path;

use replay_history::quality::{SeriesQuality, check_dataset};
use replay_history::synth::{SynthRequest, SynthSize, synthesise};
use serde_json::json;

use crate::args::SynthArgs;
use crate::failure::{Failure, Verdict};
use crate::moment::moment_text;
use crate::render::hex;
use crate::terminal::Terminal;

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
