//! A core that is taken up anywhere goes on as if it had not stopped: outputs, state and knowledge byte for byte.
//!
//! Each run is played through the simulated venue once. Its inputs are then decided on by a core that is taken up at
//! some of them from sealed bytes, in newly built objects, and goes on to the end.

use std::collections::BTreeMap;

use engine_core::envelope::Seq;
use engine_core::event::Output;
use engine_core::knowledge::{Forgotten, Knowledge};
use engine_core::machine::{ConductorRule, Core, CoreConfig, CoreSnapshot, WatchRule};
use engine_core::num::{Money, Ratio};
use engine_core::order::OrderKind;
use engine_core::regime::DetectorKind;
use engine_core::strategy::Strategy as Policy;
use engine_core::time::{Span, Timestamp};
use journal_store::memory_journal::DigestJournal;
use journal_store::snapshot::Snapshot;
use proptest::prelude::*;
use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};
use replay_history::market_source::{MarketItem, MemorySource};
use replay_simulation::config::{Costs, EndOfData, FillModel, Latency, VenueRules};
use strategies::sample::Source;

use super::script::Script;
use super::{Case, Lived, LivedStep, MODELS, cases, law, loose, samples};

mod detectors;
mod markets;
mod policies;

use markets::{INSTRUMENTS, Kind, market};
use policies::Built;

const DETECTORS: [DetectorKind; 3] =
    [DetectorKind::TwoAxis, DetectorKind::TwoAxisHourly, DetectorKind::ChangePoint];
/// Most bytes of a snapshot for each market.
const MARKET_BYTES_MAX: usize = 64 << 10;

/// Who watches: nobody, a detector, or a detector with a conductor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Watched {
    detector: Option<DetectorKind>,
    is_conducted: bool,
}

impl Watched {
    /// Every detector, with and without a conductor, and nobody.
    fn all() -> Vec<Self> {
        let watched = DETECTORS.into_iter().flat_map(|detector| {
            [true, false].map(|is_conducted| Self { detector: Some(detector), is_conducted })
        });
        watched.chain([Self { detector: None, is_conducted: false }]).collect()
    }

    fn rule(self) -> Option<WatchRule> {
        let conductor = self.is_conducted.then_some(ConductorRule {
            answer_within: Span::from_nanos(6 * Span::SECOND.nanos()),
            floor: Ratio::ZERO,
        });
        self.detector.map(|detector| WatchRule { detector, conductor })
    }
}

/// A run to be interrupted.
struct Taken<'a> {
    case: Case,
    items: Vec<MarketItem>,
    watch: Option<WatchRule>,
    strategy: Box<dyn Fn() -> Box<dyn Policy> + 'a>,
    label: String,
}

/// Bytes of the parts of a snapshot.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Weight {
    all: usize,
    watch: usize,
    strategy: usize,
}

