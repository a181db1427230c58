//! Files that are wrong in one way each, and what is said about them: kind, row, what to do.

use engine_core::time::Timestamp;

use super::{Desk, gzipped, zipped};
use crate::import::{ImportRequest, import};

const BARS: &str = "open_time,open,high,low,close,volume\n";
const TRADES: &str = "ts,price,qty,side\n";

/// Ten sound daily bars from 2021-01-01 on.
fn sound() -> Vec<String> {
    let day = |day: i64| format!("{},10{day},11{day},9{day},10{day},5", 1_609_459_200 + day * 86_400);
    (0..10).map(day).collect()
}

/// Sound bars with row `at` (from zero) replaced.
fn with(at: usize, row: &str) -> String {
    let mut rows = sound();
    row.clone_into(&mut rows[at]);
    BARS.to_owned() + &rows.join("\n") + "\n"
}

fn trades(rows: &[&str]) -> String {
    TRADES.to_owned() + &rows.join("\n") + "\n"
}

struct Wrong {
    what: &'static str,
    content: Vec<u8>,
    said: &'static [&'static str],
}

fn wrong(what: &'static str, content: impl Into<Vec<u8>>, said: &'static [&'static str]) -> Wrong {
    Wrong { what, content: content.into(), said }
}

fn error_of(name: &str, content: &[u8], change: impl Fn(&mut ImportRequest)) -> String {
    let desk = Desk::new();
    let mut request = desk.request(&[&desk.file(name, content)]);
    request.now = Some(Timestamp::from_nanos(1_767_225_600_000_000_000));
    change(&mut request);
    let error = import(&request, &mut ()).map(|outcome| outcome.rows).unwrap_err().to_string();
    assert!(!error.contains('\n'), "one line: {error:?}");
    assert!(!desk.dataset().exists(), "nothing is left: {error}");
    error
}

fn check(all: Vec<Wrong>) {
    for Wrong { what, content, said } in all {
        let error = error_of("a.csv", &content, |_| ());
        for part in said {
            assert!(error.contains(part), "{what}: wanted {part:?} in {error:?}");
        }
    }
}

#[test]
fn numbers() {
    check(vec![
        wrong(
            "text",
            with(3, "1609718400,abc,113,93,103,5"),
            &["row 5", "open \"abc\" is not a finite number"],
        ),
        wrong("empty price", with(3, "1609718400,,113,93,103,5"), &["row 5", "open is empty"]),
        wrong("empty volume", with(3, "1609718400,103,113,93,103,"), &["row 5", "--empty-volume zero"]),
        wrong("NaN", with(3, "1609718400,NaN,113,93,103,5"), &["row 5", "not a finite number"]),
        wrong("infinite", with(3, "1609718400,inf,113,93,103,5"), &["row 5", "not a finite number"]),
        wrong("negative", with(3, "1609718400,-103,113,93,103,5"), &["row 5", "must be more than zero"]),
        wrong("zero", with(3, "1609718400,0,113,93,103,5"), &["row 5", "must be more than zero"]),
        wrong("negative volume", with(3, "1609718400,103,113,93,103,-5"), &["row 5", "must not be negative"]),
        wrong("huge", with(3, "1609718400,1e400,113,93,103,5"), &["1e400", "row 5", "even without decimals"]),
        wrong(
            "huge volume",
            with(3, "1609718400,103,113,93,103,1e19"),
            &["1e19", "row 5", "even without decimals"],
        ),
        wrong(
            "too many digits of both",
            with(3, "1609718400,1e-12,113,93,103,0.1234567"),
            &["row 5", "1e-12", "decimals"],
        ),
        wrong(
            "comma decimals",
            with(3, "1609718400,\"103,5\",113,93,103,5"),
            &["row 5", "has a comma", "decimal point"],
        ),
        wrong("thousands", with(3, "1609718400,\"1,103\",113,93,103,5"), &["row 5", "has a comma"]),
        wrong("currency", with(3, "1609718400,$103,113,93,103,5"), &["row 5", "not a finite number"]),
        wrong("hexadecimal", with(3, "1609718400,0x67,113,93,103,5"), &["row 5", "not a finite number"]),
    ]);
}

#[test]
fn times() {
    check(vec![
        wrong("word", with(3, "soon,103,113,93,103,5"), &["row 5", "neither an epoch number nor a date"]),
        wrong("empty", with(3, ",103,113,93,103,5"), &["row 5", "the time is empty"]),
        wrong("no such day", with(3, "2021-02-30,103,113,93,103,5"), &["row 5", "is not a date that exists"]),
        wrong("day or month", with(3, "04/01/2021,103,113,93,103,5"), &["row 5", "--date-order dmy or mdy"]),
        wrong("from midnight", with(3, "34200000,103,113,93,103,5"), &["row 5", "no plausible unit"]),
        wrong(
            "before markets",
            with(3, "1100000000,103,113,93,103,5"),
            &["row 5", "2004-11-09", "2009-01-03"],
        ),
        wrong(
            "after tomorrow",
            with(3, "1900000000,103,113,93,103,5"),
            &["row 5", "2030", "later than tomorrow"],
        ),
        wrong("far", with(3, "99999999999999,103,113,93,103,5"), &["row 5", "after the year 2262"]),
        wrong("back once", with(3, "1609459200,103,113,93,103,5"), &["row 5: there are two different bars"]),
        wrong("two of one day", with(3, "1609632000,1,2,1,1,5"), &["row 5", "two different bars"]),
        wrong("half a day", with(3, "1609675200,103,113,93,103,5"), &["row 5", "too soon for bars of 1d"]),
        wrong("one bar", BARS.to_owned() + "1609459200,1,1,1,1,1\n", &["--interval"]),
    ]);
    let back = trades(&["1609459201,5,1,buy", "1609459202,5,1,buy", "1609459200,5,1,buy"]);
    let error = error_of("a.csv", back.as_bytes(), |request| request.strict = true);
    assert!(error.contains("row 4: time goes back") && error.contains("sort the file by time"), "{error}");
    let midnight = "time,open,high,low,close,volume\n34200000,1,1,1,1,1\n34260000,1,1,1,1,1\n";
    let error = error_of("20210104_trade.csv", midnight.as_bytes(), |request| {
        request.columns = "time=time:ms".parse().unwrap();
    });
    assert!(error.contains("row 2") && error.contains("counts from midnight"), "{error}");
}

#[test]
fn rows_and_columns() {
    let swapped = BARS.replace("high,low", "low,high");
    check(vec![
        wrong(
            "short row",
            with(3, "1609718400,103,113,93,103"),
            &["row 5: it has 5 columns", "first row has 6"],
        ),
        wrong("long row", with(3, "1609718400,103,113,93,103,5,7"), &["row 5: it has 7 columns"]),
        wrong("cut row", with(9, "16102"), &["row 11: it has 1 columns", "cut short"]),
        wrong(
            "half a quotation",
            with(3, "1609718400,\"103,113,93,103,5"),
            &["row 5", "quotation mark has no partner"],
        ),
        wrong(
            "no close",
            with(3, "1609718400,103,113,93,103,5").replace("close", "shut"),
            &["need a column for close", "shut"],
        ),
        wrong(
            "no time",
            BARS.replace("open_time", "when") + "x,1,1,1,1,1\n",
            &["need a column for time", "--columns"],
        ),
        wrong("no names", "a,b,c\n1,2,3\n", &["need a column for", "--columns"]),
        wrong("no header", "1609459200,1,2,3\n1609459201,1,2,3\n", &["no header", "--columns"]),
        wrong("another separator", with(3, "1609718400;103;113;93;103;5"), &["row 5", "it has 1 columns"]),
        wrong("no separator", with(3, "x").replace(',', " "), &["not a table"]),
        wrong(
            "another header",
            swapped + &sound()[0] + "\n" + BARS + &sound()[1] + "\n",
            &["row 3", "another header"],
        ),
        wrong("side", trades(&["1609459201,5,1,maybe"]), &["row 2", "side \"maybe\" is not buy, sell"]),
        wrong("prose", "once upon a time\nthere was a trade\n", &["not a table"]),
        wrong(
            "two names for one role",
            "ts,price,qty,size\n1609459201,5,1,2\n",
            &["qty", "size", "--columns"],
        ),
        wrong("one column twice", "ts,price,price,qty\n1609459201,5,6,1\n", &["price", "twice", "--columns"]),
    ]);
}

#[test]
fn whole_files() {
    let text = BARS.to_owned() + &sound().join("\n") + "\n";
    check(vec![
        wrong("empty", "", &["the file is empty"]),
        wrong("blank", "\n\n\n", &["holds no rows"]),
        wrong("only a header", BARS, &["a header and no rows"]),
        wrong("only comments", "# a\n# b\n", &["holds no rows"]),
        wrong("zero bytes", with(3, "1609718400,103\0,113,93,103,5"), &["row 5", "zero bytes"]),
        wrong("long line", "9".repeat(200_000), &["64 KiB"]),
    ]);
    let gz = gzipped(text.as_bytes());
    let cases: [(&str, Vec<u8>, &str); 6] = [
        ("a.csv.gz", gz[..gz.len() / 2].to_vec(), "fetch it again"),
        ("a.csv.gz", text.clone().into_bytes(), "named .gz but does not begin like one"),
        ("a.zip", zipped(&[("readme.md", "hello")]), "no"),
        (
            "a.zip",
            zipped(&[("a.csv", &text), ("b.csv", TRADES), ("c.csv", &trades(&["1609459201,5,1,buy"]))]),
            "one kind",
        ),
        ("a.csv", b"BZh91AY".to_vec(), "bzip2 -d"),
        ("a.csv", b"\xfd7zXZ\0\0\0".to_vec(), "xz -d"),
    ];
    for (name, content, expected) in cases {
        let error = error_of(name, &content, |_| ());
        assert!(error.contains(expected), "{name}: wanted {expected:?} in {error:?}");
    }
}

#[test]
fn options_that_do_not_suit_the_file() {
    let text = BARS.to_owned() + &sound().join("\n") + "\n";
    type Change = fn(&mut ImportRequest);
    let cases: [(Change, &str); 6] = [
        (|request| request.interval = "1h".parse().ok(), "bars are 1d long where 1h is expected"),
        (|request| request.interval = "1w".parse().ok(), "too soon"),
        (|request| request.columns = "price=9".parse().unwrap(), "there is no column 9; the file has 6"),
        (|request| request.columns = "price=cost".parse().unwrap(), "there is no column \"cost\""),
        (|request| (request.price_decimals, request.qty_decimals) = (Some(12), Some(12)), "at most 18"),
        (
            |request| request.kind = Some(journal_store::record::RecordKind::Trades),
            "trades need a column for price",
        ),
    ];
    for (change, expected) in cases {
        let error = error_of("a.csv", text.as_bytes(), change);
        assert!(error.contains(expected), "wanted {expected:?} in {error:?}");
    }
}
