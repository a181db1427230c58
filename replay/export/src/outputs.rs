//! What the core concluded, as JSON with human numbers.

use engine_core::event::{Output, RefusedIntent};
use engine_core::halt::{HaltReason, TooLarge};
use engine_core::intent::{Intent, OrderIntent, Size};
use engine_core::num::{Decimal, MONEY_DECIMALS};
use engine_core::order::{Bracket, BracketStop, Order, OrderKind, TimeInForce};
use engine_core::refusal::{Breach, Refusal};
use serde_json::{Value, json};

use super::numbers::{moment, money, ratio, word};
use super::order_instruments::{OrderInstruments, Scale};
use super::{account, conductor, market};

pub(super) fn output(orders: &OrderInstruments, output: &Output) -> (&'static str, Value) {
    match output {
        Output::BarClosed(bar) => ("bar_closed", market::bar(orders, bar)),
        Output::Signalled(intent) => ("signalled", order_intent(orders, intent)),
        Output::Postponed(intent) => ("postponed", order_intent(orders, intent)),
        Output::OrderSubmitted(submission) => (
            "order_submitted",
            with(order(orders, &submission.order), "because", submission.because.reason.as_ref()),
        ),
        Output::OrderRefused(refused) => ("order_refused", refusal_of(orders, refused)),
        Output::CancelRequested(request) => (
            "cancel_requested",
            json!({
                "order": request.order.number(), "instrument": orders.order_name(request.order),
                "because": request.because.reason,
            }),
        ),
        Output::AmendRequested(request) => (
            "amend_requested",
            json!({
                "order": request.order.number(), "instrument": orders.order_name(request.order),
                "qty": orders.order_scale(request.order).qty(request.qty), "because": request.because.reason,
            }),
        ),
        Output::TradingHalted(reason) => ("trading_halted", halt(*reason)),
        Output::FlatWanted(reason) => ("flat_wanted", json!({ "reason": word(reason) })),
        Output::TradingResumed => ("trading_resumed", json!({})),
        Output::CheckpointTaken(digest) => ("checkpoint_taken", json!({ "digest": digest.to_string() })),
        Output::RegimeChanged(change) => ("regime_changed", conductor::regime_change(orders, change)),
        Output::GapFound(gap) => ("gap_found", conductor::gap(orders, gap)),
        Output::ConductorConsulted(question) => {
            ("conductor_consulted", conductor::question(orders, question))
        }
        Output::ConductorMissed(missed) => ("conductor_missed", conductor::missed(orders, missed)),
        Output::AccountDiffers(difference) => ("account_differs", account::difference(difference)),
        Output::AccountAgrees => ("account_agrees", json!({})),
        Output::OrderResolved(resolution) => {
            ("order_resolved", json!({ "order": resolution.order.number(), "fate": word(resolution.fate) }))
        }
    }
}

fn with(mut object: Value, name: &str, value: impl Into<Value>) -> Value {
    if let Some(object) = object.as_object_mut() {
        object.insert(name.to_owned(), value.into());
    }
    object
}

fn kind(scale: Scale<'_>, kind: OrderKind) -> Value {
    match kind {
        OrderKind::Market => json!({ "type": "market" }),
        OrderKind::Limit(price) => json!({ "type": "limit", "limit": scale.price(price) }),
        OrderKind::StopMarket(price) => json!({ "type": "stop_market", "trigger": scale.price(price) }),
        OrderKind::StopLimit(stop) => json!({
            "type": "stop_limit", "trigger": scale.price(stop.trigger), "limit": scale.price(stop.limit),
        }),
        OrderKind::TrailingStop(distance) => json!({ "type": "trailing_stop", "distance": ratio(distance) }),
    }
}

fn time_in_force(tif: TimeInForce) -> Value {
    match tif {
        TimeInForce::Gtc | TimeInForce::Ioc | TimeInForce::Fok => word(tif),
        TimeInForce::Gtd(until) => json!({ "gtd": moment(until) }),
    }
}

fn bracket(scale: Scale<'_>, bracket: Option<Bracket>) -> Value {
    bracket.map_or(Value::Null, |bracket| {
        let document = json!({
            "stop_loss": bracket.stop_loss.price().map(|price| scale.price(price)),
            "take_profit": bracket.take_profit.map(|price| scale.price(price)),
        });
        match bracket.stop_loss {
            BracketStop::None | BracketStop::At(_) => document,
            BracketStop::Trailing(share) => with(document, "trailing_stop", ratio(share)),
        }
    })
}

fn order(orders: &OrderInstruments, order: &Order) -> Value {
    let scale = orders.scale(order.instrument);
    json!({
        "order": order.id.number(), "instrument": orders.instrument_name(order.instrument),
        "side": word(order.side), "qty": scale.qty(order.qty), "kind": kind(scale, order.kind),
        "tif": time_in_force(order.tif), "posting": word(order.posting), "reach": word(order.reach),
        "bracket": bracket(scale, order.bracket), "parent": order.parent.map(|id| id.number()),
        "sibling": order.sibling.map(|id| id.number()), "decided_price": scale.price(order.decided_price),
    })
}

