//! What an answer to a request about orders means: one outcome each.
//!
//! Errors are read from tables, one for each venue. Whatever no table names may have gone in: taking an order for refused that
//! works is the dearest mistake there is, so an outcome is [`Outcome::Unknown`] unless the venue's documents say otherwise.
//!
//! Source: `exchange-protocols` 1.1.9, 1.2.4 and 1.3.

use core::fmt;

use engine_core::time::{Span, Timestamp};

pub mod binance;
pub mod coinbase;
pub mod kraken;

/// What an answer means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was done, or here is what was asked for.
    Answered,
    /// It was not done and will not be: for an order, a final refusal.
    Rejected(Words),
    /// An order with this client id is alive already: the first one went in, query it.
    Alive(Words),
    /// It may have been done: reserve for the worst and find out, never send again.
    Unknown(Words),
    /// It was not done: nothing may be sent before then.
    Wait(Wait, Words),
    /// It was not done, for our time (or nonce) is wrong: measure the clock, then send once more with the same client id.
    ResyncClock(Words),
    /// It was not done: send nothing more and call a person.
    Halt(HaltCause, Words),
    /// A cancel found no open order: query it, for it has probably filled or was cancelled already.
    NotOpen(Words),
    /// A query found no order, which is no proof that there is none.
    NotFound(Words),
    /// Of a cancel and a new order one was done and the other not, or neither: query both.
    HalfDone(Words),
}

impl Outcome {
    /// What cannot be read after it was sent for.
    #[must_use]
    pub fn unreadable(error: &impl fmt::Display) -> Self {
        Self::Unknown(Words { code: None, text: error.to_string() })
    }
}

/// What the venue says of an error.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Words {
    /// Its code, where it has codes.
    pub code: Option<String>,
    /// Its words.
    pub text: String,
}

/// How long nothing may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// For so long from now on.
    For(Span),
    /// Until this moment by the venue's clock.
    Until(Timestamp),
    /// The venue does not say: with growing waits.
    Unsaid,
}

/// Why trading must stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HaltCause {
    /// The key is unknown, revoked, or not for this address.
    Key,
    /// The signature is wrong.
    Signature,
    /// The key may not do this.
    Permission,
    /// This address is banned.
    Banned(Wait),
    /// A firewall of the venue refuses this address or this request.
    Firewall,
    /// The login of this connection no longer holds.
    Session,
}

/// What a row of a table means, before the words of one answer are added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    Rejected,
    Alive,
    Unknown,
    Wait,
    ResyncClock,
    HaltKey,
    HaltSignature,
    HaltPermission,
    HaltBanned,
    HaltFirewall,
    HaltSession,
    NotOpen,
    NotFound,
    HalfDone,
}

impl Meaning {
    fn outcome(self, wait: Wait, words: Words) -> Outcome {
        match self {
            Self::Rejected => Outcome::Rejected(words),
            Self::Alive => Outcome::Alive(words),
            Self::Unknown => Outcome::Unknown(words),
            Self::Wait => Outcome::Wait(wait, words),
            Self::ResyncClock => Outcome::ResyncClock(words),
            Self::HaltKey => Outcome::Halt(HaltCause::Key, words),
            Self::HaltSignature => Outcome::Halt(HaltCause::Signature, words),
            Self::HaltPermission => Outcome::Halt(HaltCause::Permission, words),
            Self::HaltBanned => Outcome::Halt(HaltCause::Banned(wait), words),
            Self::HaltFirewall => Outcome::Halt(HaltCause::Firewall, words),
            Self::HaltSession => Outcome::Halt(HaltCause::Session, words),
            Self::NotOpen => Outcome::NotOpen(words),
            Self::NotFound => Outcome::NotFound(words),
            Self::HalfDone => Outcome::HalfDone(words),
        }
    }
}

/// The header `Retry-After`, which counts seconds.
#[must_use]
pub fn retry_after(header: Option<&str>) -> Wait {
    let seconds = header.and_then(|text| text.trim().parse::<u32>().ok()).map(i64::from);
    seconds.map_or(Wait::Unsaid, |seconds| Wait::For(Span::from_nanos(seconds * Span::SECOND.nanos())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_told_in_whole_seconds_or_not_at_all() {
        assert_eq!(retry_after(Some(" 7 ")), Wait::For(Span::from_nanos(7_000_000_000)));
        for silly in [None, Some(""), Some("-1"), Some("1e9"), Some("Wed, 21 Oct 2026 07:28:00 GMT")] {
            assert_eq!(retry_after(silly), Wait::Unsaid, "{silly:?}");
        }
    }
}
