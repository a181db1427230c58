//! The messages that call Binance's WebSocket API.

use crate::dialect::wire::JsonObject;
use crate::signing::binance::{Param, ParamValue};

/// The call of `method` with `params` under the number `id`.
pub(super) fn message(id: &str, method: &str, params: &[Param]) -> String {
    let call = JsonObject::default().with_text("id", id).with_text("method", method);
    if params.is_empty() {
        return call.json();
    }
    let object = params.iter().fold(JsonObject::default(), |object, param| match &param.value {
        ParamValue::Text(text) => object.with_text(param.name, text),
        ParamValue::Whole(number) => object.with_whole(param.name, *number),
        ParamValue::Flag(flag) => object.with_flag(param.name, *flag),
    });
    call.with_json("params", &object.json()).json()
}
