//! What buy-and-hold learns while a run goes by.

use engine_core::instrument::InstrumentId;
use engine_core::machine::Core;
use engine_core::market::Bar;
use engine_core::num::Price;
use engine_core::time::Timestamp;

use super::RunRecorder;
use super::holdings::instruments;

impl RunRecorder<'_> {
    /// What buy-and-hold must know of a tick until it has bought.
    #[cold]
    pub(super) fn tell_reference(&mut self, core: &Core, at: Timestamp, instrument: InstrumentId) {
        if let (Some(scale), Some(mark)) =
            (self.scales.get(instrument.index()), core.state().mark(instrument))
        {
            self.reference.price(instrument, at, mark.units() as f64 / scale.price);
        }
    }

    /// The same of a bar.
    #[cold]
    pub(super) fn tell_reference_bar(&mut self, bar: &Bar) {
        let Some(scale) = self.scales.get(bar.instrument.index()) else { return };
        let price = |price: Price| price.units() as f64 / scale.price;
        self.reference.bar(bar, price(bar.open), price(bar.close));
    }

    /// Remembers at what the instrument of `bar` is valued from here on.
    #[inline]
    pub(super) fn note_close(&mut self, bar: &Bar) {
        if let Some(close) = self.closes.get_mut(bar.instrument.index()) {
            *close = bar.close;
        }
    }

    /// Closes a day of buy-and-hold at its last look, which charts may have passed over.
    #[cold]
    pub(super) fn close_reference_day(&mut self) {
        let Some(at) = self.look.as_ref().map(|look| look.at).filter(|at| *at < self.day_ends_at) else {
            return;
        };
        if !self.reference.is_invested() || self.is_charted() {
            return;
        }
        for (close, (instrument, scale)) in self.closes.iter().zip(instruments(&self.scales)) {
            self.reference.mark(instrument, close.units() as f64 / scale.price);
        }
        self.reference.sample(at);
    }

    /// Values buy-and-hold at the present marks.
    #[cold]
    pub(super) fn mark_reference(&mut self, core: &Core) {
        for (instrument, scale) in instruments(&self.scales) {
            if let Some(mark) = core.state().mark(instrument) {
                self.reference.mark(instrument, mark.units() as f64 / scale.price);
            }
        }
    }
}
