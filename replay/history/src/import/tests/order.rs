//! Which way time runs through a file, and which of two times.

use engine_core::time::Span;
use journal_store::record::lag_span;
use proptest::prelude::*;

use super::{Desk, SECOND, gzipped, minute_bars};
use crate::import::{ImportRequest, import};
use crate::quality::check_dataset;

/// The rows of `text` behind its header turned round.
fn turned(text: &str) -> String {
    let mut lines: Vec<&str> = text.lines().collect();
    lines[1..].reverse();
    lines.join("\n") + "\n"
}

#[test]
fn a_file_that_begins_with_its_newest_row_is_read_from_its_end() {
    let forward = Desk::new();
    let expected = forward.text("a.csv", minute_bars(0, 5_000)).unwrap();
    for (name, content) in [
        ("a.csv", turned(&minute_bars(0, 5_000)).into_bytes()),
        ("a.csv.gz", gzipped(turned(&minute_bars(0, 5_000)).as_bytes())),
        ("b.csv", format!("https://www.example.com\n{}", turned(&minute_bars(0, 5_000))).into_bytes()),
    ] {
        let desk = Desk::new();
        let outcome = desk.text(name, content).unwrap();
        assert_eq!(outcome.entry.head, expected.entry.head, "{name}");
        assert!(
            outcome.quality.decisions.iter().any(|note| note.contains("newest row comes first")),
            "{name}"
        );
    }
    // Two rows are enough to see it, and files of both kinds go together.
    let desk = Desk::new();
    let (a, b) = (desk.file("a.csv", turned(&minute_bars(0, 2))), desk.file("b.csv", minute_bars(2, 4_998)));
    assert_eq!(desk.import(&[&b, &a]).unwrap().entry.head.digest, expected.entry.head.digest);
}

#[test]
fn trades_of_one_moment_turn_round_too() {
    let row = |at: i64, price: i64| format!("{},{price},1\n", 1_570_752_011 + at);
    let text = |rows: &[(i64, i64)]| {
        let rows: Vec<String> = rows.iter().map(|(at, price)| row(*at, *price)).collect();
        format!("ts,price,qty\n{}", rows.concat())
    };
    let desk = Desk::new();
    desk.text("t.csv", text(&[(1, 9), (1, 8), (1, 7), (0, 6)])).unwrap();
    let prices: Vec<i64> = desk.trades().iter().map(|trade| trade.price / super::ONE).collect();
    assert_eq!(prices, [6, 7, 8, 9]);
    // A file of more than a first look whose rows all share one moment until then.
    let mut many: Vec<(i64, i64)> = (0..3_000).map(|price| (5, price + 1)).collect();
    many.push((4, 1));
    let desk = Desk::new();
    desk.text("t.csv", text(&many)).unwrap();
    assert_eq!(desk.trades().last().unwrap().price, super::ONE);
}

#[test]
fn errors_in_a_turned_file_name_the_line_of_the_file() {
    let text = turned(&minute_bars(0, 50)).replacen(",102,", ",abc,", 1);
    let line = text.lines().position(|line| line.contains("abc")).unwrap() + 1;
    let error = Desk::new().text("a.csv", &text).unwrap_err().to_string();
    assert!(error.contains(&format!("row {line}: high \"abc\"")), "{error}");
    let mut rows: Vec<String> = turned(&minute_bars(0, 50)).lines().map(str::to_owned).collect();
    rows.swap(10, 20);
    let desk = Desk::new();
    let files = vec![desk.file("a.csv", rows.join("\n"))];
    let request =
        ImportRequest { strict: true, ..ImportRequest::new(desk.dataset(), "test", "BTCUSD", files) };
    let error = import(&request, &mut ()).unwrap_err().to_string();
    assert!(error.contains("row 12: time goes forward here but back in the rows above"), "{error}");
}

const TARDIS: &str = "exchange,symbol,timestamp,local_timestamp,id,side,price,amount\n";

fn tardis(venue_us: i64, local_us: i64, id: usize) -> String {
    let at = 1_582_329_602_000_000;
    format!("binance,BTCUSDT,{},{},{id},buy,9682,0.1\n", at + venue_us, at + local_us)
}

#[test]
fn rows_in_order_of_arrival_keep_both_times() {
    // The venue's time goes back from one row to the next, and its clock is ahead in the last.
    let desk = Desk::new();
    let text = [TARDIS, &tardis(100, 900, 1), &tardis(50, 950, 2), &tardis(1_200, 1_000, 3)].concat();
    let outcome = desk.text("trades.csv", &text).unwrap();
    let start = 1_582_329_602 * SECOND;
    let times: Vec<(i64, Option<Span>)> =
        desk.trades().iter().map(|trade| (trade.venue_at - start, lag_span(trade.lag_us))).collect();
    let lag = |us: i64| Some(Span::from_nanos(us * 1_000));
    assert_eq!(times, [(100_000, lag(800)), (50_000, lag(900)), (1_200_000, lag(-200))]);
    assert_eq!((outcome.quality.early, outcome.quality.out_of_order.count), (1, 0));
    assert!(outcome.quality.violations().is_empty(), "{:?}", outcome.quality.violations());
    let checked = check_dataset(&desk.dataset()).unwrap();
    assert_eq!((checked[0].quality.early, checked[0].quality.out_of_order.count), (1, 0));
    assert!(journal_store::verify::verify(&desk.dataset(), None).unwrap().is_sound());
    // The same file again adds nothing.
    assert_eq!(desk.text("copy.csv", text + "\n").unwrap().skipped, 3);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn either_order_of_two_times_gives_the_same_series(
        rows in prop::collection::vec((0_i64..5_000, -300_i64..3_000), 1..60),
    ) {
        // Arrivals are all different, so that there is one right order.
        let rows: Vec<(i64, i64)> =
            rows.iter().enumerate().map(|(index, (venue, lag))| (*venue * 60 + index as i64, *lag * 60)).collect();
        let mut rows: Vec<(i64, i64)> = rows.into_iter().map(|(venue, lag)| (venue, venue + lag)).collect();
        rows.sort_by_key(|(_, local)| *local);
        rows.dedup_by_key(|(_, local)| *local);
        let text = |rows: &[(i64, i64)]| {
            let rows = rows.iter().map(|(venue, local)| tardis(*venue, *local, usize::try_from(*local + 20_000).unwrap()));
            TARDIS.to_owned() + &rows.collect::<String>()
        };
        let local = Desk::new();
        let first = local.text("local.csv", text(&rows)).unwrap();
        rows.sort_by_key(|(venue, _)| *venue);
        let venue = Desk::new();
        let second = venue.text("venue.csv", text(&rows)).unwrap();
        prop_assert_eq!(first.entry.head.digest, second.entry.head.digest);
        prop_assert_eq!(first.rows as usize, rows.len());
    }
}
