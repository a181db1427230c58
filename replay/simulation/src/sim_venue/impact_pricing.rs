//! Fills that pay for their size: takers only, once, by what the market traded, and never beyond the model's word.

use std::sync::Arc;

use engine_core::event::{Execution, RejectReason};
use engine_core::instrument::{Instrument, InstrumentId};
use engine_core::market::{Bar, Quote, Side};
use engine_core::num::{Money, Price, Qty, Ratio};
use engine_core::order::{Order, OrderId, OrderKind};
use engine_core::time::Timestamp;

use super::SimVenue;
use super::out_of_range::{at, order, trade};
use crate::config::{Costs, FillModel, VenueRules};
use crate::impact::{ImpactModel, SquareRoot, Taking};

const ONE_PERCENT: Ratio = Ratio::from_units(10_000_000);

fn square_root() -> Arc<dyn ImpactModel> {
    Arc::new(SquareRoot { coefficient: Ratio::from_units(100_000_000), max: Ratio::from_units(50_000_000) })
}

fn venue(model: FillModel, impact: Arc<dyn ImpactModel>) -> SimVenue {
    let rules = Instrument {
        venue: "test".into(),
        symbol: "X".into(),
        price_decimals: 2,
        qty_decimals: 0,
        tick: Price::from_units(1),
        lot: Qty::from_units(1),
        notional_min: Money::ZERO,
    };
    let costs = Costs { slippage: ONE_PERCENT, impact_max: impact.max(), ..Costs::default() };
    SimVenue::new(model, costs, VenueRules::default(), &[rules]).with_impact(Some(impact))
}

/// What becomes of `order` among trades of 1 000 at 100.00.
fn on_trades(impact: Arc<dyn ImpactModel>, order: Order, next: i64) -> Vec<Execution> {
    let (mut venue, mut reports) = (venue(FillModel::Trades, impact), Vec::new());
    venue.on_trade(&trade(1, 10_000), &mut reports);
    venue.arrive(at(2), order, &mut reports);
    venue.on_trade(&trade(3, next), &mut reports);
    reports.iter().map(|report| report.execution).collect()
}

fn prices(executions: &[Execution]) -> Vec<i64> {
    let price = |execution: &Execution| {
        if let Execution::Filled(fill) = execution { Some(fill.price.units()) } else { None }
    };
    executions.iter().filter_map(price).collect()
}

#[test]
fn a_taker_pays_slippage_and_the_impact_of_its_share() {
    // 10 of 1 000 are a hundredth: a tenth of 10 %, beside 1 % of slippage.
    let buy = on_trades(square_root(), order(Side::Buy, OrderKind::Market), 10_000);
    let sell = on_trades(square_root(), order(Side::Sell, OrderKind::Market), 10_000);
    assert_eq!((prices(&buy), prices(&sell)), (vec![10_200], vec![9_800]));
}

#[test]
fn a_maker_pays_none_and_a_limit_is_never_passed() {
    let resting = order(Side::Buy, OrderKind::Limit(Price::from_units(9_900)));
    assert_eq!(prices(&on_trades(square_root(), resting, 9_800)), [9_900]);
    let taking = order(Side::Buy, OrderKind::Limit(Price::from_units(10_050)));
    assert_eq!(prices(&on_trades(square_root(), taking, 10_000)), [10_050]);
}

#[test]
fn on_bars_the_volume_of_the_last_closed_bar_counts() {
    for (volume, price) in [(1_000, 10_200), (250, 10_300), (0, 10_600)] {
        let (mut venue, mut reports) = (venue(FillModel::NextOpen, square_root()), Vec::new());
        let instrument = InstrumentId::new(0);
        let units = Price::from_units(10_000);
        let (open_at, close_at) = (Timestamp::from_nanos(0), at(10));
        let bar = Bar {
            instrument,
            open_at,
            close_at,
            open: units,
            high: units,
            low: units,
            close: units,
            volume: Qty::from_units(volume),
            trades: 0,
        };
        venue.on_bar(&bar);
        venue.on_open(instrument, units);
        venue.arrive(at(11), order(Side::Buy, OrderKind::Market), &mut reports);
        let told: Vec<Execution> = reports.iter().map(|report| report.execution).collect();
        assert_eq!(prices(&told), [price], "a volume of {volume}");
    }
}

#[test]
fn a_close_at_the_end_of_data_pays_by_the_last_quote() {
    let (mut venue, mut reports) = (venue(FillModel::Quotes, square_root()), Vec::new());
    let quote = |nanos: i64, bid_qty: i64, ask_qty: i64| Quote {
        instrument: InstrumentId::new(0),
        venue_at: at(nanos),
        bid: Price::from_units(10_000),
        bid_qty: Qty::from(bid_qty),
        ask: Price::from_units(10_000),
        ask_qty: Qty::from(ask_qty),
    };
    venue.arrive(at(1), order(Side::Buy, OrderKind::Market), &mut reports);
    // 10 of the 1 000 offered to buyers; a trade beside the quotes is only seen.
    venue.on_quote(&quote(2, 40, 1_000), &mut reports);
    venue.on_quote(&quote(3, 250, 7), &mut reports);
    venue.on_trade(&trade(4, 10_000), &mut reports);
    let close = Order { id: OrderId::new(2), ..order(Side::Sell, OrderKind::Market) };
    venue.arrive(at(5), close, &mut reports);
    venue.close_out(at(6), &mut reports);
    let told: Vec<Execution> = reports.iter().map(|report| report.execution).collect();
    // 10 of the 250 that the last quote bid: a fifth of 10 %, and 1 % of slippage.
    assert_eq!(prices(&told), [10_200, 9_700]);
}

/// A model that does not keep its word.
#[derive(Debug)]
struct Wild(i64);

impl ImpactModel for Wild {
    fn max(&self) -> Ratio {
        ONE_PERCENT
    }

    fn impact(&self, _: &Taking<'_>) -> Ratio {
        Ratio::from_units(self.0)
    }
}

#[test]
fn an_answer_outside_its_bounds_fills_nothing() {
    for units in [-1, ONE_PERCENT.units() + 1, i64::MAX] {
        let told = on_trades(Arc::new(Wild(units)), order(Side::Buy, OrderKind::Market), 10_000);
        assert_eq!(told, [Execution::Accepted, Execution::Rejected(RejectReason::OutOfRange)], "{units}");
    }
    let told = on_trades(Arc::new(Wild(ONE_PERCENT.units())), order(Side::Buy, OrderKind::Market), 10_000);
    assert_eq!(prices(&told), [10_200]);
}
