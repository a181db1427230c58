//! Model cards: what a model is, from what it was trained, and where it may be trusted.
//!
//! `NAME.card.json` lies beside `NAME.onnx`, names it by the BLAKE3 hash of the file and carries a checksum of its own. Nothing in a card comes
//! from a clock, so training twice from the same seed and data writes the same card.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use engine_core::digest::Digest;
use engine_core::feature::FeatureSet;
use engine_core::real::Real;
use engine_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model_hash::ModelHash;

/// The format of cards this version reads and writes.
pub const CARD_FORMAT: u32 = 2;

/// What a model is and how it came to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelCard {
    /// Version of the card's own format: [`CARD_FORMAT`].
    pub format: u32,
    /// Name of the model, for people.
    pub name: String,
    /// BLAKE3 of the ONNX file.
    pub model: ModelHash,
    /// The feature set it was trained on.
    pub feature_set: FeatureSetName,
    /// Its inputs, in the order of the feature vector.
    pub features: Vec<TrainedFeature>,
    /// The specialists it weighs, in the order of its weights; none where it is no conductor.
    pub specialists: Vec<String>,
    /// What the numbers are that it answers, where it is no conductor.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<String>,
    /// The data it was trained on.
    pub datasets: Vec<TrainedOn>,
    /// The stretch of time the training data covers.
    pub trained: TrainedSpan,
    /// Where everything random in the training came from.
    pub seed: u64,
    /// How it was judged, by name of the figure; names say on which data.
    pub metrics: BTreeMap<String, Real>,
    /// Version of the ONNX operators it uses.
    pub opset: i64,
    /// Version of the ONNX file format it is written in.
    pub ir_version: i64,
    /// Program and version that wrote it.
    pub producer: String,
    /// Anything a reader should know; empty when there is nothing.
    #[serde(default)]
    pub note: String,
}

/// Which feature set a model reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeatureSetName {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: u32,
    /// Its fingerprint, 32 hexadecimal digits in text.
    #[serde(with = "digest_text")]
    pub digest: Digest,
}

impl From<&FeatureSet> for FeatureSetName {
    fn from(set: &FeatureSet) -> Self {
        Self { name: set.name.to_owned(), version: set.version, digest: set.digest() }
    }
}

impl core::fmt::Display for FeatureSetName {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(out, "{} version {} ({})", self.name, self.version, self.digest)
    }
}

/// One input of a model, with the range it took in training.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainedFeature {
    /// Its name in the feature set.
    pub name: String,
    /// The least value seen in training.
    pub min: Real,
    /// The greatest value seen in training.
    pub max: Real,
}

/// One dataset a model was trained on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainedOn {
    /// Its name, as in `binance BTCUSDT 1d`.
    pub name: String,
    /// Records used of it.
    pub count: u64,
    /// Digest of these records, in hexadecimal digits.
    pub digest: String,
}

/// The stretch of time of the training data, in nanoseconds since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainedSpan {
    /// The first moment.
    pub from: Timestamp,
    /// The last moment; a model says nothing about how it fares before this.
    pub to: Timestamp,
}

/// Why a card cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CardError {
    /// There is none. Fetch it with the model or train again.
    #[error("read {path}: the model has no card; put the card of its training there")]
    Missing {
        /// Where it should be.
        path: PathBuf,
    },
    /// The card was written by a newer engine. Use that one.
    #[error("read {path}: card format {format} is not known to this version, which knows {CARD_FORMAT}")]
    UnknownFormat {
        /// The card.
        path: PathBuf,
        /// The number found.
        format: u64,
    },
    /// The card is no card, or contradicts itself. Train again.
    #[error("read {path}: {reason}")]
    Malformed {
        /// The card.
        path: PathBuf,
        /// What is wrong, with field and place.
        reason: String,
    },
    /// The operating system refused.
    #[error("{action} {path}: {source}")]
    Io {
        /// What was tried, as in `write`.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
}

impl ModelCard {
    /// Where the card of `model` lies: `NAME.card.json` for `NAME.onnx`.
    #[must_use]
    pub fn path_beside(model: &Path) -> PathBuf {
        model.with_extension("card.json")
    }

    /// The hash of all it says, by which a run names it.
    ///
    /// # Errors
    /// What serde says; it has no reason to say anything about cards.
    pub fn hash(&self) -> Result<ModelHash, serde_json::Error> {
        crate::card_checksum::hash(self)
    }

