//! Bars that a source leaves out because nothing was traded.

use engine_core::time::Timestamp;
use journal_store::dataset::SeriesReader;

use super::{PartState, Session};
use crate::import::error::ImportError;
use crate::import::gaps::{GapReading, left_out};
use crate::import::plan::PlannedPart;
use crate::import::recorded::{Beside, Recorded};
use crate::quality::rfc3339;

impl<R: Recorded> Session<'_, R> {
    /// What bars that the source of `planned` leaves out are.
    pub(super) fn reading_of_gaps(&self, planned: &PlannedPart) -> GapReading {
        self.request.gaps.unwrap_or(GapReading::of(planned.layout.format))
    }

    /// Puts quiet bars between `before` and the record at `at`, as far as they are left out.
    pub(super) fn keep_quiet(
        &mut self,
        before: &R,
        at: i64,
        state: &mut PartState<R>,
    ) -> Result<Result<(), String>, ImportError> {
        let Some(interval) = self.plan.info.interval else { return Ok(Ok(())) };
        for open_at in left_out(before.at(), at, interval) {
            let Some(quiet) = before.quiet_at(open_at) else { break };
            match self.place(quiet, open_at, Beside::default(), state)? {
                Ok(true) => {
                    self.quiet_bars += 1;
                    self.observer.left_out();
                    state.quiet_bars += 1;
                    state.quiet_since.get_or_insert(open_at);
                }
                Ok(false) => {}
                Err(reason) => {
                    let at = rfc3339(Timestamp::from_nanos(open_at));
                    return Ok(Err(format!(
                        "nothing was traded at {at}, before it, as the source has no bar there, but the dataset says \
                         otherwise ({reason}); import with --gaps missing if it keeps such spans as holes"
                    )));
                }
            }
        }
        Ok(Ok(()))
    }

    /// Says how the gaps of `planned` were read.
    pub(super) fn note_gaps(&mut self, planned: &PlannedPart, state: &PartState<R>) {
        let Some(since) = state.quiet_since else { return };
        let because = match self.request.gaps {
            Some(_) => "as stated".to_owned(),
            None => format!("{} writes none then; --gaps missing keeps them as holes", planned.layout.format),
        };
        let (name, count) = (&planned.part.name, state.quiet_bars);
        let since = rfc3339(Timestamp::from_nanos(since));
        self.observer.decide(format!(
            "{name}: {count} bars that it leaves out, the first at {since}, are kept without volume at the last price: \
             {because}; a day or more stays a hole"
        ));
    }
}

/// The last record of a stored series.
pub(super) fn last_stored<R: Recorded>(series: &SeriesReader) -> Result<Option<R>, ImportError> {
    let mut records: Vec<R> = Vec::new();
    if let Some(page) = series.pages(series.count())?.next_page()? {
        page.copy_to(&mut records);
    }
    Ok(records.pop())
}
