//! Which orders go to real venues as they are, and which are refused before anything is sent.
//!
//! One table, by kind of order and venue. What it refuses is refused when a run begins, where the settings show it, and again
//! when such an order is to be handed over.

use engine_core::order::{BracketStop, Order, OrderKind, Posting, Reach, TimeInForce};

/// What an order asks of its venue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum OrderType {
    /// At the best price there is.
    Market,
    /// At a price or better.
    Limit,
    /// As a market order once a trigger is touched.
    Stop,
    /// As a limit order once a trigger is touched.
    StopLimit,
    /// As a market order once the market comes back by a share.
    TrailingStop,
    /// What can be filled at once.
    ImmediateOrCancel,
    /// All at once or nothing.
    FillOrKill,
    /// Until a moment.
    GoodTillDate,
    /// Without taking liquidity.
    PostOnly,
    /// Without enlarging a position.
    ReduceOnly,
    /// With exits of which one ends the other.
    Bracket,
    /// With a stop that follows the best price since it opened.
    TrailingExit,
    /// Worked on with another quantity.
    Amendment,
}

/// What becomes of an order type at a venue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Serving {
    /// The venue has it.
    Native,
    /// It needs nothing of the venue, for this reason.
    Given(&'static str),
    /// The engine does it itself over orders that the venue has, in this way.
    Emulated(&'static str),
    /// It is refused, for this reason.
    Refused(&'static str),
}

impl OrderType {
    /// Every type, for tables and tests.
    pub const ALL: [Self; 13] = [
        Self::Market,
        Self::Limit,
        Self::Stop,
        Self::StopLimit,
        Self::TrailingStop,
        Self::ImmediateOrCancel,
        Self::FillOrKill,
        Self::GoodTillDate,
        Self::PostOnly,
        Self::ReduceOnly,
        Self::Bracket,
        Self::TrailingExit,
        Self::Amendment,
    ];

    /// Its name, as it is said of several.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Market => "market orders",
            Self::Limit => "limit orders",
            Self::Stop => "stop orders",
            Self::StopLimit => "stop-limit orders",
            Self::TrailingStop => "trailing stops of their own",
            Self::ImmediateOrCancel => "orders that fill at once or end (IOC)",
            Self::FillOrKill => "orders that fill whole or end (FOK)",
            Self::GoodTillDate => "orders until a moment (GTD)",
            Self::PostOnly => "orders that only post",
            Self::ReduceOnly => "orders that only reduce",
            Self::Bracket => "exits placed with an entry (brackets)",
            Self::TrailingExit => "trailing stops of an entry",
            Self::Amendment => "amendments",
        }
    }

    /// What becomes of it at `venue`.
    #[must_use]
    pub fn serving(self, venue: &str) -> Serving {
        match self {
            Self::Stop | Self::TrailingExit if venue == "coinbase" => {
                Serving::Refused("the venue has stops with a limit alone")
            }
            Self::Market
            | Self::Limit
            | Self::Stop
            | Self::StopLimit
            | Self::ImmediateOrCancel
            | Self::PostOnly => Serving::Native,
            Self::FillOrKill if venue == "kraken" => Serving::Refused("the venue has no such order"),
            Self::FillOrKill => Serving::Native,
            Self::GoodTillDate if venue == "kraken" => Serving::Native,
            Self::GoodTillDate if venue == "coinbase" => {
                Serving::Refused("none has been tried on a fake exchange yet")
            }
            Self::GoodTillDate => Serving::Refused("the venue has no such order"),
            Self::ReduceOnly => Serving::Given("a spot account sells only what it holds"),
            Self::TrailingStop => Serving::Refused(
                "the engine follows the price for the exit of an entry alone: set trailing_stop there",
            ),
            Self::Bracket => Serving::Emulated(
                "the stop rests at the venue, and what the market touches besides is sold once the stop has ended",
            ),
            Self::TrailingExit => Serving::Emulated(
                "a stop rests at the venue where the best price put it and is replaced when that has moved by a tenth of the way",
            ),
            Self::Amendment => Serving::Refused("no order at a real venue is amended yet"),
        }
    }

    /// Everything that `order` asks.
    #[must_use]
    pub fn of(order: &Order) -> Vec<Self> {
        let kind = match order.kind {
            OrderKind::Market => Self::Market,
            OrderKind::Limit(_) => Self::Limit,
            OrderKind::StopMarket(_) => Self::Stop,
            OrderKind::StopLimit(_) => Self::StopLimit,
            OrderKind::TrailingStop(_) => Self::TrailingStop,
        };
        let tif = match order.tif {
            TimeInForce::Gtc => None,
            TimeInForce::Ioc => Some(Self::ImmediateOrCancel),
            TimeInForce::Fok => Some(Self::FillOrKill),
            TimeInForce::Gtd(_) => Some(Self::GoodTillDate),
        };
        let posting = match order.posting {
            Posting::Any => None,
            Posting::PostOnly => Some(Self::PostOnly),
        };
        let reach = match order.reach {
            Reach::Any => None,
            Reach::ReduceOnly => Some(Self::ReduceOnly),
        };
        let is_of_a_bracket = order.bracket.is_some() || order.parent.is_some() || order.sibling.is_some();
        let bracket = is_of_a_bracket.then_some(Self::Bracket);
        // An entry whose stop its venue is not sent would stand without it.
        let stop = match order.bracket.unwrap_or_default().stop_loss {
            BracketStop::None => None,
            BracketStop::At(_) => Some(Self::Stop),
            BracketStop::Trailing(_) => Some(Self::TrailingExit),
        };
        [Some(kind), tif, posting, reach, bracket, stop].into_iter().flatten().collect()
    }

    /// Why `venue` is sent no such order; nothing where it may be.
    #[must_use]
    pub fn refusal(self, venue: &str) -> Option<String> {
        match self.serving(venue) {
            Serving::Native | Serving::Given(_) | Serving::Emulated(_) => None,
            Serving::Refused(reason) => Some(format!("{} are not sent to {venue}: {reason}", self.name())),
        }
    }
}

