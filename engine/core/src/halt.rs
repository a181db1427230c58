//! Why trading is halted and why positions are closed.

use crate::instrument::InstrumentId;
use crate::num::{Price, Qty};
use crate::order::OrderId;
use crate::refusal::Breach;

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
    /// A balance of the account at the venue. What came or went is not in the books.
    Balance,
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
