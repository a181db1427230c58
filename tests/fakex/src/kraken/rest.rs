//! Kraken's public REST interface for market data.

use crate::calendar::rfc1123;
use crate::decimal;
use crate::exchange::Exchange;
use crate::http::{Request, Response};
use crate::instrument::{Instrument, Status, kraken_old_asset};
use crate::interval::Interval;
use crate::market::symbol::SymbolMarket;
use crate::market::trade::Trade;
use crate::payload::kraken as payload;

const SECOND_NS: i64 = 1_000_000_000;
/// Bars of one answer.
const BARS_MAX: usize = 720;

/// Answers a request; an error is in Kraken's words, with status 200 as Kraken has it.
pub(crate) fn answer(exchange: &Exchange, request: &Request) -> Response {
    let answered = match request.path() {
        "/0/public/Time" => Ok(format!(
            "{{\"unixtime\":{},\"rfc1123\":\"{}\"}}",
            exchange.told_ns() / SECOND_NS,
            rfc1123(exchange.told_ns())
        )),
        "/0/public/SystemStatus" => Ok("{\"status\":\"online\"}".to_owned()),
        "/0/public/AssetPairs" => pairs(exchange, request),
        "/0/public/OHLC" => ohlc(exchange, request),
        "/0/public/Trades" => trades(exchange, request),
        _ => return Response::refused(404, "{\"error\":[\"EGeneral:Unknown method\"]}"),
    };
    match answered {
        Ok(result) => Response::ok(format!("{{\"error\":[],\"result\":{result}}}")),
        Err(error) => Response::ok(format!("{{\"error\":[\"{error}\"]}}")),
    }
}

fn named<'a>(exchange: &'a Exchange, name: &str) -> Result<&'a SymbolMarket, String> {
    let known = |market: &&SymbolMarket| {
        let instrument = &market.instrument;
        let names = [
            instrument.kraken_key(),
            instrument.kraken_alt(),
            instrument.kraken_ws(),
            instrument.joined().to_owned(),
            instrument.slashed(),
        ];
        instrument.status != Status::Delisted && names.iter().any(|known| known == name)
    };
    exchange.market.symbols.iter().find(known).ok_or_else(|| "EQuery:Unknown asset pair".to_owned())
}

fn market<'a>(exchange: &'a Exchange, request: &Request) -> Result<&'a SymbolMarket, String> {
    named(exchange, &request.query("pair").ok_or("EGeneral:Invalid arguments")?)
}

fn pairs(exchange: &Exchange, request: &Request) -> Result<String, String> {
    let markets: Vec<&SymbolMarket> = match request.query("pair") {
        Some(names) => names.split(',').map(|name| named(exchange, name)).collect::<Result<_, _>>()?,
        None => {
            let listed = |market: &&SymbolMarket| market.instrument.status != Status::Delisted;
            exchange.market.symbols.iter().filter(listed).collect()
        }
    };
    let listed: Vec<String> = markets.iter().map(|market| pair(&market.instrument)).collect();
    Ok(format!("{{{}}}", listed.join(",")))
}

fn pair(instrument: &Instrument) -> String {
    let status = match instrument.status {
        Status::Trading => "online",
        Status::Halted | Status::Delisted => "maintenance",
        Status::CancelOnly => "cancel_only",
    };
    let (key, name) = (instrument.kraken_key(), instrument.kraken_alt());
    format!(
        "\"{key}\":{{\"altname\":\"{name}\",\"wsname\":\"{}\",\"aclass_base\":\"currency\",\"base\":\"{}\",\
         \"aclass_quote\":\"currency\",\"quote\":\"{}\",\"lot\":\"unit\",\"cost_decimals\":5,\"pair_decimals\":{},\
         \"lot_decimals\":{},\"lot_multiplier\":1,\"ordermin\":\"{}\",\"costmin\":\"{}\",\"tick_size\":\"{}\",\
         \"status\":\"{status}\"}}",
        instrument.kraken_ws(),
        kraken_old_asset(&instrument.base),
        kraken_old_asset(&instrument.quote),
        instrument.price_decimals,
        instrument.quantity_decimals,
        instrument.quantity(instrument.step),
        instrument.min_notional,
        instrument.price(instrument.tick),
    )
}

