//! Files without header, known by the shape of their rows.

use engine_core::num::parse_decimal;
use journal_store::record::RecordKind;

use super::columns::{Columns, Role, in_places};
use super::format::Format;
use super::layout_request::LayoutRequest;
use super::moment::TimeUnit;
use super::sample::Sample;

type Known = (Columns, Option<TimeUnit>, Format);

/// A place in a row: the role of its column, or none that matters.
type Place = Option<Role>;

/// The columns of a file without header.
///
/// # Errors
/// A sentence when the shape fits no layout, or two.
pub(crate) fn known(wanted: LayoutRequest<'_>, sample: &Sample) -> Result<Known, String> {
    if !wanted.columns.is_empty() {
        return Ok((Columns::default(), None, Format::Csv));
    }
    let first = sample.rows.first().map(Vec::as_slice).unwrap_or_default();
    if let Some(roles) = binance(first) {
        return Ok((Columns::in_order(roles), None, Format::Binance));
    }
    if first.iter().any(|field| is_truth(field)) {
        return Err(no_header(first.len()));
    }
    let (roles, format): (&[Place], Format) = match first.len() {
        3 => time_and_sales(wanted, sample)?,
        5 | 6 => bars_in_some_order(wanted, sample)?,
        7 => seven(first, sample).ok_or_else(|| no_header(7))?,
        8 if plain_bars(sample) && sample.rows.iter().all(|row| vwap_fits(row)) => {
            (&KRAKEN_BAR, Format::Kraken)
        }
        9 if plain_bars(sample) && sample.rows.iter().all(|row| matches!(text(row, 8), "0" | "1")) => {
            (&PLAIN, Format::Okx)
        }
        width => return Err(no_header(width)),
    };
    let format =
        if format == Format::Csv && wanted.source == Some(Format::Json) { Format::Freqtrade } else { format };
    Ok((Columns::in_order(roles.get(..first.len()).unwrap_or(roles)), None, format))
}

fn no_header(width: usize) -> String {
    format!(
        "it has no header and its {width} columns fit no known layout; \
         name them, as in --columns time=1:ms,price=2,qty=3"
    )
}

/// Time, price and quantity; an ask close above a bid would look the same.
fn time_and_sales(wanted: LayoutRequest<'_>, sample: &Sample) -> Result<(&'static [Place], Format), String> {
    let close_above = |row: &Vec<String>| match (float(row, 1), float(row, 2)) {
        (Some(second), Some(third)) => third >= second && third <= second * 1.1,
        _ => false,
    };
    let told = wanted.kind == Some(RecordKind::Trades) || wanted.format == Format::Kraken;
    if !told && sample.rows.iter().all(close_above) {
        return Err("without header its 3 columns can be time, price, quantity or time, bid, ask; \
                    use --format kraken for trades, or --columns time=1,bid=2,ask=3"
            .into());
    }
    if sample.rows.iter().all(|row| float(row, 1).is_some() && float(row, 2).is_some()) {
        return Ok((&[Some(Role::Time), Some(Role::Price), Some(Role::Qty)], Format::Kraken));
    }
    Err(no_header(3))
}

/// The orders in which sources write the prices of a bar: open, high, low and close by column.
const ORDERS: [(Format, [usize; 4], &[Place]); 3] = [
    (Format::Bitfinex, [1, 3, 4, 2], &BITFINEX),
    (Format::Coinbase, [3, 2, 1, 4], &COINBASE),
    (Format::Csv, [1, 2, 3, 4], &PLAIN),
];

