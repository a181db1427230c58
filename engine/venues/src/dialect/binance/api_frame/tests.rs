//! What Binance says of orders and accounts, good and bad.

use engine_core::fill::Liquidity;
use engine_core::market::Side;
use engine_core::num::Decimal;
use engine_core::time::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::account_message::{
    AccountSnapshot, Balance, BalanceChange, Fee, FillReport, OrderListReport, OrderReport, OrderStatus,
    Permissions, Transfer, TransferKind, VenueFill,
};
use crate::decimal::decimal;
use crate::outcome::{HaltCause, Wait, Words};
use crate::signed_decimal::signed_decimal;

const MILLIS: TimeUnit = TimeUnit::Milliseconds;

/// The report of `exchange-protocols` 1.1.6.
const TRADE: &str = r#"{"e":"executionReport","E":1784000000200,"s":"BTCUSDT","c":"e1-000000000042","S":"BUY","o":"LIMIT","f":"GTC","q":"0.00200000","p":"64000.00","P":"0.00","F":"0.00","g":-1,"C":"","x":"TRADE","X":"PARTIALLY_FILLED","r":"NONE","i":4293153,"l":"0.00050000","z":"0.00050000","L":"64000.00","n":"0.00000050","N":"BTC","T":1784000000199,"t":98765432,"I":8641984,"w":true,"m":true,"M":false,"O":1783999990000,"Z":"32.00000000","Y":"32.00000000","Q":"0.00","W":1783999990000,"V":"EXPIRE_TAKER"}"#;

fn number(text: &str) -> Decimal {
    decimal(text).unwrap()
}

fn millis(count: i64) -> Timestamp {
    Timestamp::from_millis(count).unwrap()
}

