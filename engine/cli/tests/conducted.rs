//! Runs conducted by a model: recorded, replayed without it, and asked again.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use engine_core::feature::market::MARKET_V1;
use engine_core::real::Real;
use models_inference::test_models::{self, Layers};
use serde_json::{Value, json};
use strategies::ensemble::sleeve_weights::SLEEVES;

/// A folder with a market, a model and a configuration, and ONNX Runtime to conduct by it.
struct House {
    dir: tempfile::TempDir,
    library: PathBuf,
}

const CONFIG: &str = "\
[run]
capital = \"100000\"
[costs]
taker_fee = \"0.1%\"
[risk]
account = \"cash\"
drawdown_max = 1
[strategy]
name = \"rg-ens12\"
[conductor]
kind = \"model\"
model = \"model.onnx\"
provider = \"cpu\"
";

impl House {
    fn new() -> Option<Self> {
        let library = test_models::library(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")))?;
        let house = Self { dir: tempfile::tempdir().unwrap(), library: library.path().to_owned() };
        house.put_model(1, 10.0);
        std::fs::write(house.path("c.toml"), CONFIG).unwrap();
        house.answer("synth --dataset data --seed 3 --bars 700 --interval 1d", 0);
        Some(house)
    }

    fn path(&self, below: &str) -> PathBuf {
        self.dir.path().join(below)
    }

    /// A model from `seed`, with features from −`range` to `range` in its alleged training.
    fn put_model(&self, seed: u64, range: f64) {
        let features: Vec<&str> = MARKET_V1.features.iter().map(|feature| feature.name).collect();
        let layers =
            Layers { features: features.len(), hidden: vec![32, 16], specialists: SLEEVES.len(), seed };
        let model = layers.network().to_bytes();
        let mut card = test_models::card(&model, (&MARKET_V1).into(), &features, &SLEEVES);
        for feature in &mut card.features {
            (feature.min, feature.max) = (Real::new(-range).unwrap(), Real::new(range).unwrap());
        }
        let _ = test_models::write(self.dir.path(), "model", &model, &card);
    }

    fn run(&self, library: &Path, line: &str) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_engine"));
        command.args(line.split_whitespace()).arg("--json").current_dir(self.dir.path());
        command.env("XDG_CONFIG_HOME", self.path("config")).env("HOME", self.dir.path());
        command.env("ORT_DYLIB_PATH", library).output().unwrap()
    }

    fn answer_with(&self, library: &Path, line: &str, code: i32) -> Value {
        let output = self.run(library, line);
        let text = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{line}: {text} {errors}");
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{line}: {error}: {text}"))
    }

    fn answer(&self, line: &str, code: i32) -> Value {
        self.answer_with(&self.library, line, code)
    }
}

/// A path at which there is no library.
fn nowhere() -> &'static Path {
    Path::new("/nowhere/libonnxruntime.so")
}

#[test]
fn a_conducted_run_repeats_and_replays_with_model_and_library_removed() {
    let Some(house) = House::new() else { return };
    let run = house.answer("backtest c.toml --run a --dataset data", 0);
    let counts = &run["counts"];
    let questions = counts["questions"].as_u64().unwrap();
    let warming = counts["degraded"]["too few bars for the features"].as_u64().unwrap();
    assert!(questions > warming + 300, "{counts}");
    assert_eq!(
        counts["degraded"].as_object().unwrap().len(),
        1,
        "the model answers once it has features: {counts}"
    );
    assert_eq!(counts["missed_answers"], 0);
    assert!(run["fills"].as_u64().unwrap() > 0, "the answers lead to orders");
    let model = counts["inference"]["model"].as_str().unwrap();
    assert!(model.len() == 64 && model.bytes().all(|digit| digit.is_ascii_hexdigit()), "{counts}");
    let again = house.answer("backtest c.toml --run b --dataset data", 0);
    assert_eq!(run["head"], again["head"], "the same inputs give the same run, model and all");
    let first = house.answer("show a --kind inference", 0);
    let setup = first["events"][0].to_string();
    assert!(setup.contains("onnxruntime") && setup.contains("cpu"), "{setup}");
    house.put_model(2, 10.0);
    let other = house.answer("backtest c.toml --run c --dataset data", 0);
    assert_ne!(run["head"], other["head"], "another model is another run");
    std::fs::remove_file(house.path("model.onnx")).unwrap();
    std::fs::remove_file(house.path("model.card.json")).unwrap();
    let _ = house.answer_with(nowhere(), "replay a --check", 0);
    let _ = house.answer_with(nowhere(), "verify a", 0);
}

