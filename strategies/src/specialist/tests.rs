//! Every gene, exit and policy is live, and the cap holds whatever the market does.

use engine_core::indicator::Candle;
use engine_core::regime::Regime;
use engine_core::time::{Span, Timestamp};
use proptest::prelude::*;

use super::measures::{Measurer, Measures, WARM_UP_BARS};
use super::params::{DEFAULT_CAP, DEFAULT_GENOMES};
use super::policy::{Exit, Position, Specialist};
use super::shared_position::{CRISIS_SHARE, InCrisis, OnChange, SharedPosition};
use super::sleeve::{Act, EntryPermission, Sleeve};
use crate::genome::{GENES, Genome, TABLE};

fn day(number: usize) -> Timestamp {
    Timestamp::from_nanos(number as i64 * Span::DAY.nanos())
}

fn specialists() -> [Specialist; 4] {
    DEFAULT_GENOMES.specialists(DEFAULT_CAP).unwrap()
}

fn trending() -> Specialist {
    specialists()[Regime::Trending.index()]
}

/// Closes of a market whose drift and volatility change, from a fixed stream (SplitMix64, Steele et al. 2014).
fn closes(seed: u64, count: usize) -> Vec<f64> {
    let mut state = seed;
    let mut draw = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    };
    let mut price = 100.0;
    let steps = (0..count).map(|bar| {
        let (drift, wide) = match bar / 40 % 5 {
            0 => (0.008, 0.02),
            1 => (0.0, 0.015),
            2 => (-0.004, 0.06),
            3 => (0.03, 0.14),
            _ => (0.004, 0.04),
        };
        price *= 1.0 + drift + wide * (draw() + draw() - 1.0);
        price
    });
    steps.collect()
}

fn exposures(specialist: Specialist, closes: &[f64]) -> Vec<f64> {
    let (mut sleeve, mut measurer) = (Sleeve::new(specialist), Measurer::new());
    let step = |(bar, close): (usize, &f64)| {
        let measures = measurer.learn(&Candle::at(*close));
        sleeve.step(day(bar), *close, measures.as_ref(), EntryPermission::ToEnter);
        sleeve.exposure()
    };
    closes.iter().enumerate().map(step).collect()
}

#[test]
fn every_gene_of_every_specialist_changes_what_it_does() {
    let markets: Vec<Vec<f64>> = (1..=12).map(|seed| closes(seed, 800)).collect();
    for specialist in specialists() {
        for (gene, facts) in TABLE.iter().enumerate() {
            let mut vector = specialist.genome.encode();
            vector[gene] = if vector[gene] < 0.5 { vector[gene] + 0.4 } else { vector[gene] - 0.4 };
            let other = Specialist { genome: Genome::decode(&vector).unwrap(), ..specialist };
            let differs =
                markets.iter().filter(|market| exposures(specialist, market) != exposures(other, market));
            let count = differs.count();
            assert!(count > 0, "{} of {} is dead", facts.name, specialist.regime.name());
        }
    }
}

fn measures(trend: f64, momentum: f64) -> Measures {
    Measures { volatility: 0.03, calm: 1.0, momentum, trend, reversion: 0.0, breakout: 0.0, bounce: 0.0 }
}

#[test]
fn every_exit_has_its_cause_and_the_first_cause_wins() {
    let specialist = trending();
    let position = Position { entry: 100.0, entered_at: day(0), exposure: 0.3, mark: 100.0 };
    let (strong, weak, against) = (measures(0.8, 0.8), measures(0.01, 0.01), measures(-0.8, -0.8));
    let exit = |bar, close, seen| specialist.exit(&position, day(bar), close, seen);
    assert_eq!(exit(1, 100.0, Some(&strong)), None);
    assert_eq!(exit(1, 87.0, Some(&strong)), Some(Exit::Stop));
    assert_eq!(exit(1, 161.0, Some(&strong)), Some(Exit::Target));
    assert_eq!(exit(59, 100.0, Some(&strong)), None);
    assert_eq!(exit(61, 100.0, Some(&strong)), Some(Exit::Hold));
    assert_eq!(exit(1, 100.0, Some(&against)), Some(Exit::Reversal));
    assert_eq!(exit(1, 100.0, Some(&weak)), Some(Exit::Decay));
    assert_eq!(exit(61, 87.0, Some(&against)), Some(Exit::Stop));
    // Without measures price and time still speak.
    assert_eq!(exit(1, 87.0, None), Some(Exit::Stop));
    assert_eq!(exit(1, 100.0, None), None);
}

