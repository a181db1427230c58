//! Requests to a venue's REST interface.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::dialect::refusal::{Retry, retry};
use crate::market_venue::VenueError;
use crate::outside::{HttpAnswer, Outside};

/// The shortest ban of Binance, for one that does not say how long it is.
const BANNED_FOR: Duration = Duration::from_secs(120);

/// Asks one venue.
#[derive(Debug, Clone)]
pub(crate) struct Http {
    venue: &'static str,
    base: String,
    outside: Arc<dyn Outside>,
    /// Before so much time has passed nothing is asked: the venue said so.
    paused: Arc<Mutex<Option<Duration>>>,
}

impl Http {
    /// Asks `venue` at `base`, as in `https://api.binance.com`, over `outside`.
    pub(crate) fn new(venue: &'static str, base: &str, outside: Arc<dyn Outside>) -> Self {
        Self { venue, base: base.to_owned(), outside, paused: Arc::default() }
    }

    /// Where it asks, without a slash at the end.
    pub(crate) fn base(&self) -> &str {
        self.base.trim_end_matches('/')
    }

    /// What it asks over.
    pub(crate) fn outside(&self) -> &dyn Outside {
        self.outside.as_ref()
    }

    /// The text that `GET path` answers.
    ///
    /// # Errors
    /// [`VenueError::Unreachable`] with what happened, in the venue's words where it has any.
    pub(crate) fn get(&self, path: &str) -> Result<String, VenueError> {
        let url = format!("{}{path}", self.base);
        let unreachable = |reason: String| VenueError::Unreachable {
            venue: self.venue.to_owned(),
            url: url.clone(),
            reason,
        };
        if let Some(left) = self.pause_left() {
            return Err(unreachable(format!(
                "it asked for a pause, of which {} s are left",
                left.as_secs() + 1
            )));
        }
        let HttpAnswer { status, retry_after, body } = self.outside.get(&url).map_err(&unreachable)?;
        self.heed(retry(status, retry_after.as_deref()));
        if (200..300).contains(&status) {
            return Ok(body);
        }
        let words: String = body.chars().take(300).collect();
        let wait = self.pause_left().map(|left| format!("; it asks for a pause of {} s", left.as_secs() + 1));
        Err(unreachable(format!("it answers {status}: {words}{}", wait.unwrap_or_default())))
    }

    /// Remembers how long the venue wants to be left alone.
    fn heed(&self, retry: Retry) {
        let pause = match retry {
            Retry::After(span) | Retry::Banned(Some(span)) => {
                Duration::from_nanos(u64::try_from(span.nanos()).unwrap_or_default())
            }
            Retry::Banned(None) => BANNED_FOR,
            Retry::Never | Retry::Later => return,
        };
        *self.paused.lock().unwrap_or_else(PoisonError::into_inner) = Some(self.outside.elapsed() + pause);
    }

    fn pause_left(&self) -> Option<Duration> {
        let until = *self.paused.lock().unwrap_or_else(PoisonError::into_inner);
        until?.checked_sub(self.outside.elapsed()).filter(|left| !left.is_zero())
    }

    /// That the answer to `path` cannot be read.
    pub(crate) fn unreadable(&self, path: &str, error: &impl std::fmt::Display) -> VenueError {
        VenueError::Unreachable {
            venue: self.venue.to_owned(),
            url: format!("{}{path}", self.base),
            reason: format!("its answer cannot be read: {error}"),
        }
    }

    /// What `path` answers, read as JSON.
    ///
    /// # Errors
    /// As [`Http::get`], and for an answer of another shape.
    pub(crate) fn json<T: serde::de::DeserializeOwned>(&self, path: &str) -> Result<T, VenueError> {
        let text = self.get(path)?;
        serde_json::from_str(&text).map_err(|error| self.unreadable(path, &error))
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    use super::*;
    use crate::outside::Machine;

    /// Answers every request with `answer`; gives its address and how many requests it had.
    fn server(answer: &'static str) -> (String, Arc<Mutex<u32>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (base, asked) = (format!("http://{}", listener.local_addr().unwrap()), Arc::new(Mutex::new(0)));
        let theirs = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let _ = stream.read(&mut [0; 4_096]).unwrap();
                *theirs.lock().unwrap() += 1;
                stream.write_all(answer.as_bytes()).unwrap();
            }
        });
        (base, asked)
    }

    #[test]
    fn a_venue_that_asks_for_a_pause_is_not_asked_before_it_is_over() {
        for status in ["429 Too Many Requests", "418 I'm a teapot"] {
            let answer = format!(
                "HTTP/1.1 {status}\r\nRetry-After: 3600\r\nContent-Length: 4\r\nConnection: close\r\n\r\nslow"
            );
            let (base, asked) = server(answer.leak());
            let http = Http::new("v", &base, Machine::outside());
            let refused = http.get("/x").unwrap_err().to_string();
            assert!(refused.contains("slow") && refused.contains("a pause of 3600 s"), "{refused}");
            let other = http.clone();
            for _ in 0..10 {
                assert!(other.get("/y").unwrap_err().to_string().contains("are left"));
            }
            assert_eq!(*asked.lock().unwrap(), 1, "nothing was sent in the pause");
        }
    }

    #[test]
    fn a_venue_in_trouble_is_asked_again() {
        let (base, asked) = server("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        let http = Http::new("v", &base, Machine::outside());
        assert!(http.get("/x").is_err() && http.get("/x").is_err());
        assert_eq!(*asked.lock().unwrap(), 2);
    }
}
