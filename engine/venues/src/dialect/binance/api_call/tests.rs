//! Calls as they are written, and that what is signed is all they say.

use base64::Engine as _;
use engine_core::num::Decimal;
use proptest::prelude::*;
use ring::signature::{ED25519, UnparsedPublicKey};
use serde_json::{Value, json};

use super::*;
use crate::decimal::decimal;

/// The seed of the first test of RFC 8032, in PKCS8.
const SECRET: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g
-----END PRIVATE KEY-----";

const TIME: CallTime = CallTime { at: Timestamp::from_nanos(1_645_423_376_532_999_999), window_ms: 2_000 };

fn key() -> BinanceKey {
    BinanceKey::from_text("TESTKEY", SECRET).unwrap()
}

fn number(text: &str) -> Decimal {
    decimal(text).unwrap()
}

fn order(kind: NewOrderKind, tif: TimeInForce, posting: Posting) -> OrderRequest {
    OrderRequest::Place(NewOrder {
        client_id: "e1-000000000001".to_owned(),
        symbol: "BTCUSDT".to_owned(),
        side: Side::Sell,
        qty: number("0.01000000"),
        kind,
        tif,
        posting,
    })
}

/// The call as a session that has logged on makes it, without what every call has.
fn call(request: &OrderRequest) -> (String, Value) {
    let message = ApiCall::of(request).unwrap().message("7", TIME, Authority::Session);
    let mut json: Value = serde_json::from_str(&message).unwrap();
    assert_eq!(json["id"], "7");
    let mut params = json["params"].take();
    let object = params.as_object_mut().unwrap();
    assert_eq!(object.remove("timestamp"), Some(json!(1_645_423_376_532_i64)));
    assert_eq!(object.remove("recvWindow"), Some(json!(2_000)));
    (json["method"].as_str().unwrap().to_owned(), params)
}

#[test]
fn every_kind_of_order_is_placed_in_the_venues_words() {
    let limit = number("52000.5");
    let trigger = number("51000");
    let (any, post) = (Posting::Any, Posting::PostOnly);
    let (gtc, ioc, fok) = (TimeInForce::Gtc, TimeInForce::Ioc, TimeInForce::Fok);
    let stop_limit = NewOrderKind::StopLimit { trigger, limit };
    let cases = [
        (NewOrderKind::Market, gtc, any, json!({"type": "MARKET"})),
        (NewOrderKind::Market, ioc, any, json!({"type": "MARKET"})),
        (
            NewOrderKind::Limit { limit },
            gtc,
            any,
            json!({"type": "LIMIT", "price": "52000.5", "timeInForce": "GTC"}),
        ),
        (
            NewOrderKind::Limit { limit },
            ioc,
            any,
            json!({"type": "LIMIT", "price": "52000.5", "timeInForce": "IOC"}),
        ),
        (
            NewOrderKind::Limit { limit },
            fok,
            any,
            json!({"type": "LIMIT", "price": "52000.5", "timeInForce": "FOK"}),
        ),
        (NewOrderKind::Limit { limit }, gtc, post, json!({"type": "LIMIT_MAKER", "price": "52000.5"})),
        (NewOrderKind::Stop { trigger }, gtc, any, json!({"type": "STOP_LOSS", "stopPrice": "51000"})),
        (
            stop_limit,
            gtc,
            any,
            json!({"type": "STOP_LOSS_LIMIT", "price": "52000.5", "stopPrice": "51000", "timeInForce": "GTC"}),
        ),
    ];
    for (kind, tif, posting, of_kind) in cases {
        let mut expected = json!({
            "symbol": "BTCUSDT", "side": "SELL", "quantity": "0.01",
            "newClientOrderId": "e1-000000000001", "newOrderRespType": "FULL",
        });
        for (name, value) in of_kind.as_object().unwrap() {
            expected[name] = value.clone();
        }
        assert_eq!(call(&order(kind, tif, posting)), ("order.place".to_owned(), expected), "{kind:?}");
    }
}

#[test]
fn an_order_the_venue_does_not_take_is_not_sent() {
    let limit = number("1");
    let (any, post) = (Posting::Any, Posting::PostOnly);
    let gtd = TimeInForce::Gtd(TIME.at);
    for (kind, tif, posting) in [
        (NewOrderKind::Limit { limit }, gtd, any),
        (NewOrderKind::Limit { limit }, TimeInForce::Ioc, post),
        (NewOrderKind::Market, TimeInForce::Fok, any),
        (NewOrderKind::Market, TimeInForce::Gtc, post),
        (NewOrderKind::Stop { trigger: limit }, TimeInForce::Ioc, any),
        (NewOrderKind::StopLimit { trigger: limit, limit }, TimeInForce::Gtc, post),
    ] {
        let refused = ApiCall::of(&order(kind, tif, posting));
        assert!(matches!(refused, Err(Unserved::Data { venue: "binance", .. })), "{kind:?} {tif:?}");
    }
}

#[test]
fn a_client_id_has_letters_digits_hyphens_and_underscores() {
    let uuid = "96b5a4fb-3c98-8815-a900-010000000017";
    for id in ["e", "0123456789abcdef012345-3w5e11264sgsf", "x_Y-1", uuid] {
        assert!(is_client_id(id), "{id}");
    }
    for id in ["", "a b", "币", "a.b", "0123456789012345678901234567890123456"] {
        assert!(!is_client_id(id), "{id}");
    }
    let OrderRequest::Place(mut order) = order(NewOrderKind::Market, TimeInForce::Gtc, Posting::Any) else {
        panic!("an order")
    };
    order.client_id.push(' ');
    assert!(ApiCall::of(&OrderRequest::Place(order)).is_err());
}

