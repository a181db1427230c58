//! A recorded run, opened with everything its manifest names.

use std::path::{Path, PathBuf};

use engine_core::bars::BarRule;
use engine_core::envelope::Seq;
use engine_core::event::{DatasetRef, Manifest};
use engine_core::instrument::Instrument;
use engine_core::machine::Core;
use engine_core::state::{Opening, State};
use engine_core::time::Timestamp;
use journal_store::event_span::EventSpan;
use journal_store::run::{Envelopes, RunReader, read_side};
use journal_store::segment::SegmentNote;
use replay_history::market_source::{MemorySource, begins_at};
use replay_replayer::ReplayError;
use replay_replayer::recorded_inputs::RecordedInputs;
use replay_simulation::backtest::{ENGINE_VERSION, reopen};
use replay_simulation::config::{BacktestConfig, FeedConfig};
use replay_simulation::series_feed::OpenDatasets;
use serde_json::{Map, Value};

use super::error::ApplicationError;
use super::recorded_source::{EmbeddedRecords, RecordedSource};
use crate::config::{
    Available, ConductorSection, RunMode, RunSettings, canonical, policy_of, recorded, resolve,
};

/// A run that can be played again.
#[derive(Debug)]
pub struct Recording {
    /// Where it lies.
    pub dir: PathBuf,
    /// Its events.
    pub reader: RunReader,
    /// What it is made of.
    pub manifest: Manifest,
    settings: RunSettings,
}

impl Recording {
    /// Opens the run in `dir` and reads its manifest.
    ///
    /// # Errors
    /// [`ApplicationError::Journal`] when it cannot be read, [`ApplicationError::Manifest`] when its configuration cannot.
    pub fn open(dir: &Path) -> Result<Self, ApplicationError> {
        Self::of(dir, RunReader::open(dir)?)
    }

    /// The run in `path`, or the run of the segment that `path` names, and the note of that segment.
    ///
    /// # Errors
    /// As [`Recording::open`], and an error where the run has put no such segment away.
    pub fn open_part(path: &Path) -> Result<(Self, Option<SegmentNote>), ApplicationError> {
        let (reader, segment) = RunReader::open_part(path)?;
        let dir = reader.dir().to_path_buf();
        Ok((Self::of(&dir, reader)?, segment))
    }

    /// The run in `dir`, which `reader` reads.
    pub(super) fn of(dir: &Path, reader: RunReader) -> Result<Self, ApplicationError> {
        let Some(manifest) = reader.manifest().cloned() else {
            if reader.head().count == 0 {
                let reason = "it has no event: it was cut short as it began; remove it, or begin it again";
                return Err(ApplicationError::Request(format!("read {}: {reason}", dir.display())));
            }
            return Err(unreadable(dir, "the run does not begin with a manifest".to_owned()));
        };
        for rules in &manifest.instruments {
            let sound = rules.clone().validated();
            sound.map_err(|error| unreadable(dir, format!("{}: {error}", rules.symbol)))?;
        }
        let table: Map<String, Value> = serde_json::from_str(&manifest.config_json)
            .map_err(|error| unreadable(dir, error.to_string()))?;
        let settings = RunSettings::read(&table).map_err(|error| ApplicationError::manifest(dir, &error))?;
        Ok(Self { dir: dir.to_path_buf(), reader, manifest, settings })
    }

    /// The core as it was before the first event.
    ///
    /// # Errors
    /// [`ApplicationError::Manifest`] when the configuration does not suit the instruments.
    pub fn core(&self) -> Result<Core, ApplicationError> {
        let config = self.config(Vec::new())?;
        let strategy = policy_of(&self.settings, &self.manifest.instruments)
            .map_err(|error| ApplicationError::manifest(&self.dir, &error))?;
        Ok(Core::new(config.core(), strategy))
    }

    /// Who answered its questions, as it was configured.
    #[must_use]
    pub const fn conductor(&self) -> Option<&ConductorSection> {
        self.settings.conductor.as_ref()
    }

    /// The state as it was before the first event.
    ///
    /// # Errors
    /// [`ApplicationError::Manifest`] when the configuration does not suit the instruments.
    pub fn opening_state(&self) -> Result<State, ApplicationError> {
        let config = self.config(Vec::new())?;
        let bars: Option<BarRule> = config.bars;
        Ok(State::new(Opening {
            instruments: config.instruments,
            capital: config.capital,
            bars,
            drawdown_max: config.limits.drawdown_max,
            mark: config.mark,
        }))
    }

    /// How many market records its datasets had for it.
    #[must_use]
    pub fn market_records(&self) -> u64 {
        self.manifest.datasets.iter().map(|dataset| dataset.last + 1 - dataset.first.min(dataset.last)).sum()
    }

