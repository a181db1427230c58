//! Why an order came to other money in real trading than in its backtest, cause by cause.
//!
//! What an order is worth to a run at its end is what it changed the cash by and what it changed the position by at the last
//! price. The difference of two such sums is divided: first what was traded in one run alone, fees and all; of what was traded in
//! both, the fees; then the price, of which latency is how far the market had moved between the two trades, and slippage the
//! rest. The parts of an order always add up to its difference.

use engine_core::instrument::Instrument;
use engine_core::market::Side;
use engine_core::num::{Money, Price, Qty};
use engine_core::order::OrderKind;

use super::order_facts::OrderFacts;

/// Why an order came to other money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// The market moved between the two trades.
    Latency,
    /// The market stood as it did, and another price was paid.
    Slippage,
    /// Another fee was charged.
    Fee,
    /// More or less of the order was traded.
    Queue,
    /// The order was for another quantity, as the runs had other money by then.
    Size,
    /// The gate refused it.
    Refused,
    /// The venue refused it, or it never left.
    Rejected,
    /// The backtest alone ordered it.
    Missed,
    /// The backtest did not order it.
    Extra,
}

impl Cause {
    /// All of them, in the order they are told.
    pub const ALL: [Self; 9] = [
        Self::Latency,
        Self::Slippage,
        Self::Fee,
        Self::Queue,
        Self::Size,
        Self::Refused,
        Self::Rejected,
        Self::Missed,
        Self::Extra,
    ];

    /// It in a word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Latency => "latency",
            Self::Slippage => "slippage",
            Self::Fee => "fee",
            Self::Queue => "queue",
            Self::Size => "size",
            Self::Refused => "refused",
            Self::Rejected => "rejected",
            Self::Missed => "missed",
            Self::Extra => "extra",
        }
    }
}

/// Money with its cause.
pub type Part = (Cause, Money);

/// An order with the price at which its market stood when it traded, where that is known.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stood<'a> {
    pub(super) order: &'a OrderFacts,
    pub(super) price: Option<Price>,
}

/// The parts of the difference between an order and its like; `None` where an amount does not fit.
pub(super) fn between(
    run: Stood<'_>,
    backtest: Stood<'_>,
    rules: &Instrument,
    last: Price,
) -> Option<Vec<Part>> {
    let difference = worth(run.order, rules, last)?.minus(worth(backtest.order, rules, last)?)?;
    let common = run.order.filled.min(backtest.order.filled);
    if common.is_zero() {
        return Some(vec![(one_sided(run.order, backtest.order), difference)]);
    }
    let shared = |order: &OrderFacts, amount: Money| match common == order.filled {
        true => Some(amount),
        false => amount.share(common, order.filled),
    };
    let less = |amount: fn(&OrderFacts, &Instrument, Price) -> Option<Money>| {
        let of = |order: &OrderFacts| shared(order, amount(order, rules, last)?);
        of(backtest.order)?.minus(of(run.order)?)
    };
    let (fee, price) = (less(charged)?, less(|order, _, _| Some(order.paid))?);
    let quantity = difference.minus(fee)?.minus(price)?;
    let latency = moved(run, backtest, rules, common)?;
    let slippage = price.minus(latency)?;
    let quantity_cause = match run.order.qty == backtest.order.qty {
        true => Cause::Queue,
        false => Cause::Size,
    };
    let parts = [
        (Cause::Latency, latency),
        (Cause::Slippage, slippage),
        (Cause::Fee, fee),
        (quantity_cause, quantity),
    ];
    Some(parts.into_iter().filter(|(_, money)| !money.is_zero()).collect())
}

/// The one part of an order that one run alone has.
pub(super) fn alone(order: &OrderFacts, cause: Cause, rules: &Instrument, last: Price) -> Option<Vec<Part>> {
    let worth = worth(order, rules, last)?;
    let money = if cause == Cause::Extra { worth } else { worth.negated()? };
    Some(vec![(cause, money)])
}

/// What an order is worth to its run at the end.
fn worth(order: &OrderFacts, rules: &Instrument, last: Price) -> Option<Money> {
    order.cash.plus(rules.notional(last, order.held)?)
}

/// What an order was charged: cash beyond its price, and coins at the last price.
fn charged(order: &OrderFacts, rules: &Instrument, last: Price) -> Option<Money> {
    let coins = order.side.signed(order.filled).minus(order.held)?;
    order.cash.plus(order.paid)?.negated()?.plus(rules.notional(last, coins)?)
}

/// What the market's move between the two trades cost.
fn moved(run: Stood<'_>, backtest: Stood<'_>, rules: &Instrument, common: Qty) -> Option<Money> {
    let prices = run.price.zip(backtest.price);
    let (real, simulated) = prices.unwrap_or((run.order.decided_price, backtest.order.decided_price));
    let away = match run.order.side {
        Side::Buy => simulated.minus(real)?,
        Side::Sell => real.minus(simulated)?,
    };
    rules.notional(away, common)
}

/// Why of two orders one traded nothing.
fn one_sided(run: &OrderFacts, backtest: &OrderFacts) -> Cause {
    if run.is_rejected || backtest.is_rejected {
        return Cause::Rejected;
    }
    match run.kind {
        // A market order that has not traded yet has not had the time.
        OrderKind::Market => Cause::Latency,
        OrderKind::Limit(_)
        | OrderKind::StopMarket(_)
        | OrderKind::StopLimit(_)
        | OrderKind::TrailingStop(_) => Cause::Queue,
    }
}
