//! The columns of every table of a run.

use super::RunTable;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A moment, UTC.
    Moment,
    /// Words.
    Text,
    /// A price with the decimals of its instrument.
    Price,
    /// A quantity with the decimals of its instrument.
    Qty,
    /// An amount of the settlement currency.
    Money,
    /// A share as an exact number.
    Ratio,
    /// A double.
    Float,
    /// A whole number from zero.
    Count,
}

/// One column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub shape: Shape,
}

macro_rules! columns {
    ($($name:ident: $shape:ident),* $(,)?) => {
        &[$(Column { name: stringify!($name), shape: Shape::$shape }),*]
    };
}

const EQUITY: &[Column] = columns![
    time: Moment, equity: Money, cash: Money, gross_notional: Money, realised: Money, fees: Money,
];

const TRADES: &[Column] = columns![
    number: Count, instrument: Text, direction: Text, qty: Qty, entry_time: Moment, exit_time: Moment,
    entry_price: Price, exit_price: Price, profit: Money, fees: Money, return_pct: Float, mae_pct: Float,
    mfe_pct: Float, held_s: Float, entry_order: Count, exit_order: Count, entry_reason: Text, exit_reason: Text,
];

const FILLS: &[Column] = columns![
    time: Moment, venue_time: Moment, seq: Count, order: Count, trade: Text, instrument: Text, side: Text, qty: Qty,
    price: Price, notional: Money, fee: Money, liquidity: Text, decided_price: Price, reason: Text,
];

const ORDERS: &[Column] = columns![
    order: Count, parent: Count, instrument: Text, side: Text, kind: Text, qty: Qty, limit: Price, trigger: Price,
    distance: Ratio, tif: Text, good_till: Moment, posting: Text, reach: Text, decided_price: Price,
    submitted_at: Moment, accepted_at: Moment, ended_at: Moment, status: Text, filled_qty: Qty,
    filled_notional: Money, fees: Money, reason: Text, detail: Text,
];

const POSITIONS: &[Column] = columns![
    time: Moment, instrument: Text, qty: Qty, cost: Money, mark: Price, notional: Money, open_profit: Money,
    realised: Money, fees: Money, turnover: Money, fills: Count, equity: Money,
];

const REGIMES: &[Column] = columns![
    time: Moment, instrument: Text, from: Text, to: Text, raw: Text, confidence: Float, p_ranging: Float,
    p_trending: Float, p_volatile: Float, p_crisis: Float, run_length_bars: Count, volatility_ratio: Float,
    efficiency: Float, drift: Float,
];

const DECISIONS: &[Column] = columns![
    question: Count, instrument: Text, asked_at: Moment, answer_by: Moment, regime: Text, answered_at: Moment,
    outcome: Text, answered_by: Text, model: Text, degraded: Text, weights: Text, risk_scale: Ratio,
    confidence: Ratio, feature_set: Text, features: Text,
];

pub(super) const fn of(table: RunTable) -> &'static [Column] {
    match table {
        RunTable::Equity => EQUITY,
        RunTable::Trades => TRADES,
        RunTable::Fills => FILLS,
        RunTable::Orders => ORDERS,
        RunTable::Positions => POSITIONS,
        RunTable::Regimes => REGIMES,
        RunTable::Decisions => DECISIONS,
    }
}
