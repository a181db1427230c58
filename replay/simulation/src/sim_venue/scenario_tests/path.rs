//! Given a bar and the orders that work when it begins, when its path is walked, then these fills follow.

use super::*;
use crate::config::LimitAtOpen;

const BAR_MODELS: [FillModel; 2] = [FillModel::NextOpen, FillModel::SameClose];

fn exits(stop_loss: Option<i64>, take_profit: Option<i64>) -> Option<Bracket> {
    Some(Bracket { stop_loss: stop_loss.map(price).into(), take_profit: take_profit.map(price) })
}

/// Order and price of every fill.
fn fills(config: &BacktestConfig, prices: &[[i64; 4]], script: Vec<(usize, OrderIntent)>) -> Vec<(u64, i64)> {
    let seen = play(config, bars(config.fill, prices), script);
    seen.fills.iter().map(|(order, price, _, _)| (*order, *price)).collect()
}

#[test]
fn a_stop_born_beyond_the_path_fills_where_the_path_stands() {
    for model in BAR_MODELS {
        let prices = [[10_000; 4], [10_000, 10_050, 9_300, 9_350]];
        let entry = |stop| OrderIntent {
            bracket: exits(Some(stop), None),
            ..buy(OrderKind::Limit(price(9_500)), UNIT)
        };
        let passed = fills(&config(model), &prices, vec![(1, entry(9_800))]);
        assert_eq!(passed, [(1, 9_500), (2, 9_500)], "bought at 95, sold there and not at 98");
        let ahead = fills(&config(model), &prices, vec![(1, entry(9_400))]);
        assert_eq!(ahead, [(1, 9_500), (2, 9_400)], "the path goes on to 94");
        let below = fills(&config(model), &prices, vec![(1, entry(9_200))]);
        assert_eq!(below, [(1, 9_500)], "the path never comes to 92");
    }
}

#[test]
fn the_same_holds_for_a_short_and_for_a_stop_that_enters() {
    for model in BAR_MODELS {
        let prices = [[10_000; 4], [10_000, 10_700, 9_950, 10_650]];
        let short =
            OrderIntent { bracket: exits(Some(10_200), None), ..sell(OrderKind::Limit(price(10_500)), UNIT) };
        assert_eq!(fills(&config(model), &prices, vec![(1, short)]), [(1, 10_500), (2, 10_500)]);
        let long = OrderIntent {
            bracket: exits(Some(10_550), None),
            ..buy(OrderKind::StopMarket(price(10_500)), UNIT)
        };
        assert_eq!(fills(&config(model), &prices, vec![(1, long)]), [(1, 10_500), (2, 10_500)]);
    }
}

#[test]
fn a_target_that_the_open_jumps_over_fills_at_its_limit_unless_the_venue_has_sessions() {
    for model in BAR_MODELS {
        let prices = [[10_000; 4], [10_000, 10_010, 9_990, 10_000], [13_000, 13_100, 12_900, 13_000]];
        let entry = OrderIntent { bracket: exits(None, Some(10_500)), ..buy(OrderKind::Market, UNIT) };
        let mut config = config(model);
        assert_eq!(fills(&config, &prices, vec![(1, entry.clone())]), [(1, 10_000), (2, 10_500)]);
        config.venue.limit_at_open = LimitAtOpen::Open;
        assert_eq!(fills(&config, &prices, vec![(1, entry)]), [(1, 10_000), (2, 13_000)]);
    }
}

#[test]
fn a_stop_set_from_a_limit_that_was_jumped_over_counts_in_that_bar() {
    for model in BAR_MODELS {
        let prices = [[10_000; 4], [10_000; 4], [9_000, 9_200, 8_500, 9_100]];
        let entry = |stop| OrderIntent {
            bracket: exits(Some(stop), None),
            ..buy(OrderKind::Limit(price(9_500)), UNIT)
        };
        let passed = fills(&config(model), &prices, vec![(1, entry(9_300))]);
        assert_eq!(passed, [(1, 9_500), (2, 9_000)], "the market stands at 90 when the stop comes");
        let ahead = fills(&config(model), &prices, vec![(1, entry(8_800))]);
        assert_eq!(ahead, [(1, 9_500), (2, 8_800)]);
    }
}

#[test]
fn what_an_open_jumps_over_fills_in_the_order_the_market_passed_it() {
    let prices = [[10_000; 4], [10_000; 4], [13_000, 13_100, 12_900, 13_000]];
    let exit = |limit| OrderIntent { reach: Reach::ReduceOnly, ..sell(OrderKind::Limit(price(limit)), UNIT) };
    let script = vec![(1, buy(OrderKind::Market, UNIT)), (2, exit(11_000)), (2, exit(10_500))];
    // Both could close the position; the market came to 105 before it came to 110.
    let played = fills(&config(FillModel::SameClose), &prices, script);
    assert_eq!(played, [(1, 10_000), (3, 10_500)]);
}

