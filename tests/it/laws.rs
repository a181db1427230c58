//! The laws of the engine, tried on random markets and random scripts of intents.
//!
//! Every law is a property with at least 256 cases. The cases are the same in every run: proptest is seeded with
//! [`SEED`]. For other cases set the seed and the number of them, and repeat a failure with the same line:
//!
//! ```text
//! PROPTEST_RNG_SEED=7 PROPTEST_CASES=5000 cargo test -p system-tests --test it laws::
//! ```
//!
//! A failure prints the smallest case found. [`Case`] says everything about it: a market, a script and a
//! configuration; [`Case::play`] plays it again.

use engine_core::bars::BarRule;
use engine_core::digest::Digest;
use engine_core::envelope::Envelope;
use engine_core::event::{Event, Input, Manifest, Output};
use engine_core::instrument::Instrument;
use engine_core::machine::{ConductorRule, Core, WatchRule};
use engine_core::num::{Money, Price, Qty, Ratio};
use engine_core::regime::DetectorKind;
use engine_core::risk::{Account, HaltAction, RiskLimits};
use engine_core::state::{Opening, State};
use engine_core::time::{Span, Timestamp};
use engine_runtime::conductor::RuleConductor;
use engine_runtime::ports::{Head, Journal};
use engine_runtime::runner::{Observer, SyncPolicy, run};
use journal_store::memory_journal::MemoryJournal;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{RngSeed, TestRunner};
use replay_history::market_source::{MarketItem, MarketSource, MemorySource};
use replay_simulation::config::{
    BacktestConfig, Costs, Depth, EndOfData, FillModel, JournalConfig, Latency, LimitAtOpen, LimitFill,
    VenueRules,
};
use replay_simulation::sim_environment::SimEnvironment;

pub(crate) mod market;
pub(crate) mod script;

mod answering;
mod books;
mod clock_steps;
mod codec;
mod conduct;
mod data_faults;
mod determinism;
mod ends;
mod exits;
mod folding;
mod foresight;
mod interrupting;
mod listing;
mod listing_changes;
mod living;
mod numbers;
mod observing;
mod ordering;
mod orders;
mod parts;
mod passing_over;
mod path;
mod recording;
mod repeating;
mod replaying;
mod resuming;
mod taking_up;

use market::{Move, SECOND};
use script::{Line, Script};

/// What every law is seeded with unless `PROPTEST_RNG_SEED` says otherwise.
const SEED: u64 = 20_260_417;

/// The number of cases and the seed of a law.
pub(crate) fn law() -> ProptestConfig {
    let mut config = ProptestConfig::default();
    config.cases = config.cases.max(256);
    config.failure_persistence = None;
    // A law about fills passes over runs without any; those do not count as cases.
    config.max_global_rejects = 100 * config.cases;
    if config.rng_seed == RngSeed::Random {
        config.rng_seed = RngSeed::Fixed(SEED);
    }
    config
}

pub(crate) const MODELS: [FillModel; 5] =
    [FillModel::NextOpen, FillModel::SameClose, FillModel::AtSignal, FillModel::Trades, FillModel::Quotes];

/// Everything a random run is made of.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) fill: FillModel,
    pub(crate) instruments: u16,
    pub(crate) moves: Vec<Move>,
    pub(crate) lines: Vec<Line>,
    pub(crate) costs: Costs,
    pub(crate) latency: Latency,
    pub(crate) venue: VenueRules,
    pub(crate) limits: RiskLimits,
    pub(crate) end: EndOfData,
    pub(crate) bars: Option<BarRule>,
    /// Whether regimes are watched and a conductor is asked, and how long its answers take then.
    pub(crate) answers_take: Option<Span>,
}

/// Limits that seldom bind, so that orders live; the gate has laws of its own.
pub(crate) fn loose() -> RiskLimits {
    RiskLimits {
        leverage_max: Ratio::from_units(3_000_000_000),
        price_collar: Ratio::ONE,
        orders_per_minute_max: 1_000,
        drawdown_max: Ratio::from_units(500_000_000),
        ..RiskLimits::default()
    }
}

fn some_limits() -> impl Strategy<Value = RiskLimits> {
    let tight = RiskLimits {
        drawdown_max: Ratio::from_units(2_000_000),
        orders_per_minute_max: 5,
        open_orders_max: 4,
        ..loose()
    };
    let holding = RiskLimits { halt_action: HaltAction::Hold, ..tight.clone() };
    let cash = RiskLimits { account: Account::Cash, ..loose() };
    prop_oneof![6 => Just(loose()), 1 => Just(tight), 1 => Just(holding), 1 => Just(cash)]
}

