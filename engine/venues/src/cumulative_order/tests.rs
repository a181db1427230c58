//! What sums become, and what is refused of them.

use proptest::prelude::*;

use super::*;
use crate::account_message::OrderStatus;
use crate::signed_decimal::signed_decimal;

fn number(text: &str) -> Decimal {
    signed_decimal(text).unwrap()
}

fn report(qty: &str, average: &str, fees: &str) -> OrderReport {
    OrderReport {
        filled_qty: Some(number(qty)),
        average_price: Some(number(average)),
        total_fees: Some(number(fees)),
        ..OrderReport::of("O-1".to_owned(), OrderStatus::PartiallyFilled, "OPEN")
    }
}

fn shown(fill: Result<Option<CumulativeFill>, CumulativeError>) -> String {
    fill.unwrap().map_or_else(String::new, |fill| format!("{} at {} for {}", fill.qty, fill.price, fill.fee))
}

#[test]
fn fills_are_the_differences_of_sums() {
    let mut order = CumulativeOrder::default();
    assert_eq!(shown(order.take(&report("0", "0", "0"))), "");
    assert_eq!(shown(order.take(&report("0.001", "64000", "0.064"))), "0.001 at 64000 for 0.064");
    assert_eq!(shown(order.take(&report("0.001", "64000", "0.064"))), "", "told twice");
    // 0.001 at 64000 and 0.003 at 64100.
    assert_eq!(shown(order.take(&report("0.004", "64075", "0.2563"))), "0.003 at 64100 for 0.1923");
    // A rebate.
    assert_eq!(shown(order.take(&report("0.005", "64080", "0.2562"))), "0.001 at 64100 for -0.0001");
    assert_eq!(order.qty(), number("0.005"));
}

#[test]
fn a_price_that_is_not_exact_is_refused_and_nothing_is_taken() {
    let mut order = CumulativeOrder::default();
    order.take(&report("0.001", "64000", "0")).unwrap();
    // The average of 64000, 64001 and 64001, rounded.
    let rounded = report("0.003", "64000.66666667", "0");
    let exact = CumulativeFill { qty: number("0.002"), price: number("64001.000000005"), fee: ZERO };
    // Two thousandths give a finite number, though it is not the true price; seven do not.
    let mut other = order;
    let fill = other.take(&rounded).unwrap().unwrap();
    assert_eq!(
        (fill.qty.to_string(), fill.price.to_string()),
        (exact.qty.to_string(), exact.price.to_string())
    );
    let before = order;
    let refused = order.take(&report("0.008", "64000.66666667", "0"));
    assert_eq!(refused, Err(CumulativeError::Inexact { order_id: "O-1".to_owned(), qty: number("0.007") }));
    assert_eq!(order, before);
    order.catch_up(&report("0.008", "64000.66666667", "0")).unwrap();
    assert_eq!(order.qty(), number("0.008"));
}

#[test]
fn a_report_that_is_older_or_says_too_little_is_refused() {
    let mut order = CumulativeOrder::default();
    order.take(&report("0.002", "64000", "0.1")).unwrap();
    let older = order.take(&report("0.001", "64000", "0.05"));
    assert!(matches!(older, Err(CumulativeError::Older { .. })), "{older:?}");
    let mut silent = report("0.003", "64000", "0.1");
    silent.average_price = None;
    let unsaid = order.take(&silent);
    assert_eq!(unsaid, Err(CumulativeError::Unsaid { order_id: "O-1".to_owned(), field: "average price" }));
    // An average that would make what traded cost nothing.
    assert!(order.take(&report("0.004", "32000", "0.1")).is_err());
    let long = "9".repeat(28);
    assert!(order.take(&report(&long, &long, &long)).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn fills_add_up_to_what_has_traded(
        trades in proptest::collection::vec((1_i128..10_000, 1_i128..10_000_000), 1..8),
    ) {
        let (mut order, mut qty, mut value, mut taken) = (CumulativeOrder::default(), 0, 0, 0);
        for (traded, price) in trades {
            (qty, value) = (qty + traded, value + traded * price);
            let sum = |units| Decimal { units, decimals: 0 };
            // As a venue would say it: only where the average is exact.
            let Some(average) = quotient(sum(value), sum(qty)) else { continue };
            let mut now = report("0", "0", "0");
            (now.filled_qty, now.average_price) = (Some(sum(qty)), Some(average));
            now.total_fees = Some(sum(value));
            match order.take(&now) {
                Ok(Some(fill)) => {
                    taken += fill.qty.units;
                    // The fees are one unit for each of value: so is the price.
                    prop_assert_eq!(
                        product(fill.price, fill.qty).unwrap().to_string(),
                        fill.fee.to_string()
                    );
                }
                Ok(None) => prop_assert!(false, "something traded"),
                Err(CumulativeError::Inexact { .. }) => {
                    taken += difference(sum(qty), order.qty()).unwrap().units;
                    order.catch_up(&now).unwrap();
                }
                Err(error) => prop_assert!(false, "{}", error),
            }
            prop_assert_eq!(taken, qty);
        }
    }

    #[test]
    fn no_numbers_panic(units in any::<[i128; 6]>(), decimals in any::<[u8; 6]>()) {
        let mut order = CumulativeOrder::default();
        for at in [0, 3] {
            let decimal = |at: usize| Some(Decimal { units: units[at], decimals: decimals[at] });
            let mut now = report("0", "0", "0");
            (now.filled_qty, now.average_price, now.total_fees) = (decimal(at), decimal(at + 1), decimal(at + 2));
            let _ = order.take(&now);
        }
    }
}
