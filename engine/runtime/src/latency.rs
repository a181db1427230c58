//! How long things take in a run on real time, counted in histograms of fixed size.
//!
//! Figures for whoever looks: nothing is decided by them, and no event holds them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hdrhistogram::{CreationError, Histogram};

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leg {
    /// From a frame read from its socket to what it says being taken by the loop.
    SocketToLoop,
    /// From an input taken by the loop to an order that was approved because of it.
    LoopToOrder,
    /// From the frame read to that order being on disk.
    TickToDurable,
    /// One `fdatasync` of the journal.
    JournalSync,
}

impl Leg {
    /// All of them, in the order of a tick's life.
    pub const ALL: [Self; 4] =
        [Self::SocketToLoop, Self::LoopToOrder, Self::TickToDurable, Self::JournalSync];

    /// Its name in a document.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SocketToLoop => "socket_to_loop",
            Self::LoopToOrder => "loop_to_order",
            Self::TickToDurable => "tick_to_durable",
            Self::JournalSync => "journal_sync",
        }
    }
}

/// How long one thing took, in nanoseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LatencyFigure {
    /// How often it was measured.
    pub count: u64,
    /// Half of them took no longer.
    pub p50_ns: u64,
    /// 99 of a hundred took no longer.
    pub p99_ns: u64,
    /// The longest, up to an hour.
    pub max_ns: u64,
}

/// What is longer counts as this long.
const LONGEST_NS: u64 = 3_600_000_000_000;

/// Each figure is told to one part in a hundred.
const DIGITS: u8 = 2;

/// Histograms shared between the threads of a run; by default there are none, and nothing is measured.
#[derive(Debug, Clone, Default)]
pub struct Latencies(Option<Arc<Mutex<Measured>>>);

#[derive(Debug)]
struct Measured {
    legs: [Histogram<u64>; 4],
    taken: Option<Taken>,
}

/// The input that the loop took last.
#[derive(Debug, Clone, Copy)]
struct Taken {
    read: Instant,
    taken: Instant,
}

impl Measured {
    fn note(&mut self, leg: Leg, took: Duration) {
        if let Some(histogram) = self.legs.get_mut(leg as usize) {
            histogram.saturating_record(u64::try_from(took.as_nanos()).unwrap_or(LONGEST_NS));
        }
    }
}

impl Latencies {
    /// Latencies that are measured.
    ///
    /// # Errors
    /// [`CreationError`] for digits or bounds that cannot be; those fixed here can.
    pub fn measured() -> Result<Self, CreationError> {
        let histogram = Histogram::new_with_max(LONGEST_NS, DIGITS)?;
        let legs = core::array::from_fn(|_| histogram.clone());
        Ok(Self(Some(Arc::new(Mutex::new(Measured { legs, taken: None })))))
    }

    fn locked(&self) -> Option<MutexGuard<'_, Measured>> {
        Some(self.0.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// That something took so long.
    pub fn note(&self, leg: Leg, took: Duration) {
        if let Some(mut measured) = self.locked() {
            measured.note(leg, took);
        }
    }

    /// The loop takes an input now that was `read` from a socket.
    pub fn taken(&self, read: Instant) {
        let Some(mut measured) = self.locked() else { return };
        let taken = Instant::now();
        measured.note(Leg::SocketToLoop, taken.saturating_duration_since(read));
        measured.taken = Some(Taken { read, taken });
    }

    /// The loop goes on now without an input from a socket.
    pub fn woken(&self) {
        if let Some(mut measured) = self.locked() {
            let now = Instant::now();
            measured.taken = Some(Taken { read: now, taken: now });
        }
    }

    /// An order has been approved; answers when what led to it was read.
    pub(crate) fn approved(&self) -> Option<Instant> {
        let mut measured = self.locked()?;
        let Taken { read, taken } = measured.taken?;
        measured.note(Leg::LoopToOrder, taken.elapsed());
        Some(read)
    }

    /// How long one thing took so far.
    #[must_use]
    pub fn figure(&self, leg: Leg) -> LatencyFigure {
        let measured = self.locked();
        let histogram = measured.as_ref().and_then(|measured| measured.legs.get(leg as usize));
        let Some(histogram) = histogram.filter(|histogram| !histogram.is_empty()) else {
            return LatencyFigure::default();
        };
        LatencyFigure {
            count: histogram.len(),
            p50_ns: histogram.value_at_quantile(0.5),
            p99_ns: histogram.value_at_quantile(0.99),
            max_ns: histogram.max(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_those_of_what_was_noted() {
        let latencies = Latencies::measured().unwrap();
        assert_eq!(latencies.figure(Leg::JournalSync), LatencyFigure::default());
        for micros in 1..=1_000 {
            latencies.note(Leg::JournalSync, Duration::from_micros(micros));
        }
        let figure = latencies.figure(Leg::JournalSync);
        let near = |found: u64, micros: u64| found.abs_diff(micros * 1_000) <= micros * 10;
        assert!(near(figure.p50_ns, 500) && near(figure.p99_ns, 990), "{figure:?}");
        assert!(near(figure.max_ns, 1_000) && figure.count == 1_000, "{figure:?}");
        assert_eq!(latencies.figure(Leg::SocketToLoop).count, 0, "each thing for itself");
        latencies.note(Leg::SocketToLoop, Duration::MAX);
        assert!(latencies.figure(Leg::SocketToLoop).max_ns >= LONGEST_NS, "what is longer is counted");
        let nowhere = Latencies::default();
        nowhere.note(Leg::JournalSync, Duration::from_micros(1));
        assert_eq!(nowhere.figure(Leg::JournalSync), LatencyFigure::default());
    }

    #[test]
    fn an_order_is_measured_from_what_the_loop_took_last() {
        let latencies = Latencies::measured().unwrap();
        assert_eq!(latencies.approved(), None, "nothing was taken");
        let read = Instant::now();
        latencies.taken(read);
        assert_eq!(latencies.approved(), Some(read));
        latencies.woken();
        assert_ne!(latencies.approved(), Some(read));
        assert_eq!(latencies.figure(Leg::SocketToLoop).count, 1);
        assert_eq!(latencies.figure(Leg::LoopToOrder).count, 2);
    }
}
