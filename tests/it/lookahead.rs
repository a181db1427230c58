//! A strategy that knows a bar's close and wants that very price earns nothing extra under `next-open`.
//!
//! The market is made for it: every bar is a coin, and after a bar that rose the next one opens far higher, after
//! one that fell far lower. Whoever could still buy at the close or the open of a bar that rose would take the
//! whole gap, every time. The coins are independent, so from the next open on there is nothing to know.

use std::collections::BTreeMap;

use engine_core::envelope::RecordRef;
use engine_core::event::{Event, Execution, Input, Output};
use engine_core::fill::{Fill, Liquidity};
use engine_core::instrument::InstrumentId;
use engine_core::intent::{Intent, OrderIntent, Size};
use engine_core::machine::Core;
use engine_core::market::{Bar, BarOpen, MarketUpdate, Side};
use engine_core::num::{Money, Price, Qty, Ratio};
use engine_core::order::{Order, OrderId, OrderKind};
use engine_core::risk::RiskLimits;
use engine_core::strategy::{Strategy as Policy, View};
use engine_core::time::{Span, Timestamp};
use engine_runtime::runner::Observer;
use journal_store::memory_journal::DigestJournal;
use proptest::prelude::*;
use replay_history::market_source::{MarketItem, MemorySource};
use replay_simulation::config::{Costs, EndOfData, FillModel, Latency, VenueRules};

use crate::laws::{Case, cases, law, loose};

const ONLY: InstrumentId = InstrumentId::new(0);
const UNIT: Qty = Qty::from_units(1_000);
const BARS: usize = 4_000;
/// What a bar moves, and what lies between it and the next.
const BODY: i64 = 10;
const GAP: i64 = 50;
const MIDDLE: i64 = 1_000_000;

/// A fixed sequence of fair coins (SplitMix64, Steele et al. 2014).
fn coins(seed: u64) -> impl Iterator<Item = bool> {
    let mut state = seed;
    std::iter::repeat_with(move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) & 1 == 1
    })
}

fn bars(seed: u64) -> Vec<Bar> {
    let mut open = MIDDLE;
    let bars = coins(seed).take(BARS).enumerate().map(|(index, rises)| {
        let sign = if rises { 1 } else { -1 };
        let (begin, close) = (index as i64 * 60_000_000_000, open + sign * BODY);
        let bar = Bar {
            instrument: ONLY,
            open_at: Timestamp::from_nanos(begin),
            close_at: Timestamp::from_nanos(begin).plus(Span::MINUTE),
            open: Price::from_units(open),
            high: Price::from_units(open.max(close)),
            low: Price::from_units(open.min(close)),
            close: Price::from_units(close),
            volume: UNIT,
            trades: 0,
        };
        open = close + sign * GAP;
        bar
    });
    bars.collect()
}

fn items(model: FillModel, bars: &[Bar]) -> Vec<MarketItem> {
    let mut items = Vec::new();
    for (seq, bar) in (1..).zip(bars) {
        let tick = RecordRef { dataset: 0, seq };
        if model == FillModel::NextOpen {
            let open = BarOpen { instrument: ONLY, open_at: bar.open_at, open: bar.open };
            items.push(MarketItem { at: bar.open_at, update: MarketUpdate::Open(open), tick });
        }
        items.push(MarketItem { at: bar.close_at, update: MarketUpdate::Bar(*bar), tick });
    }
    items
}

/// At which price of the bar it has just seen the strategy wants to trade.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Close,
    Open,
}

/// Buys what has risen and sells what has fallen, as if it could still be had at a price of that bar: long with one
/// unit after a rise, short after a fall. At the close's price it asks at every bar; at the open's it waits.
struct Hindsight {
    wanted: Wanted,
    last: Option<Bar>,
}

impl Policy for Hindsight {
    fn observe(&mut self, _at: Timestamp, event: &Event) {
        if let Event::Input(Input::Market(MarketUpdate::Bar(bar))) = event {
            self.last = Some(*bar);
        }
    }

