//! The eight genes of a specialist: named, with units and bounds, decoded once.
//!
//! A genome travels as eight numbers from 0 to 1, which is what a search varies. Decoded, every gene has its
//! unit and lies within its bounds, so that no later code has to ask.

/// How many genes there are.
pub const GENES: usize = 8;

/// How a number from 0 to 1 is laid over the range of a gene.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// Equal steps are equal differences.
    Linear,
    /// Equal steps are equal ratios.
    Logarithmic,
}

/// Name, unit and bounds of one gene.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gene {
    /// Its name, as in a configuration.
    pub name: &'static str,
    /// What its value means.
    pub unit: &'static str,
    /// Smallest value.
    pub low: f64,
    /// Largest value.
    pub high: f64,
    /// How the range is covered.
    pub scale: Scale,
}

const fn gene(name: &'static str, unit: &'static str, low: f64, high: f64, scale: Scale) -> Gene {
    Gene { name, unit, low, high, scale }
}

/// Every gene, in the order of the vector.
pub const TABLE: [Gene; GENES] = [
    gene("stop_loss", "fall of the close below the entry, as a share", 0.01, 0.30, Scale::Logarithmic),
    gene("take_profit", "rise of the close above the entry, as a share", 0.02, 1.0, Scale::Logarithmic),
    gene("position_size", "share of equity at usual volatility", 0.05, 1.0, Scale::Linear),
    gene("entry_threshold", "signal, from 0 to 1, that enters", 0.05, 0.95, Scale::Linear),
    gene("exit_threshold", "share of the entry threshold below which it leaves", 0.0, 0.95, Scale::Linear),
    gene("max_hold_days", "days a position is kept at most", 1.0, 90.0, Scale::Logarithmic),
    gene("volatility_scaling", "power of usual over present volatility in the size", 0.0, 1.5, Scale::Linear),
    gene("momentum_weight", "share of momentum in the signal", 0.0, 1.0, Scale::Linear),
];

/// A gene that cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum GenomeError {
    /// The vector's number is NaN or outside 0 to 1.
    #[error("gene {name} is {value}: expected a number from 0 to 1")]
    NotAShare {
        /// Which gene.
        name: &'static str,
        /// The number found.
        value: f64,
    },
    /// The value is NaN or outside the gene's bounds.
    #[error("gene {name} is {value}: allowed is {low} to {high}")]
    OutOfBounds {
        /// Which gene.
        name: &'static str,
        /// The value found.
        value: f64,
        /// Smallest value allowed.
        low: f64,
        /// Largest value allowed.
        high: f64,
    },
}

/// A decoded genome; every value lies within the bounds of [`TABLE`].
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Genome {
    values: [f64; GENES],
}

impl Gene {
    /// The value at `share` of the range.
    fn decode(&self, share: f64) -> f64 {
        let value = match self.scale {
            Scale::Linear => self.low + (self.high - self.low) * share,
            Scale::Logarithmic => self.low * libm::exp(libm::log(self.high / self.low) * share),
        };
        // Rounding must not carry a value over its bounds.
        value.clamp(self.low, self.high)
    }

    /// Where `value` lies in the range, from 0 to 1.
    fn encode(&self, value: f64) -> f64 {
        let share = match self.scale {
            Scale::Linear => (value - self.low) / (self.high - self.low),
            Scale::Logarithmic => libm::log(value / self.low) / libm::log(self.high / self.low),
        };
        share.clamp(0.0, 1.0)
    }
}

impl Genome {
    /// The genome of eight numbers from 0 to 1.
    ///
    /// # Errors
    /// [`GenomeError::NotAShare`] for the first that is not one.
    pub fn decode(vector: &[f64; GENES]) -> Result<Self, GenomeError> {
        let mut values = [0.0; GENES];
        for ((value, gene), share) in values.iter_mut().zip(&TABLE).zip(vector) {
            if !(0.0..=1.0).contains(share) {
                return Err(GenomeError::NotAShare { name: gene.name, value: *share });
            }
            *value = gene.decode(*share);
        }
        Ok(Self { values })
    }

