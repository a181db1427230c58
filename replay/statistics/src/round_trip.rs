//! One closed trade, from entry to exit.

use engine_core::instrument::{Instrument, InstrumentId};
use engine_core::market::Side;
use engine_core::num::{Decimal, MONEY_DECIMALS, Money, Price, Qty};
use engine_core::order::OrderId;
use engine_core::time::{Span, Timestamp};

use super::amount::money_f64;
use super::calendar::moment_text;
use super::reason::ReasonId;

/// A lot that was opened by one fill and closed by another, in whole or in part; 112 bytes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RoundTrip {
    /// What was traded.
    pub instrument: InstrumentId,
    /// The side of the entry: buy for a long trade.
    pub side: Side,
    /// How much, always positive.
    pub qty: Qty,
    /// When the entry filled.
    pub entry_at: Timestamp,
    /// When the exit filled.
    pub exit_at: Timestamp,
    /// Price of the entry.
    pub entry_price: Price,
    /// Price of the exit.
    pub exit_price: Price,
    /// This trade's share of the fees of both fills.
    pub fees: Money,
    /// Lowest price while the trade was open, entry and exit included.
    pub lowest: Price,
    /// Highest price while the trade was open, entry and exit included.
    pub highest: Price,
    /// The order that opened it.
    pub entry_order: OrderId,
    /// The order that closed it.
    pub exit_order: OrderId,
    pub(crate) entry_reason: ReasonId,
    pub(crate) exit_reason: ReasonId,
}

impl RoundTrip {
    /// 1 for a long trade, −1 for a short one.
    const fn sign(&self) -> i128 {
        match self.side {
            Side::Buy => 1,
            Side::Sell => -1,
        }
    }

    /// `long` or `short`.
    #[must_use]
    pub const fn direction(&self) -> &'static str {
        match self.side {
            Side::Buy => "long",
            Side::Sell => "short",
        }
    }

    /// `(exit − entry) × qty`, less the fees of both fills, exact.
    #[must_use]
    pub fn profit(&self, rules: &Instrument) -> Money {
        // The book takes no fill after which the volume and the fees of all do not fit together, and this is no more
        // than its part of them: nothing saturates.
        let step = i128::from(self.exit_price.units()) - i128::from(self.entry_price.units());
        let size = self.qty.units().saturating_mul(self.sign());
        let gross = step.saturating_mul(size).saturating_mul(rules.money_factor());
        Money::from_units(gross.saturating_sub(self.fees.units()))
    }

    /// Notional at the entry.
    #[must_use]
    pub fn entry_notional(&self, rules: &Instrument) -> Money {
        // The book took the fill, so its notional fits.
        rules.notional(self.entry_price, self.qty).unwrap_or(Money::MAX)
    }

    /// Profit over entry notional, fees included: 0.01 is one per cent; zero for an entry at a price of zero.
    #[must_use]
    pub fn return_share(&self, rules: &Instrument) -> f64 {
        let notional = self.entry_notional(rules);
        if notional.is_zero() { 0.0 } else { money_f64(self.profit(rules)) / money_f64(notional.magnitude()) }
    }

    /// Time between entry and exit.
    #[must_use]
    pub const fn held(&self) -> Span {
        self.exit_at.since(self.entry_at)
    }

    /// Largest move against the trade as a share of the entry price, at most zero, fees not counted.
    #[must_use]
    pub fn adverse_excursion(&self) -> f64 {
        match self.side {
            Side::Buy => self.moved(self.lowest),
            Side::Sell => -self.moved(self.highest),
        }
    }

    /// Largest move in favour of the trade as a share of the entry price, at least zero, fees not counted.
    #[must_use]
    pub fn favourable_excursion(&self) -> f64 {
        match self.side {
            Side::Buy => self.moved(self.highest),
            Side::Sell => -self.moved(self.lowest),
        }
    }

    fn moved(&self, price: Price) -> f64 {
        if self.entry_price.is_zero() {
            return 0.0;
        }
        // Adding zero turns the −0.0 of a price that did not move into 0.0.
        (price.units() as f64 - self.entry_price.units() as f64) / self.entry_price.units() as f64 + 0.0
    }
}

