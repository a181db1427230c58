//! Figures of parts of a run: calendar years, and everything since a day.
//!
//! Equity, positions and what was learned are carried into a part from the days before it: a part is judged as it was
//! traded, not started anew.

use engine_core::time::{Span, Timestamp};

use super::calendar::{date_text, month_of};
use super::equity::EquityRecorder;
use super::reference::BuyAndHold;
use super::series::{DAYS_PER_YEAR, SharpeEvidence, deviation};

/// Days below which a part has no ratio and no yearly growth.
pub const RATIO_DAYS_MIN: usize = super::series::RETURNS_MIN;

/// Two-sided 95 % of a normal distribution.
const Z_95: f64 = 1.959_963_984_540_054;

/// What one side earned in a part, on daily closes.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct SpanSide {
    /// Last close on the close before the part (or the capital), minus one, per cent.
    pub return_pct: f64,
    /// Yearly growth that compounds to the same, per cent.
    pub cagr_pct: Option<f64>,
    /// Standard deviation of daily returns by the year, per cent.
    pub volatility_pct: Option<f64>,
    /// Sharpe ratio by the year of 365 days.
    pub sharpe: Option<f64>,
    /// Lower end of its 95 % interval.
    pub sharpe_low: Option<f64>,
    /// Upper end of its 95 % interval.
    pub sharpe_high: Option<f64>,
    /// Deepest fall of daily closes below the highest within the part, per cent, at most zero.
    pub max_drawdown_pct: f64,
}

/// A part of a run with buying and holding beside it.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct SpanFigures {
    /// Its name, as in `2021` or `since 2022-03-01`.
    pub name: String,
    /// Its first day, UTC.
    pub from: String,
    /// Its last day, UTC.
    pub to: String,
    /// Its days.
    pub days: u64,
    /// The strategy; `None` where there was nothing left to lose before it.
    pub strategy: Option<SpanSide>,
    /// Buying and holding, as bought at the beginning of the run.
    pub buy_and_hold: Option<SpanSide>,
    /// Why figures are missing, where they are.
    pub note: Option<String>,
}

impl SpanSide {
    /// The figures of `closes` after `before`; `None` without a day, or with nothing to lose before it.
    #[must_use]
    pub fn of(before: f64, closes: &[f64]) -> Option<Self> {
        let last = closes.last().copied().filter(|_| before > 0.0)?;
        let mut previous = before;
        let mut returns = Vec::with_capacity(closes.len());
        for close in closes {
            if previous <= 0.0 {
                break;
            }
            returns.push(close / previous - 1.0);
            previous = *close;
        }
        let mut peak = before;
        let fall = closes.iter().map(|close| {
            peak = peak.max(*close);
            close / peak - 1.0
        });
        let deepest = fall.fold(0.0, f64::min);
        let enough = closes.len() >= RATIO_DAYS_MIN;
        let year = DAYS_PER_YEAR.sqrt();
        let evidence = SharpeEvidence::of(&returns).filter(|_| enough);
        let sharpe = evidence.map(|evidence| evidence.sharpe * year);
        let error = evidence.and_then(|evidence| evidence.standard_error()).map(|error| error * year);
        let bound = |sign: f64| sharpe.zip(error).map(|(sharpe, error)| sharpe + sign * Z_95 * error);
        let growth = last / before;
        let yearly = (enough && growth > 0.0)
            .then(|| (libm::pow(growth, DAYS_PER_YEAR / closes.len() as f64) - 1.0) * 100.0);
        Some(Self {
            return_pct: (growth - 1.0) * 100.0,
            cagr_pct: yearly.filter(|value| value.is_finite()),
            volatility_pct: deviation(&returns).filter(|_| enough).map(|value| value * year * 100.0),
            sharpe,
            sharpe_low: bound(-1.0),
            sharpe_high: bound(1.0),
            max_drawdown_pct: deepest * 100.0,
        })
    }
}

/// Daily closes of both sides from the first day of the run.
struct Days {
    first_day: i64,
    capital: f64,
    own: Vec<f64>,
    held: Vec<f64>,
}

impl Days {
    fn of(equity: &EquityRecorder, reference: &BuyAndHold) -> Self {
        let own = equity.daily_closes();
        let held = reference.daily_closes(equity.first_day(), own.len());
        Self { first_day: equity.first_day(), capital: equity.capital(), own, held }
    }

    fn part(&self, name: String, from: usize, to: usize) -> SpanFigures {
        let side = |closes: &[f64]| {
            let before = from.checked_sub(1).map_or(Some(self.capital), |day| closes.get(day).copied());
            SpanSide::of(before?, closes.get(from..to)?)
        };
        let day = |place: usize| date_text(self.first_day.saturating_add_unsigned(place as u64));
        let days = to.saturating_sub(from);
        let note = match days {
            0 => Some("the run has no day in it".to_owned()),
            days if days < RATIO_DAYS_MIN => {
                Some(format!("{days} days: ratios and yearly growth need {RATIO_DAYS_MIN}"))
            }
            _ => None,
        };
        SpanFigures {
            name,
            from: day(from),
            to: day(to.saturating_sub(1).max(from)),
            days: days as u64,
            strategy: side(&self.own),
            buy_and_hold: side(&self.held),
            note,
        }
    }
}

