//! Calls of Binance's WebSocket API, and the signed REST request that has no call: what is asked, before it is written down.
//!
//! Source: the venue's `web-socket-api.md` (state of 2026-07), `exchange-protocols` 1.1.5 to 1.1.8.

use engine_core::market::Side;
use engine_core::order::{Posting, TimeInForce};
use engine_core::time::{Span, Timestamp};

use super::{VENUE, since_epoch};
use crate::dialect::request::Unserved;
use crate::order_request::{Asked, FillsSince, NewOrder, NewOrderKind, OrderName, OrderRequest};
use crate::signing::binance::{BinanceKey, Param, socket_payload};

mod call_wire;

/// The most trades of one answer.
const FILLS_MAX: i64 = 1_000;

/// The most characters of a client id.
const CLIENT_ID_MAX: usize = 36;

/// The path of the request for what a key may do; production alone has it.
const PERMISSIONS_PATH: &str = "/sapi/v1/account/apiRestrictions";

/// The longest window the venue takes, in milliseconds.
const WINDOW_MAX_MS: u32 = 60_000;

/// A method of the WebSocket API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// A new order.
    Place,
    /// The end of an order.
    Cancel,
    /// The end of every order of a symbol.
    CancelAll,
    /// Where an order stands.
    Query,
    /// Which orders work.
    OpenOrders,
    /// What the account holds.
    Account,
    /// What was traded.
    Fills,
    /// The connection is to speak for a key.
    LogOn,
    /// What happens to the account is to be told on a connection that speaks for its key.
    Subscribe,
    /// The same on any connection, by a signature of its own.
    SubscribeSigned,
}

impl Method {
    /// The venue's name of it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Place => "order.place",
            Self::Cancel => "order.cancel",
            Self::CancelAll => "openOrders.cancelAll",
            Self::Query => "order.status",
            Self::OpenOrders => "openOrders.status",
            Self::Account => "account.status",
            Self::Fills => "myTrades",
            Self::LogOn => "session.logon",
            Self::Subscribe => "userDataStream.subscribe",
            Self::SubscribeSigned => "userDataStream.subscribe.signature",
        }
    }

    /// What kind of request it is.
    #[must_use]
    pub const fn asked(self) -> Asked {
        match self {
            Self::Place => Asked::Place,
            Self::Cancel | Self::CancelAll => Asked::Cancel,
            Self::Query => Asked::Query,
            Self::OpenOrders
            | Self::Account
            | Self::Fills
            | Self::LogOn
            | Self::Subscribe
            | Self::SubscribeSigned => Asked::Read,
        }
    }
}

/// A call that is not yet signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiCall {
    /// What is called.
    pub method: Method,
    /// With what, in no particular order; time and signature are added when it is written.
    pub params: Vec<Param>,
}

/// When a call is made, and how long it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallTime {
    /// When it is made, by the venue's clock.
    pub at: Timestamp,
    /// For so long it may still reach the market, in milliseconds; the venue takes at most 60 000.
    pub window_ms: u32,
}

/// By what a call is known to be ours.
#[derive(Debug, Clone, Copy)]
pub enum Authority<'a> {
    /// The connection has logged on.
    Session,
    /// This key signs it.
    Key(&'a BinanceKey),
}

impl ApiCall {
    /// The call that asks for `request`.
    ///
    /// # Errors
    /// [`Unserved`] for an order the venue does not take, and for the permissions of a key, which only REST tells.
    pub fn of(request: &OrderRequest) -> Result<Self, Unserved> {
        let call = |method, params| Ok(Self { method, params });
        match request {
            OrderRequest::Place(order) => call(Method::Place, place(order)?),
            OrderRequest::Cancel { symbol, order } => {
                call(Method::Cancel, vec![Param::text("symbol", symbol), named(order)?])
            }
            OrderRequest::CancelAll { symbol: Some(symbol) } => {
                call(Method::CancelAll, vec![Param::text("symbol", symbol)])
            }
            OrderRequest::CancelAll { symbol: None } => {
                Err(unserved("a cancel of the orders of all symbols", "one for each symbol"))
            }
            OrderRequest::Query { symbol, order } => {
                call(Method::Query, vec![Param::text("symbol", symbol), named(order)?])
            }
            OrderRequest::OpenOrders { symbol } => {
                let symbol = symbol.iter().map(|symbol| Param::text("symbol", symbol));
                call(Method::OpenOrders, symbol.collect())
            }
            OrderRequest::Fills { symbol, since } => call(Method::Fills, fills(symbol, since)?),
            OrderRequest::Balances => call(Method::Account, vec![Param::flag("omitZeroBalances", true)]),
            OrderRequest::Permissions => {
                Err(unserved("the permissions of a key over its WebSocket API", PERMISSIONS_PATH))
            }
        }
    }

    /// The call that makes the connection speak for a key of Ed25519.
    #[must_use]
    pub const fn log_on() -> Self {
        Self { method: Method::LogOn, params: Vec::new() }
    }

    /// The call for what happens to the account: of a session that has logged on, or signed by itself.
    #[must_use]
    pub const fn subscribe(authority: Authority<'_>) -> Self {
        let method = match authority {
            Authority::Session => Method::Subscribe,
            Authority::Key(_) => Method::SubscribeSigned,
        };
        Self { method, params: Vec::new() }
    }

