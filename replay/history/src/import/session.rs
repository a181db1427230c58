//! One import as it runs: rows in, checked, pushed, and committed at the very end.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use engine_core::time::Timestamp;
use journal_store::dataset::SeriesWriter;
use journal_store::record::RecordKind;
use journal_store::series::{Fidelity, SourceNote};

use super::arrival::{ArrivalQueue, Arrived};
use super::cadence::{BarClock, Cadence, Fit};
use super::columns::Role;
use super::error::ImportError;
use super::gaps::GapReading;
use super::overlap::{Overlap, Recent, Standing};
use super::plan::{Plan, PlannedPart};
use super::read_ahead::{AheadRows, read_ahead};
use super::recorded::{Beside, Recorded};
use super::shape::Direction;
use super::table::RowSource;
use super::time_order::TimeOrder;
use super::{FileOutcome, ImportOutcome, ImportProgress, ImportRequest, Progress};
use crate::quality::{QualityObserver, rfc3339};

mod notes;
mod ordering;
mod silence;
mod storing;
mod turnover;

use notes::{backwards, notes, twice};
use ordering::no_room;
use silence::last_stored;
use storing::committed;
use turnover::Turnover;

/// Rows between two words of progress.
const PROGRESS_ROWS: u64 = 32_768;

/// The state of a running import of records `R`.
pub(crate) struct Session<'plan, R: Recorded> {
    plan: &'plan mut Plan,
    request: &'plan ImportRequest,
    progress: &'plan mut dyn ImportProgress,
    observer: QualityObserver,
    /// Bytes of files read so far.
    bytes: Arc<AtomicU64>,
    writer: Option<SeriesWriter<R>>,
    clock: Option<BarClock>,
    recent: Option<Recent<R>>,
    last_at: Option<i64>,
    /// The last record there is, stored or of this import.
    last: Option<R>,
    rows: u64,
    skipped: u64,
    seen: u64,
    fidelity: Option<Fidelity>,
    numbered: bool,
    /// Kinds of odd bars that were noted already.
    odd: Vec<Fit>,
    /// Quiet bars added where the source left them out.
    quiet_bars: u64,
    /// The last record, whose length the one after it may tell.
    waiting: Option<R>,
    /// Whether its row says when it ends.
    waiting_states_end: bool,
    odd_bars: u64,
    turnover: Turnover,
}

/// What is remembered within one table.
struct PartState<R> {
    previous: Option<(R, Beside)>,
    overlap: Option<Overlap<R>>,
    rows: u64,
    skipped: u64,
    /// Whether the row that was refused last is older than the one before.
    goes_back: bool,
    gaps: GapReading,
    quiet_bars: u64,
    /// When the first of them opens.
    quiet_since: Option<i64>,
}

impl<'plan, R: Recorded> Session<'plan, R> {
    pub(crate) fn new(
        plan: &'plan mut Plan,
        request: &'plan ImportRequest,
        progress: &'plan mut dyn ImportProgress,
    ) -> Self {
        let observer = QualityObserver::new(plan.info.interval, plan.info.price_decimals);
        let last_at = plan.stored.as_ref().map(|series| series.entry().last_at);
        let bar_time = plan.info.bar_time;
        let clock =
            plan.cadence.zip(bar_time).map(|(cadence, bar_time)| BarClock::new(cadence, bar_time, last_at));
        let recent = (plan.parts.len() > 1).then(|| Recent::new(plan.stored.is_some()));
        Self {
            plan,
            request,
            progress,
            observer,
            bytes: Arc::default(),
            writer: None,
            clock,
            recent,
            last_at,
            last: None,
            rows: 0,
            skipped: 0,
            seen: 0,
            fidelity: None,
            numbered: true,
            odd: Vec::new(),
            quiet_bars: 0,
            waiting: None,
            waiting_states_end: false,
            odd_bars: 0,
            turnover: Turnover::default(),
        }
    }

