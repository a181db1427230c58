//! Text made safe for HTML, and the few elements a report repeats.

use std::fmt::Write as _;

/// `text` with the five characters that mean something in HTML written as entities; control characters
/// other than a line break become spaces.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' => out.push('\n'),
            other if other.is_control() => out.push(' '),
            other => out.push(other),
        }
    }
    out
}

/// The first `most` characters, with an ellipsis where something was left out.
pub(super) fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most.saturating_sub(1)).collect();
    format!("{kept}…")
}

/// A section of the page under a heading of plain text.
pub(super) fn section(id: &str, heading: &str, body: &str) -> String {
    format!("<section id=\"{id}\"><h2>{}</h2>{body}</section>\n", escaped(heading))
}

/// One cell of a table.
pub(super) struct Cell {
    text: String,
    class: &'static str,
}

impl Cell {
    /// Words, aligned left.
    pub(super) fn words(text: &str) -> Self {
        Self { text: escaped(text), class: "" }
    }

    /// A number, aligned right.
    pub(super) fn number(text: &str) -> Self {
        Self { text: escaped(text), class: "n" }
    }

    /// A gain or a loss, aligned right and coloured by its sign.
    pub(super) fn signed(text: &str, value: f64) -> Self {
        let class = if value < 0.0 {
            "n down"
        } else if value > 0.0 {
            "n up"
        } else {
            "n"
        };
        Self { text: escaped(text), class }
    }

    /// A remark in small print.
    pub(super) fn remark(text: &str) -> Self {
        Self { text: escaped(text), class: "remark" }
    }
}

/// A table that scrolls sideways in itself where the page is narrow.
pub(super) struct Table {
    html: String,
}

impl Table {
    /// A table with these headings; one that starts with `#` stands over numbers.
    pub(super) fn new(headings: &[&str]) -> Self {
        let mut html = String::from("<div class=\"scroll\"><table><thead><tr>");
        for heading in headings {
            let number = heading.strip_prefix('#');
            let class = if number.is_some() { " class=\"n\"" } else { "" };
            let _ = write!(html, "<th scope=\"col\"{class}>{}</th>", escaped(number.unwrap_or(heading)));
        }
        html.push_str("</tr></thead><tbody>\n");
        Self { html }
    }

    /// Adds a row.
    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.html.push_str("<tr>");
        for cell in cells {
            let _ = match cell.class {
                "" => write!(self.html, "<td>{}</td>", cell.text),
                class => write!(self.html, "<td class=\"{class}\">{}</td>", cell.text),
            };
        }
        self.html.push_str("</tr>\n");
    }

    /// Adds a heading across all `columns`.
    pub(super) fn divider(&mut self, heading: &str, columns: usize) {
        let heading = escaped(heading);
        let _ = writeln!(
            self.html,
            "<tr class=\"divider\"><th scope=\"colgroup\" colspan=\"{columns}\">{heading}</th></tr>"
        );
    }

    /// The finished element.
    pub(super) fn finish(mut self) -> String {
        self.html.push_str("</tbody></table></div>\n");
        self.html
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_escapes() {
        assert_eq!(escaped("<b a='1'>&\"\u{1}"), "&lt;b a=&#39;1&#39;&gt;&amp;&quot; ");
        assert_eq!(shortened("abcdef", 4), "abc…");
        assert_eq!(shortened("ЖЖЖЖ", 4), "ЖЖЖЖ");
    }

    #[test]
    fn a_table_escapes_its_cells() {
        let mut table = Table::new(&["Name", "#Size"]);
        table.row([Cell::words("<x>"), Cell::signed("−1", -1.0)]);
        let html = table.finish();
        assert!(html.contains("<td>&lt;x&gt;</td><td class=\"n down\">−1</td>"), "{html}");
        assert!(html.contains("<th scope=\"col\" class=\"n\">Size</th>"), "{html}");
    }
}
