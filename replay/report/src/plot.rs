//! A chart as HTML: lines in an SVG that stretches, words and marks around it that do not.

use std::fmt::Write as _;

use engine_core::time::Timestamp;

use super::html::escaped;
use super::scale::{Scale, Spread};
use super::time_axis::TimeAxis;
use replay_statistics::Point;

/// Columns a line is thinned to; each keeps its lowest and highest point.
const COLUMNS: usize = 600;

/// Width and height of the drawing in its own units; the page stretches it.
const WIDTH: f64 = 1_000.0;
const HEIGHT: f64 = 300.0;

/// One line of a chart.
pub(super) struct Line<'a> {
    /// Its name in the legend.
    pub(super) name: &'a str,
    /// Its class in the style sheet.
    pub(super) class: &'static str,
    /// What it goes through.
    pub(super) points: &'a [Point],
}

/// A fill to point at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Mark {
    /// Its class in the style sheet: `buy` or `sell`.
    pub(super) class: &'static str,
    /// Where.
    pub(super) point: Point,
}

/// A stretch of time with a colour behind the lines.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Band {
    /// Its class in the style sheet.
    pub(super) class: &'static str,
    /// When it begins.
    pub(super) from: Timestamp,
    /// When it ends.
    pub(super) to: Timestamp,
}

/// What a chart shows.
pub(super) struct Plot<'a> {
    /// Lines, the first drawn last, on top.
    pub(super) lines: &'a [Line<'a>],
    /// Fills.
    pub(super) marks: &'a [Mark],
    /// What lies behind everything else.
    pub(super) bands: &'a [Band],
    /// How values are spread.
    pub(super) spread: Spread,
    /// A value that must be on the axis, as zero for drawdowns; the first line is filled towards it.
    pub(super) base: Option<f64>,
    /// What the values are, as `%`.
    pub(super) unit: &'static str,
    /// Height class in the style sheet: `tall` or `low`.
    pub(super) height: &'static str,
}

/// Keeps the lowest and the highest point of each column of time, in order, and both ends.
fn thinned(points: &[Point], axis: TimeAxis) -> Vec<Point> {
    let column = |point: &Point| (axis.place(point.at) * COLUMNS as f64) as usize;
    let mut kept: Vec<Point> = points.first().copied().into_iter().collect();
    for group in points.chunk_by(|first, second| column(first) == column(second)) {
        let least = group.iter().min_by(|a, b| a.value.total_cmp(&b.value));
        let most = group.iter().max_by(|a, b| a.value.total_cmp(&b.value));
        let mut few: Vec<Point> = [least, most].into_iter().flatten().copied().collect();
        few.sort_by_key(|point| point.at);
        kept.extend(few);
    }
    kept.extend(points.last());
    kept.dedup();
    kept
}

