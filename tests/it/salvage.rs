//! Stores of every size, damaged at every depth: the damage is found and placed, looking at it changes nothing, and
//! every record before it is restored.
//!
//! The short form damages small stores. With `SALVAGE_TEST=long` two thousand damages are done to stores of up to
//! 100 MB.

#![expect(clippy::unwrap_used, reason = "a test that cannot set up has failed")]

use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use journal_store::dataset::{DatasetReader, DatasetWriter, PageOptions};
use journal_store::page::{HEADER_BYTES, LINK_BYTES, MAGIC};
use journal_store::rebuild::rebuild;
use journal_store::record::{RecordKind, TradeRecord};
use journal_store::series::{SeriesInfo, SourceNote};
use journal_store::verify::verify;
use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};

const SERIES: &str = "test:BTCUSDT:trades";

fn record(number: u64) -> TradeRecord {
    let price = (number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 1).cast_signed();
    TradeRecord { venue_at: number.cast_signed(), price, qty: number.cast_signed(), lag_us: 3, side: 1 }
}

/// A dataset whose store has about `megabytes`, imported in two sittings.
struct Market {
    folder: tempfile::TempDir,
    dir: PathBuf,
    db: PathBuf,
    bytes: Vec<u8>,
    count: u64,
    pages: Vec<(Range<usize>, u64)>,
}

impl Market {
    fn new(megabytes: f64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("dataset");
        let count = (megabytes * 1e6 / 11.0) as u64;
        let info = SeriesInfo {
            venue: "test".into(),
            symbol: "BTCUSDT".into(),
            kind: RecordKind::Trades,
            price_decimals: 8,
            qty_decimals: 8,
            interval: None,
            bar_time: None,
            synthetic: true,
        };
        for (sitting, numbers) in [0..count / 3, count / 3..count].into_iter().enumerate() {
            let writer = DatasetWriter::open(&dir, PageOptions::default()).unwrap();
            let mut series = writer.series::<TradeRecord>(info.clone()).unwrap();
            drop(writer);
            numbers.for_each(|number| series.push(record(number)).unwrap());
            let blake3 = [u8::try_from(sitting).unwrap(); 32];
            series.commit(SourceNote { file: format!("{sitting}.csv"), blake3, rows: 1 }).unwrap();
            series.finish().unwrap();
        }
        let db = dir.join("store").join("db");
        let bytes = fs::read(&db).unwrap();
        let pages = pages_of(&bytes);
        let report = verify(&dir, None).unwrap();
        assert!(report.is_sound() && report.complete && report.events == count, "{report:?}");
        Self { folder, dir, db, bytes, count, pages }
    }

    /// The first record that a damage to these bytes could touch; none where there is no page of the series.
    fn first_touched(&self, damage: &Range<usize>) -> Option<u64> {
        let touched =
            self.pages.iter().filter(|(place, _)| place.start < damage.end && damage.start < place.end);
        touched.map(|(_, first_seq)| *first_seq).min()
    }

    fn put(&self, place: usize, bytes: &[u8]) {
        let mut file = fs::File::options().write(true).open(&self.db).unwrap();
        file.seek(SeekFrom::Start(place as u64)).unwrap();
        file.write_all(bytes).unwrap();
    }

    /// Does a damage and answers the bytes that it touched.
    fn damage(&self, dice: &mut ChaCha8Rng) -> (String, Range<usize>) {
        let below = |dice: &mut ChaCha8Rng, end: usize| (dice.next_u64() % end.max(1) as u64) as usize;
        let written = self.pages.iter().map(|(place, _)| place.end).max().unwrap();
        let place = below(dice, written);
        match below(dice, 5) {
            0 | 1 => {
                self.put(place, &[self.bytes[place] ^ 1 << below(dice, 8)]);
                (format!("a bit of byte {place} flipped"), place..place + 1)
            }
            2 => {
                fs::File::options().write(true).open(&self.db).unwrap().set_len(place as u64).unwrap();
                (format!("cut to {place} bytes"), place..self.bytes.len())
            }
            3 => {
                let end = (place + 1 + below(dice, 200_000)).min(self.bytes.len());
                self.put(place, &vec![0; end - place]);
                (format!("bytes {place} to {end} zeroed"), place..end)
            }
            _ => {
                let len = 1 + below(dice, 20_000).min(written / 4);
                let (first, second) = (below(dice, written / 2 - len), written / 2);
                let (one, other) = (&self.bytes[first..first + len], &self.bytes[second..second + len]);
                self.put(first, other);
                self.put(second, one);
                (format!("{len} bytes at {first} and {second} swapped"), first..second + len)
            }
        }
    }

    fn mend(&self) {
        fs::write(&self.db, &self.bytes).unwrap();
    }
}

/// Where the pages of a store lie and with which record each begins, by their own headers.
fn pages_of(bytes: &[u8]) -> Vec<(Range<usize>, u64)> {
    let mut pages = Vec::new();
    let mut at = 0;
    while at + HEADER_BYTES < bytes.len() {
        if bytes[at..].starts_with(&MAGIC) {
            let word = |from: usize| u64::from_le_bytes(bytes[at + from..at + from + 8].try_into().unwrap());
            let len = (HEADER_BYTES + word(40) as usize).next_multiple_of(32) + LINK_BYTES;
            pages.push((at..at + len, word(16)));
            at += len;
        } else {
            at += 1;
        }
    }
    pages
}

