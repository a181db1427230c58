//! Whether two states belong to one configuration.

use super::{Market, State};
use crate::instrument::Instrument;

impl State {
    /// Whether it could have been folded from what `new` begins with: instruments, bars, mark and drawdown limit. Steps and
    /// minimums may have changed since.
    #[must_use]
    pub(crate) fn is_made_like(&self, new: &Self) -> bool {
        let rule = |market: &Market| market.bars.as_ref().map(crate::bars::BarBuilder::rule);
        self.instruments.len() == new.instruments.len()
            && self.instruments.iter().zip(&new.instruments).all(|(mine, first)| is_same(mine, first))
            && self.mark_rule == new.mark_rule
            && self.drawdown_max == new.drawdown_max
            && self.makes_bars == new.makes_bars
            && self.conduct.len() == new.conduct.len()
            && self.ledger.is_made_like(&new.ledger)
            && self.markets.iter().map(rule).eq(new.markets.iter().map(rule))
    }
}

/// Whether both are the same instrument in the same decimals.
fn is_same(mine: &Instrument, first: &Instrument) -> bool {
    let name = |rules: &Instrument| (rules.price_decimals, rules.qty_decimals);
    mine.venue == first.venue && mine.symbol == first.symbol && name(mine) == name(first)
}
