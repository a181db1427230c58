//! Tables read by several threads ahead of the one that stores their rows, handed out in the order of the tables.
//!
//! What is held at once is a few batches of rows for each thread.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use journal_store::series::Fidelity;

use super::container::Meter;
use super::error::ImportError;
use super::moment::TimeReading;
use super::numbers::NumberParser;
use super::plan::PlannedPart;
use super::row::Row;
use super::table::{RowSource, TableRows};

/// Threads that read at once; more of them only wait for the one that stores.
const THREADS_MAX: usize = 8;

/// Rows that are handed over at once.
const BATCH_ROWS: usize = 2_048;

/// Batches of one table that may wait.
const BATCHES_WAITING: usize = 4;

/// A row with what messages say of it.
#[derive(Debug, Clone, Copy)]
struct ReadRow {
    row: Row,
    number: u64,
    reading: Option<TimeReading>,
}

/// What a thread hands over.
enum Delivery {
    Rows(Vec<ReadRow>),
    End(TableEnd),
}

/// How the reading of a table ended.
struct TableEnd {
    result: Result<(), ImportError>,
    counts: Counts,
}

/// What was met on the way.
#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    fidelity: Fidelity,
    misfit: bool,
    one_sided: u64,
    empty_volumes: u64,
    far_times: u64,
}

/// The rows of one table that another thread reads.
pub(crate) struct AheadRows {
    deliveries: Receiver<Delivery>,
    rows: std::vec::IntoIter<ReadRow>,
    number: u64,
    reading: Option<TimeReading>,
    counts: Counts,
    ended: bool,
}

/// Gives `take` the rows of each of `tables` in their order, while threads read on; `bytes` counts what they read.
///
/// # Errors
/// The first that `take` answers.
pub(crate) fn read_ahead(
    tables: &[PlannedPart],
    numbers: &NumberParser,
    bytes: &AtomicU64,
    mut take: impl FnMut(&PlannedPart, &mut AheadRows) -> Result<(), ImportError>,
) -> Result<(), ImportError> {
    // A thread takes the sender of its table for itself: should it panic, the table ends at once.
    let (senders, receivers): (Vec<_>, Vec<_>) = tables
        .iter()
        .map(|_| {
            let (sender, receiver) = sync_channel(BATCHES_WAITING);
            (Mutex::new(Some(sender)), receiver)
        })
        .unzip();
    let next = AtomicUsize::new(0);
    let threads = thread::available_parallelism().map_or(1, usize::from).min(tables.len()).min(THREADS_MAX);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let place = next.fetch_add(1, Ordering::Relaxed);
                    let sender = senders.get(place).and_then(|sender| sender.lock().ok()?.take());
                    let (Some(table), Some(sender)) = (tables.get(place), sender) else { return };
                    deliver(table, numbers.clone(), bytes, &sender);
                }
            });
        }
        // Threads that still read stop when nobody takes what they hand over.
        tables.iter().zip(receivers).try_for_each(|(table, rows)| take(table, &mut AheadRows::new(rows)))
    })
}

fn deliver(table: &PlannedPart, numbers: NumberParser, bytes: &AtomicU64, to: &SyncSender<Delivery>) {
    let meter = Meter::default();
    let mut counted = 0;
    let mut count = |meter: &Meter| {
        bytes.fetch_add(meter.bytes() - counted, Ordering::Relaxed);
        counted = meter.bytes();
    };
    let mut end = TableEnd { result: Ok(()), counts: Counts::default() };
    let part = &table.part;
    end.result = part.read(&meter, |source| {
        let mut rows = TableRows::new(&part.name, source, &table.layout, numbers);
        let mut batch = Vec::with_capacity(BATCH_ROWS);
        let result = loop {
            match rows.next_row() {
                Ok(Some(row)) => {
                    batch.push(ReadRow { row, number: rows.row_number(), reading: rows.time_reading() });
                }
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
            if batch.len() == BATCH_ROWS {
                count(&meter);
                if to.send(Delivery::Rows(std::mem::take(&mut batch))).is_err() {
                    return Ok(());
                }
            }
        };
        count(&meter);
        // Nobody may listen any more; then nobody needs the end either.
        let _ = to.send(Delivery::Rows(batch));
        end.counts = Counts {
            fidelity: rows.fidelity(),
            misfit: rows.misfit(),
            one_sided: rows.one_sided(),
            empty_volumes: rows.empty_volumes(),
            far_times: rows.far_times(),
        };
        result
    });
    let _ = to.send(Delivery::End(end));
}

impl AheadRows {
    fn new(deliveries: Receiver<Delivery>) -> Self {
        Self {
            deliveries,
            rows: Vec::new().into_iter(),
            number: 0,
            reading: None,
            counts: Counts::default(),
            ended: false,
        }
    }

    /// How many volumes were empty and counted as zero.
    pub(crate) const fn empty_volumes(&self) -> u64 {
        self.counts.empty_volumes
    }

    /// How many rows were received so far from their venue time that the lag says nothing.
    pub(crate) const fn far_times(&self) -> u64 {
        self.counts.far_times
    }
}

impl RowSource for AheadRows {
    fn next_row(&mut self) -> Result<Option<Row>, ImportError> {
        loop {
            if let Some(ReadRow { row, number, reading }) = self.rows.next() {
                (self.number, self.reading) = (number, reading);
                return Ok(Some(row));
            }
            if self.ended {
                return Ok(None);
            }
            match self.deliveries.recv() {
                Ok(Delivery::Rows(rows)) => self.rows = rows.into_iter(),
                Ok(Delivery::End(end)) => {
                    self.ended = true;
                    self.counts = end.counts;
                    end.result?;
                }
                // The thread panicked: what it was about is told where it is joined.
                Err(_) => return Err(ImportError::request("a thread that read a table ended early")),
            }
        }
    }

    fn row_number(&self) -> u64 {
        self.number
    }

    fn fidelity(&self) -> Fidelity {
        self.counts.fidelity
    }

    fn misfit(&self) -> bool {
        self.counts.misfit
    }

    fn time_reading(&self) -> Option<TimeReading> {
        self.reading
    }

    fn one_sided(&self) -> u64 {
        self.counts.one_sided
    }
}
