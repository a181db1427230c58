//! To be flat is an obligation: what is wanted flat is closed however often it takes.
//!
//! The wish lies in the state ([`State::flattening`]). At every input the core ends what could enlarge the position
//! and sees that a reduce-only market order covers all of it. A close that the venue ends without filling is tried
//! again after a pause.

use super::{Core, Timing};
use crate::event::Output;
use crate::instrument::InstrumentId;
use crate::intent::{OrderIntent, Size};
use crate::num::Qty;
use crate::order::Reach;
use crate::refusal::Refusal;
use crate::state::Flattening;
use crate::time::Timestamp;

impl Core {
    /// Ends orders and closes positions in every market that is to be flat, once in a step.
    #[cold]
    pub(super) fn pursue_flat(&mut self, at: Timestamp, outputs: &mut Vec<Output>) {
        let due = self.state.flattening().iter().filter(|market| market.is_due(at));
        let due: Vec<Flattening> = due.copied().collect();
        for market in &due {
            let id = market.instrument;
            self.cancel_where(
                at,
                market.reason.words(),
                |state, open| open.order.instrument == id && !state.is_working_close(open),
                outputs,
            );
        }
        for market in &due {
            self.close_uncovered(at, market, outputs);
        }
    }

    fn close_uncovered(&mut self, at: Timestamp, market: &Flattening, outputs: &mut Vec<Output>) {
        let id = market.instrument;
        let uncovered = self.closable(id);
        let Some(side) = self.state.closing_side(id).filter(|_| uncovered.is_positive()) else { return };
        let close = OrderIntent::close(id, side, market.reason.words());
        match self.timing {
            Timing::NextOpen if self.state.close_waits(id) => {}
            Timing::NextOpen => self.place_or_wait(at, close, outputs),
            Timing::Immediate if self.has_working_close(id) || self.state.account().is_some() => {
                self.place(at, OrderIntent { size: Size::Units(uncovered), ..close }, outputs);
            }
            Timing::Immediate => self.place(at, close, outputs),
        }
    }

    /// What no close covers yet. At a real venue an order whose end is only asked for holds what it would sell.
    fn closable(&self, id: InstrumentId) -> Qty {
        let uncovered = self.state.uncovered(id);
        match (self.state.account(), self.state.instrument(id)) {
            (Some(_), Some(rules)) => uncovered.min(rules.lots_down(self.state.free_to_close(id))),
            (Some(_) | None, _) => uncovered,
        }
    }

    fn has_working_close(&self, id: InstrumentId) -> bool {
        self.state.open_orders().any(|open| open.order.instrument == id && self.state.is_working_close(open))
    }

    /// Whether a close of a market that is to be flat was refused for the same kind of reason before.
    pub(super) fn is_known_refusal(&self, intent: &OrderIntent, reason: &Refusal) -> bool {
        intent.reach == Reach::ReduceOnly
            && self
                .state
                .flattening()
                .iter()
                .any(|market| market.instrument == intent.instrument && market.was_refused(reason))
    }
}

#[cfg(test)]
mod tests {
    use super::super::fast_path_tests::{ONLY, core, fill, market};
    use super::*;
    use crate::event::{Event, Input};
    use crate::intent::Intent;
    use crate::market::Side;
    use crate::order::Reach;
    use crate::strategy::{Strategy, View};

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
        assert_eq!(placed(&late), [(Side::Sell, 2_000, Reach::ReduceOnly)], "what no close covers yet");
        let close = halted.iter().find(|output| matches!(output, Output::OrderSubmitted(_))).unwrap();
        let closed = core.decide(at(5), &Event::Input(fill(at(5), close, 9_400).unwrap()));
        assert_eq!(placed(&closed), [], "the second close is under way");
        assert_eq!(core.state().ledger().position(ONLY).qty, Qty::from_units(2_000));
        let close = late.iter().find(|output| matches!(output, Output::OrderSubmitted(_))).unwrap();
        core.decide(at(6), &Event::Input(fill(at(6), close, 9_400).unwrap()));
        assert!(core.state().ledger().position(ONLY).qty.is_zero());
        assert_eq!(core.state().flattening(), [], "nothing is held and nothing works");
    }
}
