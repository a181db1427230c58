//! What a venue means by an answer that is none.

use engine_core::time::Span;

use super::frame_error::FrameError;

/// When the same request may be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// Never: the request is wrong, or forbidden from here.
    Never,
    /// Later, with growing waits: the venue is in trouble or did not say.
    Later,
    /// Not before so long: too many requests.
    After(Span),
    /// Not before so long, and no other request either: this address is banned; for how long is unknown where it does not say.
    Banned(Option<Span>),
}

/// A request that a venue refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("refused with status {status}{}: {reason}", code.as_ref().map(|code| format!(", code {code}")).unwrap_or_default())]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// The venue's code, where it gives one.
    pub code: Option<String>,
    /// The venue's words, or the beginning of its answer.
    pub reason: String,
    /// When to ask again.
    pub retry: Retry,
}

/// Why an answer gives nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// It is not what the venue's documents say.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// It is a refusal.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// Too many requests, as HTTP says it.
const TOO_MANY_REQUESTS: u16 = 429;

/// What Binance answers those who go on after 429.
const BANNED: u16 = 418;

/// When a request may be sent again, by its status and the header `Retry-After` in seconds.
pub(crate) fn retry(status: u16, retry_after: Option<&str>) -> Retry {
    let seconds = retry_after.and_then(|text| text.trim().parse::<u32>().ok()).map(i64::from);
    let wait = seconds.map(|seconds| Span::from_nanos(seconds * Span::SECOND.nanos()));
    match status {
        TOO_MANY_REQUESTS => wait.map_or(Retry::Later, Retry::After),
        BANNED => Retry::Banned(wait),
        408 | 500..=599 => wait.map_or(Retry::Later, Retry::After),
        _ => Retry::Never,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_says_when_to_ask_again() {
        let seconds = |count: i64| Span::from_nanos(count * 1_000_000_000);
        assert_eq!(retry(429, Some("7")), Retry::After(seconds(7)));
        assert_eq!(retry(418, Some(" 259200 ")), Retry::Banned(Some(seconds(259_200))));
        assert_eq!(retry(418, None), Retry::Banned(None));
        assert_eq!(retry(503, None), Retry::Later);
        assert_eq!([400, 401, 403, 404].map(|status| retry(status, Some("1"))), [Retry::Never; 4]);
        for silly in ["", "-1", "1e9", "99999999999999999999", "Wed, 21 Oct 2026 07:28:00 GMT"] {
            assert_eq!(retry(429, Some(silly)), Retry::Later, "{silly}");
        }
    }
}
