//! The house's law on exposure: limits, the gate, and why it refuses.

use crate::instrument::InstrumentId;
use crate::num::{Money, Price, Qty, Ratio};
use crate::order::OrderId;

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

/// A limit and what was observed against it, both in the smallest unit of their kind.
#[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Breach {
    /// What was allowed.
    pub limit: i128,
    /// What it would have been.
    pub observed: i128,
}

/// Why the gate refused an intent.
#[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// Trading is halted and the order would not reduce a position.
    Halted,
    /// The run has no such instrument.
    UnknownInstrument,
    /// The order to cancel is not working.
    UnknownOrder,
    /// No price is known yet.
    NoMarket,
    /// The instrument's feed is broken or gone, and the order could enlarge a position.
    FeedDown,
    /// A price is not positive.
    PriceNotPositive,
    /// The size comes to less than one lot.
    BelowLot,
    /// The notional is below the instrument's minimum.
    NotionalTooSmall(Breach),
    /// The quantity is above the limit for one order.
    OrderQty(Breach),
    /// The notional is above the limit for one order.
    OrderNotional(Breach),
    /// The limit price lies too far from the mark.
    PriceCollar(Breach),
    /// The position could become larger than allowed.
    Position(Breach),
    /// Gross exposure could become larger than allowed.
    Exposure(Breach),
    /// Cash could fall below zero.
    Balance(Breach),
    /// More would be sold than is held, in a cash account.
    ShortSale(Breach),
    /// A reduce-only order finds nothing to reduce.
    NothingToReduce,
    /// Too many orders are working.
    OpenOrders(Breach),
    /// Too many orders within a minute.
    OrderRate(Breach),
    /// A price does not fit in 64 bits, or an amount in 128.
    Overflow,
    /// The conductor has taken all risk away from the market, and the order could enlarge its position or turn it.
    NoRiskLeft,
    /// The position of the instrument is being closed: the order could open it again, or the cancel would end the
    /// close.
    FlatWanted,
    /// The open it waited for came too late; both in nanoseconds.
    WaitedTooLong(Breach),
}

/// Why trading was halted.
#[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[serde(rename_all = "snake_case")]
pub enum HaltReason {
    /// Equity fell too far from its peak; limit and observation are equity levels in money units.
    Drawdown(Breach),
    /// An operator said so.
    Operator,
    /// A venue reported something that cannot happen to this order.
    ImpossibleReport(OrderId),
    /// An amount does not fit in 128 bits. The state stands as it was before; this reason stays until trading is
    /// resumed, whatever else halts.
    AmountTooLarge(TooLarge),
}

/// An amount that does not fit in 128 bits: 1.7 × 10²⁰ of the settlement currency, 1.7 × 10³⁸ smallest units of a
/// quantity.
#[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[serde(rename_all = "snake_case")]
pub enum TooLarge {
    /// What a position is worth at the price its market moved to, or equity with it.
    Position {
        /// Of what.
        instrument: InstrumentId,
        /// Where its market stands.
        mark: Price,
    },
    /// What a fill makes of the position, the books or equity. It is not booked.
    Fill {
        /// Of which order.
        order: OrderId,
        /// At what price.
        price: Price,
        /// How much.
        qty: Qty,
    },
    /// The volume of a forming bar. The trade is not in it.
    BarVolume {
        /// Whose bar.
        instrument: InstrumentId,
        /// The quantity of the trade.
        qty: Qty,
    },
}

/// Why every position is to be closed.
#[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[serde(rename_all = "snake_case")]
pub enum FlatReason {
    /// Equity fell to the drawdown limit.
    Drawdown,
    /// An operator, or the plan of a backtest, asked.
    Operator,
}

impl FlatReason {
    /// The reason in words, as orders and cancels carry it.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Drawdown => "drawdown limit reached",
            Self::Operator => "operator asked to flatten",
        }
    }
}
