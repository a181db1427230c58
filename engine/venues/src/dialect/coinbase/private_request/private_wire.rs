//! The answers of Coinbase's private REST interface: refusals, which come with status 200 where they are of orders, new orders
//! and cancels.

use serde::Deserialize;

use super::super::user_wire::said;
use super::{PrivateMethod, list_wire};
use crate::account_message::{AccountMessage, OrderReport, OrderStatus, Permissions};
use crate::decimal::shown;
use crate::dialect::frame_error::FrameError;
use crate::dialect::wire::{Fields, Scalar, side_named};
use crate::order_answer::OrderAnswer;
use crate::order_request::Asked;
use crate::outcome::coinbase::{outcome_of_refusal, outcome_of_status};
use crate::outcome::{Outcome, retry_after};

/// The status of what was answered, refusals of orders among it.
const ANSWERED: u16 = 200;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ErrorBody<'a> {
    #[serde(borrow)]
    error: Option<Scalar<'a>>,
    #[serde(borrow)]
    message: Option<Scalar<'a>>,
    #[serde(borrow)]
    error_details: Option<Scalar<'a>>,
    #[serde(borrow)]
    preview_failure_reason: Option<Scalar<'a>>,
    #[serde(borrow)]
    new_order_failure_reason: Option<Scalar<'a>>,
    #[serde(borrow)]
    errors: Vec<ErrorRow<'a>>,
}

#[derive(Debug, Deserialize)]
struct ErrorRow<'a> {
    #[serde(borrow)]
    id: Option<Scalar<'a>>,
    #[serde(borrow)]
    message: Option<Scalar<'a>>,
}

#[derive(Debug, Deserialize)]
struct Placed<'a> {
    success: Option<bool>,
    #[serde(borrow)]
    success_response: Option<Scalar<'a>>,
    #[serde(borrow)]
    error_response: Option<Scalar<'a>>,
}

#[derive(Debug, Deserialize)]
struct PlacedOrder<'a> {
    #[serde(borrow)]
    order_id: Option<Scalar<'a>>,
    #[serde(borrow)]
    product_id: Option<Scalar<'a>>,
    #[serde(borrow)]
    side: Option<Scalar<'a>>,
    #[serde(borrow)]
    client_order_id: Option<Scalar<'a>>,
}

#[derive(Debug, Deserialize)]
struct Cancelled<'a> {
    #[serde(borrow)]
    results: Option<Vec<CancelRow<'a>>>,
}

#[derive(Debug, Deserialize)]
struct CancelRow<'a> {
    success: Option<bool>,
    #[serde(borrow)]
    failure_reason: Option<Scalar<'a>>,
    #[serde(borrow)]
    order_id: Option<Scalar<'a>>,
}

#[derive(Debug, Deserialize)]
struct KeyPermissions {
    can_view: Option<bool>,
    can_trade: Option<bool>,
    can_transfer: Option<bool>,
}

/// What an answer means and says.
pub(super) fn answer(method: PrivateMethod, status: u16, header: Option<&str>, body: &str) -> OrderAnswer {
    if status != ANSWERED {
        return OrderAnswer::bare(refusal(method.asked(), status, header, body));
    }
    let read = match method {
        PrivateMethod::Place => placed(body),
        PrivateMethod::Cancel => first_cancelled(body).map(OrderAnswer::bare),
        PrivateMethod::KeyPermissions => permissions(body).map(|message| OrderAnswer::saying(vec![message])),
        PrivateMethod::Order | PrivateMethod::Orders | PrivateMethod::Fills | PrivateMethod::Accounts => {
            list_wire::list(method, body)
        }
    };
    read.unwrap_or_else(|error| OrderAnswer::bare(Outcome::unreadable(&error)))
}

