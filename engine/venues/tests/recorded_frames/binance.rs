//! Binance Spot, and the frames of its futures.

use engine_core::time::{Span, Timestamp};
use engine_venues::decimal::{price, qty};
use engine_venues::dialect::Dialect as _;
use engine_venues::dialect::binance::Binance;
use engine_venues::dialect::request::{BarsRequest, BookRequest, TradesRequest, TradesSince};
use engine_venues::listing::TradingStatus;
use engine_venues::message::{BookProof, BookSnapshot, Kline, MarketMessage, TradePrint};
use engine_venues::order_book::{BookRule, Desynchronised, OrderBook, Outcome};
use serde_json::Value;

use crate::frames::{
    Tally, archive, bar_of, counting, exact, market_data, number, received, recording, text,
};

const BINANCE: Binance = Binance { stream_time_unit: engine_venues::venue_time::TimeUnit::Milliseconds };

fn book_of(body: &str) -> BookSnapshot {
    BINANCE.parse_book(body, &BookRequest { symbol: "BTCUSDT", levels: 1_000 }).unwrap()
}

/// A capture played into a book and compared with the checkpoints of a replay in another language.
struct Capture {
    book: OrderBook,
    rule: BookRule,
    tally: Tally,
    checkpoints: Vec<Value>,
    applied: u64,
    trades: u64,
    trade_qty: i128,
    /// Changes before the snapshot that it does not hold.
    before: Vec<u64>,
}

impl Capture {
    fn play(&mut self, lines: &str) {
        for line in lines.lines() {
            let (_, frame) = line.split_once(' ').unwrap();
            if frame.starts_with("{\"lastUpdateId\"") {
                self.take_snapshot(&book_of(frame));
                continue;
            }
            for message in self.tally.read(&BINANCE, frame) {
                match message {
                    MarketMessage::Trade(print) => {
                        self.trades += 1;
                        self.trade_qty += exact(print.qty);
                    }
                    MarketMessage::BookChange(change) => {
                        let BookProof::Updates { last, .. } = change.proof else { panic!("no updates") };
                        match self.book.take_change(&change).unwrap() {
                            Outcome::Applied => {
                                self.applied += 1;
                                self.compare(last);
                            }
                            Outcome::Waiting => self.before.push(last),
                            Outcome::Known => {}
                        }
                    }
                    _ => {}
                }
            }
        }
    }

    fn take_snapshot(&mut self, snapshot: &BookSnapshot) {
        let BookProof::UpTo(end) = snapshot.proof else { panic!("no end") };
        assert_eq!(self.book.take_snapshot(snapshot), Ok(Outcome::Applied));
        // Futures take up a change that ends where the snapshot does, spot has it already.
        let is_kept =
            |last: &&u64| **last > end || (**last == end && self.rule == BookRule::PreviousUpdateId);
        self.applied += self.before.iter().filter(is_kept).count() as u64;
        let checkpoint = self.checkpoints.remove(0);
        assert_eq!(
            (checkpoint["lastUpdateId"].as_u64(), checkpoint["event"].as_str()),
            (Some(end), Some("snapshot"))
        );
        self.compare_depth(&checkpoint);
    }

    fn compare_depth(&self, checkpoint: &Value) {
        let levels = [self.book.bids().count(), self.book.asks().count()].map(|count| Some(count as u64));
        assert_eq!(levels, [checkpoint["bid_levels"].as_u64(), checkpoint["ask_levels"].as_u64()]);
    }

    fn compare(&mut self, last: u64) {
        if self
            .checkpoints
            .first()
            .is_none_or(|next| next["u"].as_u64() != Some(last) || next["event"] == "final")
        {
            return;
        }
        let checkpoint = self.checkpoints.remove(0);
        assert_eq!(checkpoint["depth_applied"].as_u64(), Some(self.applied));
        self.compare_levels(&checkpoint);
    }

    fn compare_levels(&self, checkpoint: &Value) {
        let told = |side: &str| {
            let level = |level: &Value| {
                let read = |place: usize| number(level[place].as_str().unwrap());
                (price(read(0), 8).unwrap(), qty(read(1), 8).unwrap())
            };
            checkpoint[side].as_array().unwrap().iter().map(level).collect::<Vec<_>>()
        };
        assert_eq!(self.book.bids().take(5).collect::<Vec<_>>(), told("bids"));
        assert_eq!(self.book.asks().take(5).collect::<Vec<_>>(), told("asks"));
    }
}

