//! Unit tests of `original`.

use super::*;
use crate::training::Unwatched;

fn seed_folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/seed")
}

#[test]
fn the_network_has_the_size_it_is_said_to_have() {
    let trained = Trained::untrained(&Method::Reversal.shape(), 1);
    let predictor = &trained.predictor;
    let towers = [&predictor.trunk, &predictor.head, &trained.adversaries.heads[0]];
    assert_eq!(towers.map(|tower| tower.stack().parameter_count()), [26_560, 26_380, 25_219]);
}

#[test]
fn the_network_says_the_same_in_onnx_runtime() {
    for method in [Method::Reversal, Method::Proper] {
        let graph = graph(&Trained::untrained(&method.shape(), 3));
        let Some(difference) = crate::onnx::tests::largest_difference(&graph, 300, 1.5) else { return };
        println!("{method:?}: largest difference {difference:e}");
        assert!(difference <= 1e-6, "{method:?}: {difference:e}");
    }
}

#[test]
fn the_trivial_answers_score_what_the_audit_says() {
    let folder = seed_folder();
    if !folder.exists() {
        println!("skipped: {} is not there", folder.display());
        return;
    }
    let data = OriginalData::read(&folder).unwrap();
    assert_eq!((data.train.rows, data.validation.rows), (720, 180));
    let report = baselines(&data, 42);
    assert!((report.mean_error - 0.0040).abs() < 5e-5, "{}", report.mean_error);
    assert!(report.copy_error < 1e-9, "{}", report.copy_error);
    assert!((report.majority - 62.0 / 180.0).abs() < 1e-9);
    // The raw inputs name the regime: what the network was to forget is all there.
    assert!(probe::best(&report.raw_probes) > 0.98, "{:?}", report.raw_probes);
    // One method for a few epochs: the figures are finite and the same again.
    let short = |seed| {
        let method = Method::Proper;
        let trained = train(&method.shape(), &method.recipe(seed, 2), &data.train, &mut Unwatched);
        crate::onnx::to_bytes(&graph(&trained), "seed-dann", &[])
    };
    assert_eq!(short(1), short(1));
    assert_ne!(short(1), short(2));
}

#[test]
fn what_cannot_be_used_is_named_with_its_row() {
    let folder = tempfile::tempdir().unwrap();
    let write = |text: &str| std::fs::write(folder.path().join("dann_train.json"), text).unwrap();
    let said = || OriginalData::read(folder.path()).unwrap_err().to_string();
    assert!(said().starts_with("read "), "{}", said());
    write("[]");
    assert!(said().contains("no rows"), "{}", said());
    write(r#"[{"features":[1.0],"parameters":[],"regime":0}]"#);
    assert!(said().contains("row 0 has 1 features"), "{}", said());
    write("no JSON");
    assert!(said().contains("dann_train.json"), "{}", said());
}
