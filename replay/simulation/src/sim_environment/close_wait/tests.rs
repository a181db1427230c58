//! What waits for the bar of its moment meets its close, and nothing overtakes what was sent before it.

use std::collections::BTreeSet;

use engine_core::event::{Event, Execution, Input, Manifest, Output};
use engine_core::instrument::Instrument;
use engine_core::intent::{CancelIntent, Intent, OrderIntent, Rationale, Size};
use engine_core::machine::Core;
use engine_core::market::{Bar, MarketUpdate, Side};
use engine_core::num::{Price, Qty, Ratio};
use engine_core::order::OrderKind;
use engine_core::strategy::{Strategy as Policy, View};
use engine_core::time::Span;
use engine_runtime::runner::{Observer, SyncPolicy, run};
use proptest::prelude::*;

use super::*;
use crate::config::BacktestConfig;
use crate::sim_venue::scenario_tests::{Forgetful, buy, config};
use replay_history::market_source::{MarketItem, MemorySource};

const COUNT: u16 = 3;

/// How much an order is for.
#[derive(Debug, Clone, Copy)]
enum Amount {
    /// The number of its line, by which the order is known.
    Number,
    /// Hundredths of equity.
    EquityPercent(i64),
}

/// What a line of a script does.
#[derive(Debug, Clone, Copy)]
enum Act {
    /// An order: at the market, or a limit below 1 000 by `below`.
    Place { buys: bool, below: Option<i64>, amount: Amount },
    /// Ends the orders of another line, counted from 1, that work.
    Cancel { line: i64 },
}

/// After the bar of `after` that ends at `moment`, an act on `on`.
#[derive(Debug, Clone, Copy)]
struct Line {
    moment: usize,
    after: u16,
    on: u16,
    act: Act,
}

struct Script {
    lines: Vec<Line>,
    heard: Option<(i64, InstrumentId)>,
}

impl Script {
    /// What `line`, the `number`th, asks for; a cancel may find nothing to end.
    fn intents(line: &Line, number: i64, view: &View<'_>) -> Vec<Intent> {
        let on = InstrumentId::new(line.on);
        match line.act {
            Act::Place { buys, below, amount } => {
                let kind = below
                    .map_or(OrderKind::Market, |below| OrderKind::Limit(Price::from_units(1_000 - below)));
                let side = if buys { Side::Buy } else { Side::Sell };
                let size = match amount {
                    Amount::Number => Size::Units(Qty::from_units(number.into())),
                    Amount::EquityPercent(percent) => {
                        Size::EquityShare(Ratio::from_units(percent * 10_000_000))
                    }
                };
                vec![OrderIntent { side, instrument: on, size, ..buy(kind, number) }.into()]
            }
            Act::Cancel { line } => {
                let meant =
                    view.state.open_orders().filter(|open| open.order.qty.units() == i128::from(line));
                let because = Rationale::new("the script ends it");
                meant
                    .map(|open| {
                        Intent::Cancel(CancelIntent { order: open.order.id, because: because.clone() })
                    })
                    .collect()
            }
        }
    }
}

impl Policy for Script {
    fn observe(&mut self, at: Timestamp, event: &Event) {
        self.heard = None;
        if let Event::Input(Input::Market(MarketUpdate::Bar(bar))) = event {
            self.heard = Some((at.nanos(), bar.instrument));
        }
    }

    fn propose(&self, view: &View<'_>) -> Vec<Intent> {
        let numbered = self.lines.iter().zip(1_i64..);
        let due = numbered.filter(|(line, _)| {
            self.heard == Some(((line.moment as i64 + 1) * 100, InstrumentId::new(line.after)))
        });
        due.flat_map(|(line, number)| Self::intents(line, number, view)).collect()
    }
}

/// Quantity, price and moment of every fill.
#[derive(Default)]
struct Fills {
    fills: Vec<(i128, i64, i64)>,
    /// Quantities of the orders that still work.
    working: Vec<i128>,
    /// Quantities of the orders whose end was asked for.
    cancels: BTreeSet<i128>,
}

