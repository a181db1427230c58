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

#[test]
fn a_foreign_network_is_taken_in_with_what_its_file_does_not_say() {
    let Some(folder) = registry_folder() else { return };
    let layers = Layers { features: 2, hidden: vec![3], specialists: 2, seed: 1 };
    let bytes = layers.network().to_bytes();
    std::fs::write(folder.path("foreign.onnx"), &bytes).unwrap();
    let said = folder.refusal("models import foreign.onnx");
    for option in
        ["--features NAME=MIN..MAX,… (2 of them)", "--answers NAME,… (2 specialists)", "--trained", "--seed"]
    {
        assert!(said.contains(option), "{option}: {said}");
    }
    let rest = "--answers a,b --trained 2020-01-01..2024-01-01 --seed 7";
    let said = folder.refusal(&format!("models import foreign.onnx --features x=0..1 {rest}"));
    assert!(said.contains("--features names 1, the network has 2"), "{said}");
    let imported = folder.json(&format!("models import foreign.onnx --features x=0..1,y=-2.5..2 {rest}"), 0);
    let card = &imported["card"];
    assert_eq!((&card["opset"], &card["ir_version"], &card["seed"]), (&json!(17), &json!(8), &json!(7)));
    assert_eq!((&card["specialists"], &card["features"][1]["min"]), (&json!(["a", "b"]), &json!(-2.5)));
    assert_eq!(imported["hash"], ModelHash::of(&bytes).to_string());
    assert!(folder.text_ending("models verify foreign", 0).starts_with("sound: "));
    let again = folder.refusal(&format!("models import foreign.onnx --features x=0..1,y=0..2 {rest}"));
    assert!(again.contains("foreign.onnx") && again.contains("exist"), "{again}");

    let wrong = |name: &str, bytes: &[u8], expected: &str| {
        std::fs::write(folder.path(name), bytes).unwrap();
        let said = folder.refusal(&format!("models import {name} --features x=0..1,y=0..2 {rest}"));
        assert!(said.contains(expected), "{said}");
        assert!(!folder.path("models/registry").join(name).exists());
    };
    wrong("cut.onnx", &bytes[..bytes.len() - 7], "no ONNX model, or one that was cut off");
    wrong("text.onnx", b"not a model\n", "text and no ONNX model");
    wrong("empty.onnx", b"", "it is empty");
    let mut unsupported = layers.network();
    unsupported.graph.as_mut().unwrap().node[0].domain = "com.example".to_owned();
    wrong("own.onnx", &unsupported.to_bytes(), "com.example");
    let mut unknown = layers.network();
    unknown.graph.as_mut().unwrap().node[0].op_type = "Unheard".to_owned();
    wrong("unknown.onnx", &unknown.to_bytes(), "ONNX Runtime refuses it");
    let mut spelled = layers.network();
    spelled.opset_import[0].domain = "ai.onnx".to_owned();
    std::fs::write(folder.path("spelled.onnx"), spelled.to_bytes()).unwrap();
    let imported = folder.json(&format!("models import spelled.onnx --features x=0..1,y=0..2 {rest}"), 0);
    assert_eq!(imported["card"]["opset"], 17);
    let said = folder
        .refusal(&format!("models import own.onnx --features x=0..1,y=0..2 --features-of-engine {rest}"));
    assert!(said.contains("com.example"), "{said}");
    let said = folder
        .refusal(&format!("models import foreign.onnx --features x=0..1,y=0..2 --features-of-engine {rest}"));
    assert!(said.contains("--features-of-engine: the engine's own features are called"), "{said}");
}

#[cfg(feature = "training")]
#[test]
fn weights_of_the_original_layout_become_a_model_that_verifies() {
    let Some(folder) = registry_folder() else { return };
    let layers = [
        ("features.0", 13, 128),
        ("features.3", 128, 128),
        ("features.6", 128, 64),
        ("head.0", 64, 128),
        ("head.3", 128, 128),
        ("head.6", 128, 12),
    ];
    let mut table = serde_json::Map::new();
    for (name, inputs, outputs) in layers {
        let number = |place: usize| (place * 37 % 101) as f64 / 500.0 - 0.1;
        let row =
            |output: usize| (0..inputs).map(|input| number(output * inputs + input)).collect::<Vec<_>>();
        table.insert(format!("{name}.weight"), json!((0..outputs).map(row).collect::<Vec<_>>()));
        table.insert(format!("{name}.bias"), json!((0..outputs).map(number).collect::<Vec<_>>()));
    }
    folder.write("dann.json", &serde_json::Value::Object(table).to_string());
    folder.write(
        "rows.json",
        &json!([{ "features": vec![0.5; 13] }, { "features": vec![1.0; 13] }]).to_string(),
    );
    let said = folder.refusal("models import dann.json --layout dann");
    assert!(said.contains("--examples FILE.json") && said.contains("--trained"), "{said}");
    let rest = "--layout dann --examples rows.json --trained 2025-10-01..2025-11-01 --seed 42";
    let imported = folder.json(&format!("models import dann.json {rest}"), 0);
    assert_eq!(imported["card"]["answers"][11], "convergence_threshold");
    assert_eq!(imported["card"]["features"][4], json!({ "name": "mutation_rate", "min": 0.5, "max": 1.0 }));
    assert!(folder.text_ending("models verify dann", 0).starts_with("sound: "));
    assert!(folder.text_ending("models show dann", 0).contains("answers mutation_rate, crossover_rate"));
    // It is no conductor, and none can be made of it.
    assert!(folder.refusal("models bench dann").contains("dann"));
}