/// What became of each of `ids`.
pub(super) fn cancelled(
    ids: &[&str],
    status: u16,
    header: Option<&str>,
    body: &str,
) -> Vec<(String, Outcome)> {
    let all = |outcome: &Outcome| ids.iter().map(|id| ((*id).to_owned(), outcome.clone())).collect();
    if status != ANSWERED {
        return all(&refusal(Asked::Cancel, status, header, body));
    }
    let rows = match cancel_rows(body) {
        Ok(rows) => rows,
        Err(error) => return all(&Outcome::unreadable(&error)),
    };
    let outcome = |id: &str| {
        let row = rows.iter().find(|(known, _)| known == id).map(|(_, outcome)| outcome.clone());
        row.unwrap_or_else(|| Outcome::unreadable(&format!("nothing is said of order {id}")))
    };
    ids.iter().map(|id| ((*id).to_owned(), outcome(id))).collect()
}

/// What a status other than 200 means, with the word of its body where there is one.
fn refusal(asked: Asked, status: u16, header: Option<&str>, body: &str) -> Outcome {
    let read: ErrorBody<'_> = Fields("refusal").object(body).unwrap_or_default();
    let row = read.errors.first();
    let word = said(read.error).or_else(|| row.and_then(|row| said(row.id)));
    let text = said(read.message).or_else(|| said(read.error_details));
    let text = text.or_else(|| row.and_then(|row| said(row.message))).unwrap_or_else(|| shown(body));
    outcome_of_status(asked, status, retry_after(header), word.as_deref(), &text)
}

fn placed(body: &str) -> Result<OrderAnswer, FrameError> {
    let fields = Fields("placed order");
    let placed: Placed<'_> = fields.object(body)?;
    if !fields.given("success", placed.success)? {
        let error: ErrorBody<'_> = fields.object(placed.error_response.map_or("{}", Scalar::json))?;
        return Ok(OrderAnswer::bare(not_placed(&error)));
    }
    let order: PlacedOrder<'_> =
        fields.object(fields.given("success_response", placed.success_response)?.json())?;
    let report = OrderReport {
        client_id: said(order.client_order_id),
        symbol: said(order.product_id),
        side: order.side.and_then(|side| side_named(side.text())),
        ..OrderReport::of(fields.text("order_id", order.order_id)?, OrderStatus::Pending, "")
    };
    Ok(OrderAnswer::saying(vec![AccountMessage::Order(Box::new(report))]))
}

/// Why an order was not placed: the first of its reasons that says one.
fn not_placed(error: &ErrorBody<'_>) -> Outcome {
    let reasons = [error.error, error.new_order_failure_reason, error.preview_failure_reason].map(said);
    let says = |reason: &&String| !reason.starts_with("UNKNOWN");
    let told = reasons.iter().flatten().find(says).or_else(|| reasons.iter().flatten().next());
    let words: Vec<String> = [error.message, error.error_details].into_iter().filter_map(said).collect();
    outcome_of_refusal(Asked::Place, told.map_or("", String::as_str), &words.join("; "))
}

fn cancel_rows(body: &str) -> Result<Vec<(String, Outcome)>, FrameError> {
    let fields = Fields("cancelled orders");
    let cancelled: Cancelled<'_> = fields.object(body)?;
    let outcome = |row: &CancelRow<'_>| {
        let outcome = if fields.given("success", row.success)? {
            Outcome::Answered
        } else {
            outcome_of_refusal(Asked::Cancel, &said(row.failure_reason).unwrap_or_default(), "")
        };
        Ok((fields.text("order_id", row.order_id)?, outcome))
    };
    fields.given("results", cancelled.results)?.iter().map(outcome).collect()
}

fn first_cancelled(body: &str) -> Result<Outcome, FrameError> {
    let first = cancel_rows(body)?.into_iter().next();
    Fields("cancelled orders").given("results", first).map(|(_, outcome)| outcome)
}

fn permissions(body: &str) -> Result<AccountMessage, FrameError> {
    let key: KeyPermissions = Fields("permissions of a key").object(body)?;
    Ok(AccountMessage::Permissions(Permissions {
        may_view: key.can_view,
        may_trade: key.can_trade,
        may_withdraw: key.can_transfer,
    }))
}
