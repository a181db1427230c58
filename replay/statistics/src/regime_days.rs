//! What was earned on days that began in one regime of a market.

use engine_core::instrument::{Instrument, InstrumentId};
use engine_core::regime::Regime;
use engine_core::time::Timestamp;

use super::calendar::closing_day;
use super::equity::EquityRecorder;
use super::series::{DAYS_PER_YEAR, deviation, sharpe_per_period};
use super::spans::RATIO_DAYS_MIN;

/// The regime of each market at the end of each day on which it changed: memory grows with days, not with changes.
#[derive(Debug, Clone, Default)]
pub struct RegimeDays {
    changes: Vec<Vec<(i64, Regime)>>,
}

/// The days of a run that began in one regime of one market.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct RegimeFigures {
    /// The market, as in `binance:BTCUSDT`.
    pub instrument: String,
    /// The regime.
    pub regime: &'static str,
    /// How many days began in it.
    pub days: u64,
    /// Their share of all days of the run, per cent.
    pub days_pct: f64,
    /// Their returns of equity compounded, per cent.
    pub return_pct: f64,
    /// Standard deviation of those returns by the year, per cent; `None` below 20 days.
    pub volatility_pct: Option<f64>,
    /// Sharpe ratio of those returns by the year of 365 days; `None` below 20 days.
    pub sharpe: Option<f64>,
    /// The worst of those days, per cent.
    pub worst_day_pct: f64,
}

impl RegimeDays {
    /// Nothing seen yet of `instruments`.
    #[must_use]
    pub fn new(instruments: usize) -> Self {
        Self { changes: vec![Vec::new(); instruments] }
    }

    /// Notes that the regime of `instrument` is `regime` from `at` on.
    pub fn change(&mut self, instrument: InstrumentId, at: Timestamp, regime: Regime) {
        let Some(changes) = self.changes.get_mut(instrument.index()) else { return };
        let day = closing_day(at);
        match changes.last_mut() {
            Some((last, of_day)) if *last == day => *of_day = regime,
            Some(_) | None => changes.push((day, regime)),
        }
    }

    /// Figures of every regime that a day of the run began in, market by market.
    #[must_use]
    pub fn figures(&self, rules: &[Instrument], equity: &EquityRecorder) -> Vec<RegimeFigures> {
        let returns = equity.daily_returns();
        let mut figures = Vec::new();
        for (changes, rules) in self.changes.iter().zip(rules) {
            for regime in Regime::ALL {
                let of_regime: Vec<f64> = (equity.first_day()..)
                    .zip(&returns)
                    .filter(|(day, _)| regime_before(changes, *day) == Some(regime))
                    .map(|(_, value)| *value)
                    .collect();
                if let Some(row) = RegimeFigures::of(rules, regime, &of_regime, returns.len()) {
                    figures.push(row);
                }
            }
        }
        figures
    }
}

/// The regime that was known when `day` began.
fn regime_before(changes: &[(i64, Regime)], day: i64) -> Option<Regime> {
    let known = changes.partition_point(|(changed, _)| *changed < day);
    changes.get(known.checked_sub(1)?).map(|(_, regime)| *regime)
}

impl RegimeFigures {
    fn of(rules: &Instrument, regime: Regime, returns: &[f64], all: usize) -> Option<Self> {
        let worst = returns.iter().copied().reduce(f64::min)?;
        let growth: f64 = returns.iter().map(|value| 1.0 + value).product();
        let enough = returns.len() >= RATIO_DAYS_MIN;
        let year = DAYS_PER_YEAR.sqrt();
        Some(Self {
            instrument: format!("{}:{}", rules.venue, rules.symbol),
            regime: regime.name(),
            days: returns.len() as u64,
            days_pct: returns.len() as f64 / all as f64 * 100.0,
            return_pct: (growth - 1.0) * 100.0,
            volatility_pct: deviation(returns).filter(|_| enough).map(|value| value * year * 100.0),
            sharpe: sharpe_per_period(returns).filter(|_| enough).map(|ratio| ratio * year),
            worst_day_pct: worst * 100.0,
        })
    }
}

#[cfg(test)]
mod tests {
    use engine_core::num::{Money, Price, Qty};
    use engine_core::time::Span;
    use proptest::prelude::*;

    use super::*;

    fn rules() -> Instrument {
        Instrument {
            venue: "v".into(),
            symbol: "X".into(),
            price_decimals: 2,
            qty_decimals: 1,
            tick: Price::from_units(1),
            lot: Qty::from_units(1),
            notional_min: Money::ZERO,
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        /// A day counts for the regime known when it began, so a change at the close of a day is for the next.
        #[test]
        fn every_day_after_the_first_reading_is_in_one_regime_and_returns_compound_to_the_whole(
            days in prop::collection::vec((50.0_f64..200.0, 0_usize..4), 2..200),
        ) {
            let id = InstrumentId::new(0);
            let mut seen = RegimeDays::new(1);
            let mut equity = EquityRecorder::new(100.0);
            equity.begin(Timestamp::from_nanos(0));
            for (day, (value, regime)) in (1_i64..).zip(&days) {
                let at = Timestamp::from_nanos(day * Span::DAY.nanos());
                equity.sample(at, *value, 0.0, false);
                seen.change(id, at, Regime::ALL[*regime]);
            }
            let figures = seen.figures(&[rules()], &equity);
            prop_assert_eq!(figures.iter().map(|row| row.days).sum::<u64>(), days.len() as u64 - 1);
            let growth: f64 = figures.iter().map(|row| 1.0 + row.return_pct / 100.0).product();
            let expected = days[days.len() - 1].0 / days[0].0;
            prop_assert!((growth / expected - 1.0).abs() < 1e-9, "{growth} {expected}");
            let second = figures.iter().find(|row| row.regime == Regime::ALL[days[0].1].name());
            prop_assert!(second.is_some(), "the second day began in the regime of the first close");
        }
    }
}
