//! A spot venue: a resting sale holds its coins back, nothing only reduces, and a stop that is passed is refused.

use super::*;

#[derive(Debug, Clone)]
pub(super) struct VenueOrder {
    pub(super) order: Order,
    pub(super) filled: i128,
    pub(super) triggered: bool,
    pub(super) over: bool,
}

impl VenueOrder {
    pub(super) fn left(&self) -> i128 {
        self.order.qty.units() - self.filled
    }

    /// Whether it trades at `price` now.
    fn crosses(&self, price: i64) -> bool {
        match (self.order.kind, self.order.side) {
            (OrderKind::Market, _) => true,
            (OrderKind::Limit(limit), Side::Buy) => price <= limit.units(),
            (OrderKind::Limit(limit), Side::Sell) => price >= limit.units(),
            (OrderKind::StopMarket(_) | OrderKind::StopLimit(_) | OrderKind::TrailingStop(_), _) => {
                self.triggered
            }
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Venue {
    pub(super) orders: BTreeMap<OrderId, VenueOrder>,
    pub(super) coins: i128,
    pub(super) price: i64,
    pub(super) trades: u128,
    /// What is charged of what is bought, as a divisor; nothing where that is zero.
    pub(super) fee: i128,
}

impl Venue {
    fn working(&self) -> impl Iterator<Item = &VenueOrder> {
        self.orders.values().filter(|order| !order.over)
    }

    pub(super) fn held_back(&self) -> i128 {
        self.working().filter(|order| order.order.side == Side::Sell).map(VenueOrder::left).sum()
    }

    /// Takes an order; says what of it is told.
    pub(super) fn place(&mut self, order: &Order) -> Vec<Execution> {
        if order.side == Side::Sell && order.qty.units() > self.coins - self.held_back() {
            panic!("{} sold of {}, {} held back", order.qty.units(), self.coins, self.held_back());
        }
        if let OrderKind::StopMarket(trigger) = order.kind
            && self.price <= trigger.units()
        {
            return vec![Execution::Rejected(RejectReason::TriggerPassed)];
        }
        let (filled, triggered, over) = (0, false, false);
        self.orders.insert(order.id, VenueOrder { order: order.clone(), filled, triggered, over });
        self.judge_entry(order.parent);
        vec![Execution::Accepted]
    }

    /// What works of the exits of an entry is never more than that entry still holds.
    fn judge_entry(&self, parent: Option<OrderId>) {
        let Some(entry) = parent.and_then(|entry| self.orders.get(&entry)) else { return };
        let exits = || self.orders.values().filter(|order| order.order.parent == parent);
        let sold: i128 = exits().map(|exit| exit.filled).sum();
        let works: i128 = exits().filter(|exit| !exit.over).map(VenueOrder::left).sum();
        assert!(works + sold <= entry.filled, "{works} at work and {sold} sold of {}", entry.filled);
    }

    pub(super) fn end(&mut self, order: OrderId) -> Vec<Execution> {
        match self.orders.get_mut(&order) {
            Some(known) if !known.over => {
                known.over = true;
                vec![Execution::Cancelled]
            }
            Some(_) | None => Vec::new(),
        }
    }

    /// Lets the market trade at its price; parts of orders fill, all of them where nothing is left to chance.
    pub(super) fn trade(&mut self, random: &mut Random, whole: bool) -> Vec<(OrderId, Vec<Execution>)> {
        let mut told = Vec::new();
        for (id, order) in self.orders.iter_mut().filter(|(_, order)| !order.over) {
            let mut executions = Vec::new();
            if let OrderKind::StopMarket(trigger) = order.order.kind
                && self.price <= trigger.units()
                && !order.triggered
            {
                order.triggered = true;
                executions.push(Execution::Triggered);
            }
            if order.crosses(self.price) && (whole || random.chance(300)) {
                let left = order.left();
                let part = match whole || random.chance(400) {
                    true => left,
                    false => (left * i128::from(1 + random.below(9)) / 100 * 10).max(10).min(left),
                };
                order.filled += part;
                order.over = order.left() == 0;
                self.trades += 1;
                self.coins += match order.order.side {
                    Side::Buy => part - charge(part, self.fee),
                    Side::Sell => -part,
                };
                executions.push(Execution::Filled(Fill {
                    trade: TradeId::new(self.trades),
                    price: Price::from_units(self.price),
                    qty: Qty::from_units(part),
                    fee: Money::ZERO,
                    liquidity: Liquidity::Taker,
                }));
            }
            if !executions.is_empty() {
                told.push((*id, executions));
            }
        }
        assert!(self.coins >= 0, "more was sold than was there");
        told
    }
}

/// What a buy of `part` is charged in coins.
pub(super) fn charge(part: i128, fee: i128) -> i128 {
    if fee == 0 { 0 } else { part / fee }
}
