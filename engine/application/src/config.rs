//! One TOML file, read into checked settings.
//!
//! The same reader takes a user's file and the canonical JSON that a run keeps in its manifest, so a recorded
//! run is rebuilt by the code that built it. Nothing here opens a dataset: what depends on the decimals of an
//! instrument stays a decimal number until [`resolve`] knows them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use engine_core::mark::MarkRule;
use engine_core::num::{Decimal, Money, Ratio};
use engine_core::regime::DetectorKind;
use engine_core::risk::{Account, HaltAction};
use engine_core::time::{Span, Timestamp};
use journal_store::record::RecordKind;
use journal_store::small_file::{self, SMALL_BYTES_MAX};
use replay_simulation::config::{Costs, EndOfData, FillModel, JournalConfig, Latency, VenueRules};
use serde_json::{Map, Value};
use strategies::catalogue::Policy;
use strategies::settings::SettingError;

mod assignment;
mod canonical;
mod choices;
mod conductor;
mod document;
mod grid;
mod impact;
mod keys;
mod live;
mod resolve;
mod resolve_error;
mod resolve_live;
mod sections;
mod series;
mod target_file;
mod toml_value;
mod walk_forward;

pub use assignment::{Assignment, AssignmentError, Clash, clash};
pub use canonical::canonical;
pub use choices::{ConductorKind, OnFailure, ProviderChoice};
pub use conductor::ConductorSection;
pub use grid::{GridError, alternatives, combinations};
pub use impact::{ImpactRegistration, ImpactSection, OwnImpact, register_impacts};
pub use keys::{explain, toml_text};
pub use live::{ClockChoice, LiveSection, RunMode};
pub use resolve::{policy_of, recorded, resolve};
pub use resolve_error::ResolveError;
pub use resolve_live::resolve_live;
pub use series::{Available, same_directory};
pub use walk_forward::{Trial, WalkForward};

/// What a user asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct RunSettings {
    /// What kind of run, from when to when, with how much.
    pub run: RunSection,
    /// The data to read, in any order; every series of the given datasets when empty.
    pub data: Vec<DataSection>,
    /// Steps and minimums by symbol, or by `venue:symbol`.
    pub instruments: BTreeMap<String, InstrumentSection>,
    /// How trades become bars.
    pub bars: Option<BarsSection>,
    /// What trading costs.
    pub costs: Costs,
    /// What the size of an order costs it, besides slippage.
    pub impact: Option<ImpactSection>,
    /// How long messages travel.
    pub latency: Latency,
    /// The rules of the simulated venue.
    pub venue: VenueRules,
    /// The limits of the gate.
    pub risk: RiskSection,
    /// Which detector names the regimes, when they are named.
    pub regime: Option<DetectorKind>,
    /// Who weighs the specialists, when someone does.
    pub conductor: Option<ConductorSection>,
    /// What trades.
    pub policy: Policy,
    /// How the journal is written.
    pub journal: JournalConfig,
    /// How many bars before its beginning a run on real time learns from.
    pub warmup_bars: u32,
    /// The dataset that tells them, and the venue what it leaves out; the venue alone when absent. No part of what a run is.
    pub warmup_dataset: Option<PathBuf>,
    /// Where a run on real time takes its data from; no part of what a run is.
    pub live: LiveSection,
}

/// `[run]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunSection {
    /// What kind of run; whatever a command makes of it when absent.
    pub mode: Option<RunMode>,
    /// Seed of everything random in simulation.
    pub seed: u64,
    /// Start capital.
    pub capital: Money,
    /// Name of the settlement currency, for reports.
    pub currency: String,
    /// When and at what price orders fill; by the kind of data when absent.
    pub fill: Option<FillModel>,
    /// Which prices positions are valued at, where both trades and quotes are read.
    pub mark: MarkRule,
    /// What happens to positions when the data ends.
    pub end: EndOfData,
    /// How many bar lengths an intent may wait for its open under `next-open`.
    pub wait_bars_max: u32,
    /// Records before this moment are not read.
    pub from: Option<Timestamp>,
    /// Records at or after this moment are not read.
    pub to: Option<Timestamp>,
}

/// One `[[data]]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DataSection {
    /// Where the dataset lies; searched for in the given ones when absent.
    pub dataset: Option<PathBuf>,
    /// The venue; any when absent.
    pub venue: Option<String>,
    /// The venue's symbol.
    pub symbol: String,
    /// What it holds; whichever there is when absent.
    pub kind: Option<RecordKind>,
    /// Length of the bars that a run on real time takes from its venue; a dataset says of itself.
    pub interval: Option<Span>,
}

/// One `[instrument.SYMBOL]`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct InstrumentSection {
    /// Smallest step of an order's price.
    pub tick: Option<Decimal>,
    /// Smallest step of an order's quantity.
    pub lot: Option<Decimal>,
    /// Smallest notional of an order.
    pub notional_min: Option<Decimal>,
}

/// `[bars]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BarsSection {
    /// At every multiple of this span.
    Time(Span),
    /// After this many trades.
    Ticks(u32),
    /// Once this quantity has traded.
    Volume(Decimal),
}

