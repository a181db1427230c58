//! How the recorders of a run fold into its figures.

use std::collections::BTreeMap;

use engine_core::instrument::InstrumentId;
use engine_core::num::Money;
use engine_core::time::Span;

use super::amount::money_f64;
use super::calendar::moment_text;
use super::drawdown::Fall;
use super::equity::EquityRecorder;
use super::intervals::of_returns;
use super::plausibility::warnings;
use super::reference::BuyAndHold;
use super::series::RETURNS_MIN;
use super::series::{DAYS_PER_YEAR, SharpeEvidence, TailLoss, deviation, mean, omega, sortino_per_period};
use super::spans::yearly;
use super::summary::{
    Costs, Drawdowns, Exposure, InstrumentFigures, Performance, Period, Recorded, Risk, Statistics,
};
use super::trade_book::{TradeBook, Traffic};
use super::trade_figures::{Tally, TradeFigures, exit_reasons};
use super::undefined::{TAIL_99_RETURNS_MIN, undefined};

/// Trading days in a year of exchanges that close, only to compare with tools that count so.
const EXCHANGE_DAYS_PER_YEAR: f64 = 252.0;

/// Two-sided 95 % of a normal distribution.
const Z_95: f64 = 1.959_963_984_540_054;

fn pct(share: Option<f64>) -> Option<f64> {
    share.map(|share| share * 100.0).filter(|value| value.is_finite())
}

fn days(span: Span) -> f64 {
    span.nanos() as f64 / Span::DAY.nanos() as f64
}

impl Statistics {
    /// The figures of a recorded run.
    #[must_use]
    pub fn of(recorded: &Recorded<'_>) -> Self {
        let equity = recorded.equity;
        let performance = Performance::of(equity, recorded.reference);
        let drawdown = Drawdowns::of(equity);
        let mut statistics = Self {
            period: Period::of(equity),
            risk: Risk::of(&equity.daily_returns(), performance.cagr_pct, drawdown.max_drawdown_pct),
            exposure: Exposure::of(equity),
            costs: Costs::of(recorded.trades, equity),
            trades: TradeFigures::of(recorded.trades),
            exit_reasons: exit_reasons(recorded.trades),
            instruments: instrument_figures(recorded),
            years: yearly(equity, recorded.reference),
            warnings: Vec::new(),
            undefined: BTreeMap::new(),
            performance,
            drawdown,
        };
        statistics.warnings = warnings(&statistics);
        statistics.undefined = undefined(&statistics);
        statistics
    }
}

impl Period {
    fn of(equity: &EquityRecorder) -> Self {
        Self {
            start: equity.started_at().map(moment_text),
            end: equity.ended_at().map(moment_text),
            days: days(equity.span()),
            samples: equity.samples(),
            daily_returns: equity.daily_returns().len() as u64,
        }
    }
}

impl Performance {
    fn of(equity: &EquityRecorder, reference: &BuyAndHold) -> Self {
        let (capital, last) = (equity.capital(), equity.final_equity());
        let growth = (capital > 0.0).then(|| last / capital);
        let length = days(equity.span());
        let compounded = growth
            .filter(|growth| *growth > 0.0 && length > 0.0)
            .map(|growth| libm::pow(growth, DAYS_PER_YEAR / length) - 1.0);
        Self {
            capital,
            final_equity: last,
            profit: last - capital,
            return_pct: pct(growth.map(|growth| growth - 1.0)),
            cagr_pct: pct(compounded),
            buy_and_hold_return_pct: pct(reference.return_share()),
        }
    }
}

