//! Real files, with the counts that their README states.

use std::path::PathBuf;

use engine_core::time::Span;
use journal_store::record::RecordKind;

use super::Desk;
use crate::import::{GapReading, ImportOutcome, ImportRequest, import};

/// The folder of market data beside the workspace, or `None` where it is not there.
fn market() -> Option<PathBuf> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/market");
    if !root.is_dir() {
        println!("skipped: shared data not found");
        return None;
    }
    Some(root)
}

fn imported(files: &[&str]) -> Option<ImportOutcome> {
    let root = market()?;
    let files: Vec<PathBuf> = files.iter().map(|file| root.join(file)).collect();
    let files: Vec<&std::path::Path> = files.iter().map(PathBuf::as_path).collect();
    Some(Desk::new().import(&files).unwrap())
}

/// What of the gaps of a file of Bitfinex is no quiet market: the outages of 8 and 61 days.
const BITFINEX_OUTAGES: (u64, u64, u64) = (2, 99_229, 87_840);

/// File, rows, interval, gaps, missing bars, largest gap in bars, violations of open, high, low, close.
type Stated = (&'static str, u64, &'static str, u64, u64, u64, u64);

const BARS: [Stated; 13] = [
    ("bars/binance_layout/um/FILUSDT-1m-2024-10.zip", 44_640, "1m", 0, 0, 0, 0),
    ("bars/binance_layout/um/NEARUSDT-1m-2024-02.zip", 41_760, "1m", 0, 0, 0, 0),
    ("bars/binance_spot_BNBUSDT_1d_to_2024.csv.zst", 2_613, "1d", 0, 0, 0, 0),
    ("bars/binance_spot_BTCUSDT_1h_2022_2024.csv.zst", 26_303, "1h", 1, 1, 2, 0),
    ("bars/binance_spot_BTCUSDT_1m_2021-04_05.csv.zst", 61_272, "1m", 2, 434, 285, 0),
    ("bars/binance_spot_XRPUSDT_5m_2022-08_2023-09.csv.zst", 121_755, "5m", 1, 16, 17, 0),
    ("bars/binance_usdm_ETHUSDT_5m_2023-01_2024-05.csv.zst", 143_901, "5m", 0, 0, 0, 0),
    ("bars/bitfinex_BTCUSD_1m_2016.csv.gz", 293_230, "1m", 63_912, 233_809, 87_840, 0),
    ("bars/bitmex_XBTUSD_1m_2018.csv.zst", 525_600, "1m", 0, 0, 0, 17_175),
    ("oracle/freqtrade_UNITTEST_BTC-1m.csv.zst", 13_681, "1m", 538, 717, 8, 0),
    ("oracle/freqtrade_UNITTEST_BTC-5m.csv.zst", 5_760, "5m", 0, 0, 0, 0),
    ("oracle/nautilus_btc-perp-20211231-20220201_1m.csv.zst", 45_031, "1m", 0, 0, 0, 0),
    ("oracle/backtestingpy_BTCUSD.csv", 156, "4w", 0, 0, 0, 0),
];

#[test]
fn bars_have_the_rows_and_gaps_of_the_readme() {
    for (file, rows, interval, gaps, missing, largest, ohlc) in BARS {
        let Some(outcome) = imported(&[file]) else { return };
        let quality = &outcome.quality;
        assert_eq!((outcome.rows, outcome.skipped), (rows, 0), "{file}");
        assert_eq!(quality.interval.as_deref(), Some(interval), "{file}");
        let found = (quality.gaps.count, quality.gaps.missing_bars, quality.gaps.largest_bars);
        if quality.quiet == 0 {
            assert_eq!(found, (gaps, missing, largest), "{file}");
        } else {
            assert_eq!((file.contains("bitfinex"), found), (true, BITFINEX_OUTAGES), "{file}");
            assert_eq!(found.1 + quality.quiet, missing, "{file}");
        }
        assert_eq!(quality.ohlc_violations.count, ohlc, "{file}");
        assert_eq!(quality.duplicates.count, 0, "{file}");
    }
}

#[test]
fn trades_and_quotes_have_the_rows_of_the_readme() {
    let files = [
        ("ticks/binance_BTCUSDT_trades_2022-01-15.csv.zst", RecordKind::Trades, 451_466),
        ("ticks/binance_layout/XRPETH-aggTrades-2019-10-11_13.zip", RecordKind::Trades, 12_477),
        ("ticks/gemini_eth-usd_2021-07-01_trade.csv.zst", RecordKind::Trades, 25_222),
        ("ticks/tardis_binance-futures_BTCUSDT_quotes_2020-02-22.csv.gz", RecordKind::Quotes, 9_999),
        ("ticks/tardis_binance-futures_BTCUSDT_trades_2020-02-22.csv.gz", RecordKind::Trades, 9_999),
    ];
    for (file, kind, rows) in files {
        let Some(outcome) = imported(&[file]) else { return };
        assert_eq!((outcome.rows, outcome.skipped, outcome.entry.info.kind), (rows, 0, kind), "{file}");
    }
    let Some(outcome) = imported(&[files[0].0]) else { return };
    assert_eq!(outcome.quality.duplicates.count, 78);
    assert_eq!(outcome.quality.longest_pause_nanos / 1_000_000_000, 314);
}

