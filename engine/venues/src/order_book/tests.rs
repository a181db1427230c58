//! What the order book answers to frames and requests, good and bad.

use engine_core::num::{Decimal, Money};
use proptest::prelude::*;

use super::*;
use crate::decimal::NumberError;

fn book(rule: BookRule) -> OrderBook {
    OrderBook::new(
        &Instrument {
            venue: "venue".to_owned(),
            symbol: "SYMBOL".to_owned(),
            price_decimals: 0,
            qty_decimals: 0,
            tick: Price::from_units(1),
            lot: Qty::from(1),
            notional_min: Money::ZERO,
        },
        rule,
    )
}

fn levels(rows: &[(i64, i64)]) -> Vec<Level> {
    let whole = |units: i64| Decimal { units: i128::from(units), decimals: 0 };
    rows.iter().map(|(price, qty)| Level { price: whole(*price), qty: whole(*qty) }).collect()
}

fn snapshot(proof: BookProof, bids: &[(i64, i64)], asks: &[(i64, i64)]) -> BookSnapshot {
    BookSnapshot {
        symbol: "SYMBOL".to_owned(),
        venue_at: None,
        proof,
        bids: levels(bids),
        asks: levels(asks),
    }
}

fn change(proof: BookProof, bids: &[(i64, i64)], asks: &[(i64, i64)]) -> BookChange {
    BookChange { symbol: "SYMBOL".to_owned(), venue_at: None, proof, bids: levels(bids), asks: levels(asks) }
}

fn updates(first: u64, last: u64) -> BookProof {
    BookProof::Updates { first, last, previous: None }
}

/// A change of one bid at 90 to the quantity of its last update.
fn touch(first: u64, last: u64) -> BookChange {
    change(updates(first, last), &[(90, i64::try_from(last).unwrap())], &[])
}

fn begun(last: u64) -> OrderBook {
    let mut book = book(BookRule::UpdateIds);
    book.take_snapshot(&snapshot(BookProof::UpTo(last), &[(90, 1)], &[(110, 1)])).unwrap();
    book
}

fn bid_qty(book: &OrderBook) -> Option<i128> {
    book.top().map(|top| top.bid_qty.units())
}

#[test]
fn a_change_that_begins_right_behind_the_snapshot_follows_it() {
    let mut book = begun(100);
    assert_eq!(book.take_change(&touch(101, 105)), Ok(Outcome::Applied));
    assert_eq!((book.last_update(), bid_qty(&book)), (Some(105), Some(105)));
}

#[test]
fn a_change_that_overlaps_follows_and_one_that_is_known_changes_nothing() {
    let mut book = begun(100);
    assert_eq!(book.take_change(&touch(90, 100)), Ok(Outcome::Known));
    assert_eq!(book.take_change(&touch(95, 103)), Ok(Outcome::Applied));
    assert_eq!(book.take_change(&touch(95, 103)), Ok(Outcome::Known));
    assert_eq!(bid_qty(&book), Some(103));
}

#[test]
fn behind_a_gap_the_book_waits_with_all_that_came_since() {
    let mut book = begun(100);
    assert_eq!(
        book.take_change(&touch(102, 104)),
        Err(Desynchronised::Gap { known: 100, first: 102, last: 104 })
    );
    assert_eq!((book.is_synchronised(), book.top(), book.bids().count()), (false, None, 0));
    assert_eq!(book.take_change(&touch(105, 106)), Ok(Outcome::Waiting));
    let old = snapshot(BookProof::UpTo(100), &[(90, 1)], &[(110, 1)]);
    assert_eq!(book.take_snapshot(&old), Err(Desynchronised::SnapshotTooOld { snapshot: 100, first: 102 }));
    // The border itself is no gap: a stricter check would ask for snapshots for ever.
    let at_border = snapshot(BookProof::UpTo(101), &[(90, 1)], &[(110, 1)]);
    assert_eq!(book.take_snapshot(&at_border), Ok(Outcome::Applied));
    assert_eq!((book.last_update(), bid_qty(&book)), (Some(106), Some(106)));
}

#[test]
fn a_book_that_is_refreshed_goes_on_meanwhile_and_loses_nothing() {
    let mut book = begun(100);
    book.begin_refresh();
    assert_eq!(book.take_change(&touch(101, 104)), Ok(Outcome::Applied));
    let newer = snapshot(BookProof::UpTo(102), &[(90, 7), (80, 5)], &[(110, 2)]);
    assert_eq!(book.take_change(&touch(105, 106)), Ok(Outcome::Applied));
    assert_eq!(book.take_snapshot(&newer), Ok(Outcome::Applied));
    assert_eq!((book.last_update(), bid_qty(&book), book.bids().count()), (Some(106), Some(106), 2));
    book.begin_refresh();
    assert_eq!(book.take_change(&touch(107, 107)), Ok(Outcome::Applied));
    let stale = snapshot(BookProof::UpTo(90), &[(90, 7)], &[(110, 2)]);
    assert!(matches!(book.take_snapshot(&stale), Err(Desynchronised::SnapshotTooOld { .. })));
    assert_eq!(bid_qty(&book), Some(107), "the old book still serves");
}

