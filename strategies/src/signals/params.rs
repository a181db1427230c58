//! The settings of `signals`: which file, and what it is about.

use std::sync::Arc;

use engine_core::instrument::Instrument;
use engine_core::num::Ratio;
use engine_core::risk::Account;
use engine_core::strategy::Strategy;
use serde::Serialize;

use super::policy::TargetFollower;
use super::target_list::{TargetRow, by_instrument};
use crate::sample::Source;
use crate::settings::{SettingError, Settings};
use crate::trading::{EntrySize, Exits, RunFacts, Trading};

/// Settings of `signals`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SignalsParams {
    /// The file of targets, as it was named; not part of what the targets are.
    pub file: String,
    /// BLAKE3 of the file's content, 64 hexadecimal digits; filled in when the file is read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
    /// Symbols to trade; all of the run when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instruments: Option<Vec<String>>,
    /// What kind of record sets a target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// The rows of the file and what the account allows, once they are handed in.
    #[serde(skip)]
    pub given: Option<Given>,
}

/// What a file of targets holds, and the account it is to be followed with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// Every row, in the order of the file.
    pub rows: Arc<[TargetRow]>,
    /// Whether the account may borrow.
    pub account: Account,
    /// Largest gross exposure as a share of equity.
    pub leverage_max: Ratio,
}

impl SignalsParams {
    /// Reads the settings; the rows are handed in later.
    ///
    /// # Errors
    /// [`SettingError`] for the first that cannot be used.
    pub fn read(settings: &mut Settings<'_>) -> Result<Self, SettingError> {
        let expected = "a CSV or Parquet file with the columns time and target, as in \"signals.csv\"";
        let Some(file) = settings.text("file")? else { return Err(settings.missing("file", expected)) };
        let hash = settings.text("hash")?;
        let is_hash = |text: &str| text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if let Some(text) = hash.filter(|text| !is_hash(text)) {
            let allowed = "the BLAKE3 hash of the file, 64 hexadecimal digits";
            return Err(settings.out_of_range("hash", text, allowed));
        }
        let sources = [("bars", Source::Bars), ("trades", Source::Trades), ("quotes", Source::Quotes)];
        Ok(Self {
            file: file.to_owned(),
            hash: hash.map(str::to_ascii_lowercase),
            instruments: settings.texts("instruments")?,
            source: settings.choice("source", &sources)?,
            given: None,
        })
    }

    /// The policy with these settings.
    ///
    /// # Errors
    /// [`SettingError`] where the file was not handed in, or holds what the run or its account cannot follow.
    pub fn build(&self, facts: &RunFacts<'_>) -> Result<Box<dyn Strategy>, SettingError> {
        let refused = |reason: String| SettingError::File {
            path: "strategy.file".to_owned(),
            file: self.file.clone(),
            reason,
        };
        let Some(given) = &self.given else { return Err(refused("it was not read".to_owned())) };
        let trading = Trading {
            instruments: self.instruments.clone(),
            source: self.source,
            size: EntrySize::EqualShare,
            exits: Exits::default(),
        };
        let traded = trading.traded_instruments(facts)?;
        let rules: Vec<Option<&Instrument>> =
            traded.iter().zip(facts.instruments).map(|(traded, rules)| traded.map(|_| rules)).collect();
        let account = (given.account, given.leverage_max);
        let lists =
            by_instrument(&given.rows, &rules, account).map_err(|error| refused(error.to_string()))?;
        Ok(Box::new(TargetFollower::new(lists, self.source.unwrap_or(facts.source))))
    }
}
