//! The strategies that the program at hand adds to the catalogue: named once, before anything is read.

use std::sync::OnceLock;

use strategies::catalogue::POLICIES;
use strategies::registration::Registration;

static REGISTERED: OnceLock<Vec<Registration>> = OnceLock::new();

/// Why strategies or models cannot be added.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegistrationError {
    /// A name stands for a strategy or model already.
    #[error("register {name}: the name is taken; choose another")]
    NameTaken {
        /// The name.
        name: &'static str,
    },
    /// A name that cannot stand in a configuration plainly.
    #[error("register {name:?}: a name is lower-case letters, digits and hyphens, beginning with a letter")]
    NotAName {
        /// The name.
        name: &'static str,
    },
    /// Strategies, or models, were added before.
    #[error("register strategies or models: a program registers all of them at once, and did so before")]
    Twice,
}

/// Adds `own` to the strategies that configurations may name, for the whole process.
///
/// # Errors
/// [`RegistrationError`] for a name that is taken or is none, and when strategies were registered before.
pub fn register(own: Vec<Registration>) -> Result<(), RegistrationError> {
    check(&own)?;
    REGISTERED.set(own).map_err(|_| RegistrationError::Twice)
}

/// The strategies that were registered.
#[must_use]
pub fn registered() -> &'static [Registration] {
    REGISTERED.get().map_or(&[], Vec::as_slice)
}

fn check(own: &[Registration]) -> Result<(), RegistrationError> {
    for (index, registration) in own.iter().enumerate() {
        let name = registration.name();
        check_name(name)?;
        let built_in = POLICIES.iter().any(|(known, _)| *known == name);
        if built_in || own.iter().take(index).any(|other| other.name() == name) {
            return Err(RegistrationError::NameTaken { name });
        }
    }
    Ok(())
}

/// Refuses a name that cannot stand in a configuration plainly.
pub(crate) fn check_name(name: &'static str) -> Result<(), RegistrationError> {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if name.bytes().all(is_plain) && name.starts_with(|first: char| first.is_ascii_lowercase()) {
        return Ok(());
    }
    Err(RegistrationError::NotAName { name })
}

#[cfg(test)]
mod tests {
    use engine_core::strategy::Strategy;
    use serde_json::{Map, Value};
    use strategies::registration::{OwnKey, OwnPolicy};
    use strategies::settings::{SettingError, Settings};
    use strategies::trading::RunFacts;

    use super::*;

    #[derive(Debug)]
    struct Own<const TAKEN: bool>;

    impl<const TAKEN: bool> serde::Serialize for Own<TAKEN> {
        fn serialize<S: serde::Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
            Map::<String, Value>::new().serialize(out)
        }
    }

    impl<const TAKEN: bool> OwnPolicy for Own<TAKEN> {
        const NAME: &'static str = if TAKEN { "donchian" } else { "of-my-own" };
        const MEANING: &'static str = "nothing";
        const KEYS: &'static [OwnKey] = &[];

        fn read(_settings: &mut Settings<'_>) -> Result<Self, SettingError> {
            Ok(Self)
        }

        fn build(&self, _facts: &RunFacts<'_>) -> Result<Box<dyn Strategy>, SettingError> {
            Err(SettingError::Missing { path: String::new(), expected: String::new() })
        }
    }

    #[test]
    fn a_name_stands_for_one_strategy() {
        let (own, taken) = (Registration::of::<Own<false>>(), Registration::of::<Own<true>>());
        assert_eq!(check(&[own]), Ok(()));
        assert_eq!(check(&[taken]), Err(RegistrationError::NameTaken { name: "donchian" }));
        assert_eq!(check(&[own, own]), Err(RegistrationError::NameTaken { name: "of-my-own" }));
    }
}
