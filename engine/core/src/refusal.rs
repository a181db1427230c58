//! Why the risk gate refuses an intent.

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
    /// The venue takes no orders for the instrument now, and the order could enlarge a position.
    NotTrading,
    /// The venue has not said what is in the account since this process took it up.
    AccountUnread,
    /// The books of the account and its venue do not say the same, and nobody has accepted that.
    AccountDiffers,
    /// Nobody knows whether an order sent before, in the same instrument, has arrived.
    OrderUnanswered,
}
