//! Parts of a run: calendar years, everything since a day, days by regime, and the deepest falls.

use std::fmt::Write as _;

use super::ReportInput;
use super::charts::figure;
use super::html::{Cell, Setting, Table, escaped, section};
use replay_statistics::figures::{NOT_DEFINED, grouped};
use replay_statistics::{Fall, RegimeFigures, SpanFigures, SpanSide, row_text};

fn number(value: Option<f64>, unit: &str) -> Cell {
    let text = |value| format!("{}{unit}", grouped(value, 2));
    value.map_or_else(|| Cell::number(NOT_DEFINED), |value| Cell::signed(&text(value), value.min(0.0)))
}

/// Years side by side with holding as bars, and their figures; periods that were asked for below.
pub(super) fn years(input: &ReportInput<'_>, stamp: &str) -> String {
    let years = &input.statistics.years;
    if years.is_empty() {
        return String::new();
    }
    let bars = figure(
        "Return by calendar year",
        "<span class=\"key own\">strategy</span> <span class=\"key held\">buy and hold</span>",
        &year_bars(years),
        stamp,
    );
    let mut table = Table::new(&HEADINGS, Setting::Normal);
    years.iter().chain(input.since).for_each(|part| row(&mut table, part));
    let notes = years.iter().chain(input.since).filter_map(|part| Some((&part.name, part.note.as_ref()?)));
    let notes: String = notes.fold(String::new(), |mut out, (name, note)| {
        let _ = write!(out, "{}: {}. ", escaped(name), escaped(note));
        out
    });
    let remark = format!(
        "<p class=\"remark\">Daily closes, UTC; each part goes on with the equity and the positions of the day before \
         it. Sharpe with its 95 % interval. Buy and hold is bought once, at the beginning of the run. {notes}</p>"
    );
    section("years", "Years", &(bars + &table.finish() + &remark))
}

const HEADINGS: [&str; 9] = [
    "Part",
    "#Days",
    "#Return",
    "#Volatility",
    "#Sharpe",
    "#95 % of it",
    "#Max drawdown",
    "#Hold: return, Sharpe",
    "#Max drawdown",
];

fn row(table: &mut Table, part: &SpanFigures) {
    let own = |pick: fn(&SpanSide) -> Option<f64>| part.strategy.as_ref().and_then(pick);
    let held = |pick: fn(&SpanSide) -> Option<f64>| part.buy_and_hold.as_ref().and_then(pick);
    let interval = own(|side| side.sharpe_low).zip(own(|side| side.sharpe_high));
    let interval = interval.map_or_else(
        || NOT_DEFINED.to_owned(),
        |(low, high)| format!("{} to {}", grouped(low, 2), grouped(high, 2)),
    );
    let text = |value: Option<f64>, unit: &str| {
        value.map_or_else(|| NOT_DEFINED.to_owned(), |value| format!("{}{unit}", grouped(value, 2)))
    };
    let beside =
        format!("{}, {}", text(held(|side| Some(side.return_pct)), " %"), text(held(|side| side.sharpe), ""));
    table.row([
        Cell::words(&part.name),
        Cell::number(&grouped(part.days as f64, 0)),
        number(own(|side| Some(side.return_pct)), " %"),
        number(own(|side| side.volatility_pct), " %"),
        number(own(|side| side.sharpe), ""),
        Cell::number(&interval),
        number(own(|side| Some(side.max_drawdown_pct)), " %"),
        Cell::number(&beside),
        number(held(|side| Some(side.max_drawdown_pct)), " %"),
    ]);
}

/// Two bars a year around a line at zero, as plain elements.
fn year_bars(years: &[SpanFigures]) -> String {
    let side = |side: Option<SpanSide>| side.map_or(0.0, |side| side.return_pct);
    let values = || years.iter().flat_map(|year| [side(year.strategy), side(year.buy_and_hold)]);
    let (low, high) = (values().fold(0.0, f64::min), values().fold(0.0, f64::max));
    let height = if high > low { high - low } else { 1.0 };
    let mut html = format!("<div class=\"years\" style=\"--zero:{:.2}%\">", high / height * 100.0);
    for year in years {
        html.push_str("<div>");
        for (class, name, value) in [
            ("own", "strategy", year.strategy.map(|side| side.return_pct)),
            ("held", "buy and hold", year.buy_and_hold.map(|side| side.return_pct)),
        ] {
            let Some(value) = value else { continue };
            let top = (high - value.max(0.0)) / height * 100.0;
            let _ = write!(
                html,
                "<b class=\"{class}\" style=\"top:{top:.2}%;height:{:.2}%\" title=\"{} {name}: {} %\"></b>",
                value.abs() / height * 100.0,
                escaped(&year.name),
                grouped(value, 2)
            );
        }
        let _ = write!(html, "<span>{}</span></div>", escaped(&year.name));
    }
    html.push_str("</div>");
    html
}

/// What was earned on days that began in one regime; nothing for a run without regimes.
pub(super) fn regimes(rows: &[RegimeFigures]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let headings =
        ["Market", "Regime", "#Days", "#Share of days", "#Return", "#Volatility", "#Sharpe", "#Worst day"];
    let mut table = Table::new(&headings, Setting::Normal);
    for row in rows {
        table.row([
            Cell::words(&row.instrument),
            Cell::words(row.regime),
            Cell::number(&grouped(row.days as f64, 0)),
            number(Some(row.days_pct), " %"),
            number(Some(row.return_pct), " %"),
            number(row.volatility_pct, " %"),
            number(row.sharpe, ""),
            number(Some(row.worst_day_pct), " %"),
        ]);
    }
    let remark = "<p class=\"remark\">Each day counts for the regime of that market that was known when the day began; \
                  returns are of the whole account, compounded over those days. Ratios need 20 days.</p>";
    section("regimes", "By regime", &(table.finish() + remark))
}

/// The deepest falls, the deepest first.
pub(super) fn falls(input: &ReportInput<'_>) -> String {
    let falls = input.equity.deepest_falls();
    if falls.is_empty() {
        return String::new();
    }
    let mut table = Table::new(
        &["Peak, UTC", "Trough, UTC", "Recovered, UTC", "#Depth", "#To the trough", "#Length"],
        Setting::Normal,
    );
    for fall in &falls {
        let Fall { peak_at, trough_at, recovered_at, lasted, .. } = *fall;
        let days = |nanos: i64| format!("{} d", grouped(nanos as f64 / 86_400e9, 1));
        table.row([
            Cell::words(&row_text(peak_at)),
            Cell::words(&row_text(trough_at)),
            Cell::words(&recovered_at.map_or_else(|| "not yet".to_owned(), row_text)),
            number(Some(fall.depth() * 100.0), " %"),
            Cell::number(&days(trough_at.since(peak_at).nanos())),
            Cell::number(&days(lasted.nanos())),
        ]);
    }
    let remark =
        "<p class=\"remark\">The ten deepest over all samples of equity, open positions at their mark.</p>";
    section("falls", "Largest drawdowns", &(table.finish() + remark))
}
