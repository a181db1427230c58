//! Segments that are packed: beside a writer, read as before, damaged, and unpacked.

use std::sync::atomic::{AtomicBool, Ordering};

use engine_runtime::ports::Journal as _;

use super::segment_tests::{OPTIONS, all, open_run, rule, sound};
use super::{Closing, RunJournal, RunReader};
use crate::archive;
use crate::journal_folder::{PAGE_LOG, segment_folder};
use crate::memory_journal::MemoryJournal;
use crate::sample::{Sampler, append_all, append_closed};
use crate::verify::verify;

#[test]
fn segments_are_packed_beside_a_writer_that_puts_more_away() {
    let dir = tempfile::tempdir().unwrap();
    let (run, calls) = (dir.path().join("run"), Sampler::calls(4, 400));
    let mut journal = RunJournal::create(&run, OPTIONS).unwrap().in_segments(rule());
    let is_over = AtomicBool::new(false);
    let packed = std::thread::scope(|scope| {
        let packer = scope.spawn(|| {
            let mut packed = 0;
            while !is_over.load(Ordering::Relaxed) {
                packed += archive::archive(&run, i64::MAX).unwrap().len();
            }
            packed
        });
        for part in calls.chunks(10) {
            append_all(&mut journal, part);
            journal.end_segment().unwrap();
        }
        is_over.store(true, Ordering::Relaxed);
        packer.join().unwrap()
    });
    append_closed(&mut journal, &calls);
    journal.close(Closing::default()).unwrap();
    let mut whole = MemoryJournal::self_contained();
    append_all(&mut whole, &calls);
    append_closed(&mut whole, &calls);
    assert!(packed > 0 && sound(&run).complete);
    assert_eq!(RunReader::open(&run).unwrap().head(), whole.head());
}

#[test]
fn packed_segments_are_read_as_before_and_unpacked_as_they_were() {
    let dir = tempfile::tempdir().unwrap();
    let (run, calls) = open_run(dir.path(), 4);
    let (whole, notes) = (all(&run), RunReader::open(&run).unwrap().segments());
    let pages = |number: u64| std::fs::read(segment_folder(&run, number).join(PAGE_LOG));
    let first = pages(1).unwrap();
    let packed = archive::archive(&run, notes[2].last_at).unwrap();
    assert_eq!(packed.iter().map(|segment| segment.number).collect::<Vec<_>>(), [1, 2]);
    assert!(packed.iter().all(|segment| segment.bytes < segment.bytes_before), "{packed:?}");
    assert!(pages(1).is_err() && pages(3).is_ok());
    assert_eq!((all(&run), archive::archive(&run, notes[2].last_at).unwrap().len()), (whole.clone(), 0));
    sound(&run);
    let mut journal = RunJournal::resume(&run, OPTIONS).unwrap();
    append_closed(&mut journal, &calls);
    journal.close(Closing::default()).unwrap();
    assert!(sound(&run).complete);
    let file = segment_folder(&run, 2).join("pages.pack");
    let bytes = std::fs::read(&file).unwrap();
    let mut damaged = bytes.clone();
    damaged[bytes.len() / 2] ^= 1;
    std::fs::write(&file, damaged).unwrap();
    let report = verify(&run, None).unwrap();
    assert!(report.findings.iter().any(|finding| finding.place == "segment 2"), "{report:?}");
    assert!(archive::unpack(&run, i64::MAX).is_err(), "it is not what was put away");
    std::fs::write(&file, bytes).unwrap();
    let unpacked = archive::unpack(&run, i64::MAX).unwrap();
    assert_eq!(unpacked.last().map(|segment| segment.number), Some(2));
    assert_eq!((pages(1).unwrap(), all(&run)[..whole.len()].to_vec()), (first, whole));
    assert!(sound(&run).complete);
}
