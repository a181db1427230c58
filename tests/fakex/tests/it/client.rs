//! A client that knows WebSocket and HTTP, and nothing of the exchange's code.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use fake_exchange::{Dialect, FakeExchange, Running, Settings, Time};
use serde_json::Value;
use tokio_tungstenite::tungstenite::{self, Message, WebSocket};

/// Nothing that is waited for takes as long.
const PATIENCE: Duration = Duration::from_secs(10);

/// An exchange moved by hand, five trades a second.
pub(crate) fn by_hand(dialect: Dialect, symbols: &[&str]) -> Settings {
    let mut settings = Settings::new(dialect, symbols).unwrap();
    settings.time = Time::ByHand;
    settings.rate = 5;
    settings.past_bars = 0;
    settings
}

pub(crate) fn start(settings: Settings) -> Running {
    FakeExchange::start(settings).unwrap()
}

/// A WebSocket.
pub(crate) struct Client {
    socket: WebSocket<TcpStream>,
}

impl Client {
    pub(crate) fn try_connect(address: SocketAddr, path: &str) -> Result<Self, String> {
        let stream = TcpStream::connect(address).map_err(|error| error.to_string())?;
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let url = format!("ws://{address}{path}");
        match tungstenite::client(url, stream) {
            Ok((socket, _)) => Ok(Self { socket }),
            Err(error) => Err(error.to_string()),
        }
    }

    pub(crate) fn connect(running: &Running, path: &str) -> Self {
        Self::try_connect(running.address(), path).unwrap()
    }

    pub(crate) fn send(&mut self, text: &str) {
        self.try_send(text).unwrap();
    }

    pub(crate) fn try_send(&mut self, text: &str) -> Result<(), tungstenite::Error> {
        self.socket.send(Message::text(text))
    }

    pub(crate) fn wait_at_most(&mut self, wait: Duration) {
        self.socket.get_mut().set_read_timeout(Some(wait)).unwrap();
    }

    /// The next frame of any kind; answering pings is what the library does on the way.
    pub(crate) fn read(&mut self) -> Result<Message, tungstenite::Error> {
        self.socket.read()
    }

    /// The next text.
    pub(crate) fn text(&mut self) -> String {
        loop {
            let message = self.read().unwrap();
            match message.to_text() {
                Ok(text) if message.is_text() => return text.to_owned(),
                _ if message.is_ping() => self.socket.flush().unwrap(),
                _ => panic!("{message:?} instead of a text"),
            }
        }
    }

    pub(crate) fn json(&mut self) -> Value {
        serde_json::from_str(&self.text()).unwrap()
    }

    /// Everything before the answer to a message, and that answer.
    pub(crate) fn until(
        &mut self,
        question: &str,
        is_answer: impl Fn(&str) -> bool,
    ) -> (Vec<String>, String) {
        self.send(question);
        let mut before = Vec::new();
        loop {
            let text = self.text();
            if is_answer(&text) {
                return (before, text);
            }
            before.push(text);
        }
    }

    /// Everything that Binance sent up to now.
    pub(crate) fn binance_texts(&mut self) -> Vec<String> {
        self.until(r#"{"method":"LIST_SUBSCRIPTIONS","id":987}"#, |text| text.contains("\"id\":987")).0
    }

    /// Reads on until the connection ends; says how.
    pub(crate) fn end(&mut self) -> String {
        loop {
            match self.read() {
                Ok(Message::Close(frame)) => return format!("close {frame:?}"),
                Ok(_) => {}
                Err(error) => return error.to_string(),
            }
        }
    }
}

/// An answer over HTTP.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

pub(crate) fn request(running: &Running, head: &str, body: &str) -> Answer {
    send(running, head, "", body)
}

/// A request with lines of its own in the head, each with its end.
pub(crate) fn send(running: &Running, head: &str, lines: &str, body: &str) -> Answer {
    try_send(running, head, lines, body).unwrap()
}

/// The same where the connection may end without an answer.
pub(crate) fn try_send(running: &Running, head: &str, lines: &str, body: &str) -> std::io::Result<Answer> {
    let mut stream = TcpStream::connect(running.address()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let length = body.len();
    write!(stream, "{head} HTTP/1.1\r\nHost: loopback\r\n{lines}Content-Length: {length}\r\n\r\n{body}")?;
    let mut bytes = Vec::new();
    let (head, length) = loop {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        bytes.push(byte[0]);
        if bytes.ends_with(b"\r\n\r\n") {
            let head = String::from_utf8(bytes).unwrap();
            let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")).unwrap();
            let length: usize = length.parse().unwrap();
            break (head, length);
        }
    };
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Ok(Answer { status, head, body: String::from_utf8(body).unwrap() })
}

pub(crate) fn get(running: &Running, target: &str) -> Answer {
    request(running, &format!("GET {target}"), "")
}

/// Decimal text as a whole number of its last place, for comparing with units.
pub(crate) fn digits(text: &str) -> u128 {
    text.replace('.', "").parse().unwrap()
}
