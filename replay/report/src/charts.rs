//! The charts of a report: equity, drawdown, prices with fills, the spread of trade results.

use std::fmt::Write as _;

use engine_core::instrument::InstrumentId;
use engine_core::market::Side;
use engine_core::num::Price;
use engine_core::order::OrderId;
use engine_core::time::Timestamp;

use super::ReportInput;
use super::candles::with_candles;
use super::html::{escaped, section};
use super::plot::{Line, Mark, Plot, density};
use super::scale::Spread;
use replay_statistics::{CandleColumns, Point, Rolling, TradeBook};

/// More fills than this are shown as bars over time, not one by one.
const MARKS_MAX: usize = 240;

/// More instruments than this are listed, not drawn.
const CHARTS_MAX: usize = 4;

/// A chart under its caption; `stamp` repeats the banners of the page.
pub(super) fn figure(heading: &str, legend: &str, body: &str, stamp: &str) -> String {
    let stamp =
        if stamp.is_empty() { String::new() } else { format!("<span class=\"stamp\">{stamp}</span>") };
    format!(
        "<figure><figcaption><b>{}</b> <span class=\"legend\">{legend}</span>{stamp}</figcaption>{body}\
         </figure>\n",
        escaped(heading)
    )
}

/// Several views of one chart with a switch between them, which needs no script.
fn switched(group: &str, views: &[(&str, String)]) -> String {
    let mut body = String::from("<div class=\"views\">");
    for (place, (name, _)) in views.iter().enumerate() {
        let checked = if place == 0 { " checked" } else { "" };
        let _ = write!(
            body,
            "<input type=\"radio\" name=\"{group}\" id=\"{group}-{place}\"{checked}>\
             <label for=\"{group}-{place}\">{name}</label>"
        );
    }
    for (_, html) in views {
        let _ = write!(body, "<div class=\"view\">{html}</div>");
    }
    body.push_str("</div>");
    body
}

/// A low chart of one line.
fn low_chart(name: &'static str, class: &'static str, points: &[Point], unit: &'static str) -> String {
    let lines = [Line { name, class, points }];
    let (marks, bands, spread) = (&[], &[], Spread::Linear);
    Plot { lines: &lines, marks, bands, spread, base: Some(0.0), unit, height: "low" }.html()
}

/// Ratio and volatility of the last days, and what was held; nothing of a run that is too short.
pub(super) fn rolling(input: &ReportInput<'_>, stamp: &str) -> String {
    let mut charts = String::new();
    if let Some(rolling) = Rolling::of(input.equity) {
        let legend = format!("daily returns of the last {} days, by the year of 365", rolling.window_days);
        let sharpe = low_chart("Sharpe", "own", &rolling.sharpe, "");
        let volatility = low_chart("volatility", "held", &rolling.volatility_pct, " %");
        charts += &figure("Rolling Sharpe", &legend, &sharpe, stamp);
        charts += &figure("Rolling volatility", &legend, &volatility, stamp);
    }
    let exposure = input.equity.exposure_curve().points();
    let held = low_chart("exposure", "price", &exposure, " %");
    charts += &figure("Exposure", "gross notional ÷ equity", &held, stamp);
    section("rolling", "Ratio, volatility and exposure over time", &charts)
}

/// Equity beside buy-and-hold, in three views, and the drawdown below on the same time.
pub(super) fn equity(input: &ReportInput<'_>, stamp: &str) -> String {
    let own = input.equity.curve().points();
    let held = input.reference.curve().points();
    let strategy = || Line { name: "strategy", class: "own", points: &own };
    let reference = || Line { name: "buy and hold", class: "held", points: &held };
    let both = [strategy(), reference()];
    let alone = [strategy()];
    let plot =
        |lines, spread| Plot { lines, marks: &[], bands: &[], spread, base: None, unit: "", height: "tall" };
    let views = [
        ("Linear", plot(&both, Spread::Linear)),
        ("Logarithmic", plot(&both, Spread::Logarithmic)),
        ("Strategy alone", plot(&alone, Spread::Linear)),
    ];
    let body = switched("equity", &views.each_ref().map(|(name, plot)| (*name, plot.html())));
    let legend = views.first().map(|(_, plot)| plot.legend()).unwrap_or_default();
    let fallen = fallen(&own);
    let falls = [Line { name: "drawdown", class: "fall", points: &fallen }];
    let depth = Plot {
        lines: &falls,
        marks: &[],
        bands: &[],
        spread: Spread::Linear,
        base: Some(0.0),
        unit: " %",
        height: "low",
    };
    let charts = figure("Equity", &legend, &body, stamp)
        + &figure("Drawdown", "per cent below the highest equity so far", &depth.html(), stamp);
    section("equity", "Equity and drawdown", &charts)
}

