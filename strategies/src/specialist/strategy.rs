//! `regime-specialists`: one shared of specialists per instrument, each with an equal part of equity.
//!
//! # Missing bars
//! Detector and measures bridge them: what is short begins anew where more than half of it is missing, and nothing
//! is entered until both speak again. A position is kept and managed by price and time; more missing bars than half
//! of the measures' warm-up (30) close it with the first bar after them.

use engine_core::event::{Event, Input, Output};
use engine_core::indicator::Candle;
use engine_core::instrument::{Instrument, InstrumentId};
use engine_core::intent::Intent;
use engine_core::market::{Bar, MarketUpdate};
use engine_core::num::{Decimal, MONEY_DECIMALS};
use engine_core::regime::{Regime, RegimeDetector};
use engine_core::strategy::{Strategy, View};
use engine_core::time::{Span, Timestamp};

use super::shared_position::SharedPosition;
use super::sleeve::Act;
use crate::rebalancing::{Rebalancing, TargetWeight};

/// Above the cap by more than this is above it, and not rounding.
const ROUNDING: f64 = 1e-9;

/// One instrument and its shared.
pub struct SpecialistMarket {
    rules: Instrument,
    detector: Box<dyn RegimeDetector>,
    shared: SharedPosition,
    regime: Option<Regime>,
    closed_at: Option<Timestamp>,
    /// Length of the longest bar it has learned.
    usual: Span,
    act: Act,
    /// Whether the input being answered closed a bar of it.
    is_due: bool,
}

impl core::fmt::Debug for SpecialistMarket {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        out.debug_struct("SpecialistMarket")
            .field("shared", &self.shared)
            .field("act", &self.act)
            .finish_non_exhaustive()
    }
}

impl SpecialistMarket {
    /// A market that has seen nothing.
    #[must_use]
    pub fn new(rules: Instrument, detector: Box<dyn RegimeDetector>, shared: SharedPosition) -> Self {
        Self {
            rules,
            detector,
            shared,
            regime: None,
            closed_at: None,
            usual: Span::ZERO,
            act: Act::Nothing,
            is_due: false,
        }
    }

    fn learn(&mut self, bar: &Bar) {
        let candle = Candle::of(bar, &self.rules);
        let is_usable = candle.close.is_finite() && candle.close > 0.0;
        if !is_usable || self.closed_at.is_some_and(|last| bar.close_at <= last) {
            return;
        }
        self.usual = self.usual.max(bar.length());
        let missing = self.closed_at.map_or(0, |last| bar.missing_since(last, self.usual));
        self.closed_at = Some(bar.close_at);
        self.is_due = true;
        let left = match missing {
            0 => Act::Nothing,
            _ => {
                self.detector.bridge(missing, candle.open);
                self.shared.bridge(missing, candle.open)
            }
        };
        self.regime = self.detector.learn(&candle).map(|reading| reading.regime);
        let act = self.shared.step(bar.close_at, &candle, self.regime);
        self.act = if left == Act::Nothing { act } else { left };
    }

    fn because(&self, target: &TargetWeight, share: f64) -> String {
        let holder = self.shared.holder().regime.name();
        let regime = self.regime.map_or("unknown", Regime::name);
        let what = match self.act {
            Act::Nothing if share > target.weight => "is cut to its cap".to_owned(),
            Act::Nothing => "is brought back to its position".to_owned(),
            Act::Entered => "enters".to_owned(),
            Act::Reduced => "reduces".to_owned(),
            Act::Left(exit) => format!("leaves: {}", exit.name()),
        };
        format!(
            "regime-specialists: {holder} {what}, weight {:.3}, held {share:.3}, regime {regime}",
            target.weight
        )
    }
}

/// Trades every instrument by its own shared.
#[derive(Debug)]
pub struct RegimeSpecialists {
    markets: Vec<Option<SpecialistMarket>>,
    rebalancing: Rebalancing,
    /// Share of equity that one instrument gets.
    part: f64,
    cap: f64,
}

impl RegimeSpecialists {
    /// Specialists over `markets`, one place per instrument of the run; a position is at most `cap` of its part.
    #[must_use]
    pub fn new(markets: Vec<Option<SpecialistMarket>>, rebalancing: Rebalancing, cap: f64) -> Self {
        let traded = markets.iter().flatten().count().max(1);
        Self { markets, rebalancing, part: 1.0 / traded as f64, cap }
    }

    fn take_bar(&mut self, bar: &Bar) {
        if let Some(Some(market)) = self.markets.get_mut(bar.instrument.index()) {
            market.learn(bar);
        }
    }

    fn target(&self, view: &View<'_>, id: InstrumentId, market: &SpecialistMarket) -> TargetWeight {
        let weight = market.shared.exposure().min(self.cap) * self.part;
        let equity = Decimal { units: view.equity().units(), decimals: MONEY_DECIMALS }.to_f64();
        let mark = view.mark(id).map_or(0.0, |mark| market.rules.price_f64(mark));
        let held = market.rules.qty_decimal(view.position(id)).to_f64() * mark;
        let is_above_cap = held > self.cap * self.part * equity * (1.0 + ROUNDING);
        TargetWeight { instrument: id, weight, is_new: market.act != Act::Nothing || is_above_cap }
    }
}

impl Strategy for RegimeSpecialists {
    engine_core::can_be_taken_up!();

    fn observe(&mut self, _at: Timestamp, event: &Event) {
        match event {
            Event::Input(input) => {
                self.markets.iter_mut().flatten().for_each(|market| market.is_due = false);
                if let Input::Market(MarketUpdate::Bar(bar) | MarketUpdate::SignalBar(bar)) = input {
                    self.take_bar(bar);
                }
            }
            Event::Output(Output::BarClosed(bar)) => self.take_bar(bar),
            Event::Output(
                Output::Signalled(_)
                | Output::OrderSubmitted(_)
                | Output::OrderRefused(_)
                | Output::CancelRequested(_)
                | Output::TradingHalted(_)
                | Output::AmendRequested(_)
                | Output::FlatWanted(_)
                | Output::TradingResumed
                | Output::CheckpointTaken(_)
                | Output::RegimeChanged(_)
                | Output::GapFound(_)
                | Output::ConductorConsulted(_)
                | Output::AccountDiffers(_)
                | Output::AccountAgrees
                | Output::OrderResolved(_)
                | Output::Postponed(_)
                | Output::ConductorMissed(_),
            ) => {}
        }
    }

    fn propose(&self, view: &View<'_>) -> Vec<Intent> {
        if !self.markets.iter().flatten().any(|market| market.is_due) {
            return Vec::new();
        }
        let due = self.markets.iter().zip(0_u16..).filter_map(|(market, index)| {
            let market = market.as_ref().filter(|market| market.is_due)?;
            Some(self.target(view, InstrumentId::new(index), market))
        });
        self.rebalancing.orders(view, due, |target, share| {
            match self.markets.get(target.instrument.index()) {
                Some(Some(market)) => market.because(target, share),
                Some(None) | None => String::new(),
            }
        })
    }
}

engine_core::learned!(SpecialistMarket {
    settings: [rules],
    values: [regime, closed_at, usual, act, is_due],
    parts: [detector, shared]
});
engine_core::learned!(RegimeSpecialists { settings: [rebalancing, part, cap], parts: [markets] });
