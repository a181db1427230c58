//! How a connection begins and ends.

use std::collections::BTreeSet;

use engine_core::event::{AccountEvent, FailedAct};
use engine_core::order::OrderId;
use engine_core::time::Timestamp;

use super::doubt::Doubt;
use super::{ASK_AGAIN_AFTER, LOOK_BACK, Link, OrderGateway, Pending, Purpose, REMEMBERED_MAX};

impl OrderGateway {
    /// There is a connection that speaks for the account, and what happens is told on it: asks what happened before.
    ///
    /// Of the orders that the venue has taken, those that work are told in one list for each market; what became of the others
    /// is asked one by one.
    pub fn connected(&mut self, now: Timestamp) {
        (self.link, self.is_first) = (Link::Beginning, true);
        self.orders.values_mut().filter_map(|known| known.doubt.as_mut()).for_each(Doubt::cut_off);
        let mut markets = BTreeSet::new();
        let open: Vec<OrderId> =
            self.orders.iter().filter(|(_, known)| !known.is_over).map(|(id, _)| *id).collect();
        for id in open {
            let Some(known) = self.orders.get(&id) else { continue };
            match (known.is_accepted, &known.name) {
                (false, _) => self.doubt(id, now),
                (true, None) => self.ask(now, Purpose::Query(id)),
                (true, Some(_)) => drop(markets.insert(known.order.instrument.index())),
            }
        }
        markets.into_iter().for_each(|market| self.ask(now, Purpose::OpenOrders(market)));
        self.ask_for_trades(now);
        let strays = self.strays.iter().map(|stray| (self.market_of(&stray.symbol), stray.order_id.clone()));
        let mut strays: Vec<(Option<usize>, String)> = strays.collect();
        strays.dedup();
        for (market, name) in strays {
            if let Some(market) = market {
                self.ask(now, Purpose::Lookup(market, name));
            }
        }
        self.statement.begin(now);
        self.judge_beginning(now);
    }

    /// The connection is gone at `now`. Orders that went out and were not answered may have arrived.
    pub fn disconnected(&mut self, now: Timestamp) {
        self.link = Link::Down;
        self.requests.clear();
        self.later.clear();
        self.statement.forget();
        for (number, pending) in core::mem::take(&mut self.pending) {
            self.await_late(number, &pending);
            self.cut_off(now, &pending, "the connection was lost");
        }
    }

    /// Orders are taken once every question with which a connection begins is answered.
    pub(super) fn judge_beginning(&mut self, now: Timestamp) {
        let asks = self.pending.values().any(|pending| pending.purpose.begins());
        let waits = self.later.iter().any(|(_, purpose)| purpose.begins());
        if self.link == Link::Beginning && !asks && !waits {
            self.link = Link::Ready;
            // What was before a run began is in what the venue states first.
            self.known_until.iter_mut().for_each(|known| *known = known.or(Some(now)));
        }
    }

    /// Asks what was traded since it is known for certain: a stream can leave something out without a word.
    pub(super) fn ask_for_trades(&mut self, now: Timestamp) {
        for market in 0..self.markets.len() {
            self.ask(now, Purpose::Fills(market, self.trades_known_until(now, market).plus(LOOK_BACK)));
        }
    }

    /// Asks once more what was traded in a market; a moment later, where that is being asked.
    pub(super) fn ask_for_trades_in(&mut self, now: Timestamp, market: usize) {
        let purpose = Purpose::Fills(market, self.trades_known_until(now, market).plus(LOOK_BACK));
        match self.pending.values().any(|pending| matches!(pending.purpose, Purpose::Fills(..))) {
            true => self.ask_at(now.plus(ASK_AGAIN_AFTER), purpose),
            false => self.ask(now, purpose),
        }
    }

    /// Of a run that begins, the trades just before are asked for too: told then, they are in what the venue states first, and
    /// told later they would be counted twice.
    fn trades_known_until(&self, now: Timestamp, market: usize) -> Timestamp {
        self.known_until.get(market).copied().flatten().unwrap_or(now)
    }

