//! Market impact: how much worse a taking order fills because of its own size.
//!
//! The fixed part of a price concession is [`Costs::slippage`](crate::config::Costs::slippage); an [`ImpactModel`] adds what depends on the
//! order. One model comes with the engine ([`SquareRoot`]), others are written by its users. A model is pure: the same
//! order at the same market pays the same, or a replay finds a difference.

use core::fmt::Debug;
use std::sync::Arc;

use engine_core::instrument::Instrument;
use engine_core::market::Side;
use engine_core::num::{Price, Qty, Ratio};

/// A fill that takes liquidity, about to be priced.
#[derive(Debug, Clone, Copy)]
pub struct Taking<'a> {
    /// What is traded, with its decimals, tick and lot.
    pub instrument: &'a Instrument,
    /// The side of our order.
    pub side: Side,
    /// How much fills.
    pub qty: Qty,
    /// The price before slippage and impact.
    pub price: Price,
    /// How much the market traded: the volume of the last bar that closed, the size of the trade, or of the side of the
    /// quote, that fills the order. `None` before the first.
    pub traded: Option<Qty>,
}

impl Taking<'_> {
    /// What fills as a share of what the market traded; `None` where nothing was traded.
    #[must_use]
    pub fn participation(&self) -> Option<f64> {
        let traded = self.traded.filter(|traded| traded.is_positive())?;
        Some(self.qty.units() as f64 / traded.units() as f64)
    }
}

/// What the size of an order costs it.
pub trait ImpactModel: Debug + Send + Sync {
    /// The most it ever answers; the gate keeps so much money back for a taking order.
    fn max(&self) -> Ratio;

    /// How much worse than its price the fill is, as a share of the price: from zero to [`max`](Self::max).
    ///
    /// The venue rejects an order for which the answer lies outside.
    fn impact(&self, taking: &Taking<'_>) -> Ratio;
}

/// Impact that grows with the square root of an order's share of what the market traded: `coefficient × √(qty ÷ traded)`,
/// and `max` where that is more or nothing was traded.
///
/// The form is that of Almgren, Thum, Hauptmann and Li, *Direct Estimation of Equity Market Impact* (2005), and of
/// Tóth and others, *Anomalous price impact and the critical nature of liquidity* (2011).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SquareRoot {
    /// Impact of an order as large as all that was traded.
    pub coefficient: Ratio,
    /// The most an order pays.
    pub max: Ratio,
}

impl ImpactModel for SquareRoot {
    fn max(&self) -> Ratio {
        self.max
    }

    fn impact(&self, taking: &Taking<'_>) -> Ratio {
        let Some(participation) = taking.participation() else { return self.max };
        let units = self.coefficient.units() as f64 * participation.sqrt();
        if units >= self.max.units() as f64 { self.max } else { Ratio::from_units(units.round() as i64) }
    }
}

/// Twice the impact of another model, for stress tests.
#[derive(Debug)]
pub struct Doubled(pub Arc<dyn ImpactModel>);

impl ImpactModel for Doubled {
    fn max(&self) -> Ratio {
        twice(self.0.max())
    }

    fn impact(&self, taking: &Taking<'_>) -> Ratio {
        twice(self.0.impact(taking))
    }
}

/// Shares beyond half of all there are stay: no price can be so much worse, and the venue rejects the order either way.
fn twice(share: Ratio) -> Ratio {
    share.units().checked_mul(2).map_or(share, Ratio::from_units)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::FillModel;
    use crate::sim_venue::scenario_tests::config;

    fn impact(model: SquareRoot, qty: i64, traded: Option<i64>) -> Ratio {
        let (price, traded) = (Price::from_units(100), traded.map(Qty::from));
        let instrument = config(FillModel::NextOpen).instruments.remove(0);
        let taking = Taking { instrument: &instrument, side: Side::Buy, qty: Qty::from(qty), price, traded };
        model.impact(&taking)
    }

    #[test]
    fn a_hundredth_of_the_volume_pays_a_tenth_of_the_coefficient() {
        let percent = |whole: i64| Ratio::from_units(whole * 10_000_000);
        let model = SquareRoot { coefficient: percent(10), max: percent(5) };
        assert_eq!(impact(model, 10, Some(1_000)), percent(1));
        assert_eq!(impact(model, 250, Some(1_000)), percent(5));
        assert_eq!(impact(model, 251, Some(1_000)), percent(5), "no more than the most");
        assert_eq!(impact(model, 1, Some(0)), percent(5), "nothing was traded");
        assert_eq!(impact(model, 1, None), percent(5), "nothing is known of what was traded");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        #[test]
        fn impact_grows_with_the_order_and_stays_within_its_bounds(
            coefficient in 0..=i64::MAX,
            max in 0..=i64::MAX,
            qty in 1..i64::MAX,
            traded in prop_oneof![Just(None), (0..=i64::MAX).prop_map(Some)],
        ) {
            let model = SquareRoot { coefficient: Ratio::from_units(coefficient), max: Ratio::from_units(max) };
            let (one, more) = (impact(model, qty, traded), impact(model, qty.saturating_add(qty / 3), traded));
            prop_assert!(Ratio::ZERO <= one && one <= more && more <= model.max);
        }
    }
}
