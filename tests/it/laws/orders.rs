//! The life of every order in every run: no illegal step, no fill beyond its terms, an end that is known.

use std::collections::BTreeMap;

use engine_core::event::{Event, Execution, ExecutionReport, Input, Output};
use engine_core::fill::{Fill, Liquidity};
use engine_core::halt::HaltReason;
use engine_core::instrument::InstrumentId;
use engine_core::market::{MarketUpdate, Side};
use engine_core::order::{Change, Order, OrderId, OrderKind, Posting, Reach, Status, TimeInForce};
use engine_core::time::Timestamp;
use proptest::prelude::*;
use replay_simulation::config::{Depth, EndOfData, FillModel};

use super::{Case, MODELS, Played, cases, law, samples};

/// An order as its own reports tell it.
#[derive(Debug)]
struct Life {
    order: Order,
    /// The quantity last asked for.
    asked: engine_core::num::Qty,
    status: Status,
    filled: i128,
    fills: Vec<(Timestamp, Fill)>,
}

/// Every order of a run, followed by the table of the order life cycle.
#[derive(Debug, Default)]
struct Lives {
    orders: BTreeMap<OrderId, Life>,
    held: BTreeMap<InstrumentId, i128>,
}

type Kept = Result<(), TestCaseError>;

impl Lives {
    fn of(played: &Played) -> Result<Self, TestCaseError> {
        let mut lives = Self::default();
        for step in &played.steps {
            if let Event::Input(Input::Execution(report)) = &step.event {
                lives.report(report)?;
            }
            step.outputs.iter().try_for_each(|output| lives.conclude(output))?;
        }
        Ok(lives)
    }

    fn report(&mut self, report: &ExecutionReport) -> Kept {
        match report.execution {
            Execution::Accepted => self.change(report.order, Change::Accept),
            Execution::Rejected(_) => self.change(report.order, Change::Reject),
            Execution::Triggered => self.change(report.order, Change::Trigger),
            Execution::Cancelled => self.change(report.order, Change::Cancel),
            Execution::Expired => self.change(report.order, Change::Expire),
            Execution::Filled(fill) => self.fill(report, fill),
            Execution::Amended(qty) => self.amend(report.order, qty),
        }
    }

    fn amend(&mut self, id: OrderId, qty: engine_core::num::Qty) -> Kept {
        let Some(life) = self.orders.get_mut(&id) else {
            return Err(TestCaseError::fail("an amendment of no order"));
        };
        // A confirmation may cross a fill or the end of its order on the way.
        if !life.status.is_final() && qty.units() > life.filled {
            life.order.qty = qty;
        } else if !life.status.is_final() && qty.units() == life.filled {
            life.order.qty = qty;
            life.status = Status::Filled;
        }
        Ok(())
    }

    fn fill(&mut self, report: &ExecutionReport, fill: Fill) -> Kept {
        let Some(life) = self.orders.get_mut(&report.order) else {
            return Err(TestCaseError::fail("a fill of no order"));
        };
        prop_assert!(fill.qty.is_positive() && fill.price.is_positive(), "{:?} got {:?}", life, fill);
        life.filled += fill.qty.units();
        life.fills.push((report.venue_at, fill));
        // A fill may tell of an amendment before its confirmation does.
        if life.filled > life.order.qty.units() {
            life.order.qty = life.asked;
        }
        let whole = life.order.qty.units();
        prop_assert!(life.filled <= whole, "more filled than asked: {:?}", life);
        let change = if life.filled == whole { Change::FillRest } else { Change::FillPart };
        let (instrument, signed) = (life.order.instrument, life.order.side.signed(fill.qty).units());
        let held = self.held.entry(instrument).or_default();
        if life.order.reach == Reach::ReduceOnly {
            let reduces = held.signum() == -signed.signum() && held.abs() >= signed.abs();
            prop_assert!(reduces, "a reduce-only order took {} by {}: {:?}", held, signed, life);
        }
        *held += signed;
        self.change(report.order, change)
    }