#[test]
fn after_a_stop_the_same_signal_does_not_enter_again() {
    let mut sleeve = Sleeve::new(trending());
    let (strong, weak) = (measures(0.8, 0.8), measures(0.0, 0.0));
    let mut step = |bar, close, seen| sleeve.step(day(bar), close, Some(seen), EntryPermission::ToEnter);
    assert_eq!(step(0, 100.0, &strong), Act::Entered);
    assert_eq!(step(1, 80.0, &strong), Act::Left(Exit::Stop));
    assert_eq!(step(2, 80.0, &strong), Act::Nothing);
    assert_eq!(step(3, 80.0, &weak), Act::Nothing);
    assert_eq!(step(4, 80.0, &strong), Act::Entered);
}

#[test]
fn a_position_that_drifts_above_its_cap_is_reduced_to_it() {
    let specialist = Specialist { cap: 0.3, ..trending() };
    let mut sleeve = Sleeve::new(specialist);
    let strong = measures(0.8, 0.8);
    assert_eq!(sleeve.step(day(0), 100.0, Some(&strong), EntryPermission::ToEnter), Act::Entered);
    assert!((sleeve.exposure() - 0.3).abs() < 1e-12);
    assert_eq!(sleeve.step(day(1), 130.0, Some(&strong), EntryPermission::ToEnter), Act::Reduced);
    assert!((sleeve.exposure() - 0.3).abs() < 1e-12);
    assert_eq!(sleeve.step(day(2), 120.0, Some(&strong), EntryPermission::ToEnter), Act::Nothing);
    assert!(sleeve.exposure() < 0.3);
}

/// A shared position that holds one of the trending specialist, and the bar and close after it was entered.
fn holding(on_change: OnChange, in_crisis: InCrisis) -> (SharedPosition, usize, f64) {
    let mut shared = SharedPosition::new(specialists(), [true; 4], on_change, in_crisis);
    let mut price = 100.0;
    for bar in 0..200 {
        price *= if bar % 3 == 0 { 0.998 } else { 1.008 };
        let act = shared.step(day(bar), &Candle::at(price), Some(Regime::Trending));
        if act == Act::Entered {
            return (shared, bar + 1, price);
        }
    }
    panic!("a steady rise enters a trend follower");
}

#[test]
fn a_change_of_regime_holds_hands_over_or_flattens() {
    let after = |on_change| {
        let (mut shared, bar, price) = holding(on_change, InCrisis::Hold);
        let act = shared.step(day(bar), &Candle::at(price * 0.9995), Some(Regime::Volatile));
        (act, shared.holder().regime, shared.exposure() > 0.0)
    };
    assert_eq!(after(OnChange::Hold), (Act::Nothing, Regime::Trending, true));
    assert_eq!(after(OnChange::HandOver), (Act::Nothing, Regime::Volatile, true));
    assert_eq!(after(OnChange::Flatten), (Act::Left(Exit::Regime), Regime::Trending, false));
}

#[test]
fn a_position_handed_over_keeps_its_age_and_meets_the_new_genes() {
    let (mut shared, bar, price) = holding(OnChange::HandOver, InCrisis::Hold);
    shared.step(day(bar), &Candle::at(price * 1.001), Some(Regime::Volatile));
    // The volatile specialist holds 10 days, the trending one 60.
    let later = shared.step(day(bar + 10), &Candle::at(price * 1.01), Some(Regime::Volatile));
    assert_eq!(later, Act::Left(Exit::Hold));
}

