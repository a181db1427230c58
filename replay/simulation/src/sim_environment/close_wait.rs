//! Messages that wait for the bar of their own moment.
//!
//! Bars of several instruments that end at one moment are told one after the other. Under `same-close` an order that
//! answers the first of them meets another instrument at the close of that moment, not at the one before: what
//! concerns an instrument whose bar of the moment may still come waits for it, or for the next moment.

use engine_core::instrument::InstrumentId;
use engine_core::time::Timestamp;

use super::message_queue::Message;
use super::{Next, SimEnvironment};
use crate::config::FillModel;
use replay_history::market_source::MarketSource;

/// Messages to the venue that wait for a bar, in the order they were sent.
#[derive(Debug, Default)]
pub(super) struct CloseWait {
    waiting: Vec<(InstrumentId, Message)>,
}

impl CloseWait {
    pub(super) const fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

impl<S: MarketSource> SimEnvironment<S> {
    /// Delivers a message, unless it goes to the venue and has to wait for a bar that ends at `at`.
    pub(super) fn arrive(&mut self, at: Timestamp, message: Message) -> Next {
        let waits = (self.model == FillModel::SameClose).then(|| self.concerns(&message)).flatten();
        match waits.filter(|instrument| self.may_close_at(at, *instrument)) {
            Some(instrument) => {
                self.close_wait.waiting.push((instrument, message));
                Next::Again
            }
            None => self.deliver(at, message),
        }
    }

    /// The first message whose wait is over, when the next market record comes at `market`.
    pub(super) fn take_closed(&mut self, market: Option<Timestamp>) -> Option<Message> {
        let moment_is_over = market.is_none_or(|market| market > self.now);
        let over = |(instrument, _): &(InstrumentId, Message)| {
            moment_is_over || self.venue.closed_at(*instrument) >= self.now
        };
        let place = self.close_wait.waiting.iter().position(over)?;
        Some(self.close_wait.waiting.remove(place).1)
    }

    /// The instrument that a message to the venue is about.
    fn concerns(&self, message: &Message) -> Option<InstrumentId> {
        match message {
            Message::Place(order) => Some(order.instrument),
            Message::Cancel(id) | Message::Amend(id, _) => {
                let mut waiting = self.close_wait.waiting.iter();
                let placed = waiting.find_map(|(instrument, waiting)| {
                    matches!(waiting, Message::Place(order) if order.id == *id).then_some(*instrument)
                });
                placed.or_else(|| self.venue.instrument_of(*id))
            }
            Message::Report(_) | Message::Tell(_) => None,
        }
    }

    /// Whether the bar whose path is walked is one of `instrument`.
    pub(super) fn is_walked(&self, instrument: InstrumentId) -> bool {
        let walked = self.ahead.as_ref().filter(|_| self.path_at.is_some());
        walked.is_some_and(|item| item.update.instrument() == instrument)
    }

    /// The venue's time when a message about `instrument` reaches it at `at`: inside the bar that is walked, its path's.
    pub(super) fn venue_time(&self, at: Timestamp, instrument: Option<InstrumentId>) -> Timestamp {
        let walked = instrument.is_some_and(|instrument| self.is_walked(instrument));
        self.path_at.filter(|_| walked).unwrap_or(at)
    }

    fn may_close_at(&self, at: Timestamp, instrument: InstrumentId) -> bool {
        // Nothing overtakes what was sent before it.
        let queues = self.close_wait.waiting.iter().any(|(waiting, _)| *waiting == instrument);
        // On the path through its own bar the venue is told at once.
        queues || (!self.is_walked(instrument) && self.venue.closed_at(instrument) < at)
    }
}

#[cfg(test)]
mod tests {
    use engine_core::event::{Event, Execution, Input, Manifest, Output};
    use engine_core::instrument::Instrument;
    use engine_core::intent::Intent;
    use engine_core::intent::OrderIntent;
    use engine_core::machine::Core;
    use engine_core::market::{Bar, MarketUpdate, Side};
    use engine_core::num::{Price, Qty};
    use engine_core::order::OrderKind;
    use engine_core::strategy::{Strategy as Policy, View};
    use engine_core::time::Span;
    use engine_runtime::runner::{Observer, SyncPolicy, run};
    use proptest::prelude::*;

    use super::*;
    use crate::config::BacktestConfig;
    use crate::sim_venue::scenario_tests::{Forgetful, buy, config};
    use replay_history::market_source::{MarketItem, MemorySource};

    const COUNT: u16 = 3;

    /// After the bar of `after` that ends at `moment`, an order for `on`: at the market, or below it by `below`.
    #[derive(Debug, Clone, Copy)]
    struct Line {
        moment: usize,
        after: u16,
        on: u16,
        buys: bool,
        below: Option<i64>,
    }

    struct Script {
        lines: Vec<Line>,
        heard: Option<(i64, InstrumentId)>,
    }

    impl Policy for Script {
        fn observe(&mut self, at: Timestamp, event: &Event) {
            self.heard = None;
            if let Event::Input(Input::Market(MarketUpdate::Bar(bar))) = event {
                self.heard = Some((at.nanos(), bar.instrument));
            }
        }

