//! The end of an order that has traded more than was told.

use super::*;

#[test]
fn the_end_of_an_order_is_told_behind_its_trades() {
    let mut gateway = ready();
    let number = placed(&mut gateway);
    let messages = vec![told(report(1, "v1", OrderStatus::Working))];
    gateway.answered(at(3), number, OrderAnswer { outcome: Outcome::Answered, messages, next_page: None });
    assert_eq!(inputs(&mut gateway), ["order_named", "accepted"]);
    let ended = OrderReport {
        filled_qty: Some(decimal("0.0004").unwrap()),
        ..report(1, "v1", OrderStatus::Cancelled)
    };
    gateway.told(at(4), told(ended.clone()));
    assert!(inputs(&mut gateway).is_empty(), "its trade is not known");
    let asked = sent(&mut gateway, at(5));
    let fill = FillReport {
        order_id: "v1".into(),
        symbol: "BTCUSDT".into(),
        side: Side::Buy,
        fill: trade("7", "0.0004", ("0", "USDT")),
        venue_at: at(3),
    };
    let answer = |messages| OrderAnswer { outcome: Outcome::Answered, messages, next_page: None };
    gateway.answered(at(6), asked[0], answer(vec![AccountMessage::Fill(fill)]));
    assert_eq!(inputs(&mut gateway), ["filled 40000"]);
    gateway.tick(at(1_100));
    let asked = requests(&mut gateway);
    let query = asked.iter().find(|(_, request)| matches!(request, OrderRequest::Query { .. }));
    let number = query.map(|(number, _)| *number).unwrap();
    gateway.sent(at(1_101), number);
    gateway.answered(at(1_102), number, answer(vec![told(ended)]));
    assert_eq!(inputs(&mut gateway), ["cancelled"]);
}
