//! Regimes, questions and answers as JSON with human numbers.

use engine_core::conductor::{Answerer, ConductorDecision, Degradation, InferenceSetup, Question};
use engine_core::event::{Gap, MissedAnswer, RegimeChange};
use engine_core::regime::{Regime, RegimeReading};
use serde_json::{Map, Value, json};

use super::numbers::{hex, moment, ratio};
use super::order_instruments::OrderInstruments;

pub(super) fn regime_change(orders: &OrderInstruments, change: &RegimeChange) -> Value {
    let RegimeReading {
        regime, raw, posterior, run_length_bars, volatility_ratio, efficiency, drift, ..
    } = change.reading;
    let shares =
        Regime::ALL.iter().zip(posterior).map(|(regime, share)| (regime.name().to_owned(), json!(share)));
    json!({
        "instrument": orders.instrument_name(change.instrument), "from": change.from.map(Regime::name),
        "to": regime.name(), "raw": raw.name(), "confidence": change.reading.confidence(),
        "posterior": shares.collect::<Map<String, Value>>(), "run_length_bars": run_length_bars,
        "volatility_ratio": volatility_ratio, "efficiency": efficiency, "drift": drift,
    })
}

pub(super) fn gap(orders: &OrderInstruments, gap: &Gap) -> Value {
    json!({
        "instrument": orders.instrument_name(gap.instrument), "after": moment(gap.after),
        "until": moment(gap.until),
    })
}

pub(super) fn question(orders: &OrderInstruments, question: &Question) -> Value {
    json!({
        "question": question.id.0, "instrument": orders.instrument_name(question.instrument),
        "regime": question.regime.name(), "feature_set": question.features.set.to_string(),
        "features": question.features.values, "answer_by": moment(question.answer_by),
    })
}

pub(super) fn missed(orders: &OrderInstruments, missed: &MissedAnswer) -> Value {
    json!({
        "question": missed.question.0, "instrument": orders.instrument_name(missed.instrument),
        "risk_scale": ratio(missed.risk_scale),
    })
}

pub(super) fn decision(orders: &OrderInstruments, decision: &ConductorDecision) -> Value {
    let weights: Vec<String> = decision.weights.iter().map(|weight| ratio(*weight)).collect();
    json!({
        "question": decision.question.0, "instrument": orders.instrument_name(decision.instrument),
        "weights": weights, "risk_scale": ratio(decision.risk_scale),
        "confidence": ratio(decision.confidence), "answered_by": answerer(&decision.answered_by),
    })
}

fn answerer(answerer: &Answerer) -> Value {
    match answerer {
        Answerer::Rule => json!({ "who": "rule" }),
        Answerer::Model(hash) => json!({ "who": "model", "model": hex(*hash) }),
        Answerer::Degraded(why) => json!({ "who": "rule", "degraded": degradation(why) }),
    }
}

/// Why a model's answer was not used, in words.
#[must_use]
pub fn degradation(why: &Degradation) -> String {
    match why {
        Degradation::NoModel(reason) => format!("no model: {reason}"),
        Degradation::WrongFeatureSet => "the model knows another feature set".to_owned(),
        Degradation::OutOfRange(outlier) => {
            format!("feature {} = {} lies outside the training range", outlier.feature, outlier.value)
        }
        Degradation::NotFinite => "the model's output is not usable".to_owned(),
        Degradation::Late(late) => {
            format!("the answer took {} ns, {} are allowed", late.latency_ns, late.budget_ns)
        }
        Degradation::Failed(reason) => format!("inference failed: {reason}"),
        Degradation::NoFeatures => "there are too few bars for the features".to_owned(),
    }
}

/// How inference was set up, in words.
#[must_use]
pub fn inference(setup: &InferenceSetup) -> Value {
    json!({
        "model": setup.model.map(hex), "wanted": setup.wanted, "running": setup.running,
        "reason": setup.reason, "library": setup.library,
    })
}
