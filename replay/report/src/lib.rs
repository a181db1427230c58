//! What people see of a run: one HTML file, and a table for the terminal.
//!
//! This crate promises that [`render`] needs nothing but its input (no network, no clock, no files) and that equal
//! inputs give equal bytes. It deliberately computes no figure: the statistics do, and it only says them.

use engine_core::event::Manifest;
use engine_core::time::Timestamp;

use replay_statistics::{
    BuyAndHold, EquityRecorder, PriceCandles, PriceRecorder, RegimeFigures, SpanFigures, Statistics,
    TradeBook,
};

mod candles;
mod charts;
mod header;
mod histogram;
mod html;
mod monthly;
mod parts;
mod plot;
mod provenance;
mod regime_page;
mod scale;
mod study;
mod tables;
mod terminal;
mod time_axis;
mod trade_list;

#[cfg(test)]
mod render_tests;

pub use provenance::manifest_json;
pub use regime_page::{RegimePage, render_regimes};
pub use study::{StudyChart, StudyPage, StudyRange, StudyTable};
pub use terminal::{span_table, summary_table};

/// The rule that turned orders into fills.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FillRule<'a> {
    /// Its name in the configuration, as in `next-open`.
    pub name: &'a str,
    /// What it assumes, in a sentence.
    pub meaning: &'a str,
    /// Whether fills are better than a market would give.
    pub optimistic: bool,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending<'a> {
    /// As planned.
    Complete,
    /// To the end of the data, but trading was halted on the way, for this reason.
    Halted(&'a str),
    /// By its operator at this moment, before the end of the data.
    Interrupted(&'a str),
    /// Before the end of the data, for this reason.
    Incomplete(&'a str),
}

/// Something that happened so many times, as in refusals by their reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// What.
    pub what: String,
    /// How often.
    pub count: u64,
}

/// A moment trading was halted or resumed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HaltLine {
    /// When.
    pub at: Timestamp,
    /// What happened and why.
    pub what: String,
}

/// A command a reader can run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandLine {
    /// What it shows.
    pub purpose: String,
    /// The command.
    pub command: String,
}

/// Everything a report shows.
#[derive(Debug, Clone, Copy)]
pub struct ReportInput<'a> {
    /// What the run was made of; strategy, instruments and `synthetic` are read from here.
    pub manifest: &'a Manifest,
    /// Head of the run's journal, in hexadecimal.
    pub head: &'a str,
    /// How orders were filled.
    pub fill_rule: FillRule<'a>,
    /// How the run ended.
    pub ending: Ending<'a>,
    /// Every figure.
    pub statistics: &'a Statistics,
    /// Equity over time.
    pub equity: &'a EquityRecorder,
    /// Buy-and-hold over time.
    pub reference: &'a BuyAndHold,
    /// Prices of the instruments, in the order of the manifest; fewer than there are instruments is allowed.
    pub prices: &'a [PriceRecorder],
    /// Candles of the same instruments, shown on hover; empty where no bars were read.
    pub candles: &'a [PriceCandles],
    /// What was earned by regime; empty for a run without regimes.
    pub regimes: &'a [RegimeFigures],
    /// Parts of the run that were asked for.
    pub since: &'a [SpanFigures],
    /// Fills and closed trades.
    pub trades: &'a TradeBook,
    /// Refusals of the gate and rejects of the venue, by reason.
    pub refusals: &'a [Counted],
    /// When trading was halted or resumed.
    pub halts: &'a [HaltLine],
    /// What this backtest assumes, one sentence each.
    pub assumptions: &'a [String],
    /// How to repeat and to check the run.
    pub commands: &'a [CommandLine],
}

/// Lets a browser load nothing and run only what the page itself holds.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'";

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// The report as one self-contained HTML file; it shows a thousand trades and four instruments' charts at most, so it stays
/// below 1 MB however long the run was.
#[must_use]
pub fn render(input: &ReportInput<'_>) -> String {
    let stamp = header::stamp(input);
    let statistics = input.statistics;
    let sections = [
        header::header(input),
        charts::equity(input, &stamp),
        charts::rolling(input, &stamp),
        parts::years(input, &stamp),
        monthly::monthly(input),
        parts::falls(input),
        parts::regimes(input.regimes),
        charts::prices(input, &stamp),
        tables::figures(statistics),
        tables::costs(statistics),
        tables::instruments(statistics),
        tables::exits(statistics),
        histogram::trade_returns(input, &stamp),
        tables::refusals(input),
        trade_list::trades(input),
        provenance::assumptions(input),
        provenance::manifest(input),
        provenance::commands(input),
    ];
    page(&header::title(input), &sections.concat())
}

/// A self-contained page of `title`, already escaped, around `body`.
fn page(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n{body}</main>\n\
         <script>{SCRIPT}</script>\n</body>\n</html>\n"
    )
}
