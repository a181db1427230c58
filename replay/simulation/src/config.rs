//! What a backtest is made of, resolved and checked.

use std::sync::Arc;

use engine_core::bars::BarRule;
use engine_core::instrument::Instrument;
use engine_core::machine::{CoreConfig, Timing, WatchRule};
use engine_core::mark::MarkRule;
use engine_core::num::{Money, Ratio};
use engine_core::risk::RiskLimits;
use engine_core::time::{Span, Timestamp};

use crate::impact::ImpactModel;

/// When and at what price orders fill; recorded in the manifest and named in every report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FillModel {
    /// Bars: decided at the close, ordered and filled at the next open. The honest default for bars.
    NextOpen,
    /// Bars: filled at the close that gave the signal. Optimistic.
    SameClose,
    /// Trades: filled at the trade that gave the signal. Optimistic.
    AtSignal,
    /// Trades: filled by trades later than the order's arrival. The honest default for trades.
    Trades,
    /// Quotes: filled by quotes later than the order's arrival. The honest default for quotes.
    Quotes,
}

impl FillModel {
    /// Whether fills use a price that was already known when the decision was made.
    #[must_use]
    pub const fn is_optimistic(self) -> bool {
        match self {
            Self::SameClose | Self::AtSignal => true,
            Self::NextOpen | Self::Trades | Self::Quotes => false,
        }
    }

    /// When the core turns intents into orders under this model.
    #[must_use]
    pub const fn timing(self) -> Timing {
        match self {
            Self::NextOpen => Timing::NextOpen,
            Self::SameClose | Self::AtSignal | Self::Trades | Self::Quotes => Timing::Immediate,
        }
    }

    /// Its name in configurations and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NextOpen => "next-open",
            Self::SameClose => "same-close",
            Self::AtSignal => "at-signal",
            Self::Trades => "trades",
            Self::Quotes => "quotes",
        }
    }
}

/// What happens to positions when the data ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EndOfData {
    /// They stay open, valued at the last price.
    #[default]
    Keep,
    /// They are closed at the last price.
    Flatten,
    /// They are closed at the open of the last bar, as backtesting.py does. Looks back.
    FlattenAtLastOpen,
}

/// What trading costs, fees and slippage apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Costs {
    /// Fee on notional for orders that waited; negative is a rebate.
    pub maker_fee: Ratio,
    /// Fee on notional for orders that took.
    pub taker_fee: Ratio,
    /// How much worse than its reference an order fills that takes liquidity.
    pub slippage: Ratio,
    /// Full spread around a trade price, for data without quotes; takers pay half of it.
    pub spread: Ratio,
    /// The most that the size of an order adds to its slippage: that of [`BacktestConfig::impact`].
    pub impact_max: Ratio,
}

impl Costs {
    /// What taking liquidity is charged, as a share of the notional, for figures that are no books.
    #[must_use]
    pub fn taker_share(&self) -> f64 {
        self.taker_fee.units() as f64 / Ratio::ONE.units() as f64
    }

    /// How much worse than the last price a taker fills: slippage and half the spread.
    #[must_use]
    pub const fn taking(&self) -> Ratio {
        // Each is at most a half where a configuration says it, far from the end of a ratio.
        Ratio::from_units(self.slippage.units().saturating_add(self.spread.units() / 2))
    }

    /// What the gate sets aside on top of the mark for an order that takes: price concession and fee, each on
    /// the other, rounded up.
    #[must_use]
    pub fn reserve(&self) -> Ratio {
        let one = i128::from(Ratio::ONE.units());
        let slipped = i128::from(self.slippage.units()) + i128::from(self.impact_max.units());
        // Among trades half the spread comes first, and slippage on what it makes.
        let half = i128::from(self.spread.units()) / 2;
        let concession = slipped + half + (slipped * half + one - 1).div_euclid(one);
        // Where making costs more than taking, an order that waits pays that.
        let fee = self.taker_fee.max(self.maker_fee);
        let paid = (one + concession) * (one + i128::from(fee.units()));
        let above = paid.div_euclid(one) + i128::from(paid.rem_euclid(one) > 0) - one;
        // Costs beyond 9 × 10^9 times the notional reserve all there is: nothing is affordable then.
        Ratio::from_units(i64::try_from(above).unwrap_or(i64::MAX))
    }
}

/// How long messages travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Latency {
    /// From the venue's event to our knowing it, where the data does not say.
    pub feed: Span,
    /// From our order to its arrival at the venue.
    pub entry: Span,
    /// From the venue's answer to our knowing it.
    pub response: Span,
}

/// When a resting limit order counts as filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LimitFill {
    /// Once the market trades through its price: our place in the queue is the last.
    #[default]
    Through,
    /// Once the market touches its price. Optimistic.
    Touch,
}

/// At what price a resting limit order fills that the open of a bar jumps over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LimitAtOpen {
    /// At its limit: a market without sessions trades at every price on its way to the open.
    #[default]
    Limit,
    /// At the open, which is better than its limit: the opening auction of a market with sessions. Optimistic on
    /// any other.
    Open,
}

