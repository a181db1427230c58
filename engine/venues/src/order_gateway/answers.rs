//! What answers to requests mean for what they were made for.

use engine_core::event::{AccountEvent, Execution, FailedAct, OrderWords, RejectReason, VenuePause};
use engine_core::order::OrderId;
use engine_core::time::{Span, Timestamp};

use super::{ASK_AGAIN_AFTER, OrderGateway, Pending, Purpose};
use crate::account_message::AccountMessage;
use crate::order_answer::OrderAnswer;
use crate::outcome::{HaltCause, Outcome, Wait, Words};

/// How long nothing is sent where the venue asks for a pause and does not say how long.
const PAUSE: Span = Span::from_nanos(10_000_000_000);

/// How much longer than until a moment by the venue's clock nothing is asked: two clocks are known to each other to a part of a
/// second.
const CLOCKS_AGREE_TO: Span = Span::from_nanos(250_000_000);

/// The shortest ban of a venue, for one that does not say how long it is.
const BANNED_FOR: Span = Span::from_nanos(120_000_000_000);

/// Between two questions for an order that its venue took and does not find.
const LOST_EVERY: Span = Span::from_nanos(5_000_000_000);

/// Trades of one answer from which on there may be more of them.
const FILLS_MAX: usize = 1_000;

impl OrderGateway {
    /// Request `number` is answered.
    pub fn answered(&mut self, now: Timestamp, number: u64, answer: OrderAnswer) {
        let OrderAnswer { outcome, messages, next_page } = answer;
        self.is_first &= self.is_paused(now);
        self.own_names(now, &messages);
        let Some(pending) = self.pending.remove(&number) else {
            return self.answered_late(now, number, (outcome, messages));
        };
        match &pending.purpose {
            Purpose::Place(order) => self.placed(now, *order, &pending, (outcome, messages)),
            Purpose::Cancel(order) => self.cancelled(now, *order, (outcome, messages)),
            Purpose::Query(order) => self.queried(now, *order, &pending, (outcome, messages)),
            Purpose::Balances if outcome == Outcome::Answered => {
                self.balances(now, pending.made_at, (&messages, next_page.is_some()));
            }
            Purpose::Balances => {
                self.heed(now, &outcome);
                self.statement.unanswered(now);
            }
            Purpose::Lookup(..) | Purpose::OrderFills(_) | Purpose::Fills(..) | Purpose::OpenOrders(_) => {
                self.read(now, &pending, (outcome, messages));
            }
        }
        self.judge_beginning(now);
    }

    /// The venue does not let a connection speak for the account.
    pub fn refused(&mut self, now: Timestamp, outcome: &Outcome) {
        self.heed(now, outcome);
        let words = match outcome {
            Outcome::Rejected(words) | Outcome::Alive(words) | Outcome::NotOpen(words) => words,
            Outcome::NotFound(words) | Outcome::HalfDone(words) => words,
            // Those are told as they are heeded.
            Outcome::Answered
            | Outcome::Unknown(_)
            | Outcome::Wait(..)
            | Outcome::ResyncClock(_)
            | Outcome::Halt(..) => return,
        };
        self.notices.push_back(format!("the venue refuses a connection for orders: {}", words.text));
    }

    /// An answer that nobody waited for any more still says what became of an order.
    fn answered_late(&mut self, now: Timestamp, number: u64, answer: (Outcome, Vec<AccountMessage>)) {
        self.heed(now, &answer.0);
        let Some(order) = self.overdue.remove(&number) else { return };
        match answer {
            (Outcome::Rejected(words), _) => self.rejected(now, order, &words),
            (_, messages) => messages.into_iter().for_each(|message| self.told(now, message)),
        }
    }

    fn placed(
        &mut self,
        now: Timestamp,
        order: OrderId,
        pending: &Pending,
        (outcome, messages): (Outcome, Vec<AccountMessage>),
    ) {
        let sent_at = pending.sent_at.unwrap_or(pending.made_at);
        self.heed(now, &outcome);
        match outcome {
            Outcome::Answered => {
                messages.into_iter().for_each(|message| self.told(now, message));
                // An answer that does not speak of the order says nothing of it.
                self.doubt(order, sent_at);
            }
            Outcome::Rejected(words) => self.rejected(now, order, &words),
            Outcome::Alive(_)
            | Outcome::Unknown(_)
            | Outcome::HalfDone(_)
            | Outcome::NotOpen(_)
            | Outcome::NotFound(_) => self.doubt(order, sent_at),
            Outcome::Wait(_, words) | Outcome::ResyncClock(words) | Outcome::Halt(_, words) => {
                self.failed(&Purpose::Place(order), &words.text);
            }
        }
    }