/// A closed trade as people read it; every number in the units its name says.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct TradeRow {
    /// Place in the list of closed trades, from 1.
    pub number: u64,
    /// Venue and symbol of the instrument, as in `binance:BTCUSDT`.
    pub instrument: String,
    /// `long` or `short`.
    pub direction: &'static str,
    /// Quantity as a decimal.
    pub qty: String,
    /// When it was entered, RFC 3339 UTC.
    pub entry_at: String,
    /// When it was left, RFC 3339 UTC.
    pub exit_at: String,
    /// Entry price as a decimal.
    pub entry_price: String,
    /// Exit price as a decimal.
    pub exit_price: String,
    /// Profit net of both fees in the settlement currency, exact, as a decimal.
    pub profit: String,
    /// Fees of both fills in the settlement currency, exact, as a decimal.
    pub fees: String,
    /// Profit over entry notional in per cent.
    pub return_pct: f64,
    /// Largest move against it in per cent of the entry price, at most zero.
    pub mae_pct: f64,
    /// Largest move in its favour in per cent of the entry price, at least zero.
    pub mfe_pct: f64,
    /// Seconds between entry and exit.
    pub held_s: f64,
    /// Number of the order that opened it.
    pub entry_order: u64,
    /// Number of the order that closed it.
    pub exit_order: u64,
    /// Why it was entered.
    pub entry_reason: String,
    /// Why it was left.
    pub exit_reason: String,
}

/// The words for a trade: its number and its two reasons.
pub(crate) struct Words<'a> {
    pub(crate) number: u64,
    pub(crate) entry_reason: &'a str,
    pub(crate) exit_reason: &'a str,
}

impl TradeRow {
    pub(crate) fn of(trade: &RoundTrip, rules: &Instrument, words: &Words<'_>) -> Self {
        let money = |amount: Money| Decimal { units: amount.units(), decimals: MONEY_DECIMALS }.to_string();
        Self {
            number: words.number,
            instrument: format!("{}:{}", rules.venue, rules.symbol),
            direction: trade.direction(),
            qty: rules.qty_decimal(trade.qty).to_string(),
            entry_at: moment_text(trade.entry_at),
            exit_at: moment_text(trade.exit_at),
            entry_price: rules.price_decimal(trade.entry_price).to_string(),
            exit_price: rules.price_decimal(trade.exit_price).to_string(),
            profit: money(trade.profit(rules)),
            fees: money(trade.fees),
            return_pct: trade.return_share(rules) * 100.0,
            mae_pct: trade.adverse_excursion() * 100.0,
            mfe_pct: trade.favourable_excursion() * 100.0,
            held_s: trade.held().nanos() as f64 / 1e9,
            entry_order: trade.entry_order.number(),
            exit_order: trade.exit_order.number(),
            entry_reason: words.entry_reason.to_owned(),
            exit_reason: words.exit_reason.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reason::Reasons;

    #[test]
    fn a_trade_takes_the_bytes_it_says() {
        assert_eq!(size_of::<RoundTrip>(), 112);
    }

    #[test]
    fn a_short_trade_earns_the_fall_and_suffers_the_rise() {
        let rules = Instrument {
            venue: "test".into(),
            symbol: "X".into(),
            price_decimals: 2,
            qty_decimals: 1,
            tick: Price::from_units(1),
            lot: Qty::from_units(1),
            notional_min: Money::ZERO,
        };
        let reason = Reasons::default().intern("r");
        let trade = RoundTrip {
            instrument: InstrumentId::new(0),
            side: Side::Sell,
            qty: Qty::from_units(20),
            entry_at: Timestamp::from_nanos(0),
            exit_at: Timestamp::from_nanos(1_500_000_000),
            entry_price: Price::from_units(10_000),
            exit_price: Price::from_units(9_000),
            fees: Money::from_units(10_i128.pow(18)),
            lowest: Price::from_units(8_900),
            highest: Price::from_units(10_500),
            entry_order: OrderId::new(1),
            exit_order: OrderId::new(2),
            entry_reason: reason,
            exit_reason: reason,
        };
        assert_eq!(trade.profit(&rules), Money::from_units(19 * 10_i128.pow(18)));
        assert!((trade.return_share(&rules) - 0.095).abs() < 1e-15);
        assert!((trade.adverse_excursion() + 0.05).abs() < 1e-15);
        assert!((trade.favourable_excursion() - 0.11).abs() < 1e-15);
    }
}
