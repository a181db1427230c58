//! A venue by its dialect: its rules, its past and its streams.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use engine_core::event::ListingChange;
use engine_core::instrument::{Instrument, InstrumentId};
use engine_core::market::Bar;
use engine_core::num::Decimal;
use engine_core::time::{Span, Timestamp};
use engine_runtime::order_route::OrderRoute;
use engine_runtime::ports::InputFeed;

use crate::clock::HouseClock;
use crate::decimal::nearest;
use crate::dialect::Dialect;
use crate::dialect::binance;
use crate::dialect::binance::order_words::{self, BinanceOrders};
use crate::dialect::coinbase;
use crate::dialect::coinbase::order_words::CoinbaseOrders;
use crate::dialect::kraken;
use crate::dialect::kraken::names::Names;
use crate::dialect::kraken::order_words::KrakenOrders;
use crate::dialect::request::{BarsRequest, Unserved};
use crate::http::Http;
use crate::key_check::check_key;
use crate::listing::TradingStatus;
use crate::market_venue::{
    ClockReading, ListingReader, MarketVenue, Notices, PastReader, Stream, VenueError, WantedFeed,
    WantedPlayback, WantedRoute,
};
use crate::message::Kline;
use crate::missed_trades::missed_trades;
use crate::order_gateway::GatewayMarket;
use crate::order_route::SocketRoute;
use crate::order_session::OrderWords;
use crate::outside::Outside;
use crate::playback::Playback;
use crate::recorder::Recorder;
use crate::session::Manners;
use crate::signing::kraken::KrakenKey;
use crate::signing::venue_key::VenueKey;
use crate::streaming::{Streaming, record, stream};
use crate::turns::Turns;
use crate::venue_frames::{VenueFrames, bar_of};

/// Connections are replaced when they are so old, where the venue says nothing.
const ROTATE_AFTER: Duration = Duration::from_secs(23 * 3_600);

/// The most bars asked for at once.
const ROWS_MAX: u32 = 1_000;

/// A venue at its URLs.
#[derive(Debug)]
pub(crate) struct SpokenVenue {
    dialect: Arc<dyn Dialect>,
    ws_url: String,
    http: Http,
    clock: Arc<HouseClock>,
    silence: Option<Duration>,
    collar_sigmas: u32,
    outside: Arc<dyn Outside>,
}

impl SpokenVenue {
    pub(crate) fn new(
        dialect: Arc<dyn Dialect>,
        (ws_url, rest_url): (&str, &str),
        clock: Arc<HouseClock>,
        silence: Option<Duration>,
        outside: Arc<dyn Outside>,
    ) -> Self {
        let http = Http::new(dialect.venue(), rest_url, Arc::clone(&outside));
        let ws_url = dialect.stream_url(ws_url);
        Self { dialect, ws_url, http, clock, silence, collar_sigmas: 0, outside }
    }

    /// Trades pass a collar of so many standard deviations.
    pub(crate) fn with_collar(self, collar_sigmas: u32) -> Self {
        Self { collar_sigmas, ..self }
    }

    fn reader(&self, streams: &[Stream]) -> Result<VenueFrames, VenueError> {
        let frames = VenueFrames::new(Arc::clone(&self.dialect), streams);
        Ok(frames.map_err(|error| self.unserved(&error))?.with_collar(self.collar_sigmas))
    }

    fn streaming(&self, reader: VenueFrames) -> Streaming<VenueFrames> {
        let limits = self.dialect.limits();
        let manners = Manners {
            url: self.ws_url.clone(),
            pace: wall(limits.pace),
            silence: self.silence.unwrap_or_else(|| wall(limits.lost_after)),
            rotate_after: limits.rotate_after.map_or(ROTATE_AFTER, wall),
        };
        Streaming { venue: self.dialect.venue(), manners, reader, outside: Arc::clone(&self.outside) }
    }

