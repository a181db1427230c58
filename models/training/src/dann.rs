//! The domain-adversarial network (Ganin et al., JMLR 17(59), 2016) on burn.
//!
//! ```text
//!            ┌─ G_y ──────────────┐
//!   x ─ G_f ─┤                    + ─ prediction
//!            │        context ────┘   (what may depend on the domain enters here only)
//!            └─ reversal ─ noise ─ G_d ─ domain, one head per adversary
//! ```
//!
//! `G_f` learns features from which `G_y` predicts and no `G_d` can tell the domain. The gradient is reversed and
//! scaled by λ in one place only, [`reverse_gradient`]: `G_d` itself learns at full rate.

use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor, TensorData};

use crate::network::{Layer, Stack};
use crate::random::Stream;

/// How large features may become.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FeatureScale {
    /// As large as they like.
    #[default]
    Free,
    /// Mean 0 and deviation 1 over each row, so that no information can hide below an adversary's noise by
    /// being small.
    Unit,
}

/// What is added to a row's variance before its root is taken, as most frameworks do.
pub const UNIT_EPSILON: f32 = 1e-5;

/// The sizes of a network.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Shape {
    /// Number of inputs of the features.
    pub inputs: usize,
    /// Number of inputs that go past the features, straight to the prediction; 0 for none.
    pub context: usize,
    /// Widths of the layers of the features.
    pub trunk: Vec<usize>,
    /// How large the features may become.
    pub scale: FeatureScale,
    /// Widths of the hidden layers of the prediction.
    pub head: Vec<usize>,
    /// Widths of the hidden layers of the context.
    pub context_hidden: Vec<usize>,
    /// Number of predictions.
    pub outputs: usize,
    /// Widths of the hidden layers of each adversary.
    pub adversary: Vec<usize>,
    /// For each adversary the number of domains it tells apart.
    pub domains: Vec<usize>,
}

impl Shape {
    /// Number of features.
    #[must_use]
    pub fn features(&self) -> usize {
        self.trunk.last().copied().unwrap_or(self.inputs)
    }
}

/// Fully connected layers with max(0, x) between them.
#[derive(Module, Debug)]
pub struct Tower {
    layers: Vec<Linear>,
}

impl Tower {
    /// The tower with the numbers of `stack`.
    #[must_use]
    pub fn of(stack: &Stack, device: &Device) -> Self {
        let linear = |layer: &Layer| {
            let weights = TensorData::new(layer.weights.clone(), [layer.inputs, layer.outputs]);
            let biases = TensorData::new(layer.biases.clone(), [layer.outputs]);
            Linear { weight: Param::from_data(weights, device), bias: Some(Param::from_data(biases, device)) }
        };
        Self { layers: stack.layers.iter().map(linear).collect() }
    }

    /// Its numbers.
    #[must_use]
    pub fn stack(&self) -> Stack {
        let layer = |linear: &Linear| {
            let weights = linear.weight.val();
            let [inputs, outputs] = weights.dims();
            let biases = linear.bias.as_ref().map_or_else(|| vec![0.0; outputs], |bias| numbers(bias.val()));
            Layer { inputs, outputs, weights: numbers(weights), biases }
        };
        Stack { layers: self.layers.iter().map(layer).collect() }
    }

    /// The output for each row of `input`; between two layers max(0, x), then the factors of `dropout` where
    /// there are any for that place.
    #[must_use]
    pub fn forward(&self, input: Tensor<2>, dropout: &mut Dropout<'_>) -> Tensor<2> {
        let last = self.layers.len().saturating_sub(1);
        self.layers.iter().enumerate().fold(input, |rows, (place, layer)| {
            let rows = layer.forward(rows);
            if place == last { rows } else { dropout.apply(relu(rows), place) }
        })
    }

    fn linears(&self) -> impl Iterator<Item = &Linear> {
        self.layers.iter()
    }
}

/// Where factors of dropout come from while a network learns.
#[derive(Debug)]
pub struct Dropout<'a> {
    stream: Option<&'a mut Stream>,
    share: f32,
    /// How many of the first hidden layers of each tower have dropout.
    depth: usize,
}

impl<'a> Dropout<'a> {
    /// No dropout: a network that is asked, not taught.
    #[must_use]
    pub const fn none() -> Self {
        Self { stream: None, share: 0.0, depth: 0 }
    }

    /// Drops `share` of the outputs of the first `depth` hidden layers.
    #[must_use]
    pub const fn of(stream: &'a mut Stream, share: f32, depth: usize) -> Self {
        Self { stream: Some(stream), share, depth }
    }

    fn apply(&mut self, rows: Tensor<2>, place: usize) -> Tensor<2> {
        let Some(stream) = self.stream.as_deref_mut() else { return rows };
        if self.share <= 0.0 || place >= self.depth {
            return rows;
        }
        let [count, width] = rows.dims();
        let factors = TensorData::new(stream.dropout(count * width, self.share), [count, width]);
        let factors = Tensor::<2>::from_data(factors, &rows.device());
        rows * factors
    }
}

/// What predicts: features, prediction and, where there is one, the context beside them.
#[derive(Module, Debug)]
pub struct Predictor {
    /// From inputs to features; its last layer is followed by max(0, x).
    pub trunk: Tower,
    /// From features to predictions.
    pub head: Tower,
    /// From context to what is added to the predictions.
    pub context: Option<Tower>,
    /// How large the features may become.
    #[module(skip)]
    pub scale: FeatureScale,
}