        fn propose(&self, _view: &View<'_>) -> Vec<Intent> {
            let numbered = self.lines.iter().zip(1_i64..);
            let due = numbered.filter(|(line, _)| {
                self.heard == Some(((line.moment as i64 + 1) * 100, InstrumentId::new(line.after)))
            });
            // Each order is known by its quantity.
            let intent = |(line, qty): (&Line, i64)| {
                let kind = line
                    .below
                    .map_or(OrderKind::Market, |below| OrderKind::Limit(Price::from_units(1_000 - below)));
                let side = if line.buys { Side::Buy } else { Side::Sell };
                OrderIntent { side, instrument: InstrumentId::new(line.on), ..buy(kind, qty) }.into()
            };
            due.map(intent).collect()
        }
    }

    /// Quantity, price and moment of every fill.
    #[derive(Default)]
    struct Fills(Vec<(i128, i64, i64)>);

    impl Observer for Fills {
        fn observe(&mut self, _core: &Core, at: Timestamp, event: &Event, _outputs: &[Output]) {
            if let Event::Input(Input::Execution(report)) = event
                && let Execution::Filled(fill) = report.execution
            {
                self.0.push((fill.qty.units(), fill.price.units(), at.nanos()));
            }
        }
    }

    /// Closes by moment and instrument; the bars of a moment are told in `turns`, those of no price left out.
    fn fills(closes: &[[Option<i64>; 3]], turns: [u16; 3], lines: &[Line]) -> Vec<(i128, i64, i64)> {
        let bar = |moment: usize, instrument: u16| {
            let close = closes[moment][usize::from(instrument)]?;
            let open_at = Timestamp::from_nanos(moment as i64 * 100);
            let close_at = open_at.plus(Span::from_nanos(100));
            let price = Price::from_units;
            let update = MarketUpdate::Bar(Bar {
                instrument: InstrumentId::new(instrument),
                open_at,
                close_at,
                open: price(1_000),
                high: price(close.max(1_000) + 5),
                low: price(close.min(1_000) - 5),
                close: price(close),
                volume: Qty::from_units(1),
                trades: 0,
            });
            let tick = engine_core::envelope::RecordRef { dataset: instrument, seq: moment as u64 + 1 };
            Some(MarketItem { at: close_at, update, tick })
        };
        let items = (0..closes.len())
            .flat_map(|moment| turns.into_iter().filter_map(move |instrument| bar(moment, instrument)));
        let config = config(FillModel::SameClose);
        let named =
            |number: u16| Instrument { symbol: format!("X{number}"), ..config.instruments[0].clone() };
        let instruments: Vec<Instrument> = (0..COUNT).map(named).collect();
        let config = BacktestConfig { instruments: instruments.clone(), ..config };
        let manifest = Manifest {
            engine_version: String::new(),
            mode: "backtest".into(),
            config_json: String::new(),
            strategy: String::new(),
            instruments,
            datasets: Vec::new(),
            seed: 0,
            capital: config.capital,
            synthetic: true,
        };
        let mut environment = SimEnvironment::new(MemorySource::new(items.collect()), &config, manifest);
        let mut core = Core::new(config.core(), Box::new(Script { lines: lines.to_vec(), heard: None }));
        let mut seen = Fills::default();
        run(&mut core, &mut environment, &mut Forgetful(0), &mut seen, SyncPolicy::AtEnd).unwrap();
        seen.0.sort_unstable();
        seen.0
    }

    const ANSWER: Line = Line { moment: 1, after: 0, on: 1, buys: true, below: None };

    #[test]
    fn an_order_for_another_instrument_fills_at_its_close_of_the_same_moment() {
        let closes = [[Some(1_000), Some(1_010), None], [Some(1_001), Some(1_020), None]];
        for turns in [[0, 1, 2], [1, 0, 2]] {
            assert_eq!(fills(&closes, turns, &[ANSWER]), [(1, 1_020, 200)], "{turns:?}");
        }
    }

    #[test]
    fn without_a_bar_of_that_moment_the_close_before_is_all_there_is() {
        let closes = [[Some(1_000), Some(1_010), None], [Some(1_001), None, None]];
        assert_eq!(fills(&closes, [0, 1, 2], &[ANSWER]), [(1, 1_010, 200)]);
        let later = [closes[0], closes[1], [None, Some(1_030), None]];
        assert_eq!(fills(&later, [0, 1, 2], &[ANSWER]), [(1, 1_010, 200)]);
    }

    fn line() -> impl Strategy<Value = Line> {
        let below = prop::option::of(-30_i64..30);
        (1_usize..12, 0..COUNT, 0..COUNT, any::<bool>(), below)
            .prop_map(|(moment, after, on, buys, below)| Line { moment, after, on, buys, below })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        #[test]
        fn the_order_of_instruments_changes_no_fill(
            first in prop::array::uniform3((980_i64..1_020).prop_map(Some)),
            rest in prop::collection::vec(prop::array::uniform3(prop::option::weighted(0.8, 980_i64..1_020)), 11),
            lines in prop::collection::vec(line(), 1..12),
            turns in Just([0_u16, 1, 2]).prop_shuffle(),
        ) {
            let closes: Vec<_> = std::iter::once(first).chain(rest).collect();
            prop_assert_eq!(fills(&closes, [0, 1, 2], &lines), fills(&closes, turns, &lines));
        }
    }
}
