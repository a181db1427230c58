//! Trades that the streams of a venue left out, asked of its history on a thread of its own.
//!
//! A connection that breaks, or a run that is killed, misses what was traded meanwhile. The venue's REST interface tells it
//! later: whoever reads the streams holds back what came behind the hole until the hole is filled, or cannot be.

use std::sync::Arc;
use std::time::Duration;

use engine_core::time::{Span, Timestamp};

use crate::asking_thread::AskingThread;
use crate::dialect::Dialect;
use crate::dialect::request::{TradesRequest, TradesSince, Unserved};
use crate::http::Http;
use crate::instrument_feed::{Missing, SAME_MOMENT};
use crate::market_venue::VenueError;
use crate::message::{TradeIds, TradePrint};

/// Trades that are missing of one symbol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hole {
    /// Of which.
    pub(crate) symbol: String,
    /// Which of its trades.
    pub(crate) missing: Missing,
}

/// How long pages of one hole are asked for.
const WITHIN: Duration = Duration::from_secs(30);

/// The first wait of several before a venue is asked again.
const FIRST_WAIT: Duration = Duration::from_millis(100);

/// The most trades asked for at once, and how often: of a longer break the bars are read instead.
const ROWS_MAX: u32 = 1_000;
const PAGES_MAX: u32 = 200;

/// Moments are asked for a little earlier: venues round them.
const ROUNDED: Span = Span::from_nanos(1_000_000_000);

/// Who knows what was missed: the answer to each hole comes later, and always comes; trades in any order, none where the
/// hole cannot be filled.
pub(crate) type MissedTrades = AskingThread<Hole, Vec<TradePrint>>;

/// Asks for missed trades in `dialect` over `http`.
///
/// # Errors
/// What the operating system says when it gives no thread.
pub(crate) fn missed_trades(dialect: Arc<dyn Dialect>, http: Http) -> std::io::Result<MissedTrades> {
    AskingThread::new("missed trades", http.outside().turns(), move |hole| {
        // What cannot be had stays a hole.
        let by = http.outside().elapsed() + WITHIN;
        read_missed(dialect.as_ref(), &http, hole, by).unwrap_or_default()
    })
}

