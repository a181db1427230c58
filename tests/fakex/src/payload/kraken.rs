//! The messages of Kraken's channels; prices and quantities are JSON numbers with all their decimals.

use crate::calendar::rfc3339;
use crate::decimal;
use crate::instrument::Instrument;
use crate::interval::Interval;
use crate::market::book::Level;
use crate::market::candles::Kline;
use crate::market::trade::Trade;
use crate::stream::{Publication, View};

/// Levels of each side that the checksum covers.
const CHECKSUM_LEVELS: usize = 10;

/// The text of a publication.
pub(crate) fn body(instrument: &Instrument, publication: &Publication<'_>, told_ns: i64) -> String {
    match publication {
        Publication::Trades(batch) => trades(instrument, "update", batch.iter()),
        Publication::Quote { quote, day, .. } => {
            let view = View { bids: vec![quote.bid], asks: vec![quote.ask] };
            ticker(instrument, "update", &view, *day, told_ns)
        }
        Publication::Bar { bar, interval, .. } => ohlc(instrument, "update", &[*bar], *interval),
        Publication::Book { changed, view, time_ns } => {
            book(instrument, "update", changed, checksum(instrument, view), *time_ns)
        }
        // Nobody can subscribe to them here.
        Publication::Depth(_) | Publication::Top { .. } => String::new(),
    }
}

/// Trades of the channel `trade`.
pub(crate) fn trades<'a>(
    instrument: &Instrument,
    kind: &str,
    batch: impl Iterator<Item = &'a Trade>,
) -> String {
    let symbol = instrument.slashed();
    let one = |trade: &Trade| {
        let side = if trade.buyer_is_maker { "sell" } else { "buy" };
        format!(
            "{{\"symbol\":\"{symbol}\",\"side\":\"{side}\",\"price\":{},\"qty\":{},\"ord_type\":\"market\",\"trade_id\":{},\
             \"timestamp\":\"{}\"}}",
            instrument.price(trade.price),
            instrument.quantity(trade.quantity),
            trade.id,
            rfc3339(trade.time_ns)
        )
    };
    let listed: Vec<String> = batch.map(one).collect();
    format!("{{\"channel\":\"trade\",\"type\":\"{kind}\",\"data\":[{}]}}", listed.join(","))
}

/// The channel `ticker`; its day is the one of UTC, not the last 24 hours.
pub(crate) fn ticker(
    instrument: &Instrument,
    kind: &str,
    view: &View,
    day: Option<Kline>,
    told_ns: i64,
) -> String {
    let best = |levels: &[Level]| {
        let (price, quantity) = levels.first().copied().unwrap_or((0, 0));
        (instrument.price(price), instrument.quantity(quantity))
    };
    let (bid, ask) = (best(&view.bids), best(&view.asks));
    let of_day = day.map_or(String::new(), |day| {
        format!(
            "\"last\":{},\"volume\":{},\"vwap\":{},\"low\":{},\"high\":{},",
            instrument.price(day.close),
            instrument.quantity(day.volume),
            vwap(instrument, &day),
            instrument.price(day.low),
            instrument.price(day.high)
        )
    });
    format!(
        "{{\"channel\":\"ticker\",\"type\":\"{kind}\",\"data\":[{{\"symbol\":\"{}\",\"bid\":{},\"bid_qty\":{},\"ask\":{},\
         \"ask_qty\":{},{of_day}\"timestamp\":\"{}\"}}]}}",
        instrument.slashed(),
        bid.0,
        bid.1,
        ask.0,
        ask.1,
        rfc3339(told_ns)
    )
}

/// The average price by volume; the close of a bar without volume.
pub(crate) fn vwap(instrument: &Instrument, bar: &Kline) -> String {
    let price = bar.turnover.checked_div(bar.volume).unwrap_or(u128::from(bar.close));
    decimal::text(price, instrument.price_decimals)
}

