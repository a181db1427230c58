//! Decimals of a series come from the numbers of its files.

use engine_core::num::Decimal;
use journal_store::record::RecordKind;
use proptest::prelude::*;

use super::{Desk, ONE};
use crate::import::{ImportRequest, VolumeUnit, import};
use crate::quality::check_dataset;

const HEADER: &str = "open_time,open,high,low,close,volume\n";

/// Daily bars from 2021-01-01 on, each of one price and a volume.
fn days(rows: &[(&str, &str)]) -> String {
    let row = |(day, (price, volume)): (usize, &(&str, &str))| {
        let at = 1_609_459_200 + day * 86_400;
        format!("{at},{price},{price},{price},{price},{volume}\n")
    };
    HEADER.to_owned() + &rows.iter().enumerate().map(row).collect::<String>()
}

fn decimals(desk: &Desk) -> (u8, u8) {
    let entry = &desk.entries()[0];
    (entry.info.price_decimals, entry.info.qty_decimals)
}

/// The exact numbers that a series holds: price and quantity of every bar.
fn held(desk: &Desk) -> Vec<(String, String)> {
    let (price, qty) = decimals(desk);
    let shown = |units: i64, decimals| Decimal { units: i128::from(units), decimals }.to_string();
    desk.bars().iter().map(|bar| (shown(bar.close, price), shown(bar.volume, qty))).collect()
}

#[test]
fn volumes_of_cheap_coins_are_kept_whole() {
    let desk = Desk::new();
    let rows = [("0.0561", "102989795103"), ("0.0562", "98000000000.5"), ("0.0563", "30000000000000")];
    let outcome = desk.text("DOGEUSDT.csv", days(&rows)).unwrap();
    assert_eq!(decimals(&desk), (8, 5));
    let expected = rows.map(|(price, volume)| (price.to_owned(), volume.to_owned()));
    assert_eq!(held(&desk), expected);
    assert_eq!(outcome.quality.rounded, 0);
    assert!(
        outcome.quality.decisions.iter().any(|note| note.contains("quantities 5")),
        "{:?}",
        outcome.quality
    );
}

#[test]
fn prices_of_cheap_coins_keep_all_digits_and_their_moves() {
    let desk = Desk::new();
    let outcome = desk.text("PEPE.csv", days(&[("0.0000000149", "5e12"), ("0.0000000151", "7e12")])).unwrap();
    assert_eq!(decimals(&desk), (10, 6));
    let bars = desk.bars();
    assert_eq!((bars[0].close, bars[1].close), (149, 151));
    assert_eq!((outcome.quality.rounded, outcome.entry.fidelity.rounded()), (0, 0));
}

#[test]
fn a_number_that_comes_late_chooses_for_the_whole_series() {
    // Behind everything that a first look sees, and behind pages that were written already.
    let mut rows: Vec<(&str, &str)> = vec![("1.5", "10"); 30_000];
    rows.push(("0.000000000123", "40000000000000"));
    let desk = Desk::new();
    desk.text("late.csv", days(&rows)).unwrap();
    assert_eq!(decimals(&desk), (12, 5));
    assert_eq!(held(&desk).last().unwrap(), &("0.000000000123".to_owned(), "40000000000000".to_owned()));
    // The same as if the number had come first.
    rows.reverse();
    let early = Desk::new();
    early.text("early.csv", days(&rows)).unwrap();
    assert_eq!(decimals(&early), decimals(&desk));
}

#[test]
fn what_cannot_be_kept_is_refused_and_leaves_nothing() {
    let desk = Desk::new();
    let mut rows: Vec<(&str, &str)> = vec![("1.5", "10"); 3_000];
    rows.push(("0.000000000123", "0.1234567"));
    let error = desk.text("both.csv", days(&rows)).unwrap_err().to_string();
    for part in [
        "0.000000000123 in both.csv, row 3002 has 12",
        "0.1234567",
        "--price-decimals 11",
        "--qty-decimals 6",
    ] {
        assert!(error.contains(part), "{part}: {error}");
    }
    assert!(!error.contains("volume-in"), "{error}");
    assert!(!desk.dataset().exists());
    let mut request = desk.request(&[&desk.file("both.csv", days(&rows))]);
    request.qty_decimals = Some(6);
    let outcome = import(&request, &mut ()).unwrap();
    assert_eq!((outcome.entry.fidelity.rounded_quantities, outcome.quality.rounded), (1, 1));
    assert_eq!(decimals(&desk), (12, 6));
}

#[test]
fn a_loss_that_was_asked_for_stays_with_the_dataset() {
    let desk = Desk::new();
    let mut request =
        desk.request(&[&desk.file("a.csv", days(&[("0.0000000149", "1"), ("0.0000000151", "1")]))]);
    request.price_decimals = Some(8);
    let outcome = import(&request, &mut ()).unwrap();
    assert_eq!(outcome.quality.violations().len(), 1);
    let checked = check_dataset(&desk.dataset()).unwrap();
    let violations = checked[0].quality.violations().join("\n");
    assert!(
        violations.contains("8 numbers with more decimals") && violations.contains("3.3e-1"),
        "{violations}"
    );
    let fidelity = desk.entries()[0].fidelity;
    assert_eq!((fidelity.rounded_prices, fidelity.rounded_quantities), (8, 0));
}

