//! Who a connection is logged on as, and which accounts it hears of.

use std::collections::BTreeMap;

/// The state of a connection to an interface for orders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Login {
    pub(crate) connected_ms: i64,
    /// The key that was logged on, and when.
    pub(crate) key: Option<(String, i64)>,
    /// Subscriptions to what happens to the account, by number, each with the key that made it.
    pub(crate) subscriptions: BTreeMap<u32, String>,
    pub(crate) subscriptions_opened: u32,
    /// Whether answers tell how much of the limits is used.
    pub(crate) tells_limits: bool,
}

impl Login {
    pub(crate) fn new(connected_ms: i64, tells_limits: bool) -> Self {
        Self {
            connected_ms,
            key: None,
            subscriptions: BTreeMap::new(),
            subscriptions_opened: 0,
            tells_limits,
        }
    }

    /// Takes on a subscription; its number, or nothing where there is one already.
    pub(crate) fn subscribe(&mut self, key: &str) -> Option<u32> {
        if !self.subscriptions.is_empty() {
            return None;
        }
        let number = self.subscriptions_opened;
        self.subscriptions_opened += 1;
        self.subscriptions.insert(number, key.to_owned());
        Some(number)
    }
}
