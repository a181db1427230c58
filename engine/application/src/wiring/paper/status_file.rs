//! Where a run stands, in a file beside it that anyone may read while it goes on.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use engine_core::instrument::Instrument;
use engine_core::num::Decimal;
use engine_runtime::latency::{Latencies, LatencyFigure, Leg};
use serde_json::{Value, json};

use super::super::live::account_view::AccountView;
use super::live_status::{LiveStatus, StatusSink};
use crate::amount::money;
use crate::moment::moment_text;
use crate::wiring::clock::now_nanos;
use crate::wiring::error::ApplicationError;

/// The file's name in the folder of the run.
const STATUS_FILE: &str = "status.json";

/// Between two writings.
const EVERY: Duration = Duration::from_secs(1);

/// Writes the status of a run beside it, at most once a second and whenever a feed breaks or comes back, and hands it on.
///
/// A status that cannot be written changes nothing: it is for whoever looks, and the run goes on.
pub(super) struct StatusFile<'a> {
    path: PathBuf,
    instruments: Vec<Instrument>,
    latencies: Latencies,
    written: Option<Instant>,
    /// Feeds that were lost or had a gap by what was written last.
    feeds_down: usize,
    next: &'a mut dyn StatusSink,
}

impl<'a> StatusFile<'a> {
    /// Beside the run in `dir`.
    pub(super) fn new(
        dir: &Path,
        instruments: &[Instrument],
        latencies: Latencies,
        next: &'a mut dyn StatusSink,
    ) -> Self {
        let (path, instruments) = (dir.join(STATUS_FILE), instruments.to_vec());
        Self { path, instruments, latencies, written: None, feeds_down: 0, next }
    }

    fn document(&self, status: &LiveStatus) -> Value {
        let positions = status.positions.iter().filter_map(|(instrument, qty)| {
            let rules = self.instruments.get(instrument.index())?;
            let qty = Decimal { units: qty.units(), decimals: rules.qty_decimals };
            Some(json!({ "instrument": rules.symbol, "qty": qty.to_string() }))
        });
        json!({
            "pid": std::process::id(),
            "written_at_ns": now_nanos(),
            "at": moment_text(engine_core::time::Timestamp::from_nanos(status.at_ns)),
            "ticks": status.records,
            "orders": status.counts.orders,
            "working_orders": status.working,
            "fills": status.counts.fills,
            "refusals": status.counts.refusals,
            "feed_losses": status.counts.feed_losses,
            "clock_steps": status.counts.clock_steps,
            "data_faults": status.counts.data_faults,
            "trades_discarded": status.counts.trades_discarded,
            "listing_changes": status.counts.listing_changes,
            "feeds_lost_now": status.feeds_down,
            "latency": latency_document(&self.latencies),
            "equity": money(status.equity),
            "halted": status.halted,
            "positions": positions.collect::<Vec<_>>(),
            "account": status.account.as_ref().map(AccountView::document),
        })
    }

    /// Beside it and then in its place, so that whoever reads finds the whole of one or of the other.
    fn write(&self, document: &Value) -> std::io::Result<()> {
        let beside = self.path.with_extension("json.new");
        std::fs::write(&beside, document.to_string())?;
        std::fs::rename(&beside, &self.path)
    }
}

impl StatusSink for StatusFile<'_> {
    fn told(&mut self, status: &LiveStatus) {
        // Behind a feed that breaks there may be nothing else to write at.
        let has_turned = status.feeds_down != self.feeds_down;
        if has_turned || self.written.is_none_or(|written| written.elapsed() >= EVERY) {
            (self.written, self.feeds_down) = (Some(Instant::now()), status.feeds_down);
            let _ = self.write(&self.document(status));
        }
        self.next.told(status);
    }
}

/// Latencies of a run, which are measured.
///
/// # Errors
/// [`ApplicationError::Request`] where they cannot be counted.
pub(super) fn measured() -> Result<Latencies, ApplicationError> {
    Latencies::measured().map_err(|error| ApplicationError::Request(format!("measure latencies: {error}")))
}

/// How long things took, by their names; nanoseconds.
#[must_use]
pub fn latency_document(latencies: &Latencies) -> Value {
    let figure = |leg: Leg| {
        let LatencyFigure { count, p50_ns, p99_ns, max_ns } = latencies.figure(leg);
        let figure = json!({ "count": count, "p50_ns": p50_ns, "p99_ns": p99_ns, "max_ns": max_ns });
        (leg.name().to_owned(), figure)
    };
    Value::Object(Leg::ALL.into_iter().map(figure).collect())
}

/// The status that lies beside the run in `dir`, as it was written last; the run itself is not opened.
///
/// # Errors
/// [`ApplicationError::Request`] when there is none, or it cannot be read.
pub fn read_status(dir: &Path) -> Result<Value, ApplicationError> {
    let path = dir.join(STATUS_FILE);
    let text = journal_store::small_file::read_text(&path, journal_store::small_file::SMALL_BYTES_MAX);
    let unreadable = |reason: String| {
        ApplicationError::Request(format!(
            "read the status of {}: {reason}; runs on real time write one, `engine runs` lists the others",
            dir.display()
        ))
    };
    let text = text.map_err(|error| unreadable(error.to_string()))?;
    serde_json::from_str(&text).map_err(|error| unreadable(error.to_string()))
}

/// How long ago a status was written, by the clock of this machine.
#[must_use]
pub fn status_age(status: &Value) -> Option<Duration> {
    let written = status["written_at_ns"].as_i64()?;
    let age = now_nanos().checked_sub(written)?;
    Some(Duration::from_nanos(u64::try_from(age).unwrap_or_default()))
}
