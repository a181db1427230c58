//! Kraken: frames of version 2, and recordings of version 1 with the checksums of their books.

use std::collections::BTreeMap;

use engine_core::market::Aggressor;
use engine_core::num::{Decimal, Price};
use engine_core::time::{Span, Timestamp};
use engine_venues::dialect::Dialect as _;
use engine_venues::dialect::kraken::Kraken;
use engine_venues::dialect::request::{BarsRequest, BookRequest, TradesRequest, TradesSince};
use engine_venues::message::{BookChange, BookProof, Level, MarketMessage};
use engine_venues::order_book::{BookRule, Desynchronised, OrderBook, Outcome};

use crate::frames::{Tally, archive, counting, follow, market_data, number, received, recording, text};

fn kraken() -> Kraken {
    Kraken::default()
}

/// An empty book in the decimals of a level.
fn counted_as(level: &Level) -> OrderBook {
    OrderBook::new(&counting(level.price.decimals, level.qty.decimals), BookRule::Checksum { depth: 1_000 })
}

#[test]
fn every_recorded_checksum_is_met() {
    let Some(records) = recording("cryptofeed_KRAKEN") else { return };
    let mut books: BTreeMap<String, OrderBook> = BTreeMap::new();
    let (mut checked, mut begun) = (0, 0);
    for record in received(&records) {
        for message in kraken().parse(&record.data).unwrap() {
            match message {
                MarketMessage::BookSnapshot(snapshot) => {
                    assert_eq!(snapshot.proof, BookProof::Unsaid);
                    let mut book = counted_as(snapshot.bids.first().unwrap());
                    assert_eq!(book.take_snapshot(&snapshot), Ok(Outcome::Applied));
                    books.insert(snapshot.symbol, book);
                    begun += 1;
                }
                MarketMessage::BookChange(change) => {
                    assert!(matches!(change.proof, BookProof::Checksum(_)));
                    let outcome = books.get_mut(&change.symbol).unwrap().take_change(&change);
                    assert_eq!(outcome, Ok(Outcome::Applied), "{}", record.data);
                    checked += 1;
                }
                _ => {}
            }
        }
    }
    assert_eq!((begun, checked), (10, 4_269));
}

#[test]
fn a_lost_change_shows_in_the_next_checksum_of_its_levels() {
    let Some(records) = recording("cryptofeed_KRAKEN") else { return };
    let of_pair = |record: &&crate::frames::Record| record.data.ends_with("\"book-1000\",\"XMR/USD\"]");
    let mut said =
        received(&records).filter(of_pair).flat_map(|record| kraken().parse(&record.data).unwrap());
    let Some(MarketMessage::BookSnapshot(snapshot)) = said.next() else { panic!("a book begins") };
    let changes: Vec<BookChange> = said
        .filter_map(
            |message| if let MarketMessage::BookChange(change) = message { Some(change) } else { None },
        )
        .collect();
    let (mut noticed, mut tried) = (0, 0);
    for left_out in 0..changes.len().min(59) {
        let mut book = counted_as(snapshot.bids.first().unwrap());
        book.take_snapshot(&snapshot).unwrap();
        let kept = changes.iter().enumerate().filter(|(at, _)| *at != left_out).take(200);
        let is_found = kept
            .into_iter()
            .any(|(_, change)| matches!(book.take_change(change), Err(Desynchronised::Checksum { .. })));
        noticed += usize::from(is_found);
        tried += 1;
    }
    println!(
        "{noticed} of {tried} changes left out were noticed within 200; the others lay below the ten best levels"
    );
    assert!(noticed > tried / 2, "{noticed} of {tried}");
}

#[test]
fn frames_of_version_1_are_read() {
    let Some(records) = recording("cryptofeed_KRAKEN") else { return };
    let mut tally = Tally::default();
    for record in received(&records) {
        tally.read(&kraken(), &record.data);
    }
    let kinds = [
        ("change", 4_269),
        ("heartbeat", 92),
        ("quote", 18),
        ("snapshot", 10),
        ("status", 3),
        ("subscribed", 30),
        ("trade", 10),
    ];
    tally.assert_said(4_430, &kinds);
}

