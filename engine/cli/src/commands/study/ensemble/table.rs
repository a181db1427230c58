//! The ensemble study as a table and as a page.

use replay_report::{StudyChart, StudyPage, StudyRange, StudyTable};
use replay_statistics::significance::bootstrap::Interval;
use replay_statistics::significance::path::PathFigures;

use super::EnsembleArgs;
use crate::output::table::columns;
use engine_research::ensemble_study::{EnsembleRow, EnsembleStudy};

/// What a reader must know before believing the figures.
pub(super) const DOUBTS: [&str; 5] = [
    "The rules were chosen after looking at these markets; the deflated ratio counts the configurations, but no test \
     gives back what was seen.",
    "Solana is in the universe because it is known to have risen: quote the rows without it too.",
    "Intervals resample days that happened; what never happened is in none of them.",
    "One venue's bars; no funding, no market impact, idle cash earns nothing.",
    "Filled at the close that decided is OPTIMISTIC: that price was past when it was known.",
];

const HEAD: [&str; 15] = [
    "span",
    "#CAGR %",
    "#Sharpe",
    "#90 % of it",
    "#max drawdown %",
    "#deflated",
    "#strict",
    "#all three",
    "#hold: CAGR %",
    "#Sharpe",
    "#max drawdown %",
    "#original: CAGR %",
    "#Sharpe",
    "#max drawdown %",
    "#OPTIMISTIC same close",
];

fn percent(share: f64) -> String {
    format!("{:.1}", share * 100.0)
}

fn three(figures: Option<PathFigures>) -> [String; 3] {
    let Some(PathFigures { sharpe, cagr, max_drawdown }) = figures else {
        return ["n/a", "n/a", "n/a"].map(str::to_owned);
    };
    [percent(cagr), format!("{sharpe:.2}"), percent(max_drawdown)]
}

fn cells(row: &EnsembleRow) -> Vec<String> {
    let Interval { estimate, low, high, .. } = row.ensemble.sharpe;
    let likely = |share: Option<f64>| share.map_or("n/a".to_owned(), |share| format!("{share:.3}"));
    let own = [
        format!("{} to {}", row.case.from_day(), row.case.last_day()),
        percent(row.ensemble.cagr.estimate),
        format!("{estimate:.2}"),
        format!("{low:.2} to {high:.2}"),
        percent(row.ensemble.max_drawdown.estimate),
        likely(row.deflation.deflated_sharpe),
        likely(row.strict.deflated_sharpe),
        format!("{:.2}", row.all_three),
    ];
    let beside = [three(row.holding), three(row.original)].concat();
    [own.to_vec(), beside, vec![three(row.same_close).join(" / ")]].concat()
}

fn universe(row: &EnsembleRow) -> String {
    row.case.symbols.iter().map(|symbol| symbol.trim_end_matches("USDT")).collect::<Vec<_>>().join(" + ")
}

/// The rows of each universe, under its name.
fn groups(rows: &[EnsembleRow]) -> Vec<(String, Vec<Vec<String>>)> {
    let mut groups: Vec<(String, Vec<Vec<String>>)> = Vec::new();
    for row in rows {
        let name = universe(row);
        match groups.last_mut() {
            Some((last, of_group)) if *last == name => of_group.push(cells(row)),
            Some(_) | None => groups.push((name, vec![cells(row)])),
        }
    }
    groups
}