impl Predictor {
    /// Random weights; those of the context's last layer a tenth as large, so that it starts with little to say.
    #[must_use]
    pub fn random(shape: &Shape, seed: u64, device: &Device) -> Self {
        let mut head = shape.head.clone();
        head.push(shape.outputs);
        let trunk = Stack::random(shape.inputs, &shape.trunk, &mut Stream::new(seed, "trunk"));
        let head = Stack::random(shape.features(), &head, &mut Stream::new(seed, "head"));
        let context = (shape.context > 0).then(|| {
            let mut widths = shape.context_hidden.clone();
            widths.push(shape.outputs);
            let mut stack = Stack::random(shape.context, &widths, &mut Stream::new(seed, "context"));
            if let Some(last) = stack.layers.last_mut() {
                *last = last.columns(0..shape.outputs, 0.1);
            }
            Tower::of(&stack, device)
        });
        let (trunk, head) = (Tower::of(&trunk, device), Tower::of(&head, device));
        Self { trunk, head, context, scale: shape.scale }
    }

    /// The features of each row.
    #[must_use]
    pub fn features(&self, inputs: Tensor<2>, dropout: &mut Dropout<'_>) -> Tensor<2> {
        let features = relu(self.trunk.forward(inputs, dropout));
        match self.scale {
            FeatureScale::Free => features,
            FeatureScale::Unit => unit_rows(features),
        }
    }

    /// The predictions of each row, before any output function.
    #[must_use]
    pub fn predict(
        &self,
        features: Tensor<2>,
        context: Option<Tensor<2>>,
        dropout: &mut Dropout<'_>,
    ) -> Tensor<2> {
        let shared = self.head.forward(features, dropout);
        match (&self.context, context) {
            (Some(tower), Some(rows)) => shared + tower.forward(rows, &mut Dropout::none()),
            (Some(_) | None, Some(_) | None) => shared,
        }
    }

    /// Every layer, those of the trunk first.
    pub fn linears(&self) -> impl Iterator<Item = &Linear> {
        let context = self.context.iter().flat_map(Tower::linears);
        self.trunk.linears().chain(self.head.linears()).chain(context)
    }
}

/// What tries to tell the domain from the features.
#[derive(Module, Debug)]
pub struct Adversaries {
    /// One head per partition of the rows into domains.
    pub heads: Vec<Tower>,
}

impl Adversaries {
    /// Random weights.
    #[must_use]
    pub fn random(shape: &Shape, seed: u64, device: &Device) -> Self {
        let head = |(place, domains): (usize, &usize)| {
            let mut widths = shape.adversary.clone();
            widths.push(*domains);
            let stack = Stack::random(
                shape.features(),
                &widths,
                &mut Stream::new(seed, &format!("adversary {place}")),
            );
            Tower::of(&stack, device)
        };
        Self { heads: shape.domains.iter().enumerate().map(head).collect() }
    }

    /// Every layer.
    pub fn linears(&self) -> impl Iterator<Item = &Linear> {
        self.heads.iter().flat_map(Tower::linears)
    }
}

/// Each row with mean 0 and deviation 1.
#[must_use]
pub fn unit_rows(rows: Tensor<2>) -> Tensor<2> {
    let centred = rows.clone() - rows.mean_dim(1);
    let variance = centred.clone().square().mean_dim(1);
    centred / variance.add_scalar(UNIT_EPSILON).sqrt()
}

/// `x` on the way forward, exactly; −λ times the gradient on the way back.
#[must_use]
pub fn reverse_gradient(x: Tensor<2>, lambda: f64) -> Tensor<2> {
    let fixed = x.clone().detach();
    fixed.clone() + (fixed - x).mul_scalar(lambda)
}

/// λ after the share `progress` (0 to 1) of the training: λ_max · (2 / (1 + exp(−10 p)) − 1), from 0 to
/// `lambda_max` (Ganin et al. 2016, 5.2.2).
#[must_use]
pub fn lambda_at(progress: f64, lambda_max: f64) -> f64 {
    lambda_max * (2.0 / (1.0 + libm::exp(-10.0 * progress)) - 1.0)
}

/// The numbers of `tensor`, row by row.
#[must_use]
pub fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}

/// A tensor of `rows` rows of numbers.
#[must_use]
pub fn matrix(numbers: Vec<f32>, columns: usize, device: &Device) -> Tensor<2> {
    let rows = numbers.len() / columns.max(1);
    Tensor::from_data(TensorData::new(numbers, [rows, columns]), device)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reversal_is_the_identity_forward_and_minus_lambda_backward() {
        let device = Device::flex().autodiff();
        let given = vec![3.0_f32, -0.1, 1e-7, 12345.678];
        let x = matrix(given.clone(), 2, &device).require_grad();
        let y = reverse_gradient(x.clone(), 0.7);
        assert_eq!(numbers(y.clone()), given);
        let gradients = y.mul_scalar(2.0).sum().backward();
        let gradient = numbers(x.grad(&gradients).unwrap());
        assert!(gradient.iter().all(|value| (value + 1.4).abs() < 1e-6), "{gradient:?}");
    }

    #[test]
    fn lambda_rises_from_nothing_to_its_maximum() {
        // The schedule of the original system, whose maximum is one half: .123 after 5 of 100 epochs.
        assert!(lambda_at(0.0, 0.5).abs() < 1e-12);
        assert!((lambda_at(0.05, 0.5) - 0.1225).abs() < 1e-3);
        assert!((lambda_at(0.40, 0.5) - 0.482).abs() < 1e-3);
        assert!((lambda_at(1.0, 1.0) - 1.0).abs() < 1e-4);
    }

    #[test]
    fn weights_go_into_a_tower_and_come_out_with_the_same_bits() {
        let stack = Stack::random(3, &[5, 2], &mut Stream::new(1, "weights"));
        let device = Device::flex();
        assert_eq!(Tower::of(&stack, &device).stack().digest(), stack.digest());
    }
}
