//! Who tells the bars of the past: a dataset, where one is named, and the venue for what that leaves out.

use engine_core::event::{HistorySource, PastBar};
use engine_core::instrument::Instrument;
use engine_core::market::Bar;
use engine_core::time::{Span, Timestamp};
use engine_venues::market_venue::{MarketVenue, PastReader, VenueError};
use journal_store::dataset::DatasetError;

use super::dataset_bars::{DatasetBars, holes};
use crate::config::RunSettings;
use crate::wiring::error::ApplicationError;

/// Why bars of the past were not told.
#[derive(Debug, thiserror::Error)]
pub(super) enum PastError {
    /// The venue could not be asked; it can be asked again.
    #[error(transparent)]
    Venue(#[from] VenueError),
    /// The dataset cannot be read.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
}

/// The past of a run's instruments.
pub(super) struct PastSource {
    dataset: Option<DatasetBars>,
    venue: PastReader,
    interval: Span,
}

impl PastSource {
    /// The past that `settings` ask for, in bars that last `interval`.
    ///
    /// # Errors
    /// [`ApplicationError`] when the venue has no such bars, or the dataset that is named cannot serve.
    pub(super) fn new(
        venue: &dyn MarketVenue,
        settings: &RunSettings,
        instruments: &[Instrument],
        interval: Span,
    ) -> Result<Self, ApplicationError> {
        let dataset = settings.warmup_dataset.as_deref();
        let dataset = dataset.map(|dir| DatasetBars::open(dir, instruments, interval)).transpose()?;
        Ok(Self { dataset, venue: venue.past_bars(interval)?, interval })
    }

    /// The closed bars of the instrument of that number, whose rules are `rules`, that open at or after `from` and close by
    /// `until`, oldest first.
    ///
    /// # Errors
    /// [`PastError`].
    pub(super) fn read(
        &mut self,
        (number, rules): (usize, &Instrument),
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<PastBar>, PastError> {
        let told = |source| move |bar: Bar| PastBar { bar, source };
        let Some(dataset) = &self.dataset else {
            let bars = (self.venue)(rules, from, until)?;
            return Ok(bars.into_iter().map(told(HistorySource::Venue)).collect());
        };
        let kept = dataset.between((number, rules), from, until)?;
        let missing = holes(&kept, (from, until), self.interval);
        let mut past: Vec<PastBar> = kept.into_iter().map(told(HistorySource::Dataset)).collect();
        for (from, until) in missing {
            past.extend((self.venue)(rules, from, until)?.into_iter().map(told(HistorySource::Venue)));
        }
        past.sort_by_key(|past| past.bar.open_at);
        Ok(past)
    }
}