/// `[risk]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RiskSection {
    /// Whether shorts and borrowing are allowed.
    pub account: Account,
    /// Largest gross exposure as a share of equity.
    pub leverage_max: Ratio,
    /// Largest quantity of one order.
    pub order_qty_max: Option<Decimal>,
    /// Largest notional of one order.
    pub order_notional_max: Option<Money>,
    /// Largest notional of the position in one instrument.
    pub position_notional_max: Option<Money>,
    /// Farthest a limit price may lie beyond the mark.
    pub price_collar: Ratio,
    /// Most working orders at once.
    pub open_orders_max: u32,
    /// Most orders within any minute.
    pub orders_per_minute_max: u32,
    /// Fall from the equity peak that halts trading.
    pub drawdown_max: Ratio,
    /// What a drawdown halt does with positions.
    pub halt_action: HaltAction,
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("read {path}: {source}")]
    Unreadable {
        /// The file.
        path: String,
        /// Why not.
        source: std::io::Error,
    },
    /// The file is not TOML.
    #[error("read {path} line {line}: {reason}")]
    NotToml {
        /// The file.
        path: String,
        /// Where in it, counted from 1.
        line: usize,
        /// What the parser says, in one line.
        reason: String,
    },
    /// A key or value cannot be used.
    #[error("read {path}{}: {error} (`engine help CONFIG` explains every key)", at_line(.line))]
    Setting {
        /// The file.
        path: String,
        /// Where in it, counted from 1, when the key is there.
        line: Option<usize>,
        /// What is wrong.
        error: Box<SettingError>,
    },
    /// A setting given beside the file cannot be used.
    #[error("use --set {assignment}: {error} (`engine help CONFIG` explains every key)")]
    Assigned {
        /// Key and value as given.
        assignment: String,
        /// What is wrong.
        error: Box<SettingError>,
    },
}

impl ConfigError {
    /// A setting of the file at `path` that does not suit the data; names its line when the file is still there.
    #[must_use]
    pub fn in_file(path: &Path, error: SettingError) -> Self {
        let text = small_file::read_text(path, SMALL_BYTES_MAX).unwrap_or_default();
        Self::in_text(&path.display().to_string(), &text, &[], error)
    }

    /// A setting that does not suit the data, of the configuration `name` with this text and of `assignments` in the
    /// place of what it says; names the assignment, or the line.
    #[must_use]
    pub fn in_text(name: &str, text: &str, assignments: &[Assignment], error: SettingError) -> Self {
        let document = document::Document::parse(name, text).ok();
        document::placed(name, document.as_ref(), assignments, error)
    }
}

fn at_line(line: &Option<usize>) -> String {
    line.map(|line| format!(" line {line}")).unwrap_or_default()
}

impl RunSettings {
    /// Whether a model answers the core's questions.
    #[must_use]
    pub fn is_conducted_by_a_model(&self) -> bool {
        self.conductor.as_ref().is_some_and(|section| section.kind == ConductorKind::Model)
    }

    /// Reads a configuration file.
    ///
    /// # Errors
    /// [`ConfigError`] with file, line and key.
    pub fn read_file(path: &Path) -> Result<Self, ConfigError> {
        document::read_file(path, Self::read_toml)
    }

    /// Reads a configuration from TOML text; errors name it `path`.
    ///
    /// # Errors
    /// [`ConfigError`] with line and key.
    pub fn read_toml(path: &str, text: &str) -> Result<Self, ConfigError> {
        document::read_toml(path, text, Self::read)
    }

    /// Reads a configuration from TOML text; `assignments` take the place of what it says, errors name it `path`.
    ///
    /// # Errors
    /// [`ConfigError`] with line and key, or with the assignment that cannot be used.
    pub fn read_toml_with(path: &str, text: &str, assignments: &[Assignment]) -> Result<Self, ConfigError> {
        document::read_toml_with(path, text, assignments, Self::read)
    }

    /// Reads the canonical settings of a manifest; `None` where this version does not know them.
    #[must_use]
    pub fn read_canonical(json: &str) -> Option<Self> {
        Self::read(&serde_json::from_str(json).ok()?).ok()
    }

    /// The sections in which these settings are others than `other`.
    #[must_use]
    pub fn differing_sections(&self, other: Option<&Self>) -> Vec<String> {
        let sections = |settings: &Self| -> Map<String, Value> {
            serde_json::from_str(&canonical(settings)).unwrap_or_default()
        };
        let (mine, others) = (sections(self), other.map(sections).unwrap_or_default());
        let names = mine.keys().chain(others.keys().filter(|name| !mine.contains_key(*name)));
        let differing = names.filter(|name| mine.get(*name) != others.get(*name));
        differing.map(|name| format!("[{name}]")).collect()
    }

    /// Reads settings from a table: a file's, or the canonical one of a manifest.
    ///
    /// # Errors
    /// [`SettingError`] for the first key that cannot be used.
    pub fn read(table: &Map<String, Value>) -> Result<Self, SettingError> {
        sections::read(table)
    }
}

#[cfg(test)]
mod tests;
