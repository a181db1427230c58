//! Files of LEAN: the day stands in the name, and minutes count milliseconds since its midnight.

use std::path::Path;

use chrono::NaiveDate;
use engine_core::time::Span;

use super::columns::{Role, in_places};
use super::rewrite::Rewrite;

/// How the rows of one file of LEAN are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LeanRows {
    clock: Clock,
    shape: Shape,
}

/// What the first column counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Clock {
    /// Milliseconds since this midnight, itself milliseconds since the epoch.
    Midnight(i64),
    /// A date and time as in `20180404 00:00`.
    Date,
}

/// What a row holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// Open, high, low, close and volume.
    Bar,
    /// Price and quantity.
    Trade,
    /// Bid, its size, ask, its size.
    Quote,
    /// Bars of bid and ask over this long: their last ones are the best quotes at the end of the bar.
    QuoteBar(Span),
}

/// Folders of LEAN whose prices are scaled or whose times are not UTC.
const FOREIGN: [&str; 8] =
    ["equity", "option", "future", "futureoption", "forex", "cfd", "index", "indexoption"];

impl LeanRows {
    /// How the rows of the table called `name`, in the file at `path`, which begins with `head`, are read; `None`
    /// when it is no file of LEAN.
    ///
    /// # Errors
    /// A sentence when it is one that cannot be read.
    pub(crate) fn of(path: &Path, name: &str, head: &[u8]) -> Result<Option<Self>, String> {
        let first = head.split(|byte| *byte == b'\n').next().unwrap_or_default().trim_ascii();
        let columns = first.split(|byte| *byte == b',').count();
        let stem = name.rsplit([':', '/']).next().unwrap_or(name);
        let found = match day_of(stem) {
            Some((day, resolution)) if starts_in_a_day(first) => {
                let shape = of_day(stem, resolution, columns)?;
                Some(Self { clock: Clock::Midnight(day), shape })
            }
            _ if is_date(first) => {
                let shape = if columns == 11 { Shape::QuoteBar(length(path)?) } else { Shape::Bar };
                Some(Self { clock: Clock::Date, shape })
            }
            _ => None,
        };
        let folder = folders(path).find(|folder| FOREIGN.contains(&folder.as_str()));
        match (&found, folder) {
            (Some(_), Some(folder)) => Err(format!(
                "it lies in a folder {folder} of LEAN: prices are scaled by 10 000 or times are local there; only crypto is read"
            )),
            _ => Ok(found),
        }
    }

    /// The columns of the rewritten rows.
    pub(crate) fn columns(self) -> &'static [Option<Role>] {
        match self.shape {
            Shape::Bar => &BAR_COLUMNS,
            Shape::Trade => &TRADE_COLUMNS,
            Shape::Quote | Shape::QuoteBar(_) => &QUOTE_COLUMNS,
        }
    }

    fn moment(&self, text: &str) -> Result<i64, String> {
        let millis = match self.clock {
            Clock::Midnight(day) => {
                let since = text.split('.').next().and_then(|whole| whole.parse::<i64>().ok());
                let since = since.filter(|since| (0..DAY_MILLIS).contains(since));
                day + since.ok_or_else(|| format!("time {text:?} is no millisecond of a day"))?
            }
            Clock::Date => {
                date_millis(text).ok_or_else(|| format!("time {text:?} is no date as in 20180404 00:00"))?
            }
        };
        let bar = match self.shape {
            Shape::QuoteBar(length) => length.nanos() / 1_000_000,
            Shape::Bar | Shape::Trade | Shape::Quote => 0,
        };
        Ok(millis + bar)
    }
}

const DAY_MILLIS: i64 = 86_400_000;

const BAR_COLUMNS: [Option<Role>; 6] =
    in_places([Role::Time, Role::Open, Role::High, Role::Low, Role::Close, Role::Volume]);

const TRADE_COLUMNS: [Option<Role>; 3] = in_places([Role::Time, Role::Price, Role::Qty]);

const QUOTE_COLUMNS: [Option<Role>; 5] =
    in_places([Role::Time, Role::Bid, Role::BidQty, Role::Ask, Role::AskQty]);

/// Day and resolution of `20180404_btcusdt_minute_trade.csv`: the day in milliseconds since the epoch.
fn day_of(name: &str) -> Option<(i64, &str)> {
    let mut parts = name.split('.').next()?.split('_');
    let day = parts.next().filter(|day| day.len() == 8)?;
    let _symbol = parts.next()?;
    let resolution = parts.next()?;
    Some((day_millis(day)?, resolution))
}