    /// The genome of eight values in their units.
    ///
    /// # Errors
    /// [`GenomeError::OutOfBounds`] for the first outside its bounds.
    pub fn of(values: [f64; GENES]) -> Result<Self, GenomeError> {
        for (value, gene) in values.iter().zip(&TABLE) {
            let Gene { name, low, high, .. } = *gene;
            if !(low..=high).contains(value) {
                return Err(GenomeError::OutOfBounds { name, value: *value, low, high });
            }
        }
        Ok(Self { values })
    }

    /// The eight numbers from 0 to 1 that decode to this genome.
    #[must_use]
    pub fn encode(&self) -> [f64; GENES] {
        let mut vector = [0.0; GENES];
        for ((share, gene), value) in vector.iter_mut().zip(&TABLE).zip(&self.values) {
            *share = gene.encode(*value);
        }
        vector
    }

    /// Every value in its unit, in the order of [`TABLE`].
    #[must_use]
    pub const fn values(&self) -> &[f64; GENES] {
        &self.values
    }

    /// Fall below the entry at which it leaves, as a share.
    #[must_use]
    pub const fn stop_loss(&self) -> f64 {
        self.values[0]
    }

    /// Rise above the entry at which it leaves, as a share.
    #[must_use]
    pub const fn take_profit(&self) -> f64 {
        self.values[1]
    }

    /// Share of equity it takes at usual volatility.
    #[must_use]
    pub const fn position_size(&self) -> f64 {
        self.values[2]
    }

    /// The signal that enters.
    #[must_use]
    pub const fn entry_threshold(&self) -> f64 {
        self.values[3]
    }

    /// The signal below which it leaves: always below the one that enters.
    #[must_use]
    pub const fn exit_level(&self) -> f64 {
        self.values[4] * self.values[3]
    }

    /// Days a position is kept at most.
    #[must_use]
    pub const fn max_hold_days(&self) -> f64 {
        self.values[5]
    }

    /// The power that usual over present volatility is raised to in the size.
    #[must_use]
    pub const fn volatility_scaling(&self) -> f64 {
        self.values[6]
    }

    /// Share of momentum in the signal; the rest is the specialist's own measure.
    #[must_use]
    pub const fn momentum_weight(&self) -> f64 {
        self.values[7]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_no_share_is_refused_by_name() {
        for bad in [f64::NAN, f64::INFINITY, -0.01, 1.01] {
            let mut vector = [0.5; GENES];
            vector[5] = bad;
            let error = Genome::decode(&vector).unwrap_err().to_string();
            assert!(error.starts_with("gene max_hold_days is"), "{error}");
        }
        let mut values = *Genome::decode(&[0.5; GENES]).unwrap().values();
        values[0] = 0.5;
        assert_eq!(
            Genome::of(values).unwrap_err().to_string(),
            "gene stop_loss is 0.5: allowed is 0.01 to 0.3"
        );
    }

    #[test]
    fn both_ends_of_the_vector_are_both_ends_of_every_range() {
        let (low, high) = (Genome::decode(&[0.0; GENES]).unwrap(), Genome::decode(&[1.0; GENES]).unwrap());
        for (at, gene) in TABLE.iter().enumerate() {
            assert!((low.values()[at] - gene.low).abs() < 1e-12, "{}", gene.name);
            assert!((high.values()[at] - gene.high).abs() < 1e-12, "{}", gene.name);
        }
    }

    proptest! {
        #[test]
        fn encoding_and_decoding_undo_each_other(vector in prop::array::uniform8(0.0_f64..=1.0)) {
            let genome = Genome::decode(&vector).unwrap();
            prop_assert!(Genome::of(*genome.values()).is_ok());
            prop_assert!(genome.exit_level() < genome.entry_threshold());
            let again = genome.encode();
            let decoded = Genome::decode(&again).unwrap();
            for at in 0..GENES {
                prop_assert!((again[at] - vector[at]).abs() < 1e-12, "{}", TABLE[at].name);
                prop_assert!((decoded.values()[at] / genome.values()[at].max(1e-300) - 1.0).abs() < 1e-9
                    || (decoded.values()[at] - genome.values()[at]).abs() < 1e-12);
            }
        }
    }
}
