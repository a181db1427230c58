//! The figures of a run as a table for the terminal.

use std::fmt::Write as _;

use replay_statistics::figures::FigureValue;
use replay_statistics::{SpanFigures, Statistics};

/// The figures that matter most, in the order they are printed; an empty group is a blank line.
const SHOWN: [(&str, &str); 36] = [
    ("period", "start"),
    ("period", "end"),
    ("", ""),
    ("performance", "final_equity"),
    ("performance", "return_pct"),
    ("performance", "buy_and_hold_return_pct"),
    ("performance", "cagr_pct"),
    ("", ""),
    ("risk", "volatility_pct"),
    ("risk", "sharpe"),
    ("risk", "sharpe_low"),
    ("risk", "sharpe_high"),
    ("risk", "sortino"),
    ("risk", "sortino_low"),
    ("risk", "sortino_high"),
    ("risk", "calmar"),
    ("risk", "calmar_low"),
    ("risk", "calmar_high"),
    ("drawdown", "max_drawdown_pct"),
    ("drawdown", "longest_drawdown_days"),
    ("risk", "cvar_95_pct"),
    ("exposure", "time_in_market_pct"),
    ("", ""),
    ("trades", "trades"),
    ("trades", "win_rate_pct"),
    ("trades", "win_rate_low_pct"),
    ("trades", "win_rate_high_pct"),
    ("trades", "profit_factor"),
    ("trades", "profit_factor_low"),
    ("trades", "profit_factor_high"),
    ("trades", "expectancy"),
    ("trades", "held_median_s"),
    ("", ""),
    ("costs", "fees"),
    ("costs", "slippage_cost"),
    ("costs", "turnover"),
];

/// The figures that matter most, aligned, each with its convention in brackets or the reason why it is not defined, and the warnings below.
///
/// Ends with a line break. Strings come from the run's own figures only; nothing in it needs escaping.
#[must_use]
pub fn summary_table(statistics: &Statistics) -> String {
    let figures = statistics.figures();
    let find = |(group, key): &(&str, &str)| {
        figures.iter().find(|entry| entry.figure.group == *group && entry.figure.key == *key)
    };
    let rows: Vec<Option<&FigureValue>> = SHOWN.iter().map(find).collect();
    let width = |text: fn(&FigureValue) -> String| {
        rows.iter().flatten().map(|entry| text(entry).chars().count()).max().unwrap_or(0)
    };
    let labels = width(|entry| entry.figure.label.to_owned());
    let values = width(plain);
    let mut out = String::new();
    for row in &rows {
        let _ = match row {
            Some(entry) => writeln!(
                out,
                "{:<labels$}  {:>values$}  [{}]",
                entry.figure.label,
                plain(entry),
                entry.remark()
            ),
            None => writeln!(out),
        };
    }
    if !statistics.warnings.is_empty() {
        out.push('\n');
    }
    for warning in &statistics.warnings {
        let _ = writeln!(out, "warning: {}", warning.message);
    }
    out
}

/// Parts of a run with buying and holding beside, aligned; empty without a part.
///
/// Ends with a line break; names are dates and years, nothing in it needs escaping.
#[must_use]
pub fn span_table<'a>(parts: impl Iterator<Item = &'a SpanFigures>) -> String {
    let mut out = String::new();
    for part in parts {
        if out.is_empty() {
            out.push_str("\npart                 days   return %  Sharpe  drawdown %    hold: return %  Sharpe  drawdown %\n");
        }
        let (own, held) = (part.strategy, part.buy_and_hold);
        let text = |value: Option<f64>| value.map_or_else(|| "n/a".to_owned(), |value| format!("{value:.2}"));
        let _ = writeln!(
            out,
            "{:<18} {:>6} {:>10} {:>7} {:>11} {:>17} {:>7} {:>11}",
            part.name,
            part.days,
            text(own.map(|side| side.return_pct)),
            text(own.and_then(|side| side.sharpe)),
            text(own.map(|side| side.max_drawdown_pct)),
            text(held.map(|side| side.return_pct)),
            text(held.and_then(|side| side.sharpe)),
            text(held.map(|side| side.max_drawdown_pct)),
        );
    }
    out
}

/// The value with signs and spaces that every terminal and every script understands.
fn plain(entry: &FigureValue) -> String {
    entry.text().replace('−', "-").replace('\u{202f}', " ")
}
