//! Binance's REST interface for market data, version 3.

use crate::exchange::Exchange;
use crate::http::{Request, Response};
use crate::instrument::{Instrument, Status};
use crate::interval::Interval;
use crate::market::candles::Kline;
use crate::market::symbol::SymbolMarket;
use crate::market::trade::Trade;
use crate::payload::binance as payload;
use crate::settings::AccountSettings;

const MS_NS: i64 = 1_000_000;

/// Answers a request; an error is in Binance's words.
pub(crate) fn answer(exchange: &Exchange, request: &Request) -> Response {
    let answered = match request.path() {
        "/api/v3/ping" => Ok("{}".to_owned()),
        "/api/v3/time" => Ok(format!("{{\"serverTime\":{}}}", exchange.told_ns() / MS_NS)),
        "/api/v3/exchangeInfo" => exchange_info(exchange, request),
        "/api/v3/klines" => klines(exchange, request),
        "/api/v3/depth" => depth(exchange, request),
        "/api/v3/aggTrades" => trades(exchange, request, 500, aggregate),
        "/api/v3/historicalTrades" | "/api/v3/trades" => trades(exchange, request, 500, trade),
        _ => return Response::refused(404, "<html><head><title>404 Not Found</title></head></html>"),
    };
    answered.map_or_else(|body| Response::refused(400, body), Response::ok)
}

fn refusal(code: i32, msg: &str) -> String {
    format!("{{\"code\":{code},\"msg\":\"{msg}\"}}")
}

fn market<'a>(exchange: &'a Exchange, request: &Request) -> Result<&'a SymbolMarket, String> {
    let missing = "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed.";
    let name = request.query("symbol").ok_or_else(|| refusal(-1102, missing))?;
    named(exchange, &name)
}

fn named<'a>(exchange: &'a Exchange, name: &str) -> Result<&'a SymbolMarket, String> {
    let known = |market: &&SymbolMarket| {
        market.instrument.joined() == name && market.instrument.status != Status::Delisted
    };
    exchange.market.symbols.iter().find(known).ok_or_else(|| refusal(-1121, "Invalid symbol."))
}

/// A number of the query, when it is there.
fn number<T: std::str::FromStr>(request: &Request, name: &str) -> Result<Option<T>, String> {
    let text = request.query(name);
    let illegal = || {
        let msg =
            format!("Illegal characters found in parameter '{name}'; legal range is '^[0-9]{{1,20}}$'.");
        refusal(-1100, &msg)
    };
    text.map(|text| text.parse().map_err(|_| illegal())).transpose()
}

/// A time of the query in nanoseconds, when it is there; none before 1970.
fn time_ns(request: &Request, name: &str) -> Result<Option<i64>, String> {
    let illegal = || refusal(-1130, &format!("Data sent for parameter '{name}' is not valid."));
    let time_ms = number::<u64>(request, name)?;
    let in_ns = |time_ms: u64| i64::try_from(time_ms).ok()?.checked_mul(MS_NS);
    time_ms.map(|time_ms| in_ns(time_ms).ok_or_else(illegal)).transpose()
}

fn limit(request: &Request, default: usize, most: usize) -> Result<usize, String> {
    let limit = number::<usize>(request, "limit")?.unwrap_or(default);
    if limit == 0 {
        return Err(refusal(-1130, "Data sent for parameter 'limit' is not valid."));
    }
    Ok(limit.min(most))
}

fn exchange_info(exchange: &Exchange, request: &Request) -> Result<String, String> {
    let markets = match (request.query("symbol"), request.query("symbols")) {
        (Some(name), _) => vec![named(exchange, &name)?],
        (None, Some(names)) => {
            let malformed = || refusal(-1100, "Illegal characters found in parameter 'symbols'.");
            let names: Vec<String> = serde_json::from_str(&names).map_err(|_| malformed())?;
            names.iter().map(|name| named(exchange, name)).collect::<Result<_, _>>()?
        }
        (None, None) => {
            let listed = |market: &&SymbolMarket| market.instrument.status != Status::Delisted;
            exchange.market.symbols.iter().filter(listed).collect()
        }
    };
    let account = exchange.settings.account.as_ref();
    let symbols = markets.iter().map(|market| symbol_info(&market.instrument, account));
    let symbols: Vec<String> = symbols.collect();
    let limits = account.map_or_else(String::new, order_limits);
    Ok(format!(
        "{{\"timezone\":\"UTC\",\"serverTime\":{},\"rateLimits\":[{{\"rateLimitType\":\"REQUEST_WEIGHT\",\"interval\":\
         \"MINUTE\",\"intervalNum\":1,\"limit\":{}}}{limits}],\"exchangeFilters\":[],\"symbols\":[{}]}}",
        exchange.told_ns() / MS_NS,
        account.map_or(6_000, |account| account.weight_per_minute),
        symbols.join(",")
    ))
}

