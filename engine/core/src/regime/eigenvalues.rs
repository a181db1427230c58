//! Eigenvalues of a small symmetric matrix, by Jacobi's rotations.

/// More sweeps than any matrix needs: convergence is quadratic, ten by ten takes about six.
const SWEEPS_MAX: usize = 60;

/// A symmetric matrix, row after row.
#[derive(Clone, Debug, PartialEq)]
pub struct SymmetricMatrix {
    size: usize,
    cells: Vec<f64>,
}

impl SymmetricMatrix {
    /// The matrix whose cell in row `i` and column `j ≤ i` is `cell(i, j)`; the rest mirrors it.
    #[must_use]
    pub fn of(size: usize, cell: impl Fn(usize, usize) -> f64) -> Self {
        let places = (0..size).flat_map(|row| (0..size).map(move |column| (row, column)));
        let cells = places.map(|(row, column)| cell(row.max(column), row.min(column)));
        Self { size, cells: cells.collect() }
    }

    /// Its eigenvalues, largest first (Jacobi 1846, cyclic by rows; Golub and Van Loan, section 8.5). A matrix with
    /// a cell that is not finite has none.
    #[must_use]
    pub fn eigenvalues(mut self) -> Vec<f64> {
        if !self.cells.iter().all(|cell| cell.is_finite()) {
            return Vec::new();
        }
        let whole: f64 = self.cells.iter().map(|cell| cell * cell).sum();
        for _ in 0..SWEEPS_MAX {
            if self.off_diagonal() <= whole * 1e-30 {
                break;
            }
            self.sweep();
        }
        let mut values: Vec<f64> =
            (0..self.size).map(|place| self.cells[place * self.size + place]).collect();
        values.sort_by(|left, right| right.total_cmp(left));
        values
    }

    fn off_diagonal(&self) -> f64 {
        let cells = self.cells.iter().enumerate();
        cells.filter(|(place, _)| place / self.size != place % self.size).map(|(_, cell)| cell * cell).sum()
    }

    fn sweep(&mut self) {
        for row in 0..self.size {
            for column in row + 1..self.size {
                self.rotate(row, column);
            }
        }
    }

    /// Turns the plane of axes `p` and `q` so far that their cell vanishes.
    fn rotate(&mut self, p: usize, q: usize) {
        let size = self.size;
        let corner = self.cells[p * size + q];
        if corner.abs() < f64::MIN_POSITIVE {
            return;
        }
        let slant = (self.cells[q * size + q] - self.cells[p * size + p]) / (2.0 * corner);
        let tangent = slant.signum() / (slant.abs() + (slant * slant + 1.0).sqrt());
        let cosine = 1.0 / (tangent * tangent + 1.0).sqrt();
        let sine = tangent * cosine;
        for place in 0..size {
            let (left, right) = (self.cells[place * size + p], self.cells[place * size + q]);
            self.cells[place * size + p] = cosine * left - sine * right;
            self.cells[place * size + q] = sine * left + cosine * right;
        }
        for place in 0..size {
            let (upper, lower) = (self.cells[p * size + place], self.cells[q * size + place]);
            self.cells[p * size + place] = cosine * upper - sine * lower;
            self.cells[q * size + place] = sine * upper + cosine * lower;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn assert_near(found: &[f64], expected: &[f64], within: f64) {
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() <= within, "{found} is not {expected}");
        }
    }

    #[test]
    fn known_matrices() {
        // The second difference: 2 + √2, 2, 2 − √2.
        let chain = SymmetricMatrix::of(3, |row, column| [2.0, -1.0, 0.0][row - column]);
        let root = 2.0_f64.sqrt();
        assert_near(&chain.eigenvalues(), &[2.0 + root, 2.0, 2.0 - root], 1e-14);
        // Equal correlations ρ of n assets: 1 + (n − 1)ρ once, 1 − ρ otherwise.
        let equal = SymmetricMatrix::of(6, |row, column| if row == column { 1.0 } else { 0.3 });
        assert_near(&equal.eigenvalues(), &[2.5, 0.7, 0.7, 0.7, 0.7, 0.7], 1e-14);
        assert!(SymmetricMatrix::of(0, |_, _| 0.0).eigenvalues().is_empty());
        assert!(SymmetricMatrix::of(2, |_, _| f64::NAN).eigenvalues().is_empty());
    }

    proptest! {
        #[test]
        fn turning_a_diagonal_does_not_change_its_values(
            values in prop::collection::vec(-10.0_f64..10.0, 1..9),
            turns in prop::collection::vec((0_usize..8, 0_usize..8, -1.0_f64..1.0), 0..30), scale in -12_i32..12,
        ) {
            let size = values.len();
            let scale = libm::pow(10.0, f64::from(scale));
            let mut matrix =
                SymmetricMatrix::of(size, |row, column| if row == column { values[row] * scale } else { 0.0 });
            for (p, q, sine) in turns {
                let (p, q) = (p % size, q % size);
                if p == q {
                    continue;
                }
                let cosine = (1.0 - sine * sine).sqrt();
                for place in 0..size {
                    let (left, right) = (matrix.cells[place * size + p], matrix.cells[place * size + q]);
                    matrix.cells[place * size + p] = cosine * left - sine * right;
                    matrix.cells[place * size + q] = sine * left + cosine * right;
                }
                for place in 0..size {
                    let (upper, lower) = (matrix.cells[p * size + place], matrix.cells[q * size + place]);
                    matrix.cells[p * size + place] = cosine * upper - sine * lower;
                    matrix.cells[q * size + place] = sine * upper + cosine * lower;
                }
            }
            let mut expected: Vec<f64> = values.iter().map(|value| value * scale).collect();
            expected.sort_by(|left, right| right.total_cmp(left));
            assert_near(&matrix.eigenvalues(), &expected, 1e-12 * 10.0 * scale);
        }
    }
}
