//! `rg-ens12`: the default ensemble as a strategy over all instruments of a run.
//!
//! One decision is made for every moment at which bars close, once the bars of all instruments that had one
//! just before have come. An instrument that begins later joins with its first bar.
//!
//! # Missing bars
//! An instrument whose bar does not come is held, and the decision of that moment is made when a later record
//! shows that it will not come. When its bars come again, signals, detector and volatility go on: the move across
//! the gap is one observation, a window of which more than half is missing begins anew, and a longer one keeps
//! what it knows. Only a gap longer than the history a weight needs leaves the instrument without one for a while.
//! Bars of another length than the others' never coincide with them and get no weight.

use engine_core::conductor::QuestionId;
use engine_core::event::{Event, Input, Output};
use engine_core::instrument::InstrumentId;
use engine_core::intent::Intent;
use engine_core::knowledge::{self, Forgotten, NoteReader, NoteWriter};
use engine_core::market::{Bar, MarketUpdate};
use engine_core::regime::Regime;
use engine_core::strategy::{Strategy, View};
use engine_core::time::{Span, Timestamp};

use super::asset::{EnsembleAsset, Learned};
use super::book::{Book, BookRules, BookStep, DAYS_PER_YEAR, Quoted};
use super::sleeve_weights::SleeveWeights;
use super::sleeves::Followed;
use crate::rebalancing::{Rebalancing, TargetWeight};

/// Whether decisions of the book wait for the conductor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
enum Lead {
    Rule,
    Conductor,
}

/// The bars that have come for one moment.
#[derive(Debug)]
struct Round {
    at: Timestamp,
    /// A tick later than this shows that what is missing will not come.
    waits_until: Timestamp,
    closes: Vec<Option<f64>>,
    is_decided: bool,
}

/// For so long, or for so small a share of a bar, the bars of one moment may come one after the other where a venue tells
/// them beside its ticks. Bars built from ticks, and those of a dataset, come together.
const TOGETHER: Span = Span::from_nanos(5_000_000_000);
const TOGETHER_SHARE: i64 = 100;

fn together(bar: &Bar) -> Span {
    let length_ns = bar.length().nanos();
    Span::from_nanos((length_ns / TOGETHER_SHARE).max(TOGETHER.nanos()).min(length_ns / 2))
}

/// The default ensemble.
#[derive(Debug)]
pub struct RgEns12 {
    assets: Vec<Option<EnsembleAsset>>,
    book: Book,
    rebalancing: Rebalancing,
    lead: Lead,
    round: Round,
    quotes: Vec<Option<Quoted>>,
    last_step: BookStep,
    /// Whether the input being answered completed a decision.
    is_due: bool,
}

impl RgEns12 {
    /// The ensemble over `assets`, one per instrument of the run and `None` where it does not trade, with the rules
    /// of its book and the share of the cash that purchases leave untouched.
    #[must_use]
    pub fn new(rules: BookRules, cash_reserve: f64, assets: Vec<Option<EnsembleAsset>>) -> Self {
        let rebalancing = Rebalancing { cost: rules.cost, band: rules.band, cash_reserve };
        let count = assets.len();
        Self {
            assets,
            book: Book::new(rules, count),
            rebalancing,
            lead: Lead::Rule,
            round: Round {
                at: Timestamp::MIN,
                waits_until: Timestamp::MIN,
                closes: vec![None; count],
                is_decided: true,
            },
            quotes: vec![None; count],
            last_step: BookStep::default(),
            is_due: false,
        }
    }

    /// Takes what the conductor says, or that it said nothing; it serves the decision of this moment. A late
    /// answer finds its question closed and changes nothing.
    fn take_answer(
        &mut self,
        instrument: InstrumentId,
        (question, at): (QuestionId, Timestamp),
        weights: impl FnOnce(&EnsembleAsset) -> SleeveWeights,
    ) {
        let Some(asset) = self.asset(instrument) else { return };
        if asset.is_asked(question, at) {
            let weights = weights(asset);
            asset.conduct(weights);
            self.decide_if_complete();
        }
    }

