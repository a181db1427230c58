//! How the rows of a text stand in it, found out before they are read.

use super::moment::MomentRules;

/// Which way time runs through a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Direction {
    /// The oldest row comes first.
    #[default]
    Forward,
    /// The newest row comes first.
    Backward,
    /// Neither: rows are put in order before they are taken.
    Both,
}

/// What is known about the rows of a text besides their columns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Number of the last line in front of the first row.
    pub(crate) rows_after: u64,
    /// The header, which files that were joined repeat.
    pub(crate) header: Option<Vec<u8>>,
    pub(crate) direction: Direction,
    pub(crate) moments: MomentRules,
}
