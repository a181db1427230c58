//! One asset of the ensemble: its signals, its regime, and who weighs them.

use engine_core::conductor::QuestionId;
use engine_core::indicator::Candle;
use engine_core::instrument::Instrument;
use engine_core::market::Bar;
use engine_core::regime::{Regime, RegimeDetector, RegimeReading};
use engine_core::time::{Span, Timestamp};

use super::sleeve_weights::{SLEEVES, SleeveWeights};
use super::sleeves::{Followed, SleeveSet};

/// What a bar was to an asset.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Learned {
    /// It follows the bar before, or is the first.
    Next(f64),
    /// Bars are missing before it.
    AfterGap {
        /// Its close.
        close: f64,
        /// How many.
        missing: u32,
    },
    /// It is no later than one learned before, or has no usable price; it changed nothing.
    Nothing,
}

/// One asset and what is thought of it.
pub struct EnsembleAsset {
    rules: Instrument,
    set: SleeveSet,
    detector: Box<dyn RegimeDetector>,
    sleeves: [f64; SLEEVES.len()],
    reading: Option<RegimeReading>,
    question: Option<(QuestionId, Timestamp)>,
    answer: Option<SleeveWeights>,
    weights: SleeveWeights,
    closed_at: Option<Timestamp>,
    interval: Span,
}

impl core::fmt::Debug for EnsembleAsset {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        out.debug_struct("EnsembleAsset")
            .field("sleeves", &self.sleeves)
            .field("reading", &self.reading)
            .finish_non_exhaustive()
    }
}

impl EnsembleAsset {
    /// An asset that has seen nothing.
    #[must_use]
    pub fn new(rules: Instrument, detector: Box<dyn RegimeDetector>) -> Self {
        Self {
            rules,
            set: SleeveSet::new(Followed::Families),
            detector,
            sleeves: [0.0; SLEEVES.len()],
            reading: None,
            question: None,
            answer: None,
            weights: SleeveWeights::rule(None),
            closed_at: None,
            interval: Span::ZERO,
        }
    }

    /// Learns one closed bar. Signals and detector bridge the bars missing before it: what is short begins anew where
    /// more than half of it is missing, what is long goes on.
    pub fn learn(&mut self, bar: &Bar) -> Learned {
        let candle = Candle::of(bar, &self.rules);
        let is_usable = candle.close.is_finite() && candle.close > 0.0;
        if !is_usable || self.closed_at.is_some_and(|last| bar.close_at <= last) {
            return Learned::Nothing;
        }
        // A bar may be shorter than the others, as after an outage; the next one need not be.
        self.interval = self.interval.max(bar.length());
        let missing = self.closed_at.map_or(0, |last| bar.missing_since(last, self.interval));
        if missing > 0 {
            self.set.bridge(missing, candle.open);
            self.detector.bridge(missing, candle.open);
        }
        // What was said about an earlier bar is no answer to this one.
        (self.question, self.answer) = (None, None);
        self.closed_at = Some(bar.close_at);
        self.reading = self.detector.learn(&candle);
        let regime = self.reading.map(|reading| reading.regime);
        self.sleeves = self.set.learn(bar.close_at, &candle, regime);
        match missing {
            0 => Learned::Next(candle.close),
            _ => Learned::AfterGap { close: candle.close, missing },
        }
    }

    /// Follows the specialists too, from here on: a conductor may weigh them.
    pub fn follow(&mut self, followed: Followed) {
        self.set = SleeveSet::new(followed);
    }

    /// Whether a bar that closes at `at` would follow the last one directly.
    #[must_use]
    pub fn awaits(&self, at: Timestamp) -> bool {
        self.closed_at.is_some_and(|last| last < at && last.plus(self.interval) >= at)
    }

    /// Length of the longest bar it has learned.
    #[must_use]
    pub const fn interval(&self) -> Span {
        self.interval
    }

    /// The conductor is asked; an answer to an earlier question is worth nothing from here on.
    pub fn ask(&mut self, question: QuestionId, answer_by: Timestamp) {
        self.question = Some((question, answer_by));
        self.answer = None;
    }

    /// Whether `question` still waits for its answer at `at`.
    #[must_use]
    pub fn is_asked(&self, question: QuestionId, at: Timestamp) -> bool {
        self.question.is_some_and(|(asked, answer_by)| asked == question && at <= answer_by)
    }

    /// Takes the answer, which serves the next decision of the book and no later one.
    pub fn conduct(&mut self, weights: SleeveWeights) {
        self.question = None;
        self.answer = Some(weights);
    }

    /// Whether a decision of the conductor waits to be used.
    #[must_use]
    pub const fn is_conducted(&self) -> bool {
        self.answer.is_some()
    }

    /// The signal by the conductor's decision, or by the built-in rule where there is none.
    pub fn signal(&mut self) -> f64 {
        self.weights = self.answer.take().unwrap_or_else(|| SleeveWeights::rule(self.regime()));
        self.weights.signal(&self.sleeves)
    }

    /// The signal of the last decision, and the risk scale in it.
    #[must_use]
    pub fn last_signal(&self) -> (f64, f64) {
        (self.weights.signal(&self.sleeves), self.weights.risk_scale)
    }

    /// The regime by the last bar alone; `None` while there is too little history.
    #[must_use]
    pub fn regime(&self) -> Option<Regime> {
        self.reading.map(|reading| reading.raw)
    }

    /// What the detector read on the last bar.
    #[must_use]
    pub const fn reading(&self) -> Option<&RegimeReading> {
        self.reading.as_ref()
    }

    /// The exposure of every sleeve after the last bar, each from 0 to 1.
    #[must_use]
    pub const fn sleeves(&self) -> &[f64; SLEEVES.len()] {
        &self.sleeves
    }
}

engine_core::learned!(EnsembleAsset {
    settings: [rules],
    values: [sleeves, reading, question, answer, weights, closed_at, interval],
    parts: [set, detector]
});
