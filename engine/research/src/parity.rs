//! A run on real time beside the backtest over what it saw: order by order, in one score, and each difference with its cause.
//!
//! Reading order: `order_facts` reads what a run ordered, `pairs` puts like to like, `causes` says what money came of each
//! difference and why. Both runs saw the same market, so that what all orders of a run are worth at its end is what the run
//! earned, and the parts of all orders add up to the whole difference; what they do not add up to is told, never hidden.

use engine_application::config::policy_of;
use engine_application::wiring::conductor::conductor;
use engine_application::wiring::error::ApplicationError;
use engine_application::wiring::recording::Recording;
use engine_core::envelope::{Envelope, Seq};
use engine_core::event::{Event, Input};
use engine_core::instrument::Instrument;
use engine_core::num::{Money, Price};
use engine_core::state::State;
use engine_core::time::{Span, Timestamp};
use engine_runtime::ports::{EnvironmentError, JournalError, Stamped};
use journal_store::memory_journal::MemoryJournal;
use replay_history::market_source::{Arrival, MarketItem, MarketSource};
use replay_replayer::recorded_inputs::RecordedInputs;
use replay_simulation::backtest::recorder::{RunRecorder, Silent};
use replay_simulation::backtest::{Participants, play};
use replay_simulation::operator::Operator;
use replay_simulation::series_feed::OpenDatasets;

mod causes;
mod order_facts;
mod pairs;

pub use causes::{Cause, Part};
pub use order_facts::OrderFacts;
pub use pairs::OrderPair;

use crate::market_tape::MarketTape;
use causes::Stood;
use order_facts::orders;

/// How far a run on real time and its backtest agree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parity {
    /// Every order of either, by the moment it was decided.
    pub orders: Vec<OrderPair>,
    /// Equity of the run at its end.
    pub run_equity: Money,
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

    /// By how much the run earned more than its backtest; `None` where that does not fit.
    #[must_use]
    pub fn difference(&self) -> Option<Money> {
        self.run_equity.minus(self.backtest_equity)
    }

    /// How many orders a cause had a part in, and what that came to; `None` where a sum does not fit.
    #[must_use]
    pub fn total(&self, cause: Cause) -> Option<(usize, Money)> {
        let parts = self.orders.iter().flat_map(|pair| &pair.parts).filter(|(of, _)| *of == cause);
        parts
            .map(|(_, money)| *money)
            .try_fold((0, Money::ZERO), |(count, sum), money| Some((count + 1, sum.plus(money)?)))
    }

    /// What the parts of all orders leave of the difference: nothing, where everything is explained.
    #[must_use]
    pub fn unexplained(&self) -> Option<Money> {
        Cause::ALL.into_iter().try_fold(self.difference()?, |left, cause| left.minus(self.total(cause)?.1))
    }
}

/// Plays a backtest over what `recording`, a run on real time, saw of its markets, and sets its orders beside those of the run.
///
/// # Errors
/// [`ApplicationError::Request`] when the run is not on real time; otherwise when it cannot be read or played.
pub fn parity(recording: &Recording) -> Result<Parity, ApplicationError> {
    if !recording.is_live() {
        let dir = recording.dir.display();
        return Err(ApplicationError::Request(format!(
            "compare {dir}: it is no run on paper or with real orders; see `engine paper` and `engine live`"
        )));
    }
    let recorded = || recording.reader.envelopes(Seq::FIRST);
    let mut state = recording.opening_state()?;
    let instruments = recording.manifest.instruments.as_slice();
    let run = orders(recorded()?, instruments, Some(&mut state))?;
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
    let backtest = orders(journal.envelopes().into_iter().map(Ok), instruments, None)?;
    let feed_losses = run.feed_losses;
    let mut pairs = pairs::paired(run, backtest);
    // A simulated trade is made of the very record that it was made at; a real one shows beside the others of its moment.
    let seen = if recording.has_real_orders() { |at| at } else { behind };
    explain(&mut pairs, (recorded()?, seen), instruments, outcome.core.state())?;
    Ok(Parity {
        orders: pairs,
        run_equity: state.equity(),
        backtest_equity: outcome.core.state().equity(),
        capital: config.capital,
        feed_losses,
    })
}

/// Says of every pair what money its differences come to at the prices of `end`, the backtest's last state. The run is read from
/// `recorded`, and what its trades met is what stood before the moments that `seen` makes of theirs.
fn explain(
    pairs: &mut [OrderPair],
    (recorded, seen): (impl Iterator<Item = Result<Envelope, JournalError>>, fn(Timestamp) -> Timestamp),
    instruments: &[Instrument],
    end: &State,
) -> Result<(), JournalError> {
    let moments = |order: &OrderFacts| order.filled_at.map(|filled_at| (order.instrument, filled_at));
    let run = pairs.iter().filter_map(|pair| pair.run.as_ref()).filter_map(moments);
    let run = run.map(|(instrument, filled_at)| (instrument, seen(filled_at)));
    let backtest = pairs.iter().filter_map(|pair| pair.backtest.as_ref()).filter_map(moments);
    let backtest = backtest.map(|(instrument, filled_at)| (instrument, behind(filled_at)));
    let mut tape = MarketTape::before(run.chain(backtest));
    for envelope in recorded {
        if let Event::Input(Input::Market(update)) = &envelope?.event {
            tape.see(update);
        }
    }
    let tape = tape.finished();
    let stood = |order: &OrderFacts, at: fn(Timestamp) -> Timestamp| -> Option<Price> {
        let standing = tape.standing(order.instrument, at(order.filled_at?));
        standing.facing(order.side).or(standing.trade)
    };
    for pair in pairs {
        let Some(order) = pair.run.as_ref().or(pair.backtest.as_ref()) else { continue };
        let Some(rules) = instruments.get(order.instrument.index()) else { continue };
        let Some(last) = end.mark(order.instrument) else { continue };
        let parts = match (&pair.run, &pair.backtest) {
            (Some(run), Some(backtest)) => {
                let real = Stood { order: run, price: stood(run, seen) };
                let simulated = Stood { order: backtest, price: stood(backtest, behind) };
                causes::between(real, simulated, rules, last)
            }
            (Some(run), None) => causes::alone(run, Cause::Extra, rules, last),
            (None, Some(backtest)) if pair.refusal.is_some() => {
                causes::alone(backtest, Cause::Refused, rules, last)
            }
            (None, Some(backtest)) => causes::alone(backtest, Cause::Missed, rules, last),
            (None, None) => None,
        };
        pair.parts = parts.unwrap_or_default();
    }
    Ok(())
}

/// The moment right behind `at`.
fn behind(at: Timestamp) -> Timestamp {
    at.plus(Span::from_nanos(1))
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

#[cfg(test)]
mod tests;
