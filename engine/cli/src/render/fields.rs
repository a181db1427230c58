//! What an event says, as JSON with decimals as text.

use engine_core::event::{
    Event, Execution, ExecutionReport, FeedCondition, Input, Output, SessionMark, Submission,
};
use engine_core::instrument::InstrumentId;
use engine_core::market::{Bar, MarketUpdate};
use engine_core::order::{Bracket, Order, OrderKind, TimeInForce};
use engine_core::risk::{HaltReason, Refusal};
use engine_core::strategy::{Intent, OrderIntent, Size};
use serde_json::{Value, json};
use strategies::settings::ratio_text;

use super::{Numbers, Renderer, hex, money};
use crate::moment::moment_text;

impl Renderer<'_> {
    /// What an event says.
    #[must_use]
    pub fn fields(&self, event: &Event) -> Value {
        match event {
            Event::Input(Input::Session(SessionMark::Opened(manifest))) => {
                let mut document = json!(manifest);
                let config: Option<Value> = serde_json::from_str(&manifest.config_json).ok();
                if let Some(table) = document.as_object_mut() {
                    table.insert("capital".to_owned(), json!(money(manifest.capital)));
                    table.insert("config_json".to_owned(), config.unwrap_or_default());
                    let datasets = manifest.datasets.iter().map(|dataset| {
                        json!({
                            "name": dataset.name,
                            "count": dataset.count,
                            "digest": hex(&dataset.digest),
                            "first": dataset.first,
                            "last": dataset.last,
                        })
                    });
                    table.insert("datasets".to_owned(), datasets.collect());
                }
                document
            }
            Event::Input(Input::Session(SessionMark::Closed) | Input::Deadline | Input::Operator(_)) => {
                json!({})
            }
            Event::Input(Input::Market(update)) => self.numbers.market(update),
            Event::Input(Input::Feed(status)) => {
                let condition = match status.condition {
                    FeedCondition::Connected => "connected",
                    FeedCondition::Gap => "gap",
                    FeedCondition::Lost => "lost",
                };
                json!({ "instrument": self.numbers.symbol(status.instrument), "condition": condition })
            }
            Event::Input(Input::Execution(report)) => self.report(report),
            Event::Output(output) => self.output(output),
        }
    }

    fn report(&self, report: &ExecutionReport) -> Value {
        let mut document = json!({
            "order": report.order.number(),
            "venue_at": moment_text(report.venue_at),
        });
        let Some(table) = document.as_object_mut() else { return document };
        let id = self.instrument_of(report.order);
        if let Some(id) = id {
            table.insert("instrument".to_owned(), json!(self.numbers.symbol(id)));
        }
        match report.execution {
            Execution::Filled(fill) => {
                let (price, qty) = match id {
                    Some(id) => (self.numbers.price(id, fill.price), self.numbers.qty(id, fill.qty)),
                    None => (format!("{} units", fill.price.units()), format!("{} units", fill.qty.units())),
                };
                table.insert("price".to_owned(), json!(price));
                table.insert("qty".to_owned(), json!(qty));
                table.insert("fee".to_owned(), json!(money(fill.fee)));
                table.insert("liquidity".to_owned(), json!(fill.liquidity));
            }
            Execution::Rejected(reason) => {
                table.insert("reason".to_owned(), json!(reason));
            }
            Execution::Accepted | Execution::Triggered | Execution::Cancelled | Execution::Expired => {}
        }
        document
    }

    fn output(&self, output: &Output) -> Value {
        match output {
            Output::BarClosed(bar) => self.numbers.bar(bar),
            Output::Signalled(intent) => self.numbers.intent(intent),
            Output::OrderSubmitted(submission) => self.numbers.submission(submission),
            Output::OrderRefused(refused) => json!({
                "intent": match &refused.intent {
                    Intent::Place(intent) => self.numbers.intent(intent),
                    Intent::Cancel(cancel) => json!({ "cancel": cancel.order.number() }),
                },
                "reason": self.refusal(&refused.reason),
            }),
            Output::CancelRequested(request) => {
                json!({ "order": request.order.number(), "because": request.because.reason })
            }
            Output::TradingHalted(reason) => halt_document(reason),
            Output::TradingResumed => json!({}),
            Output::CheckpointTaken(digest) => json!({ "digest": digest.to_string() }),
        }
    }

    fn refusal(&self, reason: &Refusal) -> Value {
        json!({ "kind": replay::backtest::recorder::refusal_name(reason), "detail": reason })
    }
}