    /// The message that makes this call under the number `id`, which is of no other call on its way.
    #[must_use]
    pub fn message(&self, id: &str, time: CallTime, authority: Authority<'_>) -> String {
        let mut params = self.params.clone();
        match self.method {
            // Takes no parameters: not even the time.
            Method::Subscribe => {}
            Method::LogOn
            | Method::Place
            | Method::Cancel
            | Method::CancelAll
            | Method::Query
            | Method::OpenOrders
            | Method::Account
            | Method::Fills
            | Method::SubscribeSigned => params.extend(time.params()),
        }
        match authority {
            Authority::Session => {}
            Authority::Key(key) => {
                params.push(Param::text("apiKey", key.api_key()));
                let signature = key.sign(&socket_payload(&params));
                params.push(Param::text("signature", signature));
            }
        }
        call_wire::message(id, self.method.name(), &params)
    }
}

impl CallTime {
    pub(super) fn params(self) -> [Param; 2] {
        let window = self.window_ms.clamp(1, WINDOW_MAX_MS);
        [
            Param::whole("recvWindow", i64::from(window)),
            Param::whole("timestamp", since_epoch(self.at, Span::MILLISECOND)),
        ]
    }
}

/// Path and query of the REST request for what `key` may do; its name goes in the header `X-MBX-APIKEY`.
#[must_use]
pub fn permissions_path(key: &BinanceKey, time: CallTime) -> String {
    format!("{PERMISSIONS_PATH}?{}", key.signed_query(&time.params()))
}

fn unserved(what: &str, has: &'static str) -> Unserved {
    Unserved::Data { venue: VENUE, what: what.to_owned(), has }
}

/// By which name an order is meant; the venue's ids are numbers.
fn named(order: &OrderName) -> Result<Param, Unserved> {
    match order {
        OrderName::Client(id) => Ok(Param::text("origClientOrderId", id)),
        OrderName::Venue(id) => number("orderId", id),
    }
}

fn number(name: &'static str, id: &str) -> Result<Param, Unserved> {
    let number = id.parse::<i64>().map_err(|_| unserved(&format!("order {id:?}"), "numbers for ids"))?;
    Ok(Param::whole(name, number))
}

fn fills(symbol: &str, since: &FillsSince) -> Result<Vec<Param>, Unserved> {
    let from = match since {
        FillsSince::Order(id) => number("orderId", id)?,
        FillsSince::Moment(at) => Param::whole("startTime", since_epoch(*at, Span::MILLISECOND)),
        FillsSince::Trade(id) => {
            let id = i64::try_from(*id).map_err(|_| unserved("a trade beyond 63 bits", "smaller numbers"))?;
            Param::whole("fromId", id)
        }
    };
    Ok(vec![Param::text("symbol", symbol), from, Param::whole("limit", FILLS_MAX)])
}

/// Whether the venue takes `id` as a client id.
fn is_client_id(id: &str) -> bool {
    let is_known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=CLIENT_ID_MAX).contains(&id.len()) && id.bytes().all(is_known)
}

/// The parameters of a new order.
fn place(order: &NewOrder) -> Result<Vec<Param>, Unserved> {
    if !is_client_id(&order.client_id) {
        let what = format!("the client id {:?}", order.client_id);
        return Err(unserved(&what, "up to 36 letters, digits, hyphens and underscores"));
    }
    let side = match order.side {
        Side::Buy => "BUY",
        Side::Sell => "SELL",
    };
    let decimal = |name, number: engine_core::num::Decimal| Param::text(name, number.to_string());
    let mut params = vec![
        Param::text("symbol", &order.symbol),
        Param::text("side", side),
        decimal("quantity", order.qty),
        Param::text("newClientOrderId", &order.client_id),
        Param::text("newOrderRespType", "FULL"),
    ];
    let (kind, limit, trigger) = match order.kind {
        NewOrderKind::Market => ("MARKET", None, None),
        NewOrderKind::Limit { limit } => match order.posting {
            Posting::Any => ("LIMIT", Some(limit), None),
            Posting::PostOnly => ("LIMIT_MAKER", Some(limit), None),
        },
        NewOrderKind::Stop { trigger } => ("STOP_LOSS", None, Some(trigger)),
        NewOrderKind::StopLimit { trigger, limit } => ("STOP_LOSS_LIMIT", Some(limit), Some(trigger)),
    };
    params.push(Param::text("type", kind));
    if order.posting == Posting::PostOnly && kind != "LIMIT_MAKER" {
        return Err(unserved("orders of another kind that only post", "limit orders that only post"));
    }
    params.extend(limit.map(|limit| decimal("price", limit)));
    params.extend(trigger.map(|trigger| decimal("stopPrice", trigger)));
    params.extend(time_in_force(order.tif, kind)?);
    Ok(params)
}

/// How long an order works, where its kind takes such a word.
fn time_in_force(tif: TimeInForce, kind: &str) -> Result<Option<Param>, Unserved> {
    let word = match tif {
        TimeInForce::Gtc => "GTC",
        TimeInForce::Ioc => "IOC",
        TimeInForce::Fok => "FOK",
        TimeInForce::Gtd(_) => return Err(unserved("orders until a moment", "GTC, IOC and FOK")),
    };
    match (kind, tif) {
        ("LIMIT" | "STOP_LOSS_LIMIT", _) => Ok(Some(Param::text("timeInForce", word))),
        // A market order fills what it can at once, as it is; one that only posts stays until it is cancelled.
        ("MARKET", TimeInForce::Gtc | TimeInForce::Ioc) | (_, TimeInForce::Gtc) => Ok(None),
        (_, _) => Err(unserved(&format!("{kind} with {word}"), "limit orders with IOC and FOK")),
    }
}

#[cfg(test)]
mod tests;
