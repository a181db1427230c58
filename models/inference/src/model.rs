//! A model on disk: the ONNX file and its card, checked against each other without running anything.

use std::path::{Path, PathBuf};

use engine_core::feature::FeatureSet;

use crate::card::{CardError, FeatureSetName, ModelCard};
use crate::library::LibraryError;
use crate::model_hash::ModelHash;
use crate::plain_file;
use crate::proto::{FLOAT, ModelProto, TensorProto};
use crate::session::Provider;
use crate::uncarded;

/// The name under which a model file may repeat the digest of its feature set.
pub const FEATURE_SET_PROPERTY: &str = "feature_set_digest";

/// A model file with the card that describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    /// The ONNX file.
    pub path: PathBuf,
    /// BLAKE3 of the file.
    pub hash: ModelHash,
    /// Its card.
    pub card: ModelCard,
    /// The file's content.
    pub bytes: Vec<u8>,
}

/// What a run expects of the model that is to conduct it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// The feature set the questions carry.
    pub feature_set: FeatureSetName,
    /// The specialists to be weighed, in their order.
    pub specialists: Vec<String>,
}

impl Expected {
    /// Questions with `set` about `specialists`.
    #[must_use]
    pub fn new(set: &FeatureSet, specialists: &[&str]) -> Self {
        let specialists = specialists.iter().map(|&name| name.to_owned()).collect();
        Self { feature_set: set.into(), specialists }
    }
}

