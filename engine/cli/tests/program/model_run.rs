//! Runs conducted by a model: recorded, replayed without it, and asked again.

use std::path::Path;

use engine_core::feature::market::MARKET_V1;
use engine_core::real::Real;
use fake_exchange::{Dialect, Running};
use models_inference::test_models::{self, Layers};
use serde_json::{Value, json};
use strategies::ensemble::sleeve_weights::SLEEVES;

use crate::configuration::ENSEMBLE;
use crate::folder::Folder;
use crate::paper::{begun, count, exchange, ground, until};

fn config() -> String {
    format!("{ENSEMBLE}[conductor]\nkind = \"model\"\nmodel = \"model.onnx\"\nprovider = \"cpu\"\n")
}

/// A folder with a market, a model and a configuration, and ONNX Runtime to run it.
fn model_folder() -> Option<Folder> {
    let library = test_models::library(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")))?;
    let folder = Folder { library: Some(library.path().to_owned()), ..Folder::new() };
    put_model(&folder, 1, 10.0);
    folder.write("c.toml", &config());
    folder.text("synth --dataset data --seed 3 --bars 700 --interval 1d");
    Some(folder)
}

/// The JSON answer of a command that is told of another file of ONNX Runtime.
fn json_with(folder: &Folder, library: &Path, line: &str, code: i32) -> Value {
    let output = folder.command(line).arg("--json").env("ORT_DYLIB_PATH", library).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(code), "{line}: {text}");
    serde_json::from_str(&text).unwrap()
}

/// The market and the place of a run on paper that a model conducts; bars of a minute in a market sixty times as fast as
/// the clock on the wall.
fn paper_ground() -> Option<(Running, Folder)> {
    let library = test_models::library(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")))?;
    let exchange = exchange(Dialect::Binance, "BTCUSDT");
    let mut folder = ground(&exchange, "binance", "BTCUSDT");
    folder.library = Some(library.path().to_owned());
    put_model(&folder, 1, 10.0);
    let paper =
        std::fs::read_to_string(folder.path("paper.toml")).unwrap().replace("bars = 30", "bars = 760");
    let (market, _) = paper.split_once("[strategy]").unwrap();
    let conductor = "[conductor]\nkind = \"model\"\nmodel = \"model.onnx\"\nprovider = \"cpu\"\n";
    folder.write("paper.toml", &format!("{market}[strategy]\nname = \"rg-ens12\"\n{conductor}"));
    Some((exchange, folder))
}

/// A model from `seed`, with features from −`range` to `range` in its alleged training.
fn put_model(folder: &Folder, seed: u64, range: f64) {
    let features: Vec<&str> = MARKET_V1.features.iter().map(|feature| feature.name).collect();
    let layers = Layers { features: features.len(), hidden: vec![32, 16], specialists: SLEEVES.len(), seed };
    let model = layers.network().to_bytes();
    let mut card = test_models::card(&model, (&MARKET_V1).into(), &features, &SLEEVES);
    for feature in &mut card.features {
        (feature.min, feature.max) = (Real::new(-range).unwrap(), Real::new(range).unwrap());
    }
    let _ = test_models::write(folder.dir.path(), "model", &model, &card);
}

/// A path at which there is no library.
fn nowhere() -> &'static Path {
    Path::new("/nowhere/libonnxruntime.so")
}

#[test]
fn a_conducted_run_repeats_and_replays_with_model_and_library_removed() {
    let Some(folder) = model_folder() else { return };
    let run = folder.json("backtest c.toml --run a --dataset data", 0);
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
    let again = folder.json("backtest c.toml --run b --dataset data", 0);
    assert_eq!(run["head"], again["head"], "the same inputs give the same run, model and all");
    let first = folder.json("show a --kind inference", 0);
    let setup = first["events"][0].to_string();
    assert!(setup.contains("onnxruntime") && setup.contains("cpu"), "{setup}");
    put_model(&folder, 2, 10.0);
    let other = folder.json("backtest c.toml --run c --dataset data", 0);
    assert_ne!(run["head"], other["head"], "another model is another run");
    std::fs::remove_file(folder.path("model.onnx")).unwrap();
    std::fs::remove_file(folder.path("model.card.json")).unwrap();
    let _ = json_with(&folder, nowhere(), "replay a --check", 0);
    let _ = json_with(&folder, nowhere(), "verify a", 0);
}

