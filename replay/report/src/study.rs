//! A study as one HTML page: tables under headings, with what a reader must know before believing them.

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

/// A study.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StudyPage {
    /// Its title.
    pub title: String,
    /// What it asks and how, in a sentence.
    pub question: String,
    /// What makes its figures better than they would have been, said first.
    pub doubts: Vec<String>,
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
        let command = section("command", "Again", &format!("<pre>{}</pre>", escaped(&self.command)));
        let (title, question) = (escaped(&self.title), escaped(&self.question));
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
             <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n\
             <p class=\"kind\">Study</p><h1>{title}</h1><p class=\"what\">{question}</p>\n{doubts}{tables}{command}\
             </main>\n</body>\n</html>\n"
        )
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
        assert!(!html.contains("<script"));
    }
}