#[cfg(test)]
mod tests {
    use engine_core::instrument::InstrumentId;
    use engine_core::market::Side;
    use engine_core::num::{Price, Qty, Ratio};
    use engine_core::order::{Bracket, OrderId};

    use super::*;
    use crate::places::VENUES;

    fn order() -> Order {
        Order {
            id: OrderId::new(1),
            instrument: InstrumentId::new(0),
            side: Side::Sell,
            qty: Qty::from(1),
            kind: OrderKind::Market,
            tif: TimeInForce::Ioc,
            posting: Posting::Any,
            reach: Reach::ReduceOnly,
            bracket: None,
            parent: None,
            sibling: None,
            decided_price: Price::from_units(1),
        }
    }

    #[test]
    fn every_type_is_served_or_refused_with_a_reason_at_every_venue() {
        let refused = |venue: &str| {
            let words = OrderType::ALL.into_iter().filter_map(|asked| asked.refusal(venue));
            assert!(words.clone().all(|words| words.contains(venue)));
            words.count()
        };
        assert_eq!(VENUES.map(refused), [3, 5, 3]);
    }

    #[test]
    fn an_order_is_all_that_it_asks() {
        use OrderType as T;
        assert_eq!(OrderType::of(&order()), [T::Market, T::ImmediateOrCancel, T::ReduceOnly]);
        let trailing = Order { kind: OrderKind::TrailingStop(Ratio::ONE), ..order() };
        assert!(OrderType::of(&trailing).contains(&T::TrailingStop));
        let entry = Order { bracket: Some(Bracket::default()), ..order() };
        let leg = Order { parent: Some(OrderId::new(1)), ..order() };
        for order in [entry, leg] {
            assert!(OrderType::of(&order).contains(&T::Bracket));
            assert!(matches!(T::Bracket.serving("binance"), Serving::Emulated(_)));
            assert!(OrderType::of(&order).iter().all(|asked| asked.refusal("binance").is_none()));
        }
        let stops = [BracketStop::At(Price::from_units(1)), BracketStop::Trailing(Ratio::from_units(1))];
        for (stop_loss, asked) in stops.into_iter().zip([T::Stop, T::TrailingExit]) {
            let order = Order { bracket: Some(Bracket { stop_loss, take_profit: None }), ..order() };
            assert!(OrderType::of(&order).contains(&asked));
            assert!(["binance", "kraken"].iter().all(|venue| asked.refusal(venue).is_none()));
            let refused = asked.refusal("coinbase").unwrap();
            assert!(refused.ends_with("the venue has stops with a limit alone"), "{refused}");
        }
    }
}
