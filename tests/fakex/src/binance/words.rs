//! Binance's words for orders, and its numbers with eight places.

use crate::decimal;
use crate::instrument::Instrument;
use crate::trading::amount::Amount;
use crate::trading::order::{Kind, Life, Order, Purpose, Side, Size, Status, Terms};

pub(super) const MS_NS: i64 = 1_000_000;

pub(super) fn side(side: Side) -> &'static str {
    match side {
        Side::Buy => "BUY",
        Side::Sell => "SELL",
    }
}

/// The type of an order.
pub(super) fn kind(terms: &Terms) -> &'static str {
    match (terms.kind, terms.trigger.map(|trigger| trigger.purpose)) {
        (Kind::Market { .. }, None) => "MARKET",
        (Kind::Market { .. }, Some(Purpose::StopLoss)) => "STOP_LOSS",
        (Kind::Market { .. }, Some(Purpose::TakeProfit)) => "TAKE_PROFIT",
        (Kind::PostOnly { .. }, _) => "LIMIT_MAKER",
        (Kind::Limit { .. }, None) => "LIMIT",
        (Kind::Limit { .. }, Some(Purpose::StopLoss)) => "STOP_LOSS_LIMIT",
        (Kind::Limit { .. }, Some(Purpose::TakeProfit)) => "TAKE_PROFIT_LIMIT",
    }
}

pub(super) fn life(terms: &Terms) -> &'static str {
    match terms.kind {
        Kind::Limit { life: Life::Ioc, .. } => "IOC",
        Kind::Limit { life: Life::Fok, .. } => "FOK",
        Kind::Limit { life: Life::Gtc, .. } | Kind::PostOnly { .. } | Kind::Market { .. } => "GTC",
    }
}

pub(super) fn status(status: Status) -> &'static str {
    match status {
        Status::New => "NEW",
        Status::PartiallyFilled => "PARTIALLY_FILLED",
        Status::Filled => "FILLED",
        Status::Canceled => "CANCELED",
        Status::Expired => "EXPIRED",
        Status::ExpiredInMatch => "EXPIRED_IN_MATCH",
    }
}

/// Mode of prevention that an order has when it names none.
pub(super) const PREVENTION: &str = "EXPIRE_MAKER";

/// What stayed with an order under a name.
pub(super) fn mark<'a>(order: &'a Order, name: &str) -> Option<&'a str> {
    order.marks.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

/// The numbers of an order as they are written everywhere.
pub(super) struct Numbers {
    pub(super) quantity: String,
    pub(super) quote_quantity: String,
    pub(super) price: String,
    pub(super) stop: String,
    pub(super) filled: String,
    pub(super) filled_quote: String,
}

impl Numbers {
    pub(super) fn of(instrument: &Instrument, order: &Order) -> Self {
        let quote_quantity = match order.terms.kind {
            Kind::Market { size: Size::Quote(amount) } => amount,
            Kind::Market { size: Size::Base(_) } | Kind::Limit { .. } | Kind::PostOnly { .. } => Amount::ZERO,
        };
        Self {
            quantity: instrument.quantity8(order.quantity),
            quote_quantity: quote_quantity.to_string(),
            price: instrument.price8(order.terms.limit().unwrap_or(0)),
            stop: instrument.price8(order.terms.trigger.map_or(0, |trigger| trigger.price)),
            filled: instrument.quantity8(order.filled),
            filled_quote: order.filled_quote.to_string(),
        }
    }
}

/// A rate in millionths with eight places.
pub(super) fn rate(millionths: u32) -> String {
    decimal::text_padded(millionths, 6, 8)
}
