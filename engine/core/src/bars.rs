//! Bars built from trades: by time, by number of trades or by volume.

use crate::feed::FeedCondition;
use crate::market::{Bar, Trade};
use crate::num::Qty;
use crate::time::{Span, Timestamp};

/// When a bar is full.
#[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[serde(rename_all = "snake_case")]
pub enum BarRule {
    /// At every multiple of this span since the epoch.
    Time(Span),
    /// After this many trades.
    Ticks(u32),
    /// Once this quantity has traded; the trade that crosses the line belongs to the bar it fills.
    Volume(Qty),
}

/// Why a trade is not in its bar: the volume would leave the range of quantities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("add a trade to its bar: the volume does not fit in 128 bits")]
pub struct VolumeOverflow;

/// The longest silence that is a quiet market; a longer one is a gap. Measured on a sparse market (Bitfinex, minutes
/// of 2016): of 63 912 pauses the longest quiet one lasted 4.6 hours, the two outages 8 and 61 days.
pub const QUIET_MAX: Span = Span::DAY;

/// Gathers trades of one instrument into bars.
///
/// A time bar holds the trades with `open ≤ arrival < close`. It is completed by the engine's clock, through a
/// deadline or by the first later trade, whichever comes first. A span without trades is a bar without volume at the
/// last price ([`Bar::is_quiet`]), as long as the feed was connected and the last trade is no more than
/// [`QUIET_MAX`] old when the span ends; after that there are no bars until the next trade. Other bars begin where the
/// one before ended. A time bar that began before the first trade of all, or during which the feed broke, or that began
/// before the feed came back, is partial, for nobody knows what it missed, and is never announced.
#[derive(serde::Serialize, serde::Deserialize, Clone, Debug, PartialEq, Eq, Hash)]
pub struct BarBuilder {
    rule: BarRule,
    forming: Option<Bar>,
    completed: Option<Bar>,
    /// Since when nothing is missing: the first trade, or the moment the feed came back.
    whole_since: Option<Timestamp>,
    /// Whether the forming bar began before the first trade.
    partial: bool,
    traded_at: Timestamp,
    /// What followed the last bar of trades; nothing where the feed broke.
    silence: Option<Silence>,
    /// When the feed broke, if it is not whole.
    broke_at: Option<Timestamp>,
}

/// The time since a bar in which nothing traded.
#[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Silence {
    /// When the last trade came.
    since: Timestamp,
    /// The last bar, quiet ones included.
    last: Bar,
}

impl Silence {
    /// The next bar of `span`, if the market is only quiet until it ends.
    fn quiet_bar(&self, span: Span) -> Option<Bar> {
        let (open_at, price) = (self.last.close_at, self.last.close);
        let close_at = open_at.plus(span);
        let quiet = Bar {
            open_at,
            close_at,
            open: price,
            high: price,
            low: price,
            close: price,
            volume: Qty::ZERO,
            trades: 0,
            ..self.last
        };
        (close_at > open_at && close_at.since(self.since) <= QUIET_MAX).then_some(quiet)
    }
}

impl BarBuilder {
    /// A builder with nothing in it.
    #[must_use]
    pub const fn new(rule: BarRule) -> Self {
        Self {
            rule,
            forming: None,
            completed: None,
            traded_at: Timestamp::MIN,
            silence: None,
            broke_at: None,
            whole_since: None,
            partial: false,
        }
    }

    /// How trades become bars.
    #[must_use]
    pub(crate) const fn rule(&self) -> BarRule {
        self.rule
    }

