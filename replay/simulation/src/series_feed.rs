//! Datasets as a market source: checked pages in, records out, several series merged by time.
//!
//! Ties between series are broken by what the records are (bars that end, then opens, then trades and
//! quotes), then by source rank, then by number: a total order without maps.

use engine_core::envelope::RecordRef;
use engine_core::event::{Event, Input};
use engine_core::instrument::InstrumentId;
use engine_core::market::MarketUpdate;
use engine_core::time::{Span, Timestamp};
use engine_runtime::ports::{EnvironmentError, Origin, Stamped};
use journal_store::dataset::{DatasetError, Page, Pages, SeriesReader};
use journal_store::record::{BarRecord, QuoteRecord, Record, TradeRecord, lag_span};

use replay_history::market_source::{MarketItem, MarketSource};

mod beginning;
mod jump;
mod opening;

pub use beginning::Beginning;
pub use opening::{DataError, OpenDatasets, OpenedData, open, open_recorded};

/// The records of the page being read, of the one kind its series holds.
#[derive(Debug)]
enum Records {
    Trades(Vec<TradeRecord>),
    Quotes(Vec<QuoteRecord>),
    Bars(Vec<BarRecord>),
}

/// What the bars of a run are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bars {
    /// Prices, each announced by its open.
    Announced,
    /// Prices that come at their closes.
    Silent,
    /// What is decided on, beside prices that are trades or quotes. As these they are known after the feed's delay.
    Signals,
}

/// One series of one dataset on its way into a run.
#[derive(Debug)]
struct SeriesFeed {
    name: String,
    series: SeriesReader,
    /// The first record of the run.
    begins_with: u64,
    pages: Pages,
    records: Records,
    next: usize,
    loaded: usize,
    first_seq: u64,
    last_seq: u64,
    dataset: u16,
    instrument: InstrumentId,
    interval: Span,
    delay: Span,
    bars: Bars,
    /// Whether the open of the bar at `next` has been given.
    opened: bool,
    at: Timestamp,
}

impl SeriesFeed {
    /// The first record, which is still the next to come.
    fn first_item(&mut self) -> Result<Option<MarketItem>, EnvironmentError> {
        let first = self.next_item()?;
        (self.next, self.opened, self.at) = (0, false, Timestamp::MIN);
        Ok(first)
    }

    fn next_item(&mut self) -> Result<Option<MarketItem>, EnvironmentError> {
        if self.next == self.loaded && !self.turn_page()? {
            return Ok(None);
        }
        let seq = self.first_seq + self.next as u64;
        let found = match &self.records {
            Records::Trades(records) => records.get(self.next).map(|record| {
                let trade = record.trade(self.instrument);
                (self.known_at(trade.venue_at, record.lag_us), MarketUpdate::Trade(trade))
            }),
            Records::Quotes(records) => records.get(self.next).map(|record| {
                let quote = record.quote(self.instrument);
                (self.known_at(quote.venue_at, record.lag_us), MarketUpdate::Quote(quote))
            }),
            Records::Bars(records) => records.get(self.next).map(|record| self.bar_item(*record)),
        };
        let Some((at, update)) = found else { return Ok(None) };
        self.at = self.at.max(at);
        self.opened = matches!(update, MarketUpdate::Open(_));
        self.next += usize::from(!self.opened);
        Ok(Some(MarketItem { at: self.at, update, tick: RecordRef { dataset: self.dataset, seq } }))
    }

