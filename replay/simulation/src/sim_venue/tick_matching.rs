//! How trades and quotes fill working orders: only data later than an order's arrival counts.
//!
//! A market order takes the next trade's price, worsened by half the configured spread, or the next quote's
//! far side. A limit order that was marketable when it arrived takes likewise, up to its limit; one that
//! waits fills at its limit once the market trades through it (or touches it, if so configured). A stop is
//! woken by one message and filled by a later one. With depth `traded`, one message fills no more than its
//! own size, and orders share that size in order of arrival.

use engine_core::event::{Execution, ExecutionReport, RejectReason};
use engine_core::fill::Liquidity;
use engine_core::instrument::Instrument;
use engine_core::market::{Quote, Side, Trade};
use engine_core::num::{Price, Qty, Ratio};
use engine_core::order::{OrderKind, TimeInForce};
use engine_core::time::{Span, Timestamp};

use super::{
    Match, Reports, SimVenue, Working, better, fills_limit, is_marketable, rejected, touches,
    trailing_trigger,
};
use crate::config::{Depth, FillModel};

/// What one message offers to each side of the book.
#[derive(Debug, Clone, Copy)]
struct Offer {
    venue_at: Timestamp,
    /// What a buyer pays now, and how much there is; no price where it would not fit.
    ask: Option<Price>,
    ask_qty: Qty,
    /// What a seller gets now, and how much there is.
    bid: Option<Price>,
    bid_qty: Qty,
    /// What wakes stops and fills resting limits on each side.
    seen_by_buy: Price,
    seen_by_sell: Price,
    /// What the market traded or offered to a buyer and to a seller, for the impact of our size.
    traded: [Option<Qty>; 2],
}

impl SimVenue {
    /// A trade happens at the venue.
    #[inline]
    pub(crate) fn on_trade(&mut self, trade: &Trade, reports: &mut Reports) {
        if self.has_work() {
            self.match_trade(trade, reports);
        }
        self.on_quiet_trade(trade);
    }

    /// A trade happens while no order works.
    #[inline]
    pub(crate) fn on_quiet_trade(&mut self, trade: &Trade) {
        let sized = self.impact.is_some();
        if let Some(listing) = self.listings.get_mut(trade.instrument.index()) {
            listing.last = Some(trade.price);
            if sized {
                listing.traded = Some(trade.qty);
            }
        }
    }

    fn match_trade(&mut self, trade: &Trade, reports: &mut Reports) {
        let half = match self.model {
            FillModel::Trades => Ratio::from_units(self.costs.spread.units() / 2),
            FillModel::NextOpen | FillModel::SameClose | FillModel::AtSignal => Ratio::ZERO,
            // Trades beside quotes are only seen; quotes fill.
            FillModel::Quotes => return,
        };
        let offer = Offer {
            venue_at: trade.venue_at,
            ask: trade.price.moved_by(half),
            ask_qty: trade.qty,
            bid: half.negated().and_then(|half| trade.price.moved_by(half)),
            bid_qty: trade.qty,
            seen_by_buy: trade.price,
            seen_by_sell: trade.price,
            traded: [Some(trade.qty); 2],
        };
        self.match_offer(trade.instrument.index(), offer, reports);
    }

    /// A new best bid and offer stands at the venue.
    pub(crate) fn on_quote(&mut self, quote: &Quote, reports: &mut Reports) {
        if self.has_work() && self.model == FillModel::Quotes {
            let offer = Offer {
                venue_at: quote.venue_at,
                ask: Some(quote.ask),
                ask_qty: quote.ask_qty,
                bid: Some(quote.bid),
                bid_qty: quote.bid_qty,
                seen_by_buy: quote.ask,
                seen_by_sell: quote.bid,
                traded: [Some(quote.ask_qty), Some(quote.bid_qty)],
            };
            self.match_offer(quote.instrument.index(), offer, reports);
        }
        if let Some(listing) = self.listing(quote.instrument) {
            listing.quote = Some(*quote);
            let mid = i64::midpoint(quote.bid.units(), quote.ask.units());
            listing.last = Some(Price::from_units(mid));
        }
    }

