//! Orders that work on the account and are not of the run, as the venue lists them.

use engine_core::event::{AccountEvent, ForeignOrder, ForeignOrders};
use engine_core::instrument::InstrumentId;
use engine_core::num::Amount;
use engine_core::time::Timestamp;

use super::trades::amount;
use super::{ASK_AGAIN_AFTER, GatewayMarket, OrderGateway, Purpose};
use crate::account_message::{AccountMessage, OrderReport};
use crate::decimal;

impl OrderGateway {
    /// Tells which orders of others work in the market at `place`, of which the venue has listed all orders, where that has
    /// changed.
    pub(super) fn tell_foreign_orders(&mut self, place: usize, listed: &[AccountMessage]) {
        let Some(market) = self.markets.get(place) else { return };
        let foreign = listed.iter().filter_map(AccountMessage::as_order).filter(|report| {
            let is_here = report.symbol.as_deref().is_none_or(|symbol| symbol == market.rules.symbol);
            is_here && !report.status.is_final() && self.own_client_id(report.client_id.as_deref()).is_none()
        });
        let orders = foreign.filter_map(|report| foreign_order(market, report).transpose());
        let Ok(mut orders) = orders.collect::<Result<Vec<_>, TooLarge>>() else {
            return self.halt("the quantity of an order that is not of this run does not fit");
        };
        orders.retain(|order| order.left.is_positive());
        orders.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        orders.dedup_by(|one, other| one.name == other.name);
        if self.foreign_orders.get(&place).map_or(orders.is_empty(), |told| *told == orders) {
            return;
        }
        self.foreign_orders.insert(place, orders.clone());
        if let Ok(number) = u16::try_from(place) {
            let instrument = InstrumentId::new(number);
            self.tell(AccountEvent::Foreign(ForeignOrders { instrument, orders }));
        }
    }

    /// An order of others has come, changed or gone: all of its market are asked for, soon and not for each word of it.
    pub(super) fn list_foreign_orders(&mut self, now: Timestamp, report: &OrderReport) {
        let Some(place) = report.symbol.as_deref().and_then(|symbol| self.market_of(symbol)) else { return };
        let mut told = self.foreign_orders.get(&place).into_iter().flatten();
        let told = told.find(|order| order.name == report.order_id).map(|order| order.left);
        let is_new = match report.status.is_final() {
            true => told.is_some(),
            false => {
                let market = self.markets.get(place);
                let said = market.and_then(|market| foreign_order(market, report).ok().flatten());
                said.is_none_or(|order| told != Some(order.left))
            }
        };
        if !is_new {
            return;
        }
        let purpose = Purpose::OpenOrders(place);
        if !self.later.iter().any(|(_, later)| *later == purpose) {
            self.ask_at(now.plus(ASK_AGAIN_AFTER), purpose);
        }
    }
}

/// The order as the core knows it; nothing of one whose side or quantity the venue does not say, such as one at the market
/// that is counted in its quote currency: none of those rests. An error where its quantity does not fit.
fn foreign_order(market: &GatewayMarket, report: &OrderReport) -> Result<Option<ForeignOrder>, TooLarge> {
    let (Some(side), Some(qty)) = (report.side, report.qty) else { return Ok(None) };
    let rules = &market.rules;
    let filled = report.filled_qty.map_or(Some(Amount::ZERO), amount);
    let left =
        amount(qty).zip(filled).and_then(|(qty, filled)| qty.minus(filled)?.qty_up(rules.qty_decimals));
    let price = report.limit.and_then(|limit| decimal::price(limit, rules.price_decimals).ok());
    let order = |left| ForeignOrder { name: report.order_id.clone(), side, price, left };
    left.map(|left| Some(order(left))).ok_or(TooLarge)
}

/// A quantity that does not fit.
struct TooLarge;
