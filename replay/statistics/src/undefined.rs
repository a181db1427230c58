//! Why a figure is not defined for a run.

use std::collections::BTreeMap;

use serde_json::Value;

use super::figures::FIGURES;
use super::series::RETURNS_MIN;
use super::summary::Statistics;

/// The tail of one day in a hundred needs a hundred days to have one.
pub(crate) const TAIL_99_RETURNS_MIN: usize = 100;

/// The reason for every figure of `statistics` that is null, by `group.key`.
pub(crate) fn undefined(statistics: &Statistics) -> BTreeMap<String, String> {
    let document = serde_json::to_value(statistics).unwrap_or_default();
    let is_null = |group: &str, key: &str| {
        document.get(group).and_then(|group| group.get(key)).is_none_or(Value::is_null)
    };
    let missing = FIGURES.iter().filter(|figure| is_null(figure.group, figure.key));
    let named = missing.map(|figure| {
        (format!("{}.{}", figure.group, figure.key), reason(statistics, figure.group, figure.key))
    });
    named.collect()
}

fn reason(statistics: &Statistics, group: &str, key: &str) -> String {
    match group {
        "risk" => risk(statistics, key),
        "trades" => trades(statistics, key),
        "drawdown" => match (statistics.drawdown.max_drawdown_pct < 0.0, key) {
            (true, "max_drawdown_recovered_at") => "the peak was not reached again".to_owned(),
            (true, _) => "no daily close lies below an earlier one".to_owned(),
            (false, _) => "equity never fell".to_owned(),
        },
        "costs" if statistics.costs.fills == 0 => "nothing was filled".to_owned(),
        "performance" if key == "buy_and_hold_return_pct" => "no instrument had a price".to_owned(),
        _ if statistics.period.samples == 0 => "nothing was measured".to_owned(),
        "performance" => growth(statistics, key).to_owned(),
        "costs" if key == "turnover_per_year" && statistics.costs.turnover.is_some() => NO_TIME.to_owned(),
        "costs" if key == "cost_of_capital_pct" => NO_CAPITAL.to_owned(),
        "costs" => "mean equity was not above zero".to_owned(),
        _ => NO_TIME.to_owned(),
    }
}

const NO_TIME: &str = "no time has passed";
const NO_CAPITAL: &str = "there was no capital";

fn growth(statistics: &Statistics, key: &str) -> &'static str {
    let (performance, period) = (&statistics.performance, &statistics.period);
    if performance.capital <= 0.0 {
        NO_CAPITAL
    } else if key == "cagr_pct" && performance.final_equity <= 0.0 {
        "nothing is left"
    } else if key == "cagr_pct" && period.days <= 0.0 {
        NO_TIME
    } else {
        "the growth is too large for a number"
    }
}

fn risk(statistics: &Statistics, key: &str) -> String {
    let returns = statistics.period.daily_returns;
    let needed = match key {
        "var_99_pct" | "cvar_99_pct" => TAIL_99_RETURNS_MIN,
        "best_day_pct" | "worst_day_pct" | "winning_days_pct" => 1,
        _ => RETURNS_MIN,
    };
    if (returns as usize) < needed {
        return format!("needs {needed} daily returns, there are {returns}");
    }
    let said = match key.trim_end_matches("_low").trim_end_matches("_high") {
        "sortino" if statistics.risk.sortino.is_some() => RARE_LOSSES,
        "calmar" if statistics.risk.calmar.is_some() => RARE_LOSSES,
        "sharpe" if statistics.risk.sharpe.is_some() => "its standard error is not defined for these returns",
        "calmar" if statistics.drawdown.max_drawdown_pct < 0.0 => "growth by the year is not defined",
        "calmar" => "equity never fell",
        "sortino" | "omega" => "no day lost anything",
        _ => "daily returns never vary",
    };
    said.to_owned()
}

/// Why a ratio that divides by losses has no bound.
const RARE_LOSSES: &str = "losses are too rare for a bound";

