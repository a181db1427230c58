//! The settings of `rules`: four conditions, and what all policies share.

use engine_core::instrument::Instrument;
use engine_core::strategy::Strategy;
use serde::{Serialize, Serializer};

use super::parser::parse;
use super::signal::{RuleSignal, SideRules};
use super::tree::Truth;
use crate::settings::{SettingError, Settings};
use crate::trader::Trader;
use crate::trading::{Direction, RunFacts, Trading};

/// A rule with an example of one, for those who have written none.
const EXAMPLE: &str =
    "a condition in quotes, as in enter_long = \"cross_up(ema(20), ema(50)) and rsi(14) < 70\"";

/// Settings of `rules`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RulesParams {
    /// When to be long.
    #[serde(flatten, serialize_with = "long_rules")]
    pub long: SideRules,
    /// When to be short.
    #[serde(flatten, serialize_with = "short_rules")]
    pub short: SideRules,
    /// The settings that all policies share.
    #[serde(flatten)]
    pub trading: Trading,
}

fn long_rules<S: Serializer>(rules: &SideRules, out: S) -> Result<S::Ok, S::Error> {
    written(["enter_long", "exit_long"], rules, out)
}

fn short_rules<S: Serializer>(rules: &SideRules, out: S) -> Result<S::Ok, S::Error> {
    written(["enter_short", "exit_short"], rules, out)
}

fn written<S: Serializer>(
    [enter, exit]: [&'static str; 2],
    rules: &SideRules,
    out: S,
) -> Result<S::Ok, S::Error> {
    let rules = [(enter, &rules.enter), (exit, &rules.exit)];
    out.collect_map(rules.into_iter().filter_map(|(key, rule)| Some((key, rule.as_ref()?.to_string()))))
}

impl RulesParams {
    /// Reads the settings; a rule that is absent is never true.
    ///
    /// # Errors
    /// [`SettingError`] for the first rule that cannot be read, pointing into its text; for rules that never enter; and for
    /// an exit without its entry.
    pub fn read(settings: &mut Settings<'_>) -> Result<Self, SettingError> {
        let long = SideRules { enter: rule(settings, "enter_long")?, exit: rule(settings, "exit_long")? };
        let short = SideRules { enter: rule(settings, "enter_short")?, exit: rule(settings, "exit_short")? };
        if long.enter.is_none() && (short.enter.is_none() || long.exit.is_some()) {
            return Err(settings.missing("enter_long", EXAMPLE));
        }
        if short.enter.is_none() && short.exit.is_some() {
            return Err(settings.missing("enter_short", "the rule that enters what `exit_short` leaves"));
        }
        Ok(Self { long, short, trading: Trading::read(settings)? })
    }

    /// The sides its rules can take.
    #[must_use]
    pub const fn direction(&self) -> Direction {
        match self.short.enter {
            Some(_) => Direction::LongShort,
            None => Direction::LongOnly,
        }
    }

    /// The policy with these settings.
    ///
    /// # Errors
    /// [`SettingError`] for what the run's instruments cannot hold.
    pub fn build(&self, facts: &RunFacts<'_>) -> Result<Box<dyn Strategy>, SettingError> {
        let signal = |_, rules: &Instrument| RuleSignal::new(&self.long, &self.short, rules.clone());
        let trader = Trader::new(&self.trading, self.direction(), facts, signal)?;
        Ok(Box::new(trader))
    }
}

fn rule(settings: &mut Settings<'_>, key: &'static str) -> Result<Option<Truth>, SettingError> {
    let Some(text) = settings.text(key)? else { return Ok(None) };
    match parse(text) {
        Ok(rule) => Ok(Some(rule)),
        Err(error) => Err(SettingError::Rule { path: settings.path_of(key), text: text.to_owned(), error }),
    }
}
