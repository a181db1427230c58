//! The HTML report of a run.

use std::path::Path;

use replay_report::{CommandLine, Counted, Ending, FillRule, HaltLine, ReportInput, render};

use crate::failure::Failure;
use crate::render::{halt_words, hex};
use crate::trade::Figures;

/// Writes the report of a run, whole or not at all.
///
/// # Errors
/// [`Failure::Io`] when it cannot be written.
pub fn write(path: &Path, figures: &Figures<'_>) -> Result<(), Failure> {
    let counts = &figures.recorder.counts;
    let assumptions = figures.assumptions();
    let refusals: Vec<Counted> = counts
        .refusals
        .iter()
        .map(|(what, count)| Counted { what: format!("refused by the gate: {what}"), count: *count })
        .chain(
            (counts.rejected > 0)
                .then(|| Counted { what: "rejected by the venue".to_owned(), count: counts.rejected }),
        )
        .collect();
    let halts: Vec<HaltLine> =
        counts.halts.iter().map(|(at, reason)| HaltLine { at: *at, what: halt_words(reason) }).collect();
    let halted = halts.first().map(|halt| halt.what.clone());
    let run = figures.order.run.display();
    let commands = [
        ("make it again, into another directory", figures.order.command.clone()),
        ("decide every event again", format!("engine replay {run} --check")),
        ("check every page", format!("engine verify {run}")),
        ("list what happened", format!("engine show {run}")),
    ];
    let commands = commands.map(|(purpose, command)| CommandLine { purpose: purpose.to_owned(), command });
    let html = render(&ReportInput {
        manifest: figures.manifest,
        head: &hex(&figures.head.digest),
        fill_rule: FillRule {
            name: figures.config.fill.name(),
            meaning: assumptions.first().map_or("", String::as_str),
            optimistic: figures.config.fill.is_optimistic(),
        },
        ending: halted.as_deref().map_or(Ending::Complete, Ending::Halted),
        statistics: &figures.statistics,
        equity: &figures.recorder.equity,
        reference: &figures.recorder.reference,
        prices: &figures.recorder.prices,
        trades: &figures.recorder.trades,
        refusals: &refusals,
        halts: &halts,
        assumptions: &assumptions,
        commands: &commands,
    });
    write_whole(path, html.as_bytes())
}

/// Checks that a report can be written to `path`, before a run is made for it. Leaves nothing behind.
///
/// # Errors
/// [`Failure::Io`] when it is a directory, or when nothing can be written where it would lie.
pub fn check(path: &Path) -> Result<(), Failure> {
    let refused = |kind: std::io::ErrorKind| Err(Failure::io("write the report to", path, kind.into()));
    if path.is_dir() {
        return refused(std::io::ErrorKind::IsADirectory);
    }
    let Some(name) = path.file_name() else { return refused(std::io::ErrorKind::InvalidInput) };
    // Directories on the way are made with the report; so it is the nearest there is that must take a file.
    let there = path.ancestors().skip(1).find(|place| place.as_os_str().is_empty() || place.exists());
    let mut probe = std::ffi::OsString::from(".");
    probe.push(name);
    probe.push(".part");
    let probe = there.unwrap_or_else(|| Path::new("")).join(probe);
    let probed = std::fs::write(&probe, b"").and_then(|()| std::fs::remove_file(&probe));
    probed.map_err(|error| Failure::io("write the report to", path, error))
}

fn beside(path: &Path) -> std::path::PathBuf {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".part");
    beside.into()
}

/// Writes a file beside its place and then moves it there, so that nobody meets half of it.
///
/// # Errors
/// [`Failure::Io`]; what was there stays.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        std::fs::create_dir_all(parent).map_err(|error| Failure::io("create", parent, error))?;
    }
    let beside = beside(path);
    let written = std::fs::write(&beside, bytes).and_then(|()| std::fs::rename(&beside, path));
    written.map_err(|error| {
        let _ = std::fs::remove_file(&beside);
        Failure::io("write", path, error)
    })
}
