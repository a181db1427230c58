//! What goes wrong with the next requests for orders: faults that wait for one.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// Which requests a fault waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Awaited {
    /// One that places an order.
    #[default]
    Place,
    /// One that cancels orders.
    Cancel,
    /// Either.
    Any,
}

/// What happens to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mishap {
    /// It is done; the answer is never sent, and the connection ends.
    AckLost,
    /// It was read and goes no further; the connection ends.
    RequestLost,
    /// It is done; the answer comes so many milliseconds later, after its reports.
    AckDelayed { ms: u64 },
    /// It waits so many milliseconds before it is handed on, and its time is checked again then.
    Held { ms: u64 },
    /// It is done; the answer comes after its reports.
    FillBeforeAck,
    /// It is refused with the venue's number of a reason.
    Rejected { code: i32 },
    /// It is answered as if nobody knew whether it was done.
    Unknown { status: u16, code: i32, is_done: bool },
}

/// The faults that wait, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Mishaps(VecDeque<(Awaited, Mishap)>);

impl Mishaps {
    /// `count` requests meet this.
    pub(crate) fn await_next(&mut self, awaited: Awaited, mishap: Mishap, count: u32) {
        self.0.extend(std::iter::repeat_n((awaited, mishap), count as usize));
    }

    /// What a request meets, once; `request` is never `Any`.
    pub(crate) fn take(&mut self, request: Awaited) -> Option<Mishap> {
        let at = self.0.iter().position(|(awaited, _)| *awaited == request || *awaited == Awaited::Any)?;
        self.0.remove(at).map(|(_, mishap)| mishap)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_waits_for_its_kind_of_request() {
        let mut mishaps = Mishaps::default();
        mishaps.await_next(Awaited::Cancel, Mishap::AckLost, 1);
        mishaps.await_next(Awaited::Any, Mishap::RequestLost, 2);
        assert_eq!(mishaps.take(Awaited::Place), Some(Mishap::RequestLost));
        assert_eq!(mishaps.take(Awaited::Cancel), Some(Mishap::AckLost));
        assert_eq!(mishaps.take(Awaited::Place), Some(Mishap::RequestLost));
        assert_eq!(mishaps.take(Awaited::Place), None);
    }
}
