//! A venue that was written down and read back goes on as the one that was not.

use engine_core::event::ExecutionReport;
use engine_core::instrument::InstrumentId;
use engine_core::market::{Aggressor, Bar, Quote, Side, Trade};
use engine_core::num::{Price, Qty, Ratio};
use engine_core::order::{Order, OrderId, OrderKind, Posting, Reach, StopLimit, TimeInForce};
use engine_core::time::{Span, Timestamp};
use proptest::prelude::*;

use super::scenario_tests::config;
use super::{Reports, SimVenue};
use crate::config::FillModel;

const ONLY: InstrumentId = InstrumentId::new(0);

/// Something the venue is told.
#[derive(Debug, Clone)]
enum Told {
    Place(Order),
    Cancel(u64),
    Amend(u64, i64),
    Market { price: i64, reach: i64, qty: i64 },
    Expire,
}

fn order(side: bool, kind: OrderKind, qty: i64, flags: (bool, bool, bool)) -> Order {
    let (gtd, post_only, reduce_only) = flags;
    Order {
        // Numbered when it is sent.
        id: OrderId::default(),
        instrument: ONLY,
        side: if side { Side::Buy } else { Side::Sell },
        qty: Qty::from(qty),
        kind,
        tif: if gtd { TimeInForce::Gtd(Timestamp::from_nanos(3_000)) } else { TimeInForce::Gtc },
        posting: if post_only { Posting::PostOnly } else { Posting::Any },
        reach: if reduce_only { Reach::ReduceOnly } else { Reach::Any },
        bracket: None,
        parent: None,
        sibling: None,
        decided_price: Price::from_units(1_000),
    }
}

fn told() -> impl Strategy<Value = Vec<Told>> {
    let price = || (900_i64..1_100).prop_map(Price::from_units);
    let kind = prop_oneof![
        Just(OrderKind::Market),
        price().prop_map(OrderKind::Limit),
        price().prop_map(OrderKind::StopMarket),
        (price(), price()).prop_map(|(trigger, limit)| OrderKind::StopLimit(StopLimit { trigger, limit })),
        (1_i64..500).prop_map(|bps| OrderKind::TrailingStop(Ratio::from_bps(bps).unwrap())),
    ];
    let flags = (prop::bool::weighted(0.2), prop::bool::weighted(0.2), prop::bool::weighted(0.2));
    let place = (any::<bool>(), kind, 1_i64..3_000, flags)
        .prop_map(|(side, kind, qty, flags)| Told::Place(order(side, kind, qty, flags)));
    let market = (900_i64..1_100, 0_i64..60, 1_i64..2_000).prop_map(|(price, reach, qty)| Told::Market {
        price,
        reach,
        qty,
    });
    let told = prop_oneof![
        4 => place,
        6 => market,
        1 => (1_u64..20).prop_map(Told::Cancel),
        1 => (1_u64..20, 1_i64..2_000).prop_map(|(id, qty)| Told::Amend(id, qty)),
        1 => Just(Told::Expire),
    ];
    prop::collection::vec(told, 1..60)
}

/// A market record under `model`: a bar, a trade or a quote.
fn on_market(
    venue: &mut SimVenue,
    model: FillModel,
    at: Timestamp,
    (price, reach, qty): (i64, i64, i64),
) -> Vec<ExecutionReport> {
    let mut reports = Reports::new();
    let [low, middle, high] = [price - reach, price, price + reach].map(Price::from_units);
    match model {
        FillModel::Trades | FillModel::AtSignal => {
            let qty = Qty::from(qty);
            let aggressor = Aggressor::Unknown;
            let trade = Trade { instrument: ONLY, venue_at: at, price: middle, qty, aggressor };
            venue.on_trade(&trade, &mut reports);
        }
        FillModel::Quotes => {
            let (bid_qty, ask_qty) = (Qty::from(qty), Qty::from(qty + 7));
            let quote = Quote { instrument: ONLY, venue_at: at, bid: low, ask: high, bid_qty, ask_qty };
            venue.on_quote(&quote, &mut reports);
        }
        FillModel::NextOpen | FillModel::SameClose => {
            let bar = Bar {
                instrument: ONLY,
                open_at: at,
                close_at: at.plus(Span::from_nanos(90)),
                open: middle,
                high,
                low,
                close: low,
                volume: Qty::from(qty),
                trades: 0,
            };
            venue.on_open(ONLY, middle);
            while venue.fill_at_open(at, ONLY, middle, &mut reports) {}
            while venue.fill_inside(at, &bar, &mut reports) {}
            venue.on_bar(&bar);
        }
    }
    reports
}

fn tell(venue: &mut SimVenue, model: FillModel, number: usize, told: &Told) -> Vec<ExecutionReport> {
    let at = Timestamp::from_nanos(number as i64 * 100);
    let mut reports = Reports::new();
    match told {
        Told::Place(order) => {
            let mut id = OrderId::default();
            (0..=number).for_each(|_| id = id.next());
            venue.arrive(at, Order { id, ..order.clone() }, &mut reports);
        }
        Told::Cancel(number) => venue.cancel(at, numbered(*number), &mut reports),
        Told::Amend(number, qty) => venue.amend(at, numbered(*number), Qty::from(*qty), &mut reports),
        Told::Market { price, reach, qty } => return on_market(venue, model, at, (*price, *reach, *qty)),
        Told::Expire => venue.expire(ONLY, at, &mut reports),
    }
    reports
}

fn numbered(number: u64) -> OrderId {
    let mut id = OrderId::default();
    (0..number).for_each(|_| id = id.next());
    id
}

fn bytes(venue: &SimVenue) -> Vec<u8> {
    bincode::serde::encode_to_vec(venue, bincode::config::standard()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_venue_read_back_after_any_message_answers_as_the_one_that_was_not(
        told in told(),
        model in prop::sample::select(vec![
            FillModel::NextOpen, FillModel::SameClose, FillModel::AtSignal, FillModel::Trades, FillModel::Quotes,
        ]),
    ) {
        let config = config(model);
        let new = || SimVenue::new(model, config.costs, config.venue, &config.instruments);
        let mut whole = new();
        let mut lived = Vec::new();
        for (number, message) in told.iter().enumerate() {
            let before = bytes(&whole);
            lived.push((before, tell(&mut whole, model, number, message)));
        }
        for (number, (written, _)) in lived.iter().enumerate() {
            let read = bincode::serde::decode_from_slice(written, bincode::config::standard());
            let (mut read, length): (SimVenue, usize) = read.unwrap();
            prop_assert_eq!(length, written.len());
            for (later, message) in told.iter().enumerate().skip(number) {
                prop_assert_eq!(&bytes(&read), &lived[later].0);
                prop_assert_eq!(&tell(&mut read, model, later, message), &lived[later].1);
            }
            prop_assert_eq!(bytes(&read), bytes(&whole));
        }
    }
}