fn costs() -> impl Strategy<Value = Costs> {
    let some = (-500_000_i64..=1_000_000, 0_i64..=2_000_000, 0_i64..=5_000_000, 0_i64..=5_000_000);
    let some = some.prop_map(|(maker, taker, slippage, spread)| Costs {
        maker_fee: Ratio::from_units(maker),
        taker_fee: Ratio::from_units(taker),
        slippage: Ratio::from_units(slippage),
        spread: Ratio::from_units(spread),
        ..Costs::default()
    });
    prop_oneof![1 => Just(Costs::default()), 3 => some]
}

fn latencies() -> impl Strategy<Value = Latency> {
    let span = || {
        prop::sample::select(vec![0, 0, 1_000_000, 400_000_000, SECOND, 9 * SECOND])
            .prop_map(Span::from_nanos)
    };
    (span(), span(), span()).prop_map(|(feed, entry, response)| Latency { feed, entry, response })
}

fn bar_rules() -> impl Strategy<Value = BarRule> {
    prop_oneof![
        Just(BarRule::Time(Span::from_nanos(5 * SECOND))),
        (1_u32..=6).prop_map(BarRule::Ticks),
        (500_i64..=6_000).prop_map(|qty| BarRule::Volume(Qty::from(qty))),
    ]
}

/// Runs of any kind under one of `models`.
pub(crate) fn cases(models: &'static [FillModel]) -> impl Strategy<Value = Case> {
    let venue = (prop::bool::ANY, prop::bool::ANY).prop_map(|(touch, traded)| VenueRules {
        limit_fill: if touch { LimitFill::Touch } else { LimitFill::Through },
        // Depth says nothing on bars and the open nothing on ticks: one coin serves both.
        limit_at_open: if traded { LimitAtOpen::Limit } else { LimitAtOpen::Open },
        depth: if traded { Depth::Traded } else { Depth::Unlimited },
    });
    let end = prop::sample::select(vec![EndOfData::Keep, EndOfData::Flatten, EndOfData::FlattenAtLastOpen]);
    let market = (1_u16..=3).prop_flat_map(|instruments| {
        (Just(instruments), market::moves(instruments, 1..100), script::lines(instruments, 40, 0..30))
    });
    let fill = prop::sample::select(models);
    let rest = (costs(), latencies(), venue, some_limits(), end, prop::option::weighted(0.4, bar_rules()));
    let answers = prop::sample::select(vec![0, 1_000, 7 * SECOND]).prop_map(Span::from_nanos);
    let answers = prop::option::weighted(0.5, answers);
    (fill, market, rest, answers).prop_map(|(fill, (instruments, moves, lines), rest, answers_take)| {
        let (costs, latency, venue, limits, end, bars) = rest;
        // Bars of history are not built into bars again.
        let bars = bars.filter(|_| !matches!(fill, FillModel::NextOpen | FillModel::SameClose));
        Case { fill, instruments, moves, lines, costs, latency, venue, limits, end, bars, answers_take }
    })
}

/// One line for each part: a failure prints it.
impl std::fmt::Debug for Case {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(out, "{:?} with {} instruments, end {:?}", self.fill, self.instruments, self.end)?;
        writeln!(out, "bars {:?}, {:?}, {:?}", self.bars, self.venue, self.latency)?;
        writeln!(out, "{:?}\n{:?}", self.costs, self.limits)?;
        self.moves.iter().enumerate().try_for_each(|(index, step)| writeln!(out, "{index}: {step:?}"))?;
        self.lines.iter().try_for_each(|line| writeln!(out, "{line:?}"))
    }
}

/// As many runs as a law tries, the same each time.
pub(crate) fn samples(cases: impl Strategy<Value = Case>) -> Vec<Case> {
    let mut runner = TestRunner::deterministic();
    (0..384).map(|_| cases.new_tree(&mut runner).unwrap().current()).collect()
}

impl Case {
    pub(crate) fn items(&self) -> Vec<MarketItem> {
        market::items(self.fill, &self.moves, self.latency.feed.nanos())
    }

    pub(crate) fn source(&self) -> MemorySource {
        MemorySource::new(self.items())
    }

