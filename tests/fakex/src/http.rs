//! HTTP/1.1 as far as a venue's REST interface and the opening of a WebSocket need it, with bounded sizes.

use std::fmt::Write as _;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

const HEAD_BYTES_MAX: usize = 16_384;
const BODY_BYTES_MAX: usize = 65_536;

/// One request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Path and query as they were asked for.
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<u32>,
    /// Lines of the head that only some answers have.
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
}

/// Whether and when a request is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    After(Duration, Response),
    /// Not yet: the request is to be handed on after this.
    Held(Duration),
    /// The connection ends without an answer.
    Never,
}

impl Reply {
    pub(crate) fn at_once(response: Response) -> Self {
        Self::After(Duration::ZERO, response)
    }

    pub(crate) fn after(ms: u64, response: Response) -> Self {
        Self::After(Duration::from_millis(ms), response)
    }
}

impl Response {
    pub(crate) fn ok(body: String) -> Self {
        Self { status: 200, retry_after: None, headers: Vec::new(), body }
    }

    pub(crate) fn refused(status: u16, body: impl Into<String>) -> Self {
        Self { status, retry_after: None, headers: Vec::new(), body: body.into() }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {} {}\r\n", self.status, phrase(self.status));
        if let Some(seconds) = self.retry_after {
            // Writing into a string does not fail.
            let _ = write!(head, "Retry-After: {seconds}\r\n");
        }
        for (name, value) in &self.headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        let _ = write!(head, "Content-Type: application/json\r\nContent-Length: {}\r\n\r\n", self.body.len());
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(self.body.as_bytes());
        bytes
    }
}

fn phrase(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        418 => "I'm a teapot",
        429 => "Too Many Requests",
        503 => "Service Unavailable",
        _ => "Error",
    }
}

impl Request {
    pub(crate) fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The value of a query parameter, percent-encoding undone.
    pub(crate) fn query(&self, name: &str) -> Option<String> {
        let (_, query) = self.target.split_once('?')?;
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.filter(|(key, _)| *key == name).map(|(_, value)| decoded(value)).next()
    }

    /// The answer that opens a WebSocket, when that is what was asked for.
    pub(crate) fn upgrade(&self) -> Option<String> {
        let asks = self.header("upgrade").is_some_and(|value| value.eq_ignore_ascii_case("websocket"));
        let key = self.header("sec-websocket-key").filter(|_| asks)?;
        let accept = derive_accept_key(key.as_bytes());
        Some(format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {accept}\r\n\r\n"
        ))
    }
}

/// Text with `%xx` undone; what is no such escape stays.
pub(crate) fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let escape =
            tail.get(..2).filter(|_| *first == b'%').and_then(|digits| std::str::from_utf8(digits).ok());
        if let Some(byte) = escape.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            bytes.push(byte);
            rest = &tail[2..];
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Divides a head into its parts; `None` when it is none.
fn parsed(head: &str) -> Option<Request> {
    let mut lines = head.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let (method, target, version) = (first.next()?, first.next()?, first.next()?);
    if !version.starts_with("HTTP/1.") || !target.starts_with('/') {
        return None;
    }
    let mut headers = Vec::new();
    for line in lines.filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':')?;
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
    Some(Request { method: method.to_owned(), target: target.to_owned(), headers, body: Vec::new() })
}

/// The next request of a connection; `None` at its end. Bytes after it stay in `bytes`.
pub(crate) async fn read(
    stream: &mut (impl AsyncRead + Unpin),
    bytes: &mut Vec<u8>,
) -> Result<Option<Request>, Response> {
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        if bytes.len() > HEAD_BYTES_MAX {
            return Err(Response::refused(431, "{\"msg\":\"request header too large\"}"));
        }
        if !matches!(stream.read_buf(bytes).await, Ok(1..)) {
            return Ok(None);
        }
    };
    let head = std::str::from_utf8(&bytes[..head_end]).ok().and_then(parsed);
    let mut request = head.ok_or_else(|| Response::refused(400, "{\"msg\":\"no HTTP request\"}"))?;
    let length = request.header("content-length").unwrap_or("0").parse::<usize>();
    let length = length.ok().filter(|length| *length <= BODY_BYTES_MAX);
    let end =
        head_end + length.ok_or_else(|| Response::refused(413, "{\"msg\":\"request body too large\"}"))?;
    while bytes.len() < end {
        if !matches!(stream.read_buf(bytes).await, Ok(1..)) {
            return Ok(None);
        }
    }
    request.body = bytes[head_end..end].to_vec();
    bytes.drain(..end);
    Ok(Some(request))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_read_and_escapes_undone() {
        let request = parsed("GET /a/b?x=%E5%B8%81&y=2 HTTP/1.1\r\nHost: h\r\n\r\n").unwrap();
        assert_eq!(
            (request.path(), request.query("x").as_deref(), request.query("z")),
            ("/a/b", Some("币"), None)
        );
        assert_eq!(request.header("HOST"), Some("h"));
        assert_eq!(decoded("100%"), "100%");
        for broken in ["", "GET", "GET / SMTP", "GET x HTTP/1.1", "GET / HTTP/1.1\r\nno colon"] {
            assert_eq!(parsed(broken), None, "{broken}");
        }
    }
}
