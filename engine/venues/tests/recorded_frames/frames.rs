//! Readers of recorded frames.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use engine_core::instrument::Instrument;
use engine_core::num::{Decimal, Money, Price, Qty};
use engine_venues::continuity::{Continuity, Finding};
use engine_venues::decimal::decimal;
use engine_venues::dialect::Dialect;
use engine_venues::message::{MarketMessage, TradePrint};

/// The file of the market data, or a line that says it is absent.
pub(crate) fn market_data(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/market").join(name);
    if !path.exists() {
        println!("passed over: no {name} in the shared data");
        return None;
    }
    Some(path)
}

fn unpacked(path: &Path) -> Vec<u8> {
    let file = std::fs::File::open(path).unwrap();
    let mut bytes = Vec::new();
    if path.extension().is_some_and(|ext| ext == "zst") {
        zstd::Decoder::new(file).unwrap().read_to_end(&mut bytes).unwrap();
    } else if path.extension().is_some_and(|ext| ext == "gz") {
        flate2::read::GzDecoder::new(file).read_to_end(&mut bytes).unwrap();
    } else {
        std::io::BufReader::new(file).read_to_end(&mut bytes).unwrap();
    }
    bytes
}

pub(crate) fn text(path: &Path) -> String {
    String::from_utf8(unpacked(path)).unwrap()
}

/// One line of a recording by cryptofeed.
#[derive(Debug)]
pub(crate) struct Record {
    /// `header`, `http`, `connect`, `send` or `recv`.
    pub(crate) kind: String,
    pub(crate) url: String,
    pub(crate) data: String,
}

pub(crate) fn recording(name: &str) -> Option<Vec<Record>> {
    let path = market_data(&format!("ws/{name}.jsonl.zst"))?;
    let record = |line: &str| {
        let json: serde_json::Value = serde_json::from_str(line).unwrap();
        let field = |name: &str| json[name].as_str().unwrap_or_default().to_owned();
        Record { kind: field("t"), url: field("url"), data: field("data") }
    };
    Some(text(&path).lines().map(record).collect())
}

/// The received frames of a recording.
pub(crate) fn received(records: &[Record]) -> impl Iterator<Item = &Record> {
    records.iter().filter(|record| record.kind == "recv")
}

/// Names and contents of a compressed tar file: headers of 512 bytes with the name first and the size in octal at 124.
pub(crate) fn archive(name: &str) -> Option<BTreeMap<String, Vec<u8>>> {
    let bytes = unpacked(&market_data(&format!("ws/{name}.tar.zst"))?);
    let mut files = BTreeMap::new();
    let mut rest = bytes.as_slice();
    while rest.len() >= 512 && rest[0] != 0 {
        let until_nul = |bytes: &[u8]| {
            let text = bytes.split(|byte| *byte == 0).next().unwrap();
            String::from_utf8(text.to_vec()).unwrap().trim().to_owned()
        };
        let size = usize::from_str_radix(&until_nul(&rest[124..136]), 8).unwrap();
        if matches!(rest[156], b'0' | 0) {
            files.insert(until_nul(&rest[..100]), rest[512..512 + size].to_vec());
        }
        rest = &rest[512 + size.next_multiple_of(512)..];
    }
    assert!(!files.is_empty());
    Some(files)
}

/// What a dialect made of many frames.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) frames: usize,
    pub(crate) kinds: BTreeMap<String, usize>,
    pub(crate) errors: Vec<String>,
    pub(crate) findings: Vec<Finding>,
    continuity: Continuity,
}

impl Tally {
    /// Reads a frame and counts what it says.
    pub(crate) fn read(&mut self, dialect: &dyn Dialect, frame: &str) -> Vec<MarketMessage> {
        self.frames += 1;
        let messages = dialect.parse(frame).unwrap_or_else(|error| {
            self.errors.push(error.to_string());
            Vec::new()
        });
        for message in &messages {
            *self.kinds.entry(kind(message)).or_default() += 1;
            self.findings.extend(self.continuity.observe(message));
        }
        messages
    }

    /// Nothing failed to be read, nothing was missed, and this is what was said.
    #[track_caller]
    pub(crate) fn assert_said(&self, frames: usize, kinds: &[(&str, usize)]) {
        assert_eq!(self.errors, Vec::<String>::new());
        assert_eq!(self.findings, Vec::<Finding>::new());
        let expected: BTreeMap<String, usize> =
            kinds.iter().map(|(kind, count)| ((*kind).to_owned(), *count)).collect();
        assert_eq!((self.frames, &self.kinds), (frames, &expected));
    }
}

fn kind(message: &MarketMessage) -> String {
    match message {
        MarketMessage::Trade(_) => "trade".to_owned(),
        MarketMessage::Quote(_) => "quote".to_owned(),
        MarketMessage::Kline(_) => "kline".to_owned(),
        MarketMessage::BookSnapshot(_) => "snapshot".to_owned(),
        MarketMessage::BookTop(_) => "top".to_owned(),
        MarketMessage::BookChange(_) => "change".to_owned(),
        MarketMessage::Sequence { .. } => "sequence".to_owned(),
        MarketMessage::Heartbeat { .. } => "heartbeat".to_owned(),
        MarketMessage::Subscribed { .. } => "subscribed".to_owned(),
        MarketMessage::SubscriptionRefused { .. } => "refused".to_owned(),
        MarketMessage::ServerShutdown { .. } => "shutdown".to_owned(),
        MarketMessage::VenueStatus { .. } | MarketMessage::SymbolStatus { .. } => "status".to_owned(),
        MarketMessage::Listing(_) => "listing".to_owned(),
        MarketMessage::Unknown { kind } => format!("unknown {kind}"),
    }
}

/// An instrument that counts in these decimals.
pub(crate) fn counting(price_decimals: u8, qty_decimals: u8) -> Instrument {
    Instrument {
        venue: "recorded".to_owned(),
        symbol: "RECORDED".to_owned(),
        price_decimals,
        qty_decimals,
        tick: Price::from_units(1),
        lot: Qty::from(1),
        notional_min: Money::ZERO,
    }
}

/// The last number of a trade that has one.
pub(crate) fn last_number(print: &TradePrint) -> u64 {
    print.ids.range().unwrap().1
}

/// Whether `next` is the trade behind `print`, by its numbers.
pub(crate) fn follow(print: &TradePrint, next: &TradePrint) -> bool {
    last_number(print) + 1 == next.ids.range().unwrap().0
}

pub(crate) fn number(text: &str) -> Decimal {
    decimal(text).unwrap()
}

/// The same number with eighteen decimals, to add and compare.
pub(crate) fn exact(number: Decimal) -> i128 {
    engine_venues::decimal::qty(number, 18).unwrap().units()
}

/// Open, high, low, close and volume, in 10^-18.
pub(crate) type Figures = [i128; 5];

/// The bar of some trades, oldest first.
pub(crate) fn bar_of(trades: &[(Decimal, Decimal)]) -> Option<Figures> {
    let prices: Vec<i128> = trades.iter().map(|(price, _)| exact(*price)).collect();
    let volume = trades.iter().map(|(_, qty)| exact(*qty)).sum();
    Some([*prices.first()?, *prices.iter().max()?, *prices.iter().min()?, *prices.last()?, volume])
}
