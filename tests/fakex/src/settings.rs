//! What a fake exchange is started with, and which values of it are refused.

mod account;

use std::path::PathBuf;
use std::time::Duration;

use crate::decimal;
use crate::fault::Plan;
use crate::instrument::{Instrument, Quantities, Status};
use crate::interval::Interval;
use crate::market::bar::Bar;
use crate::recorded::Recording;
use crate::trading::Trading;

pub use account::{AccountSettings, FeeAsset};

/// Whose words the exchange speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// Binance Spot.
    Binance,
    /// Coinbase Advanced Trade.
    Coinbase,
    /// Kraken, WebSocket v2.
    Kraken,
}

impl Dialect {
    /// The dialect of a name: `binance`, `coinbase` or `kraken`.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "binance" => Some(Self::Binance),
            "coinbase" => Some(Self::Coinbase),
            "kraken" => Some(Self::Kraken),
            _ => None,
        }
    }
}

/// One market to play.
#[derive(Clone, Debug)]
pub struct Symbol {
    /// The base asset, such as `BTC`.
    pub base: String,
    /// The quote asset, such as `USDT`.
    pub quote: String,
    /// Places of a price, at most 8.
    pub price_decimals: u32,
    /// Places of a quantity, at most 8.
    pub quantity_decimals: u32,
    /// The grid of prices, such as `0.01`.
    pub tick: String,
    /// The grid of quantities, such as `0.00001`.
    pub step: String,
    /// Price of the first seeded trade.
    pub first_price: String,
    /// History to play, oldest first; those before the origin are past when the exchange starts.
    pub bars: Vec<Bar>,
}

const QUOTES: [&str; 10] = ["FDUSD", "USDT", "USDC", "TUSD", "BUSD", "USD", "EUR", "GBP", "BTC", "ETH"];

impl Symbol {
    /// A market by the name of any venue (`BTCUSDT`, `BTC-USD`, `BTC/USD`) with prices of its usual size.
    ///
    /// # Errors
    /// When the name cannot be divided into base and quote asset.
    pub fn named(name: &str) -> Result<Self, StartError> {
        let divided = name.split_once(['-', '/']).or_else(|| {
            let quote = QUOTES.iter().find(|quote| name.ends_with(**quote) && name.len() > quote.len())?;
            name.split_at_checked(name.len() - quote.len())
        });
        let (base, quote) = divided.ok_or_else(|| {
            StartError::setting("symbols", format!("{name} ends with no quote asset known; write BASE-QUOTE"))
        })?;
        let first_price = match base {
            "BTC" => "64250.00",
            "ETH" => "3400.00",
            "SOL" => "150.00",
            _ => "100.00",
        };
        Ok(Self {
            base: base.to_owned(),
            quote: quote.to_owned(),
            price_decimals: 2,
            quantity_decimals: 8,
            tick: "0.01".to_owned(),
            step: "0.00001".to_owned(),
            first_price: first_price.to_owned(),
            bars: Vec::new(),
        })
    }

    pub(crate) fn instrument(&self) -> Result<Instrument, StartError> {
        for (field, text) in [("base", &self.base), ("quote", &self.quote)] {
            let is_plain = text.chars().all(|letter| letter.is_alphanumeric());
            if text.is_empty() || text.len() > 64 || !is_plain {
                return Err(StartError::setting(
                    field,
                    format!("{text:?} is no asset: letters and digits only"),
                ));
            }
        }
        for (field, places) in
            [("price_decimals", self.price_decimals), ("quantity_decimals", self.quantity_decimals)]
        {
            if places > 8 {
                return Err(StartError::setting(field, format!("{places} is more than 8")));
            }
        }
        Ok(Instrument {
            name: format!("{}{}", self.base, self.quote).into(),
            base: self.base.clone(),
            quote: self.quote.clone(),
            price_decimals: self.price_decimals,
            quantity_decimals: self.quantity_decimals,
            tick: grid("tick", &self.tick, self.price_decimals)?,
            step: grid("step", &self.step, self.quantity_decimals)?,
            quantities: Quantities::InSteps,
            min_notional: "5.00000000".to_owned(),
            status: Status::Trading,
        })
    }