#[test]
fn a_conducted_run_on_paper_is_killed_goes_on_and_replays_with_model_and_library_removed() {
    let Some((exchange, folder)) = paper_ground() else { return };
    let mut child = begun(&folder);
    until(&folder, |status| status["pid"] == child.id() && count(status, "ticks") > 300);
    child.kill().unwrap();
    child.wait().unwrap();
    let lived = folder.answer("paper paper.toml --run P --for 6s");
    exchange.stop().unwrap();
    assert!(count(&lived, "taken_up_behind") > 300, "{lived}");
    let answers = folder.answer("show P --kind conductor");
    assert!(count(&answers, "shown") > 5, "{answers}");
    assert!(!answers["events"].to_string().contains("degraded"), "the model answers: {answers}");
    std::fs::remove_file(folder.path("model.onnx")).unwrap();
    std::fs::remove_file(folder.path("model.card.json")).unwrap();
    let checked = json_with(&folder, nowhere(), "replay P --check", 0);
    assert_eq!((&checked["same"], &checked["venue_played"]), (&true.into(), &true.into()), "{checked}");
    assert_eq!(checked["head"], lived["head"]);
}

#[test]
fn the_model_asked_again_gives_the_recorded_answers_and_another_is_refused() {
    let Some(folder) = model_folder() else { return };
    let run = folder.json("backtest c.toml --run a --dataset data", 0);
    let audit = folder.json("replay a --reinfer --model model.onnx", 0);
    assert_eq!(audit["questions"], run["counts"]["questions"]);
    let asked = audit["asked_again"].as_u64().unwrap();
    assert!(asked > 300, "{audit}");
    assert_eq!(Some(asked + audit["answered_by_rule"].as_u64().unwrap()), audit["questions"].as_u64());
    assert_eq!(audit["equal"], asked);
    assert_eq!(audit["beyond_tolerance"], 0);
    let without = json_with(&folder, nowhere(), "replay a --reinfer --model model.onnx", 2);
    assert!(without["error"]["message"].as_str().unwrap().contains("run .ci/fetch-onnxruntime"), "{without}");
    put_model(&folder, 2, 10.0);
    let other = folder.json("replay a --reinfer --model model.onnx", 2);
    assert!(other["error"]["message"].as_str().unwrap().contains("the configuration wants"), "{other}");
}

#[test]
fn without_its_library_or_model_a_run_is_refused_or_degraded_as_configured() {
    let Some(folder) = model_folder() else { return };
    let refused = json_with(&folder, nowhere(), "backtest c.toml --run a --dataset data", 2);
    assert!(refused["error"]["message"].as_str().unwrap().contains("there is no such file"), "{refused}");
    std::fs::write(folder.path("d.toml"), format!("{}on_failure = \"degrade\"\n", config())).unwrap();
    let degraded = json_with(&folder, nowhere(), "backtest d.toml --run d --dataset data", 0);
    let elsewhere = Path::new("/nowhere/else/libonnxruntime.so");
    let moved = json_with(&folder, elsewhere, "backtest d.toml --run moved --dataset data", 0);
    assert_eq!(degraded["head"], moved["head"], "where the library is missing is no part of a run");
    let setup = &degraded["counts"]["inference"];
    assert_eq!((&setup["wanted"], &setup["running"]), (&json!("cpu"), &json!("rule")), "{setup}");
    assert!(setup["reason"].as_str().unwrap().contains("there is no such file"), "{setup}");
    let by_rule: u64 =
        degraded["counts"]["degraded"].as_object().unwrap().values().filter_map(Value::as_u64).sum();
    assert_eq!(Some(by_rule), degraded["counts"]["questions"].as_u64(), "every answer says why");
    std::fs::write(folder.path("model.onnx"), "cut short").unwrap();
    let refused = folder.json("backtest c.toml --run e --dataset data", 2);
    assert!(refused["error"]["message"].as_str().unwrap().contains("its card says"), "{refused}");
}

#[test]
fn features_outside_the_training_are_counted_and_the_run_goes_on() {
    let Some(folder) = model_folder() else { return };
    // Nothing a market does fits into these ranges.
    put_model(&folder, 1, 1e-9);
    let run = folder.json("backtest c.toml --run a --dataset data", 0);
    let by_rule: u64 =
        run["counts"]["degraded"].as_object().unwrap().values().filter_map(Value::as_u64).sum();
    assert_eq!(Some(by_rule), run["counts"]["questions"].as_u64());
    let text = run["counts"]["degraded"].to_string();
    assert!(text.contains("range"), "{text}");
    let audit = folder.json("replay a --reinfer --model model.onnx", 0);
    assert_eq!((&audit["asked_again"], &audit["answered_by_rule"]), (&json!(0), &run["counts"]["questions"]));
}
