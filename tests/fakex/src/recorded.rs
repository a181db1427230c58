//! A recording of a real or fake venue, sent again: its frames as they were, in their own time, and its losses.
//!
//! It reads the files of `engine record` in its own words, as everything here is read a second time.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::exchange::Exchange;
use crate::fault::Drop;
use crate::link::{Message, Outgoing};
use crate::log::Entry;
use crate::settings::{Dialect, StartError, Symbol};

/// What a recording is about, and where its frames are.
#[derive(Debug)]
pub struct Recording {
    /// Whose words its frames speak.
    pub dialect: Dialect,
    /// Its markets, with the rules that were kept beside it.
    pub symbols: Vec<Symbol>,
    /// When its first frame was read, in nanoseconds since 1970.
    pub begins_ns: i64,
    /// The directory.
    pub dir: PathBuf,
}

/// The first line of a file.
#[derive(Debug, Deserialize)]
struct Head {
    frames: u32,
    venue: String,
    at_ns: i64,
}

/// Any other line.
#[derive(Debug, Deserialize)]
struct Line {
    at_ns: i64,
    text: Option<String>,
    event: Option<String>,
}

/// Rules of an instrument, numbers in units of its last decimal.
#[derive(Debug, Deserialize)]
struct Rules {
    symbol: String,
    price_decimals: u32,
    qty_decimals: u32,
    tick: u64,
    lot: u64,
}

/// The only layout of files that is read.
const LAYOUT: u32 = 1;

impl Recording {
    /// The recording in `dir`.
    ///
    /// # Errors
    /// When there is none, or its rules cannot be read.
    pub fn open(dir: &Path) -> Result<Self, StartError> {
        let refuse = |what: String| StartError::setting("frames", format!("{}: {what}", dir.display()));
        let first = files(dir).map_err(|error| refuse(error.to_string()))?;
        let first =
            first.first().ok_or_else(|| refuse("it holds no recording of engine record".to_owned()))?;
        let mut line = String::new();
        lines(first)
            .and_then(|mut lines| lines.read_line(&mut line))
            .map_err(|error| refuse(format!("{}: {error}", first.display())))?;
        let head: Head =
            serde_json::from_str(&line).map_err(|error| refuse(format!("its first line: {error}")))?;
        if head.frames != LAYOUT {
            return Err(refuse(format!("its layout is {}, not {LAYOUT}", head.frames)));
        }
        let dialect = Dialect::named(&head.venue)
            .ok_or_else(|| refuse(format!("nobody here speaks as {}", head.venue)))?;
        let path = dir.join("instruments.json");
        let rules = std::fs::read(&path).map_err(|error| refuse(format!("instruments.json: {error}")))?;
        let rules: Vec<Rules> =
            serde_json::from_slice(&rules).map_err(|error| refuse(format!("instruments.json: {error}")))?;
        let symbols = rules.iter().map(symbol).collect::<Result<_, _>>()?;
        Ok(Self { dialect, symbols, begins_ns: head.at_ns, dir: dir.to_path_buf() })
    }
}

fn symbol(rules: &Rules) -> Result<Symbol, StartError> {
    let grid = |units: u64, decimals: u32| {
        let digits = format!("{units:0>width$}", width = decimals as usize + 1);
        let (whole, part) = digits.split_at(digits.len() - decimals as usize);
        if part.is_empty() { whole.to_owned() } else { format!("{whole}.{part}") }
    };
    Ok(Symbol {
        price_decimals: rules.price_decimals,
        quantity_decimals: rules.qty_decimals,
        tick: grid(rules.tick, rules.price_decimals),
        step: grid(rules.lot, rules.qty_decimals),
        first_price: grid(rules.tick.max(1), rules.price_decimals),
        ..Symbol::named(&rules.symbol)?
    })
}

fn files(dir: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with("frames-") && name.ends_with(".jsonl.zst") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn lines(path: &Path) -> std::io::Result<Box<dyn BufRead + Send>> {
    Ok(Box::new(BufReader::new(zstd::Decoder::new(File::open(path)?)?)))
}

/// One thing that was recorded.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Told {
    Frame(String),
    Lost,
}

/// The frames of a recording on their way to clients.
pub(crate) struct Replayed {
    files: std::vec::IntoIter<PathBuf>,
    lines: Option<Box<dyn BufRead + Send>>,
    next: Option<(i64, Told)>,
    /// What is added to recorded times; nothing while it waits for a client.
    shift_ns: Option<i64>,
}

impl core::fmt::Debug for Replayed {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        out.debug_struct("Replayed").field("next", &self.next).finish_non_exhaustive()
    }
}

impl Replayed {
    /// The frames of the recording in `dir`, waiting for a client.
    pub(crate) fn open(dir: &Path) -> Result<Self, StartError> {
        let files = files(dir).map_err(|source| StartError::System { what: "read the recording", source })?;
        let mut replayed = Self { files: files.into_iter(), lines: None, next: None, shift_ns: None };
        replayed.read_on();
        Ok(replayed)
    }