    /// The hot path: a trade or a bar goes from its record straight into the input it becomes.
    #[inline]
    fn read_into(&mut self, slot: &mut Stamped) -> Result<bool, EnvironmentError> {
        let seq = self.first_seq + self.next as u64;
        match &self.records {
            Records::Trades(records) => {
                let Some(record) = records.get(self.next) else { return self.read_other_into(slot) };
                let trade = record.trade(self.instrument);
                self.at = self.at.max(self.known_at(trade.venue_at, record.lag_us));
                // After a trade comes a trade: overwriting it in place spares dropping what it might have been.
                if let Event::Input(Input::Market(MarketUpdate::Trade(before))) = &mut slot.event {
                    *before = trade;
                } else {
                    slot.event = Event::Input(Input::Market(MarketUpdate::Trade(trade)));
                }
            }
            Records::Bars(records) if self.bars == Bars::Announced && !self.opened => {
                let Some(record) = records.get(self.next) else { return self.read_other_into(slot) };
                let open = record.bar_open(self.instrument);
                self.at = self.at.max(open.open_at);
                self.opened = true;
                slot.event = Event::Input(Input::Market(MarketUpdate::Open(open)));
                slot.at = self.at;
                slot.origin = Origin::Record(RecordRef { dataset: self.dataset, seq });
                return Ok(true);
            }
            Records::Bars(records) if self.bars != Bars::Signals => {
                let Some(record) = records.get(self.next) else { return self.read_other_into(slot) };
                let bar = record.bar(self.instrument, self.interval);
                self.opened = false;
                self.at = self.at.max(bar.close_at);
                if let Event::Input(Input::Market(MarketUpdate::Bar(before))) = &mut slot.event {
                    *before = bar;
                } else {
                    slot.event = Event::Input(Input::Market(MarketUpdate::Bar(bar)));
                }
            }
            Records::Quotes(_) | Records::Bars(_) => return self.read_other_into(slot),
        }
        self.next += 1;
        slot.at = self.at;
        slot.origin = Origin::Record(RecordRef { dataset: self.dataset, seq });
        Ok(true)
    }

    /// Everything else: turns the page first when it is read.
    #[inline(never)]
    fn read_other_into(&mut self, slot: &mut Stamped) -> Result<bool, EnvironmentError> {
        let Some(MarketItem { at, update, tick }) = self.next_item()? else { return Ok(false) };
        *slot = Stamped { at, event: Event::Input(Input::Market(update)), origin: Origin::Record(tick) };
        Ok(true)
    }

    /// When the next record is known and who comes first then; it is still to come.
    #[inline]
    fn peek(&mut self) -> Result<Option<Due>, EnvironmentError> {
        if self.next == self.loaded && !self.turn_page()? {
            return Ok(None);
        }
        let known = match &self.records {
            Records::Trades(records) => {
                let record = records.get(self.next);
                record.map(|record| {
                    (self.known_at(Timestamp::from_nanos(record.venue_at), record.lag_us), TICK)
                })
            }
            Records::Quotes(records) => {
                let record = records.get(self.next);
                record.map(|record| {
                    (self.known_at(Timestamp::from_nanos(record.venue_at), record.lag_us), TICK)
                })
            }
            Records::Bars(records) if self.bars == Bars::Announced && !self.opened => {
                records.get(self.next).map(|record| (Timestamp::from_nanos(record.open_at), OPEN))
            }
            Records::Bars(records) => {
                let record = records.get(self.next);
                record.map(|record| (self.closed_at(record.close_at(self.interval)), BAR))
            }
        };
        Ok(known.map(|(at, turn)| Due { at: self.at.max(at), turn }))
    }

    fn bar_item(&self, record: BarRecord) -> (Timestamp, MarketUpdate) {
        if self.bars == Bars::Announced && !self.opened {
            let open = record.bar_open(self.instrument);
            return (open.open_at, MarketUpdate::Open(open));
        }
        let bar = record.bar(self.instrument, self.interval);
        let at = self.closed_at(bar.close_at);
        (at, if self.bars == Bars::Signals { MarketUpdate::SignalBar(bar) } else { MarketUpdate::Bar(bar) })
    }

    /// When a bar is known that ends at `close_at`.
    fn closed_at(&self, close_at: Timestamp) -> Timestamp {
        match self.bars {
            Bars::Announced | Bars::Silent => close_at,
            Bars::Signals => close_at.plus(self.delay),
        }
    }

    fn known_at(&self, venue_at: Timestamp, lag_us: u32) -> Timestamp {
        // Nothing is known before it happened, by whichever clock: a lag below zero counts as none.
        venue_at.plus(lag_span(lag_us).unwrap_or(self.delay).max(Span::ZERO))
    }

