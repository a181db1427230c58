//! Strategies of a user's own program, named and configured as those of the catalogue.
//!
//! A crate of the user implements [`OwnPolicy`] for its settings and hands [`Registration::of`] to the program
//! (`engine_cli::run_with`). From then on its name may stand in `[strategy]`: backtests, walk-forwards and replays build it from its
//! settings, which the run keeps. A run can be replayed only by a program that has the strategy.

use core::fmt::Debug;
use std::sync::Arc;

use engine_core::strategy::Strategy;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::settings::{SettingError, Settings};
use crate::trading::RunFacts;

/// A key of an own strategy's settings, for those who look it up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnKey {
    /// Its name.
    pub name: &'static str,
    /// What holds when it is absent, or `required`.
    pub default: &'static str,
    /// What it means, in one line.
    pub meaning: &'static str,
}

/// The settings of an own strategy; written by serde, every key they need to be read back is explicit.
pub trait OwnPolicy: Serialize + Debug + Send + Sync + Sized + 'static {
    /// The name it is selected by, as in `three-up`.
    const NAME: &'static str;
    /// What it does, in one sentence.
    const MEANING: &'static str;
    /// Its keys besides the name.
    const KEYS: &'static [OwnKey];

    /// Reads the settings; the name is read already, and keys that are never asked for are refused afterwards.
    ///
    /// # Errors
    /// [`SettingError`] for the first that cannot be used.
    fn read(settings: &mut Settings<'_>) -> Result<Self, SettingError>;

    /// The strategy with these settings.
    ///
    /// # Errors
    /// [`SettingError`] for what the run's instruments cannot hold.
    fn build(&self, facts: &RunFacts<'_>) -> Result<Box<dyn Strategy>, SettingError>;
}

/// An own strategy, to be handed to the program.
#[derive(Debug, Clone, Copy)]
pub struct Registration {
    name: &'static str,
    meaning: &'static str,
    keys: &'static [OwnKey],
    read: fn(&mut Settings<'_>) -> Result<RegisteredPolicy, SettingError>,
}

impl Registration {
    /// The registration of the strategy whose settings are `P`.
    #[must_use]
    pub const fn of<P: OwnPolicy>() -> Self {
        Self { name: P::NAME, meaning: P::MEANING, keys: P::KEYS, read: RegisteredPolicy::read::<P> }
    }

    /// The name it is selected by.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// What it does, in one sentence.
    #[must_use]
    pub const fn meaning(&self) -> &'static str {
        self.meaning
    }

    /// Its keys besides the name.
    #[must_use]
    pub const fn keys(&self) -> &'static [OwnKey] {
        self.keys
    }

    /// Reads its settings.
    ///
    /// # Errors
    /// Those of the strategy.
    pub fn read(&self, settings: &mut Settings<'_>) -> Result<RegisteredPolicy, SettingError> {
        (self.read)(settings)
    }
}

/// Settings of a user's own code as the record keeps them: what selects them, then each that serde writes and is not null.
/// One of their own that is called as what selects them is left out.
///
/// # Errors
/// [`SettingError::WrongType`] when serde does not write a table.
pub fn written_table(
    path: &str,
    (key, name): (&str, &str),
    settings: &impl Serialize,
) -> Result<Map<String, Value>, SettingError> {
    let written = serde_json::to_value(settings);
    let Ok(Value::Object(written)) = written else {
        let found = written.map_or_else(|error| error.to_string(), |value| value.to_string());
        let expected = "settings that are written as a table, which their program has to provide".to_owned();
        return Err(SettingError::WrongType { path: path.to_owned(), found, expected });
    };
    let mut table = Map::from_iter([(key.to_owned(), Value::from(name))]);
    table.extend(written.into_iter().filter(|(own, value)| !value.is_null() && own != key));
    Ok(table)
}

/// What builds a strategy, whatever its settings are.
trait Buildable: Debug + Send + Sync {
    fn build(&self, facts: &RunFacts<'_>) -> Result<Box<dyn Strategy>, SettingError>;
}

impl<P: OwnPolicy> Buildable for P {
    fn build(&self, facts: &RunFacts<'_>) -> Result<Box<dyn Strategy>, SettingError> {
        OwnPolicy::build(self, facts)
    }
}

/// An own strategy with its settings, read and checked.
#[derive(Debug, Clone)]
pub struct RegisteredPolicy {
    name: &'static str,
    table: Map<String, Value>,
    policy: Arc<dyn Buildable>,
}

impl RegisteredPolicy {
    fn read<P: OwnPolicy>(settings: &mut Settings<'_>) -> Result<Self, SettingError> {
        let policy = P::read(settings)?;
        let table = written_table("strategy", ("name", P::NAME), &policy)?;
        Ok(Self { name: P::NAME, table, policy: Arc::new(policy) })
    }

    /// Its name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Builds it for a run.
    ///
    /// # Errors
    /// [`SettingError`] for what the run's instruments cannot hold.
    pub fn build(&self, facts: &RunFacts<'_>) -> Result<Box<dyn Strategy>, SettingError> {
        self.policy.build(facts)
    }
}

impl PartialEq for RegisteredPolicy {
    fn eq(&self, other: &Self) -> bool {
        self.table == other.table
    }
}

impl Eq for RegisteredPolicy {}

impl Serialize for RegisteredPolicy {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        self.table.serialize(out)
    }
}
