//! A program whose parts take turns on one thread, in a time of its own.
//!
//! On real time each part has a thread and waits for the machine. Where they take turns, nothing happens between two of them,
//! and the same program does the same again.

use core::fmt::Debug;
use std::time::Duration;

/// Whoever gives the turns.
pub trait Turns: Debug + Send + Sync {
    /// Lets the others have their turns until something came, or `patience` is over.
    fn pass(&self, patience: Duration);

    /// Something came for whoever waits in [`Turns::pass`].
    fn came(&self);

    /// Begins `work`, which may ask and wait; it goes on whenever it is asked whether it is done.
    fn begin(&self, work: Box<dyn FnOnce() + Send>) -> Box<dyn TurnWork>;
}

/// Work that was begun.
pub trait TurnWork: Send {
    /// Lets it go on as far as time allows; answers whether it is done.
    fn is_done(&mut self) -> bool;
}
