//! Unit tests of `network`.

use engine_core::regime::Regime;

use super::*;
use crate::conductor::panel::{Moment, Observation};
use crate::random::Stream;
use crate::training::Unwatched;

const SLEEVES: usize = 3;

/// Two instruments with four features; the first feature decides the first sleeve, the third volatility.
fn market() -> (Vec<Track>, Vec<Row>) {
    let mut stream = Stream::new(4, "market");
    let mut rows = Vec::new();
    let track = |asset: usize| {
        let moments = (0..200).map(|place| {
            let features: Vec<f64> =
                stream.normals(4, 1.0).into_iter().map(|value| f64::from(value) * 3.0 + 1.0).collect();
            let targets = vec![features[0] * 0.2, 0.1, -0.1, features[2] * 0.3, f64::from(features[1] > 1.0)];
            rows.push(Row { asset, place, at: place as i64, known_at: place as i64 + 10, targets });
            let regime = Regime::ALL[place % 4];
            let observation = Some(Observation { features, regime });
            let (close, volatility) = (100.0, 0.02);
            Moment {
                at: place as i64,
                close,
                observation,
                exposures: vec![1.0; SLEEVES],
                volatility,
                run: place + 1,
            }
        });
        Track { name: asset.to_string(), moments: moments.collect() }
    };
    let tracks = [0, 1].map(track).to_vec();
    (tracks, rows)
}

fn fitted(seed: u64, epochs: usize) -> (Fitted, Vec<Track>, Vec<Row>) {
    let (tracks, rows) = market();
    let inputs = Inputs { width: 4, shared: vec![0, 1], context: vec![2, 3] };
    let method = Method { lambda_max: 1.0, epochs, seed };
    let chosen: Vec<&Row> = rows.iter().collect();
    let fitted = Fitted::of(&tracks, &chosen, &inputs, &method, &mut Unwatched).unwrap();
    (fitted, tracks, rows)
}

#[test]
fn the_graph_answers_what_the_predictions_say() {
    let (fitted, tracks, rows) = fitted(5, 3);
    let questions: Vec<&[f64]> = rows.iter().filter_map(|row| observation(&tracks, row)).take(40).collect();
    let raw = questions.iter().flat_map(|question| question.iter().map(|value| *value as f32)).collect();
    let said = fitted.graph().evaluate(matrix(raw, 4, &Device::flex()));
    let [weights, scales, confidences] = [0, 1, 2].map(|output| numbers(said[output].clone()));
    for (row, prediction) in fitted.predict(&questions).iter().enumerate() {
        let scores: Vec<f64> =
            prediction.numbers[..SLEEVES].iter().map(|score| score / TEMPERATURE).collect();
        let expected = crate::probe::logistic::softmax(&scores);
        for (sleeve, expected) in expected.iter().enumerate() {
            let weight = f64::from(weights[row * SLEEVES + sleeve]);
            assert!((weight - expected).abs() < 1e-5, "{weight} is not {expected}");
        }
        let (volatility, chance) = (prediction.numbers[SLEEVES], prediction.numbers[SLEEVES + 1]);
        let scale = chance * libm::exp(-volatility).min(1.0);
        assert!((f64::from(scales[row]) - scale).abs() < 1e-5, "{} is not {scale}", scales[row]);
        let confidence = (2.0 * chance - 1.0).abs();
        assert!((f64::from(confidences[row]) - confidence).abs() < 1e-5);
    }
}

#[test]
fn a_conductor_says_the_same_in_onnx_runtime() {
    let (fitted, _, _) = fitted(5, 2);
    if let Some(difference) = crate::onnx::tests::largest_difference(&fitted.graph(), 300, 2.0) {
        println!("largest difference {difference:e}");
        assert!(difference <= 1e-6, "{difference:e}");
    }
}

#[test]
fn the_same_seed_gives_the_same_file() {
    let bytes = |seed| crate::onnx::to_bytes(&fitted(seed, 1).0.graph(), "conductor", &[]);
    assert_eq!(bytes(1), bytes(1));
    assert_ne!(bytes(1), bytes(2));
}

#[test]
fn what_matters_is_learned() {
    let (fitted, tracks, rows) = fitted(5, 80);
    let questions: Vec<&[f64]> = rows.iter().filter_map(|row| observation(&tracks, row)).collect();
    let predictions = fitted.predict(&questions);
    let of = |place: usize| {
        let said: Vec<f64> = predictions.iter().map(|prediction| prediction.numbers[place]).collect();
        let truth: Vec<f64> = rows.iter().map(|row| row.targets[place]).collect();
        let usual = truth.iter().sum::<f64>() / truth.len() as f64;
        crate::score::explained(&said, &truth, usual)
    };
    assert!(of(0) > 0.4 && of(SLEEVES) > 0.4, "sleeves {:.3}, volatility {:.3}", of(0), of(SLEEVES));
}