fn ohlc(exchange: &Exchange, request: &Request) -> Result<String, String> {
    let market = market(exchange, request)?;
    let minutes = request.query("interval").map_or(Ok(1), |text| text.parse());
    let interval = minutes.ok().and_then(Interval::of_minutes);
    let interval = interval.filter(|interval| market.candles().offers(*interval));
    let interval = interval.ok_or("EGeneral:Invalid arguments:interval")?;
    let since = request.query("since").map_or(Ok(0), |text| text.parse::<i64>());
    let since = since.map_err(|_| "EGeneral:Invalid arguments:since")?;
    let now_ns = exchange.now_ns;
    // Never more than the last 720 bars, whatever was asked for.
    let first_ns = interval.open_of(now_ns) - interval.length_ns() * (BARS_MAX as i64 - 1);
    let from_ns = since.checked_mul(SECOND_NS).ok_or("EGeneral:Invalid arguments:since")?.max(first_ns);
    let bars = market.candles().range(interval, from_ns, now_ns, BARS_MAX, now_ns);
    let instrument = &market.instrument;
    let rows = bars.iter().map(|bar| {
        let vwap = if bar.trades == 0 { "0.0".to_owned() } else { payload::vwap(instrument, bar) };
        format!(
            "[{},\"{}\",\"{}\",\"{}\",\"{}\",\"{vwap}\",\"{}\",{}]",
            bar.open_time_ns / SECOND_NS,
            instrument.price(bar.open),
            instrument.price(bar.high),
            instrument.price(bar.low),
            instrument.price(bar.close),
            instrument.quantity(bar.volume),
            bar.trades
        )
    });
    let rows: Vec<String> = rows.collect();
    // `last` is the last bar that is complete.
    let last = bars.iter().rev().nth(1).map_or(0, |bar| bar.open_time_ns / SECOND_NS);
    Ok(format!("{{\"{}\":[{}],\"last\":{last}}}", instrument.kraken_key(), rows.join(",")))
}

fn trades(exchange: &Exchange, request: &Request) -> Result<String, String> {
    let market = market(exchange, request)?;
    let count = request.query("count").map_or(Ok(1_000), |text| text.parse::<usize>());
    let count = count.map_err(|_| "EGeneral:Invalid arguments:count")?.clamp(1, 1_000);
    let since = request.query("since").map(|text| since_ns(&text).ok_or("EGeneral:Invalid arguments:since"));
    let known = market.trades().len();
    let chosen: Vec<&Trade> = match since.transpose()? {
        Some(since_ns) => {
            market.trades().iter().filter(|trade| trade.time_ns > since_ns).take(count).collect()
        }
        None => market.trades().iter().skip(known - count.min(known)).collect(),
    };
    let instrument = &market.instrument;
    let rows: Vec<String> = chosen.iter().map(|trade| row(instrument, trade)).collect();
    let last = chosen.last().map_or(exchange.now_ns, |trade| trade.time_ns);
    Ok(format!("{{\"{}\":[{}],\"last\":\"{last}\"}}", instrument.kraken_key(), rows.join(",")))
}

/// Seconds with decimals, or nanoseconds as `last` tells them.
fn since_ns(text: &str) -> Option<i64> {
    let is_short = text.split('.').next().is_some_and(|whole| whole.len() <= 11);
    let units = decimal::units(text, if is_short { 9 } else { 0 })?;
    i64::try_from(units).ok()
}

fn row(instrument: &Instrument, trade: &Trade) -> String {
    let side = if trade.buyer_is_maker { "s" } else { "b" };
    let time_ns = trade.time_ns;
    format!(
        "[\"{}\",\"{}\",{}.{:09},\"{side}\",\"m\",\"\",{}]",
        instrument.price(trade.price),
        instrument.quantity(trade.quantity),
        time_ns / SECOND_NS,
        time_ns % SECOND_NS,
        trade.id
    )
}
