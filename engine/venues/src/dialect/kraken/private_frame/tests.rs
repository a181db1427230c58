//! What the private WebSocket says, good and bad.

use engine_core::fill::Liquidity;
use engine_core::market::Side;
use engine_core::num::Decimal;
use engine_core::time::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::account_message::{
    AccountSnapshot, Balance, BalanceChange, Fee, OrderReport, OrderStatus, Transfer, TransferKind, VenueFill,
};
use crate::outcome::{HaltCause, Outcome, Words};
use crate::signed_decimal::signed_decimal;
use crate::venue_time::from_rfc3339;

/// The trade of the venue's page of executions.
const TRADE: &str = r#"{"channel":"executions","type":"update","data":[{"order_id":"OK4GJX-KSTLS-7DZZO5","cl_ord_id":"e1-7","order_userref":3,"exec_id":"TGBB7L-HT5LX-J3BZ4A","exec_type":"trade","trade_id":62887576,"symbol":"BTC/USD","side":"sell","last_qty":0.005,"last_price":26599.9,"liquidity_ind":"t","cost":132.9995,"order_type":"limit","timestamp":"2023-09-22T10:33:05.709993Z","order_status":"partially_filled","cum_qty":0.005,"cum_cost":132.9995,"avg_price":26599.9,"fee_usd_equiv":0.3458,"fees":[{"asset":"USD","qty":0.3458}]}],"sequence":10}"#;

fn number(text: &str) -> Decimal {
    signed_decimal(text).unwrap()
}

fn at(text: &str) -> Timestamp {
    from_rfc3339(text).unwrap()
}

fn said(text: &str) -> Vec<AccountMessage> {
    let PrivateFrame::Said { messages, .. } = PrivateFrame::parse(text).unwrap() else { panic!("{text}") };
    messages
}

fn answered(text: &str) -> (Option<u64>, OrderAnswer) {
    let PrivateFrame::Reply { id, answer } = PrivateFrame::parse(text).unwrap() else { panic!("{text}") };
    (id, answer)
}

fn order(messages: &[AccountMessage]) -> &OrderReport {
    let Some(AccountMessage::Order(report)) = messages.first() else { panic!("{messages:?}") };
    report
}

#[test]
fn a_trade_is_told_with_all_its_figures() {
    let expected = OrderReport {
        client_id: Some("e1-7".to_owned()),
        symbol: Some("BTC/USD".to_owned()),
        side: Some(Side::Sell),
        filled_qty: Some(number("0.005")),
        filled_quote: Some(number("132.9995")),
        average_price: Some(number("26599.9")),
        last_fill: Some(VenueFill {
            trade_id: "TGBB7L-HT5LX-J3BZ4A".to_owned(),
            price: number("26599.9"),
            qty: number("0.005"),
            fees: vec![Fee { amount: number("0.3458"), asset: Some("USD".to_owned()) }],
            liquidity: Some(Liquidity::Taker),
        }),
        venue_at: Some(at("2023-09-22T10:33:05.709993Z")),
        ..OrderReport::of("OK4GJX-KSTLS-7DZZO5".to_owned(), OrderStatus::PartiallyFilled, "partially_filled")
    };
    assert_eq!(
        said(TRADE),
        [AccountMessage::Order(Box::new(expected)), AccountMessage::Sequence { number: 10 }]
    );
}

