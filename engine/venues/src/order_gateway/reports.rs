//! What the venue says of orders and of the account, as inputs.

use engine_core::asset::{Asset, AssetAmount};
use engine_core::client_id::ClientId;
use engine_core::event::{AccountEvent, AssetTransfer, Execution, FailedAct, OrderWords, VenueOrder};
use engine_core::num::Qty;
use engine_core::order::OrderId;
use engine_core::time::Timestamp;

use super::answers::reason_of;
use super::trades::amount;
use super::{OrderGateway, Owner, Purpose, REMEMBERED_MAX};
use crate::account_message::{AccountMessage, OrderReport, OrderStatus, Transfer, TransferKind};
use crate::decimal;

impl OrderGateway {
    /// The venue says something at `now`.
    pub fn told(&mut self, now: Timestamp, message: AccountMessage) {
        match message {
            AccountMessage::Order(report) => self.report(now, &report),
            AccountMessage::Fill(fill) => self.fill(now, fill),
            AccountMessage::BalanceChange(_) => self.statement.word(now),
            AccountMessage::Transfer(transfer) => self.transfer(now, &transfer),
            AccountMessage::Permissions(key) if key.may_withdraw == Some(true) => {
                self.halt("the key may move assets out of the account; use one that may only trade");
            }
            // What the account holds counts only as the answer to our own question.
            AccountMessage::Snapshot(_)
            | AccountMessage::Permissions(_)
            | AccountMessage::OrderList(_)
            | AccountMessage::OrdersListed { .. }
            | AccountMessage::LoggedOn { .. }
            | AccountMessage::Subscribed { .. }
            | AccountMessage::SessionEnded { .. }
            | AccountMessage::ServerShutdown { .. }
            | AccountMessage::Sequence { .. }
            | AccountMessage::Heartbeat
            | AccountMessage::Unknown { .. } => {}
        }
    }

    /// Which orders the messages name: the trades of an answer stand before the state of their order.
    pub(super) fn own_names(&mut self, now: Timestamp, messages: &[AccountMessage]) {
        for message in messages {
            if let AccountMessage::Order(report) = message
                && let Some(id) = self.own_client_id(report.client_id.as_deref())
            {
                self.arrived(now, id, &report.order_id);
            }
        }
    }

    /// The order of ours that has this client id.
    pub(super) fn own_client_id(&self, client_id: Option<&str>) -> Option<OrderId> {
        let id: ClientId = client_id?.parse().ok()?;
        (id.run() == self.run).then_some(id.order())
    }

    fn report(&mut self, now: Timestamp, report: &OrderReport) {
        self.statement.word(now);
        self.heed_other_processes(report);
        let named = self.names.get(&report.order_id).copied();
        let owner = match (self.own_client_id(report.client_id.as_deref()), named) {
            (Some(id), _) | (None, Some(Owner::Ours(id))) => Owner::Ours(id),
            (None, Some(Owner::Foreign) | None) => Owner::Foreign,
        };
        match owner {
            Owner::Ours(id) => self.own_report(now, id, report),
            Owner::Foreign => {
                self.names.insert(report.order_id.clone(), Owner::Foreign);
                self.foreign_report(now, report);
            }
        }
    }

    /// An order of this run by a later process, or one of another run of this engine: somebody trades here who should not.
    fn heed_other_processes(&mut self, report: &OrderReport) {
        let Some(id) = report.client_id.as_deref().and_then(|id| id.parse::<ClientId>().ok()) else { return };
        let is_ours = id.run() == self.run;
        if (is_ours && id.epoch() <= self.epoch) || self.other_processes.contains(&(id.run(), id.epoch())) {
            return;
        }
        self.other_processes.insert((id.run(), id.epoch()));
        if is_ours {
            let name = &report.order_id;
            self.halt(&format!("order {name} is of a later process of this run: it was taken up elsewhere too; end one of them"));
        } else {
            let line = format!(
                "order {} is of another run of this engine: each run needs an account of its own",
                report.order_id
            );
            self.notices.push_back(line);
        }
        while self.other_processes.len() > REMEMBERED_MAX {
            self.other_processes.pop_first();
        }
    }

    fn foreign_report(&mut self, now: Timestamp, report: &OrderReport) {
        let Some(symbol) = &report.symbol else { return };
        self.list_foreign_orders(now, report);
        if let (Some(fill), Some(side)) = (&report.last_fill, report.side) {
            let at = report.venue_at.unwrap_or(now);
            self.foreign_trade(symbol, (&report.order_id, side), fill, at);
        }
        let Some(filled) = report.filled_qty.filter(|filled| filled.units > 0) else { return };
        let before = self.foreign_filled.insert(report.order_id.clone(), filled);
        if self.foreign_filled.len() > REMEMBERED_MAX {
            self.foreign_filled.pop_first();
        }
        if report.last_fill.is_none()
            && before != Some(filled)
            && let Some(market) = self.market_of(symbol)
        {
            // It has traded, and the venue does not say in which trades.
            self.ask_for_trades_in(now, market);
        }
    }

