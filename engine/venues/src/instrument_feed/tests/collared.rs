//! Trades far from those before them, in a feed that breaks, is asked about and goes on.

use super::*;

/// A trade at a price; the number alone says which it is.
fn at_price(number: u64, price: i64) -> (TradeNumbers, Trade) {
    let (numbers, trade) = numbered(number);
    (numbers, Trade { price: Price::from_units(price), ..trade })
}

/// What was told, in words: trades by their prices.
fn in_words(told: &[Input]) -> String {
    let word = |input: &Input| {
        let Input::DataFault(fault) = input else { return words(core::slice::from_ref(input)).concat() };
        match fault.finding {
            DataFinding::Withheld(out) => format!("({}", out.what.number),
            DataFinding::Released(released) => format!("{}x{}:", released.first, released.count),
            DataFinding::Discarded(trade) => format!("-{}", trade.number),
            DataFinding::Missing(MissingTrades { after, before, fate }) => {
                let after = after.map_or_else(|| "?".to_owned(), |after| after.to_string());
                format!("{after}..{before} {fate:?}")
            }
            found @ (DataFinding::Crossed(_)
            | DataFinding::Repeated(_)
            | DataFinding::Stale(_)
            | DataFinding::Spoke(_)
            | DataFinding::Conflated(_)
            | DataFinding::Contradicted(_)) => panic!("{found:?}"),
        }
    };
    told.iter().map(word).collect::<Vec<_>>().join(" ")
}

/// A feed that can ask and knows 100 trades around 1 000 000.
fn known() -> Asking {
    let mut asking = Asking::behind(&[]);
    asking.feed.passes(Collar::new(10, Price::from_units(1)));
    for number in 1..=100 {
        let (numbers, trade) = at_price(number, 1_000_000);
        asking.feed.trade(numbers, trade, &mut asking.told);
    }
    asking.told.clear();
    asking
}

impl Asking {
    fn hears_at(&mut self, number: u64, price: i64) {
        let (numbers, trade) = at_price(number, price);
        self.missing = self.feed.trade(numbers, trade, &mut self.told).or(self.missing);
    }
}

#[test]
fn a_trade_that_waits_is_received_so_its_number_is_missed_by_nobody() {
    let mut asking = known();
    asking.hears_at(101, 2_000_000);
    asking.hears_at(101, 2_000_000);
    asking.hears_at(102, 1_000_001);
    assert_eq!(in_words(&asking.told), "(101 -101 1000001");
    assert_eq!(asking.missing, None);
}

#[test]
fn what_fills_a_hole_passes_the_same_collar_and_behind_one_that_stays_nothing_is_far() {
    let mut asking = known();
    asking.hears_at(103, 1_000_003);
    let before = asking.missing.take().unwrap().before;
    let found = vec![at_price(101, 5), at_price(102, 1_000_002)];
    asking.missing = asking.feed.missed(before, found, &mut asking.told);
    assert_eq!(in_words(&asking.told), "Gap 100..103 Asked (101 -101 1000002 1000003 Restored");
    asking.told.clear();
    asking.hears_at(104, 5);
    asking.hears_at(110, 2_000_000);
    let before = asking.missing.take().unwrap().before;
    asking.missing = asking.feed.missed(before, Vec::new(), &mut asking.told);
    assert_eq!(in_words(&asking.told), "(104 Gap 104..110 Asked 104..110 Stays -104 Connected 2000000");
}

#[test]
fn a_run_that_is_taken_up_finds_its_place_behind_a_trade_that_was_not_told() {
    let mut asking = known();
    asking.hears_at(101, 2_000_000);
    asking.hears_at(102, 1_000_001);
    let recent = asking.feed.recent.clone();
    let mut again = Asking::behind(&[]);
    again.feed.asks(&recent);
    again.hears_at(105, 1_000_005);
    let before = again.missing.take().unwrap().before;
    let history = (90..=104).map(|number| match number {
        101 => at_price(number, 2_000_000),
        102.. => at_price(number, 1_000_000 + i64::try_from(number).unwrap() - 101),
        _ => at_price(number, 1_000_000),
    });
    again.missing = again.feed.missed(before, history.collect(), &mut again.told);
    assert_eq!(in_words(&again.told), "?..105 Asked 1000002 1000003 1000005 Restored");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn whatever_breaks_each_trade_is_told_once_or_named(
        steps in prop::collection::vec((1_u64..4, prop::sample::select(vec![1_000_000_i64, 1_000_100, 3_000_000, 7])), 1..80),
        lost_every in 3_usize..20,
    ) {
        let mut asking = known();
        let mut made: Vec<(TradeNumbers, Trade)> = Vec::new();
        let mut number = 100;
        for (place, (step, price)) in steps.into_iter().enumerate() {
            let first = number + 1;
            number += step;
            // What a connection leaves out the venue made all the same.
            made.extend((first..=number).map(|number| at_price(number, price)));
            asking.hears_at(number, price);
            if let Some(missing) = asking.missing.take() {
                let found = made.iter().filter(|(numbers, _)| numbers.first < missing.before).copied();
                asking.missing = asking.feed.missed(missing.before, found.collect(), &mut asking.told);
            }
            if place % lost_every == 0 {
                asking.feed.lost(&mut asking.told);
            }
        }
        let (mut ended, mut waiting) = (Vec::new(), 0_i64);
        for input in &asking.told {
            if let Input::Market(MarketUpdate::Trade(trade)) = input {
                ended.push(trade.price.units());
            }
            let Input::DataFault(fault) = input else { continue };
            waiting += i64::from(matches!(fault.finding, DataFinding::Withheld(_)));
            if let DataFinding::Released(released) = fault.finding {
                waiting -= i64::from(released.count);
            }
            if let DataFinding::Discarded(discarded) = fault.finding {
                waiting -= 1;
                ended.push(discarded.trade.price.units());
            }
        }
        prop_assert!((0..=3).contains(&waiting));
        // Told and discarded ones together, in the order of the record, are what the venue made.
        let all: Vec<i64> = made.iter().map(|(_, trade)| trade.price.units()).collect();
        prop_assert_eq!(ended.len() + usize::try_from(waiting).unwrap(), all.len());
        prop_assert_eq!(&ended[..], &all[..ended.len()]);
    }
}
