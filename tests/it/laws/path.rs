//! Inside a bar the path goes one way: no fill is better than where it stands, and none uses a price it has left.
//!
//! The reference walks along with the reports and keeps nothing but where the path of each instrument stands. Slippage
//! and spread are left out: they only make the price of a taker worse.

use std::collections::BTreeMap;

use engine_core::event::{Event, Execution, ExecutionReport, Input, Output};
use engine_core::fill::{Fill, Liquidity};
use engine_core::instrument::InstrumentId;
use engine_core::market::{Bar, MarketUpdate, Side};
use engine_core::num::{Price, Ratio};
use engine_core::order::{Order, OrderId, OrderKind};
use engine_core::risk::RiskLimits;
use engine_core::time::Timestamp;
use proptest::prelude::*;
use replay_simulation::config::{Costs, EndOfData, FillModel, LimitAtOpen, LimitFill};

use super::{Case, Played, cases, law, loose, samples};

const BAR_MODELS: [FillModel; 2] = [FillModel::NextOpen, FillModel::SameClose];

type Kept = Result<(), TestCaseError>;

/// Where the path of one instrument stands.
#[derive(Debug, Clone, Copy)]
struct Standing {
    price: Price,
    /// The bar whose open it began at, and whether it has left it.
    bar: Option<Timestamp>,
    left: bool,
}

struct Walker<'a> {
    case: &'a Case,
    bars: BTreeMap<InstrumentId, Vec<Bar>>,
    orders: BTreeMap<OrderId, Order>,
    standing: BTreeMap<InstrumentId, Standing>,
    /// What was met, by name.
    met: BTreeMap<&'static str, usize>,
}

/// The worse of two prices for who trades on `side`.
fn worse(side: Side, one: Price, other: Price) -> Price {
    match side {
        Side::Buy => one.max(other),
        Side::Sell => one.min(other),
    }
}

/// Whether `price` is better than `other` for who trades on `side`.
fn is_better(side: Side, price: Price, other: Price) -> bool {
    price != other && worse(side, price, other) == other
}