    fn conclude(&mut self, output: &Output) -> Kept {
        match output {
            Output::OrderSubmitted(submission) => {
                let order = submission.order.clone();
                let asked = order.qty;
                let life = Life { status: Status::Submitted, filled: 0, fills: Vec::new(), asked, order };
                prop_assert!(
                    self.orders.insert(life.order.id, life).is_none(),
                    "an order number was used twice"
                );
                Ok(())
            }
            Output::CancelRequested(request) => self.change(request.order, Change::RequestCancel),
            Output::AmendRequested(request) => {
                if let Some(life) = self.orders.get_mut(&request.order) {
                    life.asked = request.qty;
                }
                Ok(())
            }
            Output::TradingHalted(reason) => {
                prop_assert!(
                    !matches!(reason, HaltReason::ImpossibleReport(_)),
                    "the venue reported {:?}",
                    reason
                );
                Ok(())
            }
            Output::BarClosed(_)
            | Output::Signalled(_)
            | Output::OrderRefused(_)
            | Output::FlatWanted(_)
            | Output::TradingResumed
            | Output::CheckpointTaken(_)
            | Output::RegimeChanged(_)
            | Output::GapFound(_)
            | Output::ConductorConsulted(_)
            | Output::AccountDiffers(_)
            | Output::AccountAgrees
            | Output::OrderResolved(_)
            | Output::Postponed(_)
            | Output::ConductorMissed(_) => Ok(()),
        }
    }

    fn change(&mut self, id: OrderId, change: Change) -> Kept {
        let Some(life) = self.orders.get_mut(&id) else {
            return Err(TestCaseError::fail(format!("{change:?} of no order {id:?}")));
        };
        match life.status.after(change) {
            Some(next) => life.status = next,
            None => return Err(TestCaseError::fail(format!("{change:?} cannot happen to {life:?}"))),
        }
        Ok(())
    }
}

/// The worst price a limit order accepts.
fn limit_of(kind: OrderKind) -> Option<i64> {
    match kind {
        OrderKind::Limit(limit) => Some(limit.units()),
        OrderKind::StopLimit(prices) => Some(prices.limit.units()),
        OrderKind::Market | OrderKind::StopMarket(_) | OrderKind::TrailingStop(_) => None,
    }
}

fn keeps_its_terms(case: &Case, life: &Life) -> Kept {
    let sign = if life.order.side == Side::Buy { 1 } else { -1 };
    for (venue_at, fill) in &life.fills {
        if let Some(limit) = limit_of(life.order.kind) {
            prop_assert!(fill.price.units() * sign <= limit * sign, "beyond its limit: {:?}", life);
        }
        if life.order.posting == Posting::PostOnly {
            prop_assert_eq!(fill.liquidity, Liquidity::Maker, "a post-only order took: {:?}", life);
        }
        if let TimeInForce::Gtd(until) = life.order.tif {
            // What happens inside a bar is known to the bar only: an order lives through the bar its time ends in.
            let filled_at = match case.fill {
                FillModel::NextOpen | FillModel::SameClose => {
                    bar_begun(case, life.order.instrument, *venue_at)
                }
                FillModel::AtSignal | FillModel::Trades | FillModel::Quotes => *venue_at,
            };
            prop_assert!(filled_at < until, "filled after its time: {:?}", life);
        }
    }
    if life.order.tif == TimeInForce::Fok {
        let whole = life.fills.len() == 1 && life.filled == life.order.qty.units();
        prop_assert!(life.fills.is_empty() || whole, "filled in part: {:?}", life);
    }
    Ok(())
}

/// When the bar began in which `at` lies.
fn bar_begun(case: &Case, instrument: InstrumentId, at: Timestamp) -> Timestamp {
    let begun = case.items().into_iter().filter_map(|item| match item.update {
        MarketUpdate::Bar(bar) => (bar.instrument == instrument && bar.open_at <= at).then_some(bar.open_at),
        MarketUpdate::Trade(_)
        | MarketUpdate::Quote(_)
        | MarketUpdate::Open(_)
        | MarketUpdate::SignalBar(_) => None,
    });
    begun.max().unwrap_or(at)
}

/// What the market offered at each moment: (to buyers, to sellers).
fn offered(case: &Case) -> BTreeMap<(InstrumentId, Timestamp), (i128, i128)> {
    let mut sizes: BTreeMap<_, (i128, i128)> = BTreeMap::new();
    for item in case.items() {
        let (venue_at, to_buyers, to_sellers) = match item.update {
            MarketUpdate::Trade(trade) => (trade.venue_at, trade.qty.units(), trade.qty.units()),
            MarketUpdate::Quote(quote) => (quote.venue_at, quote.ask_qty.units(), quote.bid_qty.units()),
            MarketUpdate::Open(_) | MarketUpdate::Bar(_) | MarketUpdate::SignalBar(_) => continue,
        };
        let size = sizes.entry((item.update.instrument(), venue_at)).or_default();
        (size.0, size.1) = (size.0 + to_buyers, size.1 + to_sellers);
    }
    sizes
}