    /// When the next time bar must be completed: the forming one, or a quiet one.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        match (self.rule, &self.forming) {
            (BarRule::Time(_), Some(forming)) => Some(forming.close_at),
            (BarRule::Time(span), None) if self.broke_at.is_none() => {
                Some(self.silence?.quiet_bar(span)?.close_at)
            }
            (BarRule::Time(_), None) => None,
            (BarRule::Ticks(_) | BarRule::Volume(_), _) => None,
        }
    }

    /// The bar that is complete and not yet announced.
    #[must_use]
    pub const fn completed(&self) -> Option<Bar> {
        self.completed
    }

    /// Forgets the completed bar, because it was announced. The quiet bars between it and the forming one follow.
    pub fn announce(&mut self) {
        self.completed = None;
        if let Some(forming) = &self.forming {
            self.keep_quiet(forming.open_at);
        }
    }

    /// Completes the forming time bar, or the next quiet one, if it is over at `at`.
    pub fn pass(&mut self, at: Timestamp) {
        match &self.forming {
            Some(_) if self.deadline().is_some_and(|deadline| at >= deadline) => {
                self.complete();
                // A partial bar is not announced, so nothing else would begin the quiet ones behind it.
                self.keep_quiet(at);
            }
            Some(_) => {}
            None => self.keep_quiet(at),
        }
    }

    /// The feed broke at `at`, or data flows again. Where all that was missed has been told before the bar ended in which
    /// the feed broke, nothing is missing; else nothing is known of the time until the next trade.
    pub fn connect(&mut self, at: Timestamp, condition: FeedCondition) {
        match condition {
            FeedCondition::Gap | FeedCondition::Lost => {
                self.broke_at.get_or_insert(at);
            }
            FeedCondition::Connected | FeedCondition::Restored => {
                let Some(broke_at) = self.broke_at.take() else { return };
                let in_one_bar = match self.rule {
                    BarRule::Time(span) => broke_at.floor(span) == at.floor(span),
                    BarRule::Ticks(_) | BarRule::Volume(_) => true,
                };
                if condition == FeedCondition::Connected || !in_one_bar {
                    self.silence = None;
                    // Nobody knows what a bar misses that had begun before.
                    self.partial = self.forming.is_some();
                    self.whole_since = Some(at);
                }
            }
        }
    }

    /// Takes one trade in, completing the bar it ends or fills.
    ///
    /// # Errors
    /// [`VolumeOverflow`]; the forming bar stays as it was then.
    ///
    /// # Panics
    /// When a completed bar was not announced before the next one completes.
    pub fn take(&mut self, at: Timestamp, trade: &Trade) -> Result<(), VolumeOverflow> {
        self.pass(at);
        self.traded_at = at;
        let whole_since = *self.whole_since.get_or_insert(at);
        match &mut self.forming {
            Some(bar) => extend(bar, trade)?,
            None => {
                let bar = self.opened(at, trade);
                self.partial = bar.open_at < whole_since;
                self.forming = Some(bar);
            }
        }
        let full = self.forming.as_ref().is_some_and(|bar| match self.rule {
            BarRule::Time(_) => false,
            BarRule::Ticks(count) => bar.trades >= count,
            BarRule::Volume(volume) => bar.volume >= volume,
        });
        if full {
            self.forming = self.forming.map(|bar| Bar { close_at: at, ..bar });
            self.complete();
        }
        Ok(())
    }

    fn complete(&mut self) {
        assert!(self.completed.is_none(), "a completed bar is announced in the step that completes it");
        let over = self.forming.take();
        let silence = |last| Silence { since: self.traded_at, last };
        let is_whole = self.broke_at.is_none();
        self.silence = over.filter(|_| is_whole).map(silence);
        self.completed = over.filter(|_| is_whole && !self.partial);
        self.partial = false;
    }

    /// Completes the next quiet bar if it ends at or before `until`.
    fn keep_quiet(&mut self, until: Timestamp) {
        let (BarRule::Time(span), Some(silence), None, None) =
            (self.rule, &mut self.silence, self.completed, self.broke_at)
        else {
            return;
        };
        if let Some(bar) = silence.quiet_bar(span).filter(|bar| bar.close_at <= until) {
            silence.last = bar;
            self.completed = Some(bar);
        }
    }

    fn opened(&self, at: Timestamp, trade: &Trade) -> Bar {
        let (open_at, close_at) = match self.rule {
            BarRule::Time(span) => (at.floor(span), at.floor(span).plus(span)),
            BarRule::Ticks(_) | BarRule::Volume(_) => {
                (self.silence.map_or(at, |silence| silence.last.close_at), at)
            }
        };
        Bar {
            instrument: trade.instrument,
            open_at,
            close_at,
            open: trade.price,
            high: trade.price,
            low: trade.price,
            close: trade.price,
            volume: trade.qty,
            trades: 1,
        }
    }
}

fn extend(bar: &mut Bar, trade: &Trade) -> Result<(), VolumeOverflow> {
    bar.volume = bar.volume.plus(trade.qty).ok_or(VolumeOverflow)?;
    bar.high = bar.high.max(trade.price);
    bar.low = bar.low.min(trade.price);
    bar.close = trade.price;
    // A count, and no amount: nothing is computed from it, and a bar of so many ticks is full before.
    bar.trades = bar.trades.saturating_add(1);
    Ok(())
}

#[cfg(test)]
mod tests;