fn order_intent(orders: &OrderInstruments, intent: &OrderIntent) -> Value {
    let scale = orders.scale(intent.instrument);
    let size = match intent.size {
        Size::Units(qty) => json!({ "units": scale.qty(qty) }),
        Size::Notional(notional) => json!({ "notional": money(notional) }),
        Size::FreeShare(share) => json!({ "free_share": ratio(share) }),
        Size::EquityShare(share) => json!({ "equity_share": ratio(share) }),
        Size::Position => json!("position"),
    };
    json!({
        "instrument": orders.instrument_name(intent.instrument), "side": word(intent.side), "size": size,
        "kind": kind(scale, intent.kind), "tif": time_in_force(intent.tif), "posting": word(intent.posting),
        "reach": word(intent.reach), "bracket": bracket(scale, intent.bracket),
        "because": intent.because.reason,
    })
}

fn refusal_of(orders: &OrderInstruments, refused: &RefusedIntent) -> Value {
    let (document, scale) = match &refused.intent {
        Intent::Place(intent) => (order_intent(orders, intent), orders.scale(intent.instrument)),
        Intent::Cancel(cancel) => {
            let document = json!({ "order": cancel.order.number(), "because": cancel.because.reason });
            (document, Scale::default())
        }
    };
    with(document, "refusal", refusal(scale, refused.reason))
}

/// The unit of the two numbers of a breach.
#[derive(Debug, Clone, Copy)]
enum BreachUnit {
    Price,
    Qty,
    Money,
    Count,
    Nanos,
}

pub(super) fn refusal(scale: Scale<'_>, refusal: Refusal) -> Value {
    let (reason, breach) = match refusal {
        Refusal::Halted => ("halted", None),
        Refusal::UnknownInstrument => ("unknown_instrument", None),
        Refusal::UnknownOrder => ("unknown_order", None),
        Refusal::NoMarket => ("no_market", None),
        Refusal::FeedDown => ("feed_down", None),
        Refusal::PriceNotPositive => ("price_not_positive", None),
        Refusal::BelowLot => ("below_lot", None),
        Refusal::NothingToReduce => ("nothing_to_reduce", None),
        Refusal::Overflow => ("overflow", None),
        Refusal::NoRiskLeft => ("no_risk_left", None),
        Refusal::FlatWanted => ("flat_wanted", None),
        Refusal::NotTrading => ("not_trading", None),
        Refusal::AccountUnread => ("account_unread", None),
        Refusal::AccountDiffers => ("account_differs", None),
        Refusal::OrderUnanswered => ("order_unanswered", None),
        Refusal::WaitedTooLong(breach) => ("waited_too_long", Some((breach, BreachUnit::Nanos))),
        Refusal::NotionalTooSmall(breach) => ("notional_too_small", Some((breach, BreachUnit::Money))),
        Refusal::OrderQty(breach) => ("order_qty", Some((breach, BreachUnit::Qty))),
        Refusal::OrderNotional(breach) => ("order_notional", Some((breach, BreachUnit::Money))),
        Refusal::PriceCollar(breach) => ("price_collar", Some((breach, BreachUnit::Price))),
        Refusal::Position(breach) => ("position", Some((breach, BreachUnit::Money))),
        Refusal::Exposure(breach) => ("exposure", Some((breach, BreachUnit::Money))),
        Refusal::Balance(breach) => ("balance", Some((breach, BreachUnit::Money))),
        Refusal::ShortSale(breach) => ("short_sale", Some((breach, BreachUnit::Qty))),
        Refusal::OpenOrders(breach) => ("open_orders", Some((breach, BreachUnit::Count))),
        Refusal::OrderRate(breach) => ("order_rate", Some((breach, BreachUnit::Count))),
    };
    let Some((Breach { limit, observed }, unit)) = breach else { return json!({ "reason": reason }) };
    let decimals = match unit {
        BreachUnit::Price => scale.instrument.map_or(0, |instrument| instrument.price_decimals),
        BreachUnit::Qty => scale.instrument.map_or(0, |instrument| instrument.qty_decimals),
        BreachUnit::Money => MONEY_DECIMALS,
        BreachUnit::Count | BreachUnit::Nanos => 0,
    };
    let shown = |units| Decimal { units, decimals }.to_string();
    json!({ "reason": reason, "limit": shown(limit), "observed": shown(observed) })
}

/// What does not fit, prices and quantities in smallest units as text.
fn too_large(what: TooLarge) -> Value {
    let (amount, of, price, qty) = match what {
        TooLarge::Position { instrument, mark } => ("position", json!(instrument.index()), Some(mark), None),
        TooLarge::Fill { order, price, qty } => ("fill", json!(order.number()), Some(price), Some(qty)),
        TooLarge::BarVolume { instrument, qty } => ("bar_volume", json!(instrument.index()), None, Some(qty)),
        TooLarge::Balance => ("balance", Value::Null, None, None),
    };
    let price = price.map(|price| price.units().to_string());
    let qty = qty.map(|qty| qty.units().to_string());
    json!({ "reason": "amount_too_large", "amount": amount, "of": of, "price_units": price, "qty_units": qty })
}

fn halt(reason: HaltReason) -> Value {
    match reason {
        HaltReason::Drawdown(Breach { limit, observed }) => {
            let shown = |units| Decimal { units, decimals: MONEY_DECIMALS }.to_string();
            json!({ "reason": "drawdown", "limit": shown(limit), "observed": shown(observed) })
        }
        HaltReason::Operator => json!({ "reason": "operator" }),
        HaltReason::ImpossibleReport(order) => {
            json!({ "reason": "impossible_report", "order": order.number() })
        }
        HaltReason::AmountTooLarge(what) => too_large(what),
    }
}
