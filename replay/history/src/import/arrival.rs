//! Rows put in the order in which they were received, where a file has them in that of the venue.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::recorded::{Beside, Recorded};

/// Rows that wait for those that arrived before them.
const WAITING_ROWS: usize = 65_536;

/// A row with its place in the file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrived<R> {
    pub(crate) record: R,
    pub(crate) beside: Beside,
    pub(crate) row: u64,
}

/// Hands rows on in the order of their arrival; rows of one moment keep that of the file.
#[derive(Debug)]
pub(crate) struct ArrivalQueue<R> {
    waiting: BinaryHeap<Reverse<Place<R>>>,
}

#[derive(Debug)]
struct Place<R>(Arrived<R>);

impl<R: Recorded> Place<R> {
    fn key(&self) -> (i64, u64) {
        (self.0.record.at(), self.0.row)
    }
}

impl<R: Recorded> PartialEq for Place<R> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl<R: Recorded> Eq for Place<R> {}

impl<R: Recorded> PartialOrd for Place<R> {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<R: Recorded> Ord for Place<R> {
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

impl<R: Recorded> ArrivalQueue<R> {
    pub(crate) const fn new() -> Self {
        Self { waiting: BinaryHeap::new() }
    }

    /// Takes a row; answers the earliest one when enough wait.
    pub(crate) fn push(&mut self, row: Arrived<R>) -> Option<Arrived<R>> {
        self.waiting.push(Reverse(Place(row)));
        if self.waiting.len() > WAITING_ROWS { self.pop() } else { None }
    }

    /// The earliest row that waits.
    pub(crate) fn pop(&mut self) -> Option<Arrived<R>> {
        self.waiting.pop().map(|Reverse(Place(row))| row)
    }
}
