//! What can go wrong: the verbs, how they are written, and when a plan sets them off.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

mod order;
mod plan;

pub use order::{ORDER_VERBS, OrderFault};
pub use plan::Plan;
pub(crate) use plan::Schedule;

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Drop {
    /// A TCP reset.
    Reset,
    /// A close frame, then the end of the stream.
    Fin,
    /// The socket stays open, nothing is read or written any more.
    HalfOpen,
    /// The end of the stream without a close frame.
    NoClose,
}

/// One fault on data or connections; `p` is a probability from 0 to 1, and 0 or an empty argument ends a lasting fault.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "snake_case", deny_unknown_fields)]
#[expect(
    missing_docs,
    reason = "the verbs and their arguments are described in the table of reliability 2.4 A"
)]
pub enum Fault {
    DropConn {
        how: Drop,
    },
    RefuseConnect {
        n: u32,
    },
    Delay {
        ms: u64,
    },
    SlowDrip {
        bytes_per_second: u32,
    },
    Duplicate {
        p: f64,
    },
    Reorder {
        window: usize,
    },
    Gap {
        stream: String,
        k: u32,
    },
    Freeze {
        stream: String,
    },
    Thaw {
        stream: String,
    },
    Corrupt {
        p: f64,
    },
    Huge {
        bytes: u64,
    },
    BadUtf8 {},
    BinaryFrame {},
    Fragment {
        n: usize,
    },
    Ping {
        payload: String,
    },
    NoPongKill {
        ms: u64,
    },
    ServerShutdown {
        ms: u64,
    },
    #[serde(rename = "expire_24h")]
    Expire24h {
        ms: u64,
    },
    Http {
        status: u16,
        retry_after: u32,
        #[serde(default = "one")]
        n: u32,
    },
    Ban {
        secs: u32,
    },
    ClockSkew {
        ms: i64,
    },
    ClockJump {
        ms: i64,
    },
    Halt {
        symbol: String,
    },
    CancelOnly {
        symbol: String,
    },
    Delist {
        symbol: String,
    },
    Resume {
        symbol: String,
    },
    FiltersChange {
        symbol: String,
        tick: String,
        step: String,
        min_notional: String,
    },
    PriceSpike {
        symbol: String,
        percent: i64,
    },
    CrossBook {
        symbol: String,
    },
    /// Read and written by itself, so that what is wrong with either kind is told in full.
    #[serde(skip)]
    Order(OrderFault),
}

fn one() -> u32 {
    1
}

/// Every verb of data and connections.
pub const VERBS: [&str; 29] = [
    "drop_conn",
    "refuse_connect",
    "delay",
    "slow_drip",
    "duplicate",
    "reorder",
    "gap",
    "freeze",
    "thaw",
    "corrupt",
    "huge",
    "bad_utf8",
    "binary_frame",
    "fragment",
    "ping",
    "no_pong_kill",
    "server_shutdown",
    "expire_24h",
    "http",
    "ban",
    "clock_skew",
    "clock_jump",
    "halt",
    "cancel_only",
    "delist",
    "resume",
    "filters_change",
    "price_spike",
    "cross_book",
];

/// Why a fault was not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    /// No such verb.
    #[error("unknown fault {verb:?}; did you mean {nearest:?}?")]
    UnknownVerb {
        /// What was written.
        verb: String,
        /// The verb that is most like it.
        nearest: &'static str,
    },
    /// Its arguments are not those of the verb.
    #[error("fault {verb:?}: {what}")]
    Arguments {
        /// The verb.
        verb: String,
        /// What is wrong.
        what: String,
    },
    /// No fault at all.
    #[error("line {line}: {what}")]
    Line {
        /// The line of the plan, from 1.
        line: usize,
        /// What is wrong.
        what: String,
    },
}

impl Fault {
    /// Reads `{"verb":"gap","stream":"btcusdt@trade","k":3}`.
    ///
    /// # Errors
    /// Names the nearest verb when there is none of that name, and what is wrong with the arguments otherwise.
    pub fn from_json(text: &str) -> Result<Self, FaultError> {
        let fields = serde_json::from_str::<Map<String, Value>>(text)
            .map_err(|error| FaultError::Line { line: 1, what: error.to_string() })?;
        Self::from_fields(fields)
    }

