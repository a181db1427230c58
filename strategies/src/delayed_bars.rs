//! Every bar one bar late: what a policy earns when the market has moved on before it answers.
//!
//! A stress, not a policy. What the wrapped policy learns of a market (bars, and the regimes, gaps and answers
//! concluded from them) is held back until the next bar of the same instrument has closed; everything else (fills, refusals, halts) it learns at once. So each decision is the one
//! it would have made a bar ago, sized and filled at today's prices. Holding back intents instead would not do: a
//! policy whose order has not come proposes it again.

use engine_core::event::{Event, Input, Output};
use engine_core::instrument::InstrumentId;
use engine_core::intent::Intent;
use engine_core::market::MarketUpdate;
use engine_core::strategy::{Strategy, View};
use engine_core::time::Timestamp;

/// A policy that sees every bar one bar late.
pub struct DelayedBars {
    inner: Box<dyn Strategy>,
    /// What is known of each instrument since its last bar, that bar first; not yet shown.
    held: Vec<Vec<Event>>,
    /// Whether the last input was held back, so that the policy has nothing new to answer.
    is_quiet: bool,
}

impl core::fmt::Debug for DelayedBars {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        out.debug_struct("DelayedBars").field("held", &self.held).finish_non_exhaustive()
    }
}

impl DelayedBars {
    /// `inner`, one bar late. Policies that learn from trades or quotes alone are not delayed.
    #[must_use]
    pub const fn new(inner: Box<dyn Strategy>) -> Self {
        Self { inner, held: Vec::new(), is_quiet: true }
    }

    fn batch(&mut self, instrument: InstrumentId) -> &mut Vec<Event> {
        let place = instrument.index();
        if self.held.len() <= place {
            self.held.resize(place + 1, Vec::new());
        }
        &mut self.held[place]
    }

    /// Shows what was held of `instrument`, and holds its new bar.
    fn bar(&mut self, at: Timestamp, instrument: InstrumentId, event: &Event) {
        let before = core::mem::replace(self.batch(instrument), vec![event.clone()]);
        self.is_quiet = before.is_empty();
        for earlier in &before {
            self.inner.observe(at, earlier);
        }
    }
}

impl Strategy for DelayedBars {
    engine_core::can_be_taken_up!();

    fn observe(&mut self, at: Timestamp, event: &Event) {
        match event {
            Event::Input(Input::Market(MarketUpdate::Bar(bar) | MarketUpdate::SignalBar(bar)))
            | Event::Output(Output::BarClosed(bar)) => {
                self.bar(at, bar.instrument, event);
            }
            // What was concluded from a bar comes with that bar.
            Event::Output(Output::RegimeChanged(change)) => {
                self.batch(change.instrument).push(event.clone());
            }
            Event::Output(Output::GapFound(gap)) => self.batch(gap.instrument).push(event.clone()),
            Event::Output(Output::ConductorConsulted(question)) => {
                self.batch(question.instrument).push(event.clone());
            }
            Event::Output(Output::ConductorMissed(missed)) => {
                self.batch(missed.instrument).push(event.clone());
            }
            Event::Input(Input::Conductor(decision)) => {
                self.is_quiet = true;
                self.batch(decision.instrument).push(event.clone());
            }
            Event::Input(
                Input::Market(MarketUpdate::Trade(_) | MarketUpdate::Quote(_) | MarketUpdate::Open(_))
                | Input::Session(_)
                | Input::Feed(_)
                | Input::Execution(_)
                | Input::Operator(_)
                | Input::EffectFailed(_)
                | Input::Deadline
                | Input::Inference(_)
                | Input::Clock(_)
                | Input::DataFault(_)
                | Input::Account(_)
                | Input::Listing(_)
                | Input::History(_),
            ) => {
                self.is_quiet = false;
                self.inner.observe(at, event);
            }
            Event::Output(
                Output::Signalled(_)
                | Output::OrderSubmitted(_)
                | Output::OrderRefused(_)
                | Output::CancelRequested(_)
                | Output::TradingHalted(_)
                | Output::AmendRequested(_)
                | Output::AccountDiffers(_)
                | Output::AccountAgrees
                | Output::OrderResolved(_)
                | Output::Postponed(_)
                | Output::FlatWanted(_)
                | Output::TradingResumed
                | Output::CheckpointTaken(_),
            ) => self.inner.observe(at, event),
        }
    }

    fn propose(&self, view: &View<'_>) -> Vec<Intent> {
        if self.is_quiet { Vec::new() } else { self.inner.propose(view) }
    }
}

engine_core::learned!(DelayedBars { values: [held, is_quiet], parts: [inner] });

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use engine_core::market::Bar;
    use engine_core::num::{Price, Qty};

    use super::*;

    /// Remembers the closes it was shown.
    struct Witness(Arc<Mutex<Vec<(u16, i64)>>>);

    impl Strategy for Witness {
        fn observe(&mut self, _at: Timestamp, event: &Event) {
            let mut seen = self.0.lock().unwrap();
            match event {
                Event::Input(Input::Market(MarketUpdate::Bar(bar))) => {
                    let instrument = u16::try_from(bar.instrument.index()).unwrap();
                    seen.push((instrument, bar.close.units()));
                }
                Event::Input(_) | Event::Output(_) => seen.push((9, 0)),
            }
        }

        fn propose(&self, _view: &View<'_>) -> Vec<Intent> {
            Vec::new()
        }
    }

    fn bar(instrument: u16, close: i64) -> Event {
        let price = Price::from_units(close);
        Event::Input(Input::Market(MarketUpdate::Bar(Bar {
            instrument: InstrumentId::new(instrument),
            open_at: Timestamp::from_nanos(close),
            close_at: Timestamp::from_nanos(close + 1),
            open: price,
            high: price,
            low: price,
            close: price,
            volume: Qty::ZERO,
            trades: 1,
        })))
    }

    #[test]
    fn each_instrument_is_one_bar_late_and_nothing_else_is() {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let mut late = DelayedBars::new(Box::new(Witness(Arc::clone(&seen))));
        let events =
            [bar(0, 1), bar(1, 2), bar(0, 3), Event::Input(Input::Deadline), bar(1, 4), bar(0, 5), bar(0, 6)];
        for event in &events {
            late.observe(Timestamp::from_nanos(10), event);
        }
        assert_eq!(*seen.lock().unwrap(), [(0, 1), (9, 0), (1, 2), (0, 3), (0, 5)]);
    }
}
