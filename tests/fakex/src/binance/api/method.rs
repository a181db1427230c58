//! The methods that are understood: their names, paths, parameters and weights.

use super::parameters::Parameters;
use crate::trading::credential::Permission;
use crate::trading::mishap::Awaited;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Ping,
    Time,
    Logon,
    SessionStatus,
    Logout,
    Subscribe,
    SubscribeSigned,
    Unsubscribe,
    Subscriptions,
    Place,
    Test,
    Cancel,
    CancelAll,
    Status,
    OpenOrders,
    AllOrders,
    Account,
    Trades,
    OrderCount,
    KeyRestrictions,
}

/// The method and path of a request over REST.
type Rest = Option<(&'static str, &'static str)>;

/// Each method with its name, and with its method and path of REST where it has one.
const METHODS: [(Method, &str, Rest); 20] = [
    (Method::Ping, "ping", None),
    (Method::Time, "time", None),
    (Method::Logon, "session.logon", None),
    (Method::SessionStatus, "session.status", None),
    (Method::Logout, "session.logout", None),
    (Method::Subscribe, "userDataStream.subscribe", None),
    (Method::SubscribeSigned, "userDataStream.subscribe.signature", None),
    (Method::Unsubscribe, "userDataStream.unsubscribe", None),
    (Method::Subscriptions, "session.subscriptions", None),
    (Method::Place, "order.place", Some(("POST", "/api/v3/order"))),
    (Method::Test, "order.test", Some(("POST", "/api/v3/order/test"))),
    (Method::Cancel, "order.cancel", Some(("DELETE", "/api/v3/order"))),
    (Method::CancelAll, "openOrders.cancelAll", Some(("DELETE", "/api/v3/openOrders"))),
    (Method::Status, "order.status", Some(("GET", "/api/v3/order"))),
    (Method::OpenOrders, "openOrders.status", Some(("GET", "/api/v3/openOrders"))),
    (Method::AllOrders, "allOrders", Some(("GET", "/api/v3/allOrders"))),
    (Method::Account, "account.status", Some(("GET", "/api/v3/account"))),
    (Method::Trades, "myTrades", Some(("GET", "/api/v3/myTrades"))),
    (Method::OrderCount, "account.rateLimits.orders", Some(("GET", "/api/v3/rateLimit/order"))),
    (Method::KeyRestrictions, "apiRestrictions", Some(("GET", "/sapi/v1/account/apiRestrictions"))),
];

const PLACING: [&str; 12] = [
    "symbol",
    "side",
    "type",
    "timeInForce",
    "quantity",
    "quoteOrderQty",
    "price",
    "newClientOrderId",
    "strategyId",
    "strategyType",
    "stopPrice",
    "newOrderRespType",
];

impl Method {
    /// The method of a name, which may begin with its version.
    pub(super) fn named(name: &str) -> Option<Self> {
        let name = name.strip_prefix("v3/").unwrap_or(name);
        METHODS.iter().find(|(_, known, _)| *known == name).map(|(method, ..)| *method)
    }

    /// The method of a request over REST.
    pub(super) fn of_rest(method: &str, path: &str) -> Option<Self> {
        METHODS.iter().find(|(.., rest)| *rest == Some((method, path))).map(|(method, ..)| *method)
    }

    pub(super) fn name(self) -> &'static str {
        METHODS.iter().find(|(method, ..)| *method == self).map_or("", |(_, name, _)| *name)
    }

    /// What the key must be allowed; nothing where no key is needed.
    pub(super) fn permission(self) -> Option<Permission> {
        match self {
            Self::Ping
            | Self::Time
            | Self::SessionStatus
            | Self::Logout
            | Self::Subscribe
            | Self::Unsubscribe
            | Self::Subscriptions => None,
            Self::Place | Self::Test | Self::Cancel | Self::CancelAll => Some(Permission::Trade),
            Self::Logon
            | Self::SubscribeSigned
            | Self::Status
            | Self::OpenOrders
            | Self::AllOrders
            | Self::Account
            | Self::Trades
            | Self::OrderCount
            | Self::KeyRestrictions => Some(Permission::Read),
        }
    }

    /// Which faults wait for it.
    pub(super) fn awaited(self) -> Option<Awaited> {
        match self {
            Self::Place => Some(Awaited::Place),
            Self::Cancel | Self::CancelAll => Some(Awaited::Cancel),
            Self::Ping
            | Self::Time
            | Self::Logon
            | Self::SessionStatus
            | Self::Logout
            | Self::Subscribe
            | Self::SubscribeSigned
            | Self::Unsubscribe
            | Self::Subscriptions
            | Self::Test
            | Self::Status
            | Self::OpenOrders
            | Self::AllOrders
            | Self::Account
            | Self::Trades
            | Self::OrderCount
            | Self::KeyRestrictions => None,
        }
    }

    /// The weight of a request that succeeds.
    pub(super) fn weight(self, parameters: &Parameters) -> u32 {
        match self {
            Self::Place | Self::Cancel | Self::CancelAll => 0,
            Self::Ping | Self::Time | Self::Test | Self::KeyRestrictions => 1,
            Self::Logon
            | Self::SessionStatus
            | Self::Logout
            | Self::Subscribe
            | Self::SubscribeSigned
            | Self::Unsubscribe
            | Self::Subscriptions => 2,
            Self::Status => 4,
            Self::OpenOrders if parameters.text("symbol").is_none() => 80,
            Self::OpenOrders => 6,
            Self::Trades if parameters.text("orderId").is_some() => 5,
            Self::AllOrders | Self::Account | Self::Trades => 20,
            Self::OrderCount => 40,
        }
    }

    /// The parameters that it reads, beside those of every signed request.
    pub(super) fn parameters(self) -> &'static [&'static str] {
        match self {
            Self::Ping
            | Self::Time
            | Self::Logon
            | Self::SessionStatus
            | Self::Logout
            | Self::Subscribe
            | Self::SubscribeSigned
            | Self::Subscriptions
            | Self::OrderCount
            | Self::KeyRestrictions => &[],
            Self::Unsubscribe => &["subscriptionId"],
            Self::Place | Self::Test => &PLACING,
            Self::Cancel => {
                &["symbol", "orderId", "origClientOrderId", "newClientOrderId", "cancelRestrictions"]
            }
            Self::CancelAll | Self::OpenOrders => &["symbol"],
            Self::Status => &["symbol", "orderId", "origClientOrderId"],
            Self::AllOrders => &["symbol", "orderId", "startTime", "endTime", "limit"],
            Self::Account => &["omitZeroBalances"],
            Self::Trades => &["symbol", "orderId", "startTime", "endTime", "fromId", "limit"],
        }
    }
}
