//! The closed trades of a recorded run, from its fills and the market records beside them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use engine_core::envelope::Seq;
use engine_core::event::{Event, Execution, ExecutionReport, Input, OrderEvent, Submission};
use engine_core::fill::Fill;
use engine_core::instrument::Instrument;
use engine_core::intent::Rationale;
use engine_core::ledger::Position;
use engine_core::market::MarketUpdate;
use engine_core::num::{Price, Qty, divide_half_even};
use engine_core::order::OrderId;
use engine_core::state::State;
use engine_runtime::ports::JournalError;
use journal_store::event_span::EventSpan;
use journal_store::snapshot::Snapshot;
use replay_history::market_source::MarketSource;
use replay_replayer::ReplayError;
use replay_replayer::fold::skip;
use replay_simulation::series_feed::OpenDatasets;
use replay_statistics::{FillFact, TradeBook, TradeRow};

use super::error::ApplicationError;
use super::recorded_source::RecordedSource;
use super::recording::Recording;

/// The trades of `recording`; datasets lie in `given`, or where the run noted them.
///
/// # Errors
/// [`ApplicationError`] when run or datasets cannot be read.
pub fn closed_trades(recording: &Recording, given: &[PathBuf]) -> Result<TradeBook, ApplicationError> {
    follow_trades(recording, EventSpan::WHOLE, given, |_| Ok(()))
}

/// Gives each trade that was closed in `span` of `recording` to `visit` as soon as it is read, numbered from 1 in the order
/// of closing; none is kept. Answers how many positions were held before what is kept of the run, of which only the average
/// price is known.
///
/// # Errors
/// [`ApplicationError`] when run or datasets cannot be read, and what `visit` answers.
pub fn each_closed_trade<E: From<ApplicationError>>(
    recording: &Recording,
    span: EventSpan,
    given: &[PathBuf],
    mut visit: impl FnMut(TradeRow) -> Result<(), E>,
) -> Result<u64, E> {
    let mut number = 0;
    let book = follow_trades(recording, span, given, |book| {
        for trade in book.take_closed() {
            number += 1;
            book.row(number, &trade).map_or(Ok(()), &mut visit)?;
        }
        Ok::<(), E>(())
    })?;
    Ok(book.carried())
}

/// As [`closed_trades`] for what was closed in `span`; `visit` sees the book after each event of it and may take what was
/// closed.
///
/// # Errors
/// [`ApplicationError`] when run or datasets cannot be read, and what `visit` answers.
pub(super) fn follow_trades<E: From<ApplicationError>>(
    recording: &Recording,
    span: EventSpan,
    given: &[PathBuf],
    mut visit: impl FnMut(&mut TradeBook) -> Result<(), E>,
) -> Result<TradeBook, E> {
    let mut datasets = OpenDatasets::default();
    let mut source = recording.source(given, &mut datasets)?;
    let book = TradeBook::new(&recording.manifest.instruments);
    let mut follower = TradeFollower { book, live: BTreeMap::new(), records_read: 0 };
    let mut read = EventSpan { behind: Seq::new(0), ..span };
    if let Some(kept) = beginning(recording, span).map_err(ApplicationError::from)? {
        skip(&mut source, &kept.state).map_err(ApplicationError::from)?;
        (follower.records_read, read.behind) = (kept.records_read, kept.seq);
        follower.carry(&kept.state);
    }
    for envelope in recording.reader.envelopes_of(read).map_err(ApplicationError::from)? {
        let envelope = envelope.map_err(ApplicationError::from)?;
        let own = matches!(envelope.event, Event::Input(Input::Market(_)));
        follower.catch_up(&mut source, envelope.records_read.saturating_sub(u64::from(own)))?;
        follower.follow(&envelope.event);
        if span.holds(envelope.seq) {
            visit(&mut follower.book)?;
        } else {
            follower.book.take_closed();
        }
    }
    Ok(follower.book)
}

/// The last snapshot before `span` at which nothing was held and no order worked, so that nothing of what came before has to
/// be known; without one, that with which what is kept of the run begins; none where it is to be read from its first event.
fn beginning(recording: &Recording, span: EventSpan) -> Result<Option<Snapshot>, JournalError> {
    let mut seq = span.behind;
    while seq.number() > 0 {
        let Some(kept) = recording.reader.nearest_snapshot(seq)? else { break };
        if is_at_rest(&kept.state) {
            return Ok(Some(kept));
        }
        seq = Seq::new(kept.seq.number().saturating_sub(1));
    }
    let kept = recording.reader.span_of(None);
    if span.behind < kept.behind { Ok(None) } else { recording.reader.snapshot_before(kept) }
}

