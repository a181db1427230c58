//! A folder as Binance's public data lies in it.

use std::fs;
use std::path::PathBuf;

use engine_core::time::Span;
use journal_store::dataset::DatasetReader;
use journal_store::record::RecordKind;
use sha2::{Digest, Sha256};

use super::market::{Bar, DAY, bars, lines, quotes, text, trades};
use super::{Desk, zipped};
use crate::import::{ImportRequest, TreeOutcome, TreeRequest, import_tree};

/// Writes an archive with one table and the checksum beside it.
fn publish(desk: &Desk, path: &str, rows: &str) -> PathBuf {
    let path = desk.dir.path().join("data").join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let name = path.file_name().unwrap().to_str().unwrap().to_owned();
    let content = zipped(&[(&name.replace(".zip", ".csv"), rows)]);
    let digest: String = Sha256::digest(&content).iter().map(|byte| format!("{byte:02x}")).collect();
    fs::write(&path, content).unwrap();
    fs::write(path.with_file_name(format!("{name}.CHECKSUM")), format!("{digest}  {name}\n")).unwrap();
    path
}

fn klines(bars: &[Bar], step: i64) -> String {
    lines("", bars, |bar| {
        let (at, end) = (bar.at * 1_000, (bar.at + step) * 1_000 - 1);
        let prices = bar.prices.map(text).join(",");
        format!("{at},{prices},{},{end},1,{},1,1,0", text(bar.volume), bar.trades)
    })
}

fn request(desk: &Desk) -> TreeRequest {
    let request = ImportRequest::new(desk.dataset(), "", "", Vec::new());
    TreeRequest { dir: desk.dir.path().join("data"), venue: None, symbol: None, request }
}

fn names(outcome: &TreeOutcome) -> Vec<(String, u64)> {
    outcome.series.iter().map(|series| (series.entry.info.name(), series.rows)).collect()
}

/// Two symbols and three kinds in the folders of the archive; 2021-03-04 and the days after.
fn archive(desk: &Desk) {
    let hours = bars(72, 3_600);
    for symbol in ["BTCUSDT", "ETHUSDT"] {
        for (day, hours) in hours.chunks(24).enumerate() {
            let path = format!("spot/daily/klines/{symbol}/1h/{symbol}-1h-2021-03-{:02}.zip", day + 4);
            publish(desk, &path, &klines(hours, 3_600));
        }
    }
    let deals = trades(500);
    let row = |trade: &super::market::Trade| {
        let id = trade.at_ms - DAY * 1_000;
        format!("{id},{},{},{id},{id},{},{}", text(trade.price), text(trade.qty), trade.at_ms, !trade.buy)
    };
    let folder = "futures/um/daily";
    publish(
        desk,
        &format!("{folder}/aggTrades/BTCUSDT/BTCUSDT-aggTrades-2021-03-04.zip"),
        &lines("", &deals, row),
    );
    let header =
        "update_id,best_bid_price,best_bid_qty,best_ask_price,best_ask_qty,transaction_time,event_time\n";
    let row = |quote: &super::market::Quote| {
        format!("1,{},{},{}", quote.sides.map(text).join(","), quote.at_ms, quote.at_ms)
    };
    publish(
        desk,
        &format!("{folder}/bookTicker/BTCUSDT/BTCUSDT-bookTicker-2021-03-04.zip"),
        &lines(header, &quotes(90), row),
    );
    publish(desk, &format!("{folder}/metrics/BTCUSDT/BTCUSDT-metrics-2021-03-04.zip"), "a,b\n1,2\n");
    publish(
        desk,
        &format!("{folder}/markPriceKlines/BTCUSDT/1h/BTCUSDT-1h-2021-03-04.zip"),
        &klines(&hours, 3_600),
    );
}

