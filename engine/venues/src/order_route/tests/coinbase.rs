//! The same in Coinbase's words: sums in a channel, everything else by REST.

use super::*;

#[test]
fn orders_of_every_kind_come_back() {
    every_kind_of_order_comes_back(&COINBASE);
}

#[test]
fn answers_and_requests_that_are_lost_leave_one_order_or_none() {
    lives_through(
        &COINBASE,
        &[
            (OrderFault::AckLost { n: 1, on: Place }, Then::Fills),
            (OrderFault::RequestLost { n: 1, on: Place }, Then::IsCancelled),
            (OrderFault::AckLost { n: 1, on: Cancel }, Then::IsCancelled),
            (OrderFault::AckLost { n: 1, on: Place }, Then::Dies),
        ],
    );
}

#[test]
fn answers_and_requests_that_are_late_leave_one_order() {
    lives_through(
        &COINBASE,
        &[
            (OrderFault::AckDelay { ms: 1_500, n: 1, on: Any }, Then::IsCancelled),
            (OrderFault::AckDelay { ms: 1_500, n: 1, on: Any }, Then::Dies),
            (OrderFault::RequestDelay { ms: 800, n: 1, on: Place }, Then::IsCancelled),
            (OrderFault::RequestDelay { ms: 800, n: 1, on: Place }, Then::Dies),
        ],
    );
}

#[test]
fn an_order_whose_token_is_over_when_it_comes_is_not_there() {
    lives_through(&COINBASE, &[(OrderFault::RequestDelay { ms: 5_500, n: 1, on: Place }, Then::IsCancelled)]);
}

#[test]
fn outcomes_that_are_unknown_and_fills_in_parts_leave_one_order() {
    let unknown = |done| OrderFault::OutcomeUnknown { done, code: -1_007, status: 503, n: 1, on: Place };
    lives_through(
        &COINBASE,
        &[
            (unknown(true), Then::Fills),
            (unknown(false), Then::IsCancelled),
            (OrderFault::FillBeforeAck { n: 1 }, Then::Fills),
            (OrderFault::Partial { n: 4 }, Then::Fills),
        ],
    );
}

#[test]
fn orders_of_others_cuts_and_pauses_leave_books_that_agree() {
    let running = COINBASE.begun(None);
    let mut process = Process::begin(&running);
    process.until("the first statement", Process::agrees);
    let fault = |text: &str| running.fault(Fault::from_json(text).unwrap()).unwrap();
    let ours = |process: &mut Process| {
        process.mark(price_of(&running));
        process.place(Side::Buy, OrderKind::Market, 40)
    };
    for by in [
        r#"{"verb":"phantom_order","symbol":"BTC-USD","side":"BUY","quantity":"0.00123"}"#,
        r#"{"verb":"drop_conn","how":"reset"}"#,
        r#"{"verb":"gap","stream":"user","k":2}"#,
        r#"{"verb":"order_ban","secs":2}"#,
        r#"{"verb":"phantom_order","symbol":"BTC-USD","side":"SELL","quantity":"0.00123"}"#,
        r#"{"verb":"drop_conn","how":"no_close"}"#,
    ] {
        let before = ours(&mut process);
        fault(by);
        let behind = ours(&mut process);
        for order in [before, behind].into_iter().flatten() {
            process.until(&format!("an order to be over under {by}"), |process| {
                process.core.state().open_order(order).is_none()
            });
        }
    }
    process.settle(&running);
    assert!(running.truth().orders().unwrap().iter().filter(|order| order.by_hand).count() == 2);
}