    fn own_report(&mut self, now: Timestamp, id: OrderId, report: &OrderReport) {
        self.arrived(now, id, &report.order_id);
        let at = report.venue_at.unwrap_or(now);
        if let Some(fill) = &report.last_fill {
            self.own_trade(id, report.symbol.as_deref(), fill, at);
        }
        let Some(known) = self.orders.get_mut(&id) else { return };
        let rules = self.markets.get(known.order.instrument.index()).map(|market| &market.rules);
        let told = rules.map(|rules| rules.qty_decimals);
        let filled = report.filled_qty.zip(told).and_then(|(qty, decimals)| decimal::qty(qty, decimals).ok());
        known.told = known.told.max(filled.unwrap_or(Qty::ZERO));
        if known.told > known.filled {
            // Something was traded that nobody has told.
            self.ask_for_trades_of(now, id);
            if matches!(report.status, OrderStatus::Cancelled | OrderStatus::Expired) {
                // Its end would say that what has traded is still held; it is told behind its trades.
                return self.ask_at(now.plus(super::ASK_AGAIN_AFTER), Purpose::Query(id));
            }
        }
        self.status(now, id, report, at);
    }

    fn status(&mut self, now: Timestamp, id: OrderId, report: &OrderReport, at: Timestamp) {
        let Some(known) = self.orders.get_mut(&id) else { return };
        let works = match report.status {
            OrderStatus::Pending
            | OrderStatus::Working
            | OrderStatus::PartiallyFilled
            | OrderStatus::CancelPending
            | OrderStatus::Filled => true,
            OrderStatus::Cancelled | OrderStatus::Rejected | OrderStatus::Expired | OrderStatus::Unknown => {
                false
            }
        };
        let was_taken = known.is_accepted;
        if works && !core::mem::replace(&mut known.is_accepted, true) {
            self.tell_execution(id, at, Execution::Accepted);
        }
        let ended = match report.status {
            OrderStatus::Cancelled => Execution::Cancelled,
            OrderStatus::Expired => Execution::Expired,
            // It was taken, and ended by the venue before it worked.
            OrderStatus::Rejected if was_taken => Execution::Expired,
            OrderStatus::Rejected => {
                Execution::Rejected(reason_of(report.reason.as_deref().unwrap_or(&report.status_word)))
            }
            OrderStatus::Unknown => return self.ask_at(now.plus(super::ASK_AGAIN_AFTER), Purpose::Query(id)),
            OrderStatus::Pending | OrderStatus::Working | OrderStatus::PartiallyFilled => {
                return self.works_on(id);
            }
            // Its trades say the rest.
            OrderStatus::CancelPending | OrderStatus::Filled => return,
        };
        if self.end(id) {
            if let Some(words) = &report.reason {
                self.tell(AccountEvent::Explained(OrderWords { order: id, words: words.clone() }));
            }
            self.tell_execution(id, at, ended);
        }
    }

    /// An order works whose end was asked for: where that is answered, it came before the order itself and is lost.
    fn works_on(&mut self, id: OrderId) {
        let is_asked = self.pending.values().any(|pending| pending.purpose == Purpose::Cancel(id));
        if let Some(known) = self.orders.get_mut(&id)
            && known.is_to_end
            && !known.is_over
            && !is_asked
        {
            known.is_to_end = false;
            self.tell_failure(FailedAct::Cancel(id), "the order works on behind the answer to its cancel");
        }
    }

    /// The venue has order `id` under `name`.
    pub(super) fn arrived(&mut self, now: Timestamp, id: OrderId, name: &str) {
        self.names.insert(name.to_owned(), Owner::Ours(id));
        let Some(known) = self.orders.get_mut(&id) else { return };
        known.doubt = None;
        known.named_at.get_or_insert(now);
        if known.name.as_deref() != Some(name) {
            known.name = Some(name.to_owned());
            self.tell(AccountEvent::Named(VenueOrder { order: id, name: name.to_owned() }));
        }
    }

    /// Order `id` is over; answers whether that is news.
    pub(super) fn end(&mut self, id: OrderId) -> bool {
        let Some(known) = self.orders.get_mut(&id) else { return true };
        known.doubt = None;
        known.is_accepted = true;
        !core::mem::replace(&mut known.is_over, true)
    }

    fn transfer(&mut self, now: Timestamp, transfer: &Transfer) {
        self.statement.word(now);
        let words = match &transfer.kind {
            TransferKind::External => "moved into the account or out of it",
            // What is locked is still held.
            TransferKind::Lock => return,
            TransferKind::Other(word) => word.as_str(),
        };
        match amount(transfer.amount) {
            Some(moved) => {
                let moved = AssetAmount { asset: Asset::new(&transfer.asset), amount: moved };
                let venue_at = transfer.venue_at.unwrap_or(now);
                self.tell(AccountEvent::Moved(AssetTransfer { venue_at, moved, words: words.to_owned() }));
            }
            None => self.halt(&format!("{} of {} does not fit", transfer.amount, transfer.asset)),
        }
    }
}
