//! A first look into each file: its layout, its first time and the rhythm of its bars.

use std::io::Read;

use super::cadence::Rhythm;
use super::columns::Role;
use super::container::{Meter, Part};
use super::decimals::Demands;
use super::error::ImportError;
use super::layout::{self, Layout};
use super::layout_request::LayoutRequest;
use super::lines::LineReader;
use super::moment::MomentRules;
use super::numbers::{NumberParser, Volumes};
use super::preamble::{Opening, opening, whole};
use super::row::Row;
use super::sample::Sample;
use super::shape::{Direction, Shape};
use super::table::{RowSource, TableRows, line_error};
use super::time_order::Unordered;

/// Lines that are looked at to find the layout.
const SAMPLE_LINES: usize = 200;

/// Rows that are looked at to find the rhythm of bars and the decimals of numbers.
const PEEKED_ROWS: usize = 1_000;

/// Rows among which two moments are sought, to see which way time runs.
const SOUGHT_ROWS: usize = 100_000;

/// What a first look into a file found.
#[derive(Debug)]
pub(crate) struct Peek {
    pub(crate) layout: Layout,
    pub(crate) first_at: i64,
    pub(crate) rhythm: Rhythm,
    /// What the first numbers need.
    pub(crate) demands: Demands,
}

/// Looks at the first rows of `part`; `None` for a table with a header and nothing else.
///
/// # Errors
/// When the layout is not known or the first rows cannot be read.
pub(crate) fn peek(
    part: &Part,
    wanted: LayoutRequest<'_>,
    moments: MomentRules,
    volumes: Volumes,
    unordered: Option<&Unordered>,
) -> Result<Option<Peek>, ImportError> {
    let meter = Meter::default();
    let wanted = LayoutRequest { source: part.format(), rewritten: part.origin.columns(), ..wanted };
    let mut layout = part.read(&meter, |source| {
        let sampled = sample(&part.name, source)?;
        // Rows that we rewrote have nothing in front of them.
        let opened = if wanted.rewritten.is_some() { whole(sampled) } else { opening(sampled) };
        let Opening { preamble, first, first_line, lines } = opened;
        let found = layout::find(wanted, &Sample::new(&lines));
        let mut layout = found.map_err(|reason| ImportError::file(&part.name, reason))?;
        let header = layout.header.then_some(first_line);
        let rows_after = if layout.header { first } else { preamble };
        layout.shape = Shape { rows_after, header, moments, ..Shape::default() };
        Ok(layout)
    })?;
    let numbers = NumberParser::surveying(volumes);
    let (seen, demands) = part.read(&meter, |source| {
        let mut rows = TableRows::new(&part.name, source, &layout, numbers.clone());
        let mut seen = first_rows(&mut rows)?;
        // Rows with two times may stand in the order of the other one.
        let two_times = layout.columns.get(Role::LocalTime).is_some();
        let turns = !two_times && seen.backward > 0 && seen.forward > 0;
        match unordered {
            Some(unordered) => seen.both_ways = turns || unordered.contains(&part.name),
            None => {
                if let Some(row) = seen.turned.filter(|_| turns && seen.backward > seen.forward) {
                    return Err(ImportError::row(&part.name, row, TURNED));
                }
            }
        }
        Ok((seen, rows.demands()))
    })?;
    let (rhythm, mut first_at) = (seen.rhythm(), seen.first_at());
    layout.shape.direction = seen.direction();
    if layout.shape.direction == Direction::Both {
        first_at = part.read(&meter, |source| {
            let mut rows = TableRows::new(&part.name, source, &layout, numbers);
            let mut first_at = None;
            while let Some(row) = rows.next_row()? {
                first_at = Some(first_at.map_or(row.at(), |first_at: i64| first_at.min(row.at())));
            }
            Ok(first_at)
        })?;
    } else if layout.shape.direction == Direction::Backward {
        let oldest =
            part.read(&meter, |source| TableRows::new(&part.name, source, &layout, numbers).next_row())?;
        first_at = oldest.map(|row| row.at());
    }
    Ok(first_at.map(|first_at| Peek { layout, first_at, rhythm, demands }))
}

fn sample(name: &str, source: impl Read) -> Result<Vec<(u64, Vec<u8>)>, ImportError> {
    let mut reader = LineReader::new(source);
    let mut lines: Vec<(u64, Vec<u8>)> = Vec::new();
    while lines.len() < SAMPLE_LINES {
        let line = match reader.next_line() {
            Ok(line) => line.map(|line| (line.number, line.text.to_vec())),
            // A file that breaks after its first lines is told so with the right row when it is read.
            Err(_) if !lines.is_empty() => break,
            Err(error) => return Err(line_error(name, reader.number(), &error)),
        };
        let Some(line) = line else { break };
        lines.push(line);
    }
    Ok(lines)
}

/// The times of the first rows, and how they run.
#[derive(Debug, Default)]
struct Seen {
    times: Vec<(i64, Option<i64>)>,
    forward: u64,
    backward: u64,
    /// The first row at which time goes forward after it went back.
    turned: Option<u64>,
    /// Whether rows are to be put in order.
    both_ways: bool,
}

const TURNED: &str = "time goes forward here but back in the rows above, newest first; sort the file by time";

impl Seen {
    fn direction(&self) -> Direction {
        if self.both_ways {
            return Direction::Both;
        }
        if self.backward > 0 && self.forward == 0 { Direction::Backward } else { Direction::Forward }
    }

    fn first_at(&self) -> Option<i64> {
        self.times.first().map(|(at, _)| *at)
    }

    fn rhythm(&self) -> Rhythm {
        let mut times = self.times.clone();
        match self.direction() {
            Direction::Forward => {}
            Direction::Backward => times.reverse(),
            Direction::Both => times.sort_unstable(),
        }
        let mut rhythm = Rhythm::default();
        times.into_iter().for_each(|(at, ends_at)| rhythm.add(at, ends_at));
        rhythm
    }
}

/// Looks at the first rows, and at as many more as one moment has.
fn first_rows(rows: &mut dyn RowSource) -> Result<Seen, ImportError> {
    let mut seen = Seen::default();
    let mut last = None;
    for count in 0..SOUGHT_ROWS {
        if count >= PEEKED_ROWS && seen.forward + seen.backward > 0 {
            break;
        }
        let Some(row) = rows.next_row()? else { break };
        let at = row.at();
        if let Some(step) = last.replace(at).and_then(|last| at.checked_sub(last)) {
            seen.forward += u64::from(step > 0);
            seen.backward += u64::from(step < 0);
            if step > 0 && seen.backward > 0 && seen.turned.is_none() {
                seen.turned = Some(rows.row_number());
            }
        }
        if count < PEEKED_ROWS {
            let ends_at = if let Row::Bar { ends_at, .. } = row { ends_at } else { None };
            seen.times.push((at, ends_at));
        }
    }
    Ok(seen)
}
