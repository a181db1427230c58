//! What a venue says about orders and an account, in words that all venues share.
//!
//! Symbols and assets are spelled as the venue spells them, numbers keep the digits it wrote, ids are texts. What shows that
//! nothing was left out, such as the quantity filled so far beside that of one fill, is part of the messages.

use engine_core::fill::Liquidity;
use engine_core::market::Side;
use engine_core::num::Decimal;
use engine_core::time::Timestamp;

/// One thing a venue says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccountMessage {
    /// How an order stands.
    Order(Box<OrderReport>),
    /// A trade of ours, told apart from the state of its order.
    Fill(FillReport),
    /// What the account holds of some assets, which have just changed.
    BalanceChange(BalanceChange),
    /// What the account holds, all of it.
    Snapshot(AccountSnapshot),
    /// Something came into the account or left it otherwise than by a trade.
    Transfer(Transfer),
    /// Orders that belong together, all or in part.
    OrderList(OrderListReport),
    /// What the key may do.
    Permissions(Permissions),
    /// The connection speaks for an account from now on.
    LoggedOn {
        /// The venue's time.
        venue_at: Option<Timestamp>,
    },
    /// What happens to the account is told on this connection from now on.
    Subscribed {
        /// The venue's name of it: a number or a channel.
        subscription: String,
    },
    /// The orders told before this are those that work, as a new subscriber is told.
    OrdersListed {
        /// Whether all have been told.
        is_complete: bool,
    },
    /// What happens to the account is told here no longer.
    SessionEnded {
        /// The venue's words, where it has any.
        reason: String,
        /// When it said so.
        venue_at: Option<Timestamp>,
    },
    /// The venue will end this connection.
    ServerShutdown {
        /// When it said so.
        venue_at: Option<Timestamp>,
    },
    /// The number of this message on its channel or connection.
    Sequence {
        /// One more with each.
        number: u64,
    },
    /// The venue is alive.
    Heartbeat,
    /// Something this program does not know; counted by its kind and passed over.
    Unknown {
        /// The venue's name of it.
        kind: String,
    },
}

impl AccountMessage {
    /// How an order stands, if it says that.
    #[must_use]
    pub fn as_order(&self) -> Option<&OrderReport> {
        if let Self::Order(report) = self { Some(report) } else { None }
    }

    /// A trade of ours, if it tells one.
    #[must_use]
    pub const fn as_fill(&self) -> Option<&FillReport> {
        if let Self::Fill(fill) = self { Some(fill) } else { None }
    }

    /// What the account holds, if it says all of it.
    #[must_use]
    pub const fn as_snapshot(&self) -> Option<&AccountSnapshot> {
        if let Self::Snapshot(snapshot) = self { Some(snapshot) } else { None }
    }
}

/// Where an order stands, as the venue says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderStatus {
    /// The venue has it; that it works is not said yet.
    Pending,
    /// It works, and nothing of it has traded.
    Working,
    /// Part of it has traded.
    PartiallyFilled,
    /// Its end was asked for, and it may still trade.
    CancelPending,
    /// All of it has traded.
    Filled,
    /// It was ended on request.
    Cancelled,
    /// It was refused.
    Rejected,
    /// It ended by its own conditions or by those of the venue.
    Expired,
    /// A word that this program does not know: ask again, and take nothing as ended.
    Unknown,
}

impl OrderStatus {
    /// Whether nothing can follow.
    #[must_use]
    pub const fn is_final(self) -> bool {
        match self {
            Self::Filled | Self::Cancelled | Self::Rejected | Self::Expired => true,
            Self::Pending | Self::Working | Self::PartiallyFilled | Self::CancelPending | Self::Unknown => {
                false
            }
        }
    }
}

