//! The books of an account at a real venue, asset by asset, and what is not known of its orders.
//!
//! They stand beside the ledger of the run: the ledger says what the run has earned with its capital, these say what is in
//! the account to the last unit, whoever traded with it. A run without a real account has none.

use core::hash::{Hash, Hasher};
use std::collections::{BTreeMap, VecDeque};

use super::State;
use crate::asset::{Asset, AssetAmount, AssetPair};
use crate::epoch::Epoch;
use crate::event::{
    AccountAcceptance, AccountBeginning, AccountDifference, AccountEvent, AccountStatement, AssetTransfer,
    BalanceDifference, FeeCharge, ForeignOrder, ForeignTrade, OrderResolution,
};
use crate::fill::TradeId;
use crate::halt::{HaltReason, TooLarge};
use crate::instrument::InstrumentId;
use crate::num::Amount;
use crate::order::{OpenOrder, OrderId, Reach};
use crate::refusal::Refusal;
use crate::time::Timestamp;

mod charges;
mod foreign_orders;
mod held_exits;
mod late_reports;
#[cfg(test)]
mod tests;
mod unanswered;

pub(super) use charges::{Charge, Traded};
use held_exits::HeldExits;
pub(super) use held_exits::OpenedAt;
pub use held_exits::{ExitDue, HeldExit, HeldStop};

/// Orders that are over which are remembered, for reports that come late.
const ENDED_MAX: usize = 512;

/// Trades by others which are remembered, so that one told twice is booked once.
const FOREIGN_MAX: usize = 4_096;

/// An order of ours as its venue knows it.
#[derive(serde::Serialize, serde::Deserialize, Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct PlacedOrder {
    /// The epoch its client id carries.
    pub epoch: Epoch,
    /// The venue's own name of it, once it is known.
    pub name: Option<String>,
    /// When it went out over the wire, where that is known.
    pub sent_at: Option<Timestamp>,
}

/// An order that is over, with what was known of it.
#[derive(serde::Serialize, serde::Deserialize, Clone, Debug, PartialEq, Eq, Hash)]
struct EndedOrder {
    open: OpenOrder,
    placed: PlacedOrder,
}

/// Whether books and venue say the same.
#[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[serde(rename_all = "snake_case")]
pub enum AccountStanding {
    /// The venue has not said what is in the account since a process took it up.
    Unread,
    /// They say the same.
    Agrees,
    /// They differ.
    Differs,
}

/// The books of an account.
#[derive(serde::Serialize, serde::Deserialize, Clone, Debug, PartialEq, Eq, Hash)]
pub struct AccountBooks {
    epoch: Epoch,
    pairs: Vec<AssetPair>,
    balances: BTreeMap<Asset, Amount>,
    /// Whether a first statement has opened the books.
    is_opened: bool,
    standing: AccountStanding,
    differences: Vec<BalanceDifference>,
    /// What was said of the standing since a process took the account up.
    told: Option<Vec<BalanceDifference>>,
    /// What was charged for trades that are still to be told.
    charges: Vec<FeeCharge>,
    /// Charges in assets that no market of the run values.
    unvalued: BTreeMap<Asset, Amount>,
    orders: BTreeMap<OrderId, PlacedOrder>,
    /// Orders of which nobody knows whether they arrived, in the order of their numbers.
    unanswered: Vec<OrderId>,
    resolved: Option<OrderResolution>,
    ended: VecDeque<EndedOrder>,
    foreign: VecDeque<(Option<InstrumentId>, TradeId)>,
    exits: HeldExits,
    foreign_orders: BTreeMap<InstrumentId, Vec<ForeignOrder>>,
}

impl AccountBooks {
    fn new() -> Self {
        Self {
            epoch: Epoch::default(),
            pairs: Vec::new(),
            balances: BTreeMap::new(),
            is_opened: false,
            standing: AccountStanding::Unread,
            differences: Vec::new(),
            told: None,
            charges: Vec::new(),
            unvalued: BTreeMap::new(),
            orders: BTreeMap::new(),
            unanswered: Vec::new(),
            resolved: None,
            ended: VecDeque::new(),
            foreign: VecDeque::new(),
            exits: HeldExits::default(),
            foreign_orders: BTreeMap::new(),
        }
    }

    /// Which process trades with it.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// What `instrument` exchanges.
    #[must_use]
    pub fn pair(&self, instrument: InstrumentId) -> Option<&AssetPair> {
        self.pairs.get(instrument.index())
    }

    /// What is held of `asset` by the books.
    #[must_use]
    pub fn balance(&self, asset: &Asset) -> Amount {
        self.balances.get(asset).copied().unwrap_or_default()
    }