    /// Data has ended: what still works trades against the last message of its instrument, whatever its size.
    pub(crate) fn close_out(&mut self, at: Timestamp, reports: &mut Reports) {
        let half = Ratio::from_units(self.costs.spread.units() / 2);
        for index in 0..self.listings.len() {
            let Some(listing) = self.listings.get(index) else { continue };
            let Some(last) = listing.last else { continue };
            let (bid, ask) = match listing.quote {
                Some(quote) if self.model == FillModel::Quotes => (Some(quote.bid), Some(quote.ask)),
                Some(_) | None => (half.negated().and_then(|half| last.moved_by(half)), last.moved_by(half)),
            };
            let [seen_by_sell, seen_by_buy] = [bid, ask].map(|price| price.unwrap_or(last));
            let traded = match listing.quote {
                Some(quote) if self.model == FillModel::Quotes => [Some(quote.ask_qty), Some(quote.bid_qty)],
                Some(_) | None => [listing.traded; 2],
            };
            let (bid_qty, ask_qty) = (Qty::MAX, Qty::MAX);
            // A moment after the last order came: nothing fills in the moment it arrives.
            let venue_at = at.plus(Span::from_nanos(1));
            let offer = Offer { venue_at, ask, ask_qty, bid, bid_qty, seen_by_buy, seen_by_sell, traded };
            self.match_offer(index, offer, reports);
        }
    }

    fn held(&self, index: usize) -> Qty {
        self.listings.get(index).map_or(Qty::ZERO, |listing| listing.held)
    }

    fn match_offer(&mut self, index: usize, offer: Offer, reports: &mut Reports) {
        let Some(listing) = self.listings.get_mut(index) else { return };
        let queue = std::mem::take(&mut listing.working);
        // Fills are whole lots: a rest below one lot could never be closed again.
        let depth = |rules: &Instrument, size: Qty| match self.rules.depth {
            Depth::Traded => rules.lots_down(size),
            Depth::Unlimited => Qty::MAX,
        };
        self.working_count -= queue.len();
        let (mut ask_left, mut bid_left) =
            (depth(&listing.rules, offer.ask_qty), depth(&listing.rules, offer.bid_qty));
        let mut ended = Vec::new();
        for working in queue {
            if ended.contains(&working.order.id) {
                let (order, execution) = (working.order.id, Execution::Cancelled);
                reports.push(ExecutionReport { order, venue_at: offer.venue_at, execution });
                continue;
            }
            let [to_buyers, to_sellers] = offer.traded;
            let (left, traded) = match working.order.side {
                Side::Buy => (&mut ask_left, to_buyers),
                Side::Sell => (&mut bid_left, to_sellers),
            };
            if self.impact.is_some()
                && let Some(listing) = self.listings.get_mut(index)
            {
                listing.traded = traded;
            }
            let (sibling, held) = (working.order.sibling, self.held(index));
            let after = self.match_working(working, offer, *left, reports);
            let taken = self.held(index).minus(held).map(Qty::magnitude);
            if self.rules.depth == Depth::Traded {
                // No fill exceeds what is left, so the difference is there.
                *left = taken.and_then(|taken| left.minus(taken)).unwrap_or_default();
            }
            match after {
                Some(rest) => self.rest(rest),
                None => ended.extend(sibling),
            }
        }
    }

