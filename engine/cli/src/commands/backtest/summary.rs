//! What `backtest` says of a finished run, as JSON and as text.

use engine_core::time::Timestamp;
use journal_store::chain::hex;
use journal_store::heads::JournalState;
use replay_export::inference;
use replay_report::{span_table, summary_table};
use replay_simulation::backtest::assumptions::violations;
use replay_statistics::spans::since;
use replay_statistics::{SpanFigures, Statistics};
use serde_json::{Value, json};

use super::BacktestOrder;
use crate::output::events::{inference_line, manifest_document};
use crate::output::signature::{signing_document, signing_text};
use engine_application::amount::money;
use engine_application::moment::moment_text;
use engine_application::wiring::backtest::BacktestResult;
use engine_application::wiring::halt::{halt_words, halted_words};

/// Everything there is to say about a finished run.
#[derive(Debug)]
pub(super) struct Summary<'a> {
    /// What was asked for.
    pub(super) order: &'a BacktestOrder<'a>,
    /// What came of it.
    pub(super) result: &'a BacktestResult,
}

/// The most memory this process has held, where the system says so.
fn peak_rss_mib() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kib: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib / 1024.0)
}

impl Summary<'_> {
    /// What the figures assume, and what to know about the settings.
    #[must_use]
    pub(super) fn assumptions(&self) -> Vec<String> {
        let mut sentences = self.result.assumptions();
        sentences.extend(self.order.caution.map(str::to_owned));
        sentences
    }

    /// The parts of the run that were asked for, warm: equity and positions are carried into them.
    #[must_use]
    pub(super) fn since(&self) -> Vec<SpanFigures> {
        let part = |from: &Timestamp| since(&self.result.equity, &self.result.reference, *from);
        self.order.since.iter().map(part).collect()
    }

    /// The figures as JSON.
    pub(super) fn document(&self) -> Value {
        let Statistics { performance, risk, drawdown, trades, costs, .. } = &self.result.statistics;
        let counts = &self.result.counts;
        json!({
            "run": self.order.run.display().to_string(),
            "report": self.order.report.map(|path| path.display().to_string()),
            "strategy": self.result.config.strategy,
            "synthetic": self.result.manifest.synthetic,
            "fill": self.result.config.fill.name(),
            "optimistic": self.result.config.fill.is_optimistic(),
            "halted": self.halted(),
            "state": self.state(),
            "interrupted_at": self.result.interrupted_at.map(moment_text),
            "return_pct": performance.return_pct,
            "sharpe": risk.sharpe,
            "sharpe_low": risk.sharpe_low,
            "sharpe_high": risk.sharpe_high,
            "max_drawdown_pct": drawdown.max_drawdown_pct,
            "trades": trades.trades,
            "orders": counts.orders,
            "fills": counts.fills,
            "final_equity": performance.final_equity,
            "fees": costs.fees,
            "exact": { "final_equity": money(self.result.equity_at_end), "fees": money(self.result.fees) },
            "events": self.result.head.count,
            "ticks": counts.records_read,
            "elapsed_s": self.result.elapsed.as_secs_f64(),
            "ticks_per_s": self.result.ticks_per_s(),
            "cpu_ns_per_tick": self.result.cpu_ns_per_tick(),
            "peak_rss_mib": peak_rss_mib(),
            "head": hex(&self.result.head.digest),
            "signature": signing_document(&self.result.signing),
            "counts": self.counts(),
            "assumptions": self.assumptions(),
            "statistics": self.result.statistics,
            "since": self.since(),
            "by_regime": self.result.regimes,
            "manifest": manifest_document(&self.result.manifest),
        })
    }

    /// What happened, counted. Amounts have more digits than a JSON number holds, so they are words here.
    fn counts(&self) -> Value {
        let counts = &self.result.counts;
        let halts = counts
            .halts
            .iter()
            .map(|(at, reason)| json!({ "at": moment_text(*at), "reason": halt_words(reason) }));
        json!({
            "bars_built": counts.bars_built,
            "signals": counts.signals,
            "refusals": counts.refusals,
            "rejected": counts.rejected,
            "expired": counts.expired,
            "halts": halts.collect::<Vec<_>>(),
            "regime_changes": counts.regime_changes,
            "gaps": counts.gaps,
            "impossible_bars": counts.impossible_bars,
            "crossed_quotes": counts.crossed_quotes,
            "questions": counts.questions,
            "missed_answers": counts.missed_answers,
            "degraded": counts.degraded,
            "inference": counts.inference.as_ref().map(inference),
        })
    }

    /// What the conductor did, in a run that has one.
    fn conduct(&self) -> String {
        let counts = &self.result.counts;
        let Some(setup) = &counts.inference else { return String::new() };
        let mut text = format!("{}\n", inference_line(setup));
        text.push_str(&format!("{} questions, {} missed\n", counts.questions, counts.missed_answers));
        for (reason, count) in &counts.degraded {
            text.push_str(&format!("the rule answered {count} times: {reason}\n"));
        }
        text
    }

    /// How far the run has come, in the words of every command.
    fn state(&self) -> &'static str {
        match (self.result.interrupted_at, &self.result.signing.key) {
            (Some(_), _) => JournalState::Interrupted,
            (None, Some(_)) => JournalState::Signed,
            (None, None) => JournalState::Closed,
        }
        .word()
    }

    /// Where the operator ended the run, what is kept and how to look at it.
    pub(super) fn interrupted(&self) -> Option<String> {
        let at = moment_text(self.result.interrupted_at?);
        let (run, records) = (self.order.run.display(), self.result.counts.records_read);
        Some(format!(
            "{run} is closed and holds everything up to record {records}, {at}; `engine verify {run}` and \
             `engine replay {run} --check` look at it"
        ))
    }

    /// When and why trading stopped before the data ended; the first thing to know about such a run.
    pub(super) fn halted(&self) -> Option<String> {
        halted_words(&self.result.counts.halts)
    }

    /// The figures for people.
    pub(super) fn text(&self) -> String {
        let counts = &self.result.counts;
        let mut text = String::new();
        if let Some(at) = self.result.interrupted_at {
            text.push_str(&format!(
                "INTERRUPTED at {}: the data was not played to its end\n",
                moment_text(at)
            ));
        }
        text.push_str(&self.halted().map(|line| format!("{line}\n")).unwrap_or_default());
        if self.result.manifest.synthetic {
            text.push_str("SYNTHETIC DATA: no market ever traded at these prices\n");
        }
        if self.result.config.fill.is_optimistic() {
            text.push_str(&format!("OPTIMISTIC FILLS: {}\n", self.result.config.fill.name()));
        }
        for sentence in violations(&self.result.counts) {
            text.push_str(&format!("{sentence}\n"));
        }
        text.push_str(&summary_table(&self.result.statistics));
        text.push_str(&span_table(self.result.statistics.years.iter().chain(&self.since())));
        let (orders, fills) = (counts.orders, counts.fills);
        text.push_str(&format!("\n{orders} orders, {fills} fills, {} records in ", counts.records_read));
        text.push_str(&format!(
            "{:.2} s ({:.0} a second)\n",
            self.result.elapsed.as_secs_f64(),
            self.result.ticks_per_s()
        ));
        for (reason, count) in &counts.refusals {
            text.push_str(&format!("refused {count} times: {reason}\n"));
        }
        text.push_str(&self.conduct());
        text.push_str(&format!("run    {}\n", self.order.run.display()));
        if let Some(report) = self.order.report {
            text.push_str(&format!("report {}\n", report.display()));
        }
        text.push_str(&format!(
            "head   {} after {} events\n",
            hex(&self.result.head.digest),
            self.result.head.count
        ));
        text.push_str(&signing_text(&self.result.signing));
        text
    }
}
