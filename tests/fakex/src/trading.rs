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
mod cancelling;
#[cfg(test)]
mod examples;
mod fee;
pub(crate) mod fill;
#[cfg(test)]
mod laws;
pub(crate) mod ledger;
pub(crate) mod matching;
pub(crate) mod order;
mod placing;
pub(crate) mod refusal;
pub(crate) mod report;
mod rules;
#[cfg(test)]
mod samples;