fn bars_in_some_order(
    wanted: LayoutRequest<'_>,
    sample: &Sample,
) -> Result<(&'static [Place], Format), String> {
    let six = sample.rows.first().is_some_and(|row| row.len() == 6);
    let fitting: Vec<_> = ORDERS
        .iter()
        .filter(|(format, _, _)| six || *format == Format::Csv)
        .filter(|(_, prices, _)| sample.rows.iter().all(|row| fits(row, *prices)))
        .collect();
    let stated = if wanted.format == Format::Freqtrade { Format::Csv } else { wanted.format };
    if let Some((format, _, roles)) = fitting.iter().find(|(format, _, _)| *format == stated) {
        return Ok((roles, *format));
    }
    match (wanted.format, fitting.as_slice()) {
        (Format::Bitfinex, _) => {
            Err("the columns are not time, open, close, high, low, volume as Bitfinex writes them".into())
        }
        (Format::Coinbase, _) => {
            Err("the columns are not time, low, high, open, close, volume as Coinbase writes them".into())
        }
        (_, []) => Err(no_header(if six { 6 } else { 5 })),
        (_, [(format, _, roles)]) => Ok((roles, *format)),
        (_, several) => {
            let names: Vec<String> = several
                .iter()
                .map(|(format, prices, _)| format!("--format {format} ({})", order(*prices)))
                .collect();
            Err(format!(
                "without header the order of the prices is not clear from the first rows; use {} or --columns",
                names.join(", ")
            ))
        }
    }
}

/// The names of the price columns in their order in the file.
fn order(prices: [usize; 4]) -> String {
    let mut named: Vec<(usize, &str)> = prices.into_iter().zip(["open", "high", "low", "close"]).collect();
    named.sort_unstable();
    named.into_iter().map(|(_, name)| name).collect::<Vec<_>>().join(", ")
}

/// Bars with a count of trades (Kraken) or with the turnover (Bybit), or trades as freqtrade keeps them.
fn seven(first: &[String], sample: &Sample) -> Option<(&'static [Place], Format)> {
    if matches!(text(first, 3), "buy" | "sell") {
        return Some((&FREQTRADE_TRADE, Format::Freqtrade));
    }
    let all = |test: fn(&Vec<String>) -> bool| sample.rows.iter().all(test);
    let counted = all(|row| text(row, 6).bytes().all(|byte| byte.is_ascii_digit()));
    if plain_bars(sample) && counted && !milliseconds(sample) {
        return Some((&KRAKEN, Format::Kraken));
    }
    if plain_bars(sample) && all(|row| turnover_fits(row)) {
        return Some((&PLAIN, Format::Bybit));
    }
    None
}

fn plain_bars(sample: &Sample) -> bool {
    sample.rows.iter().all(|row| fits(row, [1, 2, 3, 4]))
}

/// Whether the times count milliseconds, by their magnitude.
fn milliseconds(sample: &Sample) -> bool {
    sample.rows.iter().all(|row| float(row, 0).is_some_and(|at| (1e11..1e14).contains(&at)))
}

/// Whether the seventh column is money: over the volume it is a price within the bar.
fn turnover_fits(row: &[String]) -> bool {
    match (float(row, 2), float(row, 3), float(row, 5), float(row, 6)) {
        (Some(high), Some(low), Some(volume), Some(turnover)) if volume > 0.0 => {
            (low * 0.999..=high * 1.001).contains(&(turnover / volume))
        }
        (_, _, Some(_), Some(turnover)) => turnover == 0.0,
        _ => false,
    }
}

/// Whether the sixth column is a price within the bar, and the eighth a count of trades.
fn vwap_fits(row: &[String]) -> bool {
    let counted = text(row, 7).bytes().all(|byte| byte.is_ascii_digit());
    let within = match (float(row, 2), float(row, 3), float(row, 5)) {
        (Some(high), Some(low), Some(vwap)) => vwap == 0.0 || (low..=high).contains(&vwap),
        _ => false,
    };
    counted && within
}

fn is_truth(field: &str) -> bool {
    field.eq_ignore_ascii_case("true") || field.eq_ignore_ascii_case("false")
}

fn text(row: &[String], index: usize) -> &str {
    row.get(index).map_or("", String::as_str)
}

fn float(row: &[String], index: usize) -> Option<f64> {
    text(row, index).parse().ok().filter(|number: &f64| number.is_finite())
}

fn number(row: &[String], index: usize) -> Option<i64> {
    parse_decimal(row.get(index)?.as_bytes(), 8).ok().map(|parsed| parsed.units)
}

/// Whether a bar's prices at columns `[open, high, low, close]` can belong together.
fn fits(row: &[String], prices: [usize; 4]) -> bool {
    let [Some(open), Some(high), Some(low), Some(close)] = prices.map(|index| number(row, index)) else {
        return false;
    };
    low <= open.min(close) && high >= open.max(close)
}

