//! A recorded run read back as what significance needs: daily equity, exposures, and buying and holding beside.
//!
//! Nothing is decided again: events are folded as they were recorded, so a run can be judged without the strategy
//! or the model that made it.

use engine_core::envelope::Envelope;
use engine_core::event::{Event, Input, Output, SessionMark};
use engine_core::halt::HaltReason;
use engine_core::instrument::InstrumentId;
use engine_core::market::MarketUpdate;
use engine_core::num::{Decimal, Price, power_of_ten};
use engine_core::state::State;
use engine_core::time::{Span, Timestamp};
use engine_runtime::ports::JournalError;

use crate::ReplayError;
use crate::legality::{legal, legal_record};
use replay_history::market_source::MarketSource;
use replay_statistics::significance::exposure::Exposures;
use replay_statistics::{BuyAndHold, EquityRecorder, money_f64};

/// Between two looks at a market of ticks; bars are looked at one by one.
const LOOK_EVERY: Span = Span::MINUTE;

/// What a run came to, day by day and interval by interval.
#[derive(Debug, Clone)]
pub struct Trace {
    /// Equity, sampled exactly where the run itself sampled it.
    pub equity: EquityRecorder,
    /// The same money in equal parts in every instrument, bought at one moment and never sold.
    pub holding: EquityRecorder,
    /// What was held at the beginning of each interval, and how prices moved over it.
    pub exposures: Exposures,
    /// Halts of trading, with their moments.
    pub halts: Vec<(Timestamp, HaltReason)>,
    /// Market records folded.
    pub records_read: u64,
}

/// Folds a whole run from `state`, which must be as before its first event; buying and holding buys at `bought_at`
/// and pays `fee` once, as a share.
///
/// An exposure is the position as it stands once every order for the interval's opening has filled: what stops and
/// limits do inside a bar does not change it.
///
/// # Errors
/// [`ReplayError`] when run or datasets cannot be read.
pub fn trace<S, R>(
    state: State,
    (fee, bought_at): (f64, Timestamp),
    source: &mut S,
    recorded: R,
) -> Result<Trace, ReplayError>
where
    S: MarketSource,
    R: Iterator<Item = Result<Envelope, JournalError>>,
{
    let mut tracer = Tracer::new(state, fee, bought_at);
    for envelope in recorded {
        let envelope = envelope?;
        let illegal = |reason| ReplayError::Illegal { seq: envelope.seq.number(), reason };
        let own = matches!(envelope.event, Event::Input(Input::Market(_)));
        let before = envelope.records_read.saturating_sub(u64::from(own));
        while tracer.state.records_read() < before {
            let Some(item) = source.next()? else {
                let (seq, records_read) = (envelope.seq.number(), tracer.state.records_read());
                return Err(ReplayError::DatasetTooShort { seq, records_read, wanted: before });
            };
            legal_record(&tracer.state).map_err(illegal)?;
            let at = item.at.max(tracer.state.now());
            tracer.fold(at, &Event::Input(Input::Market(item.update)));
        }
        legal(&tracer.state, envelope.at, &envelope.event).map_err(illegal)?;
        tracer.fold(envelope.at, &envelope.event);
    }
    if tracer.state.records_read() == 0 {
        return Err(ReplayError::Empty);
    }
    tracer.settle();
    let records_read = tracer.state.records_read();
    let Tracer { equity, holding, exposures, halts, .. } = tracer;
    Ok(Trace { equity, holding, exposures, halts, records_read })
}

/// What was seen at the end of an interval.
#[derive(Debug)]
struct Look {
    /// When the engine knew it.
    known: Timestamp,
    /// The moment it speaks for.
    at: Timestamp,
    equity: f64,
    marks: Vec<f64>,
    /// What was held over the interval that ends here, when one does.
    held: Option<Vec<f64>>,
}

struct Tracer {
    state: State,
    equity: EquityRecorder,
    holding: EquityRecorder,
    reference: BuyAndHold,
    exposures: Exposures,
    halts: Vec<(Timestamp, HaltReason)>,
    look: Option<Look>,
    /// Marks and equity at the last look; a mark of zero is none.
    marks: Vec<f64>,
    worth: f64,
    /// Exposures may be read once this moment is over.
    since: Timestamp,
    held: Option<Vec<f64>>,
    next_look: Timestamp,
}

impl Tracer {
    fn new(state: State, fee: f64, bought_at: Timestamp) -> Self {
        let capital = money_f64(state.equity());
        let instruments = state.instruments().len();
        Self {
            equity: EquityRecorder::new(capital),
            holding: EquityRecorder::new(capital),
            reference: BuyAndHold::new(capital, instruments, fee, bought_at),
            exposures: Exposures::new(instruments),
            halts: Vec::new(),
            look: None,
            marks: vec![0.0; instruments],
            worth: capital,
            since: Timestamp::MIN,
            held: None,
            next_look: Timestamp::MIN,
            state,
        }
    }

