//! `models import`: a network from elsewhere, with a card, into a registry.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use engine_core::real::Real;
use models_inference::card::{ModelCard, TrainedFeature, TrainedSpan};
use models_inference::import::{FileFacts, OF_ENGINE, Told, is_named_as_engine, put, read_file};
use models_inference::library::Library;
use models_inference::model::ModelError;
use models_inference::registry::REGISTRY;
use serde_json::{Value, json};

use crate::commands::arguments::moment;
use crate::output::failure::{Failure, Verdict};
use crate::output::terminal::Terminal;

/// `engine models import`.
#[derive(Debug, Args)]
pub struct ModelsImportArgs {
    /// The network: a file in ONNX, or with --layout weights in JSON or safetensors.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// What the weights are those of.
    #[arg(long, value_enum)]
    pub layout: Option<Layout>,
    /// The folder it is put into, under its name.
    #[arg(long, value_name = "DIR", default_value = REGISTRY)]
    pub registry: PathBuf,
    /// Its name; that of the file when absent.
    #[arg(long)]
    pub name: Option<String>,
    /// Its inputs with the ranges they had in training, in their order, as in drift=-2.7..3.1,vol=0..9; names alone with --examples.
    #[arg(long, value_name = "NAME=MIN..MAX,…")]
    pub features: Option<String>,
    /// Its inputs are computed as the engine computes its own features of those names, so that it may conduct; equal names
    /// alone do not say so.
    #[arg(long)]
    pub features_of_engine: bool,
    /// Rows it was trained on, a JSON array of objects with an array `features`: the ranges are theirs.
    #[arg(long, value_name = "FILE.json")]
    pub examples: Option<PathBuf>,
    /// What the numbers it answers are called; of a conductor, the specialists it weighs.
    #[arg(long, value_name = "NAME,…")]
    pub answers: Option<String>,
    /// The days it was trained on, the second not in it.
    #[arg(long, value_name = "FROM..TO", value_parser = span)]
    pub trained: Option<TrainedSpan>,
    /// Where everything random in its training came from.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Anything a reader should know.
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub note: String,
    /// The file of ONNX Runtime; searched for when absent.
    #[arg(long, value_name = "FILE")]
    pub library: Option<PathBuf>,
}

/// What weights are those of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Layout {
    /// The original system's domain-adversarial network: 13 inputs, features 128-128-64, prediction 128-128-12.
    Dann,
}

fn span(text: &str) -> Result<TrainedSpan, String> {
    let (from, to) = text.split_once("..").ok_or("a span, as in 2018-01-01..2024-01-01")?;
    Ok(TrainedSpan { from: moment(from)?, to: moment(to)? })
}

/// The bytes of the ONNX file, and the names the layout gives inputs and answers.
type Network = (Vec<u8>, Option<(Vec<String>, Vec<String>)>);

/// Runs `engine models import`.
///
/// # Errors
/// [`Failure`] when the file is no network that can be taken in, when its card needs what was not told, or when what came
/// of it does not stand `models verify`; nothing is left in the registry then.
pub(super) fn import(terminal: Terminal, args: &ModelsImportArgs) -> Result<Verdict, Failure> {
    let refused = |reason: String| Failure::request(format!("import {}: {reason}", args.file.display()));
    let (bytes, names) = network(args)?;
    let facts = FileFacts::of(&bytes).map_err(refused)?;
    let told = told(args, &facts, names).map_err(refused)?;
    let card = facts.card(&bytes, told).map_err(refused)?;
    let library = Library::load(args.library.as_deref()).map_err(ModelError::from)?;
    let path = put(&args.registry, &bytes, &card, &library)?;
    let document =
        json!({ "model": path.display().to_string(), "hash": card.model.to_string(), "card": card });
    let beside = ModelCard::path_beside(&path);
    let mut text = format!("{} with its card {}; {}\n", path.display(), beside.display(), facts.ports);
    if is_named_as_engine(&card.features) && !args.features_of_engine {
        text.push_str("its features are called as the engine's own and taken for others; ");
        text.push_str(&format!("if they are computed as the engine's, import it with {OF_ENGINE}\n"));
    }
    terminal.answer(&document, &text)?;
    Ok(Verdict::Fine)
}

