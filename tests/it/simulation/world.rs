//! A world of one thread, in which time passes only when everyone waits.
//!
//! The loop, the sockets' reader, the exchange and the script of faults take turns. Time is the paused time of tokio: it
//! jumps to the next moment that anyone waits for. The loop is a plain function, so it has its turn between two calls of
//! [`Turns::pass`]; questions to the venue are answered on a thread that runs only while it is asked whether it is done.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use engine_core::time::{Span, Timestamp};
use engine_runtime::group_commit::CommitTurns;
use engine_runtime::interruption::Interruption;
use engine_venues::clock::TimeSource;
use engine_venues::outside::{Dialled, HttpAnswer, HttpRequest, Outside, Wire, Work};
use engine_venues::turns::{TurnWork, Turns};
use fake_exchange::Hosted;
use tokio::runtime::Runtime;
use tokio::sync::Notify;
use tokio::task::LocalSet;
use tokio::time::{Instant, sleep};

use super::random::Random;

/// How long an event may wait for the disk, as in the program.
const COMMIT_WITHIN: Duration = Duration::from_millis(50);

/// Looks at the clock at one moment: more than all that is done at one can need.
const LOOKS_MAX: u64 = 1_000_000;

/// Where time begins: the origin of the exchange, soon before a midnight, at which a segment ends.
pub(super) const ORIGIN_NS: i64 = 1_767_225_575_000_000_000;

thread_local! {
    static WORLD: RefCell<Option<Rc<World>>> = const { RefCell::new(None) };
    /// On a thread that answers a question: the world it asks.
    static ASKED: RefCell<Option<Asked>> = const { RefCell::new(None) };
}

/// Everything that takes turns.
pub(super) struct World {
    local: LocalSet,
    runtime: Runtime,
    begun: Instant,
    came: Rc<Notify>,
    pub(super) venue: RefCell<Option<Hosted>>,
    pub(super) random: RefCell<Random>,
    /// How far the wall clock was set, in nanoseconds.
    pub(super) wall_set: Cell<i64>,
    pub(super) commits: RefCell<CommitTurns>,
    committed: Cell<Duration>,
    /// Looks at the clock since time went on, and when that was.
    idle: Cell<(Duration, u64)>,
    pub(super) interruption: RefCell<Interruption>,
    pub(super) counts: RefCell<BTreeMap<&'static str, u64>>,
}

impl World {
    /// A world in which nothing has happened, which the simulated outside stands for from here on.
    pub(super) fn begin(random: Random) -> Rc<Self> {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().start_paused(true).build().unwrap();
        let begun = {
            let _inside = runtime.enter();
            Instant::now()
        };
        let world = Rc::new(Self {
            local: LocalSet::new(),
            runtime,
            begun,
            came: Rc::new(Notify::new()),
            venue: RefCell::new(None),
            random: RefCell::new(random),
            wall_set: Cell::new(0),
            commits: RefCell::default(),
            committed: Cell::new(Duration::ZERO),
            idle: Cell::default(),
            interruption: RefCell::default(),
            counts: RefCell::default(),
        });
        WORLD.set(Some(Rc::clone(&world)));
        world
    }

    /// Lets go of the tasks, which hold pipes and clients.
    pub(super) fn end() {
        WORLD.set(None);
    }

    /// The world that this thread is in.
    pub(super) fn current() -> Rc<Self> {
        WORLD.with_borrow(Clone::clone).expect("a world has begun")
    }

    /// Time since its beginning.
    pub(super) fn now() -> Duration {
        Self::current().elapsed()
    }

    pub(super) fn count(&self, what: &'static str) {
        *self.counts.borrow_mut().entry(what).or_default() += 1;
    }

    /// Whoever looks at the clock without end while time stands still waits for what cannot come.
    fn goes_on(&self, now: Duration) {
        let (at, looks) = self.idle.get();
        self.idle.set(if now > at { (now, 0) } else { (at, looks + 1) });
        assert!(looks < LOOKS_MAX, "{looks} looks at the clock at {at:?}: time stands still");
    }

    /// Says what happens, where somebody wants to hear it: with `SIMULATED_TOLD`.
    pub(super) fn tells(what: &str) {
        if std::env::var_os("SIMULATED_TOLD").is_some() {
            let at = WORLD.with_borrow(|world| world.as_ref().map(|world| world.elapsed()));
            println!("{at:?} {what}");
        }
    }

    /// Time since the beginning.
    pub(super) fn elapsed(&self) -> Duration {
        let _inside = self.runtime.enter();
        self.begun.elapsed()
    }

    /// Everyone but the caller goes on until `work` is over.
    pub(super) fn until<T>(&self, work: impl Future<Output = T>) -> T {
        self.local.block_on(&self.runtime, work)
    }

    /// Begins a task beside the loop.
    pub(super) fn beside(&self, work: impl Future<Output = ()> + 'static) {
        self.local.spawn_local(work);
    }

    pub(super) fn pass(&self, span: Duration) {
        self.until(async move { sleep(span).await });
    }

    fn get(&self, url: &str) -> Result<HttpAnswer, String> {
        let _inside = self.runtime.enter();
        let target =
            url.strip_prefix("http://venue.simulated").ok_or_else(|| format!("no such host: {url}"))?;
        let venue = self.venue.borrow().clone().expect("the venue has begun");
        let answer = venue.get(target);
        Self::tells(&format!(
            "GET {target}: {:?}",
            answer.as_ref().map(|(status, _, body)| (status, body.len()))
        ));
        let Some((status, retry_after, body)) = answer else {
            self.count("request refused");
            return Err("Connection refused (os error 111)".to_owned());
        };
        if status != 200 {
            self.count("request answered with an error");
        }
        Ok(HttpAnswer { status, retry_after: retry_after.map(|seconds| seconds.to_string()), body })
    }
}

