//! Rows of a file whose time runs both ways, put in the order of time within bounded memory: sorted chunks are set
//! aside in a file without name on the dataset's disk, then merged.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, VecDeque};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::arrival::Arrived;
use super::recorded::{Beside, Recorded};
use super::stream::existing_folder;

/// Rows that are sorted at once.
const CHUNK_ROWS: usize = 131_072;
/// Rows of each chunk that are held while chunks are merged.
const HELD_ROWS: usize = 512;
/// Numbers of a row that is set aside: its record, what stands beside it and its place.
const NUMBERS: usize = 12;
const ROW_BYTES: usize = NUMBERS * 8;

/// Takes rows in any order, then hands them out by their moments; rows of one moment keep the order of the file.
#[derive(Debug)]
pub(crate) struct TimeOrder<R> {
    dataset: PathBuf,
    chunk_rows: usize,
    taken: Vec<Arrived<R>>,
    file: Option<File>,
    written: u64,
    chunks: Vec<Chunk<R>>,
    next: BinaryHeap<Reverse<(i64, u64, usize)>>,
    last_at: i64,
    /// Rows that stood behind a later one.
    late: u64,
    /// The rows of the moment that have a number of their own and were handed out.
    moment: (i64, BTreeMap<u64, R>),
}

/// Sorted rows: those held, and where the others lie.
#[derive(Debug)]
struct Chunk<R> {
    held: VecDeque<Arrived<R>>,
    from: u64,
    to: u64,
}

impl<R: Recorded> TimeOrder<R> {
    /// Sets rows aside on the disk where `dataset` is or will be.
    pub(crate) fn beside(dataset: &Path) -> Self {
        Self {
            dataset: dataset.to_path_buf(),
            chunk_rows: CHUNK_ROWS,
            taken: Vec::new(),
            file: None,
            written: 0,
            chunks: Vec::new(),
            next: BinaryHeap::new(),
            last_at: i64::MIN,
            late: 0,
            moment: (i64::MIN, BTreeMap::new()),
        }
    }

    /// Rows that stood behind a later one.
    pub(crate) const fn late(&self) -> u64 {
        self.late
    }

    /// Takes the next row of the file.
    pub(crate) fn take(&mut self, row: Arrived<R>) -> io::Result<()> {
        let at = row.record.at();
        self.late += u64::from(at < self.last_at);
        self.last_at = self.last_at.max(at);
        self.taken.push(row);
        if self.taken.len() >= self.chunk_rows { self.set_aside() } else { Ok(()) }
    }

    fn set_aside(&mut self) -> io::Result<()> {
        self.taken.sort_by_key(|row| (row.record.at(), row.row));
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(tempfile::tempfile_in(existing_folder(&self.dataset))?),
        };
        let mut bytes = Vec::with_capacity(self.taken.len() * ROW_BYTES);
        for row in self.taken.drain(..) {
            numbers_of(&row).iter().for_each(|number| bytes.extend_from_slice(&number.to_le_bytes()));
        }
        file.write_all(&bytes)?;
        let from = self.written;
        self.written += bytes.len() as u64;
        self.chunks.push(Chunk { held: VecDeque::new(), from, to: self.written });
        Ok(())
    }

    /// No row comes any more: from here on they can be had in order.
    pub(crate) fn end(&mut self) -> io::Result<()> {
        self.taken.sort_by_key(|row| (row.record.at(), row.row));
        let held: VecDeque<Arrived<R>> = core::mem::take(&mut self.taken).into();
        // The last chunk never leaves memory.
        self.chunks.push(Chunk { held, from: 0, to: 0 });
        (0..self.chunks.len()).try_for_each(|chunk| self.line_up(chunk))
    }

    /// The earliest row that is left, and whether a row with its number was handed out for the same moment.
    pub(crate) fn next(&mut self) -> io::Result<Option<(Arrived<R>, bool)>> {
        let Some(Reverse((at, _, chunk))) = self.next.pop() else { return Ok(None) };
        let row = self.chunks.get_mut(chunk).and_then(|chunk| chunk.held.pop_front());
        self.line_up(chunk)?;
        let Some(row) = row else { return Ok(None) };
        if self.moment.0 != at {
            self.moment = (at, BTreeMap::new());
        }
        let Some(id) = row.beside.id else { return Ok(Some((row, false))) };
        let before = self.moment.1.insert(id, row.record);
        Ok(Some((row, before == Some(row.record))))
    }

    /// Lets the next row of a chunk stand in line.
    fn line_up(&mut self, place: usize) -> io::Result<()> {
        let Some(chunk) = self.chunks.get_mut(place) else { return Ok(()) };
        if chunk.held.is_empty()
            && let Some(file) = &mut self.file
        {
            chunk.read(file)?;
        }
        if let Some(row) = chunk.held.front() {
            self.next.push(Reverse((row.record.at(), row.row, place)));
        }
        Ok(())
    }
}

