//! Orders against the streamed market: what they take from its book, and what its trades give to those that rest.

use std::sync::Arc;

use super::account::{Account, Standing, worth};
use super::amount::{Amount, Rounding};
use super::fee::{Currency, Income};
use super::fill::Fill;
use super::ledger::{Cause, Pocket, Posting};
use super::order::{Kind, Order, Side, Size, Status, Terms, Trigger};
use super::report::Happened;
use crate::instrument::Instrument;
use crate::market::trade::Trade;

/// A price and a quantity that an order is filled with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) price: u64,
    pub(crate) quantity: u64,
}

/// What an order takes from the book as it stands, best price first.
pub(super) fn taken(standing: &Standing<'_>, terms: &Terms) -> Vec<Part> {
    let instrument = standing.instrument;
    let (levels, limit) = match terms.side {
        Side::Buy => (&standing.asks, terms.limit().unwrap_or(u64::MAX)),
        Side::Sell => (&standing.bids, terms.limit().unwrap_or(0)),
    };
    let (mut quantity, mut money) = match terms.kind {
        Kind::Market { size: Size::Quote(amount) } => (u64::MAX, Some(amount)),
        Kind::Market { size: Size::Base(_) } | Kind::Limit { .. } | Kind::PostOnly { .. } => {
            (terms.quantity().unwrap_or(0), None)
        }
    };
    let mut parts = Vec::new();
    for (level, stands) in levels {
        let price = &slipped(standing, terms, *level);
        let is_beyond = match terms.side {
            Side::Buy => *price > limit,
            Side::Sell => *price < limit,
        };
        if is_beyond || quantity == 0 {
            break;
        }
        let paid_for = money.map_or(u64::MAX, |money| {
            let affordable = money.pays_for(*price, instrument.price_decimals, instrument.quantity_decimals);
            affordable / instrument.step * instrument.step
        });
        let part = Part { price: *price, quantity: quantity.min(*stands).min(paid_for) };
        if part.quantity == 0 {
            break;
        }
        parts.push(part);
        quantity -= part.quantity;
        if let Some(money) = &mut money {
            *money -= worth(instrument, *price, part.quantity, Rounding::Up);
        }
    }
    parts
}

/// The price of a level for an order: without a limit it is worse by what the account asks for, on the nearest tick.
fn slipped(standing: &Standing<'_>, terms: &Terms, level: u64) -> u64 {
    let Kind::Market { .. } = terms.kind else { return level };
    let tick = standing.instrument.tick;
    let away = (u128::from(level) * u128::from(standing.slippage_millionths) + 500_000) / 1_000_000;
    let away = u64::try_from(away).unwrap_or(0).saturating_add(tick / 2) / tick * tick;
    match terms.side {
        Side::Buy => level.saturating_add(away),
        Side::Sell => level.saturating_sub(away).max(tick),
    }
}

impl Account {
    /// Puts an order on the book behind what stands at its price.
    pub(super) fn rest(&mut self, id: u64, standing: &Standing<'_>, price: u64) {
        let Some(order) = self.orders.get(&id) else { return };
        let levels = match order.terms.side {
            Side::Buy => &standing.bids,
            Side::Sell => &standing.asks,
        };
        let stands = levels.iter().find(|(at, _)| *at == price).map_or(0, |(_, quantity)| *quantity);
        let before = self.resting(standing, order.terms.side).into_iter().filter(|other| *other != id);
        let before = before.filter_map(|other| self.orders.get(&other));
        let before = before.filter(|other| other.terms.limit() == Some(price)).map(|other| other.ahead).max();
        if let Some(order) = self.orders.get_mut(&id) {
            order.ahead = stands.max(before.unwrap_or(0));
        }
    }

    /// The orders of a side that rest in a market, the best price first and the oldest first at each.
    fn resting(&self, standing: &Standing<'_>, side: Side) -> Vec<u64> {
        let ids = self.open.get(&standing.instrument.name).into_iter().flatten();
        let orders = ids.filter_map(|id| self.orders.get(id));
        let mut orders: Vec<&Order> =
            orders.filter(|order| order.terms.side == side && order.working_ns.is_some()).collect();
        orders.sort_by_key(|order| {
            let price = order.terms.limit().unwrap_or(0);
            let rank = match side {
                Side::Buy => u64::MAX - price,
                Side::Sell => price,
            };
            (rank, order.working_ns, order.id)
        });
        orders.into_iter().map(|order| order.id).collect()
    }

    /// Whether the market has orders of the account.
    pub(crate) fn is_in(&self, market: &str) -> bool {
        self.open.get(market).is_some_and(|ids| !ids.is_empty())
    }