/// The limits of orders, behind that of requests.
fn order_limits(account: &AccountSettings) -> String {
    format!(
        ",{{\"rateLimitType\":\"ORDERS\",\"interval\":\"SECOND\",\"intervalNum\":10,\"limit\":{}}},{{\"rateLimitType\":\
         \"ORDERS\",\"interval\":\"DAY\",\"intervalNum\":1,\"limit\":{}}}",
        account.orders_per_10s, account.orders_per_day
    )
}

/// What only a symbol tells that can be traded: more types, the number of orders, and modes of prevention.
fn trading_info(account: Option<&AccountSettings>) -> [String; 3] {
    let Some(account) = account else { return Default::default() };
    [
        ",\"STOP_LOSS\",\"STOP_LOSS_LIMIT\",\"TAKE_PROFIT\",\"TAKE_PROFIT_LIMIT\"".to_owned(),
        format!(
            ",{{\"filterType\":\"MAX_NUM_ORDERS\",\"maxNumOrders\":{}}},{{\"filterType\":\"MAX_NUM_ALGO_ORDERS\",\
             \"maxNumAlgoOrders\":5}}",
            account.orders_max
        ),
        ",\"quoteOrderQtyMarketAllowed\":true,\"defaultSelfTradePreventionMode\":\"EXPIRE_MAKER\",\
             \"allowedSelfTradePreventionModes\":[\"NONE\",\"EXPIRE_TAKER\",\"EXPIRE_MAKER\",\"EXPIRE_BOTH\",\"DECREMENT\"]"
            .to_owned(),
    ]
}

fn symbol_info(instrument: &Instrument, account: Option<&AccountSettings>) -> String {
    let [types, filters, modes] = trading_info(account);
    let status = match instrument.status {
        Status::Trading => "TRADING",
        Status::Halted => "HALT",
        Status::CancelOnly => "CANCEL_ONLY",
        Status::Delisted => "BREAK",
    };
    let (tick, step) = (instrument.price8(instrument.tick), instrument.quantity8(instrument.step));
    format!(
        "{{\"symbol\":\"{}\",\"status\":\"{status}\",\"baseAsset\":\"{}\",\"baseAssetPrecision\":8,\"quoteAsset\":\"{}\",\
         \"quotePrecision\":8,\"quoteAssetPrecision\":8,\"orderTypes\":[\"LIMIT\",\"LIMIT_MAKER\",\"MARKET\"{types}],\
         \"isSpotTradingAllowed\":true,\"isMarginTradingAllowed\":false,\"filters\":[{{\"filterType\":\"PRICE_FILTER\",\
         \"minPrice\":\"{tick}\",\"maxPrice\":\"1000000.00000000\",\"tickSize\":\"{tick}\"}},{{\"filterType\":\"LOT_SIZE\",\
         \"minQty\":\"{step}\",\"maxQty\":\"9000.00000000\",\"stepSize\":\"{step}\"}},{{\"filterType\":\"NOTIONAL\",\
         \"minNotional\":\"{}\",\"applyMinToMarket\":true,\"maxNotional\":\"9000000.00000000\",\"applyMaxToMarket\":false,\
         \"avgPriceMins\":5}}{filters}]{modes},\"permissions\":[],\"permissionSets\":[[\"SPOT\"]]}}",
        instrument.joined(),
        instrument.base,
        instrument.quote,
        instrument.min_notional,
    )
}

