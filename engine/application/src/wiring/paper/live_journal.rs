//! The journal of a run on real time: begun, or compared with its record and gone on with behind it.

use std::path::Path;
use std::time::Duration;

use engine_core::envelope::Seq;
use engine_runtime::commit_gate::CommitGate;
use engine_runtime::group_commit::{CommitTurns, GroupCommit};
use engine_runtime::latency::Latencies;
use engine_runtime::measured_journal::MeasuredJournal;
use engine_runtime::ports::{Journal as _, JournalError};
use engine_runtime::runner::RunError;
use journal_store::run::{Envelopes, RunJournal, RunOptions, RunReader, SegmentRule, SideNote, write_side};
use replay_replayer::continuation::{Continuation, Reopen};
use replay_simulation::config::BacktestConfig;

use crate::wiring::clock::now_nanos;
use crate::wiring::error::ApplicationError;

/// The journal of a new run, or that of `recorded`, compared behind event `last` and gone on with behind its own last.
pub(super) fn open(
    dir: &Path,
    config: &BacktestConfig,
    recorded: Option<RunReader>,
    last: Seq,
    segments: SegmentRule,
    commits: Commits,
) -> Result<Continuation<Envelopes, LiveJournal>, ApplicationError> {
    let options = RunOptions {
        page_bytes: config.journal.page_bytes.min(LIVE_PAGE_BYTES),
        page_log: true,
        self_contained: true,
    };
    let Some(reader) = recorded else {
        let is_there = dir.join("head.json").exists();
        let journal =
            if is_there { RunJournal::resume(dir, options)? } else { RunJournal::create(dir, options)? };
        write_side(dir, &SideNote { created_at: now_nanos(), ..SideNote::default() })?;
        return Ok(Continuation::begun(commits.of(dir, journal.in_segments(segments))?));
    };
    let envelopes = reader.envelopes(last.next())?;
    let place = dir.to_path_buf();
    let reopen: Reopen<LiveJournal> = Box::new(move |met| {
        let journal = RunJournal::resume(&place, options)?;
        let count = journal.head().count;
        if count == met {
            return commits.of(&place, journal.in_segments(segments));
        }
        let reason = format!("it holds {count} events, and {met} were read before; run verify");
        Err(JournalError::Damaged { path: place.display().to_string(), seq: met.min(count), reason })
    });
    Ok(Continuation::new(envelopes, reopen).behind(last))
}

/// Whether the run in `dir` was cut short before its first event had reached the drive: then it is begun anew in its place.
pub(super) fn is_empty(dir: &Path, reader: &RunReader) -> bool {
    reader.head().count == 0 && dir.join(PAGE_LOG).is_file()
}

/// Only a run that is written as one on real time has it.
const PAGE_LOG: &str = "pages.log";

/// The journal of a run on real time.
pub(super) type LiveJournal = MeasuredJournal<GroupCommit<RunJournal>>;

/// How long an event may wait for the disk where nothing that leaves the engine depends on it.
const COMMIT_WITHIN: Duration = Duration::from_millis(50);

/// When a journal is made durable where nobody asks for it, and who measures it.
pub(super) struct Commits {
    pub(super) gate: CommitGate,
    pub(super) latencies: Latencies,
    /// Who says when, where no thread does.
    pub(super) turns: Option<CommitTurns>,
}

impl Commits {
    fn of(self, dir: &Path, journal: RunJournal) -> Result<LiveJournal, JournalError> {
        let Self { gate, latencies, turns } = self;
        let journal = journal.measured(latencies.clone());
        let journal = match turns {
            Some(turns) => Ok(GroupCommit::in_turn(journal, gate, &turns)),
            None => GroupCommit::new(journal, COMMIT_WITHIN, gate),
        };
        let journal = journal.map_err(|source| JournalError::Io {
            action: "begin a thread that syncs",
            path: dir.display().to_string(),
            source,
        })?;
        Ok(MeasuredJournal::new(journal, latencies))
    }
}

/// Pages of a run on real time are small, so that what is read again after a kill is little.
const LIVE_PAGE_BYTES: usize = 8 * 1024;

/// Why the loop ended, in words about the run.
pub(super) fn ended_because(
    dir: &Path,
    journal: &mut Continuation<Envelopes, LiveJournal>,
    error: RunError,
) -> ApplicationError {
    if let Some(difference) = journal.difference() {
        return ApplicationError::Request(format!(
            "take up {}: this engine decides otherwise than the record at event {}; take it up with the version that \
             wrote it, or see `engine replay --check`",
            dir.display(),
            difference.seq
        ));
    }
    match journal.error() {
        Some(error) => error.into(),
        None => error.into(),
    }
}