    /// Offers one message to one order; answers the order if it still works.
    fn match_working(
        &mut self,
        mut working: Working,
        offer: Offer,
        left: Qty,
        reports: &mut Reports,
    ) -> Option<Working> {
        if offer.venue_at <= working.arrived_at {
            return Some(working);
        }
        let side = working.order.side;
        let (take, seen) = match side {
            Side::Buy => (offer.ask, offer.seen_by_buy),
            Side::Sell => (offer.bid, offer.seen_by_sell),
        };
        if wakes(&working, seen) {
            working.triggered = true;
            working.arrived_at = offer.venue_at;
            let (order, execution) = (working.order.id, Execution::Triggered);
            reports.push(ExecutionReport { order, venue_at: offer.venue_at, execution });
            return Some(working);
        }
        working.best = Some(better(side, working.best, seen));
        if take.is_none() && takes_any_price(&working) {
            reports.push(rejected(working.order.id, offer.venue_at, RejectReason::OutOfRange));
            return None;
        }
        let found = match self.price_for(&working, take, seen) {
            Some((price, liquidity)) if left.is_positive() => Match { price, qty: left, liquidity },
            Some(_) | None => return self.kept_or_expired(working, offer.venue_at, reports),
        };
        let rest = self.fill(working, offer.venue_at, found, reports)?;
        self.kept_or_expired(rest, offer.venue_at, reports)
    }

    /// At what price an order trades against a message, if it does.
    fn price_for(&self, working: &Working, take: Option<Price>, seen: Price) -> Option<(Price, Liquidity)> {
        let side = working.order.side;
        let limited = |limit: Price, rests: bool| {
            if let Some(take) = take.filter(|take| !rests && is_marketable(side, limit, *take)) {
                return Some((take, Liquidity::Taker));
            }
            fills_limit(self.rules.limit_fill, side, limit, seen).then_some((limit, Liquidity::Maker))
        };
        match working.order.kind {
            OrderKind::Limit(limit) => limited(limit, working.rests),
            OrderKind::Market | OrderKind::StopMarket(_) | OrderKind::TrailingStop(_) => {
                take.filter(|_| takes_any_price(working)).map(|take| (take, Liquidity::Taker))
            }
            OrderKind::StopLimit(prices) if working.triggered => limited(prices.limit, working.rests),
            OrderKind::StopLimit(_) => None,
        }
    }

    /// After its first message an order that had to trade at once ends; any other waits in the book.
    fn kept_or_expired(&self, working: Working, at: Timestamp, reports: &mut Reports) -> Option<Working> {
        let sleeps = !working.triggered && is_stop(working.order.kind);
        match working.order.tif {
            TimeInForce::Ioc | TimeInForce::Fok if !sleeps => expired(&working, at, reports),
            TimeInForce::Ioc | TimeInForce::Fok | TimeInForce::Gtc | TimeInForce::Gtd(_) => {
                let rests = working.rests || !sleeps;
                Some(Working { rests, ..working })
            }
        }
    }
}

/// Whether an order trades now, at whatever price there is.
fn takes_any_price(working: &Working) -> bool {
    match working.order.kind {
        OrderKind::Market => true,
        OrderKind::StopMarket(_) | OrderKind::TrailingStop(_) => working.triggered,
        OrderKind::Limit(_) | OrderKind::StopLimit(_) => false,
    }
}

fn expired(working: &Working, venue_at: Timestamp, reports: &mut Reports) -> Option<Working> {
    let (order, execution) = (working.order.id, Execution::Expired);
    reports.push(ExecutionReport { order, venue_at, execution });
    None
}

fn is_stop(kind: OrderKind) -> bool {
    match kind {
        OrderKind::StopMarket(_) | OrderKind::StopLimit(_) | OrderKind::TrailingStop(_) => true,
        OrderKind::Market | OrderKind::Limit(_) => false,
    }
}

/// Whether this message is the one that wakes a stop.
fn wakes(working: &Working, seen: Price) -> bool {
    let side = working.order.side;
    let trigger = match working.order.kind {
        OrderKind::StopMarket(trigger) => Some(trigger),
        OrderKind::StopLimit(prices) => Some(prices.trigger),
        OrderKind::TrailingStop(share) => working.best.and_then(|best| trailing_trigger(side, best, share)),
        OrderKind::Market | OrderKind::Limit(_) => None,
    };
    !working.triggered && trigger.is_some_and(|trigger| touches(side, trigger, seen))
}
