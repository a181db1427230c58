//! Regimes over price: one page for one market and one detector.

use std::fmt::Write as _;

use engine_core::regime::Regime;
use engine_core::time::Timestamp;

use super::charts::figure;
use super::html::{Cell, Setting, Table, escaped, section};
use super::page;
use super::plot::{Band, Line, Plot};
use super::scale::Spread;
use replay_history::quality::rfc3339;
use replay_regimes::{BarSeries, LabelRule, Transition};
use replay_statistics::Point;

/// More changes than this are counted, not listed.
const LISTED_MAX: usize = 400;

/// What a page of regimes shows.
#[derive(Debug, Clone, Copy)]
pub struct RegimePage<'a> {
    /// The market, as in `binance BTCUSDT`.
    pub market: &'a str,
    /// The detector.
    pub detector: &'a str,
    /// Whether the bars are made up.
    pub synthetic: bool,
    /// The bars.
    pub series: &'a BarSeries,
    /// The regime that drives orders, of each bar.
    pub regimes: &'a [Option<Regime>],
    /// How bars are labelled in hindsight, which is drawn below for comparison.
    pub rule: LabelRule,
    /// Changes of the regime that drives orders.
    pub transitions: &'a [Transition],
}

/// The page as one self-contained HTML file. Equal inputs give equal bytes.
#[must_use]
pub fn render_regimes(input: &RegimePage<'_>) -> String {
    let title = escaped(&format!("Regimes of {}, {} detector", input.market, input.detector));
    let stamp = if input.synthetic { "SYNTHETIC" } else { "" };
    let labels = input.rule.label(input.series);
    let chart = |heading: &str, regimes: &[Option<Regime>]| {
        let bands = bands(input.series, regimes);
        figure(heading, LEGEND, &price_plot(input.series, &bands), stamp)
    };
    let detected = chart("As detected, bar by bar", input.regimes);
    let hindsight = chart("In hindsight, labels from both sides of each bar", &labels);
    let remark = format!(
        "<p class=\"remark\">Bars without colour are ranging or have no answer. Hindsight labels look {} bars ahead \
         and are known to nobody at the time; they are what detectors are judged by.</p>",
        input.rule.half_window_bars
    );
    let head = format!(
        "<header><p class=\"kind\">Market regimes</p><h1>{}</h1><p class=\"what\">{} detector, {} bars of {}, \
         {} gaps</p></header>\n",
        escaped(input.market),
        escaped(input.detector),
        input.series.len(),
        input.series.interval(),
        input.series.gaps(),
    );
    let body = [
        head,
        section("regimes", "Regimes over price", &(detected + &hindsight + &remark)),
        section("changes", "Changes", &changes(input)),
    ];
    page(&title, &body.concat())
}

const LEGEND: &str = "<span class=\"key price\">price, logarithmic</span> <span class=\"key trending\">trending\
                      </span> <span class=\"key volatile\">volatile</span> <span class=\"key crisis\">crisis</span>";

fn price_plot(series: &BarSeries, bands: &[Band]) -> String {
    let point = |(at, close): (Timestamp, f64)| Point { at, value: close };
    let points: Vec<Point> =
        closing(series).zip(series.bars().iter().map(|bar| bar.close)).map(point).collect();
    let lines = [Line { name: "price", class: "price", points: &points }];
    let plot = Plot {
        lines: &lines,
        marks: &[],
        bands,
        spread: Spread::Logarithmic,
        base: None,
        unit: "",
        height: "tall",
    };
    plot.html()
}

/// When each bar ends.
fn closing(series: &BarSeries) -> impl Iterator<Item = Timestamp> + '_ {
    series.at().iter().map(|at| at.plus(series.interval()))
}

/// A band for each stretch of one regime, from the close that brought it to the close that ended it.
fn bands(series: &BarSeries, regimes: &[Option<Regime>]) -> Vec<Band> {
    let mut bands: Vec<Band> = Vec::new();
    let coloured = closing(series).zip(regimes).filter_map(|(at, regime)| Some((at, (*regime)?)));
    for (at, regime) in coloured.filter(|(_, regime)| *regime != Regime::Ranging) {
        let (class, to) = (regime.name(), at.plus(series.interval()));
        match bands.last_mut().filter(|band| band.class == class && band.to == at) {
            Some(band) => band.to = to,
            None => bands.push(Band { class, from: at, to }),
        }
    }
    bands
}

fn changes(input: &RegimePage<'_>) -> String {
    let headings = ["At", "From", "To", "#Confidence", "#vr", "#ER", "#z", "#Bars before"];
    let mut table = Table::new(&headings, Setting::Normal);
    let left = input.transitions.len().saturating_sub(LISTED_MAX);
    for change in input.transitions.iter().skip(left).rev() {
        let reading = change.reading;
        table.row([
            Cell::words(&rfc3339(change.at)),
            Cell::words(change.from.map_or("–", Regime::name)),
            Cell::words(reading.regime.name()),
            Cell::number(&format!("{:.0} %", reading.confidence().get() * 100.0)),
            Cell::number(&format!("{:.2}", reading.volatility_ratio.get())),
            Cell::number(&format!("{:.2}", reading.efficiency.get())),
            Cell::number(&format!("{:+.2}", reading.drift.get())),
            Cell::number(&change.lasted_bars.to_string()),
        ]);
    }
    let mut html = format!("<div class=\"long\">{}</div>", table.finish());
    if left > 0 {
        let _ = write!(html, "<p class=\"remark\">{left} earlier changes are not listed.</p>");
    }
    html
}

#[cfg(test)]
mod tests {
    use engine_core::indicator::Candle;
    use engine_core::time::Span;

    use super::*;

    #[test]
    fn stretches_become_bands_and_names_are_escaped() {
        let bars = (0..6).map(|day| {
            (Timestamp::from_nanos(day * Span::DAY.nanos()), Candle::at(10.0 + f64::from(day as i32)))
        });
        let series = BarSeries::new(Span::DAY, bars).unwrap();
        let (trend, crash) = (Some(Regime::Trending), Some(Regime::Crisis));
        let regimes = [None, trend, trend, Some(Regime::Ranging), crash, crash];
        let found = bands(&series, &regimes);
        let days = |at: Timestamp| at.nanos() / Span::DAY.nanos();
        let spans: Vec<_> = found.iter().map(|band| (band.class, days(band.from), days(band.to))).collect();
        assert_eq!(spans, [("trending", 2, 4), ("crisis", 5, 7)]);
        let input = RegimePage {
            market: "a<b>",
            detector: "two-axis",
            synthetic: true,
            series: &series,
            regimes: &regimes,
            rule: LabelRule::DAILY,
            transitions: &[],
        };
        let html = render_regimes(&input);
        assert!(html.contains("a&lt;b&gt;") && !html.contains("a<b>"));
        assert!(html.contains("rect class=\"crisis\"") && html.contains("SYNTHETIC"));
        assert!(!html.contains("http://") && !html.contains("https://"));
    }
}
