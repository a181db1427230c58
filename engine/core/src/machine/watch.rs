//! Who watches the markets: a regime detector and a feature extractor for every instrument.
//!
//! They learn inside [`Core::apply`](super::Core::apply), live and on replay alike, so a resumed core knows what
//! the original knew.

use std::collections::VecDeque;

use crate::digest::Digest;
use crate::event::{Event, Gap, Input, Output};
use crate::feature::FeatureVector;
use crate::feature::market::{MARKET_V1, MarketFeatures};
use crate::indicator::Candle;
use crate::instrument::{Instrument, InstrumentId};
use crate::knowledge::{Forgotten, Learned, NoteReader, NoteWriter};
use crate::market::{Bar, MarketUpdate};
use crate::num::Ratio;
use crate::regime::{DetectorKind, RegimeDetector, RegimeReading};
use crate::time::{Span, Timestamp};

/// What a core watches besides prices.
#[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WatchRule {
    /// Which detector names the regimes.
    pub detector: DetectorKind,
    /// How the conductor is asked, when it is.
    pub conductor: Option<ConductorRule>,
}

/// How the conductor is asked.
#[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConductorRule {
    /// How long an answer may take; more than zero.
    pub answer_within: Span,
    /// The risk scale after a missed answer.
    pub floor: Ratio,
}

/// The watch over all markets.
pub(super) struct Watch {
    rule: WatchRule,
    posts: Vec<Post>,
    pub(super) conductor: Option<ConductorRule>,
    /// The markets whose bars have closed and have not been judged.
    due: VecDeque<InstrumentId>,
    feature_set: Digest,
}

/// The watch over one market.
struct Post {
    detector: Box<dyn RegimeDetector>,
    /// Only where a conductor is asked.
    features: Option<MarketFeatures>,
    reading: Option<RegimeReading>,
    vector: Option<FeatureVector>,
    last_close_at: Option<Timestamp>,
    /// Length of the longest bar so far.
    usual: Span,
    gap: Option<Gap>,
}

impl Watch {
    pub(super) fn new(rule: WatchRule, instruments: usize) -> Self {
        let post = || Post {
            detector: rule.detector.build(),
            features: rule.conductor.map(|_| MarketFeatures::default()),
            reading: None,
            vector: None,
            last_close_at: None,
            usual: Span::ZERO,
            gap: None,
        };
        let posts = core::iter::repeat_with(post).take(instruments).collect();
        Self { rule, posts, conductor: rule.conductor, due: VecDeque::new(), feature_set: MARKET_V1.digest() }
    }

    /// Learns from an event, if it is a closed bar.
    pub(super) fn observe(&mut self, event: &Event, instruments: &[Instrument]) {
        let (Event::Input(Input::Market(MarketUpdate::Bar(bar) | MarketUpdate::SignalBar(bar)))
        | Event::Output(Output::BarClosed(bar))) = event
        else {
            return;
        };
        if self.learn(bar, instruments) && !self.due.contains(&bar.instrument) {
            self.due.push_back(bar.instrument);
        }
    }

    /// Learns from a bar that is not judged; answers whether its market is watched.
    pub(super) fn learn(&mut self, bar: &Bar, instruments: &[Instrument]) -> bool {
        let index = bar.instrument.index();
        let (Some(post), Some(rules)) = (self.posts.get_mut(index), instruments.get(index)) else {
            return false;
        };
        post.learn(bar, rules);
        true
    }

    /// A new step begins: what folding recorded events left behind was judged when they were recorded.
    pub(super) fn begin_step(&mut self) {
        self.due.clear();
    }

    /// The next market whose bar has closed and has not been judged.
    pub(super) fn take_due(&mut self) -> Option<InstrumentId> {
        self.due.pop_front()
    }

    /// The gap before the last bar of `instrument`.
    pub(super) fn gap(&self, instrument: InstrumentId) -> Option<Gap> {
        self.posts.get(instrument.index())?.gap
    }

    /// What the detector says of `instrument` after its last bar.
    pub(super) fn reading(&self, instrument: InstrumentId) -> Option<&RegimeReading> {
        self.posts.get(instrument.index())?.reading.as_ref()
    }

    /// The features of `instrument` after its last bar; without values while they are not warm.
    pub(super) fn features(&self, instrument: InstrumentId) -> FeatureVector {
        let known = self.posts.get(instrument.index()).and_then(|post| post.vector.clone());
        known.unwrap_or_else(|| FeatureVector { set: self.feature_set, values: Vec::new() })
    }
}

impl Post {
    fn learn(&mut self, bar: &Bar, rules: &Instrument) {
        let gap = |after| Gap { instrument: bar.instrument, after, until: bar.open_at };
        self.gap = self.last_close_at.filter(|after| bar.open_at > *after).map(gap);
        let candle = Candle::of(bar, rules);
        self.usual = self.usual.max(bar.length());
        if let Some(gap) = self.gap {
            let missing = bar.missing_since(gap.after, self.usual);
            self.detector.bridge(missing, candle.open);
            self.features.iter_mut().for_each(|features| features.bridge(missing, candle.open));
        }
        self.last_close_at = Some(bar.close_at);
        self.reading = self.detector.learn(&candle);
        let reading = self.reading.as_ref();
        self.vector = self.features.as_mut().and_then(|features| features.learn(&candle, reading));
    }
}

crate::learned!(Post { values: [reading, vector, last_close_at, usual, gap], parts: [detector, features] });

impl Learned for Watch {
    fn note(&self, notes: &mut NoteWriter) {
        notes.setting(&self.rule);
        notes.setting(&self.feature_set);
        notes.part(&self.posts);
    }

    fn recall(&mut self, notes: &mut NoteReader<'_>) -> Result<(), Forgotten> {
        notes.setting(&self.rule)?;
        notes.setting(&self.feature_set)?;
        // What is due belongs to a step, and snapshots are made between steps.
        self.due.clear();
        notes.part(&mut self.posts)
    }
}
