//! Every kind of bad file gives one clear error and leaves the dataset as it was.

use engine_core::time::Span;
use proptest::prelude::*;

use super::{Desk, gzipped, minute_bars, zipped};
use crate::import::{ImportError, import};

/// Imports `content` beside a sound series, expecting a refusal that says `expected`.
fn refused(name: &str, content: impl AsRef<[u8]>, expected: &str) {
    let desk = Desk::new();
    desk.text("sound.csv", minute_bars(0, 20)).unwrap();
    let before = desk.entries();
    let error = desk.text(name, content).unwrap_err().to_string();
    assert!(error.contains(expected), "{name}: wanted {expected:?}, got {error:?}");
    assert!(!error.contains('\n'), "one line: {error:?}");
    assert_eq!(desk.entries(), before, "{name}");
}

/// The same, with rows that follow the sound series.
fn refused_rows(rows: &str, expected: &str) {
    let mut text = minute_bars(20, 3);
    text.push_str(rows);
    refused("bad.csv", &text, expected);
    refused("bad.csv.gz", gzipped(text.as_bytes()), expected);
}

#[test]
fn files_that_are_no_tables() {
    refused("empty.csv", "", "is empty");
    refused("header.csv", "time,open,high,low,close\n", "header and no rows");
    refused("blank.csv", "\n\n\n", "holds no rows");
    refused("binary.csv", [0_u8, 1, 2, 3, 0, 9, 10, 0], "binary");
    refused("utf16.csv", b"t\0s\0,\0p\0\n\0".as_slice(), "binary");
    refused("prose.csv", "once upon a time\nthere was a trade\n", "not a table");
    refused("names.csv", "when,how,why\n1,2,3\n", "--columns");
    refused("data.csv.xz", b"\xfd7zXZ\0\0\0".as_slice(), "xz -d");
    refused("odd.csv.gz", "ts,price,qty\n", "named .gz");
    refused("long.csv", "9".repeat(200_000), "64 KiB");
    refused("columns.parquet", b"PAR1 and more".as_slice(), "parquet");
}

#[test]
fn missing_files_and_directories() {
    let desk = Desk::new();
    let error = desk.import(&[&desk.dir.path().join("absent.csv")]).unwrap_err();
    assert!(matches!(error, ImportError::Io { action: "open", .. }), "{error}");
    assert!(error.to_string().contains("absent.csv"));
    assert!(desk.import(&[desk.dir.path()]).unwrap_err().to_string().contains("directory"));
    assert!(desk.import(&[]).unwrap_err().to_string().contains("no file"));
    assert!(!desk.dataset().exists());
}

#[test]
fn archives_that_are_cut_short_or_damaged() {
    let text = minute_bars(20, 5_000);
    let gz = gzipped(text.as_bytes());
    refused("cut.csv.gz", &gz[..gz.len() / 2], "fetch it again");
    refused("cut early.csv.gz", &gz[..12], "fetch it again");
    let mut flipped = gz.clone();
    flipped[gz.len() / 2] ^= 0x55;
    refused("flipped.csv.gz", &flipped, "flipped.csv.gz");
    let archive = zipped(&[("bars.csv", &text)]);
    refused("cut.zip", &archive[..archive.len() / 2], "fetch it again");
    let mut flipped = archive.clone();
    flipped[archive.len() / 2] ^= 0x55;
    refused("flipped.zip", &flipped, "flipped.zip");
    refused("none.zip", zipped(&[("readme.md", "hello")]), "no .csv");
    let zst = zstd::encode_all(text.as_bytes(), 3).unwrap();
    refused("cut.csv.zst", &zst[..zst.len() / 2], "fetch it again");
}

#[test]
fn rows_with_the_wrong_number_of_columns() {
    refused_rows("1704068580000,100,102,99\n", "row 5: it has 4 columns where the first row has 6");
    refused_rows("1704068580000,100,102,99,101,1,7\n", "row 5: it has 7 columns");
    refused_rows("1704068580000,100,1", "cut short");
}

#[test]
fn numbers_that_cannot_be() {
    let row = |price: &str, volume: &str| format!("1704068580000,{price},102,99,101,{volume}\n");
    refused_rows(&row("NaN", "1"), "row 5: open \"NaN\" is not a finite number");
    refused_rows(&row("inf", "1"), "not a finite number");
    refused_rows(&row("-100", "1"), "must be more than zero");
    refused_rows(&row("0", "1"), "must be more than zero");
    refused_rows(&row("1e30", "1"), "too large for 64 bits even without decimals");
    refused_rows(&row("100", "1e12"), "too large at 8 decimals");
    refused_rows(&row("100", "-1"), "must not be negative");
    refused_rows(&row("100", ""), "volume is empty; say --empty-volume zero");
    refused_rows(&row("abc", "1"), "not a finite number");
}

#[test]
fn times_that_cannot_be() {
    // Rows that stand too late are put in their place, where they do not fit.
    refused_rows("1704068500000,100,102,99,101,1\n", "too soon");
    refused_rows("1704067200000,100,102,99,101,1\n", "differs from the row that is there");
    refused_rows("1704068520000,100,102,99,101,999\n", "two different bars");
    refused_rows("soon,100,102,99,101,1\n", "neither an epoch number nor a date");
    refused_rows("99999999999999,100,102,99,101,1\n", "after the year 2262");
}

