//! Rows out of delimited text.

use std::io::Read;

use journal_store::record::{BarRecord, LAG_UNKNOWN, QuoteRecord, RecordKind, TradeRecord, lag_us};
use journal_store::series::Fidelity;

use super::backward::BackwardLines;
use super::columns::{Role, named};
use super::decimals::Demands;
use super::error::ImportError;
use super::format::Format;
use super::layout::Layout;
use super::lines::{Fields, Line, LineError, LineReader};
use super::moment::{MomentParser, TimeReading, shown};
use super::numbers::NumberParser;
use super::preamble::is_comment;
use super::row::{Row, SideColumn, identity};
use super::shape::{Direction, Shape};

/// A stream of rows in bounded memory, whatever the file behind it.
pub trait RowSource {
    /// The next row, or `None` at the end.
    ///
    /// # Errors
    /// [`ImportError`] naming the row that cannot be read.
    fn next_row(&mut self) -> Result<Option<Row>, ImportError>;

    /// Number of the row handed out last, as an editor counts lines.
    fn row_number(&self) -> u64;

    /// What was lost of the numbers so far.
    fn fidelity(&self) -> Fidelity;

    /// Whether the row that was refused last would fit a series with other decimals.
    fn misfit(&self) -> bool;

    /// How the time of the row handed out last was read.
    fn time_reading(&self) -> Option<TimeReading>;

    /// How many rows were passed over because one side of the quote was empty.
    fn one_sided(&self) -> u64;
}

/// Places of the columns, resolved once.
#[derive(Debug, Clone, Copy)]
struct Places {
    time: usize,
    close_time: Option<usize>,
    local_time: Option<usize>,
    symbol: Option<usize>,
    prices: [usize; 4],
    volume: Option<usize>,
    trades: Option<usize>,
    qty: [Option<usize>; 2],
    side: Option<(usize, SideColumn)>,
    id: Option<usize>,
}

impl Places {
    fn of(layout: &Layout) -> Self {
        // The layout was checked to have every column its kind needs; a missing one reads as empty.
        let place = |role| layout.columns.get(role).unwrap_or(usize::MAX);
        let (prices, qty) = match layout.kind {
            RecordKind::Bars => ([Role::Open, Role::High, Role::Low, Role::Close].map(place), [None, None]),
            RecordKind::Trades => ([Role::Price; 4].map(place), [layout.columns.get(Role::Qty), None]),
            RecordKind::Quotes => (
                [Role::Bid, Role::Ask, Role::Bid, Role::Ask].map(place),
                [Role::BidQty, Role::AskQty].map(|role| layout.columns.get(role)),
            ),
        };
        Self {
            time: place(Role::Time),
            close_time: layout.columns.get(Role::CloseTime),
            local_time: layout.columns.get(Role::LocalTime),
            symbol: layout.columns.get(Role::Symbol),
            prices,
            volume: layout.columns.get(Role::Volume),
            trades: layout.columns.get(Role::Trades),
            qty,
            side: layout.side(),
            id: layout.columns.get(Role::Id),
        }
    }
}

/// The lines of a text, in the order in which time runs forward.
enum Lines<R> {
    Forward(LineReader<R>),
    /// Not turned round before the first line is asked for.
    Unturned(LineReader<R>),
    Backward(BackwardLines),
}

impl<R: Read> Lines<R> {
    fn number(&self) -> u64 {
        match self {
            Self::Forward(lines) | Self::Unturned(lines) => lines.number(),
            Self::Backward(lines) => lines.number(),
        }
    }

    fn next_line(&mut self) -> Result<Option<Line<'_>>, LineError> {
        if let Self::Unturned(lines) = self {
            *self = Self::Backward(BackwardLines::of(lines)?);
        }
        match self {
            Self::Forward(lines) | Self::Unturned(lines) => lines.next_line(),
            Self::Backward(lines) => lines.next_line(),
        }
    }
}

/// Reads the rows of one table.
pub(crate) struct TableRows<R> {
    name: String,
    lines: Lines<R>,
    fields: Fields,
    cells: Cells,
    rows_after: u64,
    header: Option<Vec<u8>>,
}

impl<R: Read> TableRows<R> {
    /// Reads `source`, called `name` in messages, by `layout`.
    pub(crate) fn new(name: &str, source: R, layout: &Layout, numbers: NumberParser) -> Self {
        let cells = Cells {
            format: layout.format,
            kind: layout.kind,
            width: layout.width,
            delimiter: layout.delimiter,
            places: Places::of(layout),
            numbers,
            time: MomentParser::new(layout.time_unit).ruled(layout.shape.moments),
            local: MomentParser::new(layout.time_unit).ruled(layout.shape.moments),
            symbol: Vec::new(),
            one_sided: 0,
            far_times: 0,
        };
        let lines = LineReader::new(source);
        let lines = match layout.shape.direction {
            Direction::Forward | Direction::Both => Lines::Forward(lines),
            Direction::Backward => Lines::Unturned(lines),
        };
        let Shape { rows_after, header, .. } = layout.shape.clone();
        Self { name: name.to_owned(), lines, fields: Fields::default(), cells, rows_after, header }
    }