/// What a unit of `position` cost, at the nearest price of its instrument.
fn average_price(position: &Position, rules: &Instrument) -> Option<Price> {
    let unit = position.qty.units().checked_mul(rules.money_factor())?;
    let price = divide_half_even(position.cost.units(), unit)?;
    i64::try_from(price).ok().map(Price::from_units)
}

fn is_at_rest(state: &State) -> bool {
    let positions = state.ledger().positions();
    state.open_order_count() == 0 && positions.iter().all(|position| position.qty.is_zero())
}

/// The trade book of a run while its events and market records go by.
struct TradeFollower {
    book: TradeBook,
    live: BTreeMap<OrderId, (Box<Submission>, Qty)>,
    records_read: u64,
}

/// Why an order was made of which only what is left of it is known.
const ORDERED_BEFORE: &str = "ordered before what is kept";

impl TradeFollower {
    /// Begins with what is held and works in `state`; of what is held only the average price is known.
    fn carry(&mut self, state: &State) {
        for open in state.open_orders() {
            let because = Rationale::new(ORDERED_BEFORE);
            let submission = Submission { order: open.order.clone(), because };
            self.live.insert(open.order.id, (Box::new(submission), open.filled));
        }
        for instrument in state.instrument_ids() {
            let position = state.ledger().position(instrument);
            let rules = state.instrument(instrument).filter(|_| !position.qty.is_zero());
            if let Some(price) = rules.and_then(|rules| average_price(position, rules)) {
                self.book.carry(instrument, position.qty, price, state.now());
            }
        }
    }

    fn catch_up(&mut self, source: &mut RecordedSource, records_read: u64) -> Result<(), ApplicationError> {
        while self.records_read < records_read {
            let next = source.next().map_err(ReplayError::from)?;
            let Some(item) = next else { return Ok(()) };
            self.market(&item.update);
        }
        Ok(())
    }

    fn market(&mut self, update: &MarketUpdate) {
        self.records_read += 1;
        match update {
            MarketUpdate::Trade(trade) => self.book.mark(trade.instrument, trade.price, trade.price),
            MarketUpdate::Quote(quote) => self.book.mark(quote.instrument, quote.ask, quote.bid),
            MarketUpdate::Bar(bar) => self.book.mark(bar.instrument, bar.high, bar.low),
            MarketUpdate::Open(_) | MarketUpdate::SignalBar(_) => {}
        }
    }

    fn follow(&mut self, event: &Event) {
        if let Event::Input(Input::Market(update)) = event {
            return self.market(update);
        }
        match OrderEvent::of(event) {
            Some(OrderEvent::Submitted(submission)) => {
                self.live.insert(submission.order.id, (Box::new(submission.clone()), Qty::ZERO));
            }
            Some(OrderEvent::Reported(report)) => self.report(report),
            Some(OrderEvent::Signalled(_) | OrderEvent::Refused(_)) | None => {}
        }
    }

    fn report(&mut self, report: &ExecutionReport) {
        match report.execution {
            Execution::Filled(fill) => self.fill(report, &fill),
            Execution::Rejected(_) | Execution::Cancelled | Execution::Expired => {
                self.live.remove(&report.order);
            }
            Execution::Amended(qty) => {
                if let Some((submission, _)) = self.live.get_mut(&report.order) {
                    submission.order.qty = qty;
                }
            }
            Execution::Accepted | Execution::Triggered => {}
        }
    }

    fn fill(&mut self, report: &ExecutionReport, fill: &Fill) {
        let Some((submission, filled)) = self.live.get_mut(&report.order) else { return };
        let order = &submission.order;
        // What the ledger refuses as impossible is no trade either.
        let Some(sum) = filled.plus(fill.qty) else { return };
        if !fill.qty.is_positive() || !fill.price.is_positive() || sum > order.qty {
            return;
        }
        *filled = sum;
        let fact = FillFact::of(submission, report, fill);
        // The ledger refused what does not fit before this was recorded.
        let _ = self.book.fill(&fact);
        if *filled >= order.qty {
            self.live.remove(&report.order);
        }
    }
}
