//! What was held and how prices moved meanwhile, interval by interval.

/// The exposures of a run beside the returns of its instruments, one row an interval.
///
/// An interval reaches from one look at the market to the next (a bar, or a minute of ticks). A row holds, for
/// each instrument, the value held at its beginning over equity (negative when short) and the return of its
/// price over the interval. Costs are not in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Exposures {
    instruments: usize,
    held: Vec<f64>,
    moved: Vec<f64>,
}

impl Exposures {
    /// No intervals yet of `instruments` instruments.
    #[must_use]
    pub const fn new(instruments: usize) -> Self {
        Self { instruments, held: Vec::new(), moved: Vec::new() }
    }

    /// Adds one interval; missing values count as nothing held and no move, values too many are left out.
    pub fn push(&mut self, held: &[f64], moved: &[f64]) {
        let padded = |values: &[f64]| {
            let nothing = core::iter::repeat(0.0);
            values.iter().copied().chain(nothing).take(self.instruments).collect::<Vec<f64>>()
        };
        let (held, moved) = (padded(held), padded(moved));
        self.held.extend(held);
        self.moved.extend(moved);
    }

    /// Number of intervals.
    #[must_use]
    pub const fn len(&self) -> usize {
        match self.held.len().checked_div(self.instruments) {
            Some(rows) => rows,
            None => 0,
        }
    }

    /// Whether there is no interval.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What each interval earned on equity before costs, had the exposures of the interval `later` rows later been
    /// held, counted on a circle.
    pub fn earned(&self, later: usize) -> impl Iterator<Item = f64> + '_ {
        let width = self.instruments.max(1);
        let start = (later * width).min(self.held.len());
        let (before, after) = self.held.split_at(start);
        let held = after.iter().chain(before);
        let rows = self.moved.chunks(width);
        let mut held = held;
        rows.map(move |moved| moved.iter().zip(held.by_ref()).map(|(moved, held)| moved * held).sum())
    }

    /// For each interval what was earned because more or less than usual was held: the exposure beside its mean
    /// times the move beside its mean, over all instruments. Their sum is the number of intervals times the
    /// covariance of exposure and return.
    pub(crate) fn timed(&self) -> Vec<f64> {
        let width = self.instruments.max(1);
        let (held, moved) = (means(&self.held, width), means(&self.moved, width));
        let rows = self.held.chunks(width).zip(self.moved.chunks(width));
        let timed = rows.map(|(row_held, row_moved)| {
            let beside = row_held.iter().zip(&held).map(|(value, mean)| value - mean);
            let moves = row_moved.iter().zip(&moved).map(|(value, mean)| value - mean);
            beside.zip(moves).map(|(held, moved)| held * moved).sum()
        });
        timed.collect()
    }

    /// Mean of the gross exposure.
    #[must_use]
    pub fn gross_mean(&self) -> f64 {
        self.held.iter().map(|value| value.abs()).sum::<f64>() / self.len().max(1) as f64
    }
}

/// The mean of each column; a column of equal values has exactly that mean, so that nothing seems to vary.
fn means(values: &[f64], width: usize) -> Vec<f64> {
    let rows = values.len() / width;
    let column = |index: usize| values.iter().skip(index).step_by(width);
    let mean = |index: usize| {
        let first = column(index).next().copied().unwrap_or_default();
        first + column(index).map(|value| value - first).sum::<f64>() / rows.max(1) as f64
    };
    (0..width).map(mean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shifted_exposures_meet_other_moves() {
        let mut exposures = Exposures::new(2);
        exposures.push(&[1.0, 0.0], &[0.1, 0.5]);
        exposures.push(&[0.0, 2.0], &[0.2, 0.6]);
        exposures.push(&[0.5, 0.5], &[0.3]);
        assert_eq!(exposures.len(), 3);
        assert_eq!(exposures.earned(0).collect::<Vec<_>>(), [0.1, 1.2, 0.15]);
        assert_eq!(exposures.earned(1).collect::<Vec<_>>(), [0.0 * 0.1 + 2.0 * 0.5, 0.1 + 0.3, 0.3]);
        assert!((exposures.gross_mean() - 4.0 / 3.0).abs() < 1e-15);
    }

    #[test]
    fn what_is_always_held_is_never_timed() {
        let mut exposures = Exposures::new(1);
        for moved in [0.1, -0.2, 0.3] {
            exposures.push(&[0.7], &[moved]);
        }
        assert_eq!(exposures.timed(), [0.0; 3]);
        assert!(Exposures::new(0).is_empty());
    }
}
