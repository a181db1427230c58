//! Watches a run go by and keeps what its statistics and its report need, in memory that does not grow with ticks.

use std::collections::BTreeMap;
use std::path::Path;

use engine_core::conductor::Answerer;
use engine_core::envelope::Seq;
use engine_core::event::{
    Event, Execution, ExecutionReport, FailedAct, Input, Output, SessionMark, Submission,
};
use engine_core::fill::Fill;
use engine_core::instrument::{Instrument, InstrumentId};
use engine_core::machine::Core;
use engine_core::market::{Bar, MarketUpdate};
use engine_core::num::{Money, Price, Qty};
use engine_core::order::OrderId;
use engine_core::time::{Span, Timestamp};
use engine_runtime::ports::JournalError;
use engine_runtime::runner::Observer;

use super::counts::degradation_name;
pub use super::counts::{RunCounts, refusal_name};
use replay_history::quality::holds_together;
use replay_statistics::{
    BuyAndHold, EquityRecorder, FillFact, PriceRecorder, RegimeDays, TradeBook, money_f64,
};

mod benchmark;
mod holdings;
mod outputs;
mod progress;
mod range;
mod scale;
mod snapshots;

pub use progress::{Progress, Silent};

use holdings::{Holdings, instruments};
use progress::PROGRESS_EVERY;
use range::{NOWHERE, Range, flush};
use scale::Scale;
use snapshots::Snapshots;

/// Between two looks at equity on ticks; bars are looked at one by one.
const SAMPLE_EVERY: Span = Span::MINUTE;

/// Looks of a run that its charts are drawn from; a longer run is drawn from every n-th look.
const CHART_LOOKS: u64 = 50_000;

/// An order whose fills are still to come.
#[derive(Debug)]
struct LiveOrder {
    submission: Box<Submission>,
    filled: Qty,
}

/// What was seen of equity at one moment.
#[derive(Debug, Clone, Copy)]
struct Look {
    at: Timestamp,
    equity: f64,
    exposure: f64,
    in_market: bool,
}

/// The observer of a backtest.
pub struct RunRecorder<'a> {
    /// Equity over time.
    pub equity: EquityRecorder,
    /// Fills and closed trades.
    pub trades: TradeBook,
    /// Buy-and-hold beside it.
    pub reference: BuyAndHold,
    /// Prices of each instrument, for charts.
    pub prices: Vec<PriceRecorder>,
    /// Regimes of each instrument, day by day.
    pub regimes: RegimeDays,
    /// What happened, counted.
    pub counts: RunCounts,
    scales: Vec<Scale>,
    /// What was held when anything was filled last.
    holdings: Holdings,
    live: BTreeMap<OrderId, LiveOrder>,
    ranges: Vec<Range>,
    next_sample: Timestamp,
    look: Option<Look>,
    /// The close of the last bar of each instrument, zero before any.
    closes: Vec<Price>,
    /// Whether anything was filled since the last look: a position can come and go between two.
    traded: bool,
    /// Whether any trade is open, so that prices have to be watched for its excursions.
    holding: bool,
    /// Looks from one that charts keep to the next.
    chart_every: u64,
    /// Looks until the next that charts keep, itself included.
    chart_in: u64,
    /// When the present UTC day ends: the reference is looked at there whatever the charts keep.
    day_ends_at: Timestamp,
    /// The last equity seen and the double it is: while nothing is held it does not change.
    valued: (Money, f64),
    next_word: u64,
    total: u64,
    progress: &'a mut dyn Progress,
    snapshots: Option<Snapshots>,
}

impl core::fmt::Debug for RunRecorder<'_> {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        out.debug_struct("RunRecorder").field("counts", &self.counts).finish_non_exhaustive()
    }
}

impl<'a> RunRecorder<'a> {
    /// A recorder for a run of `total` market records that starts with `capital`; buy-and-hold buys at `bought_at`
    /// and pays `fee` once, as a share.
    #[must_use]
    pub fn new(
        instruments: &[Instrument],
        capital: Money,
        (fee, bought_at): (f64, Timestamp),
        total: u64,
        progress: &'a mut dyn Progress,
    ) -> Self {
        let capital_f64 = money_f64(capital);
        Self {
            equity: EquityRecorder::new(capital_f64),
            trades: TradeBook::new(instruments),
            reference: BuyAndHold::new(capital_f64, instruments.len(), fee, bought_at),
            prices: vec![PriceRecorder::new(); instruments.len()],
            regimes: RegimeDays::new(instruments.len()),
            counts: RunCounts::default(),
            scales: instruments.iter().map(Scale::of).collect(),
            holdings: Holdings::default(),
            live: BTreeMap::new(),
            ranges: vec![NOWHERE; instruments.len()],
            next_sample: Timestamp::MIN,
            look: None,
            closes: vec![Price::ZERO; instruments.len()],
            traded: false,
            holding: false,
            chart_every: (total / CHART_LOOKS).max(1),
            chart_in: 1,
            day_ends_at: Timestamp::MIN,
            valued: (capital, capital_f64),
            next_word: PROGRESS_EVERY,
            total,
            progress,
            snapshots: None,
        }
    }

