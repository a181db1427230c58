//! The fake exchange's frames and answers, which share no code with the dialects: two readings of each protocol meet.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use engine_core::market::Aggressor;
use engine_core::time::{Span, Timestamp};
use engine_venues::dialect::Dialect;
use engine_venues::dialect::binance::Binance;
use engine_venues::dialect::coinbase::Coinbase;
use engine_venues::dialect::kraken::Kraken;
use engine_venues::dialect::request::{BarsRequest, BookRequest, Channel, TradesRequest, TradesSince};
use engine_venues::message::{Delivery, MarketMessage, TradePrint};
use engine_venues::order_book::{BookRule, OrderBook, Outcome};
use fake_exchange::{FakeExchange, Running, Settings, Time};
use tokio_tungstenite::tungstenite::{self, Message, WebSocket};

use crate::frames::{Tally, follow, last_number};

const PATIENCE: Duration = Duration::from_secs(10);

/// A client of the fake exchange that speaks a dialect.
struct Client<'a> {
    running: &'a Running,
    dialect: &'a dyn Dialect,
    socket: WebSocket<TcpStream>,
    tally: Tally,
}

impl<'a> Client<'a> {
    fn connect(running: &'a Running, dialect: &'a dyn Dialect, path: &str) -> Self {
        let stream = TcpStream::connect(running.address()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let url = dialect.stream_url(&format!("ws://{}{path}", running.address()));
        let (socket, _) = tungstenite::client(url, stream).unwrap();
        Self { running, dialect, socket, tally: Tally::default() }
    }

    fn read(&mut self) -> Vec<MarketMessage> {
        loop {
            match self.socket.read().unwrap() {
                Message::Text(text) => return self.tally.read(self.dialect, text.as_str()),
                Message::Ping(_) => self.socket.flush().unwrap(),
                other => panic!("{other:?}"),
            }
        }
    }

    /// The answer to a request over HTTP.
    fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(self.running.address()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: loopback\r\nContent-Length: 0\r\n\r\n").unwrap();
        let mut bytes = Vec::new();
        let mut chunk = [0; 65_536];
        loop {
            let text = String::from_utf8_lossy(&bytes);
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")).unwrap();
                if body.len() >= length.parse().unwrap() {
                    assert!(head.contains(" 200 "), "{path}: {text}");
                    return body.to_owned();
                }
            }
            let count = stream.read(&mut chunk).unwrap();
            assert!(count > 0, "cut off");
            bytes.extend_from_slice(&chunk[..count]);
        }
    }
}

/// Whether nothing came for as long as was waited.
fn is_over(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut)
}

/// What the fake exchange sends in two minutes of its market or more, and its answers.
pub(crate) fn sent(
    fake: fake_exchange::Dialect,
    dialect: &dyn Dialect,
    symbol: &str,
    path: &str,
) -> Vec<String> {
    let mut settings = Settings::new(fake, &[symbol]).unwrap();
    (settings.time, settings.rate, settings.past_bars) = (Time::ByHand, 5, 20);
    let running = FakeExchange::start(settings).unwrap();
    let mut client = Client::connect(&running, dialect, path);
    let is_coinbase = matches!(fake, fake_exchange::Dialect::Coinbase);
    let bars = Channel::Bars(Span::from_nanos(if is_coinbase { 5 } else { 1 } * Span::MINUTE.nanos()));
    let channels = [Channel::Quotes, bars, Channel::Book, Channel::Trades];
    for message in dialect.subscribe(&[symbol], &channels).unwrap() {
        client.socket.send(Message::text(message)).unwrap();
    }
    // The first answer says that it has heard.
    let mut texts = vec![client.socket.read().unwrap().into_text().unwrap().to_string()];
    client.socket.get_ref().set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    running.advance(Duration::from_secs(120));
    while texts.len() < 400 {
        match client.socket.read() {
            Ok(Message::Text(text)) => texts.push(text.as_str().to_owned()),
            Ok(_) => {}
            // A channel that was heard of later has told less by now: time goes on.
            Err(tungstenite::Error::Io(error)) if is_over(&error) => running.advance(Duration::from_secs(60)),
            Err(error) => panic!("{error}"),
        }
    }
    texts.push(client.get(&dialect.listings_path()));
    texts.push(client.get(&dialect.time_path()));
    let trades = TradesRequest { symbol, since: TradesSince::Latest, until: None, rows_max: 20 };
    texts.push(client.get(&dialect.trades_path(&trades).unwrap()));
    texts
}

