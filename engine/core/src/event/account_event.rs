//! What is learned of the account at a real venue that a run trades with.

use crate::asset::{Asset, AssetAmount, AssetPair};
use crate::epoch::Epoch;
use crate::fill::TradeId;
use crate::instrument::InstrumentId;
use crate::market::Side;
use crate::num::{Amount, Price, Qty};
use crate::order::OrderId;
use crate::time::Timestamp;

recorded! {
    /// What is learned of the account that a run trades with. A run without a real account is told nothing of this.
    enum AccountEvent {
        /// A process has taken the account up: orders carry its epoch from here on, and no new ones are placed before the
        /// venue has said what is in the account.
        Begun(AccountBeginning),
        /// The venue says what is in the account, all of it. The first statement opens the books.
        Stated(AccountStatement),
        /// What a trade of ours was charged in another asset than it was paid in, one for each asset; told before the trade
        /// itself.
        Charged(FeeCharge),
        /// Something came in or went out without a trade: a deposit, a conversion of dust.
        Moved(AssetTransfer),
        /// An order that is not of this run has traded on the account: one by hand, or of another program.
        Traded(ForeignTrade),
        /// A person accepts what the venue states instead of what the books say, and says why.
        Accepted(AccountAcceptance),
        /// An order went out over the wire.
        Sent(OrderSent),
        /// An order went out, and no answer says whether it arrived.
        Unanswered(OrderId),
        /// The venue has an order of ours, under a name of its own.
        Named(VenueOrder),
        /// It is proven that the venue never had an order of ours.
        NeverPlaced(OrderId),
        /// Why the venue refused or ended an order; told before it says that it did.
        Explained(OrderWords),
        /// The venue wants to be asked nothing for a while; a process that takes the run up heeds it too.
        Paused(VenuePause),
        /// The orders that work in a market of the run and are not of it; told where they have changed.
        Foreign(ForeignOrders),
    }
}

impl AccountEvent {
    /// Its kind in one word, as `show --kind` names it.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Begun(_) => "account_begun",
            Self::Stated(_) => "account_stated",
            Self::Charged(_) => "fee_charged",
            Self::Moved(_) => "asset_moved",
            Self::Traded(_) => "foreign_trade",
            Self::Accepted(_) => "account_accepted",
            Self::Sent(_) => "order_sent",
            Self::Unanswered(_) => "order_unanswered",
            Self::Named(_) => "order_named",
            Self::NeverPlaced(_) => "order_never_placed",
            Self::Explained(_) => "order_explained",
            Self::Paused(_) => "venue_paused",
            Self::Foreign(_) => "foreign_orders",
        }
    }

    /// The order it is about, if it is about one.
    #[must_use]
    pub const fn order(&self) -> Option<OrderId> {
        match self {
            Self::Charged(charge) => Some(charge.order),
            Self::Sent(sent) => Some(sent.order),
            Self::Named(named) => Some(named.order),
            Self::Explained(words) => Some(words.order),
            Self::Unanswered(order) | Self::NeverPlaced(order) => Some(*order),
            Self::Begun(_)
            | Self::Stated(_)
            | Self::Moved(_)
            | Self::Traded(_)
            | Self::Accepted(_)
            | Self::Paused(_)
            | Self::Foreign(_) => None,
        }
    }
}

recorded! {
    /// How a process takes an account up.
    struct AccountBeginning {
        /// Which process.
        pub epoch: Epoch,
        /// What each instrument of the run exchanges, in the order of their numbers.
        pub pairs: Vec<AssetPair>,
    }
}

recorded! {
    /// All that an account holds, free and locked; an asset that is not in it is not held.
    struct AccountStatement {
        /// When the venue says it was so.
        pub venue_at: Timestamp,
        /// The balances, in the order of their names.
        pub balances: Vec<AssetAmount>,
    }
}

recorded! {
    /// A pause that a venue asks for.
    struct VenuePause {
        /// When it is over, by our clock.
        pub until: Timestamp,
        /// In the venue's words.
        pub words: String,
    }
}

