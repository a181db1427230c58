//! `seed-3d`: the original's ensemble as a strategy of the real engine, one instrument, long only.
//!
//! The detector, the specialists and their decisions are those of [`strategies_legacy::ensemble`]; orders, fills,
//! costs and the account are the engine's own. With `same-close`, no costs and `end = "flatten"` that is the
//! published run.
//!
//! Two things differ from the original, which never looks at times. Where bars are missing, everything learned is
//! forgotten and a position is closed at the first close after the gap. And volume is taken times the close,
//! because the original's volume is money and a bar's volume here is a quantity.

use engine_core::event::{Event, Input, OrderEvent, Output};
use engine_core::indicator::Candle;
use engine_core::instrument::{Instrument, InstrumentId};
use engine_core::intent::{Intent, OrderIntent, Size};
use engine_core::market::{Bar, MarketUpdate, Side};
use engine_core::num::Ratio;
use engine_core::strategy::{Strategy, View};
use engine_core::time::Timestamp;
use serde::Serialize;

use crate::sample::Source;
use crate::settings::{SettingError, Settings};
use crate::trading::{EntrySize, Exits, RunFacts, Trading};
use strategies_legacy::ensemble::{Decider, Decision};
use strategies_legacy::specialist::{PUBLISHED, Target};

/// Settings of `seed-3d`: which instrument; everything else is as published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Seed3dParams {
    /// Symbols to trade: exactly one; the only one of the run when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instruments: Option<Vec<String>>,
    /// What all policies share; its size and exits are unused.
    #[serde(skip)]
    pub trading: Trading,
}

impl Seed3dParams {
    /// Reads the settings.
    ///
    /// # Errors
    /// [`SettingError`] for the first that cannot be used.
    pub fn read(settings: &mut Settings<'_>) -> Result<Self, SettingError> {
        let instruments = settings.texts("instruments")?;
        let trading = Trading {
            instruments: instruments.clone(),
            source: Some(Source::Bars),
            size: EntrySize::EquityShare(Ratio::ONE),
            exits: Exits::default(),
        };
        Ok(Self { instruments, trading })
    }

    /// The policy for a run.
    ///
    /// # Errors
    /// [`SettingError`] for an unknown symbol, more than one instrument, or a run without bars.
    pub fn build(&self, facts: &RunFacts<'_>) -> Result<Box<dyn Strategy>, SettingError> {
        let refused = |value: String, allowed: &str| SettingError::OutOfRange {
            path: "strategy.instruments".to_owned(),
            value,
            allowed: allowed.to_owned(),
            nearest: None,
        };
        if facts.source != Source::Bars {
            return Err(refused("trades or quotes".to_owned(), "an instrument with bars"));
        }
        let traded: Vec<_> = self.trading.traded_instruments(facts)?.into_iter().flatten().collect();
        let [traded] = traded.as_slice() else {
            let count = format!("{} instruments", traded.len());
            return Err(refused(count, "exactly one; the original traded one market with all its cash"));
        };
        let rules = facts.instruments.get(traded.instrument.index());
        let rules = rules.ok_or_else(|| refused(String::new(), "an instrument of the run"))?;
        Ok(Box::new(Seed3d::new(traded.instrument, rules.clone())))
    }
}

/// What is to be done after the last bar, until the core has answered.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
enum Wish {
    Nothing,
    Enter { share: Ratio, because: String },
    Leave { because: String },
}

/// The original's ensemble on one instrument.
#[derive(Debug)]
pub struct Seed3d {
    instrument: InstrumentId,
    rules: Instrument,
    decider: Decider,
    last: Option<Bar>,
    wish: Wish,
}

impl Seed3d {
    /// A policy for `instrument` that has seen nothing.
    #[must_use]
    pub fn new(instrument: InstrumentId, rules: Instrument) -> Self {
        Self { instrument, rules, decider: Decider::new(PUBLISHED), last: None, wish: Wish::Nothing }
    }

    fn learn(&mut self, bar: &Bar) {
        let follows = self.last.replace(*bar).is_none_or(|last| follows(&last, bar));
        if !follows {
            self.decider.forget();
        }
        let decision = self.decider.learn(&candle(bar, &self.rules));
        self.wish = match decision {
            _ if !follows => Wish::Leave { because: "bars are missing before this one".to_owned() },
            Some(decision) => wish(&decision),
            None => Wish::Nothing,
        };
    }

    /// Whether `event` is the core's answer to the wish.
    fn is_answer(&self, event: &Event) -> bool {
        match OrderEvent::of(event) {
            Some(OrderEvent::Submitted(submission)) => submission.order.instrument == self.instrument,
            Some(OrderEvent::Signalled(intent)) => intent.instrument == self.instrument,
            Some(OrderEvent::Refused(refused)) => match &refused.intent {
                Intent::Place(intent) => intent.instrument == self.instrument,
                Intent::Cancel(_) => false,
            },
            Some(OrderEvent::Reported(_)) | None => false,
        }
    }
}

/// `bar` as the original reads it: its volume in money.
#[must_use]
pub fn candle(bar: &Bar, rules: &Instrument) -> Candle {
    let candle = Candle::of(bar, rules);
    Candle { volume: candle.volume * candle.close, ..candle }
}

/// Whether `bar` begins where `last` ended and is as long.
fn follows(last: &Bar, bar: &Bar) -> bool {
    let length = |bar: &Bar| bar.close_at.since(bar.open_at);
    last.close_at == bar.open_at && length(last) == length(bar)
}

