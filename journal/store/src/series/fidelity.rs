//! How true the records of a series are to the files they came from.

/// What reading its sources did to a series and what its records do not show; grows with every source.
#[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fidelity {
    /// Prices that lost digits to the decimals of the series.
    pub rounded_prices: u64,
    /// Quantities that lost digits to the decimals of the series.
    pub rounded_quantities: u64,
    /// Numbers that lost only what binary arithmetic leaves behind their 15th digit, as in 0.09946999000000001.
    pub dusted_numbers: u64,
    /// The largest error of all these, in 10⁻¹⁸ of the number.
    pub relative_error_max_atto: u64,
    /// Records that were received before the moment their venue gave them.
    pub early_records: u64,
    /// Whether every trade came with the venue's own number, so that equal ones are different trades.
    pub numbered: bool,
    /// Bars that a source left out because nothing was traded, kept without volume at the last price.
    ///
    /// Left out of a head where there are none, so that heads of before keep their hash.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub quiet_bars: u64,
    /// Bars that last longer or shorter than the interval of the series says.
    ///
    /// Left out of a head where there are none, as quiet bars are.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub odd_bars: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl Fidelity {
    /// This and what another source did; `numbered` holds when it holds for both.
    #[must_use]
    pub fn and(self, other: &Self) -> Self {
        let sum = |ours: u64, theirs: u64| ours.saturating_add(theirs);
        Self {
            rounded_prices: sum(self.rounded_prices, other.rounded_prices),
            rounded_quantities: sum(self.rounded_quantities, other.rounded_quantities),
            dusted_numbers: sum(self.dusted_numbers, other.dusted_numbers),
            relative_error_max_atto: self.relative_error_max_atto.max(other.relative_error_max_atto),
            early_records: sum(self.early_records, other.early_records),
            numbered: self.numbered && other.numbered,
            quiet_bars: sum(self.quiet_bars, other.quiet_bars),
            odd_bars: sum(self.odd_bars, other.odd_bars),
        }
    }

    /// Numbers that lost digits which say something.
    #[must_use]
    pub const fn rounded(&self) -> u64 {
        self.rounded_prices.saturating_add(self.rounded_quantities)
    }

    /// The largest error as a share of the number, as in `6.7e-9`; `0` when nothing was lost.
    #[must_use]
    pub fn relative_error_max(&self) -> String {
        match self.relative_error_max_atto {
            0 => "0".to_owned(),
            atto => format!("{:.1e}", atto as f64 / 1e18),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_sources_add_up_and_the_larger_error_stays() {
        let first =
            Fidelity { rounded_prices: 2, relative_error_max_atto: 5, numbered: true, ..Fidelity::default() };
        let second = Fidelity {
            rounded_quantities: 3,
            relative_error_max_atto: 4,
            quiet_bars: 7,
            odd_bars: 2,
            ..Fidelity::default()
        };
        let both = first.and(&second);
        assert_eq!((both.rounded(), both.relative_error_max_atto, both.numbered), (5, 5, false));
        assert_eq!((both.and(&second).quiet_bars, both.and(&second).odd_bars), (14, 4));
        let error = Fidelity { relative_error_max_atto: 6_711_409_395, ..both }.relative_error_max();
        assert_eq!(error, "6.7e-9");
    }
}
