//! `models ls`, `show`, `verify`, `bench` and `import`: looking after models, measuring them and taking them in.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use engine_core::conductor::InferenceSetup;
use engine_core::num::{Decimal, RATIO_DECIMALS, Ratio};
use engine_runtime::conductor::{Conductor as _, RuleConductor};
use models_inference::card::ModelCard;
use models_inference::latency::{Latencies, apart, measure};
use models_inference::library::Library;
use models_inference::model::{Model, ModelError};
use models_inference::onnx::{ConductorOptions, OnnxConductor};
use models_inference::registry::{self, Entry, REGISTRY};
use models_inference::session::Provider;
use serde_json::{Value, json};

use crate::output::failure::{Failure, Verdict};
use crate::output::progress::Line;
use crate::output::{table::columns, terminal::Terminal};
use engine_application::moment::moment_text;

mod import;

use import::ModelsImportArgs;

/// Questions over which a model on CUDA is compared with itself on the CPU.
const COMPARED: u64 = 1_000;

/// What to do with models.
#[derive(Debug, Subcommand)]
pub enum ModelsCommand {
    /// List the models of a folder.
    Ls {
        /// The folder.
        #[arg(default_value = REGISTRY)]
        dir: PathBuf,
    },
    /// Show the card of a model.
    Show {
        /// A path, or a name or the first digits of a hash in the registry.
        model: String,
        /// The folder in which names and hashes are looked up.
        #[arg(long, value_name = "DIR", default_value = REGISTRY)]
        registry: PathBuf,
    },
    /// Check a model, or every model of a folder: file, hash, card, shapes, weights, and that it answers.
    Verify(ModelsVerifyArgs),
    /// Measure how long a model takes for an answer, and say where it really runs.
    Bench(ModelsBenchArgs),
    /// Take a network from elsewhere into a registry: an ONNX file, or weights of a known layout, with a card.
    Import(ModelsImportArgs),
}

/// `engine models verify`.
#[derive(Debug, Args)]
pub struct ModelsVerifyArgs {
    /// A folder, a path, or a name or the first digits of a hash in the registry.
    #[arg(value_name = "MODEL|DIR")]
    pub model: String,
    /// The folder in which names and hashes are looked up.
    #[arg(long, value_name = "DIR", default_value = REGISTRY)]
    pub registry: PathBuf,
    /// The file of ONNX Runtime; searched for when absent.
    #[arg(long, value_name = "FILE")]
    pub library: Option<PathBuf>,
}

/// `engine models bench`.
#[derive(Debug, Args)]
pub struct ModelsBenchArgs {
    /// A path, or a name or the first digits of a hash in the registry.
    pub model: String,
    /// Where inference runs: auto, cuda or cpu. With auto the CPU stands in for CUDA, and the reason is shown.
    #[arg(long, value_name = "P", default_value = "auto")]
    pub provider: Provider,
    /// How many answers to measure.
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    pub calls: u64,
    /// The folder in which names and hashes are looked up.
    #[arg(long, value_name = "DIR", default_value = REGISTRY)]
    pub registry: PathBuf,
    /// The file of ONNX Runtime; searched for when absent.
    #[arg(long, value_name = "FILE")]
    pub library: Option<PathBuf>,
}

/// Runs `engine models`.
///
/// # Errors
/// [`Failure`] when a folder, a model or ONNX Runtime cannot be used; for `verify` an unsound model is a finding.
pub fn models(terminal: Terminal, command: &ModelsCommand) -> Result<Verdict, Failure> {
    match command {
        ModelsCommand::Ls { dir } => ls(terminal, dir),
        ModelsCommand::Show { model, registry } => show(terminal, registry, model),
        ModelsCommand::Verify(args) => verify(terminal, args),
        ModelsCommand::Bench(args) => bench(terminal, args),
        ModelsCommand::Import(args) => import::import(terminal, args),
    }
}

