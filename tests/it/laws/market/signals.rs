//! Bars that are decided on, of the ticks beside them.

use std::collections::BTreeMap;

use engine_core::instrument::InstrumentId;
use engine_core::market::Bar;
use engine_core::num::{Price, Qty};
use engine_core::time::Timestamp;
use replay_simulation::config::FillModel;

use super::Move;

/// The bars that form of the ticks of each instrument, in one market of three.
pub(super) struct Forming {
    is_wanted: bool,
    bars: BTreeMap<u16, Bar>,
}

impl Forming {
    pub(super) fn beside(model: FillModel, moves: &[Move]) -> Self {
        let is_served = matches!(model, FillModel::Trades | FillModel::Quotes);
        let is_wanted = is_served && moves.first().is_some_and(|step| step.drift % 3 == 0);
        Self { is_wanted, bars: BTreeMap::new() }
    }

    /// Takes a tick `at` this moment; answers the bar of those before it, where one ends here.
    pub(super) fn tick(&mut self, step: &Move, at: i64, price: i64) -> Option<Bar> {
        let (now, price, qty) = (Timestamp::from_nanos(at), Price::from_units(price), Qty::from(step.qty));
        let bar = Bar {
            instrument: InstrumentId::new(step.instrument),
            open_at: now,
            close_at: now,
            open: price,
            high: price,
            low: price,
            close: price,
            volume: qty,
            trades: 0,
        };
        if !self.is_wanted {
            return None;
        }
        let before = self.bars.entry(step.instrument).or_insert(bar);
        if step.spread % 4 == 0 && now > before.open_at {
            return Some(Bar { close_at: now, ..core::mem::replace(before, bar) });
        }
        (before.high, before.low) = (before.high.max(price), before.low.min(price));
        (before.close, before.volume) = (price, before.volume.plus(qty).unwrap());
        None
    }
}