proptest! {
    #![proptest_config(law())]

    #[test]
    fn every_order_follows_the_table_and_its_end_is_known(case in cases(&MODELS)) {
        let played = case.play();
        let lives = Lives::of(&played)?;
        let open: Vec<(OrderId, Status, i128)> = played
            .core
            .state()
            .open_orders()
            .map(|open| (open.order.id, open.status, open.filled.units()))
            .collect();
        let unfinished = lives.orders.values().filter(|life| !life.status.is_final());
        let unfinished: Vec<_> = unfinished.map(|life| (life.order.id, life.status, life.filled)).collect();
        prop_assert_eq!(open, unfinished);
    }

    #[test]
    fn every_fill_keeps_the_terms_of_its_order(case in cases(&MODELS)) {
        let lives = Lives::of(&case.play())?;
        lives.orders.values().try_for_each(|life| keeps_its_terms(&case, life))?;
    }

    #[test]
    fn fills_of_one_message_share_its_size(case in cases(&[FillModel::Trades, FillModel::Quotes])) {
        let mut case = case;
        case.venue.depth = Depth::Traded;
        // At the end of data positions are closed at the last price, whatever its size.
        case.end = EndOfData::Keep;
        let sizes = offered(&case);
        let mut taken: BTreeMap<(InstrumentId, Timestamp), (i128, i128)> = BTreeMap::new();
        for life in Lives::of(&case.play())?.orders.values() {
            for (venue_at, fill) in &life.fills {
                let sums = taken.entry((life.order.instrument, *venue_at)).or_default();
                match life.order.side {
                    Side::Buy => sums.0 += fill.qty.units(),
                    Side::Sell => sums.1 += fill.qty.units(),
                }
            }
        }
        for (key, (bought, sold)) in taken {
            let (to_buyers, to_sellers) = sizes.get(&key).copied().unwrap_or_default();
            prop_assert!(bought <= to_buyers && sold <= to_sellers, "{:?}: {} and {}", key, bought, sold);
        }
    }

    #[test]
    fn a_run_that_flattens_at_its_end_leaves_nothing_open(case in cases(&MODELS)) {
        let case = Case { end: EndOfData::Flatten, ..case };
        let played = case.play();
        let state = played.core.state();
        prop_assert_eq!(state.open_orders().collect::<Vec<_>>(), Vec::<&engine_core::order::OpenOrder>::new());
        let held: Vec<i128> = state.ledger().positions().iter().map(|position| position.qty.units()).collect();
        prop_assert!(held.iter().all(|qty| *qty == 0), "left {:?}", held);
    }
}

/// A law that is never tested holds too: these runs meet every kind of order and every thing that happens to one.
#[test]
fn the_random_runs_meet_everything_that_can_happen_to_an_order() {
    let mut met: BTreeMap<String, usize> = BTreeMap::new();
    for case in samples(cases(&MODELS)) {
        let played = case.play();
        let lives = Lives::of(&played).unwrap();
        for life in lives.orders.values() {
            let kind = format!("{:?}", life.order.kind);
            let kind = kind.split('(').next().unwrap_or_default().to_owned();
            let partly = if life.fills.len() > 1 { " in parts" } else { "" };
            let family = if life.order.parent.is_some() { "exit" } else { "order" };
            let tif = format!("{:?}", life.order.tif);
            let tif = tif.split('(').next().unwrap_or_default();
            for what in [
                format!("{} {kind} {:?}", case.fill.name(), life.status),
                format!("{family} {:?}{partly}", life.status),
                format!("{tif} {:?}", life.status),
                format!("{:?} {:?}", life.order.posting, life.status),
                format!("{:?} {:?}", life.order.reach, life.status),
            ] {
                *met.entry(what).or_default() += 1;
            }
        }
    }
    println!("{met:#?}");
    for fill in MODELS {
        for kind in ["Market", "Limit", "StopMarket", "StopLimit", "TrailingStop"] {
            let filled = format!("{} {kind} Filled", fill.name());
            assert!(met.get(&filled).is_some_and(|count| *count >= 3), "{filled}: {met:#?}");
        }
    }
    let common = [
        "exit Filled",
        "exit Cancelled",
        // Exits cover no more than is held, so that none expires for want of a position.
        "exit Filled in parts",
        "order Filled in parts",
        "order Cancelled",
        "order Rejected",
        "Ioc Filled",
        "Ioc Expired",
        "Fok Filled",
        "Fok Expired",
        "Gtd Filled",
        "Gtd Expired",
        "PostOnly Filled",
        "PostOnly Rejected",
        "ReduceOnly Filled",
        "ReduceOnly Expired",
    ];
    for what in common {
        assert!(met.get(what).is_some_and(|count| *count >= 3), "{what}: {met:#?}");
    }
}
