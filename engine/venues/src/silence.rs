//! Whether a stream is silent for far longer than it ever is, while its connection lives.
//!
//! Time is counted in looks, a second apart: whoever sleeps for an hour takes one look behind it, and finds no stream silent
//! because of that.

use engine_core::event::{SilentStream, StreamKind};
use engine_core::time::Timestamp;

/// The words that say how often a stream speaks.
const WORDS: u64 = 256;

/// Before so many words nothing is known.
const KNOWN_AFTER: u64 = 64;

/// A stream is stale when it is silent for so many times what lies between its words. In 4.6 days of real trades no silence
/// was as long but one, which is a hole of the capture; thirty times was passed twenty times more.
const TIMES: u64 = 60;

/// And for so many looks at least.
const LOOKS_MIN: u64 = 5;

/// The parts of a look that spacings are kept in.
const PARTS: u64 = 1 << 16;

/// How often one stream speaks, and since when it does not.
#[derive(Debug)]
pub(crate) struct Silence {
    stream: StreamKind,
    /// The look at which it spoke last, or its connection began.
    heard: Option<u64>,
    /// When it spoke last.
    since: Option<Timestamp>,
    /// Words that were counted, up to [`WORDS`].
    words: u64,
    /// What lies between two words, in parts of a look.
    spacing: u64,
    is_stale: bool,
}

impl Silence {
    /// A stream that has not spoken.
    pub(crate) const fn new(stream: StreamKind) -> Self {
        Self { stream, heard: None, since: None, words: 0, spacing: 0, is_stale: false }
    }

    /// Which stream.
    pub(crate) const fn stream(&self) -> StreamKind {
        self.stream
    }

    /// Whether it is silent for too long.
    pub(crate) const fn is_stale(&self) -> bool {
        self.is_stale
    }

    /// It speaks, `at` a moment behind the look `look`; answers the end of a silence that was too long.
    pub(crate) fn spoke(&mut self, at: Timestamp, look: u64) -> Option<SilentStream> {
        if let (Some(heard), false) = (self.heard, self.is_stale) {
            let spacing = look.saturating_sub(heard).saturating_mul(PARTS);
            self.words = (self.words + 1).min(WORDS);
            let before = self.spacing.saturating_mul(self.words - 1);
            self.spacing = before.saturating_add(spacing) / self.words;
        }
        self.heard = Some(look);
        let since = self.since.replace(at);
        core::mem::take(&mut self.is_stale).then_some(SilentStream { stream: self.stream, since: since? })
    }

    /// A connection begins: it is to speak from here on.
    pub(crate) fn begins(&mut self, look: u64) {
        self.heard = Some(look);
    }

    /// No connection lives: nothing is to be heard.
    pub(crate) const fn ends(&mut self) {
        self.heard = None;
    }

    /// Answers a silence that is too long by the look `look`, once.
    pub(crate) fn look(&mut self, look: u64) -> Option<SilentStream> {
        let silent = look.saturating_sub(self.heard?);
        let is_long = silent > LOOKS_MIN && silent.saturating_mul(PARTS) > self.spacing.saturating_mul(TIMES);
        if self.is_stale || self.words < KNOWN_AFTER || !is_long {
            return None;
        }
        self.is_stale = true;
        Some(SilentStream { stream: self.stream, since: self.since? })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(look: u64) -> Timestamp {
        Timestamp::from_nanos(i64::try_from(look).unwrap())
    }

    /// A stream that spoke `words` times, `per_look` times a look or once in `looks`.
    fn speaking(words: u64, per_look: u64, looks: u64) -> (Silence, u64) {
        let (mut silence, mut look) = (Silence::new(StreamKind::Trades), 0);
        silence.begins(0);
        for word in 0..words {
            look = word / per_look * looks;
            assert_eq!(silence.look(look), None);
            assert_eq!(silence.spoke(at(look), look), None);
        }
        (silence, look)
    }

    #[test]
    fn a_stream_is_stale_by_its_own_measure_and_says_so_once() {
        let (mut busy, last) = speaking(1_000, 50, 1);
        assert_eq!((last + 1..=last + 5).find_map(|look| busy.look(look)), None);
        let silent = SilentStream { stream: StreamKind::Trades, since: at(last) };
        assert_eq!(busy.look(last + 6), Some(silent));
        assert!(busy.is_stale());
        assert_eq!(busy.look(last + 100), None, "it was said");
        assert_eq!(busy.spoke(at(last + 101), last + 101), Some(silent));
        assert_eq!(busy.spoke(at(last + 101), last + 101), None);
        // What was silent for too long is no measure.
        assert_eq!(busy.look(last + 107).map(|silent| silent.since), Some(at(last + 101)));

        let (mut slow, last) = speaking(100, 1, 10);
        assert_eq!(slow.look(last + 590), None);
        assert!(slow.look(last + 610).is_some());
    }

    #[test]
    fn before_it_is_known_and_while_nothing_is_to_be_heard_no_stream_is_stale() {
        let (mut new, last) = speaking(63, 1, 1);
        assert_eq!(new.look(last + 1_000_000), None);
        let (mut broken, last) = speaking(300, 1, 1);
        broken.ends();
        assert_eq!(broken.look(last + 1_000_000), None);
        broken.begins(last + 1_000_000);
        assert_eq!(broken.look(last + 1_000_059), None);
        assert!(broken.look(last + 1_000_100).is_some(), "it does not speak on the new connection");
    }

    proptest! {
        #[test]
        fn no_silence_shorter_than_sixty_times_the_shortest_pause_is_too_long(
            pauses in prop::collection::vec(0_u64..1_000, 65..400),
        ) {
            let (mut silence, mut look) = (Silence::new(StreamKind::Quotes), 0);
            let shortest = *pauses.iter().min().unwrap();
            for pause in pauses {
                look += pause;
                // A mean is kept in whole parts of a look.
                if pause <= shortest.saturating_mul(TIMES - 1) {
                    prop_assert_eq!(silence.look(look), None);
                    prop_assert_eq!(silence.spoke(at(look), look), None);
                } else {
                    silence.look(look);
                    silence.spoke(at(look), look);
                }
            }
            prop_assert!(silence.look(u64::MAX).is_some());
        }
    }
}
