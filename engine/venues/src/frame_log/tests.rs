//! What a recorder writes: files, blocks, locks.

use super::*;
use crate::frame_replay::FrameReplay;

const NOON: i64 = 1_767_268_800_000_000_000;

fn recorded(venue: &str) -> Recorded {
    Recorded { venue: venue.to_owned(), streams: vec!["trades BTCUSDT".to_owned()] }
}

fn create(dir: &Path, at: i64) -> Result<FrameLog, FrameLogError> {
    FrameLog::create(dir, recorded("binance"), Timestamp::from_nanos(at))
}

fn text(number: i64) -> Said {
    Said::Text(format!("{{\"n\":{number}}}"))
}

fn said(dir: &Path) -> Vec<Said> {
    let mut replay = FrameReplay::open(dir).unwrap();
    let mut found = Vec::new();
    while let Some(frame) = replay.next_frame().unwrap() {
        found.push(frame.said);
    }
    found
}

#[test]
fn a_log_goes_on_behind_an_earlier_one_and_says_that_nobody_listened_between() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = create(dir.path(), NOON).unwrap();
    log.write(Timestamp::from_nanos(NOON), 1, Said::Event(ConnectionEvent::Begun)).unwrap();
    log.write(Timestamp::from_nanos(NOON + 1), 1, text(1)).unwrap();
    log.end(Timestamp::from_nanos(NOON + 2), 1).unwrap();
    drop(log);
    let mut log = create(dir.path(), NOON + 9).unwrap();
    log.write(Timestamp::from_nanos(NOON + 9), 1, text(2)).unwrap();
    log.flush().unwrap();
    let lost = Said::Event(ConnectionEvent::Lost { why: "the recorder was ended".to_owned() });
    let (begun, ended) = (Said::Event(ConnectionEvent::Begun), Said::Event(ConnectionEvent::Ended));
    assert_eq!(said(dir.path()), vec![begun, text(1), ended, lost, text(2)]);
    let names: Vec<PathBuf> = files_in(dir.path()).unwrap();
    assert!(names[0].ends_with("frames-000001-2026-01-01.jsonl.zst"), "{names:?}");
    let counts = log.tally().counts();
    assert_eq!((counts.frames, counts.files, counts.text_bytes), (1, 1, 7));
}

#[test]
fn a_new_day_begins_a_new_file_of_the_same_recording() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = create(dir.path(), NOON).unwrap();
    for day in 0..3 {
        log.write(Timestamp::from_nanos(NOON + day * Span::DAY.nanos()), 1, text(day)).unwrap();
    }
    drop(log);
    assert_eq!(said(dir.path()), (0..3).map(text).collect::<Vec<_>>());
    let names = files_in(dir.path()).unwrap();
    assert!(names.len() == 3 && names[2].ends_with("frames-000003-2026-01-03.jsonl.zst"), "{names:?}");
}

#[test]
fn a_second_recorder_and_another_venue_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let log = create(dir.path(), NOON).unwrap();
    assert!(matches!(create(dir.path(), NOON), Err(FrameLogError::Locked { .. })));
    drop(log);
    let other = FrameLog::create(dir.path(), recorded("kraken"), Timestamp::from_nanos(NOON));
    assert!(matches!(other, Err(FrameLogError::OtherVenue { .. })));
    assert!(create(dir.path(), NOON).is_ok());
}

#[test]
fn what_waits_is_written_within_a_second() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = create(dir.path(), NOON).unwrap();
    log.write(Timestamp::from_nanos(NOON), 1, text(1)).unwrap();
    assert_eq!(said(dir.path()), vec![], "it waits");
    std::thread::sleep(FLUSH_EVERY);
    log.flush_if_due(Timestamp::from_nanos(NOON)).unwrap();
    assert_eq!(said(dir.path()), vec![text(1)]);
}
