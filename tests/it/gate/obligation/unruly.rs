//! A world in which a venue reports what it likes, feeds break and operators command.

use engine_core::event::{Event, Execution, ExecutionReport, Input, OperatorCommand, RejectReason};
use engine_core::feed::{FeedCondition, FeedStatus};
use engine_core::fill::{Fill, Liquidity, TradeId};
use engine_core::instrument::InstrumentId;
use engine_core::machine::Core;
use engine_core::market::{Aggressor, Bar, BarOpen, MarketUpdate, Trade};
use engine_core::num::{Money, Price, Qty};
use engine_core::order::{OpenOrder, Reach, Status};
use engine_core::time::Timestamp;
use proptest::prelude::*;
use replay_simulation::config::FillModel;

use super::{Watcher, ended_close};
use crate::laws::{Case, market::SECOND};

/// What an unruly world does next.
#[derive(Debug, Clone, Copy)]
pub(super) enum Act {
    Move(u16, i64),
    Wait(i64),
    Feed(u16, FeedCondition),
    Operator(OperatorCommand),
    /// Something about the working order with this number, counted around.
    Report(usize, Report),
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Report {
    Accept,
    Reject,
    /// So many thousandths of what is left.
    Fill(i64),
    Cancel,
    Expire,
}

pub(super) fn acts() -> impl Strategy<Value = Vec<Act>> {
    let feeds =
        vec![FeedCondition::Connected, FeedCondition::Gap, FeedCondition::Lost, FeedCondition::Restored];
    let commands = vec![
        OperatorCommand::Halt,
        OperatorCommand::Resume,
        OperatorCommand::Flatten,
        OperatorCommand::Flatten,
    ];
    let report = prop_oneof![
        2 => Just(Report::Accept),
        2 => Just(Report::Reject),
        3 => (1_i64..=1_000).prop_map(Report::Fill),
        3 => Just(Report::Fill(1_000)),
        1 => Just(Report::Cancel),
        1 => Just(Report::Expire),
    ];
    let act = prop_oneof![
        8 => (0_u16..2, -150_i64..=150).prop_map(|(id, drift)| Act::Move(id, drift)),
        1 => (0_u16..2, -2_500_i64..=2_500).prop_map(|(id, drift)| Act::Move(id, drift)),
        2 => prop::sample::select(vec![1_000_000, SECOND, 20 * SECOND, 90 * SECOND]).prop_map(Act::Wait),
        2 => (0_u16..2, prop::sample::select(feeds)).prop_map(|(id, condition)| Act::Feed(id, condition)),
        1 => prop::sample::select(commands).prop_map(Act::Operator),
        10 => (0_usize..6, report).prop_map(|(order, report)| Act::Report(order, report)),
    ];
    prop::collection::vec(act, 1..120)
}

/// A core in an unruly world.
pub(super) struct World {
    pub(super) core: Core,
    pub(super) watcher: Watcher,
    bars: bool,
    pub(super) now: i64,
    prices: [i64; 2],
}

impl World {
    pub(super) fn new(case: &Case) -> Self {
        Self {
            core: case.core(),
            watcher: Watcher::new(&case.limits),
            bars: case.fill == FillModel::NextOpen,
            now: 100 * SECOND,
            prices: [10_000; 2],
        }
    }

    fn tell(&mut self, input: Input) -> Result<(), String> {
        let at = Timestamp::from_nanos(self.now);
        let event = Event::Input(input);
        let ended = ended_close(self.core.state(), &event);
        let outputs = self.core.decide(at, &event);
        self.watcher.judge(&self.core, at, &event, &outputs, ended)
    }

    pub(super) fn act(&mut self, act: Act) -> Result<(), String> {
        match act {
            Act::Move(id, drift) => {
                let price = &mut self.prices[usize::from(id)];
                *price = (*price + drift).max(500);
                let (id, price) = (InstrumentId::new(id), Price::from_units(*price));
                self.updates(id, price).into_iter().try_for_each(|update| self.tell(Input::Market(update)))
            }
            Act::Wait(nanos) => {
                let until = self.now + nanos;
                while let Some(deadline) = self.core.deadline().filter(|deadline| deadline.nanos() <= until) {
                    self.now = self.now.max(deadline.nanos());
                    self.tell(Input::Deadline)?;
                }
                self.now = until;
                Ok(())
            }
            Act::Feed(id, condition) => {
                self.tell(Input::Feed(FeedStatus { instrument: InstrumentId::new(id), condition }))
            }
            Act::Operator(command) => self.tell(Input::Operator(command)),
            Act::Report(number, report) => self.report(number, report),
        }
    }

    fn updates(&self, instrument: InstrumentId, price: Price) -> Vec<MarketUpdate> {
        let (venue_at, qty) = (Timestamp::from_nanos(self.now), Qty::from_units(1_000));
        if !self.bars {
            let aggressor = Aggressor::Unknown;
            return vec![MarketUpdate::Trade(Trade { instrument, venue_at, price, qty, aggressor })];
        }
        let bar = Bar {
            instrument,
            open_at: Timestamp::from_nanos(self.now - SECOND),
            close_at: venue_at,
            open: price,
            high: price,
            low: price,
            close: price,
            volume: qty,
            trades: 1,
        };
        let open = BarOpen { instrument, open_at: venue_at, open: price };
        vec![MarketUpdate::Bar(bar), MarketUpdate::Open(open)]
    }

    fn report(&mut self, number: usize, report: Report) -> Result<(), String> {
        let state = self.core.state();
        let working: Vec<OpenOrder> = state.open_orders().cloned().collect();
        let Some(open) = working.get(number % working.len().max(1)) else { return Ok(()) };
        let execution = match report {
            Report::Accept if open.status == Status::Submitted => Execution::Accepted,
            Report::Reject if open.status == Status::Submitted => {
                Execution::Rejected(RejectReason::NoLiquidity)
            }
            Report::Accept | Report::Reject => return Ok(()),
            Report::Cancel => Execution::Cancelled,
            Report::Expire => Execution::Expired,
            Report::Fill(mills) => {
                let held = open.order.side.signed(state.ledger().position(open.order.instrument).qty).units();
                // A venue keeps to reduce-only.
                let most = match open.order.reach {
                    Reach::Any => open.remaining().units(),
                    Reach::ReduceOnly => open.remaining().units().min((-held).max(0)),
                };
                let qty = most * i128::from(mills) / 1_000;
                let price = Price::from_units(self.prices[open.order.instrument.index()]);
                let (qty, fee) = (Qty::from_units(qty - qty % 2), Money::ZERO);
                let trade = TradeId::new(u128::from(self.now.unsigned_abs()));
                let fill = Fill { trade, price, qty, fee, liquidity: Liquidity::Taker };
                if fill.qty.is_positive() { Execution::Filled(fill) } else { Execution::Expired }
            }
        };
        let venue_at = Timestamp::from_nanos(self.now);
        self.tell(Input::Execution(ExecutionReport { order: open.order.id, venue_at, execution }))
    }
}
