//! The calls of Binance's WebSocket API as signed REST requests, which ask and answer the same.
//!
//! Source: the venue's `rest-api.md` (state of 2026-07), `exchange-protocols` 1.1.7 and 1.1.8.

use super::api_call::{ApiCall, CallTime, Method};
use super::api_frame::{Reply, ReplyBody, rest_outcome};
use crate::order_answer::OrderAnswer;
use crate::signing::binance::BinanceKey;
use crate::venue_time::TimeUnit;

/// A signed request; the name of the key goes in the header `X-MBX-APIKEY`, and there is no body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestCall {
    /// The method of HTTP.
    pub verb: &'static str,
    /// Where, with the query and its signature.
    pub path: String,
}

impl RestCall {
    /// `call` as a request signed by `key`; nothing for what only a socket has.
    #[must_use]
    pub fn of(call: &ApiCall, time: CallTime, key: &BinanceKey) -> Option<Self> {
        let (verb, path) = match call.method {
            Method::Place => ("POST", "/api/v3/order"),
            Method::Cancel => ("DELETE", "/api/v3/order"),
            Method::CancelAll => ("DELETE", "/api/v3/openOrders"),
            Method::Query => ("GET", "/api/v3/order"),
            Method::OpenOrders => ("GET", "/api/v3/openOrders"),
            Method::Account => ("GET", "/api/v3/account"),
            Method::Fills => ("GET", "/api/v3/myTrades"),
            Method::LogOn | Method::Subscribe | Method::SubscribeSigned => return None,
        };
        let mut params = call.params.clone();
        params.extend(time.params());
        Some(Self { verb, path: format!("{path}?{}", key.signed_query(&params)) })
    }
}

/// What an answer to such a request means and says; `header` is its `Retry-After`. Times of answers to requests are always in
/// milliseconds.
#[must_use]
pub fn answer(method: Method, status: u16, header: Option<&str>, body: &str) -> OrderAnswer {
    if status != 200 {
        return OrderAnswer::bare(rest_outcome(method.asked(), status, header, body));
    }
    let reply = Reply { id: None, body: ReplyBody::Result(body.to_owned()), limits: Vec::new() };
    reply.answer(method, TimeUnit::Milliseconds)
}

#[cfg(test)]
mod tests {
    use engine_core::time::Timestamp;

    use super::*;
    use crate::account_message::AccountMessage;
    use crate::order_request::{OrderName, OrderRequest};
    use crate::outcome::Outcome;

    const TIME: CallTime =
        CallTime { at: Timestamp::from_nanos(1_499_827_319_559_000_000), window_ms: 5_000 };

    fn key() -> BinanceKey {
        // The example of the venue's documents.
        let secret = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j";
        BinanceKey::from_text("NAME", secret).unwrap()
    }

    #[test]
    fn a_call_is_asked_by_rest_in_the_same_words() {
        let order = OrderName::Client("e1&1".to_owned());
        let request = OrderRequest::Query { symbol: "币USDT".to_owned(), order };
        let call = RestCall::of(&ApiCall::of(&request).unwrap(), TIME, &key()).unwrap();
        let query = "symbol=%E5%B8%81USDT&origClientOrderId=e1%261&recvWindow=5000&timestamp=1499827319559";
        let signature = key().sign(query);
        assert_eq!((call.verb, call.path), ("GET", format!("/api/v3/order?{query}&signature={signature}")));
        assert_eq!(RestCall::of(&ApiCall::log_on(), TIME, &key()), None);
        let all = OrderRequest::CancelAll { symbol: Some("A".to_owned()) };
        let call = RestCall::of(&ApiCall::of(&all).unwrap(), TIME, &key()).unwrap();
        assert!(call.verb == "DELETE" && call.path.starts_with("/api/v3/openOrders?symbol=A&recvWindow="));
    }

    #[test]
    fn an_answer_is_read_by_its_status() {
        let body = r#"{"symbol":"LTCBTC","orderId":1,"clientOrderId":"myOrder1","executedQty":"0.0","status":"NEW","side":"BUY"}"#;
        let read = answer(Method::Query, 200, None, body);
        assert!(matches!(&read.messages[..], [AccountMessage::Order(report)] if report.order_id == "1"));
        let gone = r#"{"code":-2013,"msg":"Order does not exist."}"#;
        assert!(matches!(answer(Method::Query, 400, None, gone).outcome, Outcome::NotFound(_)));
        assert!(matches!(answer(Method::Place, 200, None, "<html>").outcome, Outcome::Unknown(_)));
        assert!(matches!(answer(Method::Place, 504, None, body).outcome, Outcome::Unknown(_)));
    }
}
