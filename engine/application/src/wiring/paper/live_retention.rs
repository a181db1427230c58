//! Old segments of a run on real time are dropped while it goes on, where its settings say so.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use engine_core::time::{Span, Timestamp};
use engine_venues::market_venue::Notices;
use journal_store::checkpoint::CheckpointKey;
use journal_store::retention::{Dropper, Retention, drop_segments};

use crate::config::LiveSection;
use crate::wiring::clock::now_nanos;

/// How much of a run is kept, and who says what was dropped.
pub(super) struct LiveRetention {
    dir: PathBuf,
    age_max: Option<Span>,
    bytes_max: Option<u64>,
    key: Option<Arc<CheckpointKey>>,
    notices: Notices,
}

impl LiveRetention {
    /// As `live` says, for the run in `dir` whose segments are signed with `key`; nothing where it keeps all.
    pub(super) fn new(
        dir: &Path,
        live: &LiveSection,
        key: Option<Arc<CheckpointKey>>,
        notices: &Notices,
    ) -> Option<Self> {
        let age_max =
            live.keep_days.map(|days| Span::from_nanos(i64::from(days).saturating_mul(Span::DAY.nanos())));
        let bytes_max = live.keep_bytes;
        let keeps_all = age_max.is_none() && bytes_max.is_none();
        (!keeps_all).then(|| Self {
            dir: dir.to_path_buf(),
            age_max,
            bytes_max,
            key,
            notices: notices.clone(),
        })
    }

    /// Drops what is too old at `now`, by the time of the run, or too much. What cannot be dropped stays, and is said: the run
    /// goes on.
    pub(super) fn apply(&self, now: Timestamp) {
        let before = self.age_max.map(|age| now.nanos().saturating_sub(age.nanos()));
        let retention = Retention { before, bytes: self.bytes_max };
        let dropper = Dropper { key: self.key.as_deref(), now: now_nanos() };
        match drop_segments(&self.dir, retention, dropper) {
            Ok(done) => {
                if let (Some(first), Some(last)) = (done.segments.first(), done.segments.last()) {
                    let which = match first == last {
                        true => format!("segment {first}"),
                        false => format!("segments {first} to {last}"),
                    };
                    (self.notices)(&format!("retention has dropped {which} of the run"));
                }
            }
            Err(error) => (self.notices)(&format!("no segment was dropped: {error}")),
        }
    }
}
