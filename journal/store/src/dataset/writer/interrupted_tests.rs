//! The note of an interrupted import: how long it holds, and for whom.

use super::tests::{copy, expected, fill, note, read, trades};
use super::*;
use crate::heads::{Unfinished, read_dataset_head};
use crate::record::TradeRecord;
use crate::verify::verify;

const OPTIONS: PageOptions = PageOptions { page_bytes: 1_024 };

fn open(dir: &Path, info: SeriesInfo) -> SeriesWriter<TradeRecord> {
    DatasetWriter::open(dir, OPTIONS).unwrap().series(info).unwrap()
}

fn head(dir: &Path) -> DatasetHead {
    read_dataset_head(dir).unwrap().sound().unwrap()
}

/// Begins an import and interrupts it behind some sealed pages.
fn interrupt(dir: &Path) -> Unfinished {
    let mut series = open(dir, trades());
    fill(&mut series, 0..700);
    assert!(series.leave().unwrap() > 0);
    head(dir).unfinished["test:BTCUSDT:trades"]
}

#[test]
fn what_was_committed_is_kept_when_the_repeated_import_is_killed_before_its_end() {
    let root = tempfile::tempdir().unwrap();
    let (dir, killed) = (root.path().join("whole"), root.path().join("killed"));
    let left = interrupt(&dir);
    {
        let mut series = open(&dir, trades());
        assert_eq!(head(&dir).unfinished.values().copied().collect::<Vec<_>>(), [left], "not yet come to");
        fill(&mut series, 0..2_000);
        let entry = series.commit(note(1)).unwrap();
        assert!(entry.pages > left.pages);
        copy(&dir, &killed);
    }
    let noted = head(&killed);
    assert!(noted.unfinished.is_empty(), "{noted:?}");
    let mut series = open(&killed, trades());
    assert_eq!((series.count(), series.sealed()), (2_000, 0));
    fill(&mut series, 2_000..2_100);
    series.commit(note(2)).unwrap();
    series.finish().unwrap();
    assert_eq!(read(&killed, 1), expected(0..2_100));
    assert!(verify(&killed, None).unwrap().is_sound());
}

#[test]
fn a_note_that_reaches_no_further_than_the_committed_head_is_ignored() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("data");
    let left = interrupt(&dir);
    let mut series = open(&dir, trades());
    fill(&mut series, 0..2_000);
    series.commit(note(1)).unwrap();
    series.finish().unwrap();
    // As an engine left it that was killed between the commit and the end.
    let mut noted = head(&dir);
    noted.unfinished.insert("test:BTCUSDT:trades".to_owned(), left);
    side_file::write(&dir.join(HEAD_FILE), &noted).unwrap();
    let series = open(&dir, trades());
    assert_eq!((series.count(), series.sealed()), (2_000, 0));
    assert!(head(&dir).unfinished.is_empty());
    series.finish().unwrap();
    assert_eq!(read(&dir, 1), expected(0..2_000));
    assert!(verify(&dir, None).unwrap().is_sound());
}

#[test]
fn another_description_begins_anew() {
    let root = tempfile::tempdir().unwrap();
    let (dir, whole) = (root.path().join("cut"), root.path().join("whole"));
    interrupt(&dir);
    let other = || SeriesInfo { synthetic: !trades().synthetic, ..trades() };
    let imported = |dir: &Path| {
        let mut series = open(dir, other());
        assert_eq!(series.sealed(), 0);
        assert!(head(dir).unfinished.is_empty());
        fill(&mut series, 0..2_000);
        let entry = series.commit(note(1)).unwrap();
        series.finish().unwrap();
        entry.head.head()
    };
    assert_eq!(imported(&dir), imported(&whole));
    let report = verify(&dir, None).unwrap();
    assert!(report.is_sound(), "{:?}", report.findings);
}

#[test]
fn a_log_that_is_begun_behind_an_interrupted_import_lacks_nothing_of_it() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("data");
    interrupt(&dir);
    let writer = DatasetWriter::with_page_log(&dir, OPTIONS).unwrap();
    let mut series = writer.series::<TradeRecord>(trades()).unwrap();
    drop(writer);
    assert_eq!(series.sealed(), 0, "it begins anew");
    fill(&mut series, 0..2_000);
    series.commit(note(1)).unwrap();
    series.finish().unwrap();
    assert_eq!(read(&dir, 1), expected(0..2_000));
    assert_eq!(verify(&dir, None).unwrap().findings, Vec::new());
}
