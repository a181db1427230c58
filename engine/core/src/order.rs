//! Orders and their life: what may follow what, in one table.

use crate::fill::TradeId;
use crate::instrument::InstrumentId;
use crate::market::Side;
use crate::num::{Money, Price, Qty, Ratio};
use crate::time::Timestamp;

/// The number of an order within its run: 1, 2, 3 …; also the client id sent to a venue.
#[derive(
    serde::Serialize, serde::Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash,
)]
#[serde(transparent)]
pub struct OrderId(u64);

impl OrderId {
    /// Order number `number`.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }

    /// The order after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// At what price an order trades.
#[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[serde(rename_all = "snake_case")]
pub enum OrderKind {
    /// At the best price there is.
    Market,
    /// At this price or better.
    Limit(Price),
    /// As a market order once the market touches the trigger.
    StopMarket(Price),
    /// As a limit order once the market touches the trigger.
    StopLimit(StopLimit),
    /// As a market order once the market comes back by this share from its best price since acceptance.
    TrailingStop(Ratio),
}

/// The two prices of a stop-limit order.
#[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StopLimit {
    /// The price that wakes it.
    pub trigger: Price,
    /// The worst price it then accepts.
    pub limit: Price,
}

/// How long an order works.
#[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[serde(rename_all = "snake_case")]
pub enum TimeInForce {
    /// Until cancelled.
    #[default]
    Gtc,
    /// What can be filled at once; the rest expires.
    Ioc,
    /// All at once or nothing.
    Fok,
    /// Until this moment.
    Gtd(Timestamp),
}

/// Whether an order may take liquidity.
#[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[serde(rename_all = "snake_case")]
pub enum Posting {
    /// It may.
    #[default]
    Any,
    /// It is rejected if it would.
    PostOnly,
}

/// Whether an order may enlarge a position.
#[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// It may open, enlarge or close.
    #[default]
    Any,
    /// It may only bring the position nearer to nothing.
    ReduceOnly,
}

/// The protecting stop of a bracket. On record and in fingerprints the first two are what an optional price is, which they
/// once were.
#[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[serde(rename_all = "snake_case")]
pub enum BracketStop {
    /// There is none.
    #[default]
    None,
    /// It stays at this trigger.
    At(Price),
    /// It follows the best price since the entry opened, so large a share of that price behind it.
    Trailing(Ratio),
}

impl BracketStop {
    /// Whether there is a stop.
    #[must_use]
    pub const fn is_some(self) -> bool {
        !matches!(self, Self::None)
    }

    /// The trigger of one that stays where it is.
    #[must_use]
    pub const fn price(self) -> Option<Price> {
        match self {
            Self::At(price) => Some(price),
            Self::None | Self::Trailing(_) => None,
        }
    }
}

impl From<Option<Price>> for BracketStop {
    fn from(price: Option<Price>) -> Self {
        price.map_or(Self::None, Self::At)
    }
}

/// Exits that come alive when their parent order fills; when one fills, the other is cancelled.
#[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Bracket {
    /// The protecting stop.
    pub stop_loss: BracketStop,
    /// Price of the profit-taking limit.
    pub take_profit: Option<Price>,
}

/// An approved order as it is sent to a venue.
#[derive(serde::Serialize, serde::Deserialize, Clone, Debug, PartialEq, Eq, Hash)]
pub struct Order {
    /// Its number.
    pub id: OrderId,
    /// What is traded.
    pub instrument: InstrumentId,
    /// Buy or sell.
    pub side: Side,
    /// How much, always positive.
    pub qty: Qty,
    /// At what price.
    pub kind: OrderKind,
    /// How long it works.
    pub tif: TimeInForce,
    /// Whether it may take liquidity.
    pub posting: Posting,
    /// Whether it may enlarge the position.
    pub reach: Reach,
    /// Exits to place when it fills.
    pub bracket: Option<Bracket>,
    /// The entry this order protects, for the legs of a bracket.
    pub parent: Option<OrderId>,
    /// The leg to cancel when this one fills.
    pub sibling: Option<OrderId>,
    /// The price it was meant to trade at: its limit or trigger, else the mark when it was made. Slippage is
    /// measured from here.
    pub decided_price: Price,
}

/// Where an order stands.
#[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Recorded and sent; the venue has not answered.
    Submitted,
    /// Working at the venue.
    Accepted,
    /// A stop whose trigger was touched, now working.
    Triggered,
    /// Working, part of it filled.
    PartiallyFilled,
    /// A cancel was sent; fills may still come.
    CancelPending,
    /// Done in full.
    Filled,
    /// Ended by a cancel.
    Cancelled,
    /// Refused by the venue.
    Rejected,
    /// Ended by its time in force.
    Expired,
}

/// What can happen to an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// The venue took it.
    Accept,
    /// The venue refused it.
    Reject,
    /// Its trigger was touched.
    Trigger,
    /// Part of what was left traded.
    FillPart,
    /// All that was left traded.
    FillRest,
    /// We asked for its end.
    RequestCancel,
    /// The venue ended it on request, or because its sibling filled.
    Cancel,
    /// Its time in force ended it.
    Expire,
}

