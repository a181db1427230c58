//! The one door to state: `apply`, a small fold per family of events.

use super::fills::gain;
use super::{State, Waiting};
use crate::event::{Event, Execution, ExecutionReport, Input, OperatorCommand, Output, Submission};
use crate::feed::FeedStatus;
use crate::halt::{FlatReason, HaltReason, TooLarge};
use crate::instrument::InstrumentId;
use crate::mark::MarkRule;
use crate::market::{Bar, BarOpen, MarketUpdate, Quote, Trade};
use crate::num::{Money, Price, Qty};
use crate::order::{Change, OpenOrder, OrderId, Reach, Status};
use crate::time::{Span, Timestamp};

impl State {
    /// Folds one recorded event. The only writer of state, live and on replay.
    ///
    /// # Panics
    /// When time runs backward: recorded events never do.
    pub fn apply(&mut self, at: Timestamp, event: &Event) {
        match event {
            Event::Input(Input::Market(update)) => self.apply_market(at, update),
            Event::Input(input) => {
                self.advance(at);
                self.fold_input(at, input);
            }
            Event::Output(output) => {
                self.advance(at);
                self.fold_output(at, output);
            }
        }
    }

    /// What [`Self::apply`] does with a market record, which most events are.
    #[inline]
    pub(crate) fn apply_market(&mut self, at: Timestamp, update: &MarketUpdate) {
        self.advance(at);
        self.fold_market(at, update);
    }

    #[inline]
    fn advance(&mut self, at: Timestamp) {
        assert!(at >= self.now, "time never runs backward in a journal");
        self.now = at;
    }

    #[inline(never)]
    fn fold_input(&mut self, at: Timestamp, input: &Input) {
        match input {
            Input::Session(mark) => self.fold_session(mark),
            Input::Market(update) => self.fold_market(at, update),
            Input::Feed(FeedStatus { instrument, condition }) => {
                if let Some(market) = self.markets.get_mut(instrument.index()) {
                    market.feed = *condition;
                    market.bars.iter_mut().for_each(|bars| bars.connect(at, *condition));
                }
            }
            Input::Execution(report) => self.fold_execution(at, report),
            Input::Operator(command) => self.fold_command(*command),
            Input::Inference(_) | Input::History(_) | Input::Clock(_) | Input::DataFault(_) => {}
            Input::Listing(change) => self.fold_listing(change),
            Input::Account(event) => self.fold_account(at, event),
            Input::EffectFailed(failed) => self.fold_failed_effect(at, failed),
            Input::Conductor(decision) => self.fold_decision(at, decision),
            Input::Deadline => {
                self.fold_retry(at);
                self.fold_exit_deadline(at);
                let builders = self.markets.iter_mut().filter_map(|market| market.bars.as_mut());
                builders.for_each(|bars| bars.pass(at));
            }
        }
    }

    #[inline(never)]
    fn fold_output(&mut self, at: Timestamp, output: &Output) {
        match output {
            Output::BarClosed(bar) => self.fold_bar_closed(bar),
            Output::Signalled(intent) => {
                self.waiting.push(Waiting { intent: (**intent).clone(), since: at });
            }
            Output::OrderSubmitted(submission) => self.fold_submission(at, submission),
            Output::OrderRefused(refused) => {
                self.last_refusal = Some((refused.intent.clone(), refused.reason));
                self.fold_refused_close(refused);
                self.forget_postponed_refused(refused);
            }
            Output::CancelRequested(request) => {
                self.forget_unsent(request.order);
                self.note_exit_asked(at, request.order);
                self.change(request.order, Change::RequestCancel);
            }
            Output::AmendRequested(request) => match self.orders.get_mut(request.order) {
                Some(open) => {
                    open.amended_to = Some(request.qty);
                    self.forget_unsent(request.order);
                }
                None => self.impossible = Some(HaltReason::ImpossibleReport(request.order)),
            },
            Output::TradingHalted(reason) => {
                self.fold_halt(*reason);
                self.impossible = None;
                self.drop_waiting_entries();
            }
            Output::FlatWanted(reason) => self.begin_flattening(*reason),
            Output::TradingResumed => self.fold_resumed(),
            Output::CheckpointTaken(_) => {}
            Output::GapFound(gap) => self.fold_gap(gap),
            Output::RegimeChanged(change) => self.fold_regime(change),
            Output::ConductorConsulted(question) => self.fold_question(question),
            Output::ConductorMissed(missed) => self.fold_missed(missed),
            Output::AccountDiffers(difference) => self.fold_told_standing(&difference.assets),
            Output::AccountAgrees => self.fold_told_standing(&[]),
            Output::OrderResolved(_) => self.fold_resolution(),
            Output::Postponed(intent) => self.fold_postponed(intent),
        }
    }

