//! One line of a log of frames: what a venue sent, or what became of a connection, with the moment it was read.
//!
//! A line is JSON. The first of a file is `{"frames": 1, "venue", "streams", "recording", "at_ns", "mono_ns"}`; every other one is
//! `{"at_ns", "mono_ns", "connection", "text"}`, or has `event` (`begun`, `lost`, `refused`, `ended`) and `why` in the place of `text`.

use serde::{Deserialize, Serialize};

/// The layout that is written; another is refused.
pub const LAYOUT: u32 = 1;

/// How the first line of every file begins.
pub(crate) const HEAD_BEGINS: &[u8] = b"{\"frames\":";

/// What a file of a log is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogHead {
    /// The layout, [`LAYOUT`].
    pub frames: u32,
    /// Whose frames they are, as in datasets.
    pub venue: String,
    /// What was asked for, as in `trades BTCUSDT`.
    pub streams: Vec<String>,
    /// The recording that the file is a part of: the moment its recorder began, in nanoseconds by `at_ns`.
    pub recording: i64,
    /// When the file was begun.
    pub at_ns: i64,
    /// The same on the monotonic clock of the recorder.
    pub mono_ns: u64,
}

/// What happened on a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// The venue sent this text.
    Text(String),
    /// Something became of the connection.
    Event(ConnectionEvent),
}

/// What became of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConnectionEvent {
    /// It was made and greeted.
    Begun,
    /// It was lost; what the venue said until the next one begins was missed.
    Lost {
        /// Why.
        why: String,
    },
    /// None could be made.
    Refused {
        /// Why.
        why: String,
    },
    /// The recorder was ended by its operator; what the venue said since was not listened to.
    Ended,
}

/// One line of a log, behind the first of its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedFrame {
    /// When it was read: nanoseconds since 1970 by the clock of the run, which is the machine's unless it follows a fake exchange.
    pub at_ns: i64,
    /// The same on the monotonic clock of the recorder, which begins at zero with it.
    pub mono_ns: u64,
    /// On which connection, numbered from 1.
    pub connection: u64,
    /// What was said.
    pub said: Said,
}

/// A line as it is written.
#[derive(Debug, Serialize, Deserialize)]
struct Written {
    at_ns: i64,
    #[serde(default)]
    mono_ns: u64,
    connection: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    event: Option<Word>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Word {
    Begun,
    Lost,
    Refused,
    Ended,
}

impl LoggedFrame {
    /// Adds the line, its end included, to `lines`.
    ///
    /// # Errors
    /// Those of the JSON writer.
    pub(crate) fn write(self, lines: &mut Vec<u8>) -> serde_json::Result<()> {
        let Self { at_ns, mono_ns, connection, said } = self;
        let (text, event, why) = match said {
            Said::Text(text) => (Some(text), None, None),
            Said::Event(ConnectionEvent::Begun) => (None, Some(Word::Begun), None),
            Said::Event(ConnectionEvent::Lost { why }) => (None, Some(Word::Lost), Some(why)),
            Said::Event(ConnectionEvent::Refused { why }) => (None, Some(Word::Refused), Some(why)),
            Said::Event(ConnectionEvent::Ended) => (None, Some(Word::Ended), None),
        };
        serde_json::to_writer(&mut *lines, &Written { at_ns, mono_ns, connection, text, event, why })?;
        lines.push(b'\n');
        Ok(())
    }

    /// The frame that `line` holds.
    ///
    /// # Errors
    /// A sentence when it holds none.
    pub(crate) fn read(line: &[u8]) -> Result<Self, String> {
        let read: Written = serde_json::from_slice(line).map_err(|error| error.to_string())?;
        let Written { at_ns, mono_ns, connection, text, event, why } = read;
        let why = why.unwrap_or_default();
        let said = match (text, event) {
            (Some(text), None) => Said::Text(text),
            (None, Some(Word::Begun)) => Said::Event(ConnectionEvent::Begun),
            (None, Some(Word::Lost)) => Said::Event(ConnectionEvent::Lost { why }),
            (None, Some(Word::Refused)) => Said::Event(ConnectionEvent::Refused { why }),
            (None, Some(Word::Ended)) => Said::Event(ConnectionEvent::Ended),
            (None, None) | (Some(_), Some(_)) => {
                return Err("it holds neither a text nor an event, or both".to_owned());
            }
        };
        Ok(Self { at_ns, mono_ns, connection, said })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_reads_back_as_it_was_written() {
        let why = "it was silent, \"or\" closed".to_owned();
        for said in [
            Said::Text("{\"x\":\"é\\\"\n\"}".to_owned()),
            Said::Event(ConnectionEvent::Begun),
            Said::Event(ConnectionEvent::Lost { why: why.clone() }),
            Said::Event(ConnectionEvent::Refused { why }),
            Said::Event(ConnectionEvent::Ended),
        ] {
            let frame = LoggedFrame { at_ns: -1, mono_ns: 7, connection: 3, said };
            let mut line = Vec::new();
            frame.clone().write(&mut line).unwrap();
            assert_eq!(line.iter().filter(|byte| **byte == b'\n').count(), 1, "one line");
            assert_eq!(LoggedFrame::read(&line), Ok(frame));
        }
    }

    #[test]
    fn a_line_with_neither_or_both_is_refused() {
        for line in [
            "{\"at_ns\":1,\"connection\":1}",
            "{\"at_ns\":1,\"connection\":1,\"text\":\"\",\"event\":\"lost\"}",
            "[]",
            "",
        ] {
            assert!(LoggedFrame::read(line.as_bytes()).is_err(), "{line}");
        }
    }
}
