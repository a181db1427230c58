//! From weights to orders: brings the account to the shares of equity a model wants.
//!
//! Every order is a market order for the difference of quantities. Sales come first. Without cash for all
//! purchases each gets its part, because what a sale brings in is not there before it has filled.

use engine_core::instrument::{Instrument, InstrumentId};
use engine_core::intent::{Intent, OrderIntent, Size};
use engine_core::market::Side;
use engine_core::num::{Decimal, MONEY_DECIMALS, Money, Price, Qty};
use engine_core::order::Reach;
use engine_core::strategy::View;

/// How an account follows weights.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Rebalancing {
    /// What one unit of turnover is expected to cost, as a share.
    pub cost: f64,
    /// An account that strays from its weight by less than this share of it is left alone.
    pub band: f64,
    /// Share of the cash that is never planned with: the next open may lie above the close.
    pub cash_reserve: f64,
}

/// A weight wanted of one instrument.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TargetWeight {
    /// Of what.
    pub instrument: InstrumentId,
    /// Share of equity, at least 0.
    pub weight: f64,
    /// Whether the weight was set anew; else only a straying account is corrected.
    pub is_new: bool,
}

/// One instrument on its way to its target.
struct Rebalance<'a> {
    target: TargetWeight,
    rules: &'a Instrument,
    mark: Price,
    held: Qty,
    /// What is held, as a share of equity.
    share: f64,
}

impl Rebalancing {
    /// The orders that bring the account to `targets`; `because` words the reason, given the share held now.
    #[must_use]
    pub fn orders(
        &self,
        view: &View<'_>,
        targets: impl Iterator<Item = TargetWeight>,
        because: impl Fn(&TargetWeight, f64) -> String,
    ) -> Vec<Intent> {
        let equity = money(view.equity());
        if equity <= 0.0 {
            return Vec::new();
        }
        let rebalances: Vec<Rebalance<'_>> =
            targets.filter_map(|target| self.rebalance(view, target, equity)).collect();
        let turnover: f64 =
            rebalances.iter().map(|rebalance| (rebalance.target.weight - rebalance.share).abs()).sum();
        // The model's weights are shares of what is left after its costs.
        let budget = equity * (1.0 - self.cost * turnover).max(0.0);
        let mut intents = Vec::new();
        let mut purchases = Vec::new();
        let mut needed = 0.0;
        for rebalance in &rebalances {
            // What does not fit is asked for as the largest quantity there is, which the gate refuses.
            let change = rebalance.wanted(budget).minus(rebalance.held).unwrap_or(Qty::MAX);
            if change.is_positive() {
                needed += rebalance.value(change);
                purchases.push((rebalance, change));
            } else if let Some(sale) = rebalance.sale(change, || because(&rebalance.target, rebalance.share))
            {
                intents.push(sale.into());
            }
        }
        if purchases.is_empty() || view.state.is_halted() {
            return intents;
        }
        let part = self.affordable_part(view, needed);
        for (rebalance, change) in purchases {
            let reason = || because(&rebalance.target, rebalance.share);
            intents.extend(rebalance.purchase(change, part, reason).map(Intent::from));
        }
        intents
    }

    /// What there is to change; `None` where all is well or an order is still on its way.
    fn rebalance<'a>(&self, view: &View<'a>, target: TargetWeight, equity: f64) -> Option<Rebalance<'a>> {
        let id = target.instrument;
        let (rules, mark) = (view.instrument(id)?, view.mark(id)?);
        let held = view.position(id);
        let busy = view.open_orders(id).next().is_some()
            || view.state.waiting().any(|intent| intent.instrument == id);
        if busy || !mark.is_positive() {
            return None;
        }
        let share = rules.price_f64(mark) * rules.qty_decimal(held).to_f64() / equity;
        let is_nothing = held.is_zero() && target.weight <= 0.0;
        let is_well = is_nothing || (!target.is_new && is_within(self.band, share, target.weight));
        (!is_well).then_some(Rebalance { target, rules, mark, held, share })
    }

    /// The part of all purchases that cash can pay.
    fn affordable_part(&self, view: &View<'_>, needed: f64) -> f64 {
        let reserved = view.state.open_orders().filter(|open| open.order.side == Side::Buy);
        let reserved: f64 = reserved
            .filter_map(|open| {
                let rules = view.instrument(open.order.instrument)?;
                let mark = view.mark(open.order.instrument)?;
                Some(rules.price_f64(mark) * rules.qty_decimal(open.remaining()).to_f64())
            })
            .sum();
        let cash = money(view.state.ledger().cash()) * (1.0 - self.cash_reserve) - reserved;
        (cash / (needed * (1.0 + self.cost))).clamp(0.0, 1.0)
    }
}

impl Rebalance<'_> {
    /// The quantity whose value is the wanted share of `budget`, in whole lots; the largest there is where it does
    /// not fit.
    fn wanted(&self, budget: f64) -> Qty {
        let scale = Decimal { units: 1, decimals: self.rules.qty_decimals }.to_f64();
        let units = self.target.weight.max(0.0) * budget / self.rules.price_f64(self.mark) / scale;
        self.rules.lots_down(whole(units))
    }

    /// Value of a `change` of quantity.
    fn value(&self, change: Qty) -> f64 {
        self.rules.price_f64(self.mark) * self.rules.qty_decimal(change).to_f64()
    }

    /// `because` is worded only for an order that is made: most of what strays is less than a lot.
    fn sale(&self, change: Qty, because: impl FnOnce() -> String) -> Option<OrderIntent> {
        let id = self.target.instrument;
        if self.target.weight <= 0.0 {
            let side = if self.held.is_positive() { Side::Sell } else { Side::Buy };
            return Some(OrderIntent::close(id, side, because()));
        }
        let order = || OrderIntent::market(id, Side::Sell, Size::Units(change.magnitude()), because());
        (change.units() < 0).then(|| OrderIntent { reach: Reach::ReduceOnly, ..order() })
    }

    /// `None` where the purchase is too small for the venue: the next decision tries again.
    fn purchase(&self, change: Qty, part: f64, because: impl FnOnce() -> String) -> Option<OrderIntent> {
        let qty = if part < 1.0 { whole(change.units() as f64 * part) } else { change };
        let qty = self.rules.lots_down(qty);
        let is_small = |notional: Money| notional < self.rules.notional_min;
        let is_tradable = qty.is_positive() && !self.rules.notional(self.mark, qty).is_some_and(is_small);
        let order = || OrderIntent::market(self.target.instrument, Side::Buy, Size::Units(qty), because());
        is_tradable.then(order)
    }
}

/// The whole number of units below `units`; the largest quantity there is for what does not fit.
fn whole(units: f64) -> Qty {
    // 2^127, the first double that is no quantity.
    const END: f64 = 170_141_183_460_469_231_731_687_303_715_884_105_728.0;
    if units.abs() < END { Qty::from_units(units as i128) } else { Qty::MAX }
}

fn money(money: Money) -> f64 {
    Decimal { units: money.units(), decimals: MONEY_DECIMALS }.to_f64()
}

/// Whether two weights, neither of them nothing, differ by less than `band` of the larger.
#[must_use]
pub fn is_within(band: f64, held: f64, target: f64) -> bool {
    let larger = held.abs().max(target.abs());
    held != 0.0 && target != 0.0 && (target - held).abs() < band * larger
}
