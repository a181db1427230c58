//! Bars that are longer or shorter than the others of their file, and volumes that cannot be coins.

use engine_core::time::Span;

use super::{Desk, SECOND};
use crate::import::{ImportRequest, VolumeUnit, import};
use crate::quality::check_dataset;

const KLINES: &str = "open_time,open,high,low,close,volume,close_time\n";
const HOUR: i64 = 3_600_000;

/// Rows from and to these milliseconds after 2018-02-08, in the layout of klines.
fn klines(rows: &[(i64, i64)]) -> String {
    let day = 1_518_048_000_000;
    let row = |(from, to): &(i64, i64)| format!("{},10,12,9,11,5,{}\n", day + from, day + to);
    KLINES.to_owned() + &rows.iter().map(row).collect::<String>()
}

/// The lengths of the bars that are stored, zero for those of the usual one.
fn lengths(desk: &Desk) -> Vec<i64> {
    desk.bars().iter().map(|bar| bar.own_length_ns / 1_000_000).collect()
}

#[test]
fn a_bar_ends_where_its_row_says() {
    let shifted = 9 * HOUR + 28 * 60_000 + 14_789;
    // Cut to the full hour after an outage, or an hour long from where trading began again.
    let cut = [(6 * HOUR, 7 * HOUR - 1), (shifted, 10 * HOUR - 1), (10 * HOUR, 11 * HOUR - 1)];
    let whole =
        [(6 * HOUR, 7 * HOUR - 1), (shifted, shifted + HOUR - 1), (shifted + HOUR, shifted + 2 * HOUR - 1)];
    for (rows, expected) in [(cut, [0, 10 * HOUR - shifted, 0]), (whole, [0; 3])] {
        let desk = Desk::new();
        let outcome = desk.text("a.csv", klines(&rows)).unwrap();
        assert_eq!(outcome.entry.info.interval, Some(Span::HOUR));
        assert_eq!(lengths(&desk), expected);
        let odd = expected.iter().filter(|length| **length != 0).count() as u64;
        assert_eq!((outcome.entry.fidelity.odd_bars, outcome.quality.shortened.count), (odd, odd));
        assert_eq!(check_dataset(&desk.dataset()).unwrap()[0].quality.shortened.count, odd);
        assert!(journal_store::verify::verify(&desk.dataset(), None).unwrap().is_sound());
        // The same rows again add nothing.
        let again = desk.text("again.csv", klines(&rows) + "\n").unwrap();
        assert_eq!((again.rows, again.skipped), (0, 3));
    }
}

#[test]
fn local_days_last_from_midnight_to_midnight() {
    // Rows that say so, and rows of which only the next one tells.
    let days = [(0, 24), (24, 47), (47, 71), (71, 96), (96, 120)];
    let millis: Vec<(i64, i64)> = days.iter().map(|(from, to)| (from * HOUR, to * HOUR - 1)).collect();
    let stated = klines(&millis);
    let unstated: String =
        stated.lines().map(|line| line.rsplit_once(',').unwrap().0.to_owned() + "\n").collect();
    for text in [&stated, &unstated] {
        let desk = Desk::new();
        let outcome = desk.text("days.csv", text).unwrap();
        assert_eq!(outcome.entry.info.interval, Some(Span::DAY));
        assert_eq!(lengths(&desk), [0, 23 * HOUR, 0, 25 * HOUR, 0], "{text}");
        // A row that does not say how long its bar is may be any of that moment.
        assert_eq!(desk.text("again.csv", unstated.clone() + "\n").unwrap().skipped, 5);
    }
}

