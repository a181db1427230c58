//! A strategy that enters with exits and sells by the number of the record alone, so that a core made of a record has it too.

use super::*;

/// How a strategy comes to its orders.
#[derive(Debug, Clone, Copy)]
pub(super) enum Plan {
    /// By a number drawn for each record.
    Drawn,
    /// As a scenario wants it.
    Scripted,
}

impl Plan {
    pub(super) fn strategy(self, seed: u64) -> Box<dyn Strategy> {
        match self {
            Self::Drawn => Box::new(Planned::new(seed)),
            Self::Scripted => Box::new(super::scripted::Script::default()),
        }
    }
}

#[derive(Debug, Clone)]
struct Planned {
    seed: u64,
    records: u64,
    price: i64,
}

impl Planned {
    const fn new(seed: u64) -> Self {
        Self { seed, records: 0, price: 0 }
    }

    fn entry(&self, random: &mut Random) -> Intent {
        let away = |random: &mut Random| self.price * (3 + i64::try_from(random.below(15)).unwrap()) / 1_000;
        let (stop, take) = (self.price - away(random), self.price + away(random));
        let [stays, take] = [stop, take].map(Price::from_units);
        let share = Ratio::from_units(1_000_000 * (1 + i64::try_from(random.below(12)).unwrap()));
        let (stop_loss, take_profit) = match random.below(6) {
            0 => (BracketStop::At(stays), None),
            1 => (BracketStop::None, Some(take)),
            2 | 3 => (BracketStop::At(stays), Some(take)),
            4 => (BracketStop::Trailing(share), None),
            _ => (BracketStop::Trailing(share), Some(take)),
        };
        let limit = OrderKind::Limit(Price::from_units(self.price - self.price / 500));
        let kind = if random.chance(500) { limit } else { OrderKind::Market };
        let units = 10 * (1 + i128::from(random.below(200)));
        let entry = entry_with(units, Bracket { stop_loss, take_profit });
        OrderIntent { kind, ..entry }.into()
    }
}

impl Strategy for Planned {
    fn observe(&mut self, _at: Timestamp, event: &Event) {
        if let Event::Input(Input::Market(crate::market::MarketUpdate::Trade(trade))) = event {
            self.records += 1;
            self.price = trade.price.units();
        }
    }

    fn propose(&self, view: &View<'_>) -> Vec<Intent> {
        let mut random = Random::seeded(self.seed.wrapping_add(self.records << 20));
        // As policies do, it sells nothing while something it sells is under way.
        let mut orders = view.open_orders(ONLY).filter(|open| open.order.parent.is_none());
        let sells = orders.any(|open| open.order.side == Side::Sell) || view.state.waiting().next().is_some();
        let held = view.position(ONLY).is_positive() && !sells;
        match random.below(160) {
            0..=2 if view.state.held_exits().len() < 4 => vec![self.entry(&mut random)],
            3 if held => vec![OrderIntent::close(ONLY, Side::Sell, "all of it").into()],
            4 if held => vec![sell(10 * (1 + i128::from(random.below(100))))],
            5 if held => {
                let limit = OrderKind::Limit(Price::from_units(self.price + self.price / 400));
                let close = OrderIntent::close(ONLY, Side::Sell, "part of it");
                vec![OrderIntent { kind: limit, size: Size::Units(Qty::from_units(300)), ..close }.into()]
            }
            6 => {
                let mut others = view.open_orders(ONLY).filter(|open| open.order.parent.is_none());
                let order = others.next().map(|open| open.order.id);
                let because = Rationale::new("another mind");
                order
                    .map(|order| Intent::Cancel(crate::intent::CancelIntent { order, because }))
                    .into_iter()
                    .collect()
            }
            _ => Vec::new(),
        }
    }
}
