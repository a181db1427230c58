//! One pair of exits for an entry: it grows with the entry, never covers more than is held, and is placed once.

use std::collections::BTreeMap;
use std::time::Instant;

use engine_core::event::{Event, Execution, Input, Output};
use engine_core::instrument::InstrumentId;
use engine_core::intent::Size;
use engine_core::ledger::closing_qty;
use engine_core::machine::Core;
use engine_core::market::Side;
use engine_core::num::{Qty, Ratio};
use engine_core::order::{OpenOrder, OrderId, Posting, Reach, Status, TimeInForce};
use engine_core::risk::RiskLimits;
use engine_core::time::Timestamp;
use engine_runtime::runner::Observer;
use journal_store::memory_journal::DigestJournal;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use replay_simulation::config::{Costs, Depth, EndOfData, FillModel, Latency};

use super::market::Move;
use super::script::{Act, Kind, Line, Protection, Wish, protections};
use super::{Case, MODELS, cases, law, loose};

/// What exits do in a run, followed event by event.
#[derive(Default)]
struct Exits {
    /// What each entry has opened, and what its exits have closed of it.
    opened: BTreeMap<OrderId, i128>,
    closed: BTreeMap<OrderId, i128>,
    /// The order of an entry or exit: its parent, side and instrument.
    orders: BTreeMap<OrderId, (Option<OrderId>, Side, InstrumentId)>,
    held: BTreeMap<InstrumentId, Qty>,
    others: usize,
    exits: usize,
    amendments: usize,
    fills: usize,
    found: Option<String>,
}

fn is_live_exit(open: &OpenOrder) -> bool {
    open.order.parent.is_some() && open.status != Status::CancelPending && !open.is_superseded
}

impl Exits {
    fn learn(&mut self, core: &Core, event: &Event, outputs: &[Output]) -> Result<(), String> {
        if let Event::Input(Input::Execution(report)) = event
            && let Execution::Filled(fill) = report.execution
        {
            self.fills += 1;
            let (parent, side, instrument) = self.orders[&report.order];
            let held = self.held.entry(instrument).or_default();
            let signed = side.signed(fill.qty);
            let opened = signed.minus(closing_qty(*held, signed).unwrap()).unwrap().magnitude().units();
            *held = held.plus(signed).unwrap();
            *self.opened.entry(report.order).or_default() += opened;
            if let Some(parent) = parent {
                *self.closed.entry(parent).or_default() += fill.qty.units();
            }
        }
        for output in outputs {
            self.amendments += usize::from(matches!(output, Output::AmendRequested(_)));
            let Output::OrderSubmitted(submission) = output else { continue };
            let order = &submission.order;
            self.orders.insert(order.id, (order.parent, order.side, order.instrument));
            match order.parent {
                Some(_) => self.exits += 1,
                None => self.others += 1,
            }
        }
        self.judge(core)
    }

    fn judge(&self, core: &Core) -> Result<(), String> {
        let state = core.state();
        for id in state.instrument_ids() {
            let held = state.ledger().position(id).qty;
            let mut pairs: BTreeMap<OrderId, i128> = BTreeMap::new();
            let exits = state.open_orders().filter(|open| open.order.instrument == id && is_live_exit(open));
            for open in exits {
                let left = open.wanted().units() - open.filled.units();
                let parent = open.order.parent.unwrap();
                if open.order.side.signed(held).units() >= 0 {
                    return Err(format!("an exit would enlarge {held:?}: {open:?}"));
                }
                let pair = pairs.entry(parent).or_default();
                *pair = left.max(*pair);
                let (opened, closed) = (self.opened.get(&parent), self.closed.get(&parent));
                if left > opened.copied().unwrap_or(0) - closed.copied().unwrap_or(0) {
                    return Err(format!("{left} is more than entry {parent:?} holds: {open:?}"));
                }
            }
            let covered: i128 = pairs.values().sum();
            if covered > held.magnitude().units() {
                return Err(format!("exits over {covered} cover {held:?}: {pairs:?}"));
            }
        }
        Ok(())
    }
}

impl Observer for Exits {
    fn observe(&mut self, core: &Core, at: Timestamp, event: &Event, outputs: &[Output]) {
        if self.found.is_none()
            && let Err(what) = self.learn(core, event, outputs)
        {
            self.found = Some(format!("{what} at {at:?} after {event:?}"));
        }
    }
}