    /// The model book.
    #[must_use]
    pub const fn book(&self) -> &Book {
        &self.book
    }

    /// What the last decision of the book did.
    #[must_use]
    pub const fn last_step(&self) -> &BookStep {
        &self.last_step
    }

    /// The moment of the last decision, and whether it is made.
    #[must_use]
    pub const fn decided_at(&self) -> Option<Timestamp> {
        if self.round.is_decided { Some(self.round.at) } else { None }
    }

    /// Once, when the run opens: whoever is asked may weigh every sleeve.
    fn follow_conductor(&mut self) {
        if self.lead == Lead::Rule {
            self.set_lead(Lead::Conductor);
        }
    }

    /// Lets `lead` weigh the sleeves, all of which begin anew.
    fn set_lead(&mut self, lead: Lead) {
        self.lead = lead;
        let followed = match lead {
            Lead::Rule => Followed::Families,
            Lead::Conductor => Followed::All,
        };
        self.assets.iter_mut().flatten().for_each(|asset| asset.follow(followed));
    }

    fn asset(&mut self, instrument: InstrumentId) -> Option<&mut EnsembleAsset> {
        self.assets.get_mut(instrument.index())?.as_mut()
    }

    /// Takes a bar that others of its moment may follow within `wait`.
    fn take_bar(&mut self, bar: &Bar, wait: Span) {
        let index = bar.instrument.index();
        // The bar of a later moment shows that what is missing at this one will not come. Its own decision
        // follows at once, so the late one is booked and not traded.
        if bar.close_at > self.round.at && !self.round.is_decided {
            self.decide();
        }
        let Some(asset) = self.asset(bar.instrument) else { return };
        let close = match asset.learn(bar) {
            Learned::Next(close) => close,
            Learned::AfterGap { close, missing } => {
                self.book.bridge(index, missing);
                close
            }
            Learned::Nothing => return,
        };
        if bar.close_at > self.round.at {
            self.begin(bar, wait);
        }
        if bar.close_at < self.round.at || self.round.is_decided {
            self.book.admit(index, close);
            return;
        }
        self.round.closes[index] = Some(close);
        self.decide_if_complete();
    }

    /// Begins the moment at which `bar` closes.
    fn begin(&mut self, bar: &Bar, wait: Span) {
        if self.round.at == Timestamp::MIN {
            let interval = bar.close_at.since(bar.open_at).nanos().max(1);
            self.book.set_bars_per_year(DAYS_PER_YEAR * Span::DAY.nanos() as f64 / interval as f64);
        }
        self.round.at = bar.close_at;
        self.round.waits_until = bar.close_at.plus(wait);
        self.round.closes.fill(None);
        self.round.is_decided = false;
    }

    fn decide_if_complete(&mut self) {
        if !self.round.is_decided && self.is_complete() {
            self.decide();
            self.is_due = true;
        }
    }

    fn is_complete(&self) -> bool {
        let mut pairs = self.assets.iter().zip(&self.round.closes);
        pairs.all(|(asset, close)| match (asset, close) {
            (None, _) => true,
            (Some(asset), None) => !asset.awaits(self.round.at),
            (Some(asset), Some(_)) => self.lead == Lead::Rule || asset.is_conducted(),
        })
    }

    fn decide(&mut self) {
        for ((quote, asset), close) in self.quotes.iter_mut().zip(&mut self.assets).zip(&self.round.closes) {
            *quote = match (asset, close) {
                (Some(asset), Some(close)) => Some(Quoted { close: *close, signal: asset.signal() }),
                (Some(_) | None, _) => None,
            };
        }
        self.last_step = self.book.step(&self.quotes);
        self.round.is_decided = true;
    }

    fn because(&self, target: &TargetWeight, share: f64) -> String {
        let Some(Some(asset)) = self.assets.get(target.instrument.index()) else { return String::new() };
        let regime = asset.regime().map_or("unknown", Regime::name);
        let (signal, scale) = asset.last_signal();
        let straying = if target.is_new { "" } else { ", account strayed" };
        format!(
            "rg-ens12: weight {:.3} of equity, held {share:.3}, regime {regime}, scale {scale:.2}, signal {signal:.3}{straying}",
            target.weight
        )
    }
}