fn trades(statistics: &Statistics, key: &str) -> String {
    let trades = &statistics.trades;
    let none = |count: u64, words: &str| (count == 0).then(|| words.to_owned());
    let side = match key {
        "long_win_rate_pct" => none(trades.long_trades, "no long trade was closed"),
        "short_win_rate_pct" => none(trades.short_trades, "no short trade was closed"),
        _ => None,
    };
    let of_all = || none(trades.trades, "no trade was closed");
    let base = key.trim_end_matches("_pct").trim_end_matches("_low").trim_end_matches("_high");
    let few = (trades.trades < RETURNS_MIN as u64)
        .then(|| format!("needs {RETURNS_MIN} closed trades, there are {}", trades.trades));
    of_all().or(side).unwrap_or_else(|| match key {
        "profit_factor_low" | "profit_factor_high" if trades.profit_factor.is_some() => {
            few.unwrap_or_else(|| RARE_LOSSES.to_owned())
        }
        _ if base == "win_rate" => few.unwrap_or_default(),
        "profit_factor_low" | "profit_factor_high" => "no trade lost".to_owned(),
        "sqn" => "needs two trades with different profits".to_owned(),
        "average_win" => "no trade won".to_owned(),
        "profit_factor" | "average_loss" => "no trade lost".to_owned(),
        _ => "needs trades that won and trades that lost".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use engine_core::time::{Span, Timestamp};
    use proptest::prelude::*;

    use super::*;
    use crate::{BuyAndHold, EquityRecorder, Recorded, TradeBook};

    fn statistics(returns: &[f64]) -> Statistics {
        let mut equity = EquityRecorder::new(100.0);
        equity.begin(Timestamp::from_nanos(0));
        let mut value = 100.0;
        for (day, change) in (1..).zip(returns) {
            value *= 1.0 + change;
            equity.sample(Timestamp::from_nanos(day * Span::DAY.nanos()), value, 0.0, false);
        }
        let (trades, reference) = (TradeBook::new(&[]), BuyAndHold::new(100.0, 0, 0.0, Timestamp::MIN));
        Statistics::of(&Recorded { equity: &equity, trades: &trades, reference: &reference })
    }

    #[test]
    fn a_ratio_of_two_days_is_null_and_says_why() {
        let short = statistics(&[-0.01, -0.02]);
        assert_eq!(
            (short.risk.sharpe, short.risk.sharpe_low, short.risk.sortino, short.risk.calmar),
            (None, None, None, None)
        );
        assert_eq!(short.undefined["risk.sharpe"], "needs 20 daily returns, there are 2");
        assert_eq!(short.undefined["risk.cvar_99_pct"], "needs 100 daily returns, there are 2");
        assert_eq!(short.undefined["trades.win_rate_pct"], "no trade was closed");
        assert!(short.risk.worst_day_pct.is_some(), "a day is a day");
        let enough = statistics(&[0.01, -0.02].repeat(10));
        assert!(enough.risk.sharpe.is_some() && !enough.undefined.contains_key("risk.sharpe"));
        assert_eq!(statistics(&[0.0; 40]).undefined["risk.sharpe"], "daily returns never vary");
    }

    /// Returns as they come, only rises, none at all, and ruin at some day.
    fn returns() -> impl Strategy<Value = Vec<f64>> {
        let both = prop::collection::vec(-0.2_f64..0.2, 0..130);
        let rises = prop::collection::vec(0.001_f64..0.2, 0..130);
        let still = (0_usize..130).prop_map(|days| vec![0.0; days]);
        let ruin = (prop::collection::vec(-0.2_f64..0.2, 1..130), any::<prop::sample::Index>()).prop_map(
            |(mut returns, day)| {
                let day = day.index(returns.len());
                returns[day] = -1.0;
                returns
            },
        );
        prop_oneof![both, rises, still, ruin]
    }

    /// The returns up to the day on which everything is lost.
    fn lived(returns: &[f64]) -> &[f64] {
        let ruin = returns.iter().position(|value| *value <= -1.0).map_or(returns.len(), |day| day + 1);
        &returns[..ruin]
    }

    fn vary(returns: &[f64]) -> bool {
        returns.windows(2).any(|pair| pair[0].to_bits() != pair[1].to_bits())
    }

    /// Whether `reason` is true of a run of these daily returns without any trade; false for words that are not known.
    fn holds(reason: &str, returns: &[f64]) -> bool {
        let lived = lived(returns);
        let value = returns.iter().fold(1.0, |value, change| value * (1.0 + change));
        let falls = lived.iter().any(|change| *change < 0.0);
        if let Some(rest) = reason.strip_prefix("needs ") {
            let (needed, there) = rest.split_once(" daily returns, there are ").unwrap();
            let (needed, there): (usize, usize) = (needed.parse().unwrap(), there.parse().unwrap());
            return there == lived.len() && there < needed;
        }
        match reason {
            "nothing was measured" => returns.is_empty(),
            "nothing is left" => value <= 0.0,
            "equity never fell" | "no day lost anything" => !falls,
            "no daily close lies below an earlier one" | "the peak was not reached again" => falls,
            "daily returns never vary" => !vary(lived),
            "growth by the year is not defined" => falls && value <= 0.0,
            RARE_LOSSES => lived.iter().filter(|change| **change < 0.0).count() * 4 <= lived.len(),
            "its standard error is not defined for these returns" => lived.len() >= RETURNS_MIN,
            "no trade was closed" | "nothing was filled" | "no instrument had a price" => true,
            _ => false,
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        /// Every figure is a number or has a reason, never both and never neither, and the reason is true of the returns.
        #[test]
        fn what_is_null_has_a_reason_that_holds(returns in returns()) {
            let statistics = statistics(&returns);
            for entry in statistics.figures() {
                prop_assert_eq!(entry.value.is_null(), entry.reason.is_some(), "{}", entry.figure.key);
                if let Some(reason) = &entry.reason {
                    prop_assert!(holds(reason, &returns), "{}: {} for {:?}", entry.figure.key, reason, returns);
                }
            }
            prop_assert_eq!(statistics.risk.sharpe.is_some(), lived(&returns).len() >= RETURNS_MIN && vary(&returns));
        }
    }
}
