//! Coinbase Advanced Trade.

use std::collections::BTreeMap;

use engine_core::market::Aggressor;
use engine_core::num::{Decimal, Price};
use engine_core::time::{Span, Timestamp};
use engine_venues::dialect::Dialect as _;
use engine_venues::dialect::coinbase::Coinbase;
use engine_venues::dialect::request::{BarsRequest, BookRequest, TradesRequest, TradesSince};
use engine_venues::listing::TradingStatus;
use engine_venues::message::{Delivery, Kline, MarketMessage, TradePrint};
use engine_venues::order_book::{BookRule, OrderBook, Outcome};

use crate::frames::{
    Tally, archive, bar_of, counting, exact, last_number, market_data, received, recording, text,
};

/// All that the recording says, the books it builds checked after each frame.
fn played(mut seen: impl FnMut(&MarketMessage, &BTreeMap<String, OrderBook>)) -> Option<Tally> {
    let records = recording("cryptofeed_COINBASE")?;
    let (mut tally, mut books) = (Tally::default(), BTreeMap::new());
    for record in received(&records) {
        for message in tally.read(&Coinbase, &record.data) {
            match &message {
                MarketMessage::BookSnapshot(snapshot) => {
                    let mut book = OrderBook::new(&counting(2, 8), BookRule::Connection);
                    assert_eq!(book.take_snapshot(snapshot), Ok(Outcome::Applied));
                    books.insert(snapshot.symbol.clone(), book);
                }
                MarketMessage::BookChange(change) => {
                    let book = books.get_mut(&change.symbol).unwrap();
                    assert_eq!(book.take_change(change), Ok(Outcome::Applied));
                }
                _ => {}
            }
            seen(&message, &books);
        }
    }
    Some(tally)
}

#[test]
fn a_recording_is_read_whole_and_its_books_stay_sound() {
    let mut quotes = (0, 0);
    let seen = |message: &MarketMessage, books: &BTreeMap<String, OrderBook>| {
        let MarketMessage::Quote(quote) = message else { return };
        let Some(top) = books.get(&quote.symbol).and_then(OrderBook::top) else { return };
        let bid = engine_venues::decimal::price(quote.bid.unwrap().price, 2).unwrap();
        quotes.0 += usize::from(bid == top.bid);
        quotes.1 += 1;
    };
    let Some(tally) = played(seen) else { return };
    println!("{} of {} quotes of the ticker have the best bid of the book", quotes.0, quotes.1);
    assert!(quotes.1 > 100 && quotes.0 * 5 > quotes.1 * 4, "the two channels are not in step, but close");
    let kinds = [
        ("change", 773),
        ("heartbeat", 25),
        ("kline", 204),
        ("quote", 160),
        ("sequence", 1_030),
        ("snapshot", 2),
        ("subscribed", 15),
        ("trade", 279),
    ];
    tally.assert_said(1_030, &kinds);
}

#[test]
fn the_side_of_a_trade_is_that_of_the_order_that_waited() {
    let (mut agree, mut disagree, mut within) = (0, 0, 0);
    let seen = |message: &MarketMessage, books: &BTreeMap<String, OrderBook>| {
        let MarketMessage::Trade(print) = message else { return };
        let Some(top) = books.get(&print.symbol).and_then(OrderBook::top) else { return };
        if print.delivery == Delivery::Past {
            return;
        }
        let price: Price = engine_venues::decimal::price(print.price, 2).unwrap();
        let by_book = match price {
            price if price >= top.ask => Aggressor::Buyer,
            price if price <= top.bid => Aggressor::Seller,
            _ => Aggressor::Unknown,
        };
        match by_book {
            Aggressor::Unknown => within += 1,
            side if side == print.aggressor => agree += 1,
            _ => disagree += 1,
        }
    };
    if played(seen).is_none() {
        return;
    }
    assert_eq!((agree, disagree, within), (71, 0, 7));
}

