//! The model book: one decision for all assets at a time, from signals to weights.
//!
//! A step marks the weights held, then sizes the new ones: inverse-volatility shares, scaled to a target
//! volatility by an exponentially weighted covariance, capped, shrunk by the drawdown control (Grossman and
//! Zhou 1993), and kept where they lie within a band of what is held. The order of operations is that of the
//! reference calculation, whose output the tests compare with day by day.

mod covariance;

use engine_core::knowledge::{Forgotten, Learned, NoteReader, NoteWriter};
use serde::Serialize;

use covariance::Covariance;

use crate::rebalancing::is_within;

/// Days a year; crypto markets never close.
pub const DAYS_PER_YEAR: f64 = 365.0;

/// Largest weight of one asset and of all together.
const GROSS_MAX: f64 = 1.0;

/// Volatility a year below which a price counts as not moving.
const VOLATILITY_MIN: f64 = 1e-9;

/// What a book may be set to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BookRules {
    /// Volatility aimed at, a year, as a share.
    pub target: f64,
    /// The drawdown at which the drawdown control has sold everything, as a share.
    pub drawdown_limit: f64,
    /// A weight is kept while it lies within this share of its target.
    pub band: f64,
    /// What one unit of turnover costs, as a share.
    pub cost: f64,
    /// An asset is held once it has more bars than this.
    pub history_min: u32,
    /// Bars a year, from which volatility is annualised.
    pub bars_per_year: f64,
}

impl Default for BookRules {
    /// Those of RG-ENS12 on daily bars.
    fn default() -> Self {
        Self {
            target: 0.40,
            drawdown_limit: 0.25,
            band: 0.20,
            cost: 0.0015,
            history_min: 60,
            bars_per_year: DAYS_PER_YEAR,
        }
    }
}

/// What the book receives of one asset at one moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quoted {
    /// Its close, a positive price.
    pub close: f64,
    /// Its signal, from 0 to 1, risk scale included.
    pub signal: f64,
}

/// What the book knows of one asset.
#[derive(Debug, Clone, Copy, Default, serde::Serialize, serde::Deserialize)]
struct Asset {
    /// The last close; what is held is marked from here.
    close: Option<f64>,
    /// Whether that close belongs to the step before.
    is_fresh: bool,
    /// Bars since it began, less those a gap took.
    bars: u32,
    /// Bars missing before the next one.
    missing: u32,
    held: f64,
    target: f64,
}

/// What one step did.
#[derive(Debug, Clone, Copy, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct BookStep {
    /// Return since the step before: costs of its trades, then the moves of what it held.
    pub bar_return: f64,
    /// Sum of all changes of weight, as a share of equity.
    pub turnover: f64,
}

/// Weights, equity and drawdown of the model.
#[derive(Debug, Clone)]
pub struct Book {
    rules: BookRules,
    assets: Vec<Asset>,
    covariance: Covariance,
    equity: f64,
    peak: f64,
    /// Cost of the last step's trades, as a share; booked with the next return.
    cost_due: f64,
    shares: Vec<f64>,
    moved: Vec<bool>,
}

impl Book {
    /// A book of `assets` assets that holds nothing and has an equity of 1.
    #[must_use]
    pub fn new(rules: BookRules, assets: usize) -> Self {
        Self {
            rules,
            assets: vec![Asset::default(); assets],
            covariance: Covariance::new(assets),
            equity: 1.0,
            peak: 1.0,
            cost_due: 0.0,
            shares: vec![0.0; assets],
            moved: vec![false; assets],
        }
    }

    /// Sets how many bars a year has, from which volatility is annualised.
    pub fn set_bars_per_year(&mut self, bars_per_year: f64) {
        self.rules.bars_per_year = bars_per_year;
    }

    /// What the book is set to.
    #[must_use]
    pub const fn rules(&self) -> &BookRules {
        &self.rules
    }