fn wish(decision: &Decision) -> Wish {
    let Decision { regime, specialist, prediction, answer } = decision;
    let because = || {
        let (regime, specialist) = (regime.name(), specialist.name());
        format!("{regime}: the {specialist} specialist is told a mean return of {:.4} %", prediction * 100.0)
    };
    match answer {
        Some((Target::Long, share)) => {
            let parts = (share * Ratio::ONE.units() as f64).round();
            // A share is between 0.01 and 0.10, or NaN, which becomes nothing and is refused by the gate.
            Wish::Enter { share: Ratio::from_units(parts as i64), because: because() }
        }
        Some((Target::Short, _)) => Wish::Leave { because: because() },
        Some((Target::Flat, _)) | None => Wish::Nothing,
    }
}

impl Strategy for Seed3d {
    engine_core::can_be_taken_up!();

    fn observe(&mut self, _at: Timestamp, event: &Event) {
        match event {
            Event::Input(Input::Market(MarketUpdate::Bar(bar) | MarketUpdate::SignalBar(bar)))
            | Event::Output(Output::BarClosed(bar)) => {
                if bar.instrument == self.instrument {
                    self.learn(bar);
                }
            }
            Event::Input(Input::Feed(status)) if status.instrument == self.instrument => {
                if !status.condition.is_flowing() {
                    self.decider.forget();
                    self.wish = Wish::Nothing;
                }
            }
            Event::Output(_) => {
                if self.is_answer(event) {
                    self.wish = Wish::Nothing;
                }
            }
            Event::Input(
                Input::Session(_)
                | Input::Market(MarketUpdate::Trade(_) | MarketUpdate::Quote(_) | MarketUpdate::Open(_))
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
                | Input::History(_)
                | Input::Conductor(_),
            ) => {}
        }
    }

    fn propose(&self, view: &View<'_>) -> Vec<Intent> {
        let held = view.position(self.instrument).is_positive();
        let intent = match &self.wish {
            Wish::Enter { share, because } if !held => {
                let cash = view.state.ledger().cash().times(*share);
                cash.map(|cash| {
                    OrderIntent::market(self.instrument, Side::Buy, Size::Notional(cash), because.clone())
                })
            }
            Wish::Leave { because } if held => {
                Some(OrderIntent::close(self.instrument, Side::Sell, because.clone()))
            }
            Wish::Nothing | Wish::Enter { .. } | Wish::Leave { .. } => None,
        };
        let busy = view.open_orders(self.instrument).next().is_some()
            || view.state.waiting().any(|waiting| waiting.instrument == self.instrument);
        intent.filter(|_| !busy).map(Intent::from).into_iter().collect()
    }
}

engine_core::learned!(Seed3d { settings: [instrument, rules], values: [last, wish], parts: [decider] });

#[cfg(test)]
mod tests {
    use super::*;
    use engine_core::num::{Money, Price, Qty};
    use engine_core::time::Span;

    fn rules() -> Instrument {
        Instrument {
            venue: "test".into(),
            symbol: "X".into(),
            price_decimals: 2,
            qty_decimals: 3,
            tick: Price::from_units(1),
            lot: Qty::from_units(1),
            notional_min: Money::ZERO,
        }
    }

    fn bar(day: i64, close: i64) -> Bar {
        let open_at = Timestamp::from_nanos(day * Span::DAY.nanos());
        let price = Price::from_units(close);
        Bar {
            instrument: InstrumentId::new(0),
            open_at,
            close_at: open_at.plus(Span::DAY),
            open: price,
            high: Price::from_units(close + 100),
            low: Price::from_units(close - 100),
            close: price,
            volume: Qty::from_units(5),
            trades: 0,
        }
    }

    /// Days of wild swings, so that the volatile specialist answers.
    fn wild(day: i64) -> Bar {
        bar(day, if day % 2 == 0 { 10_000 } else { 10_600 })
    }

    #[test]
    fn it_decides_from_the_sixty_first_bar_on_and_starts_anew_after_a_gap() {
        let mut policy = Seed3d::new(InstrumentId::new(0), rules());
        for day in 0..60 {
            policy.learn(&wild(day));
            assert_eq!(policy.wish, Wish::Nothing, "day {day}");
        }
        policy.learn(&wild(60));
        assert!(policy.wish != Wish::Nothing);
        policy.learn(&wild(62));
        assert_eq!(policy.wish, Wish::Leave { because: "bars are missing before this one".to_owned() });
        policy.learn(&wild(63));
        assert_eq!(policy.wish, Wish::Nothing);
    }

    #[test]
    fn bars_of_another_length_do_not_follow() {
        let short = Bar { close_at: wild(1).open_at.plus(Span::HOUR), ..wild(1) };
        assert!(follows(&wild(0), &wild(1)) && !follows(&wild(0), &short));
    }

    #[test]
    fn more_than_one_instrument_is_refused() {
        let table = serde_json::Map::new();
        let params = Seed3dParams::read(&mut Settings::new("strategy", &table)).unwrap();
        let two = [rules(), Instrument { symbol: "Y".into(), ..rules() }];
        let facts = RunFacts {
            instruments: &two,
            source: Source::Bars,
            seed: 0,
            detector: engine_core::regime::DetectorKind::default(),
        };
        let error = params.build(&facts).err().unwrap().to_string();
        assert!(error.contains("2 instruments") && error.contains("exactly one"), "{error}");
        assert!(params.build(&RunFacts { instruments: &two[..1], ..facts }).is_ok());
        assert!(params.build(&RunFacts { source: Source::Trades, ..facts }).is_err());
    }
}
