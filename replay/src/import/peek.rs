//! A first look into each file: its layout, its first time and the rhythm of its bars.

use std::io::Read;

use super::cadence::Rhythm;
use super::container::{Meter, Part};
use super::decimals::Demands;
use super::error::ImportError;
use super::layout::{self, Layout, Sample, Wanted};
use super::lines::LineReader;
use super::numbers::NumberParser;
use super::row::{Row, VolumeUnit};
use super::table::{RowSource, TableRows, line_error};

/// Lines that are looked at to find the layout.
const SAMPLE_LINES: usize = 200;

/// Rows that are looked at to find the rhythm of bars and the decimals of numbers.
const PEEKED_ROWS: usize = 1_000;

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
    wanted: Wanted<'_>,
    volume_unit: VolumeUnit,
) -> Result<Option<Peek>, ImportError> {
    let meter = Meter::default();
    let layout = part.read(&meter, |source| {
        let lines = sample(&part.name, source)?;
        layout::find(wanted, &Sample::new(&lines)).map_err(|reason| ImportError::file(&part.name, reason))
    })?;
    let numbers = NumberParser::surveying(volume_unit);
    let (first_at, rhythm, demands) = part.read(&meter, |source| {
        let mut rows = TableRows::new(&part.name, source, &layout, numbers);
        let (first_at, rhythm) = first_rows(&mut rows)?;
        Ok((first_at, rhythm, rows.demands()))
    })?;
    Ok(first_at.map(|first_at| Peek { layout, first_at, rhythm, demands }))
}

fn sample(name: &str, source: impl Read) -> Result<Vec<Vec<u8>>, ImportError> {
    let mut reader = LineReader::new(source);
    let mut lines: Vec<Vec<u8>> = Vec::new();
    while lines.len() < SAMPLE_LINES {
        let line = match reader.next_line() {
            Ok(line) => line.map(|line| line.text.to_vec()),
            // A file that breaks after its first lines is told so with the right row when it is read.
            Err(_) if !lines.is_empty() => break,
            Err(error) => return Err(line_error(name, reader.number(), &error)),
        };
        let Some(line) = line else { break };
        lines.push(line);
    }
    Ok(lines)
}

fn first_rows(rows: &mut dyn RowSource) -> Result<(Option<i64>, Rhythm), ImportError> {
    let mut first_at = None;
    let mut rhythm = Rhythm::default();
    for _ in 0..PEEKED_ROWS {
        let Some(row) = rows.next_row()? else { break };
        first_at = first_at.or(Some(row.at()));
        if let Row::Bar { record, ends_at } = row {
            rhythm.add(record.open_at, ends_at);
        }
    }
    Ok((first_at, rhythm))
}