fn told(event: &str) -> AccountMessage {
    let wrapped = format!(r#"{{"subscriptionId":0,"event":{event}}}"#);
    let ApiFrame::Event(message) = ApiFrame::parse(&wrapped, MILLIS).unwrap() else { panic!("{event}") };
    assert_eq!(super::event(event, MILLIS).unwrap(), message, "wrapped or not");
    message
}

fn order_told(event: &str) -> OrderReport {
    let AccountMessage::Order(report) = told(event) else { panic!("{event}") };
    *report
}

fn reply(text: &str) -> Reply {
    let ApiFrame::Reply(reply) = ApiFrame::parse(text, MILLIS).unwrap() else { panic!("{text}") };
    reply
}

fn done(method: Method, result: &str) -> OrderAnswer {
    let text = format!(r#"{{"id":"1","status":200,"result":{result},"rateLimits":[]}}"#);
    reply(&text).answer(method, MILLIS)
}

#[test]
fn a_trade_is_told_with_all_its_figures() {
    let expected = OrderReport {
        client_id: Some("e1-000000000042".to_owned()),
        symbol: Some("BTCUSDT".to_owned()),
        side: Some(Side::Buy),
        qty: Some(number("0.00200000")),
        filled_qty: Some(number("0.00050000")),
        filled_quote: Some(number("32.00000000")),
        last_fill: Some(VenueFill {
            trade_id: "98765432".to_owned(),
            price: number("64000.00"),
            qty: number("0.00050000"),
            fees: vec![Fee { amount: number("0.00000050"), asset: Some("BTC".to_owned()) }],
            liquidity: Some(Liquidity::Maker),
        }),
        report_id: Some("8641984".to_owned()),
        venue_at: Some(millis(1_784_000_000_199)),
        ..OrderReport::of("4293153".to_owned(), OrderStatus::PartiallyFilled, "PARTIALLY_FILLED")
    };
    assert_eq!(order_told(TRADE), expected);
}

#[test]
fn every_status_is_known_and_a_new_one_ends_nothing() {
    for (x, word, expected) in [
        ("NEW", "NEW", OrderStatus::Working),
        ("NEW", "PENDING_NEW", OrderStatus::Pending),
        ("CANCELED", "CANCELED", OrderStatus::Cancelled),
        ("REPLACED", "CANCELED", OrderStatus::Cancelled),
        ("REJECTED", "REJECTED", OrderStatus::Rejected),
        ("EXPIRED", "EXPIRED", OrderStatus::Expired),
        ("TRADE_PREVENTION", "EXPIRED_IN_MATCH", OrderStatus::Expired),
        ("TRADE_PREVENTION", "NEW", OrderStatus::Working),
        ("NEW", "PENDING_CANCEL", OrderStatus::CancelPending),
        ("SOMETHING", "OF_TOMORROW", OrderStatus::Unknown),
    ] {
        let event = TRADE
            .replace(r#""x":"TRADE""#, &format!(r#""x":"{x}""#))
            .replace("PARTIALLY_FILLED", word)
            .replace("98765432", "-1");
        let report = order_told(&event);
        assert_eq!((report.status, report.status_word.as_str()), (expected, word));
        assert_eq!(report.last_fill, None, "{x}");
        assert!(!OrderStatus::Unknown.is_final());
    }
    assert_eq!(order_told(&TRADE.replace("PARTIALLY_FILLED", "FILLED")).status, OrderStatus::Filled);
}

#[test]
fn a_cancel_is_told_by_the_id_of_its_order() {
    let cancel = TRADE
        .replace(r#""C":"""#, r#""C":"e1-000000000041""#)
        .replace(r#""x":"TRADE""#, r#""x":"CANCELED""#)
        .replace(r#""r":"NONE""#, r#""r":"NONE","eR":"INSUFFICIENT_LIQUIDITY""#);
    let report = order_told(&cancel);
    assert_eq!(report.client_id.as_deref(), Some("e1-000000000041"));
    assert_eq!(report.reason.as_deref(), Some("INSUFFICIENT_LIQUIDITY"));
    let refused = TRADE.replace(r#""r":"NONE""#, r#""r":"INSUFFICIENT_BALANCES""#);
    assert_eq!(order_told(&refused).reason.as_deref(), Some("INSUFFICIENT_BALANCES"));
    let nameless = TRADE.replace(r#""c":"e1-000000000042""#, r#""c":"""#);
    assert_eq!(order_told(&nameless).client_id, None);
}

#[test]
fn a_fee_may_be_a_rebate_or_nothing() {
    let fees = |n: &str, asset: &str| {
        let event = TRADE.replace(r#""n":"0.00000050","N":"BTC""#, &format!(r#""n":{n},"N":{asset}"#));
        super::event(&event, MILLIS).map(|message| {
            let AccountMessage::Order(report) = message else { panic!("an order") };
            report.last_fill.unwrap().fees
        })
    };
    let rebate = Fee { amount: signed_decimal("-0.01").unwrap(), asset: Some("BNB".to_owned()) };
    assert_eq!(fees(r#""-0.01""#, r#""BNB""#), Ok(vec![rebate]));
    assert_eq!(fees(r#""0""#, "null"), Ok(Vec::new()));
    assert_eq!(fees("null", "null"), Ok(Vec::new()));
    assert!(fees(r#""0.1""#, "null").is_err(), "of what?");
}

#[test]
fn times_count_in_the_unit_that_was_asked_for() {
    let micros = TRADE.replace("1784000000199", "1784000000199123");
    let AccountMessage::Order(report) = super::event(&micros, TimeUnit::Microseconds).unwrap() else {
        panic!("an order")
    };
    assert_eq!(report.venue_at, Some(Timestamp::from_nanos(1_784_000_000_199_123_000)));
}

#[test]
fn every_other_event_of_the_account_is_read() {
    let balance = |asset: &str, free: &str, locked: &str| Balance {
        asset: asset.to_owned(),
        free: number(free),
        locked: Some(number(locked)),
    };
    let transfer = |asset: &str, amount: &str, kind| {
        let amount = signed_decimal(amount).unwrap();
        AccountMessage::Transfer(Transfer {
            asset: asset.to_owned(),
            amount,
            kind,
            venue_at: Some(millis(7)),
        })
    };
    let cases = [
        (
            r#"{"e":"outboundAccountPosition","E":9,"u":8,"B":[{"a":"ETH","f":"10.5","l":"0.0"},{"a":"币","f":"1","l":"2"}]}"#,
            AccountMessage::BalanceChange(BalanceChange {
                balances: vec![balance("ETH", "10.5", "0.0"), balance("币", "1", "2")],
                venue_at: Some(millis(8)),
            }),
        ),
        (
            r#"{"e":"balanceUpdate","E":9,"a":"BTC","d":"-100.00000000","T":7}"#,
            transfer("BTC", "-100.00000000", TransferKind::External),
        ),
        (
            r#"{"e":"externalLockUpdate","E":9,"a":"NEO","d":"10.00000000","T":7}"#,
            transfer("NEO", "10.00000000", TransferKind::Lock),
        ),
        (
            r#"{"e":"listStatus","E":9,"s":"ETHBTC","g":2,"c":"OCO","l":"EXEC_STARTED","L":"EXECUTING","r":"NONE","C":"F4QN","T":7,"O":[{"s":"ETHBTC","i":17,"c":"a"},{"s":"ETHBTC","i":18,"c":"b"}]}"#,
            AccountMessage::OrderList(OrderListReport {
                list_id: "2".to_owned(),
                client_id: Some("F4QN".to_owned()),
                symbol: "ETHBTC".to_owned(),
                status_word: "EXECUTING".to_owned(),
                order_ids: vec!["17".to_owned(), "18".to_owned()],
                venue_at: Some(millis(7)),
            }),
        ),
        (
            r#"{"e":"eventStreamTerminated","E":9}"#,
            AccountMessage::SessionEnded {
                reason: "eventStreamTerminated".to_owned(),
                venue_at: Some(millis(9)),
            },
        ),
        (r#"{"e":"serverShutdown","E":9}"#, AccountMessage::ServerShutdown { venue_at: Some(millis(9)) }),
        (r#"{"e":"newThing","E":9}"#, AccountMessage::Unknown { kind: "newThing".to_owned() }),
        ("{}", AccountMessage::Unknown { kind: "object without a name".to_owned() }),
    ];
    for (event, expected) in cases {
        assert_eq!(told(event), expected);
    }
}

#[test]
fn a_new_order_is_answered_with_its_trades() {
    let full = r#"{"symbol":"BTCUSDT","orderId":28,"orderListId":-1,"clientOrderId":"e1-7","transactTime":1507725176595,"price":"0.0","origQty":"6","executedQty":"6.0","origQuoteOrderQty":"0","cummulativeQuoteQty":"23997","status":"FILLED","timeInForce":"GTC","type":"MARKET","side":"SELL","workingTime":1,"selfTradePreventionMode":"NONE","fills":[{"price":"4000","qty":"1.0","commission":"4.0","commissionAsset":"USDT","tradeId":56},{"price":"3999.4","qty":"5","commission":"0","commissionAsset":"USDT","tradeId":57}]}"#;
    let answer = done(Method::Place, full);
    assert_eq!(answer.outcome, Outcome::Answered);
    let fill = |trade_id: &str, price: &str, qty: &str, fees| {
        AccountMessage::Fill(FillReport {
            order_id: "28".to_owned(),
            symbol: "BTCUSDT".to_owned(),
            side: Side::Sell,
            fill: VenueFill {
                trade_id: trade_id.to_owned(),
                price: number(price),
                qty: number(qty),
                fees,
                liquidity: Some(Liquidity::Taker),
            },
            venue_at: millis(1_507_725_176_595),
        })
    };
    let report = OrderReport {
        client_id: Some("e1-7".to_owned()),
        symbol: Some("BTCUSDT".to_owned()),
        side: Some(Side::Sell),
        qty: Some(number("6")),
        filled_qty: Some(number("6.0")),
        filled_quote: Some(number("23997")),
        venue_at: Some(millis(1_507_725_176_595)),
        ..OrderReport::of("28".to_owned(), OrderStatus::Filled, "FILLED")
    };
    let fee = Fee { amount: number("4.0"), asset: Some("USDT".to_owned()) };
    assert_eq!(
        answer.messages,
        [
            fill("56", "4000", "1.0", vec![fee]),
            fill("57", "3999.4", "5", Vec::new()),
            AccountMessage::Order(Box::new(report)),
        ]
    );
}

#[test]
fn an_answer_that_only_takes_the_order_leaves_it_pending() {
    let ack = r#"{"symbol":"BTCUSDT","orderId":12569099453,"orderListId":-1,"clientOrderId":"e1-8","transactTime":1660801715639}"#;
    let [AccountMessage::Order(report)] = &done(Method::Place, ack).messages[..] else { panic!("an order") };
    assert_eq!((report.status, report.order_id.as_str()), (OrderStatus::Pending, "12569099453"));
}

#[test]
fn accounts_sessions_and_keys_are_answered() {
    let account = r#"{"makerCommission":15,"canTrade":true,"canWithdraw":true,"updateTime":7,"balances":[{"asset":"BNB","free":"0.00000000","locked":"1"}]}"#;
    let snapshot = AccountMessage::Snapshot(AccountSnapshot {
        balances: vec![Balance {
            asset: "BNB".to_owned(),
            free: number("0.00000000"),
            locked: Some(number("1")),
        }],
        may_trade: Some(true),
        venue_at: Some(millis(7)),
    });
    assert_eq!(done(Method::Account, account).messages, [snapshot]);
    let session = r#"{"apiKey":"k","authorizedSince":5,"connectedSince":4,"returnRateLimits":false,"serverTime":6,"userDataStream":false}"#;
    assert_eq!(
        done(Method::LogOn, session).messages,
        [AccountMessage::LoggedOn { venue_at: Some(millis(6)) }]
    );
    let refused = session.replace(r#""authorizedSince":5"#, r#""authorizedSince":null"#);
    assert!(matches!(done(Method::LogOn, &refused).outcome, Outcome::Unknown(_)));
    let subscribed = AccountMessage::Subscribed { subscription: "0".to_owned() };
    assert_eq!(done(Method::Subscribe, r#"{"subscriptionId":0}"#).messages, [subscribed]);
    let rights = |withdraw, universal| {
        let body = format!(
            r#"{{"ipRestrict":true,"enableReading":true,"enableSpotAndMarginTrading":true,"enableWithdrawals":{withdraw},"permitsUniversalTransfer":{universal}}}"#
        );
        let messages = permissions(&body).messages;
        let [AccountMessage::Permissions(Permissions { may_view, may_trade, may_withdraw })] = messages[..]
        else {
            panic!("permissions")
        };
        assert_eq!((may_view, may_trade), (Some(true), Some(true)));
        may_withdraw
    };
    assert_eq!(rights(false, false), Some(false));
    assert_eq!((rights(true, false), rights(false, true)), (Some(true), Some(true)));
    assert!(matches!(permissions("[]").outcome, Outcome::Unknown(_)));
}

#[test]
fn an_error_is_an_outcome_and_a_revoked_key_speaks_to_nobody_in_particular() {
    let duplicate = reply(r#"{"id":"9","status":400,"error":{"code":-2010,"msg":"Duplicate order sent."}}"#);
    let words = |code: &str, text: &str| Words { code: Some(code.to_owned()), text: text.to_owned() };
    assert_eq!(duplicate.id.as_deref(), Some("9"));
    let alive = Outcome::Alive(words("-2010", "Duplicate order sent."));
    assert_eq!(duplicate.answer(Method::Place, MILLIS).outcome, alive);
    let revoked = reply(r#"{"id":null,"status":401,"error":{"code":-2015,"msg":"Invalid API-key"}}"#);
    assert_eq!(revoked.id, None);
    let halt = Outcome::Halt(HaltCause::Key, words("-2015", "Invalid API-key"));
    assert_eq!(revoked.answer(Method::Query, MILLIS).outcome, halt);
    let slow = reply(
        r#"{"id":3,"status":429,"error":{"code":-1003,"msg":"Too much","data":{"serverTime":1,"retryAfter":1659146400000}}}"#,
    );
    assert_eq!(slow.id.as_deref(), Some("3"));
    let until = Wait::Until(millis(1_659_146_400_000));
    assert_eq!(slow.answer(Method::Place, MILLIS).outcome, Outcome::Wait(until, words("-1003", "Too much")));
}

#[test]
fn what_cannot_be_read_after_it_was_sent_for_is_unknown() {
    for result in ["null", "{}", "[]", "7", r#""done""#, r#"{"orderId":-1,"symbol":"BTCUSDT"}"#] {
        for method in [Method::Place, Method::Cancel, Method::Query, Method::Account, Method::LogOn] {
            let answer = done(method, result);
            assert!(matches!(answer.outcome, Outcome::Unknown(_)), "{method:?} {result}");
            assert!(answer.messages.is_empty());
        }
    }
    for error in [
        r#"{"id":"1","status":400}"#,
        r#"{"id":"1","status":400,"error":7}"#,
        r#"{"id":"1","status":200,"error":{}}"#,
    ] {
        let outcome = reply(error).answer(Method::Place, MILLIS).outcome;
        assert!(matches!(outcome, Outcome::Unknown(_)), "{error}");
    }
    for text in ["", "<html>", "[]", r#"{"id":"1","status":-1}"#, r#"{"id":"1","status":70000}"#] {
        assert!(ApiFrame::parse(text, MILLIS).is_err(), "{text}");
    }
}

#[test]
fn a_rest_answer_is_read_by_status_and_code() {
    let read = |status, body| rest_outcome(Asked::Place, status, Some("3"), body);
    let outcome = read(
        400,
        r#"{"code":-1021,"msg":"Timestamp for this request was 1000ms ahead of the server's time."}"#,
    );
    assert!(matches!(outcome, Outcome::ResyncClock(_)), "{outcome:?}");
    assert!(matches!(read(418, "<html>"), Outcome::Halt(HaltCause::Banned(Wait::For(_)), _)));
    assert!(matches!(read(502, "<html>"), Outcome::Unknown(_)));
    assert!(matches!(read(400, "<html>"), Outcome::Unknown(_)));
}

#[test]
fn hostile_numbers_are_errors_that_name_their_field() {
    for hostile in [
        r#""NaN""#,
        "NaN",
        r#""-1""#,
        "-1",
        r#""1e5""#,
        "1e5",
        r#""""#,
        "null",
        "{}",
        "[1]",
        "true",
        r#""999999999999999999999999999999""#,
        "999999999999999999999999999999",
        r#"" 1""#,
        r#""１""#,
    ] {
        for (field, good) in [
            ("z", r#""z":"0.00050000""#),
            ("l", r#""l":"0.00050000""#),
            ("L", r#""L":"64000.00""#),
            ("T", r#""T":1784000000199"#),
            ("i", r#""i":4293153"#),
            ("t", r#""t":98765432"#),
        ] {
            let event = TRADE.replace(good, &format!(r#""{field}":{hostile}"#));
            assert_ne!(event, TRADE);
            let read = super::event(&event, MILLIS);
            // A quoted id is a text, which ids may be.
            let is_text = hostile.starts_with('"') && hostile.len() > 2 && matches!(field, "i" | "t");
            assert_eq!(read.is_ok(), is_text, "{field}: {hostile}: {read:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_text_panics(text in "\\PC{0,120}", at in 0_usize..600, junk in "[\\PC\"{}\\[\\]:,0-9eE.+-]{0,8}") {
        let mut changed: String = TRADE.chars().take(at).collect();
        changed.push_str(&junk);
        changed.extend(TRADE.chars().skip(at + 3));
        for text in [text.as_str(), changed.as_str()] {
            for unit in [MILLIS, TimeUnit::Microseconds] {
                let _ = (ApiFrame::parse(text, unit), super::event(text, unit), permissions(text));
                for method in [Method::Place, Method::OpenOrders, Method::Fills, Method::Account, Method::LogOn, Method::Subscribe] {
                    let reply = Reply { id: None, body: ReplyBody::Result(text.to_owned()), limits: Vec::new() };
                    let _ = reply.answer(method, unit);
                }
            }
            let _ = rest_outcome(Asked::Place, 400, Some(text), text);
        }
    }
}