    /// What each instrument exchanges at the venue.
    fn markets(&self, instruments: &[Instrument]) -> Result<Vec<GatewayMarket>, VenueError> {
        let path = self.dialect.listings_path();
        let body = self.http.get(&path)?;
        let (listings, _) =
            self.dialect.parse_listings(&body).map_err(|error| self.http.unreadable(&path, &error))?;
        let market = |rules: &Instrument| {
            let listing = listings.iter().find(|listing| listing.symbol == rules.symbol);
            let pair = listing.and_then(|listing| listing.pair.clone());
            let pair = pair.ok_or_else(|| VenueError::Symbol {
                venue: self.dialect.venue().to_owned(),
                symbol: rules.symbol.clone(),
                reason: "it does not say what the symbol exchanges".to_owned(),
            })?;
            Ok(GatewayMarket { rules: rules.clone(), pair })
        };
        instruments.iter().map(market).collect()
    }

    /// Orders in Kraken's words, which need to know what REST calls its pairs.
    fn kraken_orders(&self, key: &KrakenKey) -> Result<KrakenOrders, VenueError> {
        let path = self.dialect.listings_path();
        let names = Names::read(&self.http.get(&path)?);
        let names = names.map_err(|error| self.http.unreadable(&path, &error))?;
        Ok(KrakenOrders::new(key.clone(), self.http.base(), names))
    }

    fn unserved(&self, error: &Unserved) -> VenueError {
        VenueError::Channel {
            venue: self.dialect.venue().to_owned(),
            channel: "that".to_owned(),
            reason: error.to_string(),
        }
    }
}

/// A span of the clock on the wall.
fn wall(span: Span) -> Duration {
    Duration::from_nanos(u64::try_from(span.nanos()).unwrap_or_default())
}

