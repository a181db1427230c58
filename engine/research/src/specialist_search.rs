//! Shadow results of specialists on stored bars: what a search maximises, and what they are compared with.
//!
//! Everything is decided at a close and filled at the next open, costs included. Returns are those of equal parts
//! of equity in every market. Markets are contiguous and aligned: nothing is stitched together.

use core::ops::Range;

use engine_core::indicator::Candle;
use engine_core::regime::{DetectorKind, Regime};
use engine_core::time::{Span, Timestamp};
use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};
use strategies::ensemble::book::{Book, BookRules, DAYS_PER_YEAR, Quoted};
use strategies::ensemble::families::{FAMILIES, TrendFamilies};
use strategies::genome::{GENES, Genome};
use strategies::specialist::measures::{Measurer, Measures};
use strategies::specialist::policy::{Exit, Specialist};
use strategies::specialist::sleeve::{Act, EntryPermission, Sleeve};

/// Volatility aimed at by the ensemble that knows no regimes, a year: a lower target than with them, for the same risk.
pub const UNCONDITIONAL_TARGET: f64 = 0.30;

/// Round trips below which a result is held to be luck.
const TRADES_WANTED: f64 = 30.0;

/// Bars between two folds, so that one decision cannot earn in both.
const EMBARGO_BARS: usize = 21;

/// One market, read once: its bars, and what detector and measures said after each.
#[derive(Debug, Clone)]
pub struct Market {
    times: Vec<Timestamp>,
    candles: Vec<Candle>,
    regimes: Vec<Option<Regime>>,
    measures: Vec<Option<Measures>>,
}

/// Why markets cannot be studied together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StudyError {
    /// There is no market, or one without bars.
    #[error("there are no bars to study")]
    Nothing,
    /// A bar is missing; specialists are never judged on rows stitched together.
    #[error("bars are missing before bar {bar}: give bars without gaps")]
    Gap {
        /// The bar after the gap, counted from 1.
        bar: usize,
    },
    /// Two markets do not have the same bars.
    #[error("the markets do not have the same bars: give a span that all of them cover")]
    NotAligned,
}

impl Market {
    /// Reads the bars of one market; `times` are the moments they close.
    #[must_use]
    pub fn read(times: Vec<Timestamp>, candles: Vec<Candle>, detector: DetectorKind) -> Self {
        let (mut detector, mut measurer) = (detector.build(), Measurer::new());
        let regimes = candles.iter().map(|candle| detector.learn(candle).map(|reading| reading.regime));
        let regimes = regimes.collect();
        let measures = candles.iter().map(|candle| measurer.learn(candle)).collect();
        Self { times, candles, regimes, measures }
    }

    fn len(&self) -> usize {
        self.candles.len()
    }

    /// Moves of bar `at`: from the close before to its open, and from its open to its close, as shares.
    fn moves(&self, at: usize) -> (f64, f64) {
        let (before, bar) = (&self.candles[at - 1], &self.candles[at]);
        (bar.open / before.close - 1.0, bar.close / bar.open - 1.0)
    }
}

/// Several markets with the same bars.
#[derive(Debug, Clone)]
pub struct Study {
    markets: Vec<Market>,
    cost: f64,
    bars_per_year: f64,
}

/// What was earned, bar by bar.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Shadow {
    /// Return of each bar, as a share of equity.
    pub returns: Vec<f64>,
    /// Whether any market was in the regime when the bar began, or a position was still open.
    pub is_in_regime: Vec<bool>,
    /// Round trips.
    pub trades: u32,
}

/// What a shadow comes to.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Score {
    /// Mean over standard deviation of the returns of in-regime bars, a year.
    pub sharpe: f64,
    /// Yearly growth over the bars, as a share.
    pub growth: f64,
    /// Deepest fall, as a share at least zero.
    pub drawdown: f64,
}

/// A position in one market on its way through the bars.
#[derive(Debug, Clone, Copy, Default)]
struct Holding {
    held: f64,
    /// What the last close decided; filled at the next open.
    wanted: Option<f64>,
}

impl Holding {
    /// One bar: drifts to the open, trades there, drifts to the close. Answers the growth of equity.
    fn pass(&mut self, (to_open, to_close): (f64, f64), cost: f64) -> f64 {
        let mut growth = self.drift(to_open);
        if let Some(wanted) = self.wanted.take() {
            growth *= 1.0 - cost * (wanted - self.held).abs();
            self.held = wanted;
        }
        growth * self.drift(to_close)
    }

    fn drift(&mut self, moved: f64) -> f64 {
        let growth = 1.0 + self.held * moved;
        self.held = self.held * (1.0 + moved) / growth;
        growth
    }
}

