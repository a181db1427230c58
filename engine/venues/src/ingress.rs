//! The one bounded queue between sockets and the loop.
//!
//! Quotes may be conflated when the loop falls behind: the newest of an instrument takes the place of one that waits, and how
//! many were passed over is told once it has caught up.
//! Nothing else is ever dropped; where the queue is full whoever reads a socket waits, and the venue with it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use engine_core::event::{ConflatedQuotes, DataFault, DataFinding, Input};
use engine_core::instrument::InstrumentId;
use engine_core::market::MarketUpdate;
use engine_core::time::Timestamp;
use engine_runtime::latency::Latencies;

use crate::turns::Turns;

/// Waiting inputs from which on quotes are conflated.
const CONFLATE_ABOVE: usize = 4_096;

/// Most inputs that wait, about 30 MB of them.
const WAITING_MAX: usize = 200_000;

/// Inputs on their way from sockets to the loop.
#[derive(Debug, Default)]
pub struct Ingress {
    queue: Mutex<Queue>,
    came: Condvar,
    left: Condvar,
    latencies: Latencies,
    /// Whoever gives the turns, where the sockets have no thread of their own.
    turns: Option<Arc<dyn Turns>>,
}

/// An input on its way, and when it was read from its socket.
#[derive(Debug)]
struct Coming {
    at: Timestamp,
    input: Input,
    read: Instant,
}

#[derive(Debug, Default)]
struct Queue {
    /// What waits; nothing in the place of a quote that a newer one has replaced.
    waiting: VecDeque<Option<Coming>>,
    /// The number of the first that waits.
    first: u64,
    /// The newest waiting quote of each instrument, by its number.
    quotes: BTreeMap<InstrumentId, u64>,
    /// The moment of what came last: two threads may take their moments in one order and push in the other.
    last_at: Option<Timestamp>,
    /// Quotes that newer ones have replaced and of which nobody was told.
    conflated: BTreeMap<InstrumentId, u64>,
    is_closed: bool,
}

impl Ingress {
    /// A queue whose waits are noted in `latencies`.
    #[must_use]
    pub fn measured(latencies: Latencies) -> Self {
        Self { latencies, ..Self::default() }
    }

    /// The same for sockets that are read in turn with the loop, where there are `turns`.
    pub(crate) fn in_turn(self, turns: Option<Arc<dyn Turns>>) -> Self {
        Self { turns, ..self }
    }

    /// The loop goes on without anything from here.
    pub(crate) fn woken(&self) {
        self.latencies.woken();
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in what was learned at `at`; waits while the queue is full. Answers whether anyone still listens.
    pub fn push(&self, at: Timestamp, input: Input) -> bool {
        self.push_read(at, input, Instant::now())
    }

    /// The same for what was `read` from a socket.
    pub(crate) fn push_read(&self, at: Timestamp, input: Input, read: Instant) -> bool {
        let mut queue = self.queue();
        while queue.waiting.len() >= WAITING_MAX && !queue.is_closed {
            queue = self.left.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        if queue.is_closed {
            return false;
        }
        queue.take_in(Coming { at, input, read });
        drop(queue);
        self.came.notify_one();
        if let Some(turns) = &self.turns {
            turns.came();
        }
        true
    }

    /// What has waited longest, waiting for it no longer than `patience`.
    pub fn pop(&self, patience: Duration) -> Option<(Timestamp, Input)> {
        let mut queue = self.queue();
        if queue.waiting.is_empty() && !patience.is_zero() && !queue.is_closed {
            queue = match &self.turns {
                None => self.came.wait_timeout(queue, patience).unwrap_or_else(PoisonError::into_inner).0,
                Some(turns) => {
                    drop(queue);
                    turns.pass(patience);
                    self.queue()
                }
            };
        }
        let next = queue.take_out();
        drop(queue);
        self.left.notify_one();
        let Coming { at, input, read } = next?;
        self.latencies.taken(read);
        Some((at, input))
    }

    /// What has waited longest, if that is a market record; never waits.
    pub fn pop_record(&self) -> Option<(Timestamp, MarketUpdate)> {
        let mut queue = self.queue();
        queue.skip_replaced();
        match queue.waiting.front() {
            Some(Some(Coming { input: Input::Market(_), .. })) => {}
            Some(_) | None => return None,
        }
        let next = queue.take_out();
        drop(queue);
        self.left.notify_one();
        match next {
            Some(Coming { at, input: Input::Market(update), read }) => {
                self.latencies.taken(read);
                Some((at, update))
            }
            Some(_) | None => None,
        }
    }

    /// Takes nothing in any more; whoever waits is let go.
    pub fn close(&self) {
        self.queue().is_closed = true;
        self.left.notify_all();
        self.came.notify_all();
    }

    /// Whether the loop has gone.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.queue().is_closed
    }
}

impl Queue {
    fn take_in(&mut self, mut coming: Coming) {
        let number = self.first + self.waiting.len() as u64;
        // What comes behind something was not known before it.
        coming.at = self.last_at.map_or(coming.at, |last_at| last_at.max(coming.at));
        self.last_at = Some(coming.at);
        if let Input::Market(MarketUpdate::Quote(quote)) = &coming.input {
            let before = self.quotes.insert(quote.instrument, number);
            if self.waiting.len() >= CONFLATE_ABOVE {
                self.replace(before);
            }
        }
        self.waiting.push_back(Some(coming));
    }