impl Status {
    /// Every status, for tables and tests.
    pub const ALL: [Self; 9] = [
        Self::Submitted,
        Self::Accepted,
        Self::Triggered,
        Self::PartiallyFilled,
        Self::CancelPending,
        Self::Filled,
        Self::Cancelled,
        Self::Rejected,
        Self::Expired,
    ];

    /// Whether nothing can follow.
    #[must_use]
    pub const fn is_final(self) -> bool {
        match self {
            Self::Filled | Self::Cancelled | Self::Rejected | Self::Expired => true,
            Self::Submitted
            | Self::Accepted
            | Self::Triggered
            | Self::PartiallyFilled
            | Self::CancelPending => false,
        }
    }

    /// The status after `change`, or `None` when that cannot happen to an order in this one.
    ///
    /// A venue may answer with a fill before it confirms the order, and a fill may cross a cancel on the way. A cancel
    /// that could not be sent is asked for again.
    #[must_use]
    pub const fn after(self, change: Change) -> Option<Self> {
        use Change as C;
        use Status as S;
        match (self, change) {
            (S::Submitted, C::Accept) => Some(S::Accepted),
            (S::Submitted, C::Reject) => Some(S::Rejected),
            (S::Submitted | S::Accepted, C::Trigger) => Some(S::Triggered),
            (S::Submitted | S::Accepted | S::Triggered | S::PartiallyFilled, C::FillPart) => {
                Some(S::PartiallyFilled)
            }
            (
                S::Submitted | S::Accepted | S::Triggered | S::PartiallyFilled | S::CancelPending,
                C::FillRest,
            ) => Some(S::Filled),
            (S::Submitted | S::Accepted | S::Triggered | S::PartiallyFilled, C::RequestCancel)
            | (S::CancelPending, C::Accept | C::Trigger | C::FillPart | C::RequestCancel) => {
                Some(S::CancelPending)
            }
            (
                S::Submitted | S::Accepted | S::Triggered | S::PartiallyFilled | S::CancelPending,
                C::Cancel,
            ) => Some(S::Cancelled),
            (
                S::Submitted | S::Accepted | S::Triggered | S::PartiallyFilled | S::CancelPending,
                C::Expire,
            ) => Some(S::Expired),
            (S::CancelPending, C::Reject) => Some(S::Rejected),
            (S::Accepted | S::Triggered | S::PartiallyFilled, C::Accept | C::Reject)
            | (S::Triggered | S::PartiallyFilled, C::Trigger)
            | (
                S::Filled | S::Cancelled | S::Rejected | S::Expired,
                C::Accept
                | C::Reject
                | C::Trigger
                | C::FillPart
                | C::FillRest
                | C::RequestCancel
                | C::Cancel
                | C::Expire,
            ) => None,
        }
    }
}

/// An order with what has happened to it so far.
#[derive(serde::Serialize, serde::Deserialize, Clone, Debug, PartialEq, Eq, Hash)]
pub struct OpenOrder {
    /// As it was sent.
    pub order: Order,
    /// Where it stands.
    pub status: Status,
    /// How much of it has traded.
    pub filled: Qty,
    /// Fees paid on it so far.
    pub fees: Money,
    /// When it was submitted.
    pub submitted_at: Timestamp,
    /// The trades booked on it, in the order of their names.
    pub trades: Vec<TradeId>,
    /// The whole quantity last asked for, until the venue has confirmed it.
    pub amended_to: Option<Qty>,
    /// Whether one order of its family has filled and ends it: the sibling of a leg, the entry of an exit.
    pub is_superseded: bool,
}

impl OpenOrder {
    /// What has not traded yet.
    #[must_use]
    pub fn remaining(&self) -> Qty {
        // The fold takes no fill beyond the order, so the difference is there.
        self.order.qty.minus(self.filled).unwrap_or_default()
    }

    /// What it is to trade in all, once the venue has done what was asked.
    #[must_use]
    pub fn wanted(&self) -> Qty {
        self.amended_to.unwrap_or(self.order.qty)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHANGES: [Change; 8] = [
        Change::Accept,
        Change::Reject,
        Change::Trigger,
        Change::FillPart,
        Change::FillRest,
        Change::RequestCancel,
        Change::Cancel,
        Change::Expire,
    ];

    #[test]
    fn nothing_follows_a_final_status_and_something_follows_every_other() {
        for status in Status::ALL {
            let ways_on = CHANGES.iter().filter(|change| status.after(**change).is_some()).count();
            assert_eq!(ways_on == 0, status.is_final(), "{status:?}");
        }
    }

    #[test]
    fn no_way_leads_back_to_submitted_and_a_fill_of_the_rest_always_ends() {
        for status in Status::ALL {
            for change in CHANGES {
                assert_ne!(status.after(change), Some(Status::Submitted));
            }
            assert_eq!(status.after(Change::FillRest).is_some(), !status.is_final());
        }
    }
}