fn klines(exchange: &Exchange, request: &Request) -> Result<String, String> {
    let market = market(exchange, request)?;
    let interval = request.query("interval").and_then(|name| Interval::named(&name));
    let interval = interval.filter(|interval| market.candles().offers(*interval));
    let interval = interval.ok_or_else(|| refusal(-1120, "Invalid interval."))?;
    let limit = limit(request, 500, 1_000)?;
    let now_ns = exchange.now_ns;
    let end_ns = time_ns(request, "endTime")?.unwrap_or(now_ns).min(now_ns);
    let span_ns = interval.length_ns() * (limit as i64 - 1);
    // Without a start Binance answers the last bars before the end.
    let start_ns = time_ns(request, "startTime")?.unwrap_or(interval.open_of(end_ns) - span_ns);
    let bars = market.candles().range(interval, start_ns, end_ns, limit, now_ns);
    let rows: Vec<String> = bars.iter().map(|bar| row(&market.instrument, bar)).collect();
    Ok(format!("[{}]", rows.join(",")))
}

fn row(instrument: &Instrument, bar: &Kline) -> String {
    format!(
        "[{},\"{}\",\"{}\",\"{}\",\"{}\",\"{}\",{},\"{}\",{},\"{}\",\"{}\",\"0\"]",
        bar.open_time_ns / MS_NS,
        instrument.price8(bar.open),
        instrument.price8(bar.high),
        instrument.price8(bar.low),
        instrument.price8(bar.close),
        instrument.quantity8(bar.volume),
        bar.end_ns() / MS_NS - 1,
        instrument.turnover8(bar.turnover),
        bar.trades,
        instrument.quantity8(bar.taker_buy_volume),
        instrument.turnover8(bar.taker_buy_turnover),
    )
}

fn depth(exchange: &Exchange, request: &Request) -> Result<String, String> {
    let market = market(exchange, request)?;
    let limit = limit(request, 100, 5_000)?;
    let (instrument, book) = (&market.instrument, market.book());
    Ok(format!(
        "{{\"lastUpdateId\":{},\"bids\":{},\"asks\":{}}}",
        book.last_id(),
        payload::levels(instrument, book.bids().take(limit)),
        payload::levels(instrument, book.asks().take(limit)),
    ))
}

fn trades(
    exchange: &Exchange,
    request: &Request,
    default: usize,
    write: fn(&Instrument, &Trade) -> String,
) -> Result<String, String> {
    let market = market(exchange, request)?;
    let limit = limit(request, default, 1_000)?;
    let known = market.trades().len();
    let from_id = number::<u64>(request, "fromId")?;
    let start_ns = time_ns(request, "startTime")?;
    let end_ns = time_ns(request, "endTime")?.unwrap_or(i64::MAX);
    let chosen: Vec<&Trade> = match (from_id, start_ns) {
        (Some(from_id), _) => market.trades_from(from_id).take(limit).collect(),
        (None, Some(start_ns)) => {
            // The end holds its whole millisecond.
            let inside =
                |trade: &&Trade| trade.time_ns >= start_ns && trade.time_ns / MS_NS <= end_ns / MS_NS;
            market.trades().iter().filter(inside).take(limit).collect()
        }
        (None, None) => market.trades().iter().skip(known - limit.min(known)).collect(),
    };
    let written: Vec<String> = chosen.into_iter().map(|trade| write(&market.instrument, trade)).collect();
    Ok(format!("[{}]", written.join(",")))
}

fn trade(instrument: &Instrument, trade: &Trade) -> String {
    format!(
        "{{\"id\":{},\"price\":\"{}\",\"qty\":\"{}\",\"quoteQty\":\"{}\",\"time\":{},\"isBuyerMaker\":{},\
         \"isBestMatch\":true}}",
        trade.id,
        instrument.price8(trade.price),
        instrument.quantity8(trade.quantity),
        instrument.turnover8(trade.turnover()),
        trade.time_ns / MS_NS,
        trade.buyer_is_maker,
    )
}

fn aggregate(instrument: &Instrument, trade: &Trade) -> String {
    format!(
        "{{\"a\":{},\"p\":\"{}\",\"q\":\"{}\",\"f\":{},\"l\":{},\"T\":{},\"m\":{},\"M\":true}}",
        trade.id,
        instrument.price8(trade.price),
        instrument.quantity8(trade.quantity),
        trade.id,
        trade.id,
        trade.time_ns / MS_NS,
        trade.buyer_is_maker,
    )
}
