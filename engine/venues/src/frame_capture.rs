//! Frames that other recorders captured, as lines of a log: cryptofeed's JSON lines, and hftbacktest's moments with a frame.
//!
//! Files are plain, gzip or zstd. What is no frame of a stream (answers to requests, what was sent to the venue) is passed over.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use engine_core::time::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::decimal::decimal;
use crate::frame_line::{ConnectionEvent, LoggedFrame, Said};
use crate::frame_log_error::FrameLogError;
use crate::frame_replay::FramePlace;
use crate::venue_time::from_seconds;

/// A line longer than this is none of a capture.
const LINE_BYTES_MAX: u64 = 32 << 20;

/// Digits of a moment of hftbacktest in microseconds and in nanoseconds.
const MICRO_DIGITS: usize = 16;
const NANO_DIGITS: usize = 19;

/// A line of cryptofeed.
#[derive(Debug, Deserialize)]
struct Captured<'line> {
    t: String,
    #[serde(default)]
    conn: String,
    #[serde(borrow, default)]
    ts: Option<&'line RawValue>,
    #[serde(default)]
    data: String,
    #[serde(default)]
    exchange: Option<String>,
}

/// Reads captures, file by file.
pub(crate) struct FrameCapture {
    files: std::vec::IntoIter<PathBuf>,
    lines: Option<Box<dyn BufRead>>,
    place: FramePlace,
    connections: BTreeMap<String, u64>,
    exchange: Option<String>,
}

impl std::fmt::Debug for FrameCapture {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("FrameCapture").field("place", &self.place).finish_non_exhaustive()
    }
}

/// The unpacked bytes of a file.
fn unpacked(path: &Path) -> std::io::Result<Box<dyn BufRead>> {
    let mut source = BufReader::new(File::open(path)?);
    let head = source.fill_buf()?;
    if head.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        return Ok(Box::new(BufReader::new(zstd::Decoder::with_buffer(source)?)));
    }
    if head.starts_with(&[0x1f, 0x8b]) {
        return Ok(Box::new(BufReader::new(flate2::bufread::MultiGzDecoder::new(source))));
    }
    Ok(Box::new(source))
}

/// Whether the file at `path` begins as a capture does.
///
/// # Errors
/// [`FrameLogError::Io`] when it cannot be opened; one whose beginning cannot be unpacked is no capture.
pub(crate) fn is_capture(path: &Path) -> Result<bool, FrameLogError> {
    let mut source = unpacked(path).map_err(|source| FrameLogError::io("read", path, source))?;
    let mut head = Vec::new();
    let read = source.by_ref().take(64).read_to_end(&mut head);
    Ok(read.is_ok() && (head.starts_with(b"{\"t\":\"") || moment_of(&head).is_some()))
}

/// The moment that a line of hftbacktest begins with, and the rest.
fn moment_of(line: &[u8]) -> Option<(i64, &[u8])> {
    let digits = line.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (moment, rest) = line.split_at_checked(digits)?;
    let scale = match digits {
        MICRO_DIGITS => 1_000,
        NANO_DIGITS => 1,
        _ => return None,
    };
    let moment: i64 = str::from_utf8(moment).ok()?.parse().ok()?;
    Some((moment.checked_mul(scale)?, rest.strip_prefix(b" ")?))
}

impl FrameCapture {
    /// The captures in `files`, in their order.
    pub(crate) fn of(files: Vec<PathBuf>) -> Self {
        Self {
            files: files.into_iter(),
            lines: None,
            place: FramePlace::default(),
            connections: BTreeMap::new(),
            exchange: None,
        }
    }

    /// Whose frames they are, in the words of the recorder, where it says so.
    pub(crate) fn exchange(&self) -> Option<&str> {
        self.exchange.as_deref()
    }

    pub(crate) const fn place(&self) -> &FramePlace {
        &self.place
    }

