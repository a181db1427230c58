//! The closed trades of a run, one a row.

use engine_core::instrument::Instrument;

use super::ReportInput;
use super::html::{Cell, Setting, Table, section, shortened};
use replay_statistics::figures::{duration, grouped};
use replay_statistics::{RoundTrip, money_f64, row_text};

/// Trades shown from the beginning and from the end when there are too many for one page.
const ENDS: usize = 500;

/// Longest reason shown.
const REASON_MAX: usize = 48;

const HEADINGS: [&str; 15] = [
    "#Trade",
    "Instrument",
    "Side",
    "#Quantity",
    "Entry, UTC",
    "#Price",
    "Exit, UTC",
    "#Price",
    "#Profit",
    "#Return",
    "#Fees",
    "#MAE",
    "#MFE",
    "#Held",
    "Entry; exit reason",
];

/// The column that says nothing when there is one instrument.
const INSTRUMENT: usize = 1;

/// Every entry of a row but the instrument's, unless there are several.
fn told<T>(input: &ReportInput<'_>, row: [T; 15]) -> Vec<T> {
    let several = input.manifest.instruments.len() > 1;
    let told = row.into_iter().enumerate().filter(|(place, _)| several || *place != INSTRUMENT);
    told.map(|(_, entry)| entry).collect()
}

fn headings(input: &ReportInput<'_>) -> Vec<&'static str> {
    told(input, HEADINGS)
}

/// Decimals that show the amounts of a run without rounding the typical one away.
fn places_for(amounts: impl Iterator<Item = f64>) -> usize {
    let largest = amounts.fold(0.0_f64, |largest, amount| largest.max(amount.abs()));
    match largest {
        largest if largest >= 100.0 => 2,
        largest if largest >= 1.0 => 4,
        _ => 8,
    }
}

/// The first and the last trades, and how many lie between.
pub(super) fn trades(input: &ReportInput<'_>) -> String {
    let count = input.trades.closed().len();
    if count == 0 {
        return section("trades", "Trades", "<p class=\"none\">No trade was closed.</p>");
    }
    let places = places_for(input.trades.trades().map(|(trade, rules)| money_f64(trade.profit(rules))));
    let mut table = Table::new(&headings(input), Setting::Dense);
    let left_out = count.saturating_sub(2 * ENDS);
    let head = if left_out > 0 { ENDS } else { count };
    let row = |table: &mut Table, (number, (trade, rules)): (usize, (&RoundTrip, &Instrument))| {
        table.row(told(input, cells(input, (number, places), trade, rules)));
    };
    let numbered = || (1_usize..).zip(input.trades.trades());
    numbered().take(head).for_each(|entry| row(&mut table, entry));
    if left_out > 0 {
        let heading = format!("{} trades are not shown here", grouped(left_out as f64, 0));
        table.divider(&heading, headings(input).len());
        numbered().skip(count - ENDS).for_each(|entry| row(&mut table, entry));
    }
    let shown = if left_out > 0 {
        format!("The first and the last {ENDS} of {} trades; ", grouped(count as f64, 0))
    } else {
        format!("All {} trades; ", grouped(count as f64, 0))
    };
    let note = format!(
        "<p class=\"remark\">{shown}<code>engine trades RUN</code> prints all. Lots close first in, first \
         out; each closed portion is one trade. Profit and return are net of both fees. MAE and MFE are the \
         largest moves against and for the trade, fees not counted.</p>"
    );
    section("trades", "Trades", &(note + "<div class=\"long\">" + &table.finish() + "</div>"))
}

fn cells(
    input: &ReportInput<'_>,
    (number, places): (usize, usize),
    trade: &RoundTrip,
    rules: &Instrument,
) -> [Cell; 15] {
    let (profit, share) = (money_f64(trade.profit(rules)), trade.return_share(rules));
    let percent = |share: f64| format!("{} %", grouped(share * 100.0, 2));
    let (entry, exit) = input.trades.reasons_of(trade);
    let reasons = format!("{}; {}", shortened(entry, REASON_MAX), shortened(exit, REASON_MAX));
    [
        Cell::number(&number.to_string()),
        Cell::words(&rules.symbol),
        Cell::words(trade.direction()),
        Cell::number(&rules.qty_decimal(trade.qty).to_string()),
        Cell::words(&row_text(trade.entry_at)),
        Cell::number(&rules.price_decimal(trade.entry_price).to_string()),
        Cell::words(&row_text(trade.exit_at)),
        Cell::number(&rules.price_decimal(trade.exit_price).to_string()),
        Cell::signed(&grouped(profit, places), profit),
        Cell::signed(&percent(share), share),
        Cell::number(&grouped(money_f64(trade.fees), places)),
        Cell::number(&percent(trade.adverse_excursion())),
        Cell::number(&percent(trade.favourable_excursion())),
        Cell::number(&duration(trade.held().nanos() as f64 / 1e9)),
        Cell::remark(&reasons),
    ]
}
