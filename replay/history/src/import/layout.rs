//! The layout of one file, found from its first rows.

use journal_store::record::RecordKind;
use journal_store::series::BarTime;

use super::columns::{Columns, Role, doubled};
use super::format::Format;
use super::layout_request::LayoutRequest;
use super::moment::TimeUnit;
use super::row::SideColumn;
use super::sample::Sample;
use super::shape::Shape;
use super::{header, headerless};

/// How to read one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) format: Format,
    pub(crate) kind: RecordKind,
    pub(crate) columns: Columns,
    pub(crate) width: usize,
    pub(crate) delimiter: u8,
    pub(crate) header: bool,
    pub(crate) time_unit: Option<TimeUnit>,
    pub(crate) bar_time: BarTime,
    /// Why the bar time is what it is, for the report.
    pub(crate) bar_time_because: &'static str,
    pub(crate) shape: Shape,
}

impl Layout {
    /// The column that tells who took liquidity, and how it tells it.
    pub(crate) fn side(&self) -> Option<(usize, SideColumn)> {
        let taker = self.columns.get(Role::Side).map(|column| (column, SideColumn::Taker));
        let maker = || self.columns.get(Role::BuyerMaker).map(|column| (column, SideColumn::BuyerMaker));
        taker.or_else(maker)
    }
}

/// Finds the layout of a file from its first rows.
///
/// # Errors
/// A sentence that says what the file lacks and what to do.
pub(crate) fn find(wanted: LayoutRequest<'_>, sample: &Sample) -> Result<Layout, String> {
    let width = sample.rows.first().map(Vec::len).ok_or("it holds no rows")?;
    if width < 2 {
        return Err("it is not a table: its first line has no comma, semicolon, tab or bar".into());
    }
    let headers = if wanted.rewritten.is_some() { &[] } else { sample.header() };
    let (mut columns, mut time_unit, mut format) = match wanted.rewritten {
        Some(roles) => (Columns::in_order(roles), None, Format::Csv),
        None if headers.is_empty() => headerless::known(wanted, sample)?,
        None => header::known(wanted, headers, sample)?,
    };
    if matches!(wanted.source, Some(Format::Feather | Format::Parquet)) && header::is_freqtrade(headers) {
        format = Format::Freqtrade;
    }
    format = wanted.source.filter(|source| !source.is_container()).unwrap_or(format);
    if let Some((role, first, second)) = doubled(headers).filter(|_| wanted.columns.is_empty()) {
        let name = role.name();
        let twice = if first == second { "stands there twice" } else { "both say so" };
        return Err(format!(
            "which column is the {name}? {first} and {second}: {twice}; say it with --columns {name}=COLUMN"
        ));
    }
    time_unit = wanted.columns.lay_over(&mut columns, headers, width)?.or(time_unit);
    if !wanted.columns.is_empty() {
        format = Format::Csv;
    }
    let ends = columns.get(Role::Time).is_none() && columns.get(Role::CloseTime).is_some();
    if ends {
        columns.set(Role::Time, columns.get(Role::CloseTime));
        columns.set(Role::CloseTime, None);
    }
    let kind = kind(wanted.kind, &columns, headers)?;
    let format = agreed(wanted.format, format, kind)?;
    if format == Format::Tardis && time_unit.is_none() {
        time_unit = Some(TimeUnit::Micros);
    }
    let opens = columns
        .get(Role::Time)
        .and_then(|column| headers.get(column))
        .is_some_and(|name| name.to_ascii_lowercase().starts_with("open"));
    let (bar_time, bar_time_because) = bar_time(wanted.bar_time, format, [opens, ends]);
    let header = !headers.is_empty();
    let delimiter = sample.delimiter;
    let shape = Shape::default();
    Ok(Layout {
        format,
        kind,
        columns,
        width,
        delimiter,
        header,
        time_unit,
        bar_time,
        bar_time_because,
        shape,
    })
}

fn bar_time(wanted: Option<BarTime>, format: Format, [opens, ends]: [bool; 2]) -> (BarTime, &'static str) {
    match (wanted, format) {
        (Some(stated), _) => (stated, "stated by the operator"),
        (None, Format::Bitmex) => (BarTime::Close, "BitMEX names the end of each bucket"),
        (None, _) if ends => (BarTime::Close, "the column is called a close time"),
        (None, _) if opens => (BarTime::Open, "the column is called an open time"),
        (None, Format::Nautilus) => (BarTime::Close, "nautilus_trader stamps a bar at its end"),
        (
            None,
            Format::Binance
            | Format::Bitfinex
            | Format::Kraken
            | Format::CryptoDataDownload
            | Format::Bybit
            | Format::Okx
            | Format::Coinbase
            | Format::Bitstamp
            | Format::Gemini
            | Format::Freqtrade
            | Format::Lean
            | Format::Hftbacktest,
        ) => (BarTime::Open, "the venue names the start of each bar"),
        (
            None,
            Format::Auto
            | Format::Csv
            | Format::Tardis
            | Format::BacktestingPy
            | Format::Json
            | Format::Parquet
            | Format::Feather,
        ) => (BarTime::Open, "assumed; state it if the source names the end of each bar"),
    }
}

/// The format both the operator and the file agree on.
fn agreed(wanted: Format, found: Format, kind: RecordKind) -> Result<Format, String> {
    let bars_only = matches!(wanted, Format::Bitfinex | Format::Bitmex | Format::BacktestingPy);
    if bars_only && kind != RecordKind::Bars {
        return Err(format!("format {wanted} has bars only, but the columns make {}", kind.word()));
    }
    if matches!(wanted, Format::Bitmex | Format::BacktestingPy) {
        return Ok(wanted);
    }
    if wanted.is_container() {
        return Ok(found);
    }
    if found == wanted || found == Format::Csv {
        return Ok(wanted);
    }
    Err(format!("it looks like {found}, not {wanted}; use --format {found} or auto"))
}

const BAR_ROLES: [Role; 5] = [Role::Time, Role::Open, Role::High, Role::Low, Role::Close];
const TRADE_ROLES: [Role; 3] = [Role::Time, Role::Price, Role::Qty];
const QUOTE_ROLES: [Role; 3] = [Role::Time, Role::Bid, Role::Ask];

fn kind(wanted: Option<RecordKind>, columns: &Columns, headers: &[String]) -> Result<RecordKind, String> {
    let kinds = [
        (RecordKind::Bars, BAR_ROLES.as_slice()),
        (RecordKind::Trades, TRADE_ROLES.as_slice()),
        (RecordKind::Quotes, QUOTE_ROLES.as_slice()),
    ];
    let mut fewest: Option<(usize, String)> = None;
    for (kind, roles) in kinds {
        if wanted.is_some_and(|wanted| wanted != kind) {
            continue;
        }
        let missing = columns.missing(roles);
        if missing.is_empty() {
            return Ok(kind);
        }
        let reason = format!("{} need a column for {}", kind.word(), missing.join(", "));
        if fewest.as_ref().is_none_or(|(count, _)| missing.len() < *count) {
            fewest = Some((missing.len(), reason));
        }
    }
    let reason = fewest.map(|(_, reason)| reason).unwrap_or_default();
    let found = if headers.is_empty() {
        "it has no header".into()
    } else {
        format!("the header has {}", shown(headers))
    };
    Err(format!("{reason}; {found}; name columns with --columns NAME=COLUMN"))
}

fn shown(headers: &[String]) -> String {
    let text: String = headers.join(", ");
    let short: String = text.chars().take(160).collect();
    if short.len() < text.len() { format!("{short}…") } else { short }
}