#[test]
fn a_snapshot_that_never_comes_is_given_up() {
    let mut waiting = book(BookRule::UpdateIds);
    for id in 1..=10_000 {
        assert_eq!(waiting.take_change(&touch(id, id)), Ok(Outcome::Waiting));
    }
    assert_eq!(
        waiting.take_change(&touch(10_001, 10_001)),
        Err(Desynchronised::SnapshotTooLate { kept: 10_000 })
    );
    assert_eq!(waiting.take_change(&touch(10_002, 10_002)), Ok(Outcome::Waiting));
}

#[test]
fn a_book_that_contradicts_itself_is_thrown_away() {
    let crossed = Desynchronised::Crossed { bid: Price::from_units(110), ask: Price::from_units(110) };
    assert_eq!(begun(1).take_change(&change(updates(2, 2), &[(110, 1)], &[])), Err(crossed.clone()));
    assert_eq!(begun(1).take_change(&change(updates(2, 2), &[(0, 1)], &[])), Err(Desynchronised::ZeroPrice));
    let whole = snapshot(BookProof::UpTo(1), &[(110, 1)], &[(110, 1)]);
    assert_eq!(begun(1).take_snapshot(&whole), Err(crossed));
    let mut fine = change(updates(2, 2), &[(90, 1)], &[]);
    fine.bids[0].price = Decimal { units: 905, decimals: 1 };
    let mut book = begun(1);
    assert!(matches!(book.take_change(&fine), Err(Desynchronised::Number(NumberError::TooFine { .. }))));
    assert!(!book.is_synchronised());
    let other = change(BookProof::Checksum(1), &[], &[]);
    assert!(matches!(begun(1).take_change(&other), Err(Desynchronised::OtherProof { .. })));
}

#[test]
fn a_level_that_is_not_known_may_be_removed_and_an_empty_side_is_no_top() {
    let mut book = begun(1);
    assert_eq!(book.take_change(&change(updates(2, 2), &[(50, 0)], &[(110, 0)])), Ok(Outcome::Applied));
    assert_eq!((book.is_synchronised(), book.top()), (true, None));
    assert_eq!(book.take_change(&change(updates(3, 3), &[], &[(120, 4)])), Ok(Outcome::Applied));
    let quote = book.quote(InstrumentId::new(3), Timestamp::MIN).unwrap();
    assert_eq!((quote.bid.units(), quote.ask.units(), quote.ask_qty.units()), (90, 120, 4));
}

#[test]
fn a_change_of_futures_names_the_one_before() {
    let of = |first, last, previous| {
        change(BookProof::Updates { first, last, previous: Some(previous) }, &[(90, 5)], &[])
    };
    let mut book = book(BookRule::PreviousUpdateId);
    book.take_snapshot(&snapshot(BookProof::UpTo(100), &[(90, 1)], &[(110, 1)])).unwrap();
    assert_eq!(book.take_change(&of(80, 99, 79)), Ok(Outcome::Known));
    assert_eq!(book.take_change(&of(95, 105, 94)), Ok(Outcome::Applied), "it holds the snapshot's end");
    assert_eq!(
        book.take_change(&of(300, 400, 105)),
        Ok(Outcome::Applied),
        "numbers between belong to other symbols"
    );
    assert!(matches!(book.take_change(&of(401, 402, 399)), Err(Desynchronised::Gap { .. })));
}

#[test]
fn numbers_of_a_connection_do_not_go_back() {
    let mut book = book(BookRule::Connection);
    assert_eq!(book.take_change(&change(BookProof::Connection(3), &[(90, 1)], &[])), Ok(Outcome::Waiting));
    book.take_snapshot(&snapshot(BookProof::Connection(4), &[(90, 1)], &[(110, 1)])).unwrap();
    assert_eq!(book.take_change(&change(BookProof::Connection(9), &[(90, 2)], &[])), Ok(Outcome::Applied));
    assert!(book.take_change(&change(BookProof::Connection(8), &[(90, 3)], &[])).is_err());
    book.take_snapshot(&snapshot(BookProof::Connection(10), &[(90, 1)], &[(110, 1)])).unwrap();
    book.invalidate();
    assert!(!book.is_synchronised(), "a gap among the frames is told from outside");
}

