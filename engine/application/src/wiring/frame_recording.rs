//! Recording what a venue says as request and result: settings and a venue in, files of frames out.

use std::path::Path;

use engine_venues::market_venue::{MarketVenue, Notices, VenueError};
pub use engine_venues::recorder::Recorder;
pub use engine_venues::recording_tally::RecordingCounts;

use super::error::ApplicationError;
use super::kept_rules::keep_rules;
use super::paper::{streams, symbols};
use crate::config::RunSettings;

/// Begins to record what `settings` ask of `venue` into `dir`, the rules of its instruments beside it.
///
/// # Errors
/// [`ApplicationError`] for settings without data or of another venue, a venue that does not tell its rules, and a directory
/// in which nothing can be recorded.
pub fn record(
    settings: &RunSettings,
    venue: &dyn MarketVenue,
    dir: &Path,
    notices: Notices,
) -> Result<Recorder, ApplicationError> {
    if settings.data.is_empty() {
        return Err(ApplicationError::Request(
            "name the markets to record: a table [[data]] with symbol and kind for each".to_owned(),
        ));
    }
    let rules = venue.instruments(&symbols(&settings.data))?;
    let recorder = venue.record(dir, &streams(&settings.data, &rules)?, &notices)?;
    keep_rules(dir, &rules)?;
    Ok(recorder)
}

/// Ends a recording and its last file.
///
/// # Errors
/// [`ApplicationError::Venue`] when not everything could be written; what was written before is whole.
pub fn finish(recorder: Recorder) -> Result<RecordingCounts, ApplicationError> {
    Ok(recorder.finish().map_err(VenueError::from)?)
}