impl Study {
    /// Markets to study together, `cost` being what one unit of turnover costs.
    ///
    /// # Errors
    /// [`StudyError`] where bars are missing or the markets differ.
    pub fn new(markets: Vec<Market>, cost: f64) -> Result<Self, StudyError> {
        let first = markets.first().filter(|market| market.len() > 1).ok_or(StudyError::Nothing)?;
        let interval = first.times[1].since(first.times[0]);
        if let Some(at) = first.times.windows(2).position(|pair| pair[1].since(pair[0]) != interval) {
            return Err(StudyError::Gap { bar: at + 2 });
        }
        if markets.iter().any(|market| market.times != first.times) {
            return Err(StudyError::NotAligned);
        }
        let bars_per_year = DAYS_PER_YEAR * Span::DAY.nanos() as f64 / interval.nanos() as f64;
        Ok(Self { markets, cost, bars_per_year })
    }

    /// Places of the bars that close after `from` and not after `to`.
    #[must_use]
    pub fn between(&self, from: Timestamp, to: Timestamp) -> Range<usize> {
        let times = self.markets.first().map(|market| market.times.as_slice()).unwrap_or_default();
        times.partition_point(|time| *time <= from)..times.partition_point(|time| *time <= to)
    }

    /// `count` folds of `span` in order, with an embargo between them.
    #[must_use]
    pub fn folds(span: &Range<usize>, count: usize) -> Vec<Range<usize>> {
        let length = span.len() / count.max(1);
        let fold = |number: usize| {
            let start = span.start + number * length;
            let begin = if number == 0 { start } else { start + EMBARGO_BARS };
            begin.min(start + length)..start + length
        };
        (0..count).map(fold).collect()
    }

    /// What `specialist` earns over `span`: it enters in its regime only and leaves when the regime does.
    #[must_use]
    pub fn shadow(&self, specialist: Specialist, span: Range<usize>) -> Shadow {
        let mut total =
            Shadow { returns: vec![0.0; span.len()], is_in_regime: vec![false; span.len()], trades: 0 };
        let part = 1.0 / self.markets.len() as f64;
        for market in &self.markets {
            total.trades += self.follow(market, specialist, &span, |bar, earned, in_regime| {
                total.returns[bar] += part * earned;
                total.is_in_regime[bar] |= in_regime;
            });
        }
        total
    }

    /// One market; answers the round trips.
    fn follow(
        &self,
        market: &Market,
        specialist: Specialist,
        span: &Range<usize>,
        mut earn: impl FnMut(usize, f64, bool),
    ) -> u32 {
        let (mut sleeve, mut holding, mut trades) = (Sleeve::new(specialist), Holding::default(), 0);
        let own = Some(specialist.regime);
        for at in span.clone().skip(1) {
            // The close before decides.
            let seen = at - 1;
            let in_regime = market.regimes[seen] == own;
            let close = market.candles[seen].close;
            let act = if in_regime || sleeve.position().is_none() {
                let leave = if in_regime { EntryPermission::ToEnter } else { EntryPermission::ToManage };
                sleeve.step(market.times[seen], close, market.measures[seen].as_ref(), leave)
            } else {
                sleeve.leave(Exit::Regime)
            };
            trades += u32::from(matches!(act, Act::Left(_)));
            holding.wanted = (act != Act::Nothing).then_some(sleeve.exposure());
            let was_held = holding.held.abs() > 0.0;
            let growth = holding.pass(market.moves(at), self.cost);
            earn(at - span.start, growth - 1.0, in_regime || was_held);
        }
        trades
    }

    /// The score of a shadow over its in-regime bars; growth and drawdown over all of them.
    #[must_use]
    pub fn score(&self, shadow: &Shadow) -> Score {
        let inside = shadow.returns.iter().zip(&shadow.is_in_regime).filter(|(_, inside)| **inside);
        let inside: Vec<f64> = inside.map(|(earned, _)| *earned).collect();
        let (mut equity, mut peak, mut drawdown) = (1.0_f64, 1.0_f64, 0.0_f64);
        for earned in &shadow.returns {
            equity *= 1.0 + earned;
            peak = peak.max(equity);
            drawdown = drawdown.max(1.0 - equity / peak);
        }
        let years = shadow.returns.len() as f64 / self.bars_per_year;
        let growth = if years > 0.0 { libm::pow(equity.max(0.0), 1.0 / years) - 1.0 } else { 0.0 };
        Score { sharpe: sharpe(&inside) * self.bars_per_year.sqrt(), growth, drawdown }
    }