#[test]
fn single_frames_of_version_1_are_read() {
    let Some(path) = market_data("ws/crypto_msg_parser_raw.jsonl.zst") else { return };
    let mut tally = Tally::default();
    for line in text(&path).lines() {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        let raw = record["raw"].as_str().unwrap();
        if record["exchange"] == "kraken" && raw.starts_with('[') {
            tally.read(&kraken(), raw);
        }
    }
    tally.assert_said(8, &[("change", 2), ("kline", 1), ("quote", 2), ("snapshot", 2), ("trade", 1)]);
}

/// The messages of one frame of version 1.
fn said(frame: &str) -> Vec<MarketMessage> {
    kraken().parse(frame).unwrap()
}

#[test]
fn each_kind_of_version_1_says_what_it_holds() {
    let trades = said(
        r#"[0,[["5541.20000","0.15850568","1534614057.321597","s","l",""],["6060.00000","0.02455000","1534614057.324998","b","l",""]],"trade","XBT/USD"]"#,
    );
    let [MarketMessage::Trade(first), MarketMessage::Trade(second)] = &trades[..] else {
        panic!("{trades:?}")
    };
    assert_eq!((first.symbol.as_str(), first.ids.range()), ("BTC/USD", None));
    assert_eq!((first.aggressor, second.aggressor), (Aggressor::Seller, Aggressor::Buyer));
    assert_eq!(first.venue_at.nanos(), 1_534_614_057_321_597_000);
    assert_eq!(second.price, number("6060.00000"));
    let quotes = said(
        r#"[343,["5698.40000","5700.00000","1542057299.545897","1.01234567","0.98765432"],"spread","XDG/USD"]"#,
    );
    let [MarketMessage::Quote(quote)] = &quotes[..] else { panic!("{quotes:?}") };
    assert_eq!(
        (quote.symbol.as_str(), quote.venue_at.unwrap().nanos()),
        ("DOGE/USD", 1_542_057_299_545_897_000)
    );
    assert_eq!(quote.bid.unwrap(), Level { price: number("5698.40000"), qty: number("1.01234567") });
    let bars = said(
        r#"[343,["1675209613.118218","1675209660.000000","23135.0","23136.0","23134.0","23135.5","23135.1","0.39012812",7],"ohlc-1","XBT/USD"]"#,
    );
    let [MarketMessage::Kline(bar)] = &bars[..] else { panic!("{bars:?}") };
    assert_eq!((bar.open_at.nanos(), bar.trades), (1_675_209_600_000_000_000, Some(7)));
    assert_eq!((bar.interval, bar.volume), (Span::MINUTE, number("0.39012812")));
}

#[test]
fn books_and_events_of_version_1_say_what_they_hold() {
    let both = r#"[320,{"a":[["38800.00000","0.02203518","1622766170.577187"]]},{"b":[["38800.00000","0.03017320","1622766170.577304","r"]],"c":"2479000840"},"book-25","XBT/USD"]"#;
    let both = said(both);
    let [MarketMessage::BookChange(both)] = &both[..] else { panic!("{both:?}") };
    assert_eq!((both.asks.len(), both.bids.len(), both.proof), (1, 1, BookProof::Checksum(2_479_000_840)));
    let empty = said(r#"[6304,{"as":[],"bs":[]},"book-25","PERP/EUR"]"#);
    assert!(matches!(&empty[0], MarketMessage::BookSnapshot(book) if book.bids.is_empty()));
    let refused = said(
        r#"{"errorMessage":"Currency pair not supported","event":"subscriptionStatus","pair":"A/B","status":"error","subscription":{"name":"trade"}}"#,
    );
    assert!(
        matches!(&refused[0], MarketMessage::SubscriptionRefused { reason, .. } if reason.contains("not supported"))
    );
    for bad in [
        r#"[1,{"a":"x"},"ticker","A/B"]"#,
        r#"[1,[["1","2"]],"trade","A/B"]"#,
        r#"[1,["1","2"],"ohlc-x","A/B"]"#,
        r#"[1,[],"spread",7]"#,
    ] {
        assert!(kraken().parse(bad).is_err(), "{bad}");
    }
    for unknown in ["[]", "[1]", r#"["a","b","c"]"#, r#"[1,{},"owners","A/B"]"#] {
        assert!(matches!(&said(unknown)[..], [MarketMessage::Unknown { .. }]), "{unknown}");
    }
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
    assert!(trades.windows(2).all(|pair| follow(&pair[0], &pair[1])));
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
