//! The venues there are, and where they are.

use std::sync::Arc;
use std::time::{Duration, Instant};

use engine_core::time::Timestamp;

use crate::clock::HouseClock;
use crate::dialect::Dialect;
use crate::dialect::binance::{self, Binance};
use crate::dialect::coinbase::{self, Coinbase};
use crate::dialect::kraken::{self, Kraken};
use crate::http::Http;
use crate::market_venue::{MarketVenue, VenueError};
use crate::outside::{Machine, Outside};
use crate::spoken_venue::SpokenVenue;

/// Which clock tells the time of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockSource {
    /// That of this machine.
    System,
    /// That of a fake exchange, which may be faster; only on the loopback.
    FakeExchange,
}

/// Where a venue is reached.
#[derive(Debug, Clone)]
pub struct VenuePlace {
    /// Its name, as in datasets.
    pub name: String,
    /// Base URL of its streams; its own when absent.
    pub ws_url: Option<String>,
    /// Base URL of its requests; its own when absent.
    pub rest_url: Option<String>,
    /// Which clock tells the time.
    pub clock: ClockSource,
    /// A stream without a word for so long is lost; by the venue when absent.
    pub silence: Option<Duration>,
    /// A trade farther from those before it than so many standard deviations of their moves waits for others; none does for
    /// zero.
    pub collar_sigmas: u32,
}

/// Names of the venues that market data can be had from.
pub const VENUES: [&str; 3] = ["binance", "coinbase", "kraken"];

/// The venue at `place`.
///
/// # Errors
/// [`VenueError`] for a name that is not known, or a fake exchange that does not tell its time.
pub fn open_venue(place: &VenuePlace) -> Result<Box<dyn MarketVenue>, VenueError> {
    let clock = match place.clock {
        ClockSource::System => HouseClock::system(),
        ClockSource::FakeExchange => fake_clock(place)?,
    };
    venue_at(place, clock, Machine::outside())
}

/// The venue at `place` by `clock`, reached over `outside`.
///
/// # Errors
/// [`VenueError`] for a name that is not known.
pub fn venue_at(
    place: &VenuePlace,
    clock: HouseClock,
    outside: Arc<dyn Outside>,
) -> Result<Box<dyn MarketVenue>, VenueError> {
    let clock = Arc::new(clock);
    let or = |given: &Option<String>, own: &str| given.clone().unwrap_or_else(|| own.to_owned());
    let Some(dialect) = dialect_named(&place.name) else {
        return Err(VenueError::Unreachable {
            venue: place.name.clone(),
            url: "any".to_owned(),
            reason: format!("market data can be had from {}", VENUES.join(", ")),
        });
    };
    let (own_ws, own_rest) = match place.name.as_str() {
        "kraken" => (kraken::STREAM_URL, kraken::REST_URL),
        "coinbase" => (coinbase::STREAM_URL, coinbase::REST_URL),
        _ => (binance::STREAM_URL, binance::REST_URL),
    };
    let (ws, rest) = (or(&place.ws_url, own_ws), or(&place.rest_url, own_rest));
    let venue = SpokenVenue::new(dialect, (&ws, &rest), clock, place.silence, outside);
    Ok(Box::new(venue.with_collar(place.collar_sigmas)))
}

/// The words of the venue `name`.
pub(crate) fn dialect_named(name: &str) -> Option<Arc<dyn Dialect>> {
    match name {
        "binance" => Some(Arc::new(Binance::default())),
        "kraken" => Some(Arc::new(Kraken::default())),
        "coinbase" => Some(Arc::new(Coinbase)),
        _ => None,
    }
}

/// What a fake exchange says of its time.
#[derive(serde::Deserialize)]
struct FakeTime {
    now_ns: i64,
    speed: u32,
}

fn fake_clock(place: &VenuePlace) -> Result<HouseClock, VenueError> {
    let base = place.rest_url.as_deref().unwrap_or_default();
    let host = base.strip_prefix("http://").unwrap_or_default();
    if !(host.starts_with("127.0.0.1") || host.starts_with("localhost") || host.starts_with("[::1]")) {
        return Err(VenueError::Unreachable {
            venue: place.name.clone(),
            url: base.to_owned(),
            reason: "live.clock = \"venue\" follows a fake exchange on the loopback; give its live.rest_url"
                .to_owned(),
        });
    }
    let exchange = Http::new("fake exchange", base, Machine::outside());
    let asked = Instant::now();
    loop {
        match exchange.json("/fakex/clock") {
            Ok(FakeTime { now_ns, speed }) => {
                return Ok(HouseClock::following(Timestamp::from_nanos(now_ns), speed));
            }
            Err(error) if asked.elapsed() >= CLOCK_WITHIN => return Err(error),
            Err(_) => std::thread::sleep(CLOCK_PAUSE),
        }
    }
}

/// A fake exchange may be told to refuse connections for a while: it is asked for its time again within this span.
const CLOCK_WITHIN: Duration = Duration::from_secs(5);
const CLOCK_PAUSE: Duration = Duration::from_millis(250);

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    use super::*;

    fn place(rest_url: String) -> VenuePlace {
        VenuePlace {
            name: "kraken".to_owned(),
            ws_url: None,
            rest_url: Some(rest_url),
            clock: ClockSource::FakeExchange,
            silence: None,
            collar_sigmas: 0,
        }
    }

    #[test]
    fn a_fake_exchange_that_refuses_a_connection_is_asked_for_its_time_again() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let served = std::thread::spawn(move || {
            for number in 0..3 {
                let (mut stream, _) = listener.accept().unwrap();
                if number < 2 {
                    continue;
                }
                let _ = stream.read(&mut [0; 4_096]).unwrap();
                let body = r#"{"now_ns":5000000000,"speed":1}"#;
                let length = body.len();
                let head =
                    format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
                stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
            }
        });
        let clock = fake_clock(&place(url)).unwrap();
        assert!(clock.now() >= Timestamp::from_nanos(5_000_000_000));
        served.join().unwrap();
    }

    #[test]
    fn the_time_of_a_place_that_is_not_on_the_loopback_is_not_followed() {
        let refused = fake_clock(&place("http://192.0.2.1:9000".to_owned())).unwrap_err().to_string();
        assert!(refused.contains("on the loopback"), "{refused}");
    }
}