    /// The weight of `asset` after the last step, as a share of equity.
    #[must_use]
    pub fn weight(&self, asset: usize) -> f64 {
        self.assets.get(asset).map_or(0.0, |asset| asset.held)
    }

    /// Whether the last step changed the weight of `asset`; a kept weight drifts with the price.
    #[must_use]
    pub fn moved(&self, asset: usize) -> bool {
        self.moved.get(asset).copied().unwrap_or(false)
    }

    /// The model's equity; it began with 1. Costs of the last step are not in it yet.
    #[must_use]
    pub const fn equity(&self) -> f64 {
        self.equity
    }

    /// Takes in a bar of `asset` that came too late for its step: it counts as history and decides nothing.
    pub fn admit(&mut self, asset: usize, close: f64) {
        if let Some(asset) = self.assets.get_mut(asset) {
            asset.bars = asset.bars.saturating_add(1);
            // What is held is still marked from the close it was last marked at.
            if asset.held == 0.0 || asset.close.is_none() {
                asset.close = Some(close);
                asset.is_fresh = true;
            }
        }
    }

    /// `missing` bars of `asset` are missing before the next one, whose return is one observation of a bar's size.
    ///
    /// As many bars of its history as were missing no longer count, of up to twice what a weight needs: behind a gap
    /// as long as that it begins anew, and what it holds is sold at the next step.
    pub fn bridge(&mut self, asset: usize, missing: u32) {
        let counted = self.rules.history_min.saturating_add(1).saturating_mul(2);
        let Some(known) = self.assets.get_mut(asset) else { return };
        known.bars = known.bars.min(counted).saturating_sub(missing);
        (known.missing, known.is_fresh) = (missing, known.close.is_some() && known.bars > 0);
        if known.bars == 0 {
            self.covariance.forget(asset);
        }
    }

    /// One decision. `quotes` has one entry per asset, `None` for an asset without a bar at this moment, whose
    /// weight is kept.
    pub fn step(&mut self, quotes: &[Option<Quoted>]) -> BookStep {
        let bar_return = self.mark(quotes);
        self.learn(quotes);
        self.size(quotes);
        let turnover = self.trade(quotes);
        self.cost_due = self.rules.cost * turnover;
        BookStep { bar_return, turnover }
    }

    /// Books the cost of the last trades and the moves since.
    fn mark(&mut self, quotes: &[Option<Quoted>]) -> f64 {
        self.equity *= 1.0 - self.cost_due;
        let move_of = |asset: &Asset, quote: &Option<Quoted>| match (asset.close, quote) {
            (Some(last), Some(quote)) => quote.close / last - 1.0,
            (Some(_) | None, _) => 0.0,
        };
        let gain: f64 =
            self.assets.iter().zip(quotes).map(|(asset, quote)| asset.held * move_of(asset, quote)).sum();
        for (asset, quote) in self.assets.iter_mut().zip(quotes) {
            asset.held = asset.held * (1.0 + move_of(asset, quote)) / (1.0 + gain);
        }
        self.equity *= 1.0 + gain;
        self.peak = self.peak.max(self.equity);
        (1.0 - self.cost_due) * (1.0 + gain) - 1.0
    }

    fn learn(&mut self, quotes: &[Option<Quoted>]) {
        for (index, (asset, quote)) in self.assets.iter_mut().zip(quotes).enumerate() {
            let before = asset.close.filter(|_| asset.is_fresh);
            let log_return = match (before, quote) {
                (Some(last), Some(quote)) => Some(of_one_bar(libm::log(quote.close / last), asset.missing)),
                (Some(_) | None, _) => None,
            };
            self.covariance.set(index, log_return);
            asset.is_fresh = quote.is_some();
            if let Some(quote) = quote {
                asset.bars = asset.bars.saturating_add(1);
                asset.missing = 0;
                asset.close = Some(quote.close);
            }
        }
        self.covariance.learn();
    }

