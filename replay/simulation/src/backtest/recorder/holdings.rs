//! What a run holds, as a look at its exposure needs it.

use engine_core::instrument::InstrumentId;
use engine_core::state::State;

use super::scale::Scale;

/// A position as a look values it.
#[derive(Debug, Clone, Copy)]
struct Holding {
    instrument: InstrumentId,
    /// Units of price in one.
    price_scale: f64,
    /// How much of it, without its sign.
    qty: f64,
}

/// The positions there are, taken down when something was filled: in between only prices change.
#[derive(Debug, Clone, Default)]
pub(super) struct Holdings(Vec<Holding>);

impl Holdings {
    /// Takes down what is held now.
    #[cold]
    pub(super) fn take_down(&mut self, state: &State, scales: &[Scale]) {
        self.0.clear();
        for (instrument, scale) in instruments(scales) {
            let held = state.ledger().position(instrument).qty;
            if !held.is_zero() {
                let qty = held.magnitude().units() as f64 / scale.qty;
                self.0.push(Holding { instrument, price_scale: scale.price, qty });
            }
        }
    }

    /// Gross notional at the present marks, in the settlement currency.
    #[inline]
    pub(super) fn exposure(&self, state: &State) -> f64 {
        let mut exposure = 0.0;
        for Holding { instrument, price_scale, qty } in &self.0 {
            let Some(mark) = state.mark(*instrument) else { continue };
            exposure += mark.units() as f64 / price_scale * qty;
        }
        exposure
    }
}

/// The instruments of the run with their scales.
pub(super) fn instruments(scales: &[Scale]) -> impl Iterator<Item = (InstrumentId, &Scale)> {
    (0..=u16::MAX).map(InstrumentId::new).zip(scales)
}
