//! The HTML report of a run.

use std::path::Path;

use journal_store::chain::hex;
use replay_report::{CommandLine, Counted, Ending, FillRule, HaltLine, ReportInput, render};
use replay_statistics::PriceCandles;

use super::summary::Summary;
use crate::output::failure::Failure;
use crate::output::file::write_whole;
use engine_application::moment::moment_text;
use engine_application::wiring::halt::halt_words;

/// Writes the report of a run with the `candles` of its instruments, whole or not at all.
///
/// # Errors
/// [`Failure`] when it cannot be written.
pub(super) fn write(path: &Path, summary: &Summary<'_>, candles: &[PriceCandles]) -> Result<(), Failure> {
    let counts = &summary.result.counts;
    let assumptions = summary.assumptions();
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
    let interrupted = summary.result.interrupted_at.map(moment_text);
    let run = summary.order.run.display();
    let commands = [
        ("make it again, into another directory", summary.order.command.clone()),
        ("decide every event again", format!("engine replay {run} --check")),
        ("check every page", format!("engine verify {run}")),
        ("list what happened", format!("engine show {run}")),
    ];
    let commands = commands.map(|(purpose, command)| CommandLine { purpose: purpose.to_owned(), command });
    let html = render(&ReportInput {
        manifest: &summary.result.manifest,
        head: &hex(&summary.result.head.digest),
        fill_rule: FillRule {
            name: summary.result.config.fill.name(),
            meaning: assumptions.first().map_or("", String::as_str),
            optimistic: summary.result.config.fill.is_optimistic(),
        },
        ending: match (&interrupted, halted.as_deref()) {
            (Some(at), _) => Ending::Interrupted(at),
            (None, Some(reason)) => Ending::Halted(reason),
            (None, None) => Ending::Complete,
        },
        statistics: &summary.result.statistics,
        equity: &summary.result.equity,
        reference: &summary.result.reference,
        prices: &summary.result.prices,
        candles,
        regimes: &summary.result.regimes,
        since: &summary.since(),
        trades: &summary.result.trades,
        refusals: &refusals,
        halts: &halts,
        assumptions: &assumptions,
        commands: &commands,
    });
    write_whole(path, html.as_bytes())
}
