//! The wish of an operator that a long work end before it is done.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A wish to end, shared between whoever may ask and the works that look.
///
/// Nobody asks through [`Interruption::default`] unless its flag is handed on.
#[derive(Debug, Clone, Default)]
pub struct Interruption(Arc<AtomicBool>);

impl Interruption {
    /// The flag that asks once it is set, as a signal handler wants it.
    #[must_use]
    pub fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0)
    }

    /// Whether the end was asked for.
    #[must_use]
    pub fn is_asked_for(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
