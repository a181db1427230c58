//! Kraken: orders on its WebSocket, questions by REST.

use super::*;

#[test]
fn orders_of_every_kind_come_back_as_what_the_exchange_made_of_them() {
    every_kind_of_order_comes_back(&KRAKEN);
}

#[test]
fn what_the_venue_rounds_a_cost_by_is_booked_to_the_last_digit() {
    let ground = KRAKEN.begun(None);
    let mut process = Process::begin(&ground);
    process.until("the first statement", Process::agrees);
    process.mark(price_of(&ground));
    for (side, units) in [(Side::Buy, 123_457), (Side::Buy, 99_999), (Side::Sell, 77_773)] {
        ground.fault(Fault::Order(OrderFault::Partial { n: 3 })).unwrap();
        let order = process.place_qty(side, OrderKind::Market, Qty::from_units(units)).unwrap();
        process.until("a fill", |process| process.core.state().open_order(order).is_none());
    }
    process.settle(&ground);
}

#[test]
fn an_answer_that_is_lost_or_late_leaves_one_order() {
    lives_through(&KRAKEN, &ANSWERS);
}

#[test]
fn a_request_that_is_lost_or_late_leaves_one_order_or_none() {
    lives_through(&KRAKEN, &REQUESTS);
}

#[test]
fn an_outcome_that_is_unknown_and_fills_in_parts_leave_one_order() {
    lives_through(&KRAKEN, &OUTCOMES);
}

/// Messages that never come, and orders of others; what was missed is known a moment later.
#[test]
fn a_message_that_is_missing_and_orders_by_hand_are_found_out() {
    let ground = KRAKEN.begun(None);
    let mut process = Process::begin(&ground);
    process.until("the first statement", Process::agrees);
    for lost in ["executions", "balances"] {
        process.mark(price_of(&ground));
        ground.fault(Fault::Gap { stream: lost.to_owned(), k: 1 }).unwrap();
        let order = process.place(Side::Buy, OrderKind::Market, 50).unwrap();
        process.until("a fill", |process| process.core.state().open_order(order).is_none());
        let by_hand = r#"{"verb":"phantom_order","symbol":"BTCUSD","side":"SELL","quantity":"0.00100"}"#;
        ground.fault(Fault::from_json(by_hand).unwrap()).unwrap();
        ground.fault(Fault::from_json(r#"{"verb":"drop_conn","how":"reset"}"#).unwrap()).unwrap();
    }
    process.settle(&ground);
}

#[test]
fn in_a_pause_nothing_is_asked() {
    let ground = KRAKEN.begun(None);
    let mut process = Process::begin(&ground);
    process.until("the first statement", Process::agrees);
    process.mark(price_of(&ground));
    ground.fault(Fault::Order(OrderFault::OrderBan { secs: 3 })).unwrap();
    let order = process.place(Side::Buy, OrderKind::Market, 50).unwrap();
    process.until("its refusal", |process| process.core.state().open_order(order).is_none());
    process.settle(&ground);
}
