//! Solving a system of equations whose matrix is symmetric and positive definite.

/// The solution of `matrix` · x = `right`, by Cholesky's decomposition; `None` when the matrix is not positive
/// definite. `matrix` holds rows one after the other; only its lower half is read.
pub(super) fn solved(mut matrix: Vec<f64>, mut right: Vec<f64>) -> Option<Vec<f64>> {
    let size = right.len();
    for column in 0..size {
        for row in column..size {
            let (above, below) = (column * size, row * size);
            let products = (0..column).map(|place| {
                let left = matrix.get(below + place).copied().unwrap_or_default();
                left * matrix.get(above + place).copied().unwrap_or_default()
            });
            let rest = matrix.get(below + column)? - products.sum::<f64>();
            let diagonal = if row == column { rest.sqrt() } else { *matrix.get(above + column)? };
            if !(diagonal.is_finite() && diagonal > 0.0) {
                return None;
            }
            *matrix.get_mut(below + column)? = if row == column { diagonal } else { rest / diagonal };
        }
    }
    for row in 0..size {
        let products = (0..row).map(|place| {
            let left = matrix.get(row * size + place).copied().unwrap_or_default();
            left * right.get(place).copied().unwrap_or_default()
        });
        let known: f64 = products.sum();
        let value = (right.get(row)? - known) / matrix.get(row * size + row)?;
        *right.get_mut(row)? = value;
    }
    for row in (0..size).rev() {
        let products = (row + 1..size).map(|place| {
            let left = matrix.get(place * size + row).copied().unwrap_or_default();
            left * right.get(place).copied().unwrap_or_default()
        });
        let known: f64 = products.sum();
        let value = (right.get(row)? - known) / matrix.get(row * size + row)?;
        *right.get_mut(row)? = value;
    }
    Some(right)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_is_solved_and_a_bad_one_refused() {
        // 4 2 0 / 2 5 3 / 0 3 6 times 1 2 3.
        let matrix = vec![4.0, 2.0, 0.0, 2.0, 5.0, 3.0, 0.0, 3.0, 6.0];
        let found = solved(matrix, vec![8.0, 21.0, 24.0]).unwrap();
        assert!(found.iter().zip([1.0, 2.0, 3.0]).all(|(x, y)| (x - y).abs() < 1e-12), "{found:?}");
        assert_eq!(solved(vec![1.0, 2.0, 2.0, 1.0], vec![1.0, 1.0]), None);
    }
}
