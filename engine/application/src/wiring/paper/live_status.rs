//! Where a run on real time stands, told while it goes on.

use engine_core::envelope::Seq;
use engine_core::event::{DataFinding, Event, Execution, Input, Output};
use engine_core::instrument::InstrumentId;
use engine_core::knowledge::Knowledge;
use engine_core::machine::Core;
use engine_core::num::{Money, Qty};
use engine_core::time::{Span, Timestamp};
use engine_runtime::ports::JournalError;
use engine_runtime::runner::Observer;
use journal_store::snapshot::EventCounts;

use super::super::live::account_view::AccountView;
use super::live_retention::LiveRetention;
use super::live_snapshots::LiveSnapshots;

/// Where a run stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct LiveStatus {
    /// The moment of the last input, nanoseconds since the epoch.
    pub at_ns: i64,
    /// Market records so far.
    pub records: u64,
    /// What has happened since the run was begun.
    #[serde(flatten)]
    pub counts: EventCounts,
    /// Capital plus all profit, in units of 10⁻¹⁸.
    #[serde(skip)]
    pub equity: Money,
    /// Whether trading is halted.
    pub halted: bool,
    /// Instruments whose feed is lost or has a gap now.
    pub feeds_down: usize,
    /// What is held, by instrument; nothing where nothing is.
    #[serde(skip)]
    pub positions: Vec<(InstrumentId, Qty)>,
    /// Working orders.
    pub working: usize,
    /// How books and venue stand, of a run with real orders.
    #[serde(skip)]
    pub account: Option<AccountView>,
}

/// Who is told.
pub trait StatusSink {
    /// Where the run stands now; at most ten times a second of the run's time, and with each word of its feeds.
    fn told(&mut self, status: &LiveStatus);
}

/// The time of the run between two words.
const EVERY: Span = Span::from_nanos(100_000_000);

/// Counts what happens and tells where the run stands.
pub(super) struct Watching<'a> {
    sink: &'a mut dyn StatusSink,
    counts: EventCounts,
    told_at: Timestamp,
    snapshots: LiveSnapshots,
    retention: Option<LiveRetention>,
}

impl<'a> Watching<'a> {
    /// Goes on from `counts`.
    pub(super) fn new(sink: &'a mut dyn StatusSink, counts: EventCounts, snapshots: LiveSnapshots) -> Self {
        Self { sink, counts, told_at: Timestamp::MIN, snapshots, retention: None }
    }

    /// The same where what `retention` does not keep is dropped whenever a segment ends.
    pub(super) fn keeping(self, retention: Option<LiveRetention>) -> Self {
        Self { retention, ..self }
    }

    /// Where the run stands with `core`.
    pub(super) fn status(&self, core: &Core) -> LiveStatus {
        let state = core.state();
        let instruments = || (0..state.instruments().len()).filter_map(|place| u16::try_from(place).ok());
        let held = |number| {
            let instrument = InstrumentId::new(number);
            let qty = state.ledger().position(instrument).qty;
            (!qty.is_zero()).then_some((instrument, qty))
        };
        let is_down = |number: &u16| !state.feed(InstrumentId::new(*number)).is_flowing();
        LiveStatus {
            feeds_down: instruments().filter(is_down).count(),
            positions: instruments().filter_map(held).collect(),
            at_ns: state.now().nanos(),
            records: state.records_read(),
            equity: state.equity(),
            halted: state.is_halted(),
            working: state.open_orders().count(),
            account: AccountView::of_state(state),
            counts: self.counts,
        }
    }
}

impl Observer for Watching<'_> {
    fn observe(&mut self, core: &Core, at: Timestamp, event: &Event, outputs: &[Output]) {
        match event {
            Event::Input(Input::Execution(report)) if matches!(report.execution, Execution::Filled(_)) => {
                self.counts.fills += 1;
            }
            Event::Input(Input::Feed(feed)) if !feed.condition.is_flowing() => {
                self.counts.feed_losses += 1;
            }
            Event::Input(Input::Clock(_)) => self.counts.clock_steps += 1,
            Event::Input(Input::DataFault(fault)) => {
                self.counts.data_faults += u64::from(fault.finding.is_wrong());
                self.counts.trades_discarded += u64::from(matches!(fault.finding, DataFinding::Discarded(_)));
            }
            Event::Input(Input::Listing(_)) => self.counts.listing_changes += 1,
            Event::Input(_) | Event::Output(_) => {}
        }
        for output in outputs {
            self.counts.orders += u64::from(matches!(output, Output::OrderSubmitted(_)));
            self.counts.refusals += u64::from(matches!(output, Output::OrderRefused(_)));
        }
        if at >= self.told_at.plus(EVERY) || matches!(event, Event::Input(Input::Feed(_))) {
            self.told_at = at;
            let status = self.status(core);
            self.sink.told(&status);
        }
    }

    fn wants_snapshot(&self, core: &Core, last: Seq, is_segment_full: bool) -> bool {
        self.snapshots.is_due(core, last, is_segment_full)
    }

    fn keep(
        &mut self,
        core: &Core,
        environment: Knowledge,
        last: Seq,
        ends_segment: bool,
    ) -> Result<(), JournalError> {
        if ends_segment {
            self.snapshots.pin(last);
        }
        self.snapshots.keep(core, environment, self.counts, last)?;
        if let Some(retention) = self.retention.as_ref().filter(|_| ends_segment) {
            retention.apply(core.state().now());
        }
        Ok(())
    }
}