impl Numbers<'_> {
    fn market(&self, update: &MarketUpdate) -> Value {
        match update {
            MarketUpdate::Trade(trade) => json!({
                "instrument": self.symbol(trade.instrument),
                "venue_at": moment_text(trade.venue_at),
                "price": self.price(trade.instrument, trade.price),
                "qty": self.qty(trade.instrument, trade.qty),
                "aggressor": trade.aggressor,
            }),
            MarketUpdate::Quote(quote) => json!({
                "instrument": self.symbol(quote.instrument),
                "venue_at": moment_text(quote.venue_at),
                "bid": self.price(quote.instrument, quote.bid),
                "bid_qty": self.qty(quote.instrument, quote.bid_qty),
                "ask": self.price(quote.instrument, quote.ask),
                "ask_qty": self.qty(quote.instrument, quote.ask_qty),
            }),
            MarketUpdate::Open(open) => json!({
                "instrument": self.symbol(open.instrument),
                "open_at": moment_text(open.open_at),
                "open": self.price(open.instrument, open.open),
            }),
            MarketUpdate::Bar(bar) => self.bar(bar),
        }
    }

    fn bar(&self, bar: &Bar) -> Value {
        let price = |price| self.price(bar.instrument, price);
        json!({
            "instrument": self.symbol(bar.instrument),
            "open_at": moment_text(bar.open_at),
            "close_at": moment_text(bar.close_at),
            "open": price(bar.open),
            "high": price(bar.high),
            "low": price(bar.low),
            "close": price(bar.close),
            "volume": self.qty(bar.instrument, bar.volume),
            "trades": bar.trades,
        })
    }

    /// A wish, with its numbers as text.
    #[must_use]
    pub fn intent(&self, intent: &OrderIntent) -> Value {
        let size = match intent.size {
            Size::Units(qty) => json!({ "units": self.qty(intent.instrument, qty) }),
            Size::Notional(amount) => json!({ "notional": money(amount) }),
            Size::EquityShare(share) => json!({ "equity_share": ratio_text(share) }),
            Size::Position => json!("position"),
        };
        json!({
            "instrument": self.symbol(intent.instrument),
            "side": intent.side,
            "size": size,
            "type": self.kind(intent.instrument, intent.kind),
            "tif": tif(intent.tif),
            "posting": intent.posting,
            "reach": intent.reach,
            "bracket": self.bracket(intent.instrument, intent.bracket),
            "because": intent.because.reason,
        })
    }

    fn submission(&self, submission: &Submission) -> Value {
        let mut document = self.order(&submission.order);
        if let Some(table) = document.as_object_mut() {
            table.insert("because".to_owned(), json!(submission.because.reason));
        }
        document
    }

    /// An order, with its numbers as text.
    #[must_use]
    pub fn order(&self, order: &Order) -> Value {
        json!({
            "order": order.id.number(),
            "instrument": self.symbol(order.instrument),
            "side": order.side,
            "qty": self.qty(order.instrument, order.qty),
            "type": self.kind(order.instrument, order.kind),
            "tif": tif(order.tif),
            "posting": order.posting,
            "reach": order.reach,
            "bracket": self.bracket(order.instrument, order.bracket),
            "parent": order.parent.map(engine_core::order::OrderId::number),
            "sibling": order.sibling.map(engine_core::order::OrderId::number),
            "decided_price": self.price(order.instrument, order.decided_price),
        })
    }

    fn kind(&self, id: InstrumentId, kind: OrderKind) -> Value {
        match kind {
            OrderKind::Market => json!({ "market": null }),
            OrderKind::Limit(price) => json!({ "limit": self.price(id, price) }),
            OrderKind::StopMarket(trigger) => json!({ "stop": self.price(id, trigger) }),
            OrderKind::StopLimit(prices) => {
                json!({ "stop": self.price(id, prices.trigger), "limit": self.price(id, prices.limit) })
            }
            OrderKind::TrailingStop(share) => json!({ "trailing": ratio_text(share) }),
        }
    }

    fn bracket(&self, id: InstrumentId, bracket: Option<Bracket>) -> Value {
        let Some(Bracket { stop_loss, take_profit }) = bracket else { return Value::Null };
        let price = |price: Option<_>| price.map(|price| self.price(id, price));
        json!({ "stop_loss": price(stop_loss), "take_profit": price(take_profit) })
    }
}

fn tif(tif: TimeInForce) -> Value {
    match tif {
        TimeInForce::Gtc => json!("gtc"),
        TimeInForce::Ioc => json!("ioc"),
        TimeInForce::Fok => json!("fok"),
        TimeInForce::Gtd(until) => json!({ "gtd": moment_text(until) }),
    }
}

/// Why trading stands still.
#[must_use]
pub fn halt_document(reason: &HaltReason) -> Value {
    use engine_core::num::Money;
    match reason {
        HaltReason::Drawdown(breach) => json!({
            "reason": "drawdown",
            "equity": money(Money::from_units(breach.observed)),
            "halt_level": money(Money::from_units(breach.limit)),
        }),
        HaltReason::Operator => json!({ "reason": "operator" }),
        HaltReason::ImpossibleReport(order) => {
            json!({ "reason": "impossible_report", "order": order.number() })
        }
    }
}