#[test]
fn a_folder_of_the_archive_becomes_a_dataset() {
    let desk = Desk::new();
    archive(&desk);
    let outcome = import_tree(&request(&desk), &mut ()).unwrap();
    let expected = [
        ("binance:BTCUSDT:bars", 72),
        ("binance:ETHUSDT:bars", 72),
        ("binance-usdm:BTCUSDT:trades", 500),
        ("binance-usdm:BTCUSDT:quotes", 90),
    ];
    assert_eq!(names(&outcome), expected.map(|(name, rows)| (name.to_owned(), rows)));
    assert_eq!(outcome.series[0].entry.info.interval, Some(Span::HOUR));
    assert_eq!((outcome.series[0].quality.gaps.count, outcome.series[0].entry.sources.len()), (0, 3));
    let passed: Vec<u64> = outcome.passed_over.iter().map(|passed| passed.files).collect();
    assert_eq!(passed, [2]);
    assert_eq!(DatasetReader::open(&desk.dataset()).unwrap().series_list().len(), 4);
    // The same again brings nothing; a day more brings that day.
    let again = import_tree(&request(&desk), &mut ()).unwrap();
    assert!(again.series.iter().all(|series| series.nothing_new));
    let day = bars(96, 3_600).split_off(72);
    publish(&desk, "spot/daily/klines/BTCUSDT/1h/BTCUSDT-1h-2021-03-07.zip", &klines(&day, 3_600));
    let more = import_tree(&request(&desk), &mut ()).unwrap();
    assert_eq!(more.series.iter().map(|series| series.rows).sum::<u64>(), 24);
    assert_eq!(more.series[0].entry.head.count, 96);
}

#[test]
fn a_folder_is_taken_in_part() {
    let desk = Desk::new();
    archive(&desk);
    let mut part = request(&desk);
    part.symbol = Some("BTCUSDT".to_owned());
    part.request.kind = Some(RecordKind::Bars);
    part.request.interval = Some(Span::HOUR);
    let outcome = import_tree(&part, &mut ()).unwrap();
    assert_eq!(names(&outcome), [("binance:BTCUSDT:bars".to_owned(), 72)]);
    part.symbol = Some("XRPUSDT".to_owned());
    let error = import_tree(&part, &mut ()).unwrap_err().to_string();
    assert!(error.contains("name the files themselves"), "{error}");
}

#[test]
fn a_file_that_is_not_what_its_checksum_says_is_refused() {
    let desk = Desk::new();
    archive(&desk);
    let path = publish(&desk, "spot/daily/klines/BTCUSDT/1h/BTCUSDT-1h-2021-03-05.zip", "");
    // Another day under this name, with the checksum of the empty one beside it.
    fs::write(&path, zipped(&[("a.csv", &klines(&bars(24, 3_600), 3_600))])).unwrap();
    let error = import_tree(&request(&desk), &mut ()).unwrap_err().to_string();
    assert!(error.contains("BTCUSDT-1h-2021-03-05.zip: its SHA-256 begins"), "{error}");
    assert!(desk.entries().is_empty());
    fs::write(path.with_file_name("BTCUSDT-1h-2021-03-05.zip.CHECKSUM"), "nonsense").unwrap();
    let error = import_tree(&request(&desk), &mut ()).unwrap_err().to_string();
    assert!(error.contains("it holds no SHA-256"), "{error}");
}

#[test]
fn days_within_a_whole_month_are_passed_over() {
    let desk = Desk::new();
    archive(&desk);
    let month = bars(24 * 28, 3_600);
    publish(&desk, "spot/monthly/klines/BTCUSDT/1h/BTCUSDT-1h-2021-03.zip", &klines(&month, 3_600));
    let outcome = import_tree(&request(&desk), &mut ()).unwrap();
    assert_eq!(names(&outcome)[0], ("binance:BTCUSDT:bars".to_owned(), 24 * 28));
    assert!(outcome.passed_over.iter().any(|passed| passed.files == 3 && passed.reason.contains("whole")));
}

#[test]
fn what_would_be_one_series_is_refused_with_the_choice() {
    let desk = Desk::new();
    archive(&desk);
    publish(&desk, "spot/daily/klines/BTCUSDT/1m/BTCUSDT-1m-2021-03-04.zip", &klines(&bars(60, 60), 60));
    let error = import_tree(&request(&desk), &mut ()).unwrap_err().to_string();
    assert!(error.contains("choose one with --interval 1m or 1h"), "{error}");
    let mut hours = request(&desk);
    hours.request.interval = Some(Span::HOUR);
    assert_eq!(import_tree(&hours, &mut ()).unwrap().series.len(), 2);
    let desk = Desk::new();
    let rows = klines(&bars(24, 3_600), 3_600);
    publish(&desk, "spot/daily/klines/BTCUSDT/1h/BTCUSDT-1h-2021-03-04.zip", &rows);
    publish(&desk, "futures/um/daily/klines/BTCUSDT/1h/BTCUSDT-1h-2021-03-04.zip", &rows);
    let mut one = request(&desk);
    one.venue = Some("binance".to_owned());
    let error = import_tree(&one, &mut ()).unwrap_err().to_string();
    assert!(error.contains("leave out --venue"), "{error}");
}