/// The fall from the highest value so far, in per cent.
fn fallen(points: &[Point]) -> Vec<Point> {
    let mut peak = f64::MIN;
    let fall = |point: &Point| {
        peak = peak.max(point.value);
        let value = if peak > 0.0 { (point.value / peak - 1.0) * 100.0 } else { 0.0 };
        Point { at: point.at, value }
    };
    points.iter().map(fall).collect()
}

/// The price of each instrument with the fills in it, the whole run and its end.
pub(super) fn prices(input: &ReportInput<'_>, stamp: &str) -> String {
    let mut body = String::new();
    let drawn = input.prices.iter().zip(0_u16..).take(CHARTS_MAX);
    for (prices, index) in drawn {
        let id = InstrumentId::new(index);
        let Some(rules) = input.manifest.instruments.get(id.index()) else { continue };
        let marks = marks(input.trades, id);
        let name = format!("{} {}", rules.venue, rules.symbol);
        let candles = input.candles.get(id.index());
        let decimals = rules.price_decimals;
        let whole = Shown {
            heading: format!("{name}, whole run"),
            points: prices.curve().points(),
            marks: &marks,
            candles: candles.map(|candles| (&candles.whole, decimals)),
        };
        body += &whole.figure(&format!("price{index}"), stamp);
        let tail = prices.tail();
        let starts = prices.curve().first().map(|point| point.at);
        if tail.first().is_some_and(|first| Some(first.at) > starts) {
            let heading = format!("{name}, last {} prices", tail.len());
            let candles = candles.map(|candles| (&candles.tail, decimals));
            let end = Shown { heading, points: tail, marks: &marks, candles };
            body += &end.figure(&format!("tail{index}"), stamp);
        }
    }
    let left = input.prices.len().saturating_sub(CHARTS_MAX);
    if left > 0 {
        let _ = write!(body, "<p class=\"remark\">{left} more instruments are in the tables only.</p>");
    }
    if body.is_empty() {
        body.push_str("<p class=\"none\">No prices were recorded for this report.</p>");
    }
    section("prices", "Prices and fills", &body)
}

/// What a chart of a price shows.
struct Shown<'a> {
    heading: String,
    points: Vec<Point>,
    marks: &'a [Mark],
    /// What is told on hover, and the decimals of its prices.
    candles: Option<(&'a CandleColumns, u8)>,
}

impl Shown<'_> {
    /// The chart under its caption; `group` tells its switch from others.
    fn figure(&self, group: &str, stamp: &str) -> String {
        let (Some(first), Some(last)) = (self.points.first(), self.points.last()) else {
            return String::new();
        };
        let within = |mark: &&Mark| (first.at..=last.at).contains(&mark.point.at);
        let marks: Vec<Mark> = self.marks.iter().filter(within).copied().collect();
        let few = marks.len() <= MARKS_MAX;
        let lines = [Line { name: "price", class: "price", points: &self.points }];
        let plot = |spread| Plot {
            lines: &lines,
            marks: if few { &marks } else { &[] },
            bands: &[],
            spread,
            base: None,
            unit: "",
            height: "tall",
        };
        let linear = plot(Spread::Linear);
        let chart = match self.points.iter().all(|point| point.value > 0.0) {
            true => {
                let logarithmic = plot(Spread::Logarithmic).html();
                switched(group, &[("Logarithmic", logarithmic), ("Linear", linear.html())])
            }
            // A price at or below zero has no logarithm.
            false => linear.html(),
        };
        let chart = match self.candles {
            Some((candles, decimals)) => with_candles(chart, candles, (first.at, decimals)),
            None => chart,
        };
        let bars = if few { None } else { density(&marks, first.at, last.at) };
        figure(&self.heading, &linear.legend(), &(chart + &bars.unwrap_or_default()), stamp)
    }
}

/// Every fill in an instrument once, in order, read back from closed trades and open lots.
fn marks(book: &TradeBook, id: InstrumentId) -> Vec<Mark> {
    let Some(rules) = book.instruments().get(id.index()) else { return Vec::new() };
    let mut fills: Vec<(Timestamp, OrderId, bool, Price)> = Vec::new();
    for trade in book.closed().iter().filter(|trade| trade.instrument == id) {
        fills.push((trade.entry_at, trade.entry_order, trade.side == Side::Buy, trade.entry_price));
        fills.push((trade.exit_at, trade.exit_order, trade.side == Side::Sell, trade.exit_price));
    }
    let open = book.open(id);
    fills.extend(open.map(|lot| (lot.entry_at, lot.order, lot.side == Side::Buy, lot.entry_price)));
    fills.sort_unstable();
    fills.dedup();
    let mark = |(at, _, bought, price): (Timestamp, OrderId, bool, Price)| Mark {
        class: if bought { "buy" } else { "sell" },
        point: Point { at, value: rules.price_f64(price) },
    };
    fills.into_iter().map(mark).collect()
}
