//! The original's published backtest: one regime a day, one specialist asked for its entry, nobody for an exit.
//!
//! The specialists never learn that they hold anything, so stop, target, exit threshold and longest hold are
//! never consulted; a position is closed only when the specialist of a later day says sell. Long only, a share
//! of *cash* an entry, and the last bar sells what is left.

use engine_core::indicator::Candle;
use engine_core::regime::{Regime, RegimeDetector as _};

use crate::detector::{LegacyDetector, WINDOW_BARS};
use crate::indicators::{mean_of_last, returns};
use crate::specialist::Target;
use crate::specialist::{Genome, Specialists};

/// Capital of the published run.
pub const CAPITAL: f64 = 10_000.0;

/// Bars that are needed for one decision: a full window, and one bar more.
pub const BARS_MIN: usize = WINDOW_BARS + 1;

/// What the ensemble wants after a bar.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Decision {
    /// The regime detected.
    pub regime: Regime,
    /// The regime whose specialist was asked: volatile for crisis.
    pub specialist: Regime,
    /// What it was told: the mean of the last five daily returns, whoever it was.
    pub prediction: f64,
    /// What it answered; `None` for nothing.
    pub answer: Option<(Target, f64)>,
}

/// Decides bar by bar, as the original's ensemble does.
#[derive(Debug, Clone)]
pub struct Decider {
    specialists: Specialists,
    detector: LegacyDetector,
    seen: usize,
}

impl Decider {
    /// A decider with these specialists that has seen nothing.
    #[must_use]
    pub fn new(specialists: Specialists) -> Self {
        Self { specialists, detector: LegacyDetector::default(), seen: 0 }
    }

    /// Learns one closed bar; the first decision comes with bar [`BARS_MIN`].
    pub fn learn(&mut self, bar: &Candle) -> Option<Decision> {
        let regime = self.detector.judge(bar).regime;
        self.seen += 1;
        if self.seen < BARS_MIN {
            return None;
        }
        let (specialist, genome) = self.serving(regime);
        let recent: Vec<Candle> = self.detector.window().iter().rev().take(14).rev().copied().collect();
        let ranges: Vec<f64> = recent.iter().map(|bar| bar.high - bar.low).collect();
        let range = mean_of_last(&ranges, 14).unwrap_or(f64::NAN);
        let momentum = mean_of_last(&returns(&recent), 5).unwrap_or(f64::NAN);
        let prediction = if momentum.is_nan() { 0.0 } else { momentum };
        let answer = genome.entry(prediction, bar.close, range, momentum);
        Some(Decision { regime, specialist, prediction, answer })
    }

    /// Forgets everything: the next decision needs [`BARS_MIN`] bars again.
    pub fn forget(&mut self) {
        self.detector.forget();
        self.seen = 0;
    }

    fn serving(&self, regime: Regime) -> (Regime, Genome) {
        match regime {
            Regime::Ranging => (regime, self.specialists.ranging),
            Regime::Trending => (regime, self.specialists.trending),
            Regime::Volatile | Regime::Crisis => (Regime::Volatile, self.specialists.volatile),
        }
    }
}

/// At which price a decision is filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fill {
    /// At the close it was made at, as published; nobody can.
    SameClose,
    /// At the open of the next bar.
    NextOpen,
}

/// Where a trade is filled and what it costs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Terms {
    /// At which price.
    pub fill: Fill,
    /// Fee on notional and proceeds, as a fraction.
    pub fee: f64,
    /// How much worse than the price a trade fills, as a fraction of it.
    pub slippage: f64,
}

/// As published: at the close, for nothing.
pub const FREE: Terms = Terms { fill: Fill::SameClose, fee: 0.0, slippage: 0.0 };

/// One day of the backtest, after its trades.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Day {
    /// Which bar of the history it is, counted from zero.
    pub bar: usize,
    /// What was decided at its close.
    pub decision: Decision,
    /// Cash and position at its close.
    pub equity: f64,
    /// Quantity held; on the last day, before the forced sale.
    pub qty: f64,
}