impl Plot<'_> {
    /// The chart, or a sentence saying that there is nothing to draw.
    pub(super) fn html(&self) -> String {
        match self.frame() {
            Some((axis, scale)) => self.drawn(axis, scale),
            None => "<p class=\"none\">Nothing to draw.</p>".to_owned(),
        }
    }

    fn frame(&self) -> Option<(TimeAxis, Scale)> {
        let points = || self.lines.iter().flat_map(|line| line.points);
        let from = points().map(|point| point.at).min()?;
        let to = points().map(|point| point.at).max()?;
        let values = points().chain(self.marks.iter().map(|mark| &mark.point)).map(|point| point.value);
        let scale = Scale::over(values.chain(self.base), self.spread)?;
        Some((TimeAxis::over(from, to)?, scale))
    }

    fn drawn(&self, axis: TimeAxis, scale: Scale) -> String {
        let mut grid = String::new();
        let mut words = String::new();
        for tick in scale.marks() {
            let (y, top) = ((1.0 - tick.place) * HEIGHT, (1.0 - tick.place) * 100.0);
            let _ = write!(grid, "<path d=\"M0 {y:.1}H{WIDTH}\"/>");
            let _ = write!(
                words,
                "<span class=\"y\" style=\"top:{top:.2}%\">{}{}</span>",
                escaped(&tick.text),
                self.unit
            );
        }
        for tick in axis.marks() {
            let (x, left) = (tick.place * WIDTH, tick.place * 100.0);
            let _ = write!(grid, "<path d=\"M{x:.1} 0V{HEIGHT}\"/>");
            let edge = match tick.place {
                place if place < 0.04 => " first",
                place if place > 0.96 => " last",
                _ => "",
            };
            let text = escaped(&tick.text);
            let _ = write!(words, "<span class=\"x{edge}\" style=\"left:{left:.2}%\">{text}</span>");
        }
        let bands: String = self.bands.iter().map(|band| banded(band, axis)).collect();
        let lines: String = self.lines.iter().rev().map(|line| self.line(line, axis, scale)).collect();
        let marks: String = self.marks.iter().map(|mark| marked(mark, axis, scale)).collect();
        let spread = if scale.spread == Spread::Logarithmic { "log" } else { "lin" };
        format!(
            "<div class=\"plot {}\" data-from=\"{}\" data-to=\"{}\" data-low=\"{}\" data-high=\"{}\" \
             data-spread=\"{spread}\" data-unit=\"{}\"><svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
             preserveAspectRatio=\"none\" aria-hidden=\"true\">{bands}<g class=\"grid\">{grid}</g>{lines}</svg>\
             {words}{marks}<i class=\"cursor\"></i><output class=\"tip\"></output></div>\n",
            self.height,
            axis.from.nanos() / 1_000_000,
            axis.to.nanos() / 1_000_000,
            scale.low,
            scale.high,
            self.unit,
        )
    }

    fn line(&self, line: &Line<'_>, axis: TimeAxis, scale: Scale) -> String {
        let mut path = String::new();
        for point in thinned(line.points, axis) {
            let (x, y) = place(point, axis, scale);
            path.push_str(if path.is_empty() { "" } else { " " });
            put_tenths(&mut path, x * WIDTH);
            path.push(',');
            put_tenths(&mut path, y * HEIGHT);
        }
        let area = self.base.map(|base| (1.0 - scale.place(base)) * HEIGHT).map(|base| {
            format!(
                "<polygon class=\"{} area\" points=\"0,{base:.1} {path} {WIDTH},{base:.1}\"/>",
                line.class
            )
        });
        format!(
            "{}<polyline class=\"{}\" data-name=\"{}\" points=\"{path}\"/>",
            area.unwrap_or_default(),
            line.class,
            escaped(line.name)
        )
    }

    /// The legend of the lines and marks, for the caption.
    pub(super) fn legend(&self) -> String {
        let lines = self.lines.iter().map(|line| (line.class, line.name));
        let names = [("buy", "bought"), ("sell", "sold")];
        let marks = names.into_iter().filter(|(class, _)| self.marks.iter().any(|mark| mark.class == *class));
        lines.chain(marks).fold(String::new(), |mut out, (class, name)| {
            let _ = write!(out, "<span class=\"key {class}\">{}</span> ", escaped(name));
            out
        })
    }
}

/// Writes a coordinate with one decimal, where it is not zero.
fn put_tenths(path: &mut String, value: f64) {
    let _ = write!(path, "{value:.1}");
    if path.ends_with(".0") {
        path.truncate(path.len() - 2);
    }
}

fn place(point: Point, axis: TimeAxis, scale: Scale) -> (f64, f64) {
    (axis.place(point.at).clamp(0.0, 1.0), (1.0 - scale.place(point.value)).clamp(-0.01, 1.01))
}

fn banded(band: &Band, axis: TimeAxis) -> String {
    let [from, to] = [band.from, band.to].map(|at| axis.place(at).clamp(0.0, 1.0) * WIDTH);
    let width = to - from;
    format!("<rect class=\"{}\" x=\"{from:.2}\" width=\"{width:.2}\" height=\"{HEIGHT}\"/>", band.class)
}

