//! Accepting an order: its rules, what it holds, and what it takes at once.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::account::{Account, Standing, worth};
use super::amount::{Amount, Rounding};
use super::matching::{self, Part};
use super::order::{Kind, Life, Order, Side, Size, Status, Terms};
use super::refusal::{Refusal, Rule};
use super::report::{Expiry, Happened};
use super::rules;
use crate::instrument;

/// Orders of one market that may wait for a trigger.
const TRIGGERS_MAX: usize = 5;

/// What a client asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) client_id: Arc<str>,
    pub(crate) terms: Terms,
    pub(crate) by_hand: bool,
    /// Words of the dialect that stay with the order.
    pub(crate) marks: Vec<(String, String)>,
}

impl Account {
    /// Accepts an order and lets it take what it can; its number.
    pub(crate) fn place(&mut self, standing: &Standing<'_>, asked: Asked) -> Result<u64, Refusal> {
        self.admit(standing, &asked)?;
        let id = self.orders.len() as u64 + 1;
        let mut order = Order {
            id,
            client_id: asked.client_id,
            market: standing.instrument.name.clone(),
            terms: asked.terms,
            status: Status::New,
            quantity: quantity(standing, &asked.terms),
            filled: 0,
            filled_quote: Amount::ZERO,
            fees: BTreeMap::new(),
            held: Amount::ZERO,
            ahead: 0,
            created_ns: standing.now_ns,
            updated_ns: standing.now_ns,
            working_ns: asked.terms.trigger.is_none().then_some(standing.now_ns),
            by_hand: asked.by_hand,
            marks: asked.marks,
        };
        let held = self.needed(standing, &asked.terms, asked.terms.trigger.map(|trigger| trigger.price));
        self.hold(&mut order, standing.instrument, held).map_err(|_| Refusal::Balance)?;
        self.open.entry(order.market.clone()).or_default().insert(id);
        self.names.insert((order.client_id.clone(), order.market.clone()), id);
        self.orders.insert(id, order);
        self.tell(id, Happened::Accepted);
        if std::mem::take(&mut self.slips.self_trade) {
            let expired = Happened::Expired(Expiry::SelfTrade);
            self.end(id, standing.instrument, standing.now_ns, expired);
        } else if asked.terms.trigger.is_none() {
            self.work(id, standing);
        }
        Ok(id)
    }

    pub(crate) fn admit(&self, standing: &Standing<'_>, asked: &Asked) -> Result<(), Refusal> {
        let Asked { terms, client_id, .. } = asked;
        if standing.instrument.status != instrument::Status::Trading {
            return Err(Refusal::Closed);
        }
        rules::check(standing.instrument, terms, standing.last)?;
        if self.is_taken(client_id) {
            return Err(Refusal::Duplicate);
        }
        let open = self.open_orders(Some(&standing.instrument.name));
        let (orders, triggers) = open.iter().fold((0, 0), |(orders, triggers), order| {
            (orders + 1, triggers + usize::from(order.is_asleep()))
        });
        if orders >= self.orders_max {
            return Err(Refusal::Rule(Rule::Orders));
        }
        if let Some(trigger) = terms.trigger {
            if triggers >= TRIGGERS_MAX {
                return Err(Refusal::Rule(Rule::Triggers));
            }
            if standing.last.is_some_and(|last| trigger.wakes(terms.side, last)) {
                return Err(Refusal::WouldWake);
            }
        } else if takes_though_it_must_not(standing, terms) {
            return Err(Refusal::WouldTake);
        }
        Ok(())
    }

