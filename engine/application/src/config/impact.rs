//! `[costs.impact]`: what the size of an order costs it, by the model of the engine or by one of the program at hand.

use std::sync::{Arc, OnceLock};

use engine_core::num::Ratio;
use replay_simulation::impact::{Doubled, ImpactModel, SquareRoot};
use serde::Serialize;
use serde_json::{Map, Value};
use strategies::registration::{OwnKey, written_table};
use strategies::settings::{SettingError, Settings, ratio_text};

use crate::own_strategies::RegistrationError;

/// The model that comes with the engine.
pub(super) const SQUARE_ROOT: &str = "square-root";

static REGISTERED: OnceLock<Vec<ImpactRegistration>> = OnceLock::new();

/// An impact model of a user's own program; written by serde, every key it needs to be read back is explicit.
pub trait OwnImpact: ImpactModel + Serialize + Sized + 'static {
    /// The name it is selected by, as in `tiered`.
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
}

/// An own impact model, to be handed to the program.
#[derive(Debug, Clone, Copy)]
pub struct ImpactRegistration {
    name: &'static str,
    meaning: &'static str,
    keys: &'static [OwnKey],
    read: fn(&mut Settings<'_>) -> Result<ImpactSection, SettingError>,
}

impl ImpactRegistration {
    /// The registration of the model `M`.
    #[must_use]
    pub const fn of<M: OwnImpact>() -> Self {
        Self { name: M::NAME, meaning: M::MEANING, keys: M::KEYS, read: own::<M> }
    }

    pub(super) const fn parts(&self) -> (&'static str, &'static str, &'static [OwnKey]) {
        (self.name, self.meaning, self.keys)
    }
}

/// Adds `own` to the impact models that configurations may name, for the whole process.
///
/// # Errors
/// [`RegistrationError`] for a name that is taken or is none, and when models were registered before.
pub fn register_impacts(own: Vec<ImpactRegistration>) -> Result<(), RegistrationError> {
    let mut taken = vec![SQUARE_ROOT];
    for ImpactRegistration { name, .. } in &own {
        crate::own_strategies::check_name(name)?;
        if taken.contains(name) {
            return Err(RegistrationError::NameTaken { name });
        }
        taken.push(name);
    }
    REGISTERED.set(own).map_err(|_| RegistrationError::Twice)
}

pub(super) fn registered_impacts() -> &'static [ImpactRegistration] {
    REGISTERED.get().map_or(&[], Vec::as_slice)
}

/// An impact model with its settings, read and checked.
#[derive(Debug, Clone)]
pub struct ImpactSection {
    table: Map<String, Value>,
    model: Arc<dyn ImpactModel>,
}

impl ImpactSection {
    /// The model.
    #[must_use]
    pub fn model(&self) -> Arc<dyn ImpactModel> {
        Arc::clone(&self.model)
    }

    /// Twice the impact, for stress tests.
    #[must_use]
    pub fn doubled(&self) -> Self {
        Self { table: self.table.clone(), model: Arc::new(Doubled(self.model())) }
    }

    pub(super) const fn table(&self) -> &Map<String, Value> {
        &self.table
    }
}

impl PartialEq for ImpactSection {
    fn eq(&self, other: &Self) -> bool {
        self.table == other.table
    }
}

pub(super) fn read(mut settings: Settings<'_>) -> Result<ImpactSection, SettingError> {
    let names: Vec<&str> =
        std::iter::once(SQUARE_ROOT).chain(registered_impacts().iter().map(|own| own.name)).collect();
    let choices: Vec<(&str, &str)> = names.iter().map(|name| (*name, *name)).collect();
    let Some(name) = settings.choice("model", &choices)? else {
        return Err(settings.missing("model", &names.join(", ")));
    };
    let section = match registered_impacts().iter().find(|own| own.name == name) {
        Some(own) => (own.read)(&mut settings)?,
        None => square_root(&mut settings)?,
    };
    settings.finish()?;
    Ok(section)
}

fn square_root(settings: &mut Settings<'_>) -> Result<ImpactSection, SettingError> {
    let half = Ratio::from_units(Ratio::ONE.units() / 2);
    let Some(coefficient) = settings.ratio("coefficient", Ratio::ZERO..=Ratio::ONE)? else {
        return Err(settings.missing("coefficient", "a share, as in \"10%\""));
    };
    let Some(max) = settings.ratio("max", Ratio::ZERO..=half)? else {
        return Err(settings.missing("max", "a share, as in \"5%\""));
    };
    let keys = [("model", SQUARE_ROOT.to_owned())].into_iter();
    let keys = keys.chain([("coefficient", ratio_text(coefficient)), ("max", ratio_text(max))]);
    let table = keys.map(|(key, text)| (key.to_owned(), Value::from(text))).collect();
    Ok(ImpactSection { table, model: Arc::new(SquareRoot { coefficient, max }) })
}

fn own<M: OwnImpact>(settings: &mut Settings<'_>) -> Result<ImpactSection, SettingError> {
    let model = M::read(settings)?;
    let max = model.max();
    if !(Ratio::ZERO..Ratio::ONE).contains(&max) {
        let allowed = "from 0 to below 1, which the model's program has to see to";
        return Err(settings.out_of_range("max", &ratio_text(max), allowed));
    }
    let table = written_table("costs.impact", ("model", M::NAME), &model)?;
    Ok(ImpactSection { table, model: Arc::new(model) })
}