    /// The market records, from `given` datasets or from where the run noted them.
    ///
    /// # Errors
    /// [`ApplicationError::Request`] when a dataset is not found, [`ApplicationError::Data`] when it is not the same.
    pub fn source(
        &self,
        given: &[PathBuf],
        datasets: &mut OpenDatasets,
    ) -> Result<RecordedSource, ApplicationError> {
        if self.settings.journal.self_contained {
            return Ok(RecordedSource::Embedded(MemorySource::default()));
        }
        let feeds = self.feeds(given, datasets)?;
        let config = self.config(feeds)?;
        Ok(RecordedSource::Datasets(reopen(&config, &self.manifest, datasets)?.source))
    }

    /// The first moment at which every instrument of the run has a price.
    ///
    /// # Errors
    /// [`ApplicationError`] when the records the run holds itself cannot be read.
    pub fn all_have_prices_at(&self, source: &RecordedSource) -> Result<Timestamp, ApplicationError> {
        match source {
            RecordedSource::Datasets(feeds) => Ok(feeds.begins_at()),
            RecordedSource::Embedded(_) | RecordedSource::Own(_) | RecordedSource::Live(_) => {
                Ok(begins_at(&mut self.embedded()?).map_err(ReplayError::from)?)
            }
        }
    }

    /// The settings the run was made with.
    #[must_use]
    pub const fn settings(&self) -> &RunSettings {
        &self.settings
    }

    /// What it takes to play the run again under `settings`: its backtest, and its market records from the first.
    ///
    /// # Errors
    /// As [`Recording::source`], and when the embedded records cannot be read.
    pub fn again(
        &self,
        settings: &RunSettings,
        given: &[PathBuf],
        datasets: &mut OpenDatasets,
    ) -> Result<(BacktestConfig, RecordedSource), ApplicationError> {
        let instruments = self.manifest.instruments.clone();
        let backtest = |feeds| {
            recorded(settings, canonical(settings), instruments, feeds)
                .map_err(|error| ApplicationError::manifest(&self.dir, &error))
        };
        if self.settings.journal.self_contained {
            return Ok((backtest(Vec::new())?, RecordedSource::Own(Box::new(self.embedded()?))));
        }
        let config = backtest(self.feeds(given, datasets)?)?;
        let feeds = reopen(&config, &self.manifest, datasets)?.source;
        Ok((config, RecordedSource::Datasets(feeds)))
    }

    /// Whether it ran on real time: it holds everything it was told, and a simulated venue can be played again from that.
    #[must_use]
    pub fn is_live(&self) -> bool {
        let is_on_real_time = self.manifest.mode == RunMode::Paper.name() || self.has_real_orders();
        is_on_real_time && self.settings.journal.self_contained
    }

    /// Whether its orders were real: what became of them is among what it was told.
    #[must_use]
    pub fn has_real_orders(&self) -> bool {
        self.manifest.mode == RunMode::Live.name()
    }

    /// Whether its questions were answered outside of its loop, so that the answers are among what it was told.
    #[must_use]
    pub fn is_answered_outside(&self) -> bool {
        let is_slow = self.settings.is_conducted_by_a_model();
        self.is_live() && (is_slow || self.has_real_orders() && self.settings.conductor.is_some())
    }

    fn embedded(&self) -> Result<EmbeddedRecords, ApplicationError> {
        Ok(EmbeddedRecords::new(self.reader.envelopes(Seq::FIRST)?))
    }

    /// What it takes to play `span`, with which the run begins, again as it was, with the manifest that its settings and its
    /// data make now. A manifest that says otherwise is a difference like any other. Only a run on real time has a part that
    /// ends before the run does.
    ///
    /// # Errors
    /// As [`Recording::source`].
    pub fn remade(
        &self,
        span: EventSpan,
        given: &[PathBuf],
        datasets: &mut OpenDatasets,
    ) -> Result<(BacktestConfig, Manifest, RecordedSource), ApplicationError> {
        let recorded = &self.manifest;
        let mut instruments = recorded.instruments.clone();
        let mut synthetic = recorded.synthetic;
        let settings = &self.settings;
        let source = if self.is_live() {
            self.told(RecordedInputs::new(self.reader.envelopes_of(span)?))
        } else if settings.journal.self_contained {
            RecordedSource::Own(Box::new(self.embedded()?))
        } else {
            let feeds = self.feeds(given, datasets)?;
            instruments = remade_instruments(settings, &feeds, datasets)?;
            let data = reopen(&self.config(feeds)?, recorded, datasets)?;
            synthetic = data.synthetic;
            RecordedSource::Datasets(data.source)
        };
        let config = self.config(Vec::new())?;
        let config_json = match recorded.engine_version == ENGINE_VERSION {
            true => canonical(settings),
            // Another version may have written the same settings otherwise.
            false => recorded.config_json.clone(),
        };
        let manifest = Manifest {
            config_json,
            strategy: config.strategy.clone(),
            instruments,
            seed: config.seed,
            capital: config.capital,
            synthetic,
            ..recorded.clone()
        };
        Ok((config, manifest, source))
    }

