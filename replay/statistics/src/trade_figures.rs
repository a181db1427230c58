//! What the closed trades of a run come to.

use std::collections::BTreeMap;

use engine_core::instrument::Instrument;
use engine_core::market::Side;
use engine_core::num::Money;

use super::amount::money_f64;
use super::intervals::of_profits;
use super::round_trip::RoundTrip;
use super::series::{deviation, mean, quantile};
use super::trade_book::TradeBook;

/// Figures of the closed trades, all net of fees; `null` where one is not defined.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct TradeFigures {
    /// Closed trades: one for each lot portion closed.
    pub trades: u64,
    /// Lots still open at the end; in no other figure of this group.
    pub open_at_end: u64,
    /// Share of trades with a profit above zero, per cent.
    pub win_rate_pct: Option<f64>,
    /// Lower end of its 95 % interval, per cent.
    pub win_rate_low_pct: Option<f64>,
    /// Upper end of its 95 % interval, per cent.
    pub win_rate_high_pct: Option<f64>,
    /// Sum of the profits of winning trades.
    pub gross_profit: f64,
    /// Sum of the losses of losing trades, at most zero.
    pub gross_loss: f64,
    /// Gross profit over gross loss.
    pub profit_factor: Option<f64>,
    /// Lower end of its 95 % interval.
    pub profit_factor_low: Option<f64>,
    /// Upper end of its 95 % interval.
    pub profit_factor_high: Option<f64>,
    /// Mean profit of a trade.
    pub expectancy: Option<f64>,
    /// Mean return of a trade on its entry notional, per cent.
    pub average_trade_pct: Option<f64>,
    /// Median return of a trade on its entry notional, per cent.
    pub median_trade_pct: Option<f64>,
    /// Return of the best trade on its entry notional, per cent.
    pub best_trade_pct: Option<f64>,
    /// Return of the worst trade on its entry notional, per cent.
    pub worst_trade_pct: Option<f64>,
    /// Profit of the trade that earned most.
    pub best_profit: Option<f64>,
    /// Profit of the trade that lost most.
    pub worst_profit: Option<f64>,
    /// Mean profit of winning trades.
    pub average_win: Option<f64>,
    /// Mean loss of losing trades, at most zero.
    pub average_loss: Option<f64>,
    /// Average win over average loss.
    pub payoff: Option<f64>,
    /// System quality number.
    pub sqn: Option<f64>,
    /// Kelly fraction, per cent.
    pub kelly_pct: Option<f64>,
    /// Most winning trades in a row.
    pub wins_in_a_row: u64,
    /// Most losing trades in a row.
    pub losses_in_a_row: u64,
    /// Mean time between entry and exit, seconds.
    pub held_mean_s: Option<f64>,
    /// Median time between entry and exit, seconds.
    pub held_median_s: Option<f64>,
    /// Longest time between entry and exit, seconds.
    pub held_max_s: Option<f64>,
    /// Mean largest move against a trade, per cent of its entry price, at most zero.
    pub mae_mean_pct: Option<f64>,
    /// Mean largest move in favour of a trade, per cent of its entry price.
    pub mfe_mean_pct: Option<f64>,
    /// Long trades.
    pub long_trades: u64,
    /// Profit of the long trades.
    pub long_profit: f64,
    /// Share of long trades with a profit above zero, per cent.
    pub long_win_rate_pct: Option<f64>,
    /// Short trades.
    pub short_trades: u64,
    /// Profit of the short trades.
    pub short_profit: f64,
    /// Share of short trades with a profit above zero, per cent.
    pub short_win_rate_pct: Option<f64>,
}

/// The trades that ended for one reason.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct ExitReason {
    /// The reason as the order gave it.
    pub reason: String,
    /// How many trades ended for it.
    pub trades: u64,
    /// Their profit net of fees, in the settlement currency.
    pub profit: f64,
    /// Share of them with a profit above zero, per cent.
    pub win_rate_pct: Option<f64>,
}

/// Trades counted and their profit added up exactly; a sum that does not fit is not a number.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tally {
    pub(crate) trades: u64,
    pub(crate) wins: u64,
    pub(crate) losses: u64,
    won: Option<Money>,
    lost: Option<Money>,
}

impl Default for Tally {
    fn default() -> Self {
        Self { trades: 0, wins: 0, losses: 0, won: Some(Money::ZERO), lost: Some(Money::ZERO) }
    }
}

impl Tally {
    pub(crate) fn add(&mut self, profit: Money) {
        self.trades += 1;
        let units = profit.units();
        if units > 0 {
            self.wins += 1;
            self.won = self.won.and_then(|won| won.plus(profit));
        } else if units < 0 {
            self.losses += 1;
            self.lost = self.lost.and_then(|lost| lost.plus(profit));
        }
    }

    pub(crate) fn won(&self) -> f64 {
        self.won.map_or(f64::NAN, money_f64)
    }

    pub(crate) fn lost(&self) -> f64 {
        self.lost.map_or(f64::NAN, money_f64)
    }

    pub(crate) fn profit(&self) -> f64 {
        let profit = self.won.zip(self.lost).and_then(|(won, lost)| won.plus(lost));
        profit.map_or(f64::NAN, money_f64)
    }

    pub(crate) fn win_rate_pct(&self) -> Option<f64> {
        share(self.wins as f64, self.trades).map(|rate| rate * 100.0)
    }
}

fn share(part: f64, count: u64) -> Option<f64> {
    (count > 0).then(|| part / count as f64)
}

