//! The fast path of a market record gives the answers of the full one.

use proptest::prelude::{prop, proptest};

use super::*;
use crate::event::{Execution, ExecutionReport};
use crate::fill::{Fill, Liquidity};
use crate::instrument::InstrumentId;
use crate::intent::{CancelIntent, Intent, OrderIntent, Size};
use crate::market::{Aggressor, Bar, Quote, Side, Trade};
use crate::num::{Price, Qty, Ratio};
use crate::order::OrderId;
use crate::risk::HaltAction;

pub(super) const ONLY: InstrumentId = InstrumentId::new(0);

/// Buys, sells and changes its mind by the last price.
struct Restless(i64);

impl crate::strategy::Strategy for Restless {
    fn observe(&mut self, _at: Timestamp, event: &Event) {
        self.0 = match event {
            Event::Input(Input::Market(MarketUpdate::Trade(trade))) => trade.price.units(),
            Event::Input(Input::Market(MarketUpdate::Bar(bar))) => bar.close.units(),
            Event::Input(_) | Event::Output(_) => self.0,
        };
    }

    fn propose(&self, view: &View<'_>) -> Vec<Intent> {
        let side = if view.position(ONLY).is_positive() { Side::Sell } else { Side::Buy };
        match self.0 % 5 {
            0 | 1 => {
                vec![OrderIntent::market(ONLY, side, Size::Units(Qty::from_units(2_000)), "by five").into()]
            }
            2 => {
                let order = self.0.unsigned_abs() % 7;
                vec![Intent::Cancel(CancelIntent { order: OrderId::new(order), because: Default::default() })]
            }
            _ => Vec::new(),
        }
    }
}

/// A core that trades by `strategy`, halts after a fall of 1 % of its 1 000 and flattens then.
pub(super) fn core(strategy: impl crate::strategy::Strategy + 'static) -> Core {
    let rules = crate::sample::instrument([2, 3], 1, 1);
    let limits = RiskLimits {
        drawdown_max: Ratio::from_units(1_000_000),
        halt_action: HaltAction::Flatten,
        ..RiskLimits::default()
    };
    let config = CoreConfig {
        instruments: vec![rules],
        capital: Money::from_units(1_000 * 10_i128.pow(18)),
        bars: None,
        mark: crate::mark::MarkRule::Newest,
        timing: Timing::Immediate,
        wait_bars_max: 5,
        limits,
        watch: None,
    };
    Core::new(config, Box::new(strategy))
}

pub(super) fn market(kind: u8, at: Timestamp, units: i64) -> MarketUpdate {
    let (price, qty) = (Price::from_units(units), Qty::from_units(1_000));
    let trade = Trade { instrument: ONLY, venue_at: at, price, qty, aggressor: Aggressor::Unknown };
    let quote = Quote { instrument: ONLY, venue_at: at, bid: price, bid_qty: qty, ask: price, ask_qty: qty };
    let (open_at, close_at) = (at, at);
    let bar = Bar {
        instrument: ONLY,
        open_at,
        close_at,
        open: price,
        high: price,
        low: price,
        close: price,
        volume: qty,
        trades: 1,
    };
    match kind {
        0 => MarketUpdate::Quote(quote),
        1 => MarketUpdate::Bar(bar),
        _ => MarketUpdate::Trade(trade),
    }
}

/// The report that fills the order of `output`, if it is one.
pub(super) fn fill(at: Timestamp, output: &Output, units: i64) -> Option<Input> {
    let Output::OrderSubmitted(submission) = output else { return None };
    let fill = Fill {
        trade: crate::fill::TradeId::default(),
        price: Price::from_units(units),
        qty: submission.order.qty,
        fee: Money::ZERO,
        liquidity: Liquidity::Taker,
    };
    let report =
        ExecutionReport { order: submission.order.id, venue_at: at, execution: Execution::Filled(fill) };
    Some(Input::Execution(report))
}

/// Plays `ticks` through both ways; answers how many orders and halts there were.
fn played(ticks: impl IntoIterator<Item = (u8, i64)>) -> (usize, usize) {
    let (mut short, mut long) = (core(Restless(0)), core(Restless(0)));
    let (mut orders, mut halts) = (0, 0);
    for (second, (kind, units)) in (1..).zip(ticks) {
        let at = Timestamp::from_nanos(second * 1_000_000_000);
        let mut inputs = vec![Input::Market(market(kind, at, units))];
        while let Some(input) = inputs.pop() {
            let event = Event::Input(input.clone());
            let outputs = short.decide(at, &event);
            assert_eq!(outputs, long.decide_input(at, &event, &input));
            assert_eq!(short.digest(), long.digest());
            orders += outputs.iter().filter(|output| matches!(output, Output::OrderSubmitted(_))).count();
            halts += outputs.iter().filter(|output| matches!(output, Output::TradingHalted(_))).count();
            inputs.extend(outputs.iter().filter_map(|output| fill(at, output, units)));
        }
    }
    (orders, halts)
}

proptest! {
    #[test]
    fn a_record_is_answered_alike_on_both_paths(ticks in prop::collection::vec((0_u8..5, 9_000_i64..11_000), 1..300)) {
        played(ticks);
    }
}

#[test]
fn a_fall_halts_alike_on_both_paths() {
    let falling = (0..200_u8).map(|step| (step % 5, 11_000 - i64::from(step) * 9));
    let (orders, halts) = played(falling);
    assert!(orders > 1 && halts == 1, "{orders} orders, {halts} halts");
}
