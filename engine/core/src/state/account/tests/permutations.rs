//! Every order in which the reports on one order can come makes the same books.

use super::*;

/// What must not depend on the order of reports.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    position: crate::ledger::Position,
    cash: Money,
    equity: Money,
    balances: Vec<(String, i128)>,
    filled: Option<Qty>,
    works: usize,
    impossible: Option<HaltReason>,
}

fn outcome(reports: &[Execution]) -> Outcome {
    let mut state = begun(1_000);
    tell(&mut state, stated(&[]));
    let order = submit(&mut state, COIN, Side::Buy, 600);
    reports.iter().for_each(|execution| report(&mut state, order, *execution));
    let books = state.account().unwrap();
    Outcome {
        position: *state.ledger().position(COIN),
        cash: state.ledger().cash(),
        equity: state.equity(),
        balances: books.balances().map(|(asset, sum)| (asset.to_string(), sum.units())).collect(),
        filled: state.recent_order(OrderId::new(order)).map(|open| open.filled),
        works: state.open_order_count(),
        impossible: state.impossible(),
    }
}

/// All orders of `items`, by Heap's method.
fn for_each_order(items: &mut [Execution], count: usize, look: &mut impl FnMut(&[Execution])) {
    if count <= 1 {
        return look(items);
    }
    for place in 0..count {
        for_each_order(items, count - 1, look);
        items.swap(if count.is_multiple_of(2) { place } else { 0 }, count - 1);
    }
}

/// The reports on an order of 600, in the order in which they happened; some are told twice.
fn lives() -> Vec<Vec<Execution>> {
    let (accepted, cancelled, expired) = (Execution::Accepted, Execution::Cancelled, Execution::Expired);
    let part = |trade: u128, qty| fill(trade, 10_000, qty, 7);
    vec![
        vec![accepted, part(1, 600)],
        vec![accepted, part(1, 100), part(2, 200), part(3, 300)],
        vec![accepted, part(1, 100), part(2, 100), part(3, 100), part(4, 100), part(5, 100), part(6, 100)],
        vec![accepted, cancelled],
        vec![accepted, accepted, part(1, 100), part(1, 100), part(2, 300), cancelled, cancelled],
        vec![accepted, part(1, 100), part(2, 300), part(3, 50), part(4, 50), part(5, 50), expired],
        vec![accepted, Execution::Triggered, part(1, 100), part(2, 500)],
        vec![
            Execution::Triggered,
            Execution::Triggered,
            accepted,
            part(1, 10),
            part(2, 20),
            part(3, 30),
            cancelled,
        ],
        vec![Execution::Rejected(RejectReason::WouldTake), Execution::Rejected(RejectReason::WouldTake)],
    ]
}

#[test]
fn the_order_in_which_reports_come_does_not_matter() {
    let mut orders = 0;
    for mut life in lives() {
        let expected = outcome(&life);
        assert_eq!(expected.impossible, None, "{life:?}");
        let count = life.len();
        for_each_order(&mut life, count, &mut |reports| {
            orders += 1;
            assert_eq!(outcome(reports), expected, "{reports:?}");
        });
    }
    assert_eq!(orders, 2 + 24 + 5_040 + 2 + 5_040 + 5_040 + 24 + 5_040 + 2);
}

#[test]
fn more_than_was_ordered_and_words_against_each_other_halt() {
    let part = |trade: u128, qty| fill(trade, 10_000, qty, 0);
    let halts = [
        vec![part(1, 600), part(2, 10)],
        vec![part(1, 300), part(2, 310)],
        vec![Execution::Cancelled, part(1, 610)],
        vec![part(1, 600), Execution::Cancelled],
        vec![Execution::Accepted, Execution::Rejected(RejectReason::WouldTake)],
        vec![Execution::Rejected(RejectReason::WouldTake), Execution::Accepted],
        vec![Execution::Rejected(RejectReason::WouldTake), part(1, 100)],
    ];
    for reports in halts {
        let outcome = outcome(&reports);
        assert!(outcome.impossible.is_some(), "{reports:?}");
    }
}