    /// Lets an order that is awake take what it can, and rest or end with what is left.
    pub(super) fn work(&mut self, id: u64, standing: &Standing<'_>) {
        let Some(order) = self.orders.get(&id) else { return };
        let terms = order.terms;
        let parts = matching::taken(standing, &terms);
        let found: u64 = parts.iter().map(|part| part.quantity).sum();
        if terms.quantity().is_none()
            && let Some(order) = self.orders.get_mut(&id)
        {
            order.quantity = found;
        }
        let ended = match terms.kind {
            Kind::PostOnly { .. } if !parts.is_empty() => Some(Expiry::Life),
            Kind::Limit { quantity, life: Life::Fok, .. } if found < quantity => Some(Expiry::Liquidity),
            Kind::Limit { .. } | Kind::PostOnly { .. } | Kind::Market { .. } => None,
        };
        if let Some(expiry) = ended {
            return self.end(id, standing.instrument, standing.now_ns, Happened::Expired(expiry));
        }
        for part in parts {
            self.fill(id, standing, part, false);
        }
        if self.orders.get(&id).is_none_or(|order| !order.status.is_open()) {
            return;
        }
        match terms.kind {
            Kind::Market { .. } => {
                let expired = Happened::Expired(Expiry::Liquidity);
                self.end(id, standing.instrument, standing.now_ns, expired);
            }
            Kind::Limit { life: Life::Ioc | Life::Fok, .. } => {
                self.end(id, standing.instrument, standing.now_ns, Happened::Expired(Expiry::Life));
            }
            Kind::Limit { price, life: Life::Gtc, .. } | Kind::PostOnly { price, .. } => {
                self.rest(id, standing, price);
            }
        }
    }

    /// Wakes an order whose trigger was reached.
    pub(super) fn wake(&mut self, id: u64, standing: &Standing<'_>) {
        let Some(mut order) = self.orders.remove(&id) else { return };
        order.working_ns = Some(standing.now_ns);
        order.updated_ns = standing.now_ns;
        let held = self.needed(standing, &order.terms, None);
        let is_paid = self.hold(&mut order, standing.instrument, held).is_ok();
        self.orders.insert(id, order);
        self.tell(id, Happened::Woke);
        if is_paid {
            self.work(id, standing);
        } else {
            let expired = Happened::Expired(Expiry::Balance);
            self.end(id, standing.instrument, standing.now_ns, expired);
        }
    }
}

/// Units of the base asset that an order is for; what the book gives for its money where it names none.
fn quantity(standing: &Standing<'_>, terms: &Terms) -> u64 {
    let found = || matching::taken(standing, terms).iter().map(|part| part.quantity).sum();
    terms.quantity().unwrap_or_else(found)
}

fn takes_though_it_must_not(standing: &Standing<'_>, terms: &Terms) -> bool {
    match terms.kind {
        Kind::PostOnly { .. } => !matching::taken(standing, terms).is_empty(),
        Kind::Limit { .. } | Kind::Market { .. } => false,
    }
}

impl Account {
    /// What an order must hold of the asset that it gives, with its fee where that is charged beside the price.
    fn needed(&self, standing: &Standing<'_>, terms: &Terms, trigger: Option<u64>) -> Amount {
        let given = given_for(standing, terms, trigger);
        match terms.side {
            Side::Buy => given + self.fees.held_for(given),
            Side::Sell => given,
        }
    }
}

/// What an order gives; one without a limit what the book asks for now, or what it would cost at the price of its
/// trigger.
fn given_for(standing: &Standing<'_>, terms: &Terms, trigger: Option<u64>) -> Amount {
    let instrument = standing.instrument;
    let quantity = |units: u64| Amount::of_quantity(units, instrument.quantity_decimals);
    match (terms.side, terms.kind) {
        (Side::Sell, Kind::Market { size: Size::Quote(_) }) => {
            matching::taken(standing, terms).iter().map(|part| quantity(part.quantity)).sum()
        }
        (Side::Sell, _) => quantity(terms.quantity().unwrap_or(0)),
        (Side::Buy, Kind::Limit { price, quantity, .. } | Kind::PostOnly { price, quantity }) => {
            worth(instrument, price, quantity, Rounding::Up)
        }
        (Side::Buy, Kind::Market { size: Size::Quote(amount) }) => amount,
        (Side::Buy, Kind::Market { size: Size::Base(quantity) }) => match trigger {
            Some(price) => worth(instrument, price, quantity, Rounding::Up),
            None => {
                let cost = |part: &Part| worth(instrument, part.price, part.quantity, Rounding::Up);
                matching::taken(standing, terms).iter().map(cost).sum()
            }
        },
    }
}
