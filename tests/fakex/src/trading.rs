//! The order side of a venue without the words of any: an account, its orders, and how the market fills them.
//!
//! Rules, the same for every dialect:
//!
//! - An order that takes, takes the levels of the streamed book as they stand, each at its price. What it takes does not
//!   change the streamed market: the next order finds the same levels.
//! - An order that rests remembers the quantity that stood at its price when it came, and never less than what stands
//!   before an earlier order of the account at that price. Trades at its price, whoever began them, use that quantity up
//!   first and fill the order with what is left of them; a trade through its price fills it whole. Always at its price.
//! - Two orders of the account never meet each other.
//! - A stop wakes on the first trade at or beyond its price, after the book has followed that trade.
//! - Amounts have eight places. The price of a fill, price × quantity, is cut to eight places; what an order locks is
//!   rounded up; a fee is cut to eight places.

pub(crate) mod account;
pub(crate) mod amount;
pub(crate) mod cancelling;
pub(crate) mod credential;
#[cfg(test)]
mod examples;
pub(crate) mod fee;
pub(crate) mod fill;
#[cfg(test)]
mod laws;
pub(crate) mod ledger;
pub(crate) mod matching;
pub(crate) mod mishap;
pub(crate) mod order;
pub(crate) mod placing;
pub(crate) mod quota;
pub(crate) mod refusal;
pub(crate) mod report;
mod rules;
#[cfg(test)]
mod samples;

use std::collections::BTreeMap;
use std::sync::Arc;

use account::Account;
use amount::Amount;
use credential::{ApiKey, Credential};
use fee::Fees;
use mishap::Mishaps;
use quota::{Limits, Quota};

/// The order side of an exchange: one account, the keys to it, and what goes wrong on the way there.
#[derive(Debug)]
pub(crate) struct Trading {
    pub(crate) account: Account,
    pub(crate) credentials: Vec<Credential>,
    pub(crate) quota: Quota,
    pub(crate) mishaps: Mishaps,
    /// How much worse than the book orders without a limit trade.
    pub(crate) slippage_millionths: u32,
    /// Names that the venue gave to requests without one.
    pub(crate) names_given: u64,
    /// The key of each token that opens sessions, and until when it does.
    sessions: BTreeMap<String, (String, i64)>,
}

/// What an account begins with.
#[derive(Debug)]
pub(crate) struct Opening {
    pub(crate) keys: Vec<ApiKey>,
    pub(crate) balances: Vec<(Arc<str>, Amount)>,
    pub(crate) fees: Fees,
    pub(crate) slippage_millionths: u32,
    pub(crate) orders_max: usize,
    pub(crate) limits: Limits,
}

impl Trading {
    pub(crate) fn new(opening: Opening) -> Self {
        Self {
            account: Account::new(opening.fees, opening.orders_max, &opening.balances),
            credentials: opening.keys.into_iter().map(Credential::new).collect(),
            quota: Quota::new(opening.limits),
            mishaps: Mishaps::default(),
            slippage_millionths: opening.slippage_millionths,
            names_given: 0,
            sessions: BTreeMap::new(),
        }
    }

    /// A token that opens sessions for a key.
    pub(crate) fn open_session(&mut self, key: &str, until_ns: i64) -> String {
        self.names_given += 1;
        let token = format!("WST{:040}", self.names_given);
        self.sessions.insert(token.clone(), (key.to_owned(), until_ns));
        token
    }

    /// A token that a connection lives by opens sessions as long as it is wanted.
    pub(crate) fn keep_session(&mut self, token: &str) {
        if let Some((_, until_ns)) = self.sessions.get_mut(token) {
            *until_ns = i64::MAX;
        }
    }

    /// The key that a token was given for, while it opens sessions.
    pub(crate) fn session(&self, token: &str, now_ns: i64) -> Option<&Credential> {
        let (key, _) = self.sessions.get(token).filter(|(_, until_ns)| now_ns < *until_ns)?;
        self.credential(key).filter(|credential| !credential.is_revoked)
    }

    /// The key of a name.
    pub(crate) fn credential(&self, name: &str) -> Option<&Credential> {
        self.credentials.iter().find(|credential| credential.key.name == name)
    }
}
