//! Ending orders: one, or all of a market.

use std::sync::Arc;

use super::account::{Account, Standing, Which, worth};
use super::amount::{Amount, Rounding};
use super::matching::Part;
use super::order::{Order, Side, Status};
use super::refusal::Refusal;
use super::report::{Expiry, Happened, Report};

/// In which state a cancel wants its order to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Restriction {
    None,
    OnlyNew,
    OnlyPartiallyFilled,
}

impl Account {
    /// Cancels an open order; the order as it then is.
    pub(crate) fn cancel(
        &mut self,
        standing: &Standing<'_>,
        which: &Which,
        restriction: Restriction,
        request: &Arc<str>,
    ) -> Result<Order, Refusal> {
        let order = self.order(&standing.instrument.name, which).filter(|order| order.status.is_open());
        let order = order.ok_or(Refusal::Unknown)?;
        let is_meant = match restriction {
            Restriction::None => true,
            Restriction::OnlyNew => order.status == Status::New,
            Restriction::OnlyPartiallyFilled => order.status == Status::PartiallyFilled,
        };
        if !is_meant {
            return Err(Refusal::Restricted);
        }
        let id = order.id;
        self.end(id, standing.instrument, standing.now_ns, Happened::Canceled { request: request.clone() });
        let ended = self.orders.get(&id).cloned().ok_or(Refusal::Unknown)?;
        if std::mem::take(&mut self.slips.late_fill) {
            self.fill_late(id, standing);
        }
        Ok(ended)
    }

    /// Cancels every open order of a market, the oldest first.
    pub(crate) fn cancel_all(&mut self, standing: &Standing<'_>, request: &Arc<str>) -> Vec<Order> {
        let open = self.open_orders(Some(&standing.instrument.name));
        let ids: Vec<u64> = open.iter().map(|order| order.id).collect();
        let cancelled = ids
            .into_iter()
            .filter_map(|id| self.cancel(standing, &Which::Id(id), Restriction::None, request).ok());
        cancelled.collect()
    }

    /// Ends every open order of a market that is traded no more.
    pub(crate) fn expire_all(&mut self, standing: &Standing<'_>) {
        let open = self.open_orders(Some(&standing.instrument.name));
        let ids: Vec<u64> = open.iter().map(|order| order.id).collect();
        for id in ids {
            self.end(id, standing.instrument, standing.now_ns, Happened::Expired(Expiry::Delisted));
        }
    }

    /// Half of what a cancelled order had left, all of a single step, was filled a moment before and is told only now. It
    /// costs what the order held until then; an order without a price of its own has nothing that could be filled late.
    fn fill_late(&mut self, id: u64, standing: &Standing<'_>) {
        let instrument = standing.instrument;
        let Some(mut order) = self.orders.remove(&id) else { return };
        let price = order.terms.limit().filter(|_| !order.is_asleep());
        let half = order.remaining() / 2 / instrument.step * instrument.step;
        let quantity = if half == 0 { order.remaining() } else { half };
        let held = match (order.terms.side, price) {
            (_, None) => Amount::ZERO,
            (Side::Buy, Some(price)) => {
                let given = worth(instrument, price, order.remaining(), Rounding::Up);
                given + self.fees.held_for(given)
            }
            (Side::Sell, Some(_)) => Amount::of_quantity(order.remaining(), instrument.quantity_decimals),
        };
        // It was free a moment ago, and nobody else used it since.
        let is_paid = self.hold(&mut order, instrument, held).is_ok();
        self.orders.insert(id, order);
        if let Some(price) = price.filter(|_| is_paid) {
            self.fill(id, standing, Part { price, quantity }, true);
        }
        let Some(mut order) = self.orders.remove(&id) else { return };
        let freed = self.hold(&mut order, instrument, Amount::ZERO);
        assert!(freed.is_ok(), "order {id} holds what is not locked");
        if order.status.is_open() {
            order.status = Status::Canceled;
            self.reports.push(Report::Corrected(Box::new(order.clone())));
        }
        self.orders.insert(id, order);
        self.conclude();
    }
}