impl Taken<'_> {
    fn config(&self) -> CoreConfig {
        CoreConfig { watch: self.watch, ..self.case.config().core() }
    }

    fn core(&self) -> Core {
        Core::new(self.config(), (self.strategy)())
    }

    /// Every step of the run that nobody interrupts.
    fn steps(&self) -> Vec<LivedStep> {
        let mut lived = Lived::default();
        let source = MemorySource::new(self.items.clone());
        self.case.play_into(self.core(), source, &mut DigestJournal::default(), &mut lived);
        lived.steps
    }

    /// Takes the run up before the steps `cuts`; answers the heaviest snapshot.
    fn check(&self, steps: &[LivedStep], cuts: &[usize]) -> Weight {
        let mut kept: BTreeMap<usize, Vec<u8>> = cuts.iter().map(|cut| (*cut, Vec::new())).collect();
        let mut whole = self.core();
        for (number, step) in steps.iter().enumerate() {
            if let Some(bytes) = kept.get_mut(&number) {
                *bytes = sealed(&whole);
            }
            assert_eq!(whole.decide(step.at, &step.event), step.outputs, "{}: step {number}", self.label);
        }
        let end = sealed(&whole);
        kept.entry(steps.len()).and_modify(|bytes| bytes.clone_from(&end));
        kept.iter()
            .map(|(cut, bytes)| self.go_on(steps, *cut, bytes, &end))
            .fold(Weight::default(), |most, weight| if weight.all > most.all { weight } else { most })
    }

    fn go_on(&self, steps: &[LivedStep], cut: usize, bytes: &[u8], end: &[u8]) -> Weight {
        let snapshot = Snapshot::read(bytes).unwrap().into_core();
        assert!(snapshot.strategy.is_some(), "{}: its strategy cannot be taken up", self.label);
        assert_eq!(snapshot.watch.is_some(), self.watch.is_some(), "{}", self.label);
        let length = |knowledge: &Option<Knowledge>| knowledge.as_ref().map_or(0, Knowledge::len);
        let weight =
            Weight { all: bytes.len(), watch: length(&snapshot.watch), strategy: length(&snapshot.strategy) };
        let mut core = Core::resume(self.config(), (self.strategy)(), snapshot)
            .unwrap_or_else(|error| panic!("{} at step {cut}: {error}", self.label));
        assert_eq!(
            sealed(&core),
            bytes,
            "{} at step {cut}: what was recalled is not what was kept",
            self.label
        );
        for (number, step) in steps.iter().enumerate().skip(cut) {
            let outputs = core.decide(step.at, &step.event);
            assert_eq!(outputs, step.outputs, "{} taken up at {cut}: step {number}", self.label);
        }
        assert_eq!(sealed(&core), end, "{} taken up at {cut}: the end is another", self.label);
        weight
    }
}

fn sealed(core: &Core) -> Vec<u8> {
    Snapshot::new(Seq::FIRST, core.snapshot()).sealed().unwrap()
}

/// Knowledge with some bytes changed and a digest that fits them.
fn forged(knowledge: &Knowledge, changes: &[(prop::sample::Index, u8)]) -> Knowledge {
    knowledge.forged(|bytes| {
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = *byte;
        }
    })
}

/// A case over markets of this law.
fn case(kind: Kind, watched: Watched) -> Case {
    Case {
        fill: match kind {
            Kind::Bars => FillModel::NextOpen,
            Kind::Trades => FillModel::Trades,
        },
        instruments: INSTRUMENTS,
        moves: Vec::new(),
        lines: Vec::new(),
        costs: Costs { taker_fee: Ratio::from_units(1_000_000), ..Costs::default() },
        latency: Latency::default(),
        venue: VenueRules::default(),
        limits: engine_core::risk::RiskLimits { drawdown_max: Ratio::ONE, ..loose() },
        end: EndOfData::Keep,
        bars: (kind == Kind::Trades).then_some(engine_core::bars::BarRule::Time(Span::DAY)),
        answers_take: watched.is_conducted.then_some(Span::from_nanos(Span::SECOND.nanos() / 2)),
    }
}

fn taken<'a>(kind: Kind, watched: Watched, policy: &'a Built, items: Vec<MarketItem>) -> Taken<'a> {
    let case = case(kind, watched);
    let instruments = case.config().instruments;
    let detector = watched.detector.unwrap_or_default();
    Taken {
        items,
        watch: watched.rule(),
        strategy: Box::new(move || policy.strategy(&instruments, Source::Bars, detector)),
        label: format!("{} on {kind:?}, {watched:?}", policy.name),
        case,
    }
}

fn moments(items: &[MarketItem]) -> Vec<Timestamp> {
    items.iter().map(|item| item.at).collect()
}

/// `count` places in `0..=length`, drawn from `seed`.
fn places(seed: u64, count: usize, length: usize) -> Vec<usize> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let place = |_| usize::try_from(random.next_u64() % (length as u64 + 1)).unwrap();
    (0..count).map(place).collect()
}