fn ls(terminal: Terminal, dir: &Path) -> Result<Verdict, Failure> {
    // A user without models has no such folder; another one that was named must be there.
    let is_unmade = dir == Path::new(REGISTRY) && !dir.exists();
    let entries = if is_unmade { Vec::new() } else { registry::list(dir)? };
    let documents: Vec<Value> = entries.iter().map(listed).collect();
    let rows: Vec<Vec<String>> = entries.iter().map(row).collect();
    let head = ["name", "hash", "features", "specialists", "trained to", "status"];
    let text = if rows.is_empty() { "no models\n".to_owned() } else { columns(&head, &rows) };
    terminal.answer(&json!({ "dir": dir.display().to_string(), "models": documents }), &text)?;
    Ok(Verdict::Fine)
}

fn listed(entry: &Entry) -> Value {
    let (hash, card, error) = match &entry.model {
        Ok(model) => (Some(model.hash.to_string()), json!(model.card), None),
        Err(error) => (None, Value::Null, Some(error.to_string())),
    };
    let path = entry.path.display().to_string();
    json!({ "name": entry.name(), "path": path, "hash": hash, "card": card, "error": error })
}

fn row(entry: &Entry) -> Vec<String> {
    let cells = match &entry.model {
        Ok(Model { hash, card, .. }) => [
            hash.to_string().chars().take(16).collect(),
            format!("{} of {}", card.features.len(), card.feature_set.name),
            card.specialists.len().to_string(),
            moment_text(card.trained.to),
            "sound".to_owned(),
        ],
        Err(error) => ["-", "-", "-", "-", &error.to_string()].map(str::to_owned),
    };
    [entry.name()].into_iter().chain(cells).collect()
}

fn show(terminal: Terminal, registry: &Path, asked: &str) -> Result<Verdict, Failure> {
    let Model { path, hash, card, bytes } = Model::read(&registry::find(registry, asked)?)?;
    let path = path.display().to_string();
    let card_hash = card.hash().map(|hash| hash.to_string()).unwrap_or_default();
    let document = json!({
        "path": path, "hash": hash.to_string(), "card_hash": card_hash, "bytes": bytes.len(), "card": card,
    });
    let heading = format!("{}\n{path}, {} bytes\nhash {hash}\ncard {card_hash}\n", card.name, bytes.len());
    terminal.answer(&document, &format!("{heading}{}", card_text(&card)))?;
    Ok(Verdict::Fine)
}

fn card_text(card: &ModelCard) -> String {
    let ModelCard { feature_set, specialists, answers, trained, seed, .. } = card;
    let ModelCard { producer, opset, ir_version, note, .. } = card;
    let mut text = format!("features {feature_set}\n");
    for (what, names) in [("specialists", specialists), ("answers", answers)] {
        if !names.is_empty() {
            text.push_str(&format!("{what} {}\n", names.join(", ")));
        }
    }
    let (from, to) = (moment_text(trained.from), moment_text(trained.to));
    text.push_str(&format!("trained on {from} to {to}, seed {seed}\n"));
    text.push_str(&format!("written by {producer}, operators {opset}, format {ir_version}\n"));
    if !note.is_empty() {
        text.push_str(&format!("note: {note}\n"));
    }
    let table = |title: &str, head: &[&str], rows: Vec<Vec<String>>| {
        if rows.is_empty() { String::new() } else { format!("\n{title}\n{}", columns(head, &rows)) }
    };
    let datasets = card
        .datasets
        .iter()
        .map(|dataset| vec![dataset.name.clone(), dataset.count.to_string(), dataset.digest.clone()]);
    text.push_str(&table("data", &["dataset", "records", "digest"], datasets.collect()));
    let metrics = card.metrics.iter().map(|(name, value)| vec![name.clone(), value.to_string()]);
    text.push_str(&table("figures", &["figure", "value"], metrics.collect()));
    let features = card
        .features
        .iter()
        .map(|feature| vec![feature.name.clone(), feature.min.to_string(), feature.max.to_string()]);
    text.push_str(&table("ranges in training", &["feature", "least", "greatest"], features.collect()));
    text
}