    /// Reads everything, then commits it as a whole.
    pub(crate) fn run(mut self) -> Result<ImportOutcome, ImportError> {
        self.last = self.plan.stored.as_ref().map(last_stored).transpose()?.flatten();
        let parts = std::mem::take(&mut self.plan.parts);
        let numbers = self.plan.numbers(self.request.volumes());
        let bytes = Arc::clone(&self.bytes);
        let read = read_ahead(&parts, &numbers, &bytes, |part, rows| self.read(part, rows));
        self.plan.parts = parts;
        read.map_err(|error| self.left(error))?;
        self.note_length_of_last();
        self.write_waiting()?;
        self.note_turnover();
        if let Some(because) = self.plan.decimals_because.take() {
            self.observer.decide(because);
        }
        let quality = self.observer.finish();
        if self.request.strict {
            let violations = quality.violations();
            if !violations.is_empty() {
                return Err(ImportError::NotClean { violations });
            }
        }
        let stored = self.plan.stored.take();
        let notes: Vec<SourceNote> = notes(self.plan);
        let entry = match self.writer.take() {
            Some(mut writer) => {
                let fidelity = self.fidelity.unwrap_or_default();
                writer.note_fidelity(Fidelity {
                    numbered: self.numbered,
                    quiet_bars: self.quiet_bars,
                    odd_bars: self.odd_bars,
                    ..fidelity
                });
                committed(writer, notes)?
            }
            // Every row was there before, so that there is something stored.
            None => stored
                .map(|series| series.entry().clone())
                .ok_or_else(|| ImportError::request("the files hold no rows to import"))?,
        };
        let files: Vec<FileOutcome> = self.plan.files.iter().map(|file| file.outcome.clone()).collect();
        let nothing_new = self.rows == 0;
        Ok(ImportOutcome { rows: self.rows, skipped: self.skipped, files, quality, entry, nothing_new })
    }

    fn read(&mut self, planned: &PlannedPart, rows: &mut AheadRows) -> Result<(), ImportError> {
        let mut state = PartState {
            previous: None,
            overlap: self.overlap(planned)?,
            rows: 0,
            skipped: 0,
            goes_back: false,
            gaps: self.reading_of_gaps(planned),
            quiet_bars: 0,
            quiet_since: None,
        };
        self.rows_of(planned, rows, &mut state)?;
        self.note_gaps(planned, &state);
        if let Some(file) = self.plan.files.get_mut(planned.file) {
            file.outcome.rows += state.rows;
            file.outcome.skipped += state.skipped;
        }
        Ok(())
    }

    fn rows_of(
        &mut self,
        planned: &PlannedPart,
        source: &mut AheadRows,
        state: &mut PartState<R>,
    ) -> Result<(), ImportError> {
        let name = &planned.part.name;
        let mut reading = None;
        let mut queue = ArrivalQueue::new();
        let mut order = (planned.layout.shape.direction == Direction::Both)
            .then(|| TimeOrder::beside(&self.request.dataset));
        let sorts = self.plan.sorts && planned.layout.columns.get(Role::LocalTime).is_some();
        loop {
            self.go_on()?;
            let row = source.next_row();
            self.plan.misfit = source.misfit();
            let Some(row) = row? else { break };
            let number = source.row_number();
            let refused = |reason: String| ImportError::row(name, number, reason);
            let (record, beside) = R::of(row).ok_or_else(|| refused("it is of another kind".into()))?;
            self.numbered &= beside.id.is_some();
            if let Some(order) = &mut order {
                order.take(Arrived { record, beside, row: number }).map_err(|error| no_room(name, &error))?;
            } else if sorts {
                if let Some(next) = queue.push(Arrived { record, beside, row: number }) {
                    self.take_arrived(name, next, state)?;
                }
            } else if let Err(reason) = self.take(record, beside, state)? {
                let two_times = planned.layout.columns.get(Role::LocalTime).is_some();
                self.plan.unsorted = state.goes_back && two_times;
                self.plan.turned = (state.goes_back && !two_times).then(|| name.clone());
                return Err(refused(reason));
            }
            if source.time_reading() != reading {
                reading = source.time_reading();
                self.note_time(planned, source);
            }
            self.seen += 1;
            if self.seen.is_multiple_of(PROGRESS_ROWS) {
                self.tell(name);
            }
        }
        while let Some(next) = queue.pop() {
            self.take_arrived(name, next, state)?;
        }
        if let Some(order) = order {
            self.take_ordered(name, order, state)?;
        }
        self.tell(name);
        self.note_reading(planned, source.empty_volumes(), source.far_times());
        self.observer.add_losses(&source.fidelity(), source.one_sided());
        self.fidelity =
            Some(self.fidelity.map_or(source.fidelity(), |before| before.and(&source.fidelity())));
        if self.plan.cadence == Some(Cadence::Months) {
            self.observer.decide(
                "bars of calendar months: each ends with its month; the series says 4 weeks, the shortest"
                    .into(),
            );
        }
        if self.plan.info.kind == RecordKind::Bars {
            let layout = &planned.layout;
            let bar_time = format!("{:?}", layout.bar_time).to_lowercase();
            self.observer
                .decide(format!("bar times name the {bar_time} of each bar: {}", layout.bar_time_because));
        }
        Ok(())
    }

    /// Takes in a row that waited for its place.
    fn take_arrived(
        &mut self,
        name: &str,
        arrived: Arrived<R>,
        state: &mut PartState<R>,
    ) -> Result<(), ImportError> {
        let Arrived { record, beside, row } = arrived;
        let taken = self.take(record, beside, state)?;
        self.plan.turned = (taken.is_err() && state.goes_back).then(|| name.to_owned());
        taken.map_err(|reason| ImportError::row(name, row, reason))
    }

