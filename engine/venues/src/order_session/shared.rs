//! The order gateway of a run between its loop and its session.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::order_gateway::OrderGateway;

/// What the loop and the session share.
#[derive(Debug)]
pub(crate) struct Shared {
    gateway: Mutex<OrderGateway>,
    pub(super) wake: Notify,
    is_over: AtomicBool,
}

impl Shared {
    pub(crate) fn new(gateway: OrderGateway) -> Self {
        Self { gateway: Mutex::new(gateway), wake: Notify::new(), is_over: AtomicBool::new(false) }
    }

    /// The gateway, for a moment.
    pub(crate) fn gateway(&self) -> MutexGuard<'_, OrderGateway> {
        self.gateway.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// There is something to write.
    pub(crate) fn wake(&self) {
        self.wake.notify_one();
    }

    /// Nobody listens any more.
    pub(crate) fn end(&self) {
        self.is_over.store(true, Ordering::Relaxed);
        self.wake.notify_one();
    }

    pub(super) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }
}
