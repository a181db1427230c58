//! WebSocket frames as the server side writes and reads them, byte for byte, so that faults can be put into them.

use std::io::Cursor;

use tokio_tungstenite::tungstenite::protocol::frame::FrameHeader;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Control, Data, OpCode};

/// The largest message a client may send.
const CLIENT_BYTES_MAX: u64 = 65_536;

/// What a client sent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Received {
    Text(String),
    Ping(Vec<u8>),
    Pong,
    Close,
}

/// Why a client's bytes are no frame.
pub(crate) type Violation = &'static str;

/// A frame of the server: without mask.
pub(crate) fn frame(opcode: OpCode, is_final: bool, payload: &[u8]) -> Vec<u8> {
    let mut bytes = header(opcode, is_final, payload.len() as u64);
    bytes.extend_from_slice(payload);
    bytes
}

/// The header of a frame alone, for one whose payload is written piece by piece.
pub(crate) fn header(opcode: OpCode, is_final: bool, length: u64) -> Vec<u8> {
    let header = FrameHeader { is_final, opcode, ..FrameHeader::default() };
    let mut bytes = Vec::with_capacity(16);
    // Writing into memory does not fail.
    let _ = header.format(length, &mut bytes);
    bytes
}

/// A text message in `fragments` frames.
pub(crate) fn text(text: &str, fragments: usize) -> Vec<u8> {
    let payload = text.as_bytes();
    let size = payload.len().div_ceil(fragments.max(1)).max(1);
    let count = payload.len().div_ceil(size).max(1);
    let mut bytes = Vec::with_capacity(payload.len() + 16);
    for number in 0..count {
        let opcode = if number == 0 { OpCode::Data(Data::Text) } else { OpCode::Data(Data::Continue) };
        let end = payload.len().min((number + 1) * size);
        bytes.extend(frame(opcode, number + 1 == count, &payload[number * size..end]));
    }
    bytes
}

pub(crate) fn ping(payload: &[u8]) -> Vec<u8> {
    frame(OpCode::Control(Control::Ping), true, payload)
}

pub(crate) fn pong(payload: &[u8]) -> Vec<u8> {
    frame(OpCode::Control(Control::Pong), true, payload)
}

pub(crate) fn close(code: u16, reason: &str) -> Vec<u8> {
    let mut payload = code.to_be_bytes().to_vec();
    payload.extend_from_slice(reason.as_bytes());
    frame(OpCode::Control(Control::Close), true, &payload)
}

/// The frames of one client, put together from the bytes as they come.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    bytes: Vec<u8>,
    message: Vec<u8>,
}

impl Inbox {
    /// An inbox that has these bytes already.
    pub(crate) fn with(bytes: Vec<u8>) -> Self {
        Self { bytes, message: Vec::new() }
    }

    pub(crate) fn add(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next whole message, or `None` when more bytes are needed.
    pub(crate) fn next_message(&mut self) -> Result<Option<Received>, Violation> {
        loop {
            let mut cursor = Cursor::new(&self.bytes);
            let Some((header, length)) = FrameHeader::parse(&mut cursor).map_err(|_| "no frame header")?
            else {
                return Ok(None);
            };
            if length + self.message.len() as u64 > CLIENT_BYTES_MAX {
                return Err("message too big");
            }
            let start = usize::try_from(cursor.position()).map_err(|_| "no frame header")?;
            let end = start + usize::try_from(length).map_err(|_| "message too big")?;
            let Some(masked) = self.bytes.get(start..end) else { return Ok(None) };
            let mask = header.mask.ok_or("a client's frames are masked")?;
            let payload: Vec<u8> =
                masked.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
            self.bytes.drain(..end);
            match header.opcode {
                OpCode::Control(Control::Ping) => return Ok(Some(Received::Ping(payload))),
                OpCode::Control(Control::Pong) => return Ok(Some(Received::Pong)),
                OpCode::Control(Control::Close) => return Ok(Some(Received::Close)),
                OpCode::Data(Data::Text | Data::Continue) => self.message.extend(payload),
                OpCode::Data(_) | OpCode::Control(_) => return Err("only text is understood"),
            }
            if header.is_final {
                let text =
                    String::from_utf8(std::mem::take(&mut self.message)).map_err(|_| "text is not UTF-8")?;
                return Ok(Some(Received::Text(text)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
        let mask = [1, 2, 3, 4];
        let mut bytes = vec![first, 0x80 | payload.len() as u8];
        bytes.extend(mask);
        bytes.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        bytes
    }

    #[test]
    fn messages_are_put_together_from_any_pieces() {
        let mut bytes = masked(0x01, "hé".as_bytes());
        bytes.extend(masked(0x89, b"p"));
        bytes.extend(masked(0x80, b"llo"));
        let mut inbox = Inbox::default();
        let mut received = Vec::new();
        for byte in bytes {
            inbox.add(&[byte]);
            received.extend(inbox.next_message().unwrap());
        }
        assert_eq!(received, [Received::Ping(b"p".to_vec()), Received::Text("héllo".to_owned())]);
    }

    #[test]
    fn what_no_client_may_send_is_refused() {
        let refused = |bytes: Vec<u8>| Inbox::with(bytes).next_message().unwrap_err();
        assert_eq!(refused(frame(OpCode::Data(Data::Text), true, b"x")), "a client's frames are masked");
        assert_eq!(refused(masked(0x82, b"x")), "only text is understood");
        assert_eq!(refused(masked(0x81, b"\xff")), "text is not UTF-8");
        assert_eq!(refused(header(OpCode::Data(Data::Text), true, 1 << 40)), "message too big");
    }
}