recorded! {
    /// What a trade was charged.
    struct FeeCharge {
        /// Of which order.
        pub order: OrderId,
        /// The venue's name of the trade.
        pub trade: TradeId,
        /// What was taken; negative is a rebate.
        pub charge: AssetAmount,
    }
}

recorded! {
    /// Something that came into an account or went out of it.
    struct AssetTransfer {
        /// When the venue says it happened.
        pub venue_at: Timestamp,
        /// What came; negative is what went.
        pub moved: AssetAmount,
        /// What the venue calls it, in its words.
        pub words: String,
    }
}

recorded! {
    /// A trade on the account by an order that is not of this run.
    struct ForeignTrade {
        /// What was traded, by its number in the run; nothing for a market that the run does not have.
        pub instrument: Option<InstrumentId>,
        /// The venue's name of the trade.
        pub trade: TradeId,
        /// The venue's name of the order.
        pub order: String,
        /// When the venue says it happened.
        pub venue_at: Timestamp,
        /// What came and what went, fees included.
        pub moved: Vec<AssetAmount>,
    }
}

recorded! {
    /// The orders of others that work in one market: by hand, of another run, of another program.
    struct ForeignOrders {
        /// The market.
        pub instrument: InstrumentId,
        /// All of them, in the order of the venue's names.
        pub orders: Vec<ForeignOrder>,
    }
}

recorded! {
    /// An order that works on the account and is not of this run.
    struct ForeignOrder {
        /// The venue's name of it.
        pub name: String,
        /// Buy or sell.
        pub side: Side,
        /// The worst price at which it trades; nothing for one at the market, or at a price that the run cannot write.
        pub price: Option<Price>,
        /// How much of it can still trade, up to the next quantity that the run can write.
        pub left: Qty,
    }
}

recorded! {
    /// An order that went out over the wire.
    #[derive(Copy)]
    struct OrderSent {
        /// Which order.
        pub order: OrderId,
        /// When its bytes were handed to the socket.
        pub wire_at: Timestamp,
    }
}

recorded! {
    /// An order of ours under the venue's own name.
    struct VenueOrder {
        /// Which order.
        pub order: OrderId,
        /// What the venue calls it.
        pub name: String,
    }
}

recorded! {
    /// What the venue says of an order in words.
    struct OrderWords {
        /// Which order.
        pub order: OrderId,
        /// Its words.
        pub words: String,
    }
}

recorded! {
    /// Where books and venue do not say the same.
    struct AccountDifference {
        /// Each asset in which they differ, in the order of their names.
        pub assets: Vec<BalanceDifference>,
    }
}

recorded! {
    /// That a person accepts what the venue says. It counts for what that person has seen and for nothing else.
    struct AccountAcceptance {
        /// Who.
        pub by: String,
        /// Why, in words.
        pub reason: String,
        /// The differences as they were seen, in the order of their names.
        pub differences: Vec<BalanceDifference>,
    }
}

recorded! {
    /// What books and venue say of one asset.
    struct BalanceDifference {
        /// Which asset.
        pub asset: Asset,
        /// What the books say.
        pub ours: Amount,
        /// What the venue says.
        pub venue: Amount,
    }
}

recorded! {
    /// How it turned out with an order of which nobody knew whether it had arrived.
    #[derive(Copy)]
    struct OrderResolution {
        /// Which order.
        pub order: OrderId,
        /// How.
        pub fate: OrderFate,
    }
}

recorded! {
    /// What became of an order that was sent and not answered.
    #[derive(Copy)]
    enum OrderFate {
        /// The venue has it.
        Placed,
        /// The venue had it, and it is over.
        Ended,
        /// The venue never had it.
        NeverPlaced,
    }
}

impl OrderFate {
    /// It in words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Placed => "the venue has it",
            Self::Ended => "the venue had it, and it is over",
            Self::NeverPlaced => "the venue never had it",
        }
    }
}
