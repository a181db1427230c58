//! How soon orders are taken again by a process that begins with many open orders and many trades that nobody heard of.
//!
//! A short one is part of every test run. The long one at each venue:
//!
//! ```text
//! RECOVERY_ORDERS=100 RECOVERY_FILLS=1000 cargo test -p engine-venues --lib -- --ignored --nocapture --test-threads 1 recovery
//! ```

use super::trials::{price_in, variable};
use super::*;

/// Orders that trade while nobody listens, at most.
const TRADED_MAX: usize = 10;

/// Waits until these orders work.
fn work(process: &mut Process, orders: &[OrderId]) {
    process.until("every order to work", |process| {
        orders.iter().all(|order| {
            process.core.state().open_order(*order).is_some_and(|open| open.status == Status::Accepted)
        })
    });
}

/// Trades of ours that the exchange has made.
fn trades_made(ground: &Ground) -> usize {
    ground.truth().fills().unwrap().len()
}

/// A run leaves `open` orders that rest, and others that trade `fills` times while it is away; answers how long the next
/// process takes until it has booked every trade and its books agree with what the venue states.
fn recovers(house: &'static TestVenue, open: usize, fills: usize) -> Duration {
    let ground = house.begun_in(1, 20, 7);
    let mut process = Process::begin(&ground);
    process.until("the first statement", Process::agrees);
    let price = price_in(&ground, 0);
    process.mark(price);
    let buy = |process: &mut Process, percent: i64| {
        let limit = Price::from_units(price / 100 * percent);
        process.place(Side::Buy, OrderKind::Limit(limit), 200).unwrap()
    };
    let rest: Vec<OrderId> = (0..open).map(|_| buy(&mut process, 40)).collect();
    work(&mut process, &rest);
    let traded = TRADED_MAX.min(fills);
    let places = (1..=traded).map(|place| 95 - 3 * i64::try_from(place).unwrap());
    let trade: Vec<OrderId> = places.map(|percent| buy(&mut process, percent)).collect();
    work(&mut process, &trade);
    let away = process.leave();
    for place in 1..=traded {
        let pieces = u32::try_from(fills / traded).unwrap();
        ground.fault(Fault::Order(OrderFault::Partial { n: pieces })).unwrap();
        let percent = -7 - 3 * i64::try_from(place).unwrap();
        ground.fault(Fault::PriceSpike { symbol: house.market.into(), percent }).unwrap();
        let begun = Instant::now();
        while trades_made(&ground) < fills / traded * place {
            assert!(begun.elapsed() < PATIENCE, "{} trades", trades_made(&ground));
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    let begun = Instant::now();
    let mut process = away.come_back(&ground);
    process.until("every missed trade, and books that agree", |process| {
        trade.iter().all(|order| process.core.state().open_order(*order).is_none()) && process.agrees()
    });
    let took = begun.elapsed();
    assert_eq!(process.core.state().open_order_count(), open, "the others work on");
    println!("{}: {open} orders, {} trades missed: {took:?}", house.venue, trades_made(&ground));
    process.mark(price);
    buy(&mut process, 40);
    process.settle_anew(&ground);
    took
}

#[test]
fn a_few_orders_and_missed_trades_are_known_at_once() {
    for house in [&BINANCE, &COINBASE, &KRAKEN] {
        assert!(recovers(house, 5, 20) < Duration::from_secs(10));
    }
}

fn recovers_in_full(house: &'static TestVenue) {
    let count = |name, default| usize::try_from(variable(name, default)).unwrap();
    let took = recovers(house, count("RECOVERY_ORDERS", 100), count("RECOVERY_FILLS", 1_000));
    assert!(took < Duration::from_secs(10), "{took:?}");
}

#[test]
#[ignore = "a long trial"]
fn a_hundred_orders_and_a_thousand_missed_trades_at_binance() {
    recovers_in_full(&BINANCE);
}

#[test]
#[ignore = "a long trial"]
fn a_hundred_orders_and_a_thousand_missed_trades_at_coinbase() {
    recovers_in_full(&COINBASE);
}

#[test]
#[ignore = "a long trial"]
fn a_hundred_orders_and_a_thousand_missed_trades_at_kraken() {
    recovers_in_full(&KRAKEN);
}
