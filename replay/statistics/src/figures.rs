//! The name, unit and convention of every figure, in one table.

use serde_json::Value;

use super::summary::Statistics;

/// How a figure is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// As it is.
    Text,
    /// A whole number.
    Count,
    /// An amount of the settlement currency.
    Money,
    /// Per cent.
    Percent,
    /// A number without a unit.
    Ratio,
    /// A multiple, as in 3.2×.
    Times,
    /// Days of 24 hours.
    Days,
    /// Seconds, written in the unit that reads best.
    Seconds,
}

/// One figure of [`Statistics`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figure {
    /// The group it is in, as in `risk`.
    pub group: &'static str,
    /// Its key within the group, as in `sharpe`.
    pub key: &'static str,
    /// Its name for people.
    pub label: &'static str,
    /// How it is written.
    pub unit: Unit,
    /// What a reader must know to compare it with the same name elsewhere.
    pub convention: &'static str,
}

/// The groups in the order of [`Statistics`], with their names for people.
pub const GROUPS: [(&str, &str); 7] = [
    ("period", "Period"),
    ("performance", "Performance"),
    ("risk", "Risk"),
    ("drawdown", "Drawdown"),
    ("exposure", "Exposure"),
    ("costs", "Costs"),
    ("trades", "Trades"),
];

const fn figure(
    group: &'static str,
    key: &'static str,
    label: &'static str,
    unit: Unit,
    convention: &'static str,
) -> Figure {
    Figure { group, key, label, unit, convention }
}

