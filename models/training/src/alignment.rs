//! How far apart the features of different domains lie, as a loss: maximum mean discrepancy.
//!
//! An adversary sees only what it has learned to see; this looks at whole distributions. It adds up, over the domains,
//! the unbiased estimate of the squared discrepancy between the rows of the domain and all others, with a sum of
//! Gaussian kernels of several widths (Gretton et al., JMLR 13 (2012), lemma 6; Long et al., *Deep Adaptation
//! Networks*, 2015). The biased estimate would pull the rows of a rare domain together for being few.

use burn::tensor::{Device, Tensor};

use crate::dann::matrix;

/// Widths of the kernels, in multiples of the root of the mean squared distance of two rows.
const WIDTHS: [f64; 5] = [0.25, 0.5, 1.0, 2.0, 4.0];

/// The discrepancy of the domains' distributions of `features`: zero on average where they are alike. `domains` names the
/// domain of each row, `count` how many there are.
#[must_use]
pub fn discrepancy(features: &Tensor<2>, domains: &[usize], count: usize, device: &Device) -> Tensor<1> {
    let rows = domains.len().max(1);
    let products = features.clone().matmul(features.clone().transpose());
    let squares = features.clone().square().sum_dim(1);
    let distances = squares.clone() + squares.transpose() - products.mul_scalar(2.0);
    // The width follows the features but takes no part in the gradient: growing is no way out.
    let usual = distances.clone().detach().mean_dim(0).mean_dim(1).add_scalar(1e-6);
    let distances = distances / usual;
    let kernel = WIDTHS
        .iter()
        .map(|width| distances.clone().mul_scalar(-0.5 / (width * width)).exp())
        .reduce(|sum, kernel| sum + kernel)
        .unwrap_or_else(|| Tensor::zeros([rows, rows], device));
    (kernel * matrix(pair_weights(domains, count), rows, device)).sum()
}

/// What the kernel of each pair of rows counts in the sum over domains; a row with itself counts nothing.
fn pair_weights(domains: &[usize], count: usize) -> Vec<f32> {
    let mut seen = vec![0.0_f64; count];
    for domain in domains {
        seen[*domain] += 1.0;
    }
    let all = domains.len() as f64;
    let weight = |one: usize, other: usize| {
        let of_domain = |place: usize| {
            let (inside, outside) = (seen[place], all - seen[place]);
            if inside < 2.0 || outside < 2.0 {
                return 0.0;
            }
            match (one == place, other == place) {
                (true, true) => 1.0 / (inside * (inside - 1.0)),
                (false, false) => 1.0 / (outside * (outside - 1.0)),
                (true, false) | (false, true) => -1.0 / (inside * outside),
            }
        };
        (0..count).map(of_domain).sum::<f64>()
    };
    let table: Vec<f32> = (0..count * count).map(|at| weight(at / count, at % count) as f32).collect();
    let mut weights = Vec::with_capacity(domains.len() * domains.len());
    for (row, one) in domains.iter().enumerate() {
        let of_row = domains.iter().enumerate();
        weights.extend(
            of_row.map(|(column, other)| if row == column { 0.0 } else { table[one * count + other] }),
        );
    }
    weights
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dann::numbers;
    use crate::random::Stream;

    #[test]
    fn distributions_that_differ_are_apart_and_equal_ones_are_not() {
        let device = Device::flex();
        let domains: Vec<usize> = (0..300).map(|row| row % 3).collect();
        let noise = Stream::new(1, "rows").normals(600, 1.0);
        let at = |shift: f32, spread: f32| {
            let moved = noise
                .iter()
                .enumerate()
                .map(|(place, value)| if (place / 2) % 3 == 1 { value * spread + shift } else { *value });
            let features = matrix(moved.collect(), 2, &device);
            numbers(discrepancy(&features, &domains, 3, &device))[0]
        };
        let (alike, shifted, wider) = (at(0.0, 1.0), at(2.0, 1.0), at(0.0, 3.0));
        assert!(alike.abs() < 0.05 && shifted > 0.5 && wider > 0.1, "{alike} {shifted} {wider}");
    }

    #[test]
    fn its_gradient_moves_domains_together() {
        let device = Device::flex().autodiff();
        let features = matrix(vec![0.0, 0.1, 5.0, 5.1], 1, &device).require_grad();
        let loss = discrepancy(&features, &[0, 0, 1, 1], 2, &device);
        let gradient = numbers(features.grad(&loss.backward()).unwrap());
        // Downhill is against the gradient: the low pair rises, the high pair falls.
        assert!(
            gradient[0] < 0.0 && gradient[1] < 0.0 && gradient[2] > 0.0 && gradient[3] > 0.0,
            "{gradient:?}"
        );
    }
}
