//! `engine models` as its users meet it.

use std::path::Path;

use engine_core::digest::Digest;
use models_inference::card::FeatureSetName;
use models_inference::model_hash::ModelHash;
use models_inference::test_models::{self, Layers};
use serde_json::json;

use crate::folder::Folder;

/// A folder with a registry of models, and ONNX Runtime to run them.
fn registry_folder() -> Option<Folder> {
    let library = test_models::library(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")))?;
    let folder = Folder { library: Some(library.path().to_owned()), ..Folder::new() };
    std::fs::create_dir_all(folder.path("models/registry")).unwrap();
    let _ = (put(&folder, "sound", 1), put(&folder, "other", 2));
    Some(folder)
}

fn put(folder: &Folder, name: &str, seed: u64) -> ModelHash {
    let layers = Layers { features: 13, hidden: vec![128, 128, 64], specialists: 8, seed };
    let model = layers.network().to_bytes();
    let names: Vec<String> = (0..13).map(|number| format!("feature{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let set = FeatureSetName { name: "test".into(), version: 1, digest: Digest([7, 8]) };
    let card = test_models::card(&model, set, &names, &["a", "b", "c", "d", "e", "f", "g", "h"]);
    let _ = test_models::write(&folder.path("models/registry"), name, &model, &card);
    ModelHash::of(&model)
}

#[test]
fn models_are_listed_shown_and_verified() {
    let Some(registry) = registry_folder() else { return };
    let hash =
        ModelHash::of(&std::fs::read(registry.path("models/registry/sound.onnx")).unwrap()).to_string();
    let listed = registry.json("models ls", 0);
    assert_eq!(listed["models"][0]["name"], "other");
    assert_eq!((&listed["models"][1]["name"], &listed["models"][1]["hash"]), (&json!("sound"), &json!(hash)));
    let text = registry.text_ending("models ls", 0);
    assert!(text.contains(&hash[..16]) && text.contains("13 of test"), "{text}");
    let shown = registry.json(&format!("models show {}", &hash[..8]), 0);
    assert_eq!((&shown["card"]["name"], &shown["card"]["opset"]), (&json!("specimen"), &json!(17)));
    let text = registry.text_ending("models show sound", 0);
    assert!(text.contains("trained on nothing") && text.contains("feature12"), "{text}");
    let verified = registry.json("models verify models/registry", 0);
    assert_eq!(verified["models"].as_array().unwrap().len(), 2);
    assert!(registry.text_ending("models verify sound", 0).starts_with("sound: "));
}

#[test]
fn an_unsound_model_is_a_finding_of_verify_and_a_line_of_ls() {
    let Some(registry) = registry_folder() else { return };
    let path = registry.path("models/registry/sound.onnx");
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    let verified = registry.json("models verify models/registry", 1);
    assert_eq!(
        (&verified["models"][0]["sound"], &verified["models"][1]["sound"]),
        (&json!(true), &json!(false))
    );
    let finding = verified["models"][1]["finding"].as_str().unwrap();
    assert!(finding.contains("truncated"), "{finding}");
    assert!(registry.text_ending("models verify sound", 1).starts_with("FINDING "));
    let listed = registry.json("models ls", 0);
    assert!(listed["models"][1]["error"].as_str().unwrap().contains("its card says"));
    let refused = registry.refusal("models show sound");
    assert!(refused.contains("its card says"), "{refused}");
}

#[test]
fn a_bench_says_where_it_ran_and_why_not_elsewhere() {
    let Some(registry) = registry_folder() else { return };
    let on_cpu = registry.json("models bench sound --provider cpu --calls 500", 0);
    assert_eq!((&on_cpu["wanted"], &on_cpu["running"]), (&json!("cpu"), &json!("cpu")));
    assert_eq!((&on_cpu["reason"], &on_cpu["degraded"]), (&json!(""), &json!(0)));
    assert!(on_cpu["library"].as_str().unwrap().starts_with("onnxruntime 1."));
    let [p50, p99, max] = ["p50", "p99", "max"].map(|name| on_cpu["latency_us"][name].as_f64().unwrap());
    assert!(0.0 < p50 && p50 <= p99 && p99 <= max, "{on_cpu}");
    let on_auto = registry.json("models bench sound --calls 500", 0);
    assert_eq!(on_auto["wanted"], "auto");
    if on_auto["running"] == "cuda" {
        assert_eq!(on_auto["reason"], "");
        return;
    }
    // There is no CUDA here: with auto the reason is shown, with cuda the command cannot run, for the same reason.
    let reason = on_auto["reason"].as_str().unwrap();
    assert!(on_auto["running"] == "cpu" && !reason.is_empty(), "{on_auto}");
    let text = registry.text_ending("models bench sound --calls 500", 0);
    assert!(text.contains("asked for auto, running cpu") && text.contains(reason), "{text}");
    let refused = registry.refusal("models bench sound --provider cuda --calls 500");
    assert!(refused.contains(reason) && refused.contains("ask for auto or cpu"), "{refused}");
}

#[test]
fn what_is_not_there_says_so_in_one_line() {
    let Some(registry) = registry_folder() else { return };
    let away = registry.path("away.so");
    for line in ["models verify sound", "models bench sound"] {
        let refused = registry.refusal_with(&away, line);
        assert!(refused.contains("there is no such file; run .ci/fetch-onnxruntime"), "{refused}");
    }
    for (line, expected) in [
        ("models ls nowhere", "read nowhere"),
        ("models show away", "there is no such model"),
        ("models bench away", "there is no such model"),
        ("models bench sound --provider gpu", "it is auto, cuda or cpu"),
        ("models bench sound --calls 0", "0 is not in 1..=100000000"),
    ] {
        let refused = registry.refusal_with(&away, line);
        assert!(refused.contains(expected), "{line}: {refused}");
    }
    // Neither lists nor cards need the library.
    assert_eq!(
        registry.command("models ls").env("ORT_DYLIB_PATH", &away).output().unwrap().status.code(),
        Some(0)
    );
    assert_eq!(
        registry.command("models show sound").env("ORT_DYLIB_PATH", &away).output().unwrap().status.code(),
        Some(0)
    );
}
