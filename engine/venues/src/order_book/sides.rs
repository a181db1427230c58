//! The levels of both sides.

use engine_core::num::{Price, Qty};

use super::checksum::checksum;
use super::{Desynchronised, LevelMap};
use crate::decimal;
use crate::message::Level;

/// More levels on a side than any market has; a venue that sends them is broken.
const LEVELS_MAX: usize = 200_000;

/// Bids and asks by price; no quantity is zero.
#[derive(Debug, Clone, Default)]
pub(super) struct Sides {
    bids: LevelMap,
    asks: LevelMap,
}

impl Sides {
    pub(super) const fn new() -> Self {
        Self { bids: LevelMap::new(), asks: LevelMap::new() }
    }

    pub(super) fn best_bid(&self) -> Option<(Price, Qty)> {
        self.bids.last_key_value().map(|(price, qty)| (*price, *qty))
    }

    pub(super) fn best_ask(&self) -> Option<(Price, Qty)> {
        self.asks.first_key_value().map(|(price, qty)| (*price, *qty))
    }

    pub(super) fn bids(&self) -> impl Iterator<Item = (Price, Qty)> {
        self.bids.iter().rev().map(|(price, qty)| (*price, *qty))
    }

    pub(super) fn asks(&self) -> impl Iterator<Item = (Price, Qty)> {
        self.asks.iter().map(|(price, qty)| (*price, *qty))
    }

    /// Writes what is there now; a quantity of zero removes the level, known or not.
    pub(super) fn write(
        &mut self,
        bids: &[Level],
        asks: &[Level],
        [price_decimals, qty_decimals]: [u8; 2],
    ) -> Result<(), Desynchronised> {
        for (levels, side) in [(bids, &mut self.bids), (asks, &mut self.asks)] {
            for level in levels {
                let price = decimal::price(level.price, price_decimals)?;
                if !price.is_positive() {
                    return Err(Desynchronised::ZeroPrice);
                }
                let qty = decimal::qty(level.qty, qty_decimals)?;
                if qty.is_zero() {
                    side.remove(&price);
                } else {
                    side.insert(price, qty);
                }
            }
            if side.len() > LEVELS_MAX {
                return Err(Desynchronised::TooManyLevels { max: LEVELS_MAX });
            }
        }
        Ok(())
    }

    /// Keeps the `depth` best levels of each side.
    pub(super) fn truncate(&mut self, depth: usize) {
        while self.bids.len() > depth {
            self.bids.pop_first();
        }
        while self.asks.len() > depth {
            self.asks.pop_last();
        }
    }

    pub(super) fn check_uncrossed(&self) -> Result<(), Desynchronised> {
        match (self.best_bid(), self.best_ask()) {
            (Some((bid, _)), Some((ask, _))) if bid >= ask => Err(Desynchronised::Crossed { bid, ask }),
            _ => Ok(()),
        }
    }

    pub(super) fn check(&self, told: u32) -> Result<(), Desynchronised> {
        let computed = checksum(self.bids(), self.asks());
        if told == computed { Ok(()) } else { Err(Desynchronised::Checksum { told, computed }) }
    }
}