#[test]
fn the_change_to_microseconds_makes_no_gap() {
    let files = ["spot/BTCUSDT-1h-2025-01.zip", "spot/BTCUSDT-1h-2024-12.zip"];
    let files = files.map(|file| format!("bars/binance_layout/{file}"));
    let Some(outcome) = imported(&[files[0].as_str(), files[1].as_str()]) else { return };
    let quality = &outcome.quality;
    assert_eq!((outcome.rows, quality.gaps.count), (1_488, 0));
    assert_eq!(outcome.entry.info.interval, Some(Span::HOUR));
    assert_eq!(quality.first.as_ref().unwrap().at, "2024-12-01T00:00:00Z");
    assert_eq!(quality.last.as_ref().unwrap().at, "2025-01-31T23:00:00Z");
}

#[test]
fn stock_days_and_currency_hours_keep_their_weekends_as_gaps() {
    let Some(outcome) = imported(&["oracle/backtestingpy_GOOG.csv"]) else { return };
    assert_eq!((outcome.rows, outcome.entry.info.interval), (2_148, Some(Span::DAY)));
    let Some(outcome) = imported(&["oracle/backtestingpy_EURUSD.csv"]) else { return };
    assert_eq!((outcome.rows, outcome.entry.info.interval), (5_000, Some(Span::HOUR)));
}

#[test]
fn what_was_imported_checks_the_same_from_the_store() {
    let Some(root) = market() else { return };
    let desk = Desk::new();
    let outcome = desk.import(&[&root.join("bars/binance_spot_BTCUSDT_1m_2023-03_05.csv.zst")]).unwrap();
    let checked = crate::quality::check_dataset(&desk.dataset()).unwrap();
    let (stored, seen) = (&checked[0].quality, &outcome.quality);
    assert!(checked[0].complete);
    assert_eq!((stored.rows, &stored.gaps, &stored.jumps), (seen.rows, &seen.gaps, &seen.jumps));
    assert_eq!((&stored.first, &stored.last), (&seen.first, &seen.last));
}

/// File, trades and best quotes.
const CAPTURES: [(&str, u64, u64); 6] = [
    ("hftbacktest_spot_btcusdt_20240808.gz", 9_757, 28_040),
    ("hftbacktest_spot_ethusdt_20240808.gz", 6_106, 24_077),
    ("hftbacktest_usdm_btcusdt_20230404.dat.gz", 2_197, 6_765),
    ("hftbacktest_usdm_btcusdt_20230405.dat.gz", 10_738, 37_440),
    ("hftbacktest_usdm_btcusdt_20240808.gz", 21_313, 66_089),
    ("hftbacktest_usdm_ethusdt_20240808.gz", 14_076, 53_992),
];

#[test]
fn captures_of_the_shared_data_have_the_rows_of_the_readme() {
    let Some(root) = market() else { return };
    for (file, trades, quotes) in CAPTURES {
        let desk = Desk::new();
        for (kind, rows) in [(RecordKind::Trades, trades), (RecordKind::Quotes, quotes)] {
            let mut request = desk.request(&[&root.join("book").join(file)]);
            request.kind = Some(kind);
            let outcome = import(&request, &mut ()).unwrap();
            // A frame that repeats the one before is no second trade; of quotes every one is kept.
            assert_eq!((outcome.rows, outcome.skipped), (rows, 0), "{file}");
        }
    }
}

/// The rows of the table of the README about files in `folder`, as file, rows and span.
fn stated(root: &std::path::Path, folder: &str) -> Vec<(String, u64, String)> {
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    let rows = readme.lines().filter_map(|line| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let file = cells.get(1)?.strip_prefix('`')?.strip_suffix('`')?;
        let rows = cells.get(4)?.parse().ok()?;
        file.starts_with(folder).then(|| (file.to_owned(), rows, cells[5].to_owned()))
    });
    rows.collect()
}

