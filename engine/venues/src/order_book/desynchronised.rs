//! Why a book cannot be trusted.

use engine_core::num::Price;

use crate::decimal::NumberError;
use crate::message::BookProof;

/// Why a book threw its levels away, or did not take a snapshot. Ask for a new snapshot, or subscribe again where the stream
/// begins with one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Desynchronised {
    /// Updates are missing.
    #[error("the book is known up to {known}, and the next change holds {first} to {last}")]
    Gap {
        /// The last update known.
        known: u64,
        /// The first update of the change.
        first: u64,
        /// The last update of the change.
        last: u64,
    },
    /// The changes kept begin behind the snapshot's end.
    #[error("the snapshot ends at {snapshot}, and the changes kept begin at {first}: ask for a newer one")]
    SnapshotTooOld {
        /// Its last update.
        snapshot: u64,
        /// The first update of the first change that it does not hold.
        first: u64,
    },
    /// No snapshot came in time.
    #[error("no snapshot came while {kept} changes were kept for it")]
    SnapshotTooLate {
        /// How many changes were kept.
        kept: usize,
    },
    /// Somebody would buy for more than somebody sells for.
    #[error("the book is crossed: {} is bid and {} is asked, in units of the instrument", bid.units(), ask.units())]
    Crossed {
        /// Best bid.
        bid: Price,
        /// Best ask.
        ask: Price,
    },
    /// A level at no price.
    #[error("the book has a level at a price of zero")]
    ZeroPrice,
    /// The levels are not those of the venue.
    #[error("the venue's checksum of the book is {told}, ours {computed}")]
    Checksum {
        /// The venue's.
        told: u32,
        /// Ours.
        computed: u32,
    },
    /// More levels than any market has.
    #[error("a side of the book has more than {max} levels")]
    TooManyLevels {
        /// The limit.
        max: usize,
    },
    /// A number that the instrument cannot hold.
    #[error(transparent)]
    Number(#[from] NumberError),
    /// The message shows its order by other means than the rule of the book.
    #[error("the book follows another rule than a message with {proof:?}")]
    OtherProof {
        /// What the message has.
        proof: BookProof,
    },
}
