//! What a run on real time asks of its settings.

use replay_simulation::config::{EndOfData, FillModel};

use crate::config::{RunMode, RunSettings};
use crate::wiring::error::ApplicationError;
use crate::wiring::live;

/// What a run of `mode`, on paper or with real orders, asks of its settings.
pub(super) fn check(settings: &mut RunSettings, venue: &str, mode: RunMode) -> Result<(), ApplicationError> {
    let refuse = |words: String| Err(ApplicationError::Request(words));
    if let Some(said) = settings.run.mode.filter(|said| *said != mode) {
        let how = match mode {
            RunMode::Live => "with real orders",
            RunMode::Backtest | RunMode::Paper => "on paper",
        };
        return refuse(format!(
            "the configuration says run.mode = \"{}\"; remove that to trade {how}",
            said.name()
        ));
    }
    if settings.data.is_empty() {
        return refuse(
            "name the markets to trade: a table [[data]] with symbol and kind for each".to_owned(),
        );
    }
    if let Some(fill @ (FillModel::SameClose | FillModel::AtSignal)) = settings.run.fill {
        let name = fill.name();
        return refuse(format!("run.fill = \"{name}\" needs prices that are over; on paper there are none"));
    }
    if mode == RunMode::Live {
        live::check(settings, venue)?;
        live::key_of(settings, venue)?;
    }
    settings.run.mode = Some(mode);
    settings.journal.self_contained = true;
    settings.journal.page_log = true;
    for data in &mut settings.data {
        match &data.venue {
            Some(named) if named != venue => {
                return refuse(format!("{} is of the venue {named}; this run is on {venue}", data.symbol));
            }
            Some(_) | None => data.venue = Some(venue.to_owned()),
        }
    }
    Ok(())
}

/// What of the settings is about history and means nothing on real time, where anything is.
pub(super) fn of_history(settings: &RunSettings) -> Option<String> {
    let run = &settings.run;
    let is_delayed = settings.conductor.as_ref().is_some_and(|section| section.delay.is_positive());
    let given = [
        ("run.from", run.from.is_some()),
        ("run.to", run.to.is_some()),
        ("run.end", run.end != EndOfData::Keep),
        ("latency.feed", settings.latency.feed.is_positive()),
        ("conductor.delay", is_delayed && settings.is_conducted_by_a_model()),
    ];
    let names: Vec<&str> = given.iter().filter(|(_, given)| *given).map(|(name, _)| *name).collect();
    (!names.is_empty()).then(|| format!("{} are of history and not followed on paper", names.join(", ")))
}