    /// What `inputs` a run on real time was told; with the answers of a model, which come from outside.
    fn told(&self, inputs: RecordedInputs<Envelopes>) -> RecordedSource {
        let inputs = if self.has_real_orders() { inputs.with_reports() } else { inputs };
        let is_told = self.is_answered_outside();
        RecordedSource::Live(Box::new(if is_told { inputs.with_answers().with_setup() } else { inputs }))
    }

    /// What it takes to play `span` of a run on real time again, behind a snapshot of moment `at` by which it had read
    /// `given` market records.
    ///
    /// # Errors
    /// [`ApplicationError::Journal`] when the run cannot be read.
    pub(super) fn told_in(
        &self,
        span: EventSpan,
        given: u64,
        at: Timestamp,
    ) -> Result<(BacktestConfig, RecordedSource), ApplicationError> {
        let inputs = RecordedInputs::behind(self.reader.envelopes_of(span)?, given, at);
        Ok((self.config(Vec::new())?, self.told(inputs)))
    }

    fn config(&self, feeds: Vec<FeedConfig>) -> Result<BacktestConfig, ApplicationError> {
        let instruments = self.manifest.instruments.clone();
        recorded(&self.settings, self.manifest.config_json.clone(), instruments, feeds)
            .map_err(|error| ApplicationError::manifest(&self.dir, &error))
    }

    fn feeds(
        &self,
        given: &[PathBuf],
        datasets: &mut OpenDatasets,
    ) -> Result<Vec<FeedConfig>, ApplicationError> {
        let noted = read_side(&self.dir)?.map(|side| side.dataset_paths).unwrap_or_default();
        let mut feeds = Vec::new();
        for (index, dataset) in self.manifest.datasets.iter().enumerate() {
            let noted = noted.get(index).map(PathBuf::from);
            let places: Vec<PathBuf> =
                if given.is_empty() { noted.into_iter().collect() } else { given.to_vec() };
            let place = find(dataset, &places, datasets)?;
            feeds.push(FeedConfig {
                series: dataset.name.clone(),
                dataset: place,
                instrument: self.instrument_of(&dataset.name)?,
            });
        }
        Ok(feeds)
    }

    fn instrument_of(&self, series: &str) -> Result<u16, ApplicationError> {
        let named = |rules: &engine_core::instrument::Instrument| {
            series.strip_prefix(&format!("{}:{}:", rules.venue, rules.symbol)).is_some()
        };
        let index = self.manifest.instruments.iter().position(named);
        index
            .and_then(|index| u16::try_from(index).ok())
            .ok_or_else(|| unreadable(&self.dir, format!("{series} belongs to none of its instruments")))
    }
}

/// The instruments that `settings` and the series of `feeds` make.
fn remade_instruments(
    settings: &RunSettings,
    feeds: &[FeedConfig],
    datasets: &mut OpenDatasets,
) -> Result<Vec<Instrument>, ApplicationError> {
    let mut available: Vec<Available> = Vec::new();
    for feed in feeds {
        let reader = datasets.reader(&feed.dataset)?;
        let mut found = Available::of(&feed.dataset, reader)?;
        found.series.retain(|info| info.name() == feed.series);
        available.push(found);
    }
    Ok(resolve(settings, &available)?.instruments)
}

/// Which of `places` holds what `wanted` names: by content where several hold a series of its name, so that neither
/// their order nor their spelling matters.
fn find(
    wanted: &DatasetRef,
    places: &[PathBuf],
    datasets: &mut OpenDatasets,
) -> Result<PathBuf, ApplicationError> {
    let mut holding: Vec<&PathBuf> = Vec::new();
    for place in places.iter().filter(|place| place.exists()) {
        let reader = datasets.reader(place)?;
        if reader.series_list().iter().any(|entry| entry.info.name() == wanted.name) {
            holding.push(place);
        }
    }
    let list = |places: &[&PathBuf]| {
        places.iter().map(|place| place.display().to_string()).collect::<Vec<_>>().join(", ")
    };
    match holding.as_slice() {
        // Opening it compares the content.
        [only] => return Ok((*only).clone()),
        [] => {}
        several => {
            for place in several {
                let series = datasets.reader(place)?.series(&wanted.name)?;
                if series.count() >= wanted.count && series.digest_at(wanted.count)? == wanted.digest {
                    return Ok((*place).clone());
                }
            }
            return Err(ApplicationError::Request(format!(
                "find the data {}: {} hold other records under this name than the run was made from; name the \
                 original with --dataset DIR",
                wanted.name,
                list(several)
            )));
        }
    }
    let tried: Vec<&PathBuf> = places.iter().collect();
    let tried = if tried.is_empty() { "the run does not say where it lay".to_owned() } else { list(&tried) };
    Err(ApplicationError::Request(format!(
        "find the data {}: not in {tried}; give its place with --dataset DIR",
        wanted.name
    )))
}

fn unreadable(dir: &Path, reason: String) -> ApplicationError {
    ApplicationError::Manifest { run: dir.display().to_string(), reason }
}