/// Every figure, in the order of [`Statistics`].
#[rustfmt::skip]
pub const FIGURES: [Figure; 90] = [
    figure("period", "start", "Start", Unit::Text, "open of the first bar, or the first tick; UTC"),
    figure("period", "end", "End", Unit::Text, "last sample; UTC"),
    figure("period", "days", "Length", Unit::Days, "24-hour days"),
    figure("period", "samples", "Equity samples", Unit::Count, "each bar's close; on ticks the first of each minute; the end"),
    figure("period", "daily_returns", "Daily returns", Unit::Count, "UTC days; one without data closes where the day before did"),
    figure("performance", "capital", "Start capital", Unit::Money, "settlement currency"),
    figure("performance", "final_equity", "Final equity", Unit::Money, "cash + open positions at their mark, after fees"),
    figure("performance", "profit", "Profit", Unit::Money, "final equity − capital"),
    figure("performance", "return_pct", "Total return", Unit::Percent, "profit ÷ capital, after fees"),
    figure("performance", "cagr_pct", "CAGR", Unit::Percent, "365-day year, exact length of the period"),
    figure("performance", "buy_and_hold_return_pct", "Buy and hold", Unit::Percent, "equal parts, bought when all have a price; entry fee once"),
    figure("risk", "volatility_pct", "Volatility", Unit::Percent, "daily returns, n − 1, × √365"),
    figure("risk", "sharpe", "Sharpe", Unit::Ratio, "daily returns, risk-free 0, n − 1, × √365"),
    figure("risk", "sharpe_low", "Sharpe, lower bound", Unit::Ratio, "95 % interval, skewness and kurtosis included"),
    figure("risk", "sharpe_high", "Sharpe, upper bound", Unit::Ratio, "95 % interval, skewness and kurtosis included"),
    figure("risk", "sharpe_252", "Sharpe at 252 days", Unit::Ratio, "only to compare with stock-exchange tools"),
    figure("risk", "probabilistic_sharpe_pct", "Probability Sharpe > 0", Unit::Percent, "Bailey and López de Prado 2012"),
    figure("risk", "sortino", "Sortino", Unit::Ratio, "downside over all n days, target 0, × √365"),
    figure("risk", "sortino_low", "… lower bound", Unit::Ratio, "95 % interval, days resampled in blocks"),
    figure("risk", "sortino_high", "… upper bound", Unit::Ratio, "95 % interval, days resampled in blocks"),
    figure("risk", "calmar", "Calmar", Unit::Ratio, "CAGR ÷ maximum drawdown of all samples"),
    figure("risk", "calmar_low", "… lower bound", Unit::Ratio, "95 %, days in blocks; falls of daily closes"),
    figure("risk", "calmar_high", "… upper bound", Unit::Ratio, "95 %, days in blocks; falls of daily closes"),
    figure("risk", "omega", "Omega", Unit::Ratio, "daily gains ÷ daily losses, threshold 0"),
    figure("risk", "skewness", "Skewness", Unit::Ratio, "daily returns, population"),
    figure("risk", "kurtosis", "Kurtosis", Unit::Ratio, "daily returns, population, normal = 3"),
    figure("risk", "var_95_pct", "VaR 95 %", Unit::Percent, "historical, one day, linear quantile; a loss is negative"),
    figure("risk", "cvar_95_pct", "CVaR 95 %", Unit::Percent, "mean of days at or beyond VaR"),
    figure("risk", "var_99_pct", "VaR 99 %", Unit::Percent, "historical, one day; needs 100 days"),
    figure("risk", "cvar_99_pct", "CVaR 99 %", Unit::Percent, "mean of days at or beyond VaR"),
    figure("risk", "best_day_pct", "Best day", Unit::Percent, "daily return"),
    figure("risk", "worst_day_pct", "Worst day", Unit::Percent, "daily return"),
    figure("risk", "winning_days_pct", "Winning days", Unit::Percent, "days above 0 ÷ all days"),
    figure("drawdown", "max_drawdown_pct", "Maximum drawdown", Unit::Percent, "all equity samples, open positions at their mark"),
    figure("drawdown", "max_drawdown_peak_at", "… from", Unit::Text, "last moment at the peak; UTC"),
    figure("drawdown", "max_drawdown_trough_at", "… lowest", Unit::Text, "first moment at the bottom; UTC"),
    figure("drawdown", "max_drawdown_recovered_at", "… recovered", Unit::Text, "first moment back at the peak; UTC"),
    figure("drawdown", "longest_drawdown_days", "Longest drawdown", Unit::Days, "peak to recovery, or to the end; all samples"),
    figure("drawdown", "daily_max_drawdown_pct", "Maximum drawdown, daily", Unit::Percent, "UTC daily closes only"),
    figure("drawdown", "daily_average_drawdown_pct", "Average drawdown, daily", Unit::Percent, "mean depth of all falls of daily closes"),
    figure("drawdown", "daily_average_drawdown_days", "Average drawdown length, daily", Unit::Days, "peak to recovery, daily closes"),
    figure("drawdown", "daily_drawdowns", "Drawdowns, daily", Unit::Count, "falls of daily closes"),
    figure("exposure", "time_in_market_pct", "Time in market", Unit::Percent, "time with a position ÷ period"),
    figure("exposure", "exposure_mean_pct", "Mean exposure", Unit::Percent, "gross notional ÷ equity, weighted by time"),
    figure("exposure", "exposure_max_pct", "Largest exposure", Unit::Percent, "gross notional ÷ equity at any sample"),
    figure("costs", "fills", "Fills", Unit::Count, "every fill, partial ones too"),
    figure("costs", "maker_fills_pct", "Maker fills", Unit::Percent, "fills that made liquidity ÷ all fills"),
    figure("costs", "fees", "Fees", Unit::Money, "rebates deducted; in the result"),
    figure("costs", "fees_maker", "… of maker fills", Unit::Money, "negative is a rebate"),
    figure("costs", "fees_taker", "… of taker fills", Unit::Money, "in the result"),
    figure("costs", "slippage_cost", "Slippage cost", Unit::Money, "(fill − decided price) × signed qty; in the result, no fees"),
    figure("costs", "cost_of_capital_pct", "Costs ÷ capital", Unit::Percent, "(fees + slippage) ÷ start capital"),
    figure("costs", "volume", "Volume", Unit::Money, "Σ price × qty over fills"),
    figure("costs", "turnover", "Turnover", Unit::Times, "volume ÷ mean daily equity; both sides counted"),
    figure("costs", "turnover_per_year", "Turnover a year", Unit::Times, "turnover × 365 ÷ days"),
    figure("trades", "trades", "Closed trades", Unit::Count, "lots first in, first out; each closed portion is one"),
    figure("trades", "open_at_end", "Open lots at the end", Unit::Count, "in equity, in no trade figure"),
    figure("trades", "win_rate_pct", "Win rate", Unit::Percent, "profit net of fees > 0 ÷ all closed"),
    figure("trades", "win_rate_low_pct", "… lower bound", Unit::Percent, "95 % interval, trades resampled in blocks"),
    figure("trades", "win_rate_high_pct", "… upper bound", Unit::Percent, "95 % interval, trades resampled in blocks"),
    figure("trades", "gross_profit", "Gross profit", Unit::Money, "Σ of winners, net of fees"),
    figure("trades", "gross_loss", "Gross loss", Unit::Money, "Σ of losers, net of fees"),
    figure("trades", "profit_factor", "Profit factor", Unit::Ratio, "gross profit ÷ gross loss, in money"),
    figure("trades", "profit_factor_low", "… lower bound", Unit::Ratio, "95 % interval, trades resampled in blocks"),
    figure("trades", "profit_factor_high", "… upper bound", Unit::Ratio, "95 % interval, trades resampled in blocks"),
    figure("trades", "expectancy", "Expectancy", Unit::Money, "mean profit a trade, net of fees"),
    figure("trades", "average_trade_pct", "Average trade", Unit::Percent, "arithmetic mean of profit ÷ entry notional"),
    figure("trades", "median_trade_pct", "Median trade", Unit::Percent, "of profit ÷ entry notional"),
    figure("trades", "best_trade_pct", "Best trade", Unit::Percent, "profit ÷ entry notional"),
    figure("trades", "worst_trade_pct", "Worst trade", Unit::Percent, "profit ÷ entry notional"),
    figure("trades", "best_profit", "Best profit", Unit::Money, "net of fees"),
    figure("trades", "worst_profit", "Worst profit", Unit::Money, "net of fees"),
    figure("trades", "average_win", "Average win", Unit::Money, "net of fees"),
    figure("trades", "average_loss", "Average loss", Unit::Money, "net of fees"),
    figure("trades", "payoff", "Payoff", Unit::Ratio, "average win ÷ average loss"),
    figure("trades", "sqn", "SQN", Unit::Ratio, "√trades × mean ÷ deviation of profit, n − 1"),
    figure("trades", "kelly_pct", "Kelly fraction", Unit::Percent, "win rate − loss rate ÷ payoff; not advice"),
    figure("trades", "wins_in_a_row", "Wins in a row", Unit::Count, "longest, in the order of closing"),
    figure("trades", "losses_in_a_row", "Losses in a row", Unit::Count, "longest, in the order of closing"),
    figure("trades", "held_mean_s", "Mean holding time", Unit::Seconds, "entry fill to exit fill"),
    figure("trades", "held_median_s", "Median holding time", Unit::Seconds, "entry fill to exit fill"),
    figure("trades", "held_max_s", "Longest holding time", Unit::Seconds, "entry fill to exit fill"),
    figure("trades", "mae_mean_pct", "Mean adverse excursion", Unit::Percent, "worst mark ÷ entry price, no fees"),
    figure("trades", "mfe_mean_pct", "Mean favourable excursion", Unit::Percent, "best mark ÷ entry price, no fees"),
    figure("trades", "long_trades", "Long trades", Unit::Count, "entered by buying"),
    figure("trades", "long_profit", "… profit", Unit::Money, "net of fees"),
    figure("trades", "long_win_rate_pct", "… win rate", Unit::Percent, "of long trades"),
    figure("trades", "short_trades", "Short trades", Unit::Count, "entered by selling"),
    figure("trades", "short_profit", "… profit", Unit::Money, "net of fees"),
    figure("trades", "short_win_rate_pct", "… win rate", Unit::Percent, "of short trades"),
];

