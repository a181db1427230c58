//! When trading stops, and what is done about orders and positions then.

use super::Core;
use crate::event::{CancelRequest, Output, Rationale};
use crate::instrument::InstrumentId;
use crate::market::Side;
use crate::num::Qty;
use crate::order::{OpenOrder, OrderId, Reach, Status};
use crate::risk::{Breach, HaltAction, HaltReason};
use crate::strategy::OrderIntent;
use crate::time::Timestamp;

impl Core {
    #[cold]
    pub(super) fn act_on_halts(&mut self, at: Timestamp, outputs: &mut Vec<Output>) {
        if let Some(reason) = self.state.impossible() {
            self.halt(at, reason, outputs);
        }
        if self.state.is_halted() {
            return;
        }
        if let Some(level) = self.state.breached_halt_level() {
            let breach = Breach { limit: level.units(), observed: self.state.equity().units() };
            self.halt(at, HaltReason::Drawdown(breach), outputs);
            if self.gate.limits().halt_action == HaltAction::Flatten {
                self.flatten(at, "drawdown limit reached", outputs);
            }
        }
    }

    /// Stops new risk: halts, and ends every working order that could enlarge a position.
    pub(super) fn halt(&mut self, at: Timestamp, reason: HaltReason, outputs: &mut Vec<Output>) {
        self.conclude(at, Output::TradingHalted(reason), outputs);
        self.cancel_where(at, "trading is halted", |open| open.order.reach == Reach::Any, outputs);
    }

    /// Ends every working order and closes every position at the market.
    pub(super) fn flatten(&mut self, at: Timestamp, why: &'static str, outputs: &mut Vec<Output>) {
        self.cancel_where(at, why, |_| true, outputs);
        for instrument in self.state.instrument_ids() {
            let held = self.state.ledger().position(instrument).qty;
            if !held.is_zero() {
                let side = if held.is_positive() { Side::Sell } else { Side::Buy };
                self.place_or_wait(at, OrderIntent::close(instrument, side, why), outputs);
            }
        }
    }

    /// Closes an entry that filled although a drawdown halt had flattened and asked for its end: its cancel and its
    /// fill crossed on the way.
    pub(super) fn flatten_late_entry(
        &mut self,
        at: Timestamp,
        instrument: InstrumentId,
        held: Qty,
        outputs: &mut Vec<Output>,
    ) {
        let flattened = matches!(self.state.halt(), Some(HaltReason::Drawdown(_)))
            && self.gate.limits().halt_action == HaltAction::Flatten;
        if flattened {
            let side = if held.is_positive() { Side::Sell } else { Side::Buy };
            let close = OrderIntent::close(instrument, side, "it filled after the halt that flattened");
            self.place_or_wait(at, close, outputs);
        }
    }

    fn cancel_where(
        &mut self,
        at: Timestamp,
        why: &'static str,
        chosen: impl Fn(&OpenOrder) -> bool,
        outputs: &mut Vec<Output>,
    ) {
        let working = self.state.open_orders().filter(|open| open.status != Status::CancelPending);
        let ids: Vec<OrderId> = working.filter(|open| chosen(open)).map(|open| open.order.id).collect();
        for order in ids {
            let request = CancelRequest { order, because: Rationale::new(why) };
            self.conclude(at, Output::CancelRequested(request), outputs);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::short_way::{ONLY, core, fill, market};
    use super::*;
    use crate::event::{Event, Input};
    use crate::strategy::{Intent, Size, Strategy, View};

    /// Buys two units at each of the first two ticks.
    #[derive(Default)]
    struct Eager(u32);

    impl Strategy for Eager {
        fn observe(&mut self, _at: Timestamp, event: &Event) {
            self.0 += u32::from(matches!(event, Event::Input(Input::Market(_))));
        }

        fn propose(&self, _view: &View<'_>) -> Vec<Intent> {
            let buy = OrderIntent::market(ONLY, Side::Buy, Size::Units(Qty::from_units(2_000)), "eager");
            if self.0 <= 2 { vec![buy.into()] } else { Vec::new() }
        }
    }

    fn placed(outputs: &[Output]) -> Vec<(Side, i128, Reach)> {
        let order = |output: &Output| {
            let Output::OrderSubmitted(submission) = output else { return None };
            let order = &submission.order;
            Some((order.side, order.qty.units(), order.reach))
        };
        outputs.iter().filter_map(order).collect()
    }

    #[test]
    fn an_entry_that_fills_after_the_halt_is_closed_as_well() {
        let mut core = core(Eager::default());
        let at = |second: i64| Timestamp::from_nanos(second * 1_000_000_000);
        let tick = |second, price| Event::Input(Input::Market(market(2, at(second), price)));
        let first = core.decide(at(1), &tick(1, 10_000));
        core.decide(at(1), &Event::Input(fill(at(1), &first[0], 10_000).unwrap()));
        let second = core.decide(at(2), &tick(2, 10_000));
        assert_eq!(placed(&second), [(Side::Buy, 2_000, Reach::Any)], "works, and is not filled yet");
        let halted = core.decide(at(3), &tick(3, 9_400));
        assert!(core.state().is_halted());
        assert!(halted.iter().any(|output| matches!(output, Output::CancelRequested(_))), "{halted:?}");
        assert_eq!(placed(&halted), [(Side::Sell, 2_000, Reach::ReduceOnly)]);
        let late = core.decide(at(4), &Event::Input(fill(at(4), &second[0], 9_400).unwrap()));
        assert_eq!(placed(&late), [(Side::Sell, 4_000, Reach::ReduceOnly)], "all that is held by now");
        let close = halted.iter().find(|output| matches!(output, Output::OrderSubmitted(_))).unwrap();
        let closed = core.decide(at(5), &Event::Input(fill(at(5), close, 9_400).unwrap()));
        assert_eq!(placed(&closed), [], "a close is no entry");
        assert_eq!(
            core.state().ledger().position(ONLY).qty,
            Qty::from_units(2_000),
            "the second close is under way"
        );
    }
}