impl Walker<'_> {
    fn follow(&mut self, played: &Played) -> Kept {
        for step in &played.steps {
            match &step.event {
                Event::Input(Input::Market(MarketUpdate::Open(open))) => {
                    let standing = Standing { price: open.open, bar: Some(open.open_at), left: false };
                    self.standing.insert(open.instrument, standing);
                }
                Event::Input(Input::Market(MarketUpdate::Bar(bar))) => {
                    let standing = Standing { price: bar.close, bar: None, left: true };
                    self.standing.insert(bar.instrument, standing);
                }
                Event::Input(Input::Execution(report)) => self.report(report)?,
                Event::Input(_) | Event::Output(_) => {}
            }
            for output in &step.outputs {
                if let Output::OrderSubmitted(submission) = output {
                    self.orders.insert(submission.order.id, submission.order.clone());
                }
            }
        }
        Ok(())
    }

    fn report(&mut self, report: &ExecutionReport) -> Kept {
        let order = self.orders[&report.order].clone();
        let bar = self.bar_of(order.instrument, report.venue_at);
        // Without an open of its own a bar begins with the first thing on its path.
        if let Some(bar) = bar
            && self.standing.get(&order.instrument).is_none_or(|standing| standing.bar != Some(bar.open_at))
        {
            let standing = Standing { price: bar.open, bar: Some(bar.open_at), left: false };
            self.standing.insert(order.instrument, standing);
        }
        match (report.execution, order.kind) {
            (Execution::Filled(fill), _) => self.fill(&order, &fill, bar),
            (Execution::Triggered, OrderKind::StopLimit(prices)) => {
                let here = self.standing[&order.instrument].price;
                self.move_to(&order, worse(order.side, prices.trigger, here), "woken");
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// The bar on whose path something happened at `at`.
    fn bar_of(&self, instrument: InstrumentId, at: Timestamp) -> Option<Bar> {
        let bars = self.bars.get(&instrument)?;
        let inside = |bar: &&Bar| bar.close_at.nanos() - 1 == at.nanos();
        let at_open = |bar: &&Bar| self.case.fill == FillModel::NextOpen && bar.open_at == at;
        bars.iter().find(|bar| inside(bar) || at_open(bar)).copied()
    }

    fn move_to(&mut self, order: &Order, price: Price, how: &'static str) {
        *self.met.entry(how).or_default() += 1;
        if let Some(standing) = self.standing.get_mut(&order.instrument) {
            standing.left |= standing.price != price;
            standing.price = price;
        }
    }

    fn fill(&mut self, order: &Order, fill: &Fill, bar: Option<Bar>) -> Kept {
        let standing = self.standing[&order.instrument];
        let (side, here, price) = (order.side, standing.price, fill.price);
        let what = format!("{order:?} at {price:?}, the path at {here:?} in {bar:?}");
        let Some(bar) = bar else {
            // Between two bars there is one price, and who comes takes it.
            prop_assert_eq!((price, fill.liquidity), (here, Liquidity::Taker), "{}", what);
            return Ok(());
        };
        let limit = match order.kind {
            OrderKind::Limit(limit) => Some(limit),
            OrderKind::StopLimit(prices) => Some(prices.limit),
            OrderKind::Market | OrderKind::StopMarket(_) | OrderKind::TrailingStop(_) => None,
        };
        if let (Liquidity::Maker, Some(limit)) = (fill.liquidity, limit) {
            return self.made(order, price, limit, bar);
        }
        prop_assert!(bar.low <= price && price <= bar.high, "outside its bar: {}", what);
        match order.kind {
            OrderKind::StopMarket(trigger) if standing.left || price != bar.open => {
                prop_assert_eq!(price, worse(side, trigger, here), "{}", what);
            }
            OrderKind::TrailingStop(_) if is_better(side, price, here) => {
                // It followed the bar's extreme, and the close proves the way back.
                let came_back = worse(side, price, bar.close) == bar.close;
                prop_assert!(came_back, "a trailing stop that nothing woke: {}", what);
            }
            OrderKind::StopMarket(_)
            | OrderKind::TrailingStop(_)
            | OrderKind::Market
            | OrderKind::Limit(_)
            | OrderKind::StopLimit(_) => {
                prop_assert!(!is_better(side, price, here), "better than the path: {}", what);
            }
        }
        let parted = if order.parent.is_some() { "exit taken" } else { "taken" };
        self.move_to(order, price, parted);
        Ok(())
    }

    fn made(&mut self, order: &Order, price: Price, limit: Price, bar: Bar) -> Kept {
        let standing = self.standing[&order.instrument];
        let (side, here) = (order.side, standing.price);
        let what = format!("{order:?} at {price:?}, the path at {here:?} in {bar:?}");
        if is_better(side, bar.open, limit) {
            // Jumped over by the open: only while the path stands there, and at the price of the rule.
            prop_assert!(!standing.left, "filled at the open after the path had left it: {}", what);
            let expected = match self.case.venue.limit_at_open {
                LimitAtOpen::Limit => limit,
                LimitAtOpen::Open => bar.open,
            };
            prop_assert_eq!(price, expected, "{}", what);
            *self.met.entry("jumped over").or_default() += 1;
            return Ok(());
        }
        prop_assert_eq!(price, limit, "{}", what);
        prop_assert!(!is_better(side, here, price), "the path had left its limit: {}", what);
        let reached = match side {
            Side::Buy => bar.low,
            Side::Sell => bar.high,
        };
        let through = self.case.venue.limit_fill == LimitFill::Through;
        prop_assert!(
            is_better(side, reached, price) || (!through && reached == price),
            "not reached: {}",
            what
        );
        self.move_to(order, price, "made");
        Ok(())
    }
}

/// The walk of a run; answers what it met.
fn walk(case: &Case) -> Result<BTreeMap<&'static str, usize>, TestCaseError> {
    let limits = RiskLimits { drawdown_max: Ratio::ONE, ..loose() };
    let costs = Costs { slippage: Ratio::ZERO, spread: Ratio::ZERO, ..case.costs };
    let case = Case { limits, costs, end: EndOfData::Keep, answers_take: None, ..case.clone() };
    let mut bars: BTreeMap<InstrumentId, Vec<Bar>> = BTreeMap::new();
    for item in case.items() {
        if let MarketUpdate::Bar(bar) = item.update {
            bars.entry(bar.instrument).or_default().push(bar);
        }
    }
    let played = case.play();
    let mut walker = Walker {
        case: &case,
        bars,
        orders: BTreeMap::new(),
        standing: BTreeMap::new(),
        met: BTreeMap::new(),
    };
    walker.follow(&played)?;
    Ok(walker.met)
}

proptest! {
    #![proptest_config(law())]

    #[test]
    fn no_fill_is_better_than_the_path_or_uses_a_price_it_has_left(case in cases(&BAR_MODELS)) {
        walk(&case)?;
    }
}

/// The law above is tried on every kind of thing it speaks of.
#[test]
fn the_random_paths_meet_everything() {
    let mut met: BTreeMap<&'static str, usize> = BTreeMap::new();
    for case in samples(cases(&BAR_MODELS)) {
        for (what, count) in walk(&case).unwrap() {
            *met.entry(what).or_default() += count;
        }
    }
    println!("{met:?}");
    for what in ["taken", "exit taken", "made", "jumped over", "woken"] {
        assert!(met.get(what).is_some_and(|count| *count >= 10), "{what}: {met:?}");
    }
}