    /// What a search maximises: the median over `folds` of Sharpe + min(Calmar, 3)/3 − max(0, DD − 15 %)/5 %, less
    /// half a point in proportion as round trips fall short of 30.
    #[must_use]
    pub fn fitness(&self, specialist: Specialist, folds: &[Range<usize>]) -> f64 {
        let (mut values, mut trades) = (Vec::with_capacity(folds.len()), 0);
        for fold in folds {
            let shadow = self.shadow(specialist, fold.clone());
            let Score { sharpe, growth, drawdown } = self.score(&shadow);
            let calmar = if drawdown > 0.0 { growth / drawdown } else { 0.0 };
            values.push(sharpe + calmar.min(3.0) / 3.0 - (drawdown - 0.15).max(0.0) / 0.05);
            trades += shadow.trades;
        }
        values.sort_by(f64::total_cmp);
        let middle = values.len() / 2;
        let median = match values.len() % 2 {
            _ if values.is_empty() => 0.0,
            0 => f64::midpoint(values[middle - 1], values[middle]),
            _ => values[middle],
        };
        median - 0.5 * (1.0 - f64::from(trades) / TRADES_WANTED).max(0.0)
    }

    /// The fittest of `trials` random genomes for `regime`, and its fitness; the seed makes every one of them.
    /// `tried` hears how many are done.
    pub fn search(
        &self,
        (regime, cap): (Regime, f64),
        folds: &[Range<usize>],
        (trials, seed): (u32, u64),
        mut tried: impl FnMut(u32),
    ) -> Option<(Specialist, f64)> {
        let mut stream = ChaCha8Rng::seed_from_u64(seed);
        stream.set_stream(regime.index() as u64);
        let mut best: Option<(Specialist, f64)> = None;
        for trial in 1..=trials {
            let mut vector = [0.0; GENES];
            vector.iter_mut().for_each(|share| *share = unit(stream.next_u64()));
            let Ok(genome) = Genome::decode(&vector) else { continue };
            let specialist = Specialist { regime, genome, cap };
            let fitness = self.fitness(specialist, folds);
            if best.is_none_or(|(_, highest)| fitness > highest) {
                best = Some((specialist, fitness));
            }
            tried(trial);
        }
        best
    }

    /// Returns, bar by bar, of the trend ensemble that knows no regimes, filled at the next open.
    #[must_use]
    pub fn unconditional(&self) -> Vec<f64> {
        let count = self.markets.len();
        let rules = BookRules {
            target: UNCONDITIONAL_TARGET,
            cost: self.cost,
            bars_per_year: self.bars_per_year,
            ..BookRules::default()
        };
        let (mut book, mut families) = (Book::new(rules, count), vec![TrendFamilies::new(); count]);
        let mut held = vec![0.0; count];
        let mut returns = Vec::new();
        let bars = self.markets.first().map_or(0, Market::len);
        for at in 0..bars {
            let earned = if at == 0 { 0.0 } else { self.pass_together(at, &book, &mut held) };
            returns.push(earned);
            let quotes: Vec<Option<Quoted>> = self
                .markets
                .iter()
                .zip(&mut families)
                .map(|(market, families)| {
                    let close = market.candles[at].close;
                    let signal = families.learn(close).iter().sum::<f64>() / FAMILIES as f64;
                    Some(Quoted { close, signal })
                })
                .collect();
            book.step(&quotes);
        }
        returns
    }

    /// One bar of all markets in one account: to the open, trades of what the book moved, to the close.
    fn pass_together(&self, at: usize, book: &Book, held: &mut [f64]) -> f64 {
        let moves: Vec<(f64, f64)> = self.markets.iter().map(|market| market.moves(at)).collect();
        let mut growth = drift(held, moves.iter().map(|(to_open, _)| *to_open));
        let mut turnover = 0.0;
        for (asset, held) in held.iter_mut().enumerate().filter(|(asset, _)| book.moved(*asset)) {
            turnover += (book.weight(asset) - *held).abs();
            *held = book.weight(asset);
        }
        growth *= 1.0 - self.cost * turnover;
        growth * drift(held, moves.iter().map(|(_, to_close)| *to_close)) - 1.0
    }
}

/// Moves every weight with its price; answers the growth of equity.
fn drift(held: &mut [f64], moves: impl Iterator<Item = f64> + Clone) -> f64 {
    let growth = 1.0 + held.iter().zip(moves.clone()).map(|(weight, moved)| weight * moved).sum::<f64>();
    for (weight, moved) in held.iter_mut().zip(moves) {
        *weight *= (1.0 + moved) / growth;
    }
    growth
}

/// Mean over sample standard deviation, per bar; zero where nothing varies.
fn sharpe(returns: &[f64]) -> f64 {
    let count = returns.len() as f64;
    if count < 2.0 {
        return 0.0;
    }
    let mean = returns.iter().sum::<f64>() / count;
    let squares: f64 = returns.iter().map(|earned| (earned - mean) * (earned - mean)).sum();
    let deviation = (squares / (count - 1.0)).sqrt();
    if deviation > 1e-12 { mean / deviation } else { 0.0 }
}

/// 53 random bits as a number from 0 to 1.
fn unit(bits: u64) -> f64 {
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests;
