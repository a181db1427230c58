//! Kraken: frames of version 2, and checksums of books recorded in version 1.

use std::collections::BTreeMap;

use engine_core::num::{Decimal, Price};
use engine_core::time::{Span, Timestamp};
use engine_venues::dialect::Dialect as _;
use engine_venues::dialect::kraken::Kraken;
use engine_venues::dialect::request::{BarsRequest, BookRequest, TradesRequest, TradesSince};
use engine_venues::message::{BookChange, BookProof, BookSnapshot, Level, MarketMessage};
use engine_venues::order_book::{BookRule, Desynchronised, OrderBook, Outcome};
use serde_json::Value;

use crate::frames::{Tally, archive, counting, market_data, number, received, recording, text};

fn kraken() -> Kraken {
    Kraken::default()
}

/// A book of version 1 in the words of version 2: `as` and `bs` begin a book, `a` and `b` change it, `c` is the checksum.
struct Translated {
    symbol: String,
    is_snapshot: bool,
    bids: Vec<Level>,
    asks: Vec<Level>,
    checksum: Option<u32>,
    decimals: Option<[u8; 2]>,
}

fn translated(frame: &str) -> Option<Translated> {
    let frame: Value = serde_json::from_str(frame).unwrap();
    let frame = frame.as_array()?;
    let name = frame[frame.len() - 2].as_str()?;
    if !name.starts_with("book-") {
        return None;
    }
    let mut book = Translated {
        symbol: frame[frame.len() - 1].as_str()?.to_owned(),
        is_snapshot: false,
        bids: Vec::new(),
        asks: Vec::new(),
        checksum: None,
        decimals: None,
    };
    for part in &frame[1..frame.len() - 2] {
        for (key, value) in part.as_object()? {
            if key == "c" {
                book.checksum = value.as_str()?.parse().ok();
                continue;
            }
            book.is_snapshot |= key.len() == 2;
            let side = if key.starts_with('a') { &mut book.asks } else { &mut book.bids };
            for row in value.as_array()? {
                let level = Level { price: number(row[0].as_str()?), qty: number(row[1].as_str()?) };
                book.decimals.get_or_insert([level.price.decimals, level.qty.decimals]);
                side.push(level);
            }
        }
    }
    Some(book)
}

#[test]
fn every_recorded_checksum_is_met() {
    let Some(records) = recording("cryptofeed_KRAKEN") else { return };
    let mut books: BTreeMap<String, OrderBook> = BTreeMap::new();
    let (mut checked, mut others, mut snapshots) = (0, 0, 0);
    for record in received(&records).filter(|record| record.connection.starts_with("KRAKEN.ws")) {
        let Some(Translated { symbol, is_snapshot, bids, asks, checksum, decimals }) =
            translated(&record.data)
        else {
            others += 1;
            continue;
        };
        if is_snapshot {
            let [price_decimals, qty_decimals] = decimals.unwrap();
            let rule = BookRule::Checksum { depth: 1_000 };
            let mut book = OrderBook::new(&counting(price_decimals, qty_decimals), rule);
            // Version 1 gives a snapshot no checksum: ours, told by the book itself, stands in.
            let snapshot = |told| BookSnapshot {
                symbol: symbol.clone(),
                venue_at: None,
                proof: BookProof::Checksum(told),
                bids: bids.clone(),
                asks: asks.clone(),
            };
            let Err(Desynchronised::Checksum { computed, .. }) = book.take_snapshot(&snapshot(0)) else {
                panic!("a checksum of nothing")
            };
            assert_eq!(book.take_snapshot(&snapshot(computed)), Ok(Outcome::Applied));
            books.insert(symbol, book);
            snapshots += 1;
            continue;
        }
        let proof = BookProof::Checksum(checksum.unwrap());
        let change = BookChange { symbol: symbol.clone(), venue_at: None, proof, bids, asks };
        let outcome = books.get_mut(&symbol).unwrap().take_change(&change);
        assert_eq!(outcome, Ok(Outcome::Applied), "{symbol}: {}", record.data);
        checked += 1;
    }
    assert_eq!((snapshots, checked, others), (10, 4_269, 151));
}

