//! What must never happen where the market gives no excuse: prices stand still, or only limit orders are placed.

use engine_core::event::{Event, Output};
use engine_core::instrument::InstrumentId;
use engine_core::machine::Core;
use engine_core::market::Side;
use engine_core::num::Ratio;
use engine_core::order::Reach;
use engine_core::risk::{Account, RiskLimits};
use engine_core::time::Timestamp;
use engine_runtime::runner::Observer;
use journal_store::memory_journal::DigestJournal;
use proptest::prelude::*;
use replay_simulation::config::{Costs, FillModel};

use super::{ensure, limited_cases, money};
use crate::laws::script::{Act, Kind};
use crate::laws::{MODELS, law};

/// What a run must never do at any moment.
struct Standing {
    limits: RiskLimits,
    found: Result<(), String>,
    crossing: Vec<(InstrumentId, Side)>,
}

impl Standing {
    fn learn(&mut self, core: &Core, outputs: &[Output]) -> Result<(), String> {
        let state = core.state();
        for output in outputs {
            let Output::OrderSubmitted(submission) = output else { continue };
            let (instrument, side) = (submission.order.instrument, submission.order.side);
            let others = state.open_orders().filter(|open| open.order.reach == Reach::Any);
            if submission.order.reach == Reach::ReduceOnly
                && others
                    .into_iter()
                    .any(|open| open.order.instrument == instrument && open.order.side == side)
            {
                self.crossing.push((instrument, side));
            }
        }
        if self.limits.account == Account::Cash {
            ensure(state.ledger().cash().units() >= 0, "cash fell below zero")?;
        }
        for id in state.instrument_ids() {
            let held = state.ledger().position(id).qty;
            if self.limits.account == Account::Cash {
                ensure(held.units() >= 0, "more was sold than was held")?;
            }
            let side = if held.is_positive() { Side::Buy } else { Side::Sell };
            let (Some(most), Some(mark)) = (self.limits.position_notional_max, state.mark(id)) else {
                continue;
            };
            let size = money(state, id, mark, held.magnitude().units());
            let excused = self.crossing.contains(&(id, side));
            ensure(size <= most.units() || excused, "the position became larger than allowed")?;
        }
        Ok(())
    }
}

impl Observer for Standing {
    fn observe(&mut self, core: &Core, at: Timestamp, event: &Event, outputs: &[Output]) {
        if self.found.is_ok() {
            self.found =
                self.learn(core, outputs).map_err(|what| format!("{what} at {at:?} after {event:?}"));
        }
    }
}

proptest! {
    #![proptest_config(law())]

    #[test]
    fn where_prices_stand_still_no_limit_is_ever_exceeded(
        case in limited_cases(&[FillModel::Trades, FillModel::AtSignal]),
    ) {
        let mut case = case;
        case.moves.iter_mut().for_each(|step| step.drift = 0);
        case.costs = Costs { slippage: Ratio::ZERO, spread: Ratio::ZERO, ..case.costs };
        let limits = case.config().core().limits;
        let mut standing = Standing { limits, found: Ok(()), crossing: Vec::new() };
        case.play_into(case.core(), case.source(), &mut DigestJournal::default(), &mut standing);
        prop_assert_eq!(standing.found, Ok(()));
    }

    #[test]
    fn limit_orders_never_take_the_cash_of_a_cash_account_below_zero(case in limited_cases(&MODELS)) {
        let mut case = case;
        case.limits.account = Account::Cash;
        for line in &mut case.lines {
            if let Act::Place(wish) = &mut line.act {
                let limit = match wish.kind {
                    Kind::Limit(away) | Kind::Stop(away) | Kind::StopLimit(_, away) => away,
                    Kind::Market | Kind::Trailing(_) => 0,
                };
                wish.kind = Kind::Limit(limit);
            }
        }
        let limits = RiskLimits { position_notional_max: None, ..case.config().core().limits };
        let mut standing = Standing { limits, found: Ok(()), crossing: Vec::new() };
        case.play_into(case.core(), case.source(), &mut DigestJournal::default(), &mut standing);
        prop_assert_eq!(standing.found, Ok(()));
    }
}
