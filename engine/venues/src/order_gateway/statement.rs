//! What the account holds, asked when nothing else is said of it.
//!
//! A statement and the reports of trades come by different ways, so one can know what the other does not yet. A statement
//! counts only where the venue has said nothing of the account for half a second before it was asked for, until half a second
//! behind its answer.

use engine_core::asset::{Asset, AssetAmount};
use engine_core::event::{AccountEvent, AccountStatement};
use engine_core::num::Amount;
use engine_core::time::{Span, Timestamp};

use super::trades::amount;
use super::{OrderGateway, Purpose};
use crate::account_message::{AccountMessage, AccountSnapshot};

/// How long nothing must be said of the account.
const QUIET: Span = Span::from_nanos(500_000_000);

/// Between two statements.
const EVERY: Span = Span::from_nanos(30_000_000_000);

/// How the next statement stands.
#[derive(Debug, Default)]
pub(super) struct Statement {
    last_word: Option<Timestamp>,
    /// When the next is to be asked for; nothing before there was a connection.
    due_at: Option<Timestamp>,
    is_asked: bool,
    /// An answer, and when it came, that waits for the quiet behind it.
    held: Option<(AccountStatement, Timestamp)>,
}

impl Statement {
    /// Something is said of the account, or asked to happen to it.
    pub(super) fn word(&mut self, now: Timestamp) {
        self.last_word = Some(now);
        if self.held.take().is_some() {
            self.due_at = Some(now.plus(QUIET));
        }
    }

    /// A connection begins.
    pub(super) fn begin(&mut self, now: Timestamp) {
        self.due_at = Some(now);
    }

    /// The connection is gone.
    pub(super) fn forget(&mut self) {
        (self.is_asked, self.held, self.due_at) = (false, None, None);
    }

    /// No answer came.
    pub(super) fn unanswered(&mut self, now: Timestamp) {
        self.is_asked = false;
        self.due_at = Some(now.plus(Span::SECOND));
    }

    fn quiet_at(&self) -> Option<Timestamp> {
        self.last_word.map(|word| word.plus(QUIET))
    }

    /// When something is to be done about it.
    pub(super) fn next_at(&self, is_ready: bool) -> Option<Timestamp> {
        if let Some((_, at)) = &self.held {
            return Some(at.plus(QUIET));
        }
        let due_at = self.due_at.filter(|_| is_ready && !self.is_asked)?;
        Some(self.quiet_at().map_or(due_at, |quiet| quiet.max(due_at)))
    }
}

impl OrderGateway {
    /// Asks for what the account holds when that is due and nothing happens to it, and tells what has stood quiet.
    pub(super) fn pursue_statement(&mut self, now: Timestamp) {
        if let Some((_, at)) = &self.statement.held {
            if at.plus(QUIET) <= now
                && let Some((statement, _)) = self.statement.held.take()
            {
                self.statement.due_at = Some(now.plus(EVERY));
                self.tell(AccountEvent::Stated(statement));
                (0..self.markets.len()).for_each(|market| self.ask(now, Purpose::OpenOrders(market)));
                self.ask_for_trades(now);
            }
            return;
        }
        let is_due = self.statement.next_at(self.is_ready()).is_some_and(|at| at <= now);
        if !is_due {
            return;
        }
        let acts = self.pending.values().any(|pending| pending.purpose.is_act());
        let doubts = self.orders.values().any(|known| known.doubt.is_some());
        // What the venue holds already knows of trades that are still to be told.
        let of_trades = |purpose: &Purpose| matches!(purpose, Purpose::OrderFills(_) | Purpose::Fills(..));
        let trades = self.pending.values().any(|pending| of_trades(&pending.purpose))
            || self.later.iter().any(|(_, purpose)| of_trades(purpose));
        if acts || doubts || trades || !self.strays.is_empty() {
            self.statement.due_at = Some(now.plus(QUIET));
            return;
        }
        self.statement.is_asked = true;
        self.ask(now, Purpose::Balances);
    }

    /// The venue has said what the account holds, asked at `asked_at`.
    pub(super) fn balances(
        &mut self,
        now: Timestamp,
        asked_at: Timestamp,
        (messages, has_more): (&[AccountMessage], bool),
    ) {
        self.statement.is_asked = false;
        let snapshot = messages.iter().find_map(AccountMessage::as_snapshot);
        let is_quiet = self.statement.last_word.is_none_or(|word| word < asked_at);
        match snapshot.filter(|_| is_quiet) {
            Some(snapshot) => match statement_of(snapshot, now).filter(|_| !has_more) {
                Some(statement) => self.statement.held = Some((statement, now)),
                None => self.halt("a balance of the account does not fit, or the account is told in pages"),
            },
            None => self.statement.due_at = Some(now.plus(QUIET)),
        }
    }
}

/// The balances that are not nothing, in the order of their names; nothing where one does not fit.
fn statement_of(snapshot: &AccountSnapshot, now: Timestamp) -> Option<AccountStatement> {
    let mut balances = Vec::with_capacity(snapshot.balances.len());
    for balance in &snapshot.balances {
        let locked = balance.locked.map_or(Some(Amount::ZERO), amount)?;
        let held = amount(balance.free)?.plus(locked)?;
        let asset = Asset::new(&balance.asset);
        match balances.iter_mut().find(|known: &&mut AssetAmount| known.asset == asset) {
            // A venue may keep an asset in several places.
            Some(known) => known.amount = known.amount.plus(held)?,
            None => balances.push(AssetAmount { asset, amount: held }),
        }
    }
    balances.retain(|held| !held.amount.is_zero());
    balances.sort_by(|one, other| one.asset.cmp(&other.asset));
    Some(AccountStatement { venue_at: snapshot.venue_at.unwrap_or(now), balances })
}
