//! The top of a report: what ran, what to doubt, and the figures that matter most.

use std::fmt::Write as _;

use super::html::escaped;
use super::{Ending, ReportInput};
use replay_statistics::Statistics;
use replay_statistics::figures::{NOT_DEFINED, grouped};

/// A warning over the whole page, and its one word for chart captions.
struct Banner {
    word: &'static str,
    class: &'static str,
    text: String,
}

fn banners(input: &ReportInput<'_>) -> Vec<Banner> {
    let mut banners = Vec::new();
    match input.ending {
        Ending::Complete => {}
        Ending::Halted(why) => banners.push(Banner {
            word: "HALTED",
            class: "stop",
            text: format!("Trading was halted during the run: {why}."),
        }),
        Ending::Interrupted(at) => banners.push(Banner {
            word: "INTERRUPTED",
            class: "stop",
            text: format!(
                "The operator ended the run at {at}, before its data ended. Figures cover what ran."
            ),
        }),
        Ending::Incomplete(why) => banners.push(Banner {
            word: "INCOMPLETE",
            class: "stop",
            text: format!("The run ended before its data did: {why}. Figures cover what ran."),
        }),
    }
    if input.manifest.synthetic {
        banners.push(Banner {
            word: "SYNTHETIC",
            class: "doubt",
            text: "The prices are made up by a seeded generator. No market ever traded at them, and these \
                   results say nothing about one."
                .to_owned(),
        });
    }
    if input.fill_rule.optimistic {
        banners.push(Banner {
            word: "OPTIMISTIC FILLS",
            class: "doubt",
            text: format!(
                "Orders were filled by {}: {} A real account would have done worse.",
                input.fill_rule.name, input.fill_rule.meaning
            ),
        });
    }
    banners
}

/// The words of the banners for the captions of charts, so that a picture cut out of the page keeps them.
pub(super) fn stamp(input: &ReportInput<'_>) -> String {
    banners(input).iter().map(|banner| banner.word).collect::<Vec<_>>().join(" · ")
}

/// The title of the page, banners first.
pub(super) fn title(input: &ReportInput<'_>) -> String {
    let stamp = stamp(input);
    let dash = if stamp.is_empty() { "" } else { " · " };
    escaped(&format!("{stamp}{dash}{} · {}", input.manifest.strategy, symbols(input)))
}

fn symbols(input: &ReportInput<'_>) -> String {
    let symbols = input.manifest.instruments.iter().map(|rules| format!("{}:{}", rules.venue, rules.symbol));
    let shown: Vec<String> = symbols.take(4).collect();
    let left = input.manifest.instruments.len().saturating_sub(shown.len());
    let more = if left > 0 { format!(" and {left} more") } else { String::new() };
    shown.join(", ") + &more
}

/// The head of the page.
pub(super) fn header(input: &ReportInput<'_>) -> String {
    let mut html = String::from("<header>");
    for banner in banners(input) {
        let _ = write!(
            html,
            "<p class=\"banner {}\" role=\"note\"><b>{}</b> {}</p>",
            banner.class,
            banner.word,
            escaped(&banner.text)
        );
    }
    let period = &input.statistics.period;
    let day = |moment: &Option<String>| {
        moment.as_deref().map_or(NOT_DEFINED, |text| text.get(..10).unwrap_or(text)).to_owned()
    };
    let _ = write!(
        html,
        "<p class=\"kind\">{} · engine {}</p><h1>{}</h1><p class=\"what\">{} · {} to {} UTC · {} days · \
         fills <code>{}</code></p>",
        escaped(&input.manifest.mode),
        escaped(&input.manifest.engine_version),
        escaped(&input.manifest.strategy),
        escaped(&symbols(input)),
        day(&period.start),
        day(&period.end),
        grouped(period.days, if period.days < 10.0 { 2 } else { 0 }),
        escaped(input.fill_rule.name),
    );
    html += &tiles(input);
    html += &doubts(input);
    html.push_str("</header>\n");
    html
}

/// One figure in large print with a line below it.
struct Tile {
    name: &'static str,
    value: Option<f64>,
    unit: &'static str,
    places: usize,
    below: String,
}

fn tiles(input: &ReportInput<'_>) -> String {
    let mut html = String::from("<div class=\"tiles\">");
    for tile in tiles_of(input.statistics) {
        let text = tile.value.map_or_else(
            || NOT_DEFINED.to_owned(),
            |value| format!("{}{}", grouped(value, tile.places), tile.unit),
        );
        let _ = write!(
            html,
            "<div class=\"tile\"><span>{}</span><strong>{}</strong><small>{}</small></div>",
            tile.name,
            escaped(&text),
            escaped(&tile.below)
        );
    }
    html.push_str("</div>");
    html
}

fn tiles_of(statistics: &Statistics) -> [Tile; 8] {
    let (performance, risk) = (&statistics.performance, &statistics.risk);
    let (drawdown, trades, costs) = (&statistics.drawdown, &statistics.trades, &statistics.costs);
    let or_none = |value: Option<f64>, places, unit| {
        value.map_or_else(|| NOT_DEFINED.to_owned(), |value| format!("{}{unit}", grouped(value, places)))
    };
    let held = or_none(performance.buy_and_hold_return_pct, 2, " %");
    let interval = risk.sharpe_low.zip(risk.sharpe_high).map_or_else(
        || "daily, √365".to_owned(),
        |(low, high)| format!("95 %: {} to {}", grouped(low, 2), grouped(high, 2)),
    );
    let beside = |low: Option<f64>, high: Option<f64>, unit: &str, otherwise: String| match low.zip(high) {
        Some((low, high)) => {
            let places = if unit.is_empty() { 2 } else { 1 };
            format!("95 %: {}{unit} to {}{unit}", grouped(low, places), grouped(high, places))
        }
        None => otherwise,
    };
    let rate = (trades.win_rate_low_pct, trades.win_rate_high_pct);
    let factor = (trades.profit_factor_low, trades.profit_factor_high);
    let tile = |name, value, unit, places, below| Tile { name, value, unit, places, below };
    [
        tile("Return", performance.return_pct, " %", 2, format!("buy and hold {held}")),
        tile("CAGR", performance.cagr_pct, " %", 2, "365-day year".to_owned()),
        tile("Sharpe", risk.sharpe, "", 2, interval),
        tile(
            "Max drawdown",
            Some(drawdown.max_drawdown_pct),
            " %",
            2,
            format!("longest {} days", grouped(drawdown.longest_drawdown_days, 1)),
        ),
        tile(
            "Trades",
            Some(trades.trades as f64),
            "",
            0,
            format!("{} fills", grouped(costs.fills as f64, 0)),
        ),
        tile(
            "Win rate",
            trades.win_rate_pct,
            " %",
            1,
            beside(rate.0, rate.1, " %", "net of fees".to_owned()),
        ),
        tile(
            "Profit factor",
            trades.profit_factor,
            "",
            2,
            beside(factor.0, factor.1, "", format!("expectancy {}", or_none(trades.expectancy, 2, ""))),
        ),
        tile("Fees", Some(costs.fees), "", 2, format!("slippage {}", grouped(costs.slippage_cost, 2))),
    ]
}

fn doubts(input: &ReportInput<'_>) -> String {
    let warnings = &input.statistics.warnings;
    if warnings.is_empty() {
        return String::new();
    }
    let items: String =
        warnings.iter().map(|warning| format!("<li>{}.</li>", escaped(&warning.message))).collect();
    format!("<div class=\"doubts\"><b>Read with care</b><ul>{items}</ul></div>")
}
