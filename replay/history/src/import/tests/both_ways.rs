//! Files whose rows go both ways in time: put in order, unless an import is strict.

use proptest::prelude::*;

use super::{Desk, minute_bars};
use crate::import::{ImportProgress, ImportRequest, Progress, import};

/// The rows of `text` behind its header, in another order.
fn reordered(text: &str, change: impl FnOnce(&mut Vec<&str>)) -> String {
    let mut lines = text.lines();
    let header = lines.next().unwrap();
    let mut rows: Vec<&str> = lines.collect();
    change(&mut rows);
    format!("{header}\n{}\n", rows.join("\n"))
}

fn strictly(desk: &Desk, text: &str) -> String {
    let files = vec![desk.file("strict.csv", text)];
    let request =
        ImportRequest { strict: true, ..ImportRequest::new(desk.dataset(), "test", "BTCUSD", files) };
    import(&request, &mut ()).unwrap_err().to_string()
}

#[test]
fn blocks_in_any_order_become_one_series() {
    let whole = minute_bars(0, 4_000);
    let expected = Desk::new().text("a.csv", &whole).unwrap().entry.head;
    let blocks = |size: usize, newest_first: bool| {
        reordered(&whole, |rows| {
            let mut blocks: Vec<Vec<&str>> = rows.chunks(size).map(<[&str]>::to_vec).collect();
            if newest_first {
                blocks.reverse()
            } else {
                blocks.iter_mut().for_each(|block| block.reverse())
            }
            *rows = blocks.concat();
        })
    };
    // Newest block first, each forward; oldest block first, each backward; one row out of place behind the first look.
    let misplaced = reordered(&whole, |rows| rows.swap(3_000, 3_500));
    let texts = [blocks(500, true), blocks(500, false), blocks(1_500, true), blocks(1_500, false), misplaced];
    for text in &texts {
        let desk = Desk::new();
        let outcome = desk.text("a.csv", text).unwrap();
        assert_eq!(outcome.entry.head, expected);
        let notes = outcome.quality.decisions.join("\n");
        assert!(notes.contains("a.csv: time runs both ways in it"), "{notes}");
        assert_eq!(outcome.quality.out_of_order.count, 0);
        // The other way round it is there already.
        assert_eq!(desk.text("b.csv", &whole).unwrap().skipped, 4_000);
        let strict = Desk::new();
        assert!(strictly(&strict, text).contains("sort the file by time"));
        assert!(!strict.dataset().exists(), "nothing is left");
    }
}

/// Each reading can end at another of the three: a number too fine for the usual decimals, a row that goes back.
#[test]
fn late_digits_and_a_late_row_out_of_place_are_both_taken_in() {
    let mut rows: Vec<String> = (0..6_000_i64)
        .map(|minute| format!("{},1,2,0.5,1.5,10", 1_704_067_200_000 + minute * 60_000))
        .collect();
    rows[3_000] = rows[3_000].replace(",1.5,", ",1.500000000001,");
    let text = |rows: &[String]| format!("open_time_ms,open,high,low,close,volume\n{}\n", rows.join("\n"));
    let expected = Desk::new().text("a.csv", text(&rows)).unwrap().entry;
    assert_eq!(expected.info.price_decimals, 12);
    // Whichever of the two is met first.
    for (one, other) in [(4_000, 5_000), (2_000, 2_500)] {
        let mut late = rows.clone();
        late.swap(one, other);
        let desk = Desk::new();
        let outcome = desk.text("a.csv", text(&late)).unwrap();
        assert_eq!((outcome.entry.head, outcome.rows), (expected.head, 6_000), "{one}");
    }
}

/// A folder of files that all go both ways is read a few times, not once for each of them.
#[test]
fn many_tables_that_go_both_ways_are_read_as_often_as_one() {
    struct Rows(u64);
    impl ImportProgress for Rows {
        fn advanced(&mut self, progress: Progress<'_>) {
            self.0 += u64::from(progress.rows == 3_000);
        }
    }
    let desk = Desk::new();
    let files: Vec<_> = (0..12)
        .map(|file| {
            let text = reordered(&minute_bars(file * 3_000, 3_000), |rows| rows.swap(2_500, 2_800));
            desk.file(&format!("{file:02}.csv"), text)
        })
        .collect();
    let files: Vec<&std::path::Path> = files.iter().map(std::path::PathBuf::as_path).collect();
    let mut readings = Rows(0);
    let outcome = import(&desk.request(&files), &mut readings).unwrap();
    assert_eq!(outcome.entry.head, Desk::new().text("a.csv", minute_bars(0, 36_000)).unwrap().entry.head);
    assert!(readings.0 <= 2, "the first table was read to its end {} times", readings.0);
    let notes = outcome.quality.decisions.join("\n");
    assert_eq!(notes.matches("time runs both ways in it").count(), 12, "{notes}");
}

#[test]
fn rows_that_stand_twice_are_judged_as_in_a_file_in_order() {
    // Two files that overlap, joined in the wrong order.
    let whole = minute_bars(0, 100);
    let joined = reordered(&whole, |rows| {
        let (old, new) = (rows[..60].to_vec(), rows[40..].to_vec());
        *rows = [new, old].concat();
    });
    let desk = Desk::new();
    let outcome = desk.text("a.csv", joined).unwrap();
    assert_eq!((outcome.rows, outcome.skipped, outcome.quality.duplicates.count), (100, 20, 20));
    assert_eq!(outcome.entry.head, Desk::new().text("a.csv", &whole).unwrap().entry.head);
    // Two versions of one bar are refused, with the row of the file.
    let changed = reordered(&whole, |rows| {
        rows.swap(10, 50);
        rows[99] = "1704067260000,9,9,9,9,9";
    });
    let error = Desk::new().text("a.csv", changed).unwrap_err().to_string();
    assert!(error.contains("row 101: there are two different bars"), "{error}");
    // Trades are one where the venue's number says so, also among others of their moment.
    let trades = "ts,price,qty,id\n1570752011,5,1,7\n1570752011,6,1,8\n1570752010,4,1,6\n1570752011,5,1,7\n1570752011,6,1,8\n";
    let desk = Desk::new();
    let outcome = desk.text("t.csv", trades).unwrap();
    assert_eq!((outcome.rows, outcome.skipped, outcome.quality.duplicates.count), (3, 2, 2));
    let prices: Vec<i64> = desk.trades().iter().map(|trade| trade.price / super::ONE).collect();
    assert_eq!(prices, [4, 5, 6]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_order_of_rows_gives_the_same_series(
        count in 3_usize..60, keys in prop::collection::vec(any::<u32>(), 60..61),
    ) {
        let whole = minute_bars(0, i64::try_from(count).unwrap());
        let shuffled = reordered(&whole, |rows| {
            let mut keyed: Vec<(u32, &str)> = keys.iter().copied().zip(rows.iter().copied()).collect();
            keyed.sort_unstable();
            *rows = keyed.into_iter().map(|(_, row)| row).collect();
        });
        let desk = Desk::new();
        let expected = desk.text("a.csv", &whole).unwrap().entry.head;
        prop_assert_eq!(Desk::new().text("a.csv", shuffled).unwrap().entry.head, expected);
    }
}