    /// Gives the orders of a market what a trade of it gives them, and wakes those that waited for it.
    pub(crate) fn follow(&mut self, trade: &Trade, standing: &Standing<'_>) {
        for side in [Side::Buy, Side::Sell] {
            let mut used = 0;
            for id in self.resting(standing, side) {
                let Some(order) = self.orders.get_mut(&id) else { continue };
                let Some(price) = order.terms.limit() else { continue };
                let is_through = match side {
                    Side::Buy => trade.price < price,
                    Side::Sell => trade.price > price,
                };
                let quantity = if is_through {
                    order.remaining()
                } else if trade.price == price {
                    let left = trade.quantity.saturating_sub(order.ahead).saturating_sub(used);
                    order.ahead = order.ahead.saturating_sub(trade.quantity);
                    let left = left / standing.instrument.step * standing.instrument.step;
                    left.min(order.remaining())
                } else {
                    break;
                };
                if !is_through {
                    used += quantity;
                }
                if quantity > 0 {
                    self.fill(id, standing, Part { price, quantity }, true);
                }
            }
        }
        let asleep = self.open.get(&standing.instrument.name).into_iter().flatten();
        let woken = asleep.filter_map(|id| self.orders.get(id)).filter(|order| {
            let is_reached = |trigger: Trigger| trigger.wakes(order.terms.side, trade.price);
            order.is_asleep() && order.terms.trigger.is_some_and(is_reached)
        });
        let woken: Vec<u64> = woken.map(|order| order.id).collect();
        for id in woken {
            self.wake(id, standing);
        }
    }

    /// Fills a part of an open order; in several when a fault asked for it.
    pub(super) fn fill(&mut self, id: u64, standing: &Standing<'_>, part: Part, is_maker: bool) {
        let step = standing.instrument.step;
        let steps = part.quantity / step;
        let pieces = u64::from(std::mem::take(&mut self.slips.divide).max(1)).min(steps.max(1));
        let piece = steps / pieces * step;
        for number in 1..=pieces {
            let quantity = if number == pieces { part.quantity - piece * (pieces - 1) } else { piece };
            self.settle(id, standing, Part { price: part.price, quantity }, is_maker);
        }
    }

    fn settle(&mut self, id: u64, standing: &Standing<'_>, part: Part, is_maker: bool) {
        let Some(mut order) = self.orders.remove(&id) else { return };
        let instrument = standing.instrument;
        assert!(part.quantity <= order.remaining(), "order {id} is filled with more than it is for");
        let quote = worth(instrument, part.price, part.quantity, Rounding::Down);
        let base = Amount::of_quantity(part.quantity, instrument.quantity_decimals);
        let (paid, income) = match order.terms.side {
            Side::Buy => ((&instrument.quote, quote), (&instrument.base, base)),
            Side::Sell => ((&instrument.base, base), (&instrument.quote, quote)),
        };
        self.exchange(id, paid, Pocket::Locked, Pocket::Venue, Cause::Traded);
        self.exchange(id, income, Pocket::Venue, Pocket::Free, Cause::Traded);
        let (fee_asset, fee) = self.charge(&order, income, quote, instrument, is_maker);
        order.held -= paid.1;
        *order.fees.entry(fee_asset.clone()).or_default() += fee;
        if self.is_held(&order) {
            order.held -= fee;
        }
        order.filled += part.quantity;
        order.filled_quote += quote;
        order.updated_ns = standing.now_ns;
        let is_whole = order.remaining() == 0;
        order.status = if is_whole { Status::Filled } else { Status::PartiallyFilled };
        let needed = match (order.terms.side, order.terms.limit()) {
            _ if is_whole => Amount::ZERO,
            (Side::Buy, Some(limit)) => {
                let left = worth(instrument, limit, order.remaining(), Rounding::Up);
                left + self.fees.held_for(left)
            }
            (Side::Buy, None) | (Side::Sell, _) => order.held,
        };
        let freed = self.hold(&mut order, instrument, needed);
        assert!(freed.is_ok(), "order {id} needs more than it held");
        let fill = Fill {
            id: self.next_fill_id(),
            order: id,
            client_id: order.client_id.clone(),
            market: order.market.clone(),
            side: order.terms.side,
            price: part.price,
            quantity: part.quantity,
            quote,
            fee,
            fee_asset,
            is_maker,
            time_ns: standing.now_ns,
        };
        self.fills.push(fill.clone());
        if is_whole {
            self.close(&order);
        }
        self.orders.insert(id, order);
        self.tell(id, Happened::Traded(fill));
    }

    fn exchange(&mut self, id: u64, moved: (&String, Amount), from: Pocket, to: Pocket, cause: Cause) {
        let (asset, amount) = (moved.0.as_str().into(), moved.1);
        let done = self.ledger.transfer(Posting { asset, amount, from, to, cause, order: Some(id) });
        assert!(done.is_ok(), "order {id} pays with what it does not hold");
    }

    /// Whether the fee of an order is part of what it holds.
    fn is_held(&self, order: &Order) -> bool {
        self.fees.currency == Currency::Quote && order.terms.side == Side::Buy
    }

    fn charge(
        &mut self,
        order: &Order,
        income: (&String, Amount),
        quote: Amount,
        instrument: &Instrument,
        is_maker: bool,
    ) -> (Arc<str>, Amount) {
        let (asset, amount) = (income.0.as_str().into(), income.1);
        let income = Income { asset: &asset, amount, quote, quote_asset: &instrument.quote, is_maker };
        let (asset, fee) = self.fees.of(&income, |asset| self.ledger.balance(asset).free);
        let posting = Posting {
            asset: asset.clone(),
            amount: fee,
            from: if self.is_held(order) { Pocket::Locked } else { Pocket::Free },
            to: Pocket::Venue,
            cause: Cause::Fee,
            order: Some(order.id),
        };
        let charged = self.ledger.transfer(posting);
        assert!(charged.is_ok(), "a fee is never more than what came in, or was held for it");
        (asset, fee)
    }
}