    pub(crate) fn first_price(&self) -> Result<u64, StartError> {
        grid("first_price", &self.first_price, self.price_decimals)
    }

    pub(crate) fn checked_bars(&self) -> Result<Vec<Bar>, StartError> {
        let mut end_ns = i64::MIN;
        for (number, bar) in self.bars.iter().enumerate() {
            let late =
                (bar.open_time_ns < end_ns).then(|| "it begins before the bar before it ends".to_owned());
            if let Some(fault) = bar.fault().or(late) {
                return Err(StartError::setting("bars", format!("bar {number} of {}: {fault}", self.base)));
            }
            end_ns = bar.open_time_ns + bar.length_ns;
        }
        Ok(self.bars.clone())
    }
}

fn grid(field: &'static str, text: &str, decimals: u32) -> Result<u64, StartError> {
    decimal::units(text, decimals).filter(|units| (1..=u64::MAX / 1_000_000).contains(units)).ok_or_else(
        || StartError::setting(field, format!("{text:?} is no number above zero with {decimals} decimals")),
    )
}

/// How the venue's time passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Time {
    /// So many times as fast as the wall's, 1 to 100 000.
    Speed(u32),
    /// Only when `Running::advance` is called.
    ByHand,
}

/// What a fake exchange is started with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Whose words it speaks.
    pub dialect: Dialect,
    /// The markets it plays, at least one.
    pub symbols: Vec<Symbol>,
    /// Everything random follows from it.
    pub seed: u64,
    /// Seeded trades a second and symbol, after the bars are over; 0 for none.
    pub rate: u32,
    /// Seeded bars before the origin, for a market that has no bars of its own; 0 for none.
    pub past_bars: u32,
    /// The length of those bars.
    pub past_interval: Interval,
    /// How its time passes.
    pub time: Time,
    /// The venue's time at the start, in nanoseconds since 1970.
    pub origin_ns: i64,
    /// TCP port on 127.0.0.1; 0 for any that is free.
    pub port: u16,
    /// Lengths of bars it offers.
    pub intervals: Vec<Interval>,
    /// The directory of a recording that is sent again in the place of a market; its markets trade nothing of their own.
    pub frames: Option<PathBuf>,
    /// An account to trade with; none without, and then there is a market side only.
    pub account: Option<AccountSettings>,
    /// What goes wrong, and when.
    pub plan: Plan,
    /// Where the log is written; a file without name otherwise.
    pub log: Option<PathBuf>,
    /// Records of the log that stay in memory; older ones are read from the file.
    pub log_records_in_memory: usize,
    /// Trades a symbol that REST can still answer.
    pub trades_in_memory: usize,
    /// Wall time between two pings; 20 s as Binance.
    pub ping_every: Duration,
    /// Wall time after a ping within which a pong must come; 60 s as Binance.
    pub pong_within: Duration,
    /// Wall time within which a Coinbase client must subscribe to something; 5 s as Coinbase.
    pub subscribe_within: Duration,
    /// Messages that may wait for a slow reader before the venue hangs up.
    pub outbox_messages: usize,
}

impl Settings {
    /// A seeded market of `symbols`, 50 trades a second, at wall speed from 2026-01-01 on, with a past of 1 500 minutes, on
    /// any free port.
    ///
    /// # Errors
    /// When a name is not one of a market.
    pub fn new(dialect: Dialect, symbols: &[&str]) -> Result<Self, StartError> {
        Ok(Self::of(dialect, symbols.iter().map(|name| Symbol::named(name)).collect::<Result<_, _>>()?))
    }

