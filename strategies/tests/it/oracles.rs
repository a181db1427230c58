//! Results of other engines, with a fill loop as naive as theirs.

use engine_core::event::{Input, OperatorCommand};
use engine_core::machine::Timing;
use engine_core::market::{MarketUpdate, Side};
use engine_core::num::{Money, Price, Ratio, parse_decimal};
use serde_json::json;

use crate::benchmark_workloads::{Bench, Done, bars, shared, wide_limits};

const TENTH_OF_A_PERCENT: Ratio = Ratio::from_units(1_000_000);

/// The published acceptance test of nautilus_trader: every order at the close that gave the signal.
#[test]
fn ema_cross_makes_the_902_orders_and_the_balance_nautilus_published() {
    let Some(bars) = bars("oracle/nautilus_btc-perp-20211231-20220201_1m.csv.zst", true) else { return };
    let strategy = json!({
        "name": "ema-cross", "fast": 10, "slow": 20, "direction": "long-short", "warmup": 20,
        "skip_flat_bars": true, "tie": "above", "size": { "units": "0.001" },
    });
    let limits = wide_limits(TENTH_OF_A_PERCENT);
    let mut bench = Bench::new(&strategy, Timing::Immediate, 10_000_000, limits);
    let mut last = Price::ZERO;
    for bar in bars.into_iter().take(10_000) {
        bench.step(Input::Market(MarketUpdate::Bar(bar)));
        bench.fill_market(bar.close);
        last = bar.close;
    }
    bench.step(Input::Operator(OperatorCommand::Flatten));
    bench.fill_market(last);
    let state = bench.core.state();
    assert_eq!(state.order_count(), 902);
    assert_eq!(state.ledger().cash(), Money::from_units(9_999_954_943_133_000_000_000_000));
}

/// One trade of a reference run: entry bar, exit bar, their prices and whether it was long.
#[derive(Debug, PartialEq)]
struct Trade {
    bars: (usize, usize),
    prices: (Price, Price),
    side: Side,
}

fn expected(path: &str) -> Option<Vec<Trade>> {
    let text = shared(path)?;
    // Reference prices are doubles: the eighth decimal is the nearest to what was meant.
    let price = |text: &str| Price::from_units(parse_decimal(text.as_bytes(), 8).unwrap().units);
    let trades = text.lines().skip(1).map(|row| {
        let columns: Vec<&str> = row.split(',').collect();
        Trade {
            bars: (columns[1].parse().unwrap(), columns[2].parse().unwrap()),
            prices: (price(columns[3]), price(columns[4])),
            side: if columns[0].starts_with('-') { Side::Sell } else { Side::Buy },
        }
    });
    Some(trades.collect())
}

fn made(done: &[Done]) -> Vec<Trade> {
    let pairs = done.chunks_exact(2).map(|pair| Trade {
        bars: (pair[0].bar, pair[1].bar),
        prices: (pair[0].price, pair[1].price),
        side: pair[0].side,
    });
    pairs.collect()
}

fn follow(strategy: &serde_json::Value, data: &str, reference: &str) {
    let (Some(bars), Some(expected)) = (bars(data, true), expected(reference)) else { return };
    let limits = wide_limits(TENTH_OF_A_PERCENT);
    let mut bench = Bench::new(strategy, Timing::NextOpen, 1_000_000, limits);
    bars.into_iter().for_each(|bar| {
        bench.bar(bar);
    });
    let made = made(&bench.done);
    // The reference closes what is open at the end of the data; that trade is the venue's, not the policy's.
    let finished = made.len().min(expected.len());
    assert!(expected.len() - finished <= 1, "{} of {} trades", made.len(), expected.len());
    for (made, expected) in made.iter().zip(&expected) {
        assert_eq!(made, expected);
    }
}

#[test]
fn sma_cross_makes_every_trade_of_the_reference_runs() {
    let strategy = json!({
        "name": "sma-cross", "fast": 10, "slow": 30, "direction": "long-short", "size": { "units": 1 },
    });
    for (data, run) in [("BTCUSDT_1d_to_2024", "BTCUSDT_1d"), ("BTCUSDT_1h_2022_2024", "BTCUSDT_1h")] {
        let data = format!("bars/binance_spot_{data}.csv.zst");
        follow(&strategy, &data, &format!("oracle/bt_smacross_unit_{run}.trades.csv"));
    }
}

#[test]
fn limit_dip_makes_every_trade_of_the_reference_run() {
    let strategy = json!({ "name": "limit-dip", "offset": "1%", "hold": 24, "size": { "units": 1 } });
    let data = "bars/binance_spot_BTCUSDT_1h_2022_2024.csv.zst";
    follow(&strategy, data, "oracle/bt_limitdip_BTCUSDT_1h.trades.csv");
}
