//! What a day of real trades makes of the rules. Where the data is absent, a test says so.

use std::path::Path;

use engine_core::event::StreamKind;

use super::*;
use crate::decimal;
use crate::silence::Silence;

/// Seconds and price, in hundredths, of every trade of a file whose first two columns they are.
fn trades(name: &str, ticks_a_second: f64) -> Option<Vec<(u64, i64)>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/market/ticks").join(name);
    if !path.exists() {
        println!("passed over: no {name} in the shared data");
        return None;
    }
    let text = String::from_utf8(zstd::decode_all(std::fs::File::open(path).unwrap()).unwrap()).unwrap();
    let row = |line: &str| {
        let mut columns = line.split(',');
        let at: f64 = columns.next().unwrap().parse().unwrap();
        let price = decimal::decimal(columns.next().unwrap()).unwrap();
        ((at / ticks_a_second) as u64, decimal::price(price, 2).unwrap().units())
    };
    Some(text.lines().skip(1).map(row).collect())
}

/// How many trades waited, were told late, and were never told.
fn collared(trades: &[(u64, i64)]) -> (usize, usize, usize) {
    let (mut collar, mut cleaned) = (Collar::new(10, Price::from_units(1)), Vec::new());
    for (number, (_, price)) in trades.iter().enumerate() {
        collar.trade(numbered(number as u64, *price), &mut cleaned);
    }
    let of = |is: fn(&DataFinding) -> bool| {
        cleaned.iter().filter(|cleaned| matches!(cleaned, Cleaned::Found(found) if is(found))).count()
    };
    (
        of(|found| matches!(found, DataFinding::Withheld(_))),
        of(|found| matches!(found, DataFinding::Released(_))),
        of(|found| matches!(found, DataFinding::Discarded(_))),
    )
}

/// How often the stream of these trades was silent for too long.
fn silences(trades: &[(u64, i64)]) -> usize {
    let mut silence = Silence::new(StreamKind::Trades);
    let spoke = |(second, _): &(u64, i64)| {
        let stale = silence.look(*second);
        silence.spoke(Timestamp::from_nanos(0), *second);
        stale
    };
    trades.iter().filter_map(spoke).count()
}

#[test]
fn no_real_trade_is_lost_and_no_silence_is_taken_for_more_than_it_is() {
    let Some(binance) = trades("binance_BTCUSDT_trades_2022-01-15.csv.zst", 1_000.0) else { return };
    assert_eq!(binance.len(), 451_466);
    assert_eq!(collared(&binance), (0, 0, 0));
    assert_eq!(silences(&binance), 1, "the capture has a hole of 314 seconds");
    let Some(gemini) = trades("gemini_eth-usd_2021-07-01_trade.csv.zst", 1.0) else { return };
    assert_eq!(gemini.len(), 25_222);
    assert_eq!(collared(&gemini), (3, 1, 0), "one jump of half a per cent, told whole");
    assert_eq!(silences(&gemini), 0);
}
