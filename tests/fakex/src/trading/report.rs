//! What happened to an account, in the order it happened, before any dialect has told it.

use std::sync::Arc;

use super::amount::Amount;
use super::fill::Fill;
use super::ledger::{Balance, Posting};
use super::order::Order;

/// Why the venue ended an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expiry {
    /// Its life ended before it was filled.
    Life,
    /// The book had no more.
    Liquidity,
    /// The account had too little when it woke.
    Balance,
    /// It would have traded with an order of the same account.
    SelfTrade,
    /// The market is traded no more.
    Delisted,
}

/// What happened to an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Happened {
    Accepted,
    /// Its trigger was reached.
    Woke,
    Traded(Fill),
    /// Its owner ended it, under this name of the request.
    Canceled {
        request: Arc<str>,
    },
    Expired(Expiry),
}

/// One thing that happened to an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Report {
    /// An order, as it stands after what happened to it.
    Order { order: Box<Order>, happened: Happened, execution: u64 },
    /// Balances that changed, as they stand.
    Balances(Vec<(Arc<str>, Balance)>),
    /// An amount that came from outside, or went there when it is negative.
    External { asset: Arc<str>, amount: Amount },
    /// For the log alone: what moved.
    Posted(Vec<Posting>),
    /// For the log alone: an order as it stands, where clients were told something else.
    Corrected(Box<Order>),
}
