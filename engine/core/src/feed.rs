//! How the feeds of instruments stand.

use crate::instrument::InstrumentId;

/// The state of one instrument's feed.
#[derive(serde::Serialize, serde::Deserialize, Clone, Debug, PartialEq, Eq, Hash)]
pub struct FeedStatus {
    /// Whose feed.
    pub instrument: InstrumentId,
    /// How it stands.
    pub condition: FeedCondition,
}

/// How a feed stands. Loss is an event, never silence.
#[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[serde(rename_all = "snake_case")]
pub enum FeedCondition {
    /// Data flows.
    Connected,
    /// Data is missing between two messages.
    Gap,
    /// No data flows.
    Lost,
    /// Data flows again, and everything that was missed has been told since.
    Restored,
}

impl FeedCondition {
    /// Whether data flows, so that prices are those of now.
    #[must_use]
    pub const fn is_flowing(self) -> bool {
        match self {
            Self::Connected | Self::Restored => true,
            Self::Gap | Self::Lost => false,
        }
    }
}