    /// Keeps the core of the run in `dir` every `every` events, and at its end.
    pub fn keep_snapshots(&mut self, dir: &Path, every: u64) {
        self.snapshots = Some(Snapshots::new(dir, every));
    }

    #[inline]
    fn tick(&mut self, core: &Core, at: Timestamp, instrument: InstrumentId, low: Price, high: Price) {
        self.counts.records_read += 1;
        if self.holding
            && let Some(range) = self.ranges.get_mut(instrument.index())
        {
            range.low = range.low.min(low);
            range.high = range.high.max(high);
        }
        if !self.reference.is_invested() {
            self.tell_reference(core, at, instrument);
        }
        if at >= self.next_sample {
            self.look_at_tick(core, at, instrument, low);
        }
    }

    #[cold]
    fn look_at_tick(&mut self, core: &Core, at: Timestamp, instrument: InstrumentId, price: Price) {
        self.equity.begin(at);
        // One look a minute: charts, and days of buy-and-hold, take each of them.
        self.chart_in = 1;
        self.sample(core, at);
        self.price(at, instrument, price);
        self.next_sample = at.floor(SAMPLE_EVERY).plus(SAMPLE_EVERY);
        self.say(at);
    }

    fn input(&mut self, core: &Core, at: Timestamp, event: &Event) {
        match event {
            Event::Input(Input::Market(MarketUpdate::Trade(trade))) => {
                self.tick(core, at, trade.instrument, trade.price, trade.price);
            }
            Event::Input(Input::Market(MarketUpdate::Quote(quote))) => {
                self.counts.crossed_quotes += u64::from(quote.bid > quote.ask);
                self.tick(core, at, quote.instrument, quote.bid, quote.ask);
            }
            Event::Input(Input::Market(MarketUpdate::Bar(bar))) => self.bar(core, bar),
            // What it is decided on is no price of now.
            // Its close is a price of then; those of now come beside it.
            Event::Input(Input::Market(MarketUpdate::SignalBar(_))) => self.counts.records_read += 1,
            Event::Input(Input::Execution(report)) => self.execution(report),
            Event::Input(Input::Session(SessionMark::Closed | SessionMark::Interrupted)) => {
                self.reference.close();
                self.sample(core, at);
                self.settle();
                self.reference.sample(at);
                instruments(&self.scales).for_each(|(id, _)| flush(&mut self.ranges, &mut self.trades, id));
            }
            Event::Input(Input::EffectFailed(failed)) => {
                self.counts.unsent += 1;
                if let FailedAct::Place(order) = failed.act {
                    self.live.remove(&order);
                }
            }
            Event::Input(Input::Inference(setup)) => self.counts.inference = Some((**setup).clone()),
            Event::Input(Input::Conductor(decision)) => {
                if let Answerer::Degraded(why) = &decision.answered_by {
                    *self.counts.degraded.entry(degradation_name(why).to_owned()).or_default() += 1;
                }
            }
            Event::Input(
                Input::Market(MarketUpdate::Open(_))
                | Input::Session(_)
                | Input::Feed(_)
                | Input::Operator(_)
                | Input::Clock(_)
                | Input::DataFault(_)
                | Input::Account(_)
                | Input::Listing(_)
                | Input::History(_)
                | Input::Deadline,
            )
            | Event::Output(_) => {}
        }
    }

    fn bar(&mut self, core: &Core, bar: &Bar) {
        if bar.close_at > self.day_ends_at {
            self.close_reference_day();
        }
        self.note_close(bar);
        self.equity.begin(bar.open_at);
        self.counts.records_read += 1;
        let possible = holds_together([bar.open, bar.high, bar.low, bar.close]);
        self.counts.impossible_bars += u64::from(!possible);
        if self.holding
            && let Some(range) = self.ranges.get_mut(bar.instrument.index())
        {
            range.low = range.low.min(bar.low);
            range.high = range.high.max(bar.high);
        }
        if !self.reference.is_invested() {
            self.tell_reference_bar(bar);
        }
        if !self.idles(core, bar.close_at) {
            self.sample(core, bar.close_at);
            if self.is_charted() {
                self.price(bar.close_at, bar.instrument, bar.close);
            }
        }
        self.say(bar.close_at);
    }

    /// The fast path of a look while nothing is held and no chart keeps it: answers whether it was taken.
    #[inline]
    fn idles(&mut self, core: &Core, at: Timestamp) -> bool {
        let (state, busy) = (core.state(), self.holding || self.traded || self.chart_in <= 2);
        let Some(look) = &mut self.look else { return false };
        let busy = busy || at >= self.day_ends_at;
        if busy || look.in_market || look.at == at || state.equity() != self.valued.0 || !state.is_open() {
            return false;
        }
        if !self.reference.is_invested() || !self.equity.hold(look.at, look.equity) {
            return false;
        }
        self.chart_in -= 1;
        *look = Look { at, equity: self.valued.1, exposure: 0.0, in_market: false };
        true
    }

