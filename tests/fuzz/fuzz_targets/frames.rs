//! Frames and answers of exchanges: every dialect reads or refuses them.
#![no_main]

use engine_core::time::{Span, Timestamp};
use engine_venues::dialect::Dialect;
use engine_venues::dialect::binance::Binance;
use engine_venues::dialect::coinbase::Coinbase;
use engine_venues::dialect::kraken::Kraken;
use engine_venues::dialect::request::{BarsRequest, BookRequest, TradesRequest, TradesSince};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let (symbol, rows_max) = ("BTCUSDT", 10);
    let (from, until) = (Timestamp::MIN, Timestamp::MAX);
    let bars = BarsRequest { symbol, interval: Span::MINUTE, from, until, rows_max };
    let trades = TradesRequest { symbol, since: TradesSince::Latest, until: None, rows_max };
    let dialects: [&dyn Dialect; 3] = [&Binance::default(), &Coinbase, &Kraken::default()];
    for dialect in dialects {
        let _ = dialect.parse(text);
        let _ = dialect.parse_time(text);
        let _ = dialect.parse_bars(text, &bars);
        let _ = dialect.parse_trades(text, &trades);
        let _ = dialect.parse_book(text, &BookRequest { symbol, levels: 10 });
        let _ = dialect.refusal(429, Some(text), text);
        let listings = dialect.parse_listings(text).map(|(listings, _)| listings).unwrap_or_default();
        for listing in listings {
            let _ = listing.instrument("venue");
        }
    }
});
