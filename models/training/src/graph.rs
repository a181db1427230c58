//! What a trained network answers, as a list of steps that burn evaluates and a file can hold.

use burn::tensor::activation::{relu, sigmoid, softmax, tanh};
use burn::tensor::{Device, Tensor};

use crate::dann::{FeatureScale, Predictor, Tower, unit_rows};
use crate::network::{Layer, Stack};

/// A number that a step computes for each row; made by [`Graph`] only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Value(pub(crate) usize);

/// A function of every number, or of every row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Function {
    /// max(0, x).
    Relu,
    /// 1 / (1 + exp(−x)).
    Sigmoid,
    /// Hyperbolic tangent.
    Tanh,
    /// exp(x).
    Exp,
    /// −x.
    Negate,
    /// |x|.
    Absolute,
    /// Each row as weights: exp(x) over the row's sum of exp(x).
    Softmax,
    /// Each row with mean 0 and deviation 1.
    UnitRow,
}

/// One step.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Step {
    /// A fully connected layer.
    Dense(Value, Layer),
    /// A function of one value.
    Apply(Function, Value),
    /// The sum of two values of the same width.
    Add(Value, Value),
    /// The product of two values of the same width, number by number.
    Multiply(Value, Value),
    /// The numbers of one value and then those of another.
    Join(Value, Value),
}

/// A named result of a graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Its name in the file.
    pub name: String,
    /// How many numbers it has a row.
    pub width: usize,
    pub(crate) value: Value,
}

/// Steps from one row of inputs to named outputs.
#[derive(Debug, Clone, PartialEq)]
pub struct Graph {
    /// Number of inputs.
    pub inputs: usize,
    pub(crate) steps: Vec<Step>,
    /// The results, in the order of the file.
    pub outputs: Vec<Output>,
}

impl Graph {
    /// A graph of `inputs` inputs that does nothing yet.
    #[must_use]
    pub const fn new(inputs: usize) -> Self {
        Self { inputs, steps: Vec::new(), outputs: Vec::new() }
    }

    /// What goes in.
    #[must_use]
    pub const fn input(&self) -> Value {
        Value(0)
    }

    fn push(&mut self, step: Step) -> Value {
        self.steps.push(step);
        Value(self.steps.len())
    }

    /// A fully connected layer.
    pub fn dense(&mut self, from: Value, layer: Layer) -> Value {
        self.push(Step::Dense(from, layer))
    }

    /// A function of `from`.
    pub fn apply(&mut self, function: Function, from: Value) -> Value {
        self.push(Step::Apply(function, from))
    }

    /// `left` + `right`.
    pub fn add(&mut self, left: Value, right: Value) -> Value {
        self.push(Step::Add(left, right))
    }

    /// `left` × `right`.
    pub fn multiply(&mut self, left: Value, right: Value) -> Value {
        self.push(Step::Multiply(left, right))
    }

    /// The numbers of `left` and then those of `right`.
    pub fn join(&mut self, left: Value, right: Value) -> Value {
        self.push(Step::Join(left, right))
    }

    /// Every layer of `stack` with max(0, x) between them.
    pub fn stack(&mut self, from: Value, stack: &Stack) -> Value {
        let last = stack.layers.len().saturating_sub(1);
        stack.layers.iter().enumerate().fold(from, |value, (place, layer)| {
            let value = self.dense(value, layer.clone());
            if place == last { value } else { self.apply(Function::Relu, value) }
        })
    }

    /// The features of `predictor`, whose first layer is replaced by `first` where it should read other inputs.
    pub fn features(&mut self, from: Value, predictor: &Predictor, first: Option<Layer>) -> Value {
        let mut trunk = predictor.trunk.stack();
        if let (Some(first), Some(layer)) = (first, trunk.layers.first_mut()) {
            *layer = first;
        }
        let value = self.stack(from, &trunk);
        let value = self.apply(Function::Relu, value);
        match predictor.scale {
            FeatureScale::Free => value,
            FeatureScale::Unit => self.apply(Function::UnitRow, value),
        }
    }

    /// Names `value` as a result of `width` numbers.
    pub fn output(&mut self, name: &str, value: Value, width: usize) {
        self.outputs.push(Output { name: name.to_owned(), width, value });
    }

    /// What burn computes for each row of `rows`, one tensor per output.
    #[must_use]
    pub fn evaluate(&self, rows: Tensor<2>) -> Vec<Tensor<2>> {
        let device = rows.device();
        let mut values: Vec<Tensor<2>> = vec![rows];
        for step in &self.steps {
            let value = |at: &Value| values[at.0].clone();
            let next = match step {
                Step::Dense(from, layer) => dense(value(from), layer, &device),
                Step::Apply(function, from) => apply(*function, value(from)),
                Step::Add(left, right) => value(left) + value(right),
                Step::Multiply(left, right) => value(left) * value(right),
                Step::Join(left, right) => Tensor::cat(vec![value(left), value(right)], 1),
            };
            values.push(next);
        }
        self.outputs.iter().map(|output| values[output.value.0].clone()).collect()
    }
}

fn dense(rows: Tensor<2>, layer: &Layer, device: &Device) -> Tensor<2> {
    let stack = Stack { layers: vec![layer.clone()] };
    Tower::of(&stack, device).forward(rows, &mut crate::dann::Dropout::none())
}

fn apply(function: Function, rows: Tensor<2>) -> Tensor<2> {
    match function {
        Function::Relu => relu(rows),
        Function::Sigmoid => sigmoid(rows),
        Function::Tanh => tanh(rows),
        Function::Exp => rows.exp(),
        Function::Negate => rows.neg(),
        Function::Absolute => rows.abs(),
        Function::Softmax => softmax(rows, 1),
        Function::UnitRow => unit_rows(rows),
    }
}
