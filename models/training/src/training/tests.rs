//! Unit tests of `training`.

use burn::nn::Linear;

use crate::dann::FeatureScale;

use super::*;

fn shape() -> Shape {
    Shape {
        inputs: 3,
        context: 2,
        trunk: vec![8, 6],
        scale: FeatureScale::Unit,
        head: vec![6],
        context_hidden: vec![3],
        outputs: 3,
        adversary: vec![6],
        domains: vec![2, 3],
    }
}

fn recipe(seed: u64, epochs: usize) -> Recipe {
    Recipe {
        seed,
        epochs,
        batch: 32,
        learning_rate: 5e-3,
        weight_decay: 0.0,
        dropout: 0.1,
        lambda_max: 1.0,
        noise: 0.2,
        smoothing: 0.1,
        adversary_steps: 2,
        alignment: 0.5,
        targets: vec![Target::Value, Target::Share, Target::Chance],
    }
}

/// Inputs: signal, another signal, the domain. Context: its own signal and noise.
fn examples(rows: usize) -> Examples {
    let mut stream = Stream::new(11, "examples");
    let mut made = Examples { rows, domains: vec![Vec::new(), Vec::new()], ..Examples::default() };
    for row in 0..rows {
        let (a, b) = stream.normal_pair();
        let (c, d) = stream.normal_pair();
        let domain = row % 2;
        made.inputs.extend([a as f32, b as f32, if domain == 0 { -1.0 } else { 1.0 }]);
        made.context.extend([c as f32, d as f32]);
        let share = 1.0 / (1.0 + libm::exp(-b));
        let chance = if a + 0.3 * d > 0.0 { 1.0 } else { 0.0 };
        made.targets.extend([(a + 0.5 * c) as f32, share as f32, chance]);
        made.domains[0].push(domain);
        made.domains[1].push(row % 3);
    }
    made
}

fn bits(trained: &Trained) -> Vec<[u8; 32]> {
    let predictor = [&trained.predictor.trunk, &trained.predictor.head];
    let towers = predictor.into_iter().chain(&trained.predictor.context).chain(&trained.adversaries.heads);
    towers.map(|tower| tower.stack().digest()).collect()
}

#[test]
fn every_parameter_has_a_gradient_on_the_first_step() {
    let (shape, recipe, examples) = (shape(), recipe(5, 1), examples(32));
    let mut lesson = Lesson::new(&shape, &recipe, &examples);
    let batch = lesson.batch(&(0..32).collect::<Vec<_>>());
    let Losses { predicted, told, .. } = lesson.losses(&batch, 0.5);
    let mut gradients = (predicted + told.unwrap()).backward();
    let of_predictor = GradientsParams::from_module(&mut gradients, &lesson.predictor);
    let of_adversaries = GradientsParams::from_module(&mut gradients, &lesson.adversaries);
    let check = |linear: &Linear, gradients: &GradientsParams| {
        let weights = numbers(gradients.get::<2>(linear.weight.id).expect("weights have a gradient"));
        let biases =
            numbers(gradients.get::<1>(linear.bias.as_ref().unwrap().id).expect("biases have a gradient"));
        assert!(weights.iter().any(|value| *value != 0.0) && biases.iter().any(|value| *value != 0.0));
    };
    let layers = lesson.predictor.linears().map(|linear| check(linear, &of_predictor)).count();
    assert_eq!(layers, 6);
    assert_eq!(lesson.adversaries.linears().map(|linear| check(linear, &of_adversaries)).count(), 4);
}

#[test]
fn lambda_scales_what_the_features_feel_once_and_the_adversary_not_at_all() {
    let examples = examples(32);
    let (shape, mut recipe) = (shape(), recipe(5, 1));
    (recipe.dropout, recipe.noise) = (0.0, 0.0);
    let gradients_at = |lambda: f64| {
        let mut lesson = Lesson::new(&shape, &recipe, &examples);
        let batch = lesson.batch(&(0..32).collect::<Vec<_>>());
        let mut gradients = lesson.losses(&batch, lambda).told.unwrap().backward();
        let trunk = lesson.predictor.linears().next().unwrap().weight.id;
        let told = lesson.adversaries.linears().next().unwrap().weight.id;
        let of_predictor = GradientsParams::from_module(&mut gradients, &lesson.predictor);
        let of_adversaries = GradientsParams::from_module(&mut gradients, &lesson.adversaries);
        (numbers(of_predictor.get::<2>(trunk).unwrap()), numbers(of_adversaries.get::<2>(told).unwrap()))
    };
    let (full, half) = (gradients_at(1.0), gradients_at(0.5));
    assert_eq!(full.1, half.1);
    for (full, half) in full.0.iter().zip(&half.0) {
        assert!((full - 2.0 * half).abs() <= 1e-6 * full.abs().max(1e-3), "{full} against 2 × {half}");
    }
}

#[test]
fn the_same_seed_gives_the_same_bits_and_another_seed_others() {
    let (shape, examples) = (shape(), examples(96));
    let learn = |seed| bits(&train(&shape, &recipe(seed, 2), &examples, &mut Unwatched));
    assert_eq!(learn(5), learn(5));
    assert_ne!(learn(5), learn(6));
}

#[test]
fn a_network_learns_what_can_be_learned() {
    let examples = examples(512);
    let (mut shape, mut recipe) = (shape(), recipe(5, 30));
    (recipe.lambda_max, recipe.noise) = (0.0, 0.05);
    (shape.trunk, shape.adversary) = (vec![16, 16], vec![16]);
    let trained = train(&shape, &recipe, &examples, &mut Unwatched);
    let (first, last) = (trained.epochs[0].prediction_loss, trained.epochs[29].prediction_loss);
    assert!(last < 0.45 * first, "loss {first} became {last}");
    // The domain is an input, so an adversary without influence learns to name it; ln 2 + ln 3 is guessing.
    let told = trained.epochs[29].adversary_loss;
    assert!(told < 1.55, "adversary loss {told}");
}

#[test]
fn a_rare_domain_weighs_as_much_as_a_common_one() {
    assert_eq!(balance(&[0, 0, 0, 1], 3), vec![4.0 / 6.0, 2.0, 0.0]);
}