#[test]
fn what_the_rounding_of_a_cost_takes_is_a_fee_in_the_quote_currency() {
    let rounded = TRADE.replace(r#""cost":132.9995"#, r#""cost":132.999"#);
    let fill = order(&said(&rounded)).last_fill.clone().unwrap();
    let usd = Fee { amount: number("0.3458"), asset: Some("USD".to_owned()) };
    assert_eq!(fill.fees[..1], [usd]);
    assert_eq!((fill.fees[1].amount.to_string().as_str(), &fill.fees[1].asset), ("0.0005", &None));
}

#[test]
fn what_is_said_is_said_on_a_channel() {
    let channel = |text: &str| match PrivateFrame::parse(text).unwrap() {
        PrivateFrame::Said { channel, .. } => channel,
        PrivateFrame::Reply { .. } => panic!("{text}"),
    };
    assert_eq!(channel(TRADE), Some(PrivateChannel::Executions));
    assert_eq!(
        channel(r#"{"channel":"balances","type":"update","data":[]}"#),
        Some(PrivateChannel::Balances)
    );
    assert_eq!(channel(r#"{"channel":"heartbeat"}"#), None);
}

#[test]
fn every_status_is_known_and_a_message_may_leave_out_nearly_all() {
    for (word, expected) in [
        ("pending_new", OrderStatus::Pending),
        ("new", OrderStatus::Working),
        ("filled", OrderStatus::Filled),
        ("canceled", OrderStatus::Cancelled),
        ("expired", OrderStatus::Expired),
        ("rejected", OrderStatus::Rejected),
        ("of_tomorrow", OrderStatus::Unknown),
    ] {
        let text = format!(
            r#"{{"channel":"executions","type":"update","data":[{{"timestamp":"2025-02-10T02:55:15.922831Z","order_status":"{word}","exec_type":"{word}","order_id":"OF6QIS-MYM6V-XTHHZF","cancel_reason":"User requested"}}],"sequence":3}}"#
        );
        let messages = said(&text);
        let report = order(&messages);
        assert_eq!((report.status, &report.symbol, &report.last_fill), (expected, &None, &None));
        assert_eq!(report.reason.as_deref(), Some("User requested"));
    }
    // That all was filled is told once more, without a trade.
    let filled = TRADE.replace(r#""exec_type":"trade""#, r#""exec_type":"filled""#);
    assert_eq!(order(&said(&filled)).last_fill, None);
}

/// What moves is the amount less its fee.
#[test]
fn balances_are_told_whole_and_then_by_what_changed_them() {
    let snapshot = r#"{"channel":"balances","type":"snapshot","data":[{"asset":"BTC","asset_class":"currency","balance":1.2,"wallets":[{"type":"spot","id":"main","balance":1.2}]},{"asset":"USD","balance":-20.5}],"sequence":1}"#;
    let balance =
        |asset: &str, free: &str| Balance { asset: asset.to_owned(), free: number(free), locked: None };
    let all = AccountSnapshot {
        balances: vec![balance("BTC", "1.2"), balance("USD", "-20.5")],
        may_trade: None,
        venue_at: None,
    };
    assert_eq!(said(snapshot), [AccountMessage::Snapshot(all), AccountMessage::Sequence { number: 1 }]);
    let update = r#"{"channel":"balances","type":"update","data":[{"ledger_id":"AAICKV","ref_id":"AGBB7L","timestamp":"2023-09-22T10:33:05.710082Z","type":"KIND","asset":"BTC","amount":-0.004,"fee":0.001,"balance":0.005}],"sequence":9}"#;
    let venue_at = Some(at("2023-09-22T10:33:05.710082Z"));
    let changed =
        AccountMessage::BalanceChange(BalanceChange { balances: vec![balance("BTC", "0.005")], venue_at });
    let sequence = AccountMessage::Sequence { number: 9 };
    assert_eq!(said(&update.replace("KIND", "trade")), [changed.clone(), sequence.clone()]);
    for (word, kind) in [
        ("withdrawal", TransferKind::External),
        ("deposit", TransferKind::External),
        ("staking", TransferKind::Other("staking".to_owned())),
    ] {
        let (asset, amount) = ("BTC".to_owned(), number("-0.005"));
        let moved = AccountMessage::Transfer(Transfer { asset, amount, kind, venue_at });
        assert_eq!(said(&update.replace("KIND", word)), [moved, changed.clone(), sequence.clone()]);
    }
}

#[test]
fn every_answer_means_one_thing() {
    let words = |text: &str| Words {
        code: text.split_once(':').map(|(category, _)| category.to_owned()),
        text: text.to_owned(),
    };
    let (id, answer) = answered(
        r#"{"method":"add_order","req_id":42,"success":true,"result":{"order_id":"OABCDE","cl_ord_id":"e1-7","warnings":["deprecated"]}}"#,
    );
    let placed = order(&answer.messages);
    assert_eq!((id, &answer.outcome, placed.status), (Some(42), &Outcome::Answered, OrderStatus::Pending));
    assert_eq!((placed.order_id.as_str(), placed.client_id.as_deref()), ("OABCDE", Some("e1-7")));
    let (_, answer) =
        answered(r#"{"method":"cancel_order","req_id":1,"success":true,"result":{"order_id":"OABCDE"}}"#);
    assert_eq!(order(&answer.messages).status, OrderStatus::CancelPending);
    let (_, answer) = answered(r#"{"method":"cancel_order","success":true,"result":{}}"#);
    assert_eq!((answer.outcome, answer.messages), (Outcome::Answered, Vec::new()));
    let subscribed = r#"{"method":"subscribe","result":{"channel":"executions","snap_orders":true},"success":true,"req_id":3}"#;
    let subscription = AccountMessage::Subscribed { subscription: "executions".to_owned() };
    assert_eq!(answered(subscribed).1.messages, [subscription]);
    for (text, expected) in [
        (
            r#"{"method":"add_order","success":false,"error":"EOrder:Insufficient funds"}"#,
            Outcome::Rejected(words("EOrder:Insufficient funds")),
        ),
        (
            r#"{"method":"add_order","success":false,"error":"EService:Unavailable"}"#,
            Outcome::Unknown(words("EService:Unavailable")),
        ),
        (
            r#"{"method":"cancel_order","success":false,"error":"EOrder:Unknown order"}"#,
            Outcome::NotOpen(words("EOrder:Unknown order")),
        ),
        (
            r#"{"method":"subscribe","success":false,"error":"ESession:Invalid session"}"#,
            Outcome::Halt(HaltCause::Session, words("ESession:Invalid session")),
        ),
        (
            r#"{"method":"cancel_all_orders_after","success":true,"result":{"currentTime":"a","triggerTime":"b"}}"#,
            Outcome::Answered,
        ),
    ] {
        assert_eq!(answered(text).1, OrderAnswer::bare(expected), "{text}");
    }
}

#[test]
fn what_cannot_be_read_after_it_was_sent_for_is_unknown() {
    for text in [
        r#"{"method":"add_order","success":true}"#,
        r#"{"method":"add_order","success":true,"result":{"order_id":7}}"#,
        r#"{"method":"add_order","success":true,"result":[]}"#,
        r#"{"method":"add_order","success":false}"#,
        r#"{"method":"add_order"}"#,
        r#"{"method":"batch_add","success":true,"result":{}}"#,
        r#"{"success":false,"error":"whatever"}"#,
        "{}",
    ] {
        assert!(matches!(answered(text).1.outcome, Outcome::Unknown(_)), "{text}");
    }
    for text in ["", "[]", "7", r#"{"method":"add_order","req_id":-1}"#, r#"{"channel":"executions"}"#] {
        assert!(PrivateFrame::parse(text).is_err(), "{text}");
    }
}

#[test]
fn signs_of_life_and_the_unknown_are_told() {
    assert_eq!(said(r#"{"channel":"heartbeat"}"#), [AccountMessage::Heartbeat]);
    assert_eq!(said(r#"{"method":"pong","req_id":7}"#), [AccountMessage::Heartbeat]);
    let unknown = AccountMessage::Unknown { kind: "level3".to_owned() };
    assert_eq!(said(r#"{"channel":"level3","data":[]}"#), [unknown]);
}

#[test]
fn hostile_numbers_are_errors() {
    for hostile in ["-1", "1e5", r#""NaN""#, r#""""#, "{}", "true", "999999999999999999999999999999"] {
        for good in [r#""last_qty":0.005"#, r#""cum_qty":0.005"#, r#""last_price":26599.9"#] {
            let name = good.split_once(':').unwrap().0;
            let text = TRADE.replace(good, &format!("{name}:{hostile}"));
            assert!(PrivateFrame::parse(&text).is_err(), "{name}: {hostile}");
        }
    }
    let rebate = TRADE.replace(r#""qty":0.3458"#, r#""qty":-0.3458"#);
    let fill = order(&said(&rebate)).last_fill.clone().unwrap();
    assert_eq!(fill.fees[0].amount, number("-0.3458"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_text_panics(text in "\\PC{0,120}", at in 0_usize..560, junk in "[\\PC\"{}\\[\\]:,0-9eE.+-]{0,8}") {
        let mut changed: String = TRADE.chars().take(at).collect();
        changed.push_str(&junk);
        changed.extend(TRADE.chars().skip(at + 3));
        let _ = (PrivateFrame::parse(&text), PrivateFrame::parse(&changed));
    }
}
