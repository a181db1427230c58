//! Orders and cancels on their way to the venue, and the questions about them.

use std::collections::BTreeSet;

use engine_core::client_id::ClientId;
use engine_core::num::Qty;
use engine_core::order::{Order, OrderId, OrderKind};
use engine_core::time::Timestamp;
use engine_runtime::ports::EffectFailure;

use super::{GatewayOrder, Link, OVER_MAX, OrderGateway, Owner, Pending, Purpose, REMEMBERED_MAX, refused};
use crate::order_request::{FillsSince, NewOrder, NewOrderKind, OrderName, OrderRequest};
use crate::request_limit::Limited;

impl OrderGateway {
    /// Makes the request for a new order.
    ///
    /// # Errors
    /// [`EffectFailure`] where orders are not taken now, or never of this kind; nothing will be sent.
    pub fn place(&mut self, now: Timestamp, order: &Order) -> Result<(), EffectFailure> {
        match self.link {
            Link::Ready => {}
            Link::Down => return Err(refused("there is no connection to the venue")),
            Link::Beginning => {
                return Err(refused("what happened at the venue meanwhile is still being asked"));
            }
        }
        if self.is_paused(now) {
            return Err(refused("the venue asked for a pause that is not over"));
        }
        let at = self.venue_time(now);
        if let Some(limit) = self.budget.spent(Limited::Orders, at).or(self.budget.spent(Limited::Weight, at))
        {
            return Err(refused(format!(
                "{} of {} that the venue allows in {} are used, and the rest is kept for ending orders",
                limit.used, limit.limit, limit.window
            )));
        }
        let market = self.markets.get(order.instrument.index());
        let rules = &market.ok_or_else(|| refused("the venue has no such market"))?.rules;
        let client_id = ClientId::new(self.run, self.epoch, order.id);
        let client_id = client_id.ok_or_else(|| refused("the run has no client ids left"))?.to_string();
        let price = |price| rules.price_decimal(price);
        let kind = match order.kind {
            OrderKind::Market => NewOrderKind::Market,
            OrderKind::Limit(limit) => NewOrderKind::Limit { limit: price(limit) },
            OrderKind::StopMarket(trigger) => NewOrderKind::Stop { trigger: price(trigger) },
            OrderKind::StopLimit(prices) => {
                NewOrderKind::StopLimit { trigger: price(prices.trigger), limit: price(prices.limit) }
            }
            OrderKind::TrailingStop(_) => {
                return Err(refused("trailing stops are not placed at this venue yet"));
            }
        };
        let request = OrderRequest::Place(NewOrder {
            client_id: client_id.clone(),
            symbol: rules.symbol.clone(),
            side: order.side,
            qty: rules.qty_decimal(order.qty),
            kind,
            tif: order.tif,
            posting: order.posting,
        });
        let known = GatewayOrder {
            order: order.clone(),
            client_id,
            name: None,
            named_at: None,
            filled: Qty::ZERO,
            told: Qty::ZERO,
            asked: Qty::ZERO,
            trades: BTreeSet::new(),
            is_accepted: false,
            is_over: false,
            is_to_end: false,
            doubt: None,
        };
        self.orders.insert(order.id, known);
        self.statement.word(now);
        self.request(now, Purpose::Place(order.id), request);
        self.forget_over();
        Ok(())
    }

    /// Makes the request that ends an order. It passes a pause of the venue only where the venue has set none.
    ///
    /// # Errors
    /// [`EffectFailure`] where there is no connection or the venue wants none; the core asks again.
    pub fn cancel(&mut self, now: Timestamp, order: OrderId) -> Result<(), EffectFailure> {
        if self.link == Link::Down {
            return Err(refused("there is no connection to the venue"));
        }
        if self.is_paused(now) {
            return Err(refused("the venue asked for a pause that is not over"));
        }
        let Some(known) = self.orders.get_mut(&order) else {
            return Err(refused("the gateway does not know the order"));
        };
        known.is_to_end = true;
        self.statement.word(now);
        self.ask(now, Purpose::Cancel(order));
        Ok(())
    }