    fn cancelled(
        &mut self,
        now: Timestamp,
        order: OrderId,
        (outcome, messages): (Outcome, Vec<AccountMessage>),
    ) {
        self.heed(now, &outcome);
        match outcome {
            Outcome::Answered => messages.into_iter().for_each(|message| self.told(now, message)),
            // It has ended, or will not be ended so: where it stands is to be known.
            Outcome::NotOpen(_) | Outcome::Rejected(_) | Outcome::NotFound(_) | Outcome::HalfDone(_) => {
                self.ask(now, Purpose::Query(order));
            }
            Outcome::Alive(words)
            | Outcome::Unknown(words)
            | Outcome::Wait(_, words)
            | Outcome::ResyncClock(words)
            | Outcome::Halt(_, words) => self.tell_failure(FailedAct::Cancel(order), &words.text),
        }
    }

    fn queried(
        &mut self,
        now: Timestamp,
        order: OrderId,
        pending: &Pending,
        (outcome, messages): (Outcome, Vec<AccountMessage>),
    ) {
        let in_doubt = self.orders.get(&order).is_some_and(|known| known.doubt.is_some());
        let is_found = !matches!(outcome, Outcome::NotFound(_) | Outcome::NotOpen(_));
        if outcome == Outcome::Answered {
            messages.into_iter().for_each(|message| self.told(now, message));
        } else if in_doubt {
            // It is asked for by its own rule.
            match is_found {
                true => self.heed(now, &outcome),
                false => self.not_found(order, pending.made_at),
            }
        } else if is_found {
            self.again(now, pending, &outcome);
        } else {
            let number = order.number();
            let line = format!("the venue took order {number} and does not find it now; it is asked again");
            self.notices.push_back(line);
            self.ask_at(now.plus(LOST_EVERY), pending.purpose.clone());
        }
    }

    /// The answer to a question that changes nothing.
    fn read(
        &mut self,
        now: Timestamp,
        pending: &Pending,
        (outcome, messages): (Outcome, Vec<AccountMessage>),
    ) {
        if outcome != Outcome::Answered {
            return self.again(now, pending, &outcome);
        }
        let fills = messages.iter().filter_map(AccountMessage::as_fill).map(|fill| fill.venue_at);
        let (count, last) = (fills.clone().count(), fills.max());
        if let Purpose::Lookup(market, name) = &pending.purpose {
            self.found(now, *market, name, &messages);
        }
        if let Purpose::OpenOrders(market) = &pending.purpose {
            self.compare_open(now, *market, pending.made_at, &messages);
            self.tell_foreign_orders(*market, &messages);
        }
        messages.into_iter().for_each(|message| self.told(now, message));
        match (&pending.purpose, last) {
            (Purpose::Fills(market, since), Some(last)) if count >= FILLS_MAX && last > *since => {
                self.learn_trades(*market, *since, last);
                self.ask(now, Purpose::Fills(*market, last));
            }
            (Purpose::Fills(market, since), _) => {
                self.learn_trades(*market, *since, pending.made_at);
                self.listed(*market, pending.made_at, &pending.purpose);
            }
            (Purpose::OpenOrders(market), _) => self.listed(*market, pending.made_at, &pending.purpose),
            (Purpose::OrderFills(order), _) => self.trades_told(now, *order),
            (
                Purpose::Lookup(..)
                | Purpose::Place(_)
                | Purpose::Cancel(_)
                | Purpose::Query(_)
                | Purpose::Balances,
                _,
            ) => {}
        }
    }

