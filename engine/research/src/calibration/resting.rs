//! Which resting limit orders the market touched without trading through them, and which of those traded.
//!
//! That is the one question that `venue.limit_fill` answers: does a touch fill, or does our place in the queue let it pass?

use engine_core::fill::Liquidity;
use engine_core::instrument::InstrumentId;
use engine_core::market::{Side, Trade};
use engine_core::num::Price;
use engine_core::order::OrderKind;
use engine_core::time::{Span, Timestamp};

use super::order_lives::OrderLife;

/// Records are told no later than this behind their moment, or are not asked for.
const LATE_MAX: Span = Span::MINUTE;

/// The time an order rested before it first traded or was over, by the venue's clock.
#[derive(Debug, Clone, Copy)]
struct Rest {
    instrument: InstrumentId,
    side: Side,
    limit: Price,
    from: Timestamp,
    until: Timestamp,
    traded_at: Option<Timestamp>,
    touched_at: Option<Timestamp>,
    passed_at: Option<Timestamp>,
}

/// Every order that rested, and what the market did to it.
#[derive(Debug, Default)]
pub(super) struct RestingOrders {
    /// By their beginning.
    rests: Vec<Rest>,
    /// Places of those that rest now, or rested within the last minute.
    resting: Vec<usize>,
    begun: usize,
}

/// How often a touch filled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Touches {
    pub(super) touched: usize,
    pub(super) filled: usize,
}

impl RestingOrders {
    pub(super) fn of<'a>(lives: impl Iterator<Item = &'a OrderLife>) -> Self {
        let mut rests: Vec<Rest> = lives.filter_map(rest).collect();
        rests.sort_by_key(|rest| rest.from);
        Self { rests, resting: Vec::new(), begun: 0 }
    }

    /// Sees a trade of a market.
    pub(super) fn see(&mut self, trade: &Trade) {
        while self.rests.get(self.begun).is_some_and(|rest| rest.from < trade.venue_at) {
            self.resting.push(self.begun);
            self.begun += 1;
        }
        let rests = &mut self.rests;
        self.resting.retain(|place| {
            let Some(rest) = rests.get_mut(*place) else { return false };
            rest.see(trade);
            trade.venue_at.since(rest.until) <= LATE_MAX
        });
    }

    /// What came of all of them.
    pub(super) fn touches(&self) -> Touches {
        let mut touches = Touches::default();
        for rest in &self.rests {
            let is_before_passing = |at: Timestamp| rest.passed_at.is_none_or(|passed_at| at < passed_at);
            let is_filled = rest.traded_at.is_some_and(is_before_passing);
            let is_touched = is_filled || rest.touched_at.is_some_and(is_before_passing);
            touches.filled += usize::from(is_filled);
            touches.touched += usize::from(is_touched);
        }
        touches
    }
}

impl Rest {
    fn see(&mut self, trade: &Trade) {
        if trade.instrument != self.instrument || trade.venue_at <= self.from || trade.venue_at > self.until {
            return;
        }
        let beyond = match self.side {
            Side::Buy => self.limit.units().checked_sub(trade.price.units()),
            Side::Sell => trade.price.units().checked_sub(self.limit.units()),
        };
        let earlier =
            |known: Option<Timestamp>| Some(known.map_or(trade.venue_at, |known| known.min(trade.venue_at)));
        match beyond {
            Some(0) => self.touched_at = earlier(self.touched_at),
            Some(beyond) if beyond > 0 => self.passed_at = earlier(self.passed_at),
            Some(_) | None => {}
        }
    }
}

/// The rest of an order, where it rested: one that took at once, or of which nobody knows when it came, did not.
fn rest(life: &OrderLife) -> Option<Rest> {
    let limit = match life.order.kind {
        OrderKind::Limit(limit) => limit,
        OrderKind::Market
        | OrderKind::StopMarket(_)
        | OrderKind::StopLimit(_)
        | OrderKind::TrailingStop(_) => return None,
    };
    let (from, _) = life.known_at?;
    let first = life.traded.iter().min_by_key(|traded| traded.venue_at);
    if first.is_some_and(|traded| traded.fill.liquidity == Liquidity::Taker) {
        return None;
    }
    let traded_at = first.map(|traded| traded.venue_at);
    Some(Rest {
        instrument: life.order.instrument,
        side: life.order.side,
        limit,
        from,
        until: traded_at.or(life.ended_at).unwrap_or(Timestamp::MAX),
        traded_at,
        touched_at: None,
        passed_at: None,
    })
}
