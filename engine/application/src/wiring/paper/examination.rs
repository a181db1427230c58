//! Whether a run on real time could begin: everything it needs is asked for once, and nothing is written but a file that is
//! removed again.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use engine_core::event::{HistorySource, Input};
use engine_core::instrument::{Instrument, InstrumentId};
use engine_core::time::{Span, Timestamp};
use engine_runtime::interruption::Interruption;
use engine_runtime::latency::Latencies;
use engine_runtime::ports::Fed;
use engine_venues::market_venue::{MarketVenue, WantedFeed};
use replay_simulation::config::BacktestConfig;

use super::check;
use super::markets::{bar_length, streams, symbols};
use super::past_source::PastSource;
use crate::config::{ResolveError, RunMode, RunSettings, policy_of, resolve_live};
use crate::wiring::conductor::{conductor, pinned};
use crate::wiring::error::ApplicationError;
use crate::wiring::signing::Signing;
use crate::wiring::venue::venue_of;

/// How sound something is.
#[derive(serde::Serialize, Debug, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// As it should be.
    Sound,
    /// A run can begin, and its operator should know.
    Doubtful,
    /// A run cannot begin, or would not see its markets.
    Broken,
}

/// One thing that a run needs, and how it stands.
#[derive(serde::Serialize, Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What was looked at.
    pub name: &'static str,
    /// How it stands.
    pub health: Health,
    /// What was found, with figures.
    pub found: String,
}

/// A clock so far from the venue's makes the times of bars doubtful.
const CLOCK_MAX: Span = Span::from_nanos(500_000_000);
/// Free bytes on the disk below which a run of days is doubtful.
const FREE_MIN: u64 = 10 << 30;
/// A disk whose slow syncs take longer holds back every order for as long.
const SYNC_MAX: Duration = Duration::from_millis(100);
/// How long the first word of every market is waited for.
const FIRST_WORD_WITHIN: Duration = Duration::from_secs(20);
/// Syncs that are timed.
const SYNCS: usize = 50;

/// Looks at everything that a run with `settings` would need whose journal lies in the folder `place`.
#[must_use]
pub fn examine(settings: &RunSettings, place: &Path, key: Option<&Path>) -> Vec<Check> {
    let mut checks = vec![disk(place), signing(key)];
    let venue = match venue_of(settings) {
        Ok(venue) => venue,
        Err(error) => {
            checks.push(broken("venue", &error));
            return checks;
        }
    };
    checks.push(clock(venue.as_ref()));
    match configured(settings, venue.as_ref()) {
        Ok((settings, config)) => {
            checks.push(instruments(&config.instruments));
            checks.push(model(&settings));
            checks.push(past(venue.as_ref(), &settings, &config));
            checks.push(stream(venue.as_ref(), &settings, &config));
        }
        Err(error) => checks.push(broken("configuration", &error)),
    }
    checks
}

fn broken(name: &'static str, error: &dyn core::fmt::Display) -> Check {
    Check { name, health: Health::Broken, found: error.to_string() }
}

fn configured(
    settings: &RunSettings,
    venue: &dyn MarketVenue,
) -> Result<(RunSettings, BacktestConfig), ApplicationError> {
    let mut settings = pinned(settings)?;
    let is_live = settings.run.mode == Some(RunMode::Live);
    check(&mut settings, venue.name(), if is_live { RunMode::Live } else { RunMode::Paper })?;
    let instruments = venue.instruments(&symbols(&settings.data))?;
    let config = resolve_live(&settings, &instruments)?;
    policy_of(&settings, &config.instruments).map_err(ResolveError::from)?;
    Ok((settings, config))
}

fn clock(venue: &dyn MarketVenue) -> Check {
    let name = "clock";
    let reading = match venue.clock() {
        Ok(reading) => reading,
        Err(error) => return broken(name, &error),
    };
    let millis = |span: Span| span.nanos() / 1_000_000;
    let health = match reading.ahead.nanos().abs() <= CLOCK_MAX.nanos() {
        true => Health::Sound,
        false => Health::Doubtful,
    };
    let found = format!(
        "{} ms ahead of that of {}, which answers in {} ms",
        millis(reading.ahead),
        venue.name(),
        millis(reading.round_trip)
    );
    Check { name, health, found }
}

