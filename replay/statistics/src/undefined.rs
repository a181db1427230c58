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
        "performance" if key == "cagr_pct" => {
            "nothing is left, no time has passed, or the growth is too large for a number".to_owned()
        }
        "performance" if key == "buy_and_hold_return_pct" => "no instrument had a price".to_owned(),
        _ if statistics.period.samples == 0 => "nothing was measured".to_owned(),
        _ => "no time has passed, or there was no equity to divide by".to_owned(),
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
    match key {
        "calmar" => "equity never fell, or growth by the year is not defined".to_owned(),
        "sortino" | "omega" => "no day lost anything".to_owned(),
        _ => "daily returns never vary".to_owned(),
    }
}

fn trades(statistics: &Statistics, key: &str) -> String {
    let trades = &statistics.trades;
    let none = |count: u64, words: &str| (count == 0).then(|| words.to_owned());
    let side = match key {
        "long_win_rate_pct" => none(trades.long_trades, "no long trade was closed"),
        "short_win_rate_pct" => none(trades.short_trades, "no short trade was closed"),
        _ => None,
    };
    let of_all = || none(trades.trades, "no trade was closed");
    of_all().or(side).unwrap_or_else(|| match key {
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

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        /// Every figure is a number or has a reason, never both and never neither.
        #[test]
        fn what_is_null_has_a_reason(returns in prop::collection::vec(-0.2_f64..0.2, 0..130)) {
            let statistics = statistics(&returns);
            for entry in statistics.figures() {
                prop_assert_eq!(entry.value.is_null(), entry.reason.is_some(), "{}", entry.figure.key);
                prop_assert!(entry.reason.is_none_or(|reason| !reason.is_empty()));
            }
            let enough = returns.len() >= RETURNS_MIN;
            prop_assert_eq!(statistics.risk.sharpe.is_some(), enough);
        }
    }
}
