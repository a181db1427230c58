//! What an event says, in one sentence.

use engine_core::event::{ClockStep, Event, Execution, ExecutionReport, Input, Output, SessionMark};
use engine_core::instrument::InstrumentId;
use engine_core::intent::Intent;
use engine_core::intent::OrderIntent;
use engine_core::intent::Size;
use engine_core::market::{Bar, MarketUpdate, Side};
use engine_core::order::{Bracket, BracketStop, Order, OrderKind, Reach};
use engine_core::time::Span;
use replay_simulation::backtest::recorder::refusal_name;
use strategies::settings::ratio_text;

use super::account::{account_line, difference_line};
use super::conductor::inference_line;
use super::{Numbers, Renderer};
use engine_application::amount::money;
use engine_application::wiring::halt::halt_words;

impl Renderer<'_> {
    /// What an event says.
    #[must_use]
    pub fn sentence(&self, event: &Event) -> String {
        match event {
            Event::Input(Input::Session(SessionMark::Opened(manifest))) => {
                let data: Vec<&str> = manifest.datasets.iter().map(|data| data.name.as_str()).collect();
                let made_up = if manifest.synthetic { ", SYNTHETIC" } else { "" };
                let capital = money(manifest.capital);
                format!(
                    "{} of {} over {}, capital {capital}{made_up}",
                    manifest.mode,
                    manifest.strategy,
                    data.join(" ")
                )
            }
            Event::Input(Input::Session(SessionMark::Closed)) => "the session is over".to_owned(),
            Event::Input(Input::Session(SessionMark::Interrupted)) => {
                "the operator ended the session before its data ended".to_owned()
            }
            Event::Input(Input::Session(SessionMark::Resumed)) => "the operator goes on".to_owned(),
            Event::Input(Input::Market(update)) => self.numbers.market_line(update),
            Event::Input(Input::Feed(status)) => {
                format!("{} {:?}", self.numbers.symbol(status.instrument), status.condition).to_lowercase()
            }
            Event::Input(Input::Execution(report)) => self.report_line(report),
            Event::Input(Input::Operator(command)) => format!("{command:?}").to_lowercase(),
            Event::Input(Input::EffectFailed(failed)) => {
                format!("{:?} could not be sent: {}", failed.act, failed.reason)
            }
            Event::Input(Input::Deadline) => "the time asked for has come".to_owned(),
            Event::Input(Input::Inference(setup)) => inference_line(setup),
            Event::Input(Input::History(past)) => {
                format!("of the past: {}", self.numbers.bar_line(&past.bar))
            }
            Event::Input(Input::Clock(step)) => clock_line(*step),
            Event::Input(Input::DataFault(fault)) => self.numbers.fault_line(fault),
            Event::Input(Input::Listing(change)) => self.numbers.listing_line(change),
            Event::Input(Input::Account(event)) => account_line(&self.numbers, event),
            Event::Input(Input::Conductor(decision)) => self.numbers.decision_line(decision),
            Event::Output(output) => self.output_line(output),
        }
    }

    fn report_line(&self, report: &ExecutionReport) -> String {
        let order = report.order.number();
        match report.execution {
            Execution::Filled(fill) => match self.instrument_of(report.order) {
                Some(id) => format!(
                    "order {order}: {} {} at {}, fee {}, {:?}",
                    self.numbers.qty(id, fill.qty),
                    self.numbers.symbol(id),
                    self.numbers.price(id, fill.price),
                    money(fill.fee),
                    fill.liquidity
                ),
                None => format!("order {order}: {} units, fee {}", fill.qty.units(), money(fill.fee)),
            },
            Execution::Rejected(reason) => format!("order {order}: {reason:?}"),
            Execution::Amended(qty) => match self.instrument_of(report.order) {
                Some(id) => format!("order {order} works for {}", self.numbers.qty(id, qty)),
                None => format!("order {order} works for {} units", qty.units()),
            },
            Execution::Accepted | Execution::Triggered | Execution::Cancelled | Execution::Expired => {
                format!("order {order}")
            }
        }
    }

    fn output_line(&self, output: &Output) -> String {
        match output {
            Output::BarClosed(bar) => self.numbers.bar_line(bar),
            Output::Signalled(intent) => self.numbers.intent_line(intent),
            Output::Postponed(intent) => {
                format!("{}, once the exits that hold it have ended", self.numbers.intent_line(intent))
            }
            Output::OrderSubmitted(submission) => {
                let order = self.numbers.order_line(&submission.order);
                format!("{order} because {}", submission.because.reason)
            }
            Output::OrderRefused(refused) => {
                let intent = match &refused.intent {
                    Intent::Place(intent) => self.numbers.intent_line(intent),
                    Intent::Cancel(cancel) => format!("cancel order {}", cancel.order.number()),
                };
                format!("{}: {intent}", refusal_name(&refused.reason))
            }
            Output::CancelRequested(request) => {
                format!("order {} because {}", request.order.number(), request.because.reason)
            }
            Output::AmendRequested(request) => {
                let qty = match self.instrument_of(request.order) {
                    Some(id) => self.numbers.qty(id, request.qty),
                    None => format!("{} units", request.qty.units()),
                };
                format!("order {} to {qty} because {}", request.order.number(), request.because.reason)
            }
            Output::TradingHalted(reason) => halt_words(reason),
            Output::FlatWanted(reason) => format!("every position is closed: {}", reason.words()),
            Output::TradingResumed => "trading goes on".to_owned(),
            Output::CheckpointTaken(digest) => format!("state {digest}"),
            Output::RegimeChanged(change) => self.numbers.regime_line(change),
            Output::GapFound(gap) => self.numbers.gap_line(gap),
            Output::ConductorConsulted(question) => self.numbers.question_line(question),
            Output::ConductorMissed(missed) => {
                format!(
                    "question {}: no answer in time, risk scale {}",
                    missed.question.0,
                    ratio_text(missed.risk_scale)
                )
            }
            Output::AccountDiffers(difference) => difference_line(difference),
            Output::AccountAgrees => "books and venue say the same of the account".to_owned(),
            Output::OrderResolved(resolution) => {
                format!("order {}: {}", resolution.order.number(), resolution.fate.words())
            }
        }
    }
}

