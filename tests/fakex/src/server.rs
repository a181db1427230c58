//! Starting and stopping: a thread with the exchange on it, and a handle that knows no async runtime.

use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::sync::{Arc, mpsc as std_mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc};

use crate::clock::VirtualClock;
use crate::connection::{self, Shared};
use crate::exchange::Exchange;
use crate::fault::Fault;
use crate::instrument::Quantities;
use crate::log::Log;
use crate::market::Market;
use crate::market::past;
use crate::market::symbol::{Memory, SymbolMarket};
use crate::market::walk::RandomWalk;
use crate::random::Random;
use crate::recorded::Replayed;
use crate::settings::{Dialect, Settings, StartError, Time};
use crate::truth::Truth;

/// Steps of the market after which others get their turn.
const STEPS_PER_TURN: usize = 256;
/// Milliseconds that a hand waits for a client that does not read, before that client is cut off.
const CROWD_WAITS_MAX: u32 = 5_000;
/// Bars of each length that REST can still answer.
const BARS_KEPT: usize = 500_000;

/// What the thread of the exchange is asked to do.
#[derive(Debug)]
enum Command {
    Fault(Fault, std_mpsc::Sender<Result<(), String>>),
    Advance(Duration, std_mpsc::Sender<()>),
    Stop,
}

/// An exchange on the loopback.
#[derive(Debug)]
pub struct FakeExchange;

impl FakeExchange {
    /// Starts an exchange on a thread of its own and returns once it listens.
    ///
    /// # Errors
    /// When a setting cannot be, the port is taken, or the log cannot be written.
    pub fn start(settings: Settings) -> Result<Running, StartError> {
        settings.check()?;
        let port = settings.port;
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .and_then(|listener| listener.set_nonblocking(true).map(|()| listener))
            .map_err(|source| StartError::Bind { port, source })?;
        let address = listener.local_addr().map_err(|source| StartError::Bind { port, source })?;
        let system = |what| move |source| StartError::System { what, source };
        let log = Log::create(settings.log.as_deref(), settings.log_records_in_memory);
        let log = Arc::new(log.map_err(system("write the log"))?);
        let clock = Arc::new(match settings.time {
            Time::Speed(speed) => VirtualClock::running(settings.origin_ns, speed),
            Time::ByHand => VirtualClock::by_hand(settings.origin_ns),
        });
        let market = market(&settings)?;
        let trading = settings.trading()?;
        let replayed = settings.frames.as_deref().map(Replayed::open).transpose()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(system("start the runtime"))?;
        let (commands, inbox) = mpsc::unbounded_channel();
        let truth = Truth::new(log.clone());
        let work = move || {
            let mut exchange = Exchange::new(settings, clock, log.clone(), market);
            exchange.replayed = replayed;
            exchange.trading = trading;
            exchange.tell_reports();
            let local = tokio::task::LocalSet::new();
            local.block_on(&runtime, run(exchange, listener, inbox));
            drop(local);
            log.flush()
        };
        let builder = std::thread::Builder::new().name("fake-exchange".to_owned());
        let thread = builder.spawn(work).map_err(system("start its thread"))?;
        Ok(Running { address, commands, truth, thread: Some(thread) })
    }
}

/// An exchange that runs; it stops when this is dropped.
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    commands: mpsc::UnboundedSender<Command>,
    truth: Truth,
    thread: Option<JoinHandle<Option<String>>>,
}

impl Running {
    /// Where it listens, for WebSocket and REST.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sets a fault off now.
    ///
    /// # Errors
    /// When no market has the name in it, or the exchange is gone.
    pub fn fault(&self, fault: Fault) -> Result<(), String> {
        let (reply, answer) = std_mpsc::channel();
        let gone = "the exchange has stopped".to_owned();
        self.commands.send(Command::Fault(fault, reply)).map_err(|_| gone.clone())?;
        answer.recv().map_err(|_| gone)?
    }

    /// Moves the venue's time, when it is moved by hand, and returns once everything up to it was published.
    pub fn advance(&self, by: Duration) {
        let (reply, answer) = std_mpsc::channel();
        if self.commands.send(Command::Advance(by, reply)).is_ok() {
            // An exchange that is gone has nothing left to publish.
            let _ = answer.recv();
        }
    }

    /// What existed and what was sent.
    pub fn truth(&self) -> Truth {
        self.truth.clone()
    }

    /// Stops it, closes every connection, and brings its log to the disk.
    ///
    /// # Errors
    /// When the log could not be written, or the exchange failed.
    pub fn stop(mut self) -> Result<(), String> {
        self.halt()
    }

    /// Waits until it ends; a server on a command line does nothing else.
    ///
    /// # Errors
    /// When the log could not be written, or the exchange failed.
    pub fn wait(mut self) -> Result<(), String> {
        self.join()
    }

    fn halt(&mut self) -> Result<(), String> {
        // A thread that is gone cannot be told.
        let _ = self.commands.send(Command::Stop);
        self.join()
    }

