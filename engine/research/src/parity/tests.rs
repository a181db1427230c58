//! Pairs of orders, and the causes of the money between them.

use engine_core::instrument::{Instrument, InstrumentId};
use engine_core::market::Side;
use engine_core::num::Qty;
use engine_core::order::{OrderId, OrderKind};
use engine_core::refusal::Refusal;
use proptest::prelude::*;

use super::order_facts::{Ordered, Refused};
use super::*;

const ONLY: InstrumentId = InstrumentId::new(0);

fn rules() -> Instrument {
    Instrument {
        venue: "test".into(),
        symbol: "X".into(),
        price_decimals: 2,
        qty_decimals: 3,
        tick: Price::from_units(1),
        lot: Qty::from_units(1),
        notional_min: Money::ZERO,
    }
}

fn money(whole: i128) -> Money {
    Money::from_units(whole * 10_i128.pow(18))
}

/// An order of `qty` thousandths that was filled with `filled` of them at `price` hundredths for a fee of so many whole.
fn order(id: u64, second: i64, side: Side, (qty, filled, price): (i128, i128, i64), fee: i128) -> OrderFacts {
    let [qty, filled] = [qty, filled].map(Qty::from_units);
    let paid = rules().notional(Price::from_units(price), side.signed(filled)).unwrap();
    OrderFacts {
        id: OrderId::new(id),
        instrument: ONLY,
        side,
        kind: OrderKind::Market,
        decided_at: Timestamp::from_nanos(second * Span::SECOND.nanos()),
        decided_price: Price::from_units(price),
        qty,
        filled,
        filled_at: None,
        fill_price: Some(Price::from_units(price)),
        fees: money(fee),
        is_rejected: false,
        paid,
        cash: paid.plus(money(fee)).unwrap().negated().unwrap(),
        held: side.signed(filled),
    }
}

fn one(id: u64, second: i64, side: Side, price: i64) -> OrderFacts {
    order(id, second, side, (1_000, 1_000, price), 0)
}

fn ordered(orders: Vec<OrderFacts>, refused: Vec<Refused>) -> Ordered {
    Ordered { orders, refused, feed_losses: 0 }
}

#[test]
fn orders_are_paired_by_moment_then_nearby_and_the_rest_is_refused_missed_or_extra() {
    let run = vec![
        one(1, 100, Side::Buy, 10),
        one(2, 200, Side::Sell, 11),
        one(3, 330, Side::Buy, 12),
        one(4, 900, Side::Buy, 13),
    ];
    let refused = Refused {
        at: Timestamp::from_nanos(310 * Span::SECOND.nanos()),
        instrument: ONLY,
        side: Side::Buy,
        reason: Refusal::AccountUnread,
    };
    let backtest = vec![
        one(7, 100, Side::Buy, 10),
        one(8, 200, Side::Sell, 12),
        one(9, 310, Side::Buy, 12),
        one(10, 320, Side::Buy, 12),
        one(11, 500, Side::Sell, 12),
    ];
    let orders = pairs::paired(ordered(run, vec![refused]), ordered(backtest, Vec::new()));
    let words: Vec<&str> = orders.iter().map(OrderPair::word).collect();
    assert_eq!(words, ["same", "changed", "refused", "changed", "missed", "extra"]);
    let zero = Money::ZERO;
    let parity = Parity { orders, run_equity: zero, backtest_equity: zero, capital: zero, feed_losses: 0 };
    assert!((parity.score() - 1.0 / 6.0).abs() < 1e-12);
    assert_eq!((parity.count("missed"), parity.count("extra")), (1, 1));
}

fn parts(run: (&OrderFacts, i64), backtest: (&OrderFacts, i64)) -> Vec<Part> {
    let stood = |(order, price)| Stood { order, price: Some(Price::from_units(price)) };
    causes::between(stood(run), stood(backtest), &rules(), Price::from_units(20_000)).unwrap()
}

