//! Unit tests of `specialist_search`.

use super::*;
use strategies::specialist::params::DEFAULT_GENOMES;

fn market(closes: &[f64]) -> Market {
    let times = (1..=closes.len()).map(|day| Timestamp::from_nanos(day as i64 * Span::DAY.nanos()));
    let candle = |at: usize| {
        let open = if at == 0 { closes[0] } else { closes[at - 1] };
        let (high, low) = (open.max(closes[at]), open.min(closes[at]));
        Candle { open, high, low, close: closes[at], volume: 1.0 }
    };
    Market::read(times.collect(), (0..closes.len()).map(candle).collect(), DetectorKind::TwoAxis)
}

fn waves(count: usize) -> Vec<f64> {
    let mut price = 100.0;
    let step = |bar: usize| {
        let turn = if (bar / 30).is_multiple_of(2) { 1.01 } else { 0.993 };
        price *= turn * (1.0 + 0.01 * ((bar * 7919 % 13) as f64 / 6.0 - 1.0));
        price
    };
    (0..count).map(step).collect()
}

#[test]
fn a_position_pays_twice_and_earns_from_the_open_it_filled_at() {
    let mut holding = Holding { held: 0.0, wanted: Some(0.5) };
    // The gap before the fill is not earned, the bar after it is.
    let growth = holding.pass((0.10, 0.02), 0.001);
    assert!((growth - (1.0 - 0.0005) * 1.01).abs() < 1e-12, "{growth}");
    holding.wanted = Some(0.0);
    let held = holding.held;
    let growth = holding.pass((-0.04, 0.3), 0.001);
    let (moved, drifted) = (1.0 - held * 0.04, held * 0.96 / (1.0 - held * 0.04));
    assert!((growth - moved * (1.0 - 0.001 * drifted)).abs() < 1e-12, "{growth}");
}

#[test]
fn markets_with_gaps_or_other_bars_are_refused() {
    let closes = waves(300);
    let mut gapped = market(&closes);
    gapped.times[100..].iter_mut().for_each(|time| *time = time.plus(Span::DAY));
    assert_eq!(Study::new(vec![gapped], 0.0).err(), Some(StudyError::Gap { bar: 101 }));
    let short = market(&closes[..200]);
    let both = Study::new(vec![market(&closes), short], 0.0);
    assert_eq!(both.err(), Some(StudyError::NotAligned));
    assert_eq!(Study::new(Vec::new(), 0.0).err(), Some(StudyError::Nothing));
}

#[test]
fn outside_its_regime_a_specialist_earns_nothing_and_costs_lower_what_it_earns() {
    let closes = waves(1_200);
    let [_, trending, ..] = DEFAULT_GENOMES.specialists(0.5).unwrap();
    let free = Study::new(vec![market(&closes)], 0.0).unwrap();
    let paid = Study::new(vec![market(&closes)], 0.0015).unwrap();
    let span = 0..closes.len();
    let (shadow, charged) = (free.shadow(trending, span.clone()), paid.shadow(trending, span));
    assert!(shadow.trades > 5, "{}", shadow.trades);
    assert_eq!(shadow.trades, charged.trades);
    let outside = shadow.returns.iter().zip(&shadow.is_in_regime).filter(|(_, inside)| !**inside);
    assert!(outside.clone().count() > 50);
    assert!(outside.clone().all(|(earned, _)| earned.abs() < 1e-15));
    assert!(free.score(&shadow).growth > paid.score(&charged).growth);
}

#[test]
fn the_seed_makes_the_search_and_more_trials_find_no_less() {
    let closes = waves(900);
    let study = Study::new(vec![market(&closes)], 0.0015).unwrap();
    let folds = Study::folds(&(0..900), 4);
    assert_eq!(folds, [0..225, 246..450, 471..675, 696..900]);
    let find = |trials, seed| {
        study.search((Regime::Trending, 0.5), &folds, (trials, seed), |_| {}).map(|(_, fitness)| fitness)
    };
    assert_eq!(find(20, 7), find(20, 7));
    assert_ne!(find(20, 7), find(20, 8));
    assert!(find(60, 7) >= find(20, 7));
}
