//! New rows laid over rows that are there already: equal ones are passed over, others refused.

use std::collections::VecDeque;

use engine_core::time::Timestamp;
use journal_store::dataset::{Pages, SeriesReader};

use super::error::ImportError;
use super::recorded::Recorded;
use crate::quality::rfc3339;

/// How many of the last rows are kept to compare the next file of the same command with.
const RECENT_ROWS: usize = 65_536;

/// The last rows that this import read.
#[derive(Debug)]
pub(crate) struct Recent<R> {
    rows: VecDeque<R>,
    forgotten: bool,
}

impl<R: Recorded> Recent<R> {
    /// Nothing read yet; `stored` says whether there are rows that this import has not seen.
    pub(crate) const fn new(stored: bool) -> Self {
        Self { rows: VecDeque::new(), forgotten: stored }
    }

    pub(crate) fn add(&mut self, record: R) {
        if self.rows.len() == RECENT_ROWS {
            self.rows.pop_front();
            self.forgotten = true;
        }
        self.rows.push_back(record);
    }

    /// The rows from the first one at or after `at`; `None` when that one is forgotten.
    fn since(&self, at: i64) -> Option<VecDeque<R>> {
        let from = self.rows.partition_point(|row| row.at() < at);
        (from > 0 || !self.forgotten).then(|| self.rows.range(from..).copied().collect())
    }
}

/// Rows that are there already, from a moment on.
#[derive(Debug)]
pub(crate) struct Overlap<R> {
    pages: Option<Pages>,
    page: Vec<R>,
    known: VecDeque<R>,
    aligned: bool,
}

/// What a row is to the rows that are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It is there already.
    Known,
    /// It comes after all of them.
    New,
}

impl<R: Recorded> Overlap<R> {
    /// The stored rows from moment `at` on.
    pub(crate) fn stored(series: &SeriesReader, at: i64) -> Result<Self, ImportError> {
        let pages = series.pages(series.seq_at(at)?)?;
        Ok(Self { pages: Some(pages), page: Vec::new(), known: VecDeque::new(), aligned: false })
    }

    /// The rows from moment `at` on among the last ones of this import; `None` when they are forgotten.
    pub(crate) fn recent(recent: &Recent<R>, at: i64) -> Option<Self> {
        let known = recent.since(at)?;
        Some(Self { pages: None, page: Vec::new(), known, aligned: false })
    }

    /// Whether `record` is the next row that is there, or comes after all of them.
    ///
    /// The first record is looked for among all known rows of its moment; from there on every row must follow.
    ///
    /// # Errors
    /// [`ImportError::Dataset`] when the stored rows cannot be read; `Ok(Err(_))` with a sentence when `record`
    /// is neither.
    pub(crate) fn meet(&mut self, record: &R) -> Result<Result<Standing, String>, ImportError> {
        let mut differing = None;
        loop {
            let Some(known) = self.next_known()? else { return Ok(Ok(Standing::New)) };
            if record.is_row_of(&known) {
                self.aligned = true;
                return Ok(Ok(Standing::Known));
            }
            if self.aligned || known.at() != record.at() {
                return Ok(Err(conflict(&differing.unwrap_or(known), record)));
            }
            differing = differing.or(Some(known));
        }
    }

    fn next_known(&mut self) -> Result<Option<R>, ImportError> {
        while self.known.is_empty() {
            let Some(pages) = &mut self.pages else { return Ok(None) };
            let Some(page) = pages.next_page()? else {
                self.pages = None;
                return Ok(None);
            };
            page.copy_to(&mut self.page);
            self.known.extend(&self.page);
        }
        Ok(self.known.pop_front())
    }
}

fn conflict<R: Recorded>(known: &R, record: &R) -> String {
    let known_at = rfc3339(Timestamp::from_nanos(known.at()));
    if known.at() == record.at() {
        return format!(
            "it differs from the row that is there for the same moment ({known_at}); \
             import the other version into a dataset of its own"
        );
    }
    let at = rfc3339(Timestamp::from_nanos(record.at()));
    format!(
        "it is at {at} where the dataset goes on with a row at {known_at}; \
         rows are only added at the end: import all files in one command, or into a new dataset in order of time"
    )
}
