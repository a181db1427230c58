//! Where recorded market data comes from, one record at a time in the order of the run.

use std::collections::BTreeMap;

use engine_core::conductor::Question;
use engine_core::envelope::RecordRef;
use engine_core::event::{Event, Input};
use engine_core::instrument::InstrumentId;
use engine_core::knowledge::{Forgotten, NoteReader, NoteWriter};
use engine_core::market::MarketUpdate;
use engine_core::time::Timestamp;
use engine_runtime::ports::{EnvironmentError, Origin, Stamped};

/// One market record on its way into a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MarketItem {
    /// When the engine learns it.
    pub at: Timestamp,
    /// What it says.
    pub update: MarketUpdate,
    /// Which record of which dataset it is.
    pub tick: RecordRef,
}

impl MarketItem {
    /// When what it tells began: a bar at its open, anything else when the engine learns it.
    #[must_use]
    pub const fn began_at(&self) -> Timestamp {
        match self.update {
            MarketUpdate::Bar(bar) => bar.open_at,
            MarketUpdate::SignalBar(_)
            | MarketUpdate::Open(_)
            | MarketUpdate::Trade(_)
            | MarketUpdate::Quote(_) => self.at,
        }
    }
}

/// The first moment at which every instrument among `items` has a price; the beginning of time without any.
#[must_use]
pub fn all_have_prices_at<'a>(items: impl Iterator<Item = &'a MarketItem>) -> Timestamp {
    let mut firsts = BTreeMap::new();
    items.for_each(|item| note_first(&mut firsts, item));
    firsts.into_values().max().unwrap_or(Timestamp::MIN)
}

/// The first moment at which every instrument of `source` has a price; the source is read to its end.
///
/// # Errors
/// As [`MarketSource::next`].
pub fn begins_at(source: &mut impl MarketSource) -> Result<Timestamp, EnvironmentError> {
    let mut firsts = BTreeMap::new();
    while let Some(item) = source.next()? {
        note_first(&mut firsts, &item);
    }
    Ok(firsts.into_values().max().unwrap_or(Timestamp::MIN))
}

fn note_first(firsts: &mut BTreeMap<InstrumentId, Timestamp>, item: &MarketItem) {
    // A bar that is only decided on is no price.
    if matches!(item.update, MarketUpdate::SignalBar(_)) {
        return;
    }
    let first = firsts.entry(item.update.instrument()).or_insert_with(|| item.began_at());
    *first = item.began_at().min(*first);
}

/// What a source has next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arrival {
    /// A market record.
    Record(MarketItem),
    /// Another input from outside, and when the engine learns it: a feed that broke, the end of a session.
    Told(Timestamp, Box<Input>),
    /// Nothing came, and it is this moment now: no earlier than the one waited for.
    Nothing(Timestamp),
    /// Nothing will come any more.
    End,
}

/// Market records in the order of the run: by time, then source rank, then number.
pub trait MarketSource {
    /// The next record, or `None` at the end.
    ///
    /// # Errors
    /// [`EnvironmentError::SourceBroken`] naming dataset and record.
    fn next(&mut self) -> Result<Option<MarketItem>, EnvironmentError>;

    /// What comes next, waiting no longer than `until`. History never waits: its next record is there, whatever its time.
    ///
    /// # Errors
    /// As [`MarketSource::next`].
    fn wait(&mut self, until: Option<Timestamp>) -> Result<Arrival, EnvironmentError> {
        let _ = until;
        Ok(self.next()?.map_or(Arrival::End, Arrival::Record))
    }

    /// Passes over the first `count` records of a source that has given none yet: what a state has folded that has
    /// come to `moment`, so that all records known before that moment are among them. A source that ends before is
    /// no error here: a fold that misses records says so itself.
    ///
    /// # Errors
    /// As [`MarketSource::next`].
    fn pass_over(&mut self, count: u64, moment: Timestamp) -> Result<(), EnvironmentError> {
        let _ = moment;
        for _ in 0..count {
            if self.next()?.is_none() {
                break;
            }
        }
        Ok(())
    }

    /// Writes the next record into `slot` as the input it becomes; answers whether there was one.
    ///
    /// The hot path of a backtest. A source that can builds the input in place: a record that is first built
    /// and then moved costs more than everything else that happens to it.
    ///
    /// # Errors
    /// As [`MarketSource::next`].
    fn read_into(&mut self, slot: &mut Stamped) -> Result<bool, EnvironmentError> {
        let Some(MarketItem { at, update, tick }) = self.next()? else { return Ok(false) };
        *slot = Stamped { at, event: Event::Input(Input::Market(update)), origin: Origin::Record(tick) };
        Ok(true)
    }

    /// Hands `question`, asked at `at`, to whoever answers it; the answer is told like anything else from outside. The record of
    /// a run holds its answers and asks nobody.
    fn ask(&mut self, at: Timestamp, question: &Question) {
        let _ = (at, question);
    }

    /// Whether nothing that it has taken in waits to be given, so that another of its kind can go on from here.
    fn is_settled(&self) -> bool {
        false
    }

    /// Whether everything that was recorded has been given, and what is told behind it, so that what comes next is of now.
    /// History never is.
    fn is_of_now(&self) -> bool {
        false
    }

    /// What another of its kind needs to go on from here, where it needs anything.
    fn note(&self, notes: &mut NoteWriter) {
        let _ = notes;
    }

    /// Takes back what was noted, before the first record.
    ///
    /// # Errors
    /// [`Forgotten`] where it says what cannot have been learned.
    fn recall(&mut self, notes: &mut NoteReader<'_>) -> Result<(), Forgotten> {
        let _ = notes;
        Ok(())
    }
}

/// Market records held in memory, for tests and small runs.
#[derive(Debug, Clone, Default)]
pub struct MemorySource {
    items: std::collections::VecDeque<MarketItem>,
}

impl MemorySource {
    /// A source of `items`, which must be in order.
    #[must_use]
    pub fn new(items: Vec<MarketItem>) -> Self {
        Self { items: items.into() }
    }

    /// The first moment at which every instrument has a price.
    #[must_use]
    pub fn begins_at(&self) -> Timestamp {
        all_have_prices_at(self.items.iter())
    }
}

impl MarketSource for MemorySource {
    fn next(&mut self) -> Result<Option<MarketItem>, EnvironmentError> {
        Ok(self.items.pop_front())
    }
}