#[test]
fn a_book_with_checksums_keeps_no_level_beyond_its_depth() {
    let mut book = book(BookRule::Checksum { depth: 2 });
    let sum = |digits: &str| BookProof::Checksum(crc32fast::hash(digits.as_bytes()));
    let other = snapshot(sum("11011111901888"), &[(90, 1), (88, 9)], &[(110, 1), (111, 1)]);
    assert!(matches!(book.take_snapshot(&other), Err(Desynchronised::Checksum { .. })));
    let first = snapshot(sum("11011111901888"), &[(90, 1), (88, 8)], &[(110, 1), (111, 1)]);
    assert_eq!(book.take_snapshot(&first), Ok(Outcome::Applied));
    // A better bid pushes the worst one out; once it is gone again, the venue tells that one anew.
    assert_eq!(book.take_change(&change(sum("11011111912901"), &[(91, 2)], &[])), Ok(Outcome::Applied));
    assert_eq!(book.bids().map(|(price, _)| price.units()).collect::<Vec<_>>(), [91, 90]);
    let outcome = book.take_change(&change(sum("11011111901877"), &[(91, 0), (87, 7)], &[]));
    assert_eq!(outcome, Ok(Outcome::Applied));
}

#[test]
fn a_refresh_is_due_half_way_to_where_the_snapshot_ended() {
    let mut book = book(BookRule::UpdateIds);
    book.take_snapshot(&snapshot(BookProof::UpTo(1), &[(99, 1), (60, 1)], &[(101, 1), (140, 1)])).unwrap();
    assert!(!book.is_refresh_due());
    book.take_change(&change(updates(2, 2), &[(119, 1)], &[(101, 0), (120, 1)])).unwrap();
    assert!(!book.is_refresh_due());
    book.take_change(&change(updates(3, 3), &[], &[(120, 0), (121, 1)])).unwrap();
    assert!(book.is_refresh_due());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Whenever the snapshot comes, and however updates are bundled into changes, the book is the venue's.
    #[test]
    fn wherever_the_snapshot_falls_the_book_is_the_venues(
        rows in prop::collection::vec((1_i64..40, 0_i64..4, any::<bool>()), 1..120),
        bundles in prop::collection::vec(1_usize..6, 120),
        taken_at in any::<prop::sample::Index>(),
        shown_at in any::<prop::sample::Index>(),
    ) {
        // Bids lie below 100 and asks above, so the venue is never crossed.
        let row = |(price, qty, is_bid): (i64, i64, bool)| if is_bid { (100 - price, qty, true) } else { (100 + price, qty, false) };
        let rows: Vec<(i64, i64, bool)> = rows.into_iter().map(row).collect();
        let state = |count: usize| {
            let mut sides = [BTreeMap::new(), BTreeMap::new()];
            for (price, qty, is_bid) in &rows[..count] {
                sides[usize::from(!is_bid)].insert(*price, *qty);
            }
            sides.map(|side| side.into_iter().filter(|(_, qty)| *qty > 0).collect::<Vec<(i64, i64)>>())
        };
        let taken_at = taken_at.index(rows.len() + 1);
        let [bids, asks] = state(taken_at);
        let snapshot = snapshot(BookProof::UpTo(taken_at as u64), &bids, &asks);
        let mut book = book(BookRule::UpdateIds);
        let (mut told, mut is_shown) = (0, false);
        let shown_at = shown_at.index(rows.len());
        for bundle in bundles {
            // A snapshot is asked for after the first change has come.
            if !is_shown && told >= shown_at.max(taken_at) && told > 0 {
                prop_assert_eq!(book.take_snapshot(&snapshot), Ok(Outcome::Applied));
                is_shown = true;
            }
            if told == rows.len() {
                break;
            }
            let part = &rows[told..(told + bundle).min(rows.len())];
            let of = |is_bid: bool| {
                part.iter().filter(|row| row.2 == is_bid).map(|row| (row.0, row.1)).collect::<Vec<_>>()
            };
            let proof = updates(told as u64 + 1, (told + part.len()) as u64);
            book.take_change(&change(proof, &of(true), &of(false))).unwrap();
            told += part.len();
        }
        if !is_shown {
            prop_assert_eq!(book.take_snapshot(&snapshot), Ok(Outcome::Applied));
        }
        let [mut bids, asks] = state(rows.len());
        bids.reverse();
        let ours = |side: Vec<(Price, Qty)>| -> Vec<(i64, i128)> {
            side.into_iter().map(|(price, qty)| (price.units(), qty.units())).collect()
        };
        let theirs = |side: Vec<(i64, i64)>| -> Vec<(i64, i128)> {
            side.into_iter().map(|(price, qty)| (price, i128::from(qty))).collect()
        };
        prop_assert_eq!(ours(book.bids().collect()), theirs(bids));
        prop_assert_eq!(ours(book.asks().collect()), theirs(asks));
    }
}
