//! One run in a world: processes that begin it, end as the world has it, and take it up again.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use engine_application::config::RunSettings;
use engine_application::wiring::error::ApplicationError;
use engine_application::wiring::paper::{LiveStatus, PaperRequest, PaperResult, PreparedPaper, StatusSink};
use engine_runtime::group_commit::CommitTurns;
use engine_runtime::interruption::Interruption;
use engine_runtime::ports::Head;
use engine_venues::clock::HouseClock;
use engine_venues::places::{ClockSource, VenuePlace, venue_at};
use fake_exchange::{Hosted, Settings};
use journal_store::disk_watch::watched_by;

use super::oracle::{EndedBy, Oracle};
use super::power::{Ending, Moment, Power, SharedPower};
use super::random::Random;
use super::swarm::{Act, Swarm};
use super::world::{ORIGIN_NS, Simulated, World, WorldTime};

/// A connection without a word for so long is lost.
const SILENCE: Duration = Duration::from_secs(8);

/// A process that begins when all should be over has so long to come to rest.
const REST_AGAIN: Duration = Duration::from_secs(15);

/// How a run in a world went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lived {
    pub(super) head: Head,
    /// Time that passed in the world.
    pub(super) took: Duration,
    /// How often what happened.
    pub(super) counts: BTreeMap<&'static str, u64>,
}

/// A run on a disk in a world.
pub(super) struct Lives {
    swarm: Swarm,
    world: Rc<World>,
    power: SharedPower,
    ground: tempfile::TempDir,
    /// Where the disk is, and how often the power came back.
    root: PathBuf,
    returns: u32,
    /// The number of the process.
    life: Rc<Cell<u64>>,
    settings: RunSettings,
    key: PathBuf,
    oracle: Oracle,
}

impl Drop for Lives {
    fn drop(&mut self) {
        watched_by(None);
        World::end();
    }
}

/// The operator asks for the end of the process that runs now.
fn end_the_run() {
    World::current().interruption.borrow().flag().store(true, Ordering::Relaxed);
}

struct Unheard;

impl StatusSink for Unheard {
    fn told(&mut self, _status: &LiveStatus) {}
}

/// Where files may be made that nobody needs tomorrow.
pub(super) fn ground() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap()
}

impl Lives {
    /// The world of `seed`, in which runs are signed with `key`.
    pub(super) fn of(seed: u64, key: &Path) -> Self {
        let mut random = Random::new(seed);
        let swarm = Swarm::of(&mut random);
        Self::with(swarm, random, key)
    }

    /// A world in which nothing goes wrong but that the power goes behind so many changes of the disk.
    pub(super) fn cut_behind(changes: u64, key: &Path) -> Self {
        Self::with(Swarm::cut_behind(changes), Random::new(changes), key)
    }

    fn with(swarm: Swarm, mut random: Random, key: &Path) -> Self {
        let world = World::begin(Random::new(random.number()));
        let ground = ground();
        let root = ground.path().join("0");
        std::fs::create_dir(&root).unwrap();
        let power = Power::on(&root, Random::new(random.number()));
        (power.borrow_mut().slow_syncs, power.borrow_mut().slow_until) = (swarm.slow_syncs, swarm.calm_at);
        let mut settings = Settings::new(swarm.place.dialect, &[swarm.place.market]).unwrap();
        (settings.seed, settings.rate, settings.past_bars) = (random.number(), swarm.rate, 40);
        settings.origin_ns = ORIGIN_NS;
        settings.ping_every = Duration::from_secs(5);
        let venue = world.until(async { Hosted::begin(settings).unwrap() });
        *world.venue.borrow_mut() = Some(venue);
        let settings = RunSettings::read_toml("simulated.toml", &config(&swarm)).unwrap();
        let (key, oracle) = (key.to_path_buf(), Oracle::default());
        Self { swarm, world, power, ground, root, returns: 0, life: Rc::default(), settings, key, oracle }
    }

