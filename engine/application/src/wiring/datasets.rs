//! The datasets that a run is asked to read.

use std::path::PathBuf;

use replay_simulation::series_feed::OpenDatasets;

use super::error::ApplicationError;
use crate::config::{Available, RunSettings, same_directory};

/// The series at hand for `settings`: those of the `given` datasets and of the ones it names itself.
///
/// # Errors
/// [`ApplicationError::Dataset`] when one cannot be opened.
pub fn available(
    settings: &RunSettings,
    given: &[PathBuf],
    datasets: &mut OpenDatasets,
) -> Result<Vec<Available>, ApplicationError> {
    let mut available = Vec::new();
    for dataset in places(settings, given).0 {
        let reader = datasets.reader(&dataset)?;
        available.push(Available::of(&dataset, reader)?);
    }
    Ok(available)
}

/// The datasets that were named twice in different words, each as first and as named again.
#[must_use]
pub fn named_twice(settings: &RunSettings, given: &[PathBuf]) -> Vec<(PathBuf, PathBuf)> {
    places(settings, given).1
}

/// The directories of datasets, each once, and those that name one again in other words.
fn places(settings: &RunSettings, given: &[PathBuf]) -> (Vec<PathBuf>, Vec<(PathBuf, PathBuf)>) {
    let named = settings.data.iter().filter_map(|data| data.dataset.clone());
    let (mut places, mut doubled): (Vec<PathBuf>, Vec<(PathBuf, PathBuf)>) = (Vec::new(), Vec::new());
    for place in given.iter().cloned().chain(named) {
        match places.iter().find(|known| same_directory(known, &place)) {
            None => places.push(place),
            Some(known) if *known != place => doubled.push((known.clone(), place)),
            Some(_) => {}
        }
    }
    (places, doubled)
}