    /// Asks what an order of ours has traded, unless that is being asked.
    pub(super) fn ask_for_trades_of(&mut self, now: Timestamp, id: OrderId) {
        let purpose = Purpose::OrderFills(id);
        let is_asked = self.pending.values().any(|pending| pending.purpose == purpose)
            || self.later.iter().any(|(_, other)| *other == purpose);
        if let Some(known) = self.orders.get_mut(&id)
            && !is_asked
        {
            known.asked = known.told;
            self.ask(now, purpose);
        }
    }

    /// The trades of an order of ours were told: the venue's word of the order may be ahead of them still.
    pub(super) fn trades_told(&mut self, now: Timestamp, id: OrderId) {
        let Some(known) = self.orders.get_mut(&id).filter(|known| known.told > known.filled) else { return };
        let has_gone_on = known.told > core::mem::replace(&mut known.asked, known.told);
        match has_gone_on {
            true => self.ask(now, Purpose::OrderFills(id)),
            // Its list of trades lags behind.
            false => self.ask_at(now.plus(ASK_AGAIN_AFTER), Purpose::OrderFills(id)),
        }
    }

    /// The trades of a market were told from `from` until `until`.
    pub(super) fn learn_trades(&mut self, market: usize, from: Timestamp, until: Timestamp) {
        if let Some(Some(known)) = self.known_until.get_mut(market)
            && from <= known.plus(LOOK_BACK)
        {
            *known = until.max(*known);
        }
    }

    /// Nobody waits any longer for the answers that are overdue.
    pub(super) fn give_up_answers(&mut self, now: Timestamp) {
        let is_overdue = |pending: &Pending| pending.overdue_at().is_some_and(|at| at <= now);
        let overdue = self.pending.iter().filter(|(_, pending)| is_overdue(pending));
        let overdue: Vec<u64> = overdue.map(|(number, _)| *number).collect();
        for number in overdue {
            if let Some(pending) = self.pending.remove(&number) {
                // What has not been written by now never is: an order must not leave behind the word that it has not.
                if !self.withdraw(number) {
                    self.await_late(number, &pending);
                }
                self.cut_off(now, &pending, "the venue did not answer within ten seconds");
            }
        }
    }

    /// The answer to an order may still come, though nobody waits for it: it says what became of the order.
    fn await_late(&mut self, number: u64, pending: &Pending) {
        if let (Purpose::Place(order), Some(_)) = (&pending.purpose, pending.sent_at) {
            self.overdue.insert(number, *order);
        }
        while self.overdue.len() > REMEMBERED_MAX {
            self.overdue.pop_first();
        }
    }

    /// No answer will come to a request.
    fn cut_off(&mut self, now: Timestamp, pending: &Pending, why: &str) {
        match (&pending.purpose, pending.sent_at) {
            (Purpose::Place(order), Some(sent_at)) => self.doubt(*order, sent_at),
            (Purpose::Place(_), None) => self.failed(&pending.purpose, why),
            // The end of an order can be asked for any number of times.
            (Purpose::Cancel(order), _) => self.tell_failure(FailedAct::Cancel(*order), why),
            (Purpose::Balances, _) => self.statement.unanswered(now),
            (
                Purpose::Query(_)
                | Purpose::Lookup(..)
                | Purpose::OrderFills(_)
                | Purpose::Fills(..)
                | Purpose::OpenOrders(_),
                _,
            ) if self.link != Link::Down => {
                self.ask_at(now.plus(ASK_AGAIN_AFTER), pending.purpose.clone());
            }
            // A new connection begins with all of them.
            (Purpose::Query(_) | Purpose::Lookup(..) | Purpose::OrderFills(_), _)
            | (Purpose::Fills(..) | Purpose::OpenOrders(_), _) => {}
        }
    }

    /// Order `id` went out at `sent_at`, and nobody knows whether it arrived.
    pub(super) fn doubt(&mut self, id: OrderId, sent_at: Timestamp) {
        let Some(known) = self.orders.get_mut(&id).filter(|known| !known.is_accepted && !known.is_over)
        else {
            return;
        };
        let is_new = known.doubt.is_none();
        known.doubt.get_or_insert_with(|| Doubt::new(sent_at));
        if is_new {
            self.tell(AccountEvent::Unanswered(id));
        }
    }
}