/// How much of an order one trade or quote can fill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Depth {
    /// As much as was traded or quoted; the rest waits for the next.
    #[default]
    Traded,
    /// All of it.
    Unlimited,
}

/// The rules of the simulated venue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct VenueRules {
    /// When resting limit orders fill.
    pub limit_fill: LimitFill,
    /// At what price they fill on bars that open beyond them.
    pub limit_at_open: LimitAtOpen,
    /// How much one trade or quote fills.
    pub depth: Depth,
}

/// How the run journal is written. None of it reaches the run's head.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct JournalConfig {
    /// Largest page in bytes.
    pub page_bytes: usize,
    /// Whether pages also go to an append-only page log, from which the store can be rebuilt.
    pub page_log: bool,
    /// Whether market records are embedded, so that the run needs no dataset. This one changes the head.
    pub self_contained: bool,
    /// Events between snapshots of the folded state, of which one is made after twenty times as many market records too;
    /// zero for one at the end only.
    pub snapshot_every: u64,
}

impl Default for JournalConfig {
    fn default() -> Self {
        Self { page_bytes: 32 * 1024, page_log: false, self_contained: false, snapshot_every: 50_000 }
    }
}

/// Where the market data of one instrument comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedConfig {
    /// `venue:symbol:kind`, the name of the series in its dataset.
    pub series: String,
    /// The dataset's directory.
    pub dataset: std::path::PathBuf,
    /// Place of its instrument in [`BacktestConfig::instruments`].
    pub instrument: u16,
}

/// A backtest, resolved and checked.
#[derive(Debug, Clone)]
pub struct BacktestConfig {
    /// Name of the strategy, for the manifest.
    pub strategy: String,
    /// Canonical JSON of the resolved configuration: fixed key order, no paths, nothing about page size.
    pub config_json: String,
    /// Seed of everything random in simulation.
    pub seed: u64,
    /// Start capital in the settlement currency.
    pub capital: Money,
    /// What can be traded, in the order of `InstrumentId`.
    pub instruments: Vec<Instrument>,
    /// The data, in the order of source rank.
    pub feeds: Vec<FeedConfig>,
    /// Records before this moment are not read.
    pub from: Option<Timestamp>,
    /// Records at or after this moment are not read.
    pub to: Option<Timestamp>,
    /// How trades become bars, when they do.
    pub bars: Option<BarRule>,
    /// Which prices positions are valued at.
    pub mark: MarkRule,
    /// When and at what price orders fill.
    pub fill: FillModel,
    /// What happens when the data ends.
    pub end: EndOfData,
    /// What trading costs.
    pub costs: Costs,
    /// What the size of an order costs it, besides slippage.
    pub impact: Option<Arc<dyn ImpactModel>>,
    /// How long messages travel; ignored under `next-open`, `same-close` and `at-signal`.
    pub latency: Latency,
    /// The rules of the simulated venue.
    pub venue: VenueRules,
    /// How many bar lengths an intent may wait for its open under `next-open`.
    pub wait_bars_max: u32,
    /// The limits of the gate.
    pub limits: RiskLimits,
    /// Which regimes are named and how the conductor is asked, when they are.
    pub watch: Option<WatchRule>,
    /// How the journal is written.
    pub journal: JournalConfig,
}

impl BacktestConfig {
    /// What the core needs of it.
    #[must_use]
    pub fn core(&self) -> CoreConfig {
        // The model itself says what it may cost, whoever made this configuration.
        let impact_max = self.impact.as_ref().map(|model| model.max()).unwrap_or_default();
        let costs = Costs { impact_max, ..self.costs };
        CoreConfig {
            instruments: self.instruments.clone(),
            capital: self.capital,
            bars: self.bars,
            mark: self.mark,
            timing: self.fill.timing(),
            wait_bars_max: self.wait_bars_max,
            limits: RiskLimits { taker_cost: costs.reserve(), ..self.limits.clone() },
            watch: self.watch,
        }
    }
}

#[cfg(test)]
mod tests {
    use engine_core::num::Price;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        #[test]
        fn what_is_set_aside_covers_the_dearest_fill(
            spread in 0_i64..=500_000_000, slippage in 0_i64..=500_000_000, impact in 0_i64..=500_000_000,
            fee in 0_i64..=100_000_000, price in 1_000_000_000_i64..1_000_000_000_000,
        ) {
            let ratio = Ratio::from_units;
            let (slippage, impact_max) = (ratio(slippage), ratio(impact));
            let costs =
                Costs { spread: ratio(spread), slippage, impact_max, taker_fee: ratio(fee), ..Costs::default() };
            // Among trades: half the spread, then slippage and impact, then the fee.
            let asked = Price::from_units(price).moved_by(ratio(spread / 2)).unwrap();
            let paid = asked.moved_by(ratio(slippage.units() + impact)).unwrap();
            let with_fee = i128::from(paid.units()) * i128::from(Ratio::ONE.units() + fee);
            let aside = i128::from(price) * i128::from(Ratio::ONE.units() + costs.reserve().units());
            // The prices were rounded twice, to a billionth of themselves or less.
            prop_assert!(with_fee <= aside + 4 * i128::from(Ratio::ONE.units()), "{} of {}", with_fee, aside);
        }
    }
}