impl Observer for Fills {
    fn observe(&mut self, core: &Core, at: Timestamp, event: &Event, outputs: &[Output]) {
        if let Event::Input(Input::Execution(report)) = event
            && let Execution::Filled(fill) = report.execution
        {
            self.fills.push((fill.qty.units(), fill.price.units(), at.nanos()));
        }
        let working = core.state().open_orders();
        for output in outputs {
            if let Output::CancelRequested(request) = output {
                let open = core.state().open_order(request.order).unwrap();
                self.cancels.insert(open.order.qty.units());
            }
        }
        self.working = working.map(|open| open.order.qty.units()).collect();
    }
}

/// Closes by moment and instrument; the bars of a moment are told in `turns`, those of no price left out.
fn fills(closes: &[[Option<i64>; 3]], turns: [u16; 3], lines: &[Line]) -> Vec<(i128, i64, i64)> {
    seen(closes, turns, lines).fills
}

/// The same with what still works at the end.
fn seen(closes: &[[Option<i64>; 3]], turns: [u16; 3], lines: &[Line]) -> Fills {
    let bar = |moment: usize, instrument: u16| {
        let close = closes[moment][usize::from(instrument)]?;
        let open_at = Timestamp::from_nanos(moment as i64 * 100);
        let close_at = open_at.plus(Span::from_nanos(100));
        let price = Price::from_units;
        let update = MarketUpdate::Bar(Bar {
            instrument: InstrumentId::new(instrument),
            open_at,
            close_at,
            open: price(1_000),
            high: price(close.max(1_000) + 5),
            low: price(close.min(1_000) - 5),
            close: price(close),
            volume: Qty::from_units(1),
            trades: 0,
        });
        let tick = engine_core::envelope::RecordRef { dataset: instrument, seq: moment as u64 + 1 };
        Some(MarketItem { at: close_at, update, tick })
    };
    let items = (0..closes.len())
        .flat_map(|moment| turns.into_iter().filter_map(move |instrument| bar(moment, instrument)));
    let config = config(FillModel::SameClose);
    let named = |number: u16| Instrument { symbol: format!("X{number}"), ..config.instruments[0].clone() };
    let instruments: Vec<Instrument> = (0..COUNT).map(named).collect();
    let config = BacktestConfig { instruments: instruments.clone(), ..config };
    let manifest = Manifest {
        engine_version: String::new(),
        mode: "backtest".into(),
        config_json: String::new(),
        strategy: String::new(),
        instruments,
        datasets: Vec::new(),
        seed: 0,
        capital: config.capital,
        synthetic: true,
    };
    let mut environment = SimEnvironment::new(MemorySource::new(items.collect()), &config, manifest);
    let mut core = Core::new(config.core(), Box::new(Script { lines: lines.to_vec(), heard: None }));
    let mut seen = Fills::default();
    run(&mut core, &mut environment, &mut Forgetful(0), &mut seen, SyncPolicy::AtEnd).unwrap();
    seen.fills.sort_unstable();
    seen
}

const AT_MARKET: Act = Act::Place { buys: true, below: None, amount: Amount::Number };
const ANSWER: Line = Line { moment: 1, after: 0, on: 1, act: AT_MARKET };

#[test]
fn an_order_for_another_instrument_fills_at_its_close_of_the_same_moment() {
    let closes = [[Some(1_000), Some(1_010), None], [Some(1_001), Some(1_020), None]];
    for turns in [[0, 1, 2], [1, 0, 2]] {
        assert_eq!(fills(&closes, turns, &[ANSWER]), [(1, 1_020, 200)], "{turns:?}");
    }
}

#[test]
fn without_a_bar_of_that_moment_the_close_before_is_all_there_is() {
    let closes = [[Some(1_000), Some(1_010), None], [Some(1_001), None, None]];
    assert_eq!(fills(&closes, [0, 1, 2], &[ANSWER]), [(1, 1_010, 200)]);
    let later = [closes[0], closes[1], [None, Some(1_030), None]];
    assert_eq!(fills(&later, [0, 1, 2], &[ANSWER]), [(1, 1_010, 200)]);
}