    fn propose(&self, view: &View<'_>) -> Vec<Intent> {
        let Some(bar) = &self.last else { return Vec::new() };
        let side = if bar.close > bar.open { Side::Buy } else { Side::Sell };
        let missing = (side.signed(UNIT).units() - view.position(ONLY).units()).abs();
        if missing == 0 || view.open_orders(ONLY).next().is_some() {
            return Vec::new();
        }
        let order = OrderIntent::market(ONLY, side, Size::Units(Qty::from_units(missing)), "hindsight");
        vec![match self.wanted {
            Wanted::Close => order.into(),
            Wanted::Open => OrderIntent { kind: OrderKind::Limit(bar.open), ..order }.into(),
        }]
    }
}

/// Every fill with its order, the moment of the last decision that can stand behind it, and the equity after each
/// bar.
#[derive(Default)]
struct Seen {
    orders: BTreeMap<OrderId, (Order, Timestamp)>,
    decided: BTreeMap<InstrumentId, Timestamp>,
    fills: Vec<(Order, Timestamp, Timestamp, Fill)>,
    equity: Vec<Money>,
}

impl Observer for Seen {
    fn observe(&mut self, core: &Core, at: Timestamp, event: &Event, outputs: &[Output]) {
        if let Event::Input(Input::Market(MarketUpdate::Bar(_))) = event {
            self.equity.push(core.state().equity());
        }
        if let Event::Input(Input::Execution(report)) = event
            && let Execution::Filled(fill) = report.execution
        {
            let (order, decided_at) = self.orders[&report.order].clone();
            self.fills.push((order, decided_at, report.venue_at, fill));
        }
        for output in outputs {
            match output {
                Output::Signalled(intent) => {
                    self.decided.insert(intent.instrument, at);
                }
                Output::OrderSubmitted(submission) => {
                    let order = submission.order.clone();
                    let signalled = self.decided.get(&order.instrument).filter(|_| order.parent.is_none());
                    let decided_at = signalled.copied().unwrap_or(at);
                    self.orders.insert(order.id, (order, decided_at));
                }
                Output::OrderRefused(_)
                | Output::BarClosed(_)
                | Output::CancelRequested(_)
                | Output::TradingHalted(_)
                | Output::AmendRequested(_)
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
                | Output::ConductorMissed(_) => {}
            }
        }
    }
}

fn plain(fill: FillModel) -> Case {
    let limits = RiskLimits {
        leverage_max: Ratio::from_units(1_000_000_000_000),
        drawdown_max: Ratio::ONE,
        ..loose()
    };
    Case {
        fill,
        instruments: 1,
        moves: Vec::new(),
        lines: Vec::new(),
        costs: Costs::default(),
        latency: Latency::default(),
        venue: VenueRules::default(),
        limits,
        end: EndOfData::Keep,
        answers_take: None,
        bars: None,
    }
}

fn play(fill: FillModel, wanted: Wanted, seed: u64) -> Seen {
    let case = plain(fill);
    let source = MemorySource::new(items(fill, &bars(seed)));
    let mut config = case.config();
    config.capital = Money::from_units(100_000_000 * 10_i128.pow(18));
    let mut seen = Seen::default();
    let core = Core::new(config.core(), Box::new(Hindsight { wanted, last: None }));
    case.play_into(core, source, &mut DigestJournal::default(), &mut seen);
    seen
}

/// Gain of each bar in price units of one unit traded, and how many standard errors their mean lies above zero.
fn gains(seen: &Seen) -> (f64, f64) {
    let unit = 10_i128.pow(18 - 2);
    let steps = seen.equity.windows(2).map(|pair| (pair[1].units() - pair[0].units()) / unit);
    let steps: Vec<f64> = steps.map(|step| step as f64).collect();
    let count = steps.len() as f64;
    let mean = steps.iter().sum::<f64>() / count;
    let spread = steps.iter().map(|step| (step - mean) * (step - mean)).sum::<f64>() / (count - 1.0);
    (mean, mean / (spread / count).sqrt())
}

#[test]
fn trading_at_the_known_close_earns_the_gap_of_every_bar_under_same_close() {
    let (mean, deviations) = gains(&play(FillModel::SameClose, Wanted::Close, 1));
    // The gap is sure, the body of the next bar a coin.
    assert!((mean - GAP as f64).abs() < 3.0 * BODY as f64 / (BARS as f64).sqrt(), "{mean}");
    assert!(deviations > 100.0);
}