    /// Whether charts keep the present look.
    const fn is_charted(&self) -> bool {
        self.chart_in <= 1
    }

    /// Looks at equity and exposure as they stand at `at`. Of several looks at one moment the last counts: the
    /// bars of several instruments close together, and only then do all their marks belong together.
    fn sample(&mut self, core: &Core, at: Timestamp) {
        if self.look.is_some_and(|look| look.at != at) {
            self.settle();
        }
        let state = core.state();
        let traded = std::mem::take(&mut self.traded);
        if traded {
            self.holdings.take_down(state, &self.scales);
        }
        // A price that nobody holds is turned into a double only where someone looks at it.
        if self.is_charted() || at >= self.day_ends_at || !state.is_open() || !self.reference.is_invested() {
            self.mark_reference(core);
        }
        let exposure = self.holdings.exposure(state);
        if state.equity() != self.valued.0 {
            self.valued = (state.equity(), money_f64(state.equity()));
        }
        let before = self.look.is_some_and(|look| look.in_market);
        let in_market = exposure > 0.0 || traded || before;
        self.look = Some(Look { at, equity: self.valued.1, exposure, in_market });
    }

    /// Hands the last look on; called when the moment is over and at the end.
    fn settle(&mut self) {
        if let Some(Look { at, equity, exposure, in_market }) = self.look.take() {
            self.equity.sample(at, equity, exposure, in_market);
            self.chart_in -= 1;
            if self.chart_in == 0 || at >= self.day_ends_at {
                self.reference.sample(at);
            }
            if self.chart_in == 0 {
                self.chart_in = self.chart_every;
            }
            if at >= self.day_ends_at {
                self.day_ends_at = at.floor(Span::DAY).plus(Span::DAY);
            }
        }
    }

    fn price(&mut self, at: Timestamp, instrument: InstrumentId, price: Price) {
        let scale = self.scales.get(instrument.index());
        if let (Some(recorder), Some(scale)) = (self.prices.get_mut(instrument.index()), scale) {
            recorder.mark(at, price.units() as f64 / scale.price);
        }
    }

    #[cold]
    fn execution(&mut self, report: &ExecutionReport) {
        match report.execution {
            Execution::Filled(fill) => self.fill(report, &fill),
            Execution::Rejected(_) => {
                self.counts.rejected += 1;
                self.live.remove(&report.order);
            }
            Execution::Expired => {
                self.counts.expired += 1;
                self.live.remove(&report.order);
            }
            Execution::Cancelled => {
                self.live.remove(&report.order);
            }
            Execution::Amended(qty) => {
                if let Some(live) = self.live.get_mut(&report.order) {
                    live.submission.order.qty = qty;
                }
            }
            Execution::Accepted | Execution::Triggered => {}
        }
    }

    fn fill(&mut self, report: &ExecutionReport, fill: &Fill) {
        self.counts.fills += 1;
        self.traded = true;
        let Some(live) = self.live.get_mut(&report.order) else { return };
        let order = &live.submission.order;
        let instrument = order.instrument;
        // What does not fit is more than any order asks for.
        live.filled = live.filled.plus(fill.qty).unwrap_or(Qty::MAX);
        let fact = FillFact::of(&live.submission, report, fill);
        // What was passed before this fill belongs to the lots that were open then.
        flush(&mut self.ranges, &mut self.trades, instrument);
        // An amount that does not fit is refused by the ledger first, so nothing is lost here.
        let _ = self.trades.fill(&fact);
        self.holding = instruments(&self.scales).any(|(id, _)| self.trades.open(id).next().is_some());
        if live.filled >= order.qty {
            self.live.remove(&report.order);
        }
    }
}

impl Observer for RunRecorder<'_> {
    #[inline]
    fn observe(&mut self, core: &Core, at: Timestamp, event: &Event, outputs: &[Output]) {
        // Most of history is trades or bars; everything else is told apart where it does not cost them anything.
        match event {
            Event::Input(Input::Market(MarketUpdate::Trade(trade))) => {
                self.tick(core, at, trade.instrument, trade.price, trade.price);
            }
            Event::Input(Input::Market(MarketUpdate::Bar(bar))) => self.bar(core, bar),
            Event::Input(_) | Event::Output(_) => self.input(core, at, event),
        }
        for output in outputs {
            self.output(at, output);
        }
    }

    fn recorded(&mut self, core: &Core, last: Seq) -> Result<(), JournalError> {
        self.snapshots
            .as_mut()
            .map_or(Ok(()), |snapshots| snapshots.keep(core.state(), last, || core.snapshot()))
    }
}