/// The longest run of wins and the longest run of losses; a trade of no profit ends both.
#[derive(Debug, Clone, Copy, Default)]
struct Streaks {
    wins: u64,
    losses: u64,
    wins_max: u64,
    losses_max: u64,
}

impl Streaks {
    fn add(&mut self, profit: Money) {
        self.wins = if profit.units() > 0 { self.wins + 1 } else { 0 };
        self.losses = if profit.units() < 0 { self.losses + 1 } else { 0 };
        self.wins_max = self.wins_max.max(self.wins);
        self.losses_max = self.losses_max.max(self.losses);
    }
}

#[derive(Debug, Default)]
struct Gathered {
    all: Tally,
    long: Tally,
    short: Tally,
    streaks: Streaks,
    profits: Vec<f64>,
    returns: Vec<f64>,
    held_s: Vec<f64>,
    adverse: Vec<f64>,
    favourable: Vec<f64>,
}

impl Gathered {
    fn add(&mut self, trade: &RoundTrip, rules: &Instrument) {
        let profit = trade.profit(rules);
        self.all.add(profit);
        match trade.side {
            Side::Buy => self.long.add(profit),
            Side::Sell => self.short.add(profit),
        }
        self.streaks.add(profit);
        self.profits.push(money_f64(profit));
        self.returns.push(trade.return_share(rules) * 100.0);
        self.held_s.push(trade.held().nanos() as f64 / 1e9);
        self.adverse.push(trade.adverse_excursion() * 100.0);
        self.favourable.push(trade.favourable_excursion() * 100.0);
    }
}

impl TradeFigures {
    /// The figures of every trade `book` has closed.
    #[must_use]
    pub fn of(book: &TradeBook) -> Self {
        let mut gathered = Gathered::default();
        for (trade, rules) in book.trades() {
            gathered.add(trade, rules);
        }
        gathered.returns.sort_by(f64::total_cmp);
        gathered.held_s.sort_by(f64::total_cmp);
        Self { open_at_end: open_lots(book), ..Self::from_gathered(&gathered) }
    }

    fn from_gathered(gathered: &Gathered) -> Self {
        let Gathered { all, long, short, returns, held_s, .. } = gathered;
        let average_win = share(all.won(), all.wins);
        let average_loss = share(all.lost(), all.losses);
        let payoff = average_win.zip(average_loss).map(|(win, loss)| win / -loss);
        let profit_factor = (all.losses > 0).then(|| all.won() / -all.lost());
        let [beside_factor, rate] = of_profits(&gathered.profits);
        let beside_factor = beside_factor.beside(profit_factor);
        let won_share = share(all.wins as f64, all.trades);
        Self {
            trades: all.trades,
            open_at_end: 0,
            win_rate_pct: all.win_rate_pct(),
            win_rate_low_pct: rate.low.map(|low| low * 100.0),
            win_rate_high_pct: rate.high.map(|high| high * 100.0),
            gross_profit: all.won(),
            gross_loss: all.lost(),
            profit_factor,
            profit_factor_low: beside_factor.low,
            profit_factor_high: beside_factor.high,
            expectancy: share(all.profit(), all.trades),
            average_trade_pct: mean(returns),
            median_trade_pct: quantile(returns, 0.5),
            best_trade_pct: returns.last().copied(),
            worst_trade_pct: returns.first().copied(),
            best_profit: gathered.profits.iter().copied().reduce(f64::max),
            worst_profit: gathered.profits.iter().copied().reduce(f64::min),
            average_win,
            average_loss,
            payoff,
            sqn: quality(&gathered.profits),
            kelly_pct: won_share.zip(payoff).map(|(won, payoff)| (won - (1.0 - won) / payoff) * 100.0),
            wins_in_a_row: gathered.streaks.wins_max,
            losses_in_a_row: gathered.streaks.losses_max,
            held_mean_s: mean(held_s),
            held_median_s: quantile(held_s, 0.5),
            held_max_s: held_s.last().copied(),
            mae_mean_pct: mean(&gathered.adverse),
            mfe_mean_pct: mean(&gathered.favourable),
            long_trades: long.trades,
            long_profit: long.profit(),
            long_win_rate_pct: long.win_rate_pct(),
            short_trades: short.trades,
            short_profit: short.profit(),
            short_win_rate_pct: short.win_rate_pct(),
        }
    }
}

/// Van Tharp's system quality number: `√n × mean profit / sample standard deviation of profit`.
fn quality(profits: &[f64]) -> Option<f64> {
    Some((profits.len() as f64).sqrt() * mean(profits)? / deviation(profits)?)
}

fn open_lots(book: &TradeBook) -> u64 {
    let ids = (0_u16..).take(book.instruments().len()).map(engine_core::instrument::InstrumentId::new);
    ids.map(|id| book.open(id).count() as u64).sum()
}

/// The trades of `book` by the reason they ended, most trades first, then by name.
#[must_use]
pub(crate) fn exit_reasons(book: &TradeBook) -> Vec<ExitReason> {
    let mut tallies: BTreeMap<&str, Tally> = BTreeMap::new();
    for (trade, rules) in book.trades() {
        let (_, exit) = book.reasons_of(trade);
        tallies.entry(exit).or_default().add(trade.profit(rules));
    }
    let row = |(reason, tally): (&str, Tally)| ExitReason {
        reason: reason.to_owned(),
        trades: tally.trades,
        profit: tally.profit(),
        win_rate_pct: tally.win_rate_pct(),
    };
    let mut rows: Vec<ExitReason> = tallies.into_iter().map(row).collect();
    rows.sort_by_key(|row| core::cmp::Reverse(row.trades));
    rows
}
