//! A folder of models, each `NAME.onnx` with `NAME.card.json` beside it.
//!
//! A model is asked for by path, by name, or by the beginning of its hash, never by being the newest.

use std::path::{Path, PathBuf};

use engine_core::conductor::InferenceSetup;
use engine_runtime::conductor::{Conductor as _, RuleConductor};

use crate::card::ModelCard;
use crate::library::Library;
use crate::model::{Model, ModelError};
use crate::onnx::{ConductorOptions, OnnxConductor};
use crate::plain_network;
use crate::session::Provider;

/// Where models lie when nothing else is said, from the root of the project.
pub const REGISTRY: &str = "models/registry";

/// How many digits of a hash name a model.
const HASH_DIGITS_MIN: usize = 8;

/// One model of a folder, sound or not.
#[derive(Debug)]
pub struct Entry {
    /// Its file.
    pub path: PathBuf,
    /// The model, or what is wrong with it.
    pub model: Result<Model, ModelError>,
}

impl Entry {
    /// The file's name without its ending.
    #[must_use]
    pub fn name(&self) -> String {
        self.path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
    }
}

/// The models in `folder`, by name; a card without its model is listed as one that is missing.
///
/// # Errors
/// [`ModelError::Io`] when the folder cannot be read.
pub fn list(folder: &Path) -> Result<Vec<Entry>, ModelError> {
    let refused = |source| ModelError::Io { path: folder.to_owned(), source };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(refused)? {
        let path = entry.map_err(refused)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.ends_with(".onnx") {
            paths.push(path);
        } else if let Some(stem) = name.strip_suffix(".card.json") {
            paths.push(folder.join(format!("{stem}.onnx")));
        }
    }
    paths.sort();
    paths.dedup();
    let entry = |path: PathBuf| Entry { model: Model::read(&path), path };
    Ok(paths.into_iter().map(entry).collect())
}

/// The file of the model that `asked` names: a path, or a name or the first eight or more digits of a hash in `folder`.
///
/// # Errors
/// [`ModelError::Missing`] when there is none, [`ModelError::Ambiguous`] when the digits name several.
pub fn find(folder: &Path, asked: &str) -> Result<PathBuf, ModelError> {
    let path = PathBuf::from(asked);
    let named = folder.join(format!("{asked}.onnx"));
    if let Some(file) = [path.clone(), named].into_iter().find(|path| path.is_file()) {
        return Ok(file);
    }
    let missing = || ModelError::Missing { path };
    if asked.len() < HASH_DIGITS_MIN || !asked.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Err(missing());
    }
    let digits = asked.to_ascii_lowercase();
    let models = list(folder)?.into_iter().filter_map(|entry| entry.model.ok());
    let found: Vec<PathBuf> =
        models.filter(|model| model.hash.to_string().starts_with(&digits)).map(|model| model.path).collect();
    match found.as_slice() {
        [] => Err(missing()),
        [path] => Ok(path.clone()),
        [_, ..] => Err(ModelError::Ambiguous { asked: asked.to_owned(), found: found.len() }),
    }
}

/// Checks everything that can be checked of a model without data: file, hash, card, shapes, weights, and that it
/// answers when tried on the middle of its training ranges.
///
/// # Errors
/// [`ModelError`], the first thing that is wrong.
pub fn verify(path: &Path, library: &Library) -> Result<(ModelCard, InferenceSetup), ModelError> {
    let model = Model::read(path)?;
    if !model.card.answers.is_empty() {
        let setup = plain_network::try_out(&model, library)?;
        return Ok((model.card, setup));
    }
    let rule = RuleConductor::uniform(model.card.specialists.len());
    let options = ConductorOptions { provider: Provider::Cpu, ..ConductorOptions::new(path) };
    let conductor = OnnxConductor::of(&model, library, &options, rule)?;
    Ok((model.card, conductor.setup()))
}

#[cfg(test)]
mod tests {
    use engine_core::digest::Digest;

    use super::*;
    use crate::card::FeatureSetName;
    use crate::test_models::{self, Layers};

    fn put(folder: &Path, name: &str, seed: u64) -> Vec<u8> {
        let bytes = Layers { features: 2, hidden: vec![3], specialists: 2, seed }.network().to_bytes();
        let set = FeatureSetName { name: "test".into(), version: 1, digest: Digest([7, 8]) };
        let _ = test_models::write(
            folder,
            name,
            &bytes,
            &test_models::card(&bytes, set, &["x", "y"], &["a", "b"]),
        );
        bytes
    }

    #[test]
    fn models_are_listed_by_name_with_what_is_wrong_with_each() {
        let folder = tempfile::tempdir().unwrap();
        for (name, seed) in [("cut", 1), ("bare", 2), ("away", 3), ("sound", 4)] {
            put(folder.path(), name, seed);
        }
        let at = |file: &str| folder.path().join(file);
        std::fs::write(at("cut.onnx"), "half").unwrap();
        std::fs::remove_file(at("bare.card.json")).unwrap();
        std::fs::remove_file(at("away.onnx")).unwrap();
        std::fs::write(at("README.md"), "no model").unwrap();
        let entries = list(folder.path()).unwrap();
        let names: Vec<String> = entries.iter().map(Entry::name).collect();
        assert_eq!(names, ["away", "bare", "cut", "sound"]);
        let [away, bare, cut, sound] = entries.as_slice() else { panic!("four models") };
        assert!(matches!(away.model, Err(ModelError::Missing { .. })));
        assert!(matches!(bare.model, Err(ModelError::NoCard { .. })));
        assert!(matches!(cut.model, Err(ModelError::HashMismatch { .. })));
        assert!(sound.model.is_ok());
        assert!(matches!(list(&at("nowhere")), Err(ModelError::Io { .. })));
    }

    #[test]
    fn a_model_is_found_by_path_name_or_hash() {
        let folder = tempfile::tempdir().unwrap();
        let bytes = put(folder.path(), "one", 1);
        put(folder.path(), "two", 2);
        let one = folder.path().join("one.onnx");
        let hash = crate::model_hash::ModelHash::of(&bytes).to_string();
        for asked in [one.to_str().unwrap(), "one", &hash, &hash[..8], &hash.to_uppercase()] {
            assert_eq!(find(folder.path(), asked).unwrap(), one, "{asked}");
        }
        for asked in ["three", &hash[..7], "00000000"] {
            assert!(matches!(find(folder.path(), asked), Err(ModelError::Missing { .. })), "{asked}");
        }
        put(folder.path(), "same", 1);
        assert!(matches!(find(folder.path(), &hash), Err(ModelError::Ambiguous { found: 2, .. })));
    }

    #[test]
    fn a_model_is_verified_whole() {
        let Some(library) = test_models::library(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")))
        else {
            return;
        };
        let folder = tempfile::tempdir().unwrap();
        put(folder.path(), "sound", 1);
        let path = folder.path().join("sound.onnx");
        let (card, setup) = verify(&path, &library).unwrap();
        assert_eq!((card.name.as_str(), setup.running.as_str()), ("specimen", "cpu"));
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[100] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        assert!(matches!(verify(&path, &library), Err(ModelError::HashMismatch { .. })));
    }
}
