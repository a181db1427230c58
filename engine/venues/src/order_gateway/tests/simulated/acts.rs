//! What happens while the world goes on: the strategy, the market, people, and trouble.

use super::*;

impl World {
    /// The strategy, the market, people and trouble, each ten milliseconds.
    pub(super) fn happen(&mut self) {
        if self.random.chance(30) {
            self.decide();
        }
        if self.random.chance(20) {
            self.trade_one();
        }
        if self.random.chance(self.faults.by_hand) && self.random.chance(50) {
            self.by_hand();
        }
        if self.connect_at.is_none() && self.random.chance(self.faults.cut) && self.random.chance(100) {
            self.met.cuts += 1;
            self.cut();
        }
        if self.random.chance(self.faults.kill) && self.random.chance(100) {
            self.met.kills += 1;
            self.cut();
            self.epoch += 1;
            self.begin(self.known_to);
        }
    }

    pub(super) fn decide(&mut self) {
        let open: Vec<OrderId> = self.core.state().open_orders().map(|open| open.order.id).collect();
        if !open.is_empty() && self.random.chance(400) {
            let order = open[usize::try_from(self.random.below(open.len() as u64)).unwrap()];
            let request = engine_core::event::CancelRequest { order, because: Rationale::new("test") };
            let is_pending = self
                .core
                .state()
                .open_order(order)
                .is_some_and(|open| open.status == engine_core::order::Status::CancelPending);
            if !is_pending {
                self.core.apply(self.now, &Event::Output(Output::CancelRequested(request)));
                self.hand_over_cancel(order);
            }
            return;
        }
        let side = if self.random.chance(500) { Side::Buy } else { Side::Sell };
        let qty = Qty::from_units(1_000 * (1 + i128::from(self.random.below(50))) * 3);
        let intent = OrderIntent::market(InstrumentId::new(0), side, Size::Units(qty), "test");
        let kind = match self.random.chance(300) {
            true => OrderKind::Market,
            false => OrderKind::Limit(Price::from_units(6_400_000)),
        };
        let intent = OrderIntent { kind, ..intent };
        let (state, id) = (self.core.state(), self.core.state().next_order_id());
        let Ok(approved) = self.gate.review(self.now, state, id, &intent) else {
            self.met.refused += 1;
            return;
        };
        let order = approved.into_order();
        let submission = Submission { order: order.clone(), because: Rationale::new("test") };
        self.core.apply(self.now, &Event::Output(Output::OrderSubmitted(Box::new(submission))));
        if let Err(failure) = self.gateway.place(self.now, &order) {
            let failed = FailedEffect { act: FailedAct::Place(order.id), reason: failure.reason };
            self.input(Input::EffectFailed(Box::new(failed)));
        }
    }

    pub(super) fn hand_over_cancel(&mut self, order: OrderId) {
        if let Err(failure) = self.gateway.cancel(self.now, order) {
            let failed = FailedEffect { act: FailedAct::Cancel(order), reason: failure.reason };
            self.input(Input::EffectFailed(Box::new(failed)));
        }
    }

    /// What the core asks for again by itself.
    pub(super) fn ask_again(&mut self) {
        let due = self.core.deadline().is_some_and(|deadline| deadline <= self.now);
        if !due {
            return;
        }
        let step = self.core.step(self.now, Input::Deadline);
        for output in step.outputs {
            if let Output::CancelRequested(request) = output {
                self.hand_over_cancel(request.order);
            }
        }
    }

    pub(super) fn trade_one(&mut self) {
        let open: Vec<usize> = (0..self.venue.orders.len())
            .filter(|place| !self.venue.orders[*place].status.is_final())
            .collect();
        if open.is_empty() {
            return;
        }
        let place = open[usize::try_from(self.random.below(open.len() as u64)).unwrap()];
        let left = self.venue.orders[place].qty - self.venue.orders[place].filled;
        let qty = if self.random.chance(500) { left } else { (left / 2).max(1) };
        let trade = self.venue.trade(self.now, place, qty);
        let report = told(self.venue.report(place, Some(trade)));
        self.tell(vec![report]);
    }

    /// A person trades on the venue's page, or moves something.
    pub(super) fn by_hand(&mut self) {
        if self.core.state().account().is_none_or(|books| books.standing() == AccountStanding::Unread) {
            return;
        }
        if self.random.chance(300) && self.connect_at.is_none() {
            self.venue.usdt += 7 * 10_i128.pow(18);
            let amount = Decimal { units: 7, decimals: 0 };
            let transfer =
                Transfer { asset: "USDT".into(), amount, kind: TransferKind::External, venue_at: None };
            // A transfer has no name and cannot be asked for: one told twice would count twice, and one that is lost
            // closes the gate until a person accepts it.
            self.gateway.told(self.now, AccountMessage::Transfer(transfer));
            return self.pump();
        }
        let side = if self.random.chance(500) { Side::Buy } else { Side::Sell };
        let order = VenueSideOrder {
            client_id: "web".into(),
            side,
            qty: 5_000,
            filled: 0,
            status: OrderStatus::Working,
        };
        self.venue.orders.push(order);
        let place = self.venue.orders.len() - 1;
        let trade = self.venue.trade(self.now, place, 5_000);
        let report = told(self.venue.report(place, Some(trade)));
        self.tell(vec![report]);
    }
}