#[test]
fn the_same_strategy_earns_nothing_under_next_open() {
    for wanted in [Wanted::Close, Wanted::Open] {
        for seed in 1..=5 {
            let seen = play(FillModel::NextOpen, wanted, seed);
            assert!(seen.fills.len() > 10, "{wanted:?}: {} fills", seen.fills.len());
            let (mean, deviations) = gains(&seen);
            println!(
                "{wanted:?}, seed {seed}: {} fills, {mean} a bar, {deviations} deviations",
                seen.fills.len()
            );
            assert!(
                deviations < 3.0,
                "{wanted:?} with seed {seed} earns {mean} a bar, {deviations} deviations"
            );
        }
    }
}

#[test]
fn every_fill_is_at_the_open_after_the_decision_and_never_earlier() {
    let bars = bars(1);
    let seen = play(FillModel::NextOpen, Wanted::Close, 1);
    for (order, decided_at, filled_at, fill) in &seen.fills {
        let known = bars.iter().position(|bar| bar.close_at == *decided_at).expect("decided at a close");
        let next = &bars[known + 1];
        assert_eq!((*filled_at, fill.price), (next.open_at, next.open), "{order:?}");
        assert_ne!(fill.price, bars[known].close, "the gap lies between: {order:?}");
    }
    let seen = play(FillModel::NextOpen, Wanted::Open, 1);
    for (order, decided_at, filled_at, fill) in &seen.fills {
        // The price of the past comes only if the market comes back to it.
        let bar = bars.iter().find(|bar| bar.open_at <= *filled_at && *filled_at < bar.close_at).unwrap();
        assert!(bar.open_at >= *decided_at, "filled inside a bar that was over: {order:?}");
        assert!(bar.low <= fill.price && fill.price <= bar.high, "{order:?} at a price the bar did not have");
    }
}

/// Fills of any random run, with the moment of the decision behind each.
fn fills_of(case: &Case) -> Seen {
    let mut seen = Seen::default();
    case.play_into(case.core(), case.source(), &mut DigestJournal::default(), &mut seen);
    seen
}

/// Whether a limit order waited while the market passed it on its way to the open: it fills at its limit.
fn was_jumped_over(order: &Order, fill: &Fill, bar: &Bar, filled_at: Timestamp) -> bool {
    let limit = match order.kind {
        OrderKind::Limit(limit) => limit,
        OrderKind::StopLimit(prices) => prices.limit,
        OrderKind::Market | OrderKind::StopMarket(_) | OrderKind::TrailingStop(_) => return false,
    };
    let beyond = match order.side {
        Side::Buy => bar.open < limit,
        Side::Sell => bar.open > limit,
    };
    beyond && fill.price == limit && fill.liquidity == Liquidity::Maker && filled_at == bar.open_at
}

proptest! {
    #![proptest_config(law())]

    #[test]
    fn no_fill_of_any_run_lies_before_its_decision_or_outside_its_bar(case in cases(&[FillModel::NextOpen])) {
        // At the end positions are closed at a price that is already known, which is said in every report.
        let case = Case { end: EndOfData::Keep, costs: Costs::default(), ..case };
        let bars: Vec<Bar> = case
            .items()
            .into_iter()
            .filter_map(|item| match item.update {
                MarketUpdate::Bar(bar) => Some(bar),
                MarketUpdate::Open(_)
                | MarketUpdate::Trade(_)
                | MarketUpdate::Quote(_)
                | MarketUpdate::SignalBar(_) => None,
            })
            .collect();
        for (order, decided_at, filled_at, fill) in fills_of(&case).fills {
            let around = |bar: &&Bar| {
                bar.instrument == order.instrument && bar.open_at <= filled_at && filled_at < bar.close_at
            };
            let bar = bars.iter().find(around).expect("a fill lies in a bar");
            // The exits of an entry are decided with it, and can fill in the bar in which it filled.
            prop_assert!(bar.open_at >= decided_at || order.parent.is_some(), "{:?}", order);
            let inside = bar.low <= fill.price && fill.price <= bar.high;
            prop_assert!(inside || was_jumped_over(&order, &fill, bar, filled_at), "{:?} at {:?}", order, fill);
            if order.kind == OrderKind::Market {
                prop_assert_eq!((filled_at, fill.price), (bar.open_at, bar.open), "{:?}", order);
            }
        }
    }
}