    /// How many volumes were empty and counted as zero.
    pub(crate) const fn empty_volumes(&self) -> u64 {
        self.cells.numbers.empty_volumes()
    }

    /// How many rows were received so far from their venue time that the lag says nothing.
    pub(crate) const fn far_times(&self) -> u64 {
        self.cells.far_times
    }

    /// What the numbers read so far need, where they are surveyed.
    pub(crate) fn demands(&self) -> Demands {
        self.cells.numbers.demands(&self.name)
    }
}

impl<R: Read> RowSource for TableRows<R> {
    fn next_row(&mut self) -> Result<Option<Row>, ImportError> {
        loop {
            let line = match self.lines.next_line() {
                Ok(line) => line,
                Err(error) => return Err(line_error(&self.name, self.lines.number(), &error)),
            };
            let Some(Line { number, text }) = line else { return Ok(None) };
            // Rows begin with a digit nearly always: what does not may be a header met again or a comment.
            let odd = !text.first().is_some_and(u8::is_ascii_digit);
            if number <= self.rows_after || odd && (is_comment(text) || self.header.as_deref() == Some(text))
            {
                continue;
            }
            self.fields.split(text, self.cells.delimiter);
            self.cells.numbers.at_row(number);
            match self.cells.row(text, &self.fields) {
                Ok(Some(row)) => return Ok(Some(row)),
                Ok(None) => {}
                Err(_) if odd && names_columns(text, &self.fields) => {
                    return Err(ImportError::row(&self.name, number, ANOTHER_HEADER));
                }
                Err(reason) => return Err(ImportError::row(&self.name, number, reason)),
            }
        }
    }

    fn row_number(&self) -> u64 {
        self.lines.number()
    }

    fn fidelity(&self) -> Fidelity {
        self.cells.numbers.fidelity()
    }

    fn misfit(&self) -> bool {
        self.cells.numbers.misfit()
    }

    fn time_reading(&self) -> Option<TimeReading> {
        self.cells.time.reading()
    }

    fn one_sided(&self) -> u64 {
        self.cells.one_sided
    }
}

const ANOTHER_HEADER: &str = "this is another header than the first: the file was joined from files with other \
    columns; split it here";

/// Whether a line holds names of columns instead of data.
fn names_columns(line: &[u8], fields: &Fields) -> bool {
    let named = |index: usize| str::from_utf8(fields.get(line, index)).ok().and_then(named);
    (0..fields.len()).filter(|index| named(*index).is_some()).count() >= 3
}

/// Why no line can be had, as an error about the file called `name`.
pub(crate) fn line_error(name: &str, row: u64, error: &LineError) -> ImportError {
    match error {
        LineError::TooLong => {
            ImportError::row(name, row, "the line is longer than 64 KiB; this is no table of market data")
        }
        LineError::Binary => ImportError::row(
            name,
            row,
            "the line holds zero bytes; this is a binary or UTF-16 file, not CSV text",
        ),
        LineError::Spool(source) => ImportError::file(
            name,
            format!(
                "its newest row comes first, and there is no room to turn it round ({source}); free space in the folder \
                 for temporary files, or name another in TMPDIR"
            ),
        ),
        LineError::Io(source) => ImportError::file(
            name,
            format!(
                "cannot be read on after row {row} ({source}); if it was cut short or damaged, fetch it again"
            ),
        ),
    }
}

/// Turns the fields of a line into a row.
struct Cells {
    format: Format,
    kind: RecordKind,
    width: usize,
    delimiter: u8,
    places: Places,
    numbers: NumberParser,
    time: MomentParser,
    local: MomentParser,
    symbol: Vec<u8>,
    one_sided: u64,
    far_times: u64,
}

impl Cells {
    fn row(&mut self, line: &[u8], fields: &Fields) -> Result<Option<Row>, String> {
        let ended = fields.len() == self.width + 1 && line.last() == Some(&self.delimiter);
        if fields.len() != self.width && !ended {
            let (found, width) = (fields.len(), self.width);
            if line.iter().filter(|byte| **byte == b'"').count() % 2 == 1 {
                return Err("a quotation mark has no partner; repair the row".into());
            }
            return Err(format!(
                "it has {found} columns where the first row has {width}; the file may be cut short"
            ));
        }
        self.check_symbol(line, fields)?;
        let at = self.time.parse(fields.get(line, self.places.time))?.nanos();
        match self.kind {
            RecordKind::Trades => self.trade(line, fields, at).map(Some),
            RecordKind::Quotes => self.quote(line, fields, at),
            RecordKind::Bars if self.is_untraded(line, fields) => Ok(None),
            RecordKind::Bars => self.bar(line, fields, at).map(Some),
        }
    }

