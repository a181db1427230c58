//! Stops that follow the price at a real venue, case by case.

use super::*;
use crate::feed::{FeedCondition, FeedStatus};
use crate::order::BracketStop;
use crate::state::HeldStop;

/// A buy of 1 000 whose stop follows two percent behind.
fn follows(take: i64) -> Intent {
    let stop_loss = BracketStop::Trailing(Ratio::from_units(20_000_000));
    let take_profit = (take > 0).then(|| Price::from_units(take));
    entry_with(1_000, Bracket { stop_loss, take_profit }).into()
}

/// Behind an entry at 100.00 whose stop, number 2, rests at 98.00.
fn followed(take: i64, then: Vec<(u32, Intent)>) -> Bench {
    let mut bench = Bench::new([vec![(1, follows(take))], then].concat());
    assert_eq!(bench.tick(10_000), ["Buy 1000 Market as 1"]);
    assert_eq!(bench.fill(1, 1_000, 10_000), ["Sell 1000 StopMarket(Price(9800)) as 2"]);
    assert!(bench.report(2, Execution::Accepted).is_empty());
    bench
}

#[test]
fn a_stop_that_follows_is_moved_by_a_tenth_of_its_way_and_no_sooner_than_in_ten_seconds() {
    let mut bench = followed(0, Vec::new());
    assert!(bench.wait(9_000).is_empty());
    assert!(bench.tick(10_300).is_empty(), "it has not stood for ten seconds");
    assert!(bench.wait(999).is_empty());
    assert_eq!(bench.wait(1), ["end 2"], "the market need not speak again");
    assert!(bench.tick(10_400).is_empty(), "the venue has not said that it ended");
    assert_eq!(bench.report(2, Execution::Cancelled), ["Sell 1000 StopMarket(Price(10192)) as 3"]);
    bench.report(3, Execution::Accepted);
    assert!(bench.wait(60_000).is_empty());
    assert!(bench.tick(10_420).is_empty(), "that wins less than a tenth");
    assert!(bench.tick(10_000).is_empty(), "what rests is its venue's to trigger");
    assert_eq!(bench.tick(10_430), ["end 3"]);
}

#[test]
fn a_stop_never_turns_back_and_is_sold_where_the_market_passes_it_while_none_rests() {
    let mut bench = followed(0, Vec::new());
    bench.wait(10_000);
    assert_eq!(bench.tick(10_500), ["end 2"]);
    assert!(bench.tick(10_280).is_empty(), "the market passes 102.90, and the stop has not ended yet");
    assert_eq!(bench.report(2, Execution::Cancelled), ["Sell 1000 Market as 3"]);
    let mut bench = followed(0, Vec::new());
    bench.wait(10_000);
    assert_eq!(bench.tick(10_500), ["end 2"]);
    assert_eq!(bench.report(2, Execution::Cancelled), ["Sell 1000 StopMarket(Price(10290)) as 3"]);
    let refused = Execution::Rejected(RejectReason::Other);
    assert!(bench.report(3, refused).is_empty());
    assert_eq!(bench.tick(10_290), ["Sell 1000 Market as 4"]);
    assert!(bench.fill(4, 1_000, 10_285).is_empty());
    assert_eq!((bench.held(), bench.core.state().held_exits()), (0, &[][..]));
}

#[test]
fn a_target_beside_it_ends_it_and_a_stop_that_fills_ends_the_target() {
    let mut bench = followed(10_400, Vec::new());
    assert_eq!(bench.tick(10_400), ["end 2"]);
    assert_eq!(bench.report(2, Execution::Cancelled), ["Sell 1000 Market as 3"]);
    bench.fill(3, 1_000, 10_400);
    assert_eq!((bench.held(), bench.core.state().held_exits()), (0, &[][..]));
    let mut bench = followed(10_400, Vec::new());
    bench.report(2, Execution::Triggered);
    assert!(bench.tick(10_400).is_empty(), "it fills already");
    bench.fill(2, 1_000, 9_790);
    assert_eq!((bench.held(), bench.core.state().held_exits()), (0, &[][..]));
}

#[test]
fn while_the_feed_is_lost_the_stop_stands_where_it_was() {
    let mut bench = followed(0, Vec::new());
    bench.wait(10_000);
    let feed = |condition| Input::Feed(FeedStatus { instrument: ONLY, condition });
    assert!(bench.tell(feed(FeedCondition::Lost)).is_empty());
    assert!(bench.wait(600_000).is_empty());
    assert!(bench.tell(feed(FeedCondition::Connected)).is_empty());
    assert_eq!(bench.tick(11_000), ["end 2"]);
    assert_eq!(bench.report(2, Execution::Cancelled), ["Sell 1000 StopMarket(Price(10780)) as 3"]);
}

#[test]
fn growth_takes_the_stop_along_and_an_end_that_nobody_confirms_is_asked_for_again() {
    let mut bench = Bench::new(vec![(1, follows(0))]);
    bench.tick(10_000);
    assert_eq!(bench.fill(1, 200, 10_000), ["Sell 200 StopMarket(Price(9800)) as 2"]);
    bench.report(2, Execution::Accepted);
    assert!(bench.tick(10_100).is_empty());
    bench.fill(1, 800, 10_100);
    assert_eq!(bench.wait(1_000), ["end 2"], "its entry filled further");
    assert_eq!(bench.wait(10_000), ["end 2"]);
    assert_eq!(bench.report(2, Execution::Cancelled), ["Sell 1000 StopMarket(Price(9898)) as 3"]);
}

#[test]
fn an_entry_that_opens_anew_has_a_stop_of_its_own_time() {
    let mut bench = Bench::new(vec![(1, follows(0)), (3, sell(200))]);
    bench.tick(10_000);
    bench.fill(1, 200, 10_000);
    bench.report(2, Execution::Accepted);
    bench.tick(10_100);
    assert_eq!(bench.tick(10_100), ["wait Units(Qty(200))", "end 2"]);
    assert_eq!(bench.report(2, Execution::Cancelled), ["Sell 200 Market as 3"]);
    bench.fill(3, 200, 10_100);
    bench.tick(9_700);
    assert_eq!(bench.fill(1, 800, 9_700), ["Sell 800 StopMarket(Price(9506)) as 4"]);
}

/// A run without one has the fingerprint and the snapshot it always had.
#[test]
fn what_does_not_follow_is_on_record_as_it_always_was() {
    let bytes = |value: &HeldStop| bincode::serde::encode_to_vec(value, bincode::config::standard()).unwrap();
    let price = Price::from_units(7);
    let optional = |price: Option<Price>| {
        let bytes = bincode::serde::encode_to_vec(price, bincode::config::standard()).unwrap();
        (bytes, crate::digest::digest_hashed(&price))
    };
    for (stop, was) in [(HeldStop::None, None), (HeldStop::At(price), Some(price))] {
        assert_eq!((bytes(&stop), crate::digest::digest_hashed(&stop)), optional(was));
        let bracket = BracketStop::from(was);
        assert_eq!(crate::digest::digest_hashed(&bracket), optional(was).1);
    }
    let state = followed(0, Vec::new()).core;
    let [exit] = state.state().held_exits() else { panic!("one exit") };
    assert!(matches!(exit.stop, HeldStop::Trailing(_)) && bytes(&exit.stop)[0] == 2);
}
