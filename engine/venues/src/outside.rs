//! What an adapter reaches outside of itself: connections, requests, the time its waits take, and whoever works beside it.

use core::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::turns::Turns;

/// Bytes to a host and from it.
pub trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// A wire that is still to be made.
pub type Dialled<'a> = Pin<Box<dyn Future<Output = io::Result<Box<dyn Wire>>> + Send + 'a>>;

/// Work that goes on beside the loop.
pub type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What a request was answered, whatever its status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpAnswer {
    /// The status, as in 200.
    pub status: u16,
    /// What the header `Retry-After` says.
    pub retry_after: Option<String>,
    /// The text.
    pub body: String,
}

/// A request with all of its parts.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpRequest {
    /// The method of HTTP, as in `POST`.
    pub verb: &'static str,
    /// Where, with the query.
    pub url: String,
    /// Its headers, which may hold what only the venue may see.
    pub headers: Vec<(&'static str, String)>,
    /// What stands behind them.
    pub body: Option<String>,
}

impl fmt::Debug for HttpRequest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.url.split('?').next().unwrap_or_default();
        out.debug_struct("HttpRequest").field("verb", &self.verb).field("url", &path).finish_non_exhaustive()
    }
}

/// The outside of an adapter.
pub trait Outside: fmt::Debug + Send + Sync {
    /// Bytes to `host` at `port`, not encrypted yet.
    fn dial<'a>(&'a self, host: &'a str, port: u16) -> Dialled<'a>;

    /// What `GET url` answers.
    ///
    /// # Errors
    /// What happened, where there is no answer.
    fn get(&self, url: &str) -> Result<HttpAnswer, String>;

    /// What `request` is answered. Without an answer nobody knows whether it arrived.
    ///
    /// # Errors
    /// What happened, where there is no answer.
    fn ask(&self, request: &HttpRequest) -> Result<HttpAnswer, String>;

    /// Does `work` beside the loop until it is done.
    ///
    /// # Errors
    /// What the operating system says when it gives no thread.
    fn keep(&self, name: &str, work: Work) -> io::Result<()>;

    /// How much time has passed since some moment; never decreases.
    fn elapsed(&self) -> Duration;

    /// Waits.
    fn wait(&self, span: Duration);

    /// Who gives the turns, where the parts of the program take turns on one thread.
    fn turns(&self) -> Option<Arc<dyn Turns>> {
        None
    }
}

/// How long a request may take.
const WITHIN: Duration = Duration::from_secs(10);

/// An answer longer than this is refused.
const BYTES_MAX: u64 = 32 << 20;

/// The network and the clock of this machine.
#[derive(Debug)]
pub(crate) struct Machine {
    agent: ureq::Agent,
    since: Instant,
}

impl Machine {
    /// This machine, as the outside of an adapter.
    pub(crate) fn outside() -> Arc<dyn Outside> {
        let config = ureq::Agent::config_builder().timeout_global(Some(WITHIN)).http_status_as_error(false);
        Arc::new(Self { agent: config.build().into(), since: Instant::now() })
    }
}

impl Outside for Machine {
    fn dial<'a>(&'a self, host: &'a str, port: u16) -> Dialled<'a> {
        Box::pin(async move {
            let stream = TcpStream::connect((host, port)).await?;
            stream.set_nodelay(true)?;
            Ok(Box::new(stream) as Box<dyn Wire>)
        })
    }

    fn get(&self, url: &str) -> Result<HttpAnswer, String> {
        answer_of(self.agent.get(url).call())
    }

    fn ask(&self, request: &HttpRequest) -> Result<HttpAnswer, String> {
        let mut asked = ureq::http::Request::builder().method(request.verb).uri(&request.url);
        for (name, value) in &request.headers {
            asked = asked.header(*name, value);
        }
        let words = |error: ureq::http::Error| error.to_string();
        // What is signed for one place is sent to no other.
        match &request.body {
            Some(body) => {
                let asked = self.agent.configure_request(asked.body(body.as_str()).map_err(words)?);
                answer_of(self.agent.run(asked.max_redirects(0).max_redirects_will_error(false).build()))
            }
            None => {
                let asked = self.agent.configure_request(asked.body(()).map_err(words)?);
                answer_of(self.agent.run(asked.max_redirects(0).max_redirects_will_error(false).build()))
            }
        }
    }

    fn keep(&self, name: &str, work: Work) -> io::Result<()> {
        on_thread(name, work).map(drop)
    }

    fn elapsed(&self) -> Duration {
        self.since.elapsed()
    }

    fn wait(&self, span: Duration) {
        std::thread::sleep(span);
    }
}

/// The answer, read to its end.
fn answer_of(answered: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Result<HttpAnswer, String> {
    let mut answer = answered.map_err(|error| error.to_string())?;
    let status = answer.status().as_u16();
    let wait = answer.headers().get("retry-after").and_then(|value| value.to_str().ok());
    let retry_after = wait.map(str::to_owned);
    // Of a refusal only the status may be left.
    let body = answer.body_mut().with_config().limit(BYTES_MAX).read_to_string();
    let body = match body {
        Ok(body) => body,
        Err(_) if status >= 300 => String::new(),
        Err(error) => return Err(error.to_string()),
    };
    Ok(HttpAnswer { status, retry_after, body })
}

/// Does `work` on a thread of its own.
///
/// # Errors
/// What the operating system says when it gives none.
pub(crate) fn on_thread(name: &str, work: Work) -> io::Result<JoinHandle<()>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::Builder::new().name(name.to_owned()).spawn(move || runtime.block_on(work))
}
