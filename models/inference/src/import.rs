//! A model from elsewhere taken into a registry: what its file says by itself, and a card with what the operator adds.

use std::path::{Path, PathBuf};

use engine_core::digest::Digest;
use engine_core::feature::market::MARKET_V1;

use crate::card::{CARD_FORMAT, CardError, FeatureSetName, ModelCard, TrainedFeature, TrainedSpan};
use crate::contract::{CONFIDENCE, FEATURES, RISK_SCALE, WEIGHTS};
use crate::library::Library;
use crate::model::{FEATURE_SET_PROPERTY, ModelError};
use crate::model_hash::ModelHash;
use crate::proto::{FLOAT, ModelProto, ValueInfoProto};
use crate::{plain_file, registry, uncarded};

/// The option with which an operator says that a model's inputs are computed as the engine computes its own features.
pub const OF_ENGINE: &str = "--features-of-engine";

/// What the file of a network says by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFacts {
    /// How many numbers go in.
    pub features: usize,
    /// How many numbers come out, or how many specialists a conductor weighs.
    pub answers: usize,
    /// Whether it answers as a conductor does.
    pub conducts: bool,
    /// Its inputs and outputs in words.
    pub ports: String,
    /// Version of its operators.
    pub opset: i64,
    /// Version of its file format.
    pub ir_version: i64,
    /// Program and version that wrote it.
    pub producer: String,
    /// The digest of the feature set it names, where it names one.
    pub feature_set: Option<String>,
}

/// What a card says that no file does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Name of the model and stem of its files.
    pub name: String,
    /// Its inputs with the ranges they had in training.
    pub features: Vec<TrainedFeature>,
    /// Whether the operator says that its inputs are computed as the engine computes its own features; equal names do not.
    pub features_of_engine: bool,
    /// What its answers are called; of a conductor, the specialists it weighs.
    pub answers: Vec<String>,
    /// The stretch of time it was trained on.
    pub trained: TrainedSpan,
    /// Where everything random in its training came from.
    pub seed: u64,
    /// Anything a reader should know.
    pub note: String,
}

/// Reads the plain file at `path`.
///
/// # Errors
/// [`ModelError::Missing`] or [`ModelError::Io`].
pub fn read_file(path: &Path) -> Result<Vec<u8>, ModelError> {
    plain_file::read(path).map_err(|source| {
        let missing = source.kind() == std::io::ErrorKind::NotFound;
        let path = path.to_owned();
        if missing { ModelError::Missing { path } } else { ModelError::Io { path, source } }
    })
}

impl FileFacts {
    /// What `bytes` say.
    ///
    /// # Errors
    /// Why they are no network that can be taken in, in words: no ONNX file, one that was cut off, or one with another
    /// shape than one row of 32-bit floats in and such rows out.
    pub fn of(bytes: &[u8]) -> Result<Self, String> {
        let described = uncarded::described(bytes);
        let model = ModelProto::from_bytes(bytes).filter(|_| described.starts_with(uncarded::SOUND));
        let Some((model, graph)) = model.and_then(|mut model| model.graph.take().map(|graph| (model, graph)))
        else {
            return Err(described);
        };
        let is_weight =
            |port: &ValueInfoProto| graph.initializer.iter().any(|weights| weights.name == port.name);
        let inputs: Vec<&ValueInfoProto> = graph.input.iter().filter(|port| !is_weight(port)).collect();
        let unfit = |why: &str| format!("{described}; {why}");
        let [input] = inputs.as_slice() else { return Err(unfit("it must have one input")) };
        let features =
            width(input).ok_or_else(|| unfit("its input must be a row f32[1, n] of fixed size"))?;
        let mut outputs = Vec::new();
        for output in &graph.output {
            let wide =
                width(output).ok_or_else(|| unfit("each output must be a row f32[1, n] of fixed size"))?;
            outputs.push((output.name.as_str(), wide));
        }
        let of_name = |name: &str| outputs.iter().find(|(found, _)| *found == name).map(|(_, wide)| *wide);
        let weights = of_name(WEIGHTS).filter(|_| outputs.len() == 3 && input.name == FEATURES);
        let conducts = of_name(RISK_SCALE) == Some(1) && of_name(CONFIDENCE) == Some(1);
        let (answers, conducts) = match (weights.filter(|_| conducts), outputs.as_slice()) {
            (Some(specialists), _) => (specialists, true),
            (None, [(_, wide)]) => (*wide, false),
            (None, _) => return Err(unfit("it must have one output, or those of a conductor")),
        };
        if let Some(node) = graph.foreign_operator() {
            return Err(unfit(&format!(
                "it uses the operator {:?} of {:?}, which is not ONNX's own",
                node.op_type, node.domain
            )));
        }
        let words = [model.producer_name.as_str(), model.producer_version.as_str()];
        let producer = words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
        let producer = if producer.is_empty() { "unknown".to_owned() } else { producer };
        let ports = described.split_once("; ").map_or(String::new(), |(_, ports)| ports.to_owned());
        let named = model.metadata_props.iter().find(|property| property.key == FEATURE_SET_PROPERTY);
        let feature_set = named.map(|property| property.value.clone());
        let (opset, ir_version) = (model.opset(), model.ir_version);
        Ok(Self { features, answers, conducts, ports, opset, ir_version, producer, feature_set })
    }

