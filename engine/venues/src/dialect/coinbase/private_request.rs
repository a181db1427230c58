//! Coinbase's private REST requests: orders, trades, balances and what a key may do.
//!
//! ```text
//! PrivateRequest ─ sent with CoinbaseKey::token(uri, …) ─ PrivateMethod::answer(status, …) ─ OrderAnswer
//! ```
//!
//! Source: `exchange-protocols` 1.2.2 to 1.2.4.

use engine_core::market::Side;
use engine_core::num::Decimal;
use engine_core::order::{Posting, TimeInForce};
use engine_core::time::Timestamp;

use super::{VENUE, request_wire};
use crate::dialect::request::{Unserved, encoded};
use crate::order_answer::OrderAnswer;
use crate::order_request::{Asked, FillsSince, NewOrder, NewOrderKind, OrderName, OrderRequest};
use crate::outcome::Outcome;
use crate::signing::coinbase::request_uri;
use crate::venue_time::rfc3339;

mod list_wire;
mod private_wire;

const BASE: &str = "/api/v3/brokerage";

/// The most orders that are ended in one request; the documents state no limit, and others do so.
pub const CANCELS_MAX: usize = 100;

/// Rows of a page.
const ROWS: u32 = 250;

/// Where orders are listed.
const ORDERS: &str = "/orders/historical/batch";

/// A method of the REST interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrivateMethod {
    /// A new order.
    Place,
    /// The end of orders, by the venue's ids.
    Cancel,
    /// One order, by the venue's id.
    Order,
    /// Orders, whether they work or not.
    Orders,
    /// Trades of ours.
    Fills,
    /// What the account holds.
    Accounts,
    /// What the key may do.
    KeyPermissions,
}

impl PrivateMethod {
    /// The method of HTTP.
    #[must_use]
    pub const fn verb(self) -> &'static str {
        match self {
            Self::Place | Self::Cancel => "POST",
            Self::Order | Self::Orders | Self::Fills | Self::Accounts | Self::KeyPermissions => "GET",
        }
    }

    /// What kind of request it is.
    #[must_use]
    pub const fn asked(self) -> Asked {
        match self {
            Self::Place => Asked::Place,
            Self::Cancel => Asked::Cancel,
            Self::Order => Asked::Query,
            Self::Orders | Self::Fills | Self::Accounts | Self::KeyPermissions => Asked::Read,
        }
    }

    /// What an answer means and says; `header` is its `Retry-After`. Of several cancels that of the first; [`cancelled`] tells
    /// each.
    ///
    /// An answer that cannot be read leaves unknown what was done, and is never taken for a refusal.
    #[must_use]
    pub fn answer(self, status: u16, header: Option<&str>, body: &str) -> OrderAnswer {
        private_wire::answer(self, status, header, body)
    }
}

/// What became of each of the orders `ids` that were to be ended in one request; one of which nothing is said is unknown.
#[must_use]
pub fn cancelled(ids: &[&str], status: u16, header: Option<&str>, body: &str) -> Vec<(String, Outcome)> {
    private_wire::cancelled(ids, status, header, body)
}

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrivateRequest {
    /// What is asked.
    pub method: PrivateMethod,
    /// Where, with the query.
    pub path: String,
    /// The body of a `POST`, as JSON.
    pub body: Option<String>,
}

impl PrivateRequest {
    /// What the token of this request says of it, when it goes to `base`.
    #[must_use]
    pub fn uri(&self, base: &str) -> String {
        request_uri(self.method.verb(), base, &self.path)
    }

    fn get(method: PrivateMethod, path: &str, params: &[(&str, &str)]) -> Self {
        let given = params.iter().filter(|(_, value)| !value.is_empty());
        let query: Vec<String> = given.map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        let mark = if query.is_empty() { "" } else { "?" };
        Self { method, path: format!("{BASE}{path}{mark}{}", query.join("&")), body: None }
    }
}

/// The request that ends the orders that the venue calls `ids`; at most [`CANCELS_MAX`] of them.
///
/// # Errors
/// [`Unserved`] for more.
pub fn cancel(ids: &[&str]) -> Result<PrivateRequest, Unserved> {
    if ids.len() > CANCELS_MAX {
        return Err(unserved(format!("{} cancels in one request", ids.len()), "100 of them"));
    }
    let (path, body) = (format!("{BASE}/orders/batch_cancel"), Some(request_wire::cancel(ids)));
    Ok(PrivateRequest { method: PrivateMethod::Cancel, path, body })
}

/// The request for every order of `symbol` since a moment, whether it works or not; of all times where there is none. `page` is
/// where the last answer said that the list goes on.
#[must_use]
pub fn orders_since(symbol: &str, since: Option<Timestamp>, page: Option<&str>) -> PrivateRequest {
    let (rows, since) = (ROWS.to_string(), since.map(rfc3339).unwrap_or_default());
    let params = [
        ("product_ids", symbol),
        ("start_date", since.as_str()),
        ("limit", &rows),
        ("cursor", page.unwrap_or_default()),
    ];
    PrivateRequest::get(PrivateMethod::Orders, ORDERS, &params)
}

