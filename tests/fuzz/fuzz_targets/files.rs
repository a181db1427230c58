//! Files of market data, recognised without options: what is taken in can be read whole, what is refused leaves nothing.
#![no_main]

use std::fs;
use std::path::Path;

use journal_store::verify::verify;
use libfuzzer_sys::fuzz_target;
use replay_history::import::{ImportRequest, import};

fuzz_target!(|data: &[u8]| {
    let Some((kind, text)) = data.split_first() else { return };
    let Ok(folder) = tempfile::tempdir() else { return };
    let name = ["rows.csv", "rows.txt", "rows.json", "rows.csv.gz", "rows.zip", "rows.parquet", "rows.feather"];
    let file = folder.path().join(name[usize::from(*kind) % name.len()]);
    if fs::write(&file, text).is_err() {
        return;
    }
    let dataset = folder.path().join("dataset");
    let request = ImportRequest::new(&dataset, "venue", "SYMBOL", vec![file]);
    check(&dataset, import(&request, &mut ()).is_ok());
});

fn check(dataset: &Path, taken_in: bool) {
    if taken_in {
        let report = verify(dataset, None);
        assert!(report.is_ok_and(|report| report.is_sound()), "what was imported does not verify");
    } else {
        assert!(!dataset.exists(), "a refused import left a dataset");
    }
}
