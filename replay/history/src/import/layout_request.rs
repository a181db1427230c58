//! What is known about a file before its rows are read.

use journal_store::record::RecordKind;
use journal_store::series::BarTime;

use super::columns::{ColumnMap, Role};
use super::format::Format;

/// What the operator said about the files, before any was opened.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LayoutRequest<'request> {
    pub(crate) format: Format,
    pub(crate) kind: Option<RecordKind>,
    pub(crate) columns: &'request ColumnMap,
    pub(crate) bar_time: Option<BarTime>,
    /// The venue's symbol.
    pub(crate) symbol: &'request str,
    /// Whose layout the bytes of the file are of, where they alone tell it.
    pub(crate) source: Option<Format>,
    /// The columns of rows that were rewritten.
    pub(crate) rewritten: Option<&'static [Option<Role>]>,
}
