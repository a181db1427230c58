//! What a recording does not say, or says twice: counted and named for whoever imports it.

use std::collections::BTreeMap;

use engine_core::time::Timestamp;

use crate::frame_replay::FramePlace;
use crate::trade_ranges::TradeHole;

/// So many frames that cannot be read are named; all are counted.
const NAMED_MAX: usize = 5;

/// A frame that the venue's dialect cannot read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadFrame {
    /// Where it stands.
    pub place: FramePlace,
    /// Why.
    pub reason: String,
}

/// A time during which nobody listened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameHole {
    /// Since when.
    pub since: Timestamp,
    /// Until when; nothing where the recording ends with it.
    pub until: Option<Timestamp>,
    /// Why.
    pub why: String,
}

/// Everything beside the rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecordingAccount {
    /// Frames that a venue sent.
    pub frames: u64,
    /// Frames that cannot be read.
    pub unread: u64,
    /// The first of them.
    pub unread_first: Vec<UnreadFrame>,
    /// Frames of kinds that nobody here knows, by their names.
    pub unknown: BTreeMap<String, u64>,
    /// Messages about books, which no dataset keeps.
    pub books: u64,
    /// Trades, quotes and bars that were told before.
    pub repeated: u64,
    /// Trades from before the recording.
    pub past_trades: u64,
    /// Quotes without a bid or without an ask.
    pub one_sided: u64,
    /// Places at which a connection's own numbers show that it left something out.
    pub left_out: u64,
    /// Times during which nobody listened.
    pub holes: Vec<FrameHole>,
    /// Trades that are missing by their numbers.
    pub trade_holes: Vec<TradeHole>,
    /// Files whose end is torn, in words.
    pub torn: Vec<String>,
}

impl RecordingAccount {
    /// One more frame that cannot be read.
    pub(crate) fn unread(&mut self, frame: UnreadFrame) {
        self.unread += 1;
        if self.unread_first.len() < NAMED_MAX {
            self.unread_first.push(frame);
        }
    }

    /// The connection was lost.
    pub(crate) fn lost(&mut self, since: Timestamp, why: String) {
        self.holes.push(FrameHole { since, until: None, why });
    }

    /// A connection was made.
    pub(crate) fn heard_again(&mut self, at: Timestamp) {
        if let Some(hole) = self.holes.last_mut() {
            hole.until.get_or_insert(at);
        }
    }
}
