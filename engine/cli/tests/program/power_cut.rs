//! The power is cut at every call that changes the disk: what was acknowledged is still there, and what is left is read and
//! taken up, or said to be damaged and rebuilt.
//!
//! The program runs unmodified under `strace`, which writes down every call with its bytes. From these the states are made
//! that a power cut can leave after each call (`cut.rs`): only what was synced; everything; and mixes by chance. On each of
//! them the real recovery runs. The short form takes some calls of each program; `POWER_CUT=long` takes all of them, with
//! `POWER_CUT_MIXES` mixes each (16 unless told otherwise):
//!
//! ```text
//! POWER_CUT=long cargo test --workspace --test program -- --nocapture power_cut::
//! ```

mod acknowledged;
mod cut;
mod disk;
mod file_calls;
mod programs;
mod recorded;
mod recovery;
mod trace;