    /// Reads and checks the card at `path`.
    ///
    /// # Errors
    /// [`CardError`] when there is none, or it is not a sound card of a known format.
    pub fn read(path: &Path) -> Result<Self, CardError> {
        let bytes = crate::plain_file::read(path).map_err(|source| {
            let path = path.to_owned();
            let missing = source.kind() == std::io::ErrorKind::NotFound;
            if missing { CardError::Missing { path } } else { CardError::Io { action: "read", path, source } }
        })?;
        let malformed = |reason: String| CardError::Malformed { path: path.to_owned(), reason };
        let mut document: serde_json::Value = serde_json::from_slice(&bytes)
            .map_err(|error| malformed(format!("no JSON document: {error}")))?;
        let format = document.get("format").and_then(serde_json::Value::as_u64);
        let format = format.ok_or_else(|| malformed("no model card: it has no format number".to_owned()))?;
        if format != u64::from(CARD_FORMAT) {
            return Err(CardError::UnknownFormat { path: path.to_owned(), format });
        }
        let checksum = crate::card_checksum::take(&mut document);
        let card: Self = serde_json::from_value(document).map_err(|error| malformed(error.to_string()))?;
        card.check().map_err(malformed)?;
        crate::card_checksum::check(&card, checksum.as_deref()).map_err(malformed)?;
        Ok(card)
    }

    /// Checks the card and writes it to `path`, replacing what is there.
    ///
    /// # Errors
    /// [`CardError`] when the card contradicts itself or cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), CardError> {
        self.check().map_err(|reason| CardError::Malformed { path: path.to_owned(), reason })?;
        let malformed = |error: serde_json::Error| CardError::Malformed {
            path: path.to_owned(),
            reason: error.to_string(),
        };
        let text = crate::card_checksum::with_checksum(self).map_err(malformed)?;
        let refused = |source| CardError::Io { action: "write", path: path.to_owned(), source };
        std::fs::write(path, text).map_err(refused)
    }

    /// What contradicts itself in the card, in words.
    ///
    /// # Errors
    /// One line naming the field.
    pub fn check(&self) -> Result<(), String> {
        let absent = [("name", self.name.is_empty()), ("producer", self.producer.is_empty())]
            .into_iter()
            .chain([("features", self.features.is_empty())])
            .chain([("specialists", self.specialists.is_empty() && self.answers.is_empty())])
            .chain([("feature_set.name", self.feature_set.name.is_empty())]);
        if let Some((field, _)) = absent.into_iter().find(|(_, absent)| *absent) {
            return Err(format!("{field} is empty"));
        }
        if self.format != CARD_FORMAT {
            return Err(format!("format is {}, this version writes {CARD_FORMAT}", self.format));
        }
        if let Some(name) = repeated(self.features.iter().map(|feature| feature.name.as_str())) {
            return Err(format!("features names {name:?} twice"));
        }
        if !self.specialists.is_empty() && !self.answers.is_empty() {
            return Err(
                "it names specialists, as a conductor, and answers, as a network that is none".to_owned()
            );
        }
        if let Some(name) = repeated(self.answers.iter().map(String::as_str)) {
            return Err(format!("answers names {name:?} twice"));
        }
        if let Some(name) = repeated(self.specialists.iter().map(String::as_str)) {
            return Err(format!("specialists names {name:?} twice"));
        }
        if let Some(feature) = self.features.iter().find(|feature| feature.min > feature.max) {
            let TrainedFeature { name, min, max } = feature;
            return Err(format!("the range of feature {name:?} begins at {min} and ends at {max}"));
        }
        if self.trained.from > self.trained.to {
            return Err("trained ends before it begins".to_owned());
        }
        if self.opset < 1 || self.ir_version < 1 {
            return Err("opset and ir_version count from 1".to_owned());
        }
        Ok(())
    }
}

fn repeated<'a>(names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let mut seen = std::collections::BTreeSet::new();
    names.into_iter().find(|name| !seen.insert(*name))
}

