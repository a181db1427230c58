//! What venues report of our orders.

use crate::fill::Fill;
use crate::num::Qty;
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
        /// The venue takes no such order for the instrument now.
        NotTrading,
        /// The account does not hold what it would cost.
        NoBalance,
        /// A reason of the venue's own, which it has explained in words before.
        Other,
    }
}
