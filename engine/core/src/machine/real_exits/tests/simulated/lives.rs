//! Processes that are killed at any step and taken up from the record, and a feed that is lost for a while.

use super::world::Underway;
use super::*;
use crate::feed::{FeedCondition, FeedStatus};

/// Something that goes wrong at one step of a life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mishap {
    /// The process is killed once so many effects of the step are done, and taken up so many milliseconds later.
    Killed { done: usize, away: i64 },
    /// The feed is lost for so many milliseconds.
    FeedLost { for_ms: i64 },
    /// The feed is lost for so many milliseconds, and the process killed before any effect of the step and taken up
    /// so many later.
    Both { for_ms: i64, away: i64 },
}

impl World {
    /// What goes wrong at the step that begins.
    pub(super) fn mishap(&mut self) -> Option<Mishap> {
        self.steps += 1;
        if let Some((step, mishap)) = self.planned {
            return Some(mishap).filter(|_| step == self.steps);
        }
        if self.random.chance(self.faults.kill) {
            let done = usize::try_from(self.random.below(3)).unwrap();
            let away = if self.random.chance(500) { 0 } else { self.random.below(8_000) };
            return Some(Mishap::Killed { done, away: i64::try_from(away).unwrap() });
        }
        let for_ms = self.random.chance(self.faults.feed_lost).then(|| self.random.below(30_000))?;
        Some(Mishap::FeedLost { for_ms: i64::try_from(for_ms).unwrap() })
    }

    /// How many effects of this step are done.
    pub(super) fn effects_done(mishap: Option<Mishap>) -> usize {
        match mishap {
            None | Some(Mishap::FeedLost { .. }) => usize::MAX,
            Some(Mishap::Killed { done, .. }) => done,
            Some(Mishap::Both { .. }) => 0,
        }
    }

    pub(super) fn suffer(&mut self, mishap: Mishap) {
        let (lost, away) = match mishap {
            Mishap::Killed { away, .. } => (None, Some(away)),
            Mishap::FeedLost { for_ms } => (Some(for_ms), None),
            Mishap::Both { for_ms, away } => (Some(for_ms), Some(away)),
        };
        if let Some(for_ms) = lost.filter(|_| self.feed_back_at.is_none()) {
            self.met.feeds_lost += 1;
            (self.feed_back_at, self.feed_is_told) = (Some(self.now + for_ms), false);
        }
        if let Some(away) = away {
            self.met.kills += 1;
            self.back_at = Some(self.now + away);
        }
    }

    pub(super) const fn is_away(&self) -> bool {
        self.back_at.is_some()
    }

    /// Takes up what was killed and tells of the feed, where their moment has come.
    pub(super) fn come_back(&mut self) {
        if self.back_at.is_some_and(|back_at| back_at <= self.now) {
            self.back_at = None;
            self.take_up();
        }
        if let Some(back_at) = self.feed_back_at.filter(|_| !self.is_away()) {
            let condition = if back_at <= self.now { FeedCondition::Connected } else { FeedCondition::Lost };
            if condition == FeedCondition::Connected {
                self.feed_back_at = None;
            } else if core::mem::replace(&mut self.feed_is_told, true) {
                return;
            }
            self.input(Input::Feed(FeedStatus { instrument: ONLY, condition }));
        }
    }

    /// A process is made of the record, and asks again for what was asked of orders that are not over.
    fn take_up(&mut self) {
        // While nothing ran, nothing could be done.
        (self.bare_since, self.unprotected_since) = (BTreeMap::new(), None);
        self.refold();
        self.epoch += 1;
        self.input(begun(self.epoch));
        if self.is_away() {
            return;
        }
        let balances = self.core.state().account().unwrap().balances();
        let balances = balances.map(|(asset, amount)| AssetAmount { asset: asset.clone(), amount }).collect();
        self.input(stated(balances));
        if self.is_away() {
            return;
        }
        let open = self.core.state().open_orders();
        let asked: Vec<OrderId> =
            open.filter(|open| open.status == Status::CancelPending).map(|open| open.order.id).collect();
        for order in asked {
            self.send(30, Underway::Cancel(order));
        }
    }

    /// A core made of the record alone is this one, and takes its place.
    pub(super) fn refold(&mut self) {
        let mut again = core(self.plan.strategy(self.seed));
        self.record.iter().for_each(|(at, event)| again.apply(*at, event));
        assert_eq!(again.state(), self.core.state(), "seed {}", self.seed);
        assert_eq!(again.digest(), self.core.digest());
        let books = again.state().account().unwrap();
        let bytes = bincode::serde::encode_to_vec(books, bincode::config::standard()).unwrap();
        let read = bincode::serde::decode_from_slice(&bytes, bincode::config::standard()).unwrap();
        assert_eq!((books, bytes.len()), (&read.0, read.1), "they are kept whole in a snapshot");
        self.core = again;
    }
}