fn instruments(rules: &[Instrument]) -> Check {
    let words = |rules: &Instrument| {
        let tick = rules.price_decimal(rules.tick);
        format!("{} (tick {tick}, lot {})", rules.symbol, rules.qty_decimal(rules.lot))
    };
    let found = rules.iter().map(words).collect::<Vec<_>>().join(", ");
    Check { name: "instruments", health: Health::Sound, found }
}

fn model(settings: &RunSettings) -> Check {
    let name = "conductor";
    match conductor(settings) {
        Ok(found) => {
            let found = if found.is_some() { "it answers" } else { "the run asks none" };
            Check { name, health: Health::Sound, found: found.to_owned() }
        }
        Err(error) => broken(name, &error),
    }
}

fn signing(key: Option<&Path>) -> Check {
    let name = "key";
    match Signing::prepared(key) {
        Ok(Signing { key: Some(key), .. }) => {
            Check { name, health: Health::Sound, found: format!("{}", key.public()) }
        }
        Ok(Signing { unsigned, .. }) => Check {
            name,
            health: Health::Doubtful,
            found: format!("nobody signs: {}", unsigned.unwrap_or_default()),
        },
        Err(error) => broken(name, &error),
    }
}

/// How many bars of the past there are, of those that are wanted.
fn past(venue: &dyn MarketVenue, settings: &RunSettings, config: &BacktestConfig) -> Check {
    let name = "past bars";
    let Some(interval) = bar_length(settings, config) else {
        let found = "the run has no bars of a length, and learns from none".to_owned();
        return Check { name, health: Health::Sound, found };
    };
    let mut source = match PastSource::new(venue, settings, &config.instruments, interval) {
        Ok(source) => source,
        Err(error) => return broken(name, &error),
    };
    let mut read = |market: (usize, &Instrument)| {
        let now = venue.now();
        let wanted = i64::from(settings.warmup_bars).saturating_mul(interval.nanos());
        let from = Timestamp::from_nanos(now.nanos().saturating_sub(wanted)).floor(interval);
        source.read(market, from, now)
    };
    let (mut few, mut words) = (false, Vec::new());
    for market in config.instruments.iter().enumerate() {
        match read(market) {
            Ok(bars) => {
                few |= u64::try_from(bars.len()).unwrap_or(u64::MAX) < u64::from(settings.warmup_bars);
                let kept = bars.iter().filter(|past| past.source == HistorySource::Dataset).count();
                let from = if kept > 0 { format!(" ({kept} of a dataset)") } else { String::new() };
                words.push(format!("{} of {}{from}", bars.len(), market.1.symbol));
            }
            Err(error) => return broken(name, &error),
        }
    }
    let health = if few { Health::Doubtful } else { Health::Sound };
    let found = format!("{}; {} are wanted of each", words.join(", "), settings.warmup_bars);
    Check { name, health, found }
}

