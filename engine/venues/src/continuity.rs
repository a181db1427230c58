//! Whether a venue left something out: numbers of trades, of frames and of heartbeats that do not follow each other.

use std::collections::BTreeMap;

use crate::message::{Delivery, MarketMessage, TradeIds, TradePrint};

/// What is numbered.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Numbered {
    /// The trades of a symbol.
    Trades(String),
    /// The aggregates of a symbol's trades.
    Aggregates(String),
    /// The frames of a connection.
    Frames,
    /// The heartbeats of a connection.
    Heartbeats,
}

/// How a number does not follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Break {
    /// Something was left out.
    Gap,
    /// It came before.
    Repeated,
}

/// A number that does not follow the one before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Of what.
    pub of: Numbered,
    /// How.
    pub kind: Break,
    /// The last number known.
    pub known: u64,
    /// The first number that came.
    pub came: u64,
}

/// The last numbers of each kind.
#[derive(Debug, Clone, Default)]
pub struct Continuity {
    trades: BTreeMap<String, u64>,
    aggregates: BTreeMap<String, u64>,
    frame: Option<u64>,
    heartbeat: Option<u64>,
}

impl Continuity {
    /// Begins a new connection: its frames and heartbeats are numbered anew. Trades are numbered by the venue, so one that was
    /// missed in between still shows.
    pub const fn begin_connection(&mut self) {
        self.frame = None;
        self.heartbeat = None;
    }

    /// What the numbers of a message show; nothing where it follows, is the first of its kind, or has none. What the venue
    /// tells about the past only moves the numbers on.
    pub fn observe(&mut self, message: &MarketMessage) -> Option<Finding> {
        match message {
            MarketMessage::Trade(print) => self.observe_trade(print),
            MarketMessage::Sequence { number } => {
                let found = step(&mut self.frame, *number, *number);
                found.map(|(kind, known)| Finding { of: Numbered::Frames, kind, known, came: *number })
            }
            MarketMessage::Heartbeat { counter: Some(counter) } => {
                let found = step(&mut self.heartbeat, *counter, *counter);
                found.map(|(kind, known)| Finding { of: Numbered::Heartbeats, kind, known, came: *counter })
            }
            MarketMessage::Heartbeat { counter: None }
            | MarketMessage::Quote(_)
            | MarketMessage::Kline(_)
            | MarketMessage::BookSnapshot(_)
            | MarketMessage::BookTop(_)
            | MarketMessage::BookChange(_)
            | MarketMessage::Subscribed { .. }
            | MarketMessage::SubscriptionRefused { .. }
            | MarketMessage::ServerShutdown { .. }
            | MarketMessage::VenueStatus { .. }
            | MarketMessage::SymbolStatus { .. }
            | MarketMessage::Listing(_)
            | MarketMessage::Unknown { .. } => None,
        }
    }

    fn observe_trade(&mut self, print: &TradePrint) -> Option<Finding> {
        let (first, last) = print.ids.range()?;
        let is_aggregate = matches!(print.ids, TradeIds::Aggregate { .. });
        let numbers = if is_aggregate { &mut self.aggregates } else { &mut self.trades };
        let Some(known) = numbers.get_mut(&print.symbol) else {
            numbers.insert(print.symbol.clone(), last);
            return None;
        };
        if print.delivery == Delivery::Past {
            *known = last.max(*known);
            return None;
        }
        let mut at = Some(*known);
        let found = step(&mut at, first, last);
        *known = last.max(*known);
        let (kind, known) = found?;
        let of = if is_aggregate { Numbered::Aggregates } else { Numbered::Trades };
        Some(Finding { of: of(print.symbol.clone()), kind, known, came: first })
    }
}

/// Moves a number on, and says how what came does not follow it; what came before does not move it back.
fn step(at: &mut Option<u64>, first: u64, last: u64) -> Option<(Break, u64)> {
    let Some(known) = *at else {
        *at = Some(last);
        return None;
    };
    if last <= known {
        return Some((Break::Repeated, known));
    }
    *at = Some(last);
    let follows = first <= known || known.checked_add(1) == Some(first);
    if follows { None } else { Some((Break::Gap, known)) }
}

#[cfg(test)]
mod tests {
    use engine_core::market::Aggressor;
    use engine_core::num::Decimal;
    use engine_core::time::Timestamp;

    use super::*;

    fn trade(symbol: &str, ids: TradeIds, delivery: Delivery) -> MarketMessage {
        let one = Decimal { units: 1, decimals: 0 };
        MarketMessage::Trade(TradePrint {
            symbol: symbol.to_owned(),
            ids,
            venue_at: Timestamp::MIN,
            price: one,
            qty: one,
            aggressor: Aggressor::Unknown,
            delivery,
        })
    }

    fn kinds(messages: &[MarketMessage]) -> Vec<Option<Break>> {
        let mut continuity = Continuity::default();
        messages.iter().map(|message| continuity.observe(message).map(|finding| finding.kind)).collect()
    }

    #[test]
    fn trades_are_followed_by_symbol() {
        let live = |symbol, id| trade(symbol, TradeIds::Single(id), Delivery::Live);
        let messages = [live("A", 5), live("B", 9), live("A", 6), live("B", 11), live("B", 11), live("A", 7)];
        assert_eq!(kinds(&messages), [None, None, None, Some(Break::Gap), Some(Break::Repeated), None]);
        let past = |id| trade("A", TradeIds::Single(id), Delivery::Past);
        assert_eq!(kinds(&[past(3), past(4), live("A", 5), past(4), live("A", 6)]), [None; 5]);
    }

    #[test]
    fn aggregates_are_followed_by_the_trades_they_hold() {
        let live = |id, first, last| trade("A", TradeIds::Aggregate { id, first, last }, Delivery::Live);
        let messages = [live(1, 10, 12), live(2, 13, 13), live(3, 15, 20), live(3, 15, 20), live(4, 18, 25)];
        assert_eq!(kinds(&messages), [None, None, Some(Break::Gap), Some(Break::Repeated), None]);
    }

    #[test]
    fn frames_and_heartbeats_begin_anew_with_a_connection() {
        let mut continuity = Continuity::default();
        let frame = |number| MarketMessage::Sequence { number };
        let beat = |counter| MarketMessage::Heartbeat { counter: Some(counter) };
        assert_eq!(continuity.observe(&frame(u64::MAX - 1)), None);
        assert_eq!(continuity.observe(&frame(u64::MAX)), None);
        assert_eq!(continuity.observe(&beat(7)), None);
        let gap = Finding { of: Numbered::Heartbeats, kind: Break::Gap, known: 7, came: 9 };
        assert_eq!(continuity.observe(&beat(9)), Some(gap));
        continuity.begin_connection();
        assert_eq!((continuity.observe(&frame(0)), continuity.observe(&beat(40))), (None, None));
    }
}
