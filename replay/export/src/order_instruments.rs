//! Which instrument an order is for, and with how many decimals its numbers are written.

use std::collections::BTreeMap;

use engine_core::instrument::{Instrument, InstrumentId};
use engine_core::num::{Decimal, Price, Qty};
use engine_core::order::OrderId;

/// The name and decimals of an instrument; raw units where it is not known.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Scale<'run> {
    pub(super) instrument: Option<&'run Instrument>,
}

impl Scale<'_> {
    pub(super) fn price(self, price: Price) -> String {
        let decimals = self.instrument.map_or(0, |instrument| instrument.price_decimals);
        Decimal { units: i128::from(price.units()), decimals }.to_string()
    }

    pub(super) fn qty(self, qty: Qty) -> String {
        let decimals = self.instrument.map_or(0, |instrument| instrument.qty_decimals);
        Decimal { units: qty.units(), decimals }.to_string()
    }

    pub(super) fn name(self) -> Option<String> {
        self.instrument.map(|instrument| format!("{}:{}", instrument.venue, instrument.symbol))
    }
}

/// The instruments of a run, and the one that each order is for.
#[derive(Debug, Clone, Default)]
pub(super) struct OrderInstruments {
    instruments: Vec<Instrument>,
    orders: BTreeMap<OrderId, InstrumentId>,
}

impl OrderInstruments {
    /// The instruments of a run before its first order.
    pub(super) const fn new(instruments: Vec<Instrument>) -> Self {
        Self { instruments, orders: BTreeMap::new() }
    }

    /// Notes that `order` is for `instrument`.
    pub(super) fn submitted(&mut self, order: OrderId, instrument: InstrumentId) {
        self.orders.insert(order, instrument);
    }

    pub(super) fn knows(&self, order: OrderId) -> bool {
        self.orders.contains_key(&order)
    }

    pub(super) fn scale(&self, instrument: InstrumentId) -> Scale<'_> {
        Scale { instrument: self.instruments.get(instrument.index()) }
    }

    pub(super) fn order_scale(&self, order: OrderId) -> Scale<'_> {
        self.orders.get(&order).map_or(Scale::default(), |instrument| self.scale(*instrument))
    }

    pub(super) fn instrument_name(&self, instrument: InstrumentId) -> Option<String> {
        self.scale(instrument).name()
    }

    pub(super) fn order_name(&self, order: OrderId) -> Option<String> {
        self.order_scale(order).name()
    }
}
