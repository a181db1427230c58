//! What is on its way over a connection, in the order in which it arrives.

use super::*;

/// Something on its way over a connection.
#[derive(Debug)]
pub(super) enum Underway {
    Request(u64, OrderRequest),
    Answer(u64, OrderAnswer),
    Told(AccountMessage),
}

pub(super) struct Delivery {
    pub(super) at: Timestamp,
    pub(super) number: u64,
    pub(super) connection: u64,
    pub(super) what: Underway,
}

impl Ord for Delivery {
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        (other.at, other.number).cmp(&(self.at, self.number))
    }
}

impl PartialOrd for Delivery {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Delivery {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Delivery {}
