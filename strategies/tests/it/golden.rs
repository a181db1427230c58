//! RG-ENS12 against the reference calculation: every regime, weight, turnover and return, day by day.

use std::collections::BTreeMap;

use engine_core::indicator::Candle;
use engine_core::regime::two_axis::TwoAxisDetector;
use engine_core::regime::{Regime, RegimeDetector};
use strategies::ensemble::book::{Book, BookRules, Quoted};
use strategies::ensemble::families::{FAMILIES, TrendFamilies};
use strategies::ensemble::sleeve_weights::{SLEEVES, SleeveWeights};

use crate::benchmark_workloads::shared;

/// Closes by day, the last and possibly unfinished day left out as the reference does.
fn closes(path: &str) -> Option<BTreeMap<String, f64>> {
    let text = shared(path)?;
    let mut rows = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let header = rows.next()?;
    let close = header.iter().position(|name| *name == "close").unwrap();
    let mut days: BTreeMap<String, f64> =
        rows.map(|row| (day_of(row[0]), row[close].parse().unwrap())).collect();
    days.pop_last();
    Some(days)
}

/// The calendar day of a moment in milliseconds or of an ISO date.
fn day_of(moment: &str) -> String {
    match moment.parse::<i64>() {
        Err(_) => moment[..10].to_owned(),
        Ok(millis) => civil(millis.div_euclid(86_400_000)),
    }
}

/// Year, month and day of a number of days since 1970 (Hinnant's algorithm).
fn civil(days: i64) -> String {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

fn near(ours: f64, theirs: f64, what: &str) {
    let close = (ours - theirs).abs() <= 1e-9 * theirs.abs().max(1e-3);
    assert!(close, "{what}: {ours} is not {theirs}");
}

fn follows_the_reference(name: &str, paths: &[&str]) {
    let Some(golden) = shared(&format!("../models/golden_default_{name}.csv")) else { return };
    let Some(series) = paths.iter().map(|path| closes(path)).collect::<Option<Vec<_>>>() else { return };
    let count = series.len();
    let mut families = vec![TrendFamilies::new(); count];
    let mut detectors = vec![TwoAxisDetector::default(); count];
    let mut book = Book::new(BookRules::default(), count);
    let mut worst = 0.0_f64;
    for line in golden.lines().skip(1) {
        let row: Vec<&str> = line.split(',').collect();
        let number = |at: usize| row[at].parse::<f64>().unwrap();
        let quotes: Vec<Option<Quoted>> = (0..count)
            .map(|asset| {
                let close = *series[asset].get(row[0])?;
                let mut sleeves = [0.0; SLEEVES.len()];
                sleeves[..FAMILIES].copy_from_slice(&families[asset].learn(close));
                let regime = detectors[asset].learn(&Candle::at(close)).map(|reading| reading.raw);
                // The reference calls a market ranging while it has too little history.
                assert_eq!(
                    regime.map_or(0, Regime::index),
                    row[1 + asset].parse::<usize>().unwrap(),
                    "{}",
                    row[0]
                );
                Some(Quoted { close, signal: SleeveWeights::rule(regime).signal(&sleeves) })
            })
            .collect();
        let step = book.step(&quotes);
        for asset in 0..count {
            let theirs = number(1 + count + asset);
            near(book.weight(asset), theirs, &format!("{} weight {asset}", row[0]));
            worst = worst.max((book.weight(asset) - theirs).abs());
        }
        near(step.turnover, number(1 + 2 * count), &format!("{} turnover", row[0]));
        near(step.bar_return, number(2 + 2 * count), &format!("{} return", row[0]));
        worst = worst.max((step.bar_return - number(2 + 2 * count)).abs());
    }
    println!("{name}: largest difference of a weight or return {worst:e}");
}

const BTC: &str = "bars/binance_spot_BTCUSDT_1d_to_2024.csv.zst";
const ETH: &str = "bars/binance_spot_ETHUSDT_1d_to_2024.csv.zst";
const SOL: &str = "bars/binance_spot_SOLUSDT_1d_to_2024.csv.zst";

#[test]
fn bitcoin_alone_since_2014_follows_the_reference() {
    follows_the_reference("btc_seed", &["../seed/btc_1d.csv"]);
}

#[test]
fn bitcoin_and_ether_follow_the_reference() {
    follows_the_reference("btc_eth_to_2024", &[BTC, ETH]);
}

#[test]
fn three_assets_of_which_one_starts_late_follow_the_reference() {
    follows_the_reference("btc_eth_sol_to_2024", &[BTC, ETH, SOL]);
}

#[test]
fn days_are_counted_as_the_calendar_does() {
    assert_eq!([0, 17_395, 19_782].map(civil), ["1970-01-01", "2017-08-17", "2024-02-29"]);
}