/// A page of trades; a venue that does not answer is asked for it again, after longer and longer waits.
fn read_page(
    dialect: &dyn Dialect,
    http: &Http,
    (path, request): &(String, TradesRequest<'_>),
    by: Duration,
) -> Result<Vec<TradePrint>, VenueError> {
    let mut wait = FIRST_WAIT;
    loop {
        let read = http.get(path).and_then(|body| {
            dialect.parse_trades(&body, request).map_err(|error| http.unreadable(path, &error))
        });
        if read.is_ok() || http.outside().elapsed() + wait >= by {
            return read;
        }
        http.outside().wait(wait);
        wait *= 2;
    }
}

/// Trades of a hole, page by page; none of them where its end is not met `by` a moment.
fn read_missed(
    dialect: &dyn Dialect,
    http: &Http,
    hole: &Hole,
    by: Duration,
) -> Result<Vec<TradePrint>, VenueError> {
    let (mut found, mut last, mut moment, mut until) =
        (Vec::new(), hole.missing.after, hole.missing.since, None);
    let mut earliest: Option<(u64, Timestamp)> = None;
    for _ in 0..PAGES_MAX {
        let path = path_of(dialect, hole, last, (moment, until));
        let asked = path.map_err(|error| http.unreadable("trades", &error))?;
        let page = read_page(dialect, http, &asked, by)?;
        let place = |print: &TradePrint| print.ids.range().map(|(first, last)| (first, last, print.venue_at));
        let is_aggregate = page.iter().any(|print| matches!(print.ids, TradeIds::Aggregate { .. }));
        let places = || page.iter().filter_map(place);
        let (Some(oldest), Some(newest)) = (places().min(), places().max()) else {
            break;
        };
        if is_aggregate && last.is_none() {
            // Streams tell single trades; aggregates only say which number to begin with.
            last = Some(oldest.0.saturating_sub(1));
            continue;
        }
        found.extend(page);
        let reaches_back = earliest.is_none_or(|earliest| oldest.0 < earliest.0);
        let (first, first_at) =
            earliest.map_or((oldest.0, oldest.2), |earliest| earliest.min((oldest.0, oldest.2)));
        earliest = Some((first, first_at));
        let begins = hole.missing.after.map_or(first_at.since(hole.missing.since) < SAME_MOMENT, |after| {
            first <= after.saturating_add(1)
        });
        let ends = until.is_some() || newest.1.saturating_add(1) >= hole.missing.before;
        match (begins, ends) {
            (true, true) => return Ok(found),
            // The newest were listed first.
            (false, true) if reaches_back => until = Some(first_at),
            (true, false) if last.is_none_or(|last| newest.1 > last) => {
                (last, moment) = (Some(newest.1), newest.2)
            }
            (false, _) | (true, false) => break,
        }
        if http.outside().elapsed() >= by {
            break;
        }
    }
    Ok(Vec::new())
}

/// From the trade behind `last` on, or from `moment` on where the venue knows no numbers.
fn path_of<'a>(
    dialect: &dyn Dialect,
    hole: &'a Hole,
    last: Option<u64>,
    (moment, until): (Timestamp, Option<Timestamp>),
) -> Result<(String, TradesRequest<'a>), Unserved> {
    let request = |since| TradesRequest { symbol: &hole.symbol, since, until, rows_max: ROWS_MAX };
    let by_number = last.and_then(|last| last.checked_add(1)).map(|next| request(TradesSince::Trade(next)));
    if let Some(by_number) = by_number
        && let Ok(path) = dialect.trades_path(&by_number)
    {
        return Ok((path, by_number));
    }
    let earlier = Timestamp::from_nanos((moment.nanos().max(0) - ROUNDED.nanos()).max(0));
    let by_moment = request(TradesSince::Moment(earlier));
    Ok((dialect.trades_path(&by_moment)?, by_moment))
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;
    use crate::dialect::kraken::Kraken;
    use crate::outside::{Dialled, HttpAnswer, HttpRequest, Outside, Work};

    /// Answers every request with one page.
    #[derive(Debug)]
    struct OnePage(&'static str);

    impl Outside for OnePage {
        fn dial<'a>(&'a self, _host: &'a str, _port: u16) -> Dialled<'a> {
            Box::pin(async { Err(io::ErrorKind::ConnectionRefused.into()) })
        }

        fn get(&self, _url: &str) -> Result<HttpAnswer, String> {
            Ok(HttpAnswer { status: 200, retry_after: None, body: self.0.to_owned() })
        }

        fn ask(&self, _request: &HttpRequest) -> Result<HttpAnswer, String> {
            Err("nothing is asked so".to_owned())
        }

        fn keep(&self, _name: &str, _work: Work) -> io::Result<()> {
            Ok(())
        }

        fn elapsed(&self) -> Duration {
            Duration::ZERO
        }

        fn wait(&self, _span: Duration) {}
    }

    #[test]
    fn a_page_that_begins_with_the_trade_asked_for_begins_there_whatever_its_moment_is_rounded_to() {
        let page = r#"{"error":[],"result":{"XXBTZUSD":[["64250.1","0.1",1767225575.1611953,"b","m","",8],
            ["64250.2","0.1",1767225575.9,"b","m","",9]],"last":"1767225575900000000"}}"#;
        let http = Http::new("kraken", "http://kraken", Arc::new(OnePage(page)));
        // The stream told the first of them with microseconds.
        let since = Timestamp::from_nanos(1_767_225_575_161_195_000);
        let missing = Missing { after: None, before: 9, since };
        let hole = Hole { symbol: "BTC/USD".to_owned(), missing };
        let found = read_missed(&Kraken::default(), &http, &hole, Duration::from_secs(1)).unwrap();
        let numbers: Vec<_> = found.iter().filter_map(|print| print.ids.range()).collect();
        assert_eq!(numbers, [(8, 8), (9, 9)]);
    }
}
