//! Where recorded market data comes from, one record at a time in the order of the run.

use engine_core::envelope::TickRef;
use engine_core::market::MarketUpdate;
use engine_core::time::Timestamp;
use engine_runtime::ports::EnvironmentError;

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
