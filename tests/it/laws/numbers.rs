//! Random instruments, sizes and prices against exact fractions.
//!
//! Prices from 10⁻¹⁰ to 10⁷ and up to the end of their range, quantities up to 10¹⁵, capital from nothing to 10¹². An
//! order is the one that was asked for, or it is refused with a reason that holds; what does not fit halts, and until
//! then cash, fees, turnover, position and equity are exact.

use engine_core::envelope::RecordRef;
use engine_core::event::Manifest;
use engine_core::instrument::{Instrument, InstrumentId};
use engine_core::intent::{Intent, OrderIntent, Size};
use engine_core::machine::Core;
use engine_core::market::{Bar, MarketUpdate, Side};
use engine_core::num::{Money, Price, Qty, Ratio};
use engine_core::risk::{HaltAction, RiskLimits};
use engine_core::strategy::View;
use engine_core::time::{Span, Timestamp};
use engine_runtime::runner::{SyncPolicy, run};
use journal_store::memory_journal::DigestJournal;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use replay_history::market_source::{MarketItem, MemorySource};
use replay_simulation::config::{
    BacktestConfig, Costs, EndOfData, FillModel, JournalConfig, Latency, VenueRules,
};
use replay_simulation::sim_environment::SimEnvironment;

use super::law;

mod exact_books;

use exact_books::{ExactBooks, Met};

const ONLY: InstrumentId = InstrumentId::new(0);

/// One run: an instrument, an account, a bar for each price and perhaps a wish at its close.
#[derive(Debug, Clone)]
struct Case {
    rules: Instrument,
    capital: Money,
    costs: Costs,
    leverage: Ratio,
    prices: Vec<i64>,
    wishes: Vec<Option<(Side, Size)>>,
}

/// Whole numbers of any size up to `digits` digits, small and large ones alike often.
fn magnitudes(digits: std::ops::RangeInclusive<u32>) -> impl Strategy<Value = i128> {
    digits.prop_flat_map(|digits| 10_i128.pow(digits - 1)..10_i128.pow(digits))
}

fn prices(decimals: u8) -> impl Strategy<Value = i64> {
    let decimals = u32::from(decimals);
    let market = magnitudes(decimals.saturating_sub(9).max(1)..=(decimals + 7).min(18));
    let market = market.prop_map(|units| i64::try_from(units).unwrap());
    prop_oneof![12 => market, 1 => Just(i64::MAX - 1), 1 => Just(1)]
}

fn rules() -> impl Strategy<Value = Instrument> {
    let decimals = (0_u8..=14).prop_flat_map(|price| (Just(price), 0_u8..=18 - price));
    decimals.prop_flat_map(|(price_decimals, qty_decimals)| {
        let lot = prop_oneof![2 => Just(1), 1 => magnitudes(1..=u32::from(qty_decimals) + 1)];
        let least = prop_oneof![2 => Just(0), 1 => magnitudes(1..=21)];
        (lot, least).prop_map(move |(lot, least)| Instrument {
            venue: "test".into(),
            symbol: "X".into(),
            price_decimals,
            qty_decimals,
            tick: Price::from_units(1),
            lot: Qty::from_units(lot),
            notional_min: Money::from_units(least),
        })
    })
}

fn costs() -> impl Strategy<Value = Costs> {
    let some = (-500_000_i64..=1_000_000, 0_i64..=10_000_000, 0_i64..=20_000_000);
    let some = some.prop_map(|(maker, taker, slippage)| Costs {
        maker_fee: Ratio::from_units(maker),
        taker_fee: Ratio::from_units(taker),
        slippage: Ratio::from_units(slippage),
        spread: Ratio::ZERO,
        ..Costs::default()
    });
    prop_oneof![1 => Just(Costs::default()), 3 => some]
}

/// Sizes of any magnitude, and those that come near what `capital` buys.
fn sizes(rules: &Instrument, capital: i128, price: i64) -> impl Strategy<Value = Size> + use<> {
    let digits = u32::from(rules.qty_decimals) + 15;
    let unit = i128::from(price) * rules.money_factor();
    let part = move |mills: i128| capital / 1_000 * mills;
    prop_oneof![
        2 => magnitudes(1..=digits).prop_map(|units| Size::Units(Qty::from_units(units))),
        1 => Just(Size::Units(Qty::MAX)),
        3 => (1_i128..=4_000).prop_map(move |mills| Size::Units(Qty::from_units(part(mills) / unit))),
        2 => magnitudes(1..=38).prop_map(|units| Size::Notional(Money::from_units(units))),
        3 => (1_i128..=4_000).prop_map(move |mills| Size::Notional(Money::from_units(part(mills)))),
        3 => (1_i64..=3_000).prop_map(|mills| Size::EquityShare(Ratio::from_units(mills * 1_000_000))),
        2 => Just(Size::Position),
    ]
}

