//! Lines and fields of a text file, read in bounded memory.

use std::io::{self, Read};

use encoding_rs::CoderResult;

use super::decoding;

/// The longest line that is read, in bytes; market data stays far below.
pub(crate) const LINE_BYTES_MAX: usize = 64 * 1024;

const BUFFER_BYTES: usize = 256 * 1024;

/// Why no further line can be had.
#[derive(Debug)]
pub(crate) enum LineError {
    /// The line goes on beyond [`LINE_BYTES_MAX`].
    TooLong,
    /// The line holds a zero byte: not text.
    Binary,
    /// The source failed.
    Io(io::Error),
    /// There is no room to set lines aside that must be turned round.
    Spool(io::Error),
}

/// One line without its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Line<'text> {
    /// Its number in the file, from 1, blank lines counted.
    pub(crate) number: u64,
    /// What it says.
    pub(crate) text: &'text [u8],
}

/// Cuts a stream into lines without their ends, holding one buffer. UTF-16 that begins with its mark is text too.
pub(crate) struct LineReader<R> {
    source: R,
    utf16: Option<Transcoding>,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    finished: bool,
    number: u64,
}

/// UTF-16 on its way to UTF-8.
struct Transcoding {
    decoder: encoding_rs::Decoder,
    raw: Vec<u8>,
    taken: usize,
    ended: bool,
}

impl<R: Read> LineReader<R> {
    pub(crate) fn new(source: R) -> Self {
        Self {
            source,
            utf16: None,
            buffer: vec![0; BUFFER_BYTES],
            start: 0,
            end: 0,
            finished: false,
            number: 0,
        }
    }

    /// Number of the line handed out last, from 1.
    pub(crate) const fn number(&self) -> u64 {
        self.number
    }

    /// The next line that is not blank, or `None` at the end.
    pub(crate) fn next_line(&mut self) -> Result<Option<Line<'_>>, LineError> {
        loop {
            let Some((from, to)) = self.next_span()? else { return Ok(None) };
            let first = self.number == 1;
            let line = self.buffer.get(from..to).unwrap_or_default();
            let line = if first { line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line) } else { line };
            let skipped = to - from - line.len();
            let line = line.trim_ascii_end();
            if line.is_empty() {
                continue;
            }
            let from = from + skipped;
            let to = from + line.len();
            if line.contains(&0) {
                return Err(LineError::Binary);
            }
            return Ok(self.buffer.get(from..to).map(|text| Line { number: self.number, text }));
        }
    }

    fn next_span(&mut self) -> Result<Option<(usize, usize)>, LineError> {
        let mut searched = 0;
        loop {
            let window = self.buffer.get(self.start + searched..self.end).unwrap_or_default();
            if let Some(at) = memchr::memchr(b'\n', window) {
                let from = self.start;
                let to = from + searched + at;
                self.start = to + 1;
                return self.counted(from, to).map(Some);
            }
            searched = self.end - self.start;
            if searched > LINE_BYTES_MAX {
                self.number += 1;
                return Err(LineError::TooLong);
            }
            if self.finished {
                let from = self.start;
                self.start = self.end;
                return if searched == 0 { Ok(None) } else { self.counted(from, self.end).map(Some) };
            }
            self.refill()?;
        }
    }

    fn counted(&mut self, from: usize, to: usize) -> Result<(usize, usize), LineError> {
        self.number += 1;
        if to - from > LINE_BYTES_MAX { Err(LineError::TooLong) } else { Ok((from, to)) }
    }

    fn refill(&mut self) -> Result<(), LineError> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        if self.utf16.is_some() {
            return self.refill_transcoded();
        }
        let room = self.buffer.get_mut(self.end..).unwrap_or_default();
        let read = read_some(&mut self.source, room).map_err(LineError::Io)?;
        let begins = self.number == 0 && self.end == 0;
        let head = room.get(..read).unwrap_or_default();
        if let Some(decoder) = decoding::utf16(head).filter(|_| begins) {
            let raw = head.to_vec();
            self.utf16 = Some(Transcoding { decoder, raw, taken: 0, ended: false });
            return self.refill_transcoded();
        }
        self.end += read;
        self.finished = read == 0;
        Ok(())
    }

    #[cold]
    fn refill_transcoded(&mut self) -> Result<(), LineError> {
        let Some(Transcoding { decoder, raw, taken, ended }) = &mut self.utf16 else { return Ok(()) };
        if *taken == raw.len() && !*ended {
            raw.resize(BUFFER_BYTES / 4, 0);
            let read = read_some(&mut self.source, raw).map_err(LineError::Io)?;
            raw.truncate(read);
            *taken = 0;
            *ended = read == 0;
        }
        let room = self.buffer.get_mut(self.end..).unwrap_or_default();
        let from = raw.get(*taken..).unwrap_or_default();
        let (result, read, written, _) = decoder.decode_to_utf8(from, room, *ended);
        *taken += read;
        self.end += written;
        // What was cut inside a character still gives one at the end, and then the decoder must not be asked again.
        self.finished = *ended && result == CoderResult::InputEmpty;
        Ok(())
    }
}