/// Every policy on a long run of `kind`, with whoever watches, taken up at 256 random places in all.
fn long_runs(kind: Kind) {
    let count = match kind {
        Kind::Bars => 800,
        Kind::Trades => 420,
    };
    let all = Watched::all();
    let named = policies::all(&moments(&market(kind, 0, count)));
    for (policy, number) in named.iter().zip(1_u64..) {
        let mut orders = 0;
        for (watched, turn) in all.iter().zip(0_u64..) {
            let items = market(kind, number * 31 + turn, count);
            // The targets of a file are moments of the market they are for.
            let policy = &policies::all(&moments(&items))[usize::try_from(number - 1).unwrap()];
            let taken = taken(kind, *watched, policy, items);
            let steps = taken.steps();
            assert!(steps.len() >= 2_000, "{}: {} inputs", taken.label, steps.len());
            taken.check(&steps, &places(number ^ turn << 8, 256_usize.div_ceil(all.len()), steps.len()));
            orders += steps.iter().flat_map(|step| &step.outputs).filter(|output| is_order(output)).count();
        }
        assert!(orders > 0, "{} never trades on {kind:?}: the law says little of it", policy.name);
    }
}

fn is_order(output: &Output) -> bool {
    matches!(output, Output::OrderSubmitted(_))
}

#[test]
fn every_policy_on_long_runs_of_bars_is_taken_up_anywhere() {
    long_runs(Kind::Bars);
}

#[test]
fn every_policy_on_long_runs_of_trades_is_taken_up_anywhere() {
    long_runs(Kind::Trades);
}

#[test]
fn every_policy_on_a_short_run_is_taken_up_before_each_input() {
    for kind in [Kind::Bars, Kind::Trades] {
        for watched in Watched::all() {
            let count = if kind == Kind::Bars { 24 } else { 14 };
            let items = market(kind, 7, count);
            for policy in policies::all(&moments(&items)) {
                let taken = taken(kind, watched, &policy, items.clone());
                let steps = taken.steps();
                assert!(steps.len() >= 55, "{}: {} inputs", taken.label, steps.len());
                taken.check(&steps, &(0..=steps.len()).collect::<Vec<_>>());
            }
        }
    }
}

#[test]
fn every_kind_of_order_under_way_is_taken_up_before_each_input() {
    // Trailing stops, brackets, stops and limits, on bars and ticks, with questions among them.
    let chosen =
        samples(cases(&MODELS)).into_iter().filter(|case| case.moves.len() < 60 && !case.lines.is_empty());
    let (mut trailing, mut exits) = (false, false);
    for case in chosen.take(40) {
        let config = case.config();
        let strategy =
            || -> Box<dyn Policy> { Box::new(Script::new(case.lines.clone(), 0, case.instruments)) };
        let (items, watch) = (case.items(), config.watch);
        let taken = Taken {
            items,
            watch,
            strategy: Box::new(strategy),
            label: format!("{case:?}"),
            case: case.clone(),
        };
        let steps = taken.steps();
        taken.check(&steps, &(0..=steps.len()).collect::<Vec<_>>());
        for output in steps.iter().flat_map(|step| &step.outputs) {
            if let Output::OrderSubmitted(submission) = output {
                let order = &submission.order;
                trailing |= matches!(order.kind, OrderKind::TrailingStop(_));
                exits |= order.parent.is_some();
            }
        }
    }
    assert!(trailing && exits, "trailing stops and exits are among them");
}