/// Bars of the channel `ohlc`.
pub(crate) fn ohlc(instrument: &Instrument, kind: &str, bars: &[Kline], interval: Interval) -> String {
    let symbol = instrument.slashed();
    let one = |bar: &Kline| {
        format!(
            "{{\"symbol\":\"{symbol}\",\"open\":{},\"high\":{},\"low\":{},\"close\":{},\"trades\":{},\"volume\":{},\
             \"vwap\":{},\"interval_begin\":\"{}\",\"interval\":{},\"timestamp\":\"{}\"}}",
            instrument.price(bar.open),
            instrument.price(bar.high),
            instrument.price(bar.low),
            instrument.price(bar.close),
            bar.trades,
            instrument.quantity(bar.volume),
            vwap(instrument, bar),
            rfc3339(bar.open_time_ns),
            interval.minutes(),
            rfc3339(bar.end_ns()),
        )
    };
    let listed: Vec<String> = bars.iter().map(one).collect();
    format!("{{\"channel\":\"ohlc\",\"type\":\"{kind}\",\"data\":[{}]}}", listed.join(","))
}

/// The channel `book`.
pub(crate) fn book(
    instrument: &Instrument,
    kind: &str,
    levels: &View,
    checksum: u32,
    time_ns: i64,
) -> String {
    let side = |levels: &[Level]| {
        let one = |(price, quantity): &Level| {
            format!("{{\"price\":{},\"qty\":{}}}", instrument.price(*price), instrument.quantity(*quantity))
        };
        levels.iter().map(one).collect::<Vec<_>>().join(",")
    };
    format!(
        "{{\"channel\":\"book\",\"type\":\"{kind}\",\"data\":[{{\"symbol\":\"{}\",\"bids\":[{}],\"asks\":[{}],\"checksum\":\
         {checksum},\"timestamp\":\"{}\"}}]}}",
        instrument.slashed(),
        side(&levels.bids),
        side(&levels.asks),
        rfc3339(time_ns)
    )
}

/// CRC32 over the best ten asks, then bids: price and quantity without point and leading zeros.
pub(crate) fn checksum(instrument: &Instrument, view: &View) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    for (price, quantity) in
        view.asks.iter().take(CHECKSUM_LEVELS).chain(view.bids.iter().take(CHECKSUM_LEVELS))
    {
        for text in [instrument.price(*price), instrument.quantity(*quantity)] {
            hasher.update(text.replace('.', "").trim_start_matches('0').as_bytes());
        }
    }
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decimal::units;
    use crate::settings::Symbol;

    /// The worked example of Kraken's guide "Book checksum (v2)".
    #[test]
    fn the_checksum_is_the_one_of_krakens_guide() {
        let mut symbol = Symbol::named("BTC/USD").unwrap();
        (symbol.price_decimals, symbol.tick, symbol.first_price) =
            (1, "0.1".to_owned(), "45285.2".to_owned());
        let instrument = symbol.instrument().unwrap();
        let side = |levels: [(&str, &str); 10]| {
            levels
                .iter()
                .map(|(price, quantity)| (units(price, 1).unwrap(), units(quantity, 8).unwrap()))
                .collect()
        };
        let asks = side([
            ("45285.2", "0.00100000"),
            ("45286.4", "1.54571953"),
            ("45286.6", "1.54571109"),
            ("45289.6", "1.54560911"),
            ("45290.2", "0.15890660"),
            ("45291.8", "1.54553491"),
            ("45294.7", "0.04454749"),
            ("45296.1", "0.35380000"),
            ("45297.5", "0.09945542"),
            ("45299.5", "0.18772827"),
        ]);
        let bids = side([
            ("45283.5", "0.10000000"),
            ("45283.4", "1.54582015"),
            ("45282.1", "0.10000000"),
            ("45281.0", "0.10000000"),
            ("45280.3", "1.54592586"),
            ("45279.0", "0.07990000"),
            ("45277.6", "0.03310103"),
            ("45277.5", "0.30000000"),
            ("45277.3", "1.54602737"),
            ("45276.6", "0.15445238"),
        ]);
        assert_eq!(checksum(&instrument, &View { bids, asks }), 3_310_070_434);
    }
}
