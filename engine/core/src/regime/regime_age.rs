//! How long a regime has lasted, and which one a posterior makes likeliest.

use super::Regime;

/// How long one regime has lasted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct RegimeAge {
    regime: Option<Regime>,
    bars: u32,
}

impl RegimeAge {
    /// Bars since the regime last changed, this one included.
    pub(super) fn lasted(&mut self, regime: Regime) -> u32 {
        let before = if self.regime.replace(regime) == Some(regime) { self.bars } else { 0 };
        self.bars = before.saturating_add(1);
        self.bars
    }

    /// It lasts while bars are missing.
    pub(super) fn wait(&mut self, missing: u32) {
        if self.regime.is_some() {
            self.bars = self.bars.saturating_add(missing);
        }
    }
}

/// The likeliest regime; the first of equals.
pub(super) fn likeliest(posterior: &[f64; 4]) -> Regime {
    let mut best = (Regime::Ranging, f64::MIN);
    for (regime, chance) in Regime::ALL.into_iter().zip(posterior) {
        if *chance > best.1 {
            best = (regime, *chance);
        }
    }
    best.0
}

crate::learned!(RegimeAge { values: [regime, bars] });

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_count_from_one() {
        let mut age = RegimeAge::default();
        let regimes = [Regime::Crisis, Regime::Crisis, Regime::Ranging];
        assert_eq!(regimes.map(|regime| age.lasted(regime)), [1, 2, 1]);
        assert_eq!(likeliest(&[0.1, 0.4, 0.4, 0.1]), Regime::Trending);
    }
}
