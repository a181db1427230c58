//! How far apart the features of different domains lie, as a loss: maximum mean discrepancy.
//!
//! An adversary sees only what it has learned to see; this looks at whole distributions. For features `x` of a batch
//! with domain shares `a_k` (1 / rows of domain k, else 0) and `b` (1 / rows), it is
//! `Σ_k (a_k − b)ᵀ K (a_k − b)` with `K` a sum of Gaussian kernels of several widths (Gretton et al., JMLR 13
//! (2012); Long et al., *Deep Adaptation Networks*, 2015).

use burn::tensor::{Device, Tensor};

use crate::dann::matrix;

/// Widths of the kernels, in multiples of the root of the mean squared distance of two rows.
const WIDTHS: [f64; 5] = [0.25, 0.5, 1.0, 2.0, 4.0];

/// The discrepancy of the domains' distributions of `features`; zero where they are alike. `domains` names the
/// domain of each row, `count` how many there are.
#[must_use]
pub fn discrepancy(features: &Tensor<2>, domains: &[usize], count: usize, device: &Device) -> Tensor<1> {
    let rows = domains.len().max(1);
    let apart = matrix(shares(domains, count), count, device);
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
    // The rows of `apart` are the rows of the batch, so this is the trace of apartᵀ K apart.
    (kernel.matmul(apart.clone()) * apart).sum()
}

/// `a_k − b` for each row and domain; zeros for a domain without rows.
fn shares(domains: &[usize], count: usize) -> Vec<f32> {
    let mut seen = vec![0.0_f32; count];
    for domain in domains {
        seen[*domain] += 1.0;
    }
    let rows = domains.len() as f32;
    let share = |domain: usize, place: usize| match seen[place] {
        found if found < 1.0 => 0.0,
        found if domain == place => 1.0 / found - 1.0 / rows,
        _ => -1.0 / rows,
    };
    domains
        .iter()
        .flat_map(|domain| (0..count).map(move |place| (*domain, place)))
        .map(|(d, p)| share(d, p))
        .collect()
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
        assert!(alike >= 0.0 && shifted > 5.0 * alike && wider > 2.0 * alike, "{alike} {shifted} {wider}");
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
