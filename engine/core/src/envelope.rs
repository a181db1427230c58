//! An event in its place: its number, its moment and its cause.

use crate::event::Event;
use crate::time::Timestamp;

/// The number of an event in its journal: 1, 2, 3 … without gaps; the only order there is.
#[derive(
    serde::Serialize, serde::Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash,
)]
#[serde(transparent)]
pub struct Seq(u64);

impl Seq {
    /// The number of the first event.
    pub const FIRST: Self = Self(1);

    /// Event number `number`; zero names the place before the first.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }

    /// The number after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// One market record of a dataset.
#[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RecordRef {
    /// Place of the dataset in the manifest's list.
    pub dataset: u16,
    /// The record's number within the dataset, from 1.
    pub seq: u64,
}

/// Where an event came from.
#[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The input of the same step, recorded in this journal.
    Event(Seq),
    /// A market record that stays in its dataset.
    #[serde(rename = "tick")]
    Record(RecordRef),
}

/// One recorded event with its place in history.
#[derive(serde::Serialize, serde::Deserialize, Clone, Debug, PartialEq, Eq, Hash)]
pub struct Envelope {
    /// Its number.
    pub seq: Seq,
    /// When the engine learned it; never decreases.
    pub at: Timestamp,
    /// How many market records of the manifest's datasets were read before or with it.
    #[serde(rename = "ticks")]
    pub records_read: u64,
    /// The input that led to it; itself, for an input.
    pub cause: Cause,
    /// What happened.
    pub event: Event,
}
