//! How long a conductor takes for an answer, and how far two conductors differ, over questions within the ranges
//! its model was trained on.

use std::time::Instant;

use engine_core::conductor::{Answerer, Question, QuestionId};
use engine_core::feature::FeatureVector;
use engine_core::instrument::InstrumentId;
use engine_core::num::Ratio;
use engine_core::real::Real;
use engine_core::regime::Regime;
use engine_core::time::Timestamp;
use engine_runtime::conductor::Conductor;

use crate::card::ModelCard;
use crate::contract::largest_difference;

/// Answers before the measured ones, which fill caches and load code.
const WARM_UP: u64 = 1_000;

/// Latencies of many answers, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Latencies {
    /// How many were measured.
    pub calls: u64,
    /// How many of them the rule had to give.
    pub degraded: u64,
    /// Half took no longer.
    pub p50_ns: u64,
    /// 99 of 100 took no longer.
    pub p99_ns: u64,
    /// 999 of 1 000 took no longer.
    pub p999_ns: u64,
    /// The longest.
    pub max_ns: u64,
}

/// Question number `number` about features within the training ranges of `card`; the same on every run.
///
/// The features step through their ranges by multiples of the golden ratio's fraction (Weyl's sequence), which
/// covers them evenly.
#[must_use]
pub fn question(card: &ModelCard, number: u64) -> Question {
    const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut stride = GOLDEN;
    let values = card.features.iter().map(|feature| {
        let place = (number.wrapping_mul(stride) >> 11) as f64 / (1_u64 << 53) as f64;
        stride = stride.wrapping_mul(GOLDEN) | 1;
        let (min, max) = (feature.min.get(), feature.max.get());
        Real::or_zero(min + (max - min) * place)
    });
    Question {
        id: QuestionId(number),
        instrument: InstrumentId::new(0),
        regime: Regime::Ranging,
        features: FeatureVector { set: card.feature_set.digest, values: values.collect() },
        answer_by: Timestamp::MAX,
    }
}

/// Asks `calls` questions one by one and measures each through the port; tells `progress` how many are done.
pub fn measure(
    conductor: &mut dyn Conductor,
    card: &ModelCard,
    calls: u64,
    progress: &mut dyn FnMut(u64),
) -> Latencies {
    for number in 0..WARM_UP {
        let _ = conductor.answer(&question(card, number));
    }
    let mut degraded = 0;
    let mut latencies_ns = Vec::new();
    for number in 0..calls {
        let question = question(card, number);
        let begun = Instant::now();
        let answer = conductor.answer(&question);
        let latency = begun.elapsed().as_nanos();
        latencies_ns.push(u64::try_from(latency).unwrap_or(u64::MAX));
        degraded += u64::from(!matches!(answer.answered_by, Answerer::Model(_)));
        if number % 4_096 == 0 {
            progress(number);
        }
    }
    latencies_ns.sort_unstable();
    // The smallest latency that `per_mille` of a thousand do not exceed.
    let quantile = |per_mille: usize| {
        let rank = (latencies_ns.len() * per_mille).div_ceil(1_000);
        latencies_ns.get(rank.saturating_sub(1)).copied().unwrap_or(0)
    };
    Latencies {
        calls,
        degraded,
        p50_ns: quantile(500),
        p99_ns: quantile(990),
        p999_ns: quantile(999),
        max_ns: quantile(1_000),
    }
}

/// The largest difference between the answers of two conductors over `calls` questions; `None` where they weigh
/// different numbers of specialists.
pub fn apart(
    one: &mut dyn Conductor,
    other: &mut dyn Conductor,
    card: &ModelCard,
    calls: u64,
) -> Option<Ratio> {
    let mut largest = Ratio::ZERO;
    for number in 0..calls {
        let question = question(card, number);
        largest = largest.max(largest_difference(&one.answer(&question), &other.answer(&question))?);
    }
    Some(largest)
}

#[cfg(test)]
mod tests {
    use engine_core::digest::Digest;
    use engine_runtime::conductor::RuleConductor;

    use super::*;
    use crate::card::FeatureSetName;
    use crate::test_models;

    fn card() -> ModelCard {
        let set = FeatureSetName { name: "test".into(), version: 1, digest: Digest([7, 8]) };
        test_models::card(b"", set, &["x", "y", "z"], &["a", "b"])
    }

    #[test]
    fn questions_cover_the_training_ranges_evenly() {
        let card = card();
        let mut counts = [[0_u32; 4]; 3];
        for number in 0..4_000 {
            let question = question(&card, number);
            for (feature, value) in question.features.values.iter().enumerate() {
                assert!((-1.0..=1.0).contains(&value.get()));
                counts[feature][((value.get() + 1.0) * 2.0) as usize] += 1;
            }
        }
        assert!(counts.iter().flatten().all(|count| (900..1_100).contains(count)), "{counts:?}");
    }

    #[test]
    fn answers_are_measured_in_order_and_those_of_the_rule_counted() {
        let mut rule = RuleConductor::uniform(2);
        let mut told = Vec::new();
        let measured = measure(&mut rule, &card(), 5_000, &mut |done| told.push(done));
        assert_eq!((measured.calls, measured.degraded), (5_000, 5_000));
        assert_eq!(told, [0, 4_096]);
        let Latencies { p50_ns, p99_ns, p999_ns, max_ns, .. } = measured;
        assert!(0 < p50_ns && p50_ns <= p99_ns && p99_ns <= p999_ns && p999_ns <= max_ns);
        let none = measure(&mut rule, &card(), 0, &mut |_| {});
        assert_eq!((none.calls, none.max_ns), (0, 0));
    }

    #[test]
    fn two_conductors_are_compared_question_by_question() {
        let (mut one, mut other) = (RuleConductor::uniform(2), RuleConductor::uniform(4));
        assert_eq!(apart(&mut one.clone(), &mut one, &card(), 10), Some(Ratio::ZERO));
        assert_eq!(apart(&mut one, &mut other, &card(), 10), None);
        other.weights.truncate(2);
        assert_eq!(apart(&mut one, &mut other, &card(), 10), Some(Ratio::from_units(250_000_000)));
    }
}