impl Risk {
    fn of(returns: &[f64], cagr_pct: Option<f64>, max_drawdown_pct: f64) -> Self {
        let year = DAYS_PER_YEAR.sqrt();
        // A ratio by the year of a few days is noise with a number on it.
        let enough = |needed: usize| (returns.len() >= needed).then_some(returns);
        let judged = enough(RETURNS_MIN);
        let evidence = judged.and_then(SharpeEvidence::of);
        let sharpe = evidence.map(|evidence| evidence.sharpe * year);
        let error = evidence.and_then(|evidence| evidence.standard_error()).map(|error| error * year);
        let bound = |sign: f64| sharpe.zip(error).map(|(sharpe, error)| sharpe + sign * Z_95 * error);
        let above = evidence.and_then(|evidence| evidence.probability_above(0.0));
        let tail_95 = judged.and_then(|returns| TailLoss::of(returns, 0.95));
        let tail_99 = enough(TAIL_99_RETURNS_MIN).and_then(|returns| TailLoss::of(returns, 0.99));
        let extreme = |pick: fn(f64, f64) -> f64| returns.iter().copied().reduce(pick);
        let sortino = judged.and_then(sortino_per_period).map(|ratio| ratio * year);
        let calmar = cagr_pct
            .filter(|_| judged.is_some() && max_drawdown_pct < 0.0)
            .map(|cagr| cagr / -max_drawdown_pct);
        let [beside_sortino, beside_calmar] = of_returns(returns);
        let (beside_sortino, beside_calmar) = (beside_sortino.beside(sortino), beside_calmar.beside(calmar));
        let gains = returns.iter().filter(|value| **value > 0.0).count() as f64;
        Self {
            volatility_pct: pct(judged.and_then(deviation).map(|deviation| deviation * year)),
            sharpe,
            sharpe_low: bound(-1.0),
            sharpe_high: bound(1.0),
            sharpe_252: evidence.map(|evidence| evidence.sharpe * EXCHANGE_DAYS_PER_YEAR.sqrt()),
            probabilistic_sharpe_pct: pct(above),
            sortino,
            sortino_low: beside_sortino.low,
            sortino_high: beside_sortino.high,
            calmar,
            calmar_low: beside_calmar.low,
            calmar_high: beside_calmar.high,
            omega: judged.and_then(omega),
            skewness: evidence.map(|evidence| evidence.skewness),
            kurtosis: evidence.map(|evidence| evidence.kurtosis),
            var_95_pct: pct(tail_95.map(|tail| tail.at_risk)),
            cvar_95_pct: pct(tail_95.map(|tail| tail.expected)),
            var_99_pct: pct(tail_99.map(|tail| tail.at_risk)),
            cvar_99_pct: pct(tail_99.map(|tail| tail.expected)),
            best_day_pct: pct(extreme(f64::max)),
            worst_day_pct: pct(extreme(f64::min)),
            winning_days_pct: pct((!returns.is_empty()).then(|| gains / returns.len() as f64)),
        }
    }
}

impl Drawdowns {
    fn of(equity: &EquityRecorder) -> Self {
        let (falls, daily) = (equity.falls(), equity.daily_falls());
        let deepest = falls.deepest;
        let depth_pct = |fall: Option<Fall>| fall.map_or(0.0, |fall| fall.depth() * 100.0);
        let day = Span::DAY.nanos() as f64;
        Self {
            max_drawdown_pct: depth_pct(deepest),
            max_drawdown_peak_at: deepest.map(|fall| moment_text(fall.peak_at)),
            max_drawdown_trough_at: deepest.map(|fall| moment_text(fall.trough_at)),
            max_drawdown_recovered_at: deepest.and_then(|fall| fall.recovered_at).map(moment_text),
            longest_drawdown_days: falls.longest.map_or(0.0, |fall| days(fall.lasted)),
            daily_max_drawdown_pct: depth_pct(daily.deepest),
            daily_average_drawdown_pct: pct(daily.depth_mean),
            daily_average_drawdown_days: daily.lasted_mean.map(|lasted| lasted / day),
            daily_drawdowns: daily.count,
        }
    }
}

impl Exposure {
    fn of(equity: &EquityRecorder) -> Self {
        Self {
            time_in_market_pct: pct(equity.time_in_market()),
            exposure_mean_pct: pct(equity.exposure_mean()),
            exposure_max_pct: equity.exposure_max() * 100.0,
        }
    }
}

