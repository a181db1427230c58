//! How much larger than its compressed bytes a file may become: beyond that it is a decompression bomb.

/// The most bytes that one byte of a compressed file may become; real market data stays far below 100.
pub(crate) const EXPANSION_MAX: u64 = 200;

/// Bytes below which no expansion is absurd.
const EXPANSION_FREE_BYTES: u64 = 64 * 1024 * 1024;

/// The most bytes that `compressed` bytes may become. A bound too large for a number bounds nothing.
pub(crate) fn expanded_bytes_max(compressed: u64) -> u64 {
    EXPANSION_FREE_BYTES.max(compressed.saturating_mul(EXPANSION_MAX))
}
