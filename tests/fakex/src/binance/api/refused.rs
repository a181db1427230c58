//! Binance's refusals: status, number and words.

use crate::trading::refusal::{Refusal, Rule};

/// Why a request was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) status: u16,
    pub(super) code: i32,
    pub(super) msg: String,
    /// The venue's time from which it may be asked again.
    pub(super) retry_after_ms: Option<i64>,
}

/// Numbers whose words are always the same.
const WORDS: [(i32, u16, &str); 24] = [
    (-1000, 500, "An unknown error occurred while processing the request."),
    (-1001, 500, "Internal error; unable to process your request. Please try again."),
    (
        -1003,
        429,
        "Too much request weight used; current limit is 6000 request weight per 1 MINUTE. Please use WebSocket Streams for live updates to avoid polling the API.",
    ),
    (-1006, 500, "An unexpected response was received from the message bus. Execution status unknown."),
    (
        -1007,
        504,
        "Timeout waiting for response from backend server. Send status unknown; execution status unknown.",
    ),
    (-1008, 503, "Server is currently overloaded with other requests. Please try again in a few minutes."),
    (-1013, 400, "Filter failure: LOT_SIZE"),
    (-1014, 400, "Unsupported order combination."),
    (-1015, 429, "Too many new orders."),
    (-1016, 400, "This service is no longer available."),
    (-1020, 400, "This operation is not supported."),
    (-1021, 400, "Timestamp for this request is outside of the recvWindow."),
    (-1022, 400, "Signature for this request is not valid."),
    (-1115, 400, "Invalid timeInForce."),
    (-1116, 400, "Invalid orderType."),
    (-1117, 400, "Invalid side."),
    (-1121, 400, "Invalid symbol."),
    (-1128, 400, "Combination of optional parameters invalid."),
    (-2010, 400, "Account has insufficient balance for requested action."),
    (-2011, 400, "Unknown order sent."),
    (-2013, 400, "Order does not exist."),
    (-2014, 401, "API-key format invalid."),
    (-2015, 401, "Invalid API-key, IP, or permissions for action."),
    (-2035, 400, "Subscription already active."),
];

impl Refused {
    pub(super) fn new(code: i32, msg: impl Into<String>) -> Self {
        Self { status: 400, code, msg: msg.into(), retry_after_ms: None }
    }

    /// A number with its usual words; one that has none says so.
    pub(super) fn of_code(code: i32) -> Self {
        let known = WORDS.iter().find(|(known, ..)| *known == code);
        let (status, msg) = known.map_or((400, "Refused by a fault."), |(_, status, msg)| (*status, *msg));
        Self { status, code, msg: msg.to_owned(), retry_after_ms: None }
    }

    /// Asked too much, and told to wait.
    pub(super) fn too_many(retry_after_ms: i64) -> Self {
        Self { retry_after_ms: Some(retry_after_ms), ..Self::of_code(-1003) }
    }

    /// Asked on while told to wait.
    pub(super) fn banned(retry_after_ms: i64) -> Self {
        let msg = format!(
            "Way too much request weight used; IP banned until {retry_after_ms}. Please use WebSocket Streams for live \
             updates to avoid bans."
        );
        Self { status: 418, code: -1003, msg, retry_after_ms: Some(retry_after_ms) }
    }

    pub(super) fn missing(name: &str) -> Self {
        Self::new(-1102, format!("Mandatory parameter '{name}' was not sent, was empty/null, or malformed."))
    }

    pub(super) fn not_required(name: &str) -> Self {
        Self::new(-1106, format!("Parameter '{name}' sent when not required."))
    }

    pub(super) fn illegal(name: &str, range: &str) -> Self {
        let msg = format!("Illegal characters found in parameter '{name}'; legal range is '{range}'.");
        Self::new(-1100, msg)
    }

    /// The refusal of an order.
    pub(super) fn of_order(refusal: Refusal) -> Self {
        let filter = |name: &str| Self::new(-1013, format!("Filter failure: {name}"));
        match refusal {
            Refusal::Rule(Rule::Price) => filter("PRICE_FILTER"),
            Refusal::Rule(Rule::Lot) => filter("LOT_SIZE"),
            Refusal::Rule(Rule::Notional) => filter("NOTIONAL"),
            Refusal::Rule(Rule::Orders) => filter("MAX_NUM_ORDERS"),
            Refusal::Rule(Rule::Triggers) => filter("MAX_NUM_ALGO_ORDERS"),
            Refusal::Balance => Self::of_code(-2010),
            Refusal::Duplicate => Self::new(-2010, "Duplicate order sent."),
            Refusal::WouldTake => Self::new(-2010, "Order would immediately match and take."),
            Refusal::WouldWake => Self::new(-2010, "Order would trigger immediately."),
            Refusal::Closed => Self::new(-2010, "Market is closed."),
            Refusal::Unknown => Self::of_code(-2011),
            Refusal::Restricted => Self::new(-2011, "Order was not canceled due to cancel restrictions."),
        }
    }
}