    fn tell(&mut self, file: &str) {
        let bytes_total = self.plan.bytes;
        let bytes_read = self.bytes.load(Ordering::Relaxed).min(bytes_total);
        self.progress.advanced(Progress { file, bytes_read, bytes_total, rows: self.seen });
    }

    /// The rows that are there already from the first row of `planned` on, if any.
    fn overlap(&self, planned: &PlannedPart) -> Result<Option<Overlap<R>>, ImportError> {
        let Some(last_at) = self.last_at else { return Ok(None) };
        let first_at = self.opened_at(planned.first_at);
        if first_at > last_at {
            return Ok(None);
        }
        match (&self.plan.stored, &self.recent) {
            (Some(series), _) if self.writer.is_none() => Overlap::stored(series, first_at).map(Some),
            (_, Some(recent)) => Overlap::recent(recent, first_at).map(Some).ok_or_else(|| {
                let reason =
                    "it overlaps the files before it too far to compare; import it in a command of its own";
                ImportError::file(&planned.part.name, reason)
            }),
            (_, None) => Ok(None),
        }
    }

    fn opened_at(&self, at: i64) -> i64 {
        let record = journal_store::record::BarRecord { open_at: at, ..Default::default() };
        self.clock.as_ref().map_or(at, |clock| clock.opened(record, None).open_at)
    }

    /// Takes one record in; a sentence when it cannot be.
    fn take(
        &mut self,
        record: R,
        beside: Beside,
        state: &mut PartState<R>,
    ) -> Result<Result<(), String>, ImportError> {
        let named_at = record.at();
        let record = record.at_opening(self.clock.as_ref(), beside.ends_at);
        let at = record.at();
        if let Some((previous, before)) = &state.previous {
            if at < previous.at() {
                state.goes_back = true;
                return Ok(Err(backwards(previous.at(), at)));
            }
            if *previous == record && self.skips(beside, *before, at) {
                state.skipped += 1;
                self.skipped += 1;
                return Ok(Ok(()));
            }
        }
        let before = state.previous.map(|(previous, _)| previous).or(self.last);
        if let Some(before) = before.filter(|_| state.gaps == GapReading::Quiet)
            && let Err(reason) = self.keep_quiet(&before, at, state)?
        {
            return Ok(Err(reason));
        }
        state.previous = Some((record, beside));
        match self.place(record, named_at, beside, state)? {
            Ok(true) => {
                state.rows += 1;
                self.rows += 1;
            }
            Ok(false) => {
                state.skipped += 1;
                self.skipped += 1;
            }
            Err(reason) => return Ok(Err(reason)),
        }
        Ok(Ok(()))
    }

    /// Puts a record at the end of the series, unless it is there already; answers whether it is new, or with a
    /// sentence when it cannot follow.
    fn place(
        &mut self,
        record: R,
        named_at: i64,
        beside: Beside,
        state: &mut PartState<R>,
    ) -> Result<Result<bool, String>, ImportError> {
        let at = record.at();
        if let Some(overlap) = &mut state.overlap {
            match overlap.meet(&record)? {
                Ok(Standing::Known) => {
                    if let Some(recent) = &mut self.recent {
                        recent.add(record);
                    }
                    return Ok(Ok(false));
                }
                Ok(Standing::New) => state.overlap = None,
                Err(reason) => return Ok(Err(reason)),
            }
        }
        if let Some(last_at) = self.last_at.filter(|last_at| at < *last_at) {
            return Ok(Err(backwards(last_at, at)));
        }
        if let Some(clock) = &mut self.clock {
            if self.last_at == Some(at) {
                return Ok(Err(twice(at)));
            }
            match clock.follow(at, named_at, beside.ends_at) {
                Ok(Fit::Whole | Fit::Shortened) => {}
                Ok(fit @ (Fit::Lengthened | Fit::Shifted | Fit::ClockChange)) => {
                    if !self.odd.contains(&fit) {
                        self.odd.push(fit);
                        let note = fit.note(&rfc3339(Timestamp::from_nanos(at)));
                        note.into_iter().for_each(|note| self.observer.decide(note));
                    }
                }
                Err(reason) => return Ok(Err(reason)),
            }
        }
        self.push(record, beside.ends_at.is_some())?;
        Ok(Ok(true))
    }

    /// Counts a row equal to the one before; whether it is left out.
    fn skips(&mut self, beside: Beside, before: Beside, at: i64) -> bool {
        let numbered = beside.id.is_some() && before.id.is_some();
        if numbered && beside.id != before.id {
            // Two trades may be alike in everything but their numbers.
            return false;
        }
        self.observer.duplicate(at);
        numbered || R::KIND == RecordKind::Bars
    }
}