fn read_some(source: &mut impl Read, room: &mut [u8]) -> io::Result<usize> {
    loop {
        match source.read(room) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

/// Where the fields of one line lie.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    spans: Vec<(u32, u32)>,
}

impl Fields {
    /// Finds the fields of `line` between `delimiter`s; a field may stand in double quotes.
    pub(crate) fn split(&mut self, line: &[u8], delimiter: u8) {
        self.spans.clear();
        let mut from = 0_usize;
        let mut quoted = false;
        for (at, byte) in line.iter().enumerate() {
            if *byte == b'"' {
                quoted = !quoted;
            } else if *byte == delimiter && !quoted {
                self.push(from, at);
                from = at + 1;
            }
        }
        self.push(from, line.len());
    }

    #[expect(clippy::cast_possible_truncation, reason = "a line is at most 64 KiB")]
    fn push(&mut self, from: usize, to: usize) {
        self.spans.push((from as u32, to as u32));
    }

    /// Number of fields.
    pub(crate) fn len(&self) -> usize {
        self.spans.len()
    }

    /// Field `index` of the `line` that was split, without quotes and outer spaces; empty when there is none.
    pub(crate) fn get<'line>(&self, line: &'line [u8], index: usize) -> &'line [u8] {
        let Some((from, to)) = self.spans.get(index) else { return b"" };
        let field = line.get(*from as usize..*to as usize).unwrap_or_default();
        match (field.first(), field.last()) {
            (Some(first), Some(last))
                if first.is_ascii_graphic() && last.is_ascii_graphic() && *first != b'"' =>
            {
                field
            }
            _ => unquoted(field.trim_ascii()),
        }
    }
}

fn unquoted(field: &[u8]) -> &[u8] {
    let inner = field.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\""));
    inner.map_or(field, <[u8]>::trim_ascii)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &[u8]) -> Vec<(u64, String)> {
        let mut reader = LineReader::new(text);
        let mut all = Vec::new();
        while let Some(line) = reader.next_line().unwrap() {
            all.push((line.number, String::from_utf8(line.text.to_vec()).unwrap()));
        }
        all
    }

    #[test]
    fn blank_lines_are_passed_over_but_counted() {
        let text = b"\xef\xbb\xbfa,b\r\n\n  \n1,2\n\n3,4";
        let expected = [(1, "a,b".to_owned()), (4, "1,2".to_owned()), (6, "3,4".to_owned())];
        assert_eq!(lines(text), expected);
        assert!(lines(b"").is_empty());
    }

    #[test]
    fn utf16_with_its_mark_is_text() {
        let text = "zeit,größe\n1,2\n";
        let utf16 = |mark: &[u8], bytes: fn(u16) -> [u8; 2]| {
            let units = text.encode_utf16().flat_map(bytes);
            mark.iter().copied().chain(units).collect::<Vec<u8>>()
        };
        let expected = [(1, "zeit,größe".to_owned()), (2, "1,2".to_owned())];
        assert_eq!(lines(&utf16(b"\xff\xfe", u16::to_le_bytes)), expected);
        assert_eq!(lines(&utf16(b"\xfe\xff", u16::to_be_bytes)), expected);
        let long = "x".repeat(50_000) + "\n";
        let many: Vec<u8> = b"\xff\xfe"
            .iter()
            .copied()
            .chain(long.repeat(20).encode_utf16().flat_map(u16::to_le_bytes))
            .collect();
        assert_eq!(lines(&many).len(), 20);
        // Cut in the middle of a character, or of a pair that makes one.
        for (cut, last) in
            [(&b"\xfe\xff\xff"[..], "\u{fffd}"), (b"\xff\xfe1\0\n\x002\0\x3d\xd8", "2\u{fffd}")]
        {
            assert_eq!(lines(cut).last().map(|(_, text)| text.as_str()), Some(last), "{cut:?}");
        }
    }

    #[test]
    fn lines_survive_the_edges_of_the_buffer() {
        let long = "x".repeat(50_000);
        let text = format!("{long}\n").repeat(20);
        assert_eq!(lines(text.as_bytes()).len(), 20);
    }

    #[test]
    fn a_line_without_end_is_refused_and_not_held() {
        struct Endless;
        impl Read for Endless {
            fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
                room.fill(b'9');
                Ok(room.len())
            }
        }
        let mut reader = LineReader::new(Endless);
        assert!(matches!(reader.next_line(), Err(LineError::TooLong)));
        assert_eq!(reader.buffer.len(), BUFFER_BYTES);
    }

    #[test]
    fn quotes_and_spaces_around_fields_are_taken_off() {
        let mut fields = Fields::default();
        let line = br#" a ,"b, c",,"d""#;
        fields.split(line, b',');
        let all: Vec<&[u8]> = (0..fields.len()).map(|index| fields.get(line, index)).collect();
        assert_eq!(all, [b"a".as_slice(), b"b, c", b"", b"d"]);
        assert_eq!(fields.get(line, 9), b"");
    }
}
