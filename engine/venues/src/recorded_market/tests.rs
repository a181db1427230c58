//! What recordings say of a market, and what they do not.

use super::*;
use crate::frame_log::{FrameLog, Recorded};

fn trade(id: u64) -> Said {
    Said::Text(format!(
        "{{\"stream\":\"btcusdt@trade\",\"data\":{{\"e\":\"trade\",\"E\":{id},\"s\":\"BTCUSDT\",\"t\":{id},\"p\":\"10.50\",\"q\":\"0.1\",\"T\":{id},\"m\":true,\"M\":true}}}}"
    ))
}

fn quote(id: u64, bid: &str) -> Said {
    Said::Text(format!(
        "{{\"stream\":\"btcusdt@bookTicker\",\"data\":{{\"u\":{id},\"s\":\"BTCUSDT\",\"b\":\"{bid}\",\"B\":\"1\",\"a\":\"11\",\"A\":\"2\"}}}}"
    ))
}

fn lost() -> Said {
    Said::Event(ConnectionEvent::Lost { why: "gone".to_owned() })
}

/// The rows and the account of a recording of `said`, a connection and a text each, one a nanosecond.
fn recorded(said: Vec<(u64, Said)>) -> (Vec<RecordedRow>, RecordingAccount) {
    let dir = tempfile::tempdir().unwrap();
    let about = Recorded { venue: "binance".to_owned(), streams: Vec::new() };
    let mut log = FrameLog::create(dir.path(), about, Timestamp::from_nanos(0)).unwrap();
    for (at, (connection, said)) in (1_i64..).zip(said) {
        log.write(Timestamp::from_nanos(at), connection, said).unwrap();
    }
    drop(log);
    let mut market = RecordedMarket::open(&[dir.path().to_path_buf()], None).unwrap();
    let mut rows = Vec::new();
    while market.read_on(&mut rows).unwrap() {}
    assert_eq!(market.venue().as_deref(), Some("binance"));
    (rows, market.into_account())
}

fn ids(rows: &[RecordedRow]) -> Vec<u64> {
    let id = |row: &RecordedRow| {
        if let RecordedRow::Trade(print, _) = row { print.ids.range().map(|(first, _)| first) } else { None }
    };
    rows.iter().filter_map(id).collect()
}

#[test]
fn what_two_connections_say_is_told_once_and_a_hole_has_its_numbers() {
    let begun = || Said::Event(ConnectionEvent::Begun);
    let (rows, account) = recorded(vec![
        (1, begun()),
        (1, trade(7)),
        (2, begun()),
        (2, trade(8)),
        (1, trade(8)),
        (2, lost()),
        (3, begun()),
        (3, trade(12)),
    ]);
    assert_eq!((ids(&rows), account.repeated, account.frames), (vec![7, 8, 12], 1, 4));
    let hole = &account.trade_holes[0];
    assert_eq!((hole.symbol.as_str(), hole.after, hole.before), ("BTCUSDT", 8, 12));
    let at = Timestamp::from_nanos;
    assert_eq!(account.holes, [FrameHole { since: at(6), until: Some(at(7)), why: "gone".to_owned() }]);
}

#[test]
fn a_frame_that_cannot_be_read_is_named_and_those_behind_it_are_read() {
    let bad =
        Said::Text("{\"stream\":\"btcusdt@trade\",\"data\":{\"e\":\"trade\",\"s\":\"BTCUSDT\"}}".to_owned());
    let many = std::iter::repeat_n((1, Said::Text("no json".to_owned())), 9);
    let (rows, account) =
        recorded([(1, trade(1)), (1, bad)].into_iter().chain(many).chain([(1, trade(2))]).collect());
    assert_eq!((ids(&rows), account.unread, account.unread_first.len()), (vec![1, 2], 10, 5));
    let place = account.unread_first[0].place.to_string();
    assert!(place.ends_with("frames-000001-1970-01-01.jsonl.zst, line 3"), "{place}");
}

#[test]
fn quotes_of_an_earlier_update_and_without_a_side_are_no_rows() {
    let empty = quote(9, "").clone();
    let (rows, account) =
        recorded(vec![(1, quote(5, "10")), (2, quote(5, "10")), (1, quote(4, "9")), (1, quote(6, "10"))]);
    assert_eq!((rows.len(), account.repeated), (2, 2));
    let (rows, account) = recorded(vec![(1, empty)]);
    assert!(rows.is_empty() && account.unread + account.one_sided == 1, "{account:?}");
}

#[test]
fn a_venue_that_nobody_here_speaks_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("capture.jsonl");
    std::fs::write(
        &path,
        "{\"t\":\"header\",\"exchange\":\"BITSTAMP\"}\n{\"t\":\"recv\",\"ts\":1,\"data\":\"{}\"}\n",
    )
    .unwrap();
    let mut market = RecordedMarket::open(&[path], None).unwrap();
    let refused = market.read_on(&mut Vec::new()).unwrap_err().to_string();
    assert!(refused.contains("frames of bitstamp"), "{refused}");
    let nothing = RecordedMarket::open(&[dir.path().to_path_buf()], None).unwrap_err().to_string();
    assert!(nothing.contains("holds no recorded frames"), "{nothing}");
}
