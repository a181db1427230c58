//! Exports that come back as they went.

use std::path::Path;

use engine_core::time::Span;

use super::*;
use replay_history::import::{ImportRequest, import};
use replay_history::synth::{SynthRequest, SynthSize, synthesise};

fn market(dir: &Path, size: SynthSize) -> PathBuf {
    let dataset = dir.join("set");
    let request =
        SynthRequest { dataset: dataset.clone(), venue: "v".into(), symbol: "A/B".into(), seed: 1, size };
    synthesise(&request).unwrap();
    dataset
}

#[test]
fn a_series_exported_as_csv_and_imported_again_has_the_same_digest() {
    for size in [SynthSize::Ticks(3_000), SynthSize::Bars(500, Span::HOUR)] {
        let dir = tempfile::tempdir().unwrap();
        let dataset = market(dir.path(), size);
        let files = export_dataset(&dataset, ExportFormat::Csv, &dir.path().join("out")).unwrap();
        let before = DatasetReader::open(&dataset).unwrap().series_list()[0].clone();
        let mut request =
            ImportRequest::new(dir.path().join("copy"), "v", "A/B", vec![files[0].path.clone()]);
        request.synthetic = true;
        let outcome = import(&request, &mut ()).unwrap();
        assert_eq!((outcome.rows, files[0].rows), (before.head.count, before.head.count));
        assert_eq!(outcome.entry.head.digest, before.head.digest);
    }
}

#[test]
fn lines_of_json_hold_exact_decimals_as_text() {
    let dir = tempfile::tempdir().unwrap();
    let dataset = market(dir.path(), SynthSize::Bars(3, Span::HOUR));
    let files = export_dataset(&dataset, ExportFormat::Jsonl, &dir.path().join("out")).unwrap();
    assert_eq!(files[0].path.file_name().unwrap(), "v-A-B-bars.jsonl");
    let text = std::fs::read_to_string(&files[0].path).unwrap();
    assert_eq!(text.lines().count(), 3);
    let first: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    assert_eq!(first["open_time"], "2024-01-01T00:00:00Z");
    assert_eq!(first["open"], "20000");
    let again = export_dataset(&dataset, ExportFormat::Jsonl, &dir.path().join("out"));
    assert!(matches!(again, Err(ExportError::Exists { .. })));
}

#[test]
fn a_series_exported_as_parquet_and_imported_again_has_the_same_digest() {
    for size in [SynthSize::Ticks(3_000), SynthSize::Bars(500, Span::HOUR)] {
        let dir = tempfile::tempdir().unwrap();
        let dataset = market(dir.path(), size);
        let files = export_dataset(&dataset, ExportFormat::Parquet, &dir.path().join("out")).unwrap();
        let before = DatasetReader::open(&dataset).unwrap().series_list()[0].clone();
        let mut request =
            ImportRequest::new(dir.path().join("copy"), "v", "A/B", vec![files[0].path.clone()]);
        request.synthetic = true;
        let outcome = import(&request, &mut ()).unwrap();
        assert_eq!(outcome.entry.head.digest, before.head.digest);
    }
}