    /// The card of the network in `bytes`.
    ///
    /// # Errors
    /// In words, when its features are said to be the engine's and are called otherwise, or when its file says so and the
    /// operator does not.
    pub fn card(&self, bytes: &[u8], told: Told) -> Result<ModelCard, String> {
        let Told { name, features, features_of_engine, answers, trained, seed, note } = told;
        let feature_set = self.feature_set(&name, &features, features_of_engine)?;
        let (specialists, answers) =
            if self.conducts { (answers, Vec::new()) } else { (Vec::new(), answers) };
        Ok(ModelCard {
            format: CARD_FORMAT,
            model: ModelHash::of(bytes),
            feature_set,
            name,
            features,
            specialists,
            answers,
            datasets: Vec::new(),
            trained,
            seed,
            metrics: std::collections::BTreeMap::new(),
            opset: self.opset,
            ir_version: self.ir_version,
            producer: self.producer.clone(),
            note,
        })
    }

    /// The engine's own set where the operator says so and the names are its names; otherwise one of the model's own.
    fn feature_set(
        &self,
        name: &str,
        features: &[TrainedFeature],
        of_engine: bool,
    ) -> Result<FeatureSetName, String> {
        if of_engine {
            if is_named_as_engine(features) {
                return Ok(FeatureSetName::from(&MARKET_V1));
            }
            let names: Vec<&str> = MARKET_V1.features.iter().map(|own| own.name).collect();
            return Err(format!(
                "{OF_ENGINE}: the engine's own features are called {}, in this order",
                names.join(",")
            ));
        }
        if self.feature_set == Some(MARKET_V1.digest().to_string()) {
            return Err(format!(
                "it names the engine's own feature set; add {OF_ENGINE} if its features are computed as the engine's"
            ));
        }
        Ok(own_feature_set(name, features))
    }
}

/// Whether `features` are called as the engine's own, which says nothing of how they are computed.
#[must_use]
pub fn is_named_as_engine(features: &[TrainedFeature]) -> bool {
    MARKET_V1.features.iter().map(|own| own.name).eq(features.iter().map(|given| given.name.as_str()))
}

/// A set that is told by the names of its features, and is never the engine's.
fn own_feature_set(name: &str, features: &[TrainedFeature]) -> FeatureSetName {
    let mut hasher = blake3::Hasher::new_derive_key("models-inference 2026 names of foreign features 1");
    for feature in features {
        hasher.update(&(feature.name.len() as u64).to_le_bytes());
        hasher.update(feature.name.as_bytes());
    }
    let hash = hasher.finalize();
    let half = |from: usize| {
        let bytes = hash.as_bytes().iter().skip(from).take(8);
        bytes.fold(0_u64, |number, byte| (number << 8) | u64::from(*byte))
    };
    FeatureSetName { name: format!("{name} inputs"), version: 1, digest: Digest([half(0), half(8)]) }
}

/// The size of a port that is one row of 32-bit floats.
fn width(port: &ValueInfoProto) -> Option<usize> {
    let tensor = port.r#type.as_ref()?.tensor_type.as_ref().filter(|tensor| tensor.elem_type == FLOAT)?;
    match tensor.shape.as_ref()?.dim.as_slice() {
        [rows, wide] if rows.dim_value == Some(1) => {
            usize::try_from(wide.dim_value?).ok().filter(|wide| *wide > 0)
        }
        _ => None,
    }
}

