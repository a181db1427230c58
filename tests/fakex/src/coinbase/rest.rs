//! Coinbase's public REST interface for market data; the same paths without `market/`, which ask for a key there, answer too.

use crate::calendar::rfc3339;
use crate::exchange::Exchange;
use crate::http::{Request, Response};
use crate::instrument::{Instrument, Status};
use crate::interval::Interval;
use crate::market::symbol::SymbolMarket;
use crate::market::trade::Trade;
use crate::payload::coinbase as payload;

const SECOND_NS: i64 = 1_000_000_000;
/// Candles of one answer.
const CANDLES_MAX: usize = 350;

/// Answers a request; an error is in Coinbase's words.
pub(crate) fn answer(exchange: &Exchange, request: &Request) -> Response {
    let Some(path) = request.path().strip_prefix("/api/v3/brokerage/") else { return unknown() };
    let path = path.strip_prefix("market/").unwrap_or(path);
    let parts: Vec<&str> = path.split('/').collect();
    match parts.as_slice() {
        ["time"] => time(exchange.told_ns()),
        ["products"] => {
            let listed = exchange.market.symbols.iter();
            let listed: Vec<String> =
                listed.filter(|market| market.instrument.status != Status::Delisted).map(product).collect();
            Response::ok(format!("{{\"products\":[{}],\"num_products\":{}}}", listed.join(","), listed.len()))
        }
        ["products", name, rest @ ..] => {
            let known = |market: &&SymbolMarket| {
                market.instrument.dashed() == *name && market.instrument.status != Status::Delisted
            };
            let Some(market) = exchange.market.symbols.iter().find(known) else {
                return refused(404, "NOT_FOUND", &format!("product {name} not found"));
            };
            match rest {
                [] => Response::ok(product(market)),
                ["candles"] => candles(exchange, market, request),
                ["ticker"] => trades(market, request),
                _ => unknown(),
            }
        }
        _ => unknown(),
    }
}

fn unknown() -> Response {
    refused(404, "unknown", "Not Found")
}

fn refused(status: u16, error: &str, message: &str) -> Response {
    let body = serde_json::json!({ "error": error, "error_details": message, "message": message });
    Response::refused(status, body.to_string())
}

fn time(told_ns: i64) -> Response {
    Response::ok(format!(
        "{{\"iso\":\"{}\",\"epochSeconds\":\"{}\",\"epochMillis\":\"{}\"}}",
        rfc3339(told_ns),
        told_ns / SECOND_NS,
        told_ns / 1_000_000
    ))
}

fn product(market: &SymbolMarket) -> String {
    let instrument: &Instrument = &market.instrument;
    let price = market.trades().back().map_or(String::new(), |trade| instrument.price(trade.price));
    let tick = instrument.price(instrument.tick);
    let step = instrument.quantity(instrument.step);
    let (halted, cancel_only) =
        (instrument.status == Status::Halted, instrument.status == Status::CancelOnly);
    let name = instrument.dashed();
    format!(
        "{{\"product_id\":\"{name}\",\"price\":\"{price}\",\"base_increment\":\"{step}\",\"quote_increment\":\"{tick}\",\
         \"quote_min_size\":\"{}\",\"quote_max_size\":\"150000000\",\"base_min_size\":\"{step}\",\"base_max_size\":\"3400\",\
         \"base_name\":\"{}\",\"quote_name\":\"{}\",\"is_disabled\":false,\"new\":false,\"status\":\"{}\",\"cancel_only\":\
         {cancel_only},\"limit_only\":false,\"post_only\":false,\"trading_disabled\":{halted},\"auction_mode\":false,\
         \"product_type\":\"SPOT\",\"quote_currency_id\":\"{}\",\"base_currency_id\":\"{}\",\"alias\":\"\",\"alias_to\":[],\
         \"view_only\":false,\"price_increment\":\"{tick}\",\"display_name\":\"{name}\"}}",
        instrument.min_notional,
        instrument.base,
        instrument.quote,
        if halted { "offline" } else { "online" },
        instrument.quote,
        instrument.base,
    )
}

fn candles(exchange: &Exchange, market: &SymbolMarket, request: &Request) -> Response {
    let invalid = |what: &str| refused(400, "INVALID_ARGUMENT", what);
    let interval = request.query("granularity").and_then(|name| Interval::of_granularity(&name));
    let Some(interval) = interval.filter(|interval| market.candles().offers(*interval)) else {
        return invalid("granularity is invalid");
    };
    let second =
        |name: &str| request.query(name).and_then(|text| text.parse::<i64>().ok()?.checked_mul(SECOND_NS));
    let (Some(start_ns), Some(end_ns)) = (second("start"), second("end")) else {
        return invalid("start and end must be UNIX seconds");
    };
    let asked = (i128::from(end_ns) - i128::from(start_ns)) / i128::from(interval.length_ns());
    if !(0..=CANDLES_MAX as i128).contains(&asked) {
        return invalid("number of candles requested should be less than 350");
    }
    let bars = market.candles().range(interval, start_ns, end_ns, CANDLES_MAX, exchange.now_ns);
    // Newest first, and none for a span in which nothing was traded, as Coinbase does.
    let rows = bars.iter().rev().filter(|bar| bar.trades > 0);
    let rows: Vec<String> =
        rows.map(|bar| format!("{{{}}}", payload::candle(&market.instrument, bar))).collect();
    Response::ok(format!("{{\"candles\":[{}]}}", rows.join(",")))
}

fn trades(market: &SymbolMarket, request: &Request) -> Response {
    let number = |name: &str| request.query(name).and_then(|text| text.parse::<i64>().ok());
    let limit = number("limit").and_then(|limit| usize::try_from(limit).ok()).unwrap_or(100).min(1_000);
    let (start, end) = (number("start").unwrap_or(0), number("end").unwrap_or(i64::MAX));
    let inside = |trade: &&Trade| (start..=end).contains(&(trade.time_ns / SECOND_NS));
    let newest = market.trades().iter().rev().filter(inside).take(limit);
    let listed: Vec<String> = newest.map(|trade| payload::trade(&market.instrument, trade)).collect();
    let quote = market.book().quote();
    let best = |price: Option<u64>| price.map_or(String::new(), |price| market.instrument.price(price));
    Response::ok(format!(
        "{{\"trades\":[{}],\"best_bid\":\"{}\",\"best_ask\":\"{}\"}}",
        listed.join(","),
        best(quote.map(|quote| quote.bid.0)),
        best(quote.map(|quote| quote.ask.0)),
    ))
}