#[test]
fn a_price_is_divided_into_what_the_market_moved_and_the_rest() {
    // One bought at 100.00 where the market stood at 99.00; in truth at 103.00 where it stood at 101.00, for a fee of 2 more.
    let backtest = order(1, 0, Side::Buy, (1_000, 1_000, 10_000), 1);
    let run = order(1, 0, Side::Buy, (1_000, 1_000, 10_300), 3);
    let expected = [(Cause::Latency, money(-2)), (Cause::Slippage, money(-1)), (Cause::Fee, money(-2))];
    assert_eq!(parts((&run, 10_100), (&backtest, 9_900)), expected);
    // A sale at a lower price loses the same way.
    let backtest = order(1, 0, Side::Sell, (1_000, 1_000, 10_000), 0);
    let run = order(1, 0, Side::Sell, (1_000, 1_000, 9_900), 0);
    assert_eq!(parts((&run, 9_900), (&backtest, 10_000)), [(Cause::Latency, money(-1))]);
}

#[test]
fn what_one_run_alone_traded_is_of_the_queue_of_the_size_or_of_a_refusal() {
    let limit = |order: OrderFacts| OrderFacts { kind: OrderKind::Limit(Price::from_units(10_000)), ..order };
    // Bought at 100 and worth 200 at the end: what was not bought is 100 less.
    let backtest = limit(order(1, 0, Side::Buy, (1_000, 1_000, 10_000), 0));
    let run = limit(order(1, 0, Side::Buy, (1_000, 0, 10_000), 0));
    assert_eq!(parts((&run, 10_000), (&backtest, 10_000)), [(Cause::Queue, money(-100))]);
    let half = limit(order(1, 0, Side::Buy, (1_000, 500, 10_000), 0));
    assert_eq!(parts((&half, 10_000), (&backtest, 10_000)), [(Cause::Queue, money(-50))]);
    let smaller = order(1, 0, Side::Buy, (500, 500, 10_000), 0);
    assert_eq!(parts((&smaller, 10_000), (&backtest, 10_000)), [(Cause::Size, money(-50))]);
    let rejected = OrderFacts { is_rejected: true, ..run };
    assert_eq!(parts((&rejected, 10_000), (&backtest, 10_000)), [(Cause::Rejected, money(-100))]);
    let last = Price::from_units(20_000);
    let alone = |cause| causes::alone(&backtest, cause, &rules(), last).unwrap();
    assert_eq!(alone(Cause::Missed), [(Cause::Missed, money(-100))]);
    assert_eq!(alone(Cause::Extra), [(Cause::Extra, money(100))]);
}

#[test]
fn a_fee_in_the_coin_counts_at_the_last_price() {
    let backtest = order(1, 0, Side::Buy, (1_000, 1_000, 10_000), 0);
    let run = OrderFacts { held: Qty::from_units(990), ..backtest.clone() };
    assert_eq!(parts((&run, 10_000), (&backtest, 10_000)), [(Cause::Fee, money(-2))]);
}

proptest! {
    #[test]
    fn the_parts_add_up_to_the_difference_to_the_last_unit(
        sides in any::<bool>(), sizes in (1_i128..5_000, 1_i128..5_000), filled in (0_i128..5_000, 0_i128..5_000),
        prices in (1_i64..50_000, 1_i64..50_000), stood in (1_i64..50_000, 1_i64..50_000), fees in (-5_i128..50, -5_i128..50),
        coin in 0_i128..10,
    ) {
        let side = if sides { Side::Buy } else { Side::Sell };
        let run = order(1, 0, side, (sizes.0, filled.0.min(sizes.0), prices.0), fees.0);
        let coin = if run.filled.units() > coin { coin } else { 0 };
        let run = OrderFacts { held: run.held.minus(Qty::from_units(coin)).unwrap(), ..run };
        let backtest = order(1, 0, side, (sizes.1, filled.1.min(sizes.1), prices.1), fees.1);
        let parts = parts((&run, stood.0), (&backtest, stood.1));
        let sum = parts.iter().try_fold(Money::ZERO, |sum, (_, money)| sum.plus(*money)).unwrap();
        let last = Price::from_units(20_000);
        let worth = |order: &OrderFacts| order.cash.plus(rules().notional(last, order.held).unwrap()).unwrap();
        prop_assert_eq!(sum, worth(&run).minus(worth(&backtest)).unwrap());
    }
}