/// Why a model cannot conduct.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// There is no such file. Correct the path.
    #[error("read {path}: there is no such model")]
    Missing {
        /// The path.
        path: PathBuf,
    },
    /// Several models begin with these digits. Give more of them, or the name.
    #[error("find {asked}: {found} models have a hash that begins so; give the name")]
    Ambiguous {
        /// The digits.
        asked: String,
        /// How many models.
        found: usize,
    },
    /// The operating system refused.
    #[error("read {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The model has no card. Get both together, or train it here.
    #[error(
        "read {path}: {what}; it has no card at {card}, and without one nobody knows what it was trained on"
    )]
    NoCard {
        /// The file.
        path: PathBuf,
        /// Where the card should lie.
        card: PathBuf,
        /// What the file is.
        what: String,
    },
    /// The card cannot be used.
    #[error(transparent)]
    Card(#[from] CardError),
    /// The file is not the one the card was written for. Get model and card together again.
    #[error(
        "read {path}: its hash is {found}, its card says {card}; the file is truncated, changed or another's"
    )]
    HashMismatch {
        /// The file.
        path: PathBuf,
        /// Its hash.
        found: ModelHash,
        /// The card's.
        card: ModelHash,
    },
    /// The model is another than the configuration names. Correct one of them.
    #[error("use {path}: its hash is {found}, the configuration wants {pinned}")]
    NotPinned {
        /// The file.
        path: PathBuf,
        /// Its hash.
        found: ModelHash,
        /// The configuration's.
        pinned: ModelHash,
    },
    /// The card is another than the configuration names. Get the right one, or correct the configuration.
    #[error("use {path}: the hash of its card is {found}, the configuration wants {pinned}")]
    CardNotPinned {
        /// The file.
        path: PathBuf,
        /// The hash of the card.
        found: String,
        /// The configuration's.
        pinned: ModelHash,
    },
    /// The model reads other features than this engine computes. Train it again.
    #[error(
        "use {path}: it was trained on feature set {model}, this engine computes {wanted}; train it again"
    )]
    WrongFeatureSet {
        /// The file.
        path: PathBuf,
        /// The card's feature set.
        model: FeatureSetName,
        /// The engine's.
        wanted: FeatureSetName,
    },
    /// The model weighs other specialists than this run has. Train it again.
    #[error("use {path}: it weighs the specialists {model}, this run has {wanted}; train it again")]
    WrongSpecialists {
        /// The file.
        path: PathBuf,
        /// The card's.
        model: String,
        /// The run's.
        wanted: String,
    },
    /// The file is no sound model, or not what its card says. Get it again.
    #[error("read {path}: {reason}")]
    Unsound {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// ONNX Runtime does not take the model. Train or export it again.
    #[error("open {path}: ONNX Runtime refuses it: {reason}")]
    Rejected {
        /// The file.
        path: PathBuf,
        /// What the library says.
        reason: String,
    },
    /// The execution provider asked for is not there. Install it or ask for another.
    #[error("open {path} on {wanted}: {reason}; ask for auto or cpu to run without it")]
    NoProvider {
        /// The file.
        path: PathBuf,
        /// The provider.
        wanted: Provider,
        /// Why it cannot be had.
        reason: String,
    },
    /// ONNX Runtime cannot be used.
    #[error(transparent)]
    Library(#[from] LibraryError),
}

impl Model {
    /// Reads the model at `path` and the card beside it.
    ///
    /// # Errors
    /// [`ModelError`] when either is missing or unsound, or they do not belong together. ONNX Runtime is not needed.
    pub fn read(path: &Path) -> Result<Self, ModelError> {
        let bytes = plain_file::read(path).map_err(|source| {
            let missing = source.kind() == std::io::ErrorKind::NotFound;
            let path = path.to_owned();
            if missing { ModelError::Missing { path } } else { ModelError::Io { path, source } }
        })?;
        let card = ModelCard::read(&ModelCard::path_beside(path)).map_err(|error| match error {
            CardError::Missing { path: card } => {
                ModelError::NoCard { path: path.to_owned(), card, what: uncarded::described(&bytes) }
            }
            error
            @ (CardError::UnknownFormat { .. } | CardError::Malformed { .. } | CardError::Io { .. }) => {
                ModelError::Card(error)
            }
        })?;
        let hash = ModelHash::of(&bytes);
        let path = path.to_owned();
        if hash != card.model {
            return Err(ModelError::HashMismatch { path, found: hash, card: card.model });
        }
        check_file(&bytes, &card).map_err(|reason| ModelError::Unsound { path: path.clone(), reason })?;
        Ok(Self { path, hash, card, bytes })
    }

    /// Checks that this is the model the configuration names.
    ///
    /// # Errors
    /// [`ModelError::NotPinned`].
    pub fn check_pinned(&self, pinned: Option<ModelHash>) -> Result<(), ModelError> {
        match pinned {
            Some(pinned) if pinned != self.hash => {
                Err(ModelError::NotPinned { path: self.path.clone(), found: self.hash, pinned })
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Checks that the card is the one the configuration names.
    ///
    /// # Errors
    /// [`ModelError::CardNotPinned`].
    pub fn check_card(&self, pinned: Option<ModelHash>) -> Result<(), ModelError> {
        let Some(pinned) = pinned else { return Ok(()) };
        let found = self.card.hash();
        if found.as_ref().is_ok_and(|found| *found == pinned) {
            return Ok(());
        }
        let found = found.map_or_else(|error| error.to_string(), |found| found.to_string());
        Err(ModelError::CardNotPinned { path: self.path.clone(), found, pinned })
    }

    /// Checks that the model reads the features and weighs the specialists of a run.
    ///
    /// # Errors
    /// [`ModelError::WrongFeatureSet`] or [`ModelError::WrongSpecialists`].
    pub fn check_expected(&self, expected: &Expected) -> Result<(), ModelError> {
        let path = || self.path.clone();
        if self.card.feature_set.digest != expected.feature_set.digest {
            let (model, wanted) = (self.card.feature_set.clone(), expected.feature_set.clone());
            return Err(ModelError::WrongFeatureSet { path: path(), model, wanted });
        }
        if self.card.specialists != expected.specialists {
            let (model, wanted) = (self.card.specialists.join(", "), expected.specialists.join(", "));
            return Err(ModelError::WrongSpecialists { path: path(), model, wanted });
        }
        Ok(())
    }
}

/// Checks what the file says of itself against the card.
fn check_file(bytes: &[u8], card: &ModelCard) -> Result<(), String> {
    let broken = || "it is no ONNX file, or cut short".to_owned();
    let file = ModelProto::from_bytes(bytes).ok_or_else(broken)?;
    let graph = file.graph.as_ref().ok_or_else(broken)?;
    if file.ir_version != card.ir_version {
        return Err(format!("its format version is {}, its card says {}", file.ir_version, card.ir_version));
    }
    let opset = file.opset();
    if opset != card.opset {
        return Err(format!("its operators are of version {opset}, its card says {}", card.opset));
    }
    let named = file.metadata_props.iter().find(|property| property.key == FEATURE_SET_PROPERTY);
    let digest = card.feature_set.digest.to_string();
    if let Some(named) = named.filter(|named| named.value != digest) {
        return Err(format!("it names feature set {}, its card {digest}", named.value));
    }
    let constants =
        graph.node.iter().flat_map(|node| &node.attribute).filter_map(|setting| setting.t.as_ref());
    graph.initializer.iter().chain(constants).try_for_each(check_weights)
}

/// A weight that is no number can hide behind an operator that swallows it, so every one is looked at.
fn check_weights(tensor: &TensorProto) -> Result<(), String> {
    if tensor.data_location != 0 {
        return Err(format!(
            "its weights {} lie in another file, which its hash does not cover",
            tensor.name
        ));
    }
    if tensor.data_type != FLOAT {
        return Ok(());
    }
    let raw = tensor.raw_data.chunks(4).map(|bytes| bytes.try_into().map_or(f32::NAN, f32::from_le_bytes));
    match raw.chain(tensor.float_data.iter().copied()).position(|weight| !weight.is_finite()) {
        Some(at) => Err(format!("weight {at} of {} is no finite number", tensor.name)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use engine_core::digest::Digest;

    use super::*;
    use crate::proto::{AttributeProto, NodeProto, StringStringEntryProto};
    use crate::test_models::{self, Layers};

    fn set() -> FeatureSetName {
        FeatureSetName { name: "test".into(), version: 1, digest: Digest([7, 8]) }
    }

    fn network() -> ModelProto {
        Layers { features: 2, hidden: vec![3], specialists: 2, seed: 1 }.network()
    }

    /// What reading says of `bytes` with a card that fits their hash.
    fn read(bytes: &[u8], change: impl Fn(&mut ModelCard)) -> Result<Model, ModelError> {
        let folder = tempfile::tempdir().unwrap();
        let mut card = test_models::card(bytes, set(), &["x", "y"], &["a", "b"]);
        change(&mut card);
        Model::read(&test_models::write(folder.path(), "model", bytes, &card))
    }

    fn said(model: &ModelProto) -> String {
        read(&model.to_bytes(), |_| {}).unwrap_err().to_string()
    }

    #[test]
    fn a_sound_model_is_read_with_its_card_without_any_library() {
        let bytes = network().to_bytes();
        let model = read(&bytes, |_| {}).unwrap();
        assert_eq!((model.hash, &model.bytes), (ModelHash::of(&bytes), &bytes));
        assert_eq!(model.card.specialists, ["a", "b"]);
    }

    #[test]
    fn a_truncated_file_is_found_by_its_hash_and_else_by_its_structure() {
        let bytes = network().to_bytes();
        let cut = bytes.get(..bytes.len() - 7).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let card = test_models::card(&bytes, set(), &["x", "y"], &["a", "b"]);
        let path = test_models::write(folder.path(), "model", cut, &card);
        assert!(matches!(Model::read(&path), Err(ModelError::HashMismatch { .. })));
        let structure = read(cut, |_| {}).unwrap_err().to_string();
        assert!(structure.ends_with("it is no ONNX file, or cut short"), "{structure}");
        let empty = read(b"", |_| {}).unwrap_err().to_string();
        assert!(empty.ends_with("it is no ONNX file, or cut short"), "{empty}");
    }

    #[test]
    fn a_missing_file_and_a_missing_card_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.onnx");
        assert!(matches!(Model::read(&path), Err(ModelError::Missing { .. })));
        std::fs::write(&path, network().to_bytes()).unwrap();
        assert!(matches!(Model::read(&path), Err(ModelError::NoCard { .. })));
    }

    #[test]
    fn a_card_that_says_other_things_than_its_file_is_refused() {
        let bytes = network().to_bytes();
        let opset = read(&bytes, |card| card.opset = 18).unwrap_err().to_string();
        assert!(opset.ends_with("its operators are of version 17, its card says 18"), "{opset}");
        let ir = read(&bytes, |card| card.ir_version = 9).unwrap_err().to_string();
        assert!(ir.ends_with("its format version is 8, its card says 9"), "{ir}");
        let mut model = network();
        let named = |value: &str| StringStringEntryProto {
            key: FEATURE_SET_PROPERTY.to_owned(),
            value: value.to_owned(),
        };
        model.metadata_props = vec![named(&set().digest.to_string())];
        assert!(read(&model.to_bytes(), |_| {}).is_ok());
        model.metadata_props = vec![named("abc")];
        assert!(said(&model).contains("it names feature set abc"));
    }

    #[test]
    fn a_weight_that_is_no_number_is_found_however_it_is_stored() {
        let spoiled = |spoil: fn(&mut TensorProto)| {
            let mut model = network();
            spoil(&mut model.graph.as_mut().unwrap().initializer[1]);
            said(&model)
        };
        let raw = spoiled(|tensor| tensor.raw_data[4..8].copy_from_slice(&f32::NAN.to_le_bytes()));
        assert!(raw.ends_with("weight 1 of hidden0.b is no finite number"), "{raw}");
        let infinite = spoiled(|tensor| tensor.raw_data[8..].copy_from_slice(&f32::INFINITY.to_le_bytes()));
        assert!(infinite.ends_with("weight 2 of hidden0.b is no finite number"), "{infinite}");
        let listed = spoiled(|tensor| {
            tensor.raw_data.clear();
            tensor.float_data = vec![0.0, 1.0, f32::NAN];
        });
        assert!(listed.ends_with("weight 2 of hidden0.b is no finite number"), "{listed}");
        let constant = {
            let mut model = network();
            let mut value = AttributeProto::float("value", 0.0);
            value.t = Some(TensorProto::floats("c", &[1], &[f32::NAN]));
            model.graph.as_mut().unwrap().node.push(NodeProto::new("Constant", &[], &["c"]).with(value));
            said(&model)
        };
        assert!(constant.ends_with("weight 0 of c is no finite number"), "{constant}");
        let elsewhere = spoiled(|tensor| tensor.data_location = 1);
        assert!(elsewhere.contains("lie in another file"), "{elsewhere}");
    }
}