    fn run(&self) -> PathBuf {
        self.root.join("run")
    }

    /// Lives it to its end, and checks what it left.
    ///
    /// # Errors
    /// What does not hold.
    pub(super) fn live(mut self) -> Result<Lived, String> {
        self.script();
        for (at, ending, moment) in self.swarm.endings.clone() {
            if self.world.elapsed() >= self.swarm.calm_at {
                break;
            }
            self.arm(at, (ending, moment));
            let ended = self.process();
            if let (true, Ok(ended)) = (self.world.elapsed() >= self.swarm.ends_at, &ended) {
                return self.whole(ended);
            }
            self.ended(ending, moment, ended)?;
        }
        self.power.borrow_mut().process(None);
        self.life.set(self.life.get() + 1);
        let ended = self.process().map_err(|error| format!("the last process failed: {error}"))?;
        self.whole(&ended)
    }

    /// The next process ends so, at the latest soon behind a moment.
    fn arm(&self, at: Duration, (ending, moment): (Ending, Moment)) {
        self.power.borrow_mut().process(Some((ending, moment)));
        self.life.set(self.life.get() + 1);
        let (power, life, number) = (Rc::clone(&self.power), Rc::clone(&self.life), self.life.get());
        self.at(at, move || match ending {
            _ if life.get() != number => {}
            Ending::Operator => end_the_run(),
            Ending::Kill | Ending::PowerCut | Ending::DiskFull | Ending::BrokenDisk => {
                power.borrow_mut().arm()
            }
        });
    }

    /// The run has ended as planned.
    fn whole(&mut self, ended: &PaperResult) -> Result<Lived, String> {
        let venue = self.world.venue.borrow().clone().unwrap();
        let (run, market) = (self.run(), self.swarm.place.market);
        self.oracle.at_the_end(&run, ended, &venue, market, self.world.elapsed())?;
        let counts = self.world.counts.borrow().clone();
        Ok(Lived { head: ended.head, took: self.world.elapsed(), counts })
    }

    /// Does `act` once it is `at`, or at once.
    fn at(&self, at: Duration, act: impl FnOnce() + 'static) {
        let left = at.saturating_sub(self.world.elapsed());
        self.world.beside(async move {
            tokio::time::sleep(left).await;
            act();
        });
    }

    /// Everything that happens whatever the processes do.
    fn script(&self) {
        for (at, name, act) in self.swarm.acts.clone() {
            self.at(at, move || {
                let world = World::current();
                World::tells(&format!("{name} {act:?}"));
                if !name.is_empty() {
                    world.count(name);
                }
                match act {
                    Act::Venue(fault) => world.venue.borrow().as_ref().unwrap().fault(&fault).unwrap(),
                    Act::Wall(by) => world.wall_set.set(world.wall_set.get() + by),
                }
            });
        }
        self.at(self.swarm.ends_at, end_the_run);
    }

    /// One process, from its beginning to its end.
    fn process(&self) -> Result<PaperResult, ApplicationError> {
        let place = VenuePlace {
            name: self.swarm.place.venue.to_owned(),
            ws_url: Some(format!("ws://venue.simulated{}", self.swarm.place.path)),
            rest_url: Some("http://venue.simulated".to_owned()),
            clock: ClockSource::System,
            collar_sigmas: 10,
            silence: Some(SILENCE),
        };
        if self.world.elapsed() >= self.swarm.ends_at {
            self.at(self.world.elapsed() + REST_AGAIN, end_the_run);
        }
        loop {
            let venue = venue_at(&place, HouseClock::of(Box::new(WorldTime)), Arc::new(Simulated)).unwrap();
            let (interruption, commits) = (Interruption::default(), CommitTurns::default());
            *self.world.interruption.borrow_mut() = interruption.clone();
            *self.world.commits.borrow_mut() = commits.clone();
            let prepared = PreparedPaper::new(&PaperRequest {
                settings: &self.settings,
                venue: venue.as_ref(),
                run: &self.run(),
                key: Some(&self.key),
                interruption: &interruption,
                notices: Arc::new(|notice: &str| World::tells(notice)),
                frames: None,
                playback: None,
                speed: None,
            });
            match prepared {
                // Whoever watches over it begins it again.
                Err(ApplicationError::Venue(_)) => {
                    self.world.count("no beginning");
                    self.world.pass(Duration::from_secs(2));
                }
                Err(error) => return Err(error),
                Ok(prepared) => {
                    let ended = prepared.committed_by(commits).play(&mut Unheard);
                    return ended;
                }
            }
        }
    }

