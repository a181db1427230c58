//! One segment of a run, read and checked by its own folder.

use std::path::Path;

use engine_runtime::ports::JournalError;

use super::segment_tests::{all, open_run};
use super::{RunReader, segment_named};
use crate::archive::archive;
use crate::journal_folder::{PAGE_LOG, SEGMENT_NOTE, segment_folder};
use crate::verify::{verify, verify_segment};

fn sound(run: &Path) -> Vec<bool> {
    (1..=3).map(|number| verify_segment(run, number).unwrap().is_sound()).collect()
}

#[test]
fn a_segment_is_named_by_its_folder_and_nothing_else_is() {
    let dir = tempfile::tempdir().unwrap();
    let (run, _) = open_run(dir.path(), 3);
    let folder = segment_folder(&run, 2);
    assert_eq!(segment_named(&folder), Some((run.clone(), 2)));
    assert_eq!(segment_named(Path::new("segments/00000007")), Some((Path::new(".").to_path_buf(), 7)));
    for other in [&run, &run.join("segments"), &run.join("store"), &dir.path().join("elsewhere/00000002")] {
        assert_eq!(segment_named(other), None, "{}", other.display());
    }
    let (reader, note) = RunReader::open_part(&folder).unwrap();
    let note = note.unwrap();
    assert_eq!((note.number, reader.dir()), (2, run.as_path()));
    let seqs = all(&run).len() as u64;
    assert!(note.begins.count > 0 && note.events() > 40 && note.ends.count < seqs);
    let gone = RunReader::open_part(&segment_folder(&run, 4));
    assert!(matches!(gone, Err(JournalError::NotAJournal { .. })), "{gone:?}");
    assert!(matches!(verify_segment(&run, 4), Err(JournalError::NotAJournal { .. })));
    // A run may lie in a folder of that name.
    let nested = dir.path().join("segments");
    std::fs::create_dir(&nested).unwrap();
    std::fs::rename(&run, nested.join("20260101")).unwrap();
    assert_eq!(segment_named(&nested.join("20260101")), None);
}

#[test]
fn damage_in_one_segment_is_found_there_and_not_in_the_others() {
    let dir = tempfile::tempdir().unwrap();
    let (run, _) = open_run(dir.path(), 3);
    assert_eq!(sound(&run), [true; 3]);
    let report = verify_segment(&run, 2).unwrap();
    let whole = verify(&run, None).unwrap();
    assert!(report.pages > 0 && report.pages < whole.pages && report.events < whole.events);
    let pages = segment_folder(&run, 2).join(PAGE_LOG);
    let bytes = std::fs::read(&pages).unwrap();
    for place in (0..bytes.len()).step_by(97) {
        let mut changed = bytes.clone();
        changed[place] ^= 0x10;
        std::fs::write(&pages, changed).unwrap();
        assert_eq!(sound(&run), [true, false, true], "byte {place}");
    }
    std::fs::write(&pages, &bytes[..bytes.len() / 2]).unwrap();
    assert_eq!(sound(&run), [true, false, true]);
    std::fs::remove_file(&pages).unwrap();
    assert_eq!(sound(&run), [true, false, true]);
    std::fs::write(&pages, &bytes).unwrap();
    assert_eq!(archive(&run, i64::MAX).unwrap().len(), 3);
    assert_eq!(sound(&run), [true; 3], "packed ones are checked as well");
    // What stands behind a note that is gone cannot be placed.
    std::fs::remove_file(segment_folder(&run, 2).join(SEGMENT_NOTE)).unwrap();
    assert_eq!(sound(&run), [true, false, false]);
}