    /// Orders that should work and that the venue does not list among those that do: what became of them was not told.
    fn compare_open(
        &mut self,
        now: Timestamp,
        market: usize,
        asked_at: Timestamp,
        messages: &[AccountMessage],
    ) {
        let is_listed = |name: &str| {
            messages
                .iter()
                .any(|message| matches!(message, AccountMessage::Order(report) if report.order_id == name))
        };
        let missed = self.orders.iter().filter(|(_, known)| {
            let is_here = known.order.instrument.index() == market && known.is_accepted && !known.is_over;
            let name = known.name.as_deref().filter(|_| known.named_at.is_some_and(|at| at < asked_at));
            is_here && name.is_some_and(|name| !is_listed(name))
        });
        let missed: Vec<OrderId> = missed.map(|(id, _)| *id).collect();
        missed.into_iter().for_each(|id| self.ask(now, Purpose::Query(id)));
    }

    fn again(&mut self, now: Timestamp, pending: &Pending, outcome: &Outcome) {
        self.heed(now, outcome);
        let pause_over = self.paused_until.filter(|until| *until > now);
        self.ask_at(pause_over.unwrap_or(now.plus(ASK_AGAIN_AFTER)), pending.purpose.clone());
    }

    /// Heeds what an answer says beyond its request: pauses, bans, and what only a person can put right.
    fn heed(&mut self, now: Timestamp, outcome: &Outcome) {
        match outcome {
            Outcome::Wait(wait, words) => {
                self.pause(now, *wait, PAUSE, words);
            }
            Outcome::Halt(HaltCause::Banned(wait), words) => {
                // What was under way when a pause began is answered so too, and ends no later.
                if self.pause(now, *wait, BANNED_FOR, words) {
                    self.halt(&format!("the venue has banned this address: {}", words.text));
                }
            }
            Outcome::Halt(cause, words) => self.halt(&format!("{cause:?}: {}", words.text).to_lowercase()),
            Outcome::Unknown(words) => {
                self.notices
                    .push_back(format!("an answer of the venue leaves open what was done: {}", words.text));
            }
            Outcome::ResyncClock(words) => {
                self.is_clock_off = true;
                self.notices.push_back(format!("the clocks of venue and machine differ: {}", words.text));
            }
            Outcome::Answered
            | Outcome::Rejected(_)
            | Outcome::Alive(_)
            | Outcome::NotOpen(_)
            | Outcome::NotFound(_)
            | Outcome::HalfDone(_) => {}
        }
    }

    /// The venue asks for a pause; answers whether it ends later than is known already.
    fn pause(&mut self, now: Timestamp, wait: Wait, unsaid: Span, words: &Words) -> bool {
        let until = match wait {
            Wait::For(span) => now.plus(span),
            // That is by the venue's clock.
            Wait::Until(until) => until.plus(self.clock_ahead).plus(CLOCKS_AGREE_TO),
            Wait::Unsaid => now.plus(unsaid),
        };
        // Several requests under way are answered with one and the same pause.
        let is_longer = self.paused_until.is_none_or(|before| before < until);
        if is_longer {
            self.tell(AccountEvent::Paused(VenuePause { until, words: words.text.clone() }));
            self.paused_until = Some(until);
        }
        self.is_first = true;
        self.withdraw_orders("the venue asked for a pause");
        self.notices.push_back(format!("the venue asks for a pause: {}", words.text));
        is_longer
    }

    fn rejected(&mut self, now: Timestamp, order: OrderId, words: &Words) {
        let said = match &words.code {
            Some(code) => format!("{code}: {}", words.text),
            None => words.text.clone(),
        };
        self.end(order);
        self.tell(AccountEvent::Explained(OrderWords { order, words: said }));
        self.tell_execution(order, now, Execution::Rejected(reason_of(&words.text)));
    }
}

/// The reason that the words of a venue name, as far as it is one of ours.
pub(super) fn reason_of(words: &str) -> RejectReason {
    let words = words.to_lowercase();
    let names = |parts: &[&str]| parts.iter().any(|part| words.contains(part));
    if names(&["insufficient"]) {
        RejectReason::NoBalance
    } else if names(&["immediately match", "would_match", "post only", "post_only"]) {
        RejectReason::WouldTake
    } else if names(&["would trigger immediately"]) {
        RejectReason::TriggerPassed
    } else if names(&["market is closed", "trading is disabled", "cancel_only"]) {
        RejectReason::NotTrading
    } else {
        RejectReason::Other
    }
}