/// Every calendar year of a run, UTC, the first and the last as far as the run goes.
#[must_use]
pub fn yearly(equity: &EquityRecorder, reference: &BuyAndHold) -> Vec<SpanFigures> {
    let days = Days::of(equity, reference);
    let year_of = |place: usize| month_of(days.first_day.saturating_add_unsigned(place as u64)).year;
    let mut years = Vec::new();
    let mut from = 0;
    for to in 1..=days.own.len() {
        if to == days.own.len() || year_of(to) != year_of(from) {
            years.push(days.part(year_of(from).to_string(), from, to));
            from = to;
        }
    }
    years
}

/// Everything from the UTC day that holds `since` to the end of the run.
#[must_use]
pub fn since(equity: &EquityRecorder, reference: &BuyAndHold, since: Timestamp) -> SpanFigures {
    let days = Days::of(equity, reference);
    let day = since.nanos().div_euclid(Span::DAY.nanos());
    let to = days.own.len();
    let from = usize::try_from(day.saturating_sub(days.first_day)).unwrap_or(0).min(to);
    days.part(format!("since {}", date_text(day)), from, to)
}

#[cfg(test)]
mod tests {
    use engine_core::instrument::InstrumentId;
    use proptest::prelude::*;

    use super::*;
    use crate::{Recorded, Statistics, TradeBook};

    const DAY: i64 = Span::DAY.nanos();

    /// A run that begins on 2021-12-22 and closes at these values, and a market that stays at the same.
    fn run(values: &[f64]) -> (EquityRecorder, BuyAndHold) {
        let begin = 18_983;
        let mut equity = EquityRecorder::new(100.0);
        let mut reference = BuyAndHold::new(100.0, 1, 0.0, Timestamp::MIN);
        equity.begin(Timestamp::from_nanos(begin * DAY));
        reference.price(InstrumentId::new(0), Timestamp::from_nanos(begin * DAY), 100.0);
        for (day, value) in (begin + 1..).zip(values) {
            let at = Timestamp::from_nanos(day * DAY);
            reference.mark(InstrumentId::new(0), *value);
            reference.sample(at);
            equity.sample(at, *value, 0.0, false);
        }
        (equity, reference)
    }

    #[test]
    fn a_year_begins_at_the_close_of_the_year_before() {
        let values: Vec<f64> = [vec![110.0; 10], vec![99.0; 19]].concat();
        let (equity, reference) = run(&values);
        let years = yearly(&equity, &reference);
        let names: Vec<&str> = years.iter().map(|year| year.name.as_str()).collect();
        assert_eq!(names, ["2021", "2022"]);
        assert_eq!((years[0].from.as_str(), years[0].to.as_str()), ("2021-12-22", "2021-12-31"));
        let returns = years.iter().map(|year| year.strategy.unwrap().return_pct).collect::<Vec<_>>();
        assert!((returns[0] - 10.0).abs() < 1e-9 && (returns[1] + 10.0).abs() < 1e-9, "{returns:?}");
        assert!((years[1].strategy.unwrap().max_drawdown_pct + 10.0).abs() < 1e-9);
        assert_eq!(years[1].strategy.unwrap().sharpe, None);
        assert!(years[1].note.as_deref().unwrap().starts_with("19 days"));
        let late = since(&equity, &reference, Timestamp::MAX);
        assert_eq!((late.days, late.strategy), (0, None));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn years_compound_to_the_whole_and_the_whole_is_the_run(
            values in prop::collection::vec(50.0_f64..200.0, 20..900),
        ) {
            let (equity, reference) = run(&values);
            let years = yearly(&equity, &reference);
            let last = values.last().unwrap();
            for side in [|year: &SpanFigures| year.strategy, |year: &SpanFigures| year.buy_and_hold] {
                let growth: f64 = years.iter().map(|year| 1.0 + side(year).unwrap().return_pct / 100.0).product();
                prop_assert!((growth - last / 100.0).abs() < 1e-9, "{growth} {last}");
            }
            prop_assert_eq!(years.iter().map(|year| year.days).sum::<u64>(), values.len() as u64);
            let trades = TradeBook::new(&[]);
            let recorded = Recorded { equity: &equity, trades: &trades, reference: &reference };
            let whole = since(&equity, &reference, Timestamp::MIN).strategy.unwrap();
            let statistics = Statistics::of(&recorded);
            prop_assert_eq!(whole.sharpe, statistics.risk.sharpe);
            let (ours, theirs) = (whole.max_drawdown_pct, statistics.drawdown.daily_max_drawdown_pct);
            prop_assert_eq!(ours.to_bits(), theirs.to_bits());
        }
    }
}
