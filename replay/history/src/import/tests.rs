//! Whole imports, from files to datasets.

mod archive;
mod bad_input;
mod both_ways;
mod columnar;
mod decimals;
mod documents;
mod foreign;
mod formats;
mod market;
mod odd_bars;
mod order;
mod overlap;
mod shapes;
mod shared_data;
mod silences;
mod wrong;

use std::fs;
use std::path::{Path, PathBuf};

use journal_store::dataset::DatasetReader;
use journal_store::record::{BarRecord, QuoteRecord, Record, TradeRecord};
use journal_store::series::SeriesEntry;

use super::{ImportError, ImportOutcome, ImportRequest, import};

/// A folder with files and one dataset.
struct Desk {
    dir: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    fn dataset(&self) -> PathBuf {
        self.dir.path().join("set")
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.dir.path().join(name);
        fs::write(&path, content).unwrap();
        path
    }

    fn request(&self, files: &[&Path]) -> ImportRequest {
        let files = files.iter().map(|path| path.to_path_buf()).collect();
        ImportRequest::new(self.dataset(), "test", "BTCUSD", files)
    }

    fn import(&self, files: &[&Path]) -> Result<ImportOutcome, ImportError> {
        import(&self.request(files), &mut ())
    }

    /// Imports one file with this content.
    fn text(&self, name: &str, content: impl AsRef<[u8]>) -> Result<ImportOutcome, ImportError> {
        self.import(&[&self.file(name, content)])
    }

    fn entries(&self) -> Vec<SeriesEntry> {
        if !self.dataset().exists() {
            return Vec::new();
        }
        let entries = DatasetReader::open(&self.dataset()).unwrap().series_list().to_vec();
        entries.into_iter().filter(|entry| entry.head.count > 0).collect()
    }

    fn records<R: Record>(&self) -> Vec<R> {
        let dataset = DatasetReader::open(&self.dataset()).unwrap();
        let series = dataset.series(&format!("test:BTCUSD:{}", R::KIND)).unwrap();
        let mut all = Vec::new();
        for page in series.pages(1).unwrap() {
            let mut records = Vec::new();
            assert!(page.unwrap().copy_to(&mut records));
            all.append(&mut records);
        }
        all
    }

    fn trades(&self) -> Vec<TradeRecord> {
        self.records()
    }

    fn quotes(&self) -> Vec<QuoteRecord> {
        self.records()
    }

    fn bars(&self) -> Vec<BarRecord> {
        self.records()
    }
}

/// Eight decimals, as imports keep them.
const ONE: i64 = 100_000_000;

/// Nanoseconds of a second.
const SECOND: i64 = 1_000_000_000;

fn zipped(members: &[(&str, &str)]) -> Vec<u8> {
    let members: Vec<(&str, &[u8])> = members.iter().map(|(name, text)| (*name, text.as_bytes())).collect();
    zipped_bytes(&members)
}

fn zipped_bytes(members: &[(&str, &[u8])]) -> Vec<u8> {
    use std::io::Write;
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in members {
        archive.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(content).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn gzipped(content: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// Minute bars from 2024-01-01 on with a header in milliseconds, beginning at minute `from`.
fn minute_bars(from: i64, count: i64) -> String {
    let mut text = String::from("open_time_ms,open,high,low,close,volume\n");
    for minute in from..from + count {
        let at = 1_704_067_200_000 + minute * 60_000;
        let price = 100 + minute % 7;
        text.push_str(&format!("{at},{price},{},{},{},{minute}.5\n", price + 2, price - 1, price + 1));
    }
    text
}
