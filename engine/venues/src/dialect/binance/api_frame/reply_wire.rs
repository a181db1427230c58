//! What stands around the answers and events of Binance's WebSocket API.

use engine_core::time::{Span, Timestamp};
use serde::Deserialize;

use super::{ApiFrame, Reply, ReplyBody, user_data_wire};
use crate::dialect::frame_error::FrameError;
use crate::dialect::wire::{Fields, Scalar};
use crate::outcome::Wait;
use crate::outcome::binance::BinanceError;
use crate::request_limit::{LimitUse, Limited};
use crate::venue_time::TimeUnit;

/// The status of a call that was done.
const DONE: u16 = 200;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Frame<'a> {
    #[serde(borrow)]
    id: Option<Scalar<'a>>,
    #[serde(borrow)]
    status: Option<Scalar<'a>>,
    #[serde(borrow)]
    result: Option<Scalar<'a>>,
    #[serde(borrow)]
    error: Option<Scalar<'a>>,
    #[serde(borrow)]
    event: Option<Scalar<'a>>,
    #[serde(borrow, rename = "rateLimits")]
    limits: Option<Scalar<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct LimitFields<'a> {
    #[serde(borrow, rename = "rateLimitType")]
    kind: Option<Scalar<'a>>,
    #[serde(borrow)]
    interval: Option<Scalar<'a>>,
    #[serde(rename = "intervalNum")]
    intervals: i64,
    limit: u64,
    count: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ErrorFields<'a> {
    #[serde(borrow)]
    code: Option<Scalar<'a>>,
    #[serde(borrow)]
    msg: Option<Scalar<'a>>,
    #[serde(borrow)]
    data: Option<Scalar<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ErrorData<'a> {
    #[serde(borrow, rename = "retryAfter")]
    retry_after: Option<Scalar<'a>>,
}

/// The frame that `text` is.
pub(super) fn frame(text: &str, unit: TimeUnit) -> Result<ApiFrame, FrameError> {
    let fields = Fields("frame of the WebSocket API");
    let frame: Frame<'_> = fields.object(text)?;
    if let Some(event) = frame.event {
        return user_data_wire::event(event.json(), unit).map(ApiFrame::Event);
    }
    let Some(status) = frame.status else {
        return user_data_wire::event(text, unit).map(ApiFrame::Event);
    };
    let count = fields.count("status", Some(status))?;
    let status = u16::try_from(count).map_err(|_| FrameError::Whole {
        message: fields.0,
        field: "status",
        text: count.to_string(),
    })?;
    let body = match (status, frame.error) {
        (DONE, None) => ReplyBody::Result(frame.result.map_or("null", Scalar::json).to_owned()),
        (_, error) => ReplyBody::Error(refused(status, error)),
    };
    Ok(ApiFrame::Reply(Reply { id: frame.id.map(Scalar::to_text), body, limits: limits(frame.limits) }))
}

/// How much of the limits is used, as far as that can be read: an answer counts without it.
fn limits(json: Option<Scalar<'_>>) -> Vec<LimitUse> {
    let read = json.and_then(|json| serde_json::from_str::<Vec<LimitFields<'_>>>(json.json()).ok());
    read.unwrap_or_default().iter().filter_map(limit).collect()
}

fn limit(told: &LimitFields<'_>) -> Option<LimitUse> {
    let limited = match told.kind?.text() {
        "REQUEST_WEIGHT" => Limited::Weight,
        "ORDERS" => Limited::Orders,
        _ => return None,
    };
    let interval = match told.interval?.text() {
        "SECOND" => Span::SECOND,
        "MINUTE" => Span::MINUTE,
        "HOUR" => Span::HOUR,
        "DAY" => Span::DAY,
        _ => return None,
    };
    let window = Span::from_nanos(interval.nanos().checked_mul(told.intervals)?);
    let (limit, used) = (told.limit, told.count);
    Some(LimitUse { limited, window, limit, used }).filter(|one| one.window.is_positive())
}

/// An error as far as it can be read: its status counts even where the rest is spoiled.
fn refused(status: u16, error: Option<Scalar<'_>>) -> BinanceError {
    let json = error.map_or("{}", Scalar::json);
    let fields: ErrorFields<'_> = Fields("error").object(json).unwrap_or_default();
    let code = fields.code.and_then(|code| code.text().parse().ok());
    let text = fields.msg.map_or_else(|| json.to_owned(), Scalar::to_text);
    BinanceError { status, code, text, wait: wait(fields.data) }
}

/// Milliseconds since the epoch, until which nothing may be sent.
fn wait(data: Option<Scalar<'_>>) -> Wait {
    let data: Option<ErrorData<'_>> = data.and_then(|data| Fields("error").object(data.json()).ok());
    let millis = data.and_then(|data| data.retry_after).and_then(|at| at.text().parse().ok());
    millis.and_then(Timestamp::from_millis).map_or(Wait::Unsaid, Wait::Until)
}
