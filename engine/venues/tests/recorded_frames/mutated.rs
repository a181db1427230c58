//! Frames and answers that venues and the fake exchange really sent, changed by chance: whatever comes of it, a parser
//! answers.
//!
//! Every test run tries 20 000 for each dialect. More, and from another seed:
//!
//! ```text
//! MUTATED_FRAMES=1000000 MUTATED_FRAMES_SEED=7 cargo test --workspace --test recorded_frames -- --nocapture mutated
//! ```

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use engine_venues::dialect::binance::Binance;
use engine_venues::dialect::coinbase::Coinbase;
use engine_venues::dialect::kraken::Kraken;

use crate::frames::{archive, received, recording};
use crate::hostile::{POISON, SHAPES, show};
use crate::two_readings::sent;

/// Of the recordings only what is no longer than this, so that many are tried.
const LONGEST: usize = 6_000;

/// Numbers that follow from a seed.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64, case: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ case.wrapping_mul(0xd134_2543_de82_ef95) | 1)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from((self.0 >> 16) % end.max(1) as u64).unwrap()
    }

    fn one_of<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.below(of.len())]
    }
}

pub(crate) fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |text| text.parse().unwrap())
}

/// What a venue sent and answered, as recorded; made-up shapes where the recordings are absent.
fn recorded(feed: &str, files: &str) -> Vec<String> {
    let records = recording(feed).unwrap_or_default();
    let frames = received(&records).chain(records.iter().filter(|record| record.kind == "http"));
    let mut texts: Vec<String> = frames.map(|record| record.data.clone()).collect();
    let answers = archive(files).unwrap_or_default();
    texts.extend(answers.into_values().filter_map(|bytes| String::from_utf8(bytes).ok()));
    texts.retain(|text| !text.is_empty() && text.len() <= LONGEST);
    texts.extend(SHAPES.map(str::to_owned));
    texts
}

/// Where the values of a text begin and end: behind a colon, comma or bracket, up to the next comma or closing bracket.
fn value(bytes: &[u8], random: &mut Random) -> (usize, usize) {
    let from = random.below(bytes.len());
    let begin = bytes[..from].iter().rposition(|byte| b":,[{".contains(byte)).map_or(0, |at| at + 1);
    let end = bytes[from..].iter().position(|byte| b",]}".contains(byte)).map_or(bytes.len(), |at| from + at);
    (begin, end)
}

fn number(random: &mut Random) -> String {
    let sign = random.one_of(&["", "-", "+"]);
    let digits: String = (0..=random.below(40)).map(|_| char::from(b'0' + random.below(10) as u8)).collect();
    let rest =
        random.one_of(&["", ".", ".5", "e400", "e-400", "E+99999999999", ".00000000000000000000000000001"]);
    let quote = random.one_of(&["", "\""]);
    format!("{quote}{sign}{digits}{rest}{quote}")
}

fn huge(random: &mut Random) -> String {
    let times = 1 << random.below(14);
    match random.below(5) {
        0 => format!("\"{}\"", "x".repeat(times)),
        1 => "9".repeat(times),
        2 => format!("{}{}", "[".repeat(times), "]".repeat(times)),
        3 => "{\"data\":".repeat(times),
        _ => format!("\"{}\"", "\\u0000".repeat(times)),
    }
}

/// One change of a text.
pub(crate) fn change(bytes: &mut Vec<u8>, others: &[String], random: &mut Random) {
    if bytes.is_empty() {
        bytes.push(b'{');
    }
    let at = random.below(bytes.len());
    let (begin, end) = value(bytes, random);
    match random.below(12) {
        0 => bytes[at] = random.below(256) as u8,
        1 => bytes.insert(at, random.below(256) as u8),
        2 => bytes.truncate(at),
        3 => drop(bytes.drain(begin.min(at)..at)),
        4 => drop(bytes.splice(begin..end, number(random).into_bytes())),
        5 => drop(bytes.splice(begin..end, huge(random).into_bytes())),
        6 | 7 => drop(bytes.splice(begin..end, random.one_of(&POISON).bytes())),
        8 => {
            // A value of elsewhere, or the same once more.
            let other = others[random.below(others.len())].as_bytes();
            let (from, until) = value(other, random);
            drop(bytes.splice(begin..end, other[from..until].iter().copied()));
        }
        9 => {
            let again = bytes[begin..end].to_vec();
            drop(bytes.splice(end..end, [b",".to_vec(), again].concat()));
        }
        10 => drop(bytes.splice(at..at, [0xff, 0xfe, 0xed, 0xa0, 0x80])),
        _ => {
            let other = others[random.below(others.len())].as_bytes();
            let from = random.below(other.len());
            bytes.truncate(at);
            bytes.extend_from_slice(&other[from..]);
        }
    }
}

fn tried(feed: &str, files: &str, played: Vec<String>) {
    let mut texts = recorded(feed, files);
    texts.extend(played.into_iter().filter(|text| text.len() <= LONGEST));
    let (cases, seed) = (setting("MUTATED_FRAMES", 20_000), setting("MUTATED_FRAMES_SEED", 1));
    let first = setting("MUTATED_FRAMES_FIRST", 0);
    let mut refused = 0_u64;
    for case in first..first + cases {
        let mut random = Random::new(seed, case);
        let mut bytes = texts[random.below(texts.len())].clone().into_bytes();
        for _ in 0..=random.below(4) {
            change(&mut bytes, &texts, &mut random);
        }
        let text = String::from_utf8_lossy(&bytes);
        match catch_unwind(AssertUnwindSafe(|| show(&text))) {
            Ok(read) => refused += u64::from(read == 0),
            Err(panic) => {
                println!(
                    "MUTATED_FRAMES=1 MUTATED_FRAMES_FIRST={case} MUTATED_FRAMES_SEED={seed} cargo test --workspace \
                     --test recorded_frames -- --nocapture mutated, of {feed}: {:.2000}",
                    text
                );
                resume_unwind(panic);
            }
        }
    }
    println!("{feed}: {cases} texts from {} that were sent, of which {refused} say nothing", texts.len());
    // Most are refused, and some are read: otherwise nothing but the beginning of the parsers was reached.
    assert!(cases < 1_000 || (refused > cases / 10 && refused < cases * 99 / 100), "{refused} of {cases}");
}

#[test]
fn what_binance_sent_may_be_changed_in_any_way() {
    let played = sent(fake_exchange::Dialect::Binance, &Binance::default(), "BTCUSDT", "");
    tried("cryptofeed_BINANCE", "nautilus_adapter_binance", played);
}

#[test]
fn what_coinbase_sent_may_be_changed_in_any_way() {
    let played = sent(fake_exchange::Dialect::Coinbase, &Coinbase, "BTC-USD", "");
    tried("cryptofeed_COINBASE", "nautilus_adapter_coinbase", played);
}

#[test]
fn what_kraken_sent_may_be_changed_in_any_way() {
    let played = sent(fake_exchange::Dialect::Kraken, &Kraken::default(), "BTC/USD", "/v2");
    tried("cryptofeed_KRAKEN", "nautilus_adapter_kraken", played);
}
