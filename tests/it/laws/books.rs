//! The books of every run: they sum to zero, equity is what they add up to, and fees are in both.

use std::collections::BTreeMap;

use engine_core::event::{Event, Execution, Input, Output};
use engine_core::instrument::InstrumentId;
use engine_core::machine::Core;
use engine_core::market::Side;
use engine_core::num::Money;
use engine_core::order::{Order, OrderId};
use engine_core::time::Timestamp;
use engine_runtime::runner::Observer;
use journal_store::memory_journal::DigestJournal;
use proptest::prelude::*;

use super::{MODELS, cases, law};

/// Books kept apart from the engine's: only cash, quantities and fees, from what the venue reported.
struct SecondBooks {
    capital: i128,
    cash: i128,
    fees: i128,
    held: BTreeMap<InstrumentId, i128>,
    orders: BTreeMap<OrderId, Order>,
    fills: u64,
}

impl SecondBooks {
    fn learn(&mut self, core: &Core, event: &Event, outputs: &[Output]) {
        if let Event::Input(Input::Execution(report)) = event
            && let Execution::Filled(fill) = report.execution
        {
            let order = &self.orders[&report.order];
            let rules = core.state().instrument(order.instrument).unwrap();
            let signed = if order.side == Side::Buy { fill.qty.units() } else { -fill.qty.units() };
            self.cash -= signed * i128::from(fill.price.units()) * rules.money_factor();
            self.cash -= fill.fee.units();
            self.fees += fill.fee.units();
            self.fills += 1;
            *self.held.entry(order.instrument).or_default() += signed;
        }
        for output in outputs {
            if let Output::OrderSubmitted(submission) = output {
                self.orders.insert(submission.order.id, submission.order.clone());
            }
        }
    }
}

impl Observer for SecondBooks {
    fn observe(&mut self, core: &Core, _at: Timestamp, event: &Event, outputs: &[Output]) {
        self.learn(core, event, outputs);
        let (state, ledger) = (core.state(), core.state().ledger());
        assert_eq!(ledger.imbalance(), Money::ZERO);
        assert_eq!(state.equity_from_books(), Some(state.equity()));
        assert_eq!(ledger.capital().units(), self.capital);
        assert_eq!(ledger.cash().units(), self.cash);
        assert_eq!(ledger.fees().units(), self.fees);
        assert_eq!(ledger.fills(), self.fills);
        let mut equity = self.cash;
        for id in state.instrument_ids() {
            let held = self.held.get(&id).copied().unwrap_or(0);
            assert_eq!(ledger.position(id).qty.units(), held);
            let mark = state.mark(id).map_or(0, |mark| i128::from(mark.units()));
            equity += held * mark * state.instrument(id).unwrap().money_factor();
        }
        assert_eq!(state.equity().units(), equity);
    }
}

proptest! {
    #![proptest_config(law())]

    #[test]
    fn the_books_sum_to_zero_and_to_equity_after_every_event(case in cases(&MODELS)) {
        let capital = case.config().capital.units();
        let mut books = SecondBooks {
            capital,
            cash: capital,
            fees: 0,
            held: BTreeMap::new(),
            orders: BTreeMap::new(),
            fills: 0,
        };
        case.play_into(case.core(), case.source(), &mut DigestJournal::default(), &mut books);
    }
}