/// The files of Binance public data, told apart by their width and by where `true` and `false` stand.
fn binance(first: &[String]) -> Option<&'static [Place]> {
    let truth = |index: usize| first.get(index).is_some_and(|field| is_truth(field));
    Some(match first.len() {
        12 if !(0..12).any(truth) => &KLINE,
        8 if truth(6) && truth(7) => &AGG_TRADE,
        7 if truth(6) && !truth(5) => &AGG_TRADE,
        7 if truth(5) && truth(6) => &TRADE,
        6 if truth(5) => &TRADE,
        _ => return None,
    })
}

const PLAIN: [Place; 6] =
    in_places([Role::Time, Role::Open, Role::High, Role::Low, Role::Close, Role::Volume]);

const BITFINEX: [Place; 6] =
    in_places([Role::Time, Role::Open, Role::Close, Role::High, Role::Low, Role::Volume]);

const COINBASE: [Place; 6] =
    in_places([Role::Time, Role::Low, Role::High, Role::Open, Role::Close, Role::Volume]);

const KRAKEN: [Place; 7] =
    in_places([Role::Time, Role::Open, Role::High, Role::Low, Role::Close, Role::Volume, Role::Trades]);

const KRAKEN_BAR: [Place; 8] = [
    Some(Role::Time),
    Some(Role::Open),
    Some(Role::High),
    Some(Role::Low),
    Some(Role::Close),
    None,
    Some(Role::Volume),
    Some(Role::Trades),
];

const FREQTRADE_TRADE: [Place; 6] =
    [Some(Role::Time), Some(Role::Id), None, Some(Role::Side), Some(Role::Price), Some(Role::Qty)];

const KLINE: [Place; 9] = [
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

const AGG_TRADE: [Place; 7] = [
    Some(Role::Id),
    Some(Role::Price),
    Some(Role::Qty),
    None,
    None,
    Some(Role::Time),
    Some(Role::BuyerMaker),
];

const TRADE: [Place; 6] =
    [Some(Role::Id), Some(Role::Price), Some(Role::Qty), None, Some(Role::Time), Some(Role::BuyerMaker)];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::import::ColumnMap;

    /// A bar of open, high, low and close as `format` writes it.
    fn line(format: Format, at: usize, bar: [i64; 4]) -> Vec<u8> {
        let [open, high, low, close] = bar;
        let prices = if format == Format::Bitfinex {
            [open, close, high, low]
        } else if format == Format::Coinbase {
            [low, high, open, close]
        } else {
            [open, high, low, close]
        };
        let prices = prices.map(|price| price.to_string()).join(",");
        format!("{},{prices},1", 1_614_816_000 + at * 60).into_bytes()
    }

    fn found(wanted: Format, lines: &[Vec<u8>]) -> Result<Format, String> {
        let columns = ColumnMap::default();
        let wanted = LayoutRequest {
            format: wanted,
            kind: None,
            columns: &columns,
            bar_time: None,
            symbol: "BTCUSD",
            source: None,
            rewritten: None,
        };
        known(wanted, &Sample::new(lines)).map(|(_, _, format)| format)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_024))]

        /// An order of prices is either the right one or not guessed; stated, it is always taken.
        #[test]
        fn bars_without_header_are_never_read_in_a_wrong_order(
            bars in prop::collection::vec((1_i64..6, 1_i64..6, 0_i64..3, 0_i64..3), 1..8),
            truth in prop::sample::select(vec![Format::Bitfinex, Format::Coinbase, Format::Csv]),
        ) {
            let bar = |(open, close, above, below): (i64, i64, i64, i64)| {
                [open, open.max(close) + above, (open.min(close) - below).max(1), close]
            };
            let lines: Vec<Vec<u8>> =
                bars.iter().enumerate().map(|(at, prices)| line(truth, at, bar(*prices))).collect();
            match found(Format::Auto, &lines) {
                Ok(format) => prop_assert_eq!(format, truth),
                Err(reason) => {
                    let option = format!("--format {}", truth);
                    prop_assert!(reason.contains(&option), "{}", reason);
                }
            }
            prop_assert_eq!(found(truth, &lines), Ok(truth));
        }
    }
}
