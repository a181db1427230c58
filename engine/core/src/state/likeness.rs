//! Whether two states belong to one configuration.

use super::{Market, State};

impl State {
    /// Whether it could have been folded from what `new` begins with: instruments, bars and drawdown limit.
    #[must_use]
    pub(crate) fn is_made_like(&self, new: &Self) -> bool {
        let rule = |market: &Market| market.bars.as_ref().map(crate::bars::BarBuilder::rule);
        self.instruments == new.instruments
            && self.drawdown_max == new.drawdown_max
            && self.makes_bars == new.makes_bars
            && self.conduct.len() == new.conduct.len()
            && self.ledger.is_made_like(&new.ledger)
            && self.markets.iter().map(rule).eq(new.markets.iter().map(rule))
    }
}