fn play(oracle: &str, rule: BookRule) -> Option<Tally> {
    let oracle = text(&market_data(&format!("oracle/{oracle}.json"))?);
    let oracle: Value = serde_json::from_str(&oracle).unwrap();
    let mut capture = Capture {
        book: OrderBook::new(&counting(8, 8), rule),
        rule,
        tally: Tally::default(),
        checkpoints: oracle["checkpoints"].as_array().unwrap().clone(),
        applied: 0,
        trades: 0,
        trade_qty: 0,
        before: Vec::new(),
    };
    for file in oracle["files"].as_array().unwrap() {
        capture.play(&text(&market_data(file.as_str().unwrap())?));
    }
    let last = capture.checkpoints.remove(0);
    assert!(capture.checkpoints.is_empty(), "a checkpoint was not met");
    assert_eq!((last["event"].as_str(), last["u"].as_u64()), (Some("final"), capture.book.last_update()));
    capture.compare_depth(&last);
    capture.compare_levels(&last);
    assert_eq!(Some(capture.applied), oracle["depth_applied"].as_u64());
    assert_eq!(Some(capture.trades), oracle["trades"].as_u64());
    assert_eq!(capture.trade_qty, exact(number(oracle["trade_qty_sum"].as_str().unwrap())));
    assert_eq!(capture.tally.errors, Vec::<String>::new());
    assert!(capture.tally.findings.is_empty(), "{:?}", capture.tally.findings);
    Some(capture.tally)
}

#[test]
fn books_of_spot_equal_the_oracle_at_every_checkpoint() {
    let Some(tally) = play("book_spot_btcusdt_20240808", BookRule::UpdateIds) else { return };
    tally.assert_said(41_248, &[("change", 3_451), ("quote", 28_040), ("trade", 9_757)]);
    let Some(tally) = play("book_spot_ethusdt_20240808", BookRule::UpdateIds) else { return };
    tally.assert_said(33_617, &[("change", 3_434), ("quote", 24_077), ("trade", 6_106)]);
}

#[test]
fn books_of_futures_equal_the_oracle_at_every_checkpoint() {
    let rule = BookRule::PreviousUpdateId;
    for oracle in
        ["book_usdm_btcusdt_20230404_05", "book_usdm_btcusdt_20240808", "book_usdm_ethusdt_20240808"]
    {
        let Some(tally) = play(oracle, rule) else { return };
        let known = ["change", "quote", "trade", "unknown markPriceUpdate"];
        assert!(tally.kinds.keys().all(|kind| known.contains(&kind.as_str())), "{oracle}: {:?}", tally.kinds);
    }
}

/// Books of a recording by cryptofeed, each begun with the answer that was recorded before.
fn follow_books(name: &str, rule: BookRule) -> Option<(Tally, Vec<MarketMessage>)> {
    let records = recording(name)?;
    let mut tally = Tally::default();
    let messages: Vec<MarketMessage> =
        received(&records).flat_map(|record| tally.read(&BINANCE, &record.data)).collect();
    let snapshots = records.iter().filter(|record| record.kind == "http" && record.url.contains("/depth?"));
    for record in snapshots {
        let symbol = record.url.split(['=', '&']).nth(1).unwrap();
        let mut book = OrderBook::new(&counting(8, 8), rule);
        let changes = messages.iter().filter_map(|message| match message {
            MarketMessage::BookChange(change) if change.symbol == symbol => Some(change),
            _ => None,
        });
        let BookProof::UpTo(end) = book_of(&record.data).proof else { panic!("no end") };
        let (mut applied, mut is_loaded) = (0, false);
        for change in changes {
            let BookProof::Updates { last, .. } = change.proof else { panic!("no updates") };
            let outcome = book.take_change(change).unwrap();
            applied += usize::from(outcome == Outcome::Applied);
            if !is_loaded && last > end {
                assert_eq!(book.take_snapshot(&book_of(&record.data)), Ok(Outcome::Applied));
                is_loaded = true;
            }
        }
        println!("{name} {symbol}: {applied} changes followed the snapshot's");
        assert!(is_loaded && book.is_synchronised() && book.top().is_some());
    }
    Some((tally, messages))
}