fn verify(terminal: Terminal, args: &ModelsVerifyArgs) -> Result<Verdict, Failure> {
    let folder = Path::new(&args.model);
    let paths: Vec<PathBuf> = if folder.is_dir() {
        registry::list(folder)?.into_iter().map(|entry| entry.path).collect()
    } else {
        vec![registry::find(&args.registry, &args.model)?]
    };
    let library = Library::load(args.library.as_deref()).map_err(ModelError::from)?;
    let mut text = String::new();
    let mut documents = Vec::new();
    let mut unsound = 0_usize;
    for path in &paths {
        let place = path.display().to_string();
        let error = registry::verify(path, &library).err().map(|error| error.to_string());
        text.push_str(&match &error {
            Some(error) => format!("FINDING {error}\n"),
            None => format!("sound: {place}\n"),
        });
        unsound += usize::from(error.is_some());
        documents.push(json!({ "path": place, "sound": error.is_none(), "finding": error }));
    }
    text.push_str(&format!("{} checked with {}, {unsound} not sound\n", paths.len(), library.name()));
    terminal.answer(&json!({ "library": library.name(), "models": documents }), &text)?;
    Ok(Verdict::finding_if(unsound > 0))
}

fn bench(terminal: Terminal, args: &ModelsBenchArgs) -> Result<Verdict, Failure> {
    let model = Model::read(&registry::find(&args.registry, &args.model)?)?;
    let library = Library::load(args.library.as_deref()).map_err(ModelError::from)?;
    let open = |provider| {
        let options = ConductorOptions { provider, ..ConductorOptions::new(&model.path) };
        OnnxConductor::of(&model, &library, &options, RuleConductor::uniform(model.card.specialists.len()))
    };
    let mut conductor = open(args.provider)?;
    let line = Line::records(terminal);
    let mut progress = |done| line.counted(done, args.calls);
    let latencies = measure(&mut conductor, &model.card, args.calls, &mut progress);
    drop(line);
    let setup = conductor.setup();
    let difference = match setup.running.as_str() {
        "cuda" => apart(&mut conductor, &mut open(Provider::Cpu)?, &model.card, COMPARED),
        _ => None,
    };
    let document = json!({
        "model": model.path.display().to_string(),
        "hash": model.hash.to_string(),
        "wanted": setup.wanted,
        "running": setup.running,
        "reason": setup.reason,
        "library": setup.library,
        "calls": latencies.calls,
        "degraded": latencies.degraded,
        "latency_us": {
            "p50": micros(latencies.p50_ns),
            "p99": micros(latencies.p99_ns),
            "p999": micros(latencies.p999_ns),
            "max": micros(latencies.max_ns),
        },
        "difference_to_cpu": difference.map(ratio_text),
    });
    terminal.answer(&document, &bench_text(&model, &setup, &latencies, difference))?;
    Ok(Verdict::finding_if(latencies.degraded > 0))
}

fn bench_text(
    model: &Model,
    setup: &InferenceSetup,
    latencies: &Latencies,
    difference: Option<Ratio>,
) -> String {
    let Latencies { calls, degraded, p50_ns, p99_ns, p999_ns, max_ns } = *latencies;
    let mut text = format!("{} ({})\n", model.card.name, model.path.display());
    text.push_str(&format!("asked for {}, running {} in {}\n", setup.wanted, setup.running, setup.library));
    if !setup.reason.is_empty() {
        text.push_str(&format!("reason: {}\n", setup.reason));
    }
    let [p50, p99, p999, max] = [p50_ns, p99_ns, p999_ns, max_ns].map(micros);
    text.push_str(&format!("{calls} answers one by one, in µs: half {p50:.1}, 99 % {p99:.1}, "));
    text.push_str(&format!("99.9 % {p999:.1}, longest {max:.1}\n"));
    if let Some(difference) = difference {
        let difference = ratio_text(difference);
        text.push_str(&format!("largest difference to the CPU over {COMPARED} answers: {difference}\n"));
    }
    if degraded > 0 {
        text.push_str(&format!("FINDING {degraded} answers were the rule's, not the model's\n"));
    }
    text
}

fn micros(nanos: u64) -> f64 {
    nanos as f64 / 1e3
}

fn ratio_text(ratio: Ratio) -> String {
    Decimal { units: ratio.units().into(), decimals: RATIO_DECIMALS }.to_string()
}
