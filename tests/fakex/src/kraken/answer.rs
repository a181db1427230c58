//! How Kraken answers over the WebSocket.

use serde_json::{Map, Value, json};

use crate::calendar::rfc3339;
use crate::exchange::Exchange;

pub(super) fn keep_number(answer: &mut Value, fields: &Map<String, Value>) {
    if let Some(number) = fields.get("req_id") {
        answer["req_id"] = number.clone();
    }
}

pub(super) fn refuse(
    exchange: &mut Exchange,
    id: u64,
    method: &str,
    error: &str,
    fields: &Map<String, Value>,
    symbol: Option<&str>,
) {
    let time = rfc3339(exchange.told_ns());
    let mut answer =
        json!({ "error": error, "method": method, "success": false, "time_in": time, "time_out": time });
    if let Some(symbol) = symbol {
        answer["symbol"] = symbol.into();
    }
    keep_number(&mut answer, fields);
    exchange.answer(id, answer.to_string());
}