/// Listens to trades, quotes, bars and the book until every trade there was has come, and compares.
fn listen(
    fake: fake_exchange::Dialect,
    dialect: &dyn Dialect,
    symbol: &str,
    path: &str,
    bars: Span,
    rule: BookRule,
) {
    let mut settings = Settings::new(fake, &[symbol]).unwrap();
    (settings.time, settings.rate, settings.past_bars) = (Time::ByHand, 5, 0);
    let decimals = [settings.symbols[0].price_decimals, settings.symbols[0].quantity_decimals];
    let running = FakeExchange::start(settings).unwrap();
    let mut client = Client::connect(&running, dialect, path);
    let channels = [Channel::Quotes, Channel::Bars(bars), Channel::Book, Channel::Trades];
    let messages = dialect.subscribe(&[symbol], &channels).unwrap();
    for message in &messages {
        client.socket.send(Message::text(message)).unwrap();
    }
    let is_trades = |channel: &Option<String>| {
        channel.as_deref().is_none_or(|channel| ["trade", "market_trades"].contains(&channel))
    };
    let mut early = Vec::new();
    while !early
        .iter()
        .any(|said| matches!(said, MarketMessage::Subscribed { channel, .. } if is_trades(channel)))
    {
        early.extend(client.read());
    }
    let listing = listing_of(&client, symbol);
    let instrument = listing.instrument(dialect.venue()).unwrap();
    let mut book = OrderBook::new(&instrument, rule);
    running.advance(Duration::from_secs(60));
    if let Some(path) = dialect.book_path(&BookRequest { symbol, levels: 1_000 }) {
        let request = BookRequest { symbol, levels: 1_000 };
        let snapshot = dialect.parse_book(&client.get(&path), &request).unwrap();
        early.push(MarketMessage::BookSnapshot(snapshot));
    }
    running.advance(Duration::from_secs(240));
    let truth = running.truth().trades(&symbol.replace(['-', '/'], "")).unwrap();
    assert!(truth.len() > 500, "{}", truth.len());
    let mut prints: Vec<TradePrint> = Vec::new();
    let mut said = early;
    loop {
        for message in said {
            match message {
                MarketMessage::Trade(print) if print.delivery == Delivery::Live => prints.push(print),
                MarketMessage::BookSnapshot(snapshot) => {
                    assert_eq!(book.take_snapshot(&snapshot), Ok(Outcome::Applied));
                }
                MarketMessage::BookChange(change) => drop(book.take_change(&change).unwrap()),
                _ => {}
            }
        }
        if prints.len() == truth.len() {
            break;
        }
        said = client.read();
    }
    assert!(book.top().is_some());
    compare(&prints, &truth, decimals.map(|count| u8::try_from(count).unwrap()));
    past(&client, symbol, &truth);
    println!("{}: {:?}", dialect.venue(), client.tally.kinds);
    assert_eq!((&client.tally.errors, &client.tally.findings), (&Vec::new(), &Vec::new()));
    assert!(["trade", "quote", "kline", "change"].iter().all(|kind| client.tally.kinds.contains_key(*kind)));
    assert!(!client.tally.kinds.keys().any(|kind| kind.starts_with("unknown") || kind == "refused"));
}

fn listing_of(client: &Client<'_>, symbol: &str) -> engine_venues::listing::Listing {
    let (listings, unread) =
        client.dialect.parse_listings(&client.get(&client.dialect.listings_path())).unwrap();
    assert_eq!(unread, 0);
    listings.into_iter().find(|listing| listing.symbol == symbol).unwrap()
}

fn compare(prints: &[TradePrint], truth: &[fake_exchange::Trade], [price_decimals, qty_decimals]: [u8; 2]) {
    for (print, trade) in prints.iter().zip(truth) {
        assert_eq!(last_number(print), trade.id);
        // Venues leave out what is finer than their times.
        let finer_ns = trade.time_ns - print.venue_at.nanos();
        assert!((0..Span::MILLISECOND.nanos()).contains(&finer_ns), "{print:?}");
        let price = engine_venues::decimal::price(print.price, price_decimals).unwrap().units();
        let qty = engine_venues::decimal::qty(print.qty, qty_decimals).unwrap().units();
        assert_eq!((i128::from(price), qty), (i128::from(trade.price), i128::from(trade.quantity)));
        let aggressor = if trade.buyer_is_maker { Aggressor::Seller } else { Aggressor::Buyer };
        assert_eq!(print.aggressor, aggressor, "{print:?}");
    }
}

/// What REST says of the past.
fn past(client: &Client<'_>, symbol: &str, truth: &[fake_exchange::Trade]) {
    let dialect = client.dialect;
    let now = dialect.parse_time(&client.get(&dialect.time_path())).unwrap();
    assert!(now.nanos() >= truth.last().unwrap().time_ns / 1_000_000_000 * 1_000_000_000);
    let from = Timestamp::from_nanos(truth[0].time_ns).floor(Span::MINUTE);
    let request = BarsRequest { symbol, interval: Span::MINUTE, from, until: now, rows_max: 300 };
    let bars = dialect.parse_bars(&client.get(&dialect.bars_path(&request).unwrap()), &request).unwrap();
    assert!(bars.len() >= 4 && bars[0].open_at == from, "{bars:?}");
    assert!(bars.windows(2).all(|pair| pair[0].close_at == pair[1].open_at));
    let request = TradesRequest { symbol, since: TradesSince::Latest, until: None, rows_max: 50 };
    let trades =
        dialect.parse_trades(&client.get(&dialect.trades_path(&request).unwrap()), &request).unwrap();
    assert!(trades.windows(2).all(|pair| follow(&pair[0], &pair[1])));
    assert_eq!(last_number(trades.last().unwrap()), truth.last().unwrap().id);
}

#[test]
fn binance_is_read_as_it_was_meant() {
    let minute = Span::MINUTE;
    listen(fake_exchange::Dialect::Binance, &Binance::default(), "BTCUSDT", "", minute, BookRule::UpdateIds);
}

#[test]
fn coinbase_is_read_as_it_was_meant() {
    let five_minutes = Span::from_nanos(5 * Span::MINUTE.nanos());
    listen(fake_exchange::Dialect::Coinbase, &Coinbase, "BTC-USD", "", five_minutes, BookRule::Connection);
}

#[test]
fn kraken_is_read_as_it_was_meant() {
    let rule = BookRule::Checksum { depth: 10 };
    listen(fake_exchange::Dialect::Kraken, &Kraken::default(), "BTC/USD", "/v2", Span::MINUTE, rule);
}
