//! Settings of `rg-ens12`.

use engine_core::instrument::Instrument;
use engine_core::num::{Decimal, RATIO_DECIMALS, Ratio};
use engine_core::strategy::Strategy;
use serde::Serialize;

use super::asset::EnsembleAsset;
use super::book::{BookRules, DAYS_PER_YEAR};
use super::policy::RgEns12;
use crate::ema_cross::whole;
use crate::settings::{SettingError, Settings};
use crate::trading::{RunFacts, check_symbols, lists, ratio};

const fn percent(whole: i64) -> Ratio {
    Ratio::from_units(whole * 10_000_000)
}

/// Settings of `rg-ens12`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RgEns12Params {
    /// Symbols to trade; all of the run when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instruments: Option<Vec<String>>,
    /// Volatility aimed at, a year.
    #[serde(serialize_with = "ratio")]
    pub target: Ratio,
    /// The drawdown of the model book at which its drawdown control has sold everything.
    #[serde(serialize_with = "ratio")]
    pub drawdown_limit: Ratio,
    /// A weight is kept while it lies within this share of its target.
    #[serde(serialize_with = "ratio")]
    pub band: Ratio,
    /// What the model book pays for one unit of turnover.
    #[serde(serialize_with = "ratio")]
    pub cost: Ratio,
    /// An instrument is held once it has more bars than this.
    pub history_min: u32,
    /// Share of the cash that purchases leave untouched.
    #[serde(serialize_with = "ratio")]
    pub cash_reserve: Ratio,
}

impl RgEns12Params {
    /// Reads the settings; absent ones are 40 % target, 25 % drawdown limit, 20 % band, 15 bps cost, 60 bars,
    /// 0.5 % cash reserve.
    ///
    /// # Errors
    /// [`SettingError`] for the first that cannot be used.
    pub fn read(settings: &mut Settings<'_>) -> Result<Self, SettingError> {
        let mut share = |key, range, default: Ratio| -> Result<Ratio, SettingError> {
            Ok(settings.ratio(key, range)?.unwrap_or(default))
        };
        let target = share("target", percent(1)..=percent(200), percent(40))?;
        let drawdown_limit = share("drawdown_limit", percent(1)..=percent(100), percent(25))?;
        let band = share("band", Ratio::ZERO..=percent(99), percent(20))?;
        let cost = share("cost", Ratio::ZERO..=percent(10), Ratio::from_units(1_500_000))?;
        let cash_reserve = share("cash_reserve", Ratio::ZERO..=percent(50), Ratio::from_units(5_000_000))?;
        Ok(Self {
            instruments: settings.texts("instruments")?,
            target,
            drawdown_limit,
            band,
            cost,
            history_min: whole(settings, "history_min", 2..=100_000, 60)?,
            cash_reserve,
        })
    }

    /// The ensemble with these settings.
    ///
    /// # Errors
    /// [`SettingError`] for a symbol the run does not have.
    pub fn build(&self, facts: &RunFacts<'_>) -> Result<Box<dyn Strategy>, SettingError> {
        Ok(Box::new(self.ensemble(facts)?))
    }

    /// The ensemble itself, for whoever wants to look at its book.
    ///
    /// # Errors
    /// [`SettingError`] for a symbol the run does not have.
    pub fn ensemble(&self, facts: &RunFacts<'_>) -> Result<RgEns12, SettingError> {
        check_symbols(self.instruments.as_deref(), facts)?;
        let asset = |rules: &Instrument| {
            let trades = self.instruments.as_ref().is_none_or(|list| lists(list, rules));
            trades.then(|| EnsembleAsset::new(rules.clone(), facts.detector.build()))
        };
        let share =
            |ratio: Ratio| Decimal { units: i128::from(ratio.units()), decimals: RATIO_DECIMALS }.to_f64();
        let rules = BookRules {
            target: share(self.target),
            drawdown_limit: share(self.drawdown_limit),
            band: share(self.band),
            cost: share(self.cost),
            history_min: self.history_min,
            bars_per_year: DAYS_PER_YEAR,
        };
        let assets = facts.instruments.iter().map(asset).collect();
        Ok(RgEns12::new(rules, share(self.cash_reserve), assets))
    }
}
