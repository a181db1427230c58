//! What is learned from bars of the past is what those bars taught when they were the present.

use std::sync::mpsc::{Sender, channel};

use super::*;
use crate::event::{HistorySource, PastBar};
use crate::feature::FeatureVector;
use crate::instrument::InstrumentId;
use crate::intent::Intent;
use crate::num::{Price, Qty, Ratio};
use crate::regime::{DetectorKind, Regime};
use crate::time::Span;

/// Longer than the two years that the usual volatility is taken over.
const PAST: i64 = 820;
const ALL: i64 = 900;

/// Tells the closes it was shown.
struct Telling(Sender<i64>);

impl Strategy for Telling {
    fn observe(&mut self, _at: Timestamp, event: &Event) {
        if let Event::Input(Input::Market(MarketUpdate::Bar(bar))) | Event::Output(Output::BarClosed(bar)) =
            event
        {
            let _ = self.0.send(bar.close.units());
        }
    }

    fn propose(&self, _view: &View<'_>) -> Vec<Intent> {
        Vec::new()
    }
}

fn day(day: i64) -> Timestamp {
    Timestamp::from_nanos(day * Span::DAY.nanos())
}

/// A walk that is calm and wild by turns; a fixed sequence (Knuth's multiplier).
fn bars() -> Vec<Bar> {
    let (mut seed, mut price) = (7_u64, 100_000_i64);
    let bar = |number: i64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let width = if number / 90 % 2 == 0 { 400 } else { 4_000 };
        let step = i64::try_from(seed >> 33).unwrap() % (2 * width + 1) - width;
        let (open, close) = (price, (price + step).max(20_000));
        price = close;
        Bar {
            instrument: InstrumentId::new(0),
            open_at: day(number),
            close_at: day(number + 1),
            open: Price::from_units(open),
            high: Price::from_units(open.max(close) + 50),
            low: Price::from_units(open.min(close) - 50),
            close: Price::from_units(close),
            volume: Qty::from(1_000 + number % 7),
            trades: 10,
        }
    };
    (0..ALL).map(bar).collect()
}

fn core(strategy: Telling) -> Core {
    let rules = crate::sample::instrument([2, 3], 1, 1);
    let conductor = Some(ConductorRule { answer_within: Span::SECOND, floor: Ratio::ZERO });
    let config = CoreConfig {
        instruments: vec![rules],
        capital: Money::from_units(10_i128.pow(22)),
        bars: None,
        mark: crate::mark::MarkRule::Newest,
        timing: Timing::NextOpen,
        wait_bars_max: 5,
        limits: RiskLimits::default(),
        watch: Some(WatchRule { detector: DetectorKind::TwoAxis, conductor }),
    };
    Core::new(config, Box::new(strategy))
}

/// Every question of these bars: the regime and the features it was asked with.
fn questions(core: &mut Core, bars: &[Bar]) -> Vec<(Regime, FeatureVector)> {
    let mut asked = Vec::new();
    for bar in bars {
        let outputs = core.decide(bar.close_at, &Event::Input(Input::Market(MarketUpdate::Bar(*bar))));
        for output in outputs {
            if let Output::ConductorConsulted(question) = output {
                asked.push((question.regime, question.features));
            }
        }
    }
    asked
}

#[test]
fn a_core_that_learned_from_the_past_knows_what_one_knows_that_lived_it() {
    let bars = bars();
    let (past, present) = bars.split_at(usize::try_from(PAST).unwrap());
    let (tell, lived) = channel();
    let mut whole = core(Telling(tell));
    let _ = questions(&mut whole, past);
    let expected = questions(&mut whole, present);

    let (tell, taught) = channel();
    let mut warmed = core(Telling(tell));
    let before = warmed.state().clone();
    let now = day(PAST);
    for bar in past {
        let input = Input::History(Box::new(PastBar { bar: *bar, source: HistorySource::Venue }));
        assert_eq!(warmed.decide(now, &Event::Input(input)), [], "the past makes no event");
    }
    assert_eq!(warmed.state().mark(InstrumentId::new(0)), None);
    assert_eq!((warmed.state().equity(), warmed.state().records_read()), (before.equity(), 0));
    assert_eq!(questions(&mut warmed, present), expected);
    assert!(expected.iter().all(|(_, features)| !features.values.is_empty()), "they are warm");
    assert_eq!(taught.try_iter().collect::<Vec<_>>(), lived.try_iter().collect::<Vec<_>>());
}
