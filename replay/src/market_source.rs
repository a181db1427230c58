//! Where recorded market data comes from, one record at a time in the order of the run.

use engine_core::envelope::TickRef;
use engine_core::event::{Event, Input};
use engine_core::market::MarketUpdate;
use engine_core::time::Timestamp;
use engine_runtime::ports::{EnvironmentError, Origin, Stamped};

/// One market record on its way into a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MarketItem {
    /// When the house learns it.
    pub at: Timestamp,
    /// What it says.
    pub update: MarketUpdate,
    /// Which record of which dataset it is.
    pub tick: TickRef,
}

/// Market records in the order of the run: by time, then source rank, then number.
pub trait MarketSource {
    /// The next record, or `None` at the end.
    ///
    /// # Errors
    /// [`EnvironmentError::SourceBroken`] naming dataset and record.
    fn next(&mut self) -> Result<Option<MarketItem>, EnvironmentError>;

    /// Writes the next record into `slot` as the input it becomes; answers whether there was one.
    ///
    /// The hot path of a backtest. A source that can builds the input in place: a record that is first built
    /// and then moved costs more than everything else that happens to it.
    ///
    /// # Errors
    /// As [`MarketSource::next`].
    fn read_into(&mut self, slot: &mut Stamped) -> Result<bool, EnvironmentError> {
        let Some(MarketItem { at, update, tick }) = self.next()? else { return Ok(false) };
        *slot = Stamped { at, event: Event::Input(Input::Market(update)), origin: Origin::Tick(tick) };
        Ok(true)
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
}

impl MarketSource for MemorySource {
    fn next(&mut self) -> Result<Option<MarketItem>, EnvironmentError> {
        Ok(self.items.pop_front())
    }
}