/// A figure with its value in one run.
#[derive(Debug, Clone, PartialEq)]
pub struct FigureValue {
    /// Which.
    pub figure: Figure,
    /// Its value; null where it is not defined.
    pub value: Value,
    /// Why it is not defined.
    pub reason: Option<String>,
}

impl FigureValue {
    /// The value as people read it; `n/a` where it is not defined.
    #[must_use]
    pub fn text(&self) -> String {
        let number = self.value.as_f64();
        match (self.figure.unit, number) {
            (Unit::Text, _) => self.value.as_str().unwrap_or(NOT_DEFINED).to_owned(),
            (_, None) => NOT_DEFINED.to_owned(),
            (Unit::Count, Some(number)) => grouped(number, 0),
            (Unit::Money, Some(number)) => grouped(number, 2),
            (Unit::Percent, Some(number)) => format!("{} %", grouped(number, 2)),
            (Unit::Ratio, Some(number)) => grouped(number, 2),
            (Unit::Times, Some(number)) => format!("{}×", grouped(number, 1)),
            (Unit::Days, Some(number)) => format!("{} d", grouped(number, 1)),
            (Unit::Seconds, Some(number)) => duration(number),
        }
    }

    /// What a reader must know about the value: why there is none, or its convention.
    #[must_use]
    pub fn remark(&self) -> &str {
        self.reason.as_deref().unwrap_or(self.figure.convention)
    }

