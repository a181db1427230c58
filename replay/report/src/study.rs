//! A study as one HTML page: charts and tables under headings, with what a reader must know before believing them.

use std::fmt::Write as _;

use super::html::{Cell, Setting, Table, escaped, section};
use super::{POLICY, STYLE};

/// One table of a study.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StudyTable {
    /// What it shows.
    pub heading: String,
    /// Headings of its columns; one that starts with `#` stands over numbers.
    pub columns: Vec<String>,
    /// Rows of text, grouped under headings of their own.
    pub groups: Vec<(String, Vec<Vec<String>>)>,
    /// What to know when reading it.
    pub remarks: Vec<String>,
}

/// One figure with its interval and the same of two others beside it.
#[derive(Debug, Clone, PartialEq)]
pub struct StudyRange {
    /// The heading it stands under.
    pub group: String,
    /// What it is of.
    pub name: String,
    /// The figure.
    pub estimate: f64,
    /// Lower end of its interval.
    pub low: f64,
    /// Upper end of its interval.
    pub high: f64,
    /// The figures of the two others.
    pub beside: [Option<f64>; 2],
}

/// Figures with their intervals on one axis.
#[derive(Debug, Clone, PartialEq)]
pub struct StudyChart {
    /// What it shows.
    pub heading: String,
    /// Whose the figure is, and whose the two beside it are.
    pub names: [String; 3],
    /// A line for each.
    pub ranges: Vec<StudyRange>,
}

/// A study.
#[derive(Debug, Clone, PartialEq)]
pub struct StudyPage {
    /// Its title.
    pub title: String,
    /// What it asks and how, in a sentence.
    pub question: String,
    /// What makes its figures better than they would have been, said first.
    pub doubts: Vec<String>,
    /// The charts, above the tables.
    pub charts: Vec<StudyChart>,
    /// The tables.
    pub tables: Vec<StudyTable>,
    /// The command that makes it again.
    pub command: String,
}

impl StudyPage {
    /// The page as one self-contained HTML file without scripts; equal studies give equal bytes.
    #[must_use]
    pub fn render(&self) -> String {
        let doubts: String = self.doubts.iter().map(|doubt| format!("<li>{}</li>", escaped(doubt))).collect();
        let doubts = match doubts.is_empty() {
            true => String::new(),
            false => format!("<div class=\"doubts\"><b>Before believing it</b><ul>{doubts}</ul></div>\n"),
        };
        let tables: String =
            self.tables.iter().enumerate().map(|(number, table)| table.render(number)).collect();
        let charts: String = self.charts.iter().map(StudyChart::render).collect();
        let command = section("command", "Again", &format!("<pre>{}</pre>", escaped(&self.command)));
        let (title, question) = (escaped(&self.title), escaped(&self.question));
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
             <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main class=\"study\">\n\
             <p class=\"kind\">Study</p><h1>{title}</h1><p class=\"what\">{question}</p>\n{doubts}{charts}{tables}{command}\
             </main>\n</body>\n</html>\n"
        )
    }
}

impl StudyChart {
    fn render(&self) -> String {
        let values = || {
            let of = |range: &StudyRange| {
                [Some(range.estimate), Some(range.low), Some(range.high)]
                    .into_iter()
                    .chain(range.beside)
                    .flatten()
            };
            self.ranges.iter().flat_map(of).filter(|value| value.is_finite())
        };
        let (low, high) = (values().fold(0.0, f64::min), values().fold(1.0, f64::max));
        let place = |value: f64| (value - low) / (high - low) * 96.0 + 2.0;
        let mut html = String::from("<div class=\"ranges\">");
        let mut group = "";
        for range in &self.ranges {
            if range.group != group {
                group = &range.group;
                let _ = write!(html, "<h3>{}</h3>", escaped(group));
            }
            let _ = write!(html, "<span>{}</span><div>", escaped(&range.name));
            let _ = write!(html, "<u style=\"left:{:.2}%\"></u>", place(0.0));
            let (from, to) = (place(range.low), place(range.high));
            let _ = write!(html, "<i style=\"left:{from:.2}%;width:{:.2}%\"></i>", (to - from).max(0.0));
            let all = [Some(range.estimate), range.beside[0], range.beside[1]];
            for ((class, name), value) in ["own", "held", "price"].iter().zip(&self.names).zip(all).rev() {
                let Some(value) = value else { continue };
                let (left, name) = (place(value), escaped(name));
                let _ = write!(
                    html,
                    "<s class=\"{class}\" style=\"left:{left:.2}%\" title=\"{name} {value:.2}\"></s>"
                );
            }
            html.push_str("</div>");
        }
        let _ = write!(html, "<span></span><p><b>{low:.2}</b><b>{high:.2}</b></p></div>");
        let legend =
            ["own", "held", "price"].iter().zip(&self.names).fold(String::new(), |mut out, (class, name)| {
                let _ = write!(out, "<span class=\"key {class}\">{}</span> ", escaped(name));
                out
            });
        section("chart", &self.heading, &format!("<p class=\"legend\">{legend}</p>{html}"))
    }
}

impl StudyTable {
    fn render(&self, number: usize) -> String {
        let headings: Vec<&str> = self.columns.iter().map(String::as_str).collect();
        let mut table = Table::new(&headings, Setting::Normal);
        for (heading, rows) in &self.groups {
            table.divider(heading, headings.len());
            for row in rows {
                table.row(row.iter().zip(&headings).map(|(text, heading)| match heading.strip_prefix('#') {
                    Some(_) => Cell::number(text),
                    None => Cell::words(text),
                }));
            }
        }
        let remarks =
            self.remarks.iter().map(|remark| format!("<p class=\"remark\">{}</p>", escaped(remark)));
        section(
            &format!("table-{number}"),
            &self.heading,
            &format!("{}{}", table.finish(), remarks.collect::<String>()),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_study_says_its_doubts_first_and_escapes_everything() {
        let page = StudyPage {
            title: "A <study>".to_owned(),
            question: "what?".to_owned(),
            doubts: vec!["it is <b>rosy</b>".to_owned()],
            charts: vec![StudyChart {
                heading: "Ratios".to_owned(),
                names: ["own", "held", "old <b>"].map(str::to_owned),
                ranges: vec![StudyRange {
                    group: "G".to_owned(),
                    name: "from <i>".to_owned(),
                    estimate: 1.0,
                    low: -1.0,
                    high: 3.0,
                    beside: [Some(0.5), None],
                }],
            }],
            tables: vec![StudyTable {
                heading: "Figures".to_owned(),
                columns: vec!["Span".to_owned(), "#Sharpe".to_owned()],
                groups: vec![("BTC & co".to_owned(), vec![vec!["2018".to_owned(), "1.25".to_owned()]])],
                remarks: vec!["net of costs".to_owned()],
            }],
            command: "engine study ensemble".to_owned(),
        };
        let html = page.render();
        assert!(
            html.contains("A &lt;study&gt;")
                && html.contains("&lt;b&gt;rosy")
                && html.contains("BTC &amp; co")
        );
        assert!(html.contains("<td class=\"n\">1.25</td>"));
        assert!(html.find("rosy") < html.find("1.25"), "doubts come first");
        assert!(html.contains("from &lt;i&gt;") && html.contains("old &lt;b&gt;"));
        assert!(html.contains("<s class=\"own\" style=\"left:50.00%\" title=\"own 1.00\">"), "{html}");
        assert!(!html.contains("<script"));
    }
}
