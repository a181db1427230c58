//! Any regime, question or answer that can be recorded.

use engine_core::conductor::*;
use engine_core::digest::Digest;
use engine_core::event::{Gap, Input, MissedAnswer, Output, RegimeChange};
use engine_core::feature::FeatureVector;
use engine_core::instrument::InstrumentId;
use engine_core::num::Ratio;
use engine_core::real::Real;
use engine_core::regime::{Regime, RegimeReading};
use engine_core::time::Timestamp;
use proptest::prelude::*;

fn real() -> impl Strategy<Value = Real> {
    any::<f64>().prop_map(Real::or_zero)
}

fn ratio() -> impl Strategy<Value = Ratio> {
    any::<i64>().prop_map(Ratio::from_units)
}

fn at() -> impl Strategy<Value = Timestamp> {
    any::<i64>().prop_map(Timestamp::from_nanos)
}

fn instrument() -> impl Strategy<Value = InstrumentId> {
    any::<u16>().prop_map(InstrumentId::new)
}

fn regime() -> impl Strategy<Value = Regime> {
    prop::sample::select(Regime::ALL.to_vec())
}

fn reading() -> impl Strategy<Value = RegimeReading> {
    let axes = (real(), real(), real());
    (regime(), regime(), prop::array::uniform4(real()), any::<u32>(), axes).prop_map(
        |(regime, raw, posterior, run_length_bars, (volatility_ratio, efficiency, drift))| RegimeReading {
            regime,
            raw,
            posterior,
            run_length_bars,
            volatility_ratio,
            efficiency,
            drift,
        },
    )
}

fn answerer() -> impl Strategy<Value = Answerer> {
    let why = prop_oneof![
        ".{0,30}".prop_map(Degradation::NoModel),
        Just(Degradation::WrongFeatureSet),
        (any::<u32>(), real())
            .prop_map(|(feature, value)| Degradation::OutOfRange(Outlier { feature, value })),
        Just(Degradation::NotFinite),
        any::<[u64; 2]>()
            .prop_map(|[latency_ns, budget_ns]| Degradation::Late(Lateness { latency_ns, budget_ns })),
        ".{0,30}".prop_map(Degradation::Failed),
    ];
    prop_oneof![
        Just(Answerer::Rule),
        any::<[u8; 32]>().prop_map(Answerer::Model),
        why.prop_map(Answerer::Degraded),
    ]
}

fn question() -> impl Strategy<Value = Question> {
    let features = (any::<[u64; 2]>(), prop::collection::vec(real(), 0..20))
        .prop_map(|(set, values)| FeatureVector { set: Digest(set), values });
    (any::<u64>(), instrument(), regime(), features, at()).prop_map(
        |(id, instrument, regime, features, answer_by)| Question {
            id: QuestionId(id),
            instrument,
            regime,
            features,
            answer_by,
        },
    )
}

pub(super) fn input() -> impl Strategy<Value = Input> {
    let weights = prop::collection::vec(ratio(), 0..10);
    let decision = (any::<u64>(), instrument(), weights, ratio(), ratio(), answerer()).prop_map(
        |(question, instrument, weights, risk_scale, confidence, answered_by)| ConductorDecision {
            question: QuestionId(question),
            instrument,
            weights,
            risk_scale,
            confidence,
            answered_by,
        },
    );
    let words = (".{0,9}", ".{0,9}", ".{0,30}", ".{0,20}");
    let setup = (prop::option::of(any::<[u8; 32]>()), words).prop_map(
        |(model, (wanted, running, reason, library))| InferenceSetup {
            model,
            wanted,
            running,
            reason,
            library,
        },
    );
    prop_oneof![
        decision.prop_map(|decision| Input::Conductor(Box::new(decision))),
        setup.prop_map(|setup| Input::Inference(Box::new(setup))),
    ]
}

pub(super) fn output() -> impl Strategy<Value = Output> {
    let change = (instrument(), prop::option::of(regime()), reading())
        .prop_map(|(instrument, from, reading)| RegimeChange { instrument, from, reading });
    let gap =
        (instrument(), at(), at()).prop_map(|(instrument, after, until)| Gap { instrument, after, until });
    let missed = (any::<u64>(), instrument(), ratio()).prop_map(|(question, instrument, risk_scale)| {
        MissedAnswer { question: QuestionId(question), instrument, risk_scale }
    });
    prop_oneof![
        change.prop_map(|change| Output::RegimeChanged(Box::new(change))),
        gap.prop_map(Output::GapFound),
        question().prop_map(|question| Output::ConductorConsulted(Box::new(question))),
        missed.prop_map(Output::ConductorMissed),
    ]
}