fn day_millis(text: &str) -> Option<i64> {
    let part = |from, to| text.get(from..to).filter(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
    let (year, month, day) =
        (part(0, 4)?.parse().ok()?, part(4, 6)?.parse().ok()?, part(6, 8)?.parse().ok()?);
    let day = NaiveDate::from_ymd_opt(year, month, day)?;
    Some(day.and_hms_opt(0, 0, 0)?.and_utc().timestamp_millis())
}

/// `20180404 00:00` in milliseconds since the epoch.
fn date_millis(text: &str) -> Option<i64> {
    let (day, clock) = text.split_once(' ').filter(|(day, _)| day.len() == 8)?;
    let (hour, minute) = clock.split_once(':')?;
    let (hour, minute): (i64, i64) = (hour.parse().ok()?, minute.parse().ok()?);
    ((0..24).contains(&hour) && (0..60).contains(&minute))
        .then_some(())
        .and(day_millis(day))
        .map(|day| day + (hour * 60 + minute) * 60_000)
}

fn is_date(first: &[u8]) -> bool {
    let field = first.split(|byte| *byte == b',').next().unwrap_or_default();
    field.len() == 14 && str::from_utf8(field).ok().and_then(date_millis).is_some()
}

/// Whether the first column is a number of milliseconds within a day.
fn starts_in_a_day(first: &[u8]) -> bool {
    let field = first.split(|byte| *byte == b',').next().unwrap_or_default();
    let whole = field.split(|byte| *byte == b'.').next().unwrap_or_default();
    str::from_utf8(whole)
        .ok()
        .and_then(|text| text.parse().ok())
        .is_some_and(|millis| (0..DAY_MILLIS).contains(&millis))
}

fn of_day(name: &str, resolution: &str, columns: usize) -> Result<Shape, String> {
    let quotes = name.contains("_quote");
    let length = match resolution {
        "minute" => Span::MINUTE,
        "second" => Span::SECOND,
        "tick" if quotes && columns >= 5 => return Ok(Shape::Quote),
        "tick" if !quotes && columns >= 3 => return Ok(Shape::Trade),
        _ => return Err(format!("its name has the resolution {resolution:?} of LEAN, which is not read")),
    };
    match (quotes, columns) {
        (true, 11) => Ok(Shape::QuoteBar(length)),
        (false, 6) => Ok(Shape::Bar),
        _ => Err(format!("{columns} columns are not those of a file of LEAN with this name")),
    }
}

/// The length of the bars in a folder called `hour` or `daily`.
fn length(path: &Path) -> Result<Span, String> {
    for folder in folders(path) {
        match folder.as_str() {
            "hour" => return Ok(Span::HOUR),
            "daily" => return Ok(Span::DAY),
            _ => {}
        }
    }
    Err("quotes of LEAN end with their bar; keep the file in its folder, hour or daily, to tell its length"
        .into())
}

fn folders(path: &Path) -> impl Iterator<Item = String> {
    let folders = path.parent().into_iter().flat_map(Path::components);
    folders.map(|folder| folder.as_os_str().to_string_lossy().to_ascii_lowercase())
}

impl Rewrite for LeanRows {
    fn rewrite(&mut self, line: &[u8], row: &mut Vec<u8>) -> Result<(), String> {
        let text = str::from_utf8(line).map_err(|_| "the row is no text".to_owned())?;
        let cells: Vec<&str> = text.split(',').collect();
        let cell = |index: usize| cells.get(index).copied().unwrap_or_default();
        let at = self.moment(cell(0))?;
        let rewritten = match (self.shape, cells.len()) {
            (Shape::Bar, 6) => {
                let rest = text.split_once(',').map_or("", |(_, rest)| rest);
                format!("{at},{rest}")
            }
            (Shape::Trade, 3..) => format!("{at},{},{}", cell(1), cell(2)),
            (Shape::Quote, 5..) => format!("{at},{},{},{},{}", cell(1), cell(2), cell(3), cell(4)),
            (Shape::QuoteBar(_), 11) => {
                format!("{at},{},{},{},{}", cell(4), cell(5), cell(9), cell(10))
            }
            (_, count) => return Err(format!("it has {count} columns; the file may be cut short")),
        };
        row.extend(rewritten.into_bytes());
        Ok(())
    }
}
