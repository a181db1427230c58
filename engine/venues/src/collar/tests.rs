//! Trades far from those before them: told late, never twice, and never lost without a word.

use engine_core::instrument::InstrumentId;
use engine_core::market::Aggressor;
use engine_core::num::Qty;
use engine_core::time::Timestamp;
use proptest::prelude::*;

use super::*;

mod real_trades;

fn numbered(number: u64, price: i64) -> NumberedTrade {
    let trade = Trade {
        instrument: InstrumentId::new(0),
        venue_at: Timestamp::MIN,
        price: Price::from_units(price),
        qty: Qty::ZERO,
        aggressor: Aggressor::Unknown,
    };
    NumberedTrade { number, trade }
}

fn quote(bid: i64, ask: i64) -> Quote {
    Quote {
        instrument: InstrumentId::new(0),
        venue_at: Timestamp::MIN,
        bid: Price::from_units(bid),
        bid_qty: Qty::ZERO,
        ask: Price::from_units(ask),
        ask_qty: Qty::ZERO,
    }
}

fn word(cleaned: &Cleaned) -> String {
    match cleaned {
        Cleaned::Told(trade) => trade.price.units().to_string(),
        Cleaned::Found(DataFinding::Withheld(out)) => format!("({}", out.what.number),
        Cleaned::Found(DataFinding::Released(released)) => {
            format!("{}x{} by {:?}:", released.first, released.count, released.by)
        }
        Cleaned::Found(DataFinding::Discarded(trade)) => format!("-{}", trade.number),
        Cleaned::Found(other) => panic!("{other:?}"),
    }
}

/// A collar that knows a market around 100 000, which moves by ten or so.
struct Known {
    collar: Collar,
    number: u64,
}

impl Known {
    fn new(sigmas: u32) -> Self {
        let mut known = Self { collar: Collar::new(sigmas, Price::from_units(1)), number: 0 };
        for place in 0..200 {
            known.hears(100_000 + place % 3 * 10);
        }
        known.hears(100_000);
        known.number = 0;
        known
    }

    fn hears(&mut self, price: i64) -> String {
        let mut cleaned = Vec::new();
        self.number += 1;
        self.collar.trade(numbered(self.number, price), &mut cleaned);
        words(&cleaned)
    }

    fn quoted(&mut self, bid: i64, ask: i64) -> String {
        let mut cleaned = Vec::new();
        self.collar.quote(&quote(bid, ask), &mut cleaned);
        words(&cleaned)
    }
}

fn words(cleaned: &[Cleaned]) -> String {
    cleaned.iter().map(word).collect::<Vec<_>>().join(" ")
}

#[test]
fn one_trade_far_out_waits_and_is_not_told_when_prices_come_back() {
    let mut known = Known::new(10);
    assert_eq!(known.hears(150_000), "(1");
    assert_eq!(known.hears(100_010), "-1 100010");
    assert_eq!(known.hears(100_480), "100480", "half a per cent is never far");
    assert_eq!(known.hears(90_000), "(4");
    assert_eq!(known.hears(110_000), "-4 (5", "the other side confirms nothing");
    assert_eq!(known.hears(100_400), "-5 100400");
}

#[test]
fn a_true_jump_is_told_whole_with_the_third_trade_behind_it() {
    let mut known = Known::new(10);
    assert_eq!(known.hears(92_000), "(1");
    assert_eq!(known.hears(91_000), "(2");
    assert_eq!(known.hears(93_000), "(3");
    assert_eq!(known.hears(92_500), "1x3 by Trades: 92000 91000 93000 92500");
    assert_eq!(known.hears(92_600), "92600", "what follows is no longer far");
}

#[test]
fn a_quote_that_says_the_same_confirms_whether_it_comes_before_or_behind() {
    let mut known = Known::new(10);
    assert_eq!(known.hears(92_000), "(1");
    assert_eq!(known.quoted(99_990, 100_010), "");
    assert_eq!(known.quoted(91_990, 92_010), "1x1 by Quote: 92000");
    let mut known = Known::new(10);
    assert_eq!(known.quoted(91_990, 92_010), "");
    assert_eq!(known.hears(92_000), "92000", "the quote moved first");
    let mut known = Known::new(10);
    known.quoted(91_990, 92_010);
    assert_eq!(known.hears(100_000), "100000");
    assert_eq!(known.hears(92_000), "(2", "what was quoted before the last trade says nothing of this one");
}