    fn fold(&mut self, at: Timestamp, event: &Event) {
        if self.look.as_ref().is_some_and(|look| at > look.known) {
            self.settle();
        }
        if self.held.is_none() && at > self.since {
            self.held = Some(self.exposure());
        }
        self.state.apply(at, event);
        let input = match event {
            Event::Input(input) => input,
            Event::Output(Output::TradingHalted(reason)) => {
                self.halts.push((at, *reason));
                return;
            }
            Event::Output(_) => return,
        };
        match input {
            Input::Market(MarketUpdate::Bar(bar)) => {
                let power = self.price_power(bar.instrument);
                let price = |price: Price| price.units() as f64 / power;
                self.reference.bar(bar, price(bar.open), price(bar.close));
                self.begin(bar.open_at);
                self.look(at, bar.close_at);
            }
            Input::Market(update @ (MarketUpdate::Trade(_) | MarketUpdate::Quote(_))) => {
                self.tell_reference(at, update.instrument());
                self.tick(at);
            }
            Input::Market(MarketUpdate::SignalBar(_)) => {}
            Input::Market(MarketUpdate::Open(_)) => {
                self.since = at;
                self.held = None;
            }
            Input::Session(SessionMark::Closed | SessionMark::Interrupted) => {
                self.reference.close();
                let moment = self.look.as_ref().map_or(at, |look| look.at);
                self.look(at, moment.max(at));
                self.settle();
            }
            Input::Session(SessionMark::Opened(_) | SessionMark::Resumed)
            | Input::Feed(_)
            | Input::Execution(_)
            | Input::Operator(_)
            | Input::Inference(_)
            | Input::Conductor(_)
            | Input::EffectFailed(_)
            | Input::Clock(_)
            | Input::DataFault(_)
            | Input::Account(_)
            | Input::Listing(_)
            | Input::History(_)
            | Input::Deadline => {}
        }
    }

    /// Units of price in one of an instrument.
    fn price_power(&self, instrument: InstrumentId) -> f64 {
        self.state.instrument(instrument).map_or(1.0, |rules| power(rules.price_decimals))
    }

    fn tell_reference(&mut self, at: Timestamp, instrument: InstrumentId) {
        if let Some(mark) = self.state.mark(instrument) {
            self.reference.price(instrument, at, mark.units() as f64 / self.price_power(instrument));
        }
    }

    fn begin(&mut self, at: Timestamp) {
        self.equity.begin(at);
        self.holding.begin(at);
    }

    fn tick(&mut self, at: Timestamp) {
        if at >= self.next_look {
            self.begin(at);
            self.look(at, at);
            self.next_look = at.floor(LOOK_EVERY).plus(LOOK_EVERY);
        }
    }

    /// Looks at equity and marks. Of several looks at one moment the last counts: bars of several instruments close
    /// together, and only then do all their marks belong together.
    fn look(&mut self, known: Timestamp, at: Timestamp) {
        let marks = self.marks_now();
        let equity = money_f64(self.state.equity());
        let held = match self.look.take() {
            Some(look) => look.held,
            None => self.held.take(),
        };
        self.since = known;
        self.held = None;
        self.look = Some(Look { known, at, equity, marks, held });
    }

    /// Books the last look: the moment is over.
    fn settle(&mut self) {
        let Some(Look { at, equity, marks, held, .. }) = self.look.take() else { return };
        for (index, mark) in (0_u16..).zip(&marks) {
            self.reference.mark(InstrumentId::new(index), *mark);
        }
        let gross: f64 = held.iter().flatten().map(|share| share.abs()).sum();
        self.equity.sample(at, equity, gross * equity, gross > 0.0);
        self.holding.sample(at, self.reference.value(), self.reference.value(), true);
        let moved: Vec<f64> =
            marks.iter().zip(&self.marks).map(|(now, before)| change(*now, *before)).collect();
        let known = self.marks.iter().any(|mark| *mark > 0.0);
        if let (Some(held), true) = (held, known) {
            self.exposures.push(&held, &moved);
        }
        self.marks = marks;
        self.worth = equity;
    }

    /// The value of each position at the last look's marks over the equity there.
    fn exposure(&self) -> Vec<f64> {
        let value = |(id, mark): (InstrumentId, &f64)| {
            let rules = self.state.instrument(id)?;
            let held = self.state.ledger().position(id).qty;
            let qty = held.units() as f64 / power(rules.qty_decimals);
            (self.worth > 0.0).then(|| qty * mark / self.worth)
        };
        self.state.instrument_ids().zip(&self.marks).map(|pair| value(pair).unwrap_or(0.0)).collect()
    }

    fn marks_now(&self) -> Vec<f64> {
        let mark = |id: InstrumentId| {
            let decimals = self.state.instrument(id)?.price_decimals;
            Some(self.state.mark(id)?.units() as f64 / power(decimals))
        };
        self.state.instrument_ids().map(|id| mark(id).unwrap_or(0.0)).collect()
    }
}

fn power(decimals: u8) -> f64 {
    // An instrument has at most 18 decimals, so the power is there.
    Decimal { units: power_of_ten(decimals).unwrap_or(1), decimals: 0 }.to_f64()
}

/// The return from one mark to the next; none where there was no mark.
fn change(now: f64, before: f64) -> f64 {
    if before > 0.0 { now / before - 1.0 } else { 0.0 }
}
