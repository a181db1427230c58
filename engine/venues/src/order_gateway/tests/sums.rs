//! A venue that tells of orders in sums alone, and what they have traded only where it is asked.

use super::*;
use crate::order_request::FillsSince;

/// The report of order 1, of which so much has traded.
fn sum(status: OrderStatus, filled: &str) -> OrderReport {
    OrderReport { filled_qty: Some(decimal(filled).unwrap()), ..report(1, "v1", status) }
}

fn fill(order: &str, id: &str, qty: &str) -> AccountMessage {
    AccountMessage::Fill(FillReport {
        order_id: order.into(),
        symbol: "BTCUSDT".into(),
        side: Side::Buy,
        fill: trade(id, qty, ("0.01", "USDT")),
        venue_at: at(3),
    })
}

/// The number of the one question that is asked, which is for the trades of order `name`.
fn asked_for_trades_of(gateway: &mut OrderGateway, name: &str) -> u64 {
    let made = requests(gateway);
    let [(number, OrderRequest::Fills { since: FillsSince::Order(order), .. })] = made.as_slice() else {
        panic!("{made:?}")
    };
    assert_eq!(order, name);
    *number
}

#[test]
fn what_the_sums_are_ahead_is_asked_for_once_and_again_until_its_trades_are_told() {
    let mut gateway = ready();
    let number = placed(&mut gateway);
    gateway.answered(at(3), number, OrderAnswer::saying(vec![told(report(1, "v1", OrderStatus::Pending))]));
    assert_eq!(inputs(&mut gateway), ["order_named", "accepted"]);
    gateway.told(at(4), told(sum(OrderStatus::PartiallyFilled, "0.0002")));
    let number = asked_for_trades_of(&mut gateway, "v1");
    gateway.told(at(5), told(sum(OrderStatus::PartiallyFilled, "0.0004")));
    assert!(requests(&mut gateway).is_empty(), "it is being asked");
    gateway.answered(at(6), number, OrderAnswer::saying(vec![fill("v1", "1", "0.0002")]));
    assert_eq!(inputs(&mut gateway), ["filled 20000"]);
    let number = asked_for_trades_of(&mut gateway, "v1");
    gateway.answered(at(7), number, OrderAnswer::saying(vec![fill("v1", "1", "0.0002")]));
    assert!(requests(&mut gateway).is_empty() && inputs(&mut gateway).is_empty(), "the list lags behind");
    gateway.tick(at(1_000));
    assert!(requests(&mut gateway).is_empty(), "the venue holds what is not told yet: no statement");
    gateway.tick(at(1_007));
    let number = asked_for_trades_of(&mut gateway, "v1");
    let trades = vec![fill("v1", "1", "0.0002"), fill("v1", "2", "0.0002")];
    gateway.answered(at(1_008), number, OrderAnswer::saying(trades));
    assert_eq!(inputs(&mut gateway), ["filled 20000"]);
    gateway.told(at(1_009), told(sum(OrderStatus::Cancelled, "0.0004")));
    assert_eq!(inputs(&mut gateway), ["cancelled"]);
    assert!(requests(&mut gateway).is_empty());
}

#[test]
fn an_order_that_fails_after_it_was_taken_has_expired() {
    let mut gateway = ready();
    let number = placed(&mut gateway);
    gateway.answered(at(3), number, OrderAnswer::saying(vec![told(report(1, "v1", OrderStatus::Pending))]));
    let failed =
        OrderReport { reason: Some("no liquidity".into()), ..report(1, "v1", OrderStatus::Rejected) };
    gateway.told(at(4), told(failed.clone()));
    gateway.told(at(5), told(failed));
    assert_eq!(inputs(&mut gateway), ["order_named", "accepted", "order_explained", "expired"]);
}

#[test]
fn what_others_traded_is_asked_for_when_their_orders_are_told() {
    let mut gateway = ready();
    let by_hand = |filled: &str| OrderReport {
        client_id: Some("web_1".into()),
        filled_qty: Some(decimal(filled).unwrap()),
        ..report(9, "hand", OrderStatus::Working)
    };
    gateway.told(at(1), told(by_hand("0")));
    assert!(requests(&mut gateway).is_empty());
    gateway.told(at(2), told(by_hand("0.0001")));
    let made = requests(&mut gateway);
    let [(number, OrderRequest::Fills { since: FillsSince::Moment(_), .. })] = made.as_slice() else {
        panic!("{made:?}")
    };
    gateway.answered(at(3), *number, OrderAnswer::saying(vec![fill("hand", "5", "0.0001")]));
    assert_eq!(inputs(&mut gateway), ["foreign hand"]);
    gateway.told(at(4), told(by_hand("0.0001")));
    assert!(requests(&mut gateway).is_empty(), "that is known");
}

#[test]
fn the_answer_to_an_order_is_heard_though_its_connection_is_gone() {
    let mut gateway = ready();
    let number = placed(&mut gateway);
    gateway.disconnected(at(3));
    gateway.answered(at(4), number, OrderAnswer::saying(vec![told(report(1, "v1", OrderStatus::Pending))]));
    assert_eq!(inputs(&mut gateway), ["order_unanswered", "order_named", "accepted"]);
    let mut gateway = ready();
    let number = placed(&mut gateway);
    gateway.disconnected(at(3));
    gateway.answered(at(4), number, OrderAnswer::bare(Outcome::Rejected(words("insufficient fund"))));
    assert_eq!(inputs(&mut gateway), ["order_unanswered", "order_explained", "rejected(nobalance)"]);
    let mut gateway = ready();
    let number = placed(&mut gateway);
    gateway.disconnected(at(3));
    gateway.answered(at(4), number, OrderAnswer::bare(Outcome::Wait(Wait::For(Span::SECOND), words("slow"))));
    assert_eq!(gateway.pause_over_at(), Some(at(1_004)), "a pause holds, whoever was told of it");
}

#[test]
fn a_question_beside_the_connection_waits_for_its_turn() {
    let mut gateway = ready();
    gateway.tick(at(1));
    let made = requests(&mut gateway);
    let [(number, OrderRequest::Balances)] = made.as_slice() else { panic!("{made:?}") };
    gateway.sent(at(1), *number);
    gateway.goes_beside(*number);
    gateway.tick(at(60_000));
    assert!(gateway.may_go_on(at(60_000), *number) && requests(&mut gateway).is_empty());
    let mut gateway = ready();
    let number = placed(&mut gateway);
    gateway.goes_beside(number);
    gateway.tick(at(20_000));
    assert!(!gateway.may_go_on(at(20_000), number), "an order does not");
    assert_eq!(inputs(&mut gateway), ["order_unanswered"]);
}
