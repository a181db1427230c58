//! The figures of a run as a table for the terminal.

use std::fmt::Write as _;

use replay_statistics::Statistics;
use replay_statistics::figures::FigureValue;

/// The figures that matter most, in the order they are printed; an empty group is a blank line.
const SHOWN: [(&str, &str); 28] = [
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
    ("risk", "calmar"),
    ("drawdown", "max_drawdown_pct"),
    ("drawdown", "longest_drawdown_days"),
    ("risk", "cvar_95_pct"),
    ("exposure", "time_in_market_pct"),
    ("", ""),
    ("trades", "trades"),
    ("trades", "win_rate_pct"),
    ("trades", "profit_factor"),
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

/// The value with signs and spaces that every terminal and every script understands.
fn plain(entry: &FigureValue) -> String {
    entry.text().replace('−', "-").replace('\u{202f}', " ")
}