    #[cold]
    fn turn_page(&mut self) -> Result<bool, EnvironmentError> {
        if self.first_seq + self.next as u64 > self.last_seq {
            return Ok(false);
        }
        let Some(page) = self.pages.next() else { return Ok(false) };
        let page = page.map_err(|error| broken(&error))?;
        self.first_seq = page.first_seq();
        self.next = 0;
        // What lies behind the last record asked for is cut off here, so that nobody has to look later.
        let asked = (self.last_seq + 1).saturating_sub(self.first_seq);
        self.loaded = page.count().min(usize::try_from(asked).unwrap_or(usize::MAX));
        let right_kind = match &mut self.records {
            Records::Trades(records) => filled(&page, records, self.loaded),
            Records::Quotes(records) => filled(&page, records, self.loaded),
            Records::Bars(records) => filled(&page, records, self.loaded),
        };
        if right_kind {
            return Ok(self.loaded > 0);
        }
        let reason = format!("{}: record {} is of another kind", self.name, page.first_seq());
        Err(EnvironmentError::SourceBroken { reason })
    }
}

/// The first `count` records of `page`; answers whether it holds this kind.
fn filled<R: Record>(page: &Page, records: &mut Vec<R>, count: usize) -> bool {
    let right_kind = page.copy_to(records);
    records.truncate(count);
    right_kind
}

fn broken(error: &DatasetError) -> EnvironmentError {
    EnvironmentError::SourceBroken { reason: error.to_string() }
}

/// When a record is known, and who comes first at one moment: what a bar sums up is over before what begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Due {
    at: Timestamp,
    turn: u8,
}

const BAR: u8 = 0;
const OPEN: u8 = 1;
const TICK: u8 = 2;

/// The data of a run: its series, opened and put in order.
#[derive(Debug)]
pub struct SeriesFeeds {
    feeds: Vec<SeriesFeed>,
    /// When the next record of each series is due; nothing for one that has ended.
    due: Vec<Option<Due>>,
    primed: bool,
    begins_at: Timestamp,
}

impl SeriesFeeds {
    /// The first moment at which every instrument has a price.
    #[must_use]
    pub const fn begins_at(&self) -> Timestamp {
        self.begins_at
    }

    #[cold]
    fn prime(&mut self) -> Result<(), EnvironmentError> {
        for (due, feed) in self.due.iter_mut().zip(&mut self.feeds) {
            *due = feed.peek()?;
        }
        self.primed = true;
        Ok(())
    }

    /// The series whose record comes next: the first listed of those due first.
    #[inline]
    fn first_due(&mut self) -> Result<Option<usize>, EnvironmentError> {
        if !self.primed {
            self.prime()?;
        }
        let mut first: Option<(Due, usize)> = None;
        for (index, due) in self.due.iter().enumerate() {
            if let Some(due) = *due
                && first.is_none_or(|(earliest, _)| due < earliest)
            {
                first = Some((due, index));
            }
        }
        Ok(first.map(|(_, index)| index))
    }

    /// The next record of all series, as `take` takes it from its own.
    #[inline]
    fn merged<T>(
        &mut self,
        take: impl FnOnce(&mut SeriesFeed) -> Result<T, EnvironmentError>,
    ) -> Result<Option<T>, EnvironmentError> {
        let Some(index) = self.first_due()? else { return Ok(None) };
        let (Some(due), Some(feed)) = (self.due.get_mut(index), self.feeds.get_mut(index)) else {
            return Ok(None);
        };
        let taken = take(feed)?;
        *due = feed.peek()?;
        Ok(Some(taken))
    }
}

impl MarketSource for SeriesFeeds {
    fn pass_over(&mut self, count: u64, moment: Timestamp) -> Result<(), EnvironmentError> {
        self.jump(count, moment)
    }

    fn next(&mut self) -> Result<Option<MarketItem>, EnvironmentError> {
        match self.feeds.as_mut_slice() {
            [only] => only.next_item(),
            _ => Ok(self.merged(SeriesFeed::next_item)?.flatten()),
        }
    }

    #[inline]
    fn read_into(&mut self, slot: &mut Stamped) -> Result<bool, EnvironmentError> {
        if let [only] = self.feeds.as_mut_slice() {
            return only.read_into(slot);
        }
        Ok(self.merged(|feed| feed.read_into(slot))?.unwrap_or(false))
    }
}
