//! Monthly returns as a table of years and months, shaded by size.

use std::fmt::Write as _;

use super::ReportInput;
use super::html::section;
use replay_statistics::MonthlyReturn;
use replay_statistics::figures::grouped;

const NAMES: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// The table, newest year last, each year's return at the end of its row.
pub(super) fn monthly(input: &ReportInput<'_>) -> String {
    let months = input.equity.monthly_returns();
    if months.is_empty() {
        return section("months", "Monthly returns", "<p class=\"none\">No month was recorded.</p>");
    }
    let widest = months.iter().fold(0.0_f64, |widest, month| widest.max(month.return_pct.abs()));
    let mut body = String::from("<div class=\"scroll\"><table class=\"heat\"><thead><tr><th>UTC</th>");
    for name in NAMES {
        let _ = write!(body, "<th class=\"n\">{name}</th>");
    }
    body.push_str("<th class=\"n\">Year</th></tr></thead><tbody>");
    for year in months.chunk_by(|first, second| first.month.year == second.month.year) {
        body += &year_row(year, widest);
    }
    body.push_str(
        "</tbody></table></div><p class=\"remark\">Return of equity in per cent, close of the month on the \
         close of the month before; the first and the last month as far as the run goes.</p>",
    );
    section("months", "Monthly returns", &body)
}

fn year_row(year: &[MonthlyReturn], widest: f64) -> String {
    let label = year.first().map_or(0, |month| month.month.year);
    let mut row = format!("<tr><th scope=\"row\">{label}</th>");
    for number in 1..=12 {
        match year.iter().find(|month| month.month.month == number) {
            Some(month) => row += &shaded(month.return_pct, widest),
            None => row.push_str("<td></td>"),
        }
    }
    let growth: f64 = year.iter().map(|month| 1.0 + month.return_pct / 100.0).product();
    let _ = writeln!(row, "<td class=\"n total\">{}</td></tr>", grouped((growth - 1.0) * 100.0, 2));
    row
}

fn shaded(value: f64, widest: f64) -> String {
    let strength = if widest > 0.0 { 0.08 + 0.55 * value.abs() / widest } else { 0.0 };
    let class = if value < 0.0 { "n loss" } else { "n gain" };
    let strength = if value.abs() > 0.0 { strength } else { 0.0 };
    format!("<td class=\"{class}\" style=\"--a:{strength:.2}\">{}</td>", grouped(value, 2))
}
