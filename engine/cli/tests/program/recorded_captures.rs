//! Frames that others captured of the real venues, imported by the adapters. Where the captures are absent, a test says so.

use std::path::{Path, PathBuf};

use crate::folder::Folder;
use crate::paper::count;

fn capture(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/market").join(name);
    if !path.exists() {
        println!("passed over: no {name} in the shared data");
        return None;
    }
    Some(path)
}

/// Imports a capture and answers rows by series.
fn rows(folder: &Folder, name: &str, options: &str) -> Option<Vec<(String, u64)>> {
    let path = capture(name)?;
    let line = format!(
        "import --dataset {} --format frames {options} {}",
        folder.path("data").display(),
        path.display()
    );
    let told = folder.answer(&line);
    assert_eq!((count(&told["frames"], "unread"), count(&told["frames"], "left_out")), (0, 0), "{name}");
    let series = told["series"].as_array().unwrap().iter();
    Some(
        series.map(|series| (series["series"].as_str().unwrap().to_owned(), count(series, "rows"))).collect(),
    )
}

fn of(rows: &[(String, u64)], ending: &str) -> u64 {
    rows.iter().filter(|(name, _)| name.ends_with(ending)).map(|(_, rows)| rows).sum()
}

#[test]
fn captures_of_cryptofeed_become_series_without_a_frame_that_cannot_be_read() {
    for (name, options, expected) in [
        ("ws/cryptofeed_BINANCE.jsonl.zst", "", [2, 84, 0]),
        ("ws/cryptofeed_BINANCE_FUTURES.jsonl.zst", "--interval 1m", [91, 613, 4]),
        // Coinbase tells a new subscriber a hundred bars of the past, of which the last still forms.
        ("ws/cryptofeed_COINBASE.jsonl.zst", "", [79, 160, 198]),
        // Version 1 of Kraken's streams: its trades have no numbers.
        ("ws/cryptofeed_KRAKEN.jsonl.zst", "", [10, 18, 0]),
    ] {
        let folder = Folder::new();
        let Some(rows) = rows(&folder, name, options) else { return };
        assert_eq!(["trades", "quotes", "bars"].map(|kind| of(&rows, kind)), expected, "{name}: {rows:?}");
    }
}

#[test]
fn captures_of_other_words_say_what_they_are() {
    let folder = Folder::new();
    let Some(path) = capture("ws/cryptofeed_BITSTAMP.jsonl.zst") else { return };
    let refused = folder.refusal(&format!("import --dataset data --format frames {}", path.display()));
    assert!(refused.contains("frames of bitstamp"), "{refused}");
}

#[test]
fn adapters_and_the_table_of_hftbacktest_read_the_same_records_from_a_capture() {
    for (name, trades, quotes) in [
        ("book/hftbacktest_spot_btcusdt_20240808.gz", 9_757, 28_040),
        ("book/hftbacktest_usdm_btcusdt_20230404.dat.gz", 2_197, 6_765),
    ] {
        let folder = Folder::new();
        let Some(rows) = rows(&folder, name, "--venue binance") else { return };
        assert_eq!((of(&rows, "trades"), of(&rows, "quotes")), (trades, quotes), "{name}");
        let path = capture(name).unwrap();
        for kind in ["trades", "quotes"] {
            let of = |dataset: &str, options: &str| {
                let line = format!(
                    "import --dataset {dataset} --venue binance --kind {kind} {options} {}",
                    path.display()
                );
                let told = folder.answer(&line);
                let told = if told["series"].is_array() { told["series"][0].clone() } else { told };
                told["digest"].as_str().unwrap().to_owned()
            };
            assert_eq!(
                of("frames", "--format frames"),
                of("table", "--instrument BTCUSDT"),
                "{name}: {kind}"
            );
        }
    }
}
