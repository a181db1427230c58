//! What is made of a journal that a power cut has left: verified, read, taken up.

use std::collections::BTreeMap;
use std::path::Path;

use engine_core::envelope::{Envelope, Seq};
use engine_runtime::ports::Journal as _;
use journal_store::dataset::DatasetReader;
use journal_store::run::{RunJournal, RunOptions, RunReader};
use journal_store::verify::{VerifyReport, verify};

/// How often each kind of state was left.
pub(super) type Tally = BTreeMap<String, u32>;

/// What must be left of a run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Owed<'a> {
    /// Every event that it ever had.
    pub(super) events: &'a [Envelope],
    /// How many of them were said to last.
    pub(super) acknowledged: usize,
    /// How its user was told that it had ended, if he was.
    pub(super) ended: Option<&'a str>,
}

/// The events of the run in `dir`.
pub(super) fn events(dir: &Path) -> Vec<Envelope> {
    let reader = RunReader::open(dir).unwrap_or_else(|error| panic!("{}: {error}", dir.display()));
    reader.envelopes(Seq::FIRST).unwrap().map(Result::unwrap).collect()
}

/// What `verify` says of the journal in `dir`. A power cut leaves none that is called damaged: whatever was half written then
/// can be told from what was changed afterwards.
fn sound(dir: &Path) -> VerifyReport {
    let report = verify(dir, None).unwrap_or_else(|error| panic!("verify: {error}"));
    assert!(report.is_sound(), "called damaged: {:?}", report.findings);
    report
}

impl Owed<'_> {
    /// Reads the run in `dir` and takes it up.
    pub(super) fn check(&self, dir: &Path, tally: &mut Tally) {
        if !dir.exists() {
            assert_eq!((self.acknowledged, self.ended), (0, None), "the run is gone");
            *tally.entry("nothing".to_owned()).or_default() += 1;
            return;
        }
        let report = sound(dir);
        self.holds(&report, dir);
        *tally.entry(report.state.word().to_owned()).or_default() += 1;
        assert!(self.ended.is_none_or(|word| word == report.state.word()), "it is {}", report.state.word());
        if matches!(report.state.word(), "closed" | "signed") {
            return;
        }
        let journal = RunJournal::resume(dir, RunOptions::default());
        let journal = journal.unwrap_or_else(|error| panic!("it cannot be taken up: {error}"));
        assert_eq!(journal.head().count, report.events, "events lost by taking it up");
        drop(journal);
        self.holds(&sound(dir), dir);
    }

    fn holds(&self, report: &VerifyReport, dir: &Path) {
        let read = events(dir);
        let count = read.len();
        assert_eq!(count as u64, report.events, "verify counts other events than can be read");
        assert!(
            count >= self.acknowledged,
            "{} events were acknowledged, {count} are left",
            self.acknowledged
        );
        assert!(read == self.events[..count.min(self.events.len())], "other events than were written");
        assert!(
            self.ended.is_none() || count == self.events.len(),
            "{count} of {} events",
            self.events.len()
        );
    }
}

/// How many records the dataset in `dir` has.
pub(super) fn dataset(dir: &Path, tally: &mut Tally) -> u64 {
    let report = sound(dir);
    let reader = DatasetReader::open(dir).unwrap_or_else(|error| panic!("{}: {error}", dir.display()));
    let mut read = 0;
    for entry in reader.series_list() {
        let series = reader.series(&entry.info.name()).unwrap();
        read += series.pages(1).unwrap().map(|page| page.unwrap().count() as u64).sum::<u64>();
    }
    assert_eq!(read, report.events, "verify counts other records than can be read");
    *tally.entry(report.state.word().to_owned()).or_default() += 1;
    read
}
