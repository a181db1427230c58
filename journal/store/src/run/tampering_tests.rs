//! Pages that a forger made: checksums, links and digests all fit, what the events say of their order does not.

use engine_core::envelope::{Cause, Envelope, Seq};
use engine_core::event::Event;
use engine_core::time::Timestamp;
use engine_runtime::ports::JournalError;
use proptest::prelude::*;

use super::{RunJournal, RunOptions, RunReader};
use crate::chain::{RUN_START, StreamDigest};
use crate::frame;
use crate::journal_folder::PAGE_LOG;
use crate::memory_journal::MemoryJournal;
use crate::page::{self, Seal};
use crate::page_log::{Described, PageLog};
use crate::sample::{Sampler, append_all};
use crate::upcast;
use crate::verify::verify;

/// Writes `events` as the page log of a run that was cut short, `per_page` of them on a page.
fn forge(dir: &std::path::Path, events: &[Envelope], per_page: usize) {
    let options = RunOptions { page_log: true, ..RunOptions::default() };
    drop(RunJournal::create(dir, options).unwrap());
    let path = dir.join(PAGE_LOG);
    std::fs::remove_file(&path).unwrap();
    let mut log = PageLog::create(&path, &Described::Run).unwrap();
    let (mut digest, mut previous) = (StreamDigest::new(RUN_START), [0; 32]);
    for chunk in events.chunks(per_page) {
        let (mut frames, mut page) = (Vec::new(), Vec::new());
        for envelope in chunk {
            let start = frames.len();
            let Envelope { seq, at, records_read, cause, ref event } = *envelope;
            frame::encode(frame::FrameHeader { seq, at, records_read, cause }, event, &mut frames).unwrap();
            digest.push(&frames[start..]);
        }
        page::begin(&mut page);
        frame::pack(&frames, per_page.is_multiple_of(2), &mut page);
        let seal = Seal {
            schema: upcast::ENVELOPES,
            count: u32::try_from(chunk.len()).unwrap(),
            first_seq: chunk[0].seq.number(),
            first_at: chunk[0].at.nanos(),
            last_at: chunk[chunk.len() - 1].at.nanos(),
            previous,
            digest: &digest,
        };
        previous = page::seal(&mut page, seal);
        log.append_page(&page).unwrap();
    }
    log.sync().unwrap();
}

/// The rule in other words: the first event that does not stand where an engine would have put it.
fn first_out_of_order(events: &[Envelope]) -> Option<u64> {
    let out = |(index, envelope): (usize, &Envelope)| {
        let before = index.checked_sub(1).and_then(|before| events.get(before));
        let own = Cause::Event(envelope.seq);
        let numbered = envelope.seq.number() == index as u64 + 1;
        let later = before
            .is_none_or(|before| before.at <= envelope.at && before.records_read <= envelope.records_read);
        let caused = match (&envelope.event, envelope.cause) {
            (Event::Input(_), cause) => cause == own,
            (Event::Output(_), Cause::Record(_)) => true,
            (Event::Output(_), Cause::Event(named)) => {
                let place = |event: &Envelope| (event.cause, event.at, event.records_read);
                named < envelope.seq && before.is_none_or(|before| place(before) == place(envelope))
            }
        };
        (!(numbered && later && caused)).then_some(index as u64 + 1)
    };
    events.iter().enumerate().find_map(out)
}

#[derive(Debug, Clone, Copy)]
enum Edit {
    Seq(i64),
    At(i64),
    Ticks(i64),
    Cause(i64),
}

fn edit() -> impl Strategy<Value = Edit> {
    let by = || prop_oneof![Just(1), Just(-1), Just(i64::MAX), Just(i64::MIN), -2_000_000..2_000_000_i64];
    prop_oneof![
        by().prop_map(Edit::Seq),
        by().prop_map(Edit::At),
        by().prop_map(Edit::Ticks),
        by().prop_map(Edit::Cause),
    ]
}

fn apply(envelope: &mut Envelope, edit: Edit) {
    match edit {
        Edit::Seq(by) => envelope.seq = Seq::new(envelope.seq.number().saturating_add_signed(by)),
        Edit::At(by) => envelope.at = Timestamp::from_nanos(envelope.at.nanos().saturating_add(by)),
        Edit::Ticks(by) => envelope.records_read = envelope.records_read.saturating_add_signed(by),
        Edit::Cause(by) => {
            if let Cause::Event(named) = &mut envelope.cause {
                *named = Seq::new(named.number().saturating_add_signed(by));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn events_out_of_order_are_found_and_placed_by_every_reader(
        seed in any::<u64>(), per_page in 1_usize..20,
        edits in prop::collection::vec((any::<prop::sample::Index>(), edit()), 0..3),
    ) {
        let mut memory = MemoryJournal::default();
        append_all(&mut memory, &Sampler::calls(seed, 30));
        let mut events = memory.envelopes();
        for (place, edit) in edits {
            let place = place.index(events.len());
            apply(&mut events[place], edit);
        }
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("run");
        forge(&dir, &events, per_page);
        let wrong = first_out_of_order(&events);
        let report = verify(&dir, None).unwrap();
        prop_assert_eq!(report.is_sound(), wrong.is_none(), "{:?}: {:?}", wrong, report.findings);
        prop_assert!(!report.complete);
        let read: Result<Vec<Envelope>, JournalError> =
            RunReader::open(&dir).and_then(|reader| reader.envelopes(Seq::FIRST)?.collect());
        match (read, wrong) {
            (Ok(read), None) => prop_assert_eq!(read, events),
            (Err(JournalError::Damaged { seq, .. }), Some(wrong)) => {
                // A page whose number is wrong is placed by its first event.
                prop_assert!(seq <= wrong || seq == events.len() as u64, "placed at {seq}, wrong is {wrong}");
            }
            (read, wrong) => prop_assert!(false, "{wrong:?}: {:?}", read.map(|read| read.len())),
        }
    }
}