#[cfg(feature = "training")]
fn network(args: &ModelsImportArgs) -> Result<Network, Failure> {
    use models_training::{dann_layout, onnx, weights_file};
    let Some(Layout::Dann) = args.layout else { return Ok((read_file(&args.file)?, None)) };
    let tensors = weights_file::read(&args.file)?;
    let graph = dann_layout::graph(&tensors)
        .map_err(|reason| Failure::request(format!("import {}: {reason}", args.file.display())))?;
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let names = (owned(&dann_layout::INPUT_NAMES), owned(&dann_layout::OUTPUT_NAMES));
    Ok((onnx::to_bytes(&graph, "dann", &[]), Some(names)))
}

#[cfg(not(feature = "training"))]
fn network(args: &ModelsImportArgs) -> Result<Network, Failure> {
    if args.layout.is_some() {
        let line = "import weights: this program was built without training; build it with it".to_owned();
        return Err(Failure::request(line));
    }
    Ok((read_file(&args.file)?, None))
}

/// What the operator says; the error names every option that is missing.
fn told(
    args: &ModelsImportArgs,
    facts: &FileFacts,
    names: Option<(Vec<String>, Vec<String>)>,
) -> Result<Told, String> {
    let (inputs, outputs) = names.unzip();
    let mut missing = Vec::new();
    let features = match (&args.features, &args.examples, inputs) {
        (Some(given), examples, _) => features(given, examples.as_deref())?,
        (None, Some(examples), Some(names)) => ranged(names, examples)?,
        (None, None, Some(_)) => {
            missing.push("--examples FILE.json, or --features NAME=MIN..MAX,…".to_owned());
            Vec::new()
        }
        (None, _, None) => {
            missing.push(format!("--features NAME=MIN..MAX,… ({} of them)", facts.features));
            Vec::new()
        }
    };
    let given = args.answers.as_deref().map(|text| listed("--answers", text)).transpose()?;
    let answers = given.or(outputs).unwrap_or_else(|| {
        let what = if facts.conducts { "specialists" } else { "numbers" };
        missing.push(format!("--answers NAME,… ({} {what})", facts.answers));
        Vec::new()
    });
    if args.trained.is_none() {
        missing.push("--trained FROM..TO".to_owned());
    }
    if args.seed.is_none() {
        missing.push("--seed N".to_owned());
    }
    let (Some(trained), Some(seed), true) = (args.trained, args.seed, missing.is_empty()) else {
        return Err(format!("its card needs what the file does not say; add {}", missing.join(", ")));
    };
    for (option, found, wanted) in
        [("--features", features.len(), facts.features), ("--answers", answers.len(), facts.answers)]
    {
        if found != wanted {
            return Err(format!("{option} names {found}, the network has {wanted}; {}", facts.ports));
        }
    }
    let stem = args.file.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let name = args.name.clone().or(stem).unwrap_or_default();
    if name.is_empty()
        || name.starts_with('.')
        || name.contains(['/', '\\'])
        || name.chars().any(char::is_control)
    {
        return Err(format!("{name:?} cannot name a model; give another with --name"));
    }
    let (features_of_engine, note) = (args.features_of_engine, args.note.clone());
    Ok(Told { name, features, features_of_engine, answers, trained, seed, note })
}

/// What stands between commas in `text`, which `option` gives.
fn listed(option: &str, text: &str) -> Result<Vec<String>, String> {
    let items: Vec<String> = text.split(',').map(|item| item.trim().to_owned()).collect();
    if items.iter().any(String::is_empty) {
        return Err(format!("{option}: {text:?} holds an empty name; write NAME,NAME,… without gaps"));
    }
    Ok(items)
}

