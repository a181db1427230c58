//! The faults under way: those that last, and those that wait for the next message or request.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::http::Response;
use crate::link::Message;
use crate::random::Random;
use crate::settings::Dialect;

/// The state of all faults.
#[derive(Debug)]
pub(crate) struct Disorder {
    random: Random,
    pub(crate) skew_ns: i64,
    pub(crate) duplicate_ppm: u32,
    pub(crate) corrupt_ppm: u32,
    pub(crate) frozen: BTreeSet<String>,
    pub(crate) gaps: BTreeMap<String, u32>,
    /// Connections whose next messages are sent in another order, and how many.
    pub(crate) reorders: BTreeMap<u64, usize>,
    pub(crate) refuse_connects: u32,
    pub(crate) pong_within: Option<Duration>,
    pub(crate) life: Option<Duration>,
    /// Status, seconds to wait, and how many requests are still answered so.
    pub(crate) http: Option<(u16, u32, u32)>,
    pub(crate) banned_until: Option<Instant>,
}

/// The name of every stream in the faults that take one.
pub(crate) const EVERY_STREAM: &str = "*";

/// What a corrupted number becomes.
const NO_NUMBERS: [&str; 8] =
    ["NaN", "-1", "1e400", "", "0", "999999999999999999999999999999", "Infinity", "0x10"];

impl Disorder {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            random: Random::new(seed, "disorder"),
            skew_ns: 0,
            duplicate_ppm: 0,
            corrupt_ppm: 0,
            frozen: BTreeSet::new(),
            gaps: BTreeMap::new(),
            reorders: BTreeMap::new(),
            refuse_connects: 0,
            pong_within: None,
            life: None,
            http: None,
            banned_until: None,
        }
    }

    pub(crate) fn is_frozen(&self, stream: &str) -> bool {
        self.frozen.contains(stream) || self.frozen.contains(EVERY_STREAM)
    }

    /// Whether the next message of a stream is left out, counting it.
    pub(crate) fn misses(&mut self, stream: &str) -> bool {
        let key = if self.gaps.contains_key(stream) { stream } else { EVERY_STREAM };
        let Some(left) = self.gaps.get_mut(key) else { return false };
        *left -= 1;
        if *left == 0 {
            self.gaps.remove(key);
        }
        true
    }

    /// The next `count` messages of a stream are left out; none for zero.
    pub(crate) fn leave_out(&mut self, stream: &str, count: u32) {
        self.gaps.remove(stream);
        if count > 0 {
            self.gaps.insert(stream.to_owned(), count);
        }
    }

    pub(crate) fn is_doubled(&mut self) -> bool {
        self.random.happens(self.duplicate_ppm)
    }

    pub(crate) fn reorder_window(&self, link: u64) -> usize {
        self.reorders.get(&link).copied().unwrap_or(0)
    }

    /// The messages of a window in another order than they came in; the window is over then.
    pub(crate) fn shuffled(&mut self, link: u64, mut messages: Vec<Message>) -> Vec<Message> {
        self.reorders.remove(&link);
        for last in (1..messages.len()).rev() {
            let other = usize::try_from(self.random.below(last as u64)).unwrap_or(0);
            messages.swap(last, other);
        }
        messages
    }

    /// The text, or in some cases what is left of it: cut off, a number that is none, a name that is another, or deeply
    /// nested.
    pub(crate) fn corrupted(&mut self, text: String) -> Arc<str> {
        if !self.random.happens(self.corrupt_ppm) {
            return text.into();
        }
        let corrupt = match self.random.below(4) {
            0 => {
                let mut end = usize::try_from(self.random.below(text.len() as u64)).unwrap_or(0);
                while !text.is_char_boundary(end) {
                    end -= 1;
                }
                text[..end].to_owned()
            }
            1 => self.spoil_number(&text),
            2 => text.replacen("\":", "_\":", 1),
            _ => format!("{}{text}{}", "[".repeat(500), "]".repeat(500)),
        };
        corrupt.into()
    }

    /// Replaces the first decimal text in the message with something that is no number.
    fn spoil_number(&mut self, text: &str) -> String {
        let number = NO_NUMBERS[usize::try_from(self.random.below(NO_NUMBERS.len() as u64)).unwrap_or(0)];
        let is_digit = |at: usize| text.as_bytes().get(at).is_some_and(u8::is_ascii_digit);
        let Some(point) = text.match_indices('.').map(|(at, _)| at).find(|at| is_digit(at + 1)) else {
            return text[..text.len() / 2].chars().filter(char::is_ascii).collect();
        };
        let start = (0..point).rev().find(|at| !is_digit(*at)).map_or(0, |at| at + 1);
        let end = (point + 1..text.len()).find(|at| !is_digit(*at)).unwrap_or(text.len());
        format!("{}{number}{}", &text[..start], &text[end..])
    }

    /// How much longer a ban lasts, while there is one.
    pub(crate) fn ban_left(&self) -> Option<Duration> {
        let left = self.banned_until?.checked_duration_since(Instant::now())?;
        (!left.is_zero()).then_some(left)
    }

    /// The answer that a fault gives to any request, in the venue's words.
    pub(crate) fn http_answer(&mut self, dialect: Dialect) -> Option<Response> {
        let now = Instant::now();
        if let Some(until) = self.banned_until {
            if now < until {
                // At most 30 days, rounded up: a client that waits as told asks after the ban.
                let seconds = (until - now).as_secs() as u32 + 1;
                // Only Binance has a status of its own for it.
                let status = if dialect == Dialect::Binance { 418 } else { 429 };
                return Some(refusal(dialect, status, seconds));
            }
            self.banned_until = None;
        }
        let (status, retry_after, left) = self.http?;
        self.http = (left > 1).then_some((status, retry_after, left - 1));
        Some(refusal(dialect, status, retry_after))
    }
}

fn refusal(dialect: Dialect, status: u16, retry_after: u32) -> Response {
    let body = match dialect {
        Dialect::Binance => {
            "{\"code\":-1003,\"msg\":\"Too many requests; current limit of IP is 6000 requests per minute.\"}"
        }
        Dialect::Coinbase => {
            "{\"errors\":[{\"id\":\"rate_limit_exceeded\",\"message\":\"Too many requests\"}]}"
        }
        Dialect::Kraken => "{\"error\":[\"EGeneral:Too many requests\"]}",
    };
    let retry_after = (retry_after > 0).then_some(retry_after);
    Response { retry_after, ..Response::refused(status, body) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_corrupted_message_is_another_message() {
        let mut disorder = Disorder::new(1);
        disorder.corrupt_ppm = 1_000_000;
        let text = "{\"p\":\"64250.01000000\",\"s\":\"币USDT\"}";
        for _ in 0..500 {
            assert_ne!(&*disorder.corrupted(text.to_owned()), text);
        }
        disorder.corrupt_ppm = 0;
        assert_eq!(&*disorder.corrupted(text.to_owned()), text);
    }

    #[test]
    fn a_gap_ends_after_its_messages() {
        let mut disorder = Disorder::new(1);
        disorder.gaps.insert("a".to_owned(), 2);
        let missed: Vec<bool> = ["b", "a", "a", "a"].iter().map(|stream| disorder.misses(stream)).collect();
        assert_eq!(missed, [false, true, true, false]);
    }
}