fn followed(case: &Case) -> Exits {
    let mut exits = Exits::default();
    case.play_into(case.core(), case.source(), &mut DigestJournal::default(), &mut exits);
    exits
}

/// Runs in which most orders carry exits.
fn bracketed() -> impl Strategy<Value = Case> {
    let stop = prop::option::weighted(0.8, protections(300));
    let exits = (stop, prop::option::weighted(0.8, 1_i64..=300));
    let brackets = prop::collection::vec(prop::option::weighted(0.8, exits), 30);
    (cases(&MODELS), brackets).prop_map(|(mut case, brackets)| {
        for (line, bracket) in case.lines.iter_mut().zip(brackets) {
            if let Act::Place(wish) = &mut line.act {
                wish.bracket = bracket;
            }
        }
        case
    })
}

proptest! {
    #![proptest_config(law())]

    #[test]
    fn exits_never_cover_more_than_is_held_or_than_their_entry_opened(case in bracketed()) {
        prop_assert_eq!(followed(&case).found, None);
    }

    #[test]
    fn the_number_of_exits_is_linear_in_orders(case in bracketed()) {
        let case = Case { latency: Latency::default(), ..case };
        let exits = followed(&case);
        prop_assert!(exits.exits <= 3 * exits.others, "{} exits of {}", exits.exits, exits.others);
    }
}

/// A still market of trades of `qty` units, and one order of `whole` with a stop and a target.
fn in_parts(count: usize, qty: i64, whole: i128) -> Case {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let case = cases(&[FillModel::Trades]).new_tree(&mut runner).unwrap().current();
    let wish = Wish {
        instrument: 0,
        side: Side::Buy,
        size: Size::Units(Qty::from_units(whole)),
        kind: Kind::Market,
        tif: TimeInForce::Gtc,
        posting: Posting::Any,
        reach: Reach::Any,
        bracket: Some((Some(Protection::Stays(500)), Some(500))),
    };
    let step = Move { instrument: 0, wait: 1_000_000, drift: 0, spread: 1, qty };
    let mut venue = case.venue;
    venue.depth = Depth::Traded;
    Case {
        instruments: 1,
        moves: vec![step; count],
        lines: vec![Line { after: 1, act: Act::Place(wish) }],
        costs: Costs::default(),
        latency: Latency::default(),
        limits: RiskLimits { leverage_max: Ratio::from_units(100_000_000_000), ..loose() },
        end: EndOfData::Keep,
        bars: None,
        answers_take: None,
        venue,
        ..case
    }
}

#[test]
fn twenty_thousand_parts_of_an_entry_have_one_pair_of_exits() {
    let case = in_parts(20_001, 2, 40_000);
    let begun = Instant::now();
    let mut exits = Exits::default();
    let core = case.play_into(case.core(), case.source(), &mut DigestJournal::default(), &mut exits);
    let elapsed = begun.elapsed();
    println!("20 000 parts in {elapsed:?}, {} amendments", exits.amendments);
    assert_eq!(exits.found, None);
    assert_eq!((exits.fills, exits.others, exits.exits), (20_000, 1, 2));
    assert_eq!(exits.amendments, 2 * 19_999);
    let left: Vec<i128> = core.state().open_orders().map(|open| open.remaining().units()).collect();
    assert_eq!(left, [40_000, 40_000], "both legs cover all of it");
    // 18.7 s before; far above what it takes, so that a busy machine does not fail it.
    assert!(elapsed.as_secs() < 5, "{elapsed:?}");
}

#[test]
fn an_entry_that_turns_a_position_has_exits_for_what_it_opened() {
    let mut case = in_parts(10, 4_000, 4_000);
    let Act::Place(turn) = case.lines[0].act else { unreachable!() };
    let size = Size::Units(Qty::from_units(2_000));
    let short = Wish { side: Side::Sell, size, bracket: None, ..turn };
    case.lines = vec![Line { after: 1, act: Act::Place(short) }, Line { after: 4, act: Act::Place(turn) }];
    let mut exits = Exits::default();
    let core = case.play_into(case.core(), case.source(), &mut DigestJournal::default(), &mut exits);
    assert_eq!(exits.found, None);
    assert_eq!(core.state().ledger().position(InstrumentId::new(0)).qty.units(), 2_000);
    let left: Vec<i128> = core.state().open_orders().map(|open| open.remaining().units()).collect();
    assert_eq!(left, [2_000, 2_000]);
}