    #[inline]
    fn fold_market(&mut self, at: Timestamp, update: &MarketUpdate) {
        self.records_read = self.records_read.saturating_add(1);
        match update {
            MarketUpdate::Trade(trade) => self.fold_trade(at, trade),
            MarketUpdate::Quote(quote) => self.fold_quote(quote),
            MarketUpdate::Open(open) => self.fold_open(open),
            MarketUpdate::Bar(bar) => {
                if let Some(market) = self.markets.get_mut(bar.instrument.index()) {
                    market.bar_length = Some(bar.close_at.since(bar.open_at));
                }
                self.revalue(bar.instrument, bar.close);
            }
            // Its close is a price of then; the prices of now are told beside it.
            MarketUpdate::SignalBar(_) => {}
        }
        if self.has_held_exits() {
            self.follow_price(update);
            self.touch_exits(update.instrument());
        }
    }

    #[inline(never)]
    fn fold_open(&mut self, open: &BarOpen) {
        self.revalue(open.instrument, open.open);
        self.waiting.retain(|waiting| waiting.intent.instrument != open.instrument);
    }

    #[inline]
    fn fold_quote(&mut self, quote: &Quote) {
        if self.mark_rule != MarkRule::Trade {
            // The mid can fall between two units; it is a valuation, never a fill.
            let mid = i64::midpoint(quote.bid.units(), quote.ask.units());
            self.revalue(quote.instrument, Price::from_units(mid));
        }
    }

    #[inline]
    fn fold_trade(&mut self, at: Timestamp, trade: &Trade) {
        if self.mark_rule != MarkRule::Mid {
            self.revalue(trade.instrument, trade.price);
        }
        if self.makes_bars
            && let Some(market) = self.markets.get_mut(trade.instrument.index())
            && let Some(bars) = &mut market.bars
        {
            let taken = bars.take(at, trade);
            if taken.is_err() {
                self.found_too_large(TooLarge::BarVolume { instrument: trade.instrument, qty: trade.qty });
            }
        }
    }

    /// A later reason does not undo that a drawdown has flattened, and none hides that an amount does not fit.
    fn fold_halt(&mut self, reason: HaltReason) {
        let keeps = match (self.halt, reason) {
            (Some(HaltReason::AmountTooLarge(_)), _) => true,
            (_, HaltReason::AmountTooLarge(_)) => false,
            (Some(HaltReason::Drawdown(_)), _) => true,
            (Some(HaltReason::Operator | HaltReason::ImpossibleReport(_)) | None, _) => false,
        };
        if !keeps {
            self.halt = Some(reason);
        }
    }

    /// Remembers an amount of a market that does not fit. Once is enough: while that halt stands, more of the same
    /// says nothing new.
    #[cold]
    pub(super) fn found_too_large(&mut self, what: TooLarge) {
        if !matches!(self.halt, Some(HaltReason::AmountTooLarge(_))) {
            self.impossible = Some(HaltReason::AmountTooLarge(what));
        }
    }

    /// Moves the mark and with it the equity. Where they do not fit both stay, so that they belong together.
    #[inline]
    fn revalue(&mut self, instrument: InstrumentId, mark: Price) {
        let Some(market) = self.markets.get_mut(instrument.index()) else { return };
        let value = market.value_per_unit;
        if value == 0 {
            market.mark = Some(mark);
            return;
        }
        let gain = gain(market.mark.unwrap_or(mark), mark, value);
        let Some(equity) = gain.and_then(|gain| self.equity.plus(gain)) else {
            return self.found_too_large(TooLarge::Position { instrument, mark });
        };
        market.mark = Some(mark);
        self.equity = equity;
        self.judge_extremes();
    }

    #[inline]
    pub(super) fn judge_extremes(&mut self) {
        if self.equity > self.extremes.peak {
            self.extremes.peak = self.equity;
            self.extremes.trough = self.equity;
            self.extremes.halt_level = None;
        } else if self.equity < self.extremes.trough {
            self.extremes.trough = self.equity;
            if self.extremes.halt_level.is_none() {
                // A level that does not fit lies below every equity that does.
                let fall = self.extremes.peak.times(self.drawdown_max);
                self.extremes.halt_level = fall.and_then(|fall| self.extremes.peak.minus(fall));
            }
        }
    }

    fn fold_bar_closed(&mut self, bar: &Bar) {
        if let Some(market) = self.markets.get_mut(bar.instrument.index())
            && let Some(bars) = &mut market.bars
        {
            bars.announce();
        }
    }

