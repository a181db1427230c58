//! Why an order or a cancel was not accepted.

/// A rule of a market that an order broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// The price is not on the grid, or out of bounds.
    Price,
    /// The quantity is not on the grid, or out of bounds.
    Lot,
    /// Price × quantity is too little or too much.
    Notional,
    /// Too many open orders in the market.
    Orders,
    /// Too many orders that wait for a trigger.
    Triggers,
}

/// Why the venue did not do what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Rule(Rule),
    /// The account has too little.
    Balance,
    /// An open order has the client's name for it already.
    Duplicate,
    /// It was only to rest, and would take.
    WouldTake,
    /// Its trigger is behind the market already.
    WouldWake,
    /// The market takes no orders now.
    Closed,
    /// There is no such open order.
    Unknown,
    /// The order is not in the state that the cancel asked for.
    Restricted,
}
