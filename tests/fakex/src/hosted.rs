//! An exchange without a thread and a port, for whoever runs it in a time of their own.

use std::rc::Rc;
use std::sync::Arc;

use tokio::io::DuplexStream;
use tokio::sync::Notify;

use crate::clock::VirtualClock;
use crate::connection::{self, Shared};
use crate::exchange::Exchange;
use crate::fault::Fault;
use crate::http::{Reply, Request, Response};
use crate::log::Log;
use crate::server::{market, play};
use crate::settings::{Settings, StartError};
use crate::truth::Truth;

/// Bytes that wait in a pipe before whoever writes waits.
const PIPE_BYTES: usize = 1 << 20;

/// An exchange that lives among the local tasks of whoever hosts it, on whose runtime time may be paused.
#[derive(Clone, Debug)]
pub struct Hosted {
    shared: Rc<Shared>,
    truth: Truth,
}

impl Hosted {
    /// Begins an exchange; to be called from a local task, or where local tasks can be begun.
    ///
    /// # Errors
    /// When a setting cannot be, or there is no file for the log.
    pub fn begin(settings: Settings) -> Result<Self, StartError> {
        settings.check()?;
        let log = Log::create(settings.log.as_deref(), settings.log_records_in_memory);
        let log = log.map_err(|source| StartError::System { what: "write the log", source })?;
        let log = Arc::new(log);
        let clock = Arc::new(VirtualClock::running(settings.origin_ns, 1));
        let market = market(&settings)?;
        let trading = settings.trading()?;
        let mut exchange = Exchange::new(settings, clock, log.clone(), market);
        exchange.trading = trading;
        exchange.tell_reports();
        exchange.play_past();
        let shared = Rc::new(Shared { exchange: exchange.into(), wake: Notify::new() });
        tokio::task::spawn_local(play(shared.clone()));
        Ok(Self { shared, truth: Truth::new(log) })
    }

    /// A pipe to it; `None` where it refuses the connection.
    pub fn connect(&self) -> Option<DuplexStream> {
        let mut exchange = self.shared.exchange.borrow_mut();
        if exchange.disorder.refuse_connects > 0 {
            exchange.disorder.refuse_connects -= 1;
            return None;
        }
        drop(exchange);
        let (ours, theirs) = tokio::io::duplex(PIPE_BYTES);
        tokio::task::spawn_local(connection::serve(self.shared.clone(), ours));
        Some(theirs)
    }

    /// What `GET target` answers: its status, how many seconds to wait before it is asked again, and its text; `None` where
    /// it refuses the connection.
    pub fn get(&self, target: &str) -> Option<(u16, Option<u32>, String)> {
        self.ask("GET", target, &[], "")
    }

    /// What a request with lines of its own in the head and a body answers, as `get`; nothing where a fault holds the
    /// request back or keeps the answer, and at once where a fault delays the answer alone.
    pub fn ask(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Option<(u16, Option<u32>, String)> {
        let refused = {
            let disorder = &mut self.shared.exchange.borrow_mut().disorder;
            let refused = disorder.refuse_connects > 0;
            disorder.refuse_connects = disorder.refuse_connects.saturating_sub(1);
            refused
        };
        if refused {
            return None;
        }
        let request = Request {
            method: method.to_owned(),
            target: target.to_owned(),
            headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            body: body.as_bytes().to_vec(),
        };
        match connection::answer(&self.shared, &request) {
            Reply::After(_, Response { status, retry_after, body, .. }) => Some((status, retry_after, body)),
            Reply::Held(_) | Reply::Never => None,
        }
    }

    /// Sets a fault off now.
    ///
    /// # Errors
    /// When no market has the name in it.
    pub fn fault(&self, fault: &Fault) -> Result<(), String> {
        let mut exchange = self.shared.exchange.borrow_mut();
        exchange.catch_up();
        let done = exchange.set_off(fault);
        drop(exchange);
        self.shared.wake.notify_one();
        done
    }

    /// What existed and what was sent.
    pub fn truth(&self) -> Truth {
        self.truth.clone()
    }
}