/// Puts a model and its card into `folder` and proves them with `library`; what does not stand the proof is taken out
/// again. Answers the path of the model.
///
/// # Errors
/// [`ModelError`]; nothing is left then.
pub fn put(folder: &Path, bytes: &[u8], card: &ModelCard, library: &Library) -> Result<PathBuf, ModelError> {
    let path = folder.join(format!("{}.onnx", card.name));
    let beside = ModelCard::path_beside(&path);
    let failed = |source| ModelError::Io { path: path.clone(), source };
    std::fs::create_dir_all(folder).map_err(failed)?;
    if let Some(there) = [&path, &beside].into_iter().find(|place| place.exists()) {
        let source = std::io::Error::from(std::io::ErrorKind::AlreadyExists);
        return Err(CardError::Io { action: "write", path: there.clone(), source }.into());
    }
    let written = std::fs::write(&path, bytes).map_err(failed);
    let proven =
        written.and_then(|()| Ok(card.write(&beside)?)).and_then(|()| registry::verify(&path, library));
    match proven {
        Ok(_) => Ok(path),
        Err(error) => {
            for place in [&path, &beside] {
                let _ = std::fs::remove_file(place);
            }
            Err(error)
        }
    }
}

#[cfg(test)]
mod tests {
    use engine_core::real::Real;
    use engine_core::time::Timestamp;

    use super::*;
    use crate::proto::{AttributeProto, GraphProto, NodeProto, OperatorSetIdProto, StringStringEntryProto};
    use crate::test_models::Layers;

    fn network() -> ModelProto {
        Layers { features: 2, hidden: vec![3], specialists: 2, seed: 1 }.network()
    }

    fn set(domain: &str) -> OperatorSetIdProto {
        OperatorSetIdProto { domain: domain.to_owned(), version: 3 }
    }

    #[test]
    fn operators_of_others_are_refused_where_they_are_used_and_only_there() {
        let mut spelled = network();
        spelled.opset_import[0].domain = "ai.onnx".to_owned();
        spelled.graph.as_mut().unwrap().node[0].domain = "ai.onnx".to_owned();
        assert_eq!(FileFacts::of(&spelled.to_bytes()).unwrap().opset, 17);
        let mut declared = network();
        declared.opset_import.insert(0, set("com.example"));
        assert_eq!(FileFacts::of(&declared.to_bytes()).unwrap().opset, 17);

        let foreign = NodeProto { domain: "com.example".to_owned(), ..NodeProto::new("Own", &["a"], &["b"]) };
        let mut used = declared.clone();
        used.graph.as_mut().unwrap().node.push(foreign.clone());
        let branch = GraphProto { node: vec![foreign], ..GraphProto::default() };
        let setting =
            AttributeProto { name: "then_branch".to_owned(), r#type: 5, ..AttributeProto::default() };
        let mut within = declared.clone();
        let setting = AttributeProto { g: Some(branch), ..setting };
        within.graph.as_mut().unwrap().node.push(NodeProto::new("If", &["c"], &["b"]).with(setting));
        for model in [used, within] {
            let said = FileFacts::of(&model.to_bytes()).unwrap_err();
            assert!(said.contains("the operator \"Own\" of \"com.example\""), "{said}");
        }
    }

    fn told(names: &[&str], features_of_engine: bool) -> Told {
        let feature =
            |name: &&str| TrainedFeature { name: (*name).to_owned(), min: Real::ZERO, max: Real::ONE };
        Told {
            name: "foreign".to_owned(),
            features: names.iter().map(feature).collect(),
            features_of_engine,
            answers: vec!["a".to_owned(), "b".to_owned()],
            trained: TrainedSpan { from: Timestamp::default(), to: Timestamp::default() },
            seed: 7,
            note: String::new(),
        }
    }

    #[test]
    fn names_alone_do_not_make_features_those_of_the_engine() {
        let names: Vec<&str> = MARKET_V1.features.iter().map(|own| own.name).collect();
        let mut model = network();
        let digest = |model: &ModelProto, told: Told| {
            let bytes = model.to_bytes();
            FileFacts::of(&bytes).unwrap().card(&bytes, told).map(|card| card.feature_set.digest)
        };
        assert_ne!(digest(&model, told(&names, false)), Ok(MARKET_V1.digest()));
        assert_eq!(digest(&model, told(&names, true)), Ok(MARKET_V1.digest()));
        let said = digest(&model, told(&["x", "y"], true)).unwrap_err();
        assert!(said.contains(OF_ENGINE) && said.contains(names[0]), "{said}");

        let (key, value) = (FEATURE_SET_PROPERTY.to_owned(), MARKET_V1.digest().to_string());
        model.metadata_props.push(StringStringEntryProto { key, value });
        assert!(digest(&model, told(&names, false)).unwrap_err().contains(OF_ENGINE));
        assert_eq!(digest(&model, told(&names, true)), Ok(MARKET_V1.digest()));
    }
}
