//! Requests to a venue's REST interface.

use std::time::Duration;

use crate::market_venue::VenueError;

/// How long a request may take.
const WITHIN: Duration = Duration::from_secs(10);

/// An answer longer than this is refused.
const BYTES_MAX: u64 = 32 << 20;

/// Asks one venue.
#[derive(Debug, Clone)]
pub(crate) struct Http {
    venue: &'static str,
    base: String,
    agent: ureq::Agent,
}

impl Http {
    /// Asks `venue` at `base`, as in `https://api.binance.com`.
    pub(crate) fn new(venue: &'static str, base: &str) -> Self {
        let config = ureq::Agent::config_builder().timeout_global(Some(WITHIN)).http_status_as_error(false);
        Self { venue, base: base.to_owned(), agent: config.build().into() }
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
        let mut answer = self.agent.get(&url).call().map_err(|error| unreachable(error.to_string()))?;
        let status = answer.status();
        let wait =
            answer.headers().get("retry-after").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let body = answer.body_mut().with_config().limit(BYTES_MAX).read_to_string();
        let body = body.map_err(|error| unreachable(error.to_string()))?;
        if status.is_success() {
            return Ok(body);
        }
        let words: String = body.chars().take(300).collect();
        let wait = wait.map(|seconds| format!("; it asks for a pause of {seconds} s")).unwrap_or_default();
        Err(unreachable(format!("it answers {status}: {words}{wait}")))
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