#[test]
fn nobody_unfunded_takes_a_position_over() {
    let mut shared =
        SharedPosition::new(specialists(), [false, true, false, false], OnChange::HandOver, InCrisis::Hold);
    let mut price = 100.0;
    let mut entered = false;
    for bar in 0..200 {
        price *= if bar % 3 == 0 { 0.998 } else { 1.008 };
        let regime = if entered { Regime::Volatile } else { Regime::Trending };
        match shared.step(day(bar), &Candle::at(price), Some(regime)) {
            Act::Entered => entered = true,
            Act::Left(exit) => {
                assert_eq!(exit, Exit::Regime);
                return;
            }
            Act::Nothing | Act::Reduced => {}
        }
    }
    panic!("the position was not left");
}

#[test]
fn a_crisis_flattens_reduces_or_holds() {
    let after = |in_crisis| {
        let (mut shared, bar, price) = holding(OnChange::Flatten, in_crisis);
        let before = shared.exposure();
        let act = shared.step(day(bar), &Candle::at(price), Some(Regime::Crisis));
        (act, (shared.exposure() / before * 1_000.0).round())
    };
    assert_eq!(after(InCrisis::Flatten), (Act::Left(Exit::Crisis), 0.0));
    assert_eq!(after(InCrisis::Reduce), (Act::Reduced, CRISIS_SHARE * 1_000.0));
    assert_eq!(after(InCrisis::Hold), (Act::Nothing, 1_000.0));
}

#[test]
fn nothing_is_entered_in_a_crisis_when_it_flattens_or_without_a_regime() {
    for (in_crisis, regime) in [(InCrisis::Flatten, Some(Regime::Crisis)), (InCrisis::Hold, None)] {
        let mut shared = SharedPosition::new(specialists(), [true; 4], OnChange::Hold, in_crisis);
        for (bar, close) in closes(5, 400).into_iter().enumerate() {
            assert_eq!(shared.step(day(bar), &Candle::at(close), regime), Act::Nothing);
        }
    }
}

#[test]
fn a_short_gap_keeps_the_position() {
    let (mut shared, _, price) = holding(OnChange::Hold, InCrisis::Hold);
    let held = shared.exposure();
    assert_eq!(shared.bridge(30, price), Act::Nothing);
    assert!((shared.exposure() - held).abs() < 1e-12 && held > 0.0);
}

#[test]
fn a_long_gap_leaves_the_position_and_nothing_is_entered_before_the_measures_are_warm_again() {
    let (mut shared, bar, price) = holding(OnChange::Hold, InCrisis::Hold);
    assert_eq!(shared.bridge(31, price), Act::Left(Exit::Gap));
    assert!(shared.exposure().abs() < 1e-12);
    let mut close = price;
    for after in 0..WARM_UP_BARS - 1 {
        close *= if after % 3 == 0 { 0.998 } else { 1.008 };
        let act = shared.step(day(bar + 100 + after), &Candle::at(close), Some(Regime::Trending));
        assert_eq!(act, Act::Nothing, "{after}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn exposure_never_exceeds_the_cap_and_never_falls_below_nothing(
        vector in prop::array::uniform8(0.0_f64..=1.0), seed in any::<u64>(), cap in 0.05_f64..=1.0,
        changes in prop::collection::vec(0_usize..4, 10),
    ) {
        let genome = Genome::decode(&vector).unwrap();
        let team = Regime::ALL.map(|regime| Specialist { regime, genome, cap });
        let mut shared = SharedPosition::new(team, [true; 4], OnChange::HandOver, InCrisis::Reduce);
        for (bar, close) in closes(seed, 300).into_iter().enumerate() {
            let regime = Regime::ALL[changes[bar / 30]];
            shared.step(day(bar), &Candle::at(close), Some(regime));
            prop_assert!((0.0..=cap).contains(&shared.exposure()), "{} above {cap}", shared.exposure());
        }
        prop_assert_eq!(vector.len(), GENES);
    }
}
