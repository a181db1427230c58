//! Every policy by its name.

use engine_core::strategy::Strategy;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::buy_and_hold::BuyAndHoldParams;
use crate::donchian::DonchianParams;
use crate::ema_cross::EmaCrossParams;
use crate::ensemble::params::RgEns12Params;
use crate::limit_dip::LimitDipParams;
use crate::random::RandomParams;
use crate::registration::{RegisteredPolicy, Registration};
use crate::rules::params::RulesParams;
use crate::seed_3d::Seed3dParams;
use crate::settings::{SettingError, Settings};
use crate::signals::params::SignalsParams;
use crate::sma_cross::SmaCrossParams;
use crate::specialist::params::SpecialistParams;
use crate::trading::{Exits, RunFacts};

pub mod parameters;

/// The name of every policy with one sentence on what it does.
pub const POLICIES: [(&str, &str); 11] = [
    ("buy-and-hold", "enters at the first bar or trade and stays"),
    ("sma-cross", "on a cross of two simple averages, closes and enters the other side"),
    ("ema-cross", "long while the fast exponential average is above the slow one, else flat or short"),
    ("donchian", "enters beyond the channel of the last bars, leaves beyond the opposite, shorter one"),
    ("limit-dip", "while flat, a buy limit below every close; out some bars after the entry"),
    ("random", "a seeded coin for every bar: what luck alone earns"),
    ("rules", "conditions written in the configuration: enter_long, exit_long, enter_short, exit_short"),
    ("signals", "targets from a file of times and shares of equity, CSV or Parquet"),
    ("rg-ens12", "twelve trend signals scaled by regime, in an inverse-volatility book over all instruments"),
    ("seed-3d", "the original's published ensemble, errors included: a reference; takes only `instruments`"),
    (
        "regime-specialists",
        "one genome-driven policy per regime, with explicit policies for changes and crises",
    ),
];

/// A policy with its settings, read and checked; written back, every setting is explicit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "name", rename_all = "kebab-case")]
pub enum Policy {
    /// Enters once and stays.
    BuyAndHold(BuyAndHoldParams),
    /// Trades crosses of simple averages.
    SmaCross(SmaCrossParams),
    /// Follows exponential averages.
    EmaCross(EmaCrossParams),
    /// Trades channel breaks.
    Donchian(DonchianParams),
    /// Buys dips with limits.
    LimitDip(LimitDipParams),
    /// Tosses a coin.
    Random(RandomParams),
    /// Conditions of the user.
    Rules(RulesParams),
    /// Targets from a file.
    Signals(SignalsParams),
    /// The default ensemble.
    #[serde(rename = "rg-ens12")]
    RgEns12(RgEns12Params),
    /// Repeats the original's published run.
    #[serde(rename = "seed-3d")]
    Seed3d(Seed3dParams),
    /// One policy per regime.
    RegimeSpecialists(SpecialistParams),
    /// A strategy of the program at hand.
    #[serde(untagged)]
    Registered(RegisteredPolicy),
}

/// Reads one policy from `[strategy]`: `name` and the settings it has.
///
/// # Errors
/// [`SettingError`] naming the key, the nearest valid one or the allowed range.
pub fn read(table: &Map<String, Value>) -> Result<Policy, SettingError> {
    read_among(table, &[])
}

/// As [`read`], with the strategies of the program at hand beside those of the catalogue.
///
/// # Errors
/// As [`read`].
pub fn read_among(table: &Map<String, Value>, own: &[Registration]) -> Result<Policy, SettingError> {
    let mut settings = Settings::new("strategy", table);
    let policy = read_from(&mut settings, own)?;
    settings.finish()?;
    Ok(policy)
}

fn read_from(settings: &mut Settings<'_>, own: &[Registration]) -> Result<Policy, SettingError> {
    let registered = own.iter().map(Registration::name);
    let names: Vec<&str> = POLICIES.iter().map(|(name, _)| *name).chain(registered).collect();
    let choices: Vec<(&str, &str)> = names.iter().map(|name| (*name, *name)).collect();
    let Some(name) = settings.choice("name", &choices)? else {
        return Err(settings.missing("name", &names.join(", ")));
    };
    if let Some(registration) = own.iter().find(|registration| registration.name() == name) {
        let policy = Policy::Registered(registration.read(settings)?);
        return Ok(policy);
    }
    let policy = match name {
        "buy-and-hold" => Policy::BuyAndHold(BuyAndHoldParams::read(settings)?),
        "sma-cross" => Policy::SmaCross(SmaCrossParams::read(settings)?),
        "ema-cross" => Policy::EmaCross(EmaCrossParams::read(settings)?),
        "donchian" => Policy::Donchian(DonchianParams::read(settings)?),
        "limit-dip" => Policy::LimitDip(LimitDipParams::read(settings)?),
        "rules" => Policy::Rules(RulesParams::read(settings)?),
        "signals" => Policy::Signals(SignalsParams::read(settings)?),
        "rg-ens12" => Policy::RgEns12(RgEns12Params::read(settings)?),
        "seed-3d" => Policy::Seed3d(Seed3dParams::read(settings)?),
        "regime-specialists" => Policy::RegimeSpecialists(SpecialistParams::read(settings)?),
        _ => Policy::Random(RandomParams::read(settings)?),
    };
    Ok(policy)
}

