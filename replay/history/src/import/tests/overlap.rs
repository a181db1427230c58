//! Importing again, on and into what is there already.

use super::{Desk, minute_bars};
use crate::import::import;

#[test]
fn the_same_file_twice_changes_nothing() {
    let desk = Desk::new();
    let first = desk.text("bars.csv", minute_bars(0, 50)).unwrap();
    let again = desk.text("copy of bars.csv", minute_bars(0, 50)).unwrap();
    assert!(again.nothing_new && again.files[0].known);
    assert_eq!(again.entry, first.entry);
    // Packed otherwise it is another file with the same rows.
    let packed = desk.text("bars.csv.gz", super::gzipped(minute_bars(0, 50).as_bytes())).unwrap();
    assert!(packed.nothing_new && !packed.files[0].known && packed.skipped == 50);
    assert_eq!(desk.entries()[0], first.entry);
}

#[test]
fn the_same_file_named_twice_is_read_once() {
    let desk = Desk::new();
    let (a, b) = (desk.file("a.csv", minute_bars(0, 5)), desk.file("b.csv", minute_bars(0, 5)));
    let outcome = desk.import(&[&a, &b]).unwrap();
    assert_eq!((outcome.rows, outcome.files[1].known), (5, true));
}

#[test]
fn a_file_that_overlaps_the_end_adds_only_its_rest() {
    let desk = Desk::new();
    desk.text("a.csv", minute_bars(0, 50)).unwrap();
    let outcome = desk.text("b.csv", minute_bars(30, 50)).unwrap();
    assert_eq!((outcome.rows, outcome.skipped), (30, 20));
    let whole = Desk::new();
    let expected = whole.text("all.csv", minute_bars(0, 80)).unwrap();
    assert_eq!(outcome.entry.head.digest, expected.entry.head.digest);
}

#[test]
fn files_of_one_command_may_overlap() {
    let desk = Desk::new();
    let (a, b) = (desk.file("a.csv", minute_bars(0, 50)), desk.file("b.csv", minute_bars(30, 50)));
    let outcome = desk.import(&[&b, &a]).unwrap();
    assert_eq!((outcome.rows, outcome.skipped), (80, 20));
    assert_eq!((outcome.files[0].rows, outcome.files[0].skipped), (30, 20));
    // Both are remembered.
    assert!(desk.import(&[&a, &b]).unwrap().files.iter().all(|file| file.known));
}

#[test]
fn files_that_go_on_from_stored_rows_may_overlap_them_and_each_other() {
    let desk = Desk::new();
    desk.text("a.csv", minute_bars(0, 50)).unwrap();
    let (b, c) = (desk.file("b.csv", minute_bars(40, 20)), desk.file("c.csv", minute_bars(45, 30)));
    let outcome = desk.import(&[&c, &b]).unwrap();
    assert_eq!((outcome.rows, outcome.skipped), (25, 25));
}

#[test]
fn a_conflict_is_refused_and_changes_nothing() {
    let desk = Desk::new();
    desk.text("a.csv", minute_bars(0, 50)).unwrap();
    let before = desk.entries();
    let changed = minute_bars(30, 50).replacen("30.5", "31.5", 1);
    let error = desk.text("b.csv", changed).unwrap_err().to_string();
    assert!(error.contains("b.csv, row 2") && error.contains("differs"), "{error}");
    assert_eq!(desk.entries(), before);
}

#[test]
fn rows_before_the_first_or_between_are_refused() {
    let desk = Desk::new();
    desk.text("a.csv", minute_bars(10, 10)).unwrap();
    let before = desk.entries();
    let error = desk.text("b.csv", minute_bars(0, 15)).unwrap_err().to_string();
    assert!(error.contains("order of time"), "{error}");
    let mut holed = minute_bars(10, 3);
    holed.push_str(minute_bars(14, 2).split_once('\n').unwrap().1);
    assert!(desk.text("c.csv", holed).is_err());
    assert_eq!(desk.entries(), before);
}

#[test]
fn trades_of_one_moment_are_laid_over_each_other() {
    let row = |at: i64, price: i64| format!("{},{price},1\n", 1_570_752_011_620 + at);
    let text = |rows: &[(i64, i64)]| {
        let rows: Vec<String> = rows.iter().map(|(at, price)| row(*at, *price)).collect();
        format!("ts,price,qty\n{}", rows.concat())
    };
    let desk = Desk::new();
    desk.text("a.csv", text(&[(0, 5), (1, 6), (1, 7), (1, 8)])).unwrap();
    // Begins in the middle of a moment and goes on within it.
    let outcome = desk.text("b.csv", text(&[(1, 7), (1, 8), (1, 9), (2, 10)])).unwrap();
    assert_eq!((outcome.rows, outcome.skipped), (2, 2));
    let prices: Vec<i64> = desk.trades().iter().map(|trade| trade.price / super::ONE).collect();
    assert_eq!(prices, [5, 6, 7, 8, 9, 10]);
}

#[test]
fn another_interval_or_decimals_are_another_series() {
    let desk = Desk::new();
    desk.text("a.csv", minute_bars(0, 50)).unwrap();
    let hours: String = (0..5).map(|hour| format!("{},1,1,1,1,1\n", 1_704_070_800 + hour * 3_600)).collect();
    let error =
        desk.text("h.csv", format!("ts,open,high,low,close,volume\n{hours}")).unwrap_err().to_string();
    assert!(error.contains("1h") && error.contains("1m"), "{error}");
    let mut request = desk.request(&[&desk.file("b.csv", minute_bars(50, 5))]);
    request.price_decimals = Some(2);
    assert!(import(&request, &mut ()).unwrap_err().to_string().contains("price decimals"));
}

#[test]
fn strict_lists_every_violation_and_stores_nothing() {
    let desk = Desk::new();
    let mut text = minute_bars(0, 5);
    text.push_str("1704067800000,100,90,80,100,1\n1704067800000,100,90,80,100,1\n");
    let path = desk.file("a.csv", text);
    let mut request = desk.request(&[&path]);
    request.strict = true;
    let error = import(&request, &mut ()).unwrap_err().to_string();
    for part in ["1 duplicates", "1 bars with open or close", "5 missing bars in 1 gaps"] {
        assert!(error.contains(part), "{part}: {error}");
    }
    assert!(desk.entries().is_empty());
    request.strict = false;
    assert_eq!(import(&request, &mut ()).unwrap().rows, 6);
}
