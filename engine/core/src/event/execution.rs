//! What venues report of our orders.

use crate::num::{Money, Price, Qty};
use crate::order::OrderId;
use crate::time::Timestamp;

recorded! {
    /// A venue's report on one order.
    #[derive(Copy)]
    struct ExecutionReport {
        /// Which order.
        pub order: OrderId,
        /// When the venue says it happened.
        pub venue_at: Timestamp,
        /// What happened.
        pub execution: Execution,
    }
}

recorded! {
    /// What a venue did with an order.
    #[derive(Copy)]
    enum Execution {
        /// It works.
        Accepted,
        /// It was refused.
        Rejected(RejectReason),
        /// Its trigger was touched.
        Triggered,
        /// Some or all of it traded.
        Filled(Fill),
        /// It was ended on request or because its sibling filled.
        Cancelled,
        /// Its time in force ended it.
        Expired,
        /// It works on with this whole quantity, what has traded of it included.
        Amended(Qty),
    }
}

/// A venue's own name of a trade: its number, or 16 bytes of the hash of its text where it uses texts.
///
/// A venue may tell the same trade twice, after a lost connection for one; by its name it is booked once.
#[derive(
    serde::Serialize, serde::Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash,
)]
#[serde(transparent)]
pub struct TradeId(u128);

impl TradeId {
    /// The trade that the venue calls `number`.
    #[must_use]
    pub const fn new(number: u128) -> Self {
        Self(number)
    }

    /// What the venue calls it.
    #[must_use]
    pub const fn number(self) -> u128 {
        self.0
    }
}

recorded! {
    /// One trade of ours.
    #[derive(Copy)]
    struct Fill {
        /// The venue's name of it, never given twice to an order.
        pub trade: TradeId,
        /// At what price.
        pub price: Price,
        /// How much, always positive.
        pub qty: Qty,
        /// Fee charged in the settlement currency; negative is a rebate.
        pub fee: Money,
        /// Whether we made or took liquidity.
        pub liquidity: Liquidity,
    }
}

recorded! {
    /// Which side of a trade waited.
    #[derive(Copy)]
    enum Liquidity {
        /// We waited.
        Maker,
        /// We took.
        Taker,
    }
}

recorded! {
    /// Why a venue refused an order. The simulated venue lets a reduce-only order without a position expire and
    /// fills a stop whose trigger is passed; real venues refuse both.
    #[derive(Copy)]
    enum RejectReason {
        /// A post-only order would have taken liquidity.
        WouldTake,
        /// There is no price to fill a market order at.
        NoLiquidity,
        /// A reduce-only order found nothing to reduce.
        NothingToReduce,
        /// The stop's trigger was already passed.
        TriggerPassed,
        /// The venue does not know the instrument.
        UnknownInstrument,
        /// The price or an amount of its fill does not fit.
        OutOfRange,
        /// It could not be handed over to the venue.
        NotSent,
    }
}