/// Reads and builds one policy.
///
/// # Errors
/// [`SettingError`] as in [`read`], and for what the run's instruments cannot hold.
pub fn build(table: &Map<String, Value>, facts: &RunFacts<'_>) -> Result<Box<dyn Strategy>, SettingError> {
    read(table)?.build(facts)
}

impl Policy {
    /// Whether it weighs markets against each other bar by bar, so that all bars must have one length.
    #[must_use]
    pub const fn compares_markets(&self) -> bool {
        matches!(self, Self::RgEns12(_) | Self::Seed3d(_))
    }

    /// Its name in the catalogue.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::BuyAndHold(_) => "buy-and-hold",
            Self::SmaCross(_) => "sma-cross",
            Self::EmaCross(_) => "ema-cross",
            Self::Donchian(_) => "donchian",
            Self::LimitDip(_) => "limit-dip",
            Self::Random(_) => "random",
            Self::Rules(_) => "rules",
            Self::Signals(_) => "signals",
            Self::RgEns12(_) => "rg-ens12",
            Self::Seed3d(_) => "seed-3d",
            Self::RegimeSpecialists(_) => "regime-specialists",
            Self::Registered(policy) => policy.name(),
        }
    }

    /// The exits it places with every entry. Those of a strategy of one's own are not known before it orders.
    #[must_use]
    pub fn exits(&self) -> Exits {
        match self {
            Self::BuyAndHold(params) => params.trading.exits,
            Self::SmaCross(params) => params.trading.exits,
            Self::EmaCross(params) => params.trading.exits,
            Self::Donchian(params) => params.trading.exits,
            Self::LimitDip(params) => params.trading.exits,
            Self::Random(params) => params.trading.exits,
            Self::Rules(params) => params.trading.exits,
            Self::Seed3d(params) => params.trading.exits,
            Self::Signals(_) | Self::RgEns12(_) | Self::RegimeSpecialists(_) | Self::Registered(_) => {
                Exits::default()
            }
        }
    }

    /// Builds it for a run.
    ///
    /// # Errors
    /// [`SettingError`] for what the run's instruments cannot hold.
    pub fn build(&self, facts: &RunFacts<'_>) -> Result<Box<dyn Strategy>, SettingError> {
        match self {
            Self::BuyAndHold(params) => params.build(facts),
            Self::SmaCross(params) => params.build(facts),
            Self::EmaCross(params) => params.build(facts),
            Self::Donchian(params) => params.build(facts),
            Self::LimitDip(params) => params.build(facts),
            Self::Random(params) => params.build(facts),
            Self::Rules(params) => params.build(facts),
            Self::Signals(params) => params.build(facts),
            Self::RgEns12(params) => params.build(facts),
            Self::Seed3d(params) => params.build(facts),
            Self::RegimeSpecialists(params) => params.build(facts),
            Self::Registered(policy) => policy.build(facts),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read_json(json: &Value) -> Result<Policy, SettingError> {
        read(json.as_object().unwrap())
    }

    #[test]
    fn every_name_reads_with_defaults_and_reads_back_what_it_writes() {
        for (name, _) in POLICIES {
            let policy = read(&parameters::example(name)).unwrap();
            assert_eq!(policy.name(), name);
            let written = serde_json::to_value(&policy).unwrap();
            assert_eq!(read_json(&written).unwrap(), policy, "{written}");
        }
    }

    #[test]
    fn an_unknown_name_or_key_names_the_nearest() {
        let error = read_json(&serde_json::json!({ "name": "ema-corss" })).unwrap_err().to_string();
        assert!(error.contains("did you mean `ema-cross`?"), "{error}");
        assert!(error.contains("buy-and-hold, sma-cross"), "{error}");
        let error = read_json(&serde_json::json!({ "name": "ema-cross", "fsat": 3 })).unwrap_err();
        assert_eq!(error.to_string(), "unknown key `strategy.fsat`; did you mean `fast`?");
        let error = read_json(&serde_json::json!({ "name": "ema-cross", "fast": 30 })).unwrap_err();
        assert_eq!(error.to_string(), "`strategy.fast` = 30: allowed is less than slow = 20");
        let error =
            read_json(&serde_json::json!({ "name": "random", "size": { "units": 1, "notional": 2 } }));
        assert!(error.unwrap_err().to_string().contains("exactly one of units, notional"));
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(
            fast in 1_u32..500, slow in 501_u32..1000, share in 1_i64..999_999_999, long_short in any::<bool>(),
        ) {
            let direction = if long_short { "long-short" } else { "long-only" };
            let share = crate::settings::ratio_text(engine_core::num::Ratio::from_units(share));
            let policy = read_json(&serde_json::json!({
                "name": "sma-cross", "fast": fast, "slow": slow, "direction": direction,
                "stop_loss": share, "size": { "notional": "12.5" }, "instruments": ["X"], "source": "trades",
            })).unwrap();
            prop_assert_eq!(read_json(&serde_json::to_value(&policy).unwrap()).unwrap(), policy);
        }
    }
}
