//! Whether a venue takes orders for an instrument.

/// Whether orders can be placed.
#[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[serde(rename_all = "snake_case")]
pub enum TradingStatus {
    /// As usual.
    #[default]
    Trading,
    /// Orders can be cancelled but not placed.
    CancelOnly,
    /// Only some orders can be placed, such as those that wait in the book.
    Restricted,
    /// Nothing can be placed for now.
    Halted,
    /// Not traded any more.
    Delisted,
    /// A word this program does not know, or no word at all: nothing should be traded on it.
    Unknown,
}

impl TradingStatus {
    /// Its word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Trading => "trading",
            Self::CancelOnly => "cancel_only",
            Self::Restricted => "restricted",
            Self::Halted => "halted",
            Self::Delisted => "delisted",
            Self::Unknown => "unknown",
        }
    }
}
