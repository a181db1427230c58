//! A run: a journal of envelopes.
//!
//! ```text
//! DIR/head.json        what the journal committed to when it was closed; "complete": false until then
//! DIR/store/           sled: pages of frames in tree "pages"
//! DIR/pages.log        the same pages in one append-only file (paper and live)
//! DIR/segments/        what of it was put away, in a folder for each segment; store and log hold what comes behind
//! DIR/pages.index      where the pages of the closed store lie
//! DIR/snapshots/       folded states, one file each
//! DIR/checkpoint.json  the head at close, signed
//! DIR/side.json        what is known about the run but not part of it: label, dates, places
//! DIR/closed.json      what the store looked like when it was closed
//! ```

mod envelopes;
mod journal;
mod open_segment;
mod reader;
mod resume;
mod side;

#[cfg(test)]
mod archive_tests;
#[cfg(test)]
mod closing_tests;
#[cfg(test)]
mod one_segment_tests;
#[cfg(test)]
mod reading_tests;
#[cfg(test)]
mod retention_tests;
#[cfg(test)]
mod segment_tests;
#[cfg(test)]
mod tampering_tests;

pub use envelopes::Envelopes;
pub use journal::{Closing, RunJournal, RunOptions};
pub use open_segment::SegmentRule;
pub use reader::RunReader;
pub use side::{SideNote, read_side, write_side};

pub use crate::journal_folder::{CHECKPOINT, segment_named};
pub(crate) use envelopes::locate;
pub(crate) use reader::page_session_end;
pub(crate) use side::side_is_damaged;