#[test]
fn a_recording_of_spot_is_read_whole_and_its_books_follow() {
    let Some((tally, _)) = follow_books("cryptofeed_BINANCE", BookRule::UpdateIds) else { return };
    tally.assert_said(265, &[("change", 177), ("kline", 2), ("quote", 84), ("trade", 2)]);
}

#[test]
fn a_recording_of_futures_is_read_whole_and_bars_of_its_trades_equal_its_klines() {
    let Some((tally, messages)) = follow_books("cryptofeed_BINANCE_FUTURES", BookRule::PreviousUpdateId)
    else {
        return;
    };
    tally.assert_said(1_535, &[("change", 764), ("kline", 67), ("quote", 613), ("trade", 91)]);
    let trades: Vec<&TradePrint> = messages
        .iter()
        .filter_map(|message| if let MarketMessage::Trade(print) = message { Some(print) } else { None })
        .collect();
    let (mut compared, mut uncovered) = (0, 0);
    for message in &messages {
        let MarketMessage::Kline(kline) = message else { continue };
        match trades_within(kline, &trades) {
            Some(within) => {
                let figures = [kline.open, kline.high, kline.low, kline.close, kline.volume].map(exact);
                assert_eq!(bar_of(&within), Some(figures), "{kline:?}");
                compared += 1;
            }
            None => uncovered += 1,
        }
    }
    println!("bars from trades equal {compared} klines; of {uncovered} not every trade was recorded");
    assert!(compared > 0);
}

/// Prices and quantities of all trades of a bar, where all were recorded.
fn trades_within(
    kline: &Kline,
    trades: &[&TradePrint],
) -> Option<Vec<(engine_core::num::Decimal, engine_core::num::Decimal)>> {
    let (first, last) = kline.trade_ids?;
    let within: Vec<&&TradePrint> = trades
        .iter()
        .filter(|print| {
            let numbers = print.ids.range().unwrap();
            print.symbol == kline.symbol && numbers.0 >= first && numbers.1 <= last
        })
        .collect();
    let count: u64 =
        within.iter().map(|print| print.ids.range().map_or(0, |(first, last)| last - first + 1)).sum();
    let all = count == last - first + 1;
    all.then(|| within.iter().map(|print| (print.price, print.qty)).collect())
}

#[test]
fn a_change_left_out_is_a_gap_and_no_other_is() {
    let Some(records) = recording("cryptofeed_BINANCE") else { return };
    let snapshot = records.iter().find(|record| record.url.contains("symbol=NKNUSDT")).unwrap();
    let changes: Vec<_> = received(&records)
        .flat_map(|record| BINANCE.parse(&record.data).unwrap())
        .filter_map(|message| match message {
            MarketMessage::BookChange(change) if change.symbol == "NKNUSDT" => Some(change),
            _ => None,
        })
        .collect();
    let is_new = |change: &engine_venues::message::BookChange| matches!(change.proof, BookProof::Updates { last, .. } if last > 499_869_752);
    let first_new = changes.iter().position(is_new).unwrap();
    for left_out in first_new..changes.len() - 1 {
        let mut book = OrderBook::new(&counting(8, 8), BookRule::UpdateIds);
        book.take_snapshot(&book_of(&snapshot.data)).unwrap();
        let kept = changes.iter().enumerate().filter(|(at, _)| *at != left_out);
        let found =
            kept.map(|(at, change)| (at, book.take_change(change))).find(|(_, outcome)| outcome.is_err());
        let (at, outcome) = found.unwrap();
        assert_eq!(at, left_out + 1, "noticed with the next change");
        assert!(matches!(outcome, Err(Desynchronised::Gap { .. })) && !book.is_synchronised());
    }
}

#[test]
fn answers_of_the_venue_are_read() {
    let Some(files) = archive("nautilus_adapter_binance") else { return };
    let spot = |name: &str| {
        let path = format!("binance/test_data/spot/http_json/{name}_response.json");
        String::from_utf8(files[&path].clone()).unwrap()
    };
    let bars = BarsRequest {
        symbol: "ETHBTC",
        interval: Span::from_nanos(7 * Span::DAY.nanos()),
        from: Timestamp::MIN,
        until: Timestamp::MAX,
        rows_max: 1,
    };
    assert_eq!(BINANCE.parse_time(&spot("server_time")).unwrap().nanos(), 1_499_827_319_559_000_000);
    let read = BINANCE.parse_bars(&spot("klines"), &bars).unwrap();
    assert_eq!((read[0].close_at.since(read[0].open_at), read[0].trades), (bars.interval, Some(308)));
    assert_eq!(
        BINANCE.parse_book(&spot("depth"), &BookRequest { symbol: "ETHBTC", levels: 1 }).unwrap().bids.len(),
        1
    );
    let trades = TradesRequest { symbol: "ETHBTC", since: TradesSince::Latest, until: None, rows_max: 1 };
    assert_eq!(BINANCE.parse_trades(&spot("trades"), &trades).unwrap()[0].ids.range().unwrap().1, 28_457);
    // This one lists a symbol without filters, which is no instrument.
    assert_eq!(BINANCE.parse_listings(&spot("exchange_info")).unwrap(), (Vec::new(), 1));
}