fn ids(book: &TradeBook) -> impl Iterator<Item = InstrumentId> + use<> {
    (0_u16..).take(book.instruments().len()).map(InstrumentId::new)
}

impl Costs {
    fn of(book: &TradeBook, equity: &EquityRecorder) -> Self {
        let all: Vec<Traffic> = ids(book).map(|id| book.traffic(id)).collect();
        let sum = |amount: fn(&Traffic) -> Money| {
            // A sum that does not fit is not a number.
            let total = all.iter().map(amount).try_fold(Money::ZERO, Money::plus);
            total.map_or(f64::NAN, money_f64)
        };
        let fills: u64 = all.iter().map(|traffic| traffic.fills).sum();
        let maker: u64 = all.iter().map(|traffic| traffic.maker_fills).sum();
        let (fees_maker, fees_taker) = (sum(|traffic| traffic.maker_fees), sum(|traffic| traffic.taker_fees));
        let (slippage_cost, volume) = (sum(|traffic| traffic.slippage), sum(|traffic| traffic.volume));
        let held = mean(&equity.daily_closes()).filter(|held| *held > 0.0);
        let turnover = held.map(|held| volume / held);
        let years = days(equity.span()) / DAYS_PER_YEAR;
        let capital = Some(equity.capital()).filter(|capital| *capital > 0.0);
        Self {
            fills,
            maker_fills_pct: pct((fills > 0).then(|| maker as f64 / fills as f64)),
            fees: fees_maker + fees_taker,
            fees_maker,
            fees_taker,
            slippage_cost,
            cost_of_capital_pct: pct(
                capital.map(|capital| (fees_maker + fees_taker + slippage_cost) / capital)
            ),
            volume,
            turnover,
            turnover_per_year: turnover.filter(|_| years > 0.0).map(|turnover| turnover / years),
        }
    }
}

fn instrument_figures(recorded: &Recorded<'_>) -> Vec<InstrumentFigures> {
    let book = recorded.trades;
    let mut tallies = vec![Tally::default(); book.instruments().len()];
    for (trade, rules) in book.trades() {
        if let Some(tally) = tallies.get_mut(trade.instrument.index()) {
            tally.add(trade.profit(rules));
        }
    }
    let figures = ids(book).zip(book.instruments()).zip(tallies).map(|((id, rules), tally)| {
        let traffic = book.traffic(id);
        InstrumentFigures {
            instrument: format!("{}:{}", rules.venue, rules.symbol),
            fills: traffic.fills,
            trades: tally.trades,
            win_rate_pct: tally.win_rate_pct(),
            profit: tally.profit(),
            fees: money_f64(traffic.maker_fees) + money_f64(traffic.taker_fees),
            slippage_cost: money_f64(traffic.slippage),
            volume: money_f64(traffic.volume),
            price_change_pct: pct(recorded.reference.price_change(id)),
        }
    });
    figures.collect()
}

#[cfg(test)]
mod tests {
    use engine_core::time::Timestamp;

    use super::super::series::tests::{RETURNS, assert_close};
    use super::*;

    fn recorder(returns: &[f64]) -> EquityRecorder {
        let mut recorder = EquityRecorder::new(100.0);
        recorder.begin(Timestamp::from_nanos(0));
        let mut equity = 100.0;
        for (day, value) in (1..).zip(returns) {
            equity *= 1.0 + value;
            recorder.sample(Timestamp::from_nanos(day * Span::DAY.nanos()), equity, 0.0, false);
        }
        recorder
    }

    fn statistics(equity: &EquityRecorder) -> Statistics {
        let (trades, reference) = (TradeBook::new(&[]), BuyAndHold::new(100.0, 0, 0.0, Timestamp::MIN));
        Statistics::of(&Recorded { equity, trades: &trades, reference: &reference })
    }