impl<R: Recorded> Chunk<R> {
    fn read(&mut self, file: &mut File) -> io::Result<()> {
        let bytes = (self.to - self.from).min((HELD_ROWS * ROW_BYTES) as u64);
        let mut room = vec![0; usize::try_from(bytes).map_err(io::Error::other)?];
        file.seek(SeekFrom::Start(self.from))?;
        file.read_exact(&mut room)?;
        self.from += bytes;
        let (words, _) = room.as_chunks::<8>();
        let (rows, _) = words.as_chunks::<NUMBERS>();
        self.held.extend(rows.iter().map(|row| row_of(&row.map(i64::from_le_bytes))));
        Ok(())
    }
}

fn numbers_of<R: Recorded>(row: &Arrived<R>) -> [i64; NUMBERS] {
    let [a, b, c, d, e, f, g] = row.record.numbers();
    let Beside { id, ends_at } = row.beside;
    let known = i64::from(id.is_some()) + 2 * i64::from(ends_at.is_some());
    let (id, ends_at) = (id.unwrap_or_default().cast_signed(), ends_at.unwrap_or_default());
    [a, b, c, d, e, f, g, id, ends_at, known, row.row.cast_signed(), 0]
}

fn row_of<R: Recorded>(numbers: &[i64; NUMBERS]) -> Arrived<R> {
    let [a, b, c, d, e, f, g, id, ends_at, known, row, _] = *numbers;
    let id = (known & 1 != 0).then_some(id.cast_unsigned());
    let ends_at = (known & 2 != 0).then_some(ends_at);
    let record = R::of_numbers([a, b, c, d, e, f, g]);
    Arrived { record, beside: Beside { id, ends_at }, row: row.cast_unsigned() }
}

/// The tables of an import whose rows are put in order, by their names.
pub(crate) type Unordered = BTreeSet<String>;

#[cfg(test)]
mod tests {
    use journal_store::record::{Record, TradeRecord};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

        #[test]
        fn rows_come_out_by_time_then_by_place(
            rows in prop::collection::vec((-50_i64..50, any::<u32>(), any::<Option<u64>>()), 0..300), chunk in 1_usize..90,
        ) {
            let home = tempfile::tempdir().unwrap();
            let mut order = TimeOrder { chunk_rows: chunk, ..TimeOrder::beside(home.path()) };
            let rows: Vec<Arrived<TradeRecord>> = (0_u64..).zip(&rows)
                .map(|(row, (venue_at, lag_us, id))| {
                    let price = row.cast_signed() + 1;
                    let record = TradeRecord { venue_at: *venue_at, price, qty: 3, lag_us: u32::MAX, side: 1 };
                    Arrived { record, beside: Beside { id: *id, ends_at: Some(i64::from(*lag_us)) }, row }
                })
                .collect();
            rows.iter().try_for_each(|row| order.take(*row)).unwrap();
            order.end().unwrap();
            let mut expected = rows.clone();
            expected.sort_by_key(|row| (row.record.at(), row.row));
            let mut found = Vec::new();
            while let Some((row, is_known)) = order.next().unwrap() {
                prop_assert!(!is_known, "all rows differ");
                found.push(row);
            }
            let shown = |rows: &[Arrived<TradeRecord>]| format!("{rows:?}");
            prop_assert_eq!(shown(&found), shown(&expected));
            prop_assert_eq!(home.path().read_dir().unwrap().count(), 0, "nothing is left beside the dataset");
        }
    }
}