#[test]
fn bars_of_recorded_trades_equal_the_candles_they_make() {
    let (mut trades, mut candles): (Vec<TradePrint>, Vec<Kline>) = (Vec::new(), Vec::new());
    let seen = |message: &MarketMessage, _: &BTreeMap<String, OrderBook>| match message {
        MarketMessage::Trade(print) => trades.push(print.clone()),
        MarketMessage::Kline(kline) => candles.push(kline.clone()),
        _ => {}
    };
    if played(seen).is_none() {
        return;
    }
    let (mut compared, mut uncovered) = (0, 0);
    for candle in &candles {
        let of_symbol = || trades.iter().filter(|print| print.symbol == candle.symbol);
        // The first recorded trade must lie before the candle, or some of its trades may be missing.
        if of_symbol().next().is_none_or(|first| first.venue_at >= candle.open_at) {
            uncovered += 1;
            continue;
        }
        let within: Vec<(Decimal, Decimal)> = of_symbol()
            .filter(|print| print.venue_at >= candle.open_at && print.venue_at < candle.close_at)
            .map(|print| (print.price, print.qty))
            .collect();
        let figures = [candle.open, candle.high, candle.low, candle.close, candle.volume].map(exact);
        // A forming candle does not say which trade was its last.
        let is_some_prefix = (1..=within.len()).any(|count| bar_of(&within[..count]) == Some(figures));
        assert!(is_some_prefix, "{candle:?}");
        compared += 1;
    }
    println!("bars from trades equal {compared} candles; of {uncovered} not every trade was recorded");
}

#[test]
fn single_frames_and_answers_are_read() {
    let Some(files) = archive("nautilus_adapter_coinbase") else { return };
    let body =
        |name: &str| String::from_utf8(files[&format!("coinbase/test_data/{name}.json")].clone()).unwrap();
    let mut tally = Tally::default();
    let names = ["candles", "l2_data_snapshot", "l2_data_update", "market_trades", "subscriptions", "ticker"];
    for name in names {
        tally.read(&Coinbase, &body(&format!("ws_{name}")));
    }
    // Each file is from another connection, so their numbers do not follow each other.
    tally.findings.clear();
    let kinds = [
        ("change", 1),
        ("kline", 1),
        ("quote", 1),
        ("sequence", 6),
        ("snapshot", 1),
        ("subscribed", 2),
        ("trade", 2),
    ];
    tally.assert_said(6, &kinds);
    let beat = Coinbase.parse(&body("ws_heartbeats")).unwrap();
    assert_eq!(beat[1], MarketMessage::Heartbeat { counter: Some(42) });
    let user = Coinbase.parse(&body("ws_user")).unwrap();
    assert_eq!(user[1], MarketMessage::Unknown { kind: "user".to_owned() });

    let request = BarsRequest {
        symbol: "BTC-USD",
        interval: Span::HOUR,
        from: Timestamp::MIN,
        until: Timestamp::MAX,
        rows_max: 2,
    };
    let bars = Coinbase.parse_bars(&body("http_candles"), &request).unwrap();
    assert_eq!((bars.len(), bars[0].close_at), (2, bars[1].open_at));
    let request = TradesRequest { symbol: "BTC-USD", since: TradesSince::Latest, until: None, rows_max: 3 };
    let trades = Coinbase.parse_trades(&body("http_ticker"), &request).unwrap();
    assert_eq!(trades.iter().map(last_number).collect::<Vec<_>>(), [995_098_661, 995_098_662, 995_098_663]);
    let book = Coinbase
        .parse_book(&body("http_product_book"), &BookRequest { symbol: "BTC-USD", levels: 5 })
        .unwrap();
    assert_eq!((book.bids.len(), book.asks.len()), (5, 5));
    let (listings, unread) = Coinbase.parse_listings(&body("http_products")).unwrap();
    assert_eq!((unread, listings[1].alias.as_deref()), (0, Some("BTC-USD")));
}

#[test]
fn all_products_of_2026_make_instruments() {
    let Some(path) = market_data("meta/coinbase_products_2026-08.json.zst") else { return };
    let (listings, unread) = Coinbase.parse_listings(&text(&path)).unwrap();
    let trading = listings.iter().filter(|listing| listing.status == TradingStatus::Trading);
    println!("{} products, {} of them trade, {unread} unread", listings.len(), trading.count());
    assert!(unread == 0 && listings.len() > 500);
    let refused: Vec<String> = listings
        .iter()
        .filter_map(|listing| listing.instrument("coinbase").err())
        .map(|error| error.to_string())
        .collect();
    assert_eq!(refused, Vec::<String>::new());
}

#[test]
fn the_older_feed_is_another_dialect() {
    let Some(path) = market_data("book/coinbase_BTCUSD_l2_snapshot_frame.json.zst") else { return };
    let said = Coinbase.parse(&text(&path)).unwrap();
    assert_eq!(said, [MarketMessage::Unknown { kind: "snapshot".to_owned() }]);
}