    /// The target weight of every asset that has a bar and enough history; zero for the others.
    fn size(&mut self, quotes: &[Option<Quoted>]) {
        let annual = self.rules.bars_per_year;
        let history_min = self.rules.history_min;
        let mut sum = 0.0;
        for (index, (asset, quote)) in self.assets.iter().zip(quotes).enumerate() {
            let volatility = (self.covariance.variance(index) * annual).sqrt();
            // A price that never moves has no volatility to size by, and no place in the book.
            let is_ripe = quote.is_some() && asset.bars > history_min && volatility > VOLATILITY_MIN;
            self.shares[index] = if is_ripe { 1.0 / volatility } else { 0.0 };
            sum += self.shares[index];
        }
        if sum <= 0.0 {
            self.assets.iter_mut().for_each(|asset| asset.target = 0.0);
            return;
        }
        self.shares.iter_mut().for_each(|share| *share /= sum);
        let volatility = self.covariance.portfolio_volatility(&self.shares, annual);
        let mut gross = 0.0;
        for ((asset, quote), share) in self.assets.iter_mut().zip(quotes).zip(&self.shares) {
            let signal = quote.map_or(0.0, |quote| quote.signal);
            asset.target = (share * signal * self.rules.target / volatility).min(GROSS_MAX);
            gross += asset.target;
        }
        let shrink = self.caution() / self.crowding(gross, quotes);
        self.assets.iter_mut().for_each(|asset| asset.target *= shrink);
    }

    /// By how much the targets together exceed what may be held; 1 where they do not.
    fn crowding(&self, gross: f64, quotes: &[Option<Quoted>]) -> f64 {
        let absent = self.assets.iter().zip(quotes).filter(|(_, quote)| quote.is_none());
        let kept: f64 = absent.map(|(asset, _)| asset.held).sum();
        let room = (GROSS_MAX - kept).max(1e-9);
        (gross / room).max(1.0)
    }

    /// What the drawdown control leaves of every weight, from 0 to 1.
    fn caution(&self) -> f64 {
        let limit = self.rules.drawdown_limit;
        let drawdown = 1.0 - self.equity / self.peak;
        ((limit - drawdown) / limit).clamp(0.0, 1.0)
    }

    /// Moves the weights to their targets where they lie outside the band; answers the turnover.
    fn trade(&mut self, quotes: &[Option<Quoted>]) -> f64 {
        let band = self.rules.band;
        let mut turnover = 0.0;
        for ((asset, quote), moved) in self.assets.iter_mut().zip(quotes).zip(&mut self.moved) {
            let kept = quote.is_none() || is_within(band, asset.held, asset.target);
            *moved = !kept && (asset.target - asset.held).abs() > 0.0;
            if *moved {
                turnover += (asset.target - asset.held).abs();
                asset.held = asset.target;
            }
        }
        turnover
    }
}

/// A log return across `missing` bars, of the size that one bar's has.
fn of_one_bar(log_return: f64, missing: u32) -> f64 {
    if missing == 0 { log_return } else { log_return / (f64::from(missing) + 1.0).sqrt() }
}

impl Book {
    /// The rules but for the number of bars in a year, which the first bar says.
    fn settings(&self) -> impl Serialize + use<> {
        let BookRules { target, drawdown_limit, band, cost, history_min, bars_per_year: _ } = self.rules;
        (target, drawdown_limit, band, cost, history_min)
    }
}

impl Learned for Book {
    fn note(&self, notes: &mut NoteWriter) {
        notes.setting(&self.settings());
        notes.value(&(self.rules.bars_per_year, self.equity, self.peak, self.cost_due));
        notes.value(&self.assets);
        notes.value(&self.moved);
        notes.part(&self.covariance);
    }

    fn recall(&mut self, notes: &mut NoteReader<'_>) -> Result<(), Forgotten> {
        notes.setting(&self.settings())?;
        (self.rules.bars_per_year, self.equity, self.peak, self.cost_due) = notes.value()?;
        notes.fill(&mut self.assets)?;
        notes.fill(&mut self.moved)?;
        notes.part(&mut self.covariance)
    }
}