/// The request that asks for `request`; `page` is where the last answer said that the list goes on.
///
/// Among open orders those are missing that are about to work; one of them that matters is asked for by itself.
///
/// # Errors
/// [`Unserved`] for an order the venue does not take, and for an order by its client id: only the venue's ids are known there.
pub fn request(request: &OrderRequest, page: Option<&str>) -> Result<PrivateRequest, Unserved> {
    let (rows, page) = (ROWS.to_string(), page.unwrap_or_default());
    let by_client = |id: &str| Err(unserved(format!("order {id:?} by its client id"), "its own ids"));
    match request {
        OrderRequest::Place(order) => {
            let (path, body) = (format!("{BASE}/orders"), Some(place(order)?));
            Ok(PrivateRequest { method: PrivateMethod::Place, path, body })
        }
        OrderRequest::Cancel { order: OrderName::Venue(id), .. } => cancel(&[id]),
        OrderRequest::Query { order: OrderName::Venue(id), .. } => {
            let path = format!("/orders/historical/{}", encoded(id));
            Ok(PrivateRequest::get(PrivateMethod::Order, &path, &[]))
        }
        OrderRequest::Cancel { order: OrderName::Client(id), .. }
        | OrderRequest::Query { order: OrderName::Client(id), .. } => by_client(id),
        OrderRequest::CancelAll { .. } => {
            Err(unserved("a cancel of all orders".to_owned(), "one of up to 100 orders by its own ids"))
        }
        OrderRequest::OpenOrders { symbol } => {
            let symbol = symbol.as_deref().unwrap_or_default();
            let params = [
                ("product_ids", symbol),
                ("order_status", "OPEN"),
                ("limit", rows.as_str()),
                ("cursor", page),
            ];
            Ok(PrivateRequest::get(PrivateMethod::Orders, ORDERS, &params))
        }
        OrderRequest::Fills { symbol, since } => {
            let (name, value) = match since {
                FillsSince::Order(id) => ("order_ids", id.clone()),
                FillsSince::Moment(at) => ("start_sequence_timestamp", rfc3339(*at)),
                FillsSince::Trade(_) => {
                    return Err(unserved("trades from a trade on".to_owned(), "trades from a moment on"));
                }
            };
            let params = [
                ("product_ids", symbol.as_str()),
                (name, value.as_str()),
                ("limit", &rows),
                ("cursor", page),
            ];
            Ok(PrivateRequest::get(PrivateMethod::Fills, "/orders/historical/fills", &params))
        }
        OrderRequest::Balances => {
            let params = [("limit", rows.as_str()), ("cursor", page)];
            Ok(PrivateRequest::get(PrivateMethod::Accounts, "/accounts", &params))
        }
        OrderRequest::Permissions => {
            Ok(PrivateRequest::get(PrivateMethod::KeyPermissions, "/key_permissions", &[]))
        }
    }
}

const fn unserved(what: String, has: &'static str) -> Unserved {
    Unserved::Data { venue: VENUE, what, has }
}

/// The configuration that an order is placed with: its name, its fields, and whether it says that it only posts.
fn place(order: &NewOrder) -> Result<String, Unserved> {
    let refused = |what: &str| Err(unserved(what.to_owned(), "limit orders with GTC, IOC, FOK or GTD"));
    let text = |number: Decimal| number.to_string();
    let size = ("base_size", text(order.qty));
    let until = match order.tif {
        TimeInForce::Gtd(until) => Some(("end_time", rfc3339(until))),
        TimeInForce::Gtc | TimeInForce::Ioc | TimeInForce::Fok => None,
    };
    let rests = matches!(order.tif, TimeInForce::Gtc | TimeInForce::Gtd(_));
    let (name, mut fields) = match (order.kind, order.tif) {
        (NewOrderKind::Market, TimeInForce::Gtc | TimeInForce::Ioc) => ("market_market_ioc", vec![size]),
        (NewOrderKind::Market, TimeInForce::Fok | TimeInForce::Gtd(_)) => {
            return refused("market orders with FOK or until a moment");
        }
        (NewOrderKind::Limit { limit }, tif) => {
            let name = match tif {
                TimeInForce::Gtc => "limit_limit_gtc",
                TimeInForce::Gtd(_) => "limit_limit_gtd",
                TimeInForce::Ioc => "sor_limit_ioc",
                TimeInForce::Fok => "limit_limit_fok",
            };
            (name, vec![size, ("limit_price", text(limit))])
        }
        (NewOrderKind::Stop { .. }, _) => return refused("stops without a limit"),
        (NewOrderKind::StopLimit { .. }, TimeInForce::Ioc | TimeInForce::Fok) => {
            return refused("stops with IOC or FOK");
        }
        (NewOrderKind::StopLimit { trigger, limit }, TimeInForce::Gtc | TimeInForce::Gtd(_)) => {
            let name =
                if until.is_some() { "stop_limit_stop_limit_gtd" } else { "stop_limit_stop_limit_gtc" };
            let direction = match order.side {
                Side::Buy => "STOP_DIRECTION_STOP_UP",
                Side::Sell => "STOP_DIRECTION_STOP_DOWN",
            };
            let (limit, trigger) = (("limit_price", text(limit)), ("stop_price", text(trigger)));
            (name, vec![size, limit, trigger, ("stop_direction", direction.to_owned())])
        }
    };
    fields.extend(until);
    let can_post = rests && matches!(order.kind, NewOrderKind::Limit { .. });
    if order.posting == Posting::PostOnly && !can_post {
        return refused("orders of another kind that only post");
    }
    let posts = can_post.then_some(order.posting == Posting::PostOnly);
    Ok(request_wire::place(order, name, &fields, posts))
}

#[cfg(test)]
mod tests;
