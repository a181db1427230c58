//! Trades that the streams of a venue left out, asked of its history on a thread of its own.
//!
//! A connection that breaks, or a run that is killed, misses what was traded meanwhile. The venue's REST interface tells it
//! later: whoever reads the streams holds back what came behind the hole until the hole is filled, or cannot be.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use engine_core::time::{Span, Timestamp};

use crate::dialect::Dialect;
use crate::dialect::request::{TradesRequest, TradesSince};
use crate::http::Http;
use crate::market_venue::VenueError;
use crate::message::{TradeIds, TradePrint};

/// Trades that are missing of one symbol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hole {
    /// Of which.
    pub(crate) symbol: String,
    /// The number of the last trade known before it, where numbers are known.
    pub(crate) after: Option<u64>,
    /// The number of the first trade known behind it.
    pub(crate) before: u64,
    /// When the last trade known before it was made.
    pub(crate) since: Timestamp,
}

/// Who knows what was missed. Asking never waits: the answer comes later, and always comes.
pub(crate) trait AskMissed: core::fmt::Debug + Send {
    /// Asks.
    fn ask(&mut self, hole: Hole);

    /// An answer that has come: trades in any order, as many as could be had.
    fn answer(&mut self) -> Option<(Hole, Vec<TradePrint>)>;
}

/// How long one hole may be asked about.
const WITHIN: Duration = Duration::from_secs(10);

/// The first wait of several before a venue is asked again.
const FIRST_WAIT: Duration = Duration::from_millis(100);

/// The most trades asked for at once, and how often: of a longer break the bars are read instead.
const ROWS_MAX: u32 = 1_000;
const PAGES_MAX: u32 = 30;

/// Moments are asked for a little earlier: venues round them.
const ROUNDED: Span = Span::from_nanos(1_000_000_000);

/// Two queues and the thread between them; it ends with the questions.
#[derive(Debug)]
pub(crate) struct MissedThread {
    holes: Sender<Hole>,
    answers: Receiver<(Hole, Vec<TradePrint>)>,
}

impl MissedThread {
    /// Asks in `dialect` over `http`.
    ///
    /// # Errors
    /// What the operating system says when it gives no thread.
    pub(crate) fn new(dialect: Arc<dyn Dialect>, http: Http) -> std::io::Result<Self> {
        let (holes, asked) = channel::<Hole>();
        let (told, answers) = channel();
        let read = move || {
            for hole in asked {
                let found = read_again(dialect.as_ref(), &http, &hole);
                if told.send((hole, found)).is_err() {
                    break;
                }
            }
        };
        std::thread::Builder::new().name("missed trades".to_owned()).spawn(read)?;
        Ok(Self { holes, answers })
    }
}

impl AskMissed for MissedThread {
    fn ask(&mut self, hole: Hole) {
        // The thread listens as long as there is someone to ask.
        let _ = self.holes.send(hole);
    }

    fn answer(&mut self) -> Option<(Hole, Vec<TradePrint>)> {
        self.answers.try_recv().ok()
    }
}

/// Trades of a hole; a venue that does not answer is asked again, after longer and longer waits. What cannot be had stays
/// a hole.
fn read_again(dialect: &dyn Dialect, http: &Http, hole: &Hole) -> Vec<TradePrint> {
    let (begun, mut wait) = (Instant::now(), FIRST_WAIT);
    loop {
        match read_missed(dialect, http, hole) {
            Ok(found) => return found,
            Err(_) if begun.elapsed() + wait >= WITHIN => return Vec::new(),
            Err(_) => std::thread::sleep(wait),
        }
        wait *= 2;
    }
}

/// Trades of a hole, page by page; none of them where its end is not met.
fn read_missed(dialect: &dyn Dialect, http: &Http, hole: &Hole) -> Result<Vec<TradePrint>, VenueError> {
    let begun = Instant::now();
    let (mut found, mut last, mut moment, mut until) = (Vec::new(), hole.after, hole.since, None);
    let mut earliest: Option<(u64, Timestamp)> = None;
    for _ in 0..PAGES_MAX {
        let path = path_of(dialect, hole, last, (moment, until));
        let (path, request) = path.map_err(|error| http.unreadable("trades", &error))?;
        let body = http.get(&path)?;
        let page = dialect.parse_trades(&body, &request).map_err(|error| http.unreadable(&path, &error))?;
        let place = |print: &TradePrint| (print.ids.first(), print.ids.last(), print.venue_at);
        let is_aggregate = page.iter().any(|print| matches!(print.ids, TradeIds::Aggregate { .. }));
        let (Some(oldest), Some(newest)) = (page.iter().map(place).min(), page.iter().map(place).max())
        else {
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
        let begins = hole.after.map_or(first_at <= hole.since, |after| first <= after.saturating_add(1));
        let ends = until.is_some() || newest.1.saturating_add(1) >= hole.before;
        match (begins, ends) {
            (true, true) => return Ok(found),
            // The newest were listed first.
            (false, true) if reaches_back => until = Some(first_at),
            (true, false) if last.is_none_or(|last| newest.1 > last) => {
                (last, moment) = (Some(newest.1), newest.2)
            }
            (false, _) | (true, false) => break,
        }
        if begun.elapsed() >= WITHIN {
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
) -> Result<(String, TradesRequest<'a>), crate::dialect::request::Unserved> {
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