fn marked(mark: &Mark, axis: TimeAxis, scale: Scale) -> String {
    let (x, y) = place(mark.point, axis, scale);
    format!("<i class=\"{}\" style=\"left:{:.2}%;top:{:.2}%\"></i>", mark.class, x * 100.0, y * 100.0)
}

/// Bars that show how many fills fell into each part of the time of a chart, bought above, sold below.
pub(super) fn density(marks: &[Mark], from: Timestamp, to: Timestamp) -> Option<String> {
    const PARTS: usize = 200;
    let axis = TimeAxis::over(from, to)?;
    let mut counts = [[0_u32; PARTS]; 2];
    for mark in marks {
        let part = ((axis.place(mark.point.at) * PARTS as f64) as usize).min(PARTS - 1);
        let side = usize::from(mark.class == "sell");
        if let Some(count) = counts.get_mut(side).and_then(|row| row.get_mut(part)) {
            *count += 1;
        }
    }
    let most = counts.iter().flatten().copied().max().filter(|most| *most > 0)?;
    let mut bars = String::new();
    for (row, class) in counts.iter().zip(["buy", "sell"]) {
        for (part, count) in row.iter().enumerate().filter(|(_, count)| **count > 0) {
            let height = f64::from(*count) / f64::from(most) * 48.0;
            let top = if class == "buy" { 50.0 - height } else { 50.0 };
            let x = part as f64 * WIDTH / PARTS as f64;
            let _ = write!(bars, "<path class=\"{class}\" d=\"M{x} {top:.1}h4v{height:.1}h-4z\"/>");
        }
    }
    Some(format!(
        "<div class=\"plot density\"><svg viewBox=\"0 0 {WIDTH} 100\" preserveAspectRatio=\"none\" \
         aria-hidden=\"true\">{bars}</svg></div><p class=\"remark\">Fills over time, bought above the middle, \
         sold below; the tallest bar is {most} fills.</p>\n"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(count: i64) -> Vec<Point> {
        (0..count)
            .map(|at| Point { at: Timestamp::from_nanos(at * 1_000_000_000), value: (at % 13) as f64 })
            .collect()
    }

    #[test]
    fn a_line_of_many_points_stays_small_and_keeps_its_spike() {
        let mut points = points(4_000);
        points[1_234].value = 99.0;
        let axis = TimeAxis::over(points[0].at, points[3_999].at).unwrap();
        let kept = thinned(&points, axis);
        assert!(kept.len() <= 2 * (COLUMNS + 2), "{}", kept.len());
        assert!(kept.iter().any(|point| point.value > 98.0));
        assert!(kept.windows(2).all(|pair| pair[0].at <= pair[1].at));
    }

    #[test]
    fn names_are_escaped_and_nothing_is_said_to_be_nothing() {
        let points = points(3);
        let line = Line { name: "a\"<b", class: "own", points: &points };
        let mut plot = Plot {
            lines: &[line],
            marks: &[],
            bands: &[],
            spread: Spread::Linear,
            base: None,
            unit: "",
            height: "tall",
        };
        assert!(plot.html().contains("data-name=\"a&quot;&lt;b\""));
        plot.lines = &[];
        assert!(plot.html().contains("Nothing to draw"));
    }

    #[test]
    fn every_fill_is_in_a_bar() {
        let mark = |at| Mark { class: "sell", point: Point { at: Timestamp::from_nanos(at), value: 1.0 } };
        let html =
            density(&[mark(0), mark(1), mark(1_000)], Timestamp::from_nanos(0), Timestamp::from_nanos(1_000));
        let html = html.unwrap();
        assert!(
            html.contains("tallest bar is 2 fills") && html.matches("class=\"sell\"").count() == 2,
            "{html}"
        );
    }
}
