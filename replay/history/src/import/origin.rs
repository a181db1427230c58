//! What the bytes of a file are before they become rows of a table, and how they become one.
//!
//! Every source that is no delimited text is rewritten as one, as a stream, so that all checks of rows also hold
//! for it. Rows keep the number they have in their file.

use std::io::{self, Read};
use std::path::Path;

use journal_store::record::RecordKind;

use super::columns::Role;
use super::event_array::EventArray;
use super::format::Format;
use super::frames::Frames;
use super::json_rows::JsonRows;
use super::lean::LeanRows;
use super::metatrader::MetaTraderRows;
use super::rewrite::Rewritten;

/// Bytes of a file that are looked at to tell what it is.
pub(crate) const HEAD_BYTES: usize = 512;

/// What the unpacked bytes of a file are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Delimited text.
    Table,
    /// An array of rows in JSON.
    Json,
    /// Raw websocket frames with the moment they came, one a line; the rows of one kind are wanted.
    Frames(RecordKind),
    /// An array of events in the file format of NumPy; the rows of one kind are wanted.
    Events(RecordKind),
    /// Rows of LEAN.
    Lean(LeanRows),
    /// Bars as MetaTrader reads them, from Bybit.
    MetaTrader,
    /// Parquet.
    Parquet,
    /// Parquet with the fixed-point columns of nautilus_trader.
    Nautilus,
    /// Arrow, which is feather of version 2.
    Arrow,
}

impl Origin {
    /// What the file at `path`, whose table is called `name` and begins with `head`, is.
    ///
    /// # Errors
    /// A sentence when it is known but cannot be read, or more has to be said.
    pub(crate) fn of(
        path: &Path,
        name: &str,
        head: &[u8],
        wanted: Option<RecordKind>,
    ) -> Result<Self, String> {
        if head.starts_with(b"\x93NUMPY") {
            return one_kind(wanted).map(Self::Events);
        }
        if Frames::begin(head) {
            return one_kind(wanted).map(Self::Frames);
        }
        if MetaTraderRows::begin(head) {
            return Ok(Self::MetaTrader);
        }
        if matches!(head.trim_ascii_start().first(), Some(b'[' | b'{')) {
            return Ok(Self::Json);
        }
        Ok(LeanRows::of(path, name, head)?.map_or(Self::Table, Self::Lean))
    }

    /// Whose layout that is, where the bytes alone tell it.
    pub(crate) const fn format(self) -> Option<Format> {
        match self {
            Self::Table => None,
            Self::Json => Some(Format::Json),
            Self::Frames(_) | Self::Events(_) => Some(Format::Hftbacktest),
            Self::Lean(_) => Some(Format::Lean),
            Self::MetaTrader => Some(Format::Bybit),
            Self::Parquet => Some(Format::Parquet),
            Self::Nautilus => Some(Format::Nautilus),
            Self::Arrow => Some(Format::Feather),
        }
    }

    /// The columns of the rewritten rows; `None` where the rows tell them.
    pub(crate) fn columns(self) -> Option<&'static [Option<Role>]> {
        match self {
            Self::Frames(kind) | Self::Events(kind) => Some(match kind {
                RecordKind::Quotes => &QUOTE_COLUMNS,
                RecordKind::Trades | RecordKind::Bars => &TRADE_COLUMNS,
            }),
            Self::Lean(rows) => Some(rows.columns()),
            Self::MetaTrader => Some(&MetaTraderRows::COLUMNS),
            Self::Table | Self::Json | Self::Parquet | Self::Nautilus | Self::Arrow => None,
        }
    }

    /// The rows of `source` as text.
    ///
    /// # Errors
    /// A sentence when it is not what it seemed to be.
    pub(crate) fn text<'part>(self, source: Box<dyn Read + 'part>) -> Result<Box<dyn Read + 'part>, String> {
        Ok(match self {
            Self::Table | Self::Parquet | Self::Nautilus | Self::Arrow => source,
            Self::Json => Box::new(JsonRows::new(source)),
            Self::Frames(kind) => Box::new(Rewritten::new(source, Frames::new(kind))),
            Self::Events(kind) => Box::new(EventArray::open(source, kind)?),
            Self::Lean(rows) => Box::new(Rewritten::new(source, rows)),
            Self::MetaTrader => Box::new(Rewritten::new(source, MetaTraderRows)),
        })
    }
}

/// The columns of rewritten trades.
pub(crate) const TRADE_COLUMNS: [Option<Role>; 7] = [
    Some(Role::Time),
    Some(Role::LocalTime),
    Some(Role::Symbol),
    Some(Role::Id),
    Some(Role::Price),
    Some(Role::Qty),
    Some(Role::Side),
];

/// The columns of rewritten quotes.
pub(crate) const QUOTE_COLUMNS: [Option<Role>; 7] = [
    Some(Role::Time),
    Some(Role::LocalTime),
    Some(Role::Symbol),
    Some(Role::Bid),
    Some(Role::BidQty),
    Some(Role::Ask),
    Some(Role::AskQty),
];

fn one_kind(wanted: Option<RecordKind>) -> Result<RecordKind, String> {
    match wanted {
        Some(kind @ (RecordKind::Trades | RecordKind::Quotes)) => Ok(kind),
        Some(RecordKind::Bars) => {
            Err("it holds trades and best quotes, no bars; add --kind trades or --kind quotes".into())
        }
        None => Err("it holds trades and best quotes; add --kind trades or --kind quotes".into()),
    }
}

/// The first bytes of `source`, at most [`HEAD_BYTES`].
///
/// # Errors
/// Those of the source.
pub(crate) fn head(source: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    source.take(HEAD_BYTES as u64).read_to_end(&mut head)?;
    Ok(head)
}
