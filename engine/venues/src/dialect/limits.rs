//! What a venue allows a client, and how long it may be silent.

use engine_core::time::Span;

/// The manners of a venue; sources in `exchange-protocols` 1.1.2, 1.2.1, 1.3 and 1.4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Between two messages to the venue on one connection.
    pub pace: Span,
    /// The most streams of one connection, where there is a limit.
    pub streams_max: Option<usize>,
    /// A connection must be subscribed within so long, or the venue ends it.
    pub subscribe_within: Option<Span>,
    /// The first frame must come within so long.
    pub first_frame_within: Span,
    /// After so long without a frame the data counts as stale.
    pub stale_after: Span,
    /// After so long without a frame the connection is lost.
    pub lost_after: Span,
    /// A connection is replaced when it is so old, where the venue ends old ones.
    pub rotate_after: Option<Span>,
    /// A longer frame ends its connection, in bytes.
    pub frame_bytes_max: usize,
}
