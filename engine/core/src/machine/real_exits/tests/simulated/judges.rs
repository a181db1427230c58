//! What must hold at every step, at every moment and whenever everything is quiet.

use super::*;

impl World {
    /// Exits at work together sell no more than is held, and those of one entry no more than it holds; what came out of its
    /// order may have made that untrue, and then the end of what is too much has been asked for.
    pub(super) fn judge_sales(&self) {
        let state = self.core.state();
        let held = state.ledger().position(ONLY).qty.units();
        let exits = || state.open_orders().filter(|open| open.order.parent.is_some());
        let goes_on = |open: &&OpenOrder| open.status != Status::CancelPending;
        let asked = |open: &&OpenOrder| open.order.kind != OrderKind::Market && goes_on(open);
        let together: i128 = exits().filter(asked).map(|open| open.remaining().units()).sum();
        assert!(together <= held, "seed {}: {together} of {held} at {}", self.seed, self.now);
        for exit in state.held_exits() {
            let of = |open: &&OpenOrder| open.order.parent == Some(exit.entry) && goes_on(open);
            let works: i128 = exits().filter(of).map(|open| open.remaining().units()).sum();
            assert!(works <= exit.covered.units(), "seed {}: {works} at work of {exit:?}", self.seed);
            assert!(exits().filter(of).count() <= 1, "seed {}: two exits of {exit:?}", self.seed);
        }
    }

    /// Where nothing else holds the coins, no pause between two attempts is longer than sixteen seconds; for how long the venue
    /// has none of an exit while the engine runs is kept.
    pub(super) fn judge_bare(&mut self) {
        let state = self.core.state();
        let bare = state.held_exits().iter().filter(|exit| {
            let wanted = state.exit_qty(exit);
            let is_free = wanted.is_positive() && wanted <= state.free_to_close(ONLY);
            is_free && state.orders_of(exit).next().is_none()
        });
        let since =
            bare.map(|exit| (exit.entry, self.bare_since.get(&exit.entry).copied().unwrap_or(self.now)));
        let since: BTreeMap<OrderId, i64> = since.collect();
        let longest = since.values().map(|since| self.now - since).max().unwrap_or_default();
        assert!(longest <= 16_010, "seed {} at {}: {since:?}", self.seed, self.now);
        self.bare_since = since;
        // What fees leave of a lot, entry by entry, no exit sells.
        let dust = 10 * i128::from(self.core.state().order_count()) * i128::from(self.venue.fee > 0);
        self.unprotected_since = match self.venue.coins >= 10 + dust && self.venue.held_back() == 0 {
            true => self.unprotected_since.or(Some(self.now)),
            false => None,
        };
        let unprotected = self.unprotected_since.map_or(0, |since| self.now - since);
        self.met.unprotected_longest = self.met.unprotected_longest.max(unprotected);
    }

    /// Each entry that holds something has its exit at work, at both ends.
    pub(super) fn judge(&mut self) {
        let (seed, state) = (self.seed, self.core.state());
        let held = state.ledger().position(ONLY).qty.units();
        assert_eq!(held, self.venue.coins, "seed {seed}: books and venue");
        assert_eq!(state.unanswered().count(), 0, "seed {seed}");
        let mut covered = 0;
        for exit in state.held_exits() {
            covered += exit.covered.units();
            let wanted = state.exit_qty(exit);
            let works: Vec<&OpenOrder> = state.orders_of(exit).collect();
            assert_eq!(
                works.len(),
                usize::from(wanted.is_positive()),
                "seed {seed} at {}: {exit:?}",
                self.now
            );
            for open in works {
                self.met.quiet_exits += 1;
                assert_eq!((open.remaining(), exit.due), (wanted, None), "seed {seed}: {exit:?}");
                let is_right = match exit.stop {
                    HeldStop::Trailing(_) => {
                        matches!(open.order.kind, OrderKind::StopMarket(_)) && !exit.has_left(&open.order)
                    }
                    HeldStop::None | HeldStop::At(_) => Some(open.order.kind) == exit.resting(),
                };
                assert!(is_right, "seed {seed}: {exit:?} and {open:?}");
                let there = self.venue.orders.get(&open.order.id);
                let left = there.filter(|order| !order.over).map(VenueOrder::left);
                assert_eq!(left, Some(wanted.units()), "seed {seed}: {exit:?} at the venue");
            }
        }
        // What no exit covers are parts of a lot that entries left over.
        let dust = i128::from(self.core.state().order_count()) * 10;
        assert!(covered <= held && held - covered <= dust, "seed {seed}: {covered} of {held}");
    }
}