/// Features as the command line gives them, their ranges from `examples` where it gives names alone.
fn features(text: &str, examples: Option<&Path>) -> Result<Vec<TrainedFeature>, String> {
    let items = listed("--features", text)?;
    if let Some(examples) = examples {
        if let Some(item) = items.iter().find(|item| item.contains('=')) {
            let name = item.split('=').next().unwrap_or_default().trim();
            let name = if name.is_empty() { "NAME" } else { name };
            return Err(format!(
                "--features: {item:?} has a range, and --examples gives ranges; write {name} alone, or leave out --examples"
            ));
        }
        return ranged(items, examples);
    }
    let form = |item: &str| format!("--features: {item:?} is not NAME=MIN..MAX; names alone need --examples");
    let feature = |item: String| {
        let (name, range) = item.split_once('=').ok_or_else(|| form(&item))?;
        let (min, max) = range.split_once("..").ok_or_else(|| form(&item))?;
        let real = |text: &str| text.trim().parse().ok().and_then(Real::new).ok_or_else(|| form(&item));
        let name = name.trim();
        if name.is_empty() {
            return Err(format!("--features: {item:?} has no name; write NAME{item}"));
        }
        Ok(TrainedFeature { name: name.to_owned(), min: real(min)?, max: real(max)? })
    };
    items.into_iter().map(feature).collect()
}

/// Features with the ranges they have in the rows of `examples`.
fn ranged(names: Vec<String>, examples: &Path) -> Result<Vec<TrainedFeature>, String> {
    let place = examples.display();
    let bytes = read_file(examples).map_err(|error| error.to_string())?;
    let rows: Vec<Value> =
        serde_json::from_slice(&bytes).map_err(|error| format!("read {place}: {error}"))?;
    let mut ranges = vec![(f64::INFINITY, f64::NEG_INFINITY); names.len()];
    for (number, row) in rows.iter().enumerate() {
        let values: Option<Vec<f64>> =
            row["features"].as_array().and_then(|values| values.iter().map(Value::as_f64).collect());
        let values = values.filter(|values| values.len() == names.len());
        let values =
            values.ok_or_else(|| format!("read {place}: row {number} has not {} features", names.len()))?;
        for ((min, max), value) in ranges.iter_mut().zip(values) {
            (*min, *max) = (min.min(value), max.max(value));
        }
    }
    let feature = |(name, (min, max)): (String, (f64, f64))| {
        let bounds = Real::new(min).zip(Real::new(max));
        let (min, max) = bounds.ok_or_else(|| format!("read {place}: it holds no rows"))?;
        Ok(TrainedFeature { name, min, max })
    };
    names.into_iter().zip(ranges).map(feature).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_and_answers_are_names_and_a_range_stands_in_one_place() {
        let sound = features("drift=-2.7..3.1, vol =0..9", None).unwrap();
        let names: Vec<&str> = sound.iter().map(|feature| feature.name.as_str()).collect();
        assert_eq!(names, ["drift", "vol"]);
        let folder = tempfile::tempdir().unwrap();
        let rows = folder.path().join("rows.json");
        std::fs::write(&rows, r#"[{"features": [1, 2]}, {"features": [3, 0]}]"#).unwrap();
        let ranged = features("drift,vol", Some(&rows)).unwrap();
        assert_eq!((ranged[1].min.get(), ranged[1].max.get()), (0.0, 2.0));
        for (text, examples, expected) in [
            ("drift=-2.7..3.1,vol=0..9", Some(rows.as_path()), "write drift alone, or leave out --examples"),
            ("drift,=0..9", Some(rows.as_path()), "write NAME alone"),
            ("drift,", Some(rows.as_path()), "holds an empty name; write NAME,NAME"),
            ("=0..1", None, "has no name; write NAME=0..1"),
            (" =0..1", None, "has no name; write NAME=0..1"),
            ("a=0..1,,b=0..1", None, "holds an empty name"),
            ("", None, "holds an empty name"),
        ] {
            let said = features(text, examples).unwrap_err();
            assert!(said.starts_with("--features: ") && said.contains(expected), "{text}: {said}");
        }
        for text in ["", "a,", ",", " "] {
            let said = listed("--answers", text).unwrap_err();
            assert!(said.starts_with("--answers: ") && said.contains("write NAME,NAME"), "{text}: {said}");
        }
        assert_eq!(listed("--answers", "up, down").unwrap(), ["up", "down"]);
    }
}
