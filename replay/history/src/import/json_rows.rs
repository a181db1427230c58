//! Rows in JSON, as freqtrade keeps them and as venues answer them: an array of arrays or of objects.
//!
//! What stands around the array is passed over. Rows come one at a time; what is held at once is one row.

use std::io::{self, Read};

use serde_json::Value;

use super::rewrite::hand_out;

/// The longest row that is read, in bytes.
const ROW_BYTES_MAX: usize = 64 * 1024;

const READ_BYTES: usize = 256 * 1024;

/// The text of the rows; objects get a header of the names in the first of them.
pub(crate) struct JsonRows<R> {
    source: R,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    state: State,
    names: Vec<String>,
    text: Vec<u8>,
    taken: usize,
    number: u64,
}

/// How far the array is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Its first row is not found yet.
    Before,
    /// The next row may begin.
    Within,
    /// It is closed.
    After,
}

impl<R: Read> JsonRows<R> {
    pub(crate) fn new(source: R) -> Self {
        Self {
            source,
            buffer: vec![0; READ_BYTES],
            start: 0,
            end: 0,
            state: State::Before,
            names: Vec::new(),
            text: Vec::new(),
            taken: 0,
            number: 0,
        }
    }

    fn byte(&mut self) -> io::Result<Option<u8>> {
        if self.start == self.end {
            self.start = 0;
            self.end = self.source.read(&mut self.buffer)?;
        }
        let byte = self.buffer.get(self.start..self.end).and_then(|rest| rest.first()).copied();
        self.start += usize::from(byte.is_some());
        Ok(byte)
    }

    /// The byte that opens the next row, or `None` at the end of the array.
    fn opening(&mut self) -> io::Result<Option<u8>> {
        let mut previous = b' ';
        while let Some(byte) = self.byte()? {
            match (self.state, byte) {
                (_, b' ' | b'\n' | b'\r' | b'\t') => continue,
                (State::Before, b'[' | b'{') if previous == b'[' => {
                    self.state = State::Within;
                    return Ok(Some(byte));
                }
                (State::Before, _) => previous = byte,
                (State::Within, b',') => {}
                (State::Within, b'[' | b'{') => return Ok(Some(byte)),
                (State::Within, b']') => {
                    self.state = State::After;
                    return Ok(None);
                }
                (State::Within | State::After, _) => {
                    return Err(broken(self.number + 1, "it is no array and no object"));
                }
            }
        }
        match self.state {
            State::Before => Err(io::Error::other("it is JSON without an array of rows")),
            State::Within | State::After => Err(broken(self.number + 1, "the array is not closed")),
        }
    }

    /// The whole row that `first` opens.
    fn row(&mut self, first: u8) -> io::Result<Vec<u8>> {
        let mut row = vec![first];
        let (mut depth, mut quoted, mut escaped) = (1_u32, false, false);
        while depth > 0 {
            let Some(byte) = self.byte()? else {
                return Err(broken(self.number, "the file ends within it"));
            };
            row.push(byte);
            if row.len() > ROW_BYTES_MAX {
                return Err(broken(self.number, "it is longer than 64 KiB"));
            }
            match byte {
                _ if escaped => escaped = false,
                b'\\' if quoted => escaped = true,
                b'"' => quoted = !quoted,
                b'[' | b'{' if !quoted => depth += 1,
                b']' | b'}' if !quoted => depth -= 1,
                _ => {}
            }
        }
        Ok(row)
    }

    fn next_text(&mut self) -> io::Result<bool> {
        self.text.clear();
        self.taken = 0;
        if self.state == State::After {
            return Ok(false);
        }
        let Some(first) = self.opening()? else { return Ok(false) };
        self.number += 1;
        let row = self.row(first)?;
        let value: Value =
            serde_json::from_slice(&row).map_err(|error| broken(self.number, &error.to_string()))?;
        let line = self.line(&value).map_err(|reason| broken(self.number, &reason))?;
        self.text.extend(line.into_bytes());
        Ok(true)
    }

    fn line(&mut self, row: &Value) -> Result<String, String> {
        let mut line = String::new();
        let cells: Vec<String> = match row {
            Value::Array(cells) => cells.iter().map(cell).collect::<Result<_, _>>()?,
            Value::Object(fields) => {
                if self.names.is_empty() {
                    self.names = fields.keys().cloned().collect();
                    line = self.names.join(",") + "\n";
                }
                let named = |name: &String| fields.get(name).map_or_else(|| Ok(String::new()), cell);
                self.names.iter().map(named).collect::<Result<_, _>>()?
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                return Err("it is no array and no object".to_owned());
            }
        };
        Ok(line + &cells.join(",") + "\n")
    }
}

/// A value as a cell: numbers with the digits that tell them apart, strings as they stand.
fn cell(value: &Value) -> Result<String, String> {
    match value {
        Value::Null => Ok(String::new()),
        Value::Bool(truth) => Ok(truth.to_string()),
        Value::Number(number) => Ok(number.to_string()),
        Value::String(text) if text.contains([',', '"', '\n', '\r']) => {
            Ok(format!("\"{}\"", text.replace(['"', '\n', '\r'], "'")))
        }
        Value::String(text) => Ok(text.clone()),
        Value::Array(_) | Value::Object(_) => Err("a cell holds more than one value".to_owned()),
    }
}

fn broken(row: u64, reason: &str) -> io::Error {
    io::Error::other(format!("row {row} of the JSON: {reason}"))
}

impl<R: Read> Read for JsonRows<R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.text.len() && !self.next_text()? {
            return Ok(0);
        }
        Ok(hand_out(&self.text, &mut self.taken, room))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(json: &str) -> io::Result<String> {
        let mut text = String::new();
        JsonRows::new(json.as_bytes()).read_to_string(&mut text)?;
        Ok(text)
    }

    #[test]
    fn rows_of_arrays_and_objects_become_lines() {
        assert_eq!(
            text(" [ [1,2.5,\"x\",null] ,\n[3,1e-7,\"a,b\",true]]").unwrap(),
            "1,2.5,x,\n3,1e-7,\"a,b\",true\n"
        );
        let json = r#"{"data":{"pair":"BTC/USD","ohlc":[{"t":"1","o":"2"},{"o":"4","t":"3"},{"t":"5"}]}}"#;
        assert_eq!(text(json).unwrap(), "t,o\n1,2\n3,4\n5,\n");
        assert_eq!(text(r#"[["]\"[",1]]"#).unwrap(), "\"]'[\",1\n");
    }

    #[test]
    fn what_is_no_array_of_rows_is_refused() {
        for (json, said) in [
            ("{\"a\": 1}", "without an array"),
            ("[[1,2],[3", "the file ends within it"),
            ("[[1,2],", "not closed"),
            ("[[1,2],3]", "no array"),
            ("[[1,[2]]]", "more than one value"),
            ("[[1,,2]]", "row 1"),
        ] {
            let error = text(json).unwrap_err().to_string();
            assert!(error.contains(said), "{json}: {error}");
        }
    }
}
