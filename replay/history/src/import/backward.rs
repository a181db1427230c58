//! Lines of a file that begins with its newest row, from its end: set aside in a file without name, read back
//! chunk by chunk.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

use super::lines::{Line, LineError, LineReader};

/// Bytes that are held at once; a file smaller than this never leaves memory.
const CHUNK_BYTES: usize = 4 * 1024 * 1024;

/// All lines of a file, handed out from the last to the first.
pub(crate) struct BackwardLines {
    file: Option<File>,
    /// Where each chunk lies in the file: its place and its length.
    chunks: Vec<(u64, usize)>,
    chunk: Vec<u8>,
    /// The lines of the chunk: number, place and length.
    spans: Vec<(u64, usize, usize)>,
    number: u64,
}

impl BackwardLines {
    /// Reads all of `lines`.
    pub(crate) fn of<R: Read>(lines: &mut LineReader<R>) -> Result<Self, LineError> {
        let mut all =
            Self { file: None, chunks: Vec::new(), chunk: Vec::new(), spans: Vec::new(), number: 0 };
        let mut written = 0_u64;
        while let Some(line) = lines.next_line()? {
            if all.chunk.len() + line.text.len() > CHUNK_BYTES {
                all.set_aside(&mut written).map_err(LineError::Spool)?;
            }
            all.chunk.extend_from_slice(&line.number.to_le_bytes());
            all.chunk.extend_from_slice(&(line.text.len() as u64).to_le_bytes());
            all.chunk.extend_from_slice(line.text);
        }
        all.number = lines.number();
        all.find_lines();
        Ok(all)
    }

    fn set_aside(&mut self, written: &mut u64) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(tempfile::tempfile()?),
        };
        file.write_all(&self.chunk)?;
        self.chunks.push((*written, self.chunk.len()));
        *written += self.chunk.len() as u64;
        self.chunk.clear();
        Ok(())
    }

    fn take_up(&mut self) -> io::Result<bool> {
        let (Some((at, length)), Some(file)) = (self.chunks.pop(), &mut self.file) else { return Ok(false) };
        self.chunk.resize(length, 0);
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(&mut self.chunk)?;
        self.find_lines();
        Ok(true)
    }

    fn find_lines(&mut self) {
        self.spans.clear();
        let mut at = 0;
        while let Some((head, _)) = self.chunk.get(at..).and_then(|rest| rest.split_at_checked(16)) {
            let word = |from: usize| head.get(from..from + 8).and_then(|word| word.first_chunk());
            let (Some(number), Some(length)) = (word(0), word(8)) else { break };
            let length = usize::try_from(u64::from_le_bytes(*length)).unwrap_or(usize::MAX);
            self.spans.push((u64::from_le_bytes(*number), at + 16, length));
            at = at.saturating_add(16).saturating_add(length);
        }
    }

    /// Number of the line handed out last; before that, of the last line of the file.
    pub(crate) const fn number(&self) -> u64 {
        self.number
    }

    /// The line before the one handed out last, or `None` in front of the first.
    pub(crate) fn next_line(&mut self) -> Result<Option<Line<'_>>, LineError> {
        while self.spans.is_empty() {
            if !self.take_up().map_err(LineError::Spool)? {
                return Ok(None);
            }
        }
        let Some((number, from, length)) = self.spans.pop() else { return Ok(None) };
        self.number = number;
        Ok(self.chunk.get(from..from + length).map(|text| Line { number, text }))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn forward(text: &str) -> Vec<(u64, Vec<u8>)> {
        let mut lines = LineReader::new(text.as_bytes());
        std::iter::from_fn(|| lines.next_line().unwrap().map(|line| (line.number, line.text.to_vec())))
            .collect()
    }

    fn backward(text: &str) -> Vec<(u64, Vec<u8>)> {
        let mut lines = BackwardLines::of(&mut LineReader::new(text.as_bytes())).unwrap();
        std::iter::from_fn(|| lines.next_line().unwrap().map(|line| (line.number, line.text.to_vec())))
            .collect()
    }

    #[test]
    fn files_larger_than_a_chunk_come_back_whole() {
        let text: String = (0..120_000).map(|row| format!("{row},{}\n", "9".repeat(row % 120))).collect();
        assert!(text.len() > CHUNK_BYTES);
        let mut expected = forward(&text);
        expected.reverse();
        assert_eq!(backward(&text), expected);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

        #[test]
        fn backward_is_forward_turned_round(rows in prop::collection::vec("[a-z0-9, ]{0,40}", 0..60)) {
            let text = rows.join("\n");
            let mut expected = forward(&text);
            expected.reverse();
            prop_assert_eq!(backward(&text), expected);
        }
    }
}
