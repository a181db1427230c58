//! What goes wrong in a world, and when: chosen by its seed. Of every kind of fault a world has many, few or none.

use std::time::Duration;

use fake_exchange::{Dialect, Fault};

use super::power::{Ending, Moment};
use super::random::Random;

/// A venue and its words for one market.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) dialect: Dialect,
    pub(super) venue: &'static str,
    pub(super) symbol: &'static str,
    pub(super) market: &'static str,
    pub(super) path: &'static str,
}

pub(super) const PLACES: [Place; 3] = [
    Place { dialect: Dialect::Binance, venue: "binance", symbol: "BTCUSDT", market: "BTCUSDT", path: "" },
    Place { dialect: Dialect::Coinbase, venue: "coinbase", symbol: "BTC-USD", market: "BTCUSD", path: "" },
    Place { dialect: Dialect::Kraken, venue: "kraken", symbol: "BTC/USD", market: "BTCUSD", path: "/v2" },
];

/// What lasts is ended by the second text, some time later. MARKET is the market of the world.
const FAULTS: [(&str, &str, &str); 25] = [
    ("reset", r#"{"verb":"drop_conn","how":"reset"}"#, ""),
    ("fin", r#"{"verb":"drop_conn","how":"fin"}"#, ""),
    ("half open", r#"{"verb":"drop_conn","how":"half_open"}"#, ""),
    ("no close", r#"{"verb":"drop_conn","how":"no_close"}"#, ""),
    ("refused connection", r#"{"verb":"refuse_connect","n":2}"#, r#"{"verb":"refuse_connect","n":0}"#),
    ("delay", r#"{"verb":"delay","ms":700}"#, r#"{"verb":"delay","ms":0}"#),
    (
        "slow drip",
        r#"{"verb":"slow_drip","bytes_per_second":2000}"#,
        r#"{"verb":"slow_drip","bytes_per_second":0}"#,
    ),
    ("duplicate", r#"{"verb":"duplicate","p":0.3}"#, r#"{"verb":"duplicate","p":0}"#),
    ("reorder", r#"{"verb":"reorder","window":5}"#, r#"{"verb":"reorder","window":0}"#),
    ("gap", r#"{"verb":"gap","stream":"*","k":3}"#, r#"{"verb":"gap","stream":"*","k":0}"#),
    ("freeze", r#"{"verb":"freeze","stream":"*"}"#, r#"{"verb":"thaw","stream":"*"}"#),
    ("corrupt", r#"{"verb":"corrupt","p":0.1}"#, r#"{"verb":"corrupt","p":0}"#),
    ("only corrupt", r#"{"verb":"corrupt","p":1}"#, r#"{"verb":"corrupt","p":0}"#),
    ("huge", r#"{"verb":"huge","bytes":17000000}"#, ""),
    ("bad utf8", r#"{"verb":"bad_utf8"}"#, ""),
    ("binary frame", r#"{"verb":"binary_frame"}"#, ""),
    ("fragments", r#"{"verb":"fragment","n":4}"#, r#"{"verb":"fragment","n":0}"#),
    ("no pong", r#"{"verb":"no_pong_kill","ms":1}"#, r#"{"verb":"no_pong_kill","ms":0}"#),
    ("announced end", r#"{"verb":"server_shutdown","ms":1500}"#, ""),
    ("short life", r#"{"verb":"expire_24h","ms":4000}"#, r#"{"verb":"expire_24h","ms":0}"#),
    (
        "http error",
        r#"{"verb":"http","status":503,"retry_after":0,"n":3}"#,
        r#"{"verb":"http","status":503,"retry_after":0,"n":0}"#,
    ),
    ("ban", r#"{"verb":"ban","secs":5}"#, ""),
    ("venue's clock", r#"{"verb":"clock_jump","ms":2500}"#, ""),
    ("halted", r#"{"verb":"halt","symbol":"MARKET"}"#, r#"{"verb":"resume","symbol":"MARKET"}"#),
    (
        "other rules",
        r#"{"verb":"filters_change","symbol":"MARKET","tick":"0.50","step":"0.001","min_notional":"7"}"#,
        "",
    ),
];

/// What happens at a moment.
#[derive(Debug, Clone)]
pub(super) enum Act {
    /// The exchange goes wrong, or right again.
    Venue(Fault),
    /// The wall clock is set by so many nanoseconds.
    Wall(i64),
}

/// A world, as its seed makes it.
#[derive(Debug, Clone)]
pub(super) struct Swarm {
    pub(super) place: Place,
    /// Trades a second.
    pub(super) rate: u32,
    /// Whether bars are of time, and the venue's past is asked for.
    pub(super) has_past: bool,
    pub(super) snapshot_every: u64,
    pub(super) segment_kib: u64,
    /// When faults are over.
    pub(super) calm_at: Duration,
    /// When the operator ends it all.
    pub(super) ends_at: Duration,
    /// How processes end, and by when, the last one not among them.
    pub(super) endings: Vec<(Duration, Ending, Moment)>,
    /// What happens when, and what that is called.
    pub(super) acts: Vec<(Duration, &'static str, Act)>,
    /// One sync in so many is slow; none for zero.
    pub(super) slow_syncs: u64,
}

/// How long everything that was broken may take to be whole again: the longest wait before a connection is tried, the
/// longest silence, and the time within which a hole is filled.
const REST: Duration = Duration::from_secs(45);

impl Swarm {
    pub(super) fn of(random: &mut Random) -> Self {
        let calm_at = random.millis(20_000, 60_000);
        let mut swarm = Self {
            place: *random.of(&PLACES),
            rate: *random.of(&[2, 5, 10]),
            has_past: random.once_in(2),
            snapshot_every: *random.of(&[0, 20, 60]),
            segment_kib: *random.of(&[16, 16, 64]),
            calm_at,
            ends_at: calm_at + REST,
            endings: Vec::new(),
            acts: Vec::new(),
            slow_syncs: *random.of(&[0, 0, 5, 50]),
        };
        swarm.break_venue(random);
        swarm.end_processes(random);
        swarm
    }

    /// Nothing goes wrong but that the power goes behind so many changes of the disk.
    pub(super) fn cut_behind(changes: u64) -> Self {
        Self {
            place: PLACES[(changes % 3) as usize],
            rate: 10,
            has_past: false,
            snapshot_every: 40,
            segment_kib: 16,
            calm_at: Duration::from_secs(5),
            ends_at: Duration::from_secs(16),
            endings: vec![(Duration::from_secs(5), Ending::PowerCut, Moment::Beginning(changes))],
            acts: Vec::new(),
            slow_syncs: 0,
        }
    }

    /// What a great number of worlds must have met.
    pub(super) fn kinds() -> impl Iterator<Item = &'static str> {
        let others = [
            "wall clock",
            "slow sync",
            "no beginning",
            "request refused",
            "request answered with an error",
            "killed",
            "power cut",
            "disk full",
            "broken disk",
            "ended by its operator",
            "ended at its beginning",
            "ended while it ran",
            "ended around a segment",
            "torn sector",
            "old sector",
            "lost name",
        ];
        FAULTS.iter().map(|(name, _, _)| *name).chain(others)
    }

    fn break_venue(&mut self, random: &mut Random) {
        let last = u64::try_from(self.calm_at.as_millis()).unwrap();
        for (name, begins, ends) in FAULTS {
            let times = *random.of(&[0, 0, 0, 1, 1, 3]);
            for _ in 0..times {
                let at = random.millis(0, last);
                let market = self.place.market;
                let fault =
                    |text: &str| Act::Venue(Fault::from_json(&text.replace("MARKET", market)).unwrap());
                self.acts.push((at, name, fault(begins)));
                if !ends.is_empty() {
                    let over = (at + random.millis(500, 8_000)).min(self.calm_at);
                    self.acts.push((over, "", fault(ends)));
                }
            }
        }
        for _ in 0..*random.of(&[0, 0, 0, 1, 2]) {
            let by = *random.of(&[-7_200_000_000_000, -3_000_000_000, 3_000_000_000, 30_000_000_000]);
            self.acts.push((random.millis(0, last), "wall clock", Act::Wall(by)));
        }
        self.acts.sort_by_key(|(at, _, _)| *at);
    }

    fn end_processes(&mut self, random: &mut Random) {
        let last = u64::try_from(self.calm_at.as_millis()).unwrap();
        let kinds = [
            Ending::Kill,
            Ending::PowerCut,
            Ending::PowerCut,
            Ending::DiskFull,
            Ending::BrokenDisk,
            Ending::Operator,
        ];
        for _ in 0..*random.of(&[0, 1, 2, 3, 4]) {
            let moment = match random.below(5) {
                0 => Moment::Beginning(random.below(60)),
                1 | 2 => Moment::Segment(random.below(30)),
                _ => Moment::Armed(random.below(20)),
            };
            self.endings.push((random.millis(0, last), *random.of(&kinds), moment));
        }
        self.endings.sort_by_key(|(at, _, _)| *at);
    }
}
