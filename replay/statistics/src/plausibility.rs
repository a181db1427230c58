//! What makes a result hard to believe.

use super::summary::Statistics;
use super::warning::Warning;

/// Fewer closed trades than this say little about a strategy.
const TRADES_ENOUGH: u64 = 30;
/// Fewer daily returns than this make yearly figures an extrapolation.
const DAYS_ENOUGH: u64 = 90;
/// Yearly growth above this, in per cent, is rather a mistake than a discovery.
const CAGR_ABSURD_PCT: f64 = 1_000.0;
/// A Sharpe ratio above this is rather a mistake than a discovery.
const SHARPE_ABSURD: f64 = 5.0;
/// A profit factor above this is rather a mistake than a discovery.
const PROFIT_FACTOR_ABSURD: f64 = 10.0;

type Doubt = fn(&Statistics) -> Option<String>;

const DOUBTS: [(&str, Doubt); 9] = [
    ("no_trades", no_trades),
    ("few_trades", few_trades),
    ("short_period", short_period),
    ("absurd_growth", absurd_growth),
    ("absurd_ratio", absurd_ratio),
    ("sharpe_not_distinct", sharpe_not_distinct),
    ("one_trade_made_it", one_trade_made_it),
    ("ruined", ruined),
    ("open_at_end", open_at_end),
];

/// Every doubt that applies, in a fixed order.
pub(crate) fn warnings(statistics: &Statistics) -> Vec<Warning> {
    let applies =
        |(code, doubt): &(&'static str, Doubt)| doubt(statistics).map(|message| Warning { code, message });
    DOUBTS.iter().filter_map(applies).collect()
}

fn no_trades(statistics: &Statistics) -> Option<String> {
    (statistics.trades.trades == 0)
        .then(|| "no trade was closed: every figure about trades is undefined".to_owned())
}

fn few_trades(statistics: &Statistics) -> Option<String> {
    let trades = statistics.trades.trades;
    (1..TRADES_ENOUGH).contains(&trades).then(|| {
        format!("only {trades} closed trades, fewer than {TRADES_ENOUGH}: luck explains results like this")
    })
}

fn short_period(statistics: &Statistics) -> Option<String> {
    let days = statistics.period.daily_returns;
    (days < DAYS_ENOUGH).then(|| {
        format!("only {days} daily returns, fewer than {DAYS_ENOUGH}: figures by the year are extrapolations")
    })
}

fn absurd_growth(statistics: &Statistics) -> Option<String> {
    let doubt = "look for a mistake in data, fees or fills before believing it";
    let Some(cagr) = statistics.performance.cagr_pct else {
        // Growth by the year is not defined where nothing is left or no time has passed; a gain over some time has
        // one, and only its size can be missing.
        let gained = statistics.performance.profit > 0.0 && statistics.performance.capital > 0.0;
        return (gained && statistics.period.days > 0.0).then(|| {
            format!("growth by the year is too large for a number, so cagr_pct and calmar are null: {doubt}")
        });
    };
    (cagr > CAGR_ABSURD_PCT).then(|| format!("growth of {cagr:.0} % a year: {doubt}"))
}

fn absurd_ratio(statistics: &Statistics) -> Option<String> {
    let sharpe = statistics.risk.sharpe.filter(|sharpe| *sharpe > SHARPE_ABSURD);
    let factor = statistics.trades.profit_factor;
    let factor =
        factor.filter(|factor| *factor > PROFIT_FACTOR_ABSURD && statistics.trades.trades >= TRADES_ENOUGH);
    match (sharpe, factor) {
        (Some(sharpe), _) => Some(format!("a Sharpe ratio of {sharpe:.1} is rare in real trading")),
        (None, Some(factor)) => Some(format!("a profit factor of {factor:.1} is rare in real trading")),
        (None, None) => None,
    }
}

fn sharpe_not_distinct(statistics: &Statistics) -> Option<String> {
    let (low, high) = statistics.risk.sharpe_low.zip(statistics.risk.sharpe_high)?;
    (low < 0.0 && high > 0.0).then(|| {
        format!("the Sharpe ratio is not distinct from zero: its 95 % interval is {low:.2} to {high:.2}")
    })
}

fn one_trade_made_it(statistics: &Statistics) -> Option<String> {
    let best = statistics.trades.best_profit?;
    let profit = statistics.trades.gross_profit + statistics.trades.gross_loss;
    (statistics.trades.trades > 1 && profit > 0.0 && best > profit / 2.0)
        .then(|| format!("the best trade made {:.0} % of the profit of closed trades", best / profit * 100.0))
}

fn ruined(statistics: &Statistics) -> Option<String> {
    (statistics.drawdown.max_drawdown_pct <= -100.0)
        .then(|| "equity fell to zero or below: a real account would have been closed there".to_owned())
}

fn open_at_end(statistics: &Statistics) -> Option<String> {
    let lots = statistics.trades.open_at_end;
    (lots > 0).then(|| {
        format!("{lots} lots still open at the end: in equity at their mark, in no figure about trades")
    })
}
