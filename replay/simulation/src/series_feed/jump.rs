//! Passing over what a state has folded already, without reading all of it.
//!
//! A state that has come to a moment has seen every record known before it, and some of those known right then. So
//! each series can begin close before that moment, and what is left is counted off record by record. Whether that
//! was right shows at the end: no record that is still to come may be known before the moment. Where one is, which
//! takes a bar much longer than its series says, everything is counted off from the first record.

use engine_core::time::{Span, Timestamp};
use engine_runtime::ports::EnvironmentError;

use super::{Bars, Records, SeriesFeed, SeriesFeeds, broken};
use replay_history::market_source::MarketSource;

/// A lag is stored in 32 bits of microseconds, so no record is known later than this behind the moment that orders it,
/// unless the run delays it more.
const LAG_MAX: Span = Span::from_nanos(u32::MAX as i64 * 1_000);

/// Bars of each series that are counted off in any case, besides two for each series: more than can be known at one
/// moment, so that one that was jumped over wrongly shows.
const BARS_COUNTED: u64 = 64;

impl SeriesFeed {
    /// Jumps close before the first record known at `moment` or later, leaving `margin` records; answers the number
    /// of market inputs passed. The series must not have been read.
    fn jump_before(&mut self, moment: Timestamp, margin: u64) -> Result<u64, EnvironmentError> {
        let (behind, margin, inputs) = match (&self.records, self.bars) {
            (Records::Bars(_), Bars::Announced) => (self.interval, margin, 2),
            (Records::Bars(_), Bars::Silent) => (self.interval, margin, 1),
            // The delay of a feed is an hour at most.
            (Records::Bars(_), Bars::Signals) => {
                (Span::from_nanos(self.interval.nanos() + self.delay.nanos()), margin, 1)
            }
            (Records::Trades(_) | Records::Quotes(_), _) => (self.delay.max(LAG_MAX), 0, 1),
        };
        let Some(at) = moment.nanos().checked_sub(behind.nanos()) else { return Ok(0) };
        let first_known = self.series.seq_at(at).map_err(|error| broken(&error))?;
        let begin = first_known.min(self.last_seq + 1).saturating_sub(margin);
        let Some(passed) = begin.checked_sub(self.begins_with).filter(|passed| *passed > 0) else {
            return Ok(0);
        };
        self.begin_at(begin)?;
        Ok(passed * inputs)
    }

    /// Begins anew with record `seq`.
    fn begin_at(&mut self, seq: u64) -> Result<(), EnvironmentError> {
        self.pages = self.series.pages(seq).map_err(|error| broken(&error))?;
        (self.first_seq, self.next, self.loaded) = (seq, 0, 0);
        (self.opened, self.at) = (false, Timestamp::MIN);
        Ok(())
    }
}

impl SeriesFeeds {
    /// Passes over the first `count` market inputs, among them all that are known before `moment`.
    ///
    /// # Errors
    /// As [`MarketSource::next`].
    pub(super) fn jump(&mut self, count: u64, moment: Timestamp) -> Result<(), EnvironmentError> {
        let margin = BARS_COUNTED + 2 * self.feeds.len() as u64;
        let mut passed = 0;
        for feed in &mut self.feeds {
            passed += feed.jump_before(moment, margin)?;
        }
        if let Some(left) = count.checked_sub(passed) {
            self.count_off(left)?;
            if self.next_known_at()?.is_none_or(|at| at >= moment) {
                return Ok(());
            }
        }
        for feed in &mut self.feeds {
            feed.begin_at(feed.begins_with)?;
        }
        self.primed = false;
        self.count_off(count)
    }

    fn count_off(&mut self, count: u64) -> Result<(), EnvironmentError> {
        for _ in 0..count {
            if self.next()?.is_none() {
                break;
            }
        }
        Ok(())
    }

    /// When the earliest record that is still to come is known.
    fn next_known_at(&mut self) -> Result<Option<Timestamp>, EnvironmentError> {
        if let [only] = self.feeds.as_mut_slice() {
            return Ok(only.peek()?.map(|due| due.at));
        }
        if !self.primed {
            self.prime()?;
        }
        Ok(self.due.iter().flatten().map(|due| due.at).min())
    }
}
