//! Feature vectors: what a conductor is asked about, versioned and hashed.
//!
//! Training, backtest and live use the code of this module and no other, so they cannot drift apart.

pub mod market;

use crate::digest::{Digest, digest_text};
use crate::real::Real;

/// A versioned list of features. Its [`digest`](FeatureSet::digest) covers name, version and every definition:
/// a model trained on another set is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeatureSet {
    /// Its name, as in `market`.
    pub name: &'static str,
    /// Its version; grows with every change of a definition.
    pub version: u32,
    /// Each feature's name and definition, in the order of the vector.
    pub features: &'static [Feature],
}

/// One feature of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Feature {
    /// Its name, units last.
    pub name: &'static str,
    /// How it is computed, in words and symbols.
    pub definition: &'static str,
}

impl FeatureSet {
    /// The fingerprint of name, version and definitions.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut text = String::from(self.name);
        text.push('@');
        text.push_str(&self.version.to_string());
        for feature in self.features {
            text.push('\n');
            text.push_str(feature.name);
            text.push('=');
            text.push_str(feature.definition);
        }
        digest_text(&text)
    }
}

/// The values of one feature set at one moment.
#[derive(serde::Serialize, serde::Deserialize, Clone, Debug, PartialEq, Eq, Hash)]
pub struct FeatureVector {
    /// The set they belong to.
    pub set: Digest,
    /// One value per feature, in the order of the set.
    pub values: Vec<Real>,
}