#[test]
fn the_model_asked_again_gives_the_recorded_answers_and_another_is_refused() {
    let Some(house) = House::new() else { return };
    let run = house.answer("backtest c.toml --run a --dataset data", 0);
    let audit = house.answer("replay a --reinfer --model model.onnx", 0);
    assert_eq!(audit["questions"], run["counts"]["questions"]);
    let asked = audit["asked_again"].as_u64().unwrap();
    assert!(asked > 300, "{audit}");
    assert_eq!(Some(asked + audit["answered_by_rule"].as_u64().unwrap()), audit["questions"].as_u64());
    assert_eq!(audit["equal"], asked);
    assert_eq!(audit["beyond_tolerance"], 0);
    let without = house.answer_with(nowhere(), "replay a --reinfer --model model.onnx", 2);
    assert!(without["error"]["message"].as_str().unwrap().contains("run .ci/fetch-onnxruntime"), "{without}");
    house.put_model(2, 10.0);
    let other = house.answer("replay a --reinfer --model model.onnx", 2);
    assert!(other["error"]["message"].as_str().unwrap().contains("the configuration wants"), "{other}");
}

#[test]
fn without_its_library_or_model_a_run_is_refused_or_degraded_as_configured() {
    let Some(house) = House::new() else { return };
    let refused = house.answer_with(nowhere(), "backtest c.toml --run a --dataset data", 2);
    assert!(refused["error"]["message"].as_str().unwrap().contains("there is no such file"), "{refused}");
    std::fs::write(house.path("d.toml"), format!("{CONFIG}on_failure = \"degrade\"\n")).unwrap();
    let degraded = house.answer_with(nowhere(), "backtest d.toml --run d --dataset data", 0);
    let elsewhere = Path::new("/nowhere/else/libonnxruntime.so");
    let moved = house.answer_with(elsewhere, "backtest d.toml --run moved --dataset data", 0);
    assert_eq!(degraded["head"], moved["head"], "where the library is missing is no part of a run");
    let setup = &degraded["counts"]["inference"];
    assert_eq!((&setup["wanted"], &setup["running"]), (&json!("cpu"), &json!("rule")), "{setup}");
    assert!(setup["reason"].as_str().unwrap().contains("there is no such file"), "{setup}");
    let by_rule: u64 =
        degraded["counts"]["degraded"].as_object().unwrap().values().filter_map(Value::as_u64).sum();
    assert_eq!(Some(by_rule), degraded["counts"]["questions"].as_u64(), "every answer says why");
    std::fs::write(house.path("model.onnx"), "cut short").unwrap();
    let refused = house.answer("backtest c.toml --run e --dataset data", 2);
    assert!(refused["error"]["message"].as_str().unwrap().contains("its card says"), "{refused}");
}

#[test]
fn features_outside_the_training_are_counted_and_the_run_goes_on() {
    let Some(house) = House::new() else { return };
    // Nothing a market does fits into these ranges.
    house.put_model(1, 1e-9);
    let run = house.answer("backtest c.toml --run a --dataset data", 0);
    let by_rule: u64 =
        run["counts"]["degraded"].as_object().unwrap().values().filter_map(Value::as_u64).sum();
    assert_eq!(Some(by_rule), run["counts"]["questions"].as_u64());
    let text = run["counts"]["degraded"].to_string();
    assert!(text.contains("range"), "{text}");
    let audit = house.answer("replay a --reinfer --model model.onnx", 0);
    assert_eq!((&audit["asked_again"], &audit["answered_by_rule"]), (&json!(0), &run["counts"]["questions"]));
}
