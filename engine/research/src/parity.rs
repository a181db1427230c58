//! A run on paper beside the backtest over what it saw: order by order, and in one score.

use std::collections::BTreeMap;

use engine_application::config::policy_of;
use engine_application::wiring::conductor::conductor;
use engine_application::wiring::error::ApplicationError;
use engine_application::wiring::recording::Recording;
use engine_core::envelope::{Envelope, Seq};
use engine_core::event::{Event, Execution, Input, Output};
use engine_core::instrument::InstrumentId;
use engine_core::market::Side;
use engine_core::num::{Money, Price, Qty};
use engine_core::order::OrderId;
use engine_core::time::{Span, Timestamp};
use engine_runtime::ports::{EnvironmentError, JournalError, Stamped};
use journal_store::memory_journal::MemoryJournal;
use replay_history::market_source::{Arrival, MarketItem, MarketSource};
use replay_replayer::recorded_inputs::RecordedInputs;
use replay_simulation::backtest::recorder::{RunRecorder, Silent};
use replay_simulation::backtest::{Participants, play};
use replay_simulation::operator::Operator;
use replay_simulation::series_feed::OpenDatasets;

/// Two orders of one market and side that were decided no farther apart than this are taken for one.
const NEAR: Span = Span::MINUTE;

/// An order and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderFacts {
    /// Its number in its run.
    pub id: OrderId,
    /// What it trades.
    pub instrument: InstrumentId,
    /// To which side.
    pub side: Side,
    /// When it was decided.
    pub decided_at: Timestamp,
    /// The price at which it was decided.
    pub decided_price: Price,
    /// How much was wanted.
    pub qty: Qty,
    /// How much was filled.
    pub filled: Qty,
    /// When it was filled first, by the venue.
    pub filled_at: Option<Timestamp>,
    /// The price of its first fill.
    pub fill_price: Option<Price>,
    /// Fees of all fills.
    pub fees: Money,
}

/// An order of either run, with its like in the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderPair {
    /// On paper; nothing where the backtest alone has it.
    pub paper: Option<OrderFacts>,
    /// In the backtest; nothing where the paper run alone has it.
    pub backtest: Option<OrderFacts>,
}

impl OrderPair {
    /// Whether both decided and filled it alike: moment, size, price and fees.
    #[must_use]
    pub fn is_same(&self) -> bool {
        let alike =
            |one: &OrderFacts, other: &OrderFacts| OrderFacts { id: other.id, ..one.clone() } == *other;
        matches!((&self.paper, &self.backtest), (Some(paper), Some(backtest)) if alike(paper, backtest))
    }

    /// In a word: `same`, `changed`, `missed` by the paper run, or `extra` in it.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match (&self.paper, &self.backtest) {
            (Some(_), Some(_)) if self.is_same() => "same",
            (Some(_), Some(_)) => "changed",
            (None, _) => "missed",
            (Some(_), None) => "extra",
        }
    }

    /// When it was decided, by whichever run did.
    #[must_use]
    pub fn decided_at(&self) -> Timestamp {
        let either = self.paper.as_ref().or(self.backtest.as_ref());
        either.map_or(Timestamp::MIN, |order| order.decided_at)
    }
}

/// How far a run on paper and its backtest agree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parity {
    /// Every order of either, by the moment it was decided.
    pub orders: Vec<OrderPair>,
    /// Equity of the paper run at its end.
    pub paper_equity: Money,
    /// Equity of the backtest at its end.
    pub backtest_equity: Money,
    /// Start capital of both.
    pub capital: Money,
    /// How often a feed was lost or had a gap: what the backtest does not know of.
    pub feed_losses: usize,
}

impl Parity {
    /// How many orders are of this word.
    #[must_use]
    pub fn count(&self, word: &str) -> usize {
        self.orders.iter().filter(|pair| pair.word() == word).count()
    }