/// Of the last row nothing tells how long its bar is; an import that begins behind it says so.
#[test]
fn a_last_day_that_only_a_later_import_can_tell_is_named() {
    let day = 1_518_048_000_000;
    let text = |opens: &[i64]| {
        let row = |open: &i64| format!("{},10,12,9,11,5\n", day + open * HOUR);
        "open_time,open,high,low,close,volume\n".to_owned() + &opens.iter().map(row).collect::<String>()
    };
    let notes = |outcome: &crate::import::ImportOutcome| outcome.quality.decisions.join("\n");
    let desk = Desk::new();
    let first = desk.text("first.csv", text(&[0, 24, 47, 71])).unwrap();
    assert_eq!(lengths(&desk), [0, 23 * HOUR, 0, 0]);
    assert!(
        notes(&first).contains("2018-02-10T23:00:00Z is the last, and its row does not say"),
        "{}",
        notes(&first)
    );
    // The day lasted 25 hours.
    let second = desk.text("second.csv", text(&[96, 120])).unwrap();
    let said = notes(&second);
    assert!(said.contains("the bar at 2018-02-10T23:00:00Z, the last of the import before"), "{said}");
    assert!(said.contains("begins after 25h"), "{said}");
    // Where every bar lasts as long as the others there is nothing to say.
    let plain = Desk::new();
    let first = plain.text("first.csv", text(&[0, 24, 48])).unwrap();
    let second = plain.text("second.csv", text(&[72, 96])).unwrap();
    assert!(!(notes(&first) + &notes(&second)).contains("last"), "{} {}", notes(&first), notes(&second));
}

#[test]
fn months_last_as_long_as_they_do() {
    let text = ",Open,High,Low,Close,Volume\n2012-01-01,4.58,7.38,3.8,5.55,2012.25\n\
        2012-02-01,5.55,6.5,3.8,4.99,4761.6\n2012-03-01,4.99,5.6,4.62,4.94,3000\n2012-04-01,4.94,5.1,4.8,5,9\n";
    let desk = Desk::new();
    desk.text("months.csv", text).unwrap();
    let days: Vec<i64> = desk.bars().iter().map(|bar| bar.own_length_ns / Span::DAY.nanos()).collect();
    assert_eq!(days, [31, 29, 31, 30]);
    // Named by their last day, as some tables are, they lie a day earlier and are as long as they lie apart.
    let text = text.replace("2012-01-01", "2012-01-31").replace("2012-02-01", "2012-02-29");
    let text = text.replace("2012-03-01", "2012-03-31").replace("2012-04-01", "2012-04-30");
    let desk = Desk::new();
    desk.text("ends.csv", text).unwrap();
    let days: Vec<i64> = desk.bars().iter().map(|bar| bar.own_length_ns / Span::DAY.nanos()).collect();
    assert_eq!(days, [29, 31, 30, 31]);
}

#[test]
fn a_regular_file_has_no_lengths_of_its_own() {
    let desk = Desk::new();
    let rows: Vec<(i64, i64)> = (0..50).map(|hour| (hour * HOUR, (hour + 1) * HOUR - 1)).collect();
    desk.text("a.csv", klines(&rows)).unwrap();
    let plain = Desk::new();
    let text: String =
        klines(&rows).lines().map(|line| line.rsplit_once(',').unwrap().0.to_owned() + "\n").collect();
    plain.text("a.csv", text).unwrap();
    assert_eq!(desk.entries()[0].head, plain.entries()[0].head);
    assert_eq!(desk.bars()[49].open_at, (1_518_048_000 + 49 * 3_600) * SECOND);
}

#[test]
fn a_volume_that_no_market_trades_is_named() {
    let days = |volume: &str, close: &str| {
        let day =
            |day: i64| format!("{},{close},{close},{close},{close},{volume}\n", 1_609_459_200 + day * 86_400);
        "open_time,open,high,low,close,volume\n".to_owned() + &(0..20).map(day).collect::<String>()
    };
    let notes = |text: String, unit: VolumeUnit| {
        let desk = Desk::new();
        let files = vec![desk.file("a.csv", text)];
        let request = ImportRequest {
            volume_unit: unit,
            ..ImportRequest::new(desk.dataset(), "test", "BTCUSD", files)
        };
        import(&request, &mut ()).unwrap().quality.decisions.join("\n").contains("--volume-in quote")
    };
    // Bitcoin's volume in money; as such; in coins; and a coin of which very many are traded.
    assert!(notes(days("35096794147", "46339.76"), VolumeUnit::Base));
    assert!(!notes(days("35096794147", "46339.76"), VolumeUnit::Quote));
    assert!(!notes(days("75737.97", "46339.76"), VolumeUnit::Base));
    assert!(!notes(days("102989795103", "0.31"), VolumeUnit::Base));
}