    /// Refuses: no venue here works an order on with another quantity yet.
    ///
    /// # Errors
    /// Always.
    pub fn amend(&self, order: OrderId) -> Result<(), EffectFailure> {
        let number = order.number();
        Err(refused(format!(
            "order {number} cannot be amended at this venue: it takes no amendments here yet"
        )))
    }

    /// Makes the request that `purpose` needs; nothing where what it is about is gone.
    pub(super) fn ask(&mut self, now: Timestamp, purpose: Purpose) {
        if let Some(request) = self.request_for(&purpose) {
            self.request(now, purpose, request);
        }
    }

    /// Asks at `at`.
    pub(super) fn ask_at(&mut self, at: Timestamp, purpose: Purpose) {
        if !self.later.iter().any(|(_, other)| *other == purpose) {
            self.later.push((at, purpose));
        }
    }

    /// A request that waited to be written is not written any more; answers whether there was one.
    pub(super) fn withdraw(&mut self, number: u64) -> bool {
        let waiting = self.requests.len();
        self.requests.retain(|(other, _)| *other != number);
        self.requests.len() < waiting
    }

    /// New orders that wait to be written are given up: what they were decided on is gone by the end of a pause.
    pub(super) fn withdraw_orders(&mut self, why: &str) {
        let is_order = |number: &u64| {
            self.pending.get(number).is_some_and(|pending| matches!(pending.purpose, Purpose::Place(_)))
        };
        let orders: Vec<u64> = self.requests.iter().map(|(number, _)| *number).filter(is_order).collect();
        for number in orders {
            self.withdraw(number);
            self.unserved(number, why);
        }
    }

    fn request(&mut self, now: Timestamp, purpose: Purpose, request: OrderRequest) {
        self.numbers += 1;
        self.pending.insert(self.numbers, Pending { purpose, made_at: now, sent_at: None, is_beside: false });
        self.requests.push_back((self.numbers, request));
    }

    fn request_for(&self, purpose: &Purpose) -> Option<OrderRequest> {
        let symbol = |market: usize| Some(self.markets.get(market)?.rules.symbol.clone());
        Some(match purpose {
            // An order is sent once, by whoever decided it.
            Purpose::Place(_) => return None,
            Purpose::Cancel(id) => {
                let known = self.orders.get(id)?;
                OrderRequest::Cancel {
                    symbol: symbol(known.order.instrument.index())?,
                    order: name_of(known),
                }
            }
            Purpose::Query(id) => {
                let known = self.orders.get(id)?;
                OrderRequest::Query { symbol: symbol(known.order.instrument.index())?, order: name_of(known) }
            }
            Purpose::Lookup(market, name) => {
                OrderRequest::Query { symbol: symbol(*market)?, order: OrderName::Venue(name.clone()) }
            }
            Purpose::OrderFills(id) => {
                let known = self.orders.get(id)?;
                let symbol = symbol(known.order.instrument.index())?;
                OrderRequest::Fills { symbol, since: FillsSince::Order(known.name.clone()?) }
            }
            Purpose::Fills(market, since) => {
                OrderRequest::Fills { symbol: symbol(*market)?, since: FillsSince::Moment(*since) }
            }
            Purpose::OpenOrders(market) => OrderRequest::OpenOrders { symbol: Some(symbol(*market)?) },
            Purpose::Balances => OrderRequest::Balances,
        })
    }

    /// Keeps no more orders that are over than late reports may be about.
    fn forget_over(&mut self) {
        let over = self.orders.values().filter(|known| known.is_over).count();
        let oldest = self.orders.iter().filter(|(_, known)| known.is_over).map(|(id, _)| *id);
        let gone: Vec<OrderId> = oldest.take(over.saturating_sub(OVER_MAX)).collect();
        for id in gone {
            let name = self.orders.remove(&id).and_then(|known| known.name);
            name.map(|name| self.names.remove(&name));
        }
        if self.names.len() > REMEMBERED_MAX {
            // Whose the others are can be asked again.
            self.names.retain(|_, owner| *owner != Owner::Foreign);
        }
    }
}

/// By the venue's name of an order, where it is known: that is found fastest.
fn name_of(known: &GatewayOrder) -> OrderName {
    match &known.name {
        Some(name) => OrderName::Venue(name.clone()),
        None => OrderName::Client(known.client_id.clone()),
    }
}
