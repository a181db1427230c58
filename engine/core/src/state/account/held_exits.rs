//! The exits of entries at a real venue, which the core keeps itself.
//!
//! A spot venue reserves what a resting sale would sell, so two exits of one entry cannot rest at once, and nothing there
//! only reduces. So one order of each entry rests, its stop, and what else would end it is kept here: until when the market
//! has touched it, how much the entry still holds, and when a venue that did not do as asked is asked again.

use core::hash::{Hash, Hasher};

use crate::event::{Execution, ExecutionReport, RefusedIntent, RejectReason};
use crate::instrument::InstrumentId;
use crate::intent::{Intent, OrderIntent};
use crate::ledger::closing_qty;
use crate::mark::MarkRule;
use crate::market::{MarketUpdate, Side};
use crate::num::{Price, Qty};
use crate::order::{Bracket, Order, OrderId, OrderKind, Status};
use crate::state::State;
use crate::time::{Span, Timestamp};

mod held_stop;
mod reading;

pub use held_stop::HeldStop;
pub(in crate::state) use held_stop::OpenedAt;

/// The first pause after an exit that its venue refused, or ended unasked; each further one doubles it.
const PAUSE: Span = Span::SECOND;

/// How often the pause doubles: no more than 16 seconds pass between two attempts.
const DOUBLINGS_MAX: u32 = 4;

/// How long an exit stands at least before it is replaced by a larger one, so that an entry that fills in many small parts
/// does not ask for more than one in a second.
const STANDS: Span = Span::SECOND;

/// How long a venue may take to end an exit before it is asked again.
const ENDS_WITHIN: Span = Span::from_nanos(10 * Span::SECOND.nanos());

/// What an exit that is to fill at once answers.
#[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[serde(rename_all = "snake_case")]
pub enum ExitDue {
    /// The stop is touched: by its venue's word, or by the market while none rested.
    StopLoss,
    /// The market has touched the take-profit.
    TakeProfit,
}

/// The exit of what one entry holds.
#[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HeldExit {
    /// The entry.
    pub entry: OrderId,
    /// What it holds.
    pub instrument: InstrumentId,
    /// The side that ends it.
    pub side: Side,
    /// What protects it.
    pub stop: HeldStop,
    /// At which price the profit is taken.
    pub take_profit: Option<Price>,
    /// How much it still holds.
    pub covered: Qty,
    /// Why all of it is to be ended at once, where it is.
    pub due: Option<ExitDue>,
    /// Exits in a row that the venue did not take, or ended unasked.
    failures: u32,
    /// Before this moment nothing that failed is tried again.
    again_at: Option<Timestamp>,
}

impl HeldExit {
    /// Whether what failed, or waits for its moment, may be tried at `at`.
    #[must_use]
    pub fn is_ready(&self, at: Timestamp) -> bool {
        self.again_at.is_none_or(|again_at| at >= again_at)
    }

    fn fail(&mut self, at: Timestamp) {
        let doublings = self.failures.min(DOUBLINGS_MAX);
        self.failures = self.failures.saturating_add(1);
        self.again_at = Some(at.plus(Span::from_nanos(PAUSE.nanos() << doublings)));
    }

    /// The venue has taken it, or the reason of its refusals is gone.
    const fn succeed(&mut self) {
        if self.failures > 0 {
            self.failures = 0;
            self.again_at = None;
        }
    }

    /// What the market at `mark` touches of its prices, while an order of it rests or not.
    fn touched(&self, mark: Price, rests: bool) -> Option<ExitDue> {
        let reaches = |price: Price, side: Side| match side {
            Side::Sell => mark >= price,
            Side::Buy => mark <= price,
        };
        // A stop that rests is its venue's to trigger, and so is a target that needs none beside it.
        // Where nothing is held, a stop that follows begins anew with what is bought next.
        let is_over = self.covered.is_zero() && matches!(self.stop, HeldStop::Trailing(_));
        let stop = self.stop.price().filter(|price| !rests && reaches(*price, self.side.opposite()));
        let take = self.take_profit.filter(|price| self.stop.is_some() && reaches(*price, self.side));
        stop.filter(|_| !is_over).map(|_| ExitDue::StopLoss).or(take.map(|_| ExitDue::TakeProfit))
    }
}

/// Exits by their entries, oldest first, and what waits for them to end. A fingerprint knows of them only where there are
/// some.
#[derive(serde::Serialize, serde::Deserialize, Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct HeldExits {
    exits: Vec<HeldExit>,
    postponed: Vec<OrderIntent>,
}

impl HeldExits {
    pub(super) fn is_empty(&self) -> bool {
        self.exits.is_empty() && self.postponed.is_empty()
    }

    fn find(&mut self, entry: OrderId) -> Option<&mut HeldExit> {
        let place = self.exits.binary_search_by_key(&entry, |exit| exit.entry).ok()?;
        self.exits.get_mut(place)
    }