impl Strategy for RgEns12 {
    engine_core::can_be_taken_up!();

    fn observe(&mut self, at: Timestamp, event: &Event) {
        match event {
            Event::Input(Input::Market(update)) => {
                self.is_due = false;
                match update {
                    MarketUpdate::Bar(bar) => self.take_bar(bar, Span::ZERO),
                    MarketUpdate::SignalBar(bar) => self.take_bar(bar, together(bar)),
                    MarketUpdate::Trade(_) | MarketUpdate::Quote(_) if at > self.round.waits_until => {
                        // Time has passed the moment: what is missing will not come.
                        if !self.round.is_decided {
                            self.decide();
                            self.is_due = true;
                        }
                    }
                    MarketUpdate::Trade(_) | MarketUpdate::Quote(_) | MarketUpdate::Open(_) => {}
                }
            }
            Event::Output(Output::BarClosed(bar)) => self.take_bar(bar, Span::ZERO),
            // A run in which someone can be asked: decisions wait for the answers.
            Event::Input(Input::Inference(_)) => self.follow_conductor(),
            Event::Input(Input::Conductor(decision)) => {
                self.is_due = false;
                self.take_answer(decision.instrument, (decision.question, at), |_| {
                    SleeveWeights::decided(decision)
                });
            }
            Event::Output(Output::ConductorConsulted(question)) => {
                if let Some(asset) = self.asset(question.instrument) {
                    asset.ask(question.id, question.answer_by);
                }
            }
            Event::Output(Output::ConductorMissed(missed)) => {
                let floor = missed.risk_scale;
                self.take_answer(missed.instrument, (missed.question, at), |asset| {
                    SleeveWeights::floored(asset.regime(), floor)
                });
            }
            Event::Input(
                Input::Session(_)
                | Input::Feed(_)
                | Input::Execution(_)
                | Input::Operator(_)
                | Input::EffectFailed(_)
                | Input::Clock(_)
                | Input::DataFault(_)
                | Input::Account(_)
                | Input::Listing(_)
                | Input::History(_)
                | Input::Deadline,
            ) => self.is_due = false,
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
                | Output::CheckpointTaken(_)
                | Output::RegimeChanged(_)
                | Output::GapFound(_),
            ) => {}
        }
    }

    fn propose(&self, view: &View<'_>) -> Vec<Intent> {
        if !self.is_due {
            return Vec::new();
        }
        let traded = self.assets.iter().zip(&self.round.closes).zip(0_u16..);
        // Only what has a bar at this moment has a price to trade at.
        let targets =
            traded.filter(|((asset, close), _)| asset.is_some() && close.is_some()).map(|(_, index)| {
                let asset = usize::from(index);
                TargetWeight {
                    instrument: InstrumentId::new(index),
                    weight: self.book.weight(asset),
                    is_new: self.book.moved(asset),
                }
            });
        self.rebalancing.orders(view, targets, |target, share| self.because(target, share))
    }
}

impl knowledge::Learned for RgEns12 {
    fn form(&self) -> u32 {
        2
    }

    fn note(&self, notes: &mut NoteWriter) {
        notes.setting(&self.rebalancing);
        notes.value(&self.lead);
        notes.value(&(
            self.round.at,
            self.round.waits_until,
            self.round.is_decided,
            self.last_step,
            self.is_due,
        ));
        notes.value(&self.round.closes);
        notes.part(&self.assets);
        notes.part(&self.book);
    }

    fn recall(&mut self, notes: &mut NoteReader<'_>) -> Result<(), Forgotten> {
        notes.setting(&self.rebalancing)?;
        // Which sleeves there are depends on who leads.
        self.set_lead(notes.value()?);
        (self.round.at, self.round.waits_until, self.round.is_decided, self.last_step, self.is_due) =
            notes.value()?;
        notes.fill(&mut self.round.closes)?;
        notes.part(&mut self.assets)?;
        notes.part(&mut self.book)
    }
}
