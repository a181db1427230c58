//! Files with a header, known by the names in it.

use super::columns::{Columns, Role, from_header, named};
use super::format::Format;
use super::layout_request::LayoutRequest;
use super::moment::TimeUnit;
use super::sample::Sample;

/// The columns of a file with these `headers`, and whose layout it is.
///
/// # Errors
/// A sentence when the names leave open what a column means.
pub(crate) fn known(
    wanted: LayoutRequest<'_>,
    headers: &[String],
    sample: &Sample,
) -> Result<(Columns, Option<TimeUnit>, Format), String> {
    let (mut columns, unit) = from_header(headers);
    let volumes = volumes(headers);
    let named = wanted.columns.names(Role::Volume);
    if volumes.len() > 1 && !named {
        let row = sample.rows.get(1).map(Vec::as_slice).unwrap_or_default();
        let symbol = columns.get(Role::Symbol).and_then(|column| row.get(column));
        let volume = base_volume(&volumes, symbol.map_or(wanted.symbol, String::as_str))?;
        columns.set(Role::Volume, Some(volume));
    }
    // What bars call a volume is the quantity of a trade.
    let trades = columns.get(Role::Price).is_some() && columns.get(Role::Open).is_none();
    if trades && columns.get(Role::Qty).is_none() {
        columns.set(Role::Qty, columns.get(Role::Volume));
    }
    Ok((columns, unit, format(headers, &columns, sample)))
}

/// The columns called a volume of something, with what it is of.
fn volumes(headers: &[String]) -> Vec<(usize, String)> {
    let volumes = headers.iter().enumerate().filter_map(|(index, header)| {
        let of = header.trim().get(..6).filter(|start| start.eq_ignore_ascii_case("volume"));
        let of = of.and_then(|_| header.trim().get(6..)).unwrap_or_default();
        let of: String = of.chars().filter(char::is_ascii_alphanumeric).collect();
        (!of.is_empty()).then(|| (index, of.to_ascii_uppercase()))
    });
    volumes.collect()
}

/// Which of several volumes counts the asset that `symbol` begins with.
fn base_volume(volumes: &[(usize, String)], symbol: &str) -> Result<usize, String> {
    let symbol = symbol.to_ascii_uppercase();
    let mut base = volumes.iter().filter(|(_, of)| symbol.starts_with(of.as_str()));
    match (base.next(), base.next()) {
        (Some((index, _)), None) => Ok(*index),
        _ => {
            let numbers: Vec<String> =
                volumes.iter().map(|(index, of)| format!("volume={} ({of})", index + 1)).collect();
            Err(format!(
                "it has {} columns of volume and {symbol:?} does not tell which counts the asset; \
                 add --columns {}",
                volumes.len(),
                numbers.join(" or ")
            ))
        }
    }
}

/// Whose header this is.
fn format(headers: &[String], columns: &Columns, sample: &Sample) -> Format {
    let has = |name: &str| headers.iter().any(|header| header.eq_ignore_ascii_case(name));
    let begins = |name: &str| {
        let start =
            |header: &String| header.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
        headers.iter().any(start)
    };
    if has("exchange") && has("local_timestamp") {
        Format::Tardis
    } else if has("trdMatchID") && has("tickDirection") || has("homeNotional") && has("foreignNotional") {
        // Two venues write the same header; one of them writes dates.
        let at = columns.get(Role::Time).and_then(|column| sample.rows.get(1)?.get(column));
        if at.is_some_and(|at| at.contains('-')) { Format::Bitmex } else { Format::Bybit }
    } else if has("close_time_ms") && has("turnover_sat") {
        Format::Bitmex
    } else if has("taker_buy_volume")
        || has("agg_trade_id")
        || has("quote_qty") && has("is_buyer_maker")
        || has("best_bid_qty") && has("transaction_time")
    {
        Format::Binance
    } else if begins("trade_id/") && begins("created_time/")
        || has("instrument_name") && (has("created_time") || has("confirm"))
        || has("volCcyQuote")
    {
        Format::Okx
    } else if is_exactly(headers, &["id", "timestamp", "price", "volume", "side"])
        || has("startTime") && has("turnover")
    {
        Format::Bybit
    } else if has("Unix Timestamp") && has("Date") && has("Symbol") {
        Format::Gemini
    } else if has("date") && has("symbol") && volumes(headers).len() > 1 {
        Format::CryptoDataDownload
    } else if has("Weighted_Price") || has("ohlc") {
        Format::Bitstamp
    } else if is_exactly(headers, &["time", "low", "high", "open", "close", "volume"]) {
        Format::Coinbase
    } else if headers.first().is_some_and(String::is_empty) && has("Open") {
        Format::BacktestingPy
    } else {
        Format::Csv
    }
}

/// Whether `headers` begin with exactly these names.
fn is_exactly(headers: &[String], names: &[&str]) -> bool {
    headers.len() >= names.len()
        && names.iter().zip(headers).all(|(name, header)| header.eq_ignore_ascii_case(name))
}

/// Whether these are the columns of a file that freqtrade keeps as feather or Parquet.
pub(crate) fn is_freqtrade(headers: &[String]) -> bool {
    let bars = ["open", "high", "low", "close", "volume"];
    let date = headers.first().is_some_and(|header| {
        named(header).is_some_and(|named| named.role == Role::Time)
            && header.to_ascii_lowercase().starts_with("date")
    });
    date && headers.len() == 6 && is_exactly(headers.get(1..).unwrap_or_default(), &bars)
}