#[test]
fn a_lost_change_shows_in_the_next_checksum_of_its_levels() {
    let Some(records) = recording("cryptofeed_KRAKEN") else { return };
    let of_pair = |record: &&crate::frames::Record| record.data.ends_with("\"book-1000\",\"XMR/USD\"]");
    let frames: Vec<Translated> =
        received(&records).filter(of_pair).filter_map(|record| translated(&record.data)).collect();
    let first = &frames[0];
    let [price_decimals, qty_decimals] = first.decimals.unwrap();
    let (mut noticed, mut tried) = (0, 0);
    for left_out in 1..frames.len().min(60) {
        let mut book =
            OrderBook::new(&counting(price_decimals, qty_decimals), BookRule::Checksum { depth: 1_000 });
        let mut snapshot = BookSnapshot {
            symbol: first.symbol.clone(),
            venue_at: None,
            proof: BookProof::Checksum(0),
            bids: first.bids.clone(),
            asks: first.asks.clone(),
        };
        if let Err(Desynchronised::Checksum { computed, .. }) = book.take_snapshot(&snapshot) {
            snapshot.proof = BookProof::Checksum(computed);
        }
        book.take_snapshot(&snapshot).unwrap();
        let kept = frames.iter().enumerate().skip(1).filter(|(at, _)| *at != left_out).take(200);
        let is_found = kept.into_iter().any(|(_, frame)| {
            let proof = BookProof::Checksum(frame.checksum.unwrap());
            let (bids, asks) = (frame.bids.clone(), frame.asks.clone());
            let change = BookChange { symbol: frame.symbol.clone(), venue_at: None, proof, bids, asks };
            matches!(book.take_change(&change), Err(Desynchronised::Checksum { .. }))
        });
        noticed += usize::from(is_found);
        tried += 1;
    }
    println!(
        "{noticed} of {tried} changes left out were noticed within 200; the others lay below the ten best levels"
    );
    assert!(noticed > tried / 2, "{noticed} of {tried}");
}

#[test]
fn frames_of_version_1_are_another_dialect() {
    let Some(records) = recording("cryptofeed_KRAKEN") else { return };
    let mut tally = Tally::default();
    for record in received(&records) {
        tally.read(&kraken(), &record.data);
    }
    tally.assert_said(4_430, &[("unknown array", 4_305), ("unknown object without a channel", 125)]);
}

#[test]
fn single_frames_and_answers_are_read() {
    let Some(files) = archive("nautilus_adapter_kraken") else { return };
    let body =
        |name: &str| String::from_utf8(files[&format!("kraken/test_data/{name}.json")].clone()).unwrap();
    let mut tally = Tally::default();
    let names = [
        "book_snapshot",
        "book_update",
        "ohlc_update",
        "pong",
        "subscribe_response",
        "ticker_snapshot",
        "trade_update",
    ];
    for name in names {
        tally.read(&kraken(), &body(&format!("ws_{name}")));
    }
    let kinds = [
        ("change", 1),
        ("heartbeat", 1),
        ("kline", 1),
        ("quote", 1),
        ("snapshot", 1),
        ("subscribed", 1),
        ("trade", 2),
    ];
    tally.assert_said(7, &kinds);
    let refused = kraken().parse(&body("ws_add_order_response_failure")).unwrap();
    assert!(
        matches!(&refused[0], MarketMessage::SubscriptionRefused { reason, .. } if reason.starts_with("EOrder"))
    );
    for name in ["ws_l3_snapshot", "ws_l3_update_add", "ws_l3_update_delete"] {
        assert_eq!(
            kraken().parse(&body(name)).unwrap(),
            [MarketMessage::Unknown { kind: "level3".to_owned() }]
        );
    }
    let (from, until) = (Timestamp::from_nanos(0), Timestamp::MAX);
    let request = BarsRequest { symbol: "BTC/USDT", interval: Span::MINUTE, from, until, rows_max: 720 };
    let bars = kraken().parse_bars(&body("http_ohlc"), &request).unwrap();
    assert!(bars.len() > 5 && bars.windows(2).all(|pair| pair[0].close_at == pair[1].open_at));
    assert_eq!(bars[2].volume, Decimal { units: 32_101, decimals: 8 });
    let request =
        TradesRequest { symbol: "BTC/USDT", since: TradesSince::Latest, until: None, rows_max: 1_000 };
    let trades = kraken().parse_trades(&body("http_trades"), &request).unwrap();
    assert!(trades.windows(2).all(|pair| pair[0].ids.last() + 1 == pair[1].ids.first()));
    assert_eq!(trades[0].venue_at.nanos(), 1_762_795_433_971_744_500);
    assert_eq!(kraken().parse_time(&body("http_server_time")).unwrap().nanos(), 1_762_820_224_000_000_000);
    let book = kraken()
        .parse_book(&body("http_order_book"), &BookRequest { symbol: "BTC/USDT", levels: 5 })
        .unwrap();
    assert_eq!((book.bids.len(), book.asks.len()), (5, 5));
    let (listings, unread) = kraken().parse_listings(&body("http_asset_pairs")).unwrap();
    let instrument = listings[0].instrument("kraken").unwrap();
    assert_eq!((unread, instrument.symbol.as_str(), instrument.tick), (0, "BTC/USDT", Price::from_units(1)));
}

#[test]
fn pairs_of_2021_make_instruments() {
    let Some(path) = market_data("meta/kraken_AssetPairs_2021-04.json.zst") else { return };
    let (listings, unread) = kraken().parse_listings(&text(&path)).unwrap();
    // The unread ones are dark pools, which no stream has.
    assert_eq!((listings.len(), unread), (293, 11));
    for listing in &listings {
        listing.instrument("kraken").unwrap();
    }
    assert!(listings.iter().any(|listing| listing.symbol == "BTC/CHF"));
}