    fn fold_submission(&mut self, at: Timestamp, submission: &Submission) {
        let order = submission.order.clone();
        assert_eq!(order.id, self.next_order_id(), "orders are numbered without gaps");
        self.last_order = order.id;
        while self.order_times.front().is_some_and(|time| at.since(*time) >= Span::MINUTE) {
            self.order_times.pop_front();
        }
        self.order_times.push_back(at);
        self.last_refusal = None;
        self.forget_refused_close(&order);
        let open = OpenOrder {
            status: Status::Submitted,
            filled: Qty::ZERO,
            fees: Money::ZERO,
            submitted_at: at,
            trades: Vec::new(),
            amended_to: None,
            is_superseded: false,
            order,
        };
        self.note_submission(open.order.id);
        self.note_exit_placed(at, &open.order);
        self.orders.insert(open);
    }

    fn fold_command(&mut self, command: OperatorCommand) {
        match command {
            OperatorCommand::Resume => {}
            OperatorCommand::Halt => self.drop_waiting_entries(),
            OperatorCommand::Flatten => self.begin_flattening(FlatReason::Operator),
        }
    }

    /// What was about to be ordered is new risk too; what was about to be closed is less.
    fn drop_waiting_entries(&mut self) {
        self.waiting.retain(|waiting| waiting.intent.reach == Reach::ReduceOnly);
    }

    /// After a halt the drawdown is counted anew from where equity stands.
    fn fold_resumed(&mut self) {
        self.halt = None;
        self.extremes.peak = self.equity;
        self.extremes.trough = self.equity;
        self.extremes.halt_level = None;
    }

    pub(super) fn fold_execution(&mut self, at: Timestamp, report: &ExecutionReport) {
        if self.is_repeated(report) {
            return;
        }
        if self.is_behind(report) {
            return self.resolve(report.order);
        }
        self.note_close(at, report);
        let exit = self.exit_reported_on(report);
        match report.execution {
            Execution::Accepted => self.change(report.order, Change::Accept),
            Execution::Rejected(_) => self.change(report.order, Change::Reject),
            Execution::Triggered => self.change(report.order, Change::Trigger),
            Execution::Cancelled => self.change(report.order, Change::Cancel),
            Execution::Expired => self.change(report.order, Change::Expire),
            Execution::Filled(fill) => self.fold_fill(report.order, report.venue_at, &fill),
            Execution::Amended(qty) => self.fold_amended(report.order, qty),
        }
        self.resolve(report.order);
        self.settle_exits(at, report, exit);
        self.settle_flattening();
        if !self.unsent.is_empty() {
            self.settle_unsent();
        }
    }

    /// A confirmation may cross a fill or the end of its order on the way. Of an order that has traded as much by then it
    /// says that nothing is left; of one that is over, nothing new.
    fn fold_amended(&mut self, id: OrderId, qty: Qty) {
        let Some(open) = self.orders.get_mut(id).filter(|open| open.amended_to.is_some()) else { return };
        if qty > open.filled {
            open.order.qty = qty;
            open.amended_to = open.amended_to.filter(|asked| *asked != qty);
        } else if qty == open.filled {
            let family = [open.order.sibling, open.order.parent];
            self.change(id, Change::FillRest);
            self.supersede(family);
        }
    }

    /// What a leg that is done supersedes: the venue ends its sibling, we end what is left of its entry.
    pub(super) fn supersede(&mut self, family: [Option<OrderId>; 2]) {
        for member in family.into_iter().flatten() {
            if let Some(member) = self.orders.get_mut(member) {
                member.is_superseded = true;
            }
        }
    }

    /// Moves an order along its table; what the table does not allow is remembered as impossible.
    pub(super) fn change(&mut self, id: OrderId, change: Change) {
        let next = self.orders.get(id).and_then(|open| open.status.after(change));
        match (next, self.orders.get_mut(id)) {
            (Some(status), Some(_)) if status.is_final() => {
                let Some(mut over) = self.orders.remove(id) else { return };
                let trades = core::mem::take(&mut over.trades);
                trades.into_iter().for_each(|trade| self.remember_trade(id, trade));
                self.note_end(OpenOrder { status, ..over });
            }
            (Some(status), Some(open)) => open.status = status,
            (None, _) | (_, None) => self.impossible = Some(HaltReason::ImpossibleReport(id)),
        }
    }

    /// What equity is when added up from the books; equals [`State::equity`] at every event.
    #[must_use]
    pub fn equity_from_books(&self) -> Option<Money> {
        let mut equity = self.ledger.cash();
        for id in self.instrument_ids() {
            let held = self.ledger.position(id).qty;
            if !held.is_zero() {
                equity = equity.plus(self.instrument(id)?.notional(self.mark(id)?, held)?)?;
            }
        }
        Some(equity)
    }
}