    fn join(&mut self) -> Result<(), String> {
        match self.thread.take().map(JoinHandle::join) {
            None | Some(Ok(None)) => Ok(()),
            Some(Ok(Some(failed))) => Err(format!("the log could not be written: {failed}")),
            Some(Err(_)) => Err("the thread of the exchange failed".to_owned()),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.halt();
    }
}

/// Starts an exchange, tells where it listens, and serves until the process ends.
///
/// # Errors
/// As `FakeExchange::start`; when it fails later, what failed.
pub fn serve(settings: Settings, listening: impl FnOnce(SocketAddr)) -> Result<(), ServeError> {
    let running = FakeExchange::start(settings)?;
    listening(running.address());
    running.wait().map_err(ServeError::Failed)
}

/// Why a served exchange ended.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// It did not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// It failed while it ran.
    #[error("the exchange failed: {0}")]
    Failed(String),
}

pub(crate) fn market(settings: &Settings) -> Result<Market, StartError> {
    let mut symbols = Vec::with_capacity(settings.symbols.len());
    for symbol in &settings.symbols {
        let mut instrument = symbol.instrument()?;
        if settings.dialect == Dialect::Kraken {
            instrument.quantities = Quantities::FromOneStepOn;
        }
        let mut bars = symbol.checked_bars()?;
        let name = instrument.name.clone();
        if bars.is_empty() {
            let random = Random::new(settings.seed, &format!("{name} past"));
            let (interval, count, first) =
                (settings.past_interval, settings.past_bars, symbol.first_price()?);
            bars = past::made(
                random,
                interval,
                count,
                settings.origin_ns,
                first,
                instrument.tick,
                instrument.step,
            );
        }
        let begin_ns = bars.last().map_or(settings.origin_ns, |bar| bar.open_time_ns + bar.length_ns);
        let price = bars.last().map_or(symbol.first_price()?, |bar| bar.close);
        let random = Random::new(settings.seed, &name);
        let walk = (settings.rate > 0).then(|| {
            let begin_ns = begin_ns.max(settings.origin_ns);
            RandomWalk::new(random, begin_ns, price, settings.rate, instrument.tick, instrument.step)
        });
        let memory = Memory { trades: settings.trades_in_memory, bars: BARS_KEPT };
        let book = Random::new(settings.seed, &format!("{name} book"));
        symbols.push(SymbolMarket::new(instrument, bars, walk, &settings.intervals, memory, book));
    }
    Ok(Market { symbols })
}

async fn run(
    mut exchange: Exchange,
    listener: std::net::TcpListener,
    mut commands: mpsc::UnboundedReceiver<Command>,
) {
    exchange.play_past();
    let Ok(listener) = TcpListener::from_std(listener) else { return };
    let shared = Rc::new(Shared { exchange: exchange.into(), wake: Notify::new() });
    tokio::task::spawn_local(accept(shared.clone(), listener));
    tokio::task::spawn_local(play(shared.clone()));
    while let Some(command) = commands.recv().await {
        match command {
            Command::Fault(fault, reply) => {
                let mut exchange = shared.exchange.borrow_mut();
                exchange.catch_up();
                // Who asked may be gone.
                let _ = reply.send(exchange.set_off(&fault));
                drop(exchange);
                shared.wake.notify_one();
            }
            Command::Advance(by, reply) => {
                let clock = shared.exchange.borrow().clock.clone();
                clock.advance(by);
                publish_until(&shared, clock.now_ns()).await;
                let _ = reply.send(());
            }
            Command::Stop => return,
        }
    }
}

async fn accept(shared: Rc<Shared>, listener: TcpListener) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let mut exchange = shared.exchange.borrow_mut();
        if exchange.disorder.refuse_connects > 0 {
            exchange.disorder.refuse_connects -= 1;
            // A connection without linger is reset when it is dropped.
            let _ = stream.set_zero_linger();
            continue;
        }
        drop(exchange);
        tokio::task::spawn_local(connection::serve(shared.clone(), stream));
    }
}

/// Publishes what happens until a time, giving others their turn; waits for clients rather than cutting them off, since
/// a hand moves further at once than a client can read.
async fn publish_until(shared: &Shared, until_ns: i64) {
    loop {
        let mut is_more = true;
        for _ in 0..STEPS_PER_TURN {
            is_more = shared.exchange.borrow_mut().step(until_ns);
            if !is_more {
                break;
            }
        }
        tokio::task::yield_now().await;
        if !is_more {
            return;
        }
        if shared.exchange.borrow().speed() == 0 {
            wait_for_clients(shared).await;
        }
    }
}

async fn wait_for_clients(shared: &Shared) {
    for _ in 0..CROWD_WAITS_MAX {
        if shared.exchange.borrow().crowded().is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let mut exchange = shared.exchange.borrow_mut();
    for id in exchange.crowded() {
        exchange.detach(id, "it read too slowly");
    }
}

/// Plays the market as its time passes.
pub(crate) async fn play(shared: Rc<Shared>) {
    loop {
        let now_ns = shared.exchange.borrow().clock.now_ns();
        publish_until(&shared, now_ns).await;
        let (wait, log) = {
            let exchange = shared.exchange.borrow();
            let due_ns = exchange.due_ns();
            (due_ns.map(|due_ns| exchange.clock.wait(due_ns)), exchange.log.clone())
        };
        let wait = wait.flatten().unwrap_or(Duration::from_secs(1)).min(Duration::from_secs(1));
        if !wait.is_zero() {
            log.flush();
        }
        tokio::select! {
            biased;
            () = shared.wake.notified() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}