#[test]
fn a_limit_on_the_way_to_a_stop_is_passed_first() {
    for model in BAR_MODELS {
        let prices = [[10_000; 4], [10_000, 10_050, 8_900, 9_000]];
        let script = vec![
            (1, sell(OrderKind::StopMarket(price(9_000)), UNIT)),
            (1, buy(OrderKind::Limit(price(9_500)), UNIT)),
        ];
        assert_eq!(fills(&config(model), &prices, script), [(2, 9_500), (1, 9_000)]);
    }
}

#[test]
fn a_trailing_stop_that_follows_the_high_lets_the_path_pass_the_target_first() {
    let prices = [[10_000; 4], [10_000; 4], [10_000, 11_000, 9_990, 10_000]];
    let trail = OrderKind::TrailingStop(Ratio::from_units(10_000_000));
    let exit = |kind| OrderIntent { reach: Reach::ReduceOnly, ..sell(kind, UNIT) };
    let script =
        vec![(1, buy(OrderKind::Market, UNIT)), (2, exit(trail)), (2, exit(OrderKind::Limit(price(10_500))))];
    // The way to 110 and back to 108.90 leads past 105, where the target has closed the position.
    let played = fills(&config(FillModel::SameClose), &prices, script);
    assert_eq!(played, [(1, 10_000), (3, 10_500)]);
}

#[test]
fn a_trailing_stop_knows_the_open() {
    let prices = [[10_000; 4], [10_000; 4], [12_000, 12_000, 9_000, 9_500]];
    let trail = OrderKind::TrailingStop(Ratio::from_units(10_000_000));
    let exit = OrderIntent { reach: Reach::ReduceOnly, ..sell(trail, UNIT) };
    let script = vec![(1, buy(OrderKind::Market, UNIT)), (2, exit)];
    assert_eq!(fills(&config(FillModel::SameClose), &prices, script), [(1, 10_000), (2, 11_880)]);
}

#[test]
fn a_target_set_from_a_fill_at_the_open_does_not_take_the_close_before_it() {
    let prices = [[10_000; 4], [10_000; 4], [9_000, 9_100, 8_900, 9_000]];
    let entry =
        OrderIntent { bracket: exits(None, Some(9_700)), ..buy(OrderKind::Limit(price(9_500)), UNIT) };
    assert_eq!(fills(&config(FillModel::SameClose), &prices, vec![(1, entry)]), [(1, 9_500)]);
}

#[test]
fn an_order_that_ends_without_a_trade_does_not_move_the_path() {
    let still = [10_000; 4];
    let prices = [still, still, still, still, [10_000, 10_200, 9_940, 10_150]];
    let trail = OrderKind::TrailingStop(Ratio::from_units(10_000_000));
    let nothing = OrderIntent { reach: Reach::ReduceOnly, ..buy(OrderKind::StopMarket(price(10_100)), UNIT) };
    let script = vec![
        (1, sell(OrderKind::Market, UNIT)),
        (2, nothing),
        (3, buy(OrderKind::Market, 2 * UNIT)),
        (4, OrderIntent { reach: Reach::ReduceOnly, ..sell(trail, UNIT) }),
    ];
    // The stop at 101 has nothing to reduce. Had it moved the path, the trailing stop would sell at 99.99.
    assert_eq!(fills(&config(FillModel::SameClose), &prices, script), [(1, 10_000), (3, 10_000)]);
}

/// The stop and the target of an entry whose stop follows by a tenth.
fn following(take_profit: Option<i64>) -> OrderIntent {
    let stop_loss = BracketStop::Trailing(Ratio::from_units(100_000_000));
    let bracket = Some(Bracket { stop_loss, take_profit: take_profit.map(price) });
    OrderIntent { bracket, ..buy(OrderKind::Market, UNIT) }
}

#[test]
fn the_exit_of_an_entry_follows_the_highs_and_fills_on_the_way_back() {
    let prices = [[100; 4], [100; 4], [100, 200, 100, 200], [200, 201, 185, 190], [190, 190, 150, 160]];
    for model in BAR_MODELS {
        let seen = play(&config(model), bars(model, &prices), vec![(1, following(None))]);
        assert_eq!(seen.fills, [(1, 100, UNIT, 100), (2, 181, UNIT, 499)]);
        let seen = play(&config(model), bars(model, &prices), vec![(1, following(Some(150)))]);
        assert_eq!(seen.fills, [(1, 100, UNIT, 100), (3, 150, UNIT, 299)]);
        assert_eq!(seen.ends, [(2, "cancelled")], "its target ends it");
        let falls = [[100; 4], [100; 4], [100, 101, 80, 85]];
        let seen = play(&config(model), bars(model, &falls), vec![(1, following(Some(150)))]);
        assert_eq!(seen.fills, [(1, 100, UNIT, 100), (2, 90, UNIT, 299)]);
        assert_eq!(seen.ends, [(3, "cancelled")], "it ends its target");
    }
}