#[test]
fn intervals_that_are_mixed_or_wrong() {
    refused_rows("1704068550000,100,102,99,101,1\n", "too soon");
    refused_rows("1704068610000,100,102,99,101,1\n", "not a whole number");
    let hours: String =
        (1..6).map(|hour| format!("{},1,1,1,1,1\n", 1_704_068_520_000_i64 + hour * 3_600_000)).collect();
    refused_rows(&hours, "mixed intervals");
    let desk = Desk::new();
    for (interval, expected) in
        [(Span::HOUR, "too soon"), (Span::SECOND, "bars are 1m long where 1s is expected")]
    {
        let mut request = desk.request(&[&desk.file("bars.csv", minute_bars(0, 20))]);
        request.interval = Some(interval);
        let error = import(&request, &mut ()).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    let one = "ts,open,high,low,close,volume\n1704067200,1,1,1,1,1\n";
    assert!(desk.text("one.csv", one).unwrap_err().to_string().contains("--interval"));
}

#[test]
fn rows_about_several_instruments() {
    let text = "symbol,timestamp,price,amount\nA,1582329602111000,1,1\nB,1582329602111000,1,1\n";
    refused("several.csv", text, "split the file by instrument");
}

#[test]
fn decompression_bombs_stop_early() {
    // Two hundred megabytes of one repeated trade: neither memory nor time may follow.
    let block = "1704068400000,100,1\n".repeat(1 << 15);
    let mut encoder = zstd::Encoder::new(Vec::new(), 3).unwrap();
    std::io::Write::write_all(&mut encoder, b"ts,price,qty\n").unwrap();
    for _ in 0..300 {
        std::io::Write::write_all(&mut encoder, block.as_bytes()).unwrap();
    }
    let bomb = encoder.finish().unwrap();
    assert!(bomb.len() < 1 << 20, "{}", bomb.len());
    refused("bomb.csv.zst", bomb, "decompression bomb");
}

#[test]
fn an_archive_that_declares_too_much_is_not_opened() {
    let row = format!("1704068400000,100,1.{}\n", "0".repeat(5_000));
    let archive = zipped(&[("bomb.csv", &row.repeat(20_000))]);
    refused("bomb.zip", archive, "decompression bomb");
}

#[test]
fn names_and_decimals_that_cannot_be() {
    let desk = Desk::new();
    let path = desk.file("bars.csv", minute_bars(0, 5));
    let mut request = desk.request(&[&path]);
    request.symbol = "A:B".into();
    assert!(matches!(import(&request, &mut ()), Err(ImportError::BadRequest { .. })));
    request.symbol = "AB".into();
    (request.price_decimals, request.qty_decimals) = (Some(12), Some(8));
    assert!(matches!(import(&request, &mut ()), Err(ImportError::BadRequest { .. })));
    assert!(desk.entries().is_empty());
}

#[test]
fn a_failed_first_import_leaves_no_trace_on_the_next() {
    let desk = Desk::new();
    let hours: String = (0..5).map(|hour| format!("{},1,1,1,1,1\n", 1_704_067_200 + hour * 3_600)).collect();
    let bad = format!("ts,open,high,low,close,volume\n{hours}1704100000,NaN,1,1,1,1\n");
    desk.text("bad.csv", bad).unwrap_err();
    assert!(desk.entries().is_empty());
    assert!(!desk.dataset().exists());
    // Another interval and other decimals are free to choose, as if nothing had been tried.
    let mut request = desk.request(&[&desk.file("good.csv", minute_bars(0, 5))]);
    request.price_decimals = Some(2);
    assert_eq!(import(&request, &mut ()).unwrap().rows, 5);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), packed in 0_u8..5) {
        let desk = Desk::new();
        let (name, content) = match packed {
            0 => ("x.csv", bytes),
            1 => ("x.csv.gz", gzipped(&bytes)),
            2 => ("x.zip", [b"PK\x03\x04".as_slice(), &bytes].concat()),
            3 => ("x.csv.zst", [b"\x28\xb5\x2f\xfd".as_slice(), &bytes].concat()),
            _ => ("x.csv.gz", [b"\x1f\x8b\x08\0".as_slice(), &bytes].concat()),
        };
        prop_assert!(desk.text(name, content).is_err());
        prop_assert!(desk.entries().is_empty());
    }

    #[test]
    fn random_tables_never_panic_nor_lose_what_is_stored(
        rows in prop::collection::vec("[0-9a-zNI.:TZ,;\"+ -]{0,60}", 1..12), header in 0_u8..4,
    ) {
        let header = match header {
            0 => "",
            1 => "ts,price,qty,side\n",
            2 => "open_time_ms,open,high,low,close,volume\n",
            _ => "timestamp,local_timestamp,bid,ask,bid_qty,ask_qty\n",
        };
        let desk = Desk::new();
        desk.text("sound.csv", minute_bars(0, 5)).unwrap();
        let before = desk.entries();
        let result = desk.text("x.csv", format!("{header}{}", rows.join("\n")));
        prop_assert!(result.is_ok() || desk.entries() == before);
    }

    #[test]
    fn one_changed_byte_never_panics(at in 0_usize..4_000, byte in any::<u8>()) {
        let mut text = minute_bars(0, 60).into_bytes();
        let at = at % text.len();
        text[at] = byte;
        let desk = Desk::new();
        let result = desk.text("x.csv", text);
        prop_assert_eq!(result.is_ok(), !desk.entries().is_empty());
    }
}