#[test]
fn a_share_of_equity_is_sized_at_the_last_close_told_and_filled_at_that_of_its_moment() {
    let closes = [[Some(1_000), Some(800), None], [Some(1_001), Some(1_000), None]];
    let half = Act::Place { buys: true, below: None, amount: Amount::EquityPercent(50) };
    // Half a million of whole money, at prices of two decimals and quantities of three.
    for (turns, sized_at) in [([0, 1, 2], 800), ([1, 0, 2], 1_000)] {
        let qty = 500_000 * 100 * 1_000 / sized_at;
        assert_eq!(fills(&closes, turns, &[Line { act: half, ..ANSWER }]), [(qty, 1_000, 200)], "{turns:?}");
    }
}

#[test]
fn a_cancel_that_follows_its_order_in_one_moment_ends_it() {
    let never = Act::Place { buys: true, below: Some(500), amount: Amount::Number };
    let lines =
        [Line { act: never, ..ANSWER }, Line { moment: 1, after: 2, on: 1, act: Act::Cancel { line: 1 } }];
    let prices = [Some(1_000), Some(1_010), Some(1_020)];
    for turns in [[0, 2, 1], [0, 1, 2], [1, 0, 2]] {
        let seen = seen(&[prices, prices, prices], turns, &lines);
        assert_eq!((seen.working.len(), seen.cancels.len(), seen.fills.len()), (0, 1, 0), "{turns:?}");
    }
}

/// A script of orders and of cancels of orders that came `later` moments before them.
fn script(later: core::ops::Range<usize>) -> impl Strategy<Value = Vec<Line>> {
    let below = prop::option::of(-30_i64..30);
    let place = (1_usize..12, 0..COUNT, 0..COUNT, any::<bool>(), below);
    let cancel = prop::option::of((later, 0..COUNT));
    prop::collection::vec((place, cancel), 1..12).prop_map(|drawn| {
        let mut lines: Vec<Line> = Vec::new();
        let mut cancels: Vec<Line> = Vec::new();
        for ((moment, after, on, buys, below), cancel) in drawn {
            lines.push(Line { moment, after, on, act: Act::Place { buys, below, amount: Amount::Number } });
            let line = lines.len() as i64;
            cancels.extend(cancel.map(|(later, after)| Line {
                moment: moment + later,
                after,
                on,
                act: Act::Cancel { line },
            }));
        }
        lines.extend(cancels);
        lines
    })
}

type Moments = Vec<[Option<i64>; 3]>;

/// Twelve moments; at the first every instrument has a bar.
fn moments() -> impl Strategy<Value = Moments> {
    let first = prop::array::uniform3((980_i64..1_020).prop_map(Some));
    let rest = prop::collection::vec(prop::array::uniform3(prop::option::weighted(0.8, 980_i64..1_020)), 11);
    (first, rest).prop_map(|(first, rest)| std::iter::once(first).chain(rest).collect())
}

fn turns() -> impl Strategy<Value = [u16; 3]> {
    Just([0_u16, 1, 2]).prop_shuffle()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn the_order_of_instruments_changes_no_fill(closes in moments(), lines in script(1..4), turns in turns()) {
        prop_assert_eq!(fills(&closes, [0, 1, 2], &lines), fills(&closes, turns, &lines));
    }

    #[test]
    fn nothing_whose_end_was_asked_for_works_on(closes in moments(), lines in script(0..3), turns in turns()) {
        let seen = seen(&closes, turns, &lines);
        let left: Vec<_> = seen.working.iter().filter(|qty| seen.cancels.contains(*qty)).collect();
        prop_assert!(left.is_empty(), "orders {:?} work on after their cancels", left);
    }

    #[test]
    fn a_share_of_equity_comes_to_what_the_last_close_told_makes_of_it(
        before in 900_i64..1_100,
        close in 900_i64..1_100,
        percent in 1_i64..90,
        turns in turns(),
    ) {
        let closes = [[Some(1_000), Some(before), None], [Some(1_000), Some(close), None]];
        let act = Act::Place { buys: true, below: None, amount: Amount::EquityPercent(percent) };
        let is_told_first = turns.iter().position(|turn| *turn == 1) < turns.iter().position(|turn| *turn == 0);
        let sized_at = if is_told_first { close } else { before };
        let qty = i128::from(percent) * 10_000 * 100_000 / i128::from(sized_at);
        prop_assert_eq!(fills(&closes, turns, &[Line { act, ..ANSWER }]), [(qty, close, 200)]);
    }
}