    /// Whether a reader should see it as a loss: a negative amount, share or ratio.
    #[must_use]
    pub fn is_negative(&self) -> bool {
        self.value.as_f64().is_some_and(|number| number < 0.0)
    }
}

/// What stands where a figure is not defined.
pub const NOT_DEFINED: &str = "n/a";

/// A number with `places` decimals and a thin space between thousands.
#[must_use]
pub fn grouped(number: f64, places: usize) -> String {
    let text = format!("{:.places$}", number.abs());
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    let mut out = String::with_capacity(text.len() + 8);
    if number < 0.0 && text.bytes().any(|digit| matches!(digit, b'1'..=b'9')) {
        out.push('−');
    }
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place) % 3 == 0 {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out.push_str(rest);
    out
}

/// Seconds as the two largest units that say something, as in `1 d 4 h`.
#[must_use]
pub fn duration(seconds: f64) -> String {
    if seconds < 60.0 {
        return format!("{seconds:.1} s");
    }
    let minutes = (seconds / 60.0).round() as u64;
    let (days, hours, minutes) = (minutes / 1_440, minutes / 60 % 24, minutes % 60);
    match (days, hours) {
        (0, 0) => format!("{minutes} min"),
        (0, _) => format!("{hours} h {minutes} min"),
        (_, _) => format!("{days} d {hours} h"),
    }
}

impl Statistics {
    /// Every figure with its value, in the order of [`FIGURES`].
    #[must_use]
    pub fn figures(&self) -> Vec<FigureValue> {
        let document = serde_json::to_value(self).unwrap_or_default();
        let value = |figure: &Figure| document.get(figure.group)?.get(figure.key).cloned();
        let filled = FIGURES.iter().map(|figure| FigureValue {
            figure: *figure,
            value: value(figure).unwrap_or_default(),
            reason: self.undefined.get(&format!("{}.{}", figure.group, figure.key)).cloned(),
        });
        filled.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BuyAndHold, EquityRecorder, Recorded, TradeBook};

    fn empty() -> Statistics {
        let (equity, trades) = (EquityRecorder::new(1.0), TradeBook::new(&[]));
        let reference = BuyAndHold::new(1.0, 0, 0.0, engine_core::time::Timestamp::MIN);
        Statistics::of(&Recorded { equity: &equity, trades: &trades, reference: &reference })
    }

    #[test]
    fn every_key_has_its_figure_in_the_same_order() {
        let document = serde_json::to_value(empty()).unwrap();
        let mut keys = Vec::new();
        // The reasons name figures and are none.
        for (group, fields) in document.as_object().unwrap().iter().filter(|(group, _)| *group != "undefined")
        {
            let fields = fields.as_object().into_iter().flatten();
            keys.extend(fields.map(|(key, _)| (group.clone(), key.clone())));
        }
        let named = FIGURES.iter().map(|figure| (figure.group.to_owned(), figure.key.to_owned()));
        assert_eq!(keys, named.collect::<Vec<_>>());
    }

    #[test]
    fn every_figure_is_documented() {
        let text = include_str!("../../STATISTICS.md");
        for figure in FIGURES {
            assert!(text.contains(&format!("`{}`", figure.key)), "{} is not in STATISTICS.md", figure.key);
        }
    }

    #[test]
    fn nothing_recorded_gives_no_magic_number() {
        let figures = empty().figures();
        let sharpe = figures.iter().find(|entry| entry.figure.key == "sharpe").unwrap();
        assert_eq!((sharpe.value.clone(), sharpe.text().as_str()), (Value::Null, "n/a"));
        let codes: Vec<&str> = empty().warnings.iter().map(|warning| warning.code).collect();
        assert_eq!(codes, ["no_trades", "short_period"]);
    }

    #[test]
    fn numbers_read_well() {
        assert_eq!(grouped(-1_234_567.891, 2), "−1\u{202f}234\u{202f}567.89");
        assert_eq!((grouped(999.0, 0).as_str(), grouped(-0.001, 2).as_str()), ("999", "0.00"));
        assert_eq!(duration(12.34), "12.3 s");
        assert_eq!(duration(3_599.0), "1 h 0 min");
        assert_eq!((duration(1_500.0).as_str(), duration(100_800.0).as_str()), ("25 min", "1 d 4 h"));
    }
}