fn cases() -> impl Strategy<Value = Case> {
    let capital = prop_oneof![1 => Just(0), 12 => magnitudes(18..=30), 1 => magnitudes(1..=18)];
    let leverage = prop_oneof![8 => 500_000_000_i64..=10_000_000_000, 1 => Just(i64::MAX)];
    let account = (rules(), capital, costs(), leverage);
    account.prop_flat_map(|(rules, capital, costs, leverage)| {
        let days = prop::collection::vec((prices(rules.price_decimals), 1_u32..=3), 1..9);
        days.prop_flat_map(move |days| {
            // A price now and then stays for some bars, moving a little.
            let path: Vec<i64> = days
                .iter()
                .flat_map(|(price, bars)| {
                    let (price, bars) = (*price, i64::from(*bars));
                    (0..bars).map(move |bar| price - price / 50 * bar)
                })
                .collect();
            let wish = |price: &i64| {
                let side = prop_oneof![2 => Just(Side::Buy), 1 => Just(Side::Sell)];
                prop::option::weighted(0.8, (side, sizes(&rules, capital, *price)))
            };
            let wishes: Vec<_> = path.iter().map(wish).collect();
            let rules = rules.clone();
            wishes.prop_map(move |wishes| Case {
                rules: rules.clone(),
                capital: Money::from_units(capital),
                costs,
                leverage: Ratio::from_units(leverage),
                prices: path.clone(),
                wishes,
            })
        })
    })
}

/// Wishes for what the case says at each bar.
struct Wisher {
    wishes: Vec<Option<(Side, Size)>>,
    bars: usize,
}

impl engine_core::strategy::Strategy for Wisher {
    fn observe(&mut self, _at: Timestamp, event: &engine_core::event::Event) {
        use engine_core::event::{Event, Input};
        self.bars += usize::from(matches!(event, Event::Input(Input::Market(_))));
    }

    fn propose(&self, _view: &View<'_>) -> Vec<Intent> {
        let wish = self.wishes.get(self.bars - 1).copied().flatten();
        // Each with a reason of its own: the same intent is refused on record only once.
        let because = format!("bar {}", self.bars);
        wish.map(|(side, size)| OrderIntent::market(ONLY, side, size, because).into()).into_iter().collect()
    }
}

impl Case {
    fn items(&self) -> Vec<MarketItem> {
        let item = |(day, price): (i64, &i64)| {
            let (open_at, price) =
                (Timestamp::from_nanos(day * Span::DAY.nanos()), Price::from_units(*price));
            let bar = Bar {
                instrument: ONLY,
                open_at,
                close_at: open_at.plus(Span::DAY),
                open: price,
                high: price,
                low: price,
                close: price,
                volume: Qty::from_units(1),
                trades: 0,
            };
            let tick = RecordRef { dataset: 0, seq: day.unsigned_abs() + 1 };
            MarketItem { at: bar.close_at, update: MarketUpdate::Bar(bar), tick }
        };
        (0..).zip(&self.prices).map(item).collect()
    }

    fn config(&self) -> BacktestConfig {
        let limits = RiskLimits {
            leverage_max: self.leverage,
            drawdown_max: Ratio::ONE,
            halt_action: HaltAction::Hold,
            taker_cost: self.costs.reserve(),
            ..RiskLimits::default()
        };
        BacktestConfig {
            strategy: "wishes".into(),
            config_json: String::new(),
            mark: engine_core::mark::MarkRule::Newest,
            seed: 0,
            capital: self.capital,
            instruments: vec![self.rules.clone()],
            feeds: Vec::new(),
            from: None,
            to: None,
            bars: None,
            fill: FillModel::SameClose,
            end: EndOfData::Keep,
            costs: self.costs,
            impact: None,
            latency: Latency::default(),
            venue: VenueRules::default(),
            wait_bars_max: 5,
            limits,
            watch: None,
            journal: JournalConfig::default(),
        }
    }

    /// Plays the case beside books in exact fractions; answers what it met.
    fn play(&self) -> Met {
        let config = self.config();
        let manifest = Manifest {
            engine_version: String::new(),
            mode: "backtest".into(),
            config_json: String::new(),
            strategy: config.strategy.clone(),
            instruments: config.instruments.clone(),
            datasets: Vec::new(),
            seed: 0,
            capital: config.capital,
            synthetic: true,
        };
        let strategy = Wisher { wishes: self.wishes.clone(), bars: 0 };
        let mut core = Core::new(config.core(), Box::new(strategy));
        let mut environment = SimEnvironment::new(MemorySource::new(self.items()), &config, manifest);
        let mut books = ExactBooks::new(self);
        let mut journal = DigestJournal::default();
        run(&mut core, &mut environment, &mut journal, &mut books, SyncPolicy::AtEnd).unwrap();
        books.met
    }
}

proptest! {
    #![proptest_config(law())]

    #[test]
    fn every_amount_is_exact_or_refused_or_halts(case in cases()) {
        case.play();
    }
}

/// A law that is never tested holds too: these runs meet every way an amount can go.
#[test]
fn the_random_instruments_meet_every_end_of_an_order() {
    let mut met = Met::new();
    let mut runner = TestRunner::deterministic();
    let cases = cases();
    for _ in 0..512 {
        for (what, count) in cases.new_tree(&mut runner).unwrap().current().play() {
            *met.entry(what).or_default() += count;
        }
    }
    println!("{met:#?}");
    for (what, least) in [
        ("submitted", 200),
        ("submitted beyond 64 bits", 20),
        ("refused: overflow", 50),
        ("refused: exposure", 50),
        ("refused: below lot", 20),
        ("refused: halted", 20),
        ("refused: notional", 20),
        ("rejected: out of range", 3),
        ("halted: too large", 3),
        ("halted: ruin", 5),
        ("filled", 200),
    ] {
        assert!(met.get(what).is_some_and(|count| *count >= least), "{what}: {met:#?}");
    }
}
