//! Steps that are made durable together or not at all.
//!
//! A simulated venue fills orders inside a bar before the bar itself is an input. Whoever is killed between the two could
//! not tell where the fills came from: so what follows from a bar waits with it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Holds steps back while they are not whole; shared between the source of inputs and the journal.
#[derive(Clone, Default)]
pub struct CommitGate(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    is_held: bool,
    on_release: Option<Box<dyn Fn() + Send>>,
}

impl core::fmt::Debug for CommitGate {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        out.debug_struct("CommitGate").field("is_held", &self.is_held()).finish_non_exhaustive()
    }
}

impl CommitGate {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether steps are held back.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.inner().is_held
    }

    /// From here on steps belong together.
    pub fn hold(&self) {
        self.inner().is_held = true;
    }

    /// The steps held back are whole.
    pub fn release(&self) {
        let mut inner = self.inner();
        if core::mem::take(&mut inner.is_held)
            && let Some(on_release) = &inner.on_release
        {
            on_release();
        }
    }

    /// Calls `act` whenever steps that were held back are whole. It must not come back to this gate.
    pub(crate) fn on_release(&self, act: impl Fn() + Send + 'static) {
        self.inner().on_release = Some(Box::new(act));
    }
}