    pub(crate) fn config(&self) -> BacktestConfig {
        let rules = |number: u16| Instrument {
            venue: "test".into(),
            symbol: format!("X{number}"),
            price_decimals: 2,
            qty_decimals: 3,
            tick: Price::from_units(5),
            lot: Qty::from_units(2),
            notional_min: Money::from_units(10_i128.pow(18)),
        };
        BacktestConfig {
            strategy: "script".into(),
            config_json: String::new(),
            mark: engine_core::mark::MarkRule::Newest,
            seed: 0,
            capital: Money::from_units(500 * 10_i128.pow(18)),
            instruments: (0..self.instruments).map(rules).collect(),
            feeds: Vec::new(),
            from: None,
            to: None,
            bars: self.bars,
            fill: self.fill,
            end: self.end,
            costs: self.costs,
            impact: None,
            latency: self.latency,
            venue: self.venue,
            // The bars of a random walk may lie far apart.
            wait_bars_max: u32::MAX,
            limits: self.limits.clone(),
            watch: self.answers_take.map(|_| WatchRule {
                detector: DetectorKind::TwoAxis,
                conductor: Some(ConductorRule {
                    answer_within: Span::from_nanos(6 * SECOND),
                    floor: Ratio::ZERO,
                }),
            }),
            journal: JournalConfig::default(),
        }
    }

    pub(crate) fn manifest(&self) -> Manifest {
        let config = self.config();
        Manifest {
            engine_version: String::new(),
            mode: "backtest".into(),
            config_json: config.config_json,
            strategy: config.strategy,
            instruments: config.instruments,
            datasets: Vec::new(),
            seed: 0,
            capital: config.capital,
            synthetic: true,
        }
    }

    /// A core before its first input.
    pub(crate) fn core(&self) -> Core {
        self.core_with(Script::new(self.lines.clone(), 0, self.instruments))
    }

    pub(crate) fn core_with(&self, strategy: impl engine_core::strategy::Strategy + 'static) -> Core {
        Core::new(self.config().core(), Box::new(strategy))
    }

    /// The state before the first event.
    pub(crate) fn opening(&self) -> State {
        let config = self.config();
        State::new(Opening {
            instruments: config.instruments,
            capital: config.capital,
            bars: config.bars,
            drawdown_max: config.limits.drawdown_max,
            mark: config.mark,
        })
    }

    /// Plays the case over its own market and keeps everything.
    pub(crate) fn play(&self) -> Played {
        self.play_with(self.core(), self.source())
    }

    pub(crate) fn play_with(&self, core: Core, source: impl MarketSource) -> Played {
        let mut journal = MemoryJournal::default();
        let mut lived = Lived::default();
        let core = self.play_into(core, source, &mut journal, &mut lived);
        Played { steps: lived.steps, envelopes: journal.envelopes(), head: journal.head(), core }
    }

    pub(crate) fn play_into(
        &self,
        mut core: Core,
        source: impl MarketSource,
        journal: &mut impl Journal,
        observer: &mut impl Observer,
    ) -> Core {
        let mut environment = SimEnvironment::new(source, &self.config(), self.manifest());
        if let Some(delay) = self.answers_take {
            environment = environment.conducted_by(Box::new(RuleConductor::uniform(8)), delay);
        }
        run(&mut core, &mut environment, journal, observer, SyncPolicy::AtEnd).unwrap();
        core
    }
}

/// A run with everything that happened in it.
#[derive(Debug)]
pub(crate) struct Played {
    pub(crate) steps: Vec<LivedStep>,
    pub(crate) envelopes: Vec<Envelope>,
    pub(crate) head: Head,
    pub(crate) core: Core,
}

/// One input as it was lived, market records included.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LivedStep {
    pub(crate) at: Timestamp,
    pub(crate) event: Event,
    pub(crate) outputs: Vec<Output>,
    pub(crate) digest: Digest,
    pub(crate) equity: Money,
}

#[derive(Debug, Default)]
pub(crate) struct Lived {
    steps: Vec<LivedStep>,
}

impl Observer for Lived {
    fn observe(&mut self, core: &Core, at: Timestamp, event: &Event, outputs: &[Output]) {
        self.steps.push(LivedStep {
            at,
            event: event.clone(),
            outputs: outputs.to_vec(),
            digest: core.digest(),
            equity: core.state().equity(),
        });
    }
}

/// Whether an input belongs to the end of a session, which comes when the data ends.
pub(crate) const fn ends_session(event: &Event) -> bool {
    matches!(
        event,
        Event::Input(Input::Operator(_) | Input::Session(engine_core::event::SessionMark::Closed))
    )
}
