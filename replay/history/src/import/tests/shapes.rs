//! What stands around the rows: titles, comments, headers of joined files, separators, encodings, dates.

use super::{Desk, minute_bars};
use crate::import::{DateOrder, EmptyVolume, import};

/// The head of what a plain file of ten bars gives.
fn expected() -> [u8; 32] {
    Desk::new().text("a.csv", minute_bars(0, 10)).unwrap().entry.head.digest
}

#[test]
fn the_same_bars_in_any_dress_are_the_same_series() {
    let plain = minute_bars(0, 10);
    let (header, rows) = plain.split_once('\n').unwrap();
    let joined: Vec<&str> = rows.lines().collect();
    let joined = format!("{header}\n{}\n{header}\n{}\n", joined[..5].join("\n"), joined[5..].join("\n"));
    let utf16 = |mark: &[u8], bytes: fn(u16) -> [u8; 2]| {
        mark.iter().copied().chain(plain.encode_utf16().flat_map(bytes)).collect::<Vec<u8>>()
    };
    let dates: String = rows
        .lines()
        .enumerate()
        .map(|(minute, row)| format!("2024-01-01 00:{minute:02}:00 UTC,{}\n", row.split_once(',').unwrap().1))
        .collect();
    let quoted: String = plain.lines().map(|line| format!("\"{}\"\n", line.replace(',', "\",\""))).collect();
    let dresses: Vec<(&str, Vec<u8>)> = vec![
        ("an address", format!("https://www.CryptoDataDownload.com\n{plain}").into_bytes()),
        ("comments", format!("# source: a venue, 2024\n\n// and more\n{plain}# the end\n").into_bytes()),
        ("a title with commas", format!("Prices of Bitcoin, one minute\n{plain}").into_bytes()),
        ("a commented header", format!("# {plain}").into_bytes()),
        ("joined files", joined.into_bytes()),
        ("separators at the end of rows", format!("{header}\n{}", rows.replace('\n', ",\n")).into_bytes()),
        ("separators at the end of all lines", plain.replace('\n', ",\n").into_bytes()),
        ("a byte order mark", [b"\xef\xbb\xbf".as_slice(), plain.as_bytes()].concat()),
        ("UTF-16, little end first", utf16(b"\xff\xfe", u16::to_le_bytes)),
        ("UTF-16, big end first", utf16(b"\xfe\xff", u16::to_be_bytes)),
        ("dates with their zone", format!("{}\n{dates}", header.replace("_ms", "")).into_bytes()),
        ("quotation marks", quoted.into_bytes()),
        ("line ends of another system", plain.replace('\n', "\r\n").into_bytes()),
        ("semicolons", plain.replace(',', ";").into_bytes()),
    ];
    let expected = expected();
    for (dress, content) in dresses {
        let outcome = Desk::new().text("a.csv", content);
        let head = outcome.map(|outcome| outcome.entry.head.digest).map_err(|error| error.to_string());
        assert_eq!(head, Ok(expected), "{dress}");
    }
}

#[test]
fn rows_keep_their_numbers_behind_a_preamble() {
    let text = format!("https://www.example.com\n\n{}", minute_bars(0, 10).replacen(",102,", ",x,", 1));
    let row = text.lines().position(|line| line.contains(",x,")).unwrap() + 1;
    let error = Desk::new().text("a.csv", text).unwrap_err().to_string();
    assert!(error.contains(&format!("row {row}:")), "{error}");
}

#[test]
fn a_date_with_its_year_last_needs_a_word() {
    let text = "date,open,high,low,close,volume\n01/02/2021,1,1,1,1,1\n02/02/2021,1,1,1,1,1\n";
    let desk = Desk::new();
    let error = desk.text("a.csv", text).unwrap_err().to_string();
    assert!(error.contains("row 2") && error.contains("--date-order dmy or mdy"), "{error}");
    let mut request = desk.request(&[&desk.file("a.csv", text)]);
    request.date_order = Some(DateOrder::DayFirst);
    let outcome = import(&request, &mut ()).unwrap();
    assert_eq!(outcome.quality.first.unwrap().at, "2021-02-01T00:00:00Z");
}

#[test]
fn an_empty_volume_is_nothing_only_where_it_is_said() {
    let text = "date,open,high,low,close,volume\n2021-01-01,1,1,1,1,\n2021-01-02,1,1,1,1,5\n";
    let desk = Desk::new();
    let error = desk.text("a.csv", text).unwrap_err().to_string();
    assert!(error.contains("row 2: volume is empty; say --empty-volume zero"), "{error}");
    let mut request = desk.request(&[&desk.file("a.csv", text)]);
    request.empty_volume = EmptyVolume::Zero;
    let outcome = import(&request, &mut ()).unwrap();
    assert_eq!((outcome.rows, outcome.quality.zero_volume.count), (2, 1));
    assert!(outcome.quality.decisions.iter().any(|note| note.contains("1 empty volumes count as zero")));
}

#[test]
fn names_of_columns_are_shown_as_they_were_meant() {
    // GBK and Latin-1.
    for (name, shown) in [(b"\xbd\xbb\xd2\xd7id".as_slice(), "交易id"), (b"Er\xf6ffnung", "Eröffnung")] {
        let text = [name, b",when,cost\nx,2021-01-01,5\n"].concat();
        let error = Desk::new().text("a.csv", text).unwrap_err().to_string();
        assert!(error.contains(shown), "{error}");
    }
}