    /// Forgets the waiting quote `number`.
    fn replace(&mut self, number: Option<u64>) {
        let place = number.and_then(|number| number.checked_sub(self.first));
        let place = place.and_then(|place| usize::try_from(place).ok());
        if let Some(slot) = place.and_then(|place| self.waiting.get_mut(place))
            && let Some(Coming { input: Input::Market(update), .. }) = slot.take()
        {
            *self.conflated.entry(update.instrument()).or_default() += 1;
        }
    }

    fn skip_replaced(&mut self) {
        while let Some(None) = self.waiting.front() {
            self.waiting.pop_front();
            self.first += 1;
        }
    }

    fn take_out(&mut self) -> Option<Coming> {
        self.skip_replaced();
        let next = self.waiting.pop_front()?;
        self.first += 1;
        if let Some(Coming { at, read, .. }) = &next {
            self.tell_conflated(*at, *read);
        }
        next
    }

    /// Where the loop has caught up, what one instrument lost is told next: in the place of what was taken out.
    fn tell_conflated(&mut self, at: Timestamp, read: Instant) {
        if self.waiting.len() < CONFLATE_ABOVE
            && let Some((instrument, count)) = self.conflated.pop_first()
        {
            let finding = DataFinding::Conflated(ConflatedQuotes { count });
            let input = Input::DataFault(Box::new(DataFault { instrument, finding }));
            self.waiting.push_front(Some(Coming { at, input, read }));
            self.first -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use engine_core::market::{Aggressor, Quote, Trade};
    use engine_core::num::{Price, Qty};

    use super::*;

    fn quote(instrument: u16, price: i64) -> Input {
        let at = Timestamp::from_nanos(price);
        Input::Market(MarketUpdate::Quote(Quote {
            instrument: InstrumentId::new(instrument),
            venue_at: at,
            bid: Price::from_units(price),
            ask: Price::from_units(price + 1),
            bid_qty: Qty::from(1),
            ask_qty: Qty::from(1),
        }))
    }

    fn trade(price: i64) -> Input {
        Input::Market(MarketUpdate::Trade(Trade {
            instrument: InstrumentId::new(0),
            venue_at: Timestamp::from_nanos(price),
            price: Price::from_units(price),
            qty: Qty::from(1),
            aggressor: Aggressor::Unknown,
        }))
    }

    fn drained(ingress: &Ingress) -> Vec<Input> {
        std::iter::from_fn(|| ingress.pop(Duration::ZERO)).map(|(_, input)| input).collect()
    }

    #[test]
    fn inputs_come_out_in_the_order_they_went_in() {
        let ingress = Ingress::default();
        let sent = [trade(1), quote(0, 2), Input::Deadline, quote(0, 3), trade(4)];
        for input in &sent {
            assert!(ingress.push(Timestamp::from_nanos(1), input.clone()));
        }
        assert!(ingress.pop_record().is_some());
        assert!(ingress.pop_record().is_some());
        assert_eq!(ingress.pop_record(), None, "what is no record is not passed over");
        assert_eq!(drained(&ingress), sent[2..]);
    }

    #[test]
    fn moments_never_decrease_whoever_brings_them() {
        let ingress = Ingress::default();
        for at in [3, 5, 4, 6] {
            assert!(ingress.push(Timestamp::from_nanos(at), trade(at)));
        }
        let moments = std::iter::from_fn(|| ingress.pop(Duration::ZERO)).map(|(at, _)| at.nanos());
        assert_eq!(moments.collect::<Vec<_>>(), [3, 5, 5, 6]);
    }

    #[test]
    fn a_loop_that_falls_behind_loses_old_quotes_and_no_trade() {
        let ingress = Ingress::default();
        let behind = i64::try_from(CONFLATE_ABOVE).unwrap();
        for number in 0..behind {
            assert!(ingress.push(Timestamp::from_nanos(number), trade(number)));
        }
        for number in 0..100 {
            assert!(ingress.push(Timestamp::from_nanos(behind), quote(0, number)));
            assert!(ingress.push(Timestamp::from_nanos(behind), quote(1, number)));
            assert!(ingress.push(Timestamp::from_nanos(behind), trade(number)));
        }
        let left = drained(&ingress);
        let trades = left.iter().filter(|input| matches!(input, Input::Market(MarketUpdate::Trade(_))));
        assert_eq!(trades.count(), CONFLATE_ABOVE + 100);
        let quotes: Vec<&Input> =
            left.iter().filter(|input| matches!(input, Input::Market(MarketUpdate::Quote(_)))).collect();
        assert_eq!(quotes, [&quote(0, 99), &quote(1, 99)], "the newest of each instrument");
        let lost = |instrument| {
            let finding = DataFinding::Conflated(ConflatedQuotes { count: 99 });
            Input::DataFault(Box::new(DataFault { instrument: InstrumentId::new(instrument), finding }))
        };
        let told: Vec<&Input> = left.iter().filter(|input| matches!(input, Input::DataFault(_))).collect();
        assert_eq!(told, [&lost(0), &lost(1)], "once, when it has caught up");
    }

    #[test]
    fn a_full_queue_holds_its_reader_until_there_is_room_or_nobody_listens() {
        let ingress = Ingress::default();
        for number in 0..WAITING_MAX {
            assert!(ingress.push(Timestamp::MIN, trade(i64::try_from(number).unwrap())));
        }
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| ingress.push(Timestamp::MIN, trade(-1)));
            assert_eq!(ingress.pop(Duration::ZERO), Some((Timestamp::MIN, trade(0))));
            assert!(reader.join().unwrap());
            let reader = scope.spawn(|| ingress.push(Timestamp::MIN, trade(-2)));
            ingress.close();
            assert!(!reader.join().unwrap());
        });
        assert_eq!(drained(&ingress).len(), WAITING_MAX);
    }
}
