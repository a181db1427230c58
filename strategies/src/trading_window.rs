//! A policy that watches from the beginning but trades only from a moment on.
//!
//! Walk-forward tests need both: averages and detectors that have seen the history before a test, and a test in
//! which nothing was held when it began. What ends the window is the end of the data.

use engine_core::event::Event;
use engine_core::intent::Intent;
use engine_core::strategy::{Strategy, View};
use engine_core::time::Timestamp;

/// A policy whose proposals before `from` are not heard.
pub struct TradingWindow {
    inner: Box<dyn Strategy>,
    from: Timestamp,
}

impl core::fmt::Debug for TradingWindow {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        out.debug_struct("TradingWindow").field("from", &self.from).finish_non_exhaustive()
    }
}

impl TradingWindow {
    /// `inner`, heard from `from` on: the bar that closes at `from` is the first that may lead to an order, which
    /// on bars of history fills at the open of that moment.
    #[must_use]
    pub const fn new(inner: Box<dyn Strategy>, from: Timestamp) -> Self {
        Self { inner, from }
    }
}

impl Strategy for TradingWindow {
    engine_core::can_be_taken_up!();

    fn observe(&mut self, at: Timestamp, event: &Event) {
        self.inner.observe(at, event);
    }

    fn propose(&self, view: &View<'_>) -> Vec<Intent> {
        if view.at < self.from { Vec::new() } else { self.inner.propose(view) }
    }
}

engine_core::learned!(TradingWindow { settings: [from], parts: [inner] });
