//! At what price an order is judged, and what a position could come to: one rule for size, notional, position,
//! exposure and cash.
//!
//! | what | is valued at |
//! |---|---|
//! | what is held | the mark |
//! | a limit order, a stop-limit order | its limit: it trades there or not at all |
//! | a stop order | its trigger, or the mark once the mark has passed it |
//! | a market order, a trailing stop | the mark |
//!
//! So an order sized to a share of equity at its own price is worth that share wherever it is looked at. Orders that
//! first close what is held on the other side open only the rest; it is valued at the dearest of their prices.

use crate::instrument::{Instrument, InstrumentId};
use crate::market::Side;
use crate::num::{Money, Price, Qty};
use crate::order::{Order, OrderKind, Reach};
use crate::state::State;

/// The price an order is judged at.
pub(super) fn order_price(kind: OrderKind, side: Side, mark: Price) -> Price {
    match (kind, side) {
        (OrderKind::Limit(price), _) => price,
        (OrderKind::StopMarket(trigger), Side::Buy) => trigger.max(mark),
        (OrderKind::StopMarket(trigger), Side::Sell) => trigger.min(mark),
        (OrderKind::StopLimit(prices), _) => prices.limit,
        (OrderKind::Market | OrderKind::TrailingStop(_), _) => mark,
    }
}

/// A position that could come about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Outlook {
    /// Signed quantity.
    pub(super) qty: Qty,
    /// What it is worth, without sign.
    pub(super) value: Money,
}

/// The position in `instrument` if everything that works on `side` filled, `draft` with it; `None` on overflow.
///
/// Reduce-only orders, the legs of brackets too, count for what they can close: once they have, an order that was to
/// bring the position back opens the other side instead.
pub(super) fn outlook(
    state: &State,
    rules: &Instrument,
    instrument: InstrumentId,
    side: Side,
    draft: Option<&Order>,
) -> Option<Outlook> {
    let mark = state.mark(instrument)?;
    let held = side.signed(state.ledger().position(instrument).qty);
    let mut reducing = Qty::ZERO;
    let mut entering = Entering { qty: Qty::ZERO, value: Money::ZERO, dearest: mark };
    for open in state.open_orders() {
        match open.order.reach {
            _ if open.order.instrument != instrument || open.order.side != side => {}
            Reach::Any => entering.add(rules, &open.order, open.remaining(), mark)?,
            Reach::ReduceOnly => reducing = reducing.plus(open.remaining())?,
        }
    }
    if let Some(order) = draft {
        entering.add(rules, order, order.qty, mark)?;
    }
    let closed = if held.units() < 0 { reducing.min(held.magnitude()) } else { Qty::ZERO };
    let qty = held.plus(closed)?.plus(entering.qty)?;
    let value = if held.units() >= 0 {
        rules.notional(mark, held)?.plus(entering.value)?
    } else if qty.is_positive() {
        rules.notional(entering.dearest, qty)?
    } else {
        rules.notional(mark, qty)?.magnitude()
    };
    Some(Outlook { qty: side.signed(qty), value })
}

/// What the orders of one side that may enlarge a position add up to.
struct Entering {
    qty: Qty,
    value: Money,
    /// The highest price among them; the mark before the first.
    dearest: Price,
}

impl Entering {
    fn add(&mut self, rules: &Instrument, order: &Order, qty: Qty, mark: Price) -> Option<()> {
        let price = order_price(order.kind, order.side, mark);
        self.dearest = if self.qty.is_zero() { price } else { self.dearest.max(price) };
        self.qty = self.qty.plus(qty)?;
        self.value = self.value.plus(rules.notional(price, qty)?)?;
        Some(())
    }
}