/// A closed position.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trade {
    /// Regime on the day it was decided.
    pub regime: Regime,
    /// The specialist that decided it.
    pub specialist: Regime,
    /// Share of cash.
    pub size: f64,
    /// Bar of the entry's fill.
    pub entry_bar: usize,
    /// Price paid, slippage included.
    pub entry_price: f64,
    /// Quantity.
    pub qty: f64,
    /// Cash left after the entry.
    pub cash_after_entry: f64,
    /// Regime and specialist that decided the exit; `None` for the forced sale on the last bar.
    pub exit: Option<(Regime, Regime)>,
    /// Bar of the exit's fill.
    pub exit_bar: usize,
    /// Price received, slippage included.
    pub exit_price: f64,
    /// Profit after fees.
    pub profit: f64,
    /// Cash after the exit.
    pub cash_after_exit: f64,
}

/// A whole backtest.
#[derive(Debug, Clone, PartialEq)]
pub struct EnsembleRun {
    /// Every decision day, in order.
    pub days: Vec<Day>,
    /// Every closed position, in order.
    pub trades: Vec<Trade>,
    /// Cash after the forced sale.
    pub final_capital: f64,
    /// Fees and slippage paid.
    pub total_cost: f64,
}

/// A position as it is entered.
#[derive(Debug, Clone, Copy)]
struct Entry {
    decision: Decision,
    size: f64,
    bar: usize,
    price: f64,
    qty: f64,
    notional: f64,
    fee: f64,
    cash_after: f64,
}

struct Book {
    terms: Terms,
    cash: f64,
    open: Option<Entry>,
    trades: Vec<Trade>,
    cost: f64,
}

impl Book {
    fn qty(&self) -> f64 {
        self.open.map_or(0.0, |entry| entry.qty)
    }

    /// Does at `price` of bar `bar` what `decision` asks for.
    fn follow(&mut self, decision: &Decision, bar: usize, price: f64) {
        match (decision.answer, self.open) {
            (Some((Target::Long, size)), None) => self.enter(decision, size, bar, price),
            (Some((Target::Short, _)), Some(entry)) => {
                self.leave(&entry, Some((decision.regime, decision.specialist)), bar, price);
            }
            (Some((Target::Long | Target::Flat | Target::Short, _)) | None, _) => {}
        }
    }

    fn enter(&mut self, decision: &Decision, size: f64, bar: usize, reference: f64) {
        let price = reference * (1.0 + self.terms.slippage);
        let notional = self.cash * size;
        let qty = notional / price;
        let fee = notional * self.terms.fee;
        self.cash -= notional + fee;
        self.cost += fee + qty * (price - reference);
        let cash_after = self.cash;
        self.open = Some(Entry { decision: *decision, size, bar, price, qty, notional, fee, cash_after });
    }

    fn leave(&mut self, entry: &Entry, exit: Option<(Regime, Regime)>, bar: usize, reference: f64) {
        let price = reference * (1.0 - self.terms.slippage);
        let proceeds = entry.qty * price;
        let fee = proceeds * self.terms.fee;
        self.cash += proceeds - fee;
        self.cost += fee + entry.qty * (reference - price);
        self.open = None;
        self.trades.push(Trade {
            regime: entry.decision.regime,
            specialist: entry.decision.specialist,
            size: entry.size,
            entry_bar: entry.bar,
            entry_price: entry.price,
            qty: entry.qty,
            cash_after_entry: entry.cash_after,
            exit,
            exit_bar: bar,
            exit_price: price,
            profit: proceeds - fee - entry.notional - entry.fee,
            cash_after_exit: self.cash,
        });
    }
}

/// Every decision of `specialists` over `history`; `None` for the bars before the first.
#[must_use]
pub fn decisions(history: &[Candle], specialists: &Specialists) -> Vec<Option<Decision>> {
    let mut decider = Decider::new(*specialists);
    history.iter().map(|bar| decider.learn(bar)).collect()
}