    /// Everything the books have ever had of, in the order of names.
    pub fn balances(&self) -> impl Iterator<Item = (&Asset, Amount)> {
        self.balances.iter().map(|(asset, amount)| (asset, *amount))
    }

    /// Whether books and venue say the same.
    #[must_use]
    pub const fn standing(&self) -> AccountStanding {
        self.standing
    }

    /// Where they do not.
    #[must_use]
    pub fn differences(&self) -> &[BalanceDifference] {
        &self.differences
    }

    /// What was charged in assets that no market of the run values; the run's equity does not know of it.
    pub fn unvalued_charges(&self) -> impl Iterator<Item = (&Asset, Amount)> {
        self.unvalued.iter().map(|(asset, amount)| (asset, *amount))
    }

    /// How the venue knows an order that works, or ended not long ago.
    #[must_use]
    pub fn placed(&self, id: OrderId) -> Option<&PlacedOrder> {
        self.orders.get(&id).or_else(|| self.ended(id).map(|ended| &ended.placed))
    }

    /// Our order under the venue's `name`.
    #[must_use]
    pub fn order_named(&self, name: &str) -> Option<OrderId> {
        let is_named = |placed: &PlacedOrder| placed.name.as_deref() == Some(name);
        let working = self.orders.iter().find(|(_, placed)| is_named(placed)).map(|(id, _)| *id);
        let ended = || self.ended.iter().rev().find(|ended| is_named(&ended.placed));
        working.or_else(|| ended().map(|ended| ended.open.order.id))
    }

    fn ended(&self, id: OrderId) -> Option<&EndedOrder> {
        self.ended.iter().rev().find(|ended| ended.open.order.id == id)
    }

    fn ended_mut(&mut self, id: OrderId) -> Option<&mut EndedOrder> {
        self.ended.iter_mut().rev().find(|ended| ended.open.order.id == id)
    }

    /// Books `changes`, all of them or, where one does not fit, none.
    fn post(&mut self, changes: &[AssetAmount]) -> Option<()> {
        let mut posted = Vec::with_capacity(changes.len());
        for AssetAmount { asset, amount } in changes {
            let earlier = posted.iter().rev().find(|(booked, _)| *booked == asset).map(|(_, sum)| *sum);
            posted.push((asset, earlier.unwrap_or_else(|| self.balance(asset)).plus(*amount)?));
        }
        for (asset, sum) in posted {
            self.balances.insert(asset.clone(), sum);
        }
        Some(())
    }

    /// Books a trade by somebody else, once; `None` where it does not fit.
    fn fold_foreign(&mut self, foreign: &ForeignTrade) -> Option<()> {
        let name = (foreign.instrument, foreign.trade);
        if self.foreign.contains(&name) {
            return Some(());
        }
        self.post(&foreign.moved)?;
        if self.foreign.len() >= FOREIGN_MAX {
            self.foreign.pop_front();
        }
        self.foreign.push_back(name);
        Some(())
    }

    fn fold_statement(&mut self, statement: &AccountStatement) {
        let stated = statement.balances.iter().map(|held| (held.asset.clone(), held.amount));
        if !self.is_opened {
            self.is_opened = true;
            self.balances = stated.collect();
            self.standing = AccountStanding::Agrees;
            return;
        }
        let stated: BTreeMap<Asset, Amount> = stated.collect();
        let venue = |asset: &Asset| stated.get(asset).copied().unwrap_or_default();
        let unknown = stated.keys().filter(|asset| !self.balances.contains_key(*asset));
        let mut assets: Vec<&Asset> = self.balances.keys().chain(unknown).collect();
        assets.sort_unstable();
        let differences = assets.into_iter().map(|asset| {
            let (ours, venue) = (self.balance(asset), venue(asset));
            BalanceDifference { asset: asset.clone(), ours, venue }
        });
        self.differences = differences.filter(|asset| asset.ours != asset.venue).collect();
        self.judge();
    }

    fn judge(&mut self) {
        self.standing = match self.differences.is_empty() {
            true => AccountStanding::Agrees,
            false => AccountStanding::Differs,
        };
    }

    /// What the venue stated last becomes what the books say, in every asset that differed.
    /// What differs otherwise than the person has seen is not accepted.
    fn fold_acceptance(&mut self, acceptance: &AccountAcceptance) {
        if self.standing != AccountStanding::Differs || acceptance.differences != self.differences {
            return;
        }
        for asset in core::mem::take(&mut self.differences) {
            self.balances.insert(asset.asset, asset.venue);
        }
        self.standing = AccountStanding::Agrees;
    }