    #[test]
    fn yearly_figures_agree_with_numpy() {
        let equity = recorder(&RETURNS);
        let figures = statistics(&equity);
        let (performance, risk, drawdown) = (&figures.performance, &figures.risk, &figures.drawdown);
        // e = 100 * cumprod(concatenate([[1], 1 + r])); dd = e / maximum.accumulate(e) - 1
        assert_close(Some(performance.final_equity), 106.41530213517608);
        assert_close(Some(drawdown.max_drawdown_pct), -2.9999999999999916);
        // the mean over the falls of the least dd of each
        assert_close(drawdown.daily_average_drawdown_pct, -1.7989465600000053);
        assert_eq!(drawdown.daily_drawdowns, 5);
        // s * sqrt(365); (e[-1] / 100)**(365 / n) - 1
        assert_close(risk.volatility_pct, 28.921589398463793);
        assert_close(performance.cagr_pct, 147.8903401379984);
        // m / s * sqrt(365), m / s * sqrt(252), m / d * sqrt(365), cagr / abs(dd.min())
        assert_close(risk.sharpe, 3.2812857790257093);
        assert_close(risk.sharpe_252, 2.7264522402165445);
        assert_close(risk.sortino, 5.427520167364117);
        assert_close(risk.calmar, 49.29678004599961);
        // (sr -+ 1.959963984540054 * se) * sqrt(365)
        assert_close(risk.sharpe_low, -4.410614499297681);
        assert_close(risk.sharpe_high, 10.9731860573491);
        assert_close(risk.worst_day_pct, -3.0);
        assert_close(risk.winning_days_pct, 60.0);
    }

    #[test]
    fn doubts_are_spoken_in_a_fixed_order() {
        let equity = recorder(&RETURNS);
        let codes: Vec<&str> = statistics(&equity).warnings.iter().map(|warning| warning.code).collect();
        assert_eq!(codes, ["no_trades", "short_period", "sharpe_not_distinct"]);
        let steep = recorder(&[0.01, 0.02].repeat(50));
        let codes: Vec<&str> = statistics(&steep).warnings.iter().map(|warning| warning.code).collect();
        assert_eq!(codes, ["no_trades", "absurd_growth", "absurd_ratio"]);
        let ruin = recorder(&[0.01, -1.5]);
        let figures = statistics(&ruin);
        assert!(figures.warnings.iter().any(|warning| warning.code == "ruined"));
        assert_eq!((figures.performance.cagr_pct, figures.risk.calmar), (None, None));
    }

    #[test]
    fn growth_beyond_any_number_keeps_its_warning() {
        // Ten times the capital in a minute: 10^525600 a year.
        let mut equity = EquityRecorder::new(100.0);
        equity.begin(Timestamp::from_nanos(0));
        equity.sample(Timestamp::from_nanos(Span::MINUTE.nanos()), 1_000.0, 0.0, false);
        let figures = statistics(&equity);
        assert_eq!((figures.performance.cagr_pct, figures.risk.calmar), (None, None));
        let absurd = figures.warnings.iter().find(|warning| warning.code == "absurd_growth").unwrap();
        assert!(absurd.message.contains("too large"), "{}", absurd.message);
    }

    #[test]
    fn equal_returns_have_no_ratio() {
        let figures = statistics(&recorder(&[0.0; 40]));
        assert_eq!((figures.risk.sharpe, figures.risk.sortino, figures.risk.calmar), (None, None, None));
        assert_close(figures.performance.return_pct, 0.0);
    }

    #[test]
    fn the_order_of_keys_and_the_bytes_are_fixed() {
        let equity = recorder(&RETURNS);
        let text = serde_json::to_string(&statistics(&equity)).unwrap();
        assert!(
            text.starts_with(r#"{"period":{"start":"1970-01-01T00:00:00Z","end":"1970-01-26T00:00:00Z""#)
        );
        assert_eq!(text, serde_json::to_string(&statistics(&equity)).unwrap());
        assert!(!text.contains("NaN") && !text.contains("inf"));
    }
}
