//! `regimes show`: what a detector says of a market, change by change.

use engine_core::regime::Regime;
use replay_regimes::{LabelRule, Transition, steady_regimes, transitions};
use replay_report::{RegimePage, render_regimes};
use serde_json::{Value, json};

use super::{Read, ShowArgs};
use crate::output::failure::{Failure, Verdict};
use crate::output::{table::columns, terminal::Terminal};
use engine_application::moment::moment_text;

/// Runs `engine regimes show`.
pub(super) fn show(terminal: Terminal, args: &ShowArgs) -> Result<Verdict, Failure> {
    let read = Read::of(&args.market)?;
    // Detectors that are not fitted speak as soon as they are warm, unless a first bar was asked for.
    let begin = if args.market.from.is_some() { read.from } else { 0 };
    let rule = LabelRule::of(read.series.interval());
    let detector = args.detector.name();
    let mut readings = args.detector.recogniser(&rule)?.read(&read.series, read.from);
    for reading in readings.iter_mut().take(begin) {
        *reading = None;
    }
    let said = readings.iter().flatten().count();
    if said == 0 {
        let bars = read.series.len();
        let longest = read.series.segments().iter().map(std::ops::Range::len).max().unwrap_or_default();
        return Err(Failure::request(format!(
            "name the regimes of {}: {} of {bars} bars, {longest} at most without a gap, are too few for {}",
            read.name,
            bars - begin,
            detector
        )));
    }
    let changes = transitions(&read.series, &readings);
    if let Some(path) = &args.html {
        let page = RegimePage {
            market: &read.name,
            detector: &detector,
            synthetic: read.synthetic,
            series: &read.series,
            regimes: &steady_regimes(&readings),
            rule,
            transitions: &changes,
        };
        std::fs::write(path, render_regimes(&page)).map_err(|error| Failure::io("write", path, error))?;
    }
    let document = json!({
        "dataset": args.market.dataset.display().to_string(),
        "series": read.name,
        "synthetic": read.synthetic,
        "detector": detector,
        "bars": read.series.len(),
        "bars_with_reading": said,
        "gaps": read.series.gaps(),
        "missing_bars": read.series.missing(),
        "html": args.html.as_ref().map(|path| path.display().to_string()),
        "transitions": changes.iter().map(transition_document).collect::<Vec<Value>>(),
    });
    terminal.answer(&document, &text(&read, args, said, &changes))?;
    Ok(Verdict::Fine)
}

fn transition_document(change: &Transition) -> Value {
    json!({
        "at": moment_text(change.at),
        "from": change.from,
        "lasted_bars": change.lasted_bars,
        "confidence": change.reading.confidence(),
        "reading": change.reading,
    })
}

fn text(read: &Read, args: &ShowArgs, said: usize, changes: &[Transition]) -> String {
    let head = ["bar of", "from", "to", "confidence", "vr", "ER", "z", "bars before"];
    let row = |change: &Transition| {
        let reading = change.reading;
        vec![
            moment_text(change.at),
            change.from.map_or("-", Regime::name).to_owned(),
            reading.regime.name().to_owned(),
            format!("{:.2}", reading.confidence().get()),
            format!("{:.2}", reading.volatility_ratio.get()),
            format!("{:.2}", reading.efficiency.get()),
            format!("{:.2}", reading.drift.get()),
            change.lasted_bars.to_string(),
        ]
    };
    let rows: Vec<Vec<String>> = changes.iter().map(row).collect();
    let mut text = columns(&head, &rows);
    text.push_str(&format!(
        "{}{}: {} detector, {} changes in {said} of {} bars, {} gaps\n",
        read.name,
        if read.synthetic { " (SYNTHETIC)" } else { "" },
        args.detector.name(),
        changes.iter().filter(|change| change.from.is_some()).count(),
        read.series.len(),
        read.series.gaps(),
    ));
    if let Some(path) = &args.html {
        text.push_str(&format!("drawn in {}\n", path.display()));
    }
    text
}
