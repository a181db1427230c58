//! Orders over a real socket to a fake exchange, with everything that it can do wrong about them: in the end the books are the
//! exchange's to the last unit, in every asset, and no order stands there twice.
#![expect(clippy::wildcard_enum_match_arm, reason = "a test names what it looks for")]

use std::time::Instant;

use engine_core::event::Input;
use engine_core::market::Side;
use engine_core::num::Price;
use engine_core::order::{OrderKind, Status};
use engine_runtime::interruption::Interruption;
use fake_exchange::Awaited::{Any, Cancel, Place};
use fake_exchange::{Fault, FeeAsset, OrderFault};

use super::*;
use crate::market_venue::WantedRoute;
use crate::signing::venue_key::VenueKey;

mod account_access;
mod ambiguity;
mod bans;
mod coinbase;
mod comparison;
mod cuts;
mod kraken;
mod process;
mod recovery;
mod restarts;
mod test_venue;
mod trader;
mod trials;

use process::{FIRST, PATIENCE, Process};
use test_venue::{BINANCE, COINBASE, Ground, KRAKEN, TestVenue};

fn price_of(running: &Ground) -> i64 {
    let trades = running.truth().trades(running.house.market).unwrap();
    i64::try_from(trades.last().map_or(6_000_000, |trade| trade.price)).unwrap()
}

#[test]
fn orders_of_every_kind_come_back_as_what_the_exchange_made_of_them() {
    every_kind_of_order_comes_back(&BINANCE);
}

fn every_kind_of_order_comes_back(house: &'static TestVenue) {
    let running = house.begun(None);
    let mut process = Process::begin(&running);
    process.until("the first statement", Process::agrees);
    let price = price_of(&running);
    process.mark(price);
    let bought = process.place(Side::Buy, OrderKind::Market, 300).unwrap();
    process.until("a market order to fill", |process| process.core.state().open_order(bought).is_none());
    assert!(process.core.state().ledger().position(FIRST).qty.is_positive());
    let far = Price::from_units(price / 2);
    let rests = process.place(Side::Buy, OrderKind::Limit(far), 100).unwrap();
    process.until("a limit order to rest", |process| {
        process.core.state().open_order(rests).is_some_and(|open| open.status == Status::Accepted)
    });
    process.cancel(rests);
    process.until("its end", |process| process.core.state().open_order(rests).is_none());
    let sold = process.place(Side::Sell, OrderKind::Market, 100).unwrap();
    process.until("a sale", |process| process.core.state().open_order(sold).is_none());
    process.settle(&running);
}

#[test]
fn fees_in_a_third_coin_are_booked_to_the_last_digit() {
    let prices = vec![("USDT".to_owned(), "600".to_owned())];
    let fee_asset = FeeAsset { asset: "BNB".into(), prices, discount_percent: 25 };
    let running = BINANCE.begun(Some(fee_asset));
    let mut process = Process::begin(&running);
    process.until("the first statement", Process::agrees);
    process.mark(price_of(&running));
    for side in [Side::Buy, Side::Buy, Side::Sell] {
        let order = process.place(side, OrderKind::Market, 123).unwrap();
        process.until("a fill", |process| process.core.state().open_order(order).is_none());
    }
    process.settle(&running);
    let books = process.core.state().account().unwrap();
    let unvalued: Vec<&str> = books.unvalued_charges().map(|(asset, _)| asset.name()).collect();
    assert_eq!(unvalued, ["BNB"], "no market of the run says what it is worth");
}

/// What the run does with an order that something goes wrong with.
#[derive(Debug, Clone, Copy)]
enum Then {
    /// It is a market order, and fills.
    Fills,
    /// It rests, and is cancelled at once.
    IsCancelled,
    /// It rests; the process is killed with whatever is under way, and another takes the run up.
    Dies,
}

/// Each order is placed once and the books agree, whatever `faults` do.
fn lives_through(house: &'static TestVenue, faults: &[(OrderFault, Then)]) {
    let running = house.begun(None);
    let mut process = Process::begin(&running);
    process.until("the first statement", Process::agrees);
    for (fault, then) in faults {
        process.mark(price_of(&running));
        running.fault(Fault::Order(fault.clone())).unwrap();
        let kind = match then {
            Then::Fills => OrderKind::Market,
            Then::IsCancelled | Then::Dies => OrderKind::Limit(Price::from_units(price_of(&running) / 2)),
        };
        let order = process.place(Side::Buy, kind, 50).unwrap_or_else(|| panic!("{fault:?}"));
        match then {
            Then::Fills => {}
            Then::IsCancelled => process.cancel(order),
            Then::Dies => process = process.begin_anew(&running),
        }
        process.until(&format!("what became of an order under {fault:?}"), |process| {
            process.is_known(order) && process.agrees()
        });
    }
    // A new connection states at once what the account holds.
    running.fault(Fault::from_json(r#"{"verb":"drop_conn","how":"fin"}"#).unwrap()).unwrap();
    process.settle(&running);
}

const ANSWERS: [(OrderFault, Then); 3] = [
    (OrderFault::AckLost { n: 1, on: Place }, Then::Fills),
    (OrderFault::AckDelay { ms: 1_500, n: 1, on: Any }, Then::Dies),
    (OrderFault::AckLost { n: 1, on: Cancel }, Then::IsCancelled),
];

const REQUESTS: [(OrderFault, Then); 3] = [
    (OrderFault::RequestLost { n: 1, on: Place }, Then::IsCancelled),
    (OrderFault::RequestDelay { ms: 800, n: 1, on: Place }, Then::IsCancelled),
    (OrderFault::RequestDelay { ms: 800, n: 1, on: Place }, Then::Dies),
];

const fn unknown(done: bool) -> OrderFault {
    OrderFault::OutcomeUnknown { done, code: -1_007, status: 503, n: 1, on: Place }
}

const OUTCOMES: [(OrderFault, Then); 4] = [
    (unknown(true), Then::Fills),
    (unknown(false), Then::IsCancelled),
    (OrderFault::FillBeforeAck { n: 1 }, Then::Fills),
    (OrderFault::Partial { n: 4 }, Then::Fills),
];

#[test]
fn an_answer_that_is_lost_or_late_leaves_one_order() {
    lives_through(&BINANCE, &ANSWERS);
}

#[test]
fn a_request_that_is_lost_or_late_leaves_one_order_or_none() {
    lives_through(&BINANCE, &REQUESTS);
}

#[test]
fn an_outcome_that_is_unknown_and_fills_in_parts_leave_one_order() {
    lives_through(&BINANCE, &OUTCOMES);
}
