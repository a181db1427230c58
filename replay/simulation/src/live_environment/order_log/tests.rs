//! What the log knows after reports in any order.

use engine_core::event::{AccountBeginning, AccountStatement, FailedEffect, RejectReason, VenueOrder};
use engine_core::fill::Liquidity;
use engine_core::instrument::InstrumentId;
use engine_core::market::Side;
use engine_core::num::{Money, Price};
use engine_core::order::{OrderKind, Posting, Reach, TimeInForce};

use super::*;

fn order(number: u64) -> Order {
    Order {
        id: OrderId::new(number),
        instrument: InstrumentId::new(0),
        side: Side::Buy,
        qty: Qty::from(10),
        kind: OrderKind::Market,
        tif: TimeInForce::Gtc,
        posting: Posting::Any,
        reach: Reach::Any,
        bracket: None,
        parent: None,
        sibling: None,
        decided_price: Price::from_units(1),
    }
}

fn report(number: u64, at: i64, execution: Execution) -> Input {
    let venue_at = Timestamp::from_nanos(at);
    Input::Execution(ExecutionReport { order: OrderId::new(number), venue_at, execution })
}

fn filled(trade: u128, qty: i64) -> Execution {
    let (price, fee) = (Price::from_units(1), Money::ZERO);
    Execution::Filled(Fill {
        trade: TradeId::new(trade),
        price,
        qty: Qty::from(qty),
        fee,
        liquidity: Liquidity::Taker,
    })
}

fn account(event: AccountEvent) -> Input {
    Input::Account(Box::new(event))
}

fn begun(epoch: u16) -> Input {
    account(AccountEvent::Begun(AccountBeginning { epoch: Epoch::new(epoch), pairs: Vec::new() }))
}

fn standing(log: &OrderLog) -> Vec<u64> {
    log.orders.keys().map(|id| id.number()).collect()
}

#[test]
fn an_order_stands_until_it_is_known_to_be_over_and_a_trade_counts_once() {
    let mut log = OrderLog::default();
    log.learn_of(&begun(1));
    (1..=5).for_each(|number| log.placed(order(number)));
    for (number, execution) in [
        (1, filled(1, 4)),
        (1, filled(1, 4)),
        (1, Execution::Accepted),
        (2, filled(2, 4)),
        (2, filled(3, 6)),
        (3, Execution::Cancelled),
        (4, Execution::Rejected(RejectReason::WouldTake)),
        (9, Execution::Expired),
    ] {
        log.learn_of(&report(number, 1, execution));
    }
    assert_eq!(standing(&log), [1, 5]);
    assert_eq!(log.orders[&OrderId::new(1)].standing.filled, Qty::from(4));
    log.learn_of(&account(AccountEvent::NeverPlaced(OrderId::new(5))));
    log.learn_of(&report(1, 2, Execution::Amended(Qty::from(4))));
    assert_eq!(standing(&log), [0; 0]);
}

#[test]
fn a_process_is_told_the_orders_the_names_and_the_epochs_of_those_before_it() {
    let run = RunId::of(&crate::live_environment::tests::manifest(), Timestamp::from_nanos(1));
    let mut log = OrderLog::of_run(run);
    assert_eq!(log.beginning().unwrap().since, None);
    log.learn_of(&begun(1));
    log.placed(order(1));
    let name = VenueOrder { order: OrderId::new(1), name: "V1".to_owned() };
    log.learn_of(&account(AccountEvent::Named(name)));
    log.learn_of(&report(1, 7, Execution::Accepted));
    log.learn_of(&report(1, 5, filled(1, 2)));
    log.learn_of(&begun(2));
    log.placed(order(2));
    let beginning = log.beginning().unwrap();
    assert_eq!((beginning.run, beginning.epoch.number()), (run, 2));
    assert_eq!(beginning.since, None, "nothing was stated");
    let told: Vec<_> = beginning
        .orders
        .iter()
        .map(|standing| (standing.epoch.number(), standing.name.as_deref(), standing.filled))
        .collect();
    assert_eq!(told, [(1, Some("V1"), Qty::from(2)), (2, None, Qty::ZERO)]);
    assert!(OrderLog::default().beginning().is_none());
}

#[test]
fn trades_are_known_up_to_the_statement_before_the_last_of_a_process() {
    let mut log = OrderLog::default();
    let stated = |nanos| AccountStatement { venue_at: Timestamp::from_nanos(nanos), balances: Vec::new() };
    let mut known = Vec::new();
    let mut tell = |log: &mut OrderLog, event| {
        log.learn_of(&event);
        known.push(log.known_to.map(Timestamp::nanos));
    };
    tell(&mut log, begun(1));
    for nanos in [10, 40, 70] {
        tell(&mut log, account(AccountEvent::Stated(stated(nanos))));
    }
    tell(&mut log, report(1, 90, filled(1, 4)));
    tell(&mut log, begun(2));
    for nanos in [200, 230] {
        tell(&mut log, account(AccountEvent::Stated(stated(nanos))));
    }
    let expected = [None, Some(10), Some(10), Some(40), Some(40), Some(40), Some(40), Some(200)];
    assert_eq!(known, expected, "a word of later says nothing of what was left out before it");
}

#[test]
fn what_was_asked_of_an_order_is_known_until_it_is_done_or_known_to_have_failed() {
    let mut log = OrderLog::default();
    (1..=3).for_each(|number| log.placed(order(number)));
    log.ask(OrderId::new(1), Asked::Cancel);
    log.ask(OrderId::new(1), Asked::Amend(Qty::from(3)));
    log.ask(OrderId::new(2), Asked::Amend(Qty::from(3)));
    log.ask(OrderId::new(3), Asked::Cancel);
    log.ask(OrderId::new(9), Asked::Cancel);
    let failed = |act| Input::EffectFailed(Box::new(FailedEffect { act, reason: String::new() }));
    log.learn_of(&failed(FailedAct::Cancel(OrderId::new(3))));
    assert_eq!(
        log.asked(),
        [(OrderId::new(1), Asked::Cancel), (OrderId::new(2), Asked::Amend(Qty::from(3)))]
    );
    log.learn_of(&report(2, 1, Execution::Amended(Qty::from(3))));
    log.learn_of(&failed(FailedAct::Place(OrderId::new(1))));
    assert_eq!(log.asked(), []);
    assert_eq!(standing(&log), [2, 3]);
}