/// Names, bytes and times of change of everything below a folder.
fn fingerprint(dir: &Path) -> Vec<(PathBuf, [u8; 32], std::time::SystemTime)> {
    let mut prints = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            prints.extend(fingerprint(&path));
        } else {
            let hash = *blake3::hash(&fs::read(&path).unwrap()).as_bytes();
            prints.push((path.clone(), hash, fs::metadata(&path).unwrap().modified().unwrap()));
        }
    }
    prints.sort();
    prints
}

/// Reads until the end or the first error; answers how many records were right.
fn read(dir: &Path, case: &str) -> (u64, bool) {
    let mut count = 0;
    let series = DatasetReader::open(dir).unwrap().series(SERIES).unwrap();
    for page in series.pages(1).unwrap() {
        let Ok(page) = page else { return (count, false) };
        for found in page.records::<TradeRecord>().unwrap() {
            assert_eq!(found, record(count), "{case}: record {}", count + 1);
            count += 1;
        }
    }
    (count, true)
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() { copy(&path, &target) } else { fs::copy(&path, &target).map(|_| ()).unwrap() }
    }
}

#[derive(Debug, Default)]
struct Tally {
    damages: u64,
    in_pages: u64,
    restored_in_part: u64,
    records_lost: u64,
}

fn damaged(market: &Market, seed: u64, restores: bool, tally: &mut Tally) {
    let mut dice = ChaCha8Rng::seed_from_u64(seed);
    let (what, touched) = market.damage(&mut dice);
    let case = format!("store of {} bytes, seed {seed}: {what}", market.bytes.len());
    let marker = fs::read(market.dir.join("closed.json")).unwrap();
    let index = fs::read(market.dir.join("pages.index")).unwrap();
    // As after a kill: without these only the chain can tell.
    let (unmarked, unindexed) = (seed.is_multiple_of(3), seed.is_multiple_of(2));
    if unmarked {
        fs::remove_file(market.dir.join("closed.json")).unwrap();
    }
    if unindexed {
        fs::remove_file(market.dir.join("pages.index")).unwrap();
    }
    let before = fingerprint(&market.dir);
    let report = verify(&market.dir, None).unwrap();
    let (readable, whole) = read(&market.dir, &case);
    assert_eq!(fingerprint(&market.dir), before, "{case}: reading has changed something");
    assert!(unmarked || !report.is_sound(), "{case}: not found");
    assert!(whole || !report.is_sound(), "{case}: not found, and not harmless");
    if let Some(first) = market.first_touched(&touched) {
        tally.in_pages += 1;
        assert!(readable + 1 >= first, "{case}: readable up to {readable}, damaged from {first}");
    }
    if !whole {
        // What verify finds before that is damage of which readers have found an equal page elsewhere.
        let is_place = |seq: u64| seq > readable && seq <= readable + 4_097;
        let here = report.findings.iter().filter(|finding| finding.place == SERIES);
        let placed = here.filter_map(|finding| finding.seq).any(is_place);
        assert!(placed, "{case}: readable up to {readable}, not placed there: {report:?}");
    }
    if restores {
        let dir = market.folder.path().join("copy");
        copy(&market.dir, &dir);
        let rebuilt = rebuild(&dir).unwrap_or_else(|error| panic!("{case}: {error}"));
        let (kept, all) = read(&dir, &case);
        assert!(all && kept >= readable, "{case}: {kept} of {readable} restored");
        let lost = rebuilt.lost.first().map(|lost| (lost.from, lost.to, lost.count));
        let expected = (kept < market.count).then(|| (kept + 1, market.count, market.count - kept));
        assert_eq!(lost, expected, "{case}");
        assert!(verify(&dir, None).unwrap().is_sound(), "{case}: after rebuilding");
        tally.restored_in_part += u64::from(lost.is_some());
        tally.records_lost += market.count - kept;
        fs::remove_dir_all(&dir).unwrap();
    }
    tally.damages += 1;
    market.mend();
    fs::write(market.dir.join("closed.json"), marker).unwrap();
    fs::write(market.dir.join("pages.index"), index).unwrap();
}

#[test]
fn damage_at_every_depth_is_found_placed_and_salvaged_around() {
    let long = std::env::var_os("SALVAGE_TEST").is_some_and(|value| value == "long");
    let sizes: &[(f64, u64)] = if long {
        &[(0.5, 700), (4.0, 600), (20.0, 400), (50.0, 200), (100.0, 150)]
    } else {
        &[(0.5, 60), (9.0, 20)]
    };
    let mut tally = Tally::default();
    for (number, (megabytes, damages)) in sizes.iter().enumerate() {
        let market = Market::new(*megabytes);
        for seed in 0..*damages {
            damaged(&market, number as u64 * 10_000 + seed, *megabytes < 30.0 || seed < 10, &mut tally);
        }
        let report = verify(&market.dir, None).unwrap();
        assert!(report.is_sound(), "undone damage leaves nothing: {report:?}");
        println!("{megabytes} MB: {tally:?}");
    }
    assert!(tally.in_pages * 2 > tally.damages && tally.restored_in_part > 10, "{tally:?}");
}
