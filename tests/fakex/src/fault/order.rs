//! What can go wrong with orders and with the account: the verbs and how they are written.

use serde::{Deserialize, Serialize};

use crate::decimal;
use crate::trading::amount::Amount;
use crate::trading::mishap::Awaited;
use crate::trading::order::Side;

/// One fault on orders or on the account; `n` is how many requests meet it, one unless it is said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "snake_case", deny_unknown_fields)]
pub enum OrderFault {
    /// The request is done; its answer is never sent, and its connection ends.
    AckLost {
        /// How many requests.
        #[serde(default = "one")]
        n: u32,
        /// Which requests.
        #[serde(default)]
        on: Awaited,
    },
    /// The request was read and goes no further; its connection ends.
    RequestLost {
        /// How many requests.
        #[serde(default = "one")]
        n: u32,
        /// Which requests.
        #[serde(default)]
        on: Awaited,
    },
    /// The request is done, and what follows is told; its answer comes so much later by the wall.
    AckDelay {
        /// How much later.
        ms: u64,
        /// How many requests.
        #[serde(default = "one")]
        n: u32,
        /// Which requests.
        #[serde(default)]
        on: Awaited,
    },
    /// The request waits so much longer by the wall before it is handed on, and its time is checked again then: it may be
    /// done after its client has given it up.
    RequestDelay {
        /// How much longer.
        ms: u64,
        /// How many requests.
        #[serde(default = "one")]
        n: u32,
        /// Which requests.
        #[serde(default)]
        on: Awaited,
    },
    /// What follows from an order is told before it is answered.
    FillBeforeAck {
        /// How many orders.
        #[serde(default = "one")]
        n: u32,
    },
    /// The next fill comes in so many pieces, as far as its steps go.
    Partial {
        /// How many pieces.
        n: u32,
    },
    /// The next order that is cancelled while it rests was filled by half a moment before, and that is told after the cancel.
    LateFillAfterCancel {},
    /// An order is refused with this number and changes nothing.
    Reject {
        /// The venue's number of the reason.
        code: i32,
        /// How many orders.
        #[serde(default = "one")]
        n: u32,
    },
    /// The request is answered as if nobody knew whether it was done.
    OutcomeUnknown {
        /// Whether it is done.
        done: bool,
        /// The venue's number, -1007 unless it is said.
        #[serde(default = "timeout")]
        code: i32,
        /// Status of the answer, 504 unless it is said.
        #[serde(default = "gateway_timeout")]
        status: u16,
        /// How many requests.
        #[serde(default = "one")]
        n: u32,
        /// Which requests.
        #[serde(default)]
        on: Awaited,
    },
    /// An amount comes to the account from outside, or goes there when it is negative.
    BalanceDrift {
        /// Of what.
        asset: String,
        /// How much, such as `-0.5`.
        amount: String,
    },
    /// Somebody places an order by hand on the account: a market order where it has no price.
    PhantomOrder {
        /// The market.
        symbol: String,
        /// `BUY` or `SELL`.
        side: Side,
        /// How much of the base asset.
        quantity: String,
        /// Its limit.
        #[serde(default)]
        price: Option<String>,
    },
    /// A key may nothing any more.
    RevokeKey {
        /// Its name.
        key: String,
    },
    /// The next order placed ends at once, as if it would trade with one of the account's own.
    StpExpire {},
    /// Somebody else at the client's address asks for so much weight.
    ForeignUsage {
        /// How much.
        weight: u32,
    },
    /// The interface for orders tells every client to wait: 429 to the next request, 418 to those that do not.
    OrderBan {
        /// How long, by the venue's time.
        secs: u32,
    },
}

fn one() -> u32 {
    1
}

fn timeout() -> i32 {
    -1007
}

fn gateway_timeout() -> u16 {
    504
}

/// Every verb of orders and of the account; they need an account.
pub const ORDER_VERBS: [&str; 15] = [
    "ack_lost",
    "request_lost",
    "request_delay",
    "ack_delay",
    "fill_before_ack",
    "partial",
    "late_fill_after_cancel",
    "reject",
    "outcome_unknown",
    "balance_drift",
    "phantom_order",
    "revoke_key",
    "stp_expire",
    "foreign_usage",
    "order_ban",
];

/// Requests that one fault waits for at most.
const REQUESTS_MAX: u32 = 100_000;

impl OrderFault {
    pub(super) fn wrong_argument(&self) -> Option<&'static str> {
        let too_many = |n: u32| (n > REQUESTS_MAX).then_some("at most 100 000 requests");
        match self {
            Self::AckLost { n, .. }
            | Self::RequestLost { n, .. }
            | Self::FillBeforeAck { n }
            | Self::Reject { n, .. } => too_many(*n),
            Self::AckDelay { ms, n, .. } | Self::RequestDelay { ms, n, .. } => {
                (*ms > 86_400_000).then_some("at most a day").or_else(|| too_many(*n))
            }
            Self::Partial { n } => (!(1..=1_000).contains(n)).then_some("from 1 to 1 000 pieces"),
            Self::OutcomeUnknown { status, n, .. } => {
                (!(400..600).contains(status)).then_some("a status from 400 to 599").or_else(|| too_many(*n))
            }
            Self::BalanceDrift { amount, .. } => {
                Amount::read(amount).is_none().then_some("an amount has at most eight places")
            }
            Self::PhantomOrder { quantity, price, .. } => {
                let texts = [Some(quantity), price.as_ref()];
                let is_wrong = texts.into_iter().flatten().any(|text| decimal::units(text, 8).is_none());
                is_wrong.then_some("quantity and price have at most eight places")
            }
            Self::OrderBan { secs } => (*secs > 2_592_000).then_some("at most 30 days"),
            Self::LateFillAfterCancel {}
            | Self::RevokeKey { .. }
            | Self::StpExpire {}
            | Self::ForeignUsage { .. } => None,
        }
    }
}
