//! What is read back of logs that were cut, changed, emptied or never one.

use engine_core::time::Timestamp;

use super::*;
use crate::frame_log::{FrameLog, Recorded};

fn text(number: i64) -> LoggedFrame {
    let said = Said::Text(format!("{{\"n\":{number},\"x\":\"é\\\"\"}}"));
    LoggedFrame { at_ns: number, mono_ns: 0, connection: 1, said }
}

fn create(dir: &Path) -> FrameLog {
    let recorded = Recorded { venue: "binance".to_owned(), streams: Vec::new() };
    FrameLog::create(dir, recorded, Timestamp::from_nanos(0)).unwrap()
}

/// A log of twelve frames in six blocks behind that of its head, and where each block ends.
fn written(dir: &Path) -> (PathBuf, Vec<u8>, Vec<u64>) {
    let mut log = create(dir);
    let path = files_in(dir).unwrap().remove(0);
    let mut ends = vec![std::fs::metadata(&path).unwrap().len()];
    for number in 0..6 {
        for frame in [text(2 * number), text(2 * number + 1)] {
            log.write(Timestamp::from_nanos(frame.at_ns), 1, frame.said).unwrap();
        }
        log.flush().unwrap();
        ends.push(std::fs::metadata(&path).unwrap().len());
    }
    drop(log);
    (path.clone(), std::fs::read(&path).unwrap(), ends)
}

fn read(dir: &Path) -> Result<(Vec<LoggedFrame>, Vec<TornEnd>), FrameLogError> {
    let mut replay = FrameReplay::open(dir)?;
    let mut frames = Vec::new();
    while let Some(frame) = replay.next_frame()? {
        frames.push(LoggedFrame { mono_ns: 0, ..frame });
    }
    Ok((frames, replay.torn().to_vec()))
}

#[test]
fn what_was_flushed_is_read_wherever_a_kill_cuts_the_file_and_the_cut_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let (path, whole, ends) = written(dir.path());
    for cut in 0..=whole.len() {
        std::fs::write(&path, &whole[..cut]).unwrap();
        let blocks = ends.iter().filter(|end| **end <= cut as u64).count();
        let (frames, torn) = read(dir.path()).unwrap();
        let expected: Vec<LoggedFrame> = (0..2 * (blocks as i64 - 1)).map(text).collect();
        assert_eq!(frames, expected, "cut at {cut}");
        let is_whole = cut > 0 && ends.contains(&(cut as u64));
        assert_eq!(torn.is_empty(), is_whole, "cut at {cut}: {torn:?}");
        if let Some(torn) = torn.first() {
            assert_eq!(torn.whole_bytes + torn.torn_bytes, cut as u64);
        }
    }
}

#[test]
fn a_byte_that_was_changed_is_never_read_as_if_it_were_sound() {
    let dir = tempfile::tempdir().unwrap();
    let (path, whole, ends) = written(dir.path());
    let sound: Vec<LoggedFrame> = (0..12).map(text).collect();
    let (mut damaged, mut torn_only) = (0, 0);
    for place in 0..whole.len() {
        let mut changed = whole.clone();
        changed[place] ^= 0x20;
        std::fs::write(&path, &changed).unwrap();
        match read(dir.path()) {
            Ok((frames, torn)) => {
                // The last block alone cannot be told from one that a kill cut; of others a bit may mean nothing.
                assert!(
                    frames == sound || (torn.len() == 1 && sound.starts_with(&frames)),
                    "changed at {place}"
                );
                assert!(torn.is_empty() || place as u64 >= ends[5], "torn in the middle, at {place}");
                torn_only += usize::from(!torn.is_empty());
            }
            Err(error) => {
                let line = error.to_string();
                assert!(line.contains("frames-000001") && line.lines().count() == 1, "{line}");
                damaged += 1;
            }
        }
    }
    assert!(damaged > whole.len() / 2, "{damaged} of {}, {torn_only} torn", whole.len());
}

#[test]
fn a_killed_recording_is_followed_by_a_loss_and_connections_count_on() {
    let dir = tempfile::tempdir().unwrap();
    let (path, whole, _) = written(dir.path());
    std::fs::write(&path, &whole[..whole.len() - 3]).unwrap();
    let recorded = Recorded { venue: "binance".to_owned(), streams: Vec::new() };
    let mut log = FrameLog::create(dir.path(), recorded, Timestamp::from_nanos(99)).unwrap();
    log.write(Timestamp::from_nanos(99), 1, Said::Text("{}".to_owned())).unwrap();
    drop(log);
    let (frames, torn) = read(dir.path()).unwrap();
    let [.., lost, last] = frames.as_slice() else { panic!("{frames:?}") };
    assert_eq!(lost.said, Said::Event(ConnectionEvent::Lost { why: "the recorder was killed".to_owned() }));
    assert_eq!((lost.at_ns, last.connection, torn.len()), (9, 2, 1));
    assert!(torn[0].to_string().contains("its end is torn"), "{}", torn[0]);
}

#[test]
fn what_is_no_recording_is_one_line() {
    let dir = tempfile::tempdir().unwrap();
    let words = |dir: &Path| read(dir).unwrap_err().to_string();
    assert!(words(dir.path()).contains("holds no recorded frames"));
    let path = dir.path().join("frames-000001-2026-01-01.jsonl.zst");
    for (bytes, expected) in [
        (b"{\"frames\":1}\n".to_vec(), "it is not zstd"),
        (zstd::encode_all(&b"{\"a\":1}\n"[..], 1).unwrap(), "does not begin with"),
        (zstd::encode_all(&b"{\"frames\":1}\n"[..], 1).unwrap(), "missing field"),
        (
            zstd::encode_all(
                &b"{\"frames\":9,\"venue\":\"v\",\"streams\":[],\"recording\":1,\"at_ns\":1,\"mono_ns\":1}\n"
                    [..],
                1,
            )
            .unwrap(),
            "its layout is 9",
        ),
    ] {
        std::fs::write(&path, bytes).unwrap();
        let line = words(dir.path());
        assert!(line.contains(expected) && line.lines().count() == 1, "{line}");
    }
    let sound =
        "{\"frames\":1,\"venue\":\"v\",\"streams\":[],\"recording\":1,\"at_ns\":1,\"mono_ns\":1}\nno frame\n";
    std::fs::write(&path, zstd::encode_all(sound.as_bytes(), 1).unwrap()).unwrap();
    assert!(words(dir.path()).contains(", line 2: "), "{}", words(dir.path()));
}