    /// Covers what an entry has opened, as if that were all, or so much more of what it holds.
    fn cover(&mut self, opened: HeldExit) -> Option<()> {
        match self.exits.binary_search_by_key(&opened.entry, |exit| exit.entry) {
            Ok(place) => {
                let exit = self.exits.get_mut(place)?;
                if exit.covered.is_zero() {
                    // What was held when the price was best is gone.
                    exit.stop = opened.stop;
                }
                exit.covered = exit.covered.plus(opened.covered)?;
                exit.succeed();
            }
            Err(place) => self.exits.insert(place, opened),
        }
        Some(())
    }
}

impl Hash for HeldExits {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        if !self.is_empty() {
            self.exits.hash(hasher);
            self.postponed.hash(hasher);
        }
    }
}

/// An exit as it was before a report on it.
#[derive(Debug, Clone, Copy)]
pub(in crate::state) struct ReportedExit {
    entry: OrderId,
    status: Status,
}

impl State {
    fn exits_mut(&mut self) -> Option<&mut HeldExits> {
        self.account.books_mut().map(|books| &mut books.exits)
    }

    /// What a trade of `order`, before which `was` was held, makes of exits: its own entry is covered, or ended by so much.
    pub(in crate::state) fn note_exit_fill(
        &mut self,
        order: &Order,
        was: Qty,
        traded: Qty,
        opened_at: OpenedAt,
    ) {
        let now = self.ledger.position(order.instrument).qty;
        // Less than was traded, where the trade was charged in the coin it bought.
        let signed = now.minus(was);
        let opened = signed.and_then(|signed| signed.minus(closing_qty(was, signed)?)).map(Qty::magnitude);
        let works = self.open_order(order.id).is_some();
        let exit = order.bracket.zip(opened).filter(|(_, opened)| opened.is_positive());
        let exit = exit.and_then(|(bracket, opened)| self.exit_of(order, bracket, opened, opened_at));
        let Some(exits) = self.exits_mut() else { return };
        if let Some(entry) = order.parent {
            if let Some(exit) = exits.find(entry) {
                exit.covered = rest(exit.covered, traded);
                match order.kind {
                    OrderKind::Limit(_) if works => {}
                    OrderKind::Limit(_) => exit.due = exit.due.or(Some(ExitDue::TakeProfit)),
                    OrderKind::Market
                    | OrderKind::StopMarket(_)
                    | OrderKind::StopLimit(_)
                    | OrderKind::TrailingStop(_) => exit.due = exit.due.or(Some(ExitDue::StopLoss)),
                }
            }
        } else if let Some(exit) = exit {
            // What does not fit in a quantity would not have fitted in the position either.
            exits.cover(exit);
        }
        self.fit_held_exits(order.instrument);
    }

    /// The exit of what `entry` has opened.
    fn exit_of(&self, entry: &Order, bracket: Bracket, opened: Qty, opened_at: OpenedAt) -> Option<HeldExit> {
        let (side, mark) = (entry.side.opposite(), self.mark(entry.instrument));
        let rules = self.instrument(entry.instrument)?;
        Some(HeldExit {
            entry: entry.id,
            instrument: entry.instrument,
            side,
            stop: HeldStop::begun(bracket.stop_loss, side, opened_at, mark, rules),
            take_profit: bracket.take_profit,
            covered: opened,
            due: None,
            failures: 0,
            again_at: None,
        })
    }

    /// Together exits never cover more than is held: those of the oldest entries shrink first.
    fn fit_held_exits(&mut self, instrument: InstrumentId) {
        let held = self.ledger.position(instrument).qty;
        let side = if held.is_positive() { Side::Sell } else { Side::Buy };
        let mut left = held.magnitude();
        let Some(exits) = self.exits_mut() else { return };
        for exit in exits.exits.iter_mut().rev().filter(|exit| exit.instrument == instrument) {
            exit.covered = if exit.side == side { exit.covered.min(left) } else { Qty::ZERO };
            left = rest(left, exit.covered);
        }
    }

    /// The exit that `report` is about, as it is before it.
    pub(in crate::state) fn exit_reported_on(&self, report: &ExecutionReport) -> Option<ReportedExit> {
        let open = self.account().and_then(|_| self.open_order(report.order))?;
        Some(ReportedExit { entry: open.order.parent?, status: open.status })
    }

    /// What a report makes of exits, once it is folded.
    pub(in crate::state) fn settle_exits(
        &mut self,
        at: Timestamp,
        report: &ExecutionReport,
        reported: Option<ReportedExit>,
    ) {
        if !self.has_held_exits() {
            return;
        }
        let is_over = self.open_order(report.order).is_none();
        if let Some(ReportedExit { entry, status }) = reported
            && let Some(exit) = self.exits_mut().and_then(|exits| exits.find(entry))
        {
            match report.execution {
                Execution::Accepted => exit.succeed(),
                Execution::Triggered => exit.due = exit.due.or(Some(ExitDue::StopLoss)),
                Execution::Rejected(RejectReason::TriggerPassed) => {
                    exit.due = exit.due.or(Some(ExitDue::StopLoss));
                    (exit.failures, exit.again_at) = (0, None);
                }
                // We asked for it, and what replaces it goes out at once.
                Execution::Cancelled | Execution::Expired if status == Status::CancelPending => {
                    exit.again_at = None;
                }
                Execution::Rejected(_) | Execution::Cancelled | Execution::Expired => exit.fail(at),
                Execution::Filled(_) if is_over => exit.again_at = None,
                Execution::Filled(_) | Execution::Amended(_) => {}
            }
        }
        if let Some(instrument) = self.recent_order(report.order).map(|open| open.order.instrument) {
            self.touch_exits(instrument);
        }
        self.forget_exits();
    }

