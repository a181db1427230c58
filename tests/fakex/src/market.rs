//! The markets of a venue, one after the other in the order of their times.

pub(crate) mod bar;
pub(crate) mod book;
pub(crate) mod candles;
pub(crate) mod past;
pub(crate) mod symbol;
pub(crate) mod trade;
pub(crate) mod walk;
mod wide;

use symbol::{Happening, SymbolMarket};

/// All markets of a venue; depends on its settings only, never on the wall's time.
#[derive(Debug)]
pub(crate) struct Market {
    pub(crate) symbols: Vec<SymbolMarket>,
}

impl Market {
    /// When something happens next in any market.
    pub(crate) fn due_ns(&self) -> Option<i64> {
        self.symbols.iter().filter_map(SymbolMarket::due_ns).min()
    }

    /// What happens next, and in which market; at equal times in the order of the settings.
    pub(crate) fn step(&mut self) -> Option<(usize, i64, Vec<Happening>)> {
        let due_ns = self.due_ns()?;
        let symbol = self.symbols.iter().position(|symbol| symbol.due_ns() == Some(due_ns))?;
        Some((symbol, due_ns, self.symbols[symbol].step()))
    }
}
