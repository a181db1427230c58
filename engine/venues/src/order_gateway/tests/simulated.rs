//! Gateway, core and a venue in virtual time: answers and reports lost, late, doubled and out of order, connections cut,
//! processes killed. Whatever happens, books and venue agree in the end to the last unit, and no order is placed twice.

use std::collections::{BTreeSet, BinaryHeap};

use engine_core::event::{AccountBeginning, Event, FailedAct, Output, Submission};
use engine_core::intent::{OrderIntent, Rationale, Size};
use engine_core::machine::{Core, CoreConfig, Timing};
use engine_core::mark::MarkRule;
use engine_core::market::{Aggressor, MarketUpdate, Trade};
use engine_core::num::Decimal;
use engine_core::risk::{RiskGate, RiskLimits};
use engine_core::state::AccountStanding;
use engine_core::strategy::{Strategy, View};

use super::*;
use crate::account_message::{BalanceChange, Transfer, TransferKind};
use crate::order_request::{FillsSince, NewOrderKind, OrderName};

mod acts;
mod delivery;
mod venue;
mod world;

use delivery::{Delivery, Underway};
use venue::{PRICE, Venue, VenueSideOrder};
use world::World;

struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    fn chance(&mut self, per_mille: u64) -> bool {
        self.below(1_000) < per_mille
    }
}

/// A policy that decides nothing: the test places orders itself.
struct Idle;

impl Strategy for Idle {
    fn observe(&mut self, _: Timestamp, _: &Event) {}

    fn propose(&self, _: &View<'_>) -> Vec<engine_core::intent::Intent> {
        Vec::new()
    }
}

/// How often what goes wrong, in thousandths; drawn anew for each seed, and nothing once the faults are over.
#[derive(Debug, Clone, Copy, Default)]
struct Faults {
    pub(super) answer_lost: u64,
    pub(super) request_lost: u64,
    pub(super) request_late: u64,
    pub(super) answer_late: u64,
    pub(super) told_twice: u64,
    pub(super) told_late: u64,
    pub(super) cut: u64,
    pub(super) kill: u64,
    pub(super) busy: u64,
    pub(super) by_hand: u64,
}

impl Faults {
    fn drawn(random: &mut Random) -> Self {
        let mut rate = |most: u64| if random.chance(400) { 0 } else { random.below(most) };
        Self {
            answer_lost: rate(300),
            request_lost: rate(300),
            request_late: rate(300),
            answer_late: rate(300),
            told_twice: rate(500),
            told_late: rate(300),
            cut: rate(30),
            kill: rate(15),
            busy: rate(200),
            by_hand: rate(100),
        }
    }
}

/// How often what was met, over all seeds: what never happens is not tested.
#[derive(Debug, Default)]
struct Met {
    pub(super) unanswered: u64,
    pub(super) never_placed: u64,
    pub(super) resolved: u64,
    pub(super) late: u64,
    pub(super) kills: u64,
    pub(super) cuts: u64,
    pub(super) foreign: u64,
    pub(super) differed: u64,
    pub(super) refused: u64,
}

/// How many seeds are tried and which is the first; `GATEWAY_SEEDS` and `GATEWAY_SEED` name others.
fn named(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|count| count.parse().ok()).unwrap_or(usual)
}

#[test]
fn books_and_venue_agree_in_the_end_whatever_happened_on_the_way() {
    let (first, count) = (named("GATEWAY_SEED", 1), named("GATEWAY_SEEDS", 60));
    let mut met = Met::default();
    for seed in first..first + count {
        let mut world = World::new(seed);
        let busy_until = world.now.plus(Span::from_nanos(200_000_000_000));
        world.run_until(busy_until, true);
        world.faults = Faults::default();
        let calm_until = world.now.plus(Span::from_nanos(150_000_000_000));
        world.run_until(calm_until, false);
        world.judge(seed);
        let Met { unanswered, never_placed, resolved, late, kills, cuts, foreign, differed, refused } =
            world.met;
        met.unanswered += unanswered;
        met.never_placed += never_placed;
        met.resolved += resolved;
        met.late += late;
        met.kills += kills;
        met.cuts += cuts;
        met.foreign += foreign;
        met.differed += differed;
        met.refused += refused;
    }
    let all = [
        met.unanswered,
        met.never_placed,
        met.resolved,
        met.late,
        met.kills,
        met.cuts,
        met.foreign,
        met.refused,
    ];
    assert!(count < 60 || all.iter().all(|times| *times > 0), "{met:?}");
    println!("{count} seeds: {met:?}");
}