#[test]
fn the_other_requests_are_asked_in_the_venues_words() {
    let symbol = || "BTCUSDT".to_owned();
    let by_client = || OrderName::Client("e1-1".to_owned());
    let by_venue = |id: &str| OrderName::Venue(id.to_owned());
    for (request, method, params) in [
        (
            OrderRequest::Cancel { symbol: symbol(), order: by_client() },
            "order.cancel",
            json!({"symbol": "BTCUSDT", "origClientOrderId": "e1-1"}),
        ),
        (
            OrderRequest::Cancel { symbol: symbol(), order: by_venue("4293153") },
            "order.cancel",
            json!({"symbol": "BTCUSDT", "orderId": 4_293_153}),
        ),
        (
            OrderRequest::Query { symbol: symbol(), order: by_client() },
            "order.status",
            json!({"symbol": "BTCUSDT", "origClientOrderId": "e1-1"}),
        ),
        (
            OrderRequest::CancelAll { symbol: Some(symbol()) },
            "openOrders.cancelAll",
            json!({"symbol": "BTCUSDT"}),
        ),
        (OrderRequest::OpenOrders { symbol: None }, "openOrders.status", json!({})),
        (
            OrderRequest::OpenOrders { symbol: Some(symbol()) },
            "openOrders.status",
            json!({"symbol": "BTCUSDT"}),
        ),
        (OrderRequest::Balances, "account.status", json!({"omitZeroBalances": true})),
        (
            OrderRequest::Fills { symbol: symbol(), since: FillsSince::Order("12".to_owned()) },
            "myTrades",
            json!({"symbol": "BTCUSDT", "orderId": 12, "limit": 1_000}),
        ),
        (
            OrderRequest::Fills { symbol: symbol(), since: FillsSince::Moment(TIME.at) },
            "myTrades",
            json!({"symbol": "BTCUSDT", "startTime": 1_645_423_376_532_i64, "limit": 1_000}),
        ),
        (
            OrderRequest::Fills { symbol: symbol(), since: FillsSince::Trade(7) },
            "myTrades",
            json!({"symbol": "BTCUSDT", "fromId": 7, "limit": 1_000}),
        ),
    ] {
        assert_eq!(call(&request), (method.to_owned(), params));
    }
    let query = OrderRequest::Query { symbol: symbol(), order: by_venue("O-1") };
    assert!(ApiCall::of(&query).is_err(), "its ids are numbers");
    assert!(ApiCall::of(&OrderRequest::Permissions).is_err());
    assert!(ApiCall::of(&OrderRequest::CancelAll { symbol: None }).is_err());
}

/// Method and parameters of a signed message, whose signature holds.
fn verified(message: &str) -> (String, Value) {
    let mut json: Value = serde_json::from_str(message).unwrap();
    let params = json["params"].as_object_mut().unwrap();
    let signature = params.remove("signature").unwrap();
    let mut pairs: Vec<String> = params
        .iter()
        .map(|(name, value)| {
            format!("{name}={}", value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        })
        .collect();
    pairs.sort();
    let signature = base64::engine::general_purpose::STANDARD.decode(signature.as_str().unwrap()).unwrap();
    let key = key();
    let public = UnparsedPublicKey::new(&ED25519, key.public().unwrap());
    public.verify(pairs.join("&").as_bytes(), &signature).unwrap();
    (json["method"].as_str().unwrap().to_owned(), json["params"].take())
}

#[test]
fn a_signed_call_signs_all_it_says() {
    let key = key();
    let signed = |call: ApiCall| verified(&call.message("a1", TIME, Authority::Key(&key)));
    let (method, params) = signed(ApiCall::log_on());
    assert_eq!(method, "session.logon");
    let said = json!({"recvWindow": 2_000, "timestamp": 1_645_423_376_532_i64, "apiKey": "TESTKEY"});
    assert_eq!(params, said);
    let (method, params) = signed(ApiCall::subscribe(Authority::Key(&key)));
    assert_eq!((method.as_str(), params), ("userDataStream.subscribe.signature", said));
    let request = order(NewOrderKind::Market, TimeInForce::Gtc, Posting::Any);
    let (method, params) = signed(ApiCall::of(&request).unwrap());
    assert_eq!((method.as_str(), &params["newClientOrderId"]), ("order.place", &json!("e1-000000000001")));
    let (_, params) = signed(ApiCall::of(&OrderRequest::Balances).unwrap());
    assert_eq!(params["omitZeroBalances"], true);
}

#[test]
fn a_session_that_has_logged_on_subscribes_with_nothing_at_all() {
    let message = ApiCall::subscribe(Authority::Session).message("u1", TIME, Authority::Session);
    assert_eq!(message, r#"{"id":"u1","method":"userDataStream.subscribe"}"#);
}

#[test]
fn the_permissions_of_a_key_are_asked_by_rest() {
    let path = permissions_path(&key(), CallTime { window_ms: 90_000, ..TIME });
    let begin = "/sapi/v1/account/apiRestrictions?recvWindow=60000&timestamp=1645423376532&signature=";
    assert!(path.starts_with(begin) && path.ends_with("%3D%3D"), "{path}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_the_symbol_and_the_id_the_signature_holds(symbol in "\\PC{0,12}", id in "\\PC{0,40}") {
        let request = OrderRequest::Cancel { symbol: symbol.clone(), order: OrderName::Client(id.clone()) };
        let message = ApiCall::of(&request).unwrap().message(&id, TIME, Authority::Key(&key()));
        let (_, params) = verified(&message);
        prop_assert_eq!((params["symbol"].as_str(), params["origClientOrderId"].as_str()), (Some(symbol.as_str()), Some(id.as_str())));
    }
}
