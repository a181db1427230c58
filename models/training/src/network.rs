//! Networks as plain numbers: what is initialised, hashed, compared and written to a file.

use crate::random::Stream;

/// A fully connected layer: output = input × weights + biases.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    /// Number of inputs.
    pub inputs: usize,
    /// Number of outputs.
    pub outputs: usize,
    /// `inputs` rows of `outputs` numbers.
    pub weights: Vec<f32>,
    /// One number per output.
    pub biases: Vec<f32>,
}

impl Layer {
    /// Weights and biases uniform in ± 1/√inputs, as most frameworks start a layer (LeCun et al. 1998).
    #[must_use]
    pub fn random(inputs: usize, outputs: usize, stream: &mut Stream) -> Self {
        let bound = 1.0 / libm::sqrt(inputs.max(1) as f64);
        let mut draw = |count: usize| (0..count).map(|_| stream.between(-bound, bound) as f32).collect();
        Self { inputs, outputs, weights: draw(inputs * outputs), biases: draw(outputs) }
    }

    /// The layer that gives only output columns `columns` of this one, each multiplied by `scale`.
    #[must_use]
    pub fn columns(&self, columns: core::ops::Range<usize>, scale: f32) -> Self {
        let rows = self.weights.chunks_exact(self.outputs.max(1));
        let weights = rows.flat_map(|row| row[columns.clone()].iter().map(|weight| weight * scale)).collect();
        let biases = self.biases[columns.clone()].iter().map(|bias| bias * scale).collect();
        Self { inputs: self.inputs, outputs: columns.len(), weights, biases }
    }

    /// The layer that reads the inputs of this one and then those of `other`, and gives the sum of what both give.
    ///
    /// # Panics
    /// When they have different numbers of outputs.
    #[must_use]
    pub fn beside(&self, other: &Self) -> Self {
        assert_eq!(self.outputs, other.outputs, "layers whose outputs are added have equally many");
        let sum = self.biases.iter().zip(&other.biases).map(|(one, other)| one + other);
        Self {
            inputs: self.inputs + other.inputs,
            outputs: self.outputs,
            weights: self.weights.iter().chain(&other.weights).copied().collect(),
            biases: sum.collect(),
        }
    }

    /// The layer that reads raw inputs where this one reads (raw − mean) / deviation of the raw inputs `places`;
    /// the other raw inputs of `width` have no weight.
    #[must_use]
    pub fn reading_raw(&self, places: &[usize], scales: &[Scale], width: usize) -> Self {
        let mut weights = vec![0.0; width * self.outputs];
        let mut biases: Vec<f64> = self.biases.iter().map(|bias| f64::from(*bias)).collect();
        for (row, place) in self.weights.chunks_exact(self.outputs.max(1)).zip(places) {
            let Some(scale) = scales.get(*place) else { continue };
            for (column, weight) in row.iter().enumerate() {
                let per_unit = f64::from(*weight) / scale.deviation;
                weights[place * self.outputs + column] = per_unit as f32;
                biases[column] -= per_unit * scale.mean;
            }
        }
        let biases = biases.into_iter().map(|bias| bias as f32).collect();
        Self { inputs: width, outputs: self.outputs, weights, biases }
    }
}

/// Mean and standard deviation of a number over the rows a network was trained on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    /// The mean.
    pub mean: f64,
    /// The standard deviation; 1 where the number never varied.
    pub deviation: f64,
}

impl Scale {
    /// The scale of `values`.
    #[must_use]
    pub fn of(values: impl Iterator<Item = f64> + Clone) -> Self {
        let count = values.clone().count().max(1) as f64;
        let mean = values.clone().sum::<f64>() / count;
        let variance = values.map(|value| (value - mean) * (value - mean)).sum::<f64>() / count;
        let deviation = if variance > 1e-18 { libm::sqrt(variance) } else { 1.0 };
        Self { mean, deviation }
    }

    /// `value` in deviations from the mean.
    #[must_use]
    pub fn standard(&self, value: f64) -> f64 {
        (value - self.mean) / self.deviation
    }
}

/// Layers one after the other, with max(0, x) between them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Stack {
    /// The layers, first to last.
    pub layers: Vec<Layer>,
}

impl Stack {
    /// Random layers from `inputs` through the given widths.
    #[must_use]
    pub fn random(inputs: usize, widths: &[usize], stream: &mut Stream) -> Self {
        let mut before = inputs;
        let layer = |width: &usize| Layer::random(core::mem::replace(&mut before, *width), *width, stream);
        Self { layers: widths.iter().map(layer).collect() }
    }

    /// Number of weights and biases.
    #[must_use]
    pub fn parameter_count(&self) -> usize {
        self.layers.iter().map(|layer| layer.weights.len() + layer.biases.len()).sum()
    }

    /// BLAKE3 of the bits of every weight and bias.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        for layer in &self.layers {
            for number in layer.weights.iter().chain(&layer.biases) {
                hasher.update(&number.to_bits().to_le_bytes());
            }
        }
        *hasher.finalize().as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(layer: &Layer, input: &[f64]) -> Vec<f64> {
        let sum = |column: usize| {
            let products = input.iter().enumerate();
            let products =
                products.map(|(row, value)| value * f64::from(layer.weights[row * layer.outputs + column]));
            products.sum::<f64>() + f64::from(layer.biases[column])
        };
        (0..layer.outputs).map(sum).collect()
    }

    #[test]
    fn a_layer_on_raw_inputs_says_what_the_layer_on_standardised_inputs_says() {
        let layer = Layer::random(2, 3, &mut Stream::new(3, "weights"));
        let scales = [
            Scale { mean: 5.0, deviation: 2.0 },
            Scale { mean: 9.0, deviation: 9.0 },
            Scale { mean: -1.0, deviation: 0.1 },
        ];
        let raw = [4.0, 77.0, -1.3];
        let standard = [scales[0].standard(4.0), scales[2].standard(-1.3)];
        let folded = output(&layer.reading_raw(&[0, 2], &scales, 3), &raw);
        for (folded, direct) in folded.iter().zip(output(&layer, &standard)) {
            assert!((folded - direct).abs() < 1e-5, "{folded} against {direct}");
        }
    }

    #[test]
    fn layers_beside_each_other_add_up() {
        let (one, other) = (
            Layer::random(2, 3, &mut Stream::new(5, "one")),
            Layer::random(1, 3, &mut Stream::new(6, "other")),
        );
        let both = output(&one.beside(&other), &[0.3, -0.8, 0.5]);
        let (one, other) = (output(&one, &[0.3, -0.8]), output(&other, &[0.5]));
        for (sum, (one, other)) in both.iter().zip(one.iter().zip(&other)) {
            assert!((sum - (one + other)).abs() < 1e-6);
        }
    }

    #[test]
    fn columns_are_a_slice_of_the_output() {
        let layer = Layer::random(2, 4, &mut Stream::new(4, "weights"));
        let whole = output(&layer, &[0.3, -0.8]);
        let part = output(&layer.columns(1..3, 2.0), &[0.3, -0.8]);
        assert!((part[0] - 2.0 * whole[1]).abs() < 1e-6 && (part[1] - 2.0 * whole[2]).abs() < 1e-6);
    }
}
