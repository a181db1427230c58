//! The last closes of one market, each found by how many bars ago it was.

use engine_core::knowledge::{Forgotten, Learned, NoteReader, NoteWriter};

/// A ring of the last values.
#[derive(Debug, Clone)]
pub struct PriceHistory {
    values: Vec<f64>,
    seen: usize,
}

impl PriceHistory {
    /// An empty ring that will hold `capacity` values, at least one.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        // A power of two turns the place of a value into a mask.
        Self { values: vec![0.0; capacity.max(1).next_power_of_two()], seen: 0 }
    }

    /// Takes the newest value in; the oldest is overwritten.
    #[inline]
    pub fn push(&mut self, value: f64) {
        let mask = self.values.len() - 1;
        self.values[self.seen & mask] = value;
        self.seen += 1;
    }

    /// The value `bars` before the newest, or `None` where there is none or it was overwritten.
    #[must_use]
    #[inline]
    pub fn ago(&self, bars: usize) -> Option<f64> {
        let mask = self.values.len() - 1;
        (bars < self.seen && bars <= mask).then(|| self.values[(self.seen - 1 - bars) & mask])
    }

    /// How many values were ever pushed.
    #[must_use]
    pub const fn seen(&self) -> usize {
        self.seen
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.seen = 0;
    }
}

impl Learned for PriceHistory {
    fn note(&self, notes: &mut NoteWriter) {
        notes.value(&self.seen);
        notes.value(&self.values);
    }

    fn recall(&mut self, notes: &mut NoteReader<'_>) -> Result<(), Forgotten> {
        self.seen = notes.count()?;
        notes.fill(&mut self.values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_found_by_its_age_until_it_is_overwritten() {
        let mut history = PriceHistory::new(3);
        assert_eq!(history.ago(0), None);
        for value in [1.0, 2.0, 3.0, 4.0, 5.0] {
            history.push(value);
        }
        assert_eq!([0, 1, 3].map(|bars| history.ago(bars)), [Some(5.0), Some(4.0), Some(2.0)]);
        assert_eq!(history.ago(4), None);
        history.clear();
        assert_eq!(history.ago(0), None);
    }
}