proptest! {
    #![proptest_config(law())]

    #[test]
    fn a_random_policy_on_a_random_market_is_taken_up_anywhere(
        seed in any::<u64>(), on_bars in any::<bool>(), watched in 0_usize..7, policy in any::<prop::sample::Index>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let kind = if on_bars { Kind::Bars } else { Kind::Trades };
        let items = market(kind, seed, 60);
        let all = policies::all(&moments(&items));
        let taken = taken(kind, Watched::all()[watched], &all[policy.index(all.len())], items);
        let steps = taken.steps();
        taken.check(&steps, &[cut.index(steps.len() + 1)]);
    }

    #[test]
    fn forged_knowledge_of_a_policy_is_refused_or_played_on_from_without_a_panic(
        seed in any::<u64>(), policy in any::<prop::sample::Index>(), conducted in any::<bool>(),
        changes in prop::collection::vec(any::<(prop::sample::Index, u8)>(), 1..8),
    ) {
        let watched = Watched { detector: Some(DetectorKind::TwoAxis), is_conducted: conducted };
        let items = market(Kind::Bars, seed, 60);
        let all = policies::all(&moments(&items));
        let taken = taken(Kind::Bars, watched, &all[policy.index(all.len())], items);
        let steps = taken.steps();
        let half = steps.len() / 2;
        let mut core = taken.core();
        steps.iter().take(half).for_each(|step| drop(core.decide(step.at, &step.event)));
        let snapshot = core.snapshot();
        let forge = |knowledge: Option<Knowledge>| knowledge.map(|known| forged(&known, &changes));
        let kept = CoreSnapshot { watch: forge(snapshot.watch), strategy: forge(snapshot.strategy), ..snapshot };
        let mut other = taken.core();
        let before = sealed(&other);
        match other.recall(kept) {
            Ok(()) => steps.iter().skip(half).for_each(|step| drop(other.decide(step.at, &step.event))),
            Err(_) => prop_assert_eq!(sealed(&other), before),
        }
    }
}

#[test]
fn a_snapshot_of_other_settings_is_refused() {
    let items = market(Kind::Bars, 3, 60);
    let watched = |detector| Watched { detector: Some(detector), is_conducted: true };
    let all = policies::all(&moments(&items));
    let of = |policy: usize, detector| taken(Kind::Bars, watched(detector), &all[policy], items.clone());
    let kept = |taken: &Taken<'_>| {
        let mut core = taken.core();
        taken.steps().iter().for_each(|step| drop(core.decide(step.at, &step.event)));
        core.snapshot()
    };
    let own = kept(&of(0, DetectorKind::TwoAxis));
    let mut other_money = of(0, DetectorKind::TwoAxis).config();
    other_money.capital = Money::from_units(1);
    let strategy = (of(0, DetectorKind::TwoAxis).strategy)();
    assert_eq!(Core::resume(other_money, strategy, own.clone()).unwrap_err(), Forgotten::OtherSettings);
    let mut core = of(0, DetectorKind::ChangePoint).core();
    assert_eq!(core.recall(own.clone()), Err(Forgotten::OtherSettings));
    for (policy, number) in all.iter().zip(0..).skip(1) {
        let mut core = of(number, DetectorKind::TwoAxis).core();
        let before = sealed(&core);
        assert!(core.recall(own.clone()).is_err(), "{} recalls what buy-and-hold knows", policy.name);
        assert_eq!(sealed(&core), before);
    }
    let alone = CoreSnapshot::of_state(own.state);
    assert_eq!(of(0, DetectorKind::TwoAxis).core().recall(alone), Err(Forgotten::NotKept));
}

#[test]
fn a_snapshot_takes_no_more_than_64_kib_a_market() {
    let watched = Watched { detector: Some(DetectorKind::TwoAxis), is_conducted: true };
    let items = market(Kind::Bars, 5, 1_500);
    let markets = usize::from(INSTRUMENTS);
    for policy in policies::all(&moments(&items)) {
        let taken = taken(Kind::Bars, watched, &policy, items.clone());
        let steps = taken.steps();
        let Weight { all, watch, strategy } = taken.check(&steps, &places(1, 6, steps.len()));
        println!("{:<28} {:>7} {:>7} {:>7}", policy.name, all / markets, watch / markets, strategy / markets);
        assert!(all <= MARKET_BYTES_MAX * markets, "{}: {all} bytes", policy.name);
    }
}