#[test]
fn every_file_of_bars_ticks_and_oracle_imports_without_options() {
    let Some(root) = market() else { return };
    let mut imported = 0;
    for folder in ["bars/", "ticks/", "oracle/"] {
        for (file, rows, span) in stated(&root, folder) {
            if file.ends_with(".json") || file.ends_with(".trades.csv") {
                continue;
            }
            let outcome =
                Desk::new().import(&[&root.join(&file)]).unwrap_or_else(|error| panic!("{file}: {error}"));
            assert_eq!((outcome.rows, outcome.skipped), (rows, 0), "{file}");
            if let Some((first, last)) = span.split_once('→').filter(|(first, _)| !first.trim().is_empty())
            {
                let close = outcome.entry.info.bar_time == Some(journal_store::series::BarTime::Close);
                // The README names buckets of BitMEX by their end, as the files do; they are stored by their start.
                let back = if close { outcome.entry.info.interval.unwrap().nanos() } else { 0 };
                let shown =
                    |at: i64| crate::quality::rfc3339(engine_core::time::Timestamp::from_nanos(at + back));
                let found = [shown(outcome.entry.first_at), shown(outcome.entry.last_at)];
                for (found, stated) in found.iter().zip([first.trim(), last.trim()]) {
                    assert!(found.starts_with(stated), "{file}: {found} is not {stated}");
                }
            }
            imported += 1;
        }
    }
    assert_eq!(imported, 51, "files that the README states");
}

/// File, and how the digest of its records began before decimals were chosen from the data; of months and of files
/// with a bar that an outage ended, since each bar ends at its own end.
const DIGESTS: [(&str, &str); 18] = [
    ("bars/binance_layout/spot/BTCUSDT-1h-2025-01.zip", "9074bac9035b843c"),
    ("bars/binance_layout/um/FILUSDT-1m-2024-10.zip", "cedbf2eb5205e7b5"),
    ("ticks/binance_layout/XRPETH-aggTrades-2019-10-11_13.zip", "aebfaceb1205692c"),
    ("oracle/backtestingpy_BTCUSD.csv", "a4bb03c8a627bdb2"),
    ("oracle/backtestingpy_GOOG.csv", "3dbc2ae18cb7c8ab"),
    ("ticks/binance_BTCUSDT_trades_2022-01-15.csv.zst", "4281be7908e2ac37"),
    ("bars/binance_spot_BNBUSDT_1d_to_2024.csv.zst", "d4993a1374729123"),
    ("bars/binance_spot_SOLUSDT_1d_to_2024.csv.zst", "18ee3100240222a9"),
    ("bars/binance_spot_XRPUSDT_1h_2022_2024.csv.zst", "7579761ee2773df9"),
    ("bars/binance_usdm_BTCUSDT_5m_2023-01_2024-05.csv.zst", "901f6c40f11cb56e"),
    ("bars/bitfinex_BTCUSD_1m_2016.csv.gz", "d9af61bf70ccc0df"),
    ("bars/bitmex_XBTUSD_1m_2019.csv.zst", "88d1a456f220d173"),
    ("oracle/freqtrade_UNITTEST_BTC-1m.csv.zst", "031fa190046eb709"),
    ("oracle/freqtrade_UNITTEST_BTC-5m.csv.zst", "22e6350bd1b771e8"),
    ("ticks/gemini_eth-usd_2021-07-01_trade.csv.zst", "b61660ef1ccd44a7"),
    ("oracle/nautilus_btc-perp-20211231-20220201_1m.csv.zst", "948c8064a5da760d"),
    ("ticks/tardis_binance-futures_BTCUSDT_quotes_2020-02-22.csv.gz", "8d9c702c56dd6108"),
    ("ticks/tardis_binance-futures_BTCUSDT_trades_2020-02-22.csv.gz", "307736c20f7e3027"),
];

#[test]
fn files_that_fit_the_usual_decimals_have_the_digests_they_always_had() {
    let Some(root) = market() else { return };
    for (file, digest) in DIGESTS {
        let desk = Desk::new();
        let files = vec![root.join(file)];
        // The rows alone, without the quiet bars between them.
        let gaps = Some(GapReading::Missing);
        let request = ImportRequest { gaps, ..ImportRequest::new(desk.dataset(), "v", "S", files) };
        let outcome = import(&request, &mut ()).unwrap();
        let hex: String =
            outcome.entry.head.digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, digest, "{file}: {:?}", outcome.entry.info);
        assert_eq!(outcome.quality.rounded, 0, "{file}");
    }
}

#[test]
fn no_file_of_crypto_has_an_absurd_price() {
    for file in ["bars/binance_spot_SOLUSDT_1d_to_2024.csv.zst", "oracle/backtestingpy_BTCUSD.csv"] {
        let Some(outcome) = imported(&[file]) else { return };
        assert_eq!(outcome.quality.jumps.count, 0, "{file}");
    }
}