#[test]
fn what_binary_arithmetic_left_is_no_digit() {
    let desk = Desk::new();
    let outcome =
        desk.text("floats.csv", days(&[("0.09946999000000001", "0.30000000000000004"), ("1", "1")])).unwrap();
    assert_eq!(decimals(&desk), (8, 8));
    assert_eq!((desk.bars()[0].close, desk.bars()[0].volume), (9_946_999, 30_000_000));
    assert!(outcome.quality.violations().is_empty());
    assert_eq!((outcome.quality.dusted, outcome.quality.rounded), (5, 0));
    assert!(outcome.quality.relative_error_max_atto < 1_000);
    // Numbers computed in doubles are rounded at what room there is, and that is told.
    let desk = Desk::new();
    let outcome = desk.text("computed.csv", days(&[("41234.56", "1234.5678901234567"), ("1", "1")])).unwrap();
    assert_eq!(decimals(&desk), (8, 10));
    assert_eq!((outcome.quality.rounded, outcome.quality.violations().len()), (1, 1));
}

#[test]
fn money_divided_by_the_close_finds_its_decimals_too() {
    let desk = Desk::new();
    let mut request: ImportRequest =
        desk.request(&[&desk.file("a.csv", days(&[("0.00001", "350967941479"), ("0.00001", "1")]))]);
    request.volume_unit = VolumeUnit::Quote;
    import(&request, &mut ()).unwrap();
    assert_eq!(decimals(&desk), (8, 2));
    assert_eq!(held(&desk)[0].1, "35096794147900000");
}

#[test]
fn appended_files_must_fit_the_decimals_that_are_stored() {
    let desk = Desk::new();
    desk.text("a.csv", days(&[("0.7", "102989795103"), ("0.7", "1")])).unwrap();
    assert_eq!(decimals(&desk), (8, 7));
    let before = desk.entries();
    let more = |price: &str, volume: &str| days(&[("0.7", "102989795103"), ("0.7", "1"), (price, volume)]);
    // Its decimals go on, though they are not the usual ones.
    assert_eq!(desk.text("b.csv", more("0.7", "2.5")).unwrap().rows, 1);
    let error = desk.text("c.csv", more("0.0000000123", "1")).unwrap_err().to_string();
    let advice = "row 4: open \"0.0000000123\" has 10 decimals but the series is stored with 8";
    assert!(error.contains(advice) && error.contains("--price-decimals 8"), "{error}");
    let error = desk.text("c.csv", more("0.7", "40000000000000")).unwrap_err().to_string();
    assert!(error.contains("too large at 7 decimals") && error.contains("new dataset"), "{error}");
    assert_eq!(desk.entries()[0].head.count, before[0].head.count + 1);
}

#[test]
fn a_refused_series_leaves_its_neighbours_alone() {
    let desk = Desk::new();
    desk.text("a.csv", super::minute_bars(0, 50)).unwrap();
    let before = desk.entries();
    let mut request = desk.request(&[
        &desk.file("t.csv", "ts,price,qty\n1570752011619,1,1\n1570752011620,1,1\n1570752011619,1,1\n")
    ]);
    request.symbol = "OTHER".into();
    request.strict = true;
    import(&request, &mut ()).unwrap_err();
    let all = journal_store::dataset::DatasetReader::open(&desk.dataset()).unwrap().series_list().to_vec();
    assert_eq!(all, before);
    assert!(journal_store::verify::verify(&desk.dataset(), None).unwrap().is_sound());
}

fn number(digits: i64, decimals: u8) -> String {
    Decimal { units: i128::from(digits), decimals }.to_string()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_number_comes_back_whole_or_the_file_is_refused(
        rows in prop::collection::vec((1_i64..1_000_000_000_000_000, 0_u8..14, 0_i64..1_000_000_000_000_000, 0_u8..10), 1..8),
    ) {
        let text: String = rows.iter().enumerate().map(|(at, (price, behind, qty, digits))| {
            format!("{},{},{}\n", 1_570_752_011_620 + at as i64, number(*price, *behind), number(*qty, *digits))
        }).collect();
        let desk = Desk::new();
        match desk.text("t.csv", format!("ts,price,qty\n{text}")) {
            Ok(outcome) => {
                prop_assert_eq!(outcome.entry.info.kind, RecordKind::Trades);
                let (price_decimals, qty_decimals) = decimals(&desk);
                prop_assert!(price_decimals + qty_decimals <= 18);
                for (trade, (price, behind, qty, digits)) in desk.trades().iter().zip(&rows) {
                    let shown = |units, decimals| number(units, decimals);
                    prop_assert_eq!(shown(trade.price, price_decimals), number(*price, *behind));
                    prop_assert_eq!(shown(trade.qty, qty_decimals), number(*qty, *digits));
                }
                prop_assert_eq!(outcome.entry.fidelity.rounded(), 0);
            }
            Err(error) => {
                let needs = |number: &str| number.split_once('.').map_or(0, |(_, behind)| behind.len());
                let price = rows.iter().map(|(price, behind, ..)| needs(&number(*price, *behind))).max().unwrap_or(0);
                let qty = rows.iter().map(|(.., qty, digits)| needs(&number(*qty, *digits))).max().unwrap_or(0);
                let largest = |value: i64, behind: u8, kept: usize| {
                    i128::from(value) * 10_i128.pow(kept as u32) / 10_i128.pow(u32::from(behind)) > i128::from(i64::MAX)
                };
                let too_large = rows.iter().any(|(value, behind, volume, digits)| {
                    largest(*value, *behind, price) || largest(*volume, *digits, qty)
                });
                prop_assert!(price + qty > 18 || too_large, "{}", error);
                prop_assert!(!desk.dataset().exists());
            }
        }
    }
}

#[test]
fn the_decimals_of_files_that_fit_are_as_ever() {
    let desk = Desk::new();
    let outcome =
        desk.text("a.csv", days(&[("46000.12345678", "0.00000001"), ("1", "90000000000")])).unwrap();
    assert_eq!(decimals(&desk), (8, 8));
    assert_eq!(desk.bars()[1].volume, 90_000_000_000 * ONE);
    assert!(!outcome.quality.decisions.iter().any(|note| note.contains("decimals")));
}
