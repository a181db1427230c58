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

/// Days of 23 and 25 hours: without its end a bar would come back as long as the others.
#[test]
fn bars_that_end_elsewhere_than_their_interval_say_when() {
    let dir = tempfile::tempdir().unwrap();
    let hour = 3_600;
    let (mut at, mut text) = (
        1_710_000_000 / (24 * hour) * (24 * hour),
        String::from("time,open,high,low,close,volume,close_time\n"),
    );
    for length in [24, 24, 23, 24, 24, 25, 24] {
        let until = at + length * hour;
        text.push_str(&format!("{at},2,3,1,2,5,{until}\n"));
        at = until;
    }
    let file = dir.path().join("days.csv");
    std::fs::write(&file, text).unwrap();
    let mut request = ImportRequest::new(dir.path().join("set"), "v", "A/B", vec![file]);
    request.interval = Some(Span::DAY);
    let before = import(&request, &mut ()).unwrap().entry;
    assert_eq!(before.fidelity.odd_bars, 2);
    for (format, copy) in [(ExportFormat::Csv, "csv"), (ExportFormat::Parquet, "parquet")] {
        let files =
            export_dataset(&dir.path().join("set"), format, &dir.path().join(format!("out-{copy}"))).unwrap();
        let mut request = ImportRequest::new(dir.path().join(copy), "v", "A/B", vec![files[0].path.clone()]);
        request.interval = Some(Span::DAY);
        assert_eq!(import(&request, &mut ()).unwrap().entry.head.digest, before.head.digest, "{copy}");
    }
    let files =
        export_dataset(&dir.path().join("set"), ExportFormat::Jsonl, &dir.path().join("out")).unwrap();
    let lines = std::fs::read_to_string(&files[0].path).unwrap();
    let third: serde_json::Value = serde_json::from_str(lines.lines().nth(2).unwrap()).unwrap();
    assert_eq!(third["close_time"], "2024-03-11T23:00:00Z");
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