/// How an order stands; what a venue does not say in this message is absent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderReport {
    /// The order's own client id, also where a cancel with an id of its own is told.
    pub client_id: Option<String>,
    /// The venue's id of it.
    pub order_id: String,
    /// What it trades.
    pub symbol: Option<String>,
    /// Buy or sell.
    pub side: Option<Side>,
    /// Where it stands.
    pub status: OrderStatus,
    /// The venue's word for where it stands.
    pub status_word: String,
    /// How much it is to trade.
    pub qty: Option<Decimal>,
    /// The worst price at which it trades, or the trigger of one that has no other; absent for a market order.
    pub limit: Option<Decimal>,
    /// How much of it has traded so far, this fill included.
    pub filled_qty: Option<Decimal>,
    /// For how much of the quote currency it has traded so far; with the quantity it gives the average price.
    pub filled_quote: Option<Decimal>,
    /// The average price of what has traded so far, where the venue says it.
    pub average_price: Option<Decimal>,
    /// Fees so far in the quote currency, where the venue sums them up.
    pub total_fees: Option<Decimal>,
    /// The fill that this message tells.
    pub last_fill: Option<VenueFill>,
    /// The venue's number of this message among those of its symbol; one told twice has the same.
    pub report_id: Option<String>,
    /// Why it was refused, ended or shortened, in the venue's words.
    pub reason: Option<String>,
    /// When it was so.
    pub venue_at: Option<Timestamp>,
}

impl OrderReport {
    /// A report that says nothing but where the order stands.
    #[must_use]
    pub fn of(order_id: String, status: OrderStatus, status_word: &str) -> Self {
        Self {
            client_id: None,
            order_id,
            symbol: None,
            side: None,
            status,
            status_word: status_word.to_owned(),
            qty: None,
            limit: None,
            filled_qty: None,
            filled_quote: None,
            average_price: None,
            total_fees: None,
            last_fill: None,
            report_id: None,
            reason: None,
            venue_at: None,
        }
    }
}

/// One trade of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VenueFill {
    /// The venue's name of it; one told twice has the same.
    pub trade_id: String,
    /// At what price.
    pub price: Decimal,
    /// How much, in base currency.
    pub qty: Decimal,
    /// What it cost; nothing where it cost nothing, several where several assets were charged.
    pub fees: Vec<Fee>,
    /// Whether we made or took liquidity, where the venue says.
    pub liquidity: Option<Liquidity>,
}

/// What a trade cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fee {
    /// How much; negative is a rebate.
    pub amount: Decimal,
    /// Of what: the quote currency, the base currency or another one altogether; nothing where the venue does not say.
    pub asset: Option<String>,
}

/// A trade of ours with the order it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FillReport {
    /// The venue's id of the order.
    pub order_id: String,
    /// What was traded.
    pub symbol: String,
    /// Bought or sold.
    pub side: Side,
    /// The trade.
    pub fill: VenueFill,
    /// When it happened.
    pub venue_at: Timestamp,
}

/// What the account holds of one asset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Balance {
    /// The asset.
    pub asset: String,
    /// What can be used.
    pub free: Decimal,
    /// What open orders hold; nothing where the venue tells only the sum, which then is `free`.
    pub locked: Option<Decimal>,
}

/// What the account holds of some assets, which have just changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BalanceChange {
    /// Those assets, and no others.
    pub balances: Vec<Balance>,
    /// When it was so.
    pub venue_at: Option<Timestamp>,
}

/// What the account holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountSnapshot {
    /// Every asset it holds, or those of one page.
    pub balances: Vec<Balance>,
    /// Whether the account may trade, where the venue says.
    pub may_trade: Option<bool>,
    /// When it was so, where the venue says.
    pub venue_at: Option<Timestamp>,
}

/// Something that came into the account or left it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    /// The asset.
    pub asset: String,
    /// How much; negative is what left.
    pub amount: Decimal,
    /// What kind it was.
    pub kind: TransferKind,
    /// When it happened.
    pub venue_at: Option<Timestamp>,
}

/// A kind of transfer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TransferKind {
    /// Into the account or out of it.
    External,
    /// Between what can be used and what a system outside the market locks.
    Lock,
    /// What the venue calls so.
    Other(String),
}

/// Orders that belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderListReport {
    /// The venue's id of the list.
    pub list_id: String,
    /// Its client id.
    pub client_id: Option<String>,
    /// What it trades.
    pub symbol: String,
    /// The venue's word for where it stands.
    pub status_word: String,
    /// The venue's ids of its orders.
    pub order_ids: Vec<String>,
    /// When it was so.
    pub venue_at: Option<Timestamp>,
}

/// What a key may do; what the venue does not say is absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permissions {
    /// Look at the account.
    pub may_view: Option<bool>,
    /// Place and end orders.
    pub may_trade: Option<bool>,
    /// Move assets out of the account, which a key of a trading engine must not.
    pub may_withdraw: Option<bool>,
}