    /// The next frame, or `None` at the end.
    ///
    /// # Errors
    /// [`FrameLogError`], naming file and line.
    pub(crate) fn next_frame(&mut self) -> Result<Option<LoggedFrame>, FrameLogError> {
        let mut line = Vec::new();
        loop {
            let Some(lines) = &mut self.lines else {
                let Some(path) = self.files.next() else { return Ok(None) };
                let lines = unpacked(&path).map_err(|source| FrameLogError::io("read", &path, source))?;
                self.place = FramePlace { file: path.display().to_string(), line: 0 };
                self.lines = Some(lines);
                continue;
            };
            line.clear();
            let read = lines.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line);
            self.place.line += 1;
            let FramePlace { file, line: number } = self.place.clone();
            let refused = |reason: String| FrameLogError::Line { file, line: number, reason };
            match read {
                Ok(0) => self.lines = None,
                Ok(read) if read as u64 == LINE_BYTES_MAX => {
                    return Err(refused("the line has more than 32 MiB".to_owned()));
                }
                Ok(_) => {
                    let text = line.trim_ascii();
                    let frame = if text.is_empty() { Ok(None) } else { self.frame(text) };
                    if let Some(frame) = frame.map_err(refused)? {
                        return Ok(Some(frame));
                    }
                }
                Err(error) => return Err(refused(format!("the file cannot be read on: {error}"))),
            }
        }
    }

    /// The frame of one line; none where it holds something else.
    fn frame(&mut self, line: &[u8]) -> Result<Option<LoggedFrame>, String> {
        if let Some((at_ns, frame)) = moment_of(line) {
            // A whole book stands between the frames as its request was answered.
            if !frame.starts_with(b"{\"stream\"") {
                return Ok(None);
            }
            let text = str::from_utf8(frame).map_err(|error| error.to_string())?.to_owned();
            return Ok(Some(LoggedFrame { at_ns, mono_ns: 0, connection: 1, said: Said::Text(text) }));
        }
        let captured: Captured<'_> = serde_json::from_slice(line).map_err(|error| error.to_string())?;
        let said = match captured.t.as_str() {
            "recv" => Said::Text(captured.data),
            "connect" => Said::Event(ConnectionEvent::Begun),
            "header" => {
                self.exchange = captured.exchange;
                return Ok(None);
            }
            "send" | "http" => return Ok(None),
            other => return Err(format!("a line of the kind {other:?} is none of a capture")),
        };
        let at = captured.ts.ok_or("it has no time `ts`")?.get();
        let at: Timestamp = decimal(at)
            .map_err(|error| error.to_string())
            .and_then(|seconds| from_seconds(seconds).map_err(|error| error.to_string()))?;
        let next = self.connections.len() as u64 + 1;
        let connection = *self.connections.entry(captured.conn).or_insert(next);
        Ok(Some(LoggedFrame { at_ns: at.nanos(), mono_ns: 0, connection, said }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8]) -> Result<Vec<LoggedFrame>, FrameLogError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("capture");
        std::fs::write(&path, text).unwrap();
        assert!(is_capture(&path)?);
        let mut capture = FrameCapture::of(vec![path]);
        let mut frames = Vec::new();
        while let Some(frame) = capture.next_frame()? {
            frames.push(frame);
        }
        Ok(frames)
    }

    const CRYPTOFEED: &str = concat!(
        "{\"t\":\"header\",\"format\":2,\"exchange\":\"BINANCE\"}\n",
        "{\"t\":\"http\",\"conn\":\"h\",\"ts\":1.5,\"url\":\"u\",\"data\":\"{}\"}\n",
        "{\"t\":\"connect\",\"conn\":\"a\",\"ts\":2.25,\"addr\":\"x\"}\n",
        "{\"t\":\"recv\",\"conn\":\"a\",\"ts\":3.0000001,\"data\":\"{\\\"x\\\":1}\"}\n",
        "{\"t\":\"recv\",\"conn\":\"b\",\"ts\":4,\"data\":\"{}\"}\n",
    );

    #[test]
    fn captures_of_cryptofeed_are_read_plain_and_packed() {
        for bytes in [CRYPTOFEED.as_bytes().to_vec(), zstd::encode_all(CRYPTOFEED.as_bytes(), 1).unwrap()] {
            let frames = read(&bytes).unwrap();
            let told: Vec<_> = frames.iter().map(|frame| (frame.at_ns, frame.connection)).collect();
            assert_eq!(told, [(2_250_000_000, 1), (3_000_000_100, 1), (4_000_000_000, 2)]);
            assert_eq!(frames[1].said, Said::Text("{\"x\":1}".to_owned()));
        }
    }

    #[test]
    fn captures_of_hftbacktest_are_read_and_books_between_are_passed_over() {
        let text = "1700000000000000001 {\"stream\":\"a\"}\n1700000000000002 {\"lastUpdateId\":1}\n1700000000000003 {\"stream\":\"b\"}\n";
        let told: Vec<_> = read(text.as_bytes()).unwrap().iter().map(|frame| frame.at_ns).collect();
        assert_eq!(told, [1_700_000_000_000_000_001, 1_700_000_000_000_003_000]);
    }

    #[test]
    fn a_bad_line_is_named_by_file_and_number() {
        let text = CRYPTOFEED.to_owned() + "{\"t\":\"recv\",\"conn\":\"a\",\"ts\":\"x\"}\n";
        let line = read(text.as_bytes()).unwrap_err().to_string();
        assert!(line.contains("capture, line 6: "), "{line}");
        let cut = &zstd::encode_all(CRYPTOFEED.repeat(2_000).as_bytes(), 1).unwrap();
        let line = read(&cut[..cut.len() - 9]).unwrap_err().to_string();
        assert!(line.contains("cannot be read on"), "{line}");
    }
}
