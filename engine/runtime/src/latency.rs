//! How long things take in a run on real time, counted in histograms of fixed size.
//!
//! Figures for whoever looks: nothing is decided by them, and no event holds them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::latency_histogram::LatencyHistogram;

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
    /// The longest.
    pub max_ns: u64,
}

/// Histograms shared between the threads of a run.
#[derive(Debug, Clone, Default)]
pub struct Latencies(Arc<Mutex<Measured>>);

#[derive(Debug, Default)]
struct Measured {
    legs: [LatencyHistogram; 4],
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
            // 584 years take no longer.
            histogram.record(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
        }
    }
}

impl Latencies {
    fn measured(&self) -> MutexGuard<'_, Measured> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// That something took so long.
    pub fn note(&self, leg: Leg, took: Duration) {
        self.measured().note(leg, took);
    }

    /// The loop takes an input now that was `read` from a socket.
    pub fn taken(&self, read: Instant) {
        let taken = Instant::now();
        let mut measured = self.measured();
        measured.note(Leg::SocketToLoop, taken.saturating_duration_since(read));
        measured.taken = Some(Taken { read, taken });
    }

    /// The loop goes on now without an input from a socket.
    pub fn woken(&self) {
        let now = Instant::now();
        self.measured().taken = Some(Taken { read: now, taken: now });
    }

    /// An order has been approved; answers when what led to it was read.
    pub(crate) fn approved(&self) -> Option<Instant> {
        let mut measured = self.measured();
        let Taken { read, taken } = measured.taken?;
        measured.note(Leg::LoopToOrder, taken.elapsed());
        Some(read)
    }

    /// How long one thing took so far.
    #[must_use]
    pub fn figure(&self, leg: Leg) -> LatencyFigure {
        let measured = self.measured();
        let Some(histogram) = measured.legs.get(leg as usize) else { return LatencyFigure::default() };
        LatencyFigure {
            count: histogram.count(),
            p50_ns: histogram.percentile_ns(50),
            p99_ns: histogram.percentile_ns(99),
            max_ns: histogram.max_ns(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_those_of_what_was_noted() {
        let latencies = Latencies::default();
        assert_eq!(latencies.figure(Leg::JournalSync), LatencyFigure::default());
        for micros in 1..=1_000 {
            latencies.note(Leg::JournalSync, Duration::from_micros(micros));
        }
        let figure = latencies.figure(Leg::JournalSync);
        let near = |found: u64, micros: u64| found.abs_diff(micros * 1_000) <= micros * 10;
        assert!(near(figure.p50_ns, 500) && near(figure.p99_ns, 990), "{figure:?}");
        assert!(near(figure.max_ns, 1_000) && figure.count == 1_000, "{figure:?}");
        assert_eq!(latencies.figure(Leg::SocketToLoop).count, 0, "each thing for itself");
    }

    #[test]
    fn an_order_is_measured_from_what_the_loop_took_last() {
        let latencies = Latencies::default();
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