impl MarketVenue for SpokenVenue {
    fn name(&self) -> &str {
        self.dialect.venue()
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn turns(&self) -> Option<Arc<dyn Turns>> {
        self.outside.turns()
    }

    fn clock(&self) -> Result<ClockReading, VenueError> {
        let (path, asked) = (self.dialect.time_path(), self.clock.now());
        let body = self.http.get(&path)?;
        let round_trip = self.clock.now().since(asked);
        let venue = self.dialect.parse_time(&body).map_err(|error| self.http.unreadable(&path, &error))?;
        let middle = asked.plus(Span::from_nanos(round_trip.nanos() / 2));
        Ok(ClockReading { ahead: middle.since(venue), round_trip })
    }

    fn instruments(&self, symbols: &[String]) -> Result<Vec<Instrument>, VenueError> {
        let path = self.dialect.listings_path();
        let body = self.http.get(&path)?;
        let (listings, _) =
            self.dialect.parse_listings(&body).map_err(|error| self.http.unreadable(&path, &error))?;
        let of = |symbol: &String| {
            let refused = |reason: String| VenueError::Symbol {
                venue: self.dialect.venue().to_owned(),
                symbol: symbol.clone(),
                reason,
            };
            let listing = listings.iter().find(|listing| listing.symbol == *symbol);
            let listing = listing.ok_or_else(|| refused("it has no such symbol".to_owned()))?;
            if listing.status != TradingStatus::Trading {
                return Err(refused(format!("its status is {}", listing.status_word)));
            }
            let rules = listing.instrument(self.dialect.venue());
            rules.map_err(|error| refused(error.to_string()))
        };
        symbols.iter().map(of).collect()
    }

    fn listings(&self, instruments: &[Instrument]) -> ListingReader {
        let (dialect, http) = (Arc::clone(&self.dialect), self.http.clone());
        let (path, instruments) = (self.dialect.listings_path(), instruments.to_vec());
        Box::new(move || {
            let body = http.get(&path)?;
            let (listings, _) =
                dialect.parse_listings(&body).map_err(|error| http.unreadable(&path, &error))?;
            let change = |(place, rules): (usize, &Instrument)| {
                let instrument = InstrumentId::new(u16::try_from(place).ok()?);
                match listings.iter().find(|listing| listing.symbol == rules.symbol) {
                    Some(listing) => listing.change(instrument, rules),
                    None => Some(delisted(instrument, rules)),
                }
            };
            Ok(instruments.iter().enumerate().filter_map(change).collect())
        })
    }

    fn past_bars(&self, interval: Span) -> Result<PastReader, VenueError> {
        let moment = Timestamp::from_nanos(0);
        let trial = BarsRequest { symbol: "", interval, from: moment, until: moment, rows_max: 1 };
        self.dialect.bars_path(&trial).map_err(|error| self.unserved(&error))?;
        let (dialect, http) = (Arc::clone(&self.dialect), self.http.clone());
        Ok(Box::new(move |rules, from, until| {
            read_past(dialect.as_ref(), &http, (rules, interval), from, until)
        }))
    }

    fn feed(&self, wanted: &WantedFeed<'_>) -> Result<Box<dyn InputFeed>, VenueError> {
        if let Some(since) = wanted.since {
            self.clock.go_on_behind(since);
        }
        let asked = missed_trades(Arc::clone(&self.dialect), self.http.clone());
        let asked = asked.map_err(|error| self.http.unreadable("trades", &error))?;
        let reader = self.reader(wanted.streams)?.asking(asked, wanted.recent);
        stream(self.streaming(reader), &self.clock, wanted)
    }

    fn record(&self, dir: &Path, streams: &[Stream], notices: &Notices) -> Result<Recorder, VenueError> {
        record(self.streaming(self.reader(streams)?), &self.clock, (dir, streams), notices)
    }

    fn order_route(&self, wanted: &WantedRoute<'_>) -> Result<Box<dyn OrderRoute>, VenueError> {
        let refused = |reason: String| VenueError::Orders { venue: self.dialect.venue().to_owned(), reason };
        let (words, own_url, path): (Box<dyn OrderWords>, _, _) = match wanted.key {
            VenueKey::Binance(key) if self.dialect.venue() == binance::VENUE => {
                let words = BinanceOrders::new(key.clone(), self.http.base());
                (Box::new(words), binance::ORDERS_URL, order_words::PATH)
            }
            VenueKey::Coinbase(key) if self.dialect.venue() == coinbase::VENUE => {
                let words = CoinbaseOrders::new(key.clone(), self.http.base());
                (Box::new(words), coinbase::user_frame::USER_URL, "")
            }
            VenueKey::Kraken(key) if self.dialect.venue() == kraken::VENUE => {
                (Box::new(self.kraken_orders(key)?), kraken::ORDERS_URL, "")
            }
            VenueKey::Binance(_) | VenueKey::Coinbase(_) | VenueKey::Kraken(_) => {
                return Err(refused("the key is one of another venue".to_owned()));
            }
        };
        let mut words = words;
        let told = match wanted.is_new {
            true => check_key(words.as_mut(), self.outside.as_ref(), &self.clock).map_err(refused)?,
            false => None,
        };
        if let Some(line) = told {
            (wanted.notices)(&format!("{} orders: {line}", self.dialect.venue()));
        }
        let route = SocketRoute {
            venue: self.dialect.venue(),
            dialect: Arc::clone(&self.dialect),
            http: self.http.clone(),
            url: format!("{}{path}", wanted.orders_url.unwrap_or(own_url).trim_end_matches('/')),
            markets: self.markets(wanted.instruments)?,
            words: Some(words),
            clock: Arc::clone(&self.clock),
            outside: Arc::clone(&self.outside),
            notices: Arc::clone(&wanted.notices),
            shared: None,
        };
        Ok(Box::new(route))
    }

    fn playback(&self, wanted: &WantedPlayback<'_>) -> Result<Box<dyn InputFeed>, VenueError> {
        Ok(Box::new(Playback::open(wanted, self.reader(wanted.streams)?)?))
    }
}

/// An instrument that its venue does not list any more.
const fn delisted(instrument: InstrumentId, rules: &Instrument) -> ListingChange {
    let Instrument { tick, lot, notional_min, .. } = *rules;
    ListingChange { instrument, tick, lot, notional_min, status: TradingStatus::Delisted }
}

/// The bar with the digits that its instrument has now: what was traded before a venue made its steps coarser is finer, and
/// stands at the nearest. A price that would be nothing stays as it is, and is refused.
fn on_grid(rules: &Instrument, kline: &Kline) -> Kline {
    let price = |price: Decimal| {
        let near = nearest(price, rules.price_decimals);
        if near.units > 0 { near } else { price }
    };
    Kline {
        open: price(kline.open),
        high: price(kline.high),
        low: price(kline.low),
        close: price(kline.close),
        volume: nearest(kline.volume, rules.qty_decimals),
        ..kline.clone()
    }
}

/// Closed bars of the past, page by page.
fn read_past(
    dialect: &dyn Dialect,
    http: &Http,
    (rules, interval): (&Instrument, Span),
    from: Timestamp,
    until: Timestamp,
) -> Result<Vec<Bar>, VenueError> {
    let mut bars: Vec<Bar> = Vec::new();
    let mut begin = Timestamp::from_nanos(from.nanos().max(0));
    while begin < until {
        let request = BarsRequest { symbol: &rules.symbol, interval, from: begin, until, rows_max: ROWS_MAX };
        let path = dialect.bars_path(&request).map_err(|error| http.unreadable("bars", &error))?;
        let body = http.get(&path)?;
        let klines = dialect.parse_bars(&body, &request).map_err(|error| http.unreadable(&path, &error))?;
        let before = bars.len();
        for kline in &klines {
            let bar =
                bar_of(rules, &on_grid(rules, kline)).map_err(|error| http.unreadable(&path, &error))?;
            let follows = bar.open_at >= begin && bars.last().is_none_or(|last| bar.open_at >= last.close_at);
            if follows && bar.close_at <= until {
                bars.push(bar);
            }
        }
        match bars.last() {
            Some(last) if bars.len() > before => begin = last.close_at,
            Some(_) | None => break,
        }
    }
    Ok(bars)
}

#[cfg(test)]
mod tests {
    use engine_core::num::{Price, Qty};