fn remarks(rows: &[EnsembleRow], args: &EnsembleArgs) -> Vec<String> {
    let spreads: Vec<String> =
        rows.iter().map(|row| format!("{:.2}", row.deflation.trial_sharpe_sd)).collect();
    let neighbours = rows.first().map_or(0, |row| row.neighbours);
    vec![
        "Decided at the close, filled at the next open, 10 bps fee and 5 bps slippage; history before a span is \
         learned from and not traded. CAGR, Sharpe and maximum drawdown on daily closes, a year of 365 days, \
         risk-free 0."
            .to_owned(),
        format!(
            "90 %: stationary bootstrap, {} paths, seed {}. All three: share of those paths with CAGR above 20 %, a \
             ratio above 1 and a drawdown below 20 %.",
            args.draws, args.seed
        ),
        format!(
            "Deflated: probability that the true ratio is above the luck of {} trials, spread as {neighbours} simple \
             trend policies were on the same bars (row by row {}). Strict: the same, spread as independent worthless \
             trials.",
            args.trials,
            spreads.join(", ")
        ),
        "Hold: equal parts, bought on the first day of the span or of its market, never sold. Original: the seed's \
         ensemble (seed-3d), an account of its own for each market, at the same costs."
            .to_owned(),
    ]
}

/// The study for the terminal.
pub(super) fn text(study: &EnsembleStudy, args: &EnsembleArgs) -> String {
    let rows = &study.rows;
    let head: Vec<&str> = HEAD.iter().map(|heading| heading.trim_start_matches('#')).collect();
    let mut text = String::new();
    for (name, cells) in groups(rows) {
        text.push_str(&format!("{name}\n{}\n", columns(&head, &cells)));
    }
    for line in &study.left_out {
        text.push_str(&format!("- left out: {line}\n"));
    }
    for line in remarks(rows, args).iter().map(String::as_str).chain(DOUBTS) {
        text.push_str(&format!("- {line}\n"));
    }
    if let Some(path) = &args.html {
        text.push_str(&format!("page {}\n", path.display()));
    }
    text
}

/// The rows with these columns only.
fn picked(groups: &[(String, Vec<Vec<String>>)], columns: &[usize]) -> Vec<(String, Vec<Vec<String>>)> {
    let row = |row: &Vec<String>| columns.iter().filter_map(|at| row.get(*at)).cloned().collect();
    groups.iter().map(|(name, rows)| (name.clone(), rows.iter().map(row).collect())).collect()
}

/// Sharpe ratios with their intervals, holding and the original beside.
fn sharpe_chart(rows: &[EnsembleRow]) -> StudyChart {
    let range = |row: &EnsembleRow| {
        let Interval { estimate, low, high, .. } = row.ensemble.sharpe;
        let beside = [row.holding, row.original].map(|figures| figures.map(|figures| figures.sharpe));
        StudyRange {
            group: universe(row),
            name: format!("from {}", row.case.from_day()),
            estimate,
            low,
            high,
            beside,
        }
    };
    StudyChart {
        heading: "Sharpe ratio with its 90 % interval".to_owned(),
        names: ["ensemble", "holding", "original"].map(str::to_owned),
        ranges: rows.iter().map(range).collect(),
    }
}

/// The study as a page.
pub(super) fn page(study: &EnsembleStudy, args: &EnsembleArgs, command: &str) -> StudyPage {
    let rows = &study.rows;
    let part = |heading: &str, columns: &[usize]| StudyTable {
        heading: heading.to_owned(),
        columns: columns.iter().filter_map(|at| HEAD.get(*at)).map(|text| (*text).to_owned()).collect(),
        groups: picked(&groups(rows), columns),
        remarks: Vec::new(),
    };
    let left_out = study.left_out.iter().map(|line| format!("Left out: {line}."));
    let beside = StudyTable {
        remarks: remarks(rows, args).into_iter().chain(left_out).collect(),
        ..part("Beside holding, the original and an optimistic fill", &[0, 8, 9, 10, 11, 12, 13, 14])
    };
    StudyPage {
        title: "What the default ensemble earned".to_owned(),
        question:
            "rg-ens12, twelve trend signals scaled by regime in one inverse-volatility book, over three \
                   universes and three spans, after costs."
                .to_owned(),
        doubts: DOUBTS.map(str::to_owned).to_vec(),
        charts: vec![sharpe_chart(rows)],
        tables: vec![part("After costs, out of the engine", &[0, 1, 2, 3, 4, 5, 6, 7]), beside],
        command: command.to_owned(),
    }
}