#[test]
fn streams_of_futures_in_single_frames_are_read() {
    let Some(files) = archive("nautilus_adapter_binance") else { return };
    let (mut tally, mut passed_over) = (Tally::default(), 0);
    for (name, bytes) in &files {
        if !name.contains("market_data_json") {
            passed_over += 1;
            continue;
        }
        tally.read(&BINANCE, &String::from_utf8(bytes.clone()).unwrap());
    }
    println!("passed over: {passed_over} files that are no public streams");
    let kinds = [
        ("change", 1),
        ("kline", 2),
        ("quote", 1),
        ("trade", 2),
        ("unknown 24hrTicker", 1),
        ("unknown forceOrder", 1),
        ("unknown markPriceUpdate", 1),
    ];
    tally.assert_said(9, &kinds);
}

#[test]
fn years_of_answers_about_the_past_are_read() {
    let Some(path) = market_data("ws/gocryptotrader_binance_http_mock.json.zst") else { return };
    let mock: Value = serde_json::from_str(&text(&path)).unwrap();
    let answers = |route: &str| {
        let rows = mock["routes"][route]["GET"].as_array().unwrap();
        rows.iter().map(|row| row["data"].to_string()).collect::<Vec<String>>()
    };
    let (mut rows, mut holes) = (0, 0);
    for body in answers("/api/v3/klines") {
        let (from, until) = (Timestamp::MIN, Timestamp::MAX);
        let request = BarsRequest { symbol: "BTCUSDT", interval: Span::MINUTE, from, until, rows_max: 1_000 };
        let bars = BINANCE.parse_bars(&body, &request).unwrap();
        assert!(bars.windows(2).all(|pair| pair[0].close_at <= pair[1].open_at));
        holes += bars.windows(2).filter(|pair| pair[0].close_at != pair[1].open_at).count();
        rows += bars.len();
    }
    assert_eq!((rows, holes), (3_396, 1), "the venue was down on 2020-06-28");
    let (mut trades, mut refused) = (0, 0);
    for route in ["/api/v3/aggTrades", "/api/v3/historicalTrades", "/api/v3/trades"] {
        for body in answers(route) {
            let request =
                TradesRequest { symbol: "BTCUSDT", since: TradesSince::Latest, until: None, rows_max: 1_000 };
            match BINANCE.parse_trades(&body, &request) {
                Ok(read) => trades += read.len(),
                // Four were written by hand, with a side under no name.
                Err(error) => {
                    assert!(body.contains("\"\":false"), "{error}");
                    refused += 1;
                }
            }
        }
    }
    assert_eq!((trades, refused), (2_059, 4));
    for body in answers("/api/v3/exchangeInfo") {
        let (listings, unread) = BINANCE.parse_listings(&body).unwrap();
        assert!(unread == 0 && listings.iter().all(|listing| listing.instrument("binance").is_ok()));
    }
}

#[test]
fn rules_of_all_symbols_of_2021_and_2025_make_instruments() {
    for (file, count, trading) in [
        ("meta/binance_spot_exchangeInfo_2021-10.json.zst", 1_695, 1_262),
        ("meta/binance_spot_exchangeInfo_2025-08_25symbols.json", 25, 12),
    ] {
        let Some(path) = market_data(file) else { return };
        let (listings, unread) = BINANCE.parse_listings(&text(&path)).unwrap();
        let trades = listings.iter().filter(|listing| listing.status == TradingStatus::Trading).count();
        assert_eq!((listings.len(), unread, trades), (count, 0, trading), "{file}");
        for listing in &listings {
            listing.instrument("binance").unwrap();
        }
    }
}
