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

/// What a cell holds, which decides how it is set.
#[derive(Debug, Clone, Copy)]
enum Content {
    Words,
    Number,
    Gain,
    Loss,
    Remark,
}

/// One cell of a table.
pub(super) struct Cell {
    text: String,
    content: Content,
}

impl Cell {
    /// Words, aligned left.
    pub(super) fn words(text: &str) -> Self {
        Self { text: escaped(text), content: Content::Words }
    }

    /// A number, aligned right.
    pub(super) fn number(text: &str) -> Self {
        Self { text: escaped(text), content: Content::Number }
    }

    /// A gain or a loss, aligned right and coloured by its sign.
    pub(super) fn signed(text: &str, value: f64) -> Self {
        let content = match value {
            value if value < 0.0 => Content::Loss,
            value if value > 0.0 => Content::Gain,
            _ => Content::Number,
        };
        Self { text: escaped(text), content }
    }

    /// A remark in small print.
    pub(super) fn remark(text: &str) -> Self {
        Self { text: escaped(text), content: Content::Remark }
    }
}

/// How a table is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Setting {
    /// As text reads; numbers carry a class.
    Normal,
    /// Small and close, for many rows of numbers; words carry a class, which keeps long tables small.
    Dense,
}

/// A table that scrolls sideways in itself where the page is narrow.
pub(super) struct Table {
    html: String,
    setting: Setting,
}

impl Table {
    /// A table with these headings; one that starts with `#` stands over numbers.
    pub(super) fn new(headings: &[&str], setting: Setting) -> Self {
        let class = if setting == Setting::Dense { " class=\"dense\"" } else { "" };
        let mut html = format!("<div class=\"scroll\"><table{class}><thead><tr>");
        for heading in headings {
            let number = heading.strip_prefix('#');
            let class = if number.is_some() { " class=\"n\"" } else { "" };
            let _ = write!(html, "<th scope=\"col\"{class}>{}</th>", escaped(number.unwrap_or(heading)));
        }
        html.push_str("</tr></thead><tbody>\n");
        Self { html, setting }
    }

    const fn class(&self, content: Content) -> &'static str {
        match (self.setting, content) {
            (Setting::Normal, Content::Words) | (Setting::Dense, Content::Number) => "",
            (Setting::Normal, Content::Number) => "n",
            (Setting::Normal, Content::Gain) => "n up",
            (Setting::Normal, Content::Loss) => "n down",
            (Setting::Normal, Content::Remark) => "remark",
            (Setting::Dense, Content::Words) => "w",
            (Setting::Dense, Content::Gain) => "up",
            (Setting::Dense, Content::Loss) => "down",
            (Setting::Dense, Content::Remark) => "w remark",
        }
    }

    /// Adds a row. In a long table cells and rows end where the next begins and one word has no quotes, as HTML lets them.
    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        let is_long = self.setting == Setting::Dense;
        let (cell_end, row_end) = if is_long { ("", "\n") } else { ("</td>", "</tr>\n") };
        self.html.push_str("<tr>");
        for cell in cells {
            let _ = match self.class(cell.content) {
                "" => write!(self.html, "<td>{}{cell_end}", cell.text),
                word if is_long && !word.contains(' ') => {
                    write!(self.html, "<td class={word}>{}{cell_end}", cell.text)
                }
                class => write!(self.html, "<td class=\"{class}\">{}{cell_end}", cell.text),
            };
        }
        self.html.push_str(row_end);
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
        let mut table = Table::new(&["Name", "#Size"], Setting::Normal);
        table.row([Cell::words("<x>"), Cell::signed("−1", -1.0)]);
        let html = table.finish();
        assert!(html.contains("<td>&lt;x&gt;</td><td class=\"n down\">−1</td>"), "{html}");
        assert!(html.contains("<th scope=\"col\" class=\"n\">Size</th>"), "{html}");
        let mut long = Table::new(&["Name"], Setting::Dense);
        long.row([Cell::words("<x>"), Cell::number("1")]);
        assert!(long.finish().contains("<tbody>\n<tr><td class=w>&lt;x&gt;<td>1\n</tbody>"));
    }
}
