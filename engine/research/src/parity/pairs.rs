//! Orders of two runs put like to like.

use engine_core::refusal::Refusal;
use engine_core::time::{Span, Timestamp};

use super::causes::Part;
use super::order_facts::{OrderFacts, Ordered, Refused};

/// Two orders of one market and side that were decided no farther apart than this are taken for one.
const NEAR: Span = Span::MINUTE;

/// An order of either run, with its like in the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderPair {
    /// In the run; nothing where the backtest alone has it.
    pub run: Option<OrderFacts>,
    /// In the backtest; nothing where the run alone has it.
    pub backtest: Option<OrderFacts>,
    /// Why the gate of the run refused what the backtest ordered.
    pub refusal: Option<Refusal>,
    /// What money its differences come to, for the run, each part with its cause.
    pub parts: Vec<Part>,
}

impl OrderPair {
    const fn of(run: Option<OrderFacts>, backtest: Option<OrderFacts>) -> Self {
        Self { run, backtest, refusal: None, parts: Vec::new() }
    }

    /// Whether both decided and filled it alike: moment, size, price and fees.
    #[must_use]
    pub fn is_same(&self) -> bool {
        let alike =
            |one: &OrderFacts, other: &OrderFacts| OrderFacts { id: other.id, ..one.clone() } == *other;
        matches!((&self.run, &self.backtest), (Some(run), Some(backtest)) if alike(run, backtest))
    }

    /// In a word: `same`, `changed`, `refused` by the gate of the run, `missed` by the run, or `extra` in it.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match (&self.run, &self.backtest) {
            (Some(_), Some(_)) if self.is_same() => "same",
            (Some(_), Some(_)) => "changed",
            (None, _) if self.refusal.is_some() => "refused",
            (None, _) => "missed",
            (Some(_), None) => "extra",
        }
    }

    /// When it was decided, by whichever run did.
    #[must_use]
    pub fn decided_at(&self) -> Timestamp {
        let either = self.run.as_ref().or(self.backtest.as_ref());
        either.map_or(Timestamp::MIN, |order| order.decided_at)
    }
}

/// Pairs the orders of two runs: those decided at one moment first, then those decided within a minute; what the gate of the
/// run refused at the moment of an order of the backtest is no longer looked for.
pub(super) fn paired(run: Ordered, backtest: Ordered) -> Vec<OrderPair> {
    let mut free: Vec<Option<OrderFacts>> = backtest.orders.into_iter().map(Some).collect();
    let mut pairs: Vec<OrderPair> =
        run.orders.into_iter().map(|order| OrderPair::of(Some(order), None)).collect();
    pair_within(&mut pairs, &mut free, Span::ZERO);
    let mut refused = Vec::new();
    for place in &mut free {
        let Some(order) = place else { continue };
        if let Some(Refused { reason, .. }) = run.refused.iter().find(|refused| is_of(refused, order)) {
            refused.push(OrderPair { refusal: Some(*reason), ..OrderPair::of(None, place.take()) });
        }
    }
    pair_within(&mut pairs, &mut free, NEAR);
    let missed = free.into_iter().flatten().map(|order| OrderPair::of(None, Some(order)));
    pairs.extend(missed.chain(refused));
    pairs.sort_by_key(OrderPair::decided_at);
    pairs
}

fn is_of(refused: &Refused, order: &OrderFacts) -> bool {
    (refused.at, refused.instrument, refused.side) == (order.decided_at, order.instrument, order.side)
}

fn pair_within(pairs: &mut [OrderPair], free: &mut [Option<OrderFacts>], apart: Span) {
    for pair in pairs.iter_mut().filter(|pair| pair.backtest.is_none()) {
        let Some(order) = &pair.run else { continue };
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