/// The clocks of the world.
#[derive(Debug)]
pub(super) struct WorldTime;

impl TimeSource for WorldTime {
    fn wall(&self) -> Timestamp {
        let world = World::current();
        let elapsed = world.elapsed();
        world.goes_on(elapsed);
        let since = i64::try_from(elapsed.as_nanos()).unwrap();
        Timestamp::from_nanos(ORIGIN_NS).plus(Span::from_nanos(since + world.wall_set.get()))
    }

    fn counted(&self) -> Duration {
        World::now()
    }
}

/// The outside of the program, as far as there is one.
#[derive(Debug)]
pub(super) struct Simulated;

impl Outside for Simulated {
    fn dial<'a>(&'a self, _host: &'a str, _port: u16) -> Dialled<'a> {
        Box::pin(async {
            let (took, venue) = {
                let world = World::current();
                let took = world.random.borrow_mut().millis(1, 80);
                (took, world.venue.borrow().clone().expect("the venue has begun").connect())
            };
            sleep(took).await;
            let refused = || io::Error::from(io::ErrorKind::ConnectionRefused);
            Ok(Box::new(venue.ok_or_else(refused)?) as Box<dyn Wire>)
        })
    }

    fn ask(&self, request: &HttpRequest) -> Result<HttpAnswer, String> {
        Err(format!("{} {} is not simulated", request.verb, request.url))
    }

    fn get(&self, url: &str) -> Result<HttpAnswer, String> {
        match ASKED.with_borrow(|asked| asked.as_ref().map(|asked| asked.get(url))) {
            Some(answer) => answer,
            None => World::current().get(url),
        }
    }

    fn keep(&self, _name: &str, work: Work) -> io::Result<()> {
        World::current().beside(work);
        Ok(())
    }

    fn elapsed(&self) -> Duration {
        ASKED.with_borrow(|asked| asked.as_ref().map(|asked| asked.now.get())).unwrap_or_else(World::now)
    }

    fn wait(&self, span: Duration) {
        let is_asked = ASKED.with_borrow(|asked| asked.as_ref().map(|asked| asked.wait(span)));
        if is_asked.is_none() {
            World::current().pass(span);
        }
    }

    fn turns(&self) -> Option<Arc<dyn Turns>> {
        Some(Arc::new(Self))
    }
}

impl Turns for Simulated {
    fn pass(&self, patience: Duration) {
        let world = World::current();
        let now = world.elapsed();
        if now >= world.committed.get() + COMMIT_WITHIN {
            world.committed.set(now);
            let commits = world.commits.borrow().clone();
            commits.take();
        }
        let came = Rc::clone(&world.came);
        world.until(async move {
            tokio::select! {
                biased;
                () = came.notified() => {}
                () = sleep(patience.min(COMMIT_WITHIN)) => {}
            }
        });
    }

    fn came(&self) {
        World::current().came.notify_one();
    }

    fn begin(&self, work: Box<dyn FnOnce() + Send>) -> Box<dyn TurnWork> {
        let world = World::current();
        let due = world.elapsed() + world.random.borrow_mut().millis(1, 300);
        let (asks, asked) = channel();
        let (answers, answered) = channel();
        std::thread::spawn(move || {
            // The first word is that it may begin.
            let Ok(Answer::Now(now)) = answered.recv() else { return };
            ASKED.set(Some(Asked { asks: asks.clone(), answered, now: Cell::new(now) }));
            work();
            let _ = asks.send(Ask::Done);
        });
        Box::new(Errand { due, asked, answers })
    }
}

/// What a thread that answers a question asks of the world.
enum Ask {
    Get(String),
    Wait(Duration),
    Done,
}

enum Answer {
    Got(Result<HttpAnswer, String>),
    Now(Duration),
}

struct Asked {
    asks: Sender<Ask>,
    answered: Receiver<Answer>,
    now: Cell<Duration>,
}

/// Behind the end of all time: whoever waits for an answer of a world that is gone gives up.
const NEVER: Duration = Duration::from_secs(1 << 40);

impl Asked {
    fn get(&self, url: &str) -> Result<HttpAnswer, String> {
        let _ = self.asks.send(Ask::Get(url.to_owned()));
        match self.answered.recv() {
            Ok(Answer::Got(answer)) => answer,
            Ok(Answer::Now(_)) | Err(_) => {
                self.now.set(NEVER);
                Err("the process has ended".to_owned())
            }
        }
    }

    fn wait(&self, span: Duration) {
        let _ = self.asks.send(Ask::Wait(span));
        match self.answered.recv() {
            Ok(Answer::Now(now)) => self.now.set(now),
            Ok(Answer::Got(_)) | Err(_) => self.now.set(NEVER),
        }
    }
}

/// An answer under way.
struct Errand {
    due: Duration,
    asked: Receiver<Ask>,
    answers: Sender<Answer>,
}

impl TurnWork for Errand {
    fn is_done(&mut self) -> bool {
        let now = World::now();
        if now < self.due {
            return false;
        }
        let _ = self.answers.send(Answer::Now(now));
        loop {
            match self.asked.recv() {
                Ok(Ask::Get(url)) => {
                    let _ = self.answers.send(Answer::Got(World::current().get(&url)));
                }
                Ok(Ask::Wait(span)) => {
                    self.due = now + span;
                    return false;
                }
                Ok(Ask::Done) | Err(_) => return true,
            }
        }
    }
}