/// Whether the first word of every market comes.
fn stream(venue: &dyn MarketVenue, settings: &RunSettings, config: &BacktestConfig) -> Check {
    let (name, trouble) = ("streams", Arc::new(Mutex::new(String::new())));
    let heard = streams(&settings.data, &config.instruments).and_then(|streams| {
        let (interruption, recent) = (Interruption::default(), BTreeMap::new());
        let theirs = Arc::clone(&trouble);
        let notices = Arc::new(move |notice: &str| {
            notice.clone_into(&mut theirs.lock().unwrap_or_else(PoisonError::into_inner));
        });
        let wanted = WantedFeed {
            streams: &streams,
            recent: &recent,
            since: None,
            interruption: &interruption,
            notices,
            latencies: Latencies::default(),
            frames: None,
        };
        let mut feed = venue.feed(&wanted)?;
        let (asked, mut silent) = (Instant::now(), config.instruments.len());
        let mut heard = vec![false; silent];
        while silent > 0 && asked.elapsed() < FIRST_WORD_WITHIN {
            let until = venue.now().plus(Span::from_nanos(100_000_000));
            let Fed::Input(_, input) = feed.wait(Some(until)).map_err(broken_feed)? else { continue };
            if let Some(place) = told_of(&input)
                && let Some(heard) = heard.get_mut(place.index())
                && !core::mem::replace(heard, true)
            {
                silent -= 1;
            }
        }
        interruption.flag().store(true, Ordering::Relaxed);
        Ok((heard, asked.elapsed()))
    });
    let (heard, waited) = match heard {
        Ok(heard) => heard,
        Err(error) => return broken(name, &error),
    };
    let silent = config.instruments.iter().zip(&heard).filter(|(_, heard)| !**heard);
    let silent: Vec<&str> = silent.map(|(rules, _)| rules.symbol.as_str()).collect();
    let waited = waited.as_millis();
    if silent.is_empty() {
        return Check {
            name,
            health: Health::Sound,
            found: format!("every market spoke within {waited} ms"),
        };
    }
    let found = format!("no word of {} within {waited} ms", silent.join(", "));
    let trouble = trouble.lock().unwrap_or_else(PoisonError::into_inner);
    match trouble.as_str() {
        // A market may be quiet for longer.
        "" => Check { name, health: Health::Doubtful, found },
        trouble => Check { name, health: Health::Broken, found: format!("{found}; {trouble}") },
    }
}

fn broken_feed(error: engine_runtime::ports::EnvironmentError) -> ApplicationError {
    ApplicationError::Request(error.to_string())
}

/// The market that an input shows to be heard.
const fn told_of(input: &Input) -> Option<InstrumentId> {
    match input {
        Input::Market(update) => Some(update.instrument()),
        Input::Feed(status) if status.condition.is_flowing() => Some(status.instrument),
        Input::Feed(_)
        | Input::Session(_)
        | Input::Execution(_)
        | Input::Operator(_)
        | Input::Deadline
        | Input::Inference(_)
        | Input::Conductor(_)
        | Input::Clock(_)
        | Input::DataFault(_)
        | Input::Account(_)
        | Input::Listing(_)
        | Input::History(_)
        | Input::EffectFailed(_) => None,
    }
}

/// Space and speed of the disk that the journal would lie on.
fn disk(place: &Path) -> Check {
    let name = "disk";
    let place: PathBuf = place.ancestors().find(|folder| folder.is_dir()).unwrap_or(Path::new(".")).into();
    let measured = || -> std::io::Result<(u64, Duration)> {
        let space = rustix::fs::statvfs(&place)?;
        Ok((space.f_bavail.saturating_mul(space.f_frsize), slow_sync(&place)?))
    };
    match measured() {
        Ok((free, slow)) => {
            let sound = free >= FREE_MIN && slow <= SYNC_MAX;
            let health = if sound { Health::Sound } else { Health::Doubtful };
            let (gib, tenths) = (free >> 30, ((free % (1 << 30)) * 10) >> 30);
            let found = format!(
                "{gib}.{tenths} GiB free in {}; of {SYNCS} syncs the slowest took {} ms",
                place.display(),
                slow.as_millis()
            );
            Check { name, health, found }
        }
        Err(error) => broken(name, &format!("write in {}: {error}", place.display())),
    }
}

/// How long the slowest of some syncs takes, each of a page.
fn slow_sync(place: &Path) -> std::io::Result<Duration> {
    let path = place.join(format!(".engine-doctor-{}", std::process::id()));
    let mut file = std::fs::File::options().write(true).create_new(true).open(&path)?;
    let timed = (0..SYNCS).map(|_| {
        let begun = Instant::now();
        file.write_all(&[0; 4_096]).and_then(|()| file.sync_data()).map(|()| begun.elapsed())
    });
    let slowest = timed.collect::<std::io::Result<Vec<Duration>>>();
    std::fs::remove_file(&path)?;
    Ok(slowest?.into_iter().max().unwrap_or_default())
}
