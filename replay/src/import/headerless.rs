//! Files without header, known by the shape of their rows.

use engine_core::num::parse_decimal;

use super::columns::{Columns, Role};
use super::format::Format;
use super::layout::{Sample, Wanted};
use super::moment::TimeUnit;

type Known = (Columns, Option<TimeUnit>, Format);

/// The columns of a file without header.
///
/// # Errors
/// A sentence when the shape fits no layout, or two.
pub(crate) fn known(wanted: Wanted<'_>, sample: &Sample) -> Result<Known, String> {
    if !wanted.columns.is_empty() {
        return Ok((Columns::default(), None, Format::Csv));
    }
    let first = sample.rows.first().map(Vec::as_slice).unwrap_or_default();
    if let Some(columns) = binance(first) {
        return Ok((columns, None, Format::Binance));
    }
    if !matches!(first.len(), 5 | 6) || first.iter().any(|field| is_truth(field)) {
        return Err(no_header(first.len()));
    }
    let bitfinex = sample.rows.iter().all(|row| fits(row, [2, 3, 4])) && first.len() == 6;
    let plain = sample.rows.iter().all(|row| fits(row, [4, 2, 3]));
    match (wanted.format, bitfinex, plain) {
        (Format::Bitfinex, true, _) => Ok((bitfinex_columns(), None, Format::Bitfinex)),
        (Format::Bitfinex, false, _) => {
            Err("the columns are not time, open, close, high, low, volume as Bitfinex writes them".into())
        }
        (_, true, false) => Ok((bitfinex_columns(), None, Format::Bitfinex)),
        (_, false, true) => Ok((plain_columns(first.len()), None, Format::Csv)),
        (Format::Csv, true, true) => Ok((plain_columns(first.len()), None, Format::Csv)),
        (_, true, true) => {
            Err("without header the order of high, low and close is not clear from the first rows; \
             use --format bitfinex (close, high, low), --format csv (high, low, close) or --columns"
                .into())
        }
        (_, false, false) => Err(no_header(first.len())),
    }
}

fn no_header(width: usize) -> String {
    format!(
        "it has no header and its {width} columns fit no known layout; \
         name them, as in --columns time=1:ms,price=2,qty=3"
    )
}

fn is_truth(field: &str) -> bool {
    field.eq_ignore_ascii_case("true") || field.eq_ignore_ascii_case("false")
}

fn number(row: &[String], index: usize) -> Option<i64> {
    parse_decimal(row.get(index)?.as_bytes(), 8).ok().map(|parsed| parsed.units)
}

/// Whether a bar's prices at columns `[close, high, low]`, with its open second, can belong together.
fn fits(row: &[String], [close, high, low]: [usize; 3]) -> bool {
    let prices = (number(row, 1), number(row, close), number(row, high), number(row, low));
    let (Some(open), Some(close), Some(high), Some(low)) = prices else { return false };
    low <= open.min(close) && high >= open.max(close)
}

fn plain_columns(width: usize) -> Columns {
    let roles = [Role::Time, Role::Open, Role::High, Role::Low, Role::Close, Role::Volume].map(Some);
    Columns::in_order(roles.get(..width).unwrap_or_default())
}

fn bitfinex_columns() -> Columns {
    let roles = [Role::Time, Role::Open, Role::Close, Role::High, Role::Low, Role::Volume];
    Columns::in_order(&roles.map(Some))
}

/// The files of Binance public data, told apart by their width and by where `true` and `false` stand.
fn binance(first: &[String]) -> Option<Columns> {
    let truth = |index: usize| first.get(index).is_some_and(|field| is_truth(field));
    let roles: &[Option<Role>] = match first.len() {
        12 if !(0..12).any(truth) => &KLINE,
        8 if truth(6) && truth(7) => &AGG_TRADE,
        7 if truth(6) && !truth(5) => &AGG_TRADE,
        7 if truth(5) && truth(6) => &TRADE,
        6 if truth(5) => &TRADE,
        _ => return None,
    };
    Some(Columns::in_order(roles))
}

const KLINE: [Option<Role>; 9] = [
    Some(Role::Time),
    Some(Role::Open),
    Some(Role::High),
    Some(Role::Low),
    Some(Role::Close),
    Some(Role::Volume),
    Some(Role::CloseTime),
    None,
    Some(Role::Trades),
];

const AGG_TRADE: [Option<Role>; 7] = [
    Some(Role::Id),
    Some(Role::Price),
    Some(Role::Qty),
    None,
    None,
    Some(Role::Time),
    Some(Role::BuyerMaker),
];

const TRADE: [Option<Role>; 6] =
    [Some(Role::Id), Some(Role::Price), Some(Role::Qty), None, Some(Role::Time), Some(Role::BuyerMaker)];