    /// An exit is at work, or an order that waited for the last of them waits no more.
    pub(in crate::state) fn note_exit_placed(&mut self, at: Timestamp, order: &Order) {
        let waits_on = self.exit_works(order.instrument);
        let Some(exits) = self.exits_mut() else { return };
        match order.parent {
            Some(entry) => {
                if let Some(exit) = exits.find(entry) {
                    exit.again_at = Some(at.plus(STANDS));
                }
            }
            None if waits_on => {}
            None => {
                let waited =
                    |intent: &OrderIntent| intent.instrument == order.instrument && intent.side == order.side;
                if let Some(place) = exits.postponed.iter().position(waited) {
                    exits.postponed.remove(place);
                }
            }
        }
    }

    pub(in crate::state) fn note_exit_asked(&mut self, at: Timestamp, order: OrderId) {
        let entry = self.open_order(order).and_then(|open| open.order.parent);
        let exit = entry.and_then(|entry| self.exits_mut()?.find(entry));
        if let Some(exit) = exit {
            exit.again_at = Some(at.plus(ENDS_WITHIN));
        }
    }

    /// Stops that follow the price learn where `update` put the mark.
    pub(in crate::state) fn follow_price(&mut self, update: &MarketUpdate) {
        let told_at = match update {
            MarketUpdate::Trade(trade) if self.mark_rule != MarkRule::Mid => trade.venue_at,
            MarketUpdate::Quote(quote) if self.mark_rule != MarkRule::Trade => quote.venue_at,
            MarketUpdate::Open(open) => open.open_at,
            MarketUpdate::Bar(bar) => bar.close_at,
            MarketUpdate::Trade(_) | MarketUpdate::Quote(_) | MarketUpdate::SignalBar(_) => return,
        };
        let instrument = update.instrument();
        let rules = self.instruments.get(instrument.index());
        let Some((mark, rules)) = self.mark(instrument).zip(rules) else { return };
        let Some(books) = self.account.books_mut() else { return };
        let exits = books.exits.exits.iter_mut().filter(|exit| exit.instrument == instrument);
        exits.for_each(|exit| exit.stop.follow(exit.side, mark, told_at, rules));
    }

    /// What the market touches now is due, and stays so: a price that comes back does not take it back.
    pub(in crate::state) fn touch_exits(&mut self, instrument: InstrumentId) {
        let Some(mark) = self.mark(instrument) else { return };
        let (orders, Some(books)) = (&self.orders, self.account.books_mut()) else { return };
        let exits = books.exits.exits.iter_mut();
        for exit in exits.filter(|exit| exit.instrument == instrument && exit.due.is_none()) {
            let rests = orders.iter().any(|open| open.order.parent == Some(exit.entry));
            exit.due = exit.touched(mark, rests);
            if exit.due.is_some() {
                exit.succeed();
            }
        }
    }

    /// The moments that have passed.
    pub(in crate::state) fn fold_exit_deadline(&mut self, at: Timestamp) {
        let Some(exits) = self.exits_mut() else { return };
        for exit in &mut exits.exits {
            exit.again_at = exit.again_at.filter(|again_at| *again_at > at);
        }
    }

    pub(in crate::state) fn fold_postponed(&mut self, intent: &OrderIntent) {
        if let Some(exits) = self.exits_mut() {
            exits.postponed.push(intent.clone());
        }
    }

    /// What is refused after all waits no more.
    pub(in crate::state) fn forget_postponed_refused(&mut self, refused: &RefusedIntent) {
        let (Intent::Place(intent), Some(exits)) = (&refused.intent, self.exits_mut()) else { return };
        exits.postponed.retain(|postponed| postponed != &**intent);
    }

    /// What is to be flat is closed as a whole.
    pub(in crate::state) fn forget_postponed(&mut self) {
        if let Some(exits) = self.exits_mut() {
            exits.postponed.clear();
        }
    }

    /// Forgets the exits of entries that are over, hold less than a lot and have no exit at work.
    fn forget_exits(&mut self) {
        let mut kept = self.exits_mut().map(|exits| core::mem::take(&mut exits.exits)).unwrap_or_default();
        kept.retain(|exit| {
            let is_held = self
                .instrument(exit.instrument)
                .is_some_and(|rules| rules.lots_down(exit.covered).is_positive());
            let is_of = |order: &Order| order.id == exit.entry || order.parent == Some(exit.entry);
            is_held || self.orders.iter().any(|open| is_of(&open.order))
        });
        if let Some(exits) = self.exits_mut() {
            exits.exits = kept;
        }
    }
}

/// `whole` without `part`; nothing where that is more.
fn rest(whole: Qty, part: Qty) -> Qty {
    whole.minus(part).filter(|rest| rest.is_positive()).unwrap_or_default()
}
