//! Lines of one layout rewritten as rows of a table, one for one, read as a stream.

use std::io::{self, BufRead, BufReader, Read};

/// The longest line that is read; a snapshot of a whole order book stays far below.
const LINE_BYTES_MAX: u64 = 16 * 1024 * 1024;

const READ_BYTES: usize = 256 * 1024;

/// How one line becomes one row.
pub(crate) trait Rewrite {
    /// Writes the row that `line` holds to `row`, or nothing when it holds none.
    ///
    /// # Errors
    /// A sentence when it is not what it should be.
    fn rewrite(&mut self, line: &[u8], row: &mut Vec<u8>) -> Result<(), String>;
}

/// The rewritten text: as many lines as its source, blank where a line holds no row.
pub(crate) struct Rewritten<R, W> {
    source: BufReader<R>,
    rewrite: W,
    line: Vec<u8>,
    row: Vec<u8>,
    taken: usize,
    number: u64,
}

impl<R: Read, W: Rewrite> Rewritten<R, W> {
    pub(crate) fn new(source: R, rewrite: W) -> Self {
        let source = BufReader::with_capacity(READ_BYTES, source);
        Self { source, rewrite, line: Vec::new(), row: Vec::new(), taken: 0, number: 0 }
    }

    fn next_row(&mut self) -> io::Result<bool> {
        self.line.clear();
        self.row.clear();
        self.taken = 0;
        let read = (&mut self.source).take(LINE_BYTES_MAX).read_until(b'\n', &mut self.line)?;
        if read == 0 {
            return Ok(false);
        }
        self.number += 1;
        let whole = self.line.ends_with(b"\n") || (read as u64) < LINE_BYTES_MAX;
        let line = self.line.trim_ascii();
        let rewritten = match whole {
            true if line.is_empty() => Ok(()),
            true => self.rewrite.rewrite(line, &mut self.row),
            false => Err("the line is longer than 16 MiB".to_owned()),
        };
        rewritten.map_err(|reason| io::Error::other(format!("row {}: {reason}", self.number)))?;
        self.row.push(b'\n');
        Ok(true)
    }
}

impl<R: Read, W: Rewrite> Read for Rewritten<R, W> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.row.len() && !self.next_row()? {
            return Ok(0);
        }
        Ok(hand_out(&self.row, &mut self.taken, room))
    }
}

/// Copies what is left of `text` after `taken` bytes into `room`, as far as it goes.
pub(crate) fn hand_out(text: &[u8], taken: &mut usize, room: &mut [u8]) -> usize {
    let rest = text.get(*taken..).unwrap_or_default();
    let count = rest.len().min(room.len());
    if let (Some(to), Some(from)) = (room.get_mut(..count), rest.get(..count)) {
        to.copy_from_slice(from);
        *taken += count;
    }
    count
}