    /// The share of orders that both decided and filled alike; 1 where there are none.
    #[must_use]
    pub fn score(&self) -> f64 {
        if self.orders.is_empty() {
            return 1.0;
        }
        self.count("same") as f64 / self.orders.len() as f64
    }
}

/// Plays a backtest over what `recording`, a run on paper, saw of its markets, and sets its orders beside those of the run.
///
/// # Errors
/// [`ApplicationError::Request`] when the run is not on paper; otherwise when it cannot be read or played.
pub fn parity(recording: &Recording) -> Result<Parity, ApplicationError> {
    if !recording.is_live() {
        let dir = recording.dir.display();
        return Err(ApplicationError::Request(format!(
            "compare {dir}: it is no run on paper; see `engine paper`"
        )));
    }
    let recorded = || recording.reader.envelopes(Seq::FIRST);
    let paper = orders(recorded()?)?;
    let mut datasets = OpenDatasets::default();
    let settings = recording.settings();
    let (config, _) = recording.again(settings, &[], &mut datasets)?;
    let strategy = policy_of(settings, &config.instruments)
        .map_err(|error| ApplicationError::manifest(&recording.dir, &error))?;
    let cast = Participants { strategy, conductor: conductor(settings)?, operator: Operator::default() };
    let mut journal = MemoryJournal::default();
    let mut silent = Silent;
    let held = (config.costs.taker_share(), Timestamp::MIN);
    let mut recorder = RunRecorder::new(&config.instruments, config.capital, held, 0, &mut silent);
    let source = SeenMarkets(RecordedInputs::new(recorded()?));
    let outcome = play(&config, cast, source, recording.manifest.clone(), &mut journal, &mut recorder)?;
    let backtest = orders(journal.envelopes().into_iter().map(Ok))?;
    Ok(Parity {
        orders: paired(paper.orders, backtest.orders),
        paper_equity: paper_equity(recording)?,
        backtest_equity: outcome.core.state().equity(),
        capital: config.capital,
        feed_losses: paper.feed_losses,
    })
}

/// The equity at the end of the recorded run.
fn paper_equity(recording: &Recording) -> Result<Money, ApplicationError> {
    let mut state = recording.opening_state()?;
    for envelope in recording.reader.envelopes(Seq::FIRST)? {
        let envelope = envelope?;
        state.apply(envelope.at, &envelope.event);
    }
    Ok(state.equity())
}

/// What a run saw of its markets, past bars among it, as if no feed had ever been lost.
struct SeenMarkets<R>(RecordedInputs<R>);

impl<R> MarketSource for SeenMarkets<R>
where
    R: Iterator<Item = Result<Envelope, JournalError>>,
{
    fn next(&mut self) -> Result<Option<MarketItem>, EnvironmentError> {
        self.0.next()
    }

    fn wait(&mut self, until: Option<Timestamp>) -> Result<Arrival, EnvironmentError> {
        loop {
            let arrival = self.0.wait(until)?;
            let is_seen = match &arrival {
                Arrival::Told(_, input) => matches!(**input, Input::History(_)),
                Arrival::Record(_) | Arrival::Nothing(_) | Arrival::End => true,
            };
            if is_seen {
                return Ok(arrival);
            }
        }
    }

    fn read_into(&mut self, slot: &mut Stamped) -> Result<bool, EnvironmentError> {
        self.0.read_into(slot)
    }
}

/// The orders of a run.
struct Ordered {
    orders: Vec<OrderFacts>,
    feed_losses: usize,
}