    fn fold_beginning(&mut self, beginning: &AccountBeginning) {
        self.epoch = beginning.epoch;
        self.pairs.clone_from(&beginning.pairs);
        self.standing = AccountStanding::Unread;
        self.differences.clear();
        self.told = None;
        self.foreign_orders.clear();
    }
}

/// Where a state keeps the books of an account. A fingerprint knows of it only where there is one, so that the
/// fingerprints of runs without one are what they always were.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct AccountSlot(Option<Box<AccountBooks>>);

impl AccountSlot {
    pub(super) fn books(&self) -> Option<&AccountBooks> {
        self.0.as_deref()
    }

    /// Whether exits are kept, or orders wait for their end.
    #[inline]
    pub(super) fn has_exits(&self) -> bool {
        self.0.as_ref().is_some_and(|books| !books.exits.is_empty())
    }

    pub(super) fn books_mut(&mut self) -> Option<&mut AccountBooks> {
        self.0.as_deref_mut()
    }
}

impl Hash for AccountSlot {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        if let Some(books) = &self.0 {
            books.hash(hasher);
        }
    }
}

impl State {
    /// The books of the account at a real venue, where the run has one.
    #[must_use]
    pub fn account(&self) -> Option<&AccountBooks> {
        self.account.books()
    }

    /// Gives a state that was kept the books that were kept beside it.
    pub fn restore_account(&mut self, books: AccountBooks) {
        self.account = AccountSlot(Some(Box::new(books)));
    }

    pub(super) fn fold_account(&mut self, at: Timestamp, event: &AccountEvent) {
        if let AccountEvent::Begun(beginning) = event {
            let slot = self.account.0.get_or_insert_with(|| Box::new(AccountBooks::new()));
            return slot.fold_beginning(beginning);
        }
        let Some(books) = self.account.books_mut() else { return };
        match event {
            AccountEvent::Begun(_) | AccountEvent::Explained(_) | AccountEvent::Paused(_) => {}
            AccountEvent::Stated(statement) => books.fold_statement(statement),
            AccountEvent::Charged(charge) => self.fold_charge(charge),
            AccountEvent::Moved(AssetTransfer { moved, .. }) => {
                if books.post(core::slice::from_ref(moved)).is_none() {
                    self.found_too_large(TooLarge::Balance);
                }
            }
            AccountEvent::Traded(foreign) => {
                if books.fold_foreign(foreign).is_none() {
                    self.found_too_large(TooLarge::Balance);
                }
            }
            AccountEvent::Foreign(listed) => books.fold_foreign_orders(listed),
            AccountEvent::Accepted(acceptance) => books.fold_acceptance(acceptance),
            AccountEvent::Sent(sent) => {
                if let Some(placed) = books.orders.get_mut(&sent.order) {
                    placed.sent_at = Some(sent.wire_at);
                }
            }
            AccountEvent::Unanswered(order) => self.fold_unanswered(*order),
            AccountEvent::Named(named) => self.fold_name(named),
            AccountEvent::NeverPlaced(order) => self.fold_never_placed(at, *order),
        }
    }

    /// Whether something about the account itself keeps an order of `instrument` from being placed.
    #[must_use]
    pub(crate) fn account_refusal(&self, instrument: InstrumentId, reach: Reach) -> Option<Refusal> {
        let books = self.account()?;
        if self.has_unanswered(instrument) {
            return Some(Refusal::OrderUnanswered);
        }
        match books.standing {
            AccountStanding::Unread => Some(Refusal::AccountUnread),
            AccountStanding::Agrees => None,
            AccountStanding::Differs => {
                // What is held of the base must be known to sell it; what else differs does not matter to a sale.
                let base = books.pair(instrument).map(|pair| &pair.base);
                let is_here = books.differences.iter().any(|asset| Some(&asset.asset) == base);
                (reach == Reach::Any || is_here).then_some(Refusal::AccountDiffers)
            }
        }
    }

    /// What is to be said of the standing of the account, where that has not been said yet.
    pub(crate) fn untold_standing(&self) -> Option<AccountDifference> {
        let books = self.account()?;
        let is_told = books.told.as_ref() == Some(&books.differences);
        (books.standing != AccountStanding::Unread && !is_told)
            .then(|| AccountDifference { assets: books.differences.clone() })
    }

    pub(super) fn fold_told_standing(&mut self, assets: &[BalanceDifference]) {
        if let Some(books) = self.account.books_mut() {
            books.told = Some(assets.to_vec());
        }
    }

    pub(super) fn found_impossible(&mut self, order: OrderId) {
        self.impossible = Some(HaltReason::ImpossibleReport(order));
    }
}
