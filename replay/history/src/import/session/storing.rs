//! Records on their way into the store; the last one waits, as the row after a bar may be the first to tell how long it is.

use engine_core::time::{Span, Timestamp};
use journal_store::dataset::{DatasetWriter, PageOptions, SeriesWriter};
use journal_store::series::{SeriesEntry, SourceNote};

use super::Session;
use crate::import::error::ImportError;
use crate::import::recorded::Recorded;
use crate::import::rollback::Rollback;
use crate::quality::rfc3339;

impl<R: Recorded> Session<'_, R> {
    /// Puts a new record at the end of the series.
    pub(super) fn push(&mut self, record: R, states_end: bool) -> Result<(), ImportError> {
        if self.writer.is_none() {
            // One process at a time has the store: the reader goes before the writer comes.
            self.plan.stored = None;
            self.plan.rollback = Some(Rollback::before(&self.request.dataset));
            let opened =
                if self.request.page_log { DatasetWriter::with_page_log } else { DatasetWriter::open };
            let dataset = opened(&self.request.dataset, PageOptions::default())?;
            self.writer = Some(dataset.series(self.plan.info.clone())?);
        }
        self.tell_length(&record);
        self.note_length_of_stored(&record);
        self.write_waiting()?;
        (self.waiting, self.waiting_states_end) = (Some(record), states_end);
        if let Some(recent) = &mut self.recent {
            recent.add(record);
        }
        self.last_at = Some(record.at());
        self.last = Some(record);
        Ok(())
    }

    /// Nothing, unless the operator asks for the end.
    pub(super) fn go_on(&self) -> Result<(), ImportError> {
        if self.request.interruption.is_asked_for() {
            return Err(ImportError::Interrupted { series: self.plan.info.name(), kept: 0 });
        }
        Ok(())
    }

    /// Keeps what was sealed before `error` ended the import, if that was the operator.
    pub(super) fn left(&mut self, error: ImportError) -> ImportError {
        let ImportError::Interrupted { series, .. } = error else { return error };
        let writer = self.writer.take().filter(|writer| writer.sealed() > 0);
        match writer.map_or(Ok(0), SeriesWriter::leave) {
            Ok(kept) => ImportError::Interrupted { series, kept },
            Err(error) => error.into(),
        }
    }

    /// Takes the length of the bar that waits from `next`, the one after it.
    fn tell_length(&mut self, next: &R) {
        let (Some(clock), Some(interval)) = (&self.clock, self.plan.info.interval) else { return };
        let Some(waiting) = self.waiting.as_mut().filter(|_| !self.waiting_states_end) else { return };
        if let Some(length_ns) = clock.length_told(waiting.at(), next.at()) {
            waiting.last_for(length_ns, interval);
        }
    }

    /// Says that the last bar of an earlier import, whose length nothing told then, is stored as long as the others although
    /// the first new one, `next`, tells another length.
    fn note_length_of_stored(&mut self, next: &R) {
        let (Some(clock), Some(interval)) = (&self.clock, self.plan.info.interval) else { return };
        let Some(stored) = self.last.filter(|_| self.waiting.is_none() && self.rows == 0) else { return };
        let Some(length_ns) = clock.length_told(stored.at(), next.at()) else { return };
        let mut told = stored;
        told.last_for(length_ns, interval);
        if told != stored {
            let (at, length) = (rfc3339(Timestamp::from_nanos(stored.at())), Span::from_nanos(length_ns));
            self.observer.decide(format!(
                "the bar at {at}, the last of the import before, is stored with a length of {interval}; the next one begins \
                 after {length}, which nothing told then: import its file once more into a new dataset, together with \
                 these, to have it at its length"
            ));
        }
    }

    /// Says that nothing tells the length of the last bar, where bars of this import had lengths of their own.
    pub(super) fn note_length_of_last(&mut self) {
        let Some(last) = self.waiting.filter(|_| !self.waiting_states_end && self.odd_bars > 0) else {
            return;
        };
        let Some(interval) = self.plan.info.interval.filter(|_| self.clock.is_some()) else { return };
        let at = rfc3339(Timestamp::from_nanos(last.at()));
        self.observer.decide(format!(
            "the bar at {at} is the last, and its row does not say when it ends: it is taken to last {interval}"
        ));
    }

    /// Writes the record that waits, if there is one.
    pub(super) fn write_waiting(&mut self) -> Result<(), ImportError> {
        let Some(record) = self.waiting.take() else { return Ok(()) };
        if let Some(writer) = &mut self.writer {
            writer.push(record)?;
        }
        self.turnover.add(record.turnover());
        self.odd_bars += u64::from(record.is_odd());
        record.observe(&mut self.observer);
        Ok(())
    }
}

/// Commits all rows with the first note, then the other notes, which bring no more rows.
pub(super) fn committed<R: Recorded>(
    mut writer: SeriesWriter<R>,
    notes: Vec<SourceNote>,
) -> Result<SeriesEntry, ImportError> {
    for note in notes {
        writer.commit(note)?;
    }
    Ok(writer.finish()?)
}