#[test]
fn nothing_is_known_at_the_beginning_and_nothing_waits_where_there_is_no_collar() {
    let mut begun = Known { collar: Collar::new(10, Price::from_units(1)), number: 0 };
    for place in 0..65 {
        begun.hears(100_000 + place % 2);
    }
    assert_eq!(begun.hears(200_000), "(66");
    let mut begun = Known { collar: Collar::new(10, Price::from_units(1)), number: 0 };
    for place in 0..64 {
        begun.hears(100_000 + place % 2);
    }
    assert_eq!(begun.hears(200_000), "200000", "63 moves are too few");
    assert_eq!(Known::new(0).hears(1), "1");
}

#[test]
fn behind_a_hole_the_first_trade_is_as_good_as_any() {
    let mut known = Known::new(10);
    assert_eq!(known.hears(92_000), "(1");
    let mut cleaned = Vec::new();
    known.collar.restart(&mut cleaned);
    assert_eq!(words(&cleaned), "-1");
    assert_eq!(known.hears(50_000), "50000");
    assert_eq!(known.hears(100_000), "(3", "what was learned before stands");
}

#[test]
fn three_steps_of_a_coarse_market_are_never_far() {
    let mut collar = Collar::new(10, Price::from_units(1));
    let mut cleaned = Vec::new();
    (0..100).for_each(|number| collar.trade(numbered(number, 5), &mut cleaned));
    cleaned.clear();
    collar.trade(numbered(100, 8), &mut cleaned);
    collar.trade(numbered(101, 12), &mut cleaned);
    assert_eq!(words(&cleaned), "8 12", "a move of 47 % was learned");
}

/// Prices from 10⁻¹⁰ to 10⁷ of ten decimals: walks, jumps, and trades far out.
fn prices() -> impl Strategy<Value = Vec<i64>> {
    let start = (0_u32..18).prop_map(|power| 10_i64.pow(power));
    let step = prop_oneof![
        20 => (-3_i64..=3).prop_map(|bps| 1.0 + bps as f64 / 10_000.0),
        1 => prop::sample::select(vec![0.000_1, 0.2, 0.9, 1.01, 1.5, 1_000.0]),
    ];
    // How many trades the market stays where it went.
    let leg = (step, 1_usize..6, any::<bool>());
    (start, prop::collection::vec(leg, 1..200)).prop_map(|(start, legs)| {
        let (mut price, mut prices) = (start, Vec::new());
        for (factor, stays, comes_back) in legs {
            let there = ((price as f64 * factor) as i64).clamp(1, 100_000_000_000_000_000);
            prices.extend(std::iter::repeat_n(there, stays));
            price = if comes_back { price } else { there };
        }
        prices
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn every_trade_is_told_once_and_in_order_or_named_and_no_jump_waits_for_more_than_three(
        prices in prices(), quoted in prop::collection::vec(0_usize..400, 0..20), sigmas in prop::sample::select(vec![0, 1, 10, 1_000]),
    ) {
        let mut collar = Collar::new(sigmas, Price::from_units(1));
        let (mut told, mut out) = (Vec::new(), Vec::new());
        for (place, price) in prices.iter().enumerate() {
            let mut cleaned = Vec::new();
            if quoted.contains(&place) {
                collar.quote(&quote(*price, price + 1), &mut cleaned);
            }
            let what = NumberedTrade { number: place as u64, ..numbered(0, *price) };
            // The quantity says which trade it is.
            let trade = Trade { qty: Qty::from(place as i64), ..what.trade };
            collar.trade(NumberedTrade { trade, ..what }, &mut cleaned);
            prop_assert!(collar.waiting.len() <= 3);
            for cleaned in cleaned {
                match cleaned {
                    Cleaned::Told(trade) => told.push(trade.qty.units()),
                    Cleaned::Found(DataFinding::Discarded(trade)) => out.push(i128::from(trade.number)),
                    Cleaned::Found(_) => {}
                }
            }
            // What does not wait is told, or was named.
            prop_assert_eq!(told.len() + out.len() + collar.waiting.len(), place + 1);
            // Four trades on one side, far out, are a market that has moved.
            if collar.waiting.is_empty() {
                prop_assert_eq!(told.last(), Some(&(place as i128)));
            }
        }
        prop_assert!(told.windows(2).all(|pair| pair[0] < pair[1]), "{:?}", told);
        let mut all: Vec<i128> = told.iter().chain(&out).copied().collect();
        all.sort_unstable();
        all.dedup();
        prop_assert_eq!(all.len(), told.len() + out.len());
        if sigmas == 0 {
            prop_assert!(out.is_empty());
        }
    }
}
