//! The orders at work.

use std::collections::VecDeque;

use crate::order::{OpenOrder, OrderId};

/// Orders by their number, lowest first.
///
/// Numbers are given out in order and most orders are over soon, so a row of them that is searched by halves
/// beats a tree: nothing is allocated for an order, and the newest goes in and the oldest out at an end.
#[derive(serde::Serialize, serde::Deserialize, Clone, Debug, Default, PartialEq, Eq, Hash)]
#[serde(transparent)]
pub(super) struct OpenOrders(VecDeque<OpenOrder>);

impl OpenOrders {
    #[inline]
    fn place(&self, id: OrderId) -> Result<usize, usize> {
        // Most questions are about the newest order.
        match self.0.back() {
            Some(newest) if newest.order.id == id => Ok(self.0.len() - 1),
            Some(newest) if newest.order.id > id => self.0.binary_search_by_key(&id, |open| open.order.id),
            Some(_) | None => Err(self.0.len()),
        }
    }

    /// Adds an order; one with the same number is replaced.
    pub(super) fn insert(&mut self, open: OpenOrder) {
        match self.place(open.order.id) {
            Ok(place) => {
                if let Some(before) = self.0.get_mut(place) {
                    *before = open;
                }
            }
            Err(place) if place == self.0.len() => self.0.push_back(open),
            Err(place) => self.0.insert(place, open),
        }
    }

    #[inline]
    pub(super) fn get(&self, id: OrderId) -> Option<&OpenOrder> {
        self.0.get(self.place(id).ok()?)
    }

    #[inline]
    pub(super) fn get_mut(&mut self, id: OrderId) -> Option<&mut OpenOrder> {
        let place = self.place(id).ok()?;
        self.0.get_mut(place)
    }

    /// Takes an order out.
    pub(super) fn remove(&mut self, id: OrderId) -> Option<OpenOrder> {
        self.0.remove(self.place(id).ok()?)
    }

    /// The orders, oldest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &OpenOrder> {
        self.0.iter()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::instrument::InstrumentId;
    use crate::market::Side;
    use crate::num::{Money, Price, Qty};
    use crate::order::{Order, OrderKind, Posting, Reach, Status, TimeInForce};
    use crate::time::Timestamp;

    fn open(id: u64, moment: i64) -> OpenOrder {
        OpenOrder {
            order: Order {
                id: OrderId::new(id),
                instrument: InstrumentId::new(0),
                side: Side::Buy,
                qty: Qty::from_units(1),
                kind: OrderKind::Market,
                tif: TimeInForce::Gtc,
                posting: Posting::Any,
                reach: Reach::Any,
                bracket: None,
                parent: None,
                sibling: None,
                decided_price: Price::from_units(1),
            },
            status: Status::Submitted,
            filled: Qty::ZERO,
            fees: Money::ZERO,
            submitted_at: Timestamp::from_nanos(moment),
            trades: Vec::new(),
            amended_to: None,
            is_superseded: false,
        }
    }

    proptest! {
        #[test]
        fn a_row_of_orders_is_a_map_of_them(steps in prop::collection::vec((0_u64..12, any::<bool>()), 0..80)) {
            let (mut row, mut map) = (OpenOrders::default(), BTreeMap::new());
            for (moment, (id, comes)) in (0..).zip(steps) {
                if comes {
                    row.insert(open(id, moment));
                    map.insert(OrderId::new(id), open(id, moment));
                } else {
                    row.remove(OrderId::new(id));
                    map.remove(&OrderId::new(id));
                }
                prop_assert_eq!(row.iter().collect::<Vec<_>>(), map.values().collect::<Vec<_>>());
                prop_assert_eq!(row.len(), map.len());
                prop_assert_eq!(row.get(OrderId::new(id)), map.get(&OrderId::new(id)));
                prop_assert_eq!(row.get_mut(OrderId::new(id)), map.get_mut(&OrderId::new(id)));
            }
        }
    }
}