    /// Whether Bitstamp's row is of a span without trades: the bar is missing, and is told as such.
    fn is_untraded(&self, line: &[u8], fields: &Fields) -> bool {
        let nothing = |place: &usize| fields.get(line, *place).eq_ignore_ascii_case(b"nan");
        self.format == Format::Bitstamp && self.places.prices.iter().all(nothing)
    }

    fn check_symbol(&mut self, line: &[u8], fields: &Fields) -> Result<(), String> {
        let Some(place) = self.places.symbol else { return Ok(()) };
        let symbol = fields.get(line, place);
        if self.symbol == symbol {
            return Ok(());
        }
        if self.symbol.is_empty() {
            self.symbol = symbol.to_vec();
            return Ok(());
        }
        let (found, first) = (shown(symbol), shown(&self.symbol));
        Err(format!("it is about {found} but the rows above are about {first}; split the file by instrument"))
    }

    fn lag_us(&mut self, line: &[u8], fields: &Fields, at: i64) -> Result<u32, String> {
        let Some(place) = self.places.local_time else { return Ok(LAG_UNKNOWN) };
        let received = fields.get(line, place);
        if received.is_empty() {
            return Ok(LAG_UNKNOWN);
        }
        let received = self.local.parse(received)?.nanos();
        let lag_us = lag_us(at, received);
        if lag_us == LAG_UNKNOWN {
            self.far_times += 1;
        } else if received < at {
            self.numbers.note_early();
        }
        Ok(lag_us)
    }

    fn trade(&mut self, line: &[u8], fields: &Fields, at: i64) -> Result<Row, String> {
        let [price, ..] = self.places.prices;
        let [qty, _] = self.places.qty;
        let price = self.numbers.price(fields.get(line, price), "price")?;
        let qty = self.numbers.qty(fields.get(line, qty.unwrap_or(usize::MAX)), "quantity")?;
        let side = match self.places.side {
            Some((place, column)) => column.read(fields.get(line, place))?,
            None => 0,
        };
        let id = self.places.id.and_then(|place| identity(fields.get(line, place)));
        let lag_us = self.lag_us(line, fields, at)?;
        let record = TradeRecord { venue_at: at, price, qty, lag_us, side };
        Ok(Row::Trade { record, id })
    }

    fn quote(&mut self, line: &[u8], fields: &Fields, at: i64) -> Result<Option<Row>, String> {
        let [bid, ask, ..] = self.places.prices;
        let (bid, ask) = (fields.get(line, bid), fields.get(line, ask));
        if bid.is_empty() || ask.is_empty() {
            self.one_sided += 1;
            return Ok(None);
        }
        let bid = self.numbers.price(bid, "bid")?;
        let ask = self.numbers.price(ask, "ask")?;
        let [bid_qty, ask_qty] = self.places.qty;
        let bid_qty = self.optional_qty(line, fields, bid_qty, "bid quantity")?;
        let ask_qty = self.optional_qty(line, fields, ask_qty, "ask quantity")?;
        let lag_us = self.lag_us(line, fields, at)?;
        let quote = QuoteRecord { venue_at: at, bid, bid_qty, ask, ask_qty, lag_us };
        Ok(Some(Row::Quote(quote)))
    }

    fn bar(&mut self, line: &[u8], fields: &Fields, at: i64) -> Result<Row, String> {
        let [open, high, low, close] = self.places.prices;
        let open = self.numbers.price(fields.get(line, open), "open")?;
        let high = self.numbers.price(fields.get(line, high), "high")?;
        let low = self.numbers.price(fields.get(line, low), "low")?;
        let close = self.numbers.price(fields.get(line, close), "close")?;
        let volume = match self.places.volume {
            Some(place) => self.numbers.volume(fields.get(line, place), close)?,
            None => 0,
        };
        let trades = match self.places.trades {
            Some(place) => count(fields.get(line, place))?,
            None => 0,
        };
        let ends_at = match self.places.close_time {
            Some(place) => self.end(fields.get(line, place))?,
            None => None,
        };
        let record = BarRecord { open_at: at, open, high, low, close, volume, trades, own_length_ns: 0 };
        Ok(Row::Bar { record, ends_at })
    }

    /// The last moment inside the bar; a row may leave it out.
    fn end(&mut self, text: &[u8]) -> Result<Option<i64>, String> {
        if text.is_empty() { Ok(None) } else { Ok(Some(self.local.parse(text)?.nanos())) }
    }

    fn optional_qty(
        &mut self,
        line: &[u8],
        fields: &Fields,
        place: Option<usize>,
        name: &str,
    ) -> Result<i64, String> {
        match place {
            Some(place) => self.numbers.qty(fields.get(line, place), name),
            None => Ok(0),
        }
    }
}

fn count(text: &[u8]) -> Result<u32, String> {
    let number = engine_core::num::parse_decimal(text, 0).ok().filter(|parsed| !parsed.rounded);
    let number = number.and_then(|parsed| u32::try_from(parsed.units).ok());
    number.ok_or_else(|| format!("number of trades {} is not a whole number", shown(text)))
}