    use super::*;
    use crate::decimal::decimal;
    use crate::message::KlineState;

    fn kline(price: &str, volume: &str) -> Kline {
        let price = decimal(price).unwrap();
        let (open_at, interval) = (Timestamp::from_nanos(0), Span::DAY);
        Kline {
            symbol: "BTCUSDT".to_owned(),
            interval,
            open_at,
            close_at: open_at.plus(interval),
            open: price,
            high: price,
            low: price,
            close: price,
            volume: decimal(volume).unwrap(),
            trades: None,
            trade_ids: None,
            state: KlineState::Closed,
        }
    }

    #[test]
    fn a_bar_of_the_past_that_is_finer_than_the_steps_of_now_stands_at_the_nearest() {
        let rules = Instrument {
            venue: "binance".into(),
            symbol: "BTCUSDT".into(),
            price_decimals: 2,
            qty_decimals: 5,
            tick: Price::from_units(1),
            lot: Qty::from_units(1),
            notional_min: engine_core::num::Money::ZERO,
        };
        let read = |kline: Kline| bar_of(&rules, &on_grid(&rules, &kline)).map(|bar| (bar.close, bar.volume));
        let (price, volume) = read(kline("28923.6351", "50386.999841")).unwrap();
        assert_eq!((price, volume), (Price::from_units(2_892_364), Qty::from_units(5_038_699_984)));
        assert!(
            bar_of(&rules, &kline("28923.6351", "50386.999841")).is_err(),
            "a bar of now is read as it is"
        );
        assert!(read(kline("0.001", "1")).is_err(), "a price of nothing is none");
    }
}