    /// A process has ended before the last one: as it was to, or not at all.
    fn ended(
        &mut self,
        ending: Ending,
        moment: Moment,
        ended: Result<PaperResult, ApplicationError>,
    ) -> Result<(), String> {
        let acknowledged = self.world.commits.borrow().acknowledged();
        World::tells(&format!("{ending:?} {moment:?}: {:?}", ended.as_ref().map(|ended| ended.head.count)));
        let is_gone = self.power.borrow().is_gone;
        self.world.count(match (ending, ended.is_ok()) {
            (Ending::Operator, true) => "ended by its operator",
            (_, true) => "ended before it was to",
            (Ending::Kill | Ending::Operator, false) => "killed",
            (Ending::PowerCut, false) => "power cut",
            (Ending::DiskFull, false) => "disk full",
            (Ending::BrokenDisk, false) => "broken disk",
        });
        if ended.is_err() {
            self.world.count(match moment {
                Moment::Beginning(_) => "ended at its beginning",
                Moment::Armed(_) => "ended while it ran",
                Moment::Segment(_) => "ended around a segment",
            });
        }
        if let (Err(error), false, Ending::Kill | Ending::PowerCut | Ending::Operator) =
            (&ended, is_gone, ending)
        {
            return Err(format!("a process ended by itself: {error}"));
        }
        if ending == Ending::PowerCut && is_gone {
            self.returns += 1;
            self.root = self.ground.path().join(self.returns.to_string());
            std::fs::create_dir(&self.root).unwrap();
            let loss = self.power.borrow_mut().comes_back(&self.root);
            for (what, times) in
                [("torn sector", loss.torn), ("old sector", loss.old), ("lost name", loss.names)]
            {
                if times > 0 {
                    self.world.count(what);
                }
            }
        }
        let by = if is_gone { EndedBy::Power } else { EndedBy::Itself };
        self.oracle.behind_an_end(&self.run(), acknowledged, by)?;
        let down = self.world.random.borrow_mut().millis(0, 9_000);
        let (elapsed, ends_at) = (self.world.elapsed(), self.swarm.ends_at);
        // Who begins so late that it could not come to rest begins behind the end, and is given the time.
        let is_late = elapsed + down < ends_at && elapsed + down + REST_AGAIN > ends_at;
        self.world.pass(if is_late { ends_at - elapsed + Duration::from_millis(1) } else { down });
        Ok(())
    }
}

/// The settings of the run.
fn config(swarm: &Swarm) -> String {
    let bars = if swarm.has_past {
        "rule = \"time\"\ninterval = \"1m\"\n[warmup]\nbars = 30"
    } else {
        "rule = \"ticks\"\ncount = 7"
    };
    let Swarm { snapshot_every, segment_kib, .. } = swarm;
    let (venue, symbol) = (swarm.place.venue, swarm.place.symbol);
    format!(
        r#"
[run]
capital = "100000"
[[data]]
venue = "{venue}"
symbol = "{symbol}"
kind = "trades"
[bars]
{bars}
[journal]
snapshot_every = {snapshot_every}
[latency]
entry = "20ms"
response = "20ms"
[risk]
orders_per_minute_max = 1000
[live]
listings_every = "5s"
segment_kib = {segment_kib}
[strategy]
name = "ema-cross"
fast = 1
slow = 2
direction = "long-short"
size = {{ equity_share = "10%" }}
"#
    )
}
