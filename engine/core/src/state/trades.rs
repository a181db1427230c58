//! Which trades of ours have been booked, so that a trade reported twice is booked once.

use super::State;
use crate::event::{Execution, ExecutionReport};
use crate::fill::TradeId;
use crate::order::{Change, OrderId};

/// Trades of orders that are over which are remembered; those of working orders all are.
const PAST_TRADES_MAX: usize = 1_024;

impl State {
    /// Whether `report` reports a trade that has been booked. Such a report is recorded and changes nothing.
    ///
    /// Every trade of a working order is known, and the last 1 024 of orders that are over. An older one is a fill of no
    /// working order, which halts trading.
    #[must_use]
    pub fn is_repeated(&self, report: &ExecutionReport) -> bool {
        let Execution::Filled(fill) = report.execution else { return false };
        self.is_booked(report.order, fill.trade)
    }

    /// Whether `trade` of order `id` has been booked.
    #[must_use]
    pub(super) fn is_booked(&self, id: OrderId, trade: TradeId) -> bool {
        match self.orders.get(id) {
            Some(open) => open.trades.binary_search(&trade).is_ok(),
            None => self.past_trades.contains(&(id, trade)),
        }
    }

    /// Notes a trade with its order; that of an order it ends is remembered at once.
    pub(super) fn note_trade(&mut self, id: OrderId, change: Change, trade: TradeId) {
        match self.orders.get_mut(id) {
            Some(open) if change == Change::FillPart => {
                let place = open.trades.binary_search(&trade).unwrap_or_else(|place| place);
                open.trades.insert(place, trade);
            }
            Some(_) | None => self.remember_trade(id, trade),
        }
    }

    pub(super) fn remember_trade(&mut self, id: OrderId, trade: TradeId) {
        if self.past_trades.len() >= PAST_TRADES_MAX {
            self.past_trades.pop_front();
        }
        self.past_trades.push_back((id, trade));
    }
}
