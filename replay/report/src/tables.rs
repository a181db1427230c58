//! The figures of a run in tables, each with the convention it follows.

use super::ReportInput;
use super::html::{Cell, Setting, Table, section};
use replay_statistics::Statistics;
use replay_statistics::figures::{FigureValue, GROUPS, NOT_DEFINED, Unit, grouped};
use replay_statistics::moment_text;

fn percent(value: Option<f64>) -> String {
    value.map_or_else(|| NOT_DEFINED.to_owned(), |value| format!("{} %", grouped(value, 2)))
}

fn money(value: f64) -> Cell {
    Cell::signed(&grouped(value, 2), value)
}

fn figure_cell(entry: &FigureValue) -> Cell {
    let value = entry.value.as_f64().unwrap_or_default();
    match entry.figure.unit {
        Unit::Money | Unit::Percent | Unit::Ratio if value < 0.0 => Cell::signed(&entry.text(), value),
        Unit::Text
        | Unit::Count
        | Unit::Money
        | Unit::Percent
        | Unit::Ratio
        | Unit::Times
        | Unit::Days
        | Unit::Seconds => Cell::number(&entry.text()),
    }
}

/// Every figure with its convention.
pub(super) fn figures(statistics: &Statistics) -> String {
    let figures = statistics.figures();
    let mut table = Table::new(&["Figure", "#Value", "Convention"], Setting::Normal);
    for (group, name) in GROUPS {
        table.divider(name, 3);
        for entry in figures.iter().filter(|entry| entry.figure.group == group) {
            table.row([Cell::words(entry.figure.label), figure_cell(entry), Cell::remark(entry.remark())]);
        }
    }
    let note = "<p class=\"remark\">Formulas and sources are in STATISTICS.md. n/a: not defined for this run, for the reason beside it.</p>";
    section("figures", "Figures", &(table.finish() + note))
}

/// What each instrument contributed.
pub(super) fn instruments(statistics: &Statistics) -> String {
    let mut table = Table::new(
        &[
            "Instrument",
            "#Fills",
            "#Trades",
            "#Win rate",
            "#Profit",
            "#Fees",
            "#Slippage",
            "#Volume",
            "#Price",
        ],
        Setting::Normal,
    );
    for row in &statistics.instruments {
        table.row([
            Cell::words(&row.instrument),
            Cell::number(&grouped(row.fills as f64, 0)),
            Cell::number(&grouped(row.trades as f64, 0)),
            Cell::number(&percent(row.win_rate_pct)),
            money(row.profit),
            Cell::number(&grouped(row.fees, 2)),
            Cell::number(&grouped(row.slippage_cost, 2)),
            Cell::number(&grouped(row.volume, 2)),
            Cell::number(&percent(row.price_change_pct)),
        ]);
    }
    let note = "<p class=\"remark\">Profit is of closed trades, net of fees. Price is last mark on first mark, \
                without costs.</p>";
    section("instruments", "Instruments", &(table.finish() + note))
}

/// What trading cost, in words a reader can check.
pub(super) fn costs(statistics: &Statistics) -> String {
    let costs = &statistics.costs;
    let before = statistics.performance.profit + costs.fees + costs.slippage_cost;
    let mut table = Table::new(&["From profit before costs to profit", "#Amount"], Setting::Normal);
    let rows = [
        ("Profit before fees and slippage", before),
        ("Fees of fills that took liquidity", -costs.fees_taker),
        ("Fees of fills that made liquidity", -costs.fees_maker),
        ("Slippage against the price decided at", -costs.slippage_cost),
        ("Profit", statistics.performance.profit),
    ];
    for (name, amount) in rows {
        table.row([Cell::words(name), money(amount)]);
    }
    section("costs", "Costs", &table.finish())
}

/// Why trades ended.
pub(super) fn exits(statistics: &Statistics) -> String {
    if statistics.exit_reasons.is_empty() {
        return String::new();
    }
    let mut table = Table::new(&["Reason of the exit", "#Trades", "#Win rate", "#Profit"], Setting::Normal);
    for row in statistics.exit_reasons.iter().take(40) {
        table.row([
            Cell::words(&row.reason),
            Cell::number(&grouped(row.trades as f64, 0)),
            Cell::number(&percent(row.win_rate_pct)),
            money(row.profit),
        ]);
    }
    section("exits", "Why trades ended", &table.finish())
}

/// What was refused, and when trading stood still.
pub(super) fn refusals(input: &ReportInput<'_>) -> String {
    let mut body = String::new();
    if input.refusals.is_empty() {
        body.push_str("<p class=\"none\">No order was refused or rejected.</p>");
    } else {
        let mut table = Table::new(&["Refused or rejected because", "#Orders"], Setting::Normal);
        for row in input.refusals {
            table.row([Cell::words(&row.what), Cell::number(&grouped(row.count as f64, 0))]);
        }
        body += &table.finish();
    }
    if input.halts.is_empty() {
        body.push_str("<p class=\"none\">Trading was never halted.</p>");
    } else {
        let mut table = Table::new(&["When, UTC", "What"], Setting::Normal);
        for halt in input.halts.iter().take(100) {
            table.row([Cell::words(&moment_text(halt.at)), Cell::words(&halt.what)]);
        }
        body += &table.finish();
    }
    section("refusals", "Refusals and halts", &body)
}