    pub(crate) fn from_fields(fields: Map<String, Value>) -> Result<Self, FaultError> {
        let verb = fields.get("verb").and_then(Value::as_str).unwrap_or_default().to_owned();
        let is_of_orders = ORDER_VERBS.contains(&verb.as_str());
        if !is_of_orders && !VERBS.contains(&verb.as_str()) {
            let likeness = |known: &&str| (strsim::jaro_winkler(&verb, known) * 1_000_000.0) as u64;
            let known = VERBS.iter().chain(&ORDER_VERBS).copied();
            let nearest = known.max_by_key(likeness).unwrap_or(VERBS[0]);
            return Err(FaultError::UnknownVerb { verb, nearest });
        }
        let fields = Value::Object(fields);
        let fault = if is_of_orders {
            serde_json::from_value(fields).map(Self::Order)
        } else {
            serde_json::from_value(fields)
        };
        let fault =
            fault.map_err(|error| FaultError::Arguments { verb: verb.clone(), what: error.to_string() })?;
        match fault.wrong_argument() {
            Some(what) => Err(FaultError::Arguments { verb, what }),
            None => Ok(fault),
        }
    }

    fn wrong_argument(&self) -> Option<String> {
        let year_ms = 31_536_000_000;
        let wrong = match self {
            Self::Duplicate { p } | Self::Corrupt { p } => {
                (!(0.0..=1.0).contains(p)).then_some("p is from 0 to 1")
            }
            Self::Reorder { window } => {
                (*window > 10_000).then_some("a window holds at most 10 000 messages")
            }
            Self::Ping { payload } => (payload.len() > 125).then_some("a ping carries at most 125 bytes"),
            Self::Fragment { n } => (*n > 1_000).then_some("at most 1 000 fragments"),
            Self::Http { status, .. } => (!(400..600).contains(status)).then_some("a status from 400 to 599"),
            Self::PriceSpike { percent, .. } => {
                (*percent <= -100).then_some("a price falls by less than 100 %")
            }
            Self::ClockSkew { ms } | Self::ClockJump { ms } => {
                (!(-year_ms..=year_ms).contains(ms)).then_some("at most a year either way")
            }
            Self::Ban { secs } => (*secs > 2_592_000).then_some("at most 30 days"),
            Self::Delay { ms }
            | Self::NoPongKill { ms }
            | Self::ServerShutdown { ms }
            | Self::Expire24h { ms } => (*ms > 86_400_000).then_some("at most a day"),
            Self::Order(fault) => fault.wrong_argument(),
            Self::DropConn { .. }
            | Self::RefuseConnect { .. }
            | Self::SlowDrip { .. }
            | Self::Gap { .. }
            | Self::Freeze { .. }
            | Self::Thaw { .. }
            | Self::Huge { .. }
            | Self::BadUtf8 {}
            | Self::BinaryFrame {}
            | Self::Halt { .. }
            | Self::CancelOnly { .. }
            | Self::Delist { .. }
            | Self::Resume { .. }
            | Self::FiltersChange { .. }
            | Self::CrossBook { .. } => None,
        };
        wrong.map(str::to_owned)
    }

    /// A probability in millionths; arguments were checked when it was read.
    pub(crate) fn ppm(p: f64) -> u32 {
        (p * 1_000_000.0) as u32
    }

    /// The fault as it is written.
    pub(crate) fn to_json(&self) -> Value {
        let written = if let Self::Order(fault) = self {
            serde_json::to_value(fault)
        } else {
            serde_json::to_value(self)
        };
        written.unwrap_or(Value::Null)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verbs_are_read_and_others_explained() {
        let gap = Fault::from_json(r#"{"verb":"gap","stream":"btcusdt@trade","k":3}"#);
        assert_eq!(gap, Ok(Fault::Gap { stream: "btcusdt@trade".to_owned(), k: 3 }));
        let lost = Fault::from_json(r#"{"verb":"ack_lost","on":"cancel"}"#).unwrap();
        assert_eq!(lost.to_json().to_string(), r#"{"verb":"ack_lost","n":1,"on":"cancel"}"#);
        assert_eq!(Fault::from_json(&lost.to_json().to_string()), Ok(lost));
        let expected = [
            (r#"{"verb":"duplicat","p":1}"#, "unknown fault \"duplicat\"; did you mean \"duplicate\"?"),
            (r#"{"verb":"reject"}"#, "missing field `code`"),
            (r#"{"verb":"ack_lots"}"#, "did you mean \"ack_lost\""),
            (r#"{"verb":"ack_lost","on":"open"}"#, "unknown variant `open`"),
            (r#"{"verb":"balance_drift","asset":"BTC","amount":"1e3"}"#, "at most eight places"),
            (r#"{"verb":"gap","k":3}"#, "missing field `stream`"),
            (r#"{"verb":"gap","stream":"x","k":3,"m":1}"#, "unknown field `m`"),
            (r#"{"verb":"bad_utf8","m":1}"#, "unknown field `m`"),
            (r#"{"verb":"duplicate","p":1.5}"#, "p is from 0 to 1"),
            (r#"{"verb":"price_spike","symbol":"X","percent":-100}"#, "less than 100"),
            ("[]", "line 1"),
        ];
        for (text, words) in expected {
            let error = Fault::from_json(text).unwrap_err().to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
    }
}