    fn of(dialect: Dialect, symbols: Vec<Symbol>) -> Self {
        Self {
            dialect,
            symbols,
            seed: 7,
            rate: 50,
            past_bars: 1_500,
            past_interval: Interval::MINUTE,
            time: Time::Speed(1),
            origin_ns: 1_767_225_600_000_000_000,
            port: 0,
            intervals: ["1m", "5m", "15m", "1h", "4h", "1d"]
                .iter()
                .filter_map(|name| Interval::named(name))
                .collect(),
            frames: None,
            account: None,
            plan: Plan::default(),
            log: None,
            log_records_in_memory: 65_536,
            trades_in_memory: 200_000,
            ping_every: Duration::from_secs(20),
            pong_within: Duration::from_secs(60),
            subscribe_within: Duration::from_secs(5),
            outbox_messages: 65_536,
        }
    }

    /// What `recording` needs: its dialect and markets, silent but for its frames, from its first moment on.
    pub fn playing(recording: Recording) -> Self {
        let Recording { dialect, symbols, begins_ns, dir } = recording;
        let seeded = Self::of(dialect, symbols);
        Self { rate: 0, past_bars: 0, origin_ns: begins_ns, frames: Some(dir), ..seeded }
    }

    /// The order side, where there is an account.
    pub(crate) fn trading(&self) -> Result<Option<Trading>, StartError> {
        let opening = self.account.as_ref().map(|account| account.opening(self.dialect)).transpose()?;
        Ok(opening.map(Trading::new))
    }

    fn past_start_ns(&self) -> i64 {
        self.origin_ns
            - self.past_interval.length_ns()
                * (i64::from(self.past_bars) + 1)
                * i64::from(self.past_bars.min(1))
    }

    pub(crate) fn check(&self) -> Result<(), StartError> {
        let refuse = |field, what: &str| Err(StartError::setting(field, what.to_owned()));
        if !(0..=4_102_444_800_000_000_000).contains(&self.origin_ns) {
            return refuse("origin_ns", "must be between 1970 and 2100");
        }
        if self.symbols.is_empty() {
            return refuse("symbols", "at least one market is needed");
        }
        if let Time::Speed(speed) = self.time
            && !(1..=100_000).contains(&speed)
        {
            return refuse("speed", "must be from 1 to 100 000");
        }
        if self.rate > 1_000_000 {
            return refuse("rate", "at most 1 000 000 trades a second");
        }
        if self.past_bars > 100_000 || self.past_start_ns() < 0 {
            return refuse("past_bars", "at most 100 000, none before 1970");
        }
        if self.intervals.is_empty() {
            return refuse("intervals", "at least one length of bars is needed");
        }
        for (field, count) in [
            ("log_records_in_memory", self.log_records_in_memory),
            ("trades_in_memory", self.trades_in_memory),
            ("outbox_messages", self.outbox_messages),
        ] {
            if count == 0 {
                return refuse(field, "must be at least 1");
            }
        }
        for (field, wait) in [("ping_every", self.ping_every), ("pong_within", self.pong_within)] {
            if wait.is_zero() {
                return refuse(field, "must be longer than nothing");
            }
        }
        let mut names: Vec<String> =
            self.symbols.iter().map(|symbol| format!("{}{}", symbol.base, symbol.quote)).collect();
        names.sort();
        if names.windows(2).any(|pair| pair[0] == pair[1]) {
            return refuse("symbols", "a market is named twice");
        }
        Ok(())
    }
}

/// Why a fake exchange did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A setting has a value that cannot be.
    #[error("{field}: {what}")]
    Setting {
        /// The field of the settings.
        field: &'static str,
        /// What is wrong with it.
        what: String,
    },
    /// The port could not be listened on.
    #[error("could not listen on 127.0.0.1:{port}: {source}; choose another port, or 0 for any")]
    Bind {
        /// The port that was asked for.
        port: u16,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file of the log could not be made, or a thread not be started.
    #[error("could not {what}: {source}")]
    System {
        /// What was tried.
        what: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
}

impl StartError {
    pub(crate) fn setting(field: &'static str, what: String) -> Self {
        Self::Setting { field, what }
    }
}
