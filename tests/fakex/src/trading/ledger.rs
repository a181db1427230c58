//! Balances by asset, kept in double entry: every amount leaves one pocket and comes to another.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::amount::Amount;

/// Where an amount lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pocket {
    /// The account's, free to use.
    Free,
    /// The account's, held by open orders.
    Locked,
    /// Everybody else's: the venue, its other clients, and the world outside.
    Venue,
}

/// Why an amount moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The account had it when the exchange began.
    Opening,
    /// It came or went from outside.
    External,
    /// An order holds it.
    Held,
    /// An order holds it no longer.
    Released,
    /// It was traded.
    Traded,
    /// It was charged.
    Fee,
}

/// One amount that moved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Posting {
    /// Of what.
    pub asset: Arc<str>,
    /// How much, above zero.
    pub amount: Amount,
    /// Where it was.
    pub from: Pocket,
    /// Where it is.
    pub to: Pocket,
    /// Why.
    pub cause: Cause,
    /// The order it moved for, by the venue's number.
    pub order: Option<u64>,
}

/// What an account has of an asset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Balance {
    /// Free to use.
    pub free: Amount,
    /// Held by open orders.
    pub locked: Amount,
}

impl Balance {
    /// Free and locked together.
    pub fn total(self) -> Amount {
        self.free + self.locked
    }
}

/// There is less of an asset than was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Short;

/// The three pockets of every asset.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pockets: BTreeMap<Arc<str>, BTreeMap<Pocket, Amount>>,
    /// Postings since they were last taken.
    posted: Vec<Posting>,
}

impl Ledger {
    /// Moves an amount; nothing moves when there is too little of it. The venue is never short.
    pub(crate) fn transfer(&mut self, posting: Posting) -> Result<(), Short> {
        assert!(!posting.amount.is_negative() && posting.from != posting.to, "{posting:?} moves nothing");
        if posting.amount.is_zero() {
            return Ok(());
        }
        let pockets = self.pockets.entry(posting.asset.clone()).or_default();
        let left = pockets.get(&posting.from).copied().unwrap_or_default() - posting.amount;
        if left.is_negative() && posting.from != Pocket::Venue {
            return Err(Short);
        }
        pockets.insert(posting.from, left);
        *pockets.entry(posting.to).or_default() += posting.amount;
        let sum: Amount = pockets.values().copied().sum();
        assert!(sum.is_zero(), "{} does not sum to zero: {pockets:?}", posting.asset);
        self.posted.push(posting);
        Ok(())
    }

    fn pocket(&self, asset: &str, pocket: Pocket) -> Amount {
        self.pockets.get(asset).and_then(|pockets| pockets.get(&pocket)).copied().unwrap_or_default()
    }

    pub(crate) fn balance(&self, asset: &str) -> Balance {
        Balance { free: self.pocket(asset, Pocket::Free), locked: self.pocket(asset, Pocket::Locked) }
    }

    /// Every asset that was ever moved, by name.
    pub(crate) fn balances(&self) -> impl Iterator<Item = (&Arc<str>, Balance)> {
        self.pockets.keys().map(|asset| (asset, self.balance(asset)))
    }

    /// What moved since the last time this was asked.
    pub(crate) fn take_posted(&mut self) -> Vec<Posting> {
        std::mem::take(&mut self.posted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn posting(units: i128, from: Pocket, to: Pocket) -> Posting {
        let amount = Amount::of_units(units);
        Posting { asset: "USDT".into(), amount, from, to, cause: Cause::Opening, order: None }
    }

    #[test]
    fn amounts_move_between_pockets_and_never_below_zero() {
        let mut ledger = Ledger::default();
        assert_eq!(ledger.transfer(posting(100, Pocket::Venue, Pocket::Free)), Ok(()));
        assert_eq!(ledger.transfer(posting(60, Pocket::Free, Pocket::Locked)), Ok(()));
        assert_eq!(ledger.transfer(posting(41, Pocket::Free, Pocket::Venue)), Err(Short));
        assert_eq!(ledger.transfer(posting(0, Pocket::Locked, Pocket::Free)), Ok(()));
        let balance = ledger.balance("USDT");
        assert_eq!((balance.free.units(), balance.locked.units()), (40, 60));
        assert_eq!(ledger.take_posted().len(), 2, "what did not move is not posted");
        assert_eq!(ledger.balance("BTC"), Balance::default());
    }
}