impl Numbers<'_> {
    fn market_line(&self, update: &MarketUpdate) -> String {
        match update {
            MarketUpdate::Trade(trade) => {
                let id = trade.instrument;
                format!("{} {} at {}", self.symbol(id), self.qty(id, trade.qty), self.price(id, trade.price))
            }
            MarketUpdate::Quote(quote) => {
                let id = quote.instrument;
                format!("{} {} / {}", self.symbol(id), self.price(id, quote.bid), self.price(id, quote.ask))
            }
            MarketUpdate::Open(open) => {
                format!(
                    "{} opens at {}",
                    self.symbol(open.instrument),
                    self.price(open.instrument, open.open)
                )
            }
            MarketUpdate::Bar(bar) | MarketUpdate::SignalBar(bar) => self.bar_line(bar),
        }
    }

    pub(super) fn bar_line(&self, bar: &Bar) -> String {
        let price = |price| self.price(bar.instrument, price);
        format!(
            "{} open {} high {} low {} close {} volume {}",
            self.symbol(bar.instrument),
            price(bar.open),
            price(bar.high),
            price(bar.low),
            price(bar.close),
            self.qty(bar.instrument, bar.volume)
        )
    }

    fn intent_line(&self, intent: &OrderIntent) -> String {
        let id = intent.instrument;
        let size = match intent.size {
            Size::Units(qty) => self.qty(id, qty),
            Size::Notional(amount) => format!("{} worth of", money(amount)),
            Size::FreeShare(share) => format!("{} of equity, as far as it is free, in", ratio_text(share)),
            Size::EquityShare(share) => format!("{} of equity in", ratio_text(share)),
            Size::Position => "the position in".to_owned(),
        };
        format!(
            "{} {size} {}{}{}{} because {}",
            side(intent.side),
            self.symbol(id),
            self.kind_words(id, intent.kind),
            reach(intent.reach),
            self.bracket_words(id, intent.bracket),
            intent.because.reason
        )
    }

    /// An order in words.
    #[must_use]
    pub fn order_line(&self, order: &Order) -> String {
        let id = order.instrument;
        format!(
            "order {}: {} {} {}{}{}{}",
            order.id.number(),
            side(order.side),
            self.qty(id, order.qty),
            self.symbol(id),
            self.kind_words(id, order.kind),
            reach(order.reach),
            self.bracket_words(id, order.bracket)
        )
    }

    fn kind_words(&self, id: InstrumentId, kind: OrderKind) -> String {
        match kind {
            OrderKind::Market => " at the market".to_owned(),
            OrderKind::Limit(price) => format!(" at {} or better", self.price(id, price)),
            OrderKind::StopMarket(trigger) => format!(" with a stop at {}", self.price(id, trigger)),
            OrderKind::StopLimit(prices) => format!(
                " with a stop at {} and a limit of {}",
                self.price(id, prices.trigger),
                self.price(id, prices.limit)
            ),
            OrderKind::TrailingStop(share) => format!(" with a stop trailing by {}", ratio_text(share)),
        }
    }

    fn bracket_words(&self, id: InstrumentId, bracket: Option<Bracket>) -> String {
        let Some(Bracket { stop_loss, take_profit }) = bracket else { return String::new() };
        let stop = match stop_loss {
            BracketStop::None => String::new(),
            BracketStop::At(price) => format!(", stop loss {}", self.price(id, price)),
            BracketStop::Trailing(share) => format!(", stop trailing by {}", ratio_text(share)),
        };
        let take = take_profit.map(|price| format!(", take profit {}", self.price(id, price)));
        format!("{stop}{}", take.unwrap_or_default())
    }
}

const fn side(side: Side) -> &'static str {
    match side {
        Side::Buy => "buy",
        Side::Sell => "sell",
    }
}

const fn reach(reach: Reach) -> &'static str {
    match reach {
        Reach::Any => "",
        Reach::ReduceOnly => ", only to reduce",
    }
}

/// A step of the clock, in words.
fn clock_line(step: ClockStep) -> String {
    let ClockStep { by, followed } = step;
    let back = Span::from_nanos(by.nanos().saturating_neg());
    match (by.is_positive(), followed.is_positive()) {
        (true, true) => {
            format!("the wall clock went forward by {by}; the time of the run follows by {followed}")
        }
        (true, false) => format!("the wall clock went forward by {by}; the time of the run was ahead of it"),
        (false, _) => format!("the wall clock went back by {back}; the time of the run goes on"),
    }
}