/// A digest as the 32 hexadecimal digits it prints as.
mod digest_text {
    use engine_core::digest::Digest;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(digest: &Digest, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(digest)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Digest, D::Error> {
        let text = String::deserialize(deserializer)?;
        let half = |digits: Option<&str>| u64::from_str_radix(digits?, 16).ok();
        let sound = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let halves = sound.then(|| [half(text.get(..16)), half(text.get(16..))]);
        match halves {
            Some([Some(high), Some(low)]) => Ok(Digest([high, low])),
            _ => Err(serde::de::Error::custom("the digest of a feature set is 32 hexadecimal digits")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn real(value: f64) -> Real {
        Real::new(value).unwrap()
    }

    fn card() -> ModelCard {
        let feature =
            |name: &str, min, max| TrainedFeature { name: name.into(), min: real(min), max: real(max) };
        ModelCard {
            format: CARD_FORMAT,
            name: "conductor-a".into(),
            model: ModelHash::of(b"model"),
            feature_set: FeatureSetName { name: "market".into(), version: 1, digest: Digest([1, u64::MAX]) },
            features: vec![feature("efficiency_ratio", 0.1, 0.3), feature("drift", -2.7, 1.0 / 3.0)],
            specialists: vec!["donchian".into(), "tsmom".into()],
            answers: Vec::new(),
            datasets: vec![TrainedOn { name: "BTCUSDT 1d".into(), count: 4056, digest: "ab".into() }],
            trained: TrainedSpan { from: Timestamp::from_nanos(1), to: Timestamp::from_nanos(2) },
            seed: u64::MAX,
            metrics: [("test_r2".to_owned(), real(0.526_123_456_789_012_3))].into(),
            opset: 17,
            ir_version: 8,
            producer: "engine 0.1.0".into(),
            note: String::new(),
        }
    }

    #[test]
    fn a_card_reads_back_what_was_written_to_the_bit() {
        let folder = tempfile::tempdir().unwrap();
        let path = ModelCard::path_beside(&folder.path().join("conductor.v1.onnx"));
        assert!(path.ends_with("conductor.v1.card.json"));
        card().write(&path).unwrap();
        assert_eq!(ModelCard::read(&path).unwrap(), card());
        let first = std::fs::read(&path).unwrap();
        card().write(&path).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), first);
    }

    #[test]
    fn what_contradicts_itself_is_neither_written_nor_read() {
        type Spoil = fn(&mut ModelCard);
        let spoil: [(&str, Spoil); 7] = [
            ("name is empty", |card| card.name.clear()),
            ("features is empty", |card| card.features.clear()),
            ("specialists names \"tsmom\" twice", |card| card.specialists = vec!["tsmom".into(); 2]),
            ("features names \"drift\" twice", |card| card.features[0].name = "drift".into()),
            ("begins at 5 and ends at 0.3", |card| card.features[0].min = real(5.0)),
            ("trained ends before", |card| card.trained.from = Timestamp::MAX),
            ("count from 1", |card| card.opset = 0),
        ];
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.card.json");
        for (expected, spoil) in spoil {
            let mut card = card();
            spoil(&mut card);
            let said = card.write(&path).unwrap_err().to_string();
            assert!(said.contains(expected), "{said}");
            std::fs::write(&path, serde_json::to_string(&card).unwrap()).unwrap();
            let said = ModelCard::read(&path).unwrap_err().to_string();
            assert!(said.contains(expected), "{said}");
        }
    }

    #[test]
    fn what_is_no_card_is_named_in_one_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.card.json");
        assert!(matches!(ModelCard::read(&path), Err(CardError::Missing { .. })));
        let sound = serde_json::to_string(&card()).unwrap();
        let cases = [
            (String::new(), "no JSON document"),
            ("{}".to_owned(), "it has no format number"),
            (sound.replace("\"format\":2", "\"format\":3"), "card format 3 is not known"),
            (sound.replace("\"seed\"", "\"sede\""), "unknown field `sede`"),
            (sound.replace("\"seed\":18446744073709551615,", ""), "missing field `seed`"),
            (sound.replace(&ModelHash::of(b"model").to_string(), "abc"), "64 hexadecimal digits"),
            (sound.replace("0000000000000001ffff", "+000000000000001ffff"), "32 hexadecimal digits"),
            (sound.replace("0.1", "null"), "invalid type: null"),
        ];
        for (text, expected) in cases {
            std::fs::write(&path, text).unwrap();
            let said = ModelCard::read(&path).unwrap_err().to_string();
            assert!(said.contains(expected) && !said.contains('\n'), "{said}");
        }
    }
}
