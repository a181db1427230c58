//! Limits on exposure: what they are, the gate, and why it refuses.

use crate::num::{Money, Qty, Ratio};

mod account;
mod gate;
mod valuation;

pub use gate::{Approved, RiskGate};

/// Whether positions may be borrowed for.
#[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[serde(rename_all = "snake_case")]
pub enum Account {
    /// No: at the mark an order is judged at, with its costs, cash stays at or above zero, and nothing is sold
    /// that is not held.
    Cash,
    /// Yes: shorts are allowed and exposure is bounded by leverage.
    #[default]
    Margin,
}

/// What happens to positions when the drawdown limit halts trading.
#[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[serde(rename_all = "snake_case")]
pub enum HaltAction {
    /// They are closed at the market.
    #[default]
    Flatten,
    /// They stay; only orders that reduce them pass.
    Hold,
}

/// Limits of one run. Every limit holds for the worst case: what is held plus all that could still fill.
#[derive(serde::Serialize, serde::Deserialize, Clone, Debug, PartialEq, Eq, Hash)]
pub struct RiskLimits {
    /// Whether shorts and borrowing are allowed.
    pub account: Account,
    /// Largest quantity of one order; `None` for no limit.
    pub order_qty_max: Option<Qty>,
    /// Largest notional of one order; `None` for no limit.
    pub order_notional_max: Option<Money>,
    /// Largest notional of the position in one instrument; `None` for no limit.
    pub position_notional_max: Option<Money>,
    /// Largest gross exposure as a share of equity.
    pub leverage_max: Ratio,
    /// Farthest a limit price may lie from the mark, as a share of the mark.
    pub price_collar: Ratio,
    /// Most working orders at once.
    pub open_orders_max: u32,
    /// Most orders within any minute.
    pub orders_per_minute_max: u32,
    /// Fall from the equity peak that halts trading.
    pub drawdown_max: Ratio,
    /// What a drawdown halt does with positions.
    pub halt_action: HaltAction,
    /// What the gate sets aside on top of the mark for an order that takes liquidity: fee and price concession.
    pub taker_cost: Ratio,
}

impl Default for RiskLimits {
    fn default() -> Self {
        Self {
            account: Account::Margin,
            order_qty_max: None,
            order_notional_max: None,
            position_notional_max: None,
            leverage_max: Ratio::ONE,
            price_collar: Ratio::from_units(100_000_000),
            open_orders_max: 100,
            orders_per_minute_max: 60,
            drawdown_max: Ratio::from_units(200_000_000),
            halt_action: HaltAction::Flatten,
            taker_cost: Ratio::ZERO,
        }
    }
}
