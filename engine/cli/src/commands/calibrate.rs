//! `calibrate`: the settings of a backtest fitted to what real trading showed.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use engine_application::wiring::recording::Recording;
use engine_research::calibration::{Calibration, Figure, Unit, calibrate as fitted};
use serde_json::{Value, json};

use super::notes::note_run_state;
use crate::output::failure::{Failure, Verdict};
use crate::output::table::columns;
use crate::output::terminal::Terminal;

/// `engine calibrate`.
#[derive(Debug, Args)]
pub struct CalibrateArgs {
    /// Runs of `engine live`, all at one venue; runs of `engine paper` tell the latency of the feed alone.
    #[arg(required = true, value_name = "RUN")]
    pub runs: Vec<PathBuf>,
    /// Write the sections for latency, costs and venue into this new file; what is there already is never overwritten.
    #[arg(long, value_name = "FILE.toml")]
    pub out: Option<PathBuf>,
}

/// Runs `engine calibrate`.
///
/// # Errors
/// [`Failure`] when a run cannot be read, is no run on real time, or the file is there already.
pub fn calibrate(terminal: Terminal, args: &CalibrateArgs) -> Result<Verdict, Failure> {
    if let Some(out) = args.out.as_deref().filter(|out| out.exists()) {
        return Err(taken(out));
    }
    let recordings: Vec<Recording> =
        args.runs.iter().map(|run| Recording::open(run)).collect::<Result<_, _>>()?;
    let calibration = fitted(&recordings)?;
    for recording in &recordings {
        note_run_state(terminal, &recording.reader);
    }
    if let Some(out) = &args.out {
        write_new(out, &calibration.toml())?;
    }
    let settings = calibration.settings().count();
    terminal.answer(&document_of(args, &calibration), &text_of(args, &calibration))?;
    Ok(Verdict::finding_if(settings == 0))
}

fn taken(out: &Path) -> Failure {
    let advice = "it is there already and stays as it is; name another file";
    Failure::request(format!("write {}: {advice}", out.display()))
}

fn write_new(out: &Path, text: &str) -> Result<(), Failure> {
    let written = std::fs::OpenOptions::new().write(true).create_new(true).open(out);
    let written = written.and_then(|mut open| open.write_all(text.as_bytes()));
    written.map_err(|error| {
        let is_there = error.kind() == std::io::ErrorKind::AlreadyExists;
        if is_there { taken(out) } else { Failure::io("write", out, error) }
    })
}

fn document_of(args: &CalibrateArgs, calibration: &Calibration) -> Value {
    let sources = calibration.sources.iter().map(|source| {
        json!({ "run": source.dir.display().to_string(), "mode": source.mode, "orders": source.orders })
    });
    json!({
        "runs": sources.collect::<Vec<_>>(),
        "figures": calibration.figures.iter().map(figure_document).collect::<Vec<_>>(),
        "clock_ahead_ns": calibration.clock_ahead,
        "remarks": calibration.remarks,
        "out": args.out.as_ref().map(|out| out.display().to_string()),
        "toml": calibration.toml(),
    })
}

fn figure_document(figure: &Figure) -> Value {
    let unit = match figure.unit {
        Unit::Nanos => "ns",
        Unit::Share => "share",
    };
    let [low, high] = figure.spread.map_or([None; 2], |spread| spread.map(Some));
    json!({
        "name": figure.name,
        "meaning": figure.meaning,
        "unit": unit,
        "method": figure.method,
        "observations": figure.count,
        "value": figure.estimate.map(|estimate| estimate.value),
        "low": figure.estimate.map(|estimate| estimate.low),
        "high": figure.estimate.map(|estimate| estimate.high),
        "p05": low,
        "p95": high,
        "why_not": figure.shortage(),
        "setting": figure.setting.as_ref().map(|setting| json!({
            "section": setting.section,
            "key": setting.key,
            "value": setting.value.as_ref().ok().map(|value| value.trim_matches('"')),
            "why_not": setting.value.as_ref().err(),
        })),
    })
}

/// A table for a person.
fn text_of(args: &CalibrateArgs, calibration: &Calibration) -> String {
    let mut rows = Vec::new();
    for figure in &calibration.figures {
        let [value, low, high] = match figure.estimate {
            Some(estimate) => {
                [estimate.value, estimate.low, estimate.high].map(|value| figure.unit.written(value))
            }
            None => [figure.shortage().unwrap_or_default(), String::new(), String::new()],
        };
        let sets = figure.setting.as_ref().map_or_else(String::new, |setting| match &setting.value {
            Ok(value) => format!("{}.{} = {value}", setting.section, setting.key),
            Err(_) if figure.estimate.is_none() => String::new(),
            Err(why) => format!("not {}.{}: {why}", setting.section, setting.key),
        });
        let count = figure.count.to_string();
        rows.push([figure.name, &count, &value, &low, &high, &sets].map(str::to_owned).to_vec());
    }
    let mut text = columns(&["figure", "observations", "value", "95 % from", "to", "sets"], &rows);
    for remark in &calibration.remarks {
        text.push_str(&format!("{remark}\n"));
    }
    if let Some(out) = &args.out {
        text.push_str(&format!(
            "{} written: put its sections in the place of those of a configuration\n",
            out.display()
        ));
    }
    text
}