/// The published backtest of `decisions` over `history`, on `terms`. Empty for fewer than [`BARS_MIN`] bars.
#[must_use]
pub fn backtest(history: &[Candle], decisions: &[Option<Decision>], terms: Terms) -> EnsembleRun {
    let mut book = Book { terms, cash: CAPITAL, open: None, trades: Vec::new(), cost: 0.0 };
    let mut days = Vec::with_capacity(history.len());
    let mut waiting: Option<Decision> = None;
    for (bar, (candle, decision)) in history.iter().zip(decisions).enumerate() {
        let Some(decision) = decision else { continue };
        if let Some(due) = waiting.take() {
            book.follow(&due, bar, candle.open);
        }
        match terms.fill {
            Fill::SameClose => book.follow(decision, bar, candle.close),
            Fill::NextOpen => waiting = Some(*decision),
        }
        let qty = book.qty();
        days.push(Day { bar, decision: *decision, equity: book.cash + qty * candle.close, qty });
    }
    if let (Some(entry), Some(last)) = (book.open, history.last()) {
        book.leave(&entry, None, history.len() - 1, last.close);
    }
    EnsembleRun { days, trades: book.trades, final_capital: book.cash, total_cost: book.cost }
}

engine_core::learned!(Decider { settings: [specialists], counts: [seen], parts: [detector] });

#[cfg(test)]
mod tests {
    use super::*;
    use crate::specialist::PUBLISHED;

    /// Calm days, then wild swings upward, then a calm fall.
    fn market() -> Vec<Candle> {
        let close = |at: u32| {
            let swing = if at.is_multiple_of(2) { 1.0 } else { 1.08 };
            let wild = if at > 60 && at < 90 { swing } else { 1.0 };
            (100.0 + f64::from(at)) * wild
        };
        let bar = |at: u32| Candle { high: close(at) * 1.01, low: close(at) * 0.99, ..Candle::at(close(at)) };
        (0..200).map(bar).collect()
    }

    #[test]
    fn what_is_left_is_sold_on_the_last_bar_and_cash_is_what_was_earned() {
        let market = market();
        let run = backtest(&market, &decisions(&market, &PUBLISHED), FREE);
        assert_eq!(run.days.len(), market.len() - WINDOW_BARS);
        assert!(!run.trades.is_empty());
        let profit: f64 = run.trades.iter().map(|trade| trade.profit).sum();
        assert!((run.final_capital - CAPITAL - profit).abs() < 1e-9);
        let last = run.days.last().unwrap();
        assert!((last.equity - run.final_capital).abs() < 1e-9, "the forced sale is at the close");
        assert!(run.total_cost.abs() < 1e-15);
    }

    #[test]
    fn costs_lower_the_result_by_what_was_paid() {
        let market = market();
        let decided = decisions(&market, &PUBLISHED);
        let dear = Terms { fee: 0.001, slippage: 0.0005, ..FREE };
        let (free, dear) = (backtest(&market, &decided, FREE), backtest(&market, &decided, dear));
        assert_eq!(free.trades.len(), dear.trades.len());
        assert!(dear.total_cost > 0.0 && dear.final_capital < free.final_capital);
    }

    #[test]
    fn too_few_bars_decide_nothing() {
        let short = &market()[..BARS_MIN - 1];
        assert!(decisions(short, &PUBLISHED).iter().all(Option::is_none));
        let run = backtest(short, &decisions(short, &PUBLISHED), FREE);
        assert!(run.days.is_empty() && run.trades.is_empty());
        assert!((run.final_capital - CAPITAL).abs() < 1e-15);
        let mut decider = Decider::new(PUBLISHED);
        let decided = market().iter().filter_map(|bar| decider.learn(bar)).count();
        assert_eq!(decided, 140);
        decider.forget();
        assert_eq!(decider.learn(&market()[0]), None);
    }
}