fn orders(events: impl Iterator<Item = Result<Envelope, JournalError>>) -> Result<Ordered, JournalError> {
    let mut found: BTreeMap<OrderId, OrderFacts> = BTreeMap::new();
    let mut feed_losses = 0;
    for envelope in events {
        let envelope = envelope?;
        match envelope.event {
            Event::Output(Output::OrderSubmitted(submission)) => {
                let order = submission.order;
                let facts = OrderFacts {
                    id: order.id,
                    instrument: order.instrument,
                    side: order.side,
                    decided_at: envelope.at,
                    decided_price: order.decided_price,
                    qty: order.qty,
                    filled: Qty::ZERO,
                    filled_at: None,
                    fill_price: None,
                    fees: Money::ZERO,
                };
                found.insert(order.id, facts);
            }
            Event::Input(Input::Execution(report)) => {
                if let (Execution::Filled(fill), Some(facts)) =
                    (report.execution, found.get_mut(&report.order))
                    && let (Some(filled), Some(fees)) =
                        (facts.filled.plus(fill.qty), facts.fees.plus(fill.fee))
                {
                    (facts.filled, facts.fees) = (filled, fees);
                    facts.filled_at.get_or_insert(report.venue_at);
                    facts.fill_price.get_or_insert(fill.price);
                }
            }
            Event::Input(Input::Feed(status)) => feed_losses += usize::from(!status.condition.is_flowing()),
            Event::Input(_) | Event::Output(_) => {}
        }
    }
    Ok(Ordered { orders: found.into_values().collect(), feed_losses })
}

/// Pairs the orders of two runs: those decided at one moment first, then those decided within a minute.
fn paired(paper: Vec<OrderFacts>, backtest: Vec<OrderFacts>) -> Vec<OrderPair> {
    let mut free: Vec<Option<OrderFacts>> = backtest.into_iter().map(Some).collect();
    let mut pairs: Vec<OrderPair> =
        paper.into_iter().map(|order| OrderPair { paper: Some(order), backtest: None }).collect();
    for apart in [Span::ZERO, NEAR] {
        for pair in pairs.iter_mut().filter(|pair| pair.backtest.is_none()) {
            let Some(order) = &pair.paper else { continue };
            let like = |other: &&mut Option<OrderFacts>| {
                other.as_ref().is_some_and(|other| {
                    let between = order.decided_at.since(other.decided_at).nanos().unsigned_abs();
                    (other.instrument, other.side) == (order.instrument, order.side)
                        && between <= apart.nanos().unsigned_abs()
                })
            };
            pair.backtest = free.iter_mut().find(like).and_then(Option::take);
        }
    }
    let missed = free.into_iter().flatten().map(|order| OrderPair { paper: None, backtest: Some(order) });
    pairs.extend(missed);
    pairs.sort_by_key(OrderPair::decided_at);
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(id: u64, second: i64, side: Side, price: i64) -> OrderFacts {
        OrderFacts {
            id: OrderId::new(id),
            instrument: InstrumentId::new(0),
            side,
            decided_at: Timestamp::from_nanos(second * Span::SECOND.nanos()),
            decided_price: Price::from_units(price),
            qty: Qty::from(1),
            filled: Qty::from(1),
            filled_at: None,
            fill_price: Some(Price::from_units(price)),
            fees: Money::ZERO,
        }
    }

    #[test]
    fn orders_are_paired_by_moment_then_nearby_and_the_rest_is_missed_or_extra() {
        let paper = vec![
            order(1, 100, Side::Buy, 10),
            order(2, 200, Side::Sell, 11),
            order(3, 330, Side::Buy, 12),
            order(4, 900, Side::Buy, 13),
        ];
        let backtest = vec![
            order(7, 100, Side::Buy, 10),
            order(8, 200, Side::Sell, 12),
            order(9, 300, Side::Buy, 12),
            order(10, 500, Side::Sell, 12),
        ];
        let orders = paired(paper, backtest);
        let words: Vec<&str> = orders.iter().map(OrderPair::word).collect();
        assert_eq!(words, ["same", "changed", "changed", "missed", "extra"]);
        let zero = Money::ZERO;
        let parity =
            Parity { orders, paper_equity: zero, backtest_equity: zero, capital: zero, feed_losses: 0 };
        assert!((parity.score() - 0.2).abs() < 1e-12);
        assert_eq!((parity.count("missed"), parity.count("extra")), (1, 1));
    }
}