    /// Reads until the next thing that clients see. A file that cannot be read on has ended: a kill cut it.
    fn read_on(&mut self) {
        self.next = None;
        while self.next.is_none() {
            let Some(lines) = &mut self.lines else {
                let Some(path) = self.files.next() else { return };
                self.lines = lines(&path).ok();
                continue;
            };
            let mut text = String::new();
            match lines.read_line(&mut text) {
                Ok(1..) => {}
                Ok(0) | Err(_) => {
                    self.lines = None;
                    continue;
                }
            }
            let Ok(Line { at_ns, text, event }) = serde_json::from_str(&text) else { continue };
            let ends = |event: String| matches!(event.as_str(), "lost" | "ended");
            self.next = match text {
                Some(text) => Some((at_ns, Told::Frame(text))),
                None => event.is_some_and(ends).then_some((at_ns, Told::Lost)),
            };
        }
    }

    /// When the next thing happens; never while no client listens.
    pub(crate) fn due_ns(&self) -> Option<i64> {
        let (at_ns, _) = self.next.as_ref()?;
        Some(at_ns + self.shift_ns?)
    }

    /// A client listens now: the recording goes on at `now_ns`, unless it does already.
    pub(crate) fn heard(&mut self, now_ns: i64) {
        if let (None, Some((at_ns, _))) = (self.shift_ns, &self.next) {
            self.shift_ns = Some(now_ns - at_ns);
        }
    }

    /// Takes the next thing. Behind a loss a recording waits for its clients to come back.
    fn take(&mut self) -> Option<Told> {
        let (_, told) = self.next.take()?;
        self.read_on();
        if told == Told::Lost {
            self.shift_ns = None;
        }
        Some(told)
    }
}

impl Exchange {
    /// Sends the next frame of the recording to everyone who subscribed to anything, or ends every connection as one was lost.
    pub(crate) fn tell_recorded(&mut self) {
        let Some(told) = self.replayed.as_mut().and_then(Replayed::take) else { return };
        let listening: Vec<u64> =
            self.links.iter().filter(|(_, link)| link.subscribed).map(|(id, _)| *id).collect();
        match told {
            Told::Frame(text) => {
                for id in listening {
                    let message = Message {
                        stream: "recorded".into(),
                        sequence: None,
                        text: text.as_str().into(),
                        queued: tokio::time::Instant::now(),
                    };
                    self.send(id, Outgoing::Text(message));
                }
            }
            Told::Lost => {
                self.note(Entry::Fault {
                    fault: serde_json::json!({ "recorded": "the connection was lost" }),
                });
                for id in listening {
                    self.end(id, Drop::NoClose, 1006, "it was lost in the recording");
                }
            }
        }
    }

    /// Lets a recording begin, or go on, once somebody listens.
    pub(crate) fn listen_to_recording(&mut self) {
        let now_ns = self.clock.now_ns();
        if let Some(replayed) = &mut self.replayed
            && self.links.values().any(|link| link.subscribed)
        {
            replayed.heard(now_ns);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &str = "[{\"venue\":\"binance\",\"symbol\":\"BTCUSDT\",\"price_decimals\":2,\"qty_decimals\":5,\"tick\":10,\"lot\":1,\"notional_min\":0}]";

    fn recorded(lines: &str) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("instruments.json"), RULES).unwrap();
        let path = dir.path().join("frames-000001-2026-01-01.jsonl.zst");
        std::fs::write(path, zstd::encode_all(lines.as_bytes(), 1).unwrap()).unwrap();
        dir
    }

    const HEAD: &str =
        "{\"frames\":1,\"venue\":\"binance\",\"streams\":[],\"recording\":5,\"at_ns\":5,\"mono_ns\":0}\n";

    #[test]
    fn a_recording_tells_its_markets_and_waits_for_a_client_at_the_start_and_behind_a_loss() {
        let lines = "{\"at_ns\":7,\"connection\":1,\"event\":\"begun\"}\n{\"at_ns\":8,\"connection\":1,\"text\":\"a\"}\n{\"at_ns\":9,\"connection\":1,\"event\":\"lost\"}\n{\"at_ns\":20,\"connection\":2,\"text\":\"b\"}\n";
        let dir = recorded(&(HEAD.to_owned() + lines));
        let recording = Recording::open(dir.path()).unwrap();
        assert_eq!((recording.begins_ns, recording.dialect), (5, Dialect::Binance));
        let symbol = &recording.symbols[0];
        assert_eq!((symbol.tick.as_str(), symbol.step.as_str()), ("0.10", "0.00001"));
        let mut replayed = Replayed::open(dir.path()).unwrap();
        assert_eq!(replayed.due_ns(), None, "nobody listens");
        replayed.heard(108);
        assert_eq!((replayed.due_ns(), replayed.take()), (Some(108), Some(Told::Frame("a".to_owned()))));
        assert_eq!((replayed.due_ns(), replayed.take()), (Some(109), Some(Told::Lost)));
        assert_eq!(replayed.due_ns(), None, "until somebody comes back");
        replayed.heard(500);
        assert_eq!(
            (replayed.due_ns(), replayed.take(), replayed.take()),
            (Some(500), Some(Told::Frame("b".to_owned())), None)
        );
    }

    #[test]
    fn what_is_no_recording_is_refused_by_its_setting() {
        let empty = tempfile::tempdir().unwrap();
        for (dir, words) in [
            (empty, "holds no recording"),
            (recorded("{}\n"), "its first line"),
            (recorded(&HEAD.replace("binance", "bitstamp")), "nobody here speaks as bitstamp"),
            (recorded(&HEAD.replace("\"frames\":1", "\"frames\":2")), "its layout is 2"),
        ] {
            let refused = Recording::open(dir.path()).unwrap_err().to_string();
            assert!(refused.starts_with("frames: ") && refused.contains(words), "{refused}");
        }
    }
}
